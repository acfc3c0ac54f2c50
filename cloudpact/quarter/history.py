"""The past: disclosed deals signed as dated."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from cloudpact.quarter.interventions import revised
from market.deals import Exclusivity, TermSheet
from market.disclosed import DisclosedDeal
from market.fact_names import Role

if TYPE_CHECKING:
    from cloudpact.model import CloudMarket


def sign_disclosed(market: CloudMarket) -> None:
    """Sign the disclosed deals of this quarter, change clauses and stakes where a row says so.

    A row that is left out leaves its number free, so that later deals keep theirs.
    """
    for disclosed in market.disclosed.get(market.quarter, ()):
        lab = market.lab_by_name.get(disclosed.terms.lab)
        if lab is None or not lab.active or disclosed.role is Role.IGNORED:
            continue
        signed = _scaled(disclosed.terms, market.parameters.negotiation.equity_scale, market.last_contract_quarter)
        terms = revised(market, disclosed.slug, signed)
        if terms is None or _not_replayed(market, disclosed):
            market.book.skip_to(market.book.next_number + is_deal(market, disclosed))
            continue
        if disclosed.role is Role.EXCLUSIVITY_CHANGE or disclosed.role is Role.SIGNED:
            _amend(market, disclosed.role, terms)
        if is_deal(market, disclosed):
            deal = market.book.sign(
                terms, market.quarter, origin="disclosed", slug=disclosed.slug, imputed=tuple(sorted(disclosed.imputed))
            )
            deal.shares_at_signing = lab.cap_table.shares_outstanding
            market.flows.signed.append(deal.number)


def set_disclosed_stakes(market: CloudMarket) -> None:
    """A disclosed whole holding replaces what the deals so far add up to, this quarter's tranches included."""
    for disclosed in market.disclosed.get(market.quarter, ()):
        lab = market.lab_by_name.get(disclosed.terms.lab)
        if disclosed.stake_set_to is None or lab is None or not lab.active:
            continue
        if _removed(market, disclosed) or _not_replayed(market, disclosed):
            continue
        if market.parameters.negotiation.equity_scale > 0.0:
            lab.cap_table.set_fraction(disclosed.terms.provider, disclosed.stake_set_to)


def is_deal(market: CloudMarket, disclosed: DisclosedDeal) -> bool:
    """Whether a row is a deal that enters the book: between parties there are, and more than a changed clause."""
    changes_nothing_else = disclosed.role in (Role.IGNORED, Role.EXCLUSIVITY_CHANGE)
    return not changes_nothing_else and disclosed.terms.provider in market.ledger.parties


def _removed(market: CloudMarket, disclosed: DisclosedDeal) -> bool:
    entry = market.interventions.get(disclosed.slug)
    return entry is not None and entry.kind == "remove"


def _not_replayed(market: CloudMarket, disclosed: DisclosedDeal) -> bool:
    return market.replay is not None and disclosed.slug in market.replay.left_out


def _amend(market: CloudMarket, role: Role, terms: TermSheet) -> None:
    """The latest row of a pair states their clause; `none` after an exclusive one ends it."""
    running = market.clauses[terms.lab].get(terms.provider)
    if role is Role.EXCLUSIVITY_CHANGE or (running is Exclusivity.EXCLUSIVE):
        market.book.change_exclusivity(terms.provider, terms.lab, terms.exclusivity, market.quarter)


def _scaled(terms: TermSheet, equity_scale: float, last_quarter: int) -> TermSheet:
    """A disclosed term sheet with the equity channel's size, cut at the end of the book's arrays."""
    tranches = tuple(
        dataclasses.replace(tranche, amount_usd_bn=tranche.amount_usd_bn * equity_scale) for tranche in terms.tranches
    )
    if equity_scale == 0.0:
        terms = dataclasses.replace(terms, tranches=(), warrants=(), stake_frac=0.0)
    elif equity_scale != 1.0:
        terms = dataclasses.replace(terms, tranches=tranches, stake_frac=min(terms.stake_frac * equity_scale, 1.0))
    room = max(last_quarter - terms.start_quarter, 0)
    if terms.term_quarters > room:
        terms = dataclasses.replace(terms, gw_by_quarter=terms.gw_by_quarter[:room])
    return terms
