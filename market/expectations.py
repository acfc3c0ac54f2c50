"""Expectations: adaptive growth and damped trends, the same rule for both sides of a deal."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray


def adapt(expected: float, observed: float, weight: float) -> float:
    """Adaptive expectation (Nerlove 1958): move a share `weight` of the way to what was observed.

    >>> adapt(0.1, 0.3, 0.5)
    0.2
    """
    return expected + weight * (observed - expected)


@lru_cache(maxsize=64)
def _damped_sums(damping: float, horizon: int) -> NDArray[np.float64]:
    sums = np.cumsum(damping ** np.arange(1, horizon))
    return np.concatenate(([0.0], sums))


def damped_trend(level: float, growth: float, damping: float, horizon: int) -> NDArray[np.float64]:
    """Forecast 0 to horizon - 1 quarters ahead: level * exp(growth * (phi + phi^2 + ... + phi^h)).

    Gardner and McKenzie (1985) in logs. Damping 1 is the undamped trend, 0 a constant.

    >>> damped_trend(2.0, 0.1, 0.0, 3)
    array([2., 2., 2.])
    >>> bool(np.isclose(damped_trend(1.0, 0.1, 1.0, 3)[2], np.exp(0.2)))
    True
    """
    return np.asarray(level * np.exp(growth * _damped_sums(damping, horizon)))
