from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.pricing import CostBasis, annuity_factor, full_cost, next_price, price_path, user_cost


@pytest.mark.parametrize(
    ("rate", "life", "factor"),
    [
        (0.0, 20, 0.05),
        (0.025, math.inf, 0.025),
        (0.10, 10, 0.1627454),  # tables of capital recovery factors
        (0.05, 20, 0.0802426),
        (0.01, 360, 0.0102861),  # a 30-year mortgage at 12 %
        (0.025, 1, 1.025),
    ],
)
def test_annuity_factors_of_the_tables(rate: float, life: float, factor: float) -> None:
    assert annuity_factor(rate, life) == pytest.approx(factor, abs=5e-8)


@given(st.floats(1e-4, 0.3), st.integers(1, 200))
def test_an_annuity_repays_what_was_lent(rate: float, life: int) -> None:
    payment = annuity_factor(rate, life)
    assert sum(payment / (1.0 + rate) ** t for t in range(1, life + 1)) == pytest.approx(1.0, rel=1e-9)


def test_user_cost_by_hand() -> None:
    # 20/10 + 10/20 + .3 without interest; sold at 80 % it takes a quarter more
    basis = CostBasis(20.0, 10.0, 10, 20, 0.3, 0.0)
    assert basis.build_usd_bn_per_gw == 30.0
    assert user_cost(basis) == pytest.approx(2.8)
    assert full_cost(basis, 0.8) == pytest.approx(3.5)
    # 18 x .0641471 + 9 x .0307327 + .3
    assert user_cost(CostBasis(18.0, 9.0, 20, 68, 0.3, 0.025)) == pytest.approx(1.731242, abs=5e-6)


def test_the_price_law_by_hand() -> None:
    # .25 x .1 of scarcity, and a tenth of ln(2.5 / 2) back to full cost
    assert next_price(2.0, 0.9, 0.8, 2.0, 1.25, 0.25, 0.1) == pytest.approx(2.0 * math.exp(0.025) * 1.25**0.1)


@given(st.floats(0.5, 10.0), st.floats(0.5, 5.0), st.floats(0.01, 0.9))
def test_price_settles_at_full_cost_and_markup(price: float, cost: float, anchor: float) -> None:
    assert next_price(1.25 * cost, 0.86, 0.86, cost, 1.25, 0.25, anchor) == pytest.approx(1.25 * cost, rel=1e-12)
    gap = abs(math.log(price / (1.25 * cost)))
    for _ in range(1000):
        price = next_price(price, 0.86, 0.86, cost, 1.25, 0.25, anchor)
        assert abs(math.log(price / (1.25 * cost))) <= gap + 1e-12
        gap = abs(math.log(price / (1.25 * cost)))
    assert price == pytest.approx(1.25 * cost, rel=1e-3)


def test_lasting_scarcity_holds_the_price_above_cost_by_a_constant() -> None:
    # 0 = a (u - u*) - e ln(p / (markup cost))
    price = 2.0
    for _ in range(2000):
        price = next_price(price, 0.96, 0.86, 2.0, 1.25, 0.25, 0.1)
    assert price == pytest.approx(2.5 * math.exp(0.25))


@given(st.floats(0.5, 10.0), st.floats(0.5, 5.0), st.floats(0.0, 1.0))
def test_the_expected_path_is_the_law_at_target(price: float, cost: float, anchor: float) -> None:
    path = price_path(price, cost, 1.25, anchor, 12)
    for now, later in pairwise(path):
        assert later == pytest.approx(next_price(now, 0.86, 0.86, cost, 1.25, 0.25, anchor), rel=1e-9)
    assert path[0] == pytest.approx(price)
