"""adopt_and_choose: enterprises adopt and renew, consumers choose, demand addresses labs and clouds."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from market.demand import approach, latent_demand, split_consumers
from market.sums import total, totals

if TYPE_CHECKING:
    from cloudpact.model import CloudMarket


def adopt_and_choose(market: CloudMarket) -> None:
    """Move latent demand, let enterprises and consumers choose, address demand to labs."""
    _grow_demand(market)
    _walk_appeal(market)
    _consumers(market)
    _enterprises(market)
    flows = market.flows
    scale = np.array([lab.demand_scale for lab in market.labs])
    raw = flows.consumer_usd_bn + flows.enterprise_usd_bn
    demand = 4.0 * raw * scale
    if total(raw) > 0.0:
        # what disclosed run-rates add to the level counts against saturation too
        market.observed_scale = total(raw * scale) / total(raw)
    for lab in market.labs:
        lab.demand_usd_bn_per_year = float(demand[lab.index])
        paid = float(raw[lab.index])
        lab.enterprise_share = float(flows.enterprise_usd_bn[lab.index]) / paid if paid > 0.0 else 0.0


def _grow_demand(market: CloudMarket) -> None:
    rules, draws = market.parameters.demand, market.draws
    frontier = max((lab.generation.released_compute for lab in market.labs if lab.active), default=0.0)
    saturation, elasticity = rules.saturation_usd_bn_per_year * draws.demand_level, rules.elasticity * draws.elasticity
    target = latent_demand(frontier, saturation, rules.half_compute, elasticity, rules.form)
    luck = market.normal("demand", rules.volatility_per_quarter)
    market.latent = target * market.conditions.demand
    before = market.spending * market.observed_scale
    after = approach(before, market.latent, rules.adjustment_per_quarter) * math.exp(luck)
    market.spending_growth = after / before - 1.0 if before > 0.0 else 0.0
    market.spending = after / market.observed_scale


def _walk_appeal(market: CloudMarket) -> None:
    sd = market.parameters.demand.appeal_volatility_per_quarter
    for lab in market.labs:
        if lab.active:
            lab.appeal_log += market.normal("appeal", sd, lab.key)


def _consumers(market: CloudMarket) -> None:
    rules = market.parameters.demand
    utility = np.full(len(market.labs), -np.inf)
    for lab in market.labs:
        if lab.active and lab.spec.sells:
            utility[lab.index] = lab.spec.consumer_appeal + lab.appeal_log
            utility[lab.index] += rules.consumer_capability_weight * lab.capability
    market.consumer_shares = split_consumers(
        market.consumer_shares, utility, market.spending_growth, rules.consumer_churn_per_quarter
    )
    market.flows.consumer_usd_bn = market.consumer_shares * (market.spending * rules.consumer_share / 4.0)


def _long_tail(market: CloudMarket) -> NDArray[np.float64]:
    """Compute that other AI customers rent, (providers,): it follows AI spending, the price, and who has capacity."""
    rules = market.parameters.demand
    elasticity = market.parameters.price.spot_elasticity
    cheaper = [(market.price / provider.price) ** elasticity for provider in market.providers]
    open_to_all = [p.capacity.installed_gw * (1.0 - p.spec.own_use_share) * p.spec.sells for p in market.providers]
    size: NDArray[np.float64] = np.array(open_to_all) * np.array(cheaper)
    if total(size) <= 0.0:
        return size
    cheap = (market.parameters.price.start_usd_bn_per_gw_quarter / market.price) ** rules.long_tail_elasticity
    inference = market.spending * market.observed_scale / market.revenue_per_gw_year
    wanted = rules.long_tail_gw_per_gw * inference * cheap
    return np.asarray(wanted * size / total(size))


def reachable(market: CloudMarket) -> NDArray[np.bool_]:
    """Which lab can be bought on which cloud, (labs + open models, providers + other clouds).

    A lab is on every cloud with which it has a running deal or where it is at home; an exclusive
    clause keeps it on that cloud alone; an integrated lab is on its owner's. Open models are on all
    that sell.
    """
    table = np.zeros((len(market.labs) + 1, len(market.provider_names)), dtype=bool)
    table[-1] = [*(provider.spec.sells for provider in market.providers), True]
    for deal in market.book.running():
        row, column = market.provider_row.get(deal.terms.provider), market.lab_column.get(deal.terms.lab)
        if row is not None and column is not None:
            table[column, row] = True
    for lab in market.labs:
        hosts = [name for name in (lab.spec.home, lab.spec.owner) if name]
        for name in hosts:
            table[lab.index, market.provider_row[name]] = True
        exclusive = market.exclusive_hosts(lab)
        if exclusive:
            table[lab.index] = False
            for name in exclusive:
                table[lab.index, market.provider_row[name]] = True
        if not (lab.active and lab.spec.sells):
            table[lab.index] = False
    return table


def enterprise_utilities(market: CloudMarket) -> NDArray[np.float64]:
    """Utility by (segment, lab or open models): appeal, capability, price."""
    rules = market.parameters.enterprises
    frontier = max((lab.capability for lab in market.labs if lab.active), default=0.0)
    base = np.zeros(len(market.labs) + 1)
    price_log = np.zeros(len(market.labs) + 1)
    base[-1] = rules.open_models_utility
    for lab in market.labs:
        base[lab.index] = (
            lab.spec.enterprise_appeal + lab.appeal_log + rules.capability_weight * (lab.capability - frontier)
        )
        price_log[lab.index] = math.log(lab.spec.price_factor)
    sensitivity = np.linspace(0.5, 1.5, rules.segments) if rules.segments > 1 else np.ones(1)
    return np.asarray(base - rules.price_weight * sensitivity[:, None] * price_log)


def _enterprises(market: CloudMarket) -> None:
    rules, demand = market.parameters.enterprises, market.parameters.demand
    market.reach = reachable(market)
    outcome = market.population.quarter(
        market.tick,
        utility=enterprise_utilities(market),
        reach=market.reach,
        friction=rules.cloud_friction * market.conditions.egress,
        switching_cost=rules.model_switching_cost * market.conditions.interoperability,
    )
    spend = market.spending * (1.0 - demand.consumer_share) / 4.0
    flows = market.flows
    usage = outcome.usage * spend
    flows.enterprise_usd_bn = totals(usage[:-1], axis=1)
    flows.open_asked_gw = 4.0 * usage[-1, :-1] / market.revenue_per_gw_year + _long_tail(market)
    flows.adoption_frac = outcome.adopted_frac
    flows.off_incumbent_frac = outcome.off_incumbent_frac
    flows.cloud_switching_frac = outcome.cloud_switched_frac
    flows.model_switching_frac = outcome.model_switched_frac
    columns = market.population.columns
    weights = np.bincount(columns.cloud, weights=columns.weight, minlength=len(market.provider_names))
    market.incumbent_weights = weights / total(weights)
