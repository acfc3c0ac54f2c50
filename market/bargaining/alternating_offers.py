"""Alternating offers with discounting, a deadline, risk of breakdown and outside options.

Lab and provider propose in turn. A rejected offer is followed, with `breakdown_prob`, by the end of talks, both
getting the threat point, and else by an offer of the other an interval later. Gains over the threat
point are discounted at the rates 2 r (1 - w) of the lab and 2 r w of the provider: the threat point is
what both go on getting during talks. A responder may also leave for its outside option (floor, or
reservation value); talks whose last offer is rejected end without a deal. The equilibrium is subgame perfect,
found by backward induction: a responder accepts its `max(outside option, (1 - p) delta_i v_i)`, v_i what it
would keep as the next proposer, and the proposer gives just that.

All is common knowledge: efficient terms, threat point, outside options, rates, risk and deadline.
Private reservation values do not exist here; true reservation gains are known outside options.

Thresholds are computed on the concave hull of the efficient terms, as if neighbouring terms could be
mixed: on a lumpy set the limit of fast offers would otherwise be made by the gaps between outcomes
(van Damme, Selten and Winter 1990). The agreement is one of the outcomes itself.

Limits: one round is an ultimatum; no deadline in sight is Rubinstein (1982); as the interval shrinks, with a
deadline far off in time, the asymmetric Nash solution with the lab's weight w (Binmore, Rubinstein and
Wolinsky 1986); risk alone, as it shrinks, the symmetric one; an outside option counts only where it beats what
talks give (Binmore, Shaked and Sutton 1989). A deadline counts as long as exp(-r * interval * rounds)
is not small: the side that makes the last offer then gets more.
"""

from __future__ import annotations

from dataclasses import dataclass

from market.bargaining.protocols import Conduct, Proposal, Settlement, Side, Table
from market.bargaining.zone import (
    Hull,
    Pair,
    Zone,
    agreed,
    concave_hull,
    no_deal,
    no_deal_between_reservations,
    reservation_gains,
    zone_of_agreement,
)

SIDES: tuple[Side, Side] = ("lab", "provider")


@dataclass(frozen=True, slots=True)
class PlannedOffer:
    """What a round's proposer would offer, were it reached: both utilities, on the hull of the efficient terms.

    `threshold` is the utility from which the other side would accept.
    """

    round: int
    proposer: Side
    lab: float
    provider: float
    threshold: float


def alternating_offers(table: Table, conduct: Conduct) -> Settlement:
    """The first round's equilibrium offer: the efficient outcome best for its proposer that the other accepts.

    Reads the impatience, interval, deadline, breakdown, first mover and uncertainty of the conduct. The
    target is the responder's threshold. ValueError as in `pareto_frontier`.

    >>> import numpy as np
    >>> cents = np.arange(101) / 100.0
    >>> last_word = Conduct(deadline_rounds=1, first_mover="lab")
    >>> alternating_offers(Table(cents, 1.0 - cents), last_word).agreement.payoffs
    (1.0, 0.0)
    """
    zone = zone_of_agreement(table)
    if not len(zone):
        return no_deal(table)
    open_terms = zone.above(reservation_gains(zone, table, conduct))
    if not len(open_terms):
        return no_deal_between_reservations()
    threshold = _thresholds(concave_hull(open_terms), open_terms.least, table, conduct)[0]
    responder = _other(conduct.first_mover)
    index = int(open_terms.places[open_terms.serving(responder, threshold)])
    lab, provider = float(table.lab[index]), float(table.provider[index])
    offer = Proposal(1, conduct.first_mover, index, lab, provider, "accepted")
    return agreed(table, index, (offer,), (responder, table.threat[SIDES.index(responder)] + threshold))


def planned_offers(table: Table, conduct: Conduct) -> tuple[PlannedOffer, ...]:
    """What each round's proposer would offer, from the first round to the deadline; none without a deal.

    Only the first is made: later ones explain it. They are points of the hull, not outcomes.

    >>> import numpy as np
    >>> pie = np.linspace(0.0, 1.0, 1001)
    >>> calm = Conduct(impatience_per_quarter=0.0, breakdown_prob=0.5, deadline_rounds=3)
    >>> [(offer.proposer, round(offer.lab, 2)) for offer in planned_offers(Table(pie, 1.0 - pie), calm)]
    [('provider', 0.25), ('lab', 0.5), ('provider', 0.0)]
    """
    zone = zone_of_agreement(table)
    open_terms: Zone = zone.above(reservation_gains(zone, table, conduct)) if len(zone) else zone
    if not len(open_terms):
        return ()
    hull = concave_hull(open_terms)
    plan = []
    for turn, threshold in enumerate(_thresholds(hull, open_terms.least, table, conduct)):
        proposer = conduct.first_mover if turn % 2 == 0 else _other(conduct.first_mover)
        responder = _other(proposer)
        given = max(threshold, hull.corners[responder][0][0])
        kept = hull.best_for_other(responder, threshold)
        lab, provider = (kept, given) if proposer == "lab" else (given, kept)
        threat = table.threat[SIDES.index(responder)]
        plan.append(
            PlannedOffer(turn + 1, proposer, table.threat[0] + lab, table.threat[1] + provider, threat + threshold)
        )
    return tuple(plan)


def _thresholds(hull: Hull, outside: Pair, table: Table, conduct: Conduct) -> list[float]:
    """Gain from which each round's responder accepts, first round first."""
    waiting = dict(zip(SIDES, conduct.waiting_factors(table.lab_weight), strict=True))
    options = dict(zip(SIDES, outside, strict=True))
    last_is_first = conduct.deadline_rounds % 2 == 1
    proposer = conduct.first_mover if last_is_first else _other(conduct.first_mover)
    threshold = options[_other(proposer)]
    found = [threshold]
    for _ in range(conduct.deadline_rounds - 1):
        # one round earlier this proposer answers, and may wait for what it keeps now
        kept = hull.best_for_other(_other(proposer), threshold)
        threshold = max(options[proposer], waiting[proposer] * kept)
        found.append(threshold)
        proposer = _other(proposer)
    return found[::-1]


def _other(side: Side) -> Side:
    return "provider" if side == "lab" else "lab"
