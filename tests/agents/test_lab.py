from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from agents.lab import Lab
from cloudpact.model import CloudMarket
from market.scenario import Scenario


def ada(**changes: Any) -> tuple[Lab, Scenario]:
    scenario = Scenario.load("tiny").with_({key.replace("__", "."): value for key, value in changes.items()})
    lab = CloudMarket(scenario, rng=1).lab_by_name["Ada"]
    lab.active = True
    return lab, scenario


def test_value_by_hand() -> None:
    lab, scenario = ada(labs_common__value_multiple=8.0, labs_common__value_growth_weight=0.8)
    lab.smoothed_revenue, lab.growth = 2.0, 0.1
    lab.update_value(scenario.labs_common, 10.0)
    assert lab.value == pytest.approx(16.0 * math.exp(0.8 * 0.4))
    lab.arrears_quarters = 1
    lab.update_value(scenario.labs_common, 10.0)
    assert lab.value == pytest.approx(0.6 * 16.0 * math.exp(0.32))  # a down round


def test_a_young_lab_is_worth_a_share_of_latent_demand() -> None:
    lab, scenario = ada(labs_common__value_multiple=8.0, labs_common__young_share=0.01)
    lab.growth = 0.0
    lab.update_value(scenario.labs_common, 100.0)
    assert lab.value == pytest.approx(8.0)


def test_a_disclosed_value_fades() -> None:
    lab, scenario = ada(labs_common__value_persistence=0.5)
    lab.smoothed_revenue, lab.growth, lab.value_scale = 1.0, 0.0, 16.0
    seen = []
    for _ in range(3):
        lab.update_value(scenario.labs_common, 0.0)
        seen.append(lab.value / scenario.labs_common.value_multiple)
    assert seen == pytest.approx([4.0, 2.0, math.sqrt(2.0)])


def test_expected_growth_follows_demand() -> None:
    lab, _ = ada()
    lab.growth, lab.smoothed_revenue = 0.0, 1.0
    for quarter in range(1, 60):
        lab.demand_usd_bn_per_year = math.exp(0.05 * quarter)
        lab.update_expectations(0.3)
    assert lab.growth == pytest.approx(0.05, abs=1e-4)


@pytest.mark.parametrize(
    ("contracted", "since_talks", "arrears", "opens"),
    [(0.89, 2, 0, True), (0.91, 2, 0, False), (0.0, 1, 0, False), (0.0, 2, 1, False), (0.0, 50, 0, True)],
)
def test_talks_open_by_cover_and_pause(contracted: float, since_talks: int, arrears: int, opens: bool) -> None:
    lab, scenario = ada(negotiation__coverage_threshold=0.9, negotiation__pause_quarters=2)
    lab.last_talks, lab.arrears_quarters, lab.value = 8100 - since_talks, arrears, 10.0
    need, covered = np.full(10, 2.0), np.zeros(10)
    covered[scenario.negotiation.coverage_horizon_quarters] = 2.0 * contracted
    assert lab.opens_talks(8100, need, covered, scenario) is opens


def test_the_need_of_money_is_a_runway_or_what_creditors_ask() -> None:
    lab, scenario = ada(labs_common__runway_target_quarters=6.0, labs_common__commitment_cover=0.5)
    lab.growth, lab.burn, lab.revenue = 0.0, 2.0, 1.0
    runway = lab.funding_need(scenario, 20.0, 0.0)
    assert (runway.target_usd_bn, runway.cash_usd_bn) == (pytest.approx(12.0), pytest.approx(18.0))
    # commitments of 40 less a margin of 65 % of 4
    credit = lab.funding_need(scenario, 20.0, 40.0)
    assert credit.target_usd_bn == pytest.approx(0.5 * 37.4)


def test_a_lab_that_burns_nothing_and_owes_nothing_needs_no_money() -> None:
    lab, scenario = ada()
    assert lab.funding_need(scenario, 1.0, 0.0).target_usd_bn == 0.0


def test_need_is_inference_and_training() -> None:
    lab, scenario = ada(training__runway_full_quarters=4.0, training__budget_per_year=0.025)
    lab.demand_usd_bn_per_year, lab.value, lab.training_gw, lab.burn = 10.0, 480.0, 1.0, 1.0
    lab.update_needs(scenario, 3.0, 20.0, 8.0, 1.0, 0.0, 0.0)
    assert (lab.inference_gw, lab.training_gw, lab.need_gw) == (
        pytest.approx(0.5),
        pytest.approx(1.0),
        pytest.approx(1.5),
    )
    lab.update_needs(scenario, 3.0, 20.0, 3.0, 1.0, 0.0, 0.0)  # three quarters of runway of four
    assert lab.training_gw == pytest.approx(0.75)
