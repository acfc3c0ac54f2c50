"""Signing again, in another market, deals that were signed in one: no talks are held, terms stand as they were."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from market.bargaining.clauses import TIED
from market.deals import Deal, DealKind, Exclusivity, TermSheet

if TYPE_CHECKING:
    from agents.lab import Lab
    from cloudpact.model import CloudMarket


@dataclass(frozen=True, slots=True)
class SignedDeal:
    """A deal as it was signed: its name (slug, or `replicate:number`), place in the book, quarter, kind and terms."""

    name: str
    number: int
    quarter: int
    origin: str
    kind: DealKind
    terms: TermSheet


@dataclass(frozen=True, slots=True)
class Replay:
    """What a market signs instead of bargaining: simulated deals by quarter, disclosed ones but for some slugs."""

    simulated: Mapping[int, tuple[SignedDeal, ...]]
    left_out: frozenset[str]


def sign_again(market: CloudMarket, replay: Replay) -> None:
    """Sign the replay's deals of this quarter; those of a lab that is not there are not signed."""
    for signed in replay.simulated.get(market.quarter, ()):
        lab = market.lab_by_name[signed.terms.lab]
        if lab.active:
            market.book.skip_to(signed.number)
            enter(market, lab, signed.terms, renews=signed.kind is DealKind.RENEWAL)


def enter(market: CloudMarket, lab: Lab, terms: TermSheet, renews: bool) -> Deal:
    """Enter a bargained deal and what it changes of clauses that run between the two."""
    quarter, clause = market.quarter, terms.exclusivity
    running = market.clauses[lab.name].get(terms.provider, Exclusivity.NONE)
    before = [deal for deal in market.book.between(terms.provider, lab.name) if deal.exclusivity_in(quarter) is running]
    amended = running is not Exclusivity.NONE and clause is not running
    if TIED[clause] < TIED[running]:
        # the new deal alone says what holds from now on
        market.book.change_exclusivity(terms.provider, lab.name, Exclusivity.NONE, quarter)
    deal = market.book.sign(terms, quarter)
    deal.kind = DealKind.AMENDMENT if amended else DealKind.RENEWAL if renews else DealKind.NEW
    deal.amends = before[-1].number if amended and before else None
    deal.shares_at_signing = lab.cap_table.shares_outstanding
    market.flows.signed.append(deal.number)
    if clause is not running:
        market.refresh_clauses()
    return deal
