"""negotiate_deals: disclosed deals while history lasts, then talks between labs and providers.

Offers are made on one snapshot of capacity. What winners share is rationed by joint surplus and
losers bargain again, so that no result depends on who is listed first.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from agents.hyperscaler import Hyperscaler, buildable_gw
from agents.lab import Lab
from cloudpact.quarter.history import sign_disclosed
from cloudpact.quarter.needs import money_sources
from market.bargaining.negotiation import Offer, Trace, bargain, chosen_terms, explain_agreement
from market.bargaining.utilities import evaluate
from market.bargaining.views import Grid, LabView, ProviderView
from market.deals import Deal, Exclusivity, TermSheet, Tranche, Trigger
from market.pricing import user_cost
from market.sums import total, totals
from market.valuation import stake_sold

if TYPE_CHECKING:
    from cloudpact.model import CloudMarket

ROUNDS = 3
BUILD_QUARTERS = 4  # quarters of budget and of supply that a provider counts on for a contract signed now
WORLD = "World supply"
PROTOCOLS = {"nash": bargain}
REVIEW_QUARTERS = 8  # over which both sides weigh an exclusive clause that runs already


@dataclass(slots=True)
class _Talks:
    """One lab's talks this quarter: its gap and what it has signed so far."""

    lab: Lab
    gap_gw: float
    signed: list[str]
    raised_usd_bn: float
    cut: bool


@dataclass(frozen=True, slots=True)
class _Winner:
    """A lab's best offer of a round."""

    talks: _Talks
    provider: Hyperscaler
    offer: Offer
    rival: str
    floor: float


def negotiate_deals(market: CloudMarket) -> None:
    """Sign the quarter's deals."""
    if market.quarter <= market.deals_until:
        sign_disclosed(market)
        return
    _review_exclusives(market)
    talks = [_open(market, lab) for lab in market.labs]
    going = [talk for talk in talks if talk is not None]
    if not going:
        return
    room = {provider.name: _buildable(market, provider) for provider in market.providers if provider.spec.sells}
    room[WORLD] = _world_room(market)
    for round_number in range(1, ROUNDS + 1):
        winners = [winner for talk in going if (winner := _best_offer(market, talk, room, round_number)) is not None]
        if not winners:
            return
        _sign_winners(market, winners, room, round_number)
        most = market.parameters.negotiation.deals_per_round
        going = [talk for talk in going if talk.cut or 0 < len(talk.signed) < most]
        for talk in going:
            talk.cut = False


def _paths(market: CloudMarket, lab: Lab) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A lab's need and contracted capacity by quarter ahead."""
    need = lab.need_path(market.horizon, market.parameters.capex.trend_damping)
    contracted = totals(market.book.promised_path(market.quarter, market.horizon)[:, lab.index], axis=0)
    return need, contracted


def _open(market: CloudMarket, lab: Lab) -> _Talks | None:
    need, contracted = _paths(market, lab)
    if not lab.opens_talks(market.quarter, need, contracted, market.parameters):
        return None
    lab.last_talks = market.quarter
    at = market.parameters.negotiation.coverage_horizon_quarters
    return _Talks(lab, max(float(need[at] - contracted[at]), 0.0), [], 0.0, False)


def _review_exclusives(market: CloudMarket) -> None:
    """End an exclusive clause once what the lab loses by it outweighs what the provider gains."""
    if market.parameters.negotiation.exclusivity == "always":
        return
    for lab in market.labs:
        for name in market.exclusive_hosts(lab):
            provider = market.provider_by_name[name]
            if market.conditions.exclusivity_banned or _worth_of_clause(market, lab, provider) < 0.0:
                market.book.change_exclusivity(name, lab.name, Exclusivity.PRIMARY, market.quarter)
    market.refresh_clauses()


def _worth_of_clause(market: CloudMarket, lab: Lab, provider: Hyperscaler) -> float:
    """What an exclusive clause adds to both sides' utilities together, capacity and money apart, USD bn."""
    review = min(REVIEW_QUARTERS, max(market.parameters.negotiation.term_levels_quarters))
    grid = Grid((0.0,), (review,), (0.0,), (False, True), (0.0,), (0.0,), (1.0,))
    offer = provider_view(market, provider, lab, _buildable(market, provider))
    sides = evaluate(lab_view(market, lab), offer, grid, market.weights)
    without, with_clause = (sides.lab["exclusivity"] + sides.provider["pull_through"]).ravel().tolist()
    return with_clause - without


def _best_offer(market: CloudMarket, talk: _Talks, room: dict[str, float], round_number: int) -> _Winner | None:
    """The lab bargains with every provider in reach; the best joint surplus wins, rivals set the floor."""
    lab = talk.lab
    reach = market.exclusive_hosts(lab)
    view = lab_view(market, lab, talk.raised_usd_bn)
    grid = grid_for(market, view, talk.gap_gw)
    protocol = PROTOCOLS[market.parameters.negotiation.protocol]
    offers: list[tuple[Hyperscaler, Offer]] = []
    for provider in market.providers:
        if not provider.spec.sells or provider.name in talk.signed or (reach and provider.name not in reach):
            continue
        other_side = provider_view(market, provider, lab, min(room[provider.name], room[WORLD]))
        evaluation = evaluate(view, other_side, grid, market.weights)
        offers.append((provider, protocol(evaluation, view.weight)))
    agreed = [(provider, offer) for provider, offer in offers if offer.agreement is not None]
    for provider, offer in offers:
        if offer.agreement is None:
            trace = _trace(market, lab, provider, offer, "failed", round_number, "", -np.inf, view.weight)
            market.flows.traces.append(trace)
    if not agreed:
        return None
    # identical providers tie: luck decides, not the order of names
    luck = {provider.name: market.uniform("tie", lab.key, provider.key) for provider, _ in agreed}
    ranked = sorted(agreed, key=lambda pair: (-pair[1].joint_surplus, luck[pair[0].name]))
    provider, offer = ranked[0]
    rivals = sorted(ranked[1:], key=lambda pair: (-pair[1].lab_utility, luck[pair[0].name]))
    if not rivals:
        return _Winner(talk, provider, offer, "", -np.inf)
    rival, floor = rivals[0][0].name, rivals[0][1].lab_utility
    if offer.lab_utility < floor:
        improved = protocol(offer.evaluation, view.weight, floor)
        if improved.agreement is None:
            provider, offer = rivals[0]
            rival, floor = "", -np.inf
        else:
            offer = improved
    return _Winner(talk, provider, offer, rival, floor)


def _sign_winners(market: CloudMarket, winners: list[_Winner], room: dict[str, float], round_number: int) -> None:
    """Sign in order of joint surplus; who no longer fits bargains again on what is left."""
    luck = {winner.talks.lab.name: market.uniform("tie", winner.talks.lab.key) for winner in winners}
    for winner in sorted(winners, key=lambda each: (-each.offer.joint_surplus, luck[each.talks.lab.name])):
        lab, provider = winner.talks.lab, winner.provider
        terms = chosen_terms(winner.offer)
        weight = lab_weight(market, lab)
        trace = _trace(market, lab, provider, winner.offer, "signed", round_number, winner.rival, winner.floor, weight)
        market.flows.traces.append(trace)
        if terms["gw"] > min(room[provider.name], room[WORLD]):
            trace.outcome, trace.reason = "lost", "a deal with more joint surplus took the capacity"
            winner.talks.cut = True
            continue
        explain_agreement(trace, winner.offer)
        deal = market.book.sign(term_sheet(market, lab, provider, terms), market.quarter)
        trace.deal = deal.number
        _after_signing(market, winner.talks, deal, room)


def _after_signing(market: CloudMarket, talk: _Talks, deal: Deal, room: dict[str, float]) -> None:
    market.flows.signed.append(deal.number)
    deal.shares_at_signing = talk.lab.cap_table.shares_outstanding
    room[deal.terms.provider] -= deal.terms.gw
    room[WORLD] -= deal.terms.gw
    talk.gap_gw = max(talk.gap_gw - deal.terms.gw, 0.0)
    talk.raised_usd_bn += deal.terms.equity_usd_bn
    talk.signed.append(deal.terms.provider)
    if deal.terms.exclusivity is Exclusivity.EXCLUSIVE:
        market.refresh_clauses()


def _trace(
    market: CloudMarket,
    lab: Lab,
    provider: Hyperscaler,
    offer: Offer,
    outcome: str,
    rounds: int,
    rival: str,
    floor: float,
    weight: float,
) -> Trace:
    agreement = offer.agreement
    return Trace(
        quarter=market.quarter,
        lab=lab.name,
        provider=provider.name,
        outcome=outcome,
        reason=offer.reason,
        rounds=rounds,
        lab_weight=weight,
        joint_surplus=offer.joint_surplus if agreement else 0.0,
        lab_utility=agreement.first if agreement else 0.0,
        provider_utility=agreement.second if agreement else 0.0,
        best_rival=rival,
        best_rival_lab_utility=floor if np.isfinite(floor) else 0.0,
    )


def lab_weight(market: CloudMarket, lab: Lab) -> float:
    """The lab's bargaining weight: its own, or what the common provider power leaves."""
    own = lab.spec.bargaining_power
    return own if own >= 0.0 else 1.0 - market.parameters.negotiation.provider_power


def lab_view(market: CloudMarket, lab: Lab, raised_usd_bn: float = 0.0) -> LabView:
    """The lab's side on this quarter's snapshot; what it has just raised from providers counts as cash."""
    rules = market.parameters
    funding = market.funding_needs[lab.name]
    funding = dataclasses.replace(funding, cash_usd_bn=funding.cash_usd_bn + raised_usd_bn)
    need, contracted = _paths(market, lab)
    _, depths, costs = money_sources(market, lab)
    runway = market.ledger.cash_usd_bn(lab.name) / lab.burn if lab.burn > 0.0 else math.inf
    target = rules.labs_common.runway_target_quarters
    frac = min(max(runway, 0.0) / target, 1.0) if target > 0.0 else 1.0
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
        default_prob_per_quarter=rules.negotiation.default_probability_per_quarter * (2.0 - frac),
        enterprise_revenue_usd_bn_per_quarter=lab.enterprise_share * lab.demand_usd_bn_per_year / 4.0,
        yearly_compute_usd_bn=4.0 * market.price * lab.need_gw,
        weight=lab_weight(market, lab),
        credit_target_usd_bn=lab.credit_target,
    )


def provider_view(market: CloudMarket, provider: Hyperscaler, lab: Lab, room_gw: float) -> ProviderView:
    """The provider's side towards a lab on this quarter's snapshot."""
    rules = market.parameters
    basis = market.cost_basis(provider)
    row = provider.index
    backlog = market.backlog[row]
    path = market.book.promised_path(market.quarter, market.horizon)[row]
    budget = max(provider.capex_budget(rules.capex), 0.0)
    free_cash = max(budget + 0.1 * provider.cash_flow, 0.0)
    return ProviderView(
        name=provider.name,
        price_usd_bn_per_gw_quarter=provider.price,
        expected_price=provider.expected_prices(rules, market.merchant_cost, market.horizon),
        basis=basis,
        user_cost_usd_bn_per_gw_quarter=user_cost(basis) / rules.capacity.availability,
        lead_quarters=rules.capacity.lead_quarters + 1,
        buildable_gw=room_gw,
        alone_gw=path[lab.index] + room_gw,
        with_lab_gw=path[lab.index],
        lab_backlog_usd_bn=float(backlog[lab.index]),
        total_backlog_usd_bn=total(backlog),
        capital_usd_bn=provider.capacity.installed_gw * basis.build_usd_bn_per_gw + 4.0 * provider.cash_flow,
        equity_depth_usd_bn=rules.funding.provider_depth * free_cash,
        equity_cost=rules.funding.provider_cost,
        equity_room_usd_bn=max(market.ledger.cash_usd_bn(provider.name) - _signed_equity(market, provider), 0.0),
        stake_frac=promised_stake(market, provider, lab),
        stake_cap=market.conditions.stake_cap,
        incumbent_share=market.incumbent_share(provider),
        reachable=bool(market.reach[lab.index, row]),
        exposure_factor=provider.spec.exposure_factor,
    )


def promised_stake(market: CloudMarket, provider: Hyperscaler, lab: Lab) -> float:
    """Stake that the provider holds or will hold once the tranches of its running deals with the lab are paid."""
    promised = 0.0
    for deal in market.book.between(provider.name, lab.name):
        if deal.unpaid_usd_bn > 0.0 and deal.terms.pre_money_usd_bn > 0.0 and deal.shares_at_signing is not None:
            promised += deal.shares_at_signing * deal.unpaid_usd_bn / deal.terms.pre_money_usd_bn
    outstanding = lab.cap_table.shares_outstanding
    return (lab.cap_table.fraction(provider.name) * outstanding + promised) / (outstanding + promised)


def _signed_equity(market: CloudMarket, provider: Hyperscaler) -> float:
    """Equity that the provider has signed this quarter already, with any lab."""
    deals = [market.book.deals[number].terms for number in market.flows.signed]
    return sum(terms.equity_usd_bn for terms in deals if terms.provider == provider.name)


def _spare(market: CloudMarket, provider: Hyperscaler) -> float:
    """Capacity that neither contracts nor own use claim once a contract signed now has ramped up; may be negative."""
    rules = market.parameters
    lead = rules.capacity.lead_quarters + rules.negotiation.ramp_quarters
    capacity = float(provider.capacity.path(lead + 1)[lead]) * rules.capacity.availability
    own = float(provider.own_path(lead + 1, rules.capex.own_use_damping)[lead])
    promised = total(market.book.promised_path(market.quarter, lead + 1)[provider.index, :, lead])
    return capacity - own - promised


def _world_room(market: CloudMarket) -> float:
    """What all providers together can promise: what is spare and what the world supplies until contracts ramp up."""
    spare = [_spare(market, provider) for provider in market.providers]
    return max(sum(spare) + BUILD_QUARTERS * market.supply_limit_gw, 0.0)


def _buildable(market: CloudMarket, provider: Hyperscaler) -> float:
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


def grid_for(market: CloudMarket, view: LabView, gap_gw: float) -> Grid:
    """The terms on the table for a gap in cover: what the scenario lists and the quarter's rules allow."""
    rules = market.parameters.negotiation
    largest = 4.0 * market.price * rules.gap_share * gap_gw * market.parameters.labs_common.commitment_cover
    target = max(view.funding.target_usd_bn, view.credit_target_usd_bn + largest)
    short = max(target - view.funding.cash_usd_bn, 0.0) * rules.equity_scale
    equity = tuple(level * short for level in rules.equity_levels) if short > 0.0 else (0.0,)
    banned = market.conditions.exclusivity_banned or rules.exclusivity == "never"
    exclusive = (False,) if banned else (True,) if rules.exclusivity == "always" else (False, True)
    return Grid(
        gw=tuple(level * rules.gap_share * gap_gw for level in rules.gw_levels if level > 0.0),
        terms=rules.term_levels_quarters,
        take_or_pay=rules.take_or_pay_levels,
        exclusive=exclusive,
        discounts=rules.discount_levels,
        equity=equity,
        upfront=rules.upfront_levels if len(equity) > 1 else (1.0,),
    )


def term_sheet(market: CloudMarket, lab: Lab, provider: Hyperscaler, terms: dict[str, float]) -> TermSheet:
    """The signed terms as a term sheet: ramp, price, tranches on capacity going live."""
    rules = market.parameters.negotiation
    start = market.quarter + market.parameters.capacity.lead_quarters + 1
    quarters, gw = int(terms["term_quarters"]), terms["gw"]
    quarters = max(min(quarters, market.last_contract_quarter - start), 1)
    ramp = tuple(gw * min((i + 1) / rules.ramp_quarters, 1.0) for i in range(quarters))
    equity, upfront = terms["equity_usd_bn"], terms["upfront_frac"]
    exclusive = bool(terms["exclusive"])
    return TermSheet(
        provider=provider.name,
        lab=lab.name,
        quarter=market.quarter,
        start_quarter=start,
        gw_by_quarter=ramp,
        price_usd_bn_per_gw_quarter=provider.price * (1.0 - terms["discount_frac"]),
        discount_frac=terms["discount_frac"],
        take_or_pay_frac=terms["take_or_pay_frac"],
        late_penalty_frac=rules.late_penalty_frac,
        exclusivity=Exclusivity.EXCLUSIVE if exclusive else Exclusivity.NONE,
        exclusive_until=start + quarters if exclusive else None,
        tranches=_tranches(market.quarter, equity, upfront, gw),
        pre_money_usd_bn=lab.value if equity > 0.0 else 0.0,
        stake_frac=stake_sold(lab.value, equity),
    )


def _tranches(quarter: int, equity: float, upfront: float, gw: float) -> tuple[Tranche, ...]:
    """Cash at signing, the rest in thirds as a third, two thirds and all of the capacity go live."""
    if equity <= 0.0:
        return ()
    first = Tranche(equity * upfront, Trigger.DATE, float(quarter))
    if upfront >= 1.0:
        return (first,)
    rest = equity * (1.0 - upfront) / 3.0
    return (first, *(Tranche(rest, Trigger.GW_LIVE, 0.99 * gw * part / 3.0) for part in (1, 2, 3)))
