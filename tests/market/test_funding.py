from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from market.funding import FundingNeed, excess_value, solve_funding, value_of_money

Source = tuple[float, float]

needs = st.builds(
    FundingNeed,
    st.floats(-50.0, 100.0),
    st.floats(0.5, 200.0),
    st.floats(0.05, 3.0),
    st.floats(0.0, 0.5),
)
sources = st.lists(st.tuples(st.floats(0.0, 500.0), st.floats(0.0, 1.5)), max_size=4)


def given_at(mu: float, lenders: list[Source]) -> float:
    return sum(depth * max(mu - cost, 0.0) for depth, cost in lenders)


def root(need: FundingNeed, lenders: list[Source], extra: float) -> float:
    """The balance of the market for a lab's stock, found by bisection on the definition."""

    def excess(mu: float) -> float:
        money = need.cash_usd_bn + extra + given_at(mu, lenders)
        return need.marginal_value * max(1.0 - money / need.target_usd_bn, 0.0) - need.owner_cost - mu

    if excess(0.0) <= 0.0:
        return 0.0
    return float(brentq(excess, 0.0, excess(0.0) + 1.0, xtol=1e-14, rtol=1e-14))


def solved(need: FundingNeed, lenders: list[Source], extra: float = 0.0) -> tuple[float, list[float]]:
    mu, amounts = solve_funding(need, [d for d, _ in lenders], [c for _, c in lenders], extra)
    return float(mu), amounts.tolist()


@pytest.mark.parametrize(
    ("target", "lam", "depth", "mu", "raised"),
    [(10.0, 1.0, 10.0, 0.5, 5.0), (12.0, 1.5, 8.0, 0.75, 6.0), (30.0, 2.0, 45.0, 0.5, 22.5)],
)
def test_one_free_source_has_a_closed_form(target: float, lam: float, depth: float, mu: float, raised: float) -> None:
    assert lam * target / (target + lam * depth) == mu
    assert solved(FundingNeed(0.0, target, lam, 0.0), [(depth, 0.0)]) == (pytest.approx(mu), [pytest.approx(raised)])


def test_two_sources_by_hand() -> None:
    # lam 1, m* 10, o 0.1: mu = 0.9 - (10 mu + 5 (mu - 0.2)) / 10, so 2.5 mu = 1.0
    assert solved(FundingNeed(0.0, 10.0, 1.0, 0.1), [(10.0, 0.0), (5.0, 0.2)]) == (
        pytest.approx(0.4),
        [pytest.approx(4.0), pytest.approx(1.0)],
    )


@pytest.mark.parametrize(
    ("need", "lenders"),
    [
        (FundingNeed(0.0, 0.0, 1.2, 0.05), [(10.0, 0.0)]),
        (FundingNeed(8.0, 8.0, 1.2, 0.0), [(10.0, 0.0)]),
        (FundingNeed(9.0, 8.0, 1.2, 0.05), [(10.0, 0.0), (3.0, 0.1)]),
        (FundingNeed(7.9, 8.0, 1.2, 0.05), [(10.0, 0.0)]),  # what is short is worth less than the owners' cost
    ],
)
def test_without_need_nothing_is_raised(need: FundingNeed, lenders: list[Source]) -> None:
    assert solved(need, lenders) == (0.0, [0.0] * len(lenders))


def test_without_sources_the_first_dollar_sets_the_cost() -> None:
    assert solved(FundingNeed(0.0, 10.0, 1.2, 0.05), []) == (pytest.approx(1.15), [])
    # all sources dearer than what a dollar is worth
    assert solved(FundingNeed(5.0, 10.0, 1.0, 0.0), [(9.0, 0.5), (9.0, 0.8)]) == (pytest.approx(0.5), [0.0, 0.0])


def test_an_overdraft_counts_in_full() -> None:
    # lam 1, m* 10, m -10: mu = 2 - 10 mu / 10
    assert solved(FundingNeed(-10.0, 10.0, 1.0, 0.0), [(10.0, 0.0)]) == (pytest.approx(1.0), [pytest.approx(10.0)])


@given(needs, sources, st.floats(0.0, 100.0))
def test_the_balance_agrees_with_a_root_finder(need: FundingNeed, lenders: list[Source], extra: float) -> None:
    mu, amounts = solved(need, lenders, extra)
    assert mu == pytest.approx(root(need, lenders, extra), abs=1e-9)
    assert amounts == pytest.approx([depth * max(mu - cost, 0.0) for depth, cost in lenders], abs=1e-9)


@given(needs, sources, st.permutations(range(4)))
def test_the_order_of_sources_is_without_effect(need: FundingNeed, lenders: list[Source], order: list[int]) -> None:
    kept = [i for i in order if i < len(lenders)]
    mu, amounts = solved(need, lenders)
    mixed, mixed_amounts = solved(need, [lenders[i] for i in kept])
    assert mixed == pytest.approx(mu, abs=1e-12)
    assert mixed_amounts == pytest.approx([amounts[i] for i in kept], abs=1e-9)


@given(needs, sources, st.floats(0.0, 50.0), st.tuples(st.floats(0.0, 50.0), st.floats(0.0, 1.0)))
def test_cash_and_another_source_make_money_cheaper(
    need: FundingNeed, lenders: list[Source], extra: float, another: Source
) -> None:
    mu, amounts = solved(need, lenders)
    richer, fewer = solved(need, lenders, extra)
    assert richer <= mu + 1e-12
    assert sum(fewer) <= sum(amounts) + 1e-9
    assert extra + sum(fewer) >= sum(amounts) - 1e-9  # a dollar crowds out at most a dollar
    crowded, _ = solved(need, [*lenders, another])
    assert crowded <= mu + 1e-12


@settings(max_examples=50)
@given(needs, sources, st.floats(0.0, 300.0))
def test_value_of_money_is_the_integral(need: FundingNeed, lenders: list[Source], equity: float) -> None:
    def marginal(extra: float) -> float:
        money = need.cash_usd_bn + extra + given_at(root(need, lenders, extra), lenders)
        return need.marginal_value * max(1.0 - money / need.target_usd_bn, 0.0)

    # beyond what is short of the target the integrand is nil
    grid = np.linspace(0.0, min(equity, max(need.target_usd_bn - need.cash_usd_bn, 0.0)), 301)
    brute = float(np.trapezoid([marginal(float(extra)) for extra in grid], grid))
    depths, costs = [d for d, _ in lenders], [c for _, c in lenders]
    value = float(value_of_money(need, depths, costs, np.array(equity)))
    assert value == pytest.approx(brute, rel=1e-3, abs=1e-4)


def test_value_of_money_with_one_source_by_hand() -> None:
    # o 0.1, one source of depth 10 at cost 0.4: before it leaves at e = 5, mu = 0.65 - e / 20
    need = FundingNeed(0.0, 10.0, 1.0, 0.1)
    values = value_of_money(need, [10.0], [0.4], np.array([0.0, 5.0, 10.0, 15.0]))
    assert values.tolist() == pytest.approx([0.0, 3.125, 4.375, 4.375])


@given(needs, sources)
def test_value_of_money_rises_ever_more_slowly(need: FundingNeed, lenders: list[Source]) -> None:
    equity = np.linspace(0.0, 300.0, 301)
    values = value_of_money(need, [d for d, _ in lenders], [c for _, c in lenders], equity)
    steps = np.diff(values)
    assert values[0] == 0.0
    assert (steps >= -1e-9).all()
    assert (np.diff(steps) <= 1e-7 * max(need.marginal_value, 1.0) * max(1.0, -need.cash_usd_bn)).all()


def test_depth_makes_equity_worthless_and_dearth_makes_it_dear() -> None:
    need = FundingNeed(0.0, 10.0, 1.2, 0.0)
    values = [float(value_of_money(need, [depth], [0.0], np.array(5.0))) for depth in (1e9, 10.0, 0.0)]
    assert values == [pytest.approx(0.0, abs=1e-6), pytest.approx(4.5 / 2.2, rel=1e-9), pytest.approx(4.5)]


def test_excess_value() -> None:
    need = FundingNeed(0.0, 10.0, 1.5, 0.0)
    assert excess_value(need, np.array([-10.0, 0.0, 5.0, 10.0, 20.0])).tolist() == [3.0, 1.5, 0.75, 0.0, 0.0]
    assert excess_value(FundingNeed(0.0, 0.0, 1.5, 0.0), np.array([-1.0, 1.0])).tolist() == [0.0, 0.0]
