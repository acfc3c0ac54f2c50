"""Putting a market together from its scenario, and what phases ask of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from market.bargaining.views import Weights
from market.calendar import quarter_index
from market.disclosed import DisclosedDeal
from market.facts import Facts
from market.randomness import stream
from market.scenario import Scenario
from market.sums import total

if TYPE_CHECKING:
    from cloudpact.model import CloudMarket

BIG_FOUR = ("Amazon", "Microsoft", "Google", "Meta")


@dataclass(frozen=True, slots=True)
class Draws:
    """A replicate's draws of what nobody knows; all one while history lasts."""

    demand_level: float = 1.0
    elasticity: float = 1.0
    supply_growth: float = 1.0
    own_use_growth: float = 1.0
    build_cost: float = 1.0
    revenue_per_gw: float = 1.0


def draw_uncertainty(scenario: Scenario, seed: int, replicate: int) -> Draws:
    """Log-normal factors with median one, each from its own stream."""
    rules = scenario.uncertainty

    def factor(name: str, sd: float) -> float:
        return math.exp(rules.scale * sd * float(stream(seed, replicate, f"uncertainty.{name}", 0).standard_normal()))

    return Draws(
        demand_level=factor("demand_level", rules.demand_level),
        elasticity=factor("elasticity", rules.elasticity),
        supply_growth=factor("supply_growth", rules.supply_growth),
        own_use_growth=factor("own_use_growth", rules.own_use_growth),
        build_cost=factor("build_cost", rules.build_cost),
        revenue_per_gw=factor("revenue_per_gw", rules.revenue_per_gw),
    )


def until(text: str, first: int) -> int:
    """Last quarter of a part of history, or the quarter before the first for `none`."""
    return first - 1 if text == "none" else quarter_index(text)


def component_weights(scenario: Scenario) -> Weights:
    """Sizes of the utility components from the scenario."""
    rules = scenario.negotiation
    return Weights(
        discounting=rules.discounting_per_quarter,
        need_volatility=rules.need_volatility,
        lock_in=rules.lock_in_weight,
        exposure=rules.exposure_weight,
        optimism=rules.optimism,
        owner_cost=scenario.funding.owner_cost,
        pull_through_margin=rules.pull_through_margin,
        pull_through_multiple=rules.pull_through_multiple,
        second_source=rules.second_source_value,
        resale=rules.resale_frac,
        fixed_cost=rules.fixed_cost_share,
        equity_fixed_cost=rules.equity_fixed_cost_share,
        capture=rules.capture_frac,
        revenue_share_quarters=rules.revenue_share_quarters,
        commitment_cover=scenario.labs_common.commitment_cover,
        obsolescence_per_year=rules.obsolescence_per_year,
    )


@dataclass(slots=True)
class History:
    """Facts as the market may see them: nothing dated after the origin of its kind."""

    disclosed: dict[int, list[DisclosedDeal]]
    capex: dict[str, dict[int, float]]
    cloud: dict[str, dict[int, float]]
    run_rates: dict[str, dict[int, float]]
    values: dict[str, dict[int, float]]

    @classmethod
    def empty(cls) -> History:
        """A world without facts."""
        return cls({}, {}, {}, {}, {})


def read_history(scenario: Scenario, facts: Facts, deals_until: int, capex_until: int, states_until: int) -> History:
    """Everything of the facts that a scenario imposes, read at the origin of each kind."""
    history = History.empty()
    price = scenario.price.start_usd_bn_per_gw_quarter
    for deal in facts.known_at(deals_until).disclosed_deals(lambda _quarter: price):
        history.disclosed.setdefault(deal.quarter, []).append(deal)
    money = facts.known_at(capex_until)
    for name in scenario.hyperscalers:
        history.capex[name] = _series(money.capex, name)
        history.cloud[name] = _series(money.cloud_revenue, name)
    states = facts.known_at(states_until)
    for name in scenario.labs:
        history.run_rates[name] = _targets(states, name, "annualised_revenue_usd_bn")
        history.values[name] = _targets(states, name, "valuation_usd_bn")
    return history


def _series(read: object, name: str) -> dict[int, float]:
    from market.fact_rows import FactsError

    try:
        return dict(read(name))  # type: ignore[operator]
    except FactsError:
        return {}  # a company that the facts do not know is on its own


def _targets(facts: Facts, lab: str, measure: str) -> dict[int, float]:
    """Observations good enough to aim at; the last of a quarter stands."""
    from market.fact_rows import FactsError

    try:
        return {each.quarter: each.value for each in facts.lab_series(lab, measure) if each.is_target}
    except FactsError:
        return {}


def open_accounts(market: CloudMarket) -> None:
    """Enter every party that is there from the start."""
    ledger = market.ledger
    for account in ("External", "Consumers", "Enterprises", "Outside investors", "Other clouds"):
        ledger.open(account)
    for name in market.supplier_names:
        ledger.open(name)
    for provider in market.providers:
        spec = provider.spec
        property_ = spec.capacity_gw * market.parameters.capacity.build_cost_usd_bn_per_gw * spec.build_cost_factor
        ledger.open(provider.name, cash=spec.cash_usd_bn, property=property_, debt=spec.debt_usd_bn)


def incumbents(scenario: Scenario) -> np.ndarray:
    """Enterprises' incumbent clouds at the start: shares of the hyperscalers and, last, other clouds."""
    shares = np.array([spec.cloud_share if spec.sells else 0.0 for _, spec in by_key(scenario.hyperscalers)])
    return np.append(shares, max(1.0 - total(shares), 0.0))


def by_key[S](specs: dict[str, S]) -> list[tuple[str, S]]:
    """Entities in the order of the names under which they draw luck, so that listing order is without effect."""
    return sorted(specs.items(), key=lambda item: getattr(item[1], "random_key", "") or item[0])
