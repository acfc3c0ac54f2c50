"""Solution concepts over a finite set of outcomes for two parties.

Utilities are arrays (outcomes,); minus infinity marks an outcome that is not feasible. Every
concept raises ValueError for nan, plus infinity or arrays that do not match, and returns None
where no outcome is rational for both.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Agreement:
    """The chosen outcome: its index, both payoffs, and every undominated index that is as good."""

    index: int
    first: float
    second: float
    ties: tuple[int, ...]


def rational_set(
    first: NDArray[np.float64], second: NDArray[np.float64], threat: tuple[float, float] = (0.0, 0.0)
) -> NDArray[np.bool_]:
    """Feasible outcomes at which neither party gets less than at the threat point (the zone of agreement).

    >>> rational_set(np.array([0.0, 1.0, -np.inf]), np.array([1.0, -1.0, 2.0]))
    array([ True, False, False])
    """
    for name, utility in (("first", first), ("second", second)):
        if utility.ndim != 1 or utility.shape != first.shape:
            raise ValueError(f"{name}: utilities of shape {utility.shape}; allowed: both of one shape (outcomes,)")
        # the largest of numbers with a nan among them is nan, and no comparison with nan is true
        if not utility.max(initial=-np.inf) < np.inf:
            raise ValueError(f"{name}: utilities hold nan or +inf; allowed: numbers, and -inf where infeasible")
    if not (math.isfinite(threat[0]) and math.isfinite(threat[1])):
        raise ValueError(f"threat: {threat}; allowed: two finite numbers")
    return (first >= threat[0]) & (second >= threat[1])


def _chosen(score: NDArray[np.float64], first: NDArray[np.float64], second: NDArray[np.float64]) -> Agreement | None:
    """The best score; of equal ones the first listed that no other of them dominates."""
    if score.size == 0:
        return None
    best = float(score.max())
    if best == -np.inf:
        return None
    ties = np.flatnonzero(score == best)
    if len(ties) > 1:
        ties = ties[_undominated(first[ties], second[ties])]
    index = int(ties[0])
    return Agreement(index, float(first[index]), float(second[index]), tuple(int(tie) for tie in ties))


def _undominated(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which outcomes no other dominates, equal ones included."""
    frontier = _frontier(first, second)[::-1]
    place = np.searchsorted(first[frontier], first)
    return np.asarray((first[frontier][place] == first) & (second[frontier][place] == second))


def nash(
    first: NDArray[np.float64],
    second: NDArray[np.float64],
    *,
    threat: tuple[float, float] = (0.0, 0.0),
    floor_first: float = -np.inf,
    weight_first: float = 0.5,
) -> Agreement | None:
    """Asymmetric Nash solution: argmax (u1 - d1)^w (u2 - d2)^(1-w) over the rational set.

    `floor_first` excludes outcomes that give the first party less than an outside option, without
    moving the threat point (Binmore, Shaked and Sutton 1989). With weight 1 (0) the first (second)
    party's best rational outcome. Where no outcome has a positive product, the one with the largest
    gain sum. Raises ValueError for a weight outside 0 to 1. Source: Nash (1950), Kalai (1977) for weights.

    >>> pie = np.linspace(0.0, 1.0, 101)
    >>> nash(pie, 1.0 - pie, weight_first=0.3).first
    0.3
    """
    if not 0.0 <= weight_first <= 1.0:
        raise ValueError(f"weight_first: {weight_first}; allowed: 0 to 1")
    if math.isnan(floor_first):
        raise ValueError("floor_first: nan; allowed: a number, or -inf for none")
    allowed = np.flatnonzero(rational_set(first, second, threat) & (first >= floor_first))
    kept_first, kept_second = first[allowed], second[allowed]
    gain_first, gain_second = kept_first - threat[0], kept_second - threat[1]
    score = _weighted_log(gain_first, weight_first) + _weighted_log(gain_second, 1.0 - weight_first)
    found = _chosen(score, kept_first, kept_second) or _chosen(gain_first + gain_second, kept_first, kept_second)
    if found is None:
        return None
    ties = tuple(int(allowed[tie]) for tie in found.ties)
    return Agreement(int(allowed[found.index]), found.first, found.second, ties)


def _weighted_log(gain: NDArray[np.float64], weight: float) -> NDArray[np.float64]:
    if weight == 0.0:
        return np.zeros_like(gain)
    with np.errstate(divide="ignore"):
        return np.asarray(weight * np.log(np.maximum(gain, 0.0)))


def kalai_smorodinsky(
    first: NDArray[np.float64], second: NDArray[np.float64], *, threat: tuple[float, float] = (0.0, 0.0)
) -> Agreement | None:
    """Outcome with the largest smaller normalised gain; the ideal is taken over the rational set.

    Source: Kalai and Smorodinsky (1975), max-min form for finite sets. A party whose best gain is
    nil counts as fully satisfied.

    >>> x = np.linspace(0.0, 1.0, 100001)
    >>> round(kalai_smorodinsky(x, 1.0 - x**2).first, 4)
    0.618
    """
    allowed = rational_set(first, second, threat)
    if not allowed.any():
        return None
    shares = []
    for utility, point in ((first, threat[0]), (second, threat[1])):
        ideal = float((utility[allowed] - point).max())
        shares.append((utility - point) / ideal if ideal > 0.0 else np.ones_like(utility))
    return _chosen(np.where(allowed, np.minimum(shares[0], shares[1]), -np.inf), first, second)


def utilitarian(
    first: NDArray[np.float64], second: NDArray[np.float64], *, threat: tuple[float, float] = (0.0, 0.0)
) -> Agreement | None:
    """Rational outcome with the largest sum of utilities.

    >>> x = np.linspace(0.0, 1.0, 1001)
    >>> utilitarian(x, 1.0 - x**2).first
    0.5
    """
    allowed = rational_set(first, second, threat)
    return _chosen(np.where(allowed, first + second, -np.inf), first, second)


def egalitarian(
    first: NDArray[np.float64], second: NDArray[np.float64], *, threat: tuple[float, float] = (0.0, 0.0)
) -> Agreement | None:
    """Rational outcome with the largest smaller gain (Kalai 1977).

    >>> pie = np.linspace(0.0, 1.0, 11)
    >>> egalitarian(pie, 1.0 - pie).first
    0.5
    """
    allowed = rational_set(first, second, threat)
    gain = np.minimum(first - threat[0], second - threat[1])
    return _chosen(np.where(allowed, gain, -np.inf), first, second)


def pareto_frontier(
    first: NDArray[np.float64], second: NDArray[np.float64], threat: tuple[float, float] = (0.0, 0.0)
) -> NDArray[np.int64]:
    """Indices of rational outcomes that no other dominates, by falling utility of the first party.

    Of outcomes equal in both utilities the first listed is kept.

    >>> pareto_frontier(np.array([0.0, 1.0, 0.5, 0.4]), np.array([1.0, 0.0, 0.5, 0.4]))
    array([1, 2, 0])
    """
    candidates = np.flatnonzero(rational_set(first, second, threat))
    return np.asarray(candidates[_frontier(first[candidates], second[candidates])])


def _frontier(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.int64]:
    order = np.lexsort((np.arange(len(first)), -second, -first))
    ranked = second[order]
    best_so_far = np.concatenate(([-np.inf], np.maximum.accumulate(ranked)[:-1]))
    return np.asarray(order[ranked > best_so_far])
