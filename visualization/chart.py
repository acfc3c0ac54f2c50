"""What a figure is, and the parts all figures share: colours, dashes, time axis, fans.

A figure is plain data: an ECharts option (JSON) beside a title, a sentence, a unit, a table and a
note of what is measured, imputed or simulated. Report, page and notebook draw the same figures.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

type Cell = str | float | int | None

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#B97F00", "#C46A9C", "#3A98CF", "#7A7F87", "#8C6D1F")
"""Okabe and Ito's colours, darkened where needed: 3:1 or better on the light and on the dark card."""

ON_DARK = dict(
    zip(PALETTE, ("#4DA3DD", "#F0803C", "#2FC79A", "#E6A92E", "#E08FBD", "#7CC4EE", "#A3ABB6", "#CDB25A"), strict=True)
)
"""The same hues, brighter, for a dark card."""

LOG_FLOOR = 0.001
"""Where a logarithmic scale starts: a million where the unit is a billion."""

DASHES: tuple[str | list[int], ...] = (
    "solid",
    "dashed",
    "dotted",
    [10, 3, 2, 3],
    [14, 4],
    [2, 2],
    [6, 2, 2, 2, 2, 2],
    [18, 3],
)
"""Told apart without colour: the i-th line of a chart has the i-th dash."""

_PROVIDERS = ("Microsoft", "Oracle", "Google", "Amazon", "CoreWeave", "Meta")
_LABS = ("OpenAI", "Anthropic", "Google DeepMind", "Mistral", "Cohere", "Meta AI", "xAI")


class Kind(StrEnum):
    """Where a number comes from."""

    MEASURED = "measured"
    IMPUTED = "imputed"
    SIMULATED = "simulated"


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a figure and where its numbers come from."""

    name: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart as data; `rows` is its table alternative, `key` says how to read the lines."""

    name: str
    title: str
    sentence: str
    unit: str
    option: dict[str, Any]
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    parts: tuple[Part, ...]
    key: str = ""

    def csv(self) -> str:
        """The table as comma-separated text; a cell that a spreadsheet would run as a formula is quoted with '."""
        return csv_text(self.columns, self.rows)


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    r"""Comma-separated text with a header line; formulas in text cells are defused.

    >>> csv_text(("lab", "share"), [("=evil()", 0.5)])
    "lab,share\r\n'=evil(),0.5\r\n"
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    for row in (columns, *rows):
        writer.writerow(["'" + cell if isinstance(cell, str) and cell[:1] in set("=+-@") else cell for cell in row])
    return buffer.getvalue()


def clean(value: Any, digits: int = 5) -> float | None:
    """A JSON number with `digits` significant digits; None for a missing or infinite one.

    >>> clean(1234.5678), clean(float("nan")), clean(0)
    (1234.6, None, 0.0)
    """
    number = float(value)
    return float(f"{number:.{digits}g}") if math.isfinite(number) else None


def shown(value: Any) -> str:
    """A number for a reader: three significant digits, thousands apart, a dash where there is none.

    >>> [shown(v) for v in (1234.56, 56.78, 1.234, 0.04567, 0.0001, 0, None)]
    ['1,235', '56.8', '1.23', '0.046', '<0.001', '0', '–']
    """
    if value is None or not math.isfinite(value):
        return "–"
    size = abs(value)
    if 0 < size < 0.0005:
        return "<0.001" if value > 0 else ">-0.001"
    digits = 0 if size >= 100 or size == round(size) else 1 if size >= 10 else 2 if size >= 0.1 else 3
    return f"{value:,.{digits}f}"


def colours(names: Iterable[str]) -> dict[str, str]:
    """A colour for every name: fixed for the known companies, by position for others.

    >>> colours(["Oracle", "Provider A"])
    {'Oracle': '#D55E00', 'Provider A': '#D55E00'}
    """
    chosen = {}
    for position, name in enumerate(names):
        known = next((group.index(name) for group in (_PROVIDERS, _LABS) if name in group), position)
        chosen[name] = PALETTE[known % len(PALETTE)]
    return chosen


def time_chart(
    quarters: Sequence[str], series: list[dict[str, Any]], *, log: bool = False, right_px: int = 16
) -> dict[str, Any]:
    """An ECharts option: quarters across, the given series, a tooltip for each quarter."""
    value_axis: dict[str, Any] = {"type": "log" if log else "value", "scale": True, "axisLine": {"show": False}}
    if log:
        value_axis["min"] = LOG_FLOOR
    return {
        "animation": False,
        "aria": {"enabled": False},
        "grid": {"left": 8, "right": right_px, "top": 26, "bottom": 6, "containLabel": True},
        "tooltip": {"trigger": "axis", "confine": True},
        "xAxis": {
            "type": "category",
            "data": list(quarters),
            "boundaryGap": False,
            "axisLabel": {"interval": 3 if len(quarters) > 12 else "auto", "hideOverlap": True},
            "axisTick": {"show": False},
        },
        "yAxis": value_axis,
        "series": series,
    }


def line(
    name: str,
    values: Sequence[float | None],
    colour: str,
    *,
    dash: str | list[int] = "solid",
    width: float = 2.2,
    labelled: bool = True,
) -> dict[str, Any]:
    """A line with its name at its end, so that no legend has to be matched by colour."""
    return {
        "type": "line",
        "name": name,
        "data": list(values),
        "showSymbol": False,
        "color": colour,
        "z": 3,
        "lineStyle": {"width": width, "type": dash, "color": colour},
        "endLabel": {
            "show": labelled,
            "formatter": "{mark|■} {a}",
            "fontSize": 11,
            "lineHeight": 15,
            "distance": 4,
            "rich": {"mark": {"color": colour, "fontSize": 10}},
        },
        "labelLayout": {"moveOverlap": "shiftY"},
        "emphasis": {"focus": "series"},
    }


def band(
    name: str, low: Sequence[float | None], high: Sequence[float | None], colour: str, opacity: float
) -> list[dict[str, Any]]:
    """The area between two lines, drawn as an unseen base and a filled difference stacked on it."""
    shared = {
        "type": "line",
        "stack": f"band {name}",
        "stackStrategy": "all",
        "symbol": "none",
        "silent": True,
        "z": 1,
        "lineStyle": {"opacity": 0},
        "tooltip": {"show": False},
        "color": colour,
    }
    difference = [None if a is None or b is None else clean(b - a) for a, b in zip(low, high, strict=True)]
    return [
        {**shared, "name": f"{name} base", "data": list(low)},
        {**shared, "name": name, "data": difference, "areaStyle": {"opacity": opacity, "color": colour}},
    ]


def mark_history(series: dict[str, Any], first: str, last: str) -> dict[str, Any]:
    """The same series with the span of imposed facts shaded and named."""
    area = {
        "silent": True,
        "itemStyle": {"color": "rgba(122,127,135,0.13)"},
        "label": {"position": "top", "fontSize": 11},
        "data": [[{"name": f"capex imposed to {last}", "xAxis": first}, {"xAxis": last}]],
    }
    return {**series, "markArea": area}
