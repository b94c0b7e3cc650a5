"""`python -m bench`: generate the data, measure Tamis and its peers on it, compare runs, and tell of them."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from bench import comparing, concluding, report
from bench.course import Course, Result
from bench.generate import Size, generate
from bench.modes import MODES
from bench.peers import PEERS
from bench.readme import NoMarkers
from bench.readme import written as into_readme
from bench.running import run
from bench.workload import families

FILES = Path("bench-data")
WIDTH = 180
"""Columns of tables that go to a file."""
LARGE = ("duckdb",)
"""Who races at XL, where others take hours to load."""


class Names(click.ParamType[tuple[str, ...]]):
    """Names separated by commas, each one of those that there are."""

    name = "names"

    def __init__(self, known: tuple[str, ...]) -> None:
        self.known = known

    def convert(
        self, value: str | tuple[str, ...], param: click.Parameter | None, context: click.Context | None
    ) -> tuple[str, ...]:
        if isinstance(value, tuple):
            return value
        names = tuple(name.strip() for name in value.split(",") if name.strip())
        unknown = [name for name in names if name not in self.known]
        if unknown:
            self.fail(f"{', '.join(unknown)}; there are {', '.join(self.known)}", param, context)
        return names


size_option = click.option("--size", type=click.Choice([size.name for size in Size]), default="S", show_default=True)
run_file = click.Path(exists=True, dir_okay=False, path_type=Path)
new_file = click.Path(dir_okay=False, path_type=Path)
folder = click.Path(file_okay=False, path_type=Path)


@click.group()
def main() -> None:
    """Generate data, measure Tamis and its peers on it, compare runs, and tell of them."""


@main.command("generate")
@size_option
@click.option("--out", type=folder, default=FILES, show_default=True)
@click.option("--seed", default=1, show_default=True)
def generate_command(size: str, out: Path, seed: int) -> None:
    """Write the files of a size, unless they are there already; print where."""
    click.echo(generate(Size[size], out, seed).folder)


@main.command("run")
@size_option
@click.option("--modes", type=Names(tuple(MODES)), default=tuple(MODES), help=f"{', '.join(MODES)}; all by default.")
@click.option("--peers", type=Names(tuple(PEERS)), help=f"{', '.join(PEERS)}; all by default, at XL {LARGE[0]} alone.")
@click.option("--family", "chosen", multiple=True, type=click.Choice(families()), help="Only these; all by default.")
@click.option("--seconds", default=1.0, show_default=True, help="How long each contender is asked each query.")
@click.option("--load-seconds", default=10.0, show_default=True, help="How long each load on a server lasts.")
@click.option("--most-seconds", default=30.0, show_default=True, help="What a peer's count may take.")
@click.option("--mode-minutes", default=180.0, show_default=True, help="What a mode may take.")
@click.option("--add", is_flag=True, help="Add to the run that is there, in place of what it has of these modes.")
@click.option("--files", type=folder, default=FILES, show_default=True, help="Where the generated files are or go.")
@click.option("--work", type=folder, help="Where loaded data are kept for later; nowhere by default.")
@click.option("-o", "--json", "target", type=new_file, help="Where the run goes; SIZE.json among the files by default.")
def run_command(
    size: str,
    modes: tuple[str, ...],
    peers: tuple[str, ...] | None,
    chosen: tuple[str, ...],
    seconds: float,
    load_seconds: float,
    most_seconds: float,
    mode_minutes: float,
    add: bool,
    files: Path,
    work: Path | None,
    target: Path | None,
) -> None:
    """Measure: one mode after the other, each in a process of its own; what is found is written as it comes.

    Exits with 1 when a mode failed, or a contender counted other than Tamis.
    """
    target = target or files / f"{size}.json"
    before = earlier(target, size) if add else {}
    asked = [name for name in MODES if name in modes]
    with ExitStack() as stack:
        place = work or temporary(stack)
        racing = peers if peers is not None else LARGE if Size[size] is Size.XL else tuple(PEERS)
        generated = generate(Size[size], files)
        course = Course(Size[size], generated, place, racing, chosen, seconds, load_seconds, most_seconds)
        result = run(course, asked, target, mode_minutes, click.echo, before)
    concluding.write_profiles(result, target)
    show(concluding.tables(result))
    click.echo(f"written to {target}")
    troubles = concluding.troubles(result)
    for trouble in troubles:
        click.echo(trouble, err=True)
    if troubles:
        raise SystemExit(1)


@main.command("compare")
@click.argument("before", type=run_file)
@click.argument("after", type=run_file)
@click.option("--figure", type=click.Choice(list(comparing.FIGURES)), default="total", show_default=True)
@click.option("--growth", is_flag=True, help="The second is of a larger size: how times grew, and 99th percentiles.")
@click.option(
    "--fail-above",
    type=float,
    help="Exit with 1 when a query takes over so many times as long, beyond the spread.",
)
def compare_command(before: Path, after: Path, figure: str, growth: bool, fail_above: float | None) -> None:
    """Two runs: how many times as long each query of Tamis takes, whether that is beyond the spread of the runs, and
    what to keep in mind."""
    earlier, later = loaded(before), loaded(after)
    comparable(earlier, later, growth)
    for path, result in ((before, earlier), (after, later)):
        click.echo(comparing.told(path.name, result))
    changes = comparing.changes(earlier, later, figure)
    console().print(comparing.growth(changes) if growth else comparing.table(changes, figure))
    told = comparing.growth_remarks(changes) if growth else comparing.spread_remarks(changes)
    for remark in (*told, *comparing.remarks(earlier, later)):
        click.echo(remark)
    slower = [
        change
        for change in changes
        if fail_above is not None and change.factor > fail_above and change.beyond_spread is not False
    ]
    for change in slower:
        click.echo(f"{', '.join(change.query)}: {change.factor:.2f} times as long", err=True)
    if slower:
        raise SystemExit(1)


@main.command("report")
@click.argument("runs", type=run_file, nargs=-1, required=True)
@click.option("-o", "--out", type=new_file, default=Path("report.html"), show_default=True)
@click.option("--readme", type=run_file, help="Write the tables between the two markers of this file, too.")
def report_command(runs: tuple[Path, ...], out: Path, readme: Path | None) -> None:
    """A run as one HTML page, plots and all, that fetches nothing; what is asked and was measured as text, too; and the
    tables of a README.

    Of runs at several sizes the page tells how times grow, too; the README has the tables of the first that is named.
    """
    results = [concluding.concluded(loaded(run)) for run in runs]
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(report.page(results))
    ordered = sorted(results, key=lambda run: Size[run["size"]].contacts)
    show(concluding.asked_tables(ordered))
    click.echo(out)
    if readme is not None:
        try:
            readme.write_text(into_readme(readme.read_text(), results[0]))
        except NoMarkers as error:
            raise click.ClickException(f"{readme}: {error}") from None
        click.echo(readme)


def comparable(before: Result, after: Result, growth: bool) -> None:
    """UsageError when sizes are not what the comparison is of."""
    sizes = before["size"], after["size"]
    if not growth and sizes[0] != sizes[1]:
        raise click.UsageError(
            f"the first run is of size {sizes[0]}, the second of {sizes[1]}: times on other data tell nothing of the "
            "code; --growth tells how they grow with the data"
        )
    if growth and Size[sizes[0]].events >= Size[sizes[1]].events:
        raise click.UsageError(f"--growth is of a smaller run, then a larger one; these are of {sizes[0]}, {sizes[1]}")


def show(parts: Iterator[Table | str]) -> None:
    """Texts as they stand: brackets in them are no markup."""
    for part in parts:
        if isinstance(part, str):
            click.echo(part)
        else:
            console().print(part)


def console() -> Console:
    return Console(width=None if sys.stdout.isatty() else WIDTH)


def temporary(stack: ExitStack) -> Path:
    """Where data are kept for this run alone; other users, who may have to run a peer, can get there."""
    place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tamis-bench-")))
    place.chmod(0o711)
    return place


def earlier(target: Path, size: str) -> Result:
    """The run that is there, if any. UsageError when it is of another size."""
    before = loaded(target) if target.exists() else {}
    if before and before["size"] != size:
        raise click.UsageError(f"{target} is a run of size {before['size']}, so none of size {size} can be added to it")
    return before


def loaded(path: Path) -> Result:
    """What `run` wrote."""
    try:
        result: Result = json.loads(path.read_text())
    except ValueError as error:
        raise click.ClickException(f"{path} is not JSON: {error}") from None
    if not isinstance(result, dict) or not {"size", "machine", "targets"} <= result.keys():
        raise click.ClickException(f"{path} is not a run: python -m bench run --json {path} makes one")
    return result


if __name__ == "__main__":
    main()
