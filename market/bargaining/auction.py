"""First-price auction among providers for one lab's need, scored by the lab's own utility.

Each provider bids a gain to the lab over its threat point, sealed, and the best bid wins; the winner's
terms are, of its efficient ones, those that give the lab at least its bid and the provider most. A provider's
type k is the largest lab gain that it can offer without loss, known to it alone (the pseudo-type of
Che 1993; Asker and Cantillon 2008). Common knowledge: the number n of providers with k above nil, that each
holds a rival's k for a draw from F(k) = (k / top)^a, and the lab's floor, which is the reserve r. The
bid is that of the symmetric equilibrium, b = (m k + r (r / k)^m) / (m + 1) with m = a (n - 1).

It is exact where utility moves one for one between the two; on curved frontiers a provider would shade its
bid by what a lower one saves it, and this is the linear approximation.

Limits: one provider bids the reserve, so the lab gets its reservation value or the least gain above nil (a
monopoly); with many the lab gets all; on average the lab gets what a second-price auction would give it
(Vickrey 1961; Riley and Samuelson 1981).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from market.bargaining.bidding import first_price_bid
from market.bargaining.protocols import Conduct, Proposal, Settlement, Table
from market.bargaining.zone import Zone, agreed, no_deal, zone_of_agreement

OUTBID = "a rival offers the lab more"


@dataclass(frozen=True, slots=True)
class AuctionResult:
    """Winner's place among the providers, or None; a settlement for each; each one's bid in the lab's utility.

    A bid is minus infinity where the provider made none.
    """

    winner: int | None
    settlements: tuple[Settlement, ...]
    bids: tuple[float, ...]


def auction(tables: Sequence[Table], conduct: Conduct, luck: Sequence[float]) -> AuctionResult:
    """Winner, settlements and bids of a first-price auction among providers, one table each.

    The target of the winner's settlement is the lab's utility at the bid. Of equal bids the one with the
    lowest luck wins, then the first listed. Reads the `bidder_shape` of the conduct. Raises ValueError where
    there is not one draw of luck a table, and as in `pareto_frontier`.

    >>> pie = np.linspace(0.0, 1.0, 101)
    >>> result = auction([Table(pie, 0.5 - pie), Table(pie, 1.0 - pie)], Conduct(), (0.1, 0.2))
    >>> result.winner, result.bids, result.settlements[1].agreement.payoffs
    (1, (0.25, 0.5), (0.5, 0.5))
    """
    if len(luck) != len(tables):
        raise ValueError(f"luck: {len(luck)} draws for {len(tables)} tables; allowed: one each")
    zones = [zone_of_agreement(table) for table in tables]
    bidders = sum(_can_serve(table) for table in tables)
    gains = [_bid(zone, bidders, conduct.bidder_shape) for zone in zones]
    bids = [-np.inf if gain is None else table.threat[0] + gain for table, gain in zip(tables, gains, strict=True)]
    in_order = sorted(range(len(tables)), key=lambda i: (-bids[i], luck[i], i))
    winner = in_order[0] if in_order and bids[in_order[0]] > -np.inf else None
    settlements = (
        no_deal(table) if gain is None else _settlement(table, zone, gain, i == winner)
        for i, (table, zone, gain) in enumerate(zip(tables, zones, gains, strict=True))
    )
    return AuctionResult(winner, tuple(settlements), tuple(bids))


def _can_serve(table: Table) -> bool:
    """Whether the provider has terms that leave both better off, whatever the lab's floor."""
    least = max(table.threat[1], table.floors[1])
    return bool(((table.lab > table.threat[0]) & (table.provider >= least)).any())


def _bid(zone: Zone, bidders: int, shape: float) -> float | None:
    return first_price_bid(zone.best[0], bidders, shape, zone.least[0]) if len(zone) else None


def _settlement(table: Table, zone: Zone, gain: float, won: bool) -> Settlement:
    index = int(zone.places[zone.serving("lab", gain)])
    worth = float(table.lab[index]), float(table.provider[index])
    bid = Proposal(1, "provider", index, *worth, "accepted" if won else "rejected")
    if not won:
        return Settlement(None, OUTBID, (bid,))
    return agreed(table, index, (bid,), ("lab", table.threat[0] + gain))


def bid_for(table: Table, conduct: Conduct, bidders: int) -> Settlement:
    """Terms of one provider's bid where `bidders` bid in all, as if it won; who wins is for the lab to compare.

    >>> pie = np.linspace(0.0, 1.0, 101)
    >>> bid_for(Table(pie, 1.0 - pie), Conduct(), 2).agreement.payoffs
    (0.5, 0.5)
    """
    zone = zone_of_agreement(table)
    gain = _bid(zone, bidders, conduct.bidder_shape)
    return no_deal(table) if gain is None else _settlement(table, zone, gain, True)
