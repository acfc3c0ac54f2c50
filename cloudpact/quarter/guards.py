"""Identities that hold after every phase, checked where `debug_guards` is on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from cloudpact.quarter.recording import stranded_gw
from market import invariants
from market.sums import totals

if TYPE_CHECKING:
    from cloudpact.model import CloudMarket

type Phase = Callable[[CloudMarket], None]


def check(market: CloudMarket) -> None:
    """Raise InvariantError if money, balance sheets, cap tables, contracts or capacity do not add up."""
    invariants.check_money(market.ledger)
    invariants.check_balance_sheets(market.ledger)
    invariants.check_cap_tables({lab.name: lab.cap_table for lab in market.labs} | market.supplier_tables)
    invariants.check_book(market.book)
    _check_capacity(market)


def _check_capacity(market: CloudMarket) -> None:
    fleets = [provider.capacity for provider in market.providers]
    if not fleets or fleets[0].quarter < market.quarter:
        return
    flows = market.flows
    used = flows.own_use_gw + flows.open_gw + totals(flows.delivered_gw[:-1], axis=1)
    reserved = stranded_gw(market)
    installed = np.array([fleet.installed_gw for fleet in fleets])
    invariants.check_capacity(
        np.array([fleet.ordered_cum for fleet in fleets]),
        np.array([fleet.construction_gw for fleet in fleets]),
        installed,
        np.array([fleet.retired_cum for fleet in fleets]),
        used + reserved,
        used,
    )
