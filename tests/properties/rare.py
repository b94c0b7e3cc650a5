"""Random expressions of the forms that `expressions` draws seldom or never: each template by itself is rare in life."""

from __future__ import annotations

from tests.properties.expressions import CALENDAR_UNITS, COMPARISONS, UNITS, Writer
from tests.properties.worlds import AMOUNTS, COUNTS, DYADIC, MONEY, SCHEMA

RARE = 0.15
TYPED = {
    "date": ("signup", "birthdate"),
    "datetime": ("seen", "`Date d'ajout`"),
}
"""Fields of contacts that days and moments are read from."""


class RareWriter(Writer):
    """Now and then draws a rare form where any condition may stand."""

    def leaf(self) -> str:
        if self.random.random() >= RARE:
            return super().leaf()
        forms = (self.company, self.part, self.edge, self.extreme, self.average, self.between_terms, self.ranged)
        more = (self.event_pair, self.any_event, self.chain, self.periodic, self.same, self.sum_test, self.yearly)
        return self.random.choice(forms + more)()

    def cut(self) -> str:
        if self.random.random() < 0.5:
            return super().cut()
        choice = self.random.choice
        terms = ("avg(amount of purchase)", "points / (credit + 1)", "first(open)", "max(due of purchase)", "seen")
        terms += ("height * 2", "years since birthdate", 'bucket("x", 3)', "last(weight of purchase)", "birthdate")
        return f"{choice(('top', 'bottom'))} {choice((1, 2, 3, 7))} by {choice(terms)}"

    def compared(self) -> str:
        return self.random.choice(COMPARISONS)

    # --- rows -------------------------------------------------------------------------------------------

    def company(self) -> str:
        choice = self.random.choice
        return choice(
            (
                f"company is {self.no()}set",
                f'company {choice(("=", "!="))} "k{choice("0123")}"',
                f'company {self.no()}in ("k1", "K2")',
                f"company.size * 2 {self.compared()} company.size + {self.number(COUNTS)}",
                f"year of company.founded {self.part_test()}",
                f"years since company.founded {self.compared()} {choice((0, 1, 2, 26))}",
                f"company.founded anniversary in {self.period()}",
            )
        )

    def part(self) -> str:
        choice = self.random.choice
        days = ("first(due of purchase)", "last(open)", "first(paid of purchase)", "min(due of purchase)", "seen")
        part = choice(("year", "month", "day", "weekday"))
        moment = choice(("last(purchase)", "first(paid of purchase)", "`Date d'ajout`"))
        return choice(
            (
                f"{part} of {choice(days)} {self.part_test()}",
                f"hour of {moment} {self.part_test()}",
                f"years since {choice(days)} {self.compared()} {choice((-1, 0, 1, 2))}",
                f"{part} of signup {self.compared()} {part} of birthdate",
            )
        )

    def yearly(self) -> str:
        field = self.random.choice((*TYPED["date"], *TYPED["datetime"], "last(purchase)", "first(due of purchase)"))
        return (
            f"{field} anniversary {self.random.choice((f'{self.no()}in {self.period()}', f'on {self.relative_day()}'))}"
        )

    def between_terms(self) -> str:
        """Ends that vary, or that move with the clock."""
        choice = self.random.choice
        return choice(
            (
                f"points {self.no()}between balance and credit",
                f"balance {self.no()}between {self.number(MONEY)} and sum(amount of purchase)",
                f"seen {self.no()}between {self.ago()} and {self.relative_day()}",
                f"signup {self.no()}between {self.relative_day()} and {self.ago()}",
                f"height {self.compared()} {choice(('points', 'credit', 'sum(weight of purchase)'))}",
                f"-points {self.compared()} {self.number(COUNTS)}",
                f"height / points {self.compared()} {self.number(DYADIC)}",
            )
        )

    # --- events -----------------------------------------------------------------------------------------

    def edge(self) -> str:
        choice = self.random.choice
        fields = SCHEMA["events"]["purchase"]
        field = choice(sorted(fields))
        value = f"{choice(('first', 'last'))}({field} of {self.selector('purchase')}{self.windowed()})"
        if fields[field]["type"] == "text":
            return f"{value} {choice(('=', '!='))} {choice(('country', 'name', 'last(campaign of open)'))}"
        return self.value_test(value, fields[field])

    def extreme(self) -> str:
        field = self.random.choice(("due", "paid", "at", "weight"))
        value = f"{self.random.choice(('min', 'max'))}({field} of {self.selector('purchase')}{self.windowed()})"
        if field == "weight":
            return self.number_test(value, DYADIC)
        return self.date_test(value) if field == "due" else self.moment_test(value)

    def average(self) -> str:
        """A thirds' worth: averages against averages, and against what they cannot be exactly."""
        choice = self.random.choice
        value = f"avg({choice(('amount', 'quantity'))} of {self.selector('purchase')}{self.windowed()})"
        return f"{value} {self.compared()} {choice((value, 'avg(amount of purchase)', 'balance', '16.67', '10'))}"

    def sum_test(self) -> str:
        choice = self.random.choice
        value = f"{choice(('sum', 'avg'))}(weight of {self.selector('purchase')}{self.windowed()})"
        return self.number_test(value, DYADIC)

    def event_pair(self) -> str:
        """A property against another of the same event."""
        tests = (
            f"quantity {self.compared()} amount",
            f"paid {self.compared()} at",
            f"amount * quantity {self.compared()} {self.number(MONEY)}",
            f"weekday of due {self.part_test()}",
            f"hour of at {self.part_test()}",
            f"at {self.span()}",
            f"due anniversary in {self.period()}",
            "id is set",
            "id is not set",
            "id = 'e1'",
        )
        return f"did purchase({self.random.choice(tests)}){self.times()}{self.windowed()}"

    def any_event(self) -> str:
        test = self.random.choice((f"at {self.span()}", "id is set", "id is not set", 'id ends with "1"'))
        return f"did any event({test}){self.times()}{self.windowed()}"

    def ranged(self) -> str:
        """Windows said by both ends, and by moments that move."""
        ends = (self.day(), self.ago(), self.relative_day(), "now", self.month(), self.instant())
        first, last = self.random.choice(ends), self.random.choice(ends)
        return f"did {self.selector()} between {first} and {last}"

    def periodic(self) -> str:
        how, unit = self.random.choice(("at least", "at most", "exactly")), self.random.choice(UNITS[1:])
        spans = self.random.choice((1, 3, 13))
        return f"did {self.selector()} in {how} {self.random.randint(0, min(2, spans))} of last {spans} {unit}s"

    # --- sequences --------------------------------------------------------------------------------------

    def chain(self) -> str:
        """Many short steps, with and without gaps, of which some must not come; the first in a window."""
        steps = [f"did {self.selector()}{self.windowed()}"]
        for _ in range(self.random.choice((2, 3, 4))):
            absent = "not " if self.random.random() < 0.4 else ""
            within = f" within {self.random.choice((1, 2, 12))} {self.random.choice((*UNITS[2:], *CALENDAR_UNITS))}s"
            steps.append(f"{absent}{self.selector()}{within if self.random.random() < 0.5 else ''}")
        return " then ".join(steps)

    def same(self) -> str:
        """Shared values of every type, with the step before or with one further back."""
        choice = self.random.choice
        field = choice(sorted(SCHEMA["events"]["purchase"]))
        pairs = (
            ("purchase", f"purchase({field} = same {field})"),
            ("purchase", f"purchase({field} = same {field})"),
            ("send", "purchase(category = same campaign)"),
            ("purchase", f"{choice(('open', 'send'))}(campaign = same category)"),
            ("open", "send(campaign = same campaign)"),
        )
        first, step = choice(pairs)
        between = choice(("", f" then {self.selector()}"))
        within = choice(("", f" within {choice(AMOUNTS[1:])} days"))
        return f"did {self.selector(first)}{between} then {choice(('', '', 'not '))}{step}{within}"
