"""`cloudpact sweep`, `sensitivity` and `discover`: many runs over a design, and what they tell."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from cloudpact.commands_run import json_text
from cloudpact.schema import SCHEMA_VERSION
from experiments.sweeping import plan_of, run_plan
from experiments.sweeps.design_files import load_design_file
from experiments.sweeps.engines import engine_of
from experiments.sweeps.estimates import Estimate, duration, estimate
from market.facts import Facts
from visualization.reports import report_for

if TYPE_CHECKING:
    from experiments.sweeps.pacing import Progress
    from experiments.sweeps.plan import Plan
    from experiments.sweeps.results import Sweep


@dataclass(frozen=True, slots=True)
class Request:
    """What the user typed after `cloudpact sweep`."""

    design: str
    out: Path | None
    jobs: int | None
    engine: str
    timeout_seconds: float | None
    retry_failed: bool
    dry_run: bool
    facts: Path | None
    json: bool


def sweep_and_report(request: Request) -> int:
    """Run a sweep, or with `dry_run` say how large it is; return the exit code."""
    asked = load_design_file(request.design)
    plan = plan_of(asked, None if request.facts is None else Facts.load(request.facts))
    if request.dry_run:
        _print_estimate(estimate(plan, request.jobs), request.json)
        return 0
    engine = engine_of(request.engine, request.jobs, request.timeout_seconds)
    typer.echo(f"{_counted(plan)}.", err=True)
    try:
        with progress(plan.runs) as report:
            sweep = run_plan(plan, request.out, engine, request.retry_failed, report, _command(request))
    except KeyboardInterrupt:
        typer.echo(f"cloudpact: interrupted; what was finished is kept; {_goes_on(request)}", err=True)
        return 130
    report_for(sweep.folder)
    _print_summary(sweep, request.json)
    return 1 if len(sweep.failures) else 0


def _command(request: Request) -> str:
    return shlex.join(
        ["cloudpact", "sweep", request.design, *(["--facts", str(request.facts)] if request.facts else [])]
    )


def _goes_on(request: Request) -> str:
    return "the same command goes on from there" if request.out else "give its folder as --out to go on from there"


def _counted(plan: Plan) -> str:
    points, runs, equal = len(plan.design.points), plan.runs, plan.runs - len(plan.tasks)
    same = f", {equal} of them equal to others and simulated once" if equal else ""
    return f"{points:,} points x {plan.replicates:,} replicates = {runs:,} runs{same}"


def _print_estimate(found: Estimate, as_json: bool) -> None:
    typer.echo(json_text(found.plain()) if as_json else found.text())


def _print_summary(sweep: Sweep, as_json: bool) -> None:
    counts = sweep.runs["status"].value_counts().to_dict()
    if as_json:
        document = {
            "schema_version": SCHEMA_VERSION,
            "folder": str(sweep.folder),
            "status": sweep.status,
            "runs": {str(status): int(count) for status, count in counts.items()},
            "content_hash": sweep.content_hash(),
        }
        typer.echo(json_text(document))
        return
    typer.echo(", ".join(f"{count:,} {status}" for status, count in counts.items()))
    for (stage, error), rows in sweep.failures.groupby(["stage", "error"], sort=False):
        typer.echo(f"  {len(rows):,} x {stage}: {error} (run {rows['run'].min()})")
    typer.echo(f"Results: {sweep.folder}\nReport:  {sweep.folder / 'report.html'}")


@contextmanager
def progress(total: int) -> Iterator[Callable[[Progress], None]]:
    """Yield what is called after every part: a bar on a terminal, a line now and then elsewhere."""
    if not sys.stderr.isatty():
        yield _lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("runs,"),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("starting", total=total)
        yield lambda told: bar.update(task, completed=told.done, description=_words(told))


def _words(told: Progress) -> str:
    left = "" if told.seconds_left is None else f"about {duration(told.seconds_left)} left"
    return left + (f", {told.failed:,} failed" if told.failed else "")


def _lines() -> Callable[[Progress], None]:
    """A line at the first result (the estimate), then at most every ten seconds, and at the end."""
    last: float | None = None

    def report(told: Progress) -> None:
        nonlocal last
        now = time.monotonic()
        if last is None or now - last >= 10.0 or told.done == told.total:
            last = now
            typer.echo(f"{told.done:,} of {told.total:,} runs, {_words(told)}", err=True)

    return report


def show_sensitivity(
    folder: Path, outcome: str, method: str | None, seed: int, plot: Path | None, as_json: bool
) -> None:
    """Print the sensitivity of an outcome of a sweep, and draw it if asked."""
    from experiments.sensitivity import sensitivity

    if plot is not None:
        _check_plot(plot)
    with _finished_or_told(folder) as sweep:
        found = sensitivity(sweep, outcome, method, seed)
    if plot is not None:
        from visualization import plot as draw

        draw.sensitivity(found).save(plot)
    typer.echo(json_text(found.plain()) if as_json else found.text())


def show_boxes(
    folder: Path, outcome: str, above: float | None, below: float | None, method: str, as_json: bool
) -> None:
    """Print the boxes of inputs in which an outcome is of interest."""
    from experiments.discovery import discover

    with _finished_or_told(folder) as sweep:
        found: Any = discover(sweep, outcome, above=above, below=below, method=method)
    typer.echo(json_text(found.plain()) if as_json else found.text())


@contextmanager
def _finished_or_told(folder: Path) -> Iterator[Sweep]:
    """The sweep in a folder; what cannot be asked of it is told with how far it is, where it is not finished."""
    from experiments.sweeps.errors import SweepError
    from experiments.sweeps.results import Sweep

    sweep = Sweep.load(folder)
    try:
        yield sweep
    except SweepError as error:
        if sweep.status == "complete":
            raise
        done = f"{len(sweep.runs):,} of {sweep.manifest['runs']:,} runs"
        raise SweepError(f"{folder}: not finished ({done}; `cloudpact sweep` goes on with it): {error}") from error


def _check_plot(path: Path) -> None:
    """Say before the work, not after it, where a figure cannot go."""
    allowed = (".html", ".png", ".svg", ".csv")
    if path.suffix not in allowed:
        raise typer.BadParameter(f"{path}: allowed: a name that ends in {', '.join(allowed)}", param_hint="'--plot'")
    if not path.parent.is_dir():
        raise typer.BadParameter(f"{path}: there is no folder {path.parent}", param_hint="'--plot'")
