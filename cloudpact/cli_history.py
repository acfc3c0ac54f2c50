"""Commands on history and forecast: calibrate, hindcast, forecast."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cloudpact.options import FactsFolder, Jobs, Json, Seed, whole_number

history_app = typer.Typer(rich_markup_mode=None)


@history_app.command(epilog="Example: cloudpact hindcast --origin 2022Q4 --horizon 8 --draws 40")
def hindcast(
    origin: Annotated[
        list[str] | None,
        typer.Option(
            metavar="QUARTER", help="Forecast from here; may be repeated; 2021Q4 to 2024Q4 by half-years if not given."
        ),
    ] = None,
    horizon: Annotated[int, typer.Option(parser=whole_number(1), metavar="H", help="Quarters ahead.")] = 8,
    mode: Annotated[str, typer.Option(metavar="NAME", help="blind, conditional (later deals given) or both.")] = "both",
    draws: Annotated[
        int, typer.Option(parser=whole_number(2), metavar="N", help="Draws of the parameters, each with its own luck.")
    ] = 140,
    seed: Seed = 1,
    jobs: Jobs = None,
    facts: FactsFolder = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Keep the simulations; a stopped hindcast goes on there.")
    ] = None,
    json: Json = False,
) -> None:
    """Forecast past quarters with what was known then; score it, beside simple benchmarks, against what happened."""
    from cloudpact.commands_history import HindcastRequest, show_hindcast

    show_hindcast(HindcastRequest(tuple(origin or ()), horizon, mode, draws, seed, jobs, facts, out, json))


@history_app.command(epilog="Example: cloudpact calibrate --out results/calibration")
def calibrate(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the calibration; a stopped one goes on there.")],
    scenario: Annotated[str, typer.Argument(metavar="SCENARIO", help="Name or TOML file.")] = "baseline",
    origin: Annotated[
        str | None, typer.Option(metavar="QUARTER", help="Facts until here count; all of them if not given.")
    ] = None,
    draws: Annotated[
        int, typer.Option(parser=whole_number(10), metavar="N", help="Draws from the priors in the reference table.")
    ] = 400,
    generations: Annotated[
        int, typer.Option(parser=whole_number(1), metavar="G", help="Generations of the optimiser, 12 points each.")
    ] = 18,
    seed: Seed = 1,
    jobs: Jobs = None,
    facts: FactsFolder = None,
    json: Json = False,
) -> None:
    """Estimate the parameters that have a prior: a point, a posterior, and what the facts leave open."""
    from cloudpact.commands_history import CalibrationRequest, show_calibration

    show_calibration(CalibrationRequest(out, scenario, origin, draws, generations, seed, jobs, facts, json))


@history_app.command(epilog='Example: cloudpact forecast --runs 40 --probability "alignment_hhi@2028Q4 < 3000"')
def forecast(
    scenario: Annotated[str, typer.Argument(metavar="SCENARIO", help="Name or TOML file.")] = "baseline",
    until: Annotated[str, typer.Option(metavar="QUARTER", help="Last quarter.")] = "2035Q4",
    runs: Annotated[int, typer.Option(parser=whole_number(8), metavar="R", help="Members, a multiple of four.")] = 200,
    seed: Seed = 1,
    jobs: Jobs = None,
    facts: FactsFolder = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of the members; a stopped forecast goes on there.")
    ] = None,
    outlook: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Structures and stated scenarios; the shipped ones if not given."),
    ] = None,
    probability: Annotated[
        list[str] | None,
        typer.Option(metavar="TEXT", help="Ask for a probability, as in the example; may be repeated."),
    ] = None,
    freeze: Annotated[
        bool, typer.Option("--freeze", help="Keep it, dated and hashed, for later facts to score.")
    ] = False,
    score: Annotated[
        bool, typer.Option("--score", help="Score the frozen forecasts on facts that came later; nothing is simulated.")
    ] = False,
    ledger: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of frozen forecasts; the shipped one if not given.")
    ] = None,
    json: Json = False,
) -> int:
    """Forecast every series and metric with its uncertainty and where that comes from; freeze it, or score it later."""
    from cloudpact.commands_forecast import ForecastRequest, show_forecast, show_scores

    if score:
        show_scores(ledger, facts, json)
        return 0
    asked = tuple(probability or ())
    return show_forecast(
        ForecastRequest(scenario, until, runs, seed, jobs, out, facts, outlook, asked, freeze, ledger, json)
    )
