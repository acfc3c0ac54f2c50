"""Deals that the scenario removes or changes: in the quarter of their signature, and in no other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from market.deals import TermSheet
from market.fact_names import Role
from market.interventions import changed, refused
from market.scenario_checks import INTERVENTION_TERMS, SIMULATED_DEAL
from market.scenario_errors import closest, problem

if TYPE_CHECKING:
    from cloudpact.model import CloudMarket
    from market.disclosed import DisclosedDeal
    from market.scenario import Intervention

NONE: Mapping[str, Intervention] = {}


def interventions_of(market: CloudMarket) -> Mapping[str, Intervention]:
    """The scenario's interventions by deal, those in simulated deals of other replicates among them.

    Raises ScenarioError, in one line, for a disclosed deal that the scenario does not sign, or a term that it
    cannot have.
    """
    entries = market.parameters.interventions
    if not entries:
        return NONE
    rows = _rows(market)
    for position, entry in enumerate(entries):
        if SIMULATED_DEAL.fullmatch(entry.deal):
            continue
        if entry.deal not in rows:
            disclosed = f"one of the {len(rows)} that it does, or " if rows else ""
            raise problem(
                "the scenario signs no such disclosed deal",
                path=("interventions", position, "deal"),
                got=entry.deal,
                allowed=f"{disclosed}REPLICATE:NUMBER of a simulated one",
                meant=closest(entry.deal, list(rows)),
            )
        _check_row(market, rows[entry.deal], entry)
    return {entry.deal: entry for entry in entries}


def _rows(market: CloudMarket) -> dict[str, DisclosedDeal]:
    """Disclosed rows that the scenario takes as dated, by slug."""
    dated = range(market.first_quarter, min(market.deals_until, market.last_quarter) + 1)
    rows = [row for quarter in dated for row in market.disclosed.get(quarter, ())]
    return {row.slug: row for row in rows if row.role is not Role.IGNORED and row.terms.lab in market.lab_by_name}


def _check_row(market: CloudMarket, row: DisclosedDeal, entry: Intervention) -> None:
    if entry.kind == "remove":
        return
    given = [term for term in INTERVENTION_TERMS if getattr(entry, term) is not None]
    if row.role is Role.EXCLUSIVITY_CHANGE and given != ["exclusivity"]:
        other = next(term for term in given if term != "exclusivity")
        raise refused(entry, other, "the row changes a clause and nothing else")
    if entry.exclusivity is not None and row.terms.provider not in market.provider_by_name:
        raise refused(entry, "exclusivity", f"{row.terms.provider} is no hyperscaler and holds no clause")
    _changed(market, row.terms, entry)


def _changed(market: CloudMarket, terms: TermSheet, entry: Intervention) -> TermSheet:
    rules = market.parameters.negotiation
    return changed(terms, entry, market.last_contract_quarter, rules.revenue_share_quarters)


def revised(market: CloudMarket, deal: str, terms: TermSheet) -> TermSheet | None:
    """The terms that a deal is signed on: the same object where the scenario leaves it alone, None where it goes.

    The parties of a removed deal sign nothing more this quarter, nor while the intervention bars them.
    """
    entry = market.interventions.get(deal)
    if entry is None:
        return terms
    if entry.kind == "remove":
        market.barred[terms.provider, terms.lab] = market.quarter + entry.bar_quarters
        return None
    return _changed(market, terms, entry)
