"""Arguments and options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer


def whole_number(least: int) -> Callable[[str | int], int]:
    """The parser of a whole number, which names what was typed and what is allowed."""

    def parse(text: str | int) -> int:
        try:
            value = int(text)
        except ValueError:
            raise typer.BadParameter(f"{text!r} is not a whole number; allowed: {least} or more") from None
        if value < least:
            raise typer.BadParameter(f"{value} is too small; allowed: {least} or more")
        return value

    return parse


RunFolder = Annotated[Path, typer.Argument(metavar="RUN_DIR", help="Folder that `cloudpact run` wrote.")]
SimulatedDeal = Annotated[str, typer.Argument(metavar="DEAL", help="RUN:NUMBER of a simulated deal.")]
FactsFolder = Annotated[Path | None, typer.Option("--facts", metavar="DIR", help="Newer facts than the shipped ones.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document, for machines.")]
Outcomes = Annotated[
    list[str] | None,
    typer.Option(
        "--outcome", metavar="NAME", help="Such as alignment_hhi@2028Q4; may be repeated; headline ones if not given."
    ),
]
Seed = Annotated[int, typer.Option(parser=whole_number(0), metavar="N", help="Seed of the ensemble.")]
Runs = Annotated[int, typer.Option(parser=whole_number(1), metavar="R", help="Replicates 0 to R-1 of the seed.")]
Jobs = Annotated[
    int | None,
    typer.Option(parser=whole_number(1), metavar="J", help="Processes; as many as cores if not given."),
]
Until = Annotated[str | None, typer.Option(metavar="2035Q4", help="Last quarter, in place of the scenario's.")]
ComparisonFolder = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="DIR",
        help="New folder for both worlds, effects and a report; nothing is written if not given.",
    ),
]
SweepFolder = Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a sweep.")]
