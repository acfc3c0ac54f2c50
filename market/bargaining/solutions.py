"""Solution concepts over a finite set of outcomes for two or more parties.

`utilities` is one array (outcomes,) per party, or one array (parties, outcomes); minus infinity
marks an outcome that is not feasible. `disagreement` is what each party gets without agreement
(default zeros). `floors` exclude outcomes that give a party less than an outside option, without
moving the disagreement point (Binmore, Shaked and Sutton 1989; default minus infinity). The
rational set, the zone of agreement, holds the feasible outcomes at which no party gets less than
at disagreement, nor less than its floor.

Every concept raises ValueError for nan, plus infinity or arrays that do not match, and returns None
where no outcome is rational for all. Work goes in blocks of outcomes: memory beyond the utilities grows
only with the ties and the frontier among the outcomes met so far.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Indices = NDArray[np.int64]
Utilities = Sequence[Array] | Array
Points = Sequence[float] | Array
BLOCK_OUTCOMES = 1 << 16
SAMPLE_STRIDE = 16


@dataclass(frozen=True, slots=True)
class Agreement:
    """The chosen outcome: its index, each party's payoff, and every undominated index that is as good."""

    index: int
    payoffs: tuple[float, ...]
    ties: tuple[int, ...]

    @property
    def first(self) -> float:
        """Payoff of the first party."""
        return self.payoffs[0]

    @property
    def second(self) -> float:
        """Payoff of the second party."""
        return self.payoffs[1]


@dataclass(frozen=True, slots=True)
class _Problem:
    """Checked input: one array a party, the disagreement point, and the least each party accepts."""

    utilities: tuple[Array, ...]
    disagreement: tuple[float, ...]
    least: tuple[float, ...]

    def blocks(self) -> Iterator[tuple[Indices, list[Array]]]:
        """Rational outcomes, block by block: their indices and each party's utilities of them.

        Those that are worse for all than a pivot are left out: they are neither best by any concept, nor
        tied with the best and undominated, nor on the frontier, nor anybody's ideal.
        """
        for start in range(0, len(self.utilities[0]), BLOCK_OUTCOMES):
            block = [utility[start : start + BLOCK_OUTCOMES] for utility in self.utilities]
            left = _rational(block, self.least)
            for pivot in self._pivots(block):
                left &= reduce(np.logical_or, (utility >= each for utility, each in zip(block, pivot, strict=True)))
            inside = np.flatnonzero(left)
            if inside.size:
                yield inside + start, [utility[inside] for utility in block]

    def _pivots(self, block: Sequence[Array]) -> Iterator[list[float]]:
        """Good rational outcomes of a sample: for all alike, then for each party above the others."""
        sample = [utility[::SAMPLE_STRIDE] for utility in block]
        inside = np.flatnonzero(_rational(sample, self.least))
        if not inside.size:
            return
        sample = [utility[inside] for utility in sample]
        shares = [gain / (gain.max() or 1.0) for gain in self.gains(sample)]
        for favoured in range(-1, len(shares)):
            scaled = (share if party == favoured else 3.0 * share for party, share in enumerate(shares))
            best = int(reduce(np.minimum, scaled).argmax())
            yield [float(utility[best]) for utility in sample]

    def gains(self, kept: Sequence[Array]) -> list[Array]:
        return [utility - point for utility, point in zip(kept, self.disagreement, strict=True)]


def _problem(utilities: Utilities, disagreement: Points | None, floors: Points | None) -> _Problem:
    arrays = tuple(np.asarray(utility, dtype=np.float64) for utility in utilities)
    if len(arrays) < 2:
        raise ValueError(f"utilities: {len(arrays)} given; allowed: one array for each of two or more parties")
    for number, utility in enumerate(arrays, 1):
        if utility.ndim != 1 or utility.shape != arrays[0].shape:
            raise ValueError(f"utilities of party {number}: shape {utility.shape}; allowed: (outcomes,), one for all")
        # the largest of numbers with a nan among them is nan, and no comparison with nan is true
        if not utility.max(initial=-np.inf) < np.inf:
            raise ValueError(
                f"utilities of party {number}: nan or +inf among them; allowed: numbers, and -inf where infeasible"
            )
    return _Problem(arrays, *acceptable(disagreement, floors, len(arrays)))


def acceptable(
    disagreement: Points | None, floors: Points | None, parties: int
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Disagreement point, and the least that each party accepts: the larger of disagreement and floor.

    Raises ValueError for a disagreement point that is not finite, floors that are nan, or too few or too many of them.

    >>> acceptable(None, (0.5, -np.inf), 2)
    ((0.0, 0.0), (0.5, 0.0))
    """
    point = _one_each("disagreement", disagreement, 0.0, parties)
    if not all(math.isfinite(each) for each in point):
        raise ValueError(f"disagreement: {point}; allowed: finite numbers")
    floor = _one_each("floors", floors, -np.inf, parties)
    if any(math.isnan(each) for each in floor):
        raise ValueError(f"floors: {floor}; allowed: numbers, and -inf for none")
    return point, tuple(map(max, point, floor))


def normalised_weights(weights: Points | None, parties: int) -> tuple[float, ...]:
    """Bargaining weights over their sum, all alike where none are given.

    Raises ValueError for weights that are negative or all nil, or too few or too many of them.

    >>> normalised_weights((1.0, 3.0), 2)
    (0.25, 0.75)
    """
    given = _one_each("weights", weights, 1.0, parties)
    total = sum(given)
    if not (min(given) >= 0.0 and 0.0 < total < np.inf):
        raise ValueError(f"weights: {given}; allowed: none negative, not all nil")
    return tuple(each / total for each in given)


def _one_each(name: str, given: Points | None, default: float, parties: int) -> tuple[float, ...]:
    numbers = (default,) * parties if given is None else tuple(float(each) for each in given)
    if len(numbers) != parties:
        raise ValueError(f"{name}: {numbers}; allowed: one number for each of {parties} parties")
    return numbers


def _rational(utilities: Sequence[Array], least: Sequence[float]) -> NDArray[np.bool_]:
    allowed = utilities[0] >= least[0]
    for utility, bound in zip(utilities[1:], least[1:], strict=True):
        allowed &= utility >= bound
    return allowed


def rational_set(
    utilities: Utilities, disagreement: Points | None = None, floors: Points | None = None
) -> NDArray[np.bool_]:
    """Feasible outcomes at which no party gets less than at disagreement or than its floor, (outcomes,).

    >>> rational_set([np.array([0.0, 1.0, -np.inf]), np.array([1.0, -1.0, 2.0])])
    array([ True, False, False])
    """
    problem = _problem(utilities, disagreement, floors)
    return _rational(problem.utilities, problem.least)


def _chosen(problem: _Problem, score: Callable[[list[Array]], Array]) -> Agreement | None:
    """The best score; of equal ones the first listed that no other of them dominates."""
    best = -math.inf
    tied: list[Indices] = []
    for indices, kept in problem.blocks():
        scores = score(kept)
        top = float(scores.max())
        if top > best:
            best, tied = top, []
        if top == best > -math.inf:
            tied.append(indices[scores == top])
    if not tied:
        return None
    ties = np.concatenate(tied)
    if len(ties) > 1:
        ties = ties[_undominated([utility[ties] for utility in problem.utilities])]
    index = int(ties[0])
    return Agreement(index, tuple(float(utility[index]) for utility in problem.utilities), tuple(ties.tolist()))


def nash(
    utilities: Utilities,
    disagreement: Points | None = None,
    weights: Points | None = None,
    floors: Points | None = None,
) -> Agreement | None:
    """Asymmetric Nash solution: argmax of the product of (u_i - d_i)^w_i over the rational set.

    Weights are normalised to sum one. A party of weight nil does not count: with weights (1, 0) the
    first party's best rational outcome. Where no outcome has a positive product, the one with the
    largest sum of gains. Raises ValueError for weights that are negative or all nil. Source: Nash
    (1950), Kalai (1977) for weights.

    >>> pie = np.linspace(0.0, 1.0, 101)
    >>> nash([pie, 1.0 - pie], weights=(0.3, 0.7)).payoffs
    (0.3, 0.7)
    """
    problem = _problem(utilities, disagreement, floors)
    powers = normalised_weights(weights, len(problem.utilities))

    def product(kept: list[Array]) -> Array:
        return reduce(np.add, map(_weighted_log, problem.gains(kept), powers))

    return _chosen(problem, product) or _chosen(problem, lambda kept: reduce(np.add, problem.gains(kept)))


def _weighted_log(gain: Array, weight: float) -> Array:
    if weight == 0.0:
        return np.zeros_like(gain)
    with np.errstate(divide="ignore"):
        return np.asarray(weight * np.log(gain))


def kalai_smorodinsky(
    utilities: Utilities, disagreement: Points | None = None, floors: Points | None = None
) -> Agreement | None:
    """Outcome with the largest smallest normalised gain (u_i - d_i) / (ideal_i - d_i).

    The ideal is each party's best over the rational set, floors included, not over all feasible
    outcomes. A party whose best gain is nil counts as fully satisfied. Source: Kalai and Smorodinsky
    (1975), max-min form for finite sets.

    >>> x = np.linspace(0.0, 1.0, 100001)
    >>> round(kalai_smorodinsky([x, 1.0 - x**2]).first, 4)
    0.618
    """
    problem = _problem(utilities, disagreement, floors)
    ideals = [0.0] * len(problem.utilities)
    for _, kept in problem.blocks():
        ideals = [max(ideal, float(gain.max())) for ideal, gain in zip(ideals, problem.gains(kept), strict=True)]

    def smallest_share(kept: list[Array]) -> Array:
        shares = [gain / ideal for gain, ideal in zip(problem.gains(kept), ideals, strict=True) if ideal > 0.0]
        return reduce(np.minimum, shares, np.ones_like(kept[0]))

    return _chosen(problem, smallest_share)


def utilitarian(
    utilities: Utilities, disagreement: Points | None = None, floors: Points | None = None
) -> Agreement | None:
    """Rational outcome with the largest sum of utilities.

    >>> x = np.linspace(0.0, 1.0, 1001)
    >>> utilitarian([x, 1.0 - x**2]).payoffs
    (0.5, 0.75)
    """
    return _chosen(_problem(utilities, disagreement, floors), lambda kept: reduce(np.add, kept))


def egalitarian(
    utilities: Utilities, disagreement: Points | None = None, floors: Points | None = None
) -> Agreement | None:
    """Rational outcome with the largest smallest gain (Kalai 1977).

    >>> pie = np.linspace(0.0, 1.0, 11)
    >>> egalitarian([pie, 1.0 - pie]).payoffs
    (0.5, 0.5)
    """
    problem = _problem(utilities, disagreement, floors)
    return _chosen(problem, lambda kept: reduce(np.minimum, problem.gains(kept)))


def pareto_frontier(utilities: Utilities, disagreement: Points | None = None, floors: Points | None = None) -> Indices:
    """Indices of rational outcomes that no other dominates, by falling utility of the first party, then the second...

    Of outcomes equal to all parties the first listed is kept.

    >>> pareto_frontier([np.array([0.0, 1.0, 0.5, 0.4]), np.array([1.0, 0.0, 0.5, 0.4])])
    array([1, 2, 0])
    """
    problem = _problem(utilities, disagreement, floors)
    found, waiting = np.array([], dtype=np.int64), []
    for indices, kept in problem.blocks():
        waiting.append(indices[np.sort(_frontier(kept))])
        # joined only once as many wait as were found, so that the work of joining stays proportional to the frontier
        if sum(map(len, waiting)) >= len(found):
            found, waiting = _joined(problem, [found, *waiting]), []
    return _joined(problem, [found, *waiting])


def _joined(problem: _Problem, parts: list[Indices]) -> Indices:
    # parts are joined in the order of the outcomes, for the first listed of equal ones to be found first
    candidates = np.sort(np.concatenate(parts))
    if not candidates.size:
        return candidates
    return candidates[_frontier([utility[candidates] for utility in problem.utilities])]


def _undominated(payoffs: Sequence[Array]) -> NDArray[np.bool_]:
    """Which outcomes no other dominates, equal ones included."""
    order = np.lexsort(payoffs)
    changed = reduce(np.logical_or, (np.diff(payoff[order]) != 0.0 for payoff in payoffs))
    group = np.concatenate(([0], np.cumsum(changed)))
    starts = np.flatnonzero(np.concatenate(([True], changed)))
    kept = np.zeros(len(starts), dtype=np.bool_)
    kept[_frontier([payoff[order][starts] for payoff in payoffs])] = True
    undominated = np.empty(len(order), dtype=np.bool_)
    undominated[order] = kept[group]
    return undominated


def _frontier(payoffs: Sequence[Array]) -> Indices:
    """Places nobody dominates, by falling payoffs; of equal ones the first."""
    if len(payoffs) > 2:
        undominated = np.sort(_swept(payoffs))
        return undominated[_falling([payoff[undominated] for payoff in payoffs])]
    falling = _falling(payoffs)
    ranked = payoffs[1][falling]
    best_so_far = np.concatenate(([-np.inf], np.maximum.accumulate(ranked)[:-1]))
    return falling[ranked > best_so_far]


def _falling(keys: Sequence[Array]) -> Indices:
    """Places by falling first key, then second, ..., then by place."""
    return np.lexsort([-key for key in reversed(keys)])  # a stable sort


def _swept(payoffs: Sequence[Array]) -> Indices:
    """Places nobody dominates, for any number of parties: work grows with their number times all places."""
    # by falling sum whoever dominates comes earlier, so the first of those left is undominated and drives out others
    left = _falling([reduce(np.add, (payoff / (np.ptp(payoff) or 1.0) for payoff in payoffs)), *payoffs])
    found: list[int] = []
    while left.size:
        found.append(int(left[0]))
        left = left[reduce(np.logical_or, (payoff[left] > payoff[left[0]] for payoff in payoffs))]
    return np.array(found, dtype=np.int64)
