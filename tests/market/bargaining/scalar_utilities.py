"""Utilities of one outcome at a time in plain Python, written from the formulas: the oracle of the vectorised ones."""

from __future__ import annotations

import math
from dataclasses import replace

from scipy.optimize import brentq

from market.bargaining.utilities import DEPENDENCE_QUARTER, DIVERSION, LOCK_IN_YEARS, TRANCHE_VALUE, TRANCHE_WAIT
from market.bargaining.views import LabView, ProviderView, Weights

Outcome = tuple[float, int, float, bool, float, float, float]


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


def worth(lab: LabView, extra: float) -> float:
    """L(m + e + x(e)) by bisection."""
    need, lenders = lab.funding, list(zip(lab.depths, lab.costs, strict=True))

    def value(mu: float) -> float:
        money = need.cash_usd_bn + extra + sum(b * max(mu - c, 0.0) for b, c in lenders)
        return need.marginal_value * max(1.0 - money / need.target_usd_bn, 0.0)

    def excess(mu: float) -> float:
        return value(mu) - need.owner_cost - mu

    return value(float(brentq(excess, 0.0, 5.0)) if excess(0.0) > 0.0 else 0.0)


def money_value(lab: LabView, money: float, steps: int = 400) -> float:
    return sum(worth(lab, money * (i + 0.5) / steps) for i in range(steps)) * money / steps


def shortfall_value(lab: LabView) -> float:
    """What it would be worth to be given all that is short of the target."""
    return money_value(lab, max(lab.funding.target_usd_bn - lab.funding.cash_usd_bn, 0.0))


def both_sides(
    lab: LabView, provider: ProviderView, w: Weights, outcome: Outcome
) -> tuple[dict[str, float], dict[str, float]]:
    gw, term, take, exclusive, discount, equity, upfront = outcome
    price, lead = provider.price_usd_bn_per_gw_quarter, provider.lead_quarters
    value_of_cover = (1.0 - lab.spot_fill_frac) * lab.compute_value_usd_bn_per_gw_quarter
    value_of_cover += lab.spot_fill_frac * lab.spot_premium * price
    flow = {name: 0.0 for name in ("cover", "market", "idle", "lost", "gw", "kept", "clause", "short")}
    for h in range(lead + term):
        beta = 1.0 / (1.0 + w.discounting) ** h
        q, need, had = ramp(gw, term, lead, w.ramp_quarters, h), float(lab.need_gw[h]), float(lab.contracted_gw[h])
        sd = w.need_volatility * math.sqrt(h + 1.0)
        alive = (1.0 - lab.default_prob_per_quarter) ** h
        flow["cover"] += beta * (cover(had + q, need) - cover(had, need))
        idle = beta * (put(had + q, need, sd) - put(had, need, sd))
        flow["idle"] += idle
        worth = float(provider.expected_price[h]) / (1.0 + w.obsolescence_per_year) ** (max(h - lead, 0) / 4.0)
        flow["lost"] += idle * worth
        flow["market"] += beta * q * worth
        flow["gw"] += beta * q
        flow["kept"] += beta * q * (alive + (1.0 - alive) * w.resale)
        if h < term:
            flow["clause"] += beta
            flow["short"] += beta * max(need - float(provider.alone_gw[h]), 0.0)
    money = equity * (upfront + (1.0 - upfront) * TRANCHE_VALUE)
    stake = equity / (lab.value_usd_bn + equity)
    at = DEPENDENCE_QUARTER
    together, total = float(provider.with_lab_gw[at]), float(lab.contracted_gw[at])
    dependence = ((together + gw) / (total + gw)) ** 2 - (together / total if total > 0.0 else 0.0) ** 2
    regained = DIVERSION * lab.enterprise_revenue_usd_bn_per_quarter * (1.0 - provider.incumbent_share)
    clause = w.second_source * lab.yearly_compute_usd_bn / 4.0 + w.pull_through_margin * regained
    fixed = w.fixed_cost * lab.yearly_compute_usd_bn + (w.equity_fixed_cost * lab.value_usd_bn if equity > 0.0 else 0.0)
    operating = {
        "coverage": value_of_cover * flow["cover"],
        "price": flow["market"] - price * (1.0 - discount) * flow["gw"],
        "idle_risk": price * (1.0 - discount) * (1.0 - take) * flow["idle"] - flow["lost"],
        "lock_in": -w.lock_in * LOCK_IN_YEARS * lab.yearly_compute_usd_bn * dependence,
        "exclusivity": -(value_of_cover * flow["short"] + clause * flow["clause"]) if exclusive else 0.0,
    }
    target = max(lab.funding.target_usd_bn, lab.credit_target_usd_bn + w.commitment_cover * 4.0 * price * gw)
    later = replace(lab, funding=replace(lab.funding, target_usd_bn=target))
    ours = {
        **operating,
        "credit": shortfall_value(lab) - shortfall_value(later),
        "liquidity": money_value(later, money) - w.owner_cost * money,
        "dilution": -stake * (lab.own_value_usd_bn - lab.value_usd_bn),
        "surplus_shared": -stake * sum(operating.values()),
        "fixed_cost": -fixed,
    }
    chips, life = provider.basis.chips_usd_bn_per_gw, provider.basis.chip_life_quarters
    left = max(1.0 - term / life, 0.0) * (1.0 - w.resale) / (1.0 + w.discounting) ** (lead + term)
    base, commitment = provider.total_backlog_usd_bn + provider.capital_usd_bn, price * flow["gw"]
    concentrated = (provider.lab_backlog_usd_bn + commitment) ** 2 / (base + commitment)
    concentrated -= provider.lab_backlog_usd_bn**2 / base
    pulled = DIVERSION * lab.enterprise_revenue_usd_bn_per_quarter * w.pull_through_margin * w.pull_through_multiple
    own = 0.0 if provider.reachable else provider.incumbent_share
    others = 1.0 - provider.incumbent_share if exclusive else 0.0
    held = provider.stake_frac + (1.0 - provider.stake_frac) * stake
    theirs = {
        "margin": price * (1.0 - discount) * flow["kept"] - provider.user_cost_usd_bn_per_gw_quarter * flow["gw"],
        "idle_risk": -price * (1.0 - discount) * (1.0 - take) * flow["idle"],
        "residual_risk": -gw * chips * left,
        "equity": -provider.equity_cost * money - money**2 / (2.0 * provider.equity_depth_usd_bn),
        "staging": equity * (1.0 - upfront) * (1.0 - (1.0 - lab.default_prob_per_quarter) ** TRANCHE_WAIT),
        "pull_through": pulled * (own + others) * flow["clause"],
        "exposure": -w.exposure * provider.exposure_factor * concentrated,
        "fixed_cost": -fixed,
        "stake_in_surplus": held * sum(operating.values()),
    }
    return ours, theirs
