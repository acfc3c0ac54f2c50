"""What `cloudpact hindcast` does."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import cast

import typer

from cloudpact.commands_run import json_text
from cloudpact.commands_sweep import progress
from cloudpact.schema import SCHEMA_VERSION
from experiments.hindcast import MODES, hindcast
from experiments.origins import Mode
from experiments.sweeps.errors import SweepError
from market.facts import Facts


@dataclass(frozen=True, slots=True)
class HindcastRequest:
    """What the user typed after `cloudpact hindcast`."""

    origins: tuple[str, ...]
    horizon: int
    mode: str
    draws: int
    seed: int
    jobs: int | None
    facts: Path | None
    out: Path | None
    json: bool


def show_hindcast(request: HindcastRequest) -> None:
    """Simulate, score and print."""
    modes = MODES if request.mode == "both" else (request.mode,)
    if request.mode not in ("both", *MODES):
        raise SweepError(f"no mode {request.mode!r}; allowed: blind, conditional, both")
    with progress(0) as report:
        found = hindcast(
            origins=request.origins,
            horizon=request.horizon,
            draws=request.draws,
            seed=request.seed,
            modes=cast("tuple[Mode, ...]", modes),
            facts=None if request.facts is None else Facts.load(request.facts),
            out=request.out,
            jobs=request.jobs,
            progress=report,
        )
    typer.echo(json_text({"schema_version": SCHEMA_VERSION, **found.plain()}) if request.json else found.text())


@dataclass(frozen=True, slots=True)
class CalibrationRequest:
    """What the user typed after `cloudpact calibrate`."""

    out: Path
    scenario: str
    origin: str | None
    draws: int
    generations: int
    seed: int
    jobs: int | None
    facts: Path | None
    json: bool


def show_calibration(request: CalibrationRequest) -> None:
    """Simulate, estimate and print."""
    from experiments.calibration.calibrate import calibrate

    with progress(0) as report:
        found = calibrate(
            request.out,
            request.scenario,
            request.origin,
            request.draws,
            request.generations,
            request.seed,
            None if request.facts is None else Facts.load(request.facts),
            request.jobs,
            report,
        )
    if request.json:
        document = {
            **found.settings,
            "estimate": found.estimate.values,
            "parameters": found.identified.to_dict("records"),
        }
        typer.echo(json_text({"schema_version": SCHEMA_VERSION, **document}))
        return
    typer.echo(found.text() + f"\n\nResults: {request.out}")
