"""One bilateral negotiation: the table of utilities, the protocol's outcome, the terms signed."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from market.bargaining.auction import bid_for
from market.bargaining.factored import best_factored, contenders_factored
from market.bargaining.factored_kernels import Factored
from market.bargaining.menus import ANYTHING, discount_moves, menu_of
from market.bargaining.polish import polished
from market.bargaining.problem import Problem, Terms, terms_at
from market.bargaining.protocols import Settlement, Table
from market.bargaining.rules import RULES
from market.bargaining.solutions import Agreement
from market.bargaining.utilities import Evaluation, evaluate
from market.bargaining.views import Grid
from market.bargaining.zone import least_utilities, no_deal

NONE = np.zeros(0)
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


def evaluated(problem: Problem, grid: Grid | None = None) -> Evaluation:
    """Both sides' utilities over the problem's table, or over other terms."""
    return evaluate(problem.lab, problem.provider, grid or problem.table, problem.weights, problem.seen)


def solve(problem: Problem, evaluation: Evaluation | None = None) -> Offer:
    """What the pair agrees on under its rule, continuous issues polished."""
    found = evaluated(problem) if evaluation is None else evaluation
    settlement, terms = _settled(problem, found)
    if terms is None:
        return Offer(problem, found, replace(settlement, reason=_named(settlement.reason, found)))
    return Offer(problem, found, settlement, *polished(problem, found, settlement, terms))


def _settled(problem: Problem, evaluation: Evaluation) -> tuple[Settlement, Terms | None]:
    """The outcome under the problem's rule and its terms, or the reason why there is none.

    Nash over the levels of the grid is found by an exact search, and polished later; the other rules
    choose from a menu of efficient terms.
    """
    if problem.rule == "nash" and problem.conduct.uncertainty == 0.0:
        form, weight = evaluation.form, problem.lab.weight
        least = least_utilities(Table(NONE, NONE, weight, problem.threat, problem.floors))
        found = best_factored(form, disagreement=problem.threat, weights=(weight, 1.0 - weight), floors=least)
        if found is not None:
            found = _first_of_its_worth(evaluation, found)
            return Settlement(found, "agreed"), terms_at(evaluation.grid, found.index)
        reason = _why_not(problem, form)
        if reason not in BETWEEN_LEVELS or not discount_moves(problem, evaluation):
            return Settlement(None, reason), None
    return _from_menu(problem, evaluation)


def _from_menu(problem: Problem, evaluation: Evaluation) -> tuple[Settlement, Terms | None]:
    menu = menu_of(problem, evaluation)
    if not len(menu.places):
        return Settlement(None, _why_not(problem, evaluation.form)), None
    if problem.rule == "auction":
        settlement = bid_for(menu.table, problem.conduct, problem.bidders)
    else:
        settlement = RULES[problem.rule](menu.table, problem.conduct)
    proposals = tuple(replace(each, index=int(menu.places[each.index])) for each in settlement.proposals)
    settlement = replace(settlement, proposals=proposals)
    found = settlement.agreement
    if found is None:
        return settlement, None
    ties = tuple(dict.fromkeys(int(menu.places[tie]) for tie in found.ties))
    agreement = Agreement(int(menu.places[found.index]), found.payoffs, ties)
    return replace(settlement, agreement=agreement), menu.terms(found.index)


def _why_not(problem: Problem, form: Factored) -> str:
    """Why there are no rational outcomes: what is wanting is wanting among the undominated ones already."""
    efficient = contenders_factored(form, disagreement=(-ANYTHING, -ANYTHING))
    return no_deal(Table(efficient.lab, efficient.provider, 0.5, problem.threat, problem.floors)).reason


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


def _named(reason: str, evaluation: Evaluation) -> str:
    """Where nothing is feasible, which constraint alone forbids everything."""
    if reason != "no feasible terms":
        return reason
    binding = [name for name, allowed in evaluation.constraints.items() if not allowed.any()]
    return "no feasible terms: " + (", ".join(binding) or "constraints together")
