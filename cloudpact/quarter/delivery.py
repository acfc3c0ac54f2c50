"""deliver_capacity: what was ordered enters service, what is worn out retires, contracts come of age."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.lab import Lab
from market.calendar import quarter_index
from market.ownership import CapTable

if TYPE_CHECKING:
    from cloudpact.model import CloudMarket


def deliver_capacity(market: CloudMarket) -> None:
    """Commission and retire capacity, move contracts on, let labs enter."""
    for provider in market.providers:
        provider.capacity.deliver(market.quarter)
    market.book.advance(market.quarter)
    for lab in market.labs:
        if not lab.active and _enters(lab, market.quarter, market.first_quarter):
            enter(market, lab)


def _enters(lab: Lab, quarter: int, first: int) -> bool:
    return quarter == (max(quarter_index(lab.spec.enters), first) if lab.spec.enters else first)


def enter(market: CloudMarket, lab: Lab) -> None:
    """Open a lab: its founders' money comes from outside investors, an integrated lab's from its owner."""
    lab.active = True
    payer = lab.spec.owner or "Outside investors"
    market.ledger.open(lab.name)
    market.ledger.pay(market.quarter, payer, lab.name, lab.spec.cash_usd_bn, "stakes", "paid_in", "entry")
    market.invested[payer, lab.name] = lab.spec.cash_usd_bn
    if lab.integrated:
        lab.cap_table = CapTable({lab.spec.owner: 1.0})
    elif lab.spec.founders_frac < 1.0:
        lab.cap_table.set_fraction("Outside investors", 1.0 - lab.spec.founders_frac)
