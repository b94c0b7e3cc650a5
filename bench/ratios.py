"""How many times as long a peer takes as Tamis, which is asked in process or over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.telling import geometric_mean

Run = Mapping[str, Any]
Key = tuple[str, str]
"""Family and name of a query."""
TAMIS = "tamis"


def key(query: Mapping[str, Any]) -> Key:
    return query["family"], query["name"]


def medians(run: Run, contender: str) -> dict[Key, float]:
    """Milliseconds in process."""
    queries = run.get("inprocess", {}).get("queries", ())
    return {key(each): each["times"][contender]["p50"] for each in queries if contender in each["times"]}


def over_http(run: Run) -> dict[Key, float]:
    """Milliseconds of Tamis."""
    queries = run.get("http", {}).get("queries", ())
    return {key(each): each["times"]["p50"] for each in queries if "times" in each}


def ratios(run: Run, peer: str, ours: Mapping[Key, float]) -> dict[Key, float]:
    """Of the queries that both answered."""
    theirs = medians(run, peer)
    return {each: theirs[each] / ours[each] for each in ours if each in theirs}


def peers(run: Run) -> list[str]:
    return [name for name in run.get("inprocess", {}).get("versions", ()) if name != TAMIS]


def unanswered(run: Run, peer: str) -> dict[str, str]:
    """The queries that Tamis has times of and a peer has none of, with why: `> 30 s`, or what it said."""
    queries = run.get("inprocess", {}).get("queries", ())
    return {
        ", ".join(key(each)): each["untimed"][peer].splitlines()[0]
        for each in queries
        if TAMIS in each["times"] and peer in each["untimed"]
    }


def summary(run: Run) -> dict[str, dict[str, dict[str, Any]]]:
    """For Tamis `inprocess` and over `http`, and each peer: the smallest ratio, whose it is, the geometric mean, and
    the queries that are in neither, as the peer did not answer them."""
    ways = {"inprocess": medians(run, TAMIS), "http": over_http(run)}
    return {
        way: {
            peer: summed_up(found) | {"unanswered": unanswered(run, peer)}
            for peer in peers(run)
            if (found := ratios(run, peer, ours))
        }
        for way, ours in ways.items()
        if ours
    }


def summed_up(found: Mapping[Key, float]) -> dict[str, Any]:
    """Of at least one ratio."""
    least = min(found, key=lambda each: found[each])
    return {
        "queries": len(found),
        "smallest": found[least],
        "smallest_at": ", ".join(least),
        "geometric_mean": geometric_mean(list(found.values())),
    }


def told_unanswered(found: Mapping[str, str]) -> str:
    """Of at least one: `left out, as it did not answer: > 30 s: zero, inactive; crashed (SIGSEGV): cuts, top`."""
    by_reason: dict[str, list[str]] = {}
    for query, reason in found.items():
        by_reason.setdefault(reason, []).append(query)
    told = "; ".join(f"{reason}: {' / '.join(queries)}" for reason, queries in by_reason.items())
    return f"{len(found)} left out, as it did not answer ({told})"
