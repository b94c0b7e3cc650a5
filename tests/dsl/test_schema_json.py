import pytest
from hypothesis import given
from hypothesis import strategies as st
from language_examples import SCHEMA

from dsl.problems import DataError
from dsl.schema import Schema, Type
from dsl.schema_json import patched, schema_from_json, schema_to_json
from dsl.typed import Scope


def never(scope, event, name):
    return False


def always(scope, event, name):
    return True


def problems(patch, has_data=never, schema=SCHEMA):
    with pytest.raises(DataError) as caught:
        patched(schema, patch, has_data=has_data)
    return [(problem.code, problem.path) for problem in caught.value.problems]


def test_a_schema_survives_its_json_form():
    assert schema_from_json(schema_to_json(SCHEMA)) == SCHEMA
    assert schema_to_json(Schema())["timezone"] == "UTC"


def test_a_patch_adds_and_keeps_the_rest():
    schema = patched(
        SCHEMA,
        {
            "timezone": "UTC",
            "contacts": {"city": {"type": "text", "label": "Ville"}, "country": {"label": "Pays"}},
            "events": {"call": {}, "open": {"device": {"type": "choice", "options": ["phone"]}}},
            "identified_by": ["email"],
        },
        has_data=always,
    )
    assert schema.contacts["city"].label == "Ville"
    assert (schema.contacts["country"].type, schema.contacts["country"].label) == (Type.TEXT, "Pays")
    assert schema.events["call"] == {}
    assert set(schema.events["open"]) == {"campaign", "device"}
    assert schema.identified_by == ("email",)
    assert schema.companies == SCHEMA.companies


def test_options_are_added():
    schema = patched(SCHEMA, {"contacts": {"plan": {"type": "choice", "options": ["Max", "Pro"]}}}, has_data=always)
    assert schema.contacts["plan"].options == ("Free", "Pro", "Société", "Max")


def test_a_type_changes_only_without_data():
    asked = []

    def has_data(scope, event, name):
        asked.append((scope, event, name))
        return True

    patch = {"events": {"purchase": {"amount": {"type": "text"}}}, "contacts": {"points": {"decimals": 3}}}
    assert problems(patch, has_data) == [
        ("field-has-data", "$.contacts.points.decimals"),
        ("field-has-data", "$.events.purchase.amount.type"),
    ]
    assert asked == [(Scope.CONTACTS, None, "points"), (Scope.EVENTS, "purchase", "amount")]
    assert patched(SCHEMA, patch, has_data=never).events["purchase"]["amount"].type is Type.TEXT


@pytest.mark.parametrize(
    ("patch", "code", "path"),
    [
        ([], "bad-schema", "$"),
        ({"contact": {}}, "bad-schema", "$.contact"),
        ({"timezone": "Mars/Olympus"}, "bad-timezone", "$.timezone"),
        ({"timezone": "../etc/passwd"}, "bad-timezone", "$.timezone"),
        ({"timezone": ""}, "bad-timezone", "$.timezone"),
        ({"timezone": 3}, "bad-timezone", "$.timezone"),
        ({"contacts": []}, "bad-schema", "$.contacts"),
        ({"contacts": {"x": None}}, "bad-schema", "$.contacts.x"),
        ({"contacts": {"x": {}}}, "bad-schema", "$.contacts.x"),
        ({"contacts": {"x": {"type": "txt"}}}, "unknown-type", "$.contacts.x.type"),
        ({"contacts": {"x": {"type": ["text"]}}}, "unknown-type", "$.contacts.x.type"),
        ({"contacts": {"x": {"type": "text", "size": 3}}}, "bad-schema", "$.contacts.x.size"),
        ({"contacts": {"x": {"type": "number", "decimals": 7}}}, "bad-decimals", "$.contacts.x.decimals"),
        ({"contacts": {"x": {"type": "number", "decimals": True}}}, "bad-decimals", "$.contacts.x.decimals"),
        ({"contacts": {"x": {"type": "text", "decimals": 2}}}, "bad-decimals", "$.contacts.x.decimals"),
        ({"contacts": {"x": {"type": "choice"}}}, "bad-options", "$.contacts.x"),
        ({"contacts": {"x": {"type": "choice", "options": []}}}, "bad-options", "$.contacts.x.options"),
        ({"contacts": {"x": {"type": "choice", "options": ["a", "a"]}}}, "bad-options", "$.contacts.x.options"),
        ({"contacts": {"x": {"type": "text", "options": ["a"]}}}, "bad-options", "$.contacts.x.options"),
        ({"contacts": {"x": {"type": "text", "label": 3}}}, "bad-schema", "$.contacts.x.label"),
        ({"contacts": {"id": {"type": "text"}}}, "reserved-name", "$.contacts.id"),
        ({"contacts": {"company": {"type": "text"}}}, "reserved-name", "$.contacts.company"),
        ({"events": {"open": {"at": {"type": "datetime"}}}}, "reserved-name", "$.events.open.at"),
        ({"contacts": {"a`b": {"type": "text"}}}, "bad-name", '$.contacts["a`b"]'),
        ({"events": {" x": {}}}, "bad-name", '$.events[" x"]'),
        ({"events": {"": {}}}, "bad-name", '$.events[""]'),
        ({"identified_by": ["emial"]}, "unknown-field", "$.identified_by[0]"),
        ({"identified_by": [["email"]]}, "unknown-field", "$.identified_by[0]"),
        ({"identified_by": "email"}, "bad-schema", "$.identified_by"),
    ],
)
def test_what_a_patch_cannot_say(patch, code, path):
    assert (code, path) in problems(patch)


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["number", "choice", "text"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["timezone", "contacts", "events", "identified_by", "type", "options", "decimals", "x", "points"]
            ),
            inner,
            max_size=4,
        )
    ),
)


@given(json)
def test_any_json_gives_a_schema_or_problems(patch):
    try:
        schema = patched(SCHEMA, patch, has_data=always)
    except DataError:
        schema = SCHEMA
    assert schema_from_json(schema_to_json(schema)) == schema
