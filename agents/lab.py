"""An AI lab: what it needs, what it is worth, what its money costs and when it opens talks."""

from __future__ import annotations

import math
from typing import Any

import mesa
import numpy as np
from numpy.typing import NDArray

from market.expectations import adapt, damped_trend
from market.funding import FundingNeed
from market.ownership import CapTable
from market.scenario import Labs, LabSpec, Scenario
from market.training import Generation, training_need
from market.valuation import lab_value


class Lab(mesa.Agent):
    """Trains generations, serves demand, raises money and signs for compute.

    State is plain data in USD bn and GW; money itself stands in the market's ledger.
    """

    def __init__(self, model: mesa.Model, name: str, index: int, spec: LabSpec) -> None:
        super().__init__(model)
        self.name = name
        self.index = index
        self.spec = spec
        self.key = spec.random_key or name
        self.active = False
        self.generation = Generation(0, spec.compute_effective)
        self.quality_log = 0.0
        self.appeal_log = 0.0
        self.training_gw = spec.training_gw
        self.demand_usd_bn_per_year = 0.0
        self.demand_scale = 1.0
        self.inference_gw = 0.0
        self.revenue = 0.0
        self.smoothed_revenue = 0.0
        self.growth = 0.15
        self.value = 0.0
        self.value_scale = 1.0
        self.burn = 0.0
        self.target_cash = 0.0
        self.credit_target = 0.0
        self.cost_of_money = 0.0
        self.arrears_quarters = 0
        self.last_talks = -1000
        self.cap_table = CapTable({"Founders and staff": 1.0})
        self.enterprise_share = 0.5

    def plain(self) -> dict[str, Any]:
        """State as plain data, for saving and forking."""
        hidden = {"model", "unique_id", "pos", "spec"}
        return {key: value for key, value in vars(self).items() if key not in hidden and not key.startswith("_")}

    @property
    def integrated(self) -> bool:
        """Whether a hyperscaler owns it."""
        return bool(self.spec.owner)

    @property
    def capability(self) -> float:
        """Log of the effective training compute behind its released generation, with that release's luck."""
        return math.log(self.generation.released_compute) + self.quality_log

    def update_expectations(self, weight: float) -> None:
        """Adapt expected growth to the demand addressed to the lab; smooth its run-rate."""
        run_rate = self.demand_usd_bn_per_year
        if self.smoothed_revenue > 0.0 and run_rate > 0.0:
            seen = max(min(math.log(run_rate / self.smoothed_revenue) / 2.0, 0.35), -0.35)
            self.growth = adapt(self.growth, seen, weight)
            self.smoothed_revenue = math.sqrt(self.smoothed_revenue * run_rate)
        else:
            self.smoothed_revenue = run_rate

    def update_value(self, rules: Labs, latent_usd_bn_per_year: float) -> None:
        """Value the lab on smoothed demand, or on a share of latent demand while it is young, if it sells at all."""
        young = rules.young_share * latent_usd_bn_per_year if self.spec.sells else 0.0
        base = max(self.smoothed_revenue, young)
        weight, cap = rules.value_growth_weight, rules.value_growth_cap
        ordinary = lab_value(base, 4.0 * self.growth, rules.value_multiple, weight, cap)
        distress = self.spec.distress_value_factor if self.arrears_quarters > 0 else 1.0
        self.value_scale **= rules.value_persistence
        self.value = ordinary * self.value_scale * distress

    def update_needs(
        self,
        scenario: Scenario,
        price: float,
        revenue_per_gw_year: float,
        cash: float,
        relative: float,
        owned_gw: float,
        rented_gw: float,
    ) -> None:
        """Set this quarter's need of inference and training.

        An integrated lab trains on a share of its owner's own use and on what it has rented besides.
        """
        rules = scenario.training
        self.inference_gw = self.demand_usd_bn_per_year / (revenue_per_gw_year * self.spec.revenue_per_gw_factor)
        if self.integrated:
            self.training_gw = rules.integrated_share * owned_gw + rented_gw
            return
        runway = cash / self.burn if self.burn > 0.0 else math.inf
        growth_max = rules.growth_max_per_quarter + rules.catch_up_per_quarter * (1.0 - min(relative, 1.0))
        scaled = min(runway / rules.runway_full_quarters, 1.0)
        self.training_gw = training_need(
            self.training_gw, self.value, price, rules.budget_per_year * self.spec.training_factor, growth_max, scaled
        )
        if self.arrears_quarters > 0:
            self.training_gw *= 0.5

    @property
    def need_gw(self) -> float:
        """Compute it wants this quarter."""
        return self.inference_gw + self.training_gw

    def need_path(self, horizon: int, damping: float, belief: float = 0.0) -> NDArray[np.float64]:
        """Forecast of its need, GW by quarter ahead: a damped trend, plus what a side believes besides."""
        return damped_trend(self.need_gw, max(self.growth + belief, 0.0), damping, horizon)

    def funding_need(self, scenario: Scenario, cash: float, commitments_next_year: float) -> FundingNeed:
        """Its demand for money: a runway of burn, growing as expected, or what creditors ask against commitments.

        Cash counts as it will stand after the quarter's burn.
        """
        rules, funding = scenario.labs_common, scenario.funding
        margin = max(self.revenue - rules.operating_share * self.revenue, 0.0) * 4.0
        credit = rules.commitment_cover * max(commitments_next_year - margin, 0.0)
        self.credit_target = credit
        ahead = max(round(rules.runway_target_quarters), 1)
        growing = damped_trend(self.burn, max(self.growth, 0.0), scenario.capex.trend_damping, ahead + 1)[1:]
        runway = rules.runway_target_quarters * float(growing.mean())
        self.target_cash = max(runway, credit)
        return FundingNeed(cash - self.burn, self.target_cash, funding.marginal_value, funding.owner_cost)

    def opens_talks(
        self, quarter: int, need: NDArray[np.float64], contracted: NDArray[np.float64], scenario: Scenario
    ) -> bool:
        """The (s,S) rule: cover at the horizon below the threshold, and a pause since the last talks."""
        rules = scenario.negotiation
        ahead = rules.coverage_horizon_quarters
        if not self.active or self.integrated or self.arrears_quarters > 0 or self.value <= 0.0:
            return False
        if quarter - self.last_talks < rules.pause_quarters or need[ahead] <= 0.0:
            return False
        return bool(contracted[ahead] < rules.coverage_threshold * need[ahead])
