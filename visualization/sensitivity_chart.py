"""Sensitivity indices as a chart: how much an outcome hangs on each factor."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from visualization.chart import PALETTE, Cell, Figure, Kind, Part, clean, shown
from visualization.interval_chart import Mark, interval_chart
from visualization.names import spoken
from visualization.quantiles import records

if TYPE_CHECKING:
    from experiments.sensitivity import Sensitivity

_RANKED_BY = {"sobol": "ST", "morris": "mu_star", "pawn": "median"}
_UNITS = {
    "sobol": "share of the variance of the outcome",
    "morris": "change of the outcome over a factor's whole range, in its units",
    "pawn": "Kolmogorov-Smirnov distance, 0 to 1",
}
_KEYS = {
    "sobol": "S1: by the factor alone; ST: with all its interactions. Line: 95 % interval by bootstrap.",
    "morris": "mu*: mean size of the change, with its 95 % interval by bootstrap; sigma: how much the change varies "
    "(interactions, curvature).",
    "pawn": "Mark: median over the slices of a factor; line: smallest to largest.",
}
_BEST = {"sobol": "the largest total index", "morris": "the largest mu*", "pawn": "the largest median distance"}


def sensitivity_bars(sensitivity: Sensitivity) -> Figure:
    """Indices by factor, the most influential on top: bars with 95 % intervals, for PAWN the span over slices."""
    ranked_by = _RANKED_BY[sensitivity.method]
    rows = sorted(records(sensitivity.frame), key=lambda row: -_or_nil(row[ranked_by]))
    names = [str(row["factor"]) for row in rows]
    groups = _groups(sensitivity.method, rows)
    return Figure(
        f"sensitivity-{sensitivity.outcome}",
        f"What {spoken(sensitivity.outcome)} hangs on",
        _sentence(sensitivity, rows, ranked_by),
        _UNITS[sensitivity.method],
        interval_chart(names, groups, bars=True),
        tuple(str(column).replace("_conf", " ±") for column in sensitivity.frame.columns),
        tuple(_table_row(row) for row in rows),
        (Part("means of replicates by point", Kind.SIMULATED),),
        " ".join([_KEYS[sensitivity.method], *sensitivity.notes]),
    )


def morris_plane(sensitivity: Sensitivity) -> Figure:
    """Morris's plane: mu* across, sigma up; above the diagonal a factor acts mostly through others or not in a line.

    Raises ValueError for indices of another method. Source: Morris (1991); Campolongo, Cariboni and Saltelli (2007).
    """
    if sensitivity.method != "morris":
        raise ValueError(f"indices of {sensitivity.method} have no mu* and sigma; they need the method morris")
    rows = sorted(records(sensitivity.frame), key=lambda row: -_or_nil(row["mu_star"]))
    known = [row for row in rows if math.isfinite(row["mu_star"]) and math.isfinite(row["sigma"])]
    reach = max((max(row["mu_star"], row["sigma"]) for row in known), default=0.0)
    bars = sensitivity_bars(sensitivity)
    return Figure(
        f"morris-{sensitivity.outcome}",
        f"Size and evenness of influence on {spoken(sensitivity.outcome)}",
        bars.sentence,
        "across: mu*; up: sigma; both in units of the outcome",
        _plane(known, reach),
        bars.columns,
        bars.rows,
        bars.parts,
        "Point: a factor. Above the line (sigma = mu*) its influence changes as much as it is large.",
    )


def _plane(rows: Sequence[Mapping[str, Any]], reach: float) -> dict[str, Any]:
    points = [
        {
            "value": [clean(row["mu_star"]), clean(row["sigma"])],
            "name": row["factor"],
            "tip": f"mu* {shown(row['mu_star'])}, sigma {shown(row['sigma'])}",
            "label": {"show": True, "formatter": "{b}", "position": "left" if row["mu_star"] > reach / 2 else "right"},
        }
        for row in rows
    ]
    diagonal = {"width": 1, "type": "dashed", "color": PALETTE[6]}
    return {
        "animation": False,
        "grid": {"left": 8, "right": 22, "top": 14, "bottom": 6, "containLabel": True},
        "tooltip": {"trigger": "item", "confine": True},
        "xAxis": {"type": "value", "min": 0, "splitNumber": 4},
        "yAxis": {"type": "value", "min": 0, "axisLine": {"show": False}},
        "series": [
            {"type": "line", "name": "sigma = mu*", "data": [[0, 0], [clean(reach), clean(reach)]], "symbol": "none",
             "silent": True, "color": PALETTE[6], "lineStyle": diagonal},
            {"type": "scatter", "name": "factors", "data": points, "symbol": "circle", "symbolSize": 10, "z": 4,
             "color": PALETTE[0], "itemStyle": {"color": PALETTE[0]}, "labelLayout": {"hideOverlap": True}},
        ],
    }  # fmt: skip


def _groups(method: str, rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Mark]]:
    if method == "pawn":
        return {"median": [_mark(row["median"], row["minimum"], row["maximum"], "median") for row in rows]}
    if method == "morris":
        return {
            "mu*": [_within(row, "mu_star", "mu*") for row in rows],
            "sigma": [_point(row, "sigma") for row in rows],
        }
    return {name: [_within(row, name, name) for row in rows] for name in ("S1", "ST")}


def _within(row: Mapping[str, Any], name: str, label: str) -> Mark:
    half = row[f"{name}_conf"]
    return _mark(row[name], row[name] - half, row[name] + half, label)


def _point(row: Mapping[str, Any], name: str) -> Mark:
    return _mark(row[name], math.nan, math.nan, name)


def _mark(value: float, low: float, high: float, label: str) -> Mark:
    """A mark; one without a value where the index is not defined."""
    interval = f" ({shown(low)} to {shown(high)})" if math.isfinite(low) else ""
    return Mark(clean(value), clean(low), clean(high), f"{label} {shown(value)}{interval}")


def _or_nil(value: float) -> float:
    return value if math.isfinite(value) else 0.0


def _sentence(sensitivity: Sensitivity, rows: Sequence[Mapping[str, Any]], ranked_by: str) -> str:
    known = [row for row in rows if math.isfinite(row[ranked_by])]
    if not known:
        return f"The indices of {spoken(sensitivity.outcome)} are not defined in this sweep."
    first, *others = known
    then = f", then {others[0]['factor']} ({shown(others[0][ranked_by])})" if others else ""
    return f"{first['factor']} has {_BEST[sensitivity.method]} ({shown(first[ranked_by])}){then}."


def _table_row(row: Mapping[str, Any]) -> tuple[Cell, ...]:
    factor, *numbers = row.values()
    return (str(factor), *map(clean, numbers))
