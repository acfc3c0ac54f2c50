"""The forecast and hindcast page: frozen fans against facts, statements, scores of the past, stylised facts."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pandas as pd
import solara

from experiments.forecasting.ledger import SHIPPED_LEDGER
from market.calendar import quarter_index, quarter_name
from market.facts import Facts, FactsError
from market.targets import target
from visualization.chart import Figure
from visualization.forecast_chart import fan_after
from visualization.quantiles import LEVELS
from visualization.web.address import Address
from visualization.web.parts import field, show_figure, show_table
from visualization.web.widgets import CodeWidget, FormWidget, ShellWidget, styles

MEASURED = Path(__file__).resolve().parents[2] / "experiments" / "hindcasting" / "measured"
FIRST = "capex[four]"
TABLES = {
    "blind": (
        "Hindcast, blind, four to eight quarters ahead",
        "CRPS, and its ratio to each benchmark's: below one the model is better. * better than all.",
    ),
    "conditional": ("Hindcast, later deals given", "The same with later disclosed deals signed as dated."),
    "stylised": ("Stylised facts", "Each asked of runs in which it is free."),
}


def ledger() -> list[Path]:
    """Frozen forecasts, newest first."""
    return sorted(SHIPPED_LEDGER.glob("*.json"), reverse=True)


def read(path: Path) -> dict[str, Any]:
    """A frozen forecast as plain data."""
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def series_of(frozen: dict[str, Any]) -> list[str]:
    """Names of the series that a frozen forecast has, those that facts can score first."""
    keys = [*frozen["targets"], *frozen["metrics"]]
    return list(dict.fromkeys(key.rpartition("@")[0] for key in keys))


def fan_of(frozen: dict[str, Any], series: str, facts: Facts) -> Figure:
    """The fan of a series of a frozen forecast behind its facts, those that came later included.

    Raises ValueError, one line, for a series that it does not have.
    """
    if series not in series_of(frozen):
        raise ValueError(f"series: got {series!r}; allowed: a series of the forecast")
    rows = {}
    for key, values in frozen["metrics"].items():
        name, _, quarter = key.rpartition("@")
        if name == series:
            rows[quarter] = dict(zip(LEVELS, values, strict=True))
    for key, values in frozen["targets"].items():
        name, _, quarter = key.rpartition("@")
        if name == series:
            rows[quarter] = dict(zip(LEVELS, pd.Series(values, dtype=float).quantile(list(LEVELS)), strict=True))
    past = _facts(series, facts)
    future = every_quarter(pd.DataFrame.from_dict(rows, orient="index").sort_index())
    later = [f"{quarter}: {value:.4g}" for quarter, value in past.items() if quarter > frozen["origin"]]
    note = f" Facts since: {', '.join(later)}." if later else ""
    known = {quarter: value for quarter, value in past.items() if quarter <= frozen["origin"]}
    return fan_after(series, frozen["origin"], known, future, int(frozen["runs"]), note)


def every_quarter(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows by quarter with those between filled on a line: far ahead a frozen forecast keeps the last of each year."""
    span = range(quarter_index(rows.index[0]), quarter_index(rows.index[-1]) + 1)
    return rows.reindex([quarter_name(quarter) for quarter in span]).interpolate(method="linear")


def _facts(series: str, facts: Facts) -> dict[str, float]:
    try:
        return {quarter_name(point.quarter): point.value for point in target(series).observed(facts)}
    except FactsError:
        return {}


def measured(name: str) -> tuple[list[str], list[list[str]]]:
    """A table that was measured and ships with the project: its head and its rows."""
    with (MEASURED / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        head, *rows = list(csv.reader(file))
    return head, rows


@solara.component
def ForecastPage(start: Address, notice: str) -> None:
    """The page from an address on: `folder` names the frozen forecast, `series` what is drawn."""
    address, set_address = solara.use_state(start)
    files = {path.stem: path for path in ledger()}
    name = address.folder if address.folder in files else next(iter(files), "")
    frozen = solara.use_memo(lambda: read(files[name]) if name else None, [name])
    facts = solara.use_memo(Facts.load, [])

    def act(data: dict[str, Any]) -> None:
        if data["kind"] == "submit":
            values = data["values"]
            set_address(address.changed(folder=str(values["forecast"]), series=str(values["series"])))

    ShellWidget.element(page="/forecast", share=address.query(), look=styles())
    with solara.v.Html(tag="main", class_="page"):
        if frozen is not None:
            names = series_of(frozen)
            series = address.series if address.series in names else FIRST
            with solara.Div(classes=["card"]):
                solara.HTML(tag="h2", unsafe_innerHTML="Frozen forecasts")
                FormWidget.element(
                    fields=[field("forecast", "Frozen", name, list(files)), field("series", "Series", series, names)],
                    verb="Show", error=notice, on_act=act,
                )  # fmt: skip
            show_figure(fan_of(frozen, series, facts))
            rows = [[each["says"], f"{100 * each['probability']:.0f} %"] for each in frozen["statements"]]
            show_table(
                "statements",
                "Probabilities",
                f"From {frozen['origin']}, {frozen['runs']} runs, made {frozen['made'][:10]}.",
                ("statement", "probability"),
                rows,
            )
        for table, (title, sentence) in TABLES.items():
            if (MEASURED / f"{table}.csv").is_file():
                head, lines = measured(table)
                show_table(table, title, sentence, head, lines)
        python = "from cloudpact import forecast\n\nprint(forecast(runs=8, until='2028Q4').text())"
        CodeWidget.element(shell="cloudpact forecast --score\ncloudpact hindcast", python=python)
