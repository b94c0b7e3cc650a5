"""`descriptions.txt` holds expressions, each with its sentence in English and in French. Append to it."""

import re
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from language_examples import EXAMPLES, SCHEMA
from test_language_format import selections

from dsl import tree
from dsl.describe import ENGLISH, FRENCH, LANGUAGES, describe
from dsl.describe.language import Said
from dsl.moments import Clock
from dsl.parse import parse
from dsl.schema import Field, Type
from tests.properties.expressions import Writer

CASES = [case.split("\n----\n") for case in Path(__file__).with_name("descriptions.txt").read_text().split("\n====\n")]
TREES = [parse(text) for text, _, _ in CASES]


@pytest.mark.parametrize(("text", "english", "french"), CASES)
def test_descriptions(text, english, french):
    assert describe(parse(text), ENGLISH) == english
    assert describe(parse(text), FRENCH) == french.rstrip("\n")


def kinds(node=tree.Node):
    """Every class of node that is no other's base."""
    below = node.__subclasses__()
    return {leaf for each in below for leaf in kinds(each)} if below else {node}


def test_every_kind_of_node_has_a_case():
    found = {type(node) for selection in TREES for node in tree.walk(selection)}
    assert kinds() - {tree.Comment, tree.Broken} <= found
    assert {text for text, _, _ in CASES} >= set(EXAMPLES)


def test_every_word_of_the_tree_has_a_case():
    """Each member of each enum stands in some expression of the cases."""
    enums = (tree.Moment, tree.Which, tree.When, tree.Comparator, tree.TextTest, tree.Quantifier, tree.Bound)
    nodes = [node for selection in TREES for node in tree.walk(selection)]
    values = [getattr(node, name) for node in nodes for name in node.__struct_fields__]
    for enum in enums:
        assert {value for value in values if type(value) is enum} == set(enum)


@pytest.mark.parametrize("language", LANGUAGES.values(), ids=list(LANGUAGES))
def test_every_template_is_there_and_no_other(language):
    said = set(Said)
    assert {key for key in {*language.templates, *language.pairs} if isinstance(key, Said)} == said
    assert set(ENGLISH.templates) == set(language.templates)
    assert set(ENGLISH.pairs) == set(language.pairs)


QUOTED = re.compile("“[^”]*”|«\u00a0[^»]*\u00a0»|‹[^›]*›")
LEFT_OVER = re.compile(r"[_$`{}\[\]|=<>\"#“”«»‹›*]|\s\s|None|\b[Dd]e les?\b|\bà les?\b|\b[Dd]e [aeiouéè]")


@pytest.mark.parametrize("language", LANGUAGES.values(), ids=list(LANGUAGES))
def test_expressions_leave_no_syntax_behind(language):
    for seed in range(300):
        text = Writer(Random(seed), Clock(1_782_000_000_000, SCHEMA.zone)).expression()
        sentence = describe(parse(text), language)
        assert LEFT_OVER.search(QUOTED.sub("X", sentence)) is None, f"{text}\n{sentence}"
        assert sentence.count("(") == sentence.count(")") or "(" in text
        assert sentence.endswith(".")


@settings(max_examples=200, deadline=None)
@given(selections, st.sampled_from(list(LANGUAGES.values())))
def test_every_tree_has_a_sentence(selection, language):
    """Also those that the checker would refuse."""
    sentence = describe(selection, language, schema=SCHEMA)
    assert sentence[-1] == "."
    assert len(sentence) > 10
    assert sentence == describe(selection, language, schema=SCHEMA)


def test_fields_are_called_by_their_labels():
    labelled = replace(
        SCHEMA,
        contacts={**SCHEMA.contacts, "country": Field("country", Type.TEXT, label="Pays de résidence")},
        companies={"industry": Field("industry", Type.TEXT, label="Secteur")},
        events={**SCHEMA.events, "open": {"campaign": Field("campaign", Type.TEXT, label="Campagne")}},
    )
    text = 'country = "FR" and company.industry = "IT" and did open(campaign = "Spring") and points > 1'
    assert describe(parse(text), FRENCH, schema=labelled) == (
        "Les contacts dont le champ «\u00a0Pays de résidence\u00a0» est «\u00a0FR\u00a0», dont le champ Secteur de "
        "l'entreprise est «\u00a0IT\u00a0», qui ont eu au moins un événement open (dont le champ Campagne est "
        "«\u00a0Spring\u00a0») et dont le champ points est supérieur à 1."
    )


def test_a_schema_tells_dates_from_numbers():
    text = "last_order >= last_email and deadlines in today"
    assert describe(parse(text)) == (
        "Contacts whose last order is at least their last email and whose deadlines fall today."
    )
    dated = replace(SCHEMA, contacts={**SCHEMA.contacts, "deadlines": Field("deadlines", Type.DATE)})
    assert describe(parse(text), schema=dated) == (
        "Contacts whose last order is on or after their last email and whose deadlines falls today."
    )


def test_nested_groups_read_one_way():
    shapes = ["a and (b or c)", "a and b or c", "(a or b) and c", "a or b and c", "not (a and b) or c"]
    shapes += ["not a and b or c", "not (a and (b or c))", "not (a and b or c)"]
    for language in LANGUAGES.values():
        assert len({describe(parse(text), language) for text in shapes}) == len(shapes)


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ("open", "an open"),
        ("unsubscribe", "an unsubscribe"),
        ("use", "a use"),
        ("hour", "an hour"),
        ("visit", "a visit"),
    ],
)
def test_english_articles(event, said):
    assert f"had {said} event," in describe(parse(f"did {event} then click"))


@pytest.mark.parametrize(("count", "said"), [("0", "0 jour"), ("1", "1 jour"), ("1.5", "1,5 jour"), ("2", "2 jours")])
def test_french_plurals_begin_at_two(count, said):
    assert f"dans un délai de {said}." in describe(parse(f"did open then click within {count} days"), FRENCH)


def test_the_reference_shows_a_true_sentence():
    reference = (Path(__file__).parents[2] / "docs" / "language.md").read_text()
    said = describe(parse('country = "FR" and (points > 30 or newsletter)'))
    assert f"> {said}\n" in reference
