"""JSON values to physical values and back."""

from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsl.schema import Field, Type
from engine.values import BadValue, converter, iso_date, iso_datetime, to_json

UTC = ZoneInfo("UTC")
PARIS = ZoneInfo("Europe/Paris")


def read(type: Type, value: object, **options: object) -> object:
    return converter(Field("f", type, **options), UTC)(value)


@given(st.decimals(-(10**9), 10**9, places=2))
def test_a_number_is_read_as_the_decimal_that_was_written(written: Decimal) -> None:
    assert read(Type.NUMBER, float(written)) == int(written * 100)


def test_a_number_keeps_its_cents_where_binary_fractions_do_not() -> None:
    assert read(Type.NUMBER, 19.99) == 1999


@pytest.mark.parametrize(
    ("type", "value", "message"),
    [
        (Type.NUMBER, "12", "found text where a number is needed"),
        (Type.NUMBER, True, "found true or false where a number is needed"),
        (Type.NUMBER, 1.234, "more decimals"),
        (Type.NUMBER, 10**17, "too large"),
        (Type.NUMBER, float("nan"), "not a finite number"),
        (Type.TEXT, 5, "found a number where text is needed"),
        (Type.BOOLEAN, 1, "found a number where true or false is needed"),
        (Type.DATE, "2026-02-30", "'2026-02-30' is not a date"),
        (Type.DATE, "2026-06-30T10:00", "not a date"),
        (Type.DATETIME, "yesterday", "not a date and time"),
        (Type.DATETIME, "0001-01-01T00:00+14:00", "outside of the years 1 to 9999"),
        (Type.DATETIME, "9999-12-31T23:59:59-00:01", "outside of the years 1 to 9999"),
        (Type.TAGS, "ski", "found text where a list of texts is needed"),
        (Type.FLOAT, 10**400, "too large"),
    ],
)
def test_a_value_that_does_not_fit_says_why(type: Type, value: object, message: str) -> None:
    with pytest.raises(BadValue, match=message) as refused:
        read(type, value)
    assert refused.value.hint


@pytest.mark.parametrize(
    ("type", "value", "hint"),
    [
        (Type.DATE, "2026-02-30", "February 2026 has 28 days"),
        (Type.DATE, "31/01/2026", "write 2026-01-31"),
        (Type.DATE, "2026-01-31T10:00", "write 2026-01-31"),
        (Type.DATE, "soon", "write a calendar day as 2026-06-30"),
        (Type.DATETIME, "2026-02-30T10:00", "February 2026 has 28 days"),
        (Type.DATETIME, "2026-02-20T25:00", "write it as 2026-06-30T14:00:05Z"),
    ],
)
def test_the_hint_says_what_is_wrong_with_a_date(type: Type, value: str, hint: str) -> None:
    with pytest.raises(BadValue) as refused:
        read(type, value)
    assert hint in refused.value.hint


def test_a_choice_is_folded_to_its_option_and_a_near_miss_is_named() -> None:
    field = Field("civility", Type.CHOICE, options=("Madame", "Monsieur"))
    convert = converter(field, UTC)
    assert convert("madame") == "Madame"
    with pytest.raises(BadValue) as refused:
        convert("Madamme")
    assert refused.value.hint == "did you mean 'Madame'? The options are Madame, Monsieur"


def test_a_naive_datetime_is_in_the_workspace_zone_and_an_offset_wins() -> None:
    convert = converter(Field("at", Type.DATETIME), PARIS)
    assert iso_datetime(convert("2026-07-01T12:00")) == "2026-07-01T10:00:00Z"
    assert iso_datetime(convert("2026-07-01T12:00:00.250+05:00")) == "2026-07-01T07:00:00.250Z"


def test_tags_lose_their_duplicates_and_keep_their_order() -> None:
    assert read(Type.TAGS, ["ski", "vtt", "ski"]) == ["ski", "vtt"]


@given(st.integers(-(10**15), 10**15), st.integers(0, 6))
def test_numbers_come_back_exactly(scaled: int, decimals: int) -> None:
    shown = to_json(Field("n", Type.NUMBER, decimals), scaled)
    assert Decimal(shown) * 10**decimals == scaled


@given(st.dates())
def test_dates_come_back_exactly(day: object) -> None:
    assert iso_date(read(Type.DATE, str(day))) == str(day)
