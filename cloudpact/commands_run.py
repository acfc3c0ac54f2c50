"""`cloudpact run`: simulate, show progress, write the folder, print the summary."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer

from cloudpact.results import Results
from cloudpact.schema import SCHEMA_VERSION
from experiments.ensemble import EnsembleError, run_ensemble
from experiments.store import RunFolder, claim_folder, run_manifest, write_run
from experiments.summary import summarise, summary_text
from market.calendar import quarter_index
from market.facts import Facts
from market.scenario import Scenario
from market.scenario_changes import parse_set


@dataclass(frozen=True, slots=True)
class Request:
    """What the user typed after `cloudpact run`."""

    scenario: str
    seed: int
    runs: int
    until: str | None
    jobs: int | None
    settings: tuple[str, ...]
    facts: Path | None
    out: Path | None
    json: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """The replicates that finished, and how the ensemble ended."""

    finished: list[Results]
    status: str
    message: str = ""

    @property
    def exit_code(self) -> int:
        """0 if complete, 130 after Ctrl-C, 1 after a failure."""
        return {"complete": 0, "interrupted": 130, "failed": 1}[self.status]


def run_and_write(request: Request) -> int:
    """Simulate the ensemble, write its folder, print its summary; return the exit code."""
    scenario = _scenario(request)
    facts = Facts.load(request.facts)
    for note in facts.notes:
        typer.echo(f"cloudpact: note: {note}", err=True)
    folder = claim_folder(request.out, scenario.name)
    started = datetime.now(UTC)
    try:
        outcome = _simulate(request, scenario, facts)
        if not outcome.finished:
            folder.discard()
            return _end(outcome, "nothing was finished, nothing is written")
        results = Results.concat(outcome.finished)
        _write(folder, request, scenario, facts, results, outcome.status, started)
    except BaseException:
        folder.discard()
        raise
    path = folder.publish()
    _print_summary(request, summarise(results, scenario), path, outcome.status)
    return _end(outcome, f"{len(results.runs)} of {request.runs} runs are in {path}")


def _scenario(request: Request) -> Scenario:
    changes = dict(parse_set(text) for text in request.settings)
    if request.until is not None:
        try:
            quarter_index(request.until)
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint="'--until'") from error
        changes["time.end"] = request.until
    scenario = Scenario.load(request.scenario)
    return scenario.with_(changes) if changes else scenario


def _simulate(request: Request, scenario: Scenario, facts: Facts) -> Outcome:
    """Collect replicates until all are done, one fails, or the user presses Ctrl-C."""
    finished: list[Results] = []
    try:
        with progress(request.runs) as advance:
            jobs = request.jobs or getattr(os, "process_cpu_count", os.cpu_count)() or 1
            for results in run_ensemble(scenario, request.seed, range(request.runs), jobs, facts):
                finished.append(results)
                advance()
    except KeyboardInterrupt:
        return Outcome(finished, "interrupted", "interrupted")
    except EnsembleError as error:
        if os.environ.get("CLOUDPACT_TRACEBACK"):
            raise
        return Outcome(finished, "failed", f"{error} (CLOUDPACT_TRACEBACK=1 shows where)")
    return Outcome(finished, "complete")


def _write(
    folder: RunFolder,
    request: Request,
    scenario: Scenario,
    facts: Facts,
    results: Results,
    status: str,
    started: datetime,
) -> None:
    from visualization.report import write_report

    manifest = run_manifest(
        scenario, request.seed, results.runs, request.runs, status, facts.hash, started, datetime.now(UTC)
    )
    manifest["facts_folder"] = None if request.facts is None else str(request.facts.resolve())
    write_run(folder.staging, results, scenario, manifest)
    write_report(folder.staging)


def _print_summary(request: Request, summary: dict[str, Any], path: Path, status: str) -> None:
    if request.json:
        document = {"schema_version": SCHEMA_VERSION, "folder": str(path), "status": status, "summary": summary}
        typer.echo(json_text(document))
        return
    typer.echo(summary_text(summary))
    typer.echo(f"\nResults: {path}\nReport:  {path / 'report.html'}")


def _end(outcome: Outcome, written: str) -> int:
    if outcome.message:
        typer.echo(f"cloudpact: {outcome.message}; {written}", err=True)
    return outcome.exit_code


def json_text(document: object) -> str:
    """JSON for the terminal; refuses what JSON does not know, such as NaN."""
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)


@contextmanager
def progress(total: int) -> Iterator[Callable[[], None]]:
    """Yield the function to call after every finished run: a bar on a terminal, a line per tenth elsewhere."""
    if not sys.stderr.isatty():
        yield _progress_lines(total)
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description:10}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("runs,"),
        TimeElapsedColumn(),
        TextColumn("gone, about"),
        TimeRemainingColumn(),
        TextColumn("left"),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("starting", total=total)
        yield lambda: bar.update(task, advance=1, description="simulating")


def _progress_lines(total: int) -> Callable[[], None]:
    started, done = time.monotonic(), 0

    def advance() -> None:
        nonlocal done
        done += 1
        if done * 10 // total > (done - 1) * 10 // total:
            left = (time.monotonic() - started) / done * (total - done)
            typer.echo(f"{done} of {total} runs, about {left:.0f} s left", err=True)

    return advance
