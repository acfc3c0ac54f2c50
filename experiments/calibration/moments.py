"""The moments: errors of runs from past origins against facts known at a later one, and their weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from experiments.calibration.reference import ReferenceTable, Window
from experiments.hindcasting.evidence import Evidence, evidence
from market.calendar import quarter_index, quarter_name
from market.facts import Facts
from market.targets import target

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]

# Families of series, the weight of each in the distance, and its series. Capex, cloud revenue and the labs' run-rates
# count alike; series with few or rounded readings count half. Deals, those with equity and the equity itself are three:
# sizes alone would leave the share of deals without any free, and counts the sums (docs/calibration.md).
WEIGHTS = {
    "capex": 1.0, "cloud_revenue": 1.0, "run_rate": 1.0, "compute": 0.5, "market_share": 0.5,
    "deals": 0.5, "equity_deals": 1.0, "deal_equity": 1.0,
}  # fmt: skip
SERIES = {
    "capex": [f"capex[{name}]" for name in ("four", "Amazon", "Microsoft", "Google", "Meta", "Oracle")],
    "cloud_revenue": [f"cloud_revenue[{name}]" for name in ("Amazon", "Microsoft", "Google")],
    "run_rate": ["run_rate[OpenAI]", "run_rate[Anthropic]"],
    "compute": ["compute[OpenAI]"],
    "market_share": [f"market_share[{name}]" for name in ("Amazon", "Microsoft", "Google")],
    "deals": ["deals"],
    "equity_deals": ["equity_deals"],
    "deal_equity": ["deal_equity"],
}
# Rare events are added up from the origin on, and compared on the scale log(1 + x): a quarter of them is mostly nil.
ADDED_UP = ("equity_deals", "deal_equity")
# Where a table has windows in which deals alone are on their own, these speak for deals, and no other window does: what
# labs and providers sign is not to be judged by what a blind run makes of demand and capex.
OF_DEALS = ("deals", "equity_deals", "deal_equity")
NEAR = 4  # errors up to so many quarters ahead, and beyond, are two moments


@dataclass(frozen=True, slots=True)
class Moments:
    """Errors of every draw, (draws, moments), nil being a hit; with names, and weights that sum to one.

    A moment is the mean error of a family, near or far ahead, over series, windows and horizons, in units of how much
    the draws differ there (their standard deviation, with the range of the reading added in quadrature): `spreads`,
    by `window/series@quarter`.
    """

    names: tuple[str, ...]
    errors: Array
    weights: Array
    spreads: Mapping[str, float]

    def distances(self, truth: Array | float = 0.0) -> Array:
        """Weighted root mean square distance of every draw from the facts, or from another draw's errors."""
        return np.sqrt(((self.errors - truth) ** 2 * self.weights).sum(axis=1))


def moments(table: ReferenceTable, facts: Facts, origin: str, spreads: Mapping[str, float] | None = None) -> Moments:
    """Moments from windows before an origin, against facts known at it and nothing later.

    Blind windows count, and of those in which deals alone are free the ones that end at the origin or before.

    Errors are in units of the table's own spread, or of the `spreads` of another table where they are given.

    >>> sum(WEIGHTS.values())
    6.5
    """
    known = facts.known_at(quarter_index(origin))
    groups: dict[str, list[Array]] = {}
    used: dict[str, float] = dict(spreads or {})
    windows = _windows(table, origin)
    apart = any(window.mode == "deals" for window in windows)
    for window in windows:
        for family, members in SERIES.items():
            if apart and (family in OF_DEALS) != (window.mode == "deals"):
                continue
            for name in members:
                found = evidence(name, known, window.origin, table.horizon)
                if found is not None:
                    for ahead, error in _errors(table, window, found, used):
                        groups.setdefault(f"{family} {'near' if ahead <= NEAR else 'far'}", []).append(error)
    names = tuple(sorted(groups))
    if not names:
        return Moments((), np.zeros((len(table.draws), 0)), np.zeros(0), used)
    errors = np.stack([np.nan_to_num(np.nanmean(groups[name], axis=0), nan=3.0) for name in names], axis=1)
    weights = np.array([WEIGHTS[name.split()[0]] for name in names])
    return Moments(names, errors, weights / weights.sum(), used)


def _windows(table: ReferenceTable, origin: str) -> list[Window]:
    last = quarter_index(origin)
    every = [Window.named(name) for name in table.values]
    blind = [each for each in every if each.mode == "blind" and quarter_index(each.origin) < last]
    ended = [each for each in every if each.mode == "deals" and quarter_index(each.origin) + table.horizon <= last]
    return [*blind, *ended]


def _errors(
    table: ReferenceTable, window: Window, found: Evidence, spreads: dict[str, float]
) -> Iterator[tuple[int, Array]]:
    """Standardised errors of the draws at every horizon with a fact; spreads that are not there yet are added."""
    for ahead, column, simulated, actual, error in _compared(table.of(window), found):
        spread = spreads.setdefault(f"{window.name}/{column}", float(np.hypot(np.nanstd(simulated), error)))
        if spread > 0.0:
            yield ahead, np.clip((simulated - actual) / spread, -4.0, 4.0)


def _compared(values: pd.DataFrame, found: Evidence) -> Iterator[tuple[int, str, Array, float, float]]:
    """Horizon, column, simulated values, fact and its error, on the scale on which the series is compared."""
    added = target(found.name).family in ADDED_UP
    logs = target(found.name).scale == "log"
    sums, told = np.zeros(len(values)), 0.0
    for ahead, (fact, error) in enumerate(zip(found.later, found.later_error, strict=True), start=1):
        column = f"{found.name}@{quarter_name(found.origin + ahead)}"
        if not np.isfinite(fact) or column not in values:
            continue
        simulated = values[column].to_numpy(dtype=float)
        if added:
            sums, told = sums + simulated, told + float(fact)
            yield ahead, column, np.log1p(sums), float(np.log1p(told)), float(error) / (1.0 + told)
        elif logs:
            yield ahead, column, np.log(np.maximum(simulated, 1e-6)), float(np.log(fact)), float(error / fact)
        else:
            yield ahead, column, simulated, float(fact), float(error)
