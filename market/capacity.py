"""AI capacity by vintage: ordered, under construction, installed, retired.

Time-to-build follows Kydland and Prescott (1982): an order adds nothing before its lag has passed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class Fleet:
    """One owner's capacity in GW, in arrays over quarters.

    `commissioned[i]` is what enters service in quarter `first + i` (or entered before the start:
    the array begins one chip life earlier); it retires exactly `life` quarters later and leaves
    an empty shell, which a later order can fill at the cost of the chips alone.
    """

    def __init__(self, first: int, last: int, life: int, initial_gw: float) -> None:
        self.first = first
        self.life = life
        self.commissioned = np.zeros(last - first + 1 + life + 60)
        self.commissioned[:life] = initial_gw / life
        self.ordered_cum = initial_gw
        self.retired_cum = 0.0
        self.empty_shells_gw = 0.0
        self.quarter = first - 1

    def _slot(self, quarter: int) -> int:
        return quarter - self.first + self.life

    def order(self, gw: float, quarter: int, lag: int) -> None:
        """Order capacity that enters service exactly `lag` quarters later."""
        if not gw >= 0.0 or lag < 1:
            raise ValueError(f"an order needs gw >= 0 and a lag of at least 1, got {gw} and {lag}")
        slot = self._slot(quarter + lag)
        if slot < len(self.commissioned):
            self.commissioned[slot] += gw
        self.ordered_cum += gw

    def deliver(self, quarter: int) -> tuple[float, float]:
        """Move to a quarter: (GW that entered service, GW that retired)."""
        self.quarter = quarter
        arrived = float(self.commissioned[self._slot(quarter)])
        gone = float(self.commissioned[self._slot(quarter) - self.life])
        self.retired_cum += gone
        self.empty_shells_gw += gone
        return arrived, gone

    @property
    def installed_gw(self) -> float:
        """Capacity in service."""
        slot = self._slot(self.quarter)
        return float(self.commissioned[slot - self.life + 1 : slot + 1].sum())

    @property
    def construction_gw(self) -> float:
        """Capacity ordered and not yet in service."""
        return float(self.commissioned[self._slot(self.quarter) + 1 :].sum())

    def vintages(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Quarters of commissioning and GW of the vintages in service."""
        slot = self._slot(self.quarter)
        gw = self.commissioned[slot - self.life + 1 : slot + 1]
        return np.arange(self.quarter - self.life + 1, self.quarter + 1), gw

    def path(self, horizon: int) -> NDArray[np.float64]:
        """Capacity in service 0 to `horizon` - 1 quarters ahead if nothing more is ordered."""
        slot = self._slot(self.quarter)
        cumulative = np.concatenate(([0.0], np.cumsum(self.commissioned)))
        ends = np.minimum(np.arange(slot + 1, slot + 1 + horizon), len(self.commissioned))
        starts = np.minimum(np.arange(slot + 1, slot + 1 + horizon) - self.life, len(self.commissioned))
        return np.asarray(cumulative[ends] - cumulative[starts])

    def take_shells(self, gw: float) -> float:
        """Take up to `gw` of empty shells for an order; returns what there was."""
        taken = min(gw, self.empty_shells_gw)
        self.empty_shells_gw -= taken
        return taken


def effective_compute(
    commissioned: NDArray[np.int64], gw: NDArray[np.float64], reference: int, growth_per_year: float
) -> float:
    """Effective compute of vintages, in GW of the reference quarter's hardware.

    sum_v gw_v (1 + g)^((v - reference) / 4); vintages of the reference quarter count one for one.
    Source of g: Epoch AI, price-performance of ML hardware.

    >>> effective_compute(np.array([8096, 8100]), np.array([1.0, 1.0]), 8096, 0.37)
    2.37
    """
    weights = (1.0 + growth_per_year) ** ((commissioned - reference) / 4.0)
    return float(weights @ gw)
