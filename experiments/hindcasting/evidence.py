"""What was known of a target series at an origin, and what then happened, in one definition."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from market.calendar import quarter_index
from market.facts import Facts
from market.targets import target

# Scored series by family. Others (backlog, compute, adoption, accelerators) have too few facts at early origins, or
# no counterpart of the same definition in the model.
SCORED = (
    *(f"capex[{name}]" for name in ("four", "Amazon", "Microsoft", "Google", "Meta", "Oracle")),
    *(f"cloud_revenue[{name}]" for name in ("Amazon", "Microsoft", "Google", "Oracle")),
    *(f"run_rate[{name}]" for name in ("OpenAI", "Anthropic")),
    *(f"market_share[{name}]" for name in ("Amazon", "Microsoft", "Google")),
    "cloud_hhi",
    "deals",
)
# Series whose level the market does not take from the facts: their forecast starts from the last reading.
ANCHORED = ("market_share", "cloud_hhi")


@dataclass(frozen=True, slots=True)
class Evidence:
    """A series as known at an origin (quarterly, NaN without a reading) and the facts at horizons 1 to H.

    `later` is in the definition of the origin: where a series was redefined since, the facts that
    came later are multiplied by the ratio of the two definitions at the last quarter known then.
    """

    name: str
    origin: int
    history: NDArray[np.float64]
    later: NDArray[np.float64]

    @property
    def last(self) -> tuple[int, float]:
        """Quarters since the last reading at the origin, and that reading."""
        known = np.flatnonzero(np.isfinite(self.history))
        return len(self.history) - 1 - int(known[-1]), float(self.history[known[-1]])


def evidence(name: str, facts: Facts, origin: str, horizon: int) -> Evidence | None:
    """The evidence of a series at an origin; None where nothing was known then or nothing is known since."""
    at = quarter_index(origin)
    then = {point.quarter: point.value for point in target(name).observed(facts.known_at(at))}
    now = {point.quarter: point.value for point in target(name).observed(facts)}
    if not then:
        return None
    first, last = min(then), max(then)
    ratio = then[last] / now[last] if now.get(last) else 1.0
    history = np.array([then.get(quarter, np.nan) for quarter in range(first, at + 1)])
    later = np.array([now.get(at + ahead, np.nan) * ratio for ahead in range(1, horizon + 1)])
    return Evidence(name, at, history, later) if np.isfinite(later).any() else None
