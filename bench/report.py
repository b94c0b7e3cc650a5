"""A run as one HTML page that fetches nothing: targets, plots, every number, and the machine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import Any

from bench import measures, verdicts
from bench.comparing import BEYOND_DATA, GROWTH, TAIL_MS, Change, changes, growth_remarks, remarks
from bench.concluding import told_summary
from bench.estimates import FAR_OFF, factor
from bench.generate import Size
from bench.plots import bars, curves, medians
from bench.ratios import TAMIS, Key, Run, key, over_http, ratios, told_unanswered
from bench.telling import duration, ratio, share, title
from bench.timing import TELLING

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
STYLE = Path(__file__).with_suffix(".css")


def page(runs: Sequence[Run]) -> str:
    """Of at least one run; of several, each at a size of its own, also how times grew."""
    ordered = sorted(runs, key=lambda run: Size[run["size"]].contacts)
    heading = f"Tamis and its peers, size {', '.join(run['size'] for run in ordered)}"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" '
        f'content="light dark"><title>{heading}</title><style>{STYLE.read_text()}{colours()}</style></head>'
        f"<body><main><h1>{heading}</h1>{contents(ordered)}{''.join(sections(ordered))}</main></body></html>\n"
    )


def contents(runs: Sequence[Run]) -> str:
    links = "".join(f'<a href="#{run["size"]}">{escape(title_of(run))}</a>' for run in runs)
    return f"<nav>{links}</nav>" if len(runs) > 1 else ""


def sections(runs: Sequence[Run]) -> Iterator[str]:
    """What is told of all runs together, then of each."""
    yield f"<p>{INTRODUCTION}</p><h2>Asked, and measured</h2>{targets(runs)}"
    for smaller, larger in pairwise(runs):
        grown = changes(smaller, larger, "total")
        told = (*growth_remarks(grown), *remarks(smaller, larger))
        yield f"<h2>From {smaller['size']} to {larger['size']}</h2><p>{told_of(told)}</p>"
        yield growth(grown, smaller["size"], larger["size"])
    for run in runs:
        yield f'<h1 id="{run["size"]}">{escape(title_of(run))}</h1>'
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
    if "costs" in run:
        yield f"<h2>Estimated cost, and actual</h2><p>{COSTS_TOLD}</p>{costs(run['costs'])}"
    yield f"<h2>All else</h2>{listed(measures.rows(run))}"
    if rows:
        yield f"<h2>Every number</h2><p>{KEY}</p>{table(run, rows)}"
    yield f"<h2>Where</h2>{facts(run)}"


RATIO_TOLD = {
    "inprocess": "How many times as long it takes, both asked in process, by the median of each query.",
    "http": "It is asked in process, Tamis over HTTP, request and answer included.",
}


COSTS_TOLD = (
    "Before anything is counted its cost is estimated, to refuse what is above the budget of a workspace: it matters "
    f"that milliseconds are told from seconds. What is more than {FAR_OFF:g} times off is marked. Processor time."
)
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
    """A row for each, with a column for each run; a figure is judged where it is asked for, and else only told."""
    found, sizes = verdicts.rows(runs), [run["size"] for run in runs]
    heads = ("work", "asked", *(f"at {size}" for size in sizes), "p99 to p50")
    told = told_summary(*verdicts.summed_up(found, sizes), sizes)
    return f"<p>{escape(told)}.</p>{html_table(heads, map(target, found))}"


def target(row: verdicts.Row) -> Iterator[str]:
    by = f'<div class="quiet">{escape(row.where)}</div>' if row.where else ""
    asked = (f"{row.bound} {limit} <span class='quiet'>at {size}</span>" for size, limit in row.asked.items())
    yield f"<td>{escape(row.work)}{by}</td><td>{'<br>'.join(asked)}</td>"
    yield from map(figure, row.measured)
    shade = "missed" if row.long_tail else "quiet"
    whose = f"<br>{escape(row.tail_at)}" if row.long_tail and row.tail_at != row.where else ""
    yield f'<td class="{shade} where">{row.tail}{whose}</td>'


def figure(measured: verdicts.Measured | None) -> str:
    if measured is None:
        return "<td></td>"
    return (
        f'<td class="quiet">{measured.told}</td>' if measured.met is None else judged_cell(measured.told, measured.met)
    )


def listed(rows: Iterator[tuple[str, str]]) -> str:
    return html_table(
        ("what", "measured"), ((f"<td>{escape(what)}</td>", f"<td>{escape(it)}</td>") for what, it in rows)
    )


def told_of(remarks: Iterable[str]) -> str:
    return "<br>".join(map(escape, remarks))


def growth(changes: list[Change], smaller: str, larger: str) -> str:
    """What grew most first."""
    ordered = sorted(changes, key=lambda each: -each.factor)
    heads = ("query", f"at {smaller}", f"at {larger}", "growth", "of its data's", "99th percentile")
    return html_table(heads, (grown(each) for each in ordered))


def grown(change: Change) -> Iterator[str]:
    yield f"<td>{escape(', '.join(change.query))}</td>"
    yield f"<td>{duration(change.before)}</td><td>{duration(change.after)}</td>"
    yield judged_cell(ratio(change.factor), change.factor <= GROWTH)
    yield judged_cell(f"{ratio(change.beyond_data)} of {ratio(change.data)}", change.beyond_data <= BEYOND_DATA)
    yield judged_cell(duration(change.tail), change.tail <= TAIL_MS)


def judged_cell(told: str, met: bool) -> str:
    return f'<td class="{"met" if met else "missed"}">{told}</td>'


def profiles(run: Run) -> Iterator[str]:
    for which, each in run["profile"].items():
        yield f"<h3>{escape(which)}</h3><p><code>{escape(each['expression'])}</code></p>"
        if "bounds" in each:
            told = f"{share(each['kernels'])} of the time in native kernels. What takes most itself:"
            yield f"<p>{told}</p>{html_table(('function', 'share', ''), map(bound, each['bounds']))}"
        for head, told in (("the plan", "plan"), ("time of its own", "own"), ("with what is called", "with_called")):
            if told in each:
                asked = "" if told == "plan" else f", over {each['asked']} counts"
                yield f"<details><summary>{head}{asked}</summary><pre>{escape(each[told])}</pre></details>"


def bound(each: Mapping[str, Any]) -> Iterator[str]:
    yield f"<td><code>{escape(each['function'])}</code></td><td>{share(each['share'])}</td>"
    yield f'<td class="share"><i class="tamis" style="width:{each["share"]:.1%}"></i></td>'


def costs(found: Mapping[str, Any]) -> str:
    """What was furthest off first."""
    ordered = sorted(found["costs"], key=factor, reverse=True)
    return html_table(("question", "estimated", "actual", "off by"), map(cost, ordered))


def cost(each: Mapping[str, Any]) -> Iterator[str]:
    yield f"<td><code>{escape(each['expression'])}</code></td>"
    yield f"<td>{duration(each['estimated'])}</td><td>{duration(each['actual'])}</td>"
    way = "high" if each["estimated"] > each["actual"] else "low"
    yield f'<td class="{"missed" if factor(each) > FAR_OFF else "quiet"}">{ratio(factor(each))} too {way}</td>'


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
    if times["count"] < TELLING:
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
