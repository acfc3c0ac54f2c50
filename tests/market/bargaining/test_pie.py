from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.bargaining.pie import (
    egalitarian_split,
    kalai_smorodinsky_split,
    nash_split,
    risk_averse_nash_split,
)

GOLDEN = (5**0.5 - 1) / 2
STEPS = 200_000

aversions = st.sampled_from([0.0, 0.3, 0.5, 0.999999, 1.0, 1.000001, 2.0, 3.0])
# from .1 on, so that no utility is so flat that the best split on a grid is a matter of rounding
points = st.floats(0.1, 0.45)


def utility(money: np.ndarray, aversion: float) -> np.ndarray:
    exponent = 1.0 - aversion
    return np.log(money) if exponent == 0.0 else np.expm1(exponent * np.log(money)) / exponent


def gains(pie: float, aversion: tuple[float, float], point: tuple[float, float]) -> tuple[np.ndarray, ...]:
    """Every split on a fine grid between the disagreement points, and both gains in utility."""
    first = np.linspace(point[0], pie - point[1], STEPS + 1)[1:-1]
    money = (first, pie - first)
    return (first, *(utility(money[i], aversion[i]) - utility(np.array(point[i]), aversion[i]) for i in (0, 1)))


@pytest.mark.parametrize(
    ("pie", "disagreement", "weights", "expected"),
    [
        (1.0, (0.0, 0.0), None, (0.5, 0.5)),
        (8.0, (2.0, 4.0), (0.25, 0.75), (2.5, 5.5)),
        (8.0, (2.0, 4.0), (0.75, 0.25), (3.5, 4.5)),
        (8.0, (2.0, 4.0), (1.0, 0.0), (4.0, 4.0)),
        (8.0, (2.0, 4.0), (0.0, 1.0), (2.0, 6.0)),
        (8.0, (2.0, 4.0), (3.0, 1.0), (3.5, 4.5)),
        (6.0, (2.0, 4.0), None, (2.0, 4.0)),
        (1.0, (-3.0, 0.0), None, (-1.0, 2.0)),
        (-2.0, (-3.0, -1.0), None, (-2.0, 0.0)),
        (10.0, (1.0, 2.0, 3.0), (0.5, 0.25, 0.25), (3.0, 3.0, 4.0)),
        (5.0, (1.0,), None, (5.0,)),
    ],
)
def test_risk_neutral_parties_get_their_threat_and_a_weighted_part_of_the_surplus(
    pie: float, disagreement: tuple[float, ...], weights: tuple[float, ...] | None, expected: tuple[float, ...]
) -> None:
    assert nash_split(pie, disagreement, weights) == expected


def test_worked_transfers_of_one_supplier_with_two_buyers() -> None:
    # a cost of 1 a buyer, and gains of 8 and 5 given that both are served: what each buyer pays
    assert [nash_split(gain, (1.0, 0.0), (0.5, 0.5)) for gain in (8.0, 5.0)] == [(4.5, 3.5), (3.0, 2.0)]
    at_three_tenths = [nash_split(gain, (1.0, 0.0), (0.3, 0.7)) for gain in (8.0, 5.0)]
    assert at_three_tenths == [pytest.approx((3.1, 4.9)), pytest.approx((2.2, 2.8))]


def test_three_parties_maximise_the_weighted_product() -> None:
    pie, disagreement, weights = 10.0, (1.0, 0.0, 2.0), np.array([0.2, 0.5, 0.3])
    first, second = np.meshgrid(np.linspace(0.0, 10.0, 1001), np.linspace(0.0, 10.0, 1001), indexing="ij")
    gain = np.stack([first - 1.0, second, pie - first - second - 2.0])
    with np.errstate(divide="ignore"):
        score = (weights[:, None, None] * np.log(np.maximum(gain, 0.0))).sum(axis=0)
    best = np.unravel_index(score.argmax(), score.shape)
    assert nash_split(pie, disagreement, tuple(weights)) == pytest.approx(
        (first[best], second[best], pie - first[best] - second[best]), abs=1e-9
    )


def test_claims_beyond_the_pie_leave_nothing_to_agree_on() -> None:
    assert nash_split(1.0, (0.5, 0.5000001)) is None
    assert egalitarian_split(1.0, (0.4, 0.4, 0.4)) is None
    assert kalai_smorodinsky_split(1.0, (0.6, 0.6)) is None
    assert risk_averse_nash_split(1.0, (0.5, 2.0), (0.6, 0.6)) is None


def test_in_money_egalitarian_and_kalai_smorodinsky_share_the_surplus_equally() -> None:
    assert egalitarian_split(8.0, (2.0, 4.0)) == kalai_smorodinsky_split(8.0, (2.0, 4.0)) == (3.0, 5.0)
    assert egalitarian_split(9.0, (1.0, 2.0, 0.0)) == (3.0, 4.0, 2.0)


def test_published_points_of_the_parabola() -> None:
    # a risk-neutral party and one with the square root as utility: the frontier u1 = 1 - u2^2
    nash = risk_averse_nash_split(1.0, (0.0, 0.5))
    kalai = kalai_smorodinsky_split(1.0, risk_aversion=(0.0, 0.5))
    assert nash is not None
    assert kalai is not None
    assert (nash[0], math.sqrt(nash[1])) == pytest.approx((2 / 3, 3**-0.5), abs=1e-15)
    assert (kalai[0], math.sqrt(kalai[1])) == pytest.approx((GOLDEN, GOLDEN), abs=1e-14)


def test_published_points_of_the_parabola_with_a_threat() -> None:
    # d = (.2, .1) in the utilities (sqrt, linear) of the frontier u2 = 1 - u1^2: .04 and .1 in money
    nash = risk_averse_nash_split(1.0, (0.5, 0.0), (0.04, 0.1))
    kalai = kalai_smorodinsky_split(1.0, (0.04, 0.1), (0.5, 0.0))
    assert nash is not None
    assert kalai is not None
    assert (math.sqrt(nash[0]), nash[1]) == pytest.approx((0.61843, 0.61754), abs=5e-6)
    assert (math.sqrt(kalai[0]), kalai[1]) == pytest.approx((0.63380, 0.59830), abs=5e-6)


@pytest.mark.parametrize("weight", [0.1, 0.5, 0.8])
@pytest.mark.parametrize("aversion", [(0.0, 0.0), (0.5, 0.0), (0.9, 0.25)])
def test_the_closed_form_without_a_threat_is_the_limit_of_the_root(
    weight: float, aversion: tuple[float, float]
) -> None:
    first, second = weight * (1.0 - aversion[0]), (1.0 - weight) * (1.0 - aversion[1])
    expected = 4.0 * first / (first + second)
    closed = risk_averse_nash_split(4.0, aversion, (0.0, 0.0), weight)
    root = risk_averse_nash_split(4.0, aversion, (1e-300, 0.0), weight)
    assert closed == pytest.approx((expected, 4.0 - expected), abs=1e-14)
    # a threat of (1e-300)^(1 - .9) = 1e-30 in utility
    assert root == pytest.approx((expected, 4.0 - expected), abs=1e-13)


@given(aversions, aversions, points, points, st.floats(0.05, 0.95))
@settings(max_examples=60, deadline=None)
def test_nash_is_the_best_of_all_splits(g1: float, g2: float, d1: float, d2: float, weight: float) -> None:
    split = risk_averse_nash_split(1.0, (g1, g2), (d1, d2), weight)
    first, gain_first, gain_second = gains(1.0, (g1, g2), (d1, d2))
    best = first[(weight * np.log(gain_first) + (1.0 - weight) * np.log(gain_second)).argmax()]
    assert split == pytest.approx((best, 1.0 - best), abs=2e-5)


@given(aversions, aversions, points, points)
@settings(max_examples=60, deadline=None)
def test_kalai_smorodinsky_is_the_best_smaller_part_of_the_ideal(g1: float, g2: float, d1: float, d2: float) -> None:
    split = kalai_smorodinsky_split(1.0, (d1, d2), (g1, g2))
    first, gain_first, gain_second = gains(1.0, (g1, g2), (d1, d2))
    best = first[np.minimum(gain_first / gain_first.max(), gain_second / gain_second.max()).argmax()]
    assert split == pytest.approx((best, 1.0 - best), abs=2e-5)


@given(aversions, aversions, points, points, st.sampled_from([0.125, 0.25, 0.5]))
@settings(max_examples=60, deadline=None)
def test_swapping_the_parties_swaps_the_split_and_money_has_no_unit(
    g1: float, g2: float, d1: float, d2: float, weight: float
) -> None:
    nash = risk_averse_nash_split(1.0, (g1, g2), (d1, d2), weight)
    kalai = kalai_smorodinsky_split(1.0, (d1, d2), (g1, g2))
    assert nash is not None
    assert kalai is not None
    assert risk_averse_nash_split(1.0, (g2, g1), (d2, d1), 1.0 - weight) == pytest.approx(nash[::-1], abs=1e-13)
    assert kalai_smorodinsky_split(1.0, (d2, d1), (g2, g1)) == pytest.approx(kalai[::-1], abs=1e-13)
    large = risk_averse_nash_split(1e6, (g1, g2), (d1 * 1e6, d2 * 1e6), weight)
    assert large == pytest.approx((nash[0] * 1e6, nash[1] * 1e6), rel=1e-12)


@pytest.mark.parametrize("solution", [
    lambda aversion: risk_averse_nash_split(1.0, (aversion, 0.7), (0.1, 0.2)),
    lambda aversion: kalai_smorodinsky_split(1.0, (0.1, 0.2), (aversion, 0.7)),
])  # fmt: skip
def test_a_more_risk_averse_party_gets_less(solution: object) -> None:
    # Kihlstrom, Roth and Schmeidler (1981)
    shares = [solution(aversion)[0] for aversion in (0.0, 0.2, 0.5, 0.9, 1.0, 1.1, 2.0, 5.0, 20.0)]  # type: ignore[operator]
    assert shares == sorted(shares, reverse=True)
    assert len(set(shares)) == len(shares)


def test_logarithmic_utility_is_the_limit_of_power_utilities() -> None:
    for near in (1.0 - 1e-9, 1.0 + 1e-9):
        for solution in (
            lambda g: risk_averse_nash_split(1.0, (g, 0.3), (0.1, 0.2), 0.4),
            lambda g: kalai_smorodinsky_split(1.0, (0.1, 0.2), (g, 0.3)),
        ):
            assert solution(near) == pytest.approx(solution(1.0), abs=1e-8)


def test_equal_parties_share_equally() -> None:
    for aversion in (0.4, 1.0, 3.0):
        assert risk_averse_nash_split(1.0, (aversion, aversion), (0.1, 0.1)) == pytest.approx((0.5, 0.5), abs=1e-14)
        assert kalai_smorodinsky_split(1.0, (0.1, 0.1), (aversion, aversion)) == pytest.approx((0.5, 0.5), abs=1e-14)


def test_without_risk_aversion_the_general_solution_is_the_linear_one() -> None:
    assert risk_averse_nash_split(8.0, (0.0, 0.0), (2.0, -4.0), 0.25) == pytest.approx((4.5, 3.5), abs=1e-13)
    # a debt as the threat is allowed to the risk neutral alone
    assert risk_averse_nash_split(1.0, (0.0, 0.5), (-1.0, 0.0)) == pytest.approx((1 / 3, 2 / 3), abs=1e-13)


def test_weights_of_nil_and_one_and_a_surplus_of_nil_leave_the_threat() -> None:
    assert risk_averse_nash_split(1.0, (0.5, 2.0), (0.125, 0.25), 0.0) == (0.125, 0.875)
    assert risk_averse_nash_split(1.0, (0.5, 2.0), (0.125, 0.25), 1.0) == (0.75, 0.25)
    assert risk_averse_nash_split(1.0, (0.5, 2.0), (0.25, 0.75)) == (0.25, 0.75)
    assert kalai_smorodinsky_split(1.0, (0.25, 0.75), (0.5, 2.0)) == (0.25, 0.75)


@pytest.mark.parametrize("exponent", [0.001, 0.1, 0.5, 0.999])
def test_kalai_smorodinsky_without_a_threat_against_the_risk_neutral(exponent: float) -> None:
    # the part x of the pie that the first gets equals (1 - x)^a
    split = kalai_smorodinsky_split(1.0, risk_aversion=(0.0, 1.0 - exponent))
    assert split is not None
    assert split[0] == pytest.approx((1.0 - split[0]) ** exponent, abs=1e-13)
    assert 0.5 < split[0] < 1.0


def test_extreme_risk_aversion_keeps_its_digits() -> None:
    # u = -x^-49 for both: all utilities but the lowest are nearly equal, so the condition is checked in fractions
    point = (Fraction(1, 100), Fraction(1, 50))
    split = kalai_smorodinsky_split(1.0, (0.01, 0.02), (50.0, 50.0))
    nash = risk_averse_nash_split(1.0, (50.0, 50.0), (0.01, 0.02))
    assert split is not None
    assert nash is not None
    missing = [
        (Fraction(x) ** -49 - (1 - other) ** -49) / (d**-49 - (1 - other) ** -49)
        for x, d, other in zip(split, point, point[::-1], strict=True)
    ]
    assert float(missing[0] / missing[1]) == pytest.approx(1.0, abs=1e-9)
    fear = [(d**-49 - Fraction(x) ** -49) * Fraction(x) ** 50 for x, d in zip(nash, point, strict=True)]
    assert float(fear[0] / fear[1]) == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nash_split(math.nan), "pie nan"),
        (lambda: nash_split(1.0, ()), "one point a party"),
        (lambda: nash_split(1.0, (math.inf, 0.0)), "finite"),
        (lambda: nash_split(1.0, (0.0, 0.0), (1.0,)), "weights: 1 for 2 parties"),
        (lambda: nash_split(1.0, (0.0, 0.0), (0.0, 0.0)), "not all 0"),
        (lambda: nash_split(1.0, (0.0, 0.0), (2.0, -1.0)), "none below 0"),
        (lambda: nash_split(1.0, (0.0, 0.0), (math.nan, 1.0)), "weights"),
        (lambda: risk_averse_nash_split(1.0, (0.0, 0.0), weight_first=1.1), "weight_first: 1.1"),
        (lambda: risk_averse_nash_split(1.0, (-0.1, 0.0)), "risk_aversion: -0.1"),
        (lambda: risk_averse_nash_split(1.0, (0.5, 0.0), (-0.1, 0.0)), "disagreement: -0.1 with risk aversion 0.5"),
        (lambda: risk_averse_nash_split(1.0, (0.0, 1.0)), "disagreement: 0.0 with risk aversion 1.0"),
        (lambda: kalai_smorodinsky_split(1.0, risk_aversion=(math.nan, 0.0)), "risk_aversion: nan"),
    ],
)
def test_bad_input_is_named(call: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()  # type: ignore[operator]
