"""Every bilateral protocol by the name that scenarios use.

Nash and Kalai-Smorodinsky are solution concepts: all is common knowledge, and true reservation gains
enter as outside options, which exclude terms without moving the threat point. Both are taken over the terms
that give the lab more than its threat point; Kalai-Smorodinsky's ideal is over these terms too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from market.bargaining.alternating_offers import alternating_offers
from market.bargaining.concession import concession
from market.bargaining.protocols import Conduct, Protocol, Settlement, Table
from market.bargaining.screening import screening
from market.bargaining.solutions import Agreement, kalai_smorodinsky, nash
from market.bargaining.zone import (
    least_utilities,
    no_deal,
    no_deal_between_reservations,
    reservation_gains,
    zone_of_agreement,
)


def _nash(table: Table) -> Agreement | None:
    weights = (table.lab_weight, 1.0 - table.lab_weight)
    return nash((table.lab, table.provider), table.threat, weights, least_utilities(table))


def _kalai_smorodinsky(table: Table) -> Agreement | None:
    return kalai_smorodinsky((table.lab, table.provider), table.threat, least_utilities(table))


def _solution(concept: Callable[[Table], Agreement | None], table: Table, conduct: Conduct) -> Settlement:
    """Settlement on a solution concept, true reservation gains raising the floors."""
    raised = _with_reservations_known(table, conduct)
    found = concept(raised)
    if found is not None:
        return Settlement(found, "agreed")
    if raised is not table and concept(table) is not None:
        return no_deal_between_reservations()
    return no_deal(table)


def _with_reservations_known(table: Table, conduct: Conduct) -> Table:
    if conduct.uncertainty == 0.0 or table.luck == (0.0, 0.0):
        return table
    zone = zone_of_agreement(table)
    if not len(zone):
        return table
    lab, provider = reservation_gains(zone, table, conduct)
    floors = max(table.floors[0], table.threat[0] + lab), max(table.floors[1], table.threat[1] + provider)
    return replace(table, floors=floors)


RULES: dict[str, Protocol] = {
    "nash": partial(_solution, _nash),
    "kalai_smorodinsky": partial(_solution, _kalai_smorodinsky),
    "alternating_offers": alternating_offers,
    "concession": concession,
    "screening": screening,
}
