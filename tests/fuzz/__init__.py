"""Texts that nobody would type: no crash, no hang, no lost meaning, no 500.

`arena.py` is what every text must survive; `by_coverage.py`, `by_grammar.py` and `over_http.py` make the texts.
A text that did not survive becomes a line of `finds.txt`, and is tried in every run of the tests from then on.
"""
