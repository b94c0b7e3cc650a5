"""Translations mean the same on both sides, whatever the expression, the document and the data."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dsl.check import check, understand
from dsl.interop import Form, read_rules, write_rules
from dsl.moments import Clock
from dsl.parse import parse
from dsl.problems import DataError, ExpressionError
from dsl.schema import Schema, Type
from dsl.schema_json import schema_from_json
from tests.oracle import json_logic
from tests.oracle.evaluate import select
from tests.oracle.world import World
from tests.oracle.writes import Companies, Contacts, apply
from tests.properties.expressions import SEGMENTS, Writer
from tests.properties.worlds import SCHEMA, Maker, Shape

RANDOMS = st.randoms(use_true_random=False)
QUIET = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


def schema_of(patch: Any) -> Schema:
    return schema_from_json({"timezone": "Europe/Paris", **patch})


EVERYTHING = schema_of(SCHEMA)


def world_of(source: Random, schema: Schema) -> tuple[World, Clock]:
    maker = Maker.draw(source, schema, source.choice(list(Shape)), 12)
    world = World(schema)
    for write in maker.first_writes():
        apply(world, write)
    return world, maker.clock


def told_in(text: str, error: ExpressionError) -> None:
    assert error.problems
    for problem in error.problems:
        assert problem.code == "not-expressible"
        assert problem.span is not None
        assert 0 <= problem.span.start < problem.span.end <= len(text)


def told_at(path: str, error: DataError) -> None:
    assert error.problems
    assert all(problem.path and problem.path.startswith(path) for problem in error.problems)


@QUIET
@given(RANDOMS, st.sampled_from(Form))
def test_what_is_written_reads_back_with_its_meaning_and_all_else_is_told(source: Random, form: Form) -> None:
    world, clock = world_of(source, EVERYTHING)
    writer = Writer(source, clock)
    for _ in range(12):
        text = writer.expression() if source.random() < 0.5 else writer.field_test(SCHEMA["contacts"], "")
        names = {key: key for key in SEGMENTS}
        try:
            meant = understand(text, EVERYTHING, segments=names)
        except ExpressionError:
            continue
        try:
            document = write_rules(form, parse(text), EVERYTHING, text=text).document
        except ExpressionError as error:
            told_in(text, error)
            continue
        back = check(read_rules(form, document, EVERYTHING).selection, EVERYTHING)
        assert select(back, world, clock) == select(meant, world, clock), (text, document)


# --- JsonLogic over contacts -----------------------------------------------------------------------------------

TEXTS = ("fr", "be", "null", "nu", "null and void", "ll", "", "a b")
WORDS = ("ski", "vtt", "golf")
NUMBERS = (-5, -1, 0, 1, 2, 3, 7, 0.5, 2.25)
DAYS = ("2024-02-29", "2025-12-31", "2026-01-01", "2026-06-30")
MOMENTS = (
    "2025-12-31T22:59:59.999Z",
    "2025-12-31T23:00:00.000Z",
    "2026-06-30T12:00:00.000Z",
    "2026-06-30T22:00:00.500Z",
)
PLAIN = schema_of(
    {
        "contacts": {
            "country": {"type": "text"},
            "city": {"type": "text"},
            "level": {"type": "choice", "options": ["gold", "silver"]},
            "points": {"type": "number", "decimals": 0},
            "balance": {"type": "number", "decimals": 2},
            "height": {"type": "float"},
            "vip": {"type": "boolean"},
            "signup": {"type": "date"},
            "birthdate": {"type": "date"},
            "seen": {"type": "datetime"},
            "interests": {"type": "tags"},
        },
        "companies": {"size": {"type": "number", "decimals": 0}, "industry": {"type": "text"}},
    }
)
CLOCK = Clock(1_782_864_000_000, PLAIN.zone)


def value_of(source: Random, type: Type) -> Any:
    match type:
        case Type.TEXT:
            return source.choice(TEXTS)
        case Type.CHOICE:
            return source.choice(("gold", "silver"))
        case Type.NUMBER | Type.FLOAT:
            return source.choice(NUMBERS)
        case Type.BOOLEAN:
            return source.choice((True, False))
        case Type.DATE:
            return source.choice(DAYS)
        case Type.DATETIME:
            return source.choice(MOMENTS)
        case Type.TAGS:
            return source.sample(WORDS, source.randrange(3))


def people(source: Random) -> tuple[World, dict[str, dict[str, Any]]]:
    """The same contacts for the oracle, and as the objects that logic is applied to."""
    world, objects = World(PLAIN), {}
    for n in range(15):
        row = {f.name: value_of(source, f.type) for f in PLAIN.contacts.values() if source.random() < 0.6}
        row = {name: value for name, value in row.items() if value != []}
        if not isinstance(row.get("points", 0), int):
            del row["points"]
        company = {"id": f"k{n}", "industry": "ski", "size": source.choice((0, 5))} if source.random() < 0.5 else None
        put(world, f"c{n}", row, company)
        objects[f"c{n}"] = {"id": f"c{n}", **row, "company": company}
    return world, objects


def put(world: World, id: str, row: dict[str, Any], company: dict[str, Any] | None) -> None:
    if company is not None:
        apply(world, Companies([company]))
    apply(world, Contacts([{"id": id, **row, "company": company["id"] if company else None}]))


def true_for(logic: Any, objects: dict[str, dict[str, Any]]) -> set[str]:
    return {id for id, contact in objects.items() if json_logic.truthy(json_logic.apply(logic, contact))}


def literal_of(source: Random, type: Type) -> str:
    match value_of(source, type):
        case str() as text if type in (Type.DATE, Type.DATETIME):
            return text
        case str() as text:
            return f'"{text}"'
        case bool() as flag:
            return str(flag).lower()
        case other:
            return str(other)


@dataclass
class Plain:
    """Draws expressions that JsonLogic can say."""

    source: Random

    def expression(self, depth: int = 2) -> str:
        parts = [self.test() if depth == 0 else self.expression(depth - 1) for _ in range(self.source.randrange(1, 4))]
        joint = self.source.choice((" and ", " or ", " except "))
        whole = joint.join(f"({part})" for part in parts)
        return self.source.choice((whole, whole, f"not ({whole})"))

    def test(self) -> str:
        choice = self.source.choice
        if self.source.random() < 0.25:
            return choice(OTHERS)
        field = choice(sorted(PLAIN.contacts.values(), key=lambda found: found.name))
        name, negated = field.name, choice(("", "not "))
        one, other = literal_of(self.source, field.type), literal_of(self.source, field.type)
        compared = f"{name} {choice(COMPARED)} {one}"
        match field.type:
            case Type.TEXT:
                how = choice(("contains", "starts with", "ends with"))
                return choice((f"{name} {negated}{how} {one}", f"{name} is {negated}exactly {one}", f"{name} != {one}"))
            case Type.CHOICE:
                return choice((f"{name} = {one}", f"{name} {negated}in ({one}, {other})"))
            case Type.NUMBER | Type.FLOAT | Type.DATE:
                return choice((compared, compared, f"{name} {negated}between {one} and {other}", f"{one} <= {name}"))
            case Type.DATETIME:
                bound, period = choice(("2026-06-30T14:00", *PERIODS)), choice(PERIODS)
                when = choice((f"{choice(('since', 'before', 'after'))} {bound}", f"{negated}in {period}"))
                return choice((compared, f"{name} {negated}in ({one}, {other})", f"{name} {when}"))
            case Type.BOOLEAN:
                return choice((name, f"{name} != true", f"{name} = false"))
            case Type.TAGS:
                some = ", ".join(f'"{word}"' for word in self.source.sample(WORDS, 2))
                return f"{name} {negated}has {choice(('any', 'all', 'none'))} ({some})"


PERIODS = ("2026", "2025-12-31", "2026-06")
COMPARED = ("=", "!=", "<", "<=", ">", ">=")
OTHERS = (
    "points is set",
    "interests is not set",
    "company is set",
    "company.size > 1",
    "company.size < 1",
    'company.industry != "ski"',
    "points < balance",
    "points = balance",
    "points != height",
    "signup <= birthdate",
    "country = city",
    "country != city",
    "points + balance * 2 > 3",
    "(points - height) / balance <= 1",
    "points / (balance - height) > -1",
    "-points >= balance",
    "points + 1 in (1, 2, 4)",
    "points - balance not between -1 and 1",
    "points between 0 and balance",
    "birthdate between signup and 2026-06-30",
    "everyone",
    "nobody",
    "any of (points = 1, vip)",
    "none of (points = 1, vip)",
    "at least 1 of (points = 1, vip)",
    "at least 2 of (points >= 1, not vip)",
)


@QUIET
@given(RANDOMS)
def test_logic_that_is_written_is_true_for_exactly_the_members(source: Random) -> None:
    world, objects = people(source)
    for _ in range(8):
        text = Plain(source).expression()
        members = select(understand(text, PLAIN), world, CLOCK)
        document = write_rules(Form.JSON_LOGIC, parse(text), PLAIN, text=text).document
        assert true_for(document, objects) == members, (text, document)
        back = check(read_rules(Form.JSON_LOGIC, document, PLAIN).selection, PLAIN)
        assert select(back, world, CLOCK) == members, (text, document)


@dataclass
class Documents:
    """Draws JsonLogic as people write it, without a thought for missing values; some of it has no meaning here."""

    source: Random

    def logic(self, depth: int = 2) -> Any:
        if depth == 0 or self.source.random() < 0.2:
            return self.test()
        parts = [self.logic(depth - 1) for _ in range(self.source.randrange(1, 4))]
        return self.source.choice(({"and": parts}, {"or": parts}, {"!": parts[0]}, {"!!": parts[:1]}))

    def test(self) -> Any:
        choice = self.source.choice
        field = choice(sorted(PLAIN.contacts.values(), key=lambda found: found.name))
        var, other = {"var": field.name}, {"var": choice(sorted(PLAIN.contacts))}
        value, more = value_of(self.source, field.type), value_of(self.source, field.type)
        name = choice(("==", "!=", "===", "!==", "<", "<=", ">", ">="))
        return choice(
            (
                {name: [var, value]},
                {name: [value, var]},
                {name: [var, None]},
                {name: [var, other]},
                {"and": [{"!=": [var, None]}, {name: [var, value]}]},
                {"and": [{"!=": [var, None]}, {"!=": [other, None]}, {name: [var, other]}]},
                {"and": [{"!=": [var, None]}, {name: [{choice("+-*"): [var, 2]}, value]}]},
                {choice(("<", "<=")): [value, var, more]},
                {"in": [var, [value, more]]},
                {"in": [value if isinstance(value, str) else "ski", var]},
                {choice(("some", "none")): [{"var": "interests"}, {"==": [{"var": ""}, choice(WORDS)]}]},
                {"missing": [field.name, "city"]},
                {"missing_some": [choice((1, 2)), [field.name, "points"]]},
                {choice(("==", "!=")): [{"substr": [var, 0, 2]}, choice(("nu", "fr", "lll"))]},
                {choice(("==", "!=")): [{"substr": [var, -2]}, choice(("ll", "fr"))]},
                {choice(("startsWith", "endsWith")): [var, "fr"]},
                {"<": [{"var": "company.size"}, 3]},
                var,
                choice((True, False)),
            )
        )


def test_logic_that_is_read_selects_exactly_those_it_is_true_for() -> None:
    read = 0

    @QUIET
    @given(RANDOMS)
    def agree(source: Random) -> None:
        nonlocal read
        world, objects = people(source)
        for _ in range(12):
            logic = Documents(source).logic()
            try:
                selection = read_rules(Form.JSON_LOGIC, logic, PLAIN).selection
            except DataError as error:
                told_at("$", error)
                continue
            read += 1
            assert select(check(selection, PLAIN), world, CLOCK) == true_for(logic, objects), (logic, selection)

    agree()
    assert read > 100, "most documents are refused"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
PARTS = ("and", "or", "!", "==", "<", "<=", "in", "var", "missing", "missing_some", "some", "substr", "+", "-", "/")
LOGIC = st.recursive(
    JSON | st.sampled_from(sorted(PLAIN.contacts)) | st.sampled_from(sorted(PLAIN.contacts)).map(lambda n: {"var": n}),
    lambda inner: st.dictionaries(st.sampled_from(PARTS), st.lists(inner, max_size=3) | inner, min_size=1, max_size=1),
    max_leaves=10,
)
RULES = st.fixed_dictionaries(
    {},
    optional={
        "field": st.sampled_from(sorted(PLAIN.contacts)) | JSON,
        "operator": st.sampled_from(("=", "<", "in", "between", "contains", "null", "notNull", "beginsWith")) | JSON,
        "value": JSON | st.sampled_from(("1,2", "gold", "2026-01-01", "true", "points")),
        "valueSource": st.sampled_from(("value", "field")) | JSON,
        "muted": st.booleans(),
        "match": JSON | st.fixed_dictionaries({"mode": st.sampled_from(("some", "none", "all"))}),
    },
)
GROUPS = st.recursive(
    RULES,
    lambda inner: st.fixed_dictionaries(
        {"rules": st.lists(inner | st.sampled_from(("and", "or")) | JSON, max_size=4)},
        optional={"combinator": st.sampled_from(("and", "or", "xor")) | JSON, "not": st.booleans() | JSON},
    ),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(JSON | LOGIC | GROUPS, st.sampled_from(Form))
def test_any_json_is_read_or_told_with_paths(document: Any, form: Form) -> None:
    try:
        found = read_rules(form, document, PLAIN, "$.document")
    except DataError as error:
        told_at("$.document", error)
    else:
        check(found.selection, PLAIN)
