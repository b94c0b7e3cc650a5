"""Random expressions, as text, over the schema of `worlds`. Everything a user can write should be reachable."""

from __future__ import annotations

import json
from dataclasses import dataclass
from random import Random

from dsl.moments import Clock
from tests.oracle import calendar
from tests.properties.worlds import AMOUNTS, COUNTS, DYADIC, MONEY, SCHEMA, TEXTS, WORDS, Json

SEGMENTS = ("hand", "rules", "child")
PATTERNS = ("^F", "r$", "^[a-z]+$", "é", " ", "(?:BE|FR)", "[^a-z]", "a.b", "o+", "^$", "")
LETTERS = ("^F", "r$", "é", "SO")
"""Patterns on whose case-insensitive form RE2 and Python agree: no ranges, which Python folds further."""
LIKES = ("%", "F_", "%e%", "a%b", "_", "__", "soc%", "%é", "", "f%r")
UNITS = ("second", "minute", "hour", "day", "week", "month", "year")
CALENDAR_UNITS = ("week", "month", "year")
COMPARISONS = ("=", "!=", "<", "<=", ">", ">=")
DEPTHS = (0, 0, 1, 1, 1, 2, 2, 3)
"""Of conditions inside conditions."""


def quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def name_of(field: str) -> str:
    return field if field.isidentifier() else f"`{field}`"


@dataclass
class Writer:
    """Draws expressions whose moments lie around `clock`."""

    random: Random
    clock: Clock

    def expression(self) -> str:
        text = self.condition(self.random.choice(DEPTHS))
        if self.random.random() < 0.03:
            return f"({text}) {self.cut()}"
        return text

    def cut(self) -> str:
        count = self.random.choice((1, 2, 5, 1000))
        match self.random.randrange(3):
            case 0:
                return f"top {count} by {self.random.choice(('points', 'balance', 'height', 'signup', 'count(open)'))}"
            case 1:
                return (
                    f"bottom {count} by {self.random.choice(('points', 'credit', 'seen', 'sum(amount of purchase)'))}"
                )
            case _:
                return f'random {count} seed "{self.word()}"'

    # --- combining --------------------------------------------------------------------------------------

    def condition(self, depth: int) -> str:
        if depth == 0:
            return self.leaf()
        parts = [self.condition(self.random.randrange(depth)) for _ in range(self.random.randrange(2, 5))]
        match self.random.randrange(7):
            case 0 | 1:
                return " and ".join(f"({part})" for part in parts)
            case 2 | 3:
                return " or ".join(f"({part})" for part in parts)
            case 4:
                return f"not ({parts[0]})"
            case 5:
                return f"({parts[0]}) except ({parts[1]})"
            case _:
                if self.random.random() < 0.2:
                    parts.append(parts[0])
                return self.quorum(parts)

    def quorum(self, parts: list[str]) -> str:
        listed = ", ".join(parts)
        how = self.random.choice(("at least", "at most", "exactly", "any", "all", "none"))
        if how in ("any", "all", "none"):
            return f"{how} of ({listed})"
        lowest = 1 if how == "at least" else 0
        return f"{how} {self.random.randint(lowest, len(parts))} of ({listed})"

    def leaf(self) -> str:
        roll = self.random.random()
        if roll < 0.34:
            return self.field_test(SCHEMA["contacts"], "")
        if roll < 0.40:
            return self.field_test(SCHEMA["companies"], "company.")
        if roll < 0.66:
            return self.did()
        if roll < 0.84:
            return self.aggregate_test()
        if roll < 0.89:
            word = self.random.choice(("in", "in", "not in", "matches"))
            key = self.random.choice(SEGMENTS)
            return f'not in segment "{key}"' if word == "not in" else f'{word} segment "{key}"'
        if roll < 0.92:
            return f'sample {self.random.choice((0, 1, 10, 33.3, 50, 99.9, 100))}% seed "{self.word()}"'
        if roll < 0.94:
            return self.random.choice(
                ("everyone", "nobody", "id = 'c1'", 'id in ("c1", "C2", "zz")', 'id ends with "3"')
            )
        if roll < 0.97:
            return self.term_test()
        return self.random.choice((self.sequence, self.regularity, self.anniversary))()

    def word(self) -> str:
        return self.random.choice(("spring", "x", "é"))

    # --- fields -----------------------------------------------------------------------------------------

    def field_test(self, fields: Json, owner: str) -> str:
        field = self.random.choice(sorted(fields))
        name = owner + name_of(field)
        if self.random.random() < 0.08:
            return f"{name} is {self.random.choice(('set', 'not set', 'known', 'unknown'))}"
        return self.value_test(name, fields[field])

    def value_test(self, name: str, declared: Json) -> str:
        match declared["type"]:
            case "text":
                return self.text_test(name)
            case "choice":
                return self.choice_test(name, declared["options"])
            case "number":
                return self.number_test(name, COUNTS if declared.get("decimals") == 0 else MONEY)
            case "float":
                return self.number_test(name, DYADIC)
            case "boolean":
                return self.random.choice((name, f"not {name}", f"{name} = true", f"{name} = false", f"{name} != true"))
            case "date":
                return self.date_test(name)
            case "datetime":
                return self.moment_test(name)
            case "tags":
                return self.tags_test(name)
            case other:
                raise TypeError(f"no such type: {other}")

    def text(self) -> str:
        return quoted(self.random.choice(TEXTS))

    def texts(self) -> str:
        return f"({', '.join(self.text() for _ in range(self.random.randrange(1, 4)))})"

    def no(self) -> str:
        return self.random.choice(("", "", "not "))

    def text_test(self, name: str) -> str:
        choice, no = self.random.choice, self.no()
        piece = quoted(choice((*TEXTS, "s", "é", "st", "FR")))
        return choice(
            (
                f"{name} {choice(('=', '!='))} {self.text()}",
                f"{name} is {no}exactly {self.text()}",
                f"{name} {no}in {self.texts()}",
                f"{name} {no}contains {piece}",
                f"{name} {no}starts with {piece}",
                f"{name} {no}ends with {piece}",
                f"{name} {no}like {quoted(choice(LIKES))}",
                f'{name} {no}matches "{choice(PATTERNS)}"',
                f"{name} {no}matches /{choice(LETTERS)}/{choice(('', 'i'))}",
            )
        )

    def choice_test(self, name: str, options: list[str]) -> str:
        some = ", ".join(quoted(self.random.choice(options)) for _ in range(2))
        return self.random.choice(
            (
                f"{name} {self.random.choice(('=', '!='))} {quoted(self.random.choice(options).upper())}",
                f"{name} {self.no()}in ({some})",
                f"{name} is {self.no()}exactly {quoted(self.random.choice(options))}",
            )
        )

    def tags_test(self, name: str) -> str:
        some = ", ".join(quoted(self.random.choice(WORDS)) for _ in range(self.random.randrange(1, 4)))
        return self.random.choice(
            (
                f"{name} {self.no()}has {quoted(self.random.choice(WORDS))}",
                f"{name} {self.no()}has {self.random.choice(('any', 'all', 'none'))} ({some})",
            )
        )

    def number(self, values: tuple[float, ...]) -> str:
        value = self.random.choice(values) + self.random.choice((0, 0, 0, 1, 0.001))
        return f"{value:.4f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)

    def number_test(self, name: str, values: tuple[float, ...]) -> str:
        one, other = self.number(values), self.number(values)
        return self.random.choice(
            (
                f"{name} {self.random.choice(COMPARISONS)} {one}",
                f"{name} {self.random.choice(COMPARISONS)} {one}",
                f"{name} {self.no()}between {one} and {other}",
                f"{name} {self.no()}in ({one}, {other})",
                f"{one} {self.random.choice(COMPARISONS)} {name}",
            )
        )

    # --- time -------------------------------------------------------------------------------------------

    def day(self) -> str:
        near = calendar.moved(calendar.today(self.clock), self.random.randint(-40, 40), calendar.Unit.DAY)
        return self.random.choice((str(near), "2024-02-29", "2025-12-31", "2026-01-01", "1999-12-31"))

    def month(self) -> str:
        return self.day()[:7]

    def year(self) -> str:
        return self.day()[:4]

    def instant(self) -> str:
        wall = calendar.local(self.clock.now + self.random.choice((0, 0, -1, 1, -86_400_000, 3_600_000)), self.clock)
        plain = wall.replace(tzinfo=None).isoformat(timespec="milliseconds")
        return self.random.choice((plain, wall.isoformat(timespec="milliseconds"), f"{self.day()}T00:00"))

    def ago(self) -> str:
        amount, unit = self.random.choice(AMOUNTS), self.random.choice(UNITS)
        return f"{amount} {unit}{self.random.choice(('', 's'))} {self.random.choice(('ago', 'ago', 'from now'))}"

    def relative_day(self) -> str:
        shift = f"today {self.random.choice('+-')} {self.random.choice(AMOUNTS)} {self.random.choice(UNITS[3:])}s"
        return self.random.choice(("today", "yesterday", "tomorrow", shift))

    def period(self) -> str:
        choice = self.random.choice
        return choice(
            (
                f"last {choice(AMOUNTS[1:])} {choice(UNITS)}s",
                f"last {choice(AMOUNTS[1:])} {choice(UNITS[2:])}s",
                f"next {choice(AMOUNTS[1:])} {choice(UNITS)}s",
                f"{choice(('this', 'last', 'next'))} {choice(CALENDAR_UNITS)}",
                self.day(),
                self.month(),
                self.year(),
            )
        )

    def span(self, moments: bool = True) -> str:
        """A test of time: `in last 7 days`, `since yesterday`."""
        choice = self.random.choice
        points = [self.day(), self.month(), self.relative_day(), self.ago()]
        if moments:
            points += [self.instant(), "now"]
        return choice(
            (
                f"in {self.period()}",
                f"in {self.period()}",
                f"{choice(('since', 'before', 'after'))} {choice(points)}",
                f"on {choice((self.day(), self.relative_day()))}",
            )
        )

    def date_test(self, name: str) -> str:
        return self.random.choice(
            (
                f"{name} {self.span(moments=False)}",
                f"{name} not in {self.period()}",
                f"{name} {self.random.choice(COMPARISONS)} {self.random.choice((self.day(), self.relative_day()))}",
                f"{name} {self.no()}between {self.day()} and {self.day()}",
                f"{name} {self.no()}in ({self.day()}, {self.day()})",
            )
        )

    def moment_test(self, name: str) -> str:
        return self.random.choice(
            (
                f"{name} {self.span()}",
                f"{name} {self.span()}",
                f"{name} not in {self.period()}",
                f"{name} {self.random.choice(COMPARISONS)} {self.random.choice((self.instant(), self.ago(), 'now'))}",
                f"{name} {self.no()}between {self.instant()} and {self.instant()}",
            )
        )

    # --- events -----------------------------------------------------------------------------------------

    def event(self) -> str:
        return self.random.choice(("open", "open", "purchase", "purchase", "send", "ghost", "any event"))

    def selector(self, event: str | None = None) -> str:
        event = event or self.event()
        if event == "any event":
            return event
        return event + (f"({self.where(event)})" if self.random.random() < 0.4 else "")

    def where(self, event: str) -> str:
        tests = [self.field_test(SCHEMA["events"][event], "") for _ in range(self.random.choice((1, 1, 2, 3)))]
        if len(tests) == 3:
            return f"at least 2 of ({', '.join(tests)})"
        return self.random.choice((" and ", " or ")).join(tests)

    def windowed(self) -> str:
        return f" {self.span()}" if self.random.random() < 0.6 else ""

    def did(self) -> str:
        selector = self.selector()
        if self.random.random() < 0.35:
            return f"did {self.no()}{selector}{self.windowed()}"
        times, window = self.times(), self.windowed()
        return f"did {selector}{times}{window}" if self.random.random() < 0.7 else f"did {selector}{window}{times}"

    def times(self) -> str:
        count = self.random.choice((0, 0, 1, 1, 2, 3, 5))
        how = self.random.choice(("at least", "at most", "exactly", "more than", "fewer than", "between"))
        if how == "fewer than":
            count += 1
        if how == "between":
            return f" between {count} and {count + self.random.randrange(3)} times"
        return f" {how} {count} times"

    def number_aggregate(self) -> tuple[str, tuple[float, ...]]:
        """An aggregate that is a number, and numbers worth comparing it with."""
        match self.random.randrange(6):
            case 0 | 1:
                return f"count({self.selector()}{self.windowed()})", (0, 1, 2, 3)
            case 2:
                return f"sum(amount of {self.selector('purchase')}{self.windowed()})", MONEY
            case 3:
                property = self.random.choice(("quantity", "weight"))
                return f"sum({property} of {self.selector('purchase')}{self.windowed()})", (0, 1, 2.5, 30)
            case 4:
                property = self.random.choice(("category", "quantity", "amount", "gift", "due"))
                return f"distinct({property} of {self.selector('purchase')}{self.windowed()})", (0, 1, 2, 3)
            case _:
                function = self.random.choice(("avg", "min", "max"))
                property = self.random.choice(("amount", "quantity"))
                return f"{function}({property} of {self.selector('purchase')}{self.windowed()})", MONEY

    def aggregate_test(self) -> str:
        edge = self.random.choice(("first", "last"))
        match self.random.randrange(6):
            case 0:
                return self.moment_test(f"{edge}({self.selector()}{self.windowed()})")
            case 1:
                return self.moment_test(f"{edge}({self.selector()})")
            case 2:
                if self.random.random() < 0.5:
                    return f"{edge}({self.selector()}{self.windowed()}) is {self.no()}set"
                properties = SCHEMA["events"]["purchase"]
                property = self.random.choice(sorted(properties))
                selector = self.selector("purchase") + self.windowed()
                return self.value_test(f"{edge}({property} of {selector})", properties[property])
            case _:
                return self.number_test(*self.number_aggregate())

    # --- terms ------------------------------------------------------------------------------------------

    def term(self, depth: int = 1) -> str:
        if depth and self.random.random() < 0.4:
            return f"({self.term(depth - 1)} {self.random.choice('+-*/')} {self.term(depth - 1)})"
        return self.random.choice(
            ("points", "balance", "credit", self.number_aggregate()[0], self.number(COUNTS), "years since birthdate")
        )

    def term_test(self) -> str:
        choice = self.random.choice
        compared = choice(("=", "<", "<=", ">", ">="))
        match self.random.randrange(8):
            case 0:
                return f"{choice(('points', 'balance'))} {compared} {choice(('credit', 'balance'))}"
            case 1:
                return f"{choice(('signup', 'birthdate'))} {compared} {choice(('birthdate', 'signup'))}"
            case 2:
                others = ("`Date d'ajout`", "first(open)", "seen")
                return f"{choice(('seen', 'last(open)'))} {compared} {choice(others)}"
            case 3:
                return f"country {choice(('=', '!='))} name"
            case 4:
                part = choice(("year", "month", "day", "weekday"))
                return f"{part} of {choice(('signup', 'birthdate', 'seen'))} {self.part_test()}"
            case 5:
                return f"hour of seen {self.part_test()}"
            case 6:
                return f'bucket("{self.word()}", {choice((2, 10, 100))}) {compared} {choice((0, 1, 5, 50))}'
            case _:
                return f"points + {self.term()} {compared} {self.term()}"

    def part_test(self) -> str:
        values = (1, 2, 6, 7, 12, 29, 31, 2024, 2026)
        return self.random.choice(
            (
                f"{self.random.choice(COMPARISONS)} {self.random.choice(values)}",
                f"in ({self.random.choice(values)}, {self.random.choice(values)})",
            )
        )

    def anniversary(self) -> str:
        return f"{self.random.choice(('birthdate', 'signup'))} anniversary in {self.period()}"

    # --- sequences --------------------------------------------------------------------------------------

    def regularity(self) -> str:
        spans = self.random.choice((1, 2, 4, 12))
        count = self.random.randint(0, spans)
        how = self.random.choice(("at least", "at most", "exactly"))
        return f"did {self.selector()} in {how} {count} of last {spans} {self.random.choice(UNITS[2:6])}s"

    def sequence(self) -> str:
        steps = [f"did {self.selector()}"]
        for _ in range(self.random.choice((1, 1, 2, 3))):
            absent = "not " if self.random.random() < 0.25 else ""
            within = f" within {self.random.choice(AMOUNTS[1:])} {self.random.choice(UNITS[:6])}s"
            steps.append(f"{absent}{self.step_selector()}{within if self.random.random() < 0.6 else ''}")
        return " then ".join(steps) + (f" in {self.period()}" if self.random.random() < 0.3 else "")

    def step_selector(self) -> str:
        if self.random.random() < 0.2:
            return "open(campaign = same campaign)"
        return self.selector()
