"""The command line against a data directory, and against a running server: the same tests run for both."""

import pytest
from running_tamis import Tamis, start_server

from server.settings import table


@pytest.fixture(autouse=True)
def _nothing_from_outside(monkeypatch, tmp_path):
    """No setting comes from the tester's environment or folder."""
    for setting in table():
        monkeypatch.delenv(setting.variable, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """The data directory and the address of a server shared by all tests: each takes a workspace of its own."""
    data = tmp_path_factory.mktemp("served") / "data"
    process, url = start_server(data)
    yield data, url
    process.terminate()
    assert process.wait(30) == 0


@pytest.fixture(params=["directory", "server"])
def tamis(request, tmp_path):
    """A fresh workspace, in a data directory or on a server."""
    if request.param == "directory":
        return Tamis(["--data", str(tmp_path / "data")])
    _, url = request.getfixturevalue("server")
    workspace = f"w{abs(hash(request.node.nodeid)):x}"
    return Tamis(["--url", url, "--workspace", workspace])


PEOPLE = """id;prénom;pays;points;solde;inscription;newsletter
ann;Ann;FR;31;1 234,50;31/12/2025;oui
bob;Bob;BE;12;-3,25;01/02/2026;non
cid;Cécile;FR;;0,00;15/06/2026;oui
"""


@pytest.fixture
def people(tmp_path):
    """A file as a French spreadsheet writes it."""
    path = tmp_path / "people.csv"
    path.write_bytes(PEOPLE.encode("cp1252"))
    return path


@pytest.fixture
def filled(tamis, people):
    tamis("import", str(people), "--kind", "contacts", "--yes")
    return tamis
