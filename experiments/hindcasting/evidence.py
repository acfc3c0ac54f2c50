"""What was known of a target series at an origin, and what then happened, in one definition."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from market.calendar import quarter_index
from market.facts import Facts
from market.targets import Measured, target


@dataclass(frozen=True, slots=True)
class Evidence:
    """A series as known at an origin (quarterly, NaN without a reading) and the facts at horizons 1 to H.

    `later`, and `later_error` (half the width of a reading's range), are in the definition of the
    origin: where a series was redefined since, later facts are multiplied by the ratio of the two
    definitions at the last quarter known then.
    """

    name: str
    origin: int
    history: NDArray[np.float64]
    later: NDArray[np.float64]
    later_error: NDArray[np.float64]

    @property
    def known(self) -> bool:
        """Whether there was a reading at the origin or before."""
        return bool(np.isfinite(self.history).any())

    @property
    def last(self) -> tuple[int, float]:
        """Quarters since the last reading at the origin, and that reading."""
        known = np.flatnonzero(np.isfinite(self.history))
        return len(self.history) - 1 - int(known[-1]), float(self.history[known[-1]])


def evidence(name: str, facts: Facts, origin: str, horizon: int) -> Evidence | None:
    """The evidence of a series at an origin among the facts given; None where nothing came later.

    >>> found = evidence("capex[Meta]", Facts.load(), "2023Q4", 2)
    >>> found.last, found.later.round(1).tolist()
    ((0, 7.665), [6.4, 8.2])
    """
    at = quarter_index(origin)
    then = _by_quarter(name, facts.known_at(at))
    now = _by_quarter(name, facts)
    first, last = (min(then), max(then)) if then else (at, at)
    ratio = then[last].value / now[last].value if last in then and last in now and now[last].value else 1.0
    history = np.array([then[q].value if q in then else np.nan for q in range(first, at + 1)])
    ahead = [now.get(at + step) for step in range(1, horizon + 1)]
    later = np.array([np.nan if point is None else point.value * ratio for point in ahead])
    error = np.array([np.nan if point is None else 0.5 * (point.high - point.low) * ratio for point in ahead])
    return Evidence(name, at, history, later, error) if np.isfinite(later).any() else None


def _by_quarter(name: str, facts: Facts) -> dict[int, Measured]:
    return {point.quarter: point for point in target(name).observed(facts)}
