"""World supply of accelerators and of powered sites."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(slots=True)
class WorldSupply:
    """GW that can be equipped and connected in a quarter; the smaller of the two binds."""

    accelerators_gw: float
    power_gw: float

    def grow(self, ordered_gw: float, accelerators_growth: float, power_growth: float) -> None:
        """Grow in proportion to order pressure: each by its largest log growth times orders / limit, at most one.

        A limit nobody presses against stands still.
        """
        self.accelerators_gw *= math.exp(accelerators_growth * pressure(ordered_gw, self.accelerators_gw))
        self.power_gw *= math.exp(power_growth * pressure(ordered_gw, self.power_gw))

    def raise_to(self, gw: float) -> None:
        """Lift both limits to at least a level that was seen."""
        self.accelerators_gw = max(self.accelerators_gw, gw)
        self.power_gw = max(self.power_gw, gw)


def pressure(ordered_gw: float, limit_gw: float) -> float:
    """Order pressure: how far above half of the limit orders are, between 0 and 1.

    >>> pressure(1.0, 1.0), pressure(0.5, 1.0), pressure(0.0, 0.0)
    (1.0, 0.0, 0.0)
    """
    if limit_gw <= 0.0:
        return 0.0
    return min(max(2.0 * ordered_gw / limit_gw - 1.0, 0.0), 1.0)
