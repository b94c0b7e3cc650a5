"""DuckDB, asked in SQL that a translator of its own writes, answers what the engine answers."""

from __future__ import annotations

import random
from datetime import datetime
from pathlib import Path

import pytest

from dsl.moments import Clock
from tests.conformance.script import Case, Scenario
from tests.conformance.test_conformance import SCENARIOS
from tests.duck.database import Duck
from tests.duck.prove import DuckTally, DuckTrial
from tests.oracle.calendar import to_milliseconds
from tests.properties.prove import Mismatch, prove
from tests.subject import Subject

PAIRS = 150


def test_engine_and_duckdb_agree_on_hundreds_of_pairs() -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    tally = prove(PAIRS, seed, trial=DuckTrial)
    assert isinstance(tally, DuckTally)
    print(tally)
    assert tally.pairs >= PAIRS
    assert tally.selective > PAIRS // 40, "most expressions select nobody or everyone"
    assert tally.translated_share > 0.95, f"too few are translated: {tally.untranslated}"


def test_another_answer_is_a_mismatch(monkeypatch: pytest.MonkeyPatch) -> None:
    select = Duck.select
    monkeypatch.setattr(Duck, "select", lambda duck, *asked: set(duck.world.contacts) - select(duck, *asked))
    with pytest.raises(Mismatch, match=r"engine has .* wrong, oracle has .* wrong"):
        prove(10, 1, trial=DuckTrial)


@pytest.fixture(scope="module")
def duck() -> Duck:
    return Duck()


@pytest.mark.parametrize(
    "scenario", [one for one in SCENARIOS if any(case.members is not None for case in one.cases)], ids=str
)
def test_conformance_cases_hold_in_duckdb(scenario: Scenario, duck: Duck, tmp_path: Path) -> None:
    subject = Subject(tmp_path, scenario.schema)
    wrong = []
    try:
        for step in scenario.steps:
            if not isinstance(step, Case):
                subject.write(step)
                duck.world = None
            elif step.members is not None and (found := answer(duck, subject, step)) != expected(subject, step):
                wrong.append(f"{step}: {step.expression}\n    {sorted(found)}")
    finally:
        subject.close()
    assert not wrong, "\n" + "\n".join(wrong)


def answer(duck: Duck, subject: Subject, case: Case) -> set[str]:
    if duck.world is not subject.world:
        duck.load(subject.world)
    clock = Clock(to_milliseconds(datetime.fromisoformat(case.clock)), subject.workspace.schema.zone)
    return duck.select(subject.understand(case.expression, case.params), clock)


def expected(subject: Subject, case: Case) -> set[str]:
    match case.members:
        case ("everyone",):
            return set(subject.world.contacts)
        case ("nobody",):
            return set()
        case members:
            return set(members or ())
