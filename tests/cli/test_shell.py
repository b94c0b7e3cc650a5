"""What the shell sees: completion, settings, help."""

import json

import pytest
from click.testing import CliRunner

from server.cli import COMMANDS, main
from server.settings import Settings


def invoke(*arguments, **kwargs):
    return CliRunner().invoke(main, arguments, catch_exceptions=False, **kwargs)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_that_calls_tamis_back(shell):
    script = invoke("completion", shell).stdout
    assert f"_TAMIS_COMPLETE={shell}_complete" in script


def test_completion_completes_commands_and_options():
    environment = {"_TAMIS_COMPLETE": "bash_complete", "COMP_WORDS": "tamis seg", "COMP_CWORD": "1"}
    assert invoke(prog_name="tamis", env=environment).stdout.split() == ["plain,segments"]


def test_every_command_is_listed_with_a_sentence():
    listed = invoke("--help").stdout
    assert all(command.name in listed and command.get_short_help_str() for command in COMMANDS)


def commands(group, path=()):
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name)


@pytest.mark.parametrize("path", [path for path in commands(main) if path != ("completion",)], ids=" ".join)
def test_every_command_answers_as_json_when_asked(path):
    assert "--json" in invoke(*path, "--help").stdout


def test_settings_show_every_value_and_where_it_came_from(monkeypatch, tmp_path):
    monkeypatch.setenv("TAMIS_URL", "http://here")
    monkeypatch.setenv("TAMIS_KEY", "tamis_secret")
    (tmp_path / "mine.toml").write_text("port = 99")
    result = invoke("settings", "--json", "--config", str(tmp_path / "mine.toml"), "--data", "d")
    shown = json.loads(result.stdout)
    assert set(shown) == set(Settings.__struct_fields__)
    assert {name: shown[name]["source"] for name in ("data", "url", "port", "host")} == {
        "data": "flag",
        "url": "environment",
        "port": "file",
        "host": "default",
    }
    assert "tamis_secret" not in result.output


def test_a_wrong_setting_is_wrong_use(monkeypatch):
    monkeypatch.setenv("TAMIS_PORT", "many")
    result = invoke("settings")
    assert result.exit_code == 2
    assert "TAMIS_PORT" in result.stderr


def test_a_directory_on_the_command_line_beats_a_server_in_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("TAMIS_URL", "http://127.0.0.1:9")
    assert invoke("count", "everyone", "--data", str(tmp_path / "absent")).exit_code == 5
    assert invoke("count", "everyone").exit_code == 7
