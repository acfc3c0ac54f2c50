"""Scores of forecasts: pure functions of what was said and what happened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

Array = NDArray[np.float64]


def crps(members: ArrayLike, actual: float, weights: ArrayLike | None = None) -> float:
    """Continuous ranked probability score of an ensemble: E|X - y| - E|X - X'| / 2, in the unit of y.

    That of the weighted empirical distribution of the members (not the "fair" estimate for an infinite ensemble).
    For one member it is the absolute error. Source: Gneiting and Raftery (2007).

    >>> crps([1.0, 3.0], 2.0), crps([5.0], 2.0)
    (0.5, 3.0)
    """
    from scoringrules import crps_ensemble

    values = np.asarray(members, dtype=float)
    if weights is None:
        return float(crps_ensemble(actual, values, estimator="nrg"))
    return float(crps_ensemble(actual, values, ens_w=np.asarray(weights, dtype=float), estimator="nrg"))


def weighted_quantile(members: ArrayLike, level: float, weights: ArrayLike | None = None) -> float:
    """Quantile of a weighted ensemble, linear between the middles of the members' steps; equal weights if not given.

    >>> weighted_quantile([1.0, 2.0, 3.0], 0.5), weighted_quantile([1.0, 2.0], 0.5, [0.0, 1.0])
    (2.0, 2.0)
    """
    values = np.asarray(members, dtype=float)
    shares = np.ones(len(values)) if weights is None else np.asarray(weights, dtype=float)
    values, shares = values[shares > 0.0], shares[shares > 0.0]
    order = np.argsort(values, kind="stable")
    steps = np.cumsum(shares[order]) - 0.5 * shares[order]
    return float(np.interp(level, steps / shares.sum(), values[order]))


def interval(members: ArrayLike, level: float = 0.8, weights: ArrayLike | None = None) -> tuple[float, float]:
    """Central interval of an ensemble that holds a share `level` of it.

    >>> interval(np.arange(101.0), 0.8)
    (9.6, 90.4)
    """
    tail = 0.5 * (1.0 - level)
    low, high = (weighted_quantile(members, share, weights) for share in (tail, 1.0 - tail))
    return round(low, 12), round(high, 12)


def covered(members: ArrayLike, actual: float, level: float = 0.8, weights: ArrayLike | None = None) -> bool:
    """Whether the central interval holds what happened.

    >>> covered(np.arange(101.0), 50.0), covered(np.arange(101.0), 5.0)
    (True, False)
    """
    low, high = interval(members, level, weights)
    return low <= actual <= high


def brier(probability: ArrayLike, happened: ArrayLike) -> float:
    """Mean squared error of stated probabilities of events, nil at best (Brier 1950).

    >>> brier([1.0, 0.5], [True, False])
    0.125
    """
    return float(np.mean((np.asarray(probability, dtype=float) - np.asarray(happened, dtype=float)) ** 2))


@dataclass(frozen=True, slots=True)
class DieboldMariano:
    """A test of equal accuracy: a negative statistic favours the first forecast; two-sided p value; sample size."""

    statistic: float
    p_value: float
    observations: int


def diebold_mariano(loss_a: Any, loss_b: Any, horizon: int) -> DieboldMariano:
    """Test that two forecasts have equal expected loss (Diebold and Mariano 1995), for `horizon` steps ahead.

    The mean difference of losses over its standard error, with autocovariances up to lag h - 1 at full weight, times
    sqrt((n + 1 - 2 h + h (h - 1) / n) / n), against Student's t with n - 1 degrees of freedom (Harvey, Leybourne and
    Newbold 1997). Losses are in order of time. Where that variance is not positive the test takes autocovariances
    at Bartlett's weights instead, which cannot be negative; losses that are all alike give nan.

    >>> test = diebold_mariano([1.0, 2.0, 1.5, 2.5], [2.0, 2.5, 3.0, 3.5], 1)
    >>> round(test.statistic, 3), round(test.p_value, 3)
    (-4.899, 0.016)
    """
    difference = np.asarray(loss_a, dtype=float) - np.asarray(loss_b, dtype=float)
    n, h = len(difference), min(horizon, max(len(difference) - 1, 1))
    if n < 2:
        return DieboldMariano(float("nan"), float("nan"), n)
    centred = difference - difference.mean()
    covariances = np.array([centred[lag:] @ centred[: n - lag] / n for lag in range(h)])
    variance = covariances[0] + 2.0 * covariances[1:].sum()
    if variance <= 0.0:
        variance = covariances[0] + 2.0 * ((1.0 - np.arange(1, h) / h) * covariances[1:]).sum()
    if variance <= 0.0:
        return DieboldMariano(float("nan"), float("nan"), n)
    correction = np.sqrt(max((n + 1 - 2 * h + h * (h - 1) / n) / n, 0.0))
    statistic = float(correction * difference.mean() / np.sqrt(variance / n))
    return DieboldMariano(statistic, float(2.0 * stats.t.sf(abs(statistic), n - 1)), n)
