"""What SQL has no function for, as macros: the workspace's calendar, exact fractions, stable draws.

A value that a macro needs several times is bound once, as the element of a list that a lambda looks at.
"""

from __future__ import annotations

from tests.duck.sql import text


def bound(value: str, expression: str) -> str:
    """`expression` over `x`, which stands for `value`."""
    return f"list_transform([{value}], lambda x: {expression})[1]"


LOCAL = "local(moment) as timezone({zone}, moment)"
"""The wall clock in the workspace's zone."""

INSTANT = "instant(wall) as {earliest}"
"""The moment of a wall clock: the first of two, which ICU gives the last of; a skipped one moves on by the gap."""

TWICE = ("2 hours", "1 hour", "30 minutes")
"""By how much clocks are put back."""

DATES = (
    # 29 February falls on the 28th in common years, as DuckDB's own addition of years has it.
    "annual(day, year_wanted) as (day + to_years((year_wanted - year(day))::INTEGER))::DATE",
    """has_anniversary(day, first, last) as len(list_filter(
        range(year(first), year(last) + 1),
        lambda y: annual(day, y) >= first and annual(day, y) < last)) > 0""",
    """years_since(day, today) as
        year(today) - year(day) - case when annual(day, year(today)) > today then 1 else 0 end""",
)

RATIOS = (
    # Lowest terms, a positive denominator; missing for nothing and for a division by zero. Overflow is an error.
    "ratio(n, d) as "
    + bound(
        "{'n': (n)::HUGEINT, 'd': (d)::HUGEINT}",
        """case when x.n is null or x.d is null or x.d = 0 then null else {
            'n': sign(x.d)::HUGEINT * (x.n // gcd(x.n, x.d)), 'd': abs(x.d) // gcd(x.n, x.d)} end""",
    ),
    "ratio_sum(a, b) as " + bound("{'a': a, 'b': b}", "ratio(x.a.n * x.b.d + x.b.n * x.a.d, x.a.d * x.b.d)"),
    "ratio_difference(a, b) as " + bound("{'a': a, 'b': b}", "ratio(x.a.n * x.b.d - x.b.n * x.a.d, x.a.d * x.b.d)"),
    "ratio_product(a, b) as " + bound("{'a': a, 'b': b}", "ratio(x.a.n * x.b.n, x.a.d * x.b.d)"),
    "ratio_quotient(a, b) as " + bound("{'a': a, 'b': b}", "ratio(x.a.n * x.b.d, x.a.d * x.b.n)"),
    "ratio_order(a, b) as " + bound("{'a': a, 'b': b}", "sign(x.a.n * x.b.d - x.b.n * x.a.d)"),
    "ratio_float(a) as " + bound("a", "x.n::DOUBLE / x.d::DOUBLE"),
)

DRAWS = (
    "low_bits(wide) as ((wide) % 18446744073709551616::UHUGEINT)::UBIGINT",
    "mixed(z, shift, factor) as low_bits(xor(z, z >> shift)::UHUGEINT * factor::UHUGEINT)",
    # SplitMix64's finaliser over the exclusive or of two fingerprints.
    "draw(contact, seed) as "
    + bound(
        """mixed(
            mixed(low_bits(xor(contact, seed)::UHUGEINT + 11400714819323198485::UHUGEINT), 30, 13787848793156543929),
            27, 10723151780598845931)""",
        "xor(x, x >> 31)",
    ),
)


MACROS = (*DATES, *RATIOS, *DRAWS)


def calendar_of(zone: str) -> tuple[str, str]:
    """The macros of a workspace in `zone`."""
    earliest = " ".join(
        f"when timezone({text(zone)}, x - INTERVAL '{back}') = wall then x - INTERVAL '{back}'" for back in TWICE
    )
    first = bound(f"timezone({text(zone)}, wall)", f"case {earliest} else x end")
    return LOCAL.format(zone=text(zone)), INSTANT.format(earliest=first)
