"""Figures of a forecast: a series' fan after its facts, and where its variance comes from."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING

import pandas as pd

from experiments.forecasting.series import unit_of
from experiments.sweeps.errors import SweepError
from market.calendar import quarter_name
from market.scenario_errors import did_you_mean
from visualization.chart import DASHES, Figure, Kind, Part, clean, colours, line, time_chart
from visualization.fan_chart import Ensemble, change, fan_chart
from visualization.quantiles import LEVELS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from experiments.forecasting import Forecast

_COLUMNS = {level: f"q{100 * level:.0f}" for level in LEVELS}


def forecast_fan(forecast: Forecast, series: str, facts: Mapping[int, float] | None = None) -> Figure:
    """The fan of a series; `facts` are values by calendar quarter that are drawn before it.

    Raises SweepError for a series that the forecast does not have.
    """
    rows = _rows(forecast, series)
    future = rows.set_index("quarter")[list(_COLUMNS.values())].set_axis(list(_COLUMNS), axis=1)
    past = {quarter_name(q): value for q, value in sorted((facts or {}).items()) if q <= forecast.made.origin}
    return fan_after(series, forecast.origin, past, future, forecast.draws.runs)


def fan_after(
    series: str, origin: str, past: Mapping[str, float], future: pd.DataFrame, runs: int, note: str = ""
) -> Figure:
    """The fan of a forecast, quantiles by quarter, behind the facts to its origin; a note follows the sentence."""
    known = pd.DataFrame({level: past for level in LEVELS}, dtype=float)
    fan = pd.concat([known, future]) if past else future
    parts = (Part(f"to {origin}: facts", Kind.MEASURED),) if past else ()
    ensemble = Ensemble(runs, max(past, default=None))
    unit = unit_of(series)
    sentence = change(series, f" {unit}" if unit[:1].isalpha() else "", fan, ensemble) + note
    forecast = Part("forecast", Kind.SIMULATED)
    return fan_chart(f"forecast-{series}", series, sentence, unit, {series: fan}, ensemble, (*parts, forecast))


def variance_shares(forecast: Forecast, series: str) -> Figure:
    """Share of each source in the variance of a series, quarter by quarter, in per cent."""
    _rows(forecast, series)
    table = forecast.shares[forecast.shares["series"] == series]
    by_source = 100.0 * table.pivot(index="quarter", columns="source", values="share")
    names = [*forecast.draws.sources, "interaction"]
    quarters, chosen = [str(quarter) for quarter in by_source.index], colours(names)
    drawn = [
        line(name, [clean(value) for value in by_source[name]], chosen[name], dash=dash, labelled=True)
        for name, dash in zip(names, cycle(DASHES), strict=False)  # an outlook may have more axes than there are dashes
    ]
    last = by_source.iloc[-1]
    largest = str(last.idxmax())
    return Figure(
        f"variance-{series}",
        f"Where the variance of {series} comes from",
        f"In {quarters[-1]} most of it comes from {largest} ({last[largest]:.0f} %).",
        "per cent of the variance",
        time_chart(quarters, drawn, right_px=110),
        ("quarter", *names),
        tuple((quarter, *(clean(by_source[name][quarter]) for name in names)) for quarter in quarters),
        (Part("all quarters", Kind.SIMULATED),),
        "Lines: shares by the law of total variance; estimates of small shares may fall below nil.",
    )


def _rows(forecast: Forecast, series: str) -> pd.DataFrame:
    rows = forecast.fans[forecast.fans["series"] == series]
    if rows.empty:
        names = sorted(forecast.fans["series"].unique())
        raise SweepError(f"the forecast has no series {series!r}{did_you_mean(series, names)}")
    return rows
