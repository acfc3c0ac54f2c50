"""What is kept of a negotiation, and what can be told from it alone.

A trace of a signed deal holds the whole problem and those of the rivals as plain data. Everything
that `explained` shows is computed from the trace, and `renegotiated` solves it again with something
changed: neither needs the market.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from market.bargaining.fixed_points import Convergence
from market.bargaining.menus import best_lab_gain
from market.bargaining.negotiation import Offer, evaluated, solve
from market.bargaining.problem import Problem
from market.bargaining.solutions import egalitarian, pareto_frontier, utilitarian
from market.bargaining.transfers import Array, lines_of
from market.bargaining.utilities import at_disagreement

# Constraint: (field of the provider's view that sets its limit, unit, value that lifts it)
LIMITS: dict[str, tuple[str, str, float]] = {
    "buildable capacity": ("buildable_gw", "GW", math.inf),
    "power": ("power_gw", "GW", math.inf),
    "primary clause": ("rival_room_gw", "GW", math.inf),
    "provider's cash": ("equity_room_usd_bn", "USD bn", math.inf),
    "stake cap": ("stake_cap", "frac", 1.0),
}
RIVAL = "rival's offer"
FRONTIER_POINTS = 25
FINE_DISCOUNTS = 73
RELAXED = 0.01  # part by which a limit is relaxed to price it


@dataclass(frozen=True, slots=True)
class Rival:
    """A provider the deal was held against: its problem, and what it offered the lab (minus infinity: nothing)."""

    provider: str
    problem: Problem
    offered: float


@dataclass(slots=True)
class Trace:
    """One negotiation as it is recorded; `story` is what a signed deal can be explained from."""

    quarter: int
    lab: str
    provider: str
    outcome: str
    reason: str
    protocol: str
    rounds: int
    lab_utility: float = 0.0
    provider_utility: float = 0.0
    best_rival: str = ""
    best_rival_lab_utility: float = 0.0
    constraint: str = ""
    deal: int | None = None
    story: dict[str, Any] = field(default_factory=dict)

    @property
    def joint_surplus(self) -> float:
        """Sum of both gains over no deal this round."""
        return self.lab_utility + self.provider_utility


def trace_of(
    quarter: int,
    outcome: str,
    offer: Offer,
    protocol: str,
    rounds: int,
    rivals: Sequence[Rival] = (),
    convergence: Convergence | None = None,
    reason: str = "",
) -> Trace:
    """The trace of an offer; `rivals` with the best offer to the lab first."""
    problem = offer.problem
    trace = Trace(quarter, problem.lab.name, problem.provider.name, outcome, reason or offer.reason, protocol, rounds)
    if offer.agreed:
        trace.lab_utility, trace.provider_utility = offer.lab, offer.provider
    offering = [rival for rival in rivals if math.isfinite(rival.offered)]
    if offering:
        trace.best_rival, trace.best_rival_lab_utility = offering[0].provider, offering[0].offered
    if outcome == "signed":
        trace.story = _story(offer, protocol, rivals, convergence)
    return trace


def _story(offer: Offer, protocol: str, rivals: Sequence[Rival], convergence: Convergence | None) -> dict[str, Any]:
    assert offer.terms is not None
    return {
        "protocol": protocol,
        "problem": offer.problem.plain(),
        "terms": offer.terms.plain(),
        "payoffs": {"lab": offer.lab, "provider": offer.provider},
        "components": components(offer),
        "rivals": [
            {"provider": rival.provider, "differs": rival.problem.plain_where_not(offer.problem)} for rival in rivals
        ],
        "convergence": dataclasses.asdict(convergence) if convergence else None,
    }


def components(offer: Offer) -> dict[str, dict[str, float]]:
    """Every component of both sides at the terms of an agreement; each side sums to its gain over no deal."""
    assert offer.terms is not None
    problem = offer.problem
    alone = evaluated(problem, offer.terms.grid)
    sides = {"lab": alone.lab, "provider": alone.provider}
    return {side: {name: float(part.item()) for name, part in parts.items()} for side, parts in sides.items()}


def binding_constraint(offer: Offer) -> str:
    """Which constraint moved the outcome: the first whose lifting alone changes the payoffs, or none.

    A rival's offer is tried last, under the name "rival's offer". Only constraints that forbid some
    terms on the table are tried.
    """
    if not offer.agreed:
        return ""
    for name, allowed in offer.evaluation.constraints.items():
        if name in LIMITS and not allowed.all() and _moves(offer, _lifted(offer.problem, name)):
            return name
    if math.isfinite(offer.problem.floors[0]) and _moves(offer, _lifted(offer.problem, RIVAL)):
        return RIVAL
    return "none"


def _lifted(problem: Problem, name: str, to: float | None = None) -> Problem:
    """The problem without one constraint, or with its limit at a value."""
    if name == RIVAL:
        return dataclasses.replace(problem, floors=(-math.inf if to is None else to, problem.floors[1]))
    limit, _, free = LIMITS[name]
    changes: dict[str, Any] = {limit: free if to is None else to}
    # what the limit had put on the table stays there, so that lifting it can only add
    provider = dataclasses.replace(problem.provider, **changes)
    return dataclasses.replace(problem, grid=problem.table, provider=provider)


def _moves(offer: Offer, problem: Problem) -> bool:
    """Whether another problem gives other payoffs, beyond what polishing resolves."""
    free = solve(problem)
    scale = max(abs(offer.lab), abs(offer.provider), 1e-12)
    return not free.agreed or max(abs(free.lab - offer.lab), abs(free.provider - offer.provider)) > 1e-6 * scale


def offer_from(story: dict[str, Any]) -> Offer:
    """The offer that a trace's story tells of, solved again from its problem."""
    return solve(Problem.from_plain(story["problem"]))


def explained(story: dict[str, Any]) -> dict[str, Any]:
    """Everything that can be said of a signed deal, as plain data, from its story alone.

    `sides`: by component, both sides' values at the disagreement point, at the signed terms, and the
    gain. `constraints`: for each that binds its limit and shadow price, the change of both gains and
    of their sum for one more unit. `edges`: issues signed at the end of what was on the table.
    `frontier`: efficient gains (lab, provider). `solutions`: payoffs of each concept, and how far the
    signed terms are from it. `proposals`: offers by round. `rivals`: what each offered the lab, the
    most it could have without loss, and what it lacked.
    """
    offer = offer_from(story)
    problem = offer.problem
    assert offer.terms is not None
    return {
        "protocol": story["protocol"],
        "rule": problem.rule,
        "lab_weight": problem.lab.weight,
        "threat": _pair(problem.threat),
        "floors": _pair(problem.floors),
        "payoffs": _pair((offer.lab, offer.provider)),
        "terms": offer.terms.plain(),
        "sides": _sides(offer),
        "constraints": _constraints(offer),
        "edges": edges(offer),
        **_geometry(offer),
        "proposals": [dataclasses.asdict(each) for each in offer.settlement.proposals],
        "rivals": _rivals(story, offer),
        "convergence": story["convergence"],
    }


def _pair(values: tuple[float, float]) -> dict[str, float | None]:
    return {
        side: value if math.isfinite(value) else None for side, value in zip(("lab", "provider"), values, strict=True)
    }


def _sides(offer: Offer) -> dict[str, dict[str, dict[str, float]]]:
    problem, terms = offer.problem, offer.terms
    assert terms is not None
    before = at_disagreement(problem.lab, problem.provider, problem.weights, terms.term_quarters, problem.seen)
    gains = components(offer)
    return {
        side: {
            name: {
                "disagreement": before[side].get(name, 0.0),
                "signed": before[side].get(name, 0.0) + gain,
                "gain": gain,
            }
            for name, gain in parts.items()
        }
        for side, parts in gains.items()
    }


def _constraints(offer: Offer) -> list[dict[str, Any]]:
    """Constraints that bind, with limits and shadow prices."""
    problem = offer.problem
    tight = [name for name, allowed in offer.evaluation.constraints.items() if name in LIMITS and not allowed.all()]
    found = [_priced(offer, name) for name in tight if _moves(offer, _lifted(problem, name))]
    if math.isfinite(problem.floors[0]) and _moves(offer, _lifted(problem, RIVAL)):
        found.append(_priced(offer, RIVAL))
    return found


def _priced(offer: Offer, name: str) -> dict[str, Any]:
    """Limit of a constraint and what one more unit of it would be worth to both, by relaxing it a little."""
    problem = offer.problem
    if name == RIVAL:
        limit, unit, more = problem.floors[0], "USD bn", -RELAXED * max(abs(problem.floors[0]), 1e-9)
    else:
        attribute, unit, _ = LIMITS[name]
        limit = getattr(problem.provider, attribute)
        more = RELAXED * limit
    price: dict[str, float] | None = None
    relaxed = solve(_lifted(problem, name, limit + more)) if more else None
    if relaxed is not None and relaxed.agreed:
        lab, provider = (relaxed.lab - offer.lab) / abs(more), (relaxed.provider - offer.provider) / abs(more)
        price = {"lab": lab, "provider": provider, "joint": lab + provider}
    return {"name": name, "limit": limit, "unit": unit, "shadow_price": price}


def edges(offer: Offer) -> list[dict[str, Any]]:
    """Issues signed at the lowest or the highest level on the table, where there were several.

    A level at nil of an issue that may not be negative is no edge: nothing was asked for.
    """
    assert offer.terms is not None
    grid, terms = offer.evaluation.grid, offer.terms
    signed = {
        "gw": (grid.gw, terms.gw),
        "term_quarters": (grid.terms, terms.term_quarters),
        "take_or_pay_frac": (grid.take_or_pay, terms.take_or_pay_frac),
        "discount_frac": (grid.discounts, terms.discount_frac),
        "equity_usd_bn": (grid.equity, terms.equity_usd_bn),
        "warrant_stake_frac": (grid.warrants, terms.warrant_stake_frac),
        "revenue_share_frac": (grid.revenue_shares, terms.revenue_share_frac),
    }
    found = []
    for name, (levels, level) in signed.items():
        if len(levels) > 1 and level in (min(levels), max(levels)) and level > 0.0:
            found.append({"issue": name, "level": level, "end": "highest" if level == max(levels) else "lowest"})
    return found


def _geometry(offer: Offer) -> dict[str, Any]:
    """Frontier, thinned, and the solution concepts with the distance of the signed terms from each.

    Nash and Kalai-Smorodinsky are polished as signed terms are; the other two, like the frontier, are
    taken over the table with the discount on finer levels where it is continuous. Floors and
    reservation gains are left out.
    """
    problem = dataclasses.replace(offer.problem, floors=(-math.inf, -math.inf), luck=(0.0, 0.0))
    payoffs = _efficient(problem, offer)
    frontier = pareto_frontier(payoffs, problem.threat)
    places = np.unique(np.linspace(0, len(frontier) - 1, min(FRONTIER_POINTS, len(frontier))).astype(int))
    even = dataclasses.replace(problem, rule="nash", lab=dataclasses.replace(problem.lab, weight=0.5))
    polished = {
        "asymmetric Nash": solve(dataclasses.replace(problem, rule="nash")),
        "symmetric Nash": solve(even),
        "Kalai-Smorodinsky": solve(dataclasses.replace(problem, rule="kalai_smorodinsky")),
    }
    found = {name: (each.lab, each.provider) for name, each in polished.items() if each.agreed}
    for name, concept in (("egalitarian", egalitarian), ("utilitarian", utilitarian)):
        agreement = concept(payoffs, problem.threat)
        if agreement is not None:
            found[name] = agreement.first, agreement.second
    return {
        "frontier": [[float(payoffs[0][i]), float(payoffs[1][i])] for i in frontier[places]],
        "solutions": {
            name: {"lab": lab, "provider": provider, "distance": math.hypot(offer.lab - lab, offer.provider - provider)}
            for name, (lab, provider) in found.items()
        },
    }


def _efficient(problem: Problem, offer: Offer) -> tuple[Array, Array]:
    """Payoffs of lab and provider over which the frontier is drawn."""
    lines = lines_of(offer.evaluation, problem.threat)
    levels = np.asarray(offer.evaluation.grid.discounts)
    if "discount" in problem.continuous:
        levels = np.linspace(levels.min(), levels.max(), FINE_DISCOUNTS)
    positions = (levels - levels.min()) / (np.ptp(levels) or 1.0)
    lab, provider = zip(*(lines.at(np.full(len(lines.places), at)) for at in positions), strict=True)
    return np.concatenate(lab), np.concatenate(provider)


def _lacked(protocol: str, offer: Offer, rival: Offer, most: float) -> float:
    """What a rival would have needed more: a larger bid, more to give at its reservation value, or joint surplus."""
    if protocol == "auction":
        return offer.lab - rival.lab
    if protocol == "nash_in_nash_replacement":
        return offer.lab - most
    return offer.joint - rival.joint


def _rivals(story: dict[str, Any], offer: Offer) -> list[dict[str, Any]]:
    """What every rival offered, by its own talks with the lab, and what it would have taken to win.

    The lab goes where both gain most together; a rival wins that can give the lab more than the
    winner can without loss. See `_lacked` for what it `lacks`.
    """
    told = []
    for kept in story["rivals"]:
        rival = solve(Problem.from_plain(story["problem"] | kept["differs"]))
        most = best_lab_gain(rival.problem, rival.evaluation)
        told.append({
            "provider": kept["provider"],
            "offered": rival.lab if rival.agreed else None,
            "joint": rival.joint if rival.agreed else None,
            "most": most if math.isfinite(most) else None,
            "lacks": _lacked(story["protocol"], offer, rival, most) if rival.agreed else None,
            "reason": rival.reason,
        })  # fmt: skip
    return told
