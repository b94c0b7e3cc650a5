"""The vocabulary of the generated data, read from words.txt."""

from __future__ import annotations

from functools import cache
from itertools import product
from pathlib import Path

_LINES = Path(__file__).with_suffix(".txt").read_text().splitlines()
_WORDS = {name: words for name, *words in map(str.split, _LINES) if name != "#"}

COUNTRIES = _WORDS["countries"]
LANGUAGES = _WORDS["languages"]
FIRST_NAMES = _WORDS["first_names"]
LAST_NAMES = _WORDS["last_names"]
DOMAINS = _WORDS["domains"]
INTERESTS = _WORDS["interests"]
CATEGORIES = _WORDS["categories"]
SECTORS = _WORDS["sectors"]
FORMS = _WORDS["forms"]
CITIES_A_COUNTRY = 60
PRODUCTS = [f"P{number:05d}" for number in range(2_000)]
CAMPAIGNS = [f"{theme} {number}" for number, theme in product(range(1, 31), _WORDS["themes"])]


@cache
def cities() -> list[str]:
    """`CITIES_A_COUNTRY` names for each country, in the order of the countries."""
    names = [(a + b).capitalize() for a, b in product(_WORDS["syllables"], repeat=2)]
    return [f"{names[number]} {country}" for country in COUNTRIES for number in range(CITIES_A_COUNTRY)]


@cache
def urls() -> list[str]:
    """Pages of a shop: landing pages first, then products."""
    pages = ["/", "/pricing", "/blog", "/contact", "/cart", "/checkout", "/account", "/help"]
    return pages + [f"/{category}/{number}" for number, category in product(range(200), CATEGORIES)]
