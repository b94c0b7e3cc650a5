"""The words of English. What is *marked* is plural."""

from __future__ import annotations

import re
from decimal import Decimal

from dsl.describe.language import Code, Language, Noun, Said, Units
from dsl.moments import Unit
from dsl.tree import Bound, Comparator, Moment, Quantifier, TextTest, When, Which
from dsl.typed import AggregateFunction, CutKind, Operator, Part

_AN = re.compile(r"[“‹]?(?!uni[^mn]|us[aeu]|eu|one\b|onc)([aeiou]|hour|hono|heir)", re.IGNORECASE)
_PLURAL = re.compile(r"(?!(.*\b)?(expires|gps|news|pays|sms)$).*[^aiosu']s", re.IGNORECASE)
"""Points and interests are; status, address, analysis, Texas and news are not."""


def _number(number: Decimal) -> str:
    return f"{number:,f}"


def _is_one(number: Decimal) -> bool:
    return number == 1


def _is_marked(name: str) -> bool:
    return _PLURAL.fullmatch(name) is not None


def _article(text: str) -> str:
    return f"an {text}" if _AN.match(text) else f"a {text}"


def _day(day: int, month: str, year: int) -> str:
    return f"{day} {month} {year}"


def _calendar(which: Which, unit: Unit) -> str:
    return f"{which} {unit}"


def _rolling(which: Which, count: str, one: bool, unit: Unit) -> str:
    return f"the {which} {unit}" if one else f"the {which} {count} {unit}s"


MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

ENGLISH = Language(
    code=Code.ENGLISH,
    quotes=("“", "”"),
    templates={
        Said.CONTACTS: "contacts {clause}",
        Said.EVERYONE: "all contacts",
        Said.NOBODY: "no contacts",
        Said.AMONG_THEM: "among {contacts}, {chosen}",
        CutKind.TOP: "the [one|{count}] {clause}",
        CutKind.BOTTOM: "the [one|{count}] {clause}",
        CutKind.RANDOM: "[one|{count}] drawn at random with the seed {seed}",
        Said.POSSESSED: "whose {term} {predicate}",
        Said.CONCERNED: "for [whom|which] {term} {predicate}",
        Said.WHOEVER: "whoever they are",
        Said.NO_ONE: "who do not exist",
        Said.OUTSIDE: "[who are |]not among those ({clause})",
        Said.BUT_NOT: "{clause}, but not {those}",
        Said.NOR_THOSE: " nor ",
        Said.NEXT_GROUP: "; ",
        Said.THOSE: "those {clause}",
        Said.GROUPS: "[who belong|belonging] to {count} of these groups ({groups})",
        Quantifier.ANY: "[who belong|belonging] to at least one of these groups ({groups})",
        Quantifier.ALL: "[who belong|belonging] to all of these groups ({groups})",
        Quantifier.NONE: "[who belong|belonging] to none of these groups ({groups})",
        Bound.AT_LEAST: "at least {count}",
        Bound.AT_MOST: "at most {count}",
        Bound.EXACTLY: "exactly {count}",
        Bound.MORE: "more than {count}",
        Bound.FEWER: "fewer than {count}",
        Bound.BETWEEN: "between {count} and {high}",
        Said.SOME: "at least one {event}",
        Said.ZERO: "who had no {events}",
        Said.ONE_EVENT: "{name} event",
        Said.MANY_EVENTS: "{name} events",
        Said.ONE_ANY_EVENT: "event",
        Said.MANY_ANY_EVENTS: "events",
        Said.REGULARLY: "{events} in {count} of {period}",
        Said.THEN: ", followed by {event:a}{within}",
        Said.NOT_FOLLOWED: ", not followed by {event:a}{within}",
        Said.WITHIN: " within {duration}",
        Said.FIELD: "{name}",
        Said.THE_FIELD: "{their} {field}",
        Said.FIELD_OF: "{owner}’s {field}",
        Said.THE_FIELD_OF: "{their} {owner}’s {field}",
        Said.THE: "the {term}",
        Said.SAME: "the {name} of the earlier step",
        Said.BUCKET: "bucket out of {buckets} drawn with the seed {seed}",
        Said.MINUS: "minus {term}",
        Said.CONDITION: "the condition ({clause})",
        Said.YES: "true",
        Said.NO: "false",
        Said.VALUE: "value",
        Said.ANNIVERSARY: "anniversary of {term}",
        AggregateFunction.COUNT: "number of {events}",
        AggregateFunction.SUM: "total {property} of {events}",
        AggregateFunction.AVG: "average {property} of {events}",
        AggregateFunction.MIN: "lowest {property} of {events}",
        AggregateFunction.MAX: "highest {property} of {events}",
        AggregateFunction.DISTINCT: "number of different {property} values of {events}",
        AggregateFunction.FIRST: "first {event}",
        AggregateFunction.LAST: "last {event}",
        Part.YEAR: "year of {term}",
        Part.MONTH: "month of {term}",
        Part.DAY: "day of the month of {term}",
        Part.WEEKDAY: "weekday of {term}",
        Part.HOUR: "hour of {term}",
        Part.YEARS_SINCE: "number of years since {term}",
        Said.INSTANT: "{day} at {time}",
        Said.AGO: "{duration} ago",
        Said.AHEAD: "{duration} from now",
        Said.THE_MOMENT_AGO: "{duration} ago",
        Said.THE_MOMENT_AHEAD: "{duration} from now",
        Said.EARLIER_THAN_AGO: "more than {duration} ago",
        Said.SINCE_AGO: "at most {duration} ago",
        Said.LATER_THAN_AGO: "less than {duration} ago",
        Said.EARLIER: "{duration} before {time}",
        Said.LATER: "{duration} after {time}",
    },
    pairs={
        Said.MEMBER: ("who are in the segment {segment}", "who are not in the segment {segment}"),
        Said.RULES: (
            "who match the rules of the segment {segment}",
            "who do not match the rules of the segment {segment}",
        ),
        Said.SAMPLED: (
            "who are in the {percent}% sample drawn with the seed {seed}",
            "who are not in the {percent}% sample drawn with the seed {seed}",
        ),
        Said.DID: ("who had {events}", "who did not have {events}"),
        Said.SEQUENCE: ("who had {first:a}{then}", "who did not have {first:a}{then}"),
        Said.TRUE: ("[is|are] true", "[is|are] not true"),
        Said.FALSE: ("[is|are] false", "[is|are] not false"),
        Said.KNOWN: ("[is|are] known", "[is|are] not known"),
        Said.BETWEEN: ("[is|are] between {low} and {high}", "[is|are] not between {low} and {high}"),
        Said.HIGHEST: ("[is|are] highest", "[is|are] not highest"),
        Said.LOWEST: ("[is|are] lowest", "[is|are] not lowest"),
        Said.FALLS: ("[falls|fall] {when}", "[does|do] not fall {when}"),
        Said.EXACTLY: ("[is|are] exactly {value}", "[is|are] not exactly {value}"),
        Said.ONE_OF: ("[is|are] {values}", "[is|are] neither {values}"),
        Said.IN_LIST: ("[is|are] among {value}", "[is|are] not among {value}"),
        Said.MATCHES: (
            "[matches|match] the regular expression {value}",
            "[does|do] not match the regular expression {value}",
        ),
        Said.MATCHES_ANY_CASE: (
            "[matches|match] the regular expression {value} in any case",
            "[does|do] not match the regular expression {value} in any case",
        ),
        Said.INCLUDES: ("[includes|include] {value}", "[does|do] not include {value}"),
        Quantifier.ANY: ("[includes|include] at least one of {value}", "[does|do] not include any of {value}"),
        Quantifier.ALL: ("[includes|include] all of {value}", "[does|do] not include all of {value}"),
        Quantifier.NONE: ("[includes|include] none of {value}", "[includes|include] at least one of {value}"),
        Comparator.EQUAL: ("[is|are] {value}", "[is|are] not {value}"),
        Comparator.LESS: ("[is|are] less than {value}", "[is|are] not less than {value}"),
        Comparator.LESS_EQUAL: ("[is|are] at most {value}", "[is|are] not at most {value}"),
        Comparator.GREATER: ("[is|are] more than {value}", "[is|are] not more than {value}"),
        Comparator.GREATER_EQUAL: ("[is|are] at least {value}", "[is|are] not at least {value}"),
        TextTest.CONTAINS: ("[contains|contain] {value}", "[does|do] not contain {value}"),
        TextTest.STARTS: ("[starts|start] with {value}", "[does|do] not start with {value}"),
        TextTest.ENDS: ("[ends|end] with {value}", "[does|do] not end with {value}"),
        TextTest.LIKE: ("[fits|fit] the pattern {value}", "[does|do] not fit the pattern {value}"),
    },
    chronology={
        Comparator.EQUAL: ("[is|are] {value}", "[is|are] not {value}"),
        Comparator.LESS: ("[is|are] before {value}", "[is|are] not before {value}"),
        Comparator.LESS_EQUAL: ("[is|are] on or before {value}", "[is|are] not on or before {value}"),
        Comparator.GREATER: ("[is|are] after {value}", "[is|are] not after {value}"),
        Comparator.GREATER_EQUAL: ("[is|are] on or after {value}", "[is|are] not on or after {value}"),
    },
    operators={
        Operator.ADD: "plus",
        Operator.SUBTRACT: "minus",
        Operator.MULTIPLY: "times",
        Operator.DIVIDE: "divided by",
    },
    timings={
        When.IN: "during {time}",
        When.ON: "on {time}",
        When.SINCE: "since {time}",
        When.BEFORE: "before {time}",
        When.AFTER: "after {time}",
        When.BETWEEN: "between {time} and {last}",
    },
    limits={When.SINCE: "from {time} on"},
    properties={
        AggregateFunction.FIRST: "{property} of the first {event}",
        AggregateFunction.LAST: "{property} of the last {event}",
    },
    owned=frozenset(AggregateFunction) - {AggregateFunction.FIRST, AggregateFunction.LAST},
    marked=frozenset(),
    conjunction=" and ",
    disjunction=" or ",
    neither=(", ", " nor "),
    contact_nouns={"created": Noun("creation time"), "updated": Noun("last update")},
    event_nouns={"at": Noun("time")},
    units={unit: Units(unit.value, f"{unit}s") for unit in Unit},
    months=MONTHS,
    weekdays=WEEKDAYS,
    moments={moment: moment.value for moment in Moment},
    joints={"a": _article},
    number=_number,
    is_one=_is_one,
    is_marked=_is_marked,
    day=_day,
    on_day="on {time}",
    in_month="in {time}",
    in_rolling="in {time}",
    calendar=_calendar,
    rolling=_rolling,
    possessive=("their", "its"),
)
