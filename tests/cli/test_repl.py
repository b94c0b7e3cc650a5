"""The prompt: keys, completion and the live count on a made-up terminal; lines from a pipe; and a real terminal."""

import json
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import threading
import time
from contextlib import contextmanager

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput
from running_tamis import ROOT, Tamis

from dsl.complete import Completion
from dsl.problems import Problem, Span
from engine.deadline import QueryCancelled, still_wanted
from engine.results import Count
from server.cli.local import Local, opened
from server.cli.repl.completing import ReplCompleter
from server.cli.repl.entries import entries, is_unfinished
from server.cli.repl.highlighting import ExpressionLexer, Look, pieces
from server.cli.repl.live import Live, Verdict
from server.cli.repl.prompt import Prompt, history, history_path, said
from server.cli.repl.terminal import words
from server.client import Unreachable

ENTER, ALT_ENTER, CTRL_C, CTRL_D, UP = "\r", "\x1b\r", "\x03", "\x04", "\x1b[A"


def judged(text):
    """Knows of one wrong name; anything else has as many members as characters."""
    at = text.find("contry")
    if at >= 0:
        return Verdict(text, problems=(Problem("unknown-field", "unknown field 'contry'", None, Span(at, at + 6)),))
    return Verdict(text, Count(len(text), 100, None, None, 1, 0.5))


class Conversation:
    """What completion asks of a conversation: a backend."""

    def __init__(self, backend):
        self.backend = backend


class Silent:
    """A backend that knows of nothing that may come."""

    def complete(self, expression):
        return Completion(len(expression), len(expression), ())


@contextmanager
def prompting(judge=judged, past=None, completer=None):
    """A prompt, and a way to type at it."""
    with create_pipe_input() as keys, create_app_session(input=keys, output=DummyOutput()):
        live = Live(judge, lambda: prompt.refresh(), pause=0.01)
        prompt = Prompt(live, words, completer or ReplCompleter(Conversation(Silent())), past or InMemoryHistory())
        with live:
            yield prompt, keys


def typed(prompt, keys, *parts):
    """What is entered when `parts` are typed: a text at once, and a function is waited for to be true."""

    def type_them():
        for part in parts:
            if callable(part):
                deadline = time.monotonic() + 60
                while not part() and time.monotonic() < deadline:
                    time.sleep(0.005)
            else:
                keys.send_text(part)

    typist = threading.Thread(target=type_them)
    typist.start()
    try:
        return prompt.ask()
    finally:
        typist.join()


# --- keys -----------------------------------------------------------------------------------------------------


def test_enter_enters_what_is_complete_and_goes_on_with_what_is_not():
    with prompting() as (prompt, keys):
        assert typed(prompt, keys, "points > 3", ENTER) == "points > 3"
        assert typed(prompt, keys, "points >", ENTER, "3", ENTER) == "points >\n3"
        assert typed(prompt, keys, "(a = 1", ENTER, "or b = 2)", ENTER) == "(a = 1\nor b = 2)"


def test_alt_enter_begins_a_line_in_what_is_complete():
    with prompting() as (prompt, keys):
        assert typed(prompt, keys, "points > 3", ALT_ENTER, "and a = 1", ENTER) == "points > 3\nand a = 1"


def test_what_cannot_be_mended_by_going_on_is_entered_and_so_is_an_unfinished_text_after_a_blank_line():
    with prompting() as (prompt, keys):
        assert typed(prompt, keys, "points > > 3", ENTER) == "points > > 3"
        assert typed(prompt, keys, "points >", ENTER, ENTER).rstrip() == "points >"
        assert typed(prompt, keys, ".explain points >", ENTER) == ".explain points >"


def test_ctrl_c_clears_the_line_and_ctrl_d_leaves_an_empty_one():
    with prompting() as (prompt, keys):
        assert typed(prompt, keys, "nonsense", CTRL_C, "everyone", ENTER) == "everyone"
        with pytest.raises(EOFError):
            typed(prompt, keys, CTRL_D)


def test_what_was_entered_comes_back_in_a_later_session(tmp_path):
    path = tmp_path / "deep" / "history"
    with prompting(past=history(path)) as (prompt, keys):
        typed(prompt, keys, "points > 3", ALT_ENTER, "and a = 1", ENTER)
    assert path.stat().st_mode & 0o077 == 0
    with prompting(past=history(path)) as (prompt, keys):
        # Up goes to the first line of the entry before, and Enter enters it as it was.
        past_is_loaded = lambda: len(prompt.buffer._working_lines) > 1  # noqa: E731
        assert typed(prompt, keys, past_is_loaded, UP, ENTER) == "points > 3\nand a = 1"


def test_the_history_is_where_xdg_says(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert history_path() == tmp_path / "tamis" / "history"
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert history_path() == tmp_path / ".local" / "state" / "tamis" / "history"


def test_a_history_that_cannot_be_written_is_kept_in_memory(tmp_path):
    (tmp_path / "file").write_text("")
    assert isinstance(history(tmp_path / "file" / "history"), InMemoryHistory)


def test_commands_are_completed():
    with prompting() as (prompt, keys):
        menu_is_open = lambda: prompt.buffer.complete_state is not None  # noqa: E731
        assert typed(prompt, keys, ".expl", menu_is_open, "\t", ENTER, ENTER) == ".explain"


@pytest.fixture
def completer(people, tmp_path):
    """Completion over the people of the other tests."""
    data = str(tmp_path / "completed")
    Tamis(["--data", data])("import", str(people), "--kind", "contacts", "--yes")
    with opened(data, create=False) as directory:
        yield ReplCompleter(Conversation(Local(directory.workspace("default"))))


def completions(completer, text):
    found = completer.get_completions(Document(text), CompleteEvent())
    return {text[: len(text) + item.start_position] + item.text: item.display_meta_text for item in found}


def test_fields_and_values_are_completed_from_the_data(completer):
    assert completions(completer, "everyone and poi") == {"everyone and points": "field, number"}
    values = list(completions(completer, "pays = ").items())
    assert values[:2] == [('pays = "FR"', "value, 2 contacts"), ('pays = "BE"', "value, 1 contacts")]


def test_an_expression_after_a_command_is_completed_where_it_begins(completer):
    for before in (".show ", ".explain ", ".why ann ", '.export "a file.csv" ', ".save key everyone and "):
        assert f"{before}points" in completions(completer, f"{before}poin")
    for before in (".why poin", ".limit poin", ".nonsense poin", ".save poin"):
        assert completions(completer, before) == {}


def test_tab_takes_what_may_come_next(completer):
    with prompting(completer=completer) as (prompt, keys):
        menu_is_open = lambda: prompt.buffer.complete_state is not None  # noqa: E731
        assert typed(prompt, keys, "poin", menu_is_open, "\t", ENTER, " > 3", ENTER) == "points > 3"


def test_a_backend_that_is_gone_completes_nothing_and_breaks_nothing():
    class Gone:
        def complete(self, expression):
            raise Unreachable("http://here", "refused")

    assert completions(ReplCompleter(Conversation(Gone())), "poin") == {}


# --- the live count -------------------------------------------------------------------------------------------


def below(prompt):
    return "".join(text for _, text in prompt._below())


def test_the_count_under_the_line_follows_what_is_typed():
    with prompting() as (prompt, keys):
        seen = []

        def shows(expected):
            def looked():
                shown = below(prompt)
                if expected in shown:
                    seen.append(shown)
                return expected in shown

            return looked

        assert typed(prompt, keys, "a > 30", shows("6 of 100"), "00", shows("8 of 100"), ENTER) == "a > 3000"
        assert seen == ["6 of 100 contacts (6.0%) in 0.50 ms", "8 of 100 contacts (8.0%) in 0.50 ms"]


def test_a_problem_is_told_under_the_line_and_underlined_in_it():
    with prompting() as (prompt, keys):
        found = []

        def told():
            ready = "unknown field" in below(prompt)
            if ready:
                control = prompt.application.layout.current_control
                found.append(control.create_content(80, 5).get_line(0))
            return ready

        typed(prompt, keys, "a = 1 and contry = 2", told, ENTER)
        underlined = "".join(text for style, text in found[0] if f"class:{Look.PROBLEM}" in style)
        assert underlined == "contry"


def test_a_verdict_on_a_text_that_has_changed_since_is_thrown_away():
    release, asked, shown = threading.Event(), [], []

    def slow(text):
        asked.append(text)
        if text == "first":
            release.wait(60)
        return Verdict(text)

    with Live(slow, lambda: shown.append(live.of("second")), pause=0) as live:
        live.ask("first")
        wait_for(lambda: asked == ["first"])
        live.ask("second")
        assert live.of("first") is None
        release.set()
        wait_for(lambda: live.of("second") is not None)
    assert shown == [Verdict("second")]
    assert live.of("first") is None


def test_a_judgement_is_cancelled_once_its_text_has_changed():
    ended = []

    def endless(text):
        try:
            while text == "first":
                still_wanted()
                time.sleep(0.001)
        except QueryCancelled:
            ended.append(text)
        return Verdict(text)

    with Live(endless, lambda: None, pause=0) as live:
        live.ask("first")
        time.sleep(0.05)
        live.ask("second")
        wait_for(lambda: live.of("second") is not None)
        live.ask("first")
        time.sleep(0.05)
    assert ended == ["first", "first"], "leaving cancels too"


def test_texts_that_change_within_the_pause_are_never_asked_about():
    asked = []

    def note(text):
        asked.append(text)
        return Verdict(text)

    with Live(note, lambda: None, pause=0.2) as live:
        for text in ("p", "po", "poi", "poin"):
            live.ask(text)
        wait_for(lambda: live.of("poin") is not None)
    assert asked == ["poin"]


def test_a_text_typed_again_after_another_is_judged_again():
    with Live(Verdict, lambda: None, pause=0) as live:
        for text in ("a", "b", "a"):
            live.ask(text)
            wait_for(lambda text=text: live.of(text) is not None)


def wait_for(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_what_is_said_of_a_verdict():
    said_of = lambda verdict: said(verdict)[0]  # noqa: E731
    end = Problem("unexpected-end", "the expression ends too soon", "expected a name", Span(3, 3))
    assert said_of(Verdict("x", problems=(end,))) == ("class:live", "the expression ends too soon; expected a name")
    assert said_of(Verdict("x", problems=(end, end)))[1].endswith("(and 1 more)")
    assert said_of(Verdict("x", trouble="no answer")) == ("class:live.problem", "no answer")


# --- colours --------------------------------------------------------------------------------------------------


def test_every_kind_of_word_has_its_colour():
    text = 'did `a b`(x = "s") and count(open) >= 1_0.5 or $p in 2026-06 and u matches /a\\/b/i # end'
    looks = [(look.value, text[span.start : span.end]) for look, span in pieces(text)]
    assert [pair for pair in looks if pair[0] not in ("sign", "keyword")] == [
        ("name", "`a b`"),
        ("name", "x"),
        ("text", '"s"'),
        ("function", "count"),
        ("name", "open"),
        ("number", "1_0.5"),
        ("parameter", "$p"),
        ("time", "2026-06"),
        ("name", "u"),
        ("regex", "/a\\/b/i"),
        ("comment", "# end"),
    ]
    assert [word for look, word in looks if look == "keyword"] == ["did", "and", "or", "in", "and", "matches"]


@pytest.mark.parametrize("text", ['a = "open', "a matches /open", "`open", "a / b / c", "$", "é ≤ 3\n# x\n\n'", "\\"])
def test_broken_text_keeps_every_character(text):
    lines = ExpressionLexer().lex_document(Document(text))
    assert "\n".join("".join(part for _, part in lines(n)) for n in range(text.count("\n") + 1)) == text


def test_division_is_no_regular_expression():
    assert Look.REGEX not in [look for look, _ in pieces("a / b / c > 1")]


# --- lines ----------------------------------------------------------------------------------------------------


def test_lines_are_joined_while_they_are_unfinished():
    lines = ["everyone", "points >", "  3", ".show", "a = 1 and", "", "nobody or"]
    assert list(entries(lines)) == ["everyone", "points >\n  3", ".show", "a = 1 and\n", "nobody or"]
    assert is_unfinished("points > 3 and")
    assert not is_unfinished('a = "open')


def test_a_conversation_over_a_pipe(filled, tmp_path):
    said = filled(
        "repl",
        stdin="""pays = "FR"
.fields id, points
.show
contry = 1
.describe
.describe fr points > 30
.format pays="BE"   and   points>3
.limit none
.nonsense
.explain
.why ann points > 30
.why nobody
.save french pays = "FR"
in segment french and
  points > $least
.param least=30
in segment french and points > $least
.export "the members.csv"
.segments
.schema
.at 2020-01-01
inscription in last 7 days
.help
.quit
everyone
""",
    )
    out, err = said.stdout, said.stderr
    assert out.startswith("2 of 3 contacts (66.7%)")
    assert "31" in out
    assert "Contacts whose pays is “FR”." in out
    assert "Les contacts dont le champ points" in out
    assert 'pays = "BE" and points > 3' in out
    assert "ann matches" in out
    assert "no contact" in err
    assert "saved as segment french: 2 contacts" in out
    assert "1 of 3 contacts (33.3%)" in out
    assert (tmp_path / "the members.csv").read_text() == "id,points\nann,31\n"
    assert "0 of 3 contacts" in out
    assert "3 of 3" not in out, "nothing is read after .quit"
    assert "1:1  unknown field 'contry'" in err
    assert "no value is given for $least" in err
    assert "a limit is a number" in err
    assert "there is no command .nonsense" in err
    assert filled.json("segments", "show", "french")["expression"] == 'pays = "FR"'


def test_what_was_refused_is_not_what_the_next_command_is_about(filled):
    assert "pays is “FR”" in filled("repl", stdin='pays = "FR"\ncontry = 1\n.describe\n').stdout
    assert "there is no expression yet" in filled("repl", stdin=".explain\n").stderr


def test_answers_as_json_for_programs(filled):
    out = filled("repl", "--json", stdin="everyone\n.format everyone   and nobody\n").stdout
    first, at = json.JSONDecoder().raw_decode(out)
    second, _ = json.JSONDecoder().raw_decode(out[at:].lstrip())
    assert (first["count"], second) == (3, {"expression": "everyone and nobody"})


def test_saving_over_a_segment_keeps_its_name_and_parent(filled):
    filled("segments", "put", "french", 'pays = "FR"', "--name", "The French")
    filled("segments", "put", "rich", "points > 1", "--name", "Rich", "--parent", "french", "--description", "why")
    filled("repl", stdin=".save rich points > 30\n")
    view = filled.json("segments", "show", "rich")
    assert (view["expression"], view["name"], view["parent"], view["description"], view["count"]) == (
        "points > 30", "Rich", "french", "why", 1,
    )  # fmt: skip


def test_commands_have_what_the_line_under_the_prompt_says():
    assert words(".save key")[0][1].startswith(".save KEY [EXPRESSION]")
    assert words(".s")[0][1].split() == [".show", ".schema", ".segments", ".save"]
    found = ReplCompleter(None).get_completions(Document(".s"), CompleteEvent())
    assert [item.text for item in found] == [".show", ".schema", ".segments", ".save"]


# --- a real terminal ------------------------------------------------------------------------------------------


class Terminal:
    """`tamis repl` on a pseudo-terminal."""

    def __init__(self, arguments, state, kind="xterm"):
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # whoever started the tests may ignore it
            environment = {**os.environ, "TERM": kind, "XDG_STATE_HOME": str(state), "PYTHONPATH": str(ROOT)}
            os.execve(sys.executable, [sys.executable, "-m", "server.cli", "repl", *arguments], environment)
        self.seen = ""
        self.every_key = kind != "dumb"

    def until(self, words):
        """Reads until `words` appear after what was awaited before."""
        deadline = time.monotonic() + 60
        while words not in self.seen:
            ready, _, _ = select.select([self.master], [], [], max(deadline - time.monotonic(), 0))
            assert ready, self.seen
            self.seen += os.read(self.master, 65536).decode(errors="replace")
        self.seen = self.seen.partition(words)[2]

    def type(self, keys):
        """Types once the prompt listens to every key: until then the terminal would take them, Ctrl-C to begin with."""
        deadline = time.monotonic() + 60
        while self.every_key and termios.tcgetattr(self.master)[3] & termios.ICANON:
            assert time.monotonic() < deadline, self.seen
            time.sleep(0.01)
        os.write(self.master, keys.encode())

    def end(self):
        """The exit code."""
        try:
            while os.read(self.master, 65536):
                pass
        except OSError:  # the other side has closed
            pass
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def test_a_journey_on_a_real_terminal(tmp_path, people):
    data = str(tmp_path / "data")
    Tamis(["--data", data])("import", str(people), "--kind", "contacts", "--yes")
    terminal = Terminal(["--data", data], tmp_path / "state")
    terminal.until("tamis> ")
    terminal.type('pays = "FR"')
    terminal.until("(66.7%)")
    terminal.type(ENTER)
    terminal.until(" of 3 contacts (66.7%)")
    terminal.until("tamis> ")
    terminal.type("contry = 1")
    terminal.until("unknown field")
    terminal.type(CTRL_C + ".show" + ENTER)
    terminal.until("Ann")
    terminal.until("tamis> ")
    terminal.type(CTRL_D)
    assert terminal.end() == 0
    assert '+pays = "FR"' in (tmp_path / "state" / "tamis" / "history").read_text().splitlines()


def test_a_terminal_that_cannot_move_its_cursor_gets_plain_lines(tmp_path, people):
    data = str(tmp_path / "data")
    Tamis(["--data", data])("import", str(people), "--kind", "contacts", "--yes")
    terminal = Terminal(["--data", data], tmp_path / "state", "dumb")
    terminal.until("tamis> ")
    terminal.type('pays = "FR"\n')
    terminal.until("2 of 3 contacts (66.7%)")
    terminal.until("tamis> ")
    terminal.type("contry" + CTRL_C)
    terminal.until("tamis> ")
    terminal.type(".quit\n")
    assert terminal.end() == 0


def test_other_commands_do_not_wait_for_the_prompt_to_load():
    code = "import sys, server.cli; sys.exit('prompt_toolkit' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
