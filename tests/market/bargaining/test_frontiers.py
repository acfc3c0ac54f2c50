from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from market.bargaining.frontiers import Chain, Curve, FrontierPoint, concave_hull, lotteries
from market.bargaining.solutions import nash, pareto_frontier

PARABOLA = Curve(lambda first: 1.0 - first**2, 0.0, 1.0)
PIE = Chain([(0.0, 1.0), (1.0, 0.0)])
CONCEPTS = ("nash", "kalai_smorodinsky", "egalitarian", "utilitarian")
GOLDEN = (5**0.5 - 1) / 2


def payoffs(found: FrontierPoint | None) -> tuple[float, float]:
    assert found is not None
    return found.payoffs


# Curves


@pytest.mark.parametrize(
    ("concept", "disagreement", "expected", "tolerance"),
    [
        ("nash", (0.0, 0.0), (3**-0.5, 2 / 3), 1e-7),
        ("kalai_smorodinsky", (0.0, 0.0), (GOLDEN, GOLDEN), 1e-10),
        ("egalitarian", (0.0, 0.0), (GOLDEN, GOLDEN), 1e-10),
        ("utilitarian", (0.0, 0.0), (0.5, 0.75), 1e-7),
        # the first of these is a root of 3x^2 - 0.4x - 0.9, the last of x^2 + x - 1.1
        ("nash", (0.2, 0.1), ((0.4 + 10.96**0.5) / 6, 1 - ((0.4 + 10.96**0.5) / 6) ** 2), 1e-7),
        ("nash", (0.2, 0.1), (0.61843, 0.61754), 6e-6),
        ("kalai_smorodinsky", (0.2, 0.1), (0.63380, 0.59830), 6e-6),
        ("egalitarian", (0.2, 0.1), (0.66190, 0.56190), 6e-6),
        ("egalitarian", (0.2, 0.1), ((5.4**0.5 - 1) / 2, (5.4**0.5 - 1) / 2 - 0.1), 1e-10),
        ("utilitarian", (0.2, 0.1), (0.5, 0.75), 1e-7),
        ("utilitarian", (0.6, 0.1), (0.6, 0.64), 1e-10),
    ],
)
def test_published_points_of_the_parabola(concept: str, disagreement: Any, expected: Any, tolerance: float) -> None:
    assert payoffs(getattr(PARABOLA, concept)(disagreement)) == pytest.approx(expected, rel=0.0, abs=tolerance)


@pytest.mark.parametrize("weight", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_nash_point_of_the_parabola_by_weight(weight: float) -> None:
    # w / x = 2 (1 - w) x / (1 - x^2)
    first = (weight / (2.0 - weight)) ** 0.5
    found = payoffs(PARABOLA.nash(weights=(weight, 1.0 - weight)))
    assert found == pytest.approx((first, 1.0 - first**2), rel=0.0, abs=1e-7)


@pytest.mark.parametrize("aversion", [0.0, 0.3, 0.6])
def test_split_of_a_pie_with_power_utilities(aversion: float) -> None:
    # the first's utility is share^(1 - aversion), the second's is linear: Nash share (1 - a) / (2 - a)
    power = 1.0 - aversion
    curve = Curve(lambda first: 1.0 - first ** (1.0 / power), 0.0, 1.0)
    share = power / (1.0 + power)
    assert payoffs(curve.nash()) == pytest.approx((share**power, 1.0 - share), rel=0.0, abs=1e-7)


def test_a_curve_that_is_not_concave_has_its_global_best() -> None:
    # two hills: tops of u1 + u2 near u1 = 1 and u1 = 3, the second higher
    def hills(first: float) -> float:
        return 5.0 - first + 0.4 * math.exp(-((first - 1.0) ** 2) / 0.01) + math.exp(-((first - 3.0) ** 2) / 0.01)

    curve = Curve(hills, 0.0, 4.0)
    assert payoffs(curve.utilitarian()) == pytest.approx((3.0, 3.0), abs=1e-6)
    assert payoffs(curve.utilitarian((0.0, 3.1))) == pytest.approx((1.0, 4.4), abs=1e-6)


def test_a_zone_within_one_step_of_the_scan_is_found() -> None:
    peak = Curve(lambda first: -((first - 0.123456789) ** 2), 0.0, 1.0)
    assert payoffs(peak.nash((0.0, -1e-12))) == pytest.approx((0.123456789, 0.0), abs=1e-6)
    assert peak.nash((0.0, 1e-12)) is None
    edge = Curve(lambda first: 1.0 - first, 0.0, 1.0)
    assert payoffs(edge.nash((0.0, 1.0 - 1e-9), weights=(1.0, 3.0))) == pytest.approx(
        (2.5e-10, 1 - 2.5e-10), rel=0.0, abs=1e-14
    )


def test_far_from_the_origin_a_curve_is_solved_as_well() -> None:
    curve = Curve(lambda first: 2e6 - first, 1e6, 1e6 + 1e-3)
    found = payoffs(curve.egalitarian((1e6, 1e6 - 1e-3)))
    assert found == pytest.approx((1e6 + 5e-4, 1e6 - 5e-4), rel=0.0, abs=1e-9)
    found = payoffs(curve.nash((1e6, 1e6 - 5e-4), weights=(1.0, 4.0)))
    assert found[0] - 1e6 == pytest.approx(1e-4, abs=1e-8)


def test_the_position_on_a_curve_goes_by_the_first_payoff() -> None:
    found = Curve(lambda first: 6.0 - first, 2.0, 4.0).egalitarian()
    assert found is not None
    assert found.payoffs == pytest.approx((3.0, 3.0))
    assert found.position == pytest.approx(0.5)
    assert found.ends == (0, 1)


@pytest.mark.parametrize("concept", CONCEPTS)
def test_degenerate_curves(concept: str) -> None:
    def solve(curve: Curve, *arguments: Any) -> Any:
        return getattr(curve, concept)(*arguments)

    line = Curve(lambda first: 1.0 - first, 0.0, 1.0)
    assert solve(line, (0.0, 1.5)) is None
    assert solve(line, (2.0, 0.0)) is None
    assert solve(line, (0.6, 0.6)) is None
    assert solve(Curve(lambda first: 2.0, 3.0, 3.0)) == FrontierPoint((3.0, 2.0), 0.0)
    assert solve(Curve(lambda first: 2.0, 0.0, 3.0)) == FrontierPoint((3.0, 2.0), 1.0)  # level: the right end dominates
    assert solve(Curve(lambda first: first, 0.0, 3.0)) == FrontierPoint((3.0, 3.0), 1.0)
    assert payoffs(solve(line, (0.5, 0.5))) == (0.5, 0.5)  # the disagreement point lies on it
    assert payoffs(solve(line)) == pytest.approx((0.5, 0.5), rel=0.0, abs=1e-7)  # collinear: utilitarian in the middle


def test_a_floor_binds_on_a_curve_exactly_when_it_beats_the_solution() -> None:
    assert payoffs(PARABOLA.nash(floors=(0.5, -np.inf))) == pytest.approx((3**-0.5, 2 / 3), abs=1e-7)
    assert payoffs(PARABOLA.nash(floors=(0.8, -np.inf))) == pytest.approx((0.8, 0.36), abs=1e-12)
    assert payoffs(PARABOLA.nash(floors=(-np.inf, 0.75))) == pytest.approx((0.5, 0.75), abs=1e-12)
    assert PARABOLA.nash(floors=(0.8, 0.5)) is None


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Curve(lambda first: first, 1.0, 0.0),
            r"^interval: \(1\.0, 0\.0\); allowed: finite, low no higher than",
        ),
        (lambda: Curve(lambda first: first, 0.0, np.inf), r"^interval: \(0\.0, inf\); allowed: finite"),
        (
            lambda: Curve(lambda first: np.nan, 0.0, 1.0).nash(),
            r"^frontier at u1 = 0\.0: nan; allowed: finite numbers$",
        ),
        (
            lambda: PARABOLA.nash(weights=(1.0, -1.0)),
            r"^weights: \(1\.0, -1\.0\); allowed: none negative, not all nil$",
        ),
        (lambda: PIE.nash((np.nan, 0.0)), r"^disagreement: \(nan, 0\.0\); allowed: finite numbers$"),
        (lambda: PIE.nash((0.0, 0.0, 0.0)), r"^disagreement: .*; allowed: one number for each of 2 parties$"),
        (lambda: Chain([(0.0, np.inf)]), r"^point 0: \(0\.0, inf\); allowed: two finite numbers$"),
        (lambda: Chain([(0.0, 1.0)], names=[1, 2]), r"^names: 2 for 1 points; allowed: one a point$"),
        (lambda: PIE.kalai_smorodinsky(ideals=(1.0,)), r"^ideals: \(1\.0,\); allowed: two finite numbers$"),
        (lambda: PIE.kalai_smorodinsky(ideals=(1.0, np.nan)), r"^ideals: \(1\.0, nan\); allowed: two finite numbers$"),
    ],
)
def test_bad_input_is_refused(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


# Segments


@pytest.mark.parametrize("weight", [0.0, 0.125, 0.25, 0.5, 0.75, 1.0])
def test_a_threat_moves_the_split_of_a_pie_by_d_plus_w_s(weight: float) -> None:
    found = PIE.nash(disagreement=(0.25, 0.5), weights=(weight, 1.0 - weight))
    first = 0.25 + weight * 0.25
    assert found == FrontierPoint((first, 1.0 - first), first)


@pytest.mark.parametrize(
    ("concept", "expected"),
    [("nash", (2.0, 0.5)), ("kalai_smorodinsky", (2.0, 0.5)), ("egalitarian", (0.8, 0.8)), ("utilitarian", (4.0, 0.0))],
)
def test_a_steep_segment(concept: str, expected: tuple[float, float]) -> None:
    found = getattr(Chain([(4.0, 0.0), (0.0, 1.0)]), concept)()
    assert found.payoffs == pytest.approx(expected, abs=1e-15)
    assert found.position == pytest.approx(1.0 - expected[0] / 4.0)


def test_ideals_of_the_whole_may_be_given_for_a_part() -> None:
    part = Chain([(0.2, 0.8), (0.6, 0.4)])
    assert payoffs(part.kalai_smorodinsky()) == pytest.approx((3 / 7, 4 / 7))  # ideals 0.6 and 0.8
    assert payoffs(part.kalai_smorodinsky(ideals=(1.0, 1.0))) == pytest.approx((0.5, 0.5))
    assert payoffs(part.kalai_smorodinsky(ideals=(1.0, 0.25))) == pytest.approx((0.6, 0.4))
    assert payoffs(part.kalai_smorodinsky((0.1, 0.1), ideals=(0.7, 0.5))) == pytest.approx((0.58, 0.42))


def test_utilitarian_where_the_sum_is_the_same_all_along_takes_the_middle() -> None:
    assert PIE.utilitarian() == FrontierPoint((0.5, 0.5), 0.5)
    assert PIE.utilitarian((0.5, 0.25)) == FrontierPoint((0.625, 0.375), 0.625)
    chain = Chain([(0.0, 6.0), (1.0, 5.0), (3.0, 3.0), (4.0, 0.0)])  # the same sum on two segments
    assert payoffs(chain.utilitarian()) == (1.0, 5.0)  # of ends and middles one of the two nearest (1.5, 4.5)


@pytest.mark.parametrize("concept", CONCEPTS)
@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ((2.0, 3.0), (2.0, 3.0), FrontierPoint((2.0, 3.0), 0.0)),  # a point
        ((0.0, 0.0), (0.0, 0.0), FrontierPoint((0.0, 0.0), 0.0)),
        ((2.0, 1.0), (2.0, 3.0), FrontierPoint((2.0, 3.0), 1.0)),  # vertical
        ((2.0, 1.0), (5.0, 1.0), FrontierPoint((5.0, 1.0), 1.0)),  # horizontal
        ((5.0, 1.0), (2.0, 1.0), FrontierPoint((5.0, 1.0), 0.0)),
        ((-1.0, -1.0), (2.0, 3.0), FrontierPoint((2.0, 3.0), 1.0)),  # increasing
        ((0.0, -1.0), (0.0, 3.0), FrontierPoint((0.0, 3.0), 1.0)),  # the first gains nothing anywhere
        ((-1.0, 1.0), (1.0, -1.0), FrontierPoint((0.0, 0.0), 0.5)),  # through the disagreement point
        ((-1.0, 2.0), (-0.1, 3.0), None),  # irrational for the first
        ((-1.0, 0.9), (0.9, -1.0), None),  # below the disagreement point
        ((-2.0, -2.0), (-2.0, -2.0), None),
    ],
)
def test_degenerate_segments(concept: str, start: Any, end: Any, expected: FrontierPoint | None) -> None:
    assert getattr(Chain([start, end]), concept)() == expected


def test_a_threat_point_that_is_lost_in_rounding_beside_the_end() -> None:
    assert PIE.nash((0.0, 1e-65)) == FrontierPoint((0.5, 0.5), 0.5)
    assert PIE.nash((0.0, 1e-65), weights=(1.0, 0.0)) == FrontierPoint((1.0, 1e-65), 1.0)


def test_a_floor_binds_on_a_segment_exactly_when_it_beats_the_solution() -> None:
    assert PIE.nash(floors=(0.25, -np.inf)) == FrontierPoint((0.5, 0.5), 0.5)
    assert PIE.nash(floors=(0.75, -np.inf)) == FrontierPoint((0.75, 0.25), 0.75)
    assert PIE.nash(floors=(-np.inf, 0.75)) == FrontierPoint((0.25, 0.75), 0.25)
    assert PIE.nash(floors=(0.75, 0.5)) is None


@pytest.mark.parametrize("concept", CONCEPTS)
def test_no_points_are_no_agreement(concept: str) -> None:
    assert getattr(Chain([]), concept)() is None
    assert getattr(Chain([(1.0, 2.0)], names=[7]), concept)() == FrontierPoint((1.0, 2.0), 0.0, (7, 7))


# Lotteries


def test_hull_by_hand() -> None:
    points = [(0, 10), (4, 8), (8, 4), (9, 0), (5, 5), (-3, 10), (9, -5), (6, 6), (-np.inf, 20)]
    utilities = np.array(points, dtype=float).T
    assert concave_hull(utilities).tolist() == [3, 2, 1, 0]  # (6, 6) lies on the line from (4, 8) to (8, 4)
    assert lotteries(utilities).points == [(9.0, 0.0), (8.0, 4.0), (4.0, 8.0), (0.0, 10.0)]
    assert lotteries(utilities).nash() == FrontierPoint((6.0, 6.0), 0.5, (2, 1))
    assert lotteries(utilities).nash(weights=(1.0, 3.0)) == FrontierPoint((4.0, 8.0), 1.0, (2, 1))


def test_an_irrational_outcome_may_be_part_of_a_rational_lottery() -> None:
    utilities = np.array([[-1.0, 5.0], [5.0, -1.0]])
    assert nash(utilities) is None
    assert lotteries(utilities).nash() == FrontierPoint((2.0, 2.0), 0.5, (1, 0))
    assert lotteries(utilities).ideals() == (4.0, 4.0)


@pytest.mark.parametrize("outcomes", [2, 3, 11, 1001])
def test_a_collinear_frontier_is_one_segment_whatever_the_rounding(outcomes: int) -> None:
    pie = np.linspace(0.0, 1.0, outcomes)
    for first, second in ((pie, 1.0 - pie), (0.1 + pie / 3.0, 0.7 - pie / 7.0), (1e3 * pie, 1e6 - pie)):
        assert concave_hull([first, second]).tolist() == [outcomes - 1, 0]
    assert payoffs(lotteries([pie, 1.0 - pie]).utilitarian()) == (0.5, 0.5)


def test_every_point_of_a_fine_arc_is_a_corner() -> None:
    angle = np.linspace(0.0, np.pi / 2, 10_001)
    assert concave_hull([np.cos(angle), np.sin(angle)]).tolist() == list(range(10_001))


@pytest.mark.parametrize("concept", CONCEPTS)
def test_lotteries_without_a_feasible_or_rational_outcome(concept: str) -> None:
    for utilities in (
        np.empty((2, 0)),
        np.full((2, 3), -np.inf),
        np.array([[1.0, -np.inf], [-np.inf, 2.0]]),
        np.array([[-1.0, -2.0], [5.0, 6.0]]),
    ):
        assert getattr(lotteries(utilities), concept)() is None
    assert getattr(lotteries(np.array([[2.0], [3.0]])), concept)() == FrontierPoint((2.0, 3.0), 0.0, (0, 0))


def test_lotteries_against_dense_mixtures_of_every_pair() -> None:
    generator = np.random.Generator(np.random.PCG64(3))
    mix = np.linspace(0.0, 1.0, 201)
    for _ in range(20):
        utilities = generator.normal(0.5, 1.0, (2, 12))
        one, other = np.triu_indices(12)
        mixed = [np.outer(1 - mix, each[one]) + np.outer(mix, each[other]) for each in utilities]
        dense, chain = [each.ravel() for each in mixed], lotteries(utilities)
        for weights in ((0.5, 0.5), (0.2, 0.8)):
            by_sample, exact = nash(dense, weights=weights), chain.nash(weights=weights)
            if by_sample is None:
                assert exact is None
                continue
            assert exact is not None
            scores = [np.prod(np.power(found.payoffs, weights)) for found in (by_sample, exact)]
            assert scores[0] <= scores[1] * (1 + 1e-12)
            assert scores[0] >= scores[1] - 0.02
            assert np.hypot(*np.subtract(by_sample.payoffs, exact.payoffs)) < 0.2
            start, end = (utilities[:, place] for place in exact.ends)
            assert start + exact.position * (end - start) == pytest.approx(exact.payoffs, abs=1e-12)
        on_hull = set(concave_hull(utilities).tolist())
        assert on_hull <= set(pareto_frontier(utilities, disagreement=(-9.0, -9.0)).tolist())


def test_three_parties_have_no_frontier_here() -> None:
    with pytest.raises(ValueError, match=r"^utilities: 3 given; allowed: two arrays$"):
        lotteries(np.ones((3, 2)))
