from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from agents.hyperscaler import CapexPlan, Hyperscaler, buildable_gw
from cloudpact.model import CloudMarket
from market.pricing import CostBasis
from market.scenario import Scenario

BASIS = CostBasis(18.0, 9.0, 20, 68, 0.3, 0.025)
NONE = np.zeros(8)


def north(**changes: Any) -> tuple[Hyperscaler, Scenario]:
    """A provider of 1 GW without own use, spot sales or other business's capex."""
    scenario = Scenario.load("tiny").with_({key.replace("__", "."): value for key, value in changes.items()})
    provider = CloudMarket(scenario, rng=1).provider_by_name["North"]
    provider.own_need_gw = provider.spot_gw = provider.other_capex = 0.0
    provider.capacity.deliver(provider.capacity.first)
    return provider, scenario


def plan(committed: float, uncommitted: float, default: float = 0.0, **changes: Any) -> CapexPlan:
    provider, scenario = north(**changes)
    path = np.full(scenario.capacity.lead_quarters + 1, committed)
    return provider.plan_capex(scenario, BASIS, path, uncommitted, default)


def test_a_plan_by_hand() -> None:
    # committed 4 at default .1 over a target of .8; what is there after the lead time is (20 - 4)/20 of 1 GW x .95
    found = plan(4.0, 0.0, 0.1, capex__utilisation_target=0.8, capex__adjustment=0.5)
    assert found.desired_gw == pytest.approx(4.5)
    assert found.wanted_gw == pytest.approx(0.5 * (4.5 - 0.95 * 0.8))
    # 90 % of a cash flow of 20; 4 of 4.5 GW are backed by contracts at a loan-to-value of .3
    assert found.affordable_gw == pytest.approx(18.0 / (27.0 * (1.0 - 0.3 * 4.0 / 4.5)))


def test_commitments_count_for_more_than_the_same_demand_uncommitted() -> None:
    committed, spot = plan(4.0, 0.0), plan(0.0, 4.0)
    assert committed.desired_gw > spot.desired_gw
    assert committed.wanted_gw > spot.wanted_gw
    assert committed.affordable_gw > spot.affordable_gw  # contracts are collateral
    # the nearer default, the less so
    assert plan(4.0, 0.0, 0.3).wanted_gw < committed.wanted_gw


def test_without_collateral_commitments_buy_no_more() -> None:
    change = {"hyperscalers__North__loan_to_value": 0.0}
    assert plan(4.0, 0.0, **change).affordable_gw == pytest.approx(plan(0.0, 4.0, **change).affordable_gw)
    debt = {"hyperscalers__North__loan_to_value": 0.9}
    assert plan(4.0, 0.0, **debt).affordable_gw > 2.0 * plan(0.0, 4.0, **debt).affordable_gw


def test_a_landlord_that_does_not_build_orders_nothing() -> None:
    assert plan(4.0, 4.0, hyperscalers__North__builds=False).wanted_gw == 0.0


def test_no_demand_no_order() -> None:
    assert plan(0.0, 0.0).wanted_gw == 0.0


@pytest.mark.parametrize(
    ("spare", "budget", "loan", "supply", "expected"),
    [
        (1.0, 10.0, 0.5, 100.0, 5.0),  # 1 + 4 x 10 / (.5 x 20)
        (1.0, 10.0, 0.0, 100.0, 3.0),
        (1.0, 10.0, 0.5, 0.25, 2.0),  # the world's supply of four quarters
        (1.0, -5.0, 0.5, 100.0, 1.0),  # nothing to spend
        (-2.0, 10.0, 0.5, 100.0, 2.0),  # promised already
        (-9.0, 10.0, 0.5, 100.0, 0.0),
    ],
)
def test_buildable_capacity(spare: float, budget: float, loan: float, supply: float, expected: float) -> None:
    assert buildable_gw(spare, budget, loan, 20.0, 4, supply) == pytest.approx(expected)


def test_expected_prices_return_to_full_cost() -> None:
    provider, scenario = north()
    path = provider.expected_prices(scenario, 2.0, 200)
    assert path[0] == provider.price
    settled = scenario.price.markup * 2.0
    assert path[-1] == pytest.approx(settled, rel=1e-5)
    assert (np.diff(path) * np.sign(settled - path[0]) >= -1e-12).all()


def test_own_use_is_a_damped_trend() -> None:
    provider, _ = north()
    provider.own_need_gw, provider.own_growth = 2.0, 0.1
    path = provider.own_path(3, 0.5)
    assert path.tolist() == pytest.approx([2.0, 2.0 * math.exp(0.05), 2.0 * math.exp(0.075)])
