"""A market's deals taken out of it, and the same market with only some of them, signed as they were.

>>> from cloudpact.model import CloudMarket
>>> start = CloudMarket("tiny", rng=7)
>>> factual = start.fork()
>>> factual.run_for(12)
>>> deals = signed_deals(factual)
>>> again = replayed(start, deals)
>>> again.run_for(12)
>>> again.results.labs.equals(factual.results.labs)
True
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cloudpact.model import CloudMarket
    from cloudpact.quarter.replay import SignedDeal


def signed_deals(market: CloudMarket) -> list[SignedDeal]:
    """Every deal signed so far as it was signed, in signing order: `name` is the slug or `replicate:number`.

    Disclosed rows that only change a clause are no deals; a market that replays keeps them as dated.
    """
    from cloudpact.quarter.replay import SignedDeal

    return [
        SignedDeal(market.deal_name(deal), deal.number, deal.terms.quarter, deal.origin, deal.kind, deal.terms)
        for deal in market.book.deals
    ]


def replayed(market: CloudMarket, deals: Iterable[SignedDeal]) -> CloudMarket:
    """A twin that from now on signs exactly these deals, on the terms and in the quarters in which they were signed.

    Nobody bargains in the twin: simulated deals are signed as given, disclosed ones as dated, and what is not among
    `deals` is not signed, disclosed or not. Deals signed before the market's present quarter stand in its book
    already and are passed over. Clauses, shares and payments follow from what is signed; a deal of a lab that has
    failed by then is not signed. Everything else (demand, prices, capacity, outside money, luck) goes on as in any
    market. With all deals of a run its twin has the run's bits in every table, except `negotiations`, which gets no
    rows, and the market's column `deals_failed`, which counts them.
    """
    from cloudpact.quarter.history import is_deal
    from cloudpact.quarter.replay import Replay

    twin = market.fork()
    ahead = sorted((deal for deal in deals if deal.quarter >= market.quarter), key=lambda deal: deal.number)
    simulated: dict[int, tuple[SignedDeal, ...]] = {}
    for deal in ahead:
        if deal.origin == "simulated":
            simulated[deal.quarter] = (*simulated.get(deal.quarter, ()), deal)
    kept = {deal.name for deal in ahead}
    dated = [row for quarter, rows in market.disclosed.items() if quarter >= market.quarter for row in rows]
    left_out = frozenset(row.slug for row in dated if is_deal(market, row) and row.slug not in kept)
    twin.replay = Replay(simulated, left_out)
    return twin
