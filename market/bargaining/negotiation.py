"""One bilateral negotiation: the table of utilities, the protocol's outcome, the terms signed."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from market.bargaining.auction import bid_for
from market.bargaining.factored import Contenders, best_factored, contenders_factored
from market.bargaining.factored_kernels import Factored
from market.bargaining.polish import polished
from market.bargaining.problem import Problem, Terms
from market.bargaining.protocols import Settlement, Table
from market.bargaining.rules import RULES
from market.bargaining.solutions import Agreement
from market.bargaining.transfers import discount_for_a_deal
from market.bargaining.utilities import Evaluation, evaluate
from market.bargaining.views import Grid, with_levels
from market.bargaining.zone import least_utilities, no_deal

NONE = np.zeros(0)
ANYTHING = 1e12  # a loss in USD bn beyond any
SAME = 1e-11  # part of both gains below which a difference is rounding
# Reasons that terms between the levels on the table may remove.
BETWEEN_LEVELS = ("no terms leave both better off", "a rival offers the lab more")
# How one pair can bargain: the bilateral rules, and bidding where a lab puts its need out to several providers.
PAIR_RULES = (*RULES, "auction")


@dataclass(frozen=True, slots=True)
class Offer:
    """The outcome of one bilateral negotiation on the quarter's snapshot.

    `terms`, `lab` and `provider` (gains over no deal this round, USD bn) are those of the agreement
    once its continuous issues have been moved between the levels of the grid.
    """

    problem: Problem
    evaluation: Evaluation
    settlement: Settlement
    terms: Terms | None = None
    lab: float = -np.inf
    provider: float = -np.inf

    @property
    def agreed(self) -> bool:
        """Whether there is a deal."""
        return self.settlement.agreement is not None

    @property
    def joint(self) -> float:
        """Sum of both gains; minus infinity without agreement."""
        return self.lab + self.provider

    @property
    def reason(self) -> str:
        """Why it ended as it did."""
        return self.settlement.reason


def table_of(problem: Problem, evaluation: Evaluation) -> Table:
    """The pair's utilities outcome by outcome; minus infinity where a constraint forbids."""
    feasible = evaluation.feasible.ravel()
    return Table(
        lab=np.where(feasible, evaluation.lab_total.ravel(), -np.inf),
        provider=np.where(feasible, evaluation.provider_total.ravel(), -np.inf),
        lab_weight=problem.lab.weight,
        threat=problem.threat,
        floors=problem.floors,
        luck=problem.luck,
    )


def evaluated(problem: Problem, grid: Grid | None = None) -> Evaluation:
    """Both sides' utilities over the problem's table, or over other terms."""
    return evaluate(problem.lab, problem.provider, grid or problem.table, problem.weights, problem.seen)


def solve(problem: Problem, evaluation: Evaluation | None = None) -> Offer:
    """What the pair agrees on under its rule, continuous issues polished.

    Where only a discount between the levels on the table leaves both better off, it is put on the table.
    """
    found = evaluated(problem) if evaluation is None else evaluation
    offer = offer_on(problem, found, settled(problem, found))
    if offer.agreed or offer.reason not in BETWEEN_LEVELS or "discount" not in problem.continuous:
        return offer
    least = least_utilities(Table(NONE, NONE, problem.lab.weight, problem.threat, problem.floors))
    level = discount_for_a_deal(found, problem.threat, least, problem.lab.weight)
    if level is None or level in problem.grid.discounts:
        return offer
    levels = tuple(sorted((*problem.grid.discounts, level)))
    wider = replace(problem, grid=with_levels(problem.grid, "discounts", levels))
    found = evaluated(wider)
    return offer_on(wider, found, settled(wider, found))


def settled(problem: Problem, evaluation: Evaluation) -> Settlement:
    """The outcome of the problem's table under its rule, with the reason if there is none.

    Outcomes that another rational one dominates are left aside first: no rule takes one.
    """
    form = evaluation.form
    least = least_utilities(Table(NONE, NONE, problem.lab.weight, problem.threat, problem.floors))
    if problem.rule == "nash" and problem.conduct.uncertainty == 0.0:
        weights = problem.lab.weight, 1.0 - problem.lab.weight
        found = best_factored(form, disagreement=problem.threat, weights=weights, floors=least)
        settlement = Settlement(found, "agreed")
    else:
        settlement = _among(problem, contenders_factored(form, disagreement=problem.threat, floors=least))
    if settlement.agreement is None:
        reason = settlement.reason if settlement.reason != "agreed" else _why_not(problem, form)
        return replace(settlement, reason=_named(reason, evaluation))
    return replace(settlement, agreement=_first_of_its_worth(evaluation, settlement.agreement))


def _why_not(problem: Problem, form: Factored) -> str:
    """Why there are no rational outcomes: what is wanting is wanting among the undominated ones already."""
    efficient = contenders_factored(form, disagreement=(-ANYTHING, -ANYTHING))
    return no_deal(Table(efficient.lab, efficient.provider, 0.5, problem.threat, problem.floors)).reason


def _among(problem: Problem, contenders: Contenders) -> Settlement:
    """What the rule makes of a few outcomes, in places of the whole table."""
    if not len(contenders.indices):
        return Settlement(None, "agreed")
    table = Table(contenders.lab, contenders.provider, problem.lab.weight, problem.threat, problem.floors, problem.luck)
    if problem.rule == "auction":
        settlement = bid_for(table, problem.conduct, problem.bidders)
    else:
        settlement = RULES[problem.rule](table, problem.conduct)
    places = contenders.indices
    proposals = tuple(replace(each, index=int(places[each.index])) for each in settlement.proposals)
    found = settlement.agreement
    if found is not None:
        ties = tuple(int(places[tie]) for tie in found.ties)
        found = Agreement(int(places[found.index]), found.payoffs, ties)
    return replace(settlement, agreement=found, proposals=proposals)


def _first_of_its_worth(evaluation: Evaluation, agreement: Agreement) -> Agreement:
    """The first level of each issue that is worth the same to both but for rounding: no unit or processor moves it."""
    shape, slack = evaluation.grid.shape, SAME * (abs(agreement.first) + abs(agreement.second))
    at = [int(place) for place in np.unravel_index(agreement.index, shape)]
    for issue, place in enumerate(at):
        if place > 0:
            lab, provider = evaluation.along(issue, tuple(at))
            same = (abs(lab - agreement.first) <= slack) & (abs(provider - agreement.second) <= slack)
            at[issue] = min(place, int(same.argmax())) if same.any() else place
    index = int(np.ravel_multi_index(at, shape))
    return agreement if index == agreement.index else Agreement(index, agreement.payoffs, agreement.ties)


def offer_on(problem: Problem, evaluation: Evaluation, settlement: Settlement) -> Offer:
    """The offer that a settlement on the problem's table makes, its continuous issues polished."""
    if settlement.agreement is None:
        return Offer(problem, evaluation, settlement)
    return Offer(problem, evaluation, settlement, *polished(problem, evaluation, settlement))


def best_lab_gain(table: Table) -> float:
    """The most that the lab could get from a provider that gains nothing; minus infinity where it can get nothing."""
    willing = table.provider >= max(table.threat[1], table.floors[1])
    return float(np.max(table.lab, where=willing, initial=-np.inf))


def _named(reason: str, evaluation: Evaluation) -> str:
    """Where nothing is feasible, which constraint alone forbids everything."""
    if reason != "no feasible terms":
        return reason
    binding = [name for name, allowed in evaluation.constraints.items() if not allowed.any()]
    return "no feasible terms: " + (", ".join(binding) or "constraints together")
