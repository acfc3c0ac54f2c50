from __future__ import annotations

import math

import pytest

from market.valuation import lab_value, stake_sold


@pytest.mark.parametrize(
    ("revenue", "growth", "value"),
    [
        (2.0, 0.0, 16.0),
        (2.0, 0.5, 16.0 * math.exp(0.4)),
        (2.0, 1.2, 16.0 * math.exp(0.96)),
        (2.0, 9.0, 16.0 * math.exp(0.96)),  # capped
        (2.0, -9.0, 16.0 * math.exp(-0.96)),  # floored
        (0.0, 1.0, 0.0),
    ],
)
def test_value_of_revenue_and_growth(revenue: float, growth: float, value: float) -> None:
    assert lab_value(revenue, growth, 8.0, 0.8, 1.2) == pytest.approx(value)


def test_dilution_in_the_disclosed_round() -> None:
    # 110 at 730 before: a holder of 27 % keeps 23.46 %, 50 of it buy 5.95 % (field notes, February 2026)
    assert 0.27 * (1.0 - stake_sold(730.0, 110.0)) == pytest.approx(0.2346, abs=5e-5)
    assert stake_sold(790.0, 50.0) == pytest.approx(0.0595, abs=5e-5)
    assert stake_sold(730.0, 0.0) == 0.0
    assert stake_sold(0.0, 0.0) == 0.0
