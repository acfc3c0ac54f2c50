from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.capacity import Fleet, effective_compute

FIRST, LAST, LIFE = 8000, 8060, 20
orders = st.lists(st.tuples(st.integers(0, 40), st.floats(0.0, 5.0), st.integers(1, 8)), max_size=12)


def installed(fleet: Fleet, quarters: int) -> list[float]:
    path = []
    for quarter in range(FIRST, FIRST + quarters):
        fleet.deliver(quarter)
        path.append(fleet.installed_gw)
    return path


@pytest.mark.parametrize("lag", [1, 3, 6])
def test_an_order_adds_nothing_before_its_lag_and_retires_a_life_later(lag: int) -> None:
    fleet = Fleet(FIRST, LAST, LIFE, 0.0)
    fleet.deliver(FIRST)
    fleet.order(2.0, FIRST, lag)
    assert (fleet.installed_gw, fleet.construction_gw) == (0.0, 2.0)
    path = [0.0] + [fleet.deliver(q) and fleet.installed_gw for q in range(FIRST + 1, FIRST + 40)]
    assert path == [0.0] * lag + [2.0] * LIFE + [0.0] * (40 - lag - LIFE)
    assert (fleet.construction_gw, fleet.empty_shells_gw, fleet.retired_cum) == (0.0, 2.0, 2.0)


def test_initial_capacity_is_evenly_aged() -> None:
    fleet = Fleet(FIRST, LAST, LIFE, 4.0)
    # the oldest twentieth retires in the first quarter
    assert installed(fleet, 22) == pytest.approx([4.0 * max(1.0 - (t + 1) / LIFE, 0.0) for t in range(22)], abs=1e-12)


@given(orders, st.floats(0.0, 10.0))
def test_gigawatts_are_conserved_and_the_path_comes_true(placed: list[tuple[int, float, int]], start: float) -> None:
    fleet = Fleet(FIRST, LAST, LIFE, start)
    for t in range(50):
        fleet.deliver(FIRST + t)
        for _, gw, lag in (order for order in placed if order[0] == t):
            fleet.order(gw, FIRST + t, lag)
        total = fleet.installed_gw + fleet.construction_gw + fleet.retired_cum
        assert total == pytest.approx(fleet.ordered_cum, abs=1e-9)
    forecast = fleet.path(8)
    for ahead in range(1, 8):
        fleet.deliver(FIRST + 49 + ahead)
        assert fleet.installed_gw == pytest.approx(forecast[ahead], abs=1e-9)


def test_shells_are_reused_once() -> None:
    fleet = Fleet(FIRST, LAST, LIFE, 2.0)
    for t in range(10):
        fleet.deliver(FIRST + t)
    assert fleet.empty_shells_gw == pytest.approx(1.0)
    assert fleet.take_shells(0.4) == pytest.approx(0.4)
    assert fleet.take_shells(5.0) == pytest.approx(0.6)
    assert fleet.take_shells(1.0) == 0.0


@pytest.mark.parametrize(("gw", "lag"), [(-1.0, 2), (float("nan"), 2), (1.0, 0)])
def test_impossible_orders_are_refused(gw: float, lag: int) -> None:
    with pytest.raises(ValueError, match="an order needs gw >= 0 and a lag of at least 1"):
        Fleet(FIRST, LAST, LIFE, 0.0).order(gw, FIRST, lag)


def test_vintages_and_effective_compute() -> None:
    fleet = Fleet(FIRST, LAST, LIFE, 0.0)
    fleet.deliver(FIRST)
    fleet.order(1.0, FIRST, 1)
    fleet.order(2.0, FIRST, 5)
    for t in range(1, 6):
        fleet.deliver(FIRST + t)
    quarters, gw = fleet.vintages()
    assert {int(q): g for q, g in zip(quarters, gw, strict=True) if g} == {FIRST + 1: 1.0, FIRST + 5: 2.0}
    assert effective_compute(quarters, gw, FIRST + 1, 0.37) == pytest.approx(1.0 + 2.0 * 1.37)
    assert effective_compute(np.array([FIRST]), np.array([3.0]), FIRST, 0.0) == 3.0
