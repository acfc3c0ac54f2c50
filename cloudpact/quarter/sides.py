"""What a lab and a provider bring to the quarter's talks: their forecasts, means and limits as frozen views."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from agents.hyperscaler import Hyperscaler, buildable_gw
from agents.lab import Lab
from cloudpact.quarter.needs import money_sources
from market.bargaining.clauses import TIED
from market.bargaining.cover import DEPENDENCE_QUARTER
from market.bargaining.views import LabView, ProviderView
from market.deals import DealKind, Exclusivity
from market.pricing import user_cost
from market.sums import total, totals

if TYPE_CHECKING:
    from cloudpact.model import CloudMarket

BUILD_QUARTERS = 4  # quarters of budget and of supply that a provider counts on for a contract signed now
WORLD = "World supply"
# A shadow of a limit that the scenario has lifted.
UNLIMITED = math.inf


def lab_weight(market: CloudMarket, lab: Lab) -> float:
    """The lab's bargaining weight: its own, or what the common provider power leaves."""
    own = lab.spec.bargaining_power
    return own if own >= 0.0 else 1.0 - market.parameters.negotiation.provider_power


def paths(market: CloudMarket, lab: Lab, growth_belief: float = 0.0) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A lab's need, with what a side adds to its growth, and its contracted capacity by quarter ahead."""
    need = lab.need_path(market.horizon, market.parameters.capex.trend_damping, growth_belief)
    contracted = totals(market.book.promised_path(market.quarter, market.horizon)[:, lab.index], axis=0)
    return need, contracted


def lab_view(
    market: CloudMarket, lab: Lab, raised_usd_bn: float = 0.0, growth_belief: float = 0.0, default_factor: float = 1.0
) -> LabView:
    """The lab's side on this quarter's snapshot; what it has just raised from providers counts as cash.

    A side's own forecast adds `growth_belief` to the growth of need and revenue, and multiplies the
    common view of default by `default_factor`.
    """
    rules = market.parameters
    funding = market.funding_needs[lab.name]
    funding = dataclasses.replace(funding, cash_usd_bn=funding.cash_usd_bn + raised_usd_bn)
    need, contracted = paths(market, lab, growth_belief)
    _, depths, costs = money_sources(market, lab)
    runway = market.ledger.cash_usd_bn(lab.name) / lab.burn if lab.burn > 0.0 else math.inf
    target = rules.labs_common.runway_target_quarters
    frac = min(max(runway, 0.0) / target, 1.0) if target > 0.0 else 1.0
    default = rules.negotiation.default_probability_per_quarter * (2.0 - frac) * default_factor
    revenue_per_gw = market.revenue_per_gw_year * lab.spec.revenue_per_gw_factor
    return LabView(
        name=lab.name,
        need_gw=need,
        contracted_gw=contracted,
        compute_value_usd_bn_per_gw_quarter=rules.negotiation.compute_value_share * revenue_per_gw / 4.0,
        spot_fill_frac=market.spot_fill,
        spot_premium=rules.price.spot_premium,
        value_usd_bn=lab.value,
        own_value_usd_bn=lab.value * (1.0 + rules.negotiation.optimism),
        funding=funding,
        depths=depths,
        costs=costs,
        runway_quarters=runway,
        default_prob_per_quarter=min(default, 1.0),
        enterprise_revenue_usd_bn_per_quarter=lab.enterprise_share * lab.demand_usd_bn_per_year / 4.0,
        yearly_compute_usd_bn=4.0 * market.price * lab.need_gw,
        revenue_usd_bn_per_quarter=lab.demand_usd_bn_per_year / 4.0 * need / max(float(need[0]), 1e-300),
        weight=lab_weight(market, lab),
        credit_target_usd_bn=lab.credit_target,
    )


def provider_view(
    market: CloudMarket, provider: Hyperscaler, lab: Lab, room: dict[str, float], price_drift: float = 0.0
) -> ProviderView:
    """The provider's side towards a lab on this quarter's snapshot, `room` being what is left to promise.

    A side's own forecast adds `price_drift` to the growth of prices.
    """
    rules, held = market.parameters, market.parameters.negotiation.constraints
    basis = market.cost_basis(provider)
    row = provider.index
    backlog = market.backlog[row]
    path = market.book.promised_path(market.quarter, market.horizon)[row]
    budget = max(provider.capex_budget(rules.capex), 0.0)
    free_cash = max(budget + 0.1 * provider.cash_flow, 0.0)
    promised = signed_equity(market, provider)
    own_room = room[provider.name] if "capacity" in held else UNLIMITED
    power = room[WORLD] if "power" in held else UNLIMITED
    expected = provider.expected_prices(rules, market.merchant_cost, market.horizon)
    cash = max(market.ledger.cash_usd_bn(provider.name) - promised, 0.0)
    return ProviderView(
        name=provider.name,
        price_usd_bn_per_gw_quarter=provider.price,
        expected_price=expected * np.exp(price_drift * np.arange(market.horizon)) if price_drift else expected,
        basis=basis,
        user_cost_usd_bn_per_gw_quarter=user_cost(basis) / rules.capacity.availability,
        lead_quarters=rules.capacity.lead_quarters + 1,
        ramp_quarters=rules.negotiation.ramp_quarters,
        buildable_gw=own_room,
        power_gw=power,
        rival_room_gw=_rival_room(market, provider, lab) if "exclusivity" in held else UNLIMITED,
        alone_gw=path[lab.index] + min(own_room, power),
        with_lab_gw=path[lab.index],
        lab_backlog_usd_bn=float(backlog[lab.index]),
        total_backlog_usd_bn=total(backlog),
        capital_usd_bn=provider.capacity.installed_gw * basis.build_usd_bn_per_gw + 4.0 * provider.cash_flow,
        equity_depth_usd_bn=rules.funding.provider_depth * free_cash,
        equity_cost=rules.funding.provider_cost,
        equity_room_usd_bn=cash if "cash" in held else UNLIMITED,
        equity_promised_usd_bn=promised,
        stake_frac=promised_stake(market, provider, lab),
        stake_cap=market.conditions.stake_cap if "stake_cap" in held else 1.0,
        incumbent_share=market.incumbent_share(provider),
        reachable=bool(market.reach[lab.index, row]),
        exposure_factor=provider.spec.exposure_factor,
        running_clause=market.clauses[lab.name].get(provider.name, Exclusivity.NONE),
    )


def renewed(view: ProviderView, quarters_left: int) -> ProviderView:
    """The view where a contract that runs out is renewed: capacity goes on from its end, without a ramp."""
    return dataclasses.replace(view, lead_quarters=quarters_left, ramp_quarters=1, renews=True)


def running_out(market: CloudMarket, provider: Hyperscaler, lab: Lab) -> tuple[int, float]:
    """In how many quarters the pair's next contract runs out, and its GW; nil if not before a new one would be live."""
    rules = market.parameters
    soon = rules.capacity.lead_quarters + rules.negotiation.ramp_quarters
    deals = market.book.between(provider.name, lab.name)
    renewed_from = {deal.terms.start_quarter for deal in deals if deal.kind is DealKind.RENEWAL}
    ends = [
        (deal.terms.end_quarter - market.quarter, deal.terms.gw_by_quarter[-1])
        for deal in deals
        if deal.terms.gw_by_quarter and 1 <= deal.terms.end_quarter - market.quarter <= soon
        if deal.terms.end_quarter not in renewed_from
    ]
    return min(ends, default=(0, 0.0))


def _rival_room(market: CloudMarket, provider: Hyperscaler, lab: Lab) -> float:
    """What other providers' primary clauses leave this one, on the contracts that run."""
    path = market.book.promised_path(market.quarter, DEPENDENCE_QUARTER + 1)[:, lab.index, DEPENDENCE_QUARTER]
    contracted = {other.name: float(path[other.index]) for other in market.providers}
    return rival_room(market.clauses[lab.name], contracted, provider.name)


def rival_room(clauses: Mapping[str, Exclusivity], contracted_gw: Mapping[str, float], provider: str) -> float:
    """GW that a provider may still contract: not more with it than with the largest host that is primary.

    A host that is primary itself is not limited, nor does a clause limit once nothing is contracted under it.

    >>> rival_room({"East": Exclusivity.PRIMARY}, {"East": 2.0, "West": 0.5}, "West")
    1.5
    """
    if TIED[clauses.get(provider, Exclusivity.NONE)] >= TIED[Exclusivity.PRIMARY]:
        return UNLIMITED
    primary = [contracted_gw[name] for name, kind in clauses.items() if kind is Exclusivity.PRIMARY]
    largest = max(primary, default=0.0)
    return max(largest - contracted_gw[provider], 0.0) if largest > 0.0 else UNLIMITED


def promised_stake(market: CloudMarket, provider: Hyperscaler, lab: Lab) -> float:
    """Stake that the provider will hold once the tranches of its running deals are paid and warrants vested."""
    promised = 0.0
    for deal in market.book.between(provider.name, lab.name):
        if deal.unpaid_usd_bn > 0.0 and deal.terms.pre_money_usd_bn > 0.0 and deal.shares_at_signing is not None:
            promised += deal.shares_at_signing * deal.unpaid_usd_bn / deal.terms.pre_money_usd_bn
    outstanding = lab.cap_table.shares_outstanding
    stake = (lab.cap_table.fraction(provider.name) * outstanding + promised) / (outstanding + promised)
    for deal in market.book.between(provider.name, lab.name):
        for warrant, vested, lapsed in zip(deal.terms.warrants, deal.warrant_vested, deal.warrant_lapsed, strict=True):
            if warrant.issuer == lab.name and warrant.holder == provider.name and not (vested or lapsed):
                stake = stake * (1.0 - warrant.stake_frac) + warrant.stake_frac
    return stake


def signed_equity(market: CloudMarket, provider: Hyperscaler) -> float:
    """Equity that the provider has signed this quarter already, with any lab."""
    deals = [market.book.deal(number).terms for number in market.flows.signed]
    return sum(terms.equity_usd_bn for terms in deals if terms.provider == provider.name)


def _spare(market: CloudMarket, provider: Hyperscaler) -> float:
    """Capacity that neither contracts nor own use claim once a contract signed now has ramped up; may be negative."""
    rules = market.parameters
    lead = rules.capacity.lead_quarters + rules.negotiation.ramp_quarters
    capacity = float(provider.capacity.path(lead + 1)[lead]) * rules.capacity.availability
    own = float(provider.own_path(lead + 1, rules.capex.own_use_damping)[lead])
    promised = total(market.book.promised_path(market.quarter, lead + 1)[provider.index, :, lead])
    return capacity - own - promised


def world_room(market: CloudMarket) -> float:
    """What all providers together can promise: what is spare and what the world supplies until contracts ramp up."""
    spare = [_spare(market, provider) for provider in market.providers]
    return max(sum(spare) + BUILD_QUARTERS * market.supply_limit_gw, 0.0)


def buildable(market: CloudMarket, provider: Hyperscaler) -> float:
    """Capacity the provider can promise in this quarter's talks."""
    rules = market.parameters
    basis = market.cost_basis(provider)
    spare = _spare(market, provider)
    if not provider.spec.builds:
        return max(spare, 0.0)
    budget = provider.capex_budget(rules.capex)
    return buildable_gw(
        spare, budget, provider.spec.loan_to_value, basis.build_usd_bn_per_gw, BUILD_QUARTERS, market.supply_limit_gw
    )
