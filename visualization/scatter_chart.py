"""A factor against an outcome over the runs of a sweep: points, and medians along the way."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from visualization.chart import PALETTE, Cell, Figure, Kind, Part, clean, shown
from visualization.names import spoken, written

MOST_POINTS = 1500
"""So many points are drawn; medians and table always count all of them."""

_FEW, _SOME = 6, 12  # up to so many different values are groups of their own; up to some, with runs enough in each
_RUNS_EACH = 4
_BINS, _RUNS_A_BIN = 10, 8
_GOLDEN = 0.618034  # multiples of it fill an interval evenly: jitter without a generator


def scatter(parameter: pd.Series, outcome: pd.Series, unit: str = "", most_points: int = MOST_POINTS) -> Figure:
    """An outcome against a factor: a point a run, and medians with 80 % of the runs by value or by part.

    Both series are by run and named; runs that lack either are left out. A factor of few different values, and one of
    texts or flags, is shown by value, otherwise by up to ten parts of equal number. Of more than `most_points` runs an
    evenly spaced selection is drawn.
    """
    known = pd.DataFrame({"x": parameter, "y": outcome.astype(float)}).dropna()
    known = known[np.isfinite(known["y"])]
    categories = _categories(known["x"])
    bins = _by_value(known, categories) if categories else _by_part(known)
    option = _grouped_axes(categories) if categories else _number_axes()
    at = [categories.index(value) for value in known["x"]] if categories else [float(x) for x in known["x"]]
    points = _points(known, at, bool(categories), most_points)
    centres = list(range(len(categories))) if categories else [row["centre"] for row in bins]
    option["series"] = [points, *_medians(bins, [float(centre) for centre in centres], not categories)]
    kept = len(points["data"])
    selection = f"{kept:,} of {len(known):,} runs are drawn; " if kept < len(known) else ""
    parts = "" if categories else f" in each of {len(bins)} parts of equal number"
    name = f"scatter-{outcome.name}-{parameter.name}"
    return Figure(
        name,
        f"{spoken(str(outcome.name))} by {parameter.name}",
        _sentence(str(outcome.name), str(parameter.name), bins),
        f"across: {parameter.name}; up: {outcome.name}{f' ({unit})' if unit else ''}",
        option,
        (str(parameter.name), "runs", "median", "10 %", "90 %"),
        tuple(_row(row) for row in bins),
        (Part(f"{len(known):,} runs", Kind.SIMULATED),),
        f"Point: one run. Large mark: median, with 80 % of the runs{parts}. "
        f"{selection}{_missing(len(parameter), len(known))}".strip(),
    )


def _missing(runs: int, known: int) -> str:
    if runs == known:
        return f"All {runs:,} runs have a value."
    return f"{runs - known:,} of {runs:,} runs have no value and are left out."


def _categories(values: pd.Series) -> list[Any]:
    """The different values in order where they are few, texts or flags; none where it is a scale."""
    different = list(pd.unique(values))
    numeric = all(isinstance(value, int | float | np.number) and not isinstance(value, bool) for value in different)
    if not numeric:
        return sorted(different, key=written)
    grouped = len(different) <= _FEW or (len(different) <= _SOME and len(values) >= _RUNS_EACH * len(different))
    return sorted(different) if grouped else []


def _by_value(known: pd.DataFrame, categories: Sequence[Any]) -> list[dict[str, Any]]:
    return [_bin(written(value), float("nan"), known.loc[known["x"] == value, "y"]) for value in categories]


def _by_part(known: pd.DataFrame) -> list[dict[str, Any]]:
    """Runs in order of the factor, cut into up to ten parts of equal number."""
    ordered = known.assign(x=known["x"].astype(float)).sort_values("x", kind="stable")
    parts = max(1, min(_BINS, len(ordered) // _RUNS_A_BIN))
    cuts = np.linspace(0, len(ordered), parts + 1).round().astype(int)
    return [
        _bin(f"{shown(part['x'].iloc[0])} to {shown(part['x'].iloc[-1])}", float(part["x"].median()), part["y"])
        for part in (ordered.iloc[a:b] for a, b in pairwise(cuts))
        if len(part)
    ]


def _bin(label: str, centre: float, values: pd.Series) -> dict[str, Any]:
    low, middle, high = values.quantile([0.1, 0.5, 0.9])
    return {"label": label, "centre": centre, "runs": len(values), "low": low, "median": middle, "high": high}


def _row(row: dict[str, Any]) -> tuple[Cell, ...]:
    return (row["label"], row["runs"], clean(row["median"]), clean(row["low"]), clean(row["high"]))


def _number_axes() -> dict[str, Any]:
    return {**_frame(), "xAxis": {"type": "value", "scale": True, "splitNumber": 5, "axisLine": {"onZero": False}}}


def _grouped_axes(categories: Sequence[Any]) -> dict[str, Any]:
    """Names below, and a hidden numeric axis on which points stand beside each other."""
    names = {"type": "category", "data": [written(value) for value in categories], "axisTick": {"show": False}}
    places = {"type": "value", "min": -0.5, "max": len(categories) - 0.5, "show": False}
    return {**_frame(), "xAxis": [{**names, "axisLine": {"onZero": False}}, places]}


def _frame() -> dict[str, Any]:
    return {
        "animation": False,
        "grid": {"left": 8, "right": 22, "top": 14, "bottom": 6, "containLabel": True},
        "tooltip": {"trigger": "item", "confine": True},
        "yAxis": {"type": "value", "scale": True, "axisLine": {"show": False}},
    }


def _points(known: pd.DataFrame, at: Sequence[float], grouped: bool, most: int) -> dict[str, Any]:
    step = max(1, -(-len(known) // most))
    data = [
        {
            "value": [clean(x + (0.36 * ((run * _GOLDEN) % 1 - 0.5) if grouped else 0.0)), clean(y)],
            "name": f"run {run}",
            "tip": f"{written(value)}: {shown(y)}",
        }
        for run, x, value, y in zip(
            known.index[::step], at[::step], known["x"][::step], known["y"][::step], strict=True
        )
    ]
    return {
        "type": "scatter",
        "name": "runs",
        "data": data,
        "symbol": "circle",
        "symbolSize": 6 if len(data) < 300 else 4,
        "xAxisIndex": int(grouped),
        "color": PALETTE[0],
        "itemStyle": {"color": PALETTE[0], "opacity": 0.5 if len(data) < 300 else 0.35},
    }


def _medians(bins: Sequence[dict[str, Any]], centres: Sequence[float], joined: bool) -> list[dict[str, Any]]:
    colour, axis = PALETTE[1], int(not joined)
    ends: list[list[float | None]] = []
    for row, x in zip(bins, centres, strict=True):
        ends += [[clean(x), clean(row["low"])], [clean(x), clean(row["high"])], [None, None]]
    shared = {"color": colour, "xAxisIndex": axis, "name": "median"}
    line = {"width": 1.8, "color": colour}
    marks = [
        {
            "value": [clean(x), clean(row["median"])],
            "name": row["label"],
            "tip": f"median {shown(row['median'])} (80 %: {shown(row['low'])} to {shown(row['high'])}), "
            f"{row['runs']} runs",
        }
        for row, x in zip(bins, centres, strict=True)
    ]
    caps = {"symbol": "rect", "symbolSize": [9, 2], "showAllSymbol": True, "silent": True, "z": 3}
    diamonds = {"symbol": "diamond", "symbolSize": 11, "z": 4, "itemStyle": {"color": colour}}
    path = {"symbol": "none", "silent": True, "z": 3, "lineStyle": line, "data": [mark["value"] for mark in marks]}
    return [
        {**shared, **caps, "type": "line", "data": ends, "lineStyle": line},
        *([{**shared, **path, "type": "line"}] if joined else []),
        {**shared, **diamonds, "type": "scatter", "data": marks},
    ]


def _sentence(outcome: str, parameter: str, bins: Sequence[dict[str, Any]]) -> str:
    if not bins:
        return f"No run has a value of both {outcome} and {parameter}."
    first, last = bins[0], bins[-1]
    if len(bins) == 1:
        return f"{parameter} is {first['label']} in all runs; the median of {outcome} is {shown(first['median'])}."
    return (
        f"The median of {outcome} is {shown(first['median'])} where {parameter} is {first['label']}, "
        f"and {shown(last['median'])} where it is {last['label']}."
    )
