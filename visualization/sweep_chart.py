"""Charts of a sweep: fans over all of its runs, fans of its points, a factor against an outcome.

Quantiles are computed by the sweep where its files are, so that ten thousand runs need not be loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from cloudpact.schema import MARKET
from experiments.outcomes import Outcome
from experiments.sweeps.errors import SweepError
from experiments.sweeps.tasks import FINISHED
from market.scenario_errors import did_you_mean
from visualization.chart import Figure, Kind, Part
from visualization.fan_chart import Ensemble, change, fan_chart
from visualization.figures import CONCENTRATION, concentration_fans
from visualization.names import spoken, written
from visualization.scatter_chart import MOST_POINTS, scatter

if TYPE_CHECKING:
    from experiments.sweeps.results import Sweep

MOST_LINES = 6
"""Up to so many points are told apart as lines of one chart."""

_PERCENT = "frac"
_LONGEST_LABEL = 14


def sweep_concentration(sweep: Sweep) -> Figure:
    """Concentration over time, over all runs of a sweep."""
    return concentration_fans({name: sweep.quantiles(column) for name, column in CONCENTRATION.items()}, _over(sweep))


def sweep_fan(sweep: Sweep, column: str) -> Figure:
    """A column of the table `market` over all runs of a sweep."""
    scale, unit, ending = _unit(column)
    fans = {spoken(column): scale * sweep.quantiles(column)}
    ensemble = _over(sweep)
    sentence = change(spoken(column), ending, fans[spoken(column)], ensemble)
    return fan_chart(f"fan-{column}", spoken(column), sentence, unit, fans, ensemble, _parts(ensemble))


def point_fans(sweep: Sweep, column: str) -> Figure:
    """A column of the table `market` at every point of a design of few points: medians, and 80 % of the replicates.

    Raises SweepError where there are more points than lines can be told apart, or no point has a value.
    """
    if len(sweep.parameters) > MOST_LINES:
        raise SweepError(f"{len(sweep.parameters)} points are too many for lines of one chart; allowed: {MOST_LINES}")
    scale, unit, ending = _unit(column)
    labels = _point_labels(sweep)
    fans = {label: scale * sweep.quantiles(column, point=point) for point, label in labels.items()}
    fans = {label: found for label, found in fans.items() if found.notna().any(axis=None)}
    if not fans:
        raise SweepError(f"no run of the sweep has a value of {column!r}")
    ends = sorted((float(found[0.5].dropna().iloc[-1]), label) for label, found in fans.items())
    (low, lowest), (high, highest) = ends[0], ends[-1]
    last = next(iter(fans.values())).index[-1]
    ensemble = Ensemble(sweep.replicates, _known(sweep))
    made = fan_chart(
        f"points-{column}",
        f"{spoken(column)} by point of the design",
        f"In {last} the median of {spoken(column)} lies between {written(low)}{ending} ({lowest}) "
        f"and {written(high)}{ending} ({highest}).",
        unit,
        fans,
        ensemble,
        _parts(ensemble),
    )
    names = " ".join(f"{label}: {_values(sweep, point)}." for point, label in labels.items() if label in fans)
    return replace(made, key=f"{names} {made.key}")


def factor_scatter(sweep: Sweep, path: str, outcome: str, most_points: int = MOST_POINTS) -> Figure:
    """An outcome of a sweep against a factor, a point a run.

    Raises SweepError for a path that the design does not vary, or an outcome that no run has.
    """
    paths = [name for name in sweep.parameters.columns if name != "point"]
    if path not in paths:
        raise SweepError(
            f"the sweep does not vary {path!r}; it varies: {', '.join(map(str, paths))}{did_you_mean(path, paths)}"
        )
    values = sweep.outcome(outcome)
    by_point = sweep.parameters.set_index("point")[path]
    parameter = pd.Series(by_point.loc[values.index // sweep.replicates].to_numpy(), values.index, name=path)
    unit = "" if "outcomes" in sweep.tables else Outcome.parse(outcome).unit
    return scatter(parameter, values.rename(outcome), unit, most_points)


def _over(sweep: Sweep) -> Ensemble:
    finished = int((sweep.runs["status"] == FINISHED).sum())
    return Ensemble(finished, _known(sweep), len(sweep.parameters))


def _known(sweep: Sweep) -> str | None:
    """The last quarter with imposed facts, the same in all runs."""
    known = sweep.query("SELECT max(quarter) AS quarter FROM market WHERE NOT forecast")["quarter"].iloc[0]
    return None if pd.isna(known) else str(known)


def _parts(ensemble: Ensemble) -> tuple[Part, ...]:
    imposed = (Part("imposed quarters: from disclosed facts", Kind.IMPUTED),) if ensemble.known else ()
    return (*imposed, Part("forecast" if imposed else "all quarters", Kind.SIMULATED))


def _unit(column: str) -> tuple[float, str, str]:
    """Scale, unit and what follows a number in a sentence."""
    unit = next((known.unit for known in MARKET.columns if known.name == column), "")
    if unit == _PERCENT:
        return 100.0, "per cent", " %"
    return 1.0, unit or column, f" {unit}" if unit[:1].isalpha() else ""


def _point_labels(sweep: Sweep) -> dict[int, str]:
    """A short name for every point: its values where they fit, else its number."""
    paths = [path for path in sweep.parameters.columns if path != "point"]
    spelled = {
        int(row["point"]): ", ".join(written(row[path]) for path in paths)
        for row in sweep.parameters.to_dict("records")
    }
    short = len(set(spelled.values())) == len(spelled) and all(
        len(label) <= _LONGEST_LABEL for label in spelled.values()
    )
    return spelled if short else {point: f"point {point}" for point in spelled}


def _values(sweep: Sweep, point: int) -> str:
    row: Mapping[Any, Any] = sweep.parameters.set_index("point").loc[point].to_dict()
    return ", ".join(f"{path} {written(value)}" for path, value in row.items())
