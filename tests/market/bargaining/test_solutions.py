from __future__ import annotations

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
