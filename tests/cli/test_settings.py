import pytest

from server.cli.serve import limits_of
from server.service import Limits
from server.settings import SettingError, Settings, Source, resolve, table


def test_a_flag_beats_the_environment_which_beats_the_file_which_beats_the_default(tmp_path):
    file = tmp_path / "tamis.toml"
    file.write_text('port = 1\nhost = "file"\ndata = "file"\n')
    environment = {"TAMIS_PORT": "2", "TAMIS_HOST": "environment"}
    resolved = resolve({"port": 3, "host": None}, environment, file)
    assert resolved.settings == Settings(port=3, host="environment", data="file")
    assert [resolved.sources[name] for name in ("port", "host", "data", "workspace")] == list(Source)


def test_the_file_in_the_current_folder_is_read_without_being_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert resolve({}, {}).settings == Settings()
    (tmp_path / "tamis.toml").write_text("port = 7")
    assert resolve({}, {}).settings.port == 7


@pytest.mark.parametrize(
    ("environment", "text", "names"),
    [
        ({"TAMIS_PORT": "many"}, "", ["environment", "TAMIS_PORT"]),
        ({"TAMIS_PORT": "70000"}, "", ["environment", "TAMIS_PORT"]),
        ({}, "prot = 1", ["tamis.toml", "prot"]),
        ({}, "port = ", ["tamis.toml", "Invalid value"]),
    ],
)
def test_a_wrong_value_is_refused_and_its_source_named(tmp_path, environment, text, names):
    file = tmp_path / "tamis.toml"
    file.write_text(text)
    with pytest.raises(SettingError) as caught:
        resolve({}, environment, file)
    assert all(name in str(caught.value) for name in names)


def test_a_file_that_was_named_must_exist(tmp_path):
    with pytest.raises(SettingError, match=r"absent\.toml"):
        resolve({}, {}, tmp_path / "absent.toml")


def test_every_setting_has_a_meaning_and_a_variable():
    rows = list(table())
    assert {row.name for row in rows} == set(Settings.__struct_fields__)
    assert all(row.meaning and row.variable == f"TAMIS_{row.name.upper()}" for row in rows)


def test_the_limits_are_those_the_server_has_by_itself():
    limits, settings = Limits(), Settings()
    assert limits_of(settings) == limits
