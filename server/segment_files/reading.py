"""Reading a segment file: blocks into a document, and every problem of its form."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from dsl.problems import did_you_mean
from dsl.schema import Schema
from formats.batch import Kind
from server.segment_files import schemas
from server.segment_files.document import (
    ClockSet,
    Entry,
    Expectation,
    Given,
    Overrides,
    ParametersSet,
    Row,
    Rows,
    RowsFile,
    SegmentFile,
    Step,
    Test,
)
from server.segment_files.rows import free_value, pairs, row
from server.segment_files.text import (
    ARROW,
    Block,
    FileProblems,
    Finding,
    Slice,
    Source,
    blocks,
    lines_of,
    unquoted,
    words,
)

SUFFIX = ".segments"
GIVENS = ("at", "params", "contacts", "companies", "events", "members")
OUTERMOST = ("use", "schema", "segment", "test", *GIVENS)
HAND = ("add", "remove")

SEGMENT_FORM = 'as in: segment gold "Gold customers" under customers'
EXPECT_FORM = "as in: expect in segment gold -> ann bob; or -> everyone, or -> nobody"


def read_file(path: Path) -> SegmentFile:
    """The document of a file. What cannot be read is among its findings; OSError when the file itself cannot be."""
    reader = _Reader()
    source = Source(path, path.read_text("utf-8-sig"))
    reader.file(source, used=False)
    tests = tuple(_with(test, reader.givens) for test in reader.tests)
    return SegmentFile(source, reader.schema, tuple(reader.entries), tests, tuple(reader.findings))


def _with(test: Test, givens: Iterable[Given]) -> Test:
    """A test that begins with what holds for the whole file."""
    return Test(test.place, test.name, (*givens, *test.steps))


class _Reader:
    """Reads a file and the files it uses; a block that cannot be read leaves its findings behind."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.schema: Schema | None = None
        self.entries: list[Entry] = []
        self.givens: list[Given] = []
        self.tests: list[Test] = []
        self._seen: set[Path] = set()

    def file(self, source: Source, *, used: bool) -> None:
        """Reads all of a file; of one that is used, all but its tests."""
        self._seen.add(source.path.resolve())
        for block in blocks(lines_of(source)):
            if not (used and block.keyword == "test"):
                self._attempt(self._outermost, block)

    def _attempt(self, read: Callable[[Block], None], block: Block) -> None:
        try:
            read(block)
        except FileProblems as error:
            self.findings.extend(error.findings)

    def _outermost(self, block: Block) -> None:
        match block.keyword:
            case "use":
                self._use(block)
            case "schema":
                self._schema(block)
            case "segment":
                self.entries.append(_segment(block))
            case "test":
                self._test(block)
            case keyword if keyword in GIVENS:
                self.givens.append(_given(block, self.findings))
            case _:
                raise _unknown(block, OUTERMOST)

    def _use(self, block: Block) -> None:
        path = _beside(block.rest)
        if path.resolve() in self._seen:
            return
        try:
            source = Source(path, path.read_text("utf-8-sig"))
        except (OSError, UnicodeDecodeError) as error:
            raise FileProblems([block.rest.wrong(f"cannot read {path}: {_reason(error)}")]) from None
        self.file(source, used=True)

    def _schema(self, block: Block) -> None:
        before = self.schema or Schema()
        word, _, _ = str(block.rest).partition(" ")
        if word == "from":
            name = Slice(block.rest.source, block.rest.start + len("from "), block.rest.end)
            self.schema = schemas.read_json(before, _beside(name), name)
        else:
            self.schema = schemas.grown(before, block)

    def _test(self, block: Block) -> None:
        name = str(block.rest).strip('"')
        if not name:
            raise FileProblems([block.head.wrong("a test needs a name", 'as in: test "gold customers who came back"')])
        steps: list[Step] = []

        def step(inner: Block) -> None:
            steps.append(_expectation(inner) if inner.keyword == "expect" else _given(inner, self.findings))

        for inner in blocks(block.body):
            self._attempt(step, inner)
        self.tests.append(Test(block.head, name, tuple(steps)))


def _unknown(block: Block, known: Iterable[str]) -> FileProblems:
    hint = did_you_mean(block.keyword, known)
    wanted = f"one of {', '.join(known)}; the lines of a segment or a test are indented under it"
    return FileProblems([block.head.wrong(f"'{block.keyword}' means nothing here", hint or wanted)])


def _reason(error: OSError | UnicodeDecodeError) -> str:
    return str(error.strerror) if isinstance(error, OSError) else "it is no UTF-8 text"


def _beside(name: Slice) -> Path:
    """A file named in another one: relative to that one's folder."""
    return name.source.path.parent / str(name).strip('"')


# --- segments ------------------------------------------------------------------------------------------------


def _segment(block: Block) -> Entry:
    """`segment KEY "NAME" under PARENT`, or `… static`; then its description as comments, and its expression."""
    key, *rest = words(block.rest) or [block.head]
    if key is block.head:
        raise FileProblems([block.head.wrong("a segment needs a key", SEGMENT_FORM)])
    name, parent, static = None, None, False
    while rest:
        word = rest.pop(0)
        match str(word):
            case "under" if rest:
                parent = rest.pop(0)
            case "static":
                static = True
            case text if text.startswith('"') and name is None:
                name = word
            case text:
                raise FileProblems([word.wrong(f"'{text}' means nothing here", SEGMENT_FORM)])
    expression = block.lines[0].until(block.lines[-1]) if block.lines else None
    if static is (expression is not None):
        raise FileProblems([_half(block.head, static)])
    if name is not None:
        unquoted(name)  # FileProblems, before anybody asks for the title
    return Entry(block.head, key, name, parent, _description(block), expression)


def _half(head: Slice, static: bool) -> Finding:
    if static:
        return head.wrong("a static segment has no expression", "take out 'static', or the expression")
    hint = "write its expression below, indented; or 'static' here, if its members are picked by hand"
    return head.wrong("the segment has no expression", hint)


def _description(block: Block) -> str | None:
    """The comments between the heading and the expression, one line each."""
    lines = []
    for line in block.body:
        if not line.is_comment:
            break
        lines.append(str(line).removeprefix("#").strip())
    return "\n".join(lines) or None


# --- tests ---------------------------------------------------------------------------------------------------


def _given(block: Block, findings: list[Finding]) -> Given:
    """What a block gives; rows that cannot be read are left out of it, and noted."""
    match block.keyword:
        case "at":
            return ClockSet(block.rest)
        case "params":
            found = [word for line in (block.rest, *block.lines) for word in words(line)]
            return ParametersSet({unquoted(name).lstrip("$"): free_value(word) for name, word in pairs(found)})
        case "members":
            return _overrides(block)
        case "contacts" | "companies" | "events" as kind:
            return _rows(block, Kind(kind), findings)
        case _:
            raise _unknown(block, ("expect", *GIVENS))


def _rows(block: Block, kind: Kind, findings: list[Finding]) -> Rows | RowsFile:
    match [str(word) for word in words(block.rest)]:
        case []:
            return Rows(kind, tuple(_readable(block, kind, findings)))
        case ["from", _]:
            return RowsFile(block.rest, kind, _beside(_word(block, 1)))
        case ["from", _, "type", event] if kind is Kind.EVENTS:
            return RowsFile(block.rest, kind, _beside(_word(block, 1)), event.strip('"'))
        case _:
            hint = f"write the rows below, indented; or: {kind} from FILE{' type open' * (kind is Kind.EVENTS)}"
            raise FileProblems([block.rest.wrong("this cannot be read", hint)])


def _word(block: Block, number: int) -> Slice:
    return words(block.rest)[number]


def _readable(block: Block, kind: Kind, findings: list[Finding]) -> Iterator[Row]:
    for line in block.lines:
        try:
            yield row(kind, line)
        except FileProblems as error:
            findings.extend(error.findings)


def _overrides(block: Block) -> Overrides:
    """`members KEY add ann bob remove cid`."""
    key, *rest = words(block.rest) or [block.head]
    groups: dict[str, tuple[str, ...]] = {}
    group = ""
    for word in rest:
        if str(word) in HAND:
            group = str(word)
        elif not group:
            raise FileProblems([word.wrong("'add' or 'remove' is needed first", "as in: members gold add ann bob")])
        else:
            groups[group] = (*groups.get(group, ()), unquoted(word))
    if not groups:
        raise FileProblems([block.head.wrong("nobody is added or removed", "as in: members gold add ann remove bob")])
    return Overrides(block.head, key, groups)


def _expectation(block: Block) -> Expectation:
    """`expect EXPRESSION -> ids`, over as many lines as it takes."""
    whole = block.rest.until(block.lines[-1]) if block.lines else block.rest
    text = str(whole)
    arrow = text.rfind(ARROW)
    expression = text[: max(arrow, 0)].rstrip()
    members = words_of_lines(Slice(whole.source, whole.start + arrow + len(ARROW), whole.end)) if arrow >= 0 else []
    if not expression or not members:
        raise FileProblems([whole.wrong("an expectation is an expression, an arrow and members", EXPECT_FORM)])
    return Expectation(Slice(whole.source, whole.start, whole.start + len(expression)), _members(members))


def words_of_lines(slice: Slice) -> list[Slice]:
    """The words of several lines."""
    found, start = [], slice.start
    for line in str(slice).split("\n"):
        found += words(Slice(slice.source, start, start + len(line)))
        start += len(line) + 1
    return [word for word in found if str(word) != ","]


def _members(found: list[Slice]) -> tuple[str, ...] | None:
    match [str(word) for word in found]:
        case ["everyone"]:
            return None
        case ["nobody"]:
            return ()
        case _:
            return tuple(unquoted(word).rstrip(",") for word in found)
