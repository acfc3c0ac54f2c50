"""A figure of medians with their bands over the runs, its table, and a sentence about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

from visualization.chart import (
    DASHES,
    LOG_FLOOR,
    Cell,
    Figure,
    Part,
    band,
    clean,
    colours,
    line,
    mark_history,
    shown,
    time_chart,
)
from visualization.quantiles import LEVELS, Tables, last_fact, run_count

_SHADED = "Shaded: quarters with reported capex imposed."


@dataclass(frozen=True, slots=True)
class Ensemble:
    """What a fan spans: runs, the last quarter with imposed facts, and in a sweep the points that they are at."""

    runs: int
    known: str | None = None
    points: int = 1

    @classmethod
    def of(cls, tables: Tables) -> Self:
        """The ensemble that some result tables hold."""
        return cls(run_count(tables), last_fact(tables))

    def __str__(self) -> str:
        """Such as `24 runs` or `2,400 runs at 600 points`."""
        return f"{self.runs:,} runs" + (f" at {self.points:,} points" if self.points > 1 else "")


def by_size(fans: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Largest last median first; a stable order for equal ones."""

    def size(name: str) -> float:
        known = fans[name][0.5].dropna()
        return float(known.iloc[-1]) if len(known) else 0.0

    return {name: fans[name] for name in sorted(fans, key=lambda name: -size(name))}


def fan_chart(
    name: str,
    title: str,
    sentence: str,
    unit: str,
    fans: Mapping[str, pd.DataFrame],
    ensemble: Ensemble,
    parts: Sequence[Part],
    *,
    log: bool = False,
) -> Figure:
    """A figure with a median line and an 80 % band for each name; the middle half too where there is one name."""
    quarters = sorted({str(quarter) for found in fans.values() for quarter in found.index})
    known = ensemble.known
    chosen = colours(fans)
    series: list[dict[str, Any]] = []
    for position, (label, found) in enumerate(fans.items()):
        low, quarter, median, three_quarters, high = (
            _values(found[level].reindex(list(quarters)), log) for level in LEVELS
        )
        drawn = line(label, median, chosen[label], dash=DASHES[position % len(DASHES)], labelled=len(fans) > 1)
        series.append(mark_history(drawn, quarters[0], known) if position == 0 and known else drawn)
        if ensemble.runs == 1 or log:
            continue
        series += band(f"{label} 80 %", low, high, chosen[label], 0.22 if len(fans) < 3 else 0.13)
        if position == 0 and len(fans) <= 3:
            series += band(f"{label} 50 %", quarter, three_quarters, chosen[label], 0.28)
    option = time_chart(quarters, series, log=log, right_px=28 + 7 * max(map(len, fans)) if len(fans) > 1 else 16)
    columns, rows = _fan_rows(fans, quarters)
    return Figure(name, title, sentence, unit, option, columns, rows, tuple(parts), _key(ensemble, log, len(fans)))


def _key(ensemble: Ensemble, log: bool, lines: int) -> str:
    if ensemble.runs == 1:
        reading = "Line: the one run; there is no interval."
    elif log:
        reading = f"Line: median of {ensemble}; the interval is in the table."
    else:
        reading = f"Line: median of {ensemble}. Band: 80 % of runs" + (", darker: half of them." if lines <= 3 else ".")
    return f"{reading} {_SHADED}" if ensemble.known else reading


def _values(column: pd.Series, log: bool) -> list[float | None]:
    return [None if log and not value >= LOG_FLOOR else clean(value) for value in column]


def _fan_rows(
    fans: Mapping[str, pd.DataFrame], quarters: Sequence[str]
) -> tuple[tuple[str, ...], tuple[tuple[Cell, ...], ...]]:
    columns = ["quarter"]
    blocks = []
    for label, found in fans.items():
        columns += [label, f"{label}, 10 %", f"{label}, 90 %"]
        blocks.append(found[[0.5, 0.1, 0.9]].reindex(list(quarters)).to_numpy(dtype=float))
    values = np.hstack(blocks) if blocks else np.empty((len(quarters), 0))
    rows = tuple((quarter, *map(clean, row)) for quarter, row in zip(quarters, values, strict=True))
    return tuple(columns), rows


def change(what: str, unit: str, found: pd.DataFrame, ensemble: Ensemble) -> str:
    """One sentence: the value at the last fact, and at the end with its interval."""
    end = found.index[-1]
    low, middle, high = (shown(found[level].iloc[-1]) for level in (0.1, 0.5, 0.9))
    start = ensemble.known or found.index[0]
    if start == end:
        return f"{what} is {middle}{unit} in {end}."
    interval = f" (80 % of runs: {low} to {high})" if ensemble.runs > 1 else ""
    return f"{what} goes from {shown(found[0.5].loc[start])}{unit} in {start} to {middle}{unit} in {end}{interval}."


def leader(verb: str, unit: str, fans: Mapping[str, pd.DataFrame]) -> str:
    """One sentence: who leads at the end, and who comes next."""
    ends = {name: found[0.5].dropna() for name, found in fans.items()}
    ends = {name: values for name, values in ends.items() if len(values)}
    if not ends:
        return "There is nothing to show."
    quarter = max(values.index[-1] for values in ends.values())
    known = [(name, values[quarter]) for name, values in ends.items() if quarter in values.index]
    (first, value), *others = sorted(known, key=lambda pair: -pair[1])
    then = f", then {others[0][0]} with {shown(others[0][1])}" if others else ""
    return f"In {quarter} {first} {verb} ({shown(value)}{unit}){then}."
