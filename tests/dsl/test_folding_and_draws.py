from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from dsl.draw import draw, fingerprint, share_limit
from dsl.folding import fold


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_folding_twice_is_folding_once(text):
    assert fold(fold(text)) == fold(text)


@given(st.text(st.characters(max_codepoint=0x24F, exclude_categories=["Cs"])))
def test_case_does_not_count(text):
    assert fold(text) == fold(text.casefold())


def test_draws_never_change():
    assert fingerprint("c1") == 5653263758500360259
    assert [draw(fingerprint(contact), fingerprint("spring")) % 100 for contact in ("c1", "c2", "é")] == [42, 5, 9]


def test_a_share_of_contacts_is_about_that_share():
    seed, limit = fingerprint("spring"), share_limit(Fraction(1, 10))
    drawn = sum(draw(fingerprint(f"c{n}"), seed) < limit for n in range(10_000))
    assert 850 < drawn < 1150
    assert share_limit(Fraction(0)) == 0
    assert share_limit(Fraction(1)) == 2**64
