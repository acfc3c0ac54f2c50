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
        typer.Option(metavar="QUARTER", help="Forecast from here; may be repeated; 2021Q4 to 2024Q4 if not given."),
    ] = None,
    horizon: Annotated[int, typer.Option(parser=whole_number(1), metavar="H", help="Quarters ahead.")] = 8,
    mode: Annotated[str, typer.Option(metavar="NAME", help="blind, conditional (later deals given) or both.")] = "both",
    draws: Annotated[
        int, typer.Option(parser=whole_number(2), metavar="N", help="Draws of the parameters, each with its own luck.")
    ] = 120,
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
