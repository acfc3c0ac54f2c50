"""How an outcome differs between two worlds with the same luck."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

    type Numbers = pd.Series[float]

CONFIDENCE = 0.95
ROUNDING = 1e-12  # differences below this part of the larger value have no sign


@dataclass(frozen=True, slots=True)
class Effect:
    """How an outcome differs between two worlds, over pairs of runs with the same luck.

    `effect` is the mean of b - a, `low` and `high` bound it with 95 % confidence by Student's t. `share_same_sign` is
    the share of pairs whose difference has the sign of the effect; a difference of rounding only, below 1e-12 of the
    larger value, is a tie: a pair without a sign. `identical` counts those whose difference is nil exactly.
    `dropped` runs have no value in one of the worlds. `variance_ratio` is
    Var(b - a) / (Var a + Var b), the variance of the effect against that of unpaired runs: 1 - rho for equal variances.
    NaN stands where something is not defined: an interval of one pair, the sign where all pairs are ties.
    """

    outcome: str
    unit: str
    mean_a: float
    mean_b: float
    effect: float
    low: float
    high: float
    share_same_sign: float
    variance_ratio: float
    pairs: int
    identical: int
    dropped: int

    @property
    def distinct(self) -> bool:
        """Whether the interval leaves out nil."""
        return self.low > 0.0 or self.high < 0.0


def paired_effects(a: Numbers, b: Numbers, outcome: str = "", unit: str = "") -> Effect:
    """The effect of world b against world a from values by replicate.

    With d = b - a over n pairs: mean(d) -+ t(n - 1) sd(d) / sqrt(n), deviations with n - 1 degrees of freedom. Pairs
    without two finite values are dropped and counted. Source: Student (1908); common random numbers: Law (2015), 11.2.

    >>> import pandas as pd
    >>> found = paired_effects(pd.Series([1.0, 5.0, 3.0]), pd.Series([2.0, 7.0, 6.0]))
    >>> found.effect, found.share_same_sign, round(found.high, 3), round(found.variance_ratio, 3)
    (2.0, 1.0, 4.484, 0.091)
    """
    aligned = [np.asarray(values, dtype=np.float64) for values in a.align(b)]
    paired = np.isfinite(aligned[0]) & np.isfinite(aligned[1])
    first, second = aligned[0][paired], aligned[1][paired]
    change = second - first
    effect = _mean(change)
    half = _half_width(change)
    spread = _variance(first) + _variance(second)
    return Effect(
        outcome=outcome,
        unit=unit,
        mean_a=_mean(first),
        mean_b=_mean(second),
        effect=effect,
        low=effect - half,
        high=effect + half,
        share_same_sign=_share_same_sign(change, ROUNDING * np.maximum(abs(first), abs(second)), effect),
        variance_ratio=_variance(change) / spread if spread > 0.0 else math.nan,
        pairs=len(change),
        identical=int(np.count_nonzero(change == 0.0)),
        dropped=len(paired) - len(change),
    )


def _share_same_sign(change: NDArray[np.float64], rounding: NDArray[np.float64], effect: float) -> float:
    """Share of changes with the sign of the effect, those within rounding being ties; NaN if all are or it is nil."""
    signs = np.where(abs(change) <= rounding, 0.0, np.sign(change))
    return float(np.mean(signs == np.sign(effect))) if signs.any() and abs(effect) > 0.0 else math.nan


def _mean(values: NDArray[np.float64]) -> float:
    return math.fsum(values) / len(values) if len(values) else math.nan


def _variance(values: NDArray[np.float64]) -> float:
    """Sample variance; exactly nil where all values are the same, NaN for fewer than two."""
    if len(values) < 2:
        return math.nan
    return 0.0 if (values == values[0]).all() else float(np.var(values, ddof=1))


def _half_width(values: NDArray[np.float64]) -> float:
    from scipy.special import stdtrit

    if len(values) < 2:
        return math.nan
    return float(stdtrit(len(values) - 1, 0.5 + CONFIDENCE / 2.0)) * math.sqrt(_variance(values) / len(values))
