"""Generations of models: what they need and when they are done."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(slots=True)
class Generation:
    """The generation in training; it cannot finish before its compute has been delivered.

    Compute is effective GW-quarters. `released_compute` is the size of the last released one.
    """

    number: int
    released_compute: float
    progress: float = 0.0

    def train(self, effective_gw_quarters: float, multiple: float) -> bool:
        """Add a quarter's compute; True when the generation is done: progress >= m * the last size."""
        self.progress += effective_gw_quarters
        if self.progress < multiple * self.released_compute:
            return False
        self.released_compute = self.progress
        self.progress = 0.0
        self.number += 1
        return True


def training_need(
    last_gw: float, value_usd_bn: float, price: float, budget_per_year: float, growth_max: float, runway_frac: float
) -> float:
    """GW of training for a quarter: budget iota V / 4 at the market price, scaled by runway.

    Growth over the last quarter is at most `growth_max` (log) and the fall at most a half.

    >>> round(training_need(1.0, 480.0, 3.0, 0.025, 10.0, 1.0), 6)
    1.0
    """
    wanted = budget_per_year * value_usd_bn / 4.0 / price * min(max(runway_frac, 0.0), 1.0)
    return min(max(wanted, 0.5 * last_gw), last_gw * math.exp(growth_max))
