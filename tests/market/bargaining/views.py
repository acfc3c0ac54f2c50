"""One lab and one provider with round numbers, for tests of utilities and talks."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from market.bargaining.problem import Problem
from market.bargaining.protocols import Table
from market.bargaining.utilities import Evaluation
from market.bargaining.views import Grid, LabView, ProviderView, Weights
from market.deals import Exclusivity, Trigger
from market.funding import FundingNeed
from market.pricing import CostBasis

HORIZON = 40
NONE, PRIMARY, FIRST_REFUSAL, EXCLUSIVE = Exclusivity
UPFRONT, STAGED = (1.0, Trigger.DATE), (0.25, Trigger.GW_LIVE)

WEIGHTS = Weights(
    discounting=0.03,
    need_volatility=0.12,
    lock_in=0.05,
    exposure=0.08,
    optimism=0.05,
    owner_cost=0.05,
    pull_through_margin=0.25,
    pull_through_multiple=0.6,
    second_source=0.04,
    resale=0.6,
    fixed_cost=0.01,
    equity_fixed_cost=0.004,
    capture=0.02,
)

GRID = Grid(
    gw=(0.25, 0.5, 1.0),
    terms=(8, 20),
    take_or_pay=(0.6, 0.95),
    clauses=(NONE, PRIMARY, FIRST_REFUSAL, EXCLUSIVE),
    discounts=(0.0, 0.1, 0.25),
    equity=(0.0, 4.0, 10.0),
    staging=(STAGED, UPFRONT),
)
# every issue with several levels, every trigger among them
RICH: dict[str, Any] = {
    "staging": ((0.25, Trigger.GW_LIVE), (0.25, Trigger.REVENUE), (0.5, Trigger.VALUATION), UPFRONT),
    "warrants": (0.0, 0.05),
    "revenue_shares": (0.0, 0.02),
}


def lab(**changes: Any) -> LabView:
    base = LabView(
        name="Ada",
        need_gw=np.linspace(1.0, 3.0, HORIZON),
        contracted_gw=np.where(np.arange(HORIZON) < 12, 0.8, 0.0),
        compute_value_usd_bn_per_gw_quarter=2.5,
        spot_fill_frac=0.8,
        spot_premium=0.1,
        value_usd_bn=100.0,
        own_value_usd_bn=105.0,
        funding=FundingNeed(2.0, 12.0, 1.2, 0.05),
        depths=(20.0, 5.0),
        costs=(0.04, 0.1),
        runway_quarters=3.0,
        default_prob_per_quarter=0.01,
        enterprise_revenue_usd_bn_per_quarter=2.0,
        yearly_compute_usd_bn=12.0,
        revenue_usd_bn_per_quarter=np.linspace(2.0, 6.0, HORIZON),
        weight=0.5,
    )
    return replace(base, **changes)


def provider(**changes: Any) -> ProviderView:
    base = ProviderView(
        name="North",
        price_usd_bn_per_gw_quarter=3.0,
        expected_price=np.asarray(3.0 * 0.99 ** np.arange(HORIZON), dtype=float),
        basis=CostBasis(18.0, 9.0, 20, 68, 0.3, 0.025),
        user_cost_usd_bn_per_gw_quarter=2.0,
        lead_quarters=4,
        ramp_quarters=4,
        buildable_gw=0.6,
        power_gw=math.inf,
        rival_room_gw=math.inf,
        alone_gw=np.full(HORIZON, 1.4),
        with_lab_gw=np.where(np.arange(HORIZON) < 12, 0.5, 0.0),
        lab_backlog_usd_bn=10.0,
        total_backlog_usd_bn=40.0,
        capital_usd_bn=100.0,
        equity_depth_usd_bn=30.0,
        equity_cost=0.12,
        equity_room_usd_bn=8.0,
        equity_promised_usd_bn=0.0,
        stake_frac=0.1,
        stake_cap=1.0,
        incumbent_share=0.3,
        reachable=False,
        exposure_factor=1.0,
    )
    return replace(base, **changes)


def weights(**changes: Any) -> Weights:
    return replace(WEIGHTS, **changes)


def grid(**changes: Any) -> Grid:
    return replace(GRID, **changes)


def one(gw: float = 1.0, **changes: Any) -> Grid:
    """A grid of one plain outcome, unless changed: no clause, no discount, no money, full take-or-pay."""
    plain: dict[str, Any] = {"gw": (gw,), "terms": (20,), "take_or_pay": (1.0,), "clauses": (NONE,)}
    return grid(**{**plain, "discounts": (0.0,), "equity": (0.0,), "staging": (UPFRONT,), **changes})


def problem(**changes: Any) -> Problem:
    base = Problem(lab=lab(), provider=provider(), grid=grid(), weights=weights())
    return replace(base, **changes)


def table_of(problem: Problem, evaluation: Evaluation) -> Table:
    """The pair's utilities outcome by outcome; minus infinity where a constraint forbids."""
    feasible = evaluation.feasible.ravel()
    return Table(
        lab=np.where(feasible, evaluation.lab_total.ravel(), -np.inf),
        provider=np.where(feasible, evaluation.provider_total.ravel(), -np.inf),
        lab_weight=problem.lab.weight,
        threat=problem.threat,
        floors=problem.floors,
        luck=problem.luck,
    )
