"""The measured part of docs/hindcast.md."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from experiments.hindcasting.summary import accuracy_tests
from experiments.hindcasting.text import accuracy_table, coverage_table, headline_text, markdown, score_table

if TYPE_CHECKING:
    from experiments.hindcast import Hindcast

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "hindcast.md"
MEASURED = Path(__file__).with_name("measured")
BEGIN, END = "<!-- measured:begin -->", "<!-- measured:end -->"


def write_table(name: str, rows: list[list[str]]) -> None:
    """Keep a measured table as a file that ships with the project."""
    MEASURED.mkdir(exist_ok=True)
    with (MEASURED / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def measured(found: Hindcast, seconds: float | None = None) -> str:
    """Everything of the page that comes from a hindcast."""
    rows, settings = found.frame, found.settings
    took = "" if seconds is None else f" It took {seconds / 60:.1f} minutes on two cores."
    parts = [
        f"Measured on {date.today().isoformat()} with `python -m experiments.hindcast`: "
        f"{settings['draws']} draws, seed {settings['seed']}, {len(settings['origins'])} origins from "
        f"{settings['origins'][0]} to {settings['origins'][-1]}, scenario hash "
        f"`{settings['scenario_hash'][:12]}`, facts hash "
        f"`{settings['facts_hash'][:12]}`.{took}"
    ]
    for mode in settings["modes"]:
        own = rows[rows["mode"] == mode]
        far = own[own["horizon"] >= 4]
        parts += [f"### {mode.capitalize()}", headline_text(rows, mode)]
        parts += ["Four to eight quarters ahead:", markdown(score_table(far))]
        parts += ["All horizons:", markdown(score_table(own))]
        parts += ["Facts inside 80 % intervals, by horizon:", markdown(coverage_table(own))]
        if len(accuracy_tests(own)):
            parts += ["Diebold-Mariano tests of equal accuracy:", markdown(accuracy_table(own))]
    return "\n\n".join(parts)


def write_page(found: Hindcast, seconds: float | None = None) -> None:
    """Rewrite the page between its marks, and the tables that the web view shows."""
    for mode in found.settings["modes"]:
        own = found.frame[(found.frame["mode"] == mode) & (found.frame["horizon"] >= 4)]
        write_table(mode, score_table(own))
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(BEGIN)
    after = rest.split(END)[1]
    PAGE.write_text(f"{before}{BEGIN}\n\n{measured(found, seconds)}\n\n{END}{after}", encoding="utf-8")
