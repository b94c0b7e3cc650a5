"""`python -m bench`: generate the data, and measure Tamis on it."""

from __future__ import annotations

import json
from pathlib import Path

import click
from rich.console import Console

from bench.generate import Size, generate
from bench.measure import measure, table

FILES = Path("bench-data")


@click.group()
def main() -> None:
    """Generate data and measure Tamis on it."""


@main.command("generate")
@click.option("--size", type=click.Choice([size.name for size in Size]), default="S", show_default=True)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=FILES, show_default=True)
@click.option("--seed", default=1, show_default=True)
def generate_command(size: str, out: Path, seed: int) -> None:
    """Write the files of a size, unless they are there already; print where."""
    click.echo(generate(Size[size], out, seed).folder)


@main.command("measure")
@click.option("--size", type=click.Choice([size.name for size in Size]), default="S", show_default=True)
@click.option("--files", type=click.Path(file_okay=False, path_type=Path), default=FILES, show_default=True)
@click.option("--json", "target", type=click.Path(dir_okay=False, path_type=Path), help="Where the result goes.")
@click.option("--runs", default=500, show_default=True, help="Questions timed in each way.")
@click.option("--seconds", default=10.0, show_default=True, help="How long each kind of writing lasts.")
@click.option("--work", type=click.Path(file_okay=False, path_type=Path), help="Where the data directory is made.")
def measure_command(size: str, files: Path, target: Path | None, runs: int, seconds: float, work: Path | None) -> None:
    """Import, start, ask, serve and ingest at a size; DuckDB beside it, its answers compared first."""
    chosen = Size[size]
    result = measure(chosen, generate(chosen, files), runs, seconds, work)
    Console().print(table(result))
    if target is not None:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
