"""One bilateral negotiation: terms, threat points, rival's floor, outcome and its trace."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from market.bargaining.solutions import (
    Agreement,
    egalitarian,
    kalai_smorodinsky,
    nash,
    pareto_frontier,
    utilitarian,
)
from market.bargaining.utilities import Evaluation


@dataclass(frozen=True, slots=True)
class Offer:
    """The outcome of one bilateral negotiation on the quarter's snapshot."""

    evaluation: Evaluation
    agreement: Agreement | None
    reason: str
    floor: float = -np.inf

    @property
    def lab_utility(self) -> float:
        """The lab's gain over no deal; minus infinity without agreement."""
        return self.agreement.first if self.agreement else -np.inf

    @property
    def joint_surplus(self) -> float:
        """Sum of both gains; minus infinity without agreement."""
        return self.agreement.first + self.agreement.second if self.agreement else -np.inf


def bargain(evaluation: Evaluation, lab_weight: float, floor: float = -np.inf) -> Offer:
    """Asymmetric Nash solution over the feasible grid, no deal this round being the threat point.

    `floor` is what the best rival offers the lab: an outside option, not a threat. Nil capacity is
    not on the grid, so an agreement is always a deal. Without agreement the reason says why.
    """
    lab = np.where(evaluation.feasible, evaluation.lab_total, -np.inf).ravel()
    provider = np.where(evaluation.feasible, evaluation.provider_total, -np.inf).ravel()
    agreement = nash((lab, provider), weights=(lab_weight, 1.0 - lab_weight), floors=(floor, -np.inf))
    if agreement is None or agreement.first <= 0.0 or agreement.second < 0.0:
        return Offer(evaluation, None, _why_not(evaluation, lab, provider, floor), floor)
    return Offer(evaluation, agreement, "agreed", floor)


def _why_not(evaluation: Evaluation, lab: np.ndarray, provider: np.ndarray, floor: float) -> str:
    if not evaluation.feasible.any():
        binding = [name for name, allowed in evaluation.constraints.items() if not allowed.any()]
        return "no feasible terms: " + (", ".join(binding) or "constraints together")
    if lab.max() <= 0.0:
        return "no terms are worth the lab's while"
    if provider.max() < 0.0:
        return "no terms are worth the provider's while"
    if np.isfinite(floor) and ((lab >= 0.0) & (provider >= 0.0)).any():
        return "a rival offers the lab more"
    return "no terms leave both better off"


def binding_constraint(offer: Offer, lab_weight: float) -> str:
    """Which constraint moved the outcome: the first whose lifting alone changes the payoffs, or none.

    A rival's offer is tried last, under the name "rival's offer".
    """
    if offer.agreement is None:
        return ""
    for name, allowed in offer.evaluation.constraints.items():
        if not allowed.all() and _moves(offer, lab_weight, name, offer.floor):
            return name
    if np.isfinite(offer.floor) and _moves(offer, lab_weight, "", -np.inf):
        return "rival's offer"
    return "none"


def _moves(offer: Offer, lab_weight: float, lifted: str, floor: float) -> bool:
    """Whether both parties' payoffs change without one constraint and with another floor."""
    evaluation, signed = offer.evaluation, offer.agreement
    held = np.ones((1,) * 7, dtype=bool)
    for name, allowed in evaluation.constraints.items():
        held = held & allowed if name != lifted else held
    lab = np.where(held, evaluation.lab_total, -np.inf).ravel()
    provider = np.where(held, evaluation.provider_total, -np.inf).ravel()
    free = nash((lab, provider), weights=(lab_weight, 1.0 - lab_weight), floors=(floor, -np.inf))
    return free is None or signed is None or (free.first, free.second) != (signed.first, signed.second)


@dataclass(slots=True)
class Trace:
    """Everything that explains one negotiation; components are filled for agreements only."""

    quarter: int
    lab: str
    provider: str
    outcome: str
    reason: str
    rounds: int
    lab_weight: float
    joint_surplus: float
    lab_utility: float
    provider_utility: float
    best_rival: str
    best_rival_lab_utility: float
    constraint: str = ""
    terms: dict[str, float] = field(default_factory=dict)
    components: dict[str, dict[str, float]] = field(default_factory=dict)
    frontier: list[tuple[float, float]] = field(default_factory=list)
    distances: dict[str, float] = field(default_factory=dict)
    deal: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain data: terms, threat point, components, frontier, distances to the solution concepts."""
        return {
            "lab_weight": self.lab_weight,
            "threat_point": {"lab": 0.0, "provider": 0.0, "meaning": "no deal this round"},
            "terms": self.terms,
            "components": self.components,
            "frontier": self.frontier,
            "distances": self.distances,
        }


def chosen_terms(offer: Offer) -> dict[str, float]:
    """Levels of every issue at the agreement."""
    assert offer.agreement is not None
    grid = offer.evaluation.grid
    at = np.unravel_index(offer.agreement.index, grid.shape)
    levels = (grid.gw, grid.terms, grid.take_or_pay, grid.exclusive, grid.discounts, grid.equity, grid.upfront)
    names = ("gw", "term_quarters", "take_or_pay_frac", "exclusive", "discount_frac", "equity_usd_bn", "upfront_frac")
    return {name: float(level[int(i)]) for name, level, i in zip(names, levels, at, strict=True)}


def chosen_components(offer: Offer) -> dict[str, dict[str, float]]:
    """Every component of both sides at the agreement; each side sums to its utility."""
    assert offer.agreement is not None
    at = np.unravel_index(offer.agreement.index, offer.evaluation.grid.shape)

    def pick(component: np.ndarray) -> float:
        return float(component[tuple(int(i) if size > 1 else 0 for i, size in zip(at, component.shape, strict=True))])

    sides = {"lab": offer.evaluation.lab, "provider": offer.evaluation.provider}
    return {side: {name: pick(part) for name, part in parts.items()} for side, parts in sides.items()}


def explain_agreement(trace: Trace, offer: Offer, points: int = 25) -> None:
    """Fill terms, components, frontier (thinned) and distances to other solution concepts."""
    assert offer.agreement is not None
    evaluation = offer.evaluation
    lab = np.where(evaluation.feasible, evaluation.lab_total, -np.inf).ravel()
    provider = np.where(evaluation.feasible, evaluation.provider_total, -np.inf).ravel()
    trace.terms, trace.components = chosen_terms(offer), chosen_components(offer)
    frontier = pareto_frontier((lab, provider))
    kept = frontier[np.unique(np.linspace(0, len(frontier) - 1, min(points, len(frontier))).astype(int))]
    trace.frontier = [(float(lab[i]), float(provider[i])) for i in kept]
    signed = np.array([offer.agreement.first, offer.agreement.second])
    concepts = {
        "symmetric Nash": nash((lab, provider)),
        "Kalai-Smorodinsky": kalai_smorodinsky((lab, provider)),
        "egalitarian": egalitarian((lab, provider)),
        "utilitarian": utilitarian((lab, provider)),
    }
    trace.distances = {
        name: float(np.linalg.norm(signed - [found.first, found.second]))
        for name, found in concepts.items()
        if found is not None
    }
    trace.constraint = binding_constraint(offer, trace.lab_weight)
