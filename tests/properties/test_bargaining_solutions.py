from __future__ import annotations

import math
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from market.bargaining import solutions
from market.bargaining.frontiers import Chain, Curve, lotteries
from market.bargaining.solutions import (
    Agreement,
    egalitarian,
    kalai_smorodinsky,
    nash,
    pareto_frontier,
    rational_set,
    utilitarian,
)

CONCEPTS = (nash, kalai_smorodinsky, utilitarian, egalitarian)
ON_FRONTIERS = ("nash", "kalai_smorodinsky", "utilitarian", "egalitarian")
# integers as floats: products and quotients by powers of two are then exact, so are ties
amounts = st.one_of(st.integers(-20, 100).map(float), st.just(-np.inf))


def sets_of(number: Any, parties: int, largest: int = 40) -> Any:
    outcomes = st.lists(st.tuples(*[number] * parties), min_size=1, max_size=largest)
    return outcomes.map(lambda listed: np.array(listed, dtype=float).T)


pairs = sets_of(amounts, 2)
problems = st.one_of(pairs, sets_of(amounts, 3))  # utilities (parties, outcomes)
weights = st.floats(0.05, 0.95)
few = st.integers(0, 6).map(float)
HALF = settings(max_examples=50)  # of tests that run once a concept


def dominated(index: int, utilities: Any) -> bool:
    one = utilities[:, [index]]
    return bool(((utilities >= one).all(axis=0) & (utilities > one).any(axis=0)).any())


# Finite sets


@pytest.mark.parametrize("concept", CONCEPTS)
@HALF
@given(problems)
def test_agreements_are_rational_and_undominated(concept: Any, utilities: Any) -> None:
    found = concept(utilities)
    if not (utilities >= 0.0).all(axis=0).any():
        assert found is None
        return
    assert found.index == found.ties[0]
    assert found.payoffs == tuple(utilities[:, found.index])
    for tie in found.ties:
        assert (utilities[:, tie] >= 0.0).all()
        assert not dominated(tie, utilities)


def scores(concept: Any, gains: Any) -> Any:
    """What a concept maximises, outcome by outcome."""
    if concept is nash:
        return gains.prod(axis=0) if (gains.prod(axis=0) > 0.0).any() else gains.sum(axis=0)
    if concept is utilitarian:
        return gains.sum(axis=0)
    if concept is egalitarian:
        return gains.min(axis=0)
    ideals = gains.max(axis=1, keepdims=True)
    return np.where(ideals > 0.0, gains / np.where(ideals > 0.0, ideals, 1.0), 1.0).min(axis=0)


@pytest.mark.parametrize("concept", CONCEPTS)
@HALF
@given(problems)
def test_no_rational_outcome_scores_more_and_all_that_score_as_much_are_tied(concept: Any, utilities: Any) -> None:
    found, zone = concept(utilities), np.flatnonzero((utilities >= 0.0).all(axis=0))
    if found is None:
        return
    score = scores(concept, utilities[:, zone])
    best = [int(index) for index in zone[score == score.max()] if not dominated(int(index), utilities)]
    # sums of logarithms of equal products may differ in the last digit
    assert found.index in best if concept is nash else list(found.ties) == best


@pytest.mark.parametrize("ask", [*CONCEPTS, pareto_frontier])
@HALF
@given(st.one_of(sets_of(few, 2), sets_of(few, 3), problems), st.integers(1, 9), st.integers(1, 4))
def test_blocks_and_samples_are_without_effect(ask: Any, utilities: Any, block: int, stride: int) -> None:
    whole = ask(utilities)
    with mock.patch.object(solutions, "BLOCK_OUTCOMES", block), mock.patch.object(solutions, "SAMPLE_STRIDE", stride):
        parts = ask(utilities)
    assert parts.tolist() == whole.tolist() if ask is pareto_frontier else parts == whole


@given(pairs, weights, st.integers(-20, 60))
def test_weighted_nash_is_rational_above_its_floor_and_undominated(utilities: Any, weight: float, floor: int) -> None:
    found = nash(utilities, weights=(weight, 1.0 - weight), floors=(float(floor), -np.inf))
    if found is None:
        assert not ((utilities[0] >= max(floor, 0)) & (utilities[1] >= 0.0)).any()
        return
    assert found.first >= max(floor, 0)
    assert not dominated(found.index, utilities)


@given(pairs, weights, st.integers(-20, 60))
def test_a_floor_below_the_solution_changes_nothing(utilities: Any, weight: float, floor: int) -> None:
    free = nash(utilities, weights=(weight, 1.0 - weight))
    if free is not None and free.first >= floor and free.first > 0.0 and free.second > 0.0:
        held = nash(utilities, weights=(weight, 1.0 - weight), floors=(float(floor), -np.inf))
        assert held is not None
        assert held.index in free.ties


@pytest.mark.parametrize("concept", [nash, kalai_smorodinsky])
@HALF
@given(problems, st.lists(st.integers(-3, 3), min_size=3, max_size=3))
def test_scale_and_origin_of_utilities_are_without_effect(concept: Any, utilities: Any, scales: list[int]) -> None:
    parties = len(utilities)
    origin = np.array([8.0, -4.0, 2.0])[:parties]
    scale = 2.0 ** np.array(scales[:parties])
    plain = concept(utilities)
    moved = concept(utilities * scale[:, None] + origin[:, None], disagreement=origin)
    if plain is None:
        assert moved is None
        return
    # sums of logs may differ in the last digit, so equal up to ties of the plain problem
    zone = (utilities >= 0.0).all(axis=0)
    near = np.isclose(np.where(zone, utilities, 0.0).prod(axis=0), math.prod(plain.payoffs), rtol=1e-12, atol=0.0)
    assert moved.index in plain.ties or (concept is nash and zone[moved.index] and near[moved.index])


@pytest.mark.parametrize("concept", CONCEPTS)
@HALF
@given(pairs)
def test_swapping_the_parties_swaps_the_agreement(concept: Any, utilities: Any) -> None:
    one: Agreement | None = concept(utilities)
    other: Agreement | None = concept(utilities[::-1])
    assert (one is None) == (other is None)
    if one is not None and other is not None:
        assert one.ties == other.ties


@given(problems, weights, st.data())
def test_outcomes_that_were_not_chosen_are_irrelevant(utilities: Any, weight: float, data: Any) -> None:
    powers = [weight] + [1.0 - weight] * (len(utilities) - 1)
    found = nash(utilities, weights=powers)
    assume(found is not None and min(found.payoffs) > 0.0)
    assert found is not None
    kept = np.array(data.draw(st.lists(st.booleans(), min_size=utilities.shape[1], max_size=utilities.shape[1])))
    kept[found.index] = True
    again = nash(utilities[:, kept], weights=powers)
    assert again is not None
    assert np.flatnonzero(kept)[again.index] == found.index


@given(pairs, weights, weights)
def test_more_weight_never_lowers_ones_share(utilities: Any, low: float, high: float) -> None:
    weak, strong = (nash(utilities, weights=(weight, 1.0 - weight)) for weight in sorted((low, high)))
    if weak is None or strong is None or not (utilities > 0.0).all(axis=0).any():
        return
    if abs(high - low) > 1e-6:
        assert strong.first >= weak.first - 1e-8


@given(st.integers(1, 1000), weights)
def test_swapping_weights_swaps_a_transferable_surplus(surplus: int, weight: float) -> None:
    share = np.linspace(0.0, float(surplus), 20_001)
    one = nash((share, share[::-1]), weights=(weight, 1.0 - weight))
    other = nash((share, share[::-1]), weights=(1.0 - weight, weight))
    assert one is not None
    assert other is not None
    step = surplus / 20_000
    assert one.first == pytest.approx(weight * surplus, abs=0.51 * step)
    assert one.first == pytest.approx(other.second, abs=1.01 * step)


@given(st.one_of(problems, sets_of(few, 2), sets_of(few, 3)))
def test_the_frontier_is_what_nobody_dominates(utilities: Any) -> None:
    zone = np.flatnonzero((utilities >= 0.0).all(axis=0))
    rational = [tuple(utilities[:, index]) for index in zone]
    expected = {rational[place] for place in range(len(zone)) if not dominated(place, utilities[:, zone])}
    found = pareto_frontier(utilities)
    assert [tuple(utilities[:, index]) for index in found] == sorted(expected, reverse=True)
    assert [zone[rational.index(tuple(utilities[:, index]))] for index in found] == found.tolist()
    assert np.flatnonzero(rational_set(utilities)).tolist() == zone.tolist()


# Chains and lotteries

numbers = st.integers(-10, 50).map(float)
corners = st.lists(st.tuples(numbers, numbers), min_size=1, max_size=6)
positions = np.linspace(0.0, 1.0, 33)


@pytest.mark.parametrize("concept", ON_FRONTIERS)
@HALF
@given(corners, weights)
def test_no_sampled_point_of_a_chain_scores_more(concept: str, points: list[Any], weight: float) -> None:
    options = {"weights": (weight, 1.0 - weight)} if concept == "nash" else {}
    chain = Chain(points)
    found = getattr(chain, concept)(**options)
    ends = list(zip(points, points[1:] or points, strict=False))
    sampled = np.concatenate([np.outer(1 - positions, a) + np.outer(positions, b) for a, b in ends]).T
    sampled = sampled[:, (sampled >= 0.0).all(axis=0)]
    if found is None:
        assert sampled.size == 0
        return
    assert min(found.payoffs) >= 0.0
    start, end = (np.array(points[place]) for place in found.ends)
    assert start + found.position * (end - start) == pytest.approx(np.array(found.payoffs), rel=1e-12, abs=1e-12)
    ideals = chain.ideals()
    assert ideals is not None
    share = [1.0 / ideal if ideal > 0.0 else np.nan for ideal in ideals]

    def score(first: Any, second: Any) -> Any:
        if concept == "nash":
            return first**weight * second ** (1.0 - weight)
        if concept == "kalai_smorodinsky":
            return np.fmin(np.fmin(first * share[0], second * share[1]), 1.0)
        return first + second if concept == "utilitarian" else np.minimum(first, second)

    best = score(*found.payoffs)
    assert (score(*sampled) <= best * (1.0 + 1e-12)).all()
    # nor does one that scores as much give both more
    assert not ((sampled[0] > found.payoffs[0] + 1e-9) & (sampled[1] > found.payoffs[1] + 1e-9)).any()


@pytest.mark.parametrize("concept", ON_FRONTIERS)
@HALF
@given(sets_of(numbers, 2, 12))
def test_no_outcome_dominates_a_lottery_agreed_on_and_finite_sets_do_no_better(concept: str, utilities: Any) -> None:
    found, finite = getattr(lotteries(utilities), concept)(), getattr(solutions, concept)(utilities)
    if found is None:
        assert finite is None
        return
    payoffs = np.array(found.payoffs)[:, None]
    assert not (utilities > payoffs + 1e-9).all(axis=0).any()
    assert not ((utilities >= payoffs) & (utilities.sum(axis=0) > payoffs.sum() + 1e-9)).all(axis=0).any()
    if finite is not None and concept in ("nash", "egalitarian"):
        score = math.prod if concept == "nash" else min
        assert score(found.payoffs) >= score(finite.payoffs) * (1.0 - 1e-12)


@pytest.mark.parametrize("concept", ["nash", "kalai_smorodinsky"])
@HALF
@given(sets_of(numbers, 2, 12), st.integers(-3, 3), st.integers(-3, 3))
def test_scale_and_origin_move_lotteries_with_them(concept: str, utilities: Any, first: int, second: int) -> None:
    scale, origin = np.array([2.0**first, 2.0**second]), np.array([8.0, -4.0])
    plain = getattr(lotteries(utilities), concept)()
    moved = getattr(lotteries(utilities * scale[:, None] + origin[:, None]), concept)(origin)
    assert (plain is None) == (moved is None)
    if plain is not None:
        # where neither can gain, or one cannot, the largest sum of gains decides, which is not free of scale
        assume(min(plain.payoffs) > 1e-9)
        assert (np.array(moved.payoffs) - origin) / scale == pytest.approx(np.array(plain.payoffs), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("concept", ON_FRONTIERS)
@HALF
@given(sets_of(numbers, 2, 8))
def test_a_symmetric_set_of_lotteries_gives_both_the_same(concept: str, utilities: Any) -> None:
    both = np.concatenate((utilities, utilities[::-1]), axis=1)
    found = getattr(lotteries(both), concept)()
    if found is not None:
        assert found.payoffs[0] == pytest.approx(found.payoffs[1], rel=1e-9, abs=1e-9)


@given(sets_of(few, 2, 12), few, few)
def test_kalai_smorodinsky_is_monotone(utilities: Any, first: float, second: float) -> None:
    """Kalai and Smorodinsky (1975): more to choose from, at an unchanged ideal of the first, never hurts the second."""
    more = np.column_stack((utilities, [min(first, utilities[0].max()), second]))
    narrow, wide = (lotteries(each).kalai_smorodinsky() for each in (utilities, more))
    assert narrow is not None
    assert wide is not None
    assume(min(*narrow.payoffs, *wide.payoffs) > 0.0)
    assert wide.payoffs[1] >= narrow.payoffs[1] - 1e-9


@given(sets_of(numbers, 2, 12), weights, weights)
def test_more_weight_never_lowers_ones_share_of_a_lottery(utilities: Any, low: float, high: float) -> None:
    weak, strong = (lotteries(utilities).nash(weights=(weight, 1.0 - weight)) for weight in sorted((low, high)))
    if weak is not None and strong is not None:
        assert strong.payoffs[0] >= weak.payoffs[0] - 1e-9
        assert strong.payoffs[1] <= weak.payoffs[1] + 1e-9


@settings(max_examples=15)
@given(st.floats(0.0, 0.5), st.floats(0.0, 0.4), weights)
def test_a_curve_and_a_chain_that_are_the_same_agree_the_same(first: float, second: float, weight: float) -> None:
    chain, curve = Chain([(0.0, 1.0), (1.0, 0.0)]), Curve(lambda share: 1.0 - share, 0.0, 1.0)
    for concept in ON_FRONTIERS:
        options: dict[str, Any] = {"weights": (weight, 1.0 - weight)} if concept == "nash" else {}
        exact = getattr(chain, concept)((first, second), **options)
        # where all points are as good the middle is met to a step of the scan
        tolerance = 1e-3 if concept == "utilitarian" else 1e-7
        assert getattr(curve, concept)((first, second), **options).payoffs == pytest.approx(
            exact.payoffs, abs=tolerance
        )
