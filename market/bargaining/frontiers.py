"""Solution concepts of two parties on continuous frontiers: curves, chains of segments, lotteries.

A frontier is a set of payoffs (u1, u2). What each party gets without agreement (`disagreement`), its
bargaining weight, and its outside option (`floors`) mean what they mean over finite sets of outcomes, see
`market.bargaining.solutions`. Every concept returns None where no point of the frontier is rational for both.
Of points equally good to rounding (1e-14) the one with the largest sum of gains is taken, and
of several such the one nearest their middle.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.optimize import minimize_scalar

from market.bargaining.solutions import Indices, Points, Utilities, acceptable, normalised_weights, pareto_frontier

Pair = tuple[float, float]
SCAN_STEPS = 2048
TIED = 1e-14


@dataclass(frozen=True, slots=True)
class FrontierPoint:
    """A point of a frontier: both payoffs, and its position in [0, 1] between the two named ends.

    The ends are the outcomes of a lottery (position is then the chance of the second), the points of a
    chain by place, or 0 and 1 for the lower and upper end of a curve (position then goes by u1).
    """

    payoffs: Pair
    position: float
    ends: tuple[int, int] = (0, 1)


class _Objective(ABC):
    """What a concept maximises, as a function of both gains over disagreement."""

    @abstractmethod
    def score(self, gains: Pair) -> float: ...

    @abstractmethod
    def stationary(self, start: Pair, end: Pair) -> float:
        """Position in [0, 1] between two gains where the best may lie other than at the ends."""


@dataclass(frozen=True, slots=True)
class _Product(_Objective):
    """g1^w1 g2^w2; between two points w1 g1'/g1 + w2 g2'/g2 = 0 is linear in the position."""

    weights: Pair

    def score(self, gains: Pair) -> float:
        return float(gains[0] ** self.weights[0] * gains[1] ** self.weights[1])

    def stationary(self, start: Pair, end: Pair) -> float:
        slopes = (end[0] - start[0], end[1] - start[1])
        if min(slopes) >= 0.0 or max(slopes) <= 0.0:
            return 0.0
        return -(self.weights[0] * start[1] / slopes[1] + self.weights[1] * start[0] / slopes[0])


@dataclass(frozen=True, slots=True)
class _Smallest(_Objective):
    """min(g1 / s1, g2 / s2); a party whose scale is nil counts as fully satisfied."""

    scales: Pair

    def _shares(self, gains: Pair) -> Pair:
        first, second = (gain / scale if scale > 0.0 else 1.0 for gain, scale in zip(gains, self.scales, strict=True))
        return first, second

    def score(self, gains: Pair) -> float:
        return min(self._shares(gains))

    def stationary(self, start: Pair, end: Pair) -> float:
        ahead_at_start, ahead_at_end = (first - second for first, second in map(self._shares, (start, end)))
        return ahead_at_start / (ahead_at_start - ahead_at_end) if ahead_at_start != ahead_at_end else 0.0


@dataclass(frozen=True, slots=True)
class _Sum(_Objective):
    """g1 + g2; the middle of a segment matters only where the sum is the same all along."""

    def score(self, gains: Pair) -> float:
        return gains[0] + gains[1]

    def stationary(self, start: Pair, end: Pair) -> float:
        return 0.5


@dataclass(frozen=True, slots=True)
class _Zone:
    """Where both agree, and what is best there by one objective."""

    objective: _Objective
    disagreement: Pair
    least: Pair

    def gains(self, payoffs: Pair) -> Pair:
        return payoffs[0] - self.disagreement[0], payoffs[1] - self.disagreement[1]

    def score(self, payoffs: Pair) -> float:
        return self.objective.score(self.gains(payoffs))

    def best(self, points: Sequence[FrontierPoint]) -> FrontierPoint | None:
        if not points:
            return None
        tied = _tied(points, [self.score(point.payoffs) for point in points])
        tied = _tied(tied, [sum(self.gains(point.payoffs)) for point in tied])
        firsts = [point.payoffs[0] for point in tied]
        middle = 0.5 * (min(firsts) + max(firsts))
        return min(tied, key=lambda point: abs(point.payoffs[0] - middle))


def _tied(points: Sequence[FrontierPoint], scores: Sequence[float]) -> list[FrontierPoint]:
    enough = max(scores) * (1.0 - TIED)
    return [point for point, score in zip(points, scores, strict=True) if score >= enough]


class _Frontier(ABC):
    """The concepts, whatever the frontier: each asks it for the best of its points in the zone of agreement."""

    @abstractmethod
    def _best(self, zone: _Zone) -> FrontierPoint | None: ...

    def _solve(self, objective: _Objective, disagreement: Points | None, floors: Points | None) -> FrontierPoint | None:
        (d1, d2), (least1, least2) = acceptable(disagreement, floors, 2)
        return self._best(_Zone(objective, (d1, d2), (least1, least2)))

    def nash(
        self, disagreement: Points | None = None, weights: Points | None = None, floors: Points | None = None
    ) -> FrontierPoint | None:
        """Asymmetric Nash solution: the largest (u1 - d1)^w1 (u2 - d2)^w2; see `solutions.nash`.

        >>> Chain([(0.0, 1.0), (1.0, 0.0)]).nash(disagreement=(0.2, 0.4), weights=(1.0, 3.0))
        FrontierPoint(payoffs=(0.3, 0.7), position=0.3, ends=(0, 1))
        """
        first, second = normalised_weights(weights, 2)
        return self._solve(_Product((first, second)), disagreement, floors)

    def kalai_smorodinsky(
        self, disagreement: Points | None = None, floors: Points | None = None, ideals: Points | None = None
    ) -> FrontierPoint | None:
        """The largest smaller (u_i - d_i) / (ideal_i - d_i), with each party's best in the zone of agreement as ideal.

        Other ideals may be given, as payoffs: those of the whole frontier where this is a part of it.

        >>> Curve(lambda x: 1.0 - x**2, 0.0, 1.0).kalai_smorodinsky().payoffs[0]  # doctest: +ELLIPSIS
        0.618033...
        """
        if ideals is None:
            ideals = self.ideals(disagreement, floors)
        if ideals is None:
            return None
        if len(ideals) != 2 or not all(math.isfinite(each) for each in ideals):
            raise ValueError(f"ideals: {tuple(ideals)}; allowed: two finite numbers")
        (d1, d2), _ = acceptable(disagreement, floors, 2)
        return self._solve(_Smallest((ideals[0] - d1, ideals[1] - d2)), disagreement, floors)

    def ideals(self, disagreement: Points | None = None, floors: Points | None = None) -> Pair | None:
        """Each party's best payoff in the zone of agreement; None where it is empty.

        >>> Chain([(0.0, 1.0), (1.0, 0.0)]).ideals(disagreement=(0.25, 0.5))
        (0.5, 0.75)
        """
        best = [self._solve(_Product(alone), disagreement, floors) for alone in ((1.0, 0.0), (0.0, 1.0))]
        return None if best[0] is None or best[1] is None else (best[0].payoffs[0], best[1].payoffs[1])

    def egalitarian(self, disagreement: Points | None = None, floors: Points | None = None) -> FrontierPoint | None:
        """The largest smaller gain (Kalai 1977).

        >>> Chain([(0.0, 1.0), (1.0, 0.0)]).egalitarian(disagreement=(0.0, 0.5)).payoffs
        (0.25, 0.75)
        """
        return self._solve(_Smallest((1.0, 1.0)), disagreement, floors)

    def utilitarian(self, disagreement: Points | None = None, floors: Points | None = None) -> FrontierPoint | None:
        """The largest sum of utilities.

        >>> Chain([(0.0, 1.0), (2.0, 0.0)]).utilitarian().payoffs
        (2.0, 0.0)
        """
        return self._solve(_Sum(), disagreement, floors)


@dataclass(frozen=True, slots=True)
class Chain(_Frontier):
    """Straight segments from each point (u1, u2) to the next, concave or not; solved in closed form on each.

    One point alone is a frontier too. `names` label the points (default their places). Raises ValueError
    for points that are not finite.
    """

    points: Sequence[Pair]
    names: Sequence[int] | None = None

    def __post_init__(self) -> None:
        for place, point in enumerate(self.points):
            if len(point) != 2 or not all(math.isfinite(each) for each in point):
                raise ValueError(f"point {place}: {point}; allowed: two finite numbers")
        if self.names is not None and len(self.names) != len(self.points):
            raise ValueError(f"names: {len(self.names)} for {len(self.points)} points; allowed: one a point")

    def _best(self, zone: _Zone) -> FrontierPoint | None:
        names = range(len(self.points)) if self.names is None else self.names
        labelled = list(zip(self.points, names, strict=True))
        edges = pairwise(labelled) if len(labelled) > 1 else [(each, each) for each in labelled]
        return zone.best([point for start, end in edges for point in _candidates(zone, start, end)])


def _candidates(zone: _Zone, start: tuple[Pair, int], end: tuple[Pair, int]) -> Iterator[FrontierPoint]:
    """Both ends of the rational part of a segment, and the stationary point between them."""
    rational = _rational_part(start[0], end[0], zone.least)
    if rational is None:
        return
    low, high = rational
    at_low, at_high = (_between(start[0], end[0], position, zone.least) for position in rational)
    share = zone.objective.stationary(zone.gains(at_low), zone.gains(at_high))
    stationary = low + min(max(share, 0.0), 1.0) * (high - low)
    for position in (low, high, min(stationary, high)):
        yield FrontierPoint(_between(start[0], end[0], position, zone.least), position, (start[1], end[1]))


def _rational_part(start: Pair, end: Pair, least: Pair) -> Pair | None:
    """Positions (lowest, highest) between which both payoffs are at least acceptable."""
    low, high = 0.0, 1.0
    for begin, finish, bound in zip(start, end, least, strict=True):
        if begin < bound and finish < bound:
            return None
        if begin < bound:
            low = max(low, (bound - begin) / (finish - begin))
        elif finish < bound:
            high = min(high, (begin - bound) / (begin - finish))
    return (low, high) if low <= high else None


def _between(start: Pair, end: Pair, position: float, least: Pair) -> Pair:
    """Payoffs at a position of the rational part; rounding must not take them below what is acceptable."""

    def of_one(begin: float, finish: float, bound: float) -> float:
        return max(bound, finish if position == 1.0 else begin + position * (finish - begin))

    return of_one(start[0], end[0], least[0]), of_one(start[1], end[1], least[1])


def concave_hull(utilities: Utilities) -> Indices:
    """Outcomes whose lotteries no other lottery dominates: corners of the hull, by falling u1.

    Corners that stand out from the line between their neighbours by no more than rounding are left out,
    so that a straight frontier has two.

    >>> concave_hull([np.array([0.0, 0.4, 0.5, 1.0]), np.array([1.0, 0.4, 0.6, 0.0])])
    array([3, 2, 0])
    """
    if len(utilities) != 2:
        raise ValueError(f"utilities: {len(utilities)} given; allowed: two arrays")
    lowest = [np.min(utility, where=np.isfinite(utility), initial=np.inf) for utility in utilities]
    if np.inf in lowest:
        lowest = [0.0, 0.0]
    outcomes = pareto_frontier(utilities, disagreement=lowest)
    first, second = (np.asarray(utility)[outcomes].tolist() for utility in utilities)
    reach = [max(map(abs, each), default=0.0) for each in (first, second)]
    corners: list[int] = []
    for new in range(len(outcomes)):
        while len(corners) > 1:
            base, middle = corners[-2:]
            across, up = first[base] - first[new], second[new] - second[base]
            turn = (first[middle] - first[base]) * up + (second[middle] - second[base]) * across
            if turn > 4.0 * np.finfo(float).eps * (reach[0] * up + reach[1] * across):
                break
            corners.pop()
        corners.append(new)
    return outcomes[corners]


def lotteries(utilities: Utilities) -> Chain:
    """Frontier of all lotteries over a finite set of outcomes, irrational ones included, of two parties.

    Its points are the corners of the concave hull, named by outcome. Source: Nash (1950), whose bargaining
    set is convex because lotteries may be agreed on.

    >>> lotteries([np.array([0.0, 0.4, 1.0]), np.array([1.0, 0.4, 0.0])]).nash()
    FrontierPoint(payoffs=(0.5, 0.5), position=0.5, ends=(2, 0))
    """
    corners = concave_hull(utilities)
    first, second = (np.asarray(utility)[corners].tolist() for utility in utilities)
    return Chain(list(zip(first, second, strict=True)), corners.tolist())


@dataclass(frozen=True, slots=True)
class Curve(_Frontier):
    """A continuous curve u2 = f(u1) for u1 in [low, high], which need be neither concave nor falling.

    Solved by a scan of 2,048 steps, then by Brent's search between the neighbours of the best. Payoffs are
    right to about 1e-7 of the interval where the score has a flat top (Nash, utilitarian), to 1e-10 where it
    has a kink or the zone of agreement ends. Of a stretch equally good the middle is met to a step; a peak
    narrower than a step may be missed. Raises ValueError for an interval that is empty or infinite, and where f is
    not finite.
    """

    second_of: Callable[[float], float]
    low: float
    high: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low <= self.high):
            raise ValueError(f"interval: ({self.low}, {self.high}); allowed: finite, low no higher than high")

    def _payoffs(self, first: float) -> Pair:
        second = float(self.second_of(first))
        if not math.isfinite(second):
            raise ValueError(f"frontier at u1 = {first}: {second}; allowed: finite numbers")
        return first, second

    def _point(self, first: float) -> FrontierPoint:
        return FrontierPoint(self._payoffs(first), (first - self.low) / ((self.high - self.low) or 1.0))

    def _best(self, zone: _Zone) -> FrontierPoint | None:
        def margin(first: float) -> float:
            return self._payoffs(first)[1] - zone.least[1]

        def score(first: float) -> float:
            return zone.score(self._payoffs(first)) if margin(first) >= 0.0 else margin(first)

        start = max(self.low, zone.least[0])
        if start > self.high:
            return None
        firsts = np.linspace(start, self.high, SCAN_STEPS + 1).tolist()
        if max(map(margin, firsts)) < 0.0:
            # the zone may still lie within a step of the highest point
            firsts.append(_highest(margin, *_neighbours(firsts, max(firsts, key=margin))))
            firsts.sort()
        found = zone.best([self._point(first) for first in firsts if margin(first) >= 0.0])
        if found is None:
            return None
        best = found.payoffs[0]
        left, right = (_last_rational(margin, best, first) for first in _neighbours(firsts, best))
        closer = [first for first in (left, right, _highest(score, left, right)) if margin(first) >= 0.0]
        return zone.best([found, *map(self._point, closer)])


def _neighbours(ordered: Sequence[float], number: float) -> Pair:
    place = ordered.index(number)
    return ordered[max(place - 1, 0)], ordered[min(place + 1, len(ordered) - 1)]


def _last_rational(margin: Callable[[float], float], inside: float, beyond: float) -> float:
    """Where the zone of agreement ends on the way from a point in it to another."""
    if margin(beyond) >= 0.0:
        return beyond
    for _ in range(60):
        middle = 0.5 * (inside + beyond)
        inside, beyond = (middle, beyond) if margin(middle) >= 0.0 else (inside, middle)
    return inside


def _highest(score: Callable[[float], float], left: float, right: float) -> float:
    found = minimize_scalar(
        lambda step: -score(left + step * (right - left)), bounds=(0.0, 1.0), method="bounded", options={"xatol": 1e-12}
    )
    return left + float(found.x) * (right - left)
