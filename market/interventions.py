"""Signed terms with some of them changed by hand: what each change means for the rest of the term sheet."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from market.deals import Exclusivity, TermSheet, Tranche, Trigger, Warrant
from market.scenario_checks import CAPACITY_TERMS, INTERVENTION_TERMS
from market.scenario_errors import ScenarioError, problem
from market.valuation import stake_sold

if TYPE_CHECKING:
    from market.scenario import Intervention


def changed(terms: TermSheet, change: Intervention, last_quarter: int, share_quarters: int) -> TermSheet:
    """The term sheet with what an intervention changes; the very same object where that is nothing.

    - `equity_usd_bn`: all tranches in proportion, their thresholds as they are; the stake is what the new sum buys
      at the same pre-money, E / (V + E). Nil leaves no tranche. Warrants stay.
    - `gw`: the whole path of capacity in proportion, and with it every milestone on capacity going live. Nil leaves
      no capacity; equity that waits for it is then never due.
    - `term_quarters`: counted from the start of the capacity; the path is cut or its last level goes on, up to
      `last_quarter`, the first quarter that no contract may reach.
    - `price_usd_bn_per_gw_quarter`: the price paid; the discount follows from the list price that price and
      discount were signed on.
    - `exclusivity`: the clause. Where there was one, its dated end stays (one that is the end of the capacity moves
      with it); where there was none it ends with the capacity, without capacity with the deal.
    - `revenue_share_frac`: the share; where there was none it is owed for `share_quarters` from the signing.

    Raises ScenarioError, in one line, for a term of something that the deal does not have: capacity or equity.
    """
    _check(terms, change)
    if change.equity_usd_bn is not None and change.equity_usd_bn != terms.equity_usd_bn:
        terms = _with_equity(terms, change.equity_usd_bn)
    if change.gw is not None and change.gw != terms.gw:
        terms = _with_gw(terms, change.gw)
    if change.term_quarters is not None and change.term_quarters != terms.term_quarters:
        terms = _with_term(terms, min(change.term_quarters, max(last_quarter - terms.start_quarter, 0)))
    price = change.price_usd_bn_per_gw_quarter
    if price is not None and price != terms.price_usd_bn_per_gw_quarter:
        terms = _with_price(terms, price)
    if change.take_or_pay_frac is not None and change.take_or_pay_frac != terms.take_or_pay_frac:
        terms = dataclasses.replace(terms, take_or_pay_frac=change.take_or_pay_frac)
    if change.exclusivity is not None and change.exclusivity != terms.exclusivity:
        terms = _with_clause(terms, Exclusivity(change.exclusivity))
    if change.revenue_share_frac is not None and change.revenue_share_frac != terms.revenue_share_frac:
        terms = _with_revenue_share(terms, change.revenue_share_frac, share_quarters)
    return terms


def refused(change: Intervention, term: str, why: str) -> ScenarioError:
    """The error for a term that a deal cannot have."""
    return problem(why, where=f"intervention in {change.deal}", path=(term,), got=getattr(change, term))


def _check(terms: TermSheet, change: Intervention) -> None:
    given = [term for term in INTERVENTION_TERMS if getattr(change, term) is not None]
    for term in given:
        if term in CAPACITY_TERMS and not terms.gw_by_quarter:
            raise refused(change, term, "the deal has no capacity to change")
        if term == "equity_usd_bn" and not terms.tranches:
            raise refused(change, term, "the deal has no equity to change")


def _with_equity(terms: TermSheet, equity_usd_bn: float) -> TermSheet:
    if equity_usd_bn == 0.0:
        return dataclasses.replace(terms, tranches=(), stake_frac=0.0)
    factor = equity_usd_bn / terms.equity_usd_bn
    tranches = tuple(
        dataclasses.replace(tranche, amount_usd_bn=tranche.amount_usd_bn * factor) for tranche in terms.tranches
    )
    priced = terms.pre_money_usd_bn > 0.0  # without a price of its own equity buys at the value when it is paid
    stake = stake_sold(terms.pre_money_usd_bn, equity_usd_bn) if priced else terms.stake_frac
    return dataclasses.replace(terms, tranches=tranches, stake_frac=stake)


def _with_gw(terms: TermSheet, gw: float) -> TermSheet:
    if gw == 0.0:
        return dataclasses.replace(terms, gw_by_quarter=())
    factor = gw / terms.gw

    def scaled[T: (Tranche, Warrant)](item: T) -> T:
        on_capacity = item.trigger is Trigger.GW_LIVE
        return dataclasses.replace(item, threshold=item.threshold * factor) if on_capacity else item

    return dataclasses.replace(
        terms,
        gw_by_quarter=tuple(gw if each == terms.gw else each * factor for each in terms.gw_by_quarter),
        tranches=tuple(scaled(tranche) for tranche in terms.tranches),
        warrants=tuple(scaled(warrant) for warrant in terms.warrants),
    )


def _with_term(terms: TermSheet, quarters: int) -> TermSheet:
    path = terms.gw_by_quarter
    longer = path[:quarters] + path[-1:] * (quarters - len(path))
    until = terms.exclusive_until
    ends_with_it = until == terms.end_quarter
    return dataclasses.replace(
        terms, gw_by_quarter=longer, exclusive_until=terms.start_quarter + len(longer) if ends_with_it else until
    )


def _with_price(terms: TermSheet, price: float) -> TermSheet:
    signed_on = terms.price_usd_bn_per_gw_quarter / (1.0 - terms.discount_frac) if terms.discount_frac < 1.0 else 0.0
    discount = 1.0 - price / signed_on if signed_on > 0.0 else 0.0
    return dataclasses.replace(terms, price_usd_bn_per_gw_quarter=price, discount_frac=discount)


def _with_clause(terms: TermSheet, clause: Exclusivity) -> TermSheet:
    until = terms.exclusive_until
    if clause is Exclusivity.NONE:
        until = None
    elif terms.exclusivity is Exclusivity.NONE:
        until = terms.end_quarter if terms.gw_by_quarter else None
    return dataclasses.replace(terms, exclusivity=clause, exclusive_until=until)


def _with_revenue_share(terms: TermSheet, frac: float, quarters: int) -> TermSheet:
    until = terms.revenue_share_until
    if frac == 0.0:
        until = None
    elif terms.revenue_share_frac == 0.0:
        until = terms.quarter + quarters
    return dataclasses.replace(terms, revenue_share_frac=frac, revenue_share_until=until)
