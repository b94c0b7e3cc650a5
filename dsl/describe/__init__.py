"""Description: surface tree -> one sentence in English or French. Needs no data; a schema lends its labels.

`language.py` says what a language is made of, `english.py` and `french.py` are its words as tables, `times.py` puts
dates and periods in words, and `sentence.py` walks the tree.
"""

from collections.abc import Mapping

from dsl.describe.english import ENGLISH
from dsl.describe.french import FRENCH
from dsl.describe.language import Code, Language
from dsl.describe.sentence import describe

LANGUAGES: Mapping[str, Language] = {language.code: language for language in (ENGLISH, FRENCH)}
"""Every language, by its ISO 639 code."""

__all__ = ["ENGLISH", "FRENCH", "LANGUAGES", "Code", "Language", "describe"]
