"""SVG of a run: medians of every query, ratios to a peer, and latency as the rate grows, on logarithmic scales."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby
from math import ceil, floor, log10
from typing import Any

from bench.ratios import Key
from bench.telling import duration, ratio, title

ROW, HEAD, LEFT, WIDTH, RIGHT = 20, 30, 250, 960, 24
"""Pixels: height of a row and of a family's heading, where the scale begins, the width of all, what is kept free."""
HEIGHT, BOTTOM = 300, 34
"""Pixels: height of a plot of curves, and of what stands below it."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Positive values on whole powers of ten, to pixels from `start` to `end`."""

    least: int
    most: int
    start: float
    end: float

    @classmethod
    def of(cls, values: Sequence[float], start: float = LEFT, end: float = WIDTH - RIGHT) -> Scale:
        least, most = floor(log10(min(values))), ceil(log10(max(values)))
        return cls(least, max(most, least + 1), start, end)

    def at(self, value: float) -> float:
        share = (log10(value) - self.least) / (self.most - self.least)
        return self.start + share * (self.end - self.start)

    @property
    def ticks(self) -> list[float]:
        return [10.0**power for power in range(self.least, self.most + 1)]


def svg(height: int, label: str, content: str) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(label)}">{content}</svg>'


def columns(scale: Scale, bottom: int, told: Callable[[float], str]) -> str:
    """A line down for each power of ten."""
    return "".join(
        f'<line class="grid" x1="{scale.at(each):.1f}" x2="{scale.at(each):.1f}" y1="22" y2="{bottom}"/>'
        f'<text class="quiet" x="{scale.at(each):.1f}" y="14" text-anchor="middle">{told(each)}</text>'
        for each in scale.ticks
    )


# --- a row for each query ----------------------------------------------------------------------------------


def medians(queries: Sequence[Mapping[str, Any]]) -> str:
    """A dot for each contender of a query's `medians`, joined by a line. Colours are those of the classes `tamis` and
    so on."""
    scale = Scale.of([each for query in queries for each in query["medians"].values()])
    drawn, bottom = by_family(queries, lambda query, y: dots(query, scale, y))
    label = "Median time of each query, a dot for each contender, on a logarithmic scale"
    return svg(bottom + 8, label, columns(scale, bottom, duration) + drawn)


def dots(query: Mapping[str, Any], scale: Scale, y: int) -> Iterator[str]:
    medians = query["medians"]
    ends = [scale.at(f(medians.values())) for f in (min, max)]
    yield f'<line class="span" x1="{ends[0]:.1f}" x2="{ends[1]:.1f}" y1="{y}" y2="{y}"/>'
    for name, each in reversed(medians.items()):
        told = f"{name}: {duration(each)} — {query['expression']}"
        yield f'<circle class="{name}" cx="{scale.at(each):.1f}" cy="{y}" r="5"><title>{escape(told)}</title></circle>'


def bars(ratios: Mapping[Key, float], contender: str) -> str:
    """A bar for each query, from 1 to its ratio: to the right where Tamis is faster, to the left where it is not."""
    queries = [{"family": family, "name": name, "ratio": each} for (family, name), each in ratios.items()]
    scale = Scale.of([1.0, *ratios.values()])
    drawn, bottom = by_family(queries, lambda query, y: bar(query["ratio"], scale, y, contender))
    one = scale.at(1.0)
    line = f'<line class="one" x1="{one:.1f}" x2="{one:.1f}" y1="22" y2="{bottom}"/>'
    label = "How many times as long as Tamis a peer takes for each query, on a logarithmic scale"
    return svg(bottom + 8, label, columns(scale, bottom, power) + drawn + line)


def power(value: float) -> str:
    return f"{value:,g}×"


def bar(value: float, scale: Scale, y: int, contender: str) -> Iterator[str]:
    start, end = sorted((scale.at(1.0), scale.at(value)))
    shade = contender if value >= 1 else f"{contender} behind"
    yield f'<rect class="{shade}" x="{start:.1f}" y="{y - 6}" width="{max(end - start, 1):.1f}" height="12" rx="2"/>'
    yield f'<text class="quiet" x="{end + 5:.1f}" y="{y + 4}">{ratio(value)}</text>'


def by_family(
    queries: Sequence[Mapping[str, Any]], drawn: Callable[[Mapping[str, Any], int], Iterator[str]]
) -> tuple[str, int]:
    """(a heading for each family, a row for each query, where it ends)."""
    pieces: list[str] = []
    y = 24
    for family, group in groupby(queries, lambda query: query["family"]):
        y += HEAD
        pieces.append(f'<text class="family" x="0" y="{y - 8}">{escape(title(family))}</text>')
        for query in group:
            pieces.append(f'<text x="12" y="{y + ROW // 2 + 4}">{escape(query["name"])}</text>')
            pieces += drawn(query, y + ROW // 2)
            y += ROW
    return "".join(pieces), y


# --- latency as the rate grows -----------------------------------------------------------------------------

SHARES = {"p50": "median", "p99": "99 %", "p999": "99.9 %"}


def curves(rates: Sequence[Mapping[str, Any]]) -> str:
    """Latency over the intended rate, a curve for each of `SHARES`; hollow where the rate was not kept up."""
    across = Scale.of([each["intended"] for each in rates], 60, WIDTH - 90)
    up = Scale.of([each["times"][share] for each in rates for share in SHARES], HEIGHT - BOTTOM, 16)
    grid = "".join(level(up, each) for each in up.ticks) + "".join(mark(across, each["intended"]) for each in rates)
    drawn = "".join(curve(share, rates, across, up) for share in SHARES) + names(rates[-1], across, up)
    label = "Latency of counts, timed from when each was due, as the rate grows; logarithmic scales"
    return svg(HEIGHT, label, grid + drawn)


def level(up: Scale, each: float) -> str:
    y = up.at(each)
    return (
        f'<line class="grid" x1="60" x2="{WIDTH - 90}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text class="quiet" x="52" y="{y + 4:.1f}" text-anchor="end">{duration(each)}</text>'
    )


def mark(across: Scale, intended: float) -> str:
    x = across.at(intended)
    return f'<text class="quiet" x="{x:.1f}" y="{HEIGHT - 12}" text-anchor="middle">{intended:,}</text>'


def curve(share: str, rates: Sequence[Mapping[str, Any]], across: Scale, up: Scale) -> str:
    points = [(across.at(each["intended"]), up.at(each["times"][share]), each) for each in rates]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y, _ in points)
    marks = "".join(point(share, x, y, each) for x, y, each in points)
    return f'<polyline class="curve {share}" points="{path}"/>{marks}'


def names(last: Mapping[str, Any], across: Scale, up: Scale) -> str:
    """Of the curves, at their ends, from the lowest up, none over another."""
    x, y, drawn = across.at(last["intended"]) + 10, float(HEIGHT), []
    for share, name in SHARES.items():
        y = min(up.at(last["times"][share]) + 4, y - 14)
        drawn.append(f'<text x="{x:.1f}" y="{y:.1f}">{name}</text>')
    return "".join(drawn)


def point(share: str, x: float, y: float, each: Mapping[str, Any]) -> str:
    told = f"{each['intended']:,}/s, {SHARES[share]}: {duration(each['times'][share])}; {each['rate']:,.0f}/s done"
    shade = f"{share} point" if each["kept_up"] else f"{share} point hollow"
    return f'<circle class="{shade}" cx="{x:.1f}" cy="{y:.1f}" r="4"><title>{escape(told)}</title></circle>'
