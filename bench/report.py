"""A run of the race as one HTML page that fetches nothing: ratios, a plot, every number, and the machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path
from typing import Any

from bench.generate import Size
from bench.plots import duration, medians, title

Run = Mapping[str, Any]

NAMES = {
    "tamis": "Tamis",
    "duckdb": "DuckDB",
    "chdb": "ClickHouse (chdb)",
    "postgres": "PostgreSQL",
    "floor": "bitmaps by hand",
}
KEY = "Median <span class='quiet'>/ 99th percentile</span>; <b>how many times the median of Tamis</b>."
STYLE = Path(__file__).with_suffix(".css")


def page(run: Run) -> str:
    heading = f"Tamis and its peers, size {run['size']}"
    parts = [
        f"<h1>{heading}</h1>",
        f"<p>{escape(introduction(run))}</p>",
        f'<div class="tiles">{"".join(tiles(run))}</div>',
        f"<h2>Median of each query</h2><figure>{legend(run)}"
        f'<div class="scroll">{medians(run["queries"])}</div></figure>',
        f"<h2>Every number</h2><p>{KEY}</p>{table(run)}",
        f"<h2>Where</h2>{facts(run)}",
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" '
        f'content="light dark"><title>{heading}</title><style>{STYLE.read_text()}{colours()}</style></head>'
        f"<body><main>{''.join(parts)}</main></body></html>\n"
    )


def introduction(run: Run) -> str:
    size = Size[run["size"]]
    return (
        f"{size.contacts:,} contacts and {size.events:,} events; {len(run['queries'])} queries, each asked with other "
        "constants every time, in process, from its text to its count, from no cache. All counted the same before any "
        "time counted."
    )


def colours() -> str:
    return "".join(f".{name}{{fill:var(--{name})}}i.{name}{{background:var(--{name})}}" for name in NAMES)


def legend(run: Run) -> str:
    keys = "".join(f'<span><i class="{name}"></i>{NAMES[name]}</span>' for name in run["contenders"])
    return f'<div class="legend">{keys}</div>'


def tiles(run: Run) -> Iterator[str]:
    for name, each in run["summary"].items():
        if each["queries"]:
            yield (
                f'<div class="tile"><b>{ratio(each["geometric_mean"])}</b>the time of Tamis is what '
                f"{escape(NAMES[name])} takes, in the geometric mean of {each['queries']} queries"
                f'<div class="quiet">least: {ratio(each["smallest"])}, {escape(each["smallest_at"])}</div></div>'
            )


def ratio(value: float) -> str:
    return f"{value:,.0f}×" if value >= 10 else f"{value:.2g}×"


def table(run: Run) -> str:
    names = list(run["contenders"])
    heads = ["query", *(f"{NAMES[name]}" for name in names)]
    head = "".join(f"<th>{escape(text)}</th>" for text in heads)
    body = "".join(f"<tr>{''.join(cells(query, names))}</tr>" for query in run["queries"])
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def cells(query: Mapping[str, Any], names: list[str]) -> Iterator[str]:
    what, asked = f"{title(query['family'])}, {query['name']}", query["expression"]
    yield f"<td>{escape(what)}<br><code>{escape(asked)}</code></td>"
    for name in names:
        times = query["times"].get(name)
        yield f"<td>{cell(times, query['ratios'].get(name))}</td>" if times else "<td></td>"


def cell(times: Mapping[str, float], against: float | None) -> str:
    told = f"{duration(times['p50'])} <span class='quiet'>/ {duration(times['p99'])}</span>"
    return told if against is None else f"{told}<br><b>{ratio(against)}</b>"


def facts(run: Run) -> str:
    machine = run["machine"]
    versions = ", ".join(f"{NAMES[name]} {each['version']}" for name, each in run["contenders"].items())
    told = {
        "when": machine["when"],
        "processor": f"{machine['processor']}, {machine['cores']} cores, {machine['memory'] / (1 << 30):.0f} GiB",
        "load when done": f"{machine['load']:.1f}",
        "system": f"{machine['system']}, Python {machine['python']}",
        "who": versions,
        "how long": f"each query {run['seconds']:g} s of each",
        **{f"{name} did not take part": reason for name, reason in run["absent"].items()},
    }
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(str(value))}</dd>" for name, value in told.items())
    return f"<dl>{rows}</dl>"
