"""The rooms and which way their imports point."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = {
    "dsl": set(),
    "storage": set(),
    "formats": {"dsl"},
    "engine": {"dsl", "storage", "formats.batch"},
    "server": {"dsl", "storage", "formats", "engine"},
    "bench": {"dsl", "storage", "formats", "engine", "server"},
}
"""What each room may import of ours, besides itself."""

LONGEST_MODULE = 650
"""Lines. Most modules should stay under 400; none may reach this."""


def modules(room: str) -> list[Path]:
    return sorted((ROOT / room).rglob("*.py"))


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


ALL = {module_name(path): path for room in ROOMS for path in modules(room)}


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def imported(path: Path) -> Iterator[str]:
    """Modules of ours that are named by imports: `from dsl import typed` names dsl.typed."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] in ROOMS)
        elif isinstance(node, ast.ImportFrom):
            source = absolute(path, node)
            if source.split(".")[0] in ROOMS:
                inner = [f"{source}.{alias.name}" for alias in node.names]
                yield from (name if name in ALL else source for name in inner)


def absolute(path: Path, node: ast.ImportFrom) -> str:
    """`from .database import Database` in storage/store.py names storage.database."""
    package = path.relative_to(ROOT).parts[: -node.level] if node.level else ()
    return ".".join([*package, *([node.module] if node.module else [])])


def allowed(module: str, target: str) -> bool:
    room = module.split(".")[0]
    return any(target == name or target.startswith(name + ".") for name in ROOMS[room] | {room})


@pytest.mark.parametrize("room", ROOMS)
def test_imports_point_one_way(room: str) -> None:
    wrong = [
        f"{module_name(path)} imports {target}"
        for path in modules(room)
        for target in imported(path)
        if not allowed(module_name(path), target)
    ]
    assert wrong == []


def test_nothing_imports_the_tests() -> None:
    wrong = [
        module_name(path)
        for path in ALL.values()
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "tests"
    ]
    assert wrong == []


def test_modules_import_each_other_without_cycles() -> None:
    graph = {name: {t for t in imported(path) if t in ALL and t != name} for name, path in ALL.items()}
    assert cycle_in(graph) is None


def cycle_in(graph: dict[str, set[str]]) -> list[str] | None:
    done: set[str] = set()

    def visit(name: str, path: list[str]) -> list[str] | None:
        if name in path:
            return [*path[path.index(name) :], name]
        if name in done:
            return None
        for target in sorted(graph[name]):
            if found := visit(target, [*path, name]):
                return found
        done.add(name)
        return None

    return next((found for name in sorted(graph) if (found := visit(name, []))), None)


def test_a_cycle_would_be_found() -> None:
    assert cycle_in({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
    assert cycle_in({"a": {"b", "c"}, "b": {"c"}, "c": set()}) is None


def test_no_imports_inside_functions() -> None:
    """An import inside a function hides a dependency; heavy optional ones (peers, demo data) load by importlib."""
    wrong = [
        f"{name}:{node.lineno}"
        for name, path in ALL.items()
        for function in ast.walk(parsed(path))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert wrong == []


def test_modules_stay_small() -> None:
    sizes = {name: len(path.read_text().splitlines()) for name, path in ALL.items()}
    assert {name: lines for name, lines in sizes.items() if lines > LONGEST_MODULE} == {}


def test_every_room_has_a_docstring_that_says_what_it_is_for() -> None:
    missing = [room for room in ROOMS if not ast.get_docstring(parsed(ROOT / room / "__init__.py"))]
    assert missing == []
