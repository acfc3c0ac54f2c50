from __future__ import annotations

import itertools
import tracemalloc
from typing import Any

import numpy as np
import pytest

from market.bargaining.solutions import (
    Agreement,
    egalitarian,
    kalai_smorodinsky,
    nash,
    pareto_frontier,
    rational_set,
    utilitarian,
)

X = np.linspace(0.0, 1.0, 1_000_001)
CURVE = 1.0 - X**2
CONCEPTS = (nash, kalai_smorodinsky, utilitarian, egalitarian)


def point(found: Agreement | None) -> tuple[float, float]:
    assert found is not None
    return found.first, found.second


@pytest.mark.parametrize(
    ("concept", "disagreement", "expected"),
    [
        (nash, (0.0, 0.0), (3**-0.5, 2 / 3)),
        (kalai_smorodinsky, (0.0, 0.0), ((5**0.5 - 1) / 2, (5**0.5 - 1) / 2)),
        (utilitarian, (0.0, 0.0), (0.5, 0.75)),
        (egalitarian, (0.0, 0.0), ((5**0.5 - 1) / 2, (5**0.5 - 1) / 2)),
        (nash, (0.2, 0.1), (0.61843, 0.61754)),
        (kalai_smorodinsky, (0.2, 0.1), (0.63380, 0.59830)),
        (egalitarian, (0.2, 0.1), (0.66190, 0.56190)),
    ],
)
def test_published_points_of_the_parabola(
    concept: Any, disagreement: tuple[float, float], expected: tuple[float, float]
) -> None:
    assert point(concept((X, CURVE), disagreement=disagreement)) == pytest.approx(expected, abs=6e-6)


@pytest.mark.parametrize("weight", [0.0, 0.1, 0.25, 0.5, 0.7, 1.0])
def test_a_pie_is_split_by_weight_and_swapping_weights_swaps_the_surplus(weight: float) -> None:
    pie = np.arange(1001) / 1000.0
    share = point(nash((pie, 1.0 - pie), weights=(weight, 1.0 - weight)))
    assert share == pytest.approx((weight, 1.0 - weight), abs=1e-12)
    assert point(nash((pie, 1.0 - pie), weights=(1.0 - weight, weight))) == pytest.approx(share[::-1], abs=1e-12)


def test_a_threat_moves_the_split_by_d_plus_w_s() -> None:
    pie = np.arange(1001) / 1000.0
    assert point(nash((pie, 1.0 - pie), disagreement=(0.2, 0.4), weights=(0.25, 0.75))) == pytest.approx((0.3, 0.7))


@pytest.mark.parametrize(
    ("floor", "first"), [(-np.inf, 0.5), (0.0, 0.5), (0.3, 0.5), (0.5, 0.5), (0.62, 0.62), (1.0, 1.0)]
)
def test_an_outside_option_binds_exactly_when_it_beats_the_solution(floor: float, first: float) -> None:
    pie = np.arange(1001) / 1000.0
    assert point(nash((pie, 1.0 - pie), floors=(floor, -np.inf))) == pytest.approx((first, 1.0 - first), abs=1e-12)


def test_an_outside_option_beyond_the_pie_leaves_no_agreement() -> None:
    pie = np.arange(1001) / 1000.0
    assert nash((pie, 1.0 - pie), floors=(1.001, -np.inf)) is None


def test_worked_example_of_nash_in_nash_transfers() -> None:
    # Horn and Wolinsky with one supplier of cost 1 and gains 8 and 5: transfers 4.5 and 3, at weight .3 3.1 and 2.2
    cents = np.arange(1001) / 100.0
    for gain, weight, transfer in ((8.0, 0.5, 4.5), (5.0, 0.5, 3.0), (8.0, 0.3, 3.1), (5.0, 0.3, 2.2)):
        assert point(nash((cents - 1.0, gain - cents), weights=(weight, 1.0 - weight)))[0] + 1.0 == pytest.approx(
            transfer
        )


@pytest.mark.parametrize("concept", CONCEPTS)
def test_degenerate_sets(concept: Any) -> None:
    none = np.array([])
    assert concept((none, none)) is None
    assert concept((np.array([-1.0]), np.array([5.0]))) is None
    assert concept((np.array([-np.inf]), np.array([5.0]))) is None
    assert concept((np.array([2.0]), np.array([3.0]))) == Agreement(0, (2.0, 3.0), (0,))
    assert concept((np.array([0.0]), np.array([0.0]))) == Agreement(0, (0.0, 0.0), (0,))
    assert concept((np.array([-np.inf, 1.0]), np.array([9.0, 1.0]))) == Agreement(1, (1.0, 1.0), (1,))


@pytest.mark.parametrize("concept", CONCEPTS)
def test_ties_are_all_reported_and_the_first_listed_is_taken(concept: Any) -> None:
    first, second = np.array([0.0, 2.0, 1.0, 2.0, 1.0]), np.array([0.0, 1.0, 2.0, 1.0, 2.0])
    assert concept((first, second)) == Agreement(1, (2.0, 1.0), (1, 2, 3, 4))


@pytest.mark.parametrize("concept", [kalai_smorodinsky, egalitarian])
def test_of_equal_smaller_gains_the_dominated_one_is_passed_over(concept: Any) -> None:
    assert concept((np.array([1.0, 1.0, 2.0]), np.array([1.0, 2.0, 0.0]))) == Agreement(1, (1.0, 2.0), (1,))


def test_full_weight_takes_the_best_for_one_and_then_for_the_other() -> None:
    first, second = np.array([3.0, 3.0, 1.0]), np.array([0.0, 1.0, 3.0])
    assert nash((first, second), weights=(1.0, 0.0)) == Agreement(1, (3.0, 1.0), (1,))
    assert nash((first, second), weights=(0.0, 1.0)) == Agreement(2, (1.0, 3.0), (2,))


def test_without_a_positive_product_the_largest_sum_is_taken() -> None:
    assert nash((np.array([0.0, 0.0, 1.0]), np.array([2.0, 3.0, 0.0]))) == Agreement(1, (0.0, 3.0), (1,))
    assert kalai_smorodinsky((np.array([0.0, 0.0]), np.array([2.0, 3.0]))) == Agreement(1, (0.0, 3.0), (1,))


@pytest.mark.parametrize("concept", [*CONCEPTS, pareto_frontier, rational_set])
@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (
            [np.nan, 1.0],
            [1.0, 1.0],
            r"^utilities of party 1: nan or \+inf among them; allowed: numbers, and -inf where infeasible$",
        ),
        (
            [0.0, 1.0],
            [np.inf, 1.0],
            r"^utilities of party 2: nan or \+inf among them; allowed: numbers, and -inf where infeasible$",
        ),
        ([0.0, 1.0], [1.0], r"^utilities of party 2: shape \(1,\); allowed: \(outcomes,\), one for all$"),
        ([[0.0]], [[1.0]], r"^utilities of party 1: shape \(1, 1\); allowed: \(outcomes,\), one for all$"),
    ],
)
def test_bad_utilities_are_refused(concept: Any, first: list[float], second: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        concept((np.array(first), np.array(second)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weights": (1.1, -0.1)}, r"^weights: \(1\.1, -0\.1\); allowed: none negative, not all nil$"),
        ({"weights": (0.0, 0.0)}, r"^weights: \(0\.0, 0\.0\); allowed: none negative, not all nil$"),
        ({"weights": (np.nan, 1.0)}, r"^weights: \(nan, 1\.0\); allowed: none negative, not all nil$"),
        ({"weights": (1.0,)}, r"^weights: \(1\.0,\); allowed: one number for each of 2 parties$"),
        ({"disagreement": (0.0, np.nan)}, r"^disagreement: \(0\.0, nan\); allowed: finite numbers$"),
        ({"disagreement": (-np.inf, 0.0)}, r"^disagreement: \(-inf, 0\.0\); allowed: finite numbers$"),
        (
            {"disagreement": (0.0,) * 3},
            r"^disagreement: \(0\.0, 0\.0, 0\.0\); allowed: one number for each of 2 parties$",
        ),
        ({"floors": (np.nan, 0.0)}, r"^floors: \(nan, 0\.0\); allowed: numbers, and -inf for none$"),
    ],
)
def test_bad_options_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        nash((np.array([1.0]), np.array([1.0])), **options)


def test_frontier_by_hand() -> None:
    first, second = np.array([3.0, 3.0, 2.0, 2.0, 1.0, -1.0, 0.0]), np.array([0.0, 0.0, 2.0, 1.0, 2.0, 9.0, 5.0])
    assert pareto_frontier((first, second)).tolist() == [0, 2, 6]
    assert pareto_frontier((first, second), (1.0, 1.0)).tolist() == [2]
    assert pareto_frontier((first, second), (9.0, 9.0)).tolist() == []


# Three parties and more

THIRDS = [(i, j, 30 - i - j) for i in range(31) for j in range(31 - i)]
CAKE = np.array(THIRDS, dtype=float).T


@pytest.mark.parametrize(
    ("disagreement", "weights", "expected"),
    [
        ((0.0, 0.0, 0.0), None, (10.0, 10.0, 10.0)),
        ((0.0, 0.0, 0.0), (1.0, 2.0, 3.0), (5.0, 10.0, 15.0)),
        ((3.0, 6.0, 9.0), (2.0, 2.0, 2.0), (7.0, 10.0, 13.0)),
        ((3.0, 6.0, 9.0), (0.5, 0.25, 0.25), (9.0, 9.0, 12.0)),
        ((0.0, 0.0, 0.0), (0.0, 1.0, 1.0), (0.0, 15.0, 15.0)),
        ((0.0, 0.0, 0.0), (0.0, 0.0, 1.0), (0.0, 0.0, 30.0)),
        ((3.0, 6.0, 9.0), (0.0, 0.0, 1.0), (3.0, 6.0, 21.0)),
        ((10.0, 10.0, 10.0), (1.0, 2.0, 3.0), (10.0, 10.0, 10.0)),
    ],
)
def test_nash_splits_a_surplus_among_three_by_weight(disagreement: Any, weights: Any, expected: Any) -> None:
    found = nash(CAKE, disagreement, weights)
    assert found is not None
    assert found.payoffs == expected
    assert [THIRDS[tie] for tie in found.ties] == [expected]
    assert nash(CAKE, disagreement, weights, floors=(0.0, 0.0, 30.1)) is None


def test_an_outside_option_of_the_third_leaves_the_rest_to_the_others() -> None:
    found = nash(CAKE, floors=(-np.inf, -np.inf, 16.0))
    assert found is not None
    assert found.payoffs == (7.0, 7.0, 16.0)


def test_kalai_smorodinsky_and_egalitarian_among_three_with_unlike_scales() -> None:
    shares = CAKE * np.array([[1.0], [2.0], [3.0]])  # ideals 30, 60, 90
    by_ideals, by_gains = kalai_smorodinsky(shares), egalitarian(shares[:, np.all(CAKE % 2 == 0, axis=0)])
    assert by_ideals is not None
    assert by_gains is not None
    assert by_ideals.payoffs == (10.0, 20.0, 30.0)
    assert by_gains.payoffs == (16.0, 16.0, 18.0)  # 30 / (1 + 1/2 + 1/3) = 16.36 on the continuous cake
    most = utilitarian(shares)
    assert most is not None
    assert most.payoffs == (0.0, 0.0, 90.0)


def test_the_ideal_is_taken_over_the_rational_set_floors_included() -> None:
    # the first party's 10 leaves the second less than its floor, so its ideal is 4
    first, second = np.array([10.0, 4.0, 2.0, 0.0]), np.array([0.0, 2.0, 4.0, 6.0])
    assert kalai_smorodinsky((first, second), floors=(-np.inf, 1.0)) == Agreement(2, (2.0, 4.0), (2,))
    assert kalai_smorodinsky((first, second)) == Agreement(1, (4.0, 2.0), (1,))


def test_frontier_of_three_by_hand() -> None:
    points = [(2, 2, 2), (3, 0, 0), (2, 2, 1), (0, 3, 0), (2, 2, 2), (3, 0, 0), (0, 0, 9), (9, 9, -1), (3, 1, 0)]
    utilities = np.array(points, dtype=float).T
    assert pareto_frontier(utilities).tolist() == [8, 0, 3, 6]
    assert pareto_frontier(utilities, disagreement=(1.0, 1.0, 0.0)).tolist() == [8, 0]
    assert pareto_frontier(utilities, floors=(-np.inf, -np.inf, 10.0)).tolist() == []


def test_every_split_of_a_cake_is_on_the_frontier() -> None:
    assert sorted(pareto_frontier(CAKE).tolist()) == list(range(len(THIRDS)))


def test_no_party_is_privileged() -> None:
    generator = np.random.Generator(np.random.PCG64(5))
    utilities = generator.normal(0.3, 1.0, (4, 5000))
    for concept in CONCEPTS:
        straight = concept(utilities)
        assert straight is not None
        for order in itertools.permutations(range(4)):
            turned = concept(utilities[list(order)])
            assert turned is not None
            assert turned.ties == straight.ties


# Degenerate problems, for two parties and for three


@pytest.mark.parametrize("parties", [2, 3])
@pytest.mark.parametrize("concept", CONCEPTS)
def test_degenerate_problems(concept: Any, parties: int) -> None:
    def same(values: list[float]) -> list[np.ndarray]:
        return [np.array(values)] * parties

    assert concept(same([])) is None
    assert concept(same([7.0])) == Agreement(0, (7.0,) * parties, (0,))
    assert concept(same([0.0])) == Agreement(0, (0.0,) * parties, (0,))
    assert concept(same([-np.inf, -1.0])) is None
    assert concept(same([2.0] * 5)) == Agreement(0, (2.0,) * parties, (0, 1, 2, 3, 4))  # all indifferent
    assert concept(same([1.0, 3.0, 2.0])) == Agreement(1, (3.0,) * parties, (1,))  # one issue, common interest
    assert concept(same([1.0, 3.0]), disagreement=(3.5,) * parties) is None  # disagreement above every outcome
    assert concept(same([1.0, 3.0]), disagreement=(3.0,) * parties) == Agreement(1, (3.0,) * parties, (1,))


@pytest.mark.parametrize("parties", [2, 3])
@pytest.mark.parametrize("concept", CONCEPTS)
def test_in_a_zero_sum_problem_only_the_disagreement_point_can_be_agreed(concept: Any, parties: int) -> None:
    one = np.arange(-3.0, 4.0)
    utilities = [one, *[-one / (parties - 1)] * (parties - 1)]
    assert concept(utilities) == Agreement(3, (0.0,) * parties, (3,))
    assert concept(utilities, disagreement=(0.5,) + (0.0,) * (parties - 1)) is None


@pytest.mark.parametrize("parties", [2, 3])
def test_of_a_collinear_frontier_each_party_has_its_best_end(parties: int) -> None:
    one = np.arange(11.0)
    utilities = [one, *[10.0 - one] * (parties - 1)]
    assert pareto_frontier(utilities).tolist() == list(range(10, -1, -1))
    for weight in range(11):
        weights = (weight / 10.0,) + ((10 - weight) / 10.0 / (parties - 1),) * (parties - 1)
        found = nash(utilities, weights=weights)
        assert found is not None
        assert found.payoffs == (float(weight),) + (10.0 - weight,) * (parties - 1)


def test_one_party_alone_cannot_bargain() -> None:
    with pytest.raises(ValueError, match=r"^utilities: 1 given; allowed: one array for each of two or more parties$"):
        nash([np.array([1.0])])


@pytest.fixture(scope="module")
def ten_million() -> np.ndarray:
    """Utilities of three parties between -0.1 and 0.9, and at the very end an outcome that is better for all."""
    utilities = np.random.Generator(np.random.PCG64(1)).random((3, 10**7))
    utilities -= 0.1
    utilities[:, -1] = 0.95
    return utilities


@pytest.mark.parametrize("parties", [2, 3])
@pytest.mark.parametrize("concept", [*CONCEPTS, pareto_frontier, rational_set])
def test_memory_is_bounded_at_ten_million_outcomes(ten_million: np.ndarray, concept: Any, parties: int) -> None:
    tracemalloc.start()
    try:
        found = concept(ten_million[:parties])
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    last = ten_million.shape[1] - 1
    if concept is rational_set:
        assert peak_bytes < 25e6  # the answer is a byte an outcome
        assert found[last]
    else:
        assert peak_bytes < 4e6
        expected = Agreement(last, (0.95,) * parties, (last,))
        assert (found.tolist() == [last]) if concept is pareto_frontier else (found == expected)
