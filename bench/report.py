"""A run as one HTML page that fetches nothing: targets, plots, every number, and the machine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import Any

from bench import measures
from bench.comparing import BEYOND_DATA, GROWTH, TAIL_MS, Change, changes, growth_remarks, remarks
from bench.generate import Size
from bench.plots import bars, curves, medians
from bench.ratios import TAMIS, Key, Run, key, over_http, ratios, told_unanswered
from bench.telling import duration, ratio, title

NAMES = {
    "tamis": "Tamis",
    "http": "Tamis over HTTP",
    "duckdb": "DuckDB",
    "chdb": "ClickHouse (chdb)",
    "postgres": "PostgreSQL",
    "floor": "bitmaps by hand",
}
"""Of the contenders, in the order in which they stand; Tamis over HTTP counts as one."""
WAYS = {"inprocess": "in process", "http": "over HTTP"}
REFERENCE = "duckdb"
"""The peer whose ratios are drawn."""
KEY = (
    "Median <span class='quiet'>/ 99th percentile</span>; <b>how many times the median of Tamis in process</b>. Below "
    "that of Tamis, what reading, checking and planning takes, and what the plan takes."
)
FEW = 20
"""Below so many times, it is told how many there are."""
STYLE = Path(__file__).with_suffix(".css")


def page(runs: Sequence[Run]) -> str:
    """Of at least one run; of several, each at a size of its own, also how times grew."""
    ordered = sorted(runs, key=lambda run: Size[run["size"]].contacts)
    heading = f"Tamis and its peers, size {', '.join(run['size'] for run in ordered)}"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" '
        f'content="light dark"><title>{heading}</title><style>{STYLE.read_text()}{colours()}</style></head>'
        f"<body><main><h1>{heading}</h1>{''.join(sections(ordered))}</main></body></html>\n"
    )


def sections(runs: Sequence[Run]) -> Iterator[str]:
    """What is told of all runs together, then of each."""
    yield f"<p>{INTRODUCTION}</p><h2>Asked, and measured</h2>{targets(runs)}"
    for smaller, larger in pairwise(runs):
        grown = changes(smaller, larger, "total")
        told = (*growth_remarks(grown), *remarks(smaller, larger))
        yield f"<h2>From {smaller['size']} to {larger['size']}</h2><p>{told_of(told)}</p>{growth(grown)}"
    for run in runs:
        yield f"<h1>{escape(title_of(run))}</h1>"
        yield from sections_of(run)


def sections_of(run: Run) -> Iterator[str]:
    """Those that the run has something for."""
    yield f'<div class="tiles">{"".join(tiles(run))}</div>'
    rows = queries(run)
    if rows:
        yield f'<h2>Median of each query</h2><figure>{legend(run)}<div class="scroll">{medians(rows)}</div></figure>'
    for way, ours in (("inprocess", None), ("http", over_http(run))):
        found = ratios(run, REFERENCE, inside(run) if ours is None else ours)
        if found:
            yield f"<h2>{NAMES[REFERENCE]} against Tamis {WAYS[way]}</h2>"
            yield f"<p>{RATIO_TOLD[way]}</p>"
            yield f'<figure><div class="scroll">{bars(found, REFERENCE)}</div></figure>'
    yield from load(run)
    if run.get("profile"):
        yield f"<h2>Where the time of the slowest families goes</h2>{''.join(profiles(run))}"
    yield f"<h2>All else</h2>{listed(measures.rows(run))}"
    if rows:
        yield f"<h2>Every number</h2><p>{KEY}</p>{table(run, rows)}"
    yield f"<h2>Where</h2>{facts(run)}"


RATIO_TOLD = {
    "inprocess": "How many times as long it takes, both asked in process, by the median of each query.",
    "http": "It is asked in process, Tamis over HTTP, request and answer included.",
}


INTRODUCTION = (
    "Each query is asked with other constants every time, from its text to its count, from no cache. All contenders "
    "counted the same before any time counted."
)


def title_of(run: Run) -> str:
    size = Size[run["size"]]
    return f"Size {run['size']}: {size.contacts:,} contacts and {size.events:,} events"


def inside(run: Run) -> dict[Key, float]:
    asked = run.get("inprocess", {}).get("queries", ())
    return {key(each): each["times"][TAMIS]["p50"] for each in asked if TAMIS in each["times"]}


def queries(run: Run) -> list[dict[str, Any]]:
    """Those that Tamis has times of, with the `medians` of all contenders by name."""
    asked, by_http = run.get("inprocess", {}).get("queries", ()), over_http(run)
    rows = []
    for each in asked:
        if TAMIS in each["times"]:
            found = {name: times["p50"] for name, times in each["times"].items()}
            if key(each) in by_http:
                found["http"] = by_http[key(each)]
            rows.append({**each, "medians": {name: found[name] for name in NAMES if name in found}})
    return rows


def contenders(run: Run) -> list[str]:
    there = {name for each in queries(run) for name in each["medians"]}
    return [name for name in NAMES if name in there]


def colours() -> str:
    return "".join(f".{name}{{fill:var(--{name})}}i.{name}{{background:var(--{name})}}" for name in NAMES)


def legend(run: Run) -> str:
    keys = "".join(f'<span><i class="{name}"></i>{NAMES[name]}</span>' for name in contenders(run))
    return f'<div class="legend">{keys}</div>'


def tiles(run: Run) -> Iterator[str]:
    found = [row for row in run["targets"] if row["measured"] is not None]
    if found:
        met, long = sum(row["met"] for row in found), sum(row["long_tail"] for row in found)
        yield tile(
            f"{met} of {len(found)}", "figures asked for are met", f"{long} with a 99th percentile that is too long"
        )
    for way, peers in run["ratios"].items():
        for name, each in peers.items():
            told = (
                f"as long as Tamis {WAYS[way]} takes {NAMES[name]}, in the geometric mean of {each['queries']} queries"
            )
            below = f"least: {ratio(each['smallest'])}, {each['smallest_at']}"
            if each["unanswered"]:
                below += f"; {told_unanswered(each['unanswered'])}"
            yield tile(ratio(each["geometric_mean"]), told, below)


def tile(figure: str, told: str, below: str) -> str:
    return f'<div class="tile"><b>{figure}</b>{escape(told)}<div class="quiet">{escape(below)}</div></div>'


# --- tables ------------------------------------------------------------------------------------------------


def targets(runs: Sequence[Run]) -> str:
    """A row for each, with a column for each run; a figure is judged at the size that it is asked for, at any where
    there is no run of that."""
    heads = ("work", "asked", *(f"measured at {run['size']}" for run in runs), "where", "p99 to p50")
    by_work = zip(*(run["targets"] for run in runs), strict=True)
    rows = [target([row["size"] for row in runs], row) for row in by_work]
    rows += [target([run["size"] for run in runs], row) for row in grown_most(runs)]
    return html_table(heads, iter(rows))


def target(sizes: Sequence[str], row: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What is asked, and a figure for each size; where, and the tail, of the last that is judged."""
    at = [(each, each["asked_at"] in (size, None)) for size, each in zip(sizes, row, strict=True)]
    nowhere = not any(judged for _, judged in at)
    asked = dict.fromkeys((each["asked"], each["asked_at"]) for each, judged in at if judged or nowhere)
    bound = "at least" if row[0]["least"] else "at most"
    told = ", ".join(f"{limit} <span class='quiet'>at {size}</span>" if size else limit for limit, size in asked)
    yield f"<td>{escape(row[0]['work'])}</td><td>{bound} {told}</td>"
    yield from (figure(each, judged or nowhere) for each, judged in at)
    last = next((each for each, judged in reversed(at) if judged or nowhere), row[-1])
    yield f"<td class='quiet where'>{escape(last.get('worst') or '')}</td>"
    tail, whose = last.get("tail"), escape(last.get("tail_at") or "")
    shade = "missed" if last.get("long_tail") else "quiet"
    yield f'<td class="{shade}" title="{whose}">{"" if tail is None else ratio(tail)}</td>'


def figure(row: Mapping[str, Any], judged: bool) -> str:
    if row["measured"] is None:
        return "<td></td>"
    return judged_cell(row["measured"], row["met"]) if judged else f'<td class="quiet">{row["measured"]}</td>'


def grown_most(runs: Sequence[Run]) -> Iterator[list[Mapping[str, Any]]]:
    """How much the query grew that grew most, from one size to the next; told at the larger."""
    for number, (smaller, larger) in enumerate(pairwise(runs), 1):
        found = changes(smaller, larger, "total")
        if found:
            work = f"growth from {smaller['size']} to {larger['size']}"
            of_data = f"{work}, beyond that of the data read"
            for row in (
                most(work, GROWTH, {change.query: change.factor for change in found}),
                most(of_data, BEYOND_DATA, {change.query: change.beyond_data for change in found}),
            ):
                yield [row if each == number else {**row, "measured": None} for each in range(len(runs))]


def most(work: str, limit: float, factors: Mapping[Key, float]) -> dict[str, Any]:
    worst = max(factors, key=lambda each: factors[each])
    value = factors[worst]
    row = {"work": work, "asked": ratio(limit), "asked_at": None, "least": False, "measured": ratio(value)}
    return row | {"met": value <= limit, "worst": ", ".join(worst)}


def listed(rows: Iterator[tuple[str, str]]) -> str:
    return html_table(
        ("what", "measured"), ((f"<td>{escape(what)}</td>", f"<td>{escape(it)}</td>") for what, it in rows)
    )


def told_of(remarks: Iterable[str]) -> str:
    return "<br>".join(map(escape, remarks))


def growth(changes: list[Change]) -> str:
    """What grew most first."""
    ordered = sorted(changes, key=lambda each: -each.factor)
    heads = ("query", "smaller", "larger", "growth", "of its data", "99th percentile")
    return html_table(heads, (grown(each) for each in ordered))


def grown(change: Change) -> Iterator[str]:
    yield f"<td>{escape(', '.join(change.query))}</td>"
    yield f"<td>{duration(change.before)}</td><td>{duration(change.after)}</td>"
    yield judged_cell(ratio(change.factor), change.factor <= GROWTH)
    yield judged_cell(ratio(change.data), change.beyond_data <= BEYOND_DATA)
    yield judged_cell(duration(change.tail), change.tail <= TAIL_MS)


def judged_cell(told: str, met: bool) -> str:
    return f'<td class="{"met" if met else "missed"}">{told}</td>'


def profiles(run: Run) -> Iterator[str]:
    for which, each in run["profile"].items():
        yield f"<h3>{escape(which)}</h3><p><code>{escape(each['expression'])}</code></p>"
        for head, told in (("the plan", "plan"), ("time of its own", "own"), ("with what is called", "with_called")):
            if told in each:
                asked = "" if told == "plan" else f", over {each['asked']} counts"
                yield f"<details><summary>{head}{asked}</summary><pre>{escape(each[told])}</pre></details>"


def table(run: Run, rows: list[dict[str, Any]]) -> str:
    names = contenders(run)
    return html_table(("query", *(NAMES[name] for name in names)), (cells(row, names) for row in rows))


def html_table(heads: tuple[str, ...], rows: Iterator[Any]) -> str:
    head = "".join(f"<th>{escape(text)}</th>" for text in heads)
    body = "".join(f"<tr>{''.join(cells)}</tr>" for cells in rows)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def cells(query: Mapping[str, Any], names: list[str]) -> Iterator[str]:
    what, asked = f"{title(query['family'])}, {query['name']}", query["expression"]
    yield f"<td>{escape(what)}<br><code>{escape(asked)}</code></td>"
    for name in names:
        yield f"<td>{cell(query, name)}</td>"


def cell(query: Mapping[str, Any], name: str) -> str:
    if name == "http":
        return duration(query["medians"][name]) if name in query["medians"] else ""
    times = query["times"].get(name)
    if times is None:
        return f"<span class='quiet'>{escape(query['untimed'].get(name, ''))}</span>"
    told = f"{duration(times['p50'])} <span class='quiet'>/ {duration(times['p99'])}</span>"
    if times["count"] < FEW:
        told += f" <span class='quiet'>of {times['count']}</span>"
    below = phases(query["phases"]) if name == TAMIS else ratio(query["ratios"][name])
    return f"{told}<br><b>{below}</b>"


def phases(taken: Mapping[str, Mapping[str, float]]) -> str:
    return " + ".join(duration(taken[phase]["p50"]) for phase in ("prepare", "execute"))


# --- load, and the machine ---------------------------------------------------------------------------------

MIXES = {
    "everyday": "Questions that people ask all day: attributes, ranges, dates, tags, companies, windows, frequency",
    "every": "Every query of the workloads in turn",
}


def load(run: Run) -> Iterator[str]:
    found = run.get("openloop", {})
    if not any(mix in found for mix in MIXES):
        return
    yield "<h2>Latency as the rate grows</h2>"
    yield (
        f"<p>Counts a second over HTTP from {found['connections']} connections to one server, {found['seconds']:g} s "
        "of each rate. Each is timed from when it was due, so that what waits behind a slow answer counts as slow. "
        "Hollow where the rate was not kept up.</p>"
    )
    for mix in MIXES:
        if mix in found and found[mix]["rates"]:
            told = f"{MIXES[mix]}; kept up: {found[mix]['most']:,} a second"
            drawn = curves(found[mix]["rates"])
            yield f'<figure><figcaption>{escape(told)}</figcaption><div class="scroll">{drawn}</div></figure>'


def facts(run: Run) -> str:
    machine, raced = run["machine"], run.get("inprocess", {})
    versions = ", ".join(f"{NAMES[name]} {each}" for name, each in raced.get("versions", {}).items())
    told = {
        "when": machine["when"],
        "processor": f"{machine['processor']}, {machine['cores']} cores, {machine['memory'] / (1 << 30):.0f} GiB",
        "load when done": f"{machine['load']:.1f}",
        "system": f"{machine['system']}, Python {machine['python']}",
        "who": versions or f"Tamis {run['tamis']}",
        "how long": f"each query {run['seconds']:g} s of each",
        **loading(raced),
        **{f"{name} did not take part": reason for name, reason in raced.get("absent", {}).items()},
        **{f"{mode} failed": reason.splitlines()[-1] for mode, reason in run["failed"].items()},
    }
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(str(value))}</dd>" for name, value in told.items())
    return f"<dl>{rows}</dl>"


def loading(raced: Mapping[str, Any]) -> dict[str, str]:
    told = ", ".join(f"{NAMES[name]} {each:.0f} s" for name, each in raced.get("loading_seconds", {}).items())
    return {"loading took": told} if told else {}
