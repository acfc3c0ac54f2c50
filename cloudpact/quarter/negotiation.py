"""negotiate_deals: disclosed deals while history lasts, then talks between labs and providers.

A market that replays deals signs those and holds no talks.

Offers are made on one snapshot of capacity. What winners share is rationed by joint surplus and
losers bargain again, so that no result depends on who is listed first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cloudpact.quarter.arrangements import ARRANGEMENTS, Winner, by_luck_where_equal, signed_terms
from cloudpact.quarter.history import sign_disclosed
from cloudpact.quarter.interventions import revised
from cloudpact.quarter.lab_talks import LabTalks, Need
from cloudpact.quarter.replay import enter, sign_again
from cloudpact.quarter.sides import WORLD, buildable, paths, world_room
from cloudpact.quarter.term_sheets import term_sheet
from market.bargaining.explanation import binding_constraint
from market.deals import Exclusivity

if TYPE_CHECKING:
    from agents.lab import Lab
    from cloudpact.model import CloudMarket
    from market.bargaining.explanation import Trace
    from market.bargaining.problem import Problem, Terms

ROUNDS = 3


def negotiate_deals(market: CloudMarket) -> None:
    """Sign the quarter's deals."""
    if market.quarter <= market.deals_until:
        sign_disclosed(market)
        return
    if market.conditions.exclusivity_banned:
        _end_exclusives(market)
    if market.replay is not None:
        sign_again(market, market.replay)
        return
    needs = [need for lab in market.labs if (need := _open(market, lab)) is not None]
    if not needs:
        return
    room = {provider.name: buildable(market, provider) for provider in market.providers if provider.spec.sells}
    room[WORLD] = world_room(market)
    arrange = ARRANGEMENTS[market.parameters.negotiation.protocol]
    for round_number in range(1, ROUNDS + 1):
        winners = [winner for need in needs for winner in arrange(LabTalks(market, need, room), round_number)]
        if not winners:
            return
        _sign_winners(market, winners, room)
        most = market.parameters.negotiation.deals_per_round
        needs = [need for need in needs if need.cut or 0 < len(need.signed) < most]
        for need in needs:
            need.cut = False


def _open(market: CloudMarket, lab: Lab) -> Need | None:
    need, contracted = paths(market, lab)
    if not lab.opens_talks(market.quarter, need, contracted, market.parameters):
        return None
    ready = market.parameters.negotiation.readiness_per_quarter
    if ready < 1.0 and market.uniform("readiness", lab.key) >= ready:
        return None
    lab.last_talks = market.quarter
    at = market.parameters.negotiation.coverage_horizon_quarters
    return Need(lab, max(float(need[at] - contracted[at]), 0.0), [])


def _end_exclusives(market: CloudMarket) -> None:
    """A ban ends exclusive clauses that still run."""
    for lab in market.labs:
        for name in market.exclusive_hosts(lab):
            market.book.change_exclusivity(name, lab.name, Exclusivity.PRIMARY, market.quarter)
    market.refresh_clauses()


def _sign_winners(market: CloudMarket, winners: list[Winner], room: dict[str, float]) -> None:
    """Sign in order of joint surplus; who no longer fits bargains again on what is left.

    What a lab strikes at the same time holds together: one deal may make up for what another costs.
    """
    left = dict(room)
    equity = dict.fromkeys(room, 0.0)
    for together in _in_order(market, winners):
        fitting = _that_fit(together, left, equity)
        for winner in together:
            trace = winner.trace(market.quarter)
            market.flows.traces.append(trace)
            if winner not in fitting:
                trace.outcome, trace.reason = "lost", "what other deals leave of capacity or money is too little"
                winner.need.cut = True
                continue
            _conclude(market, winner, trace, left, equity)
    room.update(left)


def _in_order(market: CloudMarket, winners: list[Winner]) -> list[list[Winner]]:
    """What each lab signs, largest joint surplus first; equal ones by luck."""
    by_lab: dict[str, list[Winner]] = {}
    for winner in winners:
        by_lab.setdefault(winner.need.lab.key, []).append(winner)
    luck = {key: market.uniform("tie", key) for key in by_lab}
    joint = {key: sum(winner.offer.joint for winner in together) for key, together in by_lab.items()}
    return [by_lab[key] for key in by_luck_where_equal(list(by_lab), joint, luck)]


def _that_fit(together: list[Winner], left: dict[str, float], equity: dict[str, float]) -> list[Winner]:
    """All of a lab's deals if they fit into what is left, else the most that do, none then a loss to the lab."""
    fitting = sorted(together, key=lambda winner: -winner.offer.joint)
    while fitting and not _fit(fitting, left, equity):
        fitting = fitting[:-1]
        if any(winner.offer.lab < 0.0 for winner in fitting):
            return []
    return fitting


def _fit(together: list[Winner], left: dict[str, float], equity: dict[str, float]) -> bool:
    """Whether some deals fit into what others have left of capacity, supply and providers' cash; if so, take it."""
    after, paid = dict(left), dict(equity)
    for winner in together:
        terms = signed_terms(winner)
        if not _fits(winner.offer.problem, terms, after, paid[winner.provider]):
            return False
        after[winner.provider] -= terms.gw
        after[WORLD] -= terms.gw
        paid[winner.provider] += terms.equity_usd_bn
    left.update(after)
    equity.update(paid)
    return True


def _fits(problem: Problem, terms: Terms, room: dict[str, float], equity_usd_bn: float) -> bool:
    """Whether what other winners have left of capacity, supply and the provider's cash is enough."""
    side = problem.provider
    taken = side.equity_room_usd_bn - equity_usd_bn
    # a limit that the scenario does not hold is infinite in the view
    limits = ((side.buildable_gw, room[side.name]), (side.power_gw, room[WORLD]))
    return terms.equity_usd_bn <= taken and all(terms.gw <= left or limit == float("inf") for limit, left in limits)


def _conclude(
    market: CloudMarket, winner: Winner, trace: Trace, left: dict[str, float], equity: dict[str, float]
) -> None:
    """Sign what a lab has won; what the scenario removes is no deal, and what it changes takes what it then needs.

    After a removal the lab bargains with the others in the next round, as one whose deal did not fit.
    """
    need, terms, problem = winner.need, signed_terms(winner), winner.offer.problem
    sheet = term_sheet(market, need.lab, problem, terms)
    signed = revised(market, f"{market.replicate}:{market.book.next_number}", sheet)
    gw, equity_usd_bn = terms.gw, terms.equity_usd_bn
    if signed is not sheet:
        gw, equity_usd_bn = (signed.gw, signed.equity_usd_bn) if signed is not None else (0.0, 0.0)
        for name in (winner.provider, WORLD):
            left[name] = max(left[name] + terms.gw - gw, 0.0)
        equity[winner.provider] += equity_usd_bn - terms.equity_usd_bn
        trace.reason = "removed by an intervention" if signed is None else "terms changed by an intervention"
    if signed is None:
        trace.outcome, need.cut = "lost", True
        market.book.skip_to(market.book.next_number + 1)
        return
    trace.constraint = binding_constraint(winner.offer)
    trace.deal = enter(market, need.lab, signed, problem.provider.renews).number
    need.gap_gw = max(need.gap_gw - gw, 0.0)
    need.raised_usd_bn += equity_usd_bn
    need.signed.append(winner.provider)
