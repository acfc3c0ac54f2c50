from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.investment import capacity_order, desired_capacity, dixit_pindyck_multiple, newsvendor_haircut, option_share


@pytest.mark.parametrize(
    ("rate", "payout", "volatility", "multiple"),
    [(0.04, 0.04, 0.2, 2.0), (0.04, 0.04, 0.4, 3.732), (0.05, 0.05, 0.3, 2.5), (0.05, 0.10, 0.3, 1.646)],
)
def test_dixit_and_pindyck_table(rate: float, payout: float, volatility: float, multiple: float) -> None:
    assert dixit_pindyck_multiple(rate, payout, volatility) == pytest.approx(multiple, abs=5e-4)


def test_dixit_pindyck_limits() -> None:
    assert dixit_pindyck_multiple(0.04, 0.04, 0.0) == 1.0
    assert dixit_pindyck_multiple(0.06, 0.04, 0.0) == pytest.approx(1.5)
    assert dixit_pindyck_multiple(0.06, 0.04, 1e-4) == pytest.approx(1.5, abs=1e-6)
    assert dixit_pindyck_multiple(0.04, 0.0, 0.2) == math.inf


@given(st.floats(0.01, 0.2), st.floats(0.01, 0.2), st.floats(0.05, 1.0), st.floats(0.0, 0.5))
def test_uncertainty_delays_investment(rate: float, payout: float, volatility: float, more: float) -> None:
    calm = dixit_pindyck_multiple(rate, payout, volatility)
    assert calm >= 1.0
    assert dixit_pindyck_multiple(rate, payout, volatility + more) >= calm - 1e-9


@pytest.mark.parametrize(
    ("price", "cost", "sd", "haircut"),
    [
        (2.0, 1.0, 0.3, 1.0),  # critical ratio one half: the median
        (4.0, 1.0, 0.2, 1.13489795),  # z(.75) = .67448975
        (10.0, 9.5, 0.1, 0.83551464),  # z(.05) = -1.64485363
        (1.0, 1.0, 0.3, 0.0),
        (1.0, 2.0, 0.3, 0.0),
        (1.01, 1.0, 2.0, 0.0),  # never below nil
        (3.0, 1.0, 0.0, 1.0),
        (3.0, 0.0, 0.0, 1.0),
        (3.0, 0.0, 0.1, math.inf),
    ],
)
def test_newsvendor(price: float, cost: float, sd: float, haircut: float) -> None:
    assert newsvendor_haircut(price, cost, sd) == pytest.approx(haircut, abs=1e-8)


def test_newsvendor_maximises_expected_profit() -> None:
    demand = 1.0 + 0.3 * np.random.default_rng(1).standard_normal(200_000)
    quantities = np.linspace(0.5, 1.5, 201)
    for price, cost in ((3.0, 1.0), (3.0, 2.5)):
        profit = [price * np.minimum(demand, q).mean() - cost * q for q in quantities]
        best = quantities[int(np.argmax(profit))]
        assert newsvendor_haircut(price, cost, 0.3) == pytest.approx(best, abs=0.015)


def test_desired_capacity_by_hand() -> None:
    # (.9 x 10 + 3 + .5 x 4) / .8
    assert desired_capacity(10.0, 3.0, 4.0, 0.1, 0.5, 0.8) == pytest.approx(17.5)


@given(st.floats(0.0, 50.0), st.floats(0.0, 0.99), st.floats(0.0, 0.2))
def test_a_committed_gw_counts_for_more_than_an_uncommitted_one(gw: float, haircut: float, default: float) -> None:
    committed = desired_capacity(gw, 1.0, 0.0, default, haircut, 0.86)
    uncommitted = desired_capacity(0.0, 1.0, gw, default, haircut, 0.86)
    assert (committed >= uncommitted - 1e-12) is (gw * (1.0 - default - haircut) >= -1e-12 * 0.86)


def test_orders_close_a_share_of_the_gap_and_never_go_back() -> None:
    assert capacity_order(10.0, 6.0, 0.45) == pytest.approx(1.8)
    assert capacity_order(6.0, 10.0, 0.45) == 0.0
    capacity, gaps = 0.0, []
    for _ in range(40):
        gaps.append(10.0 - capacity)
        capacity += capacity_order(10.0, capacity, 0.45)
    assert gaps == pytest.approx([10.0 * 0.55**t for t in range(40)])


@given(st.floats(0.5, 10.0), st.floats(0.5, 5.0))
def test_with_an_option_to_wait_all_is_built_at_the_trigger_and_nothing_below(price: float, cost: float) -> None:
    """r = d = .04, s = .2: beta = 2, so that value must be twice the outlay (Dixit and Pindyck 1994, ch. 5)."""
    assert option_share(price, cost, 0.04, 0.04, 0.2) == (1.0 if price >= 2.0 * cost - 1e-12 * cost else 0.0)


def test_without_volatility_waiting_is_worth_nothing_more_than_growth() -> None:
    assert option_share(2.0, 2.0, 0.1, 0.25, 0.0) == 1.0
    assert option_share(1.99, 2.0, 0.1, 0.25, 0.0) == 0.0
