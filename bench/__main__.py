"""`python -m bench`: generate the data."""

from __future__ import annotations

from pathlib import Path

import click

from bench.generate import Size, generate


@click.group()
def main() -> None:
    """Generate data and measure Tamis on it."""


@main.command("generate")
@click.option("--size", type=click.Choice([size.name for size in Size]), default="S", show_default=True)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=Path("bench-data"), show_default=True)
@click.option("--seed", default=1, show_default=True)
def generate_command(size: str, out: Path, seed: int) -> None:
    """Write the files of a size, unless they are there already; print where."""
    click.echo(generate(Size[size], out, seed).folder)


if __name__ == "__main__":
    main()
