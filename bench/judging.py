"""From a run to a figure: what a target may be judged by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from statistics import median
from typing import Any

from bench import telling
from bench.ratios import Run, key
from bench.timing import TELLING


class Unit(StrEnum):
    MILLISECONDS = "ms"
    SECONDS = "s"
    BYTES = "bytes"
    RATE = "a second"
    TIMES = "times"

    def told(self, value: float) -> str:
        match self:
            case Unit.MILLISECONDS:
                return telling.duration(value)
            case Unit.SECONDS:
                return telling.duration(value * 1000)
            case Unit.BYTES:
                return telling.size(value)
            case Unit.RATE:
                return telling.rate(value)
            case Unit.TIMES:
                return telling.exact_ratio(value)


@dataclass(frozen=True, slots=True)
class Named:
    """Queries of a family; all of it when no name is given."""

    family: str
    names: tuple[str, ...] = ()

    def __contains__(self, query: Mapping[str, Any]) -> bool:
        return query["family"] == self.family and (not self.names or query["name"] in self.names)


# --- what a row is judged by -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Execution:
    """The slowest median among queries, of counting what is planned; with the worst of their tails."""

    named: tuple[Named, ...]


@dataclass(frozen=True, slots=True)
class AgainstFloor:
    """The largest ratio of that to the same bitmaps combined by hand."""

    named: tuple[Named, ...]


@dataclass(frozen=True, slots=True)
class AboveConstant:
    """A query's median over HTTP, less that of the constant or of our own route that answers one, whichever is less,
    less that of the query in process; the median of those, as the difference of two times of a slow query is mostly
    noise."""


@dataclass(frozen=True, slots=True)
class WorstTail:
    """The largest 99th percentile of any query, from text to count."""


@dataclass(frozen=True, slots=True)
class Found:
    """A number that a mode found, by its path: `startup.serve.p50`."""

    path: str


@dataclass(frozen=True, slots=True)
class Share:
    """One number that was found, divided by another, or less another."""

    path: str
    by: str


@dataclass(frozen=True, slots=True)
class Beyond:
    """A number less the least of others that were found."""

    path: str
    less: tuple[str, ...]


Judge = Execution | AgainstFloor | AboveConstant | WorstTail | Found | Share | Beyond


@dataclass(frozen=True, slots=True)
class Figure:
    """What was measured; `worst` says where, `tail` how many times the median the 99th percentile is, at most; `few`
    how many times a 99th percentile is of, where they are too few to tell."""

    value: float
    worst: str = ""
    tail: float | None = None
    tail_at: str = ""
    few: int | None = None


def measured(judge: Judge, run: Run) -> Figure | None:
    match judge:
        case Execution(named):
            return _execution(run, named)
        case AgainstFloor(named):
            return _largest(
                (each["phases"]["execute"]["p50"] / each["times"]["floor"]["p50"], each)
                for each in _queries(run)
                if "floor" in each["times"] and any(each in some for some in named)
            )
        case AboveConstant():
            return _above_constant(run)
        case WorstTail():
            return _worst_tail(run)
        case Found(path):
            value = found(run, path)
            return None if value is None else Figure(value, few=_few_at(run, path))
        case Share(path, by):
            value, other = found(run, path), found(run, by)
            return Figure(value / other) if value and other else None
        case Beyond(path, less):
            value, others = found(run, path), [each for each in (found(run, name) for name in less) if each is not None]
            return Figure(value - min(others)) if value is not None and others else None
        case _:
            raise TypeError(f"no figure is made of {type(judge).__name__}")


def _queries(run: Run) -> list[dict[str, Any]]:
    """Those that Tamis has times of."""
    return [each for each in run.get("inprocess", {}).get("queries", ()) if "tamis" in each["times"]]


def _execution(run: Run, named: tuple[Named, ...]) -> Figure | None:
    chosen = {
        ", ".join(key(each)): each["phases"]["execute"] for each in _queries(run) if any(each in some for some in named)
    }
    if not chosen:
        return None
    tails = {name: times["p99"] / times["p50"] for name, times in chosen.items()}
    slowest = max(chosen, key=lambda name: float(chosen[name]["p50"]))
    longest = max(tails, key=lambda name: tails[name])
    return Figure(chosen[slowest]["p50"], slowest, tails[longest], longest, _few(chosen[longest]["count"]))


def _worst_tail(run: Run) -> Figure | None:
    times = {", ".join(key(each)): each["times"]["tamis"] for each in _queries(run)}
    if not times:
        return None
    worst = max(times, key=lambda name: float(times[name]["p99"]))
    return Figure(times[worst]["p99"], worst, few=_few(times[worst]["count"]))


def _few_at(run: Run, path: str) -> int | None:
    """Where the path is that of a 99th percentile."""
    where, _, share = path.rpartition(".")
    count = found(run, f"{where}.count")
    return None if share != "p99" or count is None else _few(int(count))


def _few(count: int) -> int | None:
    return count if count < TELLING else None


def _above_constant(run: Run) -> Figure | None:
    inside = {key(each): each["times"]["tamis"]["p50"] for each in _queries(run)}
    above = {
        ", ".join(key(each)): each["times"]["p50"] - _floor(each) - inside[key(each)]
        for each in run.get("http", {}).get("queries", ())
        if "times" in each and key(each) in inside
    }
    if not above:
        return None
    worst = max(above, key=lambda name: above[name])
    return Figure(median(above.values()), f"at most {telling.duration(above[worst])}: {worst}")


def _floor(query: Mapping[str, Any]) -> float:
    """The lesser median of the constant's route and of our own, where that was measured: only our own server looks for
    the next request for a moment, and has not to be woken."""
    return min(float(query[route]["p50"]) for route in ("floor", "alive") if route in query)


def _largest(valued: Iterator[tuple[float, Mapping[str, Any]]]) -> Figure | None:
    """The largest value and whose it is; None of none."""
    by_name = {", ".join(key(each)): value for value, each in valued}
    if not by_name:
        return None
    worst = max(by_name, key=lambda name: by_name[name])
    return Figure(by_name[worst], worst)


def found(run: Run, path: str) -> float | None:
    """The number at a path, None where there is none."""
    value: Any = run
    for step in path.split("."):
        if not isinstance(value, Mapping) or step not in value:
            return None
        value = value[step]
    return float(value)
