"""Laws of the language: pairs of expressions of which one selects what the other does, or never more.

Each law is stated by its docstring and draws an example of itself. No answer is known here: a law that is broken shows
that one of the two answers is wrong, and the oracle has no say in it.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.properties.expressions import CALENDAR_UNITS, COMPARISONS, UNITS, Writer, quoted
from tests.properties.worlds import COUNTS, MONEY, SCHEMA, TEXTS, WORDS

Example = tuple[str, str]
Law = Callable[[Writer], Example]

MIRRORED = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
PIECES = ("s", "é", "st", "FR", "ß", "oc")


def part(writer: Writer) -> str:
    return f"({writer.condition(writer.random.choice((0, 0, 1, 2)))})"


def parts(writer: Writer) -> list[str]:
    return [part(writer) for _ in range(writer.random.randrange(2, 5))]


def shuffled(writer: Writer, items: list[str]) -> list[str]:
    return writer.random.sample(items, len(items))


def number_field(writer: Writer) -> tuple[str, tuple[float, ...]]:
    return writer.random.choice((("points", COUNTS), ("balance", MONEY), ("company.size", COUNTS)))


# --- the same --------------------------------------------------------------------------------------------------


def double_negation(writer: Writer) -> Example:
    """not not x = x"""
    x = part(writer)
    return f"not not {x}", x


def de_morgan_and(writer: Writer) -> Example:
    """not (a and b) = not a or not b"""
    several = parts(writer)
    return f"not ({' and '.join(several)})", " or ".join(f"not {x}" for x in several)


def de_morgan_or(writer: Writer) -> Example:
    """not (a or b) = not a and not b"""
    several = parts(writer)
    return f"not ({' or '.join(several)})", " and ".join(f"not {x}" for x in several)


def commuted_and(writer: Writer) -> Example:
    """a and b = b and a"""
    several = parts(writer)
    return " and ".join(several), " and ".join(shuffled(writer, several))


def commuted_or(writer: Writer) -> Example:
    """a or b = b or a"""
    several = parts(writer)
    return " or ".join(several), " or ".join(shuffled(writer, several))


def commuted_quorum(writer: Writer) -> Example:
    """at least k of (a, b, c) = at least k of (c, a, b), and so the other ways to count"""
    several = parts(writer)
    how = f"{writer.random.choice(('at least', 'at most', 'exactly'))} {writer.random.randint(1, len(several))} of"
    how = writer.random.choice((how, how, how, "any of", "all of", "none of"))
    return f"{how} ({', '.join(several)})", f"{how} ({', '.join(shuffled(writer, several))})"


def distributed(writer: Writer) -> Example:
    """a and (b or c) = a and b or a and c"""
    a, b, c = part(writer), part(writer), part(writer)
    return f"{a} and ({b} or {c})", f"{a} and {b} or {a} and {c}"


def absorbed(writer: Writer) -> Example:
    """a or a and b = a"""
    a, b = part(writer), part(writer)
    return f"{a} or {a} and {b}", a


def excepted(writer: Writer) -> Example:
    """a except b = a and not b"""
    a, b = part(writer), part(writer)
    return f"{a} except {b}", f"{a} and not {b}"


def excluded_middle(writer: Writer) -> Example:
    """x or not x = everyone"""
    x = part(writer)
    return f"{x} or not {x}", "everyone"


def contradiction(writer: Writer) -> Example:
    """x and not x = nobody"""
    x = part(writer)
    return f"{x} and not {x}", "nobody"


def counted_exactly(writer: Writer) -> Example:
    """exactly k of = at least k of, except at least k + 1 of"""
    several = parts(writer)
    k, listed = writer.random.randrange(1, len(several)), f"({', '.join(several)})"
    return f"exactly {k} of {listed}", f"at least {k} of {listed} except at least {k + 1} of {listed}"


def counted_at_most(writer: Writer) -> Example:
    """at most k of = not at least k + 1 of"""
    several = parts(writer)
    k, listed = writer.random.randrange(len(several)), f"({', '.join(several)})"
    return f"at most {k} of {listed}", f"not at least {k + 1} of {listed}"


def mirrored(writer: Writer) -> Example:
    """a < b = b > a, of any two terms"""
    left, right = f"points + {writer.term()}", writer.term()
    operator = writer.random.choice(list(MIRRORED))
    return f"{left} {operator} {right}", f"{right} {MIRRORED[operator]} {left}"


def between_its_ends(writer: Writer) -> Example:
    """x between a and b = x >= a and x <= b"""
    name, values = number_field(writer)
    low, high = writer.number(values), writer.number(values)
    return f"{name} between {low} and {high}", f"{name} >= {low} and {name} <= {high}"


def below_or_not(writer: Writer) -> Example:
    """x < a or x >= a = x is set"""
    name, values = number_field(writer)
    edge = writer.number(values)
    return f"{name} < {edge} or {name} >= {edge}", f"{name} is set"


def one_of_several(writer: Writer) -> Example:
    """x in (a, b) = x = a or x = b"""
    name = writer.random.choice(("country", "name", "company.industry"))
    texts = [quoted(writer.random.choice(TEXTS)) for _ in range(3)]
    return f"{name} in ({', '.join(texts)})", " or ".join(f"{name} = {text}" for text in texts)


def tags_together(writer: Writer) -> Example:
    """x has all (a, b) = x has a and x has b; any is or"""
    name = writer.random.choice(("interests", "company.sectors"))
    tags = [quoted(writer.random.choice(WORDS)) for _ in range(3)]
    which, word = writer.random.choice((("all", " and "), ("any", " or ")))
    return f"{name} has {which} ({', '.join(tags)})", word.join(f"{name} has {tag}" for tag in tags)


def like_a_piece(writer: Writer) -> Example:
    """x like "%p%" = x contains "p"; "p%" is starts with, "%p" ends with"""
    name, piece = writer.random.choice(("country", "name")), writer.random.choice(PIECES)
    asked, pattern = writer.random.choice(
        (("contains", f"%{piece}%"), ("starts with", f"{piece}%"), ("ends with", f"%{piece}"))
    )
    return f'{name} {asked} "{piece}"', f'{name} like "{pattern}"'


def unset_is_not_set(writer: Writer) -> Example:
    """x is not set = not (x is set)"""
    name = writer.random.choice(("country", "points", "vip", "interests", "seen", "company.founded", "company"))
    return f"{name} is not set", f"not ({name} is set)"


def no_such_event(writer: Writer) -> Example:
    """did not e = did e exactly 0 times = count(e) = 0"""
    selector, window = writer.selector(), writer.windowed()
    other = (f"did {selector} exactly 0 times{window}", f"count({selector}{window}) = 0", f"not did {selector}{window}")
    return f"did not {selector}{window}", writer.random.choice(other)


def as_often_as_counted(writer: Writer) -> Example:
    """did e at least k times = count(e) >= k; exactly is ="""
    selector, window, k = writer.selector(), writer.windowed(), writer.random.randrange(1, 4)
    how, sign = writer.random.choice((("at least", ">="), ("at most", "<="), ("exactly", "="), ("more than", ">")))
    return f"did {selector} {how} {k} times{window}", f"count({selector}{window}) {sign} {k}"


def has_a_first(writer: Writer) -> Example:
    """first(e) is set = did e; so has it a last"""
    selector, window = writer.selector(), writer.windowed()
    return f"{writer.random.choice(('first', 'last'))}({selector}{window}) is set", f"did {selector}{window}"


def any_type(writer: Writer) -> Example:
    """did any event = did one of each type"""
    window = writer.windowed()
    return f"did any event{window}", " or ".join(f"did {type}{window}" for type in SCHEMA["events"])


def before_or_since(writer: Writer) -> Example:
    """did e before d or did e since d = did e"""
    selector, moment = writer.selector(), writer.random.choice((writer.day(), writer.instant(), writer.ago()))
    return f"did {selector} before {moment} or did {selector} since {moment}", f"did {selector}"


def until_or_after(writer: Writer) -> Example:
    """did not e after d, nor on d, nor before d = did not e"""
    selector, day = writer.selector(), writer.day()
    each = " and ".join(f"did not {selector} {when} {day}" for when in ("before", "on", "after"))
    return each, f"did not {selector}"


SAME: tuple[Law, ...] = (
    double_negation,
    de_morgan_and,
    de_morgan_or,
    commuted_and,
    commuted_or,
    commuted_quorum,
    distributed,
    absorbed,
    excepted,
    excluded_middle,
    contradiction,
    counted_exactly,
    counted_at_most,
    mirrored,
    between_its_ends,
    below_or_not,
    one_of_several,
    tags_together,
    like_a_piece,
    unset_is_not_set,
    no_such_event,
    as_often_as_counted,
    has_a_first,
    any_type,
    before_or_since,
    until_or_after,
)
"""Both select the same contacts."""


# --- never more ------------------------------------------------------------------------------------------------


def both_or_one(writer: Writer) -> Example:
    """a and b is within a"""
    a, b = part(writer), part(writer)
    return f"{a} and {b}", a


def one_or_either(writer: Writer) -> Example:
    """a is within a or b"""
    a, b = part(writer), part(writer)
    return a, f"{a} or {b}"


def one_more_of(writer: Writer) -> Example:
    """at least k + 1 of is within at least k of"""
    several = parts(writer)
    k, listed = writer.random.randrange(1, len(several)), f"({', '.join(several)})"
    return f"at least {k + 1} of {listed}", f"at least {k} of {listed}"


def longer_window(writer: Writer) -> Example:
    """who did e in the last n days did so in the last n + m"""
    selector, unit = writer.selector(), writer.random.choice(UNITS)
    n, m = writer.random.randrange(1, 40), writer.random.randrange(1, 40)
    often = writer.random.choice(("", "", " at least 2 times"))
    return f"did {selector}{often} in last {n} {unit}s", f"did {selector}{often} in last {n + m} {unit}s"


def longer_ago(writer: Writer) -> Example:
    """a date in the last n months lies in the last n + m"""
    name, unit = writer.random.choice(("signup", "seen", "last(open)")), writer.random.choice(UNITS[2:])
    n, m = writer.random.randrange(1, 40), writer.random.randrange(1, 40)
    return f"{name} in last {n} {unit}s", f"{name} in last {n + m} {unit}s"


def this_and_since(writer: Writer) -> Example:
    """did e this week is within did e since last week began"""
    selector, unit = writer.selector(), writer.random.choice(CALENDAR_UNITS)
    return f"did {selector} in this {unit}", f"did {selector} in last {unit} or did {selector} in this {unit}"


def more_often(writer: Writer) -> Example:
    """at least k + 1 times is within at least k times"""
    selector, window, k = writer.selector(), writer.windowed(), writer.random.randrange(4)
    return f"did {selector} at least {k + 1} times{window}", f"did {selector} at least {k} times{window}"


def narrower_event(writer: Writer) -> Example:
    """did e(with conditions) is within did e"""
    event, window = writer.random.choice(("open", "purchase", "send")), writer.windowed()
    return f"did {event}({writer.where(event)}){window}", f"did {event}{window}"


def fewer_events_to_sum(writer: Writer) -> Example:
    """the highest of some is at most the highest of all"""
    limit = writer.number(MONEY)
    return f"max(amount of {writer.selector('purchase')}) > {limit}", f"max(amount of purchase) > {limit}"


def higher_bar(writer: Writer) -> Example:
    """x > a + 1 is within x > a, of any number"""
    name, values = writer.random.choice((number_field(writer), writer.number_aggregate()))
    bar = writer.random.choice(values)
    operator = writer.random.choice((">", ">="))
    return f"{name} {operator} {bar + 1}", f"{name} {operator} {bar}"


def larger_cut(writer: Writer) -> Example:
    """top n is within top n + 1; so are bottom and random"""
    x, n = part(writer), writer.random.randrange(1, 12)
    key = writer.random.choice(("points", "balance", "seen", "count(open)", "sum(amount of purchase)"))
    before, after = writer.random.choice(((f"top {n}", f"by {key}"), (f"bottom {n}", f"by {key}"), ("random", "")))
    if before == "random":
        return f'{x} random {n} seed "s"', f'{x} random {n + 1} seed "s"'
    return f"{x} {before} {after}", f"{x} {before.split()[0]} {n + 1} {after}"


def larger_sample(writer: Writer) -> Example:
    """a sample of fewer is within one of more, drawn with the same seed"""
    fewer, more = sorted(writer.random.sample((0, 1, 5, 10, 33.3, 50, 75, 99.9, 100), 2))
    return f'sample {fewer}% seed "s"', f'sample {more}% seed "s"'


def longer_gap(writer: Writer) -> Example:
    """who followed within n hours followed within n + m"""
    first, second, unit = writer.selector(), writer.selector(), writer.random.choice(UNITS[:6])
    n, m = writer.random.randrange(1, 60), writer.random.randrange(1, 60)
    return f"did {first} then {second} within {n} {unit}s", f"did {first} then {second} within {n + m} {unit}s"


def longer_silence(writer: Writer) -> Example:
    """who did not follow within n + m hours did not within n"""
    first, second, unit = writer.selector(), writer.selector(), writer.random.choice(UNITS[:6])
    n, m = writer.random.randrange(1, 60), writer.random.randrange(1, 60)
    return f"did {first} then not {second} within {n + m} {unit}s", f"did {first} then not {second} within {n} {unit}s"


def fewer_steps(writer: Writer) -> Example:
    """did a then b then c is within did a then b, and that within did a"""
    a, b, c = writer.selector(), writer.selector(), writer.selector()
    return writer.random.choice(
        ((f"did {a} then {b} then {c}", f"did {a} then {b}"), (f"did {a} then {b}", f"did {a} and did {b}"))
    )


def more_spans(writer: Writer) -> Example:
    """in at least k + 1 of last n weeks is within at least k of last n; n spans are among n + 1"""
    selector, unit = writer.selector(), writer.random.choice(UNITS[2:6])
    spans = writer.random.randrange(2, 8)
    k = writer.random.randrange(1, spans)
    looser = writer.random.choice((f"{k} of last {spans}", f"{k + 1} of last {spans + 1}"))
    return f"did {selector} in at least {k + 1} of last {spans} {unit}s", f"did {selector} in at least {looser} {unit}s"


def start_is_a_piece(writer: Writer) -> Example:
    """starts with p is within contains p, and equal is within both"""
    name, piece = writer.random.choice(("country", "name")), quoted(writer.random.choice((*TEXTS, *PIECES)))
    fits = [f"{name} = {piece}", f"{name} starts with {piece}", f"{name} contains {piece}"]
    first, second = sorted(writer.random.sample(range(3), 2))
    return fits[first], fits[second]


def exact_is_equal(writer: Writer) -> Example:
    """is exactly is within ="""
    text = quoted(writer.random.choice(TEXTS))
    return f"country is exactly {text}", f"country = {text}"


def rules_narrow_the_parent(writer: Writer) -> Example:
    """what the rules of a child select is within the members of its parent"""
    return 'matches segment "child"', 'in segment "rules"'


def no_comparison_of_nothing(writer: Writer) -> Example:
    """what compares with a value has one"""
    name, values = number_field(writer)
    return f"{name} {writer.random.choice(COMPARISONS[2:])} {writer.number(values)}", f"{name} is set"


WITHIN: tuple[Law, ...] = (
    both_or_one,
    one_or_either,
    one_more_of,
    longer_window,
    longer_ago,
    this_and_since,
    more_often,
    narrower_event,
    fewer_events_to_sum,
    higher_bar,
    larger_cut,
    larger_sample,
    longer_gap,
    longer_silence,
    fewer_steps,
    more_spans,
    start_is_a_piece,
    exact_is_equal,
    rules_narrow_the_parent,
    no_comparison_of_nothing,
)
"""The first selects no contact that the second does not: what somebody who loosens a rule relies on."""
