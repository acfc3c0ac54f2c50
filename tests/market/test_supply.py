from __future__ import annotations

import math

import pytest

from market.supply import WorldSupply, pressure


@pytest.mark.parametrize(
    ("ordered", "limit", "expected"),
    [(0.0, 1.0, 0.0), (0.5, 1.0, 0.0), (0.75, 1.0, 0.5), (1.0, 1.0, 1.0), (9.0, 1.0, 1.0), (1.0, 0.0, 0.0)],
)
def test_pressure_starts_at_half_of_the_limit(ordered: float, limit: float, expected: float) -> None:
    assert pressure(ordered, limit) == expected


def test_each_limit_grows_under_its_own_pressure() -> None:
    supply = WorldSupply(1.0, 2.0)
    supply.grow(1.5, 0.16, 0.06)
    assert (supply.accelerators_gw, supply.power_gw) == pytest.approx((math.exp(0.16), 2.0 * math.exp(0.03)))
    supply.grow(0.1, 0.16, 0.06)
    assert (supply.accelerators_gw, supply.power_gw) == pytest.approx((math.exp(0.16), 2.0 * math.exp(0.03)))


def test_history_raises_and_never_lowers() -> None:
    supply = WorldSupply(1.0, 2.0)
    supply.raise_to(1.5)
    assert (supply.accelerators_gw, supply.power_gw) == (1.5, 2.0)
