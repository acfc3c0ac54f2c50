"""Quantiles over the runs of an ensemble, and where the imposed facts end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
import pandas as pd

LEVELS = (0.1, 0.25, 0.5, 0.75, 0.9)

type Tables = Mapping[str, pd.DataFrame]


class TableError(ValueError):
    """A result table or a column of it is missing; the message is one line for a user."""


def table(tables: Tables, name: str, *columns: str) -> pd.DataFrame:
    """The named table, checked to hold the columns a figure needs.

    Raises:
        TableError: names the table, the missing column, and what there is.
    """
    if name not in tables:
        raise TableError(f"no table {name!r} among the results; there are: {', '.join(sorted(tables)) or 'none'}")
    found = tables[name]
    missing = [column for column in columns if column not in found.columns]
    if missing:
        raise TableError(f"table {name!r} has no column {missing[0]!r}; it has: {', '.join(map(str, found.columns))}")
    if found.empty and name == "market":
        raise TableError(f"table {name!r} has no rows")
    return found


def records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows as dictionaries by column."""
    return cast(list[dict[str, Any]], rows.to_dict("records"))


def fan(rows: pd.DataFrame, column: str, levels: Sequence[float] = LEVELS) -> pd.DataFrame:
    """Quantiles of a column over runs, one row a quarter, one column a level.

    Linear interpolation between order statistics (Hyndman and Fan 1996, type 7). Missing values are
    left out; a quarter without any value is missing. One run gives the same number at all levels.

    >>> rows = pd.DataFrame({"quarter": ["2026Q1"] * 3, "run": [0, 1, 2], "x": [1.0, 2.0, 4.0]})
    >>> fan(rows, "x", (0.0, 0.5, 1.0)).loc["2026Q1"].tolist()
    [1.0, 2.0, 4.0]
    """
    values = rows[column].astype("float64").groupby(rows["quarter"], sort=True)
    return values.quantile(np.asarray(levels)).unstack().reindex(columns=np.asarray(levels))


def fan_by(rows: pd.DataFrame, column: str, by: str, levels: Sequence[float] = LEVELS) -> dict[str, pd.DataFrame]:
    """`fan` for every value of `by`, in order of first appearance, over one common range of quarters."""
    quarters = sorted(rows["quarter"].unique())
    return {str(name): fan(group, column, levels).reindex(quarters) for name, group in rows.groupby(by, sort=False)}


def last_fact(tables: Tables) -> str | None:
    """The last quarter with imposed facts, or None where every quarter is a forecast."""
    market = table(tables, "market", "quarter", "forecast")
    known = market.loc[~market["forecast"].astype(bool), "quarter"]
    return None if known.empty else str(known.max())


def last_quarter(tables: Tables) -> str:
    """The last quarter of the results."""
    return str(table(tables, "market", "quarter")["quarter"].max())


def run_count(tables: Tables) -> int:
    """How many runs the ensemble has."""
    return int(table(tables, "market", "run")["run"].nunique())
