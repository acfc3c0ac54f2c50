"""Marks with intervals, one row a name: sensitivity indices, effects, contributions.

ECharts has no error bars, so the rows stand on a hidden numeric axis beside the axis that names them: row i lies at
i, and several groups lie a little above and below it. Bars are thick lines from zero, intervals thin ones with caps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from visualization.chart import PALETTE, clean

_SYMBOLS = ("circle", "diamond", "triangle")
_SPREAD = 0.3  # of a row, between groups


@dataclass(frozen=True, slots=True)
class Mark:
    """A value and the ends of its interval, all missing where nothing is known; `tip` is read under the pointer."""

    value: float | None
    low: float | None
    high: float | None
    tip: str


def interval_chart(names: Sequence[str], groups: Mapping[str, Sequence[Mark]], *, bars: bool) -> dict[str, Any]:
    """An ECharts option: names down, values across, for every group a mark with its interval in each row."""
    option = row_axes(names)
    for position, (group, marks) in enumerate(groups.items()):
        offset = _SPREAD * (position - (len(groups) - 1) / 2)
        option["series"] += _group(group, marks, offset, position, bars)
    option["series"][0]["markLine"] = zero_line("xAxis")
    if len(groups) > 1:
        option["legend"] = {"top": 0, "left": 0, "itemHeight": 9, "data": list(groups)}
        option["grid"]["top"] = 30
    return option


def row_axes(names: Sequence[str]) -> dict[str, Any]:
    """An ECharts option without series: values across, and the rows on an axis of names and on a hidden one."""
    return {
        "animation": False,
        "grid": {"left": 8, "right": 22, "top": 8, "bottom": 6, "containLabel": True},
        "tooltip": {"trigger": "item", "confine": True},
        "xAxis": {"type": "value", "splitNumber": 4, "axisLine": {"show": False}},
        "yAxis": [
            {
                "type": "category",
                "data": [broken(name) for name in names],
                "inverse": True,
                "axisTick": {"show": False},
            },
            {"type": "value", "min": -0.5, "max": len(names) - 0.5, "inverse": True, "show": False},
        ],
        "series": [],
    }


def zero_line(axis: str) -> dict[str, Any]:
    """A thin line at zero of the named axis."""
    style = {"color": PALETTE[6], "width": 1, "type": "solid"}
    return {"silent": True, "symbol": "none", "label": {"show": False}, "lineStyle": style, "data": [{axis: 0}]}


def broken(name: str) -> str:
    r"""A long dotted path on two lines, so that it leaves room for the chart.

    >>> broken("negotiation.provider_power"), broken("capacity_gw")
    ('negotiation.\nprovider_power', 'capacity_gw')
    """
    head, dot, tail = name.rpartition(".")
    return f"{head}.\n{tail}" if dot and len(name) > 16 and not tail[:1].isdigit() else name


def _group(group: str, marks: Sequence[Mark], offset: float, position: int, bars: bool) -> list[dict[str, Any]]:
    colour = PALETTE[position % len(PALETTE)]
    placed = [(mark, row + offset) for row, mark in enumerate(marks) if mark.value is not None]
    points = [{"value": [clean(mark.value), round(y, 3)], "name": group, "tip": mark.tip} for mark, y in placed]
    ends = [(mark.low, mark.high, y) for mark, y in placed if mark.low is not None and mark.high is not None]
    shared = {"name": group, "yAxisIndex": 1, "color": colour}
    drawn = [
        _segments([(0.0, mark.value, y) for mark, y in placed], 11, {"opacity": 0.45}, shared, 2) if bars else None,
        _segments(ends, 1.8, {}, {**shared, "symbol": "rect", "symbolSize": [2, 9], "showAllSymbol": True}, 3),
        {
            **shared,
            "type": "scatter",
            "data": points,
            "z": 4,
            "symbol": _SYMBOLS[position % len(_SYMBOLS)],
            "symbolSize": 9,
            "itemStyle": {"color": colour},
        },
    ]
    return [series for series in drawn if series is not None]


def _segments(
    ends: Sequence[tuple[float | None, float | None, float]],
    width_px: float,
    style: Mapping[str, Any],
    shared: Mapping[str, Any],
    layer: int,
) -> dict[str, Any]:
    """Unconnected horizontal lines as one series; a missing point breaks the line."""
    data: list[list[float | None]] = []
    for low, high, y in ends:
        data += [[clean(low), round(y, 3)], [clean(high), round(y, 3)], [None, None]]
    return {
        "symbol": "none",
        **shared,
        "type": "line",
        "data": data,
        "silent": True,
        "z": layer,
        "lineStyle": {"width": width_px, "color": shared["color"], "cap": "butt", **style},
    }
