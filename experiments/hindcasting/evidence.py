"""What was known of a target series at an origin, and what then happened, in one definition."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from market.calendar import quarter_index
from market.facts import Facts
from market.targets import target

# From here on a series does not join with what was told before: Synergy restated Microsoft in late 2024.
BREAKS = {name: quarter_index("2024Q4") for name in ("market_share[Microsoft]", "cloud_hhi")}


@dataclass(frozen=True, slots=True)
class Evidence:
    """A series as known at an origin (quarterly, NaN without a reading) and the facts at horizons 1 to H.

    `later`, and `later_error` (half the width of a reading's range), are in the definition of the
    origin; a series that was redefined or restated since has none from then on.
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
    then = {point.quarter: point for point in target(name).observed(facts.known_at(at))}
    now = {point.quarter: point for point in target(name).observed_after(facts, at)}
    first = min(then, default=at)
    history = np.array([then[q].value if q in then else np.nan for q in range(first, at + 1)])
    ahead = [None if _broken(name, at, at + step) else now.get(at + step) for step in range(1, horizon + 1)]
    later = np.array([np.nan if point is None else point.value for point in ahead])
    error = np.array([np.nan if point is None else 0.5 * (point.high - point.low) for point in ahead])
    return Evidence(name, at, history, later, error) if np.isfinite(later).any() else None


def _broken(name: str, origin: int, quarter: int) -> bool:
    return name in BREAKS and origin < BREAKS[name] <= quarter
