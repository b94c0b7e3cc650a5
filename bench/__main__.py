"""`python -m bench`: generate the data, measure Tamis on it, and race it against its peers."""

from __future__ import annotations

import json
from pathlib import Path

import click
from rich.console import Console

from bench import comparing, report
from bench.generate import Size, generate
from bench.measure import measure, table
from bench.plots import duration
from bench.race import PEERS, Course, Disagreement, Result, race
from bench.report import ratio
from bench.workload import families, queries

FILES = Path("bench-data")


@click.group()
def main() -> None:
    """Generate data, measure Tamis on it, and race it against its peers."""


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


@main.command("run")
@click.option("--size", type=click.Choice([size.name for size in Size]), default="S", show_default=True)
@click.option("--peers", default=",".join(PEERS), show_default=True, help="Who races, separated by commas.")
@click.option("--family", "chosen", multiple=True, type=click.Choice(families()), help="Only these; all by default.")
@click.option("--seconds", default=1.0, show_default=True, help="How long each contender is asked each query.")
@click.option("--files", type=click.Path(file_okay=False, path_type=Path), default=FILES, show_default=True)
@click.option("--work", type=click.Path(file_okay=False, path_type=Path), help="Where loaded data are kept for later.")
@click.option("-o", "--json", "target", type=click.Path(dir_okay=False, path_type=Path), help="Where the run goes.")
def run_command(
    size: str, peers: str, chosen: tuple[str, ...], seconds: float, files: Path, work: Path | None, target: Path | None
) -> None:
    """Race: every query of the workloads, in process, answers compared before any time counts."""
    names = [name.strip() for name in peers.split(",") if name.strip()]
    unknown = [name for name in names if name not in PEERS]
    if unknown:
        raise click.BadParameter(f"{', '.join(unknown)}; there are {', '.join(PEERS)}", param_hint="--peers")
    asked = [query for query in queries() if not chosen or query.family in chosen]
    course = Course(Size[size], generate(Size[size], files), asked, seconds, work)
    try:
        result = race(course, names, lambda measured: click.echo(line(measured)))
    except Disagreement as disagreement:
        raise click.ClickException(str(disagreement)) from None
    for name, reason in result["absent"].items():
        click.echo(f"{name} did not take part: {reason}", err=True)
    for name, each in result["summary"].items():
        if each["queries"]:
            mean, smallest = ratio(each["geometric_mean"]), ratio(each["smallest"])
            click.echo(
                f"{name}: its times are {mean} those of Tamis in the geometric mean of {each['queries']} "
                f"queries, and at least {smallest} ({each['smallest_at']})"
            )
    if target is not None:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(result, indent=1) + "\n")


@main.command("compare")
@click.argument("before", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("after", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def compare_command(before: Path, after: Path) -> None:
    """Two runs: how many times as long each query of Tamis takes, and what to keep in mind."""
    earlier, later = loaded(before), loaded(after)
    Console().print(comparing.table(earlier, later))
    for remark in comparing.remarks(earlier, later):
        click.echo(remark)


@main.command("report")
@click.argument("run", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("-o", "--out", type=click.Path(dir_okay=False, path_type=Path), default=Path("report.html"))
def report_command(run: Path, out: Path) -> None:
    """A run as one HTML page, plots and all, that fetches nothing."""
    out.write_text(report.page(loaded(run)))
    click.echo(out)


def loaded(path: Path) -> Result:
    """What `run` wrote."""
    try:
        result: Result = json.loads(path.read_text())
    except ValueError as error:
        raise click.ClickException(f"{path} is not JSON: {error}") from None
    if not isinstance(result, dict) or not {"queries", "contenders", "summary"} <= result.keys():
        raise click.ClickException(f"{path} is not a run of the race: python -m bench run --json {path} makes one")
    return result


def line(measured: Result) -> str:
    """A query and its medians, each peer's with its ratio to that of Tamis."""
    times, ratios = measured["times"], measured["ratios"]
    others = "".join(f"  {name} {duration(times[name]['p50'])} ({ratio(each)})" for name, each in ratios.items())
    return f"{measured['family'] + ', ' + measured['name']:<48} tamis {duration(times['tamis']['p50'])}{others}"


if __name__ == "__main__":
    main()
