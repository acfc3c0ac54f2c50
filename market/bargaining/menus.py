"""What a rule chooses among: the efficient terms of a problem, the discount on fine levels where it is continuous."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from market.bargaining.factored import contenders_factored
from market.bargaining.problem import Problem, Terms, terms_at
from market.bargaining.protocols import Table
from market.bargaining.transfers import best_payoffs, efficient, lines_of
from market.bargaining.utilities import Evaluation
from market.bargaining.views import Grid

Array = NDArray[np.float64]
ROUNDING = 1e-13  # part of the payoffs by which ends of the rational terms are kept inside


@dataclass(frozen=True, slots=True)
class Menu:
    """A table of few outcomes, with the place of each in the grid and its discount."""

    table: Table
    grid: Grid
    places: NDArray[np.int64]
    discounts: Array | None = None

    def terms(self, index: int) -> Terms:
        """Terms of one outcome of the table."""
        terms = terms_at(self.grid, int(self.places[index]))
        return terms if self.discounts is None else replace(terms, discount_frac=float(self.discounts[index]))


def discount_moves(problem: Problem, evaluation: Evaluation) -> bool:
    """Whether the discount may lie between the levels on the table."""
    return "discount" in problem.continuous and len(evaluation.grid.discounts) > 1


def menu_of(problem: Problem, evaluation: Evaluation, lowest_threat: float = 0.0) -> Menu:
    """The efficient terms for both at their threat points or above, those where one is just left there included.

    Levels of the discount would cut off what a side could get at most, and with it every split that is
    measured against that. `lowest_threat` is how far below the problem's a lab's threat point may yet be put.
    """
    threat = problem.threat[0] + lowest_threat, problem.threat[1]
    if not discount_moves(problem, evaluation):
        found = contenders_factored(evaluation.form, disagreement=threat)
        return Menu(_table(problem, found.lab, found.provider), evaluation.grid, found.indices)
    lines = lines_of(evaluation, threat)
    sizes = [float(np.abs(payoffs).max(initial=0.0)) for payoffs in (*lines.lab, *lines.provider)]
    slack = ROUNDING * max(sizes)
    chosen, positions = efficient(lines, (threat[0] + slack, threat[1] + slack))
    lab, provider = (line[chosen] for line in (lines.lab[0], lines.provider[0]))
    lab = lab + positions * (lines.lab[1] - lines.lab[0])[chosen]
    provider = provider + positions * (lines.provider[1] - lines.provider[0])[chosen]
    low, high = min(evaluation.grid.discounts), max(evaluation.grid.discounts)
    table = _table(problem, lab, provider)
    return Menu(table, evaluation.grid, lines.places[chosen], low + positions * (high - low))


def _table(problem: Problem, lab: Array, provider: Array) -> Table:
    return Table(lab, provider, problem.lab.weight, problem.threat, problem.floors, problem.luck)


def best_lab_gain(problem: Problem, evaluation: Evaluation) -> float:
    """The most that the lab could get from a provider that gains nothing; minus infinity where it can get nothing."""
    willing = max(problem.threat[1], problem.floors[1])
    if discount_moves(problem, evaluation):
        best = best_payoffs(lines_of(evaluation, (-np.inf, willing)), (-np.inf, willing))
        return best[0] if best else -np.inf
    found = contenders_factored(evaluation.form, disagreement=(-ANYTHING, willing))
    return float(found.lab.max(initial=-np.inf))


ANYTHING = 1e12  # a loss in USD bn beyond any
