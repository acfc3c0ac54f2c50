"""A hyperscaler: what it owns, what it forecasts, what it orders and what it can offer a lab."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import mesa
import numpy as np
from numpy.typing import NDArray

from market.capacity import Fleet
from market.expectations import adapt, damped_trend
from market.investment import capacity_order, desired_capacity, newsvendor_haircut, option_share
from market.pricing import CostBasis, price_path, user_cost
from market.scenario import Capex, HyperscalerSpec, Scenario


@dataclass(frozen=True, slots=True)
class CapexPlan:
    """A quarter's decision: GW ordered into new and existing shells, and what that costs."""

    desired_gw: float
    wanted_gw: float
    affordable_gw: float


class Hyperscaler(mesa.Agent):
    """Builds capacity, serves itself first, sells the rest, takes stakes in labs.

    State is plain data in USD bn and GW; money itself stands in the market's ledger.
    """

    def __init__(self, model: mesa.Model, name: str, index: int, spec: HyperscalerSpec, scenario: Scenario) -> None:
        super().__init__(model)
        self.name = name
        self.index = index
        self.spec = spec
        self.key = spec.random_key or name
        self.fleet: Fleet | None = None
        self.price = scenario.price.start_usd_bn_per_gw_quarter
        self.utilisation = scenario.capex.utilisation_target
        self.own_need_gw = 0.0
        self.sold_gw = 0.0
        self.own_growth = math.log1p(spec.own_use_growth_per_year) / 4.0
        self.spot_gw = 0.0
        self.spot_growth = 0.0
        self.cash_flow = spec.cash_flow_usd_bn_per_quarter
        self.ai_margin = 0.0
        self.other_capex = 0.0
        self.other_gap = 0.0
        self.timing = 1.0
        self.cloud_revenue = spec.cloud_revenue_usd_bn_per_quarter
        self.cloud_growth = 0.0
        self.cloud_noise = 1.0
        self.cash_flow_growth = math.log1p(spec.cash_flow_growth_per_year) / 4.0
        self.last_order_gw = 0.0

    def plain(self) -> dict[str, Any]:
        """State as plain data, for saving and forking."""
        hidden = {"model", "unique_id", "pos", "spec"}
        return {key: value for key, value in vars(self).items() if key not in hidden and not key.startswith("_")}

    @property
    def capacity(self) -> Fleet:
        """Its fleet."""
        assert self.fleet is not None
        return self.fleet

    def usable_gw(self, availability: float) -> float:
        """Installed capacity that can be used in a quarter."""
        return self.capacity.installed_gw * availability

    def cost_basis(self, scenario: Scenario, build_cost: float, rate: float) -> CostBasis:
        """Its cost of a GW at the quarter's build cost and cost of capital."""
        own = build_cost * self.spec.build_cost_factor
        chips = scenario.capacity.chip_share
        return CostBasis(
            own * chips,
            own * (1.0 - chips),
            scenario.capacity.chip_life_quarters,
            scenario.capacity.shell_life_quarters,
            scenario.capacity.operating_usd_bn_per_gw_quarter,
            rate,
        )

    def observe(self, utilisation: float, spot_gw: float, capex: Capex) -> None:
        """Adapt expectations to a quarter's use: growth of spot sales, utilisation."""
        if self.spot_gw > 0.0 and spot_gw > 0.0:
            seen = max(min(math.log(spot_gw / self.spot_gw), 0.5), -0.5)
            self.spot_growth = adapt(self.spot_growth, seen, capex.expectation_weight)
        self.spot_gw = spot_gw
        self.utilisation = utilisation

    def observe_own_need(self, need_gw: float, weight: float) -> None:
        """Take own use as seen, and adapt its expected growth to it."""
        if self.own_need_gw > 0.0 and need_gw > 0.0:
            seen = max(min(math.log(need_gw / self.own_need_gw), 0.35), -0.1)
            self.own_growth = adapt(self.own_growth, seen, weight)
        self.own_need_gw = need_gw

    def observe_other_capex(self, amount: float) -> None:
        """Level of capex that is not AI, smoothed over what is lumpy: half of a quarter's news counts."""
        self.other_capex = math.sqrt(self.other_capex * amount) if self.other_capex > 0.0 and amount > 0.0 else amount

    def own_path(self, horizon: int, damping: float) -> NDArray[np.float64]:
        """Forecast of its own need, GW by quarter ahead."""
        return damped_trend(self.own_need_gw, self.own_growth, damping, horizon)

    def expected_prices(self, scenario: Scenario, cost: float, horizon: int) -> NDArray[np.float64]:
        """Forecast of its list price: only the anchor to full cost (of merchant capacity) pulls."""
        return np.array(price_path(self.price, cost, scenario.price.markup, scenario.price.anchor, horizon))

    def plan_capex(
        self,
        scenario: Scenario,
        basis: CostBasis,
        committed: NDArray[np.float64],
        uncommitted_gw: float,
        default_prob: float,
    ) -> CapexPlan:
        """Desired capacity at the lead time's horizon, the order it implies, and what can be paid for.

        Commitments count in full; own use by its forecast; own use that can wait, spot sales and the
        share of labs' uncommitted need that comes to this provider by the share worth building for. Contract-backed
        orders are borrowed against up to the loan-to-value of contracts.
        """
        lead, rules = scenario.capacity.lead_quarters, scenario.capex
        spot = float(damped_trend(self.spot_gw, self.spot_growth, rules.trend_damping, lead + 1)[lead])
        own = float(self.own_path(lead + 1, rules.own_use_damping)[lead])
        waiting = rules.own_use_slack * own
        promised = float(committed[lead]) if lead < len(committed) else 0.0
        haircut = self.uncommitted_share(rules, basis)
        desired = desired_capacity(
            promised, own, spot + uncommitted_gw + waiting, default_prob, haircut, rules.utilisation_target
        )
        available = float(self.capacity.path(lead + 1)[lead]) * scenario.capacity.availability
        wanted = capacity_order(desired, available, rules.adjustment) if self.spec.builds else 0.0
        backed = min(promised / desired, 1.0) if desired > 0.0 else 0.0
        budget = self.capex_budget(rules)
        price_of_gw = basis.build_usd_bn_per_gw * (1.0 - self.spec.loan_to_value * backed)
        return CapexPlan(desired, wanted, max(budget, 0.0) / price_of_gw)

    def uncommitted_share(self, rules: Capex, basis: CostBasis) -> float:
        """Share of demand without a contract that it builds for, by the scenario's rule."""
        cost = user_cost(basis)
        if rules.rule == "real_option":
            rate = 4.0 * basis.rate_per_quarter
            return option_share(self.price, cost, rate, rules.option_payout_per_year, rules.option_volatility_per_year)
        return newsvendor_haircut(self.price, cost, rules.spot_demand_sd)

    def capex_budget(self, rules: Capex) -> float:
        """AI capex it can pay for without contract-backed debt, USD bn in a quarter."""
        inflow = self.cash_flow + max(self.ai_margin, 0.0)
        return rules.cash_flow_share * inflow - self.other_capex


def buildable_gw(
    spare_gw: float, budget: float, loan_to_value: float, cost_per_gw: float, quarters: int, supply_gw: float
) -> float:
    """Capacity that a provider can promise: what is spare, plus what it can fund and get over some quarters.

    What is promised or claimed already beyond capacity (a negative spare) comes off first.

    Contract-backed builds need only the part that is not borrowed: free cash / (1 - LTV) / cost.
    Limited by the world supply of the same quarters.

    >>> buildable_gw(1.0, 10.0, 0.5, 20.0, 4, 100.0)
    5.0
    """
    funded = max(budget, 0.0) * quarters / ((1.0 - loan_to_value) * cost_per_gw)
    return max(spare_gw + min(funded, supply_gw * quarters), 0.0)
