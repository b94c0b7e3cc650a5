"""SVG of a run: a row for each query, a dot for each contender's median on one logarithmic scale of time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby
from math import ceil, floor, log10
from typing import Any

ROW, HEAD, LEFT, WIDTH, RIGHT = 20, 30, 250, 960, 24
"""Pixels: height of a row and of a family's heading, where the scale begins, the width of all, what is kept free."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Milliseconds on whole powers of ten, to pixels."""

    least: int
    most: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Scale:
        least, most = floor(log10(min(values))), ceil(log10(max(values)))
        return cls(least, max(most, least + 1))

    def x(self, milliseconds: float) -> float:
        share = (log10(milliseconds) - self.least) / (self.most - self.least)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    @property
    def ticks(self) -> list[float]:
        return [10.0**power for power in range(self.least, self.most + 1)]


def medians(queries: Sequence[Mapping[str, Any]]) -> str:
    """Dots of one query are joined by a line. Colours are those of the classes `tamis` and so on."""
    scale = Scale.of([times["p50"] for query in queries for times in query["times"].values()])
    drawn, bottom = rows(queries, scale)
    grid = "".join(tick(scale, at, bottom) for at in scale.ticks)
    label = "Median time of each query, a dot for each contender, on a logarithmic scale"
    return f'<svg viewBox="0 0 {WIDTH} {bottom + 8}" role="img" aria-label="{label}">{grid}{drawn}</svg>'


def tick(scale: Scale, at: float, bottom: int) -> str:
    x = scale.x(at)
    return (
        f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="22" y2="{bottom}"/>'
        f'<text class="quiet" x="{x:.1f}" y="14" text-anchor="middle">{duration(at)}</text>'
    )


def rows(queries: Sequence[Mapping[str, Any]], scale: Scale) -> tuple[str, int]:
    """(SVG, where it ends)."""
    pieces: list[str] = []
    y = 24
    for family, group in groupby(queries, lambda query: query["family"]):
        y += HEAD
        pieces.append(f'<text class="family" x="0" y="{y - 8}">{escape(title(family))}</text>')
        for query in group:
            pieces += row(query, scale, y + ROW // 2)
            y += ROW
    return "".join(pieces), y


def row(query: Mapping[str, Any], scale: Scale, y: int) -> Iterator[str]:
    medians = {name: times["p50"] for name, times in query["times"].items()}
    ends = [scale.x(f(medians.values())) for f in (min, max)]
    yield f'<text x="12" y="{y + 4}">{escape(query["name"])}</text>'
    yield f'<line class="span" x1="{ends[0]:.1f}" x2="{ends[1]:.1f}" y1="{y}" y2="{y}"/>'
    for name, at in reversed(medians.items()):
        told = f"{name}: {duration(at)} — {query['expression']}"
        yield f'<circle class="{name}" cx="{scale.x(at):.1f}" cy="{y}" r="5"><title>{escape(told)}</title></circle>'


def title(family: str) -> str:
    return family.replace("_", " ").capitalize()


def duration(milliseconds: float) -> str:
    """Three digits, in the unit that suits."""
    if milliseconds < 1:
        return f"{milliseconds * 1000:.3g} µs"
    return f"{milliseconds:.3g} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.3g} s"
