"""The terms on the table of a quarter's talks, and the term sheet that signed ones become."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.lab import Lab
from market.bargaining.problem import Problem, Terms
from market.bargaining.views import Grid, LabView
from market.deals import Exclusivity, TermSheet, Tranche, Trigger, Warrant
from market.valuation import stake_sold

if TYPE_CHECKING:
    from cloudpact.model import CloudMarket


def grid_for(market: CloudMarket, view: LabView, gap_gw: float, running: Exclusivity = Exclusivity.NONE) -> Grid:
    """The terms on the table for a gap in cover: what the scenario lists and the quarter's rules allow.

    Where a clause runs between the two, terms without new capacity are on the table as well: the
    clause alone can be traded.
    """
    rules = market.parameters.negotiation
    most = rules.gap_share * gap_gw
    largest = 4.0 * market.price * most * market.parameters.labs_common.commitment_cover
    target = max(view.funding.target_usd_bn, view.credit_target_usd_bn + largest)
    short = max(target - view.funding.cash_usd_bn, 0.0) * rules.equity_scale
    equity = tuple(level * short for level in rules.equity_levels) if short > 0.0 else (0.0,)
    capacity = tuple(level * most for level in rules.gw_levels if level > 0.0)
    return Grid(
        gw=(0.0, *capacity) if running is not Exclusivity.NONE else capacity,
        terms=rules.term_levels_quarters,
        take_or_pay=rules.take_or_pay_levels,
        clauses=_clauses(market),
        discounts=rules.discount_levels,
        equity=equity,
        staging=_staging(market) if len(equity) > 1 or equity[0] > 0.0 else ((1.0, Trigger.DATE),),
        warrants=rules.warrant_levels if rules.equity_scale > 0.0 else (0.0,),
        revenue_shares=rules.revenue_share_levels,
    )


def _clauses(market: CloudMarket) -> tuple[Exclusivity, ...]:
    rules = market.parameters.negotiation
    if rules.exclusivity == "never":
        return (Exclusivity.NONE,)
    if rules.exclusivity == "always" and not market.conditions.exclusivity_banned:
        return (Exclusivity.EXCLUSIVE,)
    listed = tuple(dict.fromkeys(Exclusivity(kind) for kind in rules.clause_levels))
    allowed = tuple(kind for kind in listed if kind is not Exclusivity.EXCLUSIVE)
    return (allowed or (Exclusivity.NONE,)) if market.conditions.exclusivity_banned else listed


def _staging(market: CloudMarket) -> tuple[tuple[float, Trigger], ...]:
    """Shares paid at signing with what the rest waits for; what is paid at once waits for nothing."""
    rules = market.parameters.negotiation
    staged: list[tuple[float, Trigger]] = []
    for share in rules.upfront_levels:
        waits = [Trigger(name) for name in rules.milestones] if share < 1.0 else [Trigger.DATE]
        staged += [(share, trigger) for trigger in waits]
    return tuple(staged)


def term_sheet(market: CloudMarket, lab: Lab, problem: Problem, terms: Terms) -> TermSheet:
    """The signed terms as a term sheet: ramp, price, tranches on milestones, warrants on capacity going live."""
    rules, side = market.parameters.negotiation, problem.provider
    start = market.quarter + side.lead_quarters
    last = market.last_contract_quarter - start
    quarters = max(min(terms.term_quarters, last), 1)
    ramp = tuple(terms.gw * min((i + 1) / side.ramp_quarters, 1.0) for i in range(quarters)) if terms.gw > 0.0 else ()
    equity = terms.equity_usd_bn
    tied = terms.clause is not Exclusivity.NONE
    share = terms.revenue_share_frac
    return TermSheet(
        provider=side.name,
        lab=lab.name,
        quarter=market.quarter,
        start_quarter=start,
        gw_by_quarter=ramp,
        price_usd_bn_per_gw_quarter=side.price_usd_bn_per_gw_quarter * (1.0 - terms.discount_frac) if ramp else 0.0,
        discount_frac=terms.discount_frac if ramp else 0.0,
        take_or_pay_frac=terms.take_or_pay_frac if ramp else 0.0,
        late_penalty_frac=rules.late_penalty_frac if ramp else 0.0,
        exclusivity=terms.clause,
        exclusive_until=start + quarters if tied else None,
        tranches=_tranches(market, problem, terms),
        pre_money_usd_bn=lab.value if equity > 0.0 else 0.0,
        stake_frac=stake_sold(lab.value, equity),
        warrants=_warrants(lab, side.name, terms),
        revenue_share_frac=share,
        revenue_share_until=market.quarter + rules.revenue_share_quarters if share > 0.0 else None,
    )


def _warrants(lab: Lab, holder: str, terms: Terms) -> tuple[Warrant, ...]:
    """A lab's warrants vest once all the capacity is live."""
    if terms.warrant_stake_frac <= 0.0:
        return ()
    return (Warrant(lab.name, holder, terms.warrant_stake_frac, Trigger.GW_LIVE, 0.99 * terms.gw),)


def _tranches(market: CloudMarket, problem: Problem, terms: Terms) -> tuple[Tranche, ...]:
    """Cash at signing, the rest in thirds as a third, two thirds and all of what it waits for are reached."""
    equity, upfront = terms.equity_usd_bn, terms.upfront_frac
    if equity <= 0.0:
        return ()
    first = Tranche(equity * upfront, Trigger.DATE, float(market.quarter))
    if upfront >= 1.0:
        return (first,)
    rest = equity * (1.0 - upfront) / 3.0
    later = tuple(Tranche(rest, terms.milestone, level) for level in _thresholds(problem, terms))
    return (first, *later) if upfront > 0.0 else later


def _thresholds(problem: Problem, terms: Terms) -> tuple[float, float, float]:
    """Parts of the capacity, or the provider's forecast of run-rate or value when tranches are thought to fall due."""
    if terms.milestone is Trigger.GW_LIVE:
        return 0.33 * terms.gw, 0.66 * terms.gw, 0.99 * terms.gw
    lab = (problem.seen or (problem.lab, problem.provider))[0]
    path = lab.revenue_usd_bn_per_quarter
    early, middle, late = (float(path[min(ahead, len(path) - 1)]) for ahead in (5, 6, 7))
    if terms.milestone is Trigger.REVENUE:
        return 4.0 * early, 4.0 * middle, 4.0 * late
    growth = 1.0 / max(float(path[0]), 1e-300)
    return lab.value_usd_bn * early * growth, lab.value_usd_bn * middle * growth, lab.value_usd_bn * late * growth
