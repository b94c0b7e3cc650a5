"""A run as one HTML page that fetches nothing: targets, plots, every number, and the machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path
from typing import Any

from bench import measures
from bench.comparing import GROWTH, TAIL_MS, Change, changes, remarks
from bench.generate import Size
from bench.plots import bars, curves, medians
from bench.ratios import TAMIS, Key, Run, key, over_http, ratios
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
STYLE = Path(__file__).with_suffix(".css")


def page(run: Run, smaller: Run | None = None) -> str:
    """With how times grew since a run at a smaller size, if there is one."""
    heading = f"Tamis and its peers, size {run['size']}"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" '
        f'content="light dark"><title>{heading}</title><style>{STYLE.read_text()}{colours()}</style></head>'
        f"<body><main><h1>{heading}</h1>{''.join(sections(run, smaller))}</main></body></html>\n"
    )


def sections(run: Run, smaller: Run | None) -> Iterator[str]:
    """Those that the run has something for."""
    yield f"<p>{escape(introduction(run))}</p>"
    yield f'<div class="tiles">{"".join(tiles(run))}</div>'
    yield f"<h2>Asked, and measured</h2>{targets(run)}"
    rows = queries(run)
    if rows:
        yield f'<h2>Median of each query</h2><figure>{legend(run)}<div class="scroll">{medians(rows)}</div></figure>'
    for way, ours in (("inprocess", None), ("http", over_http(run))):
        found = ratios(run, REFERENCE, inside(run) if ours is None else ours)
        if found:
            yield f"<h2>{NAMES[REFERENCE]} against Tamis {WAYS[way]}</h2>"
            yield f"<p>{RATIO_TOLD[way]}</p>"
            yield f'<figure><div class="scroll">{bars(found, REFERENCE)}</div></figure>'
    if smaller is not None:
        yield f"<h2>From {smaller['size']} to {run['size']}</h2><p>{told_of(remarks(smaller, run))}</p>"
        yield growth(changes(smaller, run, "total"))
    yield from load(run)
    yield f"<h2>All else</h2>{listed(measures.rows(run))}"
    if rows:
        yield f"<h2>Every number</h2><p>{KEY}</p>{table(run, rows)}"
    yield f"<h2>Where</h2>{facts(run)}"


RATIO_TOLD = {
    "inprocess": "How many times as long it takes, both asked in process, by the median of each query.",
    "http": "It is asked in process, Tamis over HTTP, request and answer included.",
}


def introduction(run: Run) -> str:
    size = Size[run["size"]]
    return (
        f"{size.contacts:,} contacts and {size.events:,} events. Each query is asked with other constants every time, "
        "from its text to its count, from no cache. All contenders counted the same before any time counted."
    )


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
            yield tile(ratio(each["geometric_mean"]), told, f"least: {ratio(each['smallest'])}, {each['smallest_at']}")


def tile(figure: str, told: str, below: str) -> str:
    return f'<div class="tile"><b>{figure}</b>{escape(told)}<div class="quiet">{escape(below)}</div></div>'


# --- tables ------------------------------------------------------------------------------------------------


def targets(run: Run) -> str:
    rows = (target(row) for row in run["targets"])
    return html_table(("work", "measured", "asked", "where", "p99 to p50"), rows)


def target(row: Mapping[str, Any]) -> Iterator[str]:
    bound = f"{'at least' if row['least'] else 'at most'} {row['asked']}"
    yield f"<td>{escape(row['work'])}</td>"
    if row["measured"] is None:
        yield "<td></td>"
    else:
        yield f'<td class="{"met" if row["met"] else "missed"}">{row["measured"]}</td>'
    yield f"<td>{bound} <span class='quiet'>at {row['asked_at']}</span></td>"
    yield f"<td class='quiet'>{escape(row.get('worst') or '')}</td>"
    tail = row.get("tail")
    told = "" if tail is None else ratio(tail)
    shade, whose = "missed" if row.get("long_tail") else "quiet", escape(row.get("tail_at") or "")
    yield f'<td class="{shade}" title="{whose}">{told}</td>'


def listed(rows: Iterator[tuple[str, str]]) -> str:
    return html_table(
        ("what", "measured"), ((f"<td>{escape(what)}</td>", f"<td>{escape(it)}</td>") for what, it in rows)
    )


def told_of(remarks: Iterator[str]) -> str:
    return "<br>".join(map(escape, remarks))


def growth(changes: list[Change]) -> str:
    """What grew most first."""
    ordered = sorted(changes, key=lambda each: -each.factor)
    return html_table(("query", "smaller", "larger", "growth", "99th percentile"), (grown(each) for each in ordered))


def grown(change: Change) -> Iterator[str]:
    yield f"<td>{escape(', '.join(change.query))}</td>"
    yield f"<td>{duration(change.before)}</td><td>{duration(change.after)}</td>"
    yield f'<td class="{"missed" if change.factor > GROWTH else "met"}">{ratio(change.factor)}</td>'
    yield f'<td class="{"missed" if change.tail > TAIL_MS else "met"}">{duration(change.tail)}</td>'


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
        **{f"{name} did not take part": reason for name, reason in raced.get("absent", {}).items()},
        **{f"{mode} failed": reason.splitlines()[-1] for mode, reason in run["failed"].items()},
    }
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(str(value))}</dd>" for name, value in told.items())
    return f"<dl>{rows}</dl>"
