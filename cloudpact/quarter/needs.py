"""plan_needs: labs see their demand, value, compute need and need of money; outside money is priced."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from agents.lab import Lab
from market.funding import solve_funding
from market.sums import total, totals

if TYPE_CHECKING:
    from cloudpact.model import CloudMarket


# As far ahead as contracts that are signed greenfield reach their full capacity.
COMMITTED_QUARTERS = 20


def plan_needs(market: CloudMarket) -> None:
    """Update expectations, value, need and the price of outside money of every lab."""
    _observe_run_rates(market)
    rules = market.parameters
    frontier = max((lab.generation.released_compute for lab in market.labs if lab.active), default=1.0)
    for lab in _active(market):
        lab.update_expectations(rules.capex.expectation_weight)
        lab.update_value(rules.labs_common, market.latent)
    _observe_values(market)
    _move_appetite(market)
    promised = market.book.promised_path(market.quarter, COMMITTED_QUARTERS)
    for lab in _active(market):
        cash = market.ledger.cash_usd_bn(lab.name)
        relative = lab.generation.released_compute / frontier
        owned = market.provider_by_name[lab.spec.owner].own_need_gw if lab.integrated else 0.0
        rented = total(promised[:, lab.index, 0])
        lab.update_needs(rules, market.price, market.revenue_per_gw_year, cash, relative, owned, rented)
        commitments = 4.0 * market.price * float(totals(promised[:, lab.index], axis=0).max())
        need = lab.funding_need(rules, cash, commitments)
        market.funding_needs[lab.name] = need
        _, depths, costs = money_sources(market, lab)
        mu, _ = solve_funding(need, depths, costs)
        lab.cost_of_money = 0.0 if lab.integrated else float(mu)


def _active(market: CloudMarket) -> list[Lab]:
    return [lab for lab in market.labs if lab.active]


def _observe_run_rates(market: CloudMarket) -> None:
    """While history lasts, a disclosed run-rate re-initialises the demand addressed to the lab at its quarter."""
    for lab in _active(market):
        run_rate = market.observed_run_rate(lab.name)
        if run_rate is not None and lab.demand_usd_bn_per_year > 0.0:
            factor = run_rate / lab.demand_usd_bn_per_year
            lab.demand_scale *= factor
            lab.demand_usd_bn_per_year = run_rate


def _observe_values(market: CloudMarket) -> None:
    """While history lasts, a disclosed valuation replaces the formula's at its quarter and fades after it."""
    for lab in _active(market):
        value = market.observed_value(lab.name)
        if value is not None and lab.value > 0.0:
            lab.value_scale *= value / lab.value
            lab.value = value


def _move_appetite(market: CloudMarket) -> None:
    """Outside investors' appetite follows the labs' total value slowly, with luck."""
    rules = market.parameters.funding
    worth = sum(lab.value for lab in _active(market) if not lab.integrated)
    luck = math.exp(market.normal("appetite", rules.appetite_volatility))
    if market.appetite <= 0.0:
        market.appetite = worth
    market.appetite = max(market.appetite + rules.appetite_adjustment * (worth * luck - market.appetite), 0.0)


def money_sources(market: CloudMarket, lab: Lab) -> tuple[tuple[str, ...], tuple[float, ...], tuple[float, ...]]:
    """Who may lend itself to a lab besides providers: names, depths B_i in USD bn, costs c_i."""
    rules = market.parameters.funding
    if lab.integrated or lab.value <= 0.0:
        return (), (), ()
    share = lab.value / sum(other.value for other in _active(market) if not other.integrated)
    names, depths, costs = ["Outside investors"], [], []
    depths.append(rules.investor_depth * market.appetite * market.conditions.investors * share)
    costs.append(rules.investor_cost)
    for name in market.investing_suppliers:
        names.append(name)
        depths.append(rules.supplier_depth * market.supplier_cash_flow.get(name, 0.0) * share)
        costs.append(rules.supplier_cost)
    return tuple(names), tuple(depths), tuple(costs)
