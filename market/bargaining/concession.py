"""Concession tactics: offers that follow the clock, with a rule of acceptance.

Lab and provider propose in turn, round by round. In round t of T, t = 0, ..., T - 1, a side asks for
(1 - a(t / T)) best gain + a(t / T) reservation gain, a its tactic's concession (Faratin, Sierra and
Jennings 1998), and offers, of the efficient terms that give it as much, those best for the other. All is
conceded at time T, when it is too late to offer. What a responder accepts (Baarslag, Hindriks and Jonker
2013), never below its reservation value:

- "next" (AC_next): what is at least as good as what it would offer next; in the last round anything;
- "constant" (AC_const): what gives it at least `acceptance_level` of its best gain, in every round;
- "deadline" (AC_time): nothing before the last round, anything in it.

Common knowledge: efficient terms, threat point, floors, who moves first, rounds. Each side's tactic, rule
and reservation value are its own. Tactics are rules of thumb, no equilibrium: nobody gains time by agreeing early.

With `uncertainty` each side's reservation gain is drawn from a uniform common prior, and offers
reveal: a side never asks for less than its reservation value, so each offer cuts the believed range from
above. What a side has asked surely suffices for it, so nobody offers the other more than that. (The
prior's own upper end does not bound an offer: before the deadline a side turns down much that beats its
reservation value.) Under "next" this changes nothing; under the other two rules offers then stay where they met,
while without uncertainty they pass each other, as in the source. Talks can fail though some terms
are better for both: where both true reservation values cannot be met, and where the last offer is
too tough.

Limits: equal tactics split a symmetric pie near the middle; exponent nil holds out, and gets near all from a
conceder; one round is an ultimatum.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from market.bargaining.concession_curves import conceded_utility, exponential_concession, polynomial_concession
from market.bargaining.protocols import Array, Conduct, Proposal, Settlement, Side, Table
from market.bargaining.zone import Zone, agreed, no_deal, reservation_gains, zone_of_agreement


@dataclass(frozen=True, slots=True)
class _Party:
    """One side's plan: the gain it asks in each round and the position it would then offer; its gains by position."""

    side: Side
    asked: list[float]
    offered: list[int]
    gains: list[float]
    reservation: float
    prior_top: float

    def better(self, one: int, another: int) -> int:
        """The better for this side of two positions."""
        return min(one, another) if self.side == "lab" else max(one, another)


def concession(table: Table, conduct: Conduct) -> Settlement:
    """Offers in turn until one is accepted or the deadline has passed; all proposals are recorded.

    Reads the deadline, first mover, tactic, exponents, opening, acceptance and uncertainty of the conduct. The
    target is what the last proposer asked for itself. ValueError as in `pareto_frontier`.

    >>> cents = np.arange(101) / 100.0
    >>> table = Table(cents, 1.0 - cents)
    >>> concession(table, Conduct(deadline_rounds=100)).agreement.payoffs
    (0.5, 0.5)
    >>> concession(table, Conduct(deadline_rounds=100, lab_concession=0.01)).agreement.first
    0.96
    """
    zone = zone_of_agreement(table)
    if not len(zone):
        return no_deal(table)
    proposer, responder = _parties(zone, table, conduct)
    proposals: list[Proposal] = []
    others_ask: int | None = None
    for turn in range(conduct.deadline_rounds):
        position, asked = proposer.offered[turn], proposer.asked[turn]
        if conduct.uncertainty > 0.0 and others_ask is not None and proposer.better(position, others_ask) != position:
            position, asked = others_ask, proposer.gains[others_ask]
        accepted = _accepts(responder, position, turn, conduct)
        place = int(zone.places[position])
        believed = (0.0, min(proposer.prior_top, proposer.gains[position])) if conduct.uncertainty > 0.0 else None
        worth = float(table.lab[place]), float(table.provider[place])
        answer: Literal["accepted", "rejected"] = "accepted" if accepted else "rejected"
        proposals.append(Proposal(turn + 1, proposer.side, place, *worth, answer, believed))
        if accepted:
            threat = table.threat[0] if proposer.side == "lab" else table.threat[1]
            return agreed(table, place, tuple(proposals), (proposer.side, threat + asked))
        proposer, responder, others_ask = responder, proposer, position
    return Settlement(None, "the deadline passed without agreement", tuple(proposals))


def _parties(zone: Zone, table: Table, conduct: Conduct) -> tuple[_Party, _Party]:
    """Both sides' plans, first mover first."""
    reservations = reservation_gains(zone, table, conduct)
    lab = _party("lab", zone.lab, conduct.lab_concession, max(zone.least[0], reservations[0]), zone, conduct)
    held = max(zone.least[1], reservations[1])
    provider = _party("provider", zone.provider, conduct.provider_concession, held, zone, conduct)
    return (lab, provider) if conduct.first_mover == "lab" else (provider, lab)


def _party(side: Side, gains: Array, exponent: float, reservation: float, zone: Zone, conduct: Conduct) -> _Party:
    curve = polynomial_concession if conduct.tactic == "polynomial" else exponential_concession
    rounds = conduct.deadline_rounds
    conceded = curve(np.arange(rounds, dtype=float), rounds, exponent, conduct.opening_concession)
    best = float(gains.max())
    asked = conceded_utility(conceded, best, reservation)
    offered = zone.serving(side, asked)
    return _Party(side, asked.tolist(), offered.tolist(), gains.tolist(), reservation, conduct.uncertainty * best)


def _accepts(responder: _Party, position: int, turn: int, conduct: Conduct) -> bool:
    """Whether an offer meets the responder's reservation value and its rule of acceptance."""
    gain = responder.gains[position]
    if gain < responder.reservation:
        return False
    if conduct.acceptance == "constant":
        return gain >= conduct.acceptance_level * max(responder.gains)
    if turn == conduct.deadline_rounds - 1:
        return True
    return conduct.acceptance == "next" and gain >= responder.gains[responder.offered[turn + 1]]
