"""What a lab's several partners mean for each other under each protocol: rivals, bidders, or partners of one lab.

Each arrangement takes a lab's talks and returns whom it would sign with on this snapshot. Pairs that
find no agreement leave a trace with the reason; rivals that lose stand in the winner's.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cloudpact.quarter.lab_talks import LabTalks, Need
from market.bargaining.explanation import Rival, Trace, trace_of
from market.bargaining.fixed_points import Pair
from market.bargaining.negotiation import SAME, Offer, solve
from market.bargaining.portfolios import PortfolioResult, nash_in_nash, nash_in_shapley
from market.bargaining.problem import Terms
from market.bargaining.protocols import Conduct, Settlement, Table
from market.bargaining.rules import RULES
from market.deals import Exclusivity

if TYPE_CHECKING:
    from market.bargaining.fixed_points import Convergence


@dataclass(frozen=True, slots=True, eq=False)
class Winner:
    """A deal that a lab would sign this round, with the rivals it was held against."""

    need: Need
    provider: str
    offer: Offer
    protocol: str
    round: int
    rivals: tuple[Rival, ...] = ()
    convergence: Convergence | None = None

    def trace(self, quarter: int) -> Trace:
        """What is kept of the negotiation."""
        return trace_of(quarter, "signed", self.offer, self.protocol, self.round, self.rivals, self.convergence)


def signed_terms(winner: Winner) -> Terms:
    """The terms of a deal that a lab would sign."""
    assert winner.offer.terms is not None
    return winner.offer.terms


def by_luck_where_equal(names: list[str], worth: Mapping[str, float], luck: Mapping[str, float]) -> list[str]:
    """Names by falling worth; those worth as much as the best of them but for rounding by luck, lowest first.

    >>> by_luck_where_equal(["a", "b", "c"], {"a": 1.0, "b": 3.0, "c": 3.0 + 1e-15}, {"a": 0.1, "b": 0.2, "c": 0.3})
    ['b', 'c', 'a']
    """
    left, ranked = sorted(names, key=lambda name: (-worth[name], luck[name])), []
    while left:
        best = worth[left[0]]
        equal = [name for name in left if worth[name] == best or best - worth[name] <= SAME * abs(best)]
        ranked += sorted(equal, key=lambda name: luck[name])
        left = [name for name in left if name not in equal]
    return ranked


type Arrangement = Callable[[LabTalks, int], list[Winner]]


def best_offer(talks: LabTalks, round_number: int) -> list[Winner]:
    """Every pair bargains alone; the best joint surplus wins, the best rival being a floor under the lab's gain.

    The floor is an outside option, not a threat point (Binmore, Shaked and Sutton 1989). A winner that
    cannot match it loses to that rival. Who holds a right of first refusal may match the winner.
    """
    offers = {name: talks.offer(name) for name in talks.providers}
    agreed = _agreed(talks, offers, round_number)
    if not agreed:
        return []
    luck = talks.luck()
    ranked = by_luck_where_equal(agreed, {name: offers[name].joint for name in agreed}, luck)
    runners = by_luck_where_equal(ranked[1:], {name: offers[name].lab for name in agreed}, luck)
    winner, offer = ranked[0], offers[ranked[0]]
    if runners and offer.lab < offers[runners[0]].lab:
        floors = max(offer.problem.floors[0], offers[runners[0]].lab), offer.problem.floors[1]
        improved = talks.offer(winner, floors=floors)
        # a winner that cannot match the best rival's offer loses to it
        winner, offer = (winner, improved) if improved.agreed else (runners[0], offers[runners[0]])
    return [_winner(talks, winner, offer, offers, round_number)]


def auction(talks: LabTalks, round_number: int) -> list[Winner]:
    """Every provider bids a gain for the lab; the highest bid wins and its terms are the provider's best at that gain.

    Che (1993). Providers believe that rivals' largest bids come from one distribution, know how many
    bid, and do not see the bids.
    """
    bidders = sum(talks.best_gain(name) > 0.0 for name in talks.providers)
    offers = {name: talks.offer(name, rule="auction", bidders=max(bidders, 1)) for name in talks.providers}
    agreed = _agreed(talks, offers, round_number)
    if not agreed:
        return []
    luck = talks.luck()
    # a bid is a gain for the lab, met exactly by continuous terms
    winner = by_luck_where_equal(agreed, {name: offers[name].lab for name in agreed}, luck)[0]
    return [_winner(talks, winner, offers[winner], offers, round_number)]


def portfolio(talks: LabTalks, round_number: int) -> list[Winner]:
    """All pairs of the lab at once, each taking the others' terms as given: Nash-in-Nash and its two relatives."""
    protocol, most = _protocol(talks), talks.market.parameters.negotiation.deals_per_round - len(talks.need.signed)
    if not talks.providers:
        return []
    found = _solved(talks, protocol, most)
    winners = []
    for name, pair in found.pairs.items():
        problem, evaluation = talks.evaluation(name, pair.given)
        problem = dataclasses.replace(problem, threat=pair.table.threat, floors=pair.table.floors)
        if name in found.signed:
            rivals = _outsider(talks, pair)
            offer = solve(problem, evaluation)
            winners.append(Winner(talks.need, name, offer, protocol, round_number, rivals, found.report))
        else:
            _note(talks, Offer(problem, evaluation, pair.settlement), "failed", round_number)
    return winners


def _solved(talks: LabTalks, protocol: str, most: int) -> PortfolioResult[Terms]:
    def rule(provider: str) -> Callable[[Table, Conduct], Settlement]:
        problem = talks.problem(provider)
        return lambda table, _: RULES[problem.rule](table, problem.conduct)

    conduct, luck = Conduct(), talks.luck()  # each pair has a conduct of its own
    if protocol == "nash_in_shapley":
        return nash_in_shapley(talks, most, rule, conduct, luck)
    return nash_in_nash(talks, most, rule, conduct, luck, replacement=protocol == "nash_in_nash_replacement")


ARRANGEMENTS: dict[str, Arrangement] = {
    **dict.fromkeys(("nash", "kalai_smorodinsky", "alternating_offers", "concession", "screening"), best_offer),
    "auction": auction,
    **dict.fromkeys(("nash_in_nash", "nash_in_nash_replacement", "nash_in_shapley"), portfolio),
}


def _protocol(talks: LabTalks) -> str:
    return talks.market.parameters.negotiation.protocol


def _agreed(talks: LabTalks, offers: dict[str, Offer], round_number: int) -> list[str]:
    """Pairs that agree; the others leave a trace."""
    for offer in offers.values():
        if not offer.agreed:
            _note(talks, offer, "failed", round_number)
    return [name for name, offer in offers.items() if offer.agreed]


def _winner(talks: LabTalks, name: str, offer: Offer, offers: dict[str, Offer], round_number: int) -> Winner:
    """The deal that is signed: who holds a right of first refusal takes it if it can match without loss."""
    holder, matched = _matched(talks, name, offer)
    if holder != name:
        _note(talks, offer, "lost", round_number, f"{holder} used its right of first refusal")
    luck = talks.luck()
    others = by_luck_where_equal(
        [each for each in offers if each != holder], {k: v.lab for k, v in offers.items()}, luck
    )
    rivals = tuple(Rival(each, offers[each].problem, offers[each].lab) for each in others)
    return Winner(talks.need, holder, matched, _protocol(talks), round_number, rivals)


def _matched(talks: LabTalks, winner: str, offer: Offer) -> tuple[str, Offer]:
    """Who holds a right of first refusal and can match the winner, of several the best for the lab; or the winner."""
    if "exclusivity" not in talks.market.parameters.negotiation.constraints:
        return winner, offer
    holders = [name for name in talks.providers if _holds_first_refusal(talks, name)]
    if winner in holders:
        return winner, offer
    matches = {}
    for name in holders:
        problem = talks.problem(name)
        floors = max(problem.floors[0], offer.lab), problem.floors[1]
        match = talks.offer(name, rule="auction", bidders=1, floors=floors)  # bids what it must match and no more
        if match.agreed:
            matches[name] = match
    if not matches:
        return winner, offer
    best = by_luck_where_equal(list(matches), {name: match.lab for name, match in matches.items()}, talks.luck())[0]
    return best, matches[best]


def _holds_first_refusal(talks: LabTalks, provider: str) -> bool:
    return talks.problem(provider).provider.running_clause is Exclusivity.FIRST_REFUSAL


def _outsider(talks: LabTalks, pair: Pair[Terms]) -> tuple[Rival, ...]:
    """The provider whose place in the others' company the lab threatened to give away, if there was one."""
    if not pair.outsider or not math.isfinite(pair.floor_usd_bn):
        return ()
    return (Rival(pair.outsider, talks.problem(pair.outsider, pair.given), pair.floor_usd_bn),)


def _note(talks: LabTalks, offer: Offer, outcome: str, round_number: int, reason: str = "") -> None:
    """Keep what is known of talks that led to no deal."""
    trace = trace_of(talks.market.quarter, outcome, offer, _protocol(talks), round_number, reason=reason)
    talks.market.flows.traces.append(trace)
