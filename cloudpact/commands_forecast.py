"""`cloudpact forecast`: what may become of the market, frozen with a date and scored when facts arrive."""

from __future__ import annotations

import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from cloudpact.commands_run import json_text
from cloudpact.commands_sweep import progress
from market.facts import Facts

if TYPE_CHECKING:
    from experiments.forecasting import Forecast

SECONDS_PER_RUN = 2.0  # of the baseline to 2035Q4 on one core


@dataclass(frozen=True, slots=True)
class ForecastRequest:
    """What the user typed after `cloudpact forecast`; `outlook` and `ledger` are the shipped ones where None."""

    scenario: str = "baseline"
    until: str = "2035Q4"
    runs: int = 200
    seed: int = 1
    jobs: int | None = None
    out: Path | None = None
    facts: Path | None = None
    outlook: Path | None = None
    statements: tuple[str, ...] = ()
    freeze: bool = False
    ledger: Path | None = None
    json: bool = False


def show_forecast(request: ForecastRequest) -> int:
    """Run the members, print fans, shares and probabilities, freeze them if asked; return the exit code."""
    from experiments.forecasting import forecast
    from experiments.forecasting.outlook import SHIPPED_OUTLOOK

    facts = None if request.facts is None else Facts.load(request.facts)
    typer.echo(f"{request.runs:,} runs, about {SECONDS_PER_RUN:.0f} s each on one core.", err=True)
    try:
        with progress(request.runs) as report:
            made = forecast(
                request.scenario,
                request.until,
                request.runs,
                request.seed,
                jobs=request.jobs,
                out=request.out,
                facts=facts,
                outlook=request.outlook or SHIPPED_OUTLOOK,
                statements=request.statements,
                command=_command(request),
                progress=report,
            )
    except KeyboardInterrupt:
        goes_on = "the same command goes on from there" if request.out else "give its folder as --out to go on"
        typer.echo(f"cloudpact: interrupted; what was finished is kept; {goes_on}", err=True)
        return 130
    _print(made, request)
    return 1 if made.failed else 0


def show_scores(ledger: Path | None, facts: Path | None, as_json: bool) -> None:
    """Print the scores of all frozen forecasts on the facts that came later."""
    from experiments.forecasting.ledger import SHIPPED_LEDGER
    from experiments.forecasting.ledger_scores import score_ledger

    found = score_ledger(ledger or SHIPPED_LEDGER, None if facts is None else Facts.load(facts))
    typer.echo(json_text(found.plain()) if as_json else found.text(_columns()))


def _print(made: Forecast, request: ForecastRequest) -> None:
    document: dict[str, Any] = made.plain() if request.json else {}
    if not request.json:
        typer.echo(made.text(_columns()))
        typer.echo(f"\nResults: {made.sweep.folder}")
    if request.freeze:
        from experiments.forecasting.ledger import SHIPPED_LEDGER, freeze

        document["frozen"] = str(freeze(made, request.ledger or SHIPPED_LEDGER))
        typer.echo(f"Frozen:  {document['frozen']}", err=request.json)
    if request.json:
        typer.echo(json_text(document))


def _columns() -> int:
    return shutil.get_terminal_size((100, 24)).columns


def _command(request: ForecastRequest) -> str:
    """The command that repeats the forecast."""
    words = ["cloudpact", "forecast", request.scenario, "--until", request.until]
    words += ["--runs", str(request.runs), "--seed", str(request.seed)]
    for option, value in (("--facts", request.facts), ("--outlook", request.outlook)):
        words += [] if value is None else [option, str(value)]
    for test in request.statements:
        words += ["--probability", test]
    return shlex.join(words)
