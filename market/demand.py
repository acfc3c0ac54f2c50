"""Latent demand for AI services and how consumers split it over labs."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from market.sums import total

DemandForm = Literal["hill", "exponential", "logarithmic"]


def latent_demand(
    frontier_compute: float,
    saturation_usd_bn_per_year: float,
    half_compute: float,
    elasticity: float,
    form: DemandForm = "hill",
) -> float:
    """M*(Z), Z = (frontier / half)^gamma: yearly spending if everybody had adopted, A / 2 at `half_compute`.

    hill: A Z / (1 + Z); exponential: A (1 - 2^-Z), which saturates sooner; logarithmic: A / 2 log2(1 + Z), which never
    does. All are nil at no compute and proportional to Z while it is small (by 1, ln 2 and 1 / (2 ln 2) times A).

    >>> latent_demand(50.0, 1000.0, 50.0, 0.8)
    500.0
    >>> [round(latent_demand(150.0, 1000.0, 50.0, 1.0, form), 6) for form in ("hill", "exponential", "logarithmic")]
    [750.0, 875.0, 1000.0]
    """
    if frontier_compute <= 0.0:
        return 0.0
    z: float = (frontier_compute / half_compute) ** elasticity
    if form == "exponential":
        return -saturation_usd_bn_per_year * math.expm1(-z * math.log(2.0))
    if form == "logarithmic":
        return saturation_usd_bn_per_year * 0.5 * math.log1p(z) / math.log(2.0)
    return saturation_usd_bn_per_year * z / (1.0 + z)


def approach(level: float, target: float, speed: float) -> float:
    """Level after a quarter of ln-adjustment: level * (target / level)^speed (Gompertz).

    Speed 1 jumps to the target; a level of nil starts at the target times the speed.

    >>> approach(1.0, 4.0, 0.5)
    2.0
    """
    if target <= 0.0:
        return level
    if level <= 0.0:
        return target * speed
    reached: float = level * (target / level) ** speed
    return reached


def split_consumers(
    shares: NDArray[np.float64], utility: NDArray[np.float64], growth: float, churn: float
) -> NDArray[np.float64]:
    """Consumers' shares by lab after a quarter: growth and churn choose anew by logit, the rest stay.

    `utility` is (labs,), minus infinity where a lab sells nothing. With free spending f =
    churn + (1 - churn) max(growth, 0) / (1 + growth), shares become (1 - f) old + f logit. Labs that
    stopped selling lose their old share to the rest in proportion. All zero when nobody sells.

    >>> split_consumers(np.array([1.0, 0.0]), np.array([0.0, 0.0]), 0.0, 0.5)
    array([0.75, 0.25])
    """
    selling = np.isfinite(utility)
    if not selling.any():
        return np.zeros_like(shares)
    weights = np.where(selling, np.exp(utility - utility[selling].max()), 0.0)
    fresh = weights / total(weights)
    kept = np.where(selling, shares, 0.0)
    before = total(kept)
    if before <= 0.0:
        return np.asarray(fresh)
    kept = kept / before
    free = churn + (1.0 - churn) * max(growth, 0.0) / (1.0 + max(growth, 0.0))
    return np.asarray((1.0 - free) * kept + free * fresh)
