"""Utilities of one outcome at a time in plain Python, written from the formulas: the oracle of the vectorised ones."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache

from scipy.optimize import brentq

from market.bargaining.problem import Terms
from market.bargaining.views import LabView, ProviderView, Weights
from market.deals import Exclusivity, Trigger
from market.funding import FundingNeed

Components = dict[str, float]

# the model's assumptions, once more
TIED = {
    Exclusivity.NONE: 0.0,
    Exclusivity.PRIMARY: 0.3,
    Exclusivity.FIRST_REFUSAL: 0.6,
    Exclusivity.EXCLUSIVE: 1.0,
}
ODDS = {Trigger.DATE: 1.0, Trigger.GW_LIVE: 0.7, Trigger.REVENUE: 0.5, Trigger.VALUATION: 0.5}
DIVERSION, LOCK_IN_YEARS, DEPENDENCE_QUARTER = 0.3, 3.0, 7
TRANCHE_DISCOUNT, TRANCHE_WAIT = 0.84, 6


def normal_cdf(x: float) -> float:
    return 0.5 * math.erfc(-x / math.sqrt(2.0))


def put(strike: float, mean: float, sd: float) -> float:
    if strike == 0.0:
        return 0.0
    d1 = math.log(mean / strike) / sd + sd / 2.0
    return strike * normal_cdf(sd - d1) - mean * normal_cdf(-d1)


def cover(contracted: float, need: float) -> float:
    c = min(contracted, need)
    return c - c * c / (2.0 * need)


def ramp(gw: float, term: int, lead: int, quarters: int, ahead: int) -> float:
    if not lead <= ahead < lead + term:
        return 0.0
    return gw * min((ahead - lead + 1) / quarters, 1.0)


def worth(need: FundingNeed, depths: tuple[float, ...], costs: tuple[float, ...], extra: float) -> float:
    """L(m + e + x(e)) by bisection."""

    def value(mu: float) -> float:
        lent = sum(b * max(mu - c, 0.0) for b, c in zip(depths, costs, strict=True))
        return need.marginal_value * max(1.0 - (need.cash_usd_bn + extra + lent) / need.target_usd_bn, 0.0)

    def excess(mu: float) -> float:
        return value(mu) - need.owner_cost - mu

    return value(float(brentq(excess, 0.0, 5.0)) if excess(0.0) > 0.0 else 0.0)


@cache
def money_value(need: FundingNeed, depths: tuple[float, ...], costs: tuple[float, ...], money: float) -> float:
    """The integral of what another dollar is worth, by 400 rectangles."""
    steps = 400
    return sum(worth(need, depths, costs, money * (i + 0.5) / steps) for i in range(steps)) * money / steps


def shortfall_value(need: FundingNeed, depths: tuple[float, ...], costs: tuple[float, ...]) -> float:
    """What it would be worth to be given all that is short of the target."""
    return money_value(need, depths, costs, max(need.target_usd_bn - need.cash_usd_bn, 0.0))


def cover_value(lab: LabView, provider: ProviderView) -> float:
    lost = (1.0 - lab.spot_fill_frac) * lab.compute_value_usd_bn_per_gw_quarter
    return lost + lab.spot_fill_frac * lab.spot_premium * provider.price_usd_bn_per_gw_quarter


def flows(lab: LabView, provider: ProviderView, w: Weights, terms: Terms) -> Components:
    """Discounted sums over the quarters of the deal and of its clause, one quarter after the other."""
    names = ("cover", "market", "idle", "lost", "gw", "kept", "clause", "short", "uncovered")
    flow = dict.fromkeys(names, 0.0)
    lead, term = provider.lead_quarters, terms.term_quarters
    for h in range(lead + term):
        beta = 1.0 / (1.0 + w.discounting) ** h
        q = ramp(terms.gw, term, lead, provider.ramp_quarters, h)
        need, had = float(lab.need_gw[h]), float(lab.contracted_gw[h])
        sd = w.need_volatility * math.sqrt(h + 1.0)
        alive = (1.0 - lab.default_prob_per_quarter) ** h
        flow["cover"] += beta * (cover(had + q, need) - cover(had, need))
        idle = beta * (put(had + q, need, sd) - put(had, need, sd))
        flow["idle"] += idle
        price = float(provider.expected_price[h]) / (1.0 + w.obsolescence_per_year) ** (max(h - lead, 0) / 4.0)
        flow["lost"] += idle * price
        flow["market"] += beta * q * price
        flow["gw"] += beta * q
        flow["kept"] += beta * q * (alive + (1.0 - alive) * w.resale)
        if h < term:
            flow["clause"] += beta
            flow["short"] += beta * max(need - float(provider.alone_gw[h]), 0.0)
            flow["uncovered"] += beta * max(need - had, 0.0)
    return flow


def clause_cost(lab: LabView, provider: ProviderView, w: Weights, flow: Components, clause: Exclusivity) -> float:
    cost = TIED[clause] ** 2 * w.second_source * lab.yearly_compute_usd_bn / 4.0 * flow["clause"]
    if clause is Exclusivity.EXCLUSIVE:
        left = DIVERSION * lab.enterprise_revenue_usd_bn_per_quarter * (1.0 - provider.incumbent_share)
        cost += cover_value(lab, provider) * flow["short"] + w.pull_through_margin * left * flow["clause"]
    return cost


def operating(lab: LabView, provider: ProviderView, w: Weights, terms: Terms) -> Components:
    """What the deal adds to the value of the lab, as one side sees both."""
    flow, at, price = flows(lab, provider, w, terms), DEPENDENCE_QUARTER, provider.price_usd_bn_per_gw_quarter
    off, take = 1.0 - terms.discount_frac, terms.take_or_pay_frac
    together, total = float(provider.with_lab_gw[at]), float(lab.contracted_gw[at])
    after = (together + terms.gw) / (total + terms.gw) if total + terms.gw > 0.0 else 0.0
    dependence = after**2 - (together / total if total > 0.0 else 0.0) ** 2
    signed, running = (clause_cost(lab, provider, w, flow, kind) for kind in (terms.clause, provider.running_clause))
    return {
        "coverage": cover_value(lab, provider) * flow["cover"],
        "price": flow["market"] - price * off * flow["gw"],
        "idle_risk": price * off * (1.0 - take) * flow["idle"] - flow["lost"],
        "lock_in": -w.lock_in * LOCK_IN_YEARS * lab.yearly_compute_usd_bn * dependence,
        "exclusivity": running - signed,
    }


def odds_of(lab: LabView, threshold: LabView, w: Weights, trigger: Trigger) -> float:
    """The lab's odds of a milestone that stands at the provider's median forecast."""
    if trigger not in (Trigger.REVENUE, Trigger.VALUATION):
        return ODDS[trigger]
    if trigger is Trigger.REVENUE:
        path, bar = lab.revenue_usd_bn_per_quarter, threshold.revenue_usd_bn_per_quarter
        ratio = float(path[TRANCHE_WAIT]) / float(bar[TRANCHE_WAIT])
    else:
        ratio = lab.own_value_usd_bn / threshold.value_usd_bn
    return normal_cdf(math.log(ratio) / (w.need_volatility * math.sqrt(TRANCHE_WAIT + 1.0)))


def fixed_cost(lab: LabView, w: Weights, terms: Terms) -> float:
    equity = w.equity_fixed_cost * lab.value_usd_bn if terms.equity_usd_bn > 0.0 else 0.0
    return w.fixed_cost * lab.yearly_compute_usd_bn + equity


def revenue_owed(lab: LabView, w: Weights, survival: float) -> float:
    path = lab.revenue_usd_bn_per_quarter[: w.revenue_share_quarters]
    return sum(float(each) * survival**h / (1.0 + w.discounting) ** h for h, each in enumerate(path))


def money_now(terms: Terms, odds: float) -> float:
    return terms.equity_usd_bn * (terms.upfront_frac + (1.0 - terms.upfront_frac) * TRANCHE_DISCOUNT * odds)


def new_owners(lab: LabView, terms: Terms) -> float:
    """Share of the lab that equity and warrants give away."""
    kept = lab.value_usd_bn / (lab.value_usd_bn + terms.equity_usd_bn)
    return 1.0 - kept * (1.0 - terms.warrant_stake_frac * ODDS[Trigger.GW_LIVE])


def lab_side(lab: LabView, provider: ProviderView, threshold: LabView, w: Weights, terms: Terms) -> Components:
    parts, funding, equity = operating(lab, provider, w, terms), lab.funding, terms.equity_usd_bn
    year = 4.0 * provider.price_usd_bn_per_gw_quarter * terms.gw
    target = max(funding.target_usd_bn, lab.credit_target_usd_bn + w.commitment_cover * year)
    later = replace(funding, target_usd_bn=target)
    money = money_now(terms, odds_of(lab, threshold, w, terms.milestone))
    vesting = terms.warrant_stake_frac * ODDS[Trigger.GW_LIVE]
    return {
        **parts,
        "credit": shortfall_value(funding, lab.depths, lab.costs) - shortfall_value(later, lab.depths, lab.costs),
        "liquidity": money_value(later, lab.depths, lab.costs, money) - w.owner_cost * money,
        "dilution": -equity / (lab.value_usd_bn + equity) * (lab.own_value_usd_bn - lab.value_usd_bn),
        "warrants": -vesting * TRANCHE_DISCOUNT * lab.own_value_usd_bn,
        "revenue_share": -terms.revenue_share_frac * revenue_owed(lab, w, 1.0),
        "fixed_cost": -fixed_cost(lab, w, terms),
        "surplus_shared": -new_owners(lab, terms) * sum(parts.values()),
    }


def provider_side(lab: LabView, provider: ProviderView, w: Weights, terms: Terms, held: float) -> Components:
    """`held` is the provider's share of the lab once all is paid and vested."""
    flow, price = flows(lab, provider, w, terms), provider.price_usd_bn_per_gw_quarter
    off, take, lead, term = (
        1.0 - terms.discount_frac,
        terms.take_or_pay_frac,
        provider.lead_quarters,
        terms.term_quarters,
    )
    money, before = money_now(terms, ODDS[terms.milestone]), provider.equity_promised_usd_bn
    convex = ((before + money) ** 2 - before**2) / (2.0 * provider.equity_depth_usd_bn)
    gone = 1.0 - (1.0 - lab.default_prob_per_quarter) ** TRANCHE_WAIT
    chips, life = provider.basis.chips_usd_bn_per_gw, provider.basis.chip_life_quarters
    left = max(1.0 - term / life, 0.0) * (1.0 - w.resale) / (1.0 + w.discounting) ** (lead + term)
    base, commitment = provider.total_backlog_usd_bn + provider.capital_usd_bn, price * flow["gw"]
    concentrated = (provider.lab_backlog_usd_bn + commitment) ** 2 / (base + commitment)
    concentrated -= provider.lab_backlog_usd_bn**2 / base
    pulled = DIVERSION * lab.enterprise_revenue_usd_bn_per_quarter * w.pull_through_margin * w.pull_through_multiple
    own = 0.0 if provider.reachable else provider.incumbent_share
    bound = (terms.clause is Exclusivity.EXCLUSIVE) - (provider.running_clause is Exclusivity.EXCLUSIVE)
    margin = max(price - provider.user_cost_usd_bn_per_gw_quarter, 0.0)
    tied = TIED[terms.clause] - TIED[provider.running_clause]
    survival, others = 1.0 - lab.default_prob_per_quarter, 1.0 - provider.stake_frac
    return {
        "margin": price * off * flow["kept"] - provider.user_cost_usd_bn_per_gw_quarter * flow["gw"],
        "idle_risk": -price * off * (1.0 - take) * flow["idle"],
        "residual_risk": -terms.gw * chips * left,
        "pull_through": pulled * (own + (1.0 - provider.incumbent_share) * bound) * flow["clause"],
        "capture": tied * w.capture * margin * flow["uncovered"],
        "exposure": -w.exposure * provider.exposure_factor * concentrated,
        "equity": -provider.equity_cost * money - convex,
        "staging": terms.equity_usd_bn * (1.0 - terms.upfront_frac) * gone,
        "warrants": others * terms.warrant_stake_frac * ODDS[Trigger.GW_LIVE] * TRANCHE_DISCOUNT * lab.value_usd_bn,
        "revenue_share": others * terms.revenue_share_frac * revenue_owed(lab, w, survival),
        "fixed_cost": -fixed_cost(lab, w, terms),
        "stake_in_surplus": held * sum(operating(lab, provider, w, terms).values()),
    }


def both_sides(
    lab: LabView,
    provider: ProviderView,
    w: Weights,
    terms: Terms,
    seen: tuple[LabView, ProviderView] | None = None,
) -> tuple[Components, Components]:
    """Components of both at some terms; `seen` is how the provider sees the two."""
    lab_seen, provider_seen = seen or (lab, provider)
    held = held_after(lab, provider, terms)
    return lab_side(lab, provider, lab_seen, w, terms), provider_side(lab_seen, provider_seen, w, terms, held)


def held_after(lab: LabView, provider: ProviderView, terms: Terms) -> float:
    sold = new_owners(lab, terms)
    return provider.stake_frac * (1.0 - sold) + sold


def most_held(lab: LabView, provider: ProviderView, terms: Terms) -> float:
    """The provider's stake if every tranche is paid and every warrant vests, one after the other."""
    sold = terms.equity_usd_bn / (lab.value_usd_bn + terms.equity_usd_bn)
    stake = provider.stake_frac + (1.0 - provider.stake_frac) * sold
    return stake + (1.0 - stake) * terms.warrant_stake_frac


def allowed(lab: LabView, provider: ProviderView, terms: Terms, idle_on_table: bool) -> dict[str, bool]:
    """What each constraint says to some terms; `idle_on_table`: terms without capacity are on it too."""
    pays = terms.equity_usd_bn > 0.0 or terms.warrant_stake_frac > 0.0
    waits = terms.equity_usd_bn > 0.0 and terms.upfront_frac < 1.0 and terms.milestone is Trigger.GW_LIVE
    return {
        "buildable capacity": terms.gw <= provider.buildable_gw,
        "power": terms.gw <= provider.power_gw,
        "primary clause": terms.gw <= provider.rival_room_gw,
        "provider's cash": terms.equity_usd_bn <= provider.equity_room_usd_bn,
        "capacity to wait for": not (idle_on_table and terms.gw == 0.0 and (waits or terms.warrant_stake_frac > 0.0)),
        "stake cap": not pays or most_held(lab, provider, terms) <= provider.stake_cap + 1e-12,
    }
