from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.allocation import by_affinity, ration, ration_by_rank, spread_need

amounts = st.lists(st.floats(0.0, 100.0), min_size=1, max_size=6)


@given(amounts, st.floats(0.0, 300.0))
def test_rationing_is_pro_rata_and_uses_what_there_is(demands: list[float], capacity: float) -> None:
    asked = np.array(demands)
    given_ = ration(asked, capacity)
    assert (given_ <= asked + 1e-12).all()
    assert given_.sum() == pytest.approx(min(asked.sum(), capacity), abs=1e-9)
    assert given_ * asked.sum() == pytest.approx(asked * given_.sum(), rel=1e-9, abs=1e-6)


def test_ranks_are_served_in_order() -> None:
    ranks = [np.array([2.0, 1.0]), np.array([4.0, 0.0]), np.array([1.0])]
    assert [part.tolist() for part in ration_by_rank(ranks, 5.0)] == [[2.0, 1.0], [2.0, 0.0], [0.0]]
    assert [part.tolist() for part in ration_by_rank(ranks, -1.0)] == [[0.0, 0.0], [0.0, 0.0], [0.0]]


def test_spreading_by_hand() -> None:
    # lab 0 wants 3 of North and 1 of East, lab 1 2 of North: North has 2.5 for 5, so half each; the rest goes East
    need, affinity = np.array([4.0, 2.0]), np.array([[3.0, 1.0], [1.0, 0.0]])
    assert by_affinity(need, affinity).tolist() == [[3.0, 2.0], [1.0, 0.0]]
    placed = spread_need(need, affinity, np.array([2.5, 9.0]))
    assert placed.tolist() == [[1.5, 1.0], [2.5, 0.0]]


@given(st.integers(0, 1000))
def test_spreading_never_exceeds_need_or_room_and_follows_no_listing_order(seed: int) -> None:
    rng = np.random.default_rng(seed)
    need, room = rng.uniform(0.0, 5.0, 4), rng.uniform(0.0, 5.0, 3)
    affinity = rng.uniform(0.0, 1.0, (3, 4)) * (rng.uniform(size=(3, 4)) < 0.7)
    placed = spread_need(need, affinity, room)
    assert (placed.sum(axis=0) <= need + 1e-9).all()
    assert (placed.sum(axis=1) <= room + 1e-9).all()
    assert not placed[affinity == 0.0].any()
    rows, columns = rng.permutation(3), rng.permutation(4)
    turned = spread_need(need[columns], affinity[np.ix_(rows, columns)], room[rows])
    assert turned == pytest.approx(placed[np.ix_(rows, columns)], abs=1e-9)
