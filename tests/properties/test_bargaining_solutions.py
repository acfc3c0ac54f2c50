from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.bargaining.solutions import Agreement, egalitarian, kalai_smorodinsky, nash, pareto_frontier, utilitarian

CONCEPTS = (nash, kalai_smorodinsky, utilitarian, egalitarian)
# integers as floats: products and quotients by powers of two are then exact, so are ties
amounts = st.one_of(st.integers(-20, 100).map(float), st.just(-np.inf))
outcomes = st.lists(st.tuples(amounts, amounts), min_size=1, max_size=40)
weights = st.floats(0.05, 0.95)


def arrays(pairs: list[tuple[float, float]]) -> tuple[Any, Any]:
    return np.array([a for a, _ in pairs]), np.array([b for _, b in pairs])


def dominated(index: int, first: Any, second: Any) -> bool:
    no_worse = (first >= first[index]) & (second >= second[index])
    return bool((no_worse & ((first > first[index]) | (second > second[index]))).any())


@pytest.mark.parametrize("concept", CONCEPTS)
@given(outcomes)
def test_agreements_are_rational_and_undominated(concept: Any, pairs: list[tuple[float, float]]) -> None:
    first, second = arrays(pairs)
    found = concept((first, second))
    if not ((first >= 0.0) & (second >= 0.0)).any():
        assert found is None
        return
    assert found.index == found.ties[0]
    assert (found.first, found.second) == (first[found.index], second[found.index])
    for tie in found.ties:
        assert first[tie] >= 0.0
        assert second[tie] >= 0.0
        assert not dominated(tie, first, second)


@given(outcomes, weights, st.integers(-20, 60))
def test_weighted_nash_is_rational_above_its_floor_and_undominated(
    pairs: list[tuple[float, float]], weight: float, floor: int
) -> None:
    first, second = arrays(pairs)
    found = nash((first, second), weights=(weight, 1.0 - weight), floors=(float(floor), -np.inf))
    if found is None:
        assert not ((first >= max(floor, 0)) & (second >= 0.0)).any()
        return
    assert found.first >= max(floor, 0)
    assert not dominated(found.index, first, second)


@given(outcomes, weights, st.integers(-20, 60))
def test_a_floor_below_the_solution_changes_nothing(
    pairs: list[tuple[float, float]], weight: float, floor: int
) -> None:
    first, second = arrays(pairs)
    free = nash((first, second), weights=(weight, 1.0 - weight))
    if free is not None and free.first >= floor and free.first > 0.0 and free.second > 0.0:
        held = nash((first, second), weights=(weight, 1.0 - weight), floors=(float(floor), -np.inf))
        assert held is not None
        assert held.index in free.ties


@pytest.mark.parametrize("concept", [nash, kalai_smorodinsky])
@given(outcomes, st.integers(-3, 3), st.integers(-3, 3))
def test_scale_and_origin_of_utilities_are_without_effect(
    concept: Any, pairs: list[tuple[float, float]], scale_first: int, scale_second: int
) -> None:
    first, second = arrays(pairs)
    plain = concept((first, second))
    moved = concept((first * 2.0**scale_first + 8.0, second * 2.0**scale_second - 4.0), disagreement=(8.0, -4.0))
    if plain is None:
        assert moved is None
        return
    # products of logs may differ in the last digit, so equal up to ties of the plain problem
    zone = (first >= 0.0) & (second >= 0.0)
    products = np.where(zone, first, 0.0) * np.where(zone, second, 0.0)
    near = zone & np.isclose(products, plain.first * plain.second, rtol=1e-12, atol=0.0)
    assert moved.index in plain.ties or (concept is nash and near[moved.index])


@pytest.mark.parametrize("concept", CONCEPTS)
@given(outcomes)
def test_swapping_the_parties_swaps_the_agreement(concept: Any, pairs: list[tuple[float, float]]) -> None:
    first, second = arrays(pairs)
    one: Agreement | None = concept((first, second))
    other: Agreement | None = concept((second, first))
    assert (one is None) == (other is None)
    if one is not None and other is not None:
        assert one.ties == other.ties


@given(outcomes, weights, weights)
def test_more_weight_never_lowers_ones_share(pairs: list[tuple[float, float]], low: float, high: float) -> None:
    first, second = arrays(pairs)
    weak, strong = (nash((first, second), weights=(weight, 1.0 - weight)) for weight in sorted((low, high)))
    if weak is None or strong is None or not ((first > 0.0) & (second > 0.0)).any():
        return
    if high - low > 1e-6:
        assert strong.first >= weak.first - 1e-8


@given(st.integers(1, 1000), weights)
def test_swapping_weights_swaps_a_transferable_surplus(surplus: int, weight: float) -> None:
    share = np.linspace(0.0, float(surplus), 20_001)
    one, other = (
        nash((share, share[::-1]), weights=(weight, 1.0 - weight)),
        nash((share, share[::-1]), weights=(1.0 - weight, weight)),
    )
    assert one is not None
    assert other is not None
    step = surplus / 20_000
    assert one.first == pytest.approx(weight * surplus, abs=0.51 * step)
    assert one.first == pytest.approx(other.second, abs=1.01 * step)


@given(outcomes)
def test_the_frontier_is_what_nobody_dominates(pairs: list[tuple[float, float]]) -> None:
    first, second = arrays(pairs)
    zone = (first >= 0.0) & (second >= 0.0)
    one, other = np.where(zone, first, -np.inf), np.where(zone, second, -np.inf)
    expected = {pairs[i] for i in np.flatnonzero(zone) if not dominated(int(i), one, other)}
    found = pareto_frontier((first, second))
    assert [pairs[i] for i in found] == sorted(expected, reverse=True)
    assert all(pairs.index(pairs[i]) == i or not zone[pairs.index(pairs[i])] for i in found)
