"""Terms moved continuously between the levels of the grid, once a protocol has chosen among them.

One issue at a time, the others held: in discount, take-or-pay, warrants and revenue share both
utilities are linear, so the best point is known in closed form; in capacity, equity and the share
paid at signing it is searched for on ever finer levels between the neighbours. Utilities are always
those of the terms themselves, never interpolated, and terms are only kept if they are no worse.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from market.bargaining.factored import ideal_factored
from market.bargaining.frontiers import Chain
from market.bargaining.menus import discount_moves
from market.bargaining.problem import Problem, Terms, terms_at
from market.bargaining.protocols import Settlement, Side
from market.bargaining.transfers import Array, Lines, best_payoffs, even_position, lines_of, nash_position, within
from market.bargaining.utilities import Evaluation, evaluate
from market.bargaining.views import Grid, with_levels
from market.deals import Trigger

# Scenario's name of an issue: (axis of the grid, whether both utilities are linear in it)
ISSUE = {
    "gw": ("gw", False),
    "take_or_pay": ("take_or_pay", True),
    "discount": ("discounts", True),
    "equity": ("equity", False),
    "upfront": ("staging", False),
    "warrants": ("warrants", True),
    "revenue_share": ("revenue_shares", True),
}
ROUNDING = 1e-13  # part of both payoffs
STEPS = 49  # levels of one search between neighbours
ZOOMS = 2  # searches, each between the neighbours of the last one's best

type Payoffs = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Aim:
    """What the protocol would have maximised, over any terms; minus infinity where they are not acceptable.

    A solution concept scores both payoffs, none below `least`. A protocol that owes one side a certain
    utility gives it no less, and scores the other side's. Both are aimed at `slack` above, so that
    rounding does not take terms below what they were moved to.
    """

    rule: str
    threat: Payoffs
    least: Payoffs
    lab_weight: float
    ideals: Payoffs
    target: tuple[Side, float] | None
    slack: float

    def score(self, lab: float, provider: float) -> float:
        """How good payoffs are by the protocol's own measure."""
        if lab < self.least[0] or provider < self.least[1]:
            return -math.inf
        if self.target is not None:
            owed, left = (lab, provider) if self.target[0] == "lab" else (provider, lab)
            return left if owed >= self.target[1] else -math.inf
        gains = lab - self.threat[0], provider - self.threat[1]
        if self.rule == "kalai_smorodinsky":
            best = self.ideals[0] - self.threat[0], self.ideals[1] - self.threat[1]
            return float(min(gain / most if most > 0.0 else 1.0 for gain, most in zip(gains, best, strict=True)))
        weights = self.lab_weight, 1.0 - self.lab_weight
        return float(math.prod(gain**weight for gain, weight in zip(gains, weights, strict=True)))

    @property
    def aimed(self) -> Payoffs:
        """The least payoffs to aim at: what a side must get, or is owed."""
        owed = dict([self.target]) if self.target else {}
        lab, provider = self.least
        return max(lab, owed.get("lab", lab)) + self.slack, max(provider, owed.get("provider", provider)) + self.slack

    def positions(self, lines: Lines) -> Array:
        """The best position on every line, before the least payoffs are looked at."""
        if self.target is not None:
            # all that is not owed to one side goes to the other: the line's end that is best for it
            other = lines.provider if self.target[0] == "lab" else lines.lab
            return np.where(other[1] > other[0], 1.0, 0.0)
        if self.rule == "kalai_smorodinsky":
            best = self.ideals[0] - self.threat[0], self.ideals[1] - self.threat[1]
            return even_position(lines, self.threat, best) if min(best) > 0.0 else np.zeros(len(lines.places))
        return nash_position(lines, self.threat, self.lab_weight)

    def scores(self, lab: Array, provider: Array) -> Array:
        """`score` of many payoffs, all of them acceptable."""
        if self.target is not None:
            return provider if self.target[0] == "lab" else lab
        gains = np.maximum(lab - self.threat[0], 0.0), np.maximum(provider - self.threat[1], 0.0)
        if self.rule == "kalai_smorodinsky":
            best = self.ideals[0] - self.threat[0], self.ideals[1] - self.threat[1]
            shares = [gain / most if most > 0.0 else np.ones_like(gain) for gain, most in zip(gains, best, strict=True)]
            return np.minimum(*shares)
        return np.asarray(gains[0] ** self.lab_weight * gains[1] ** (1.0 - self.lab_weight))

    def place(self, start: Payoffs, end: Payoffs) -> float | None:
        """Position in [0, 1] of the best payoffs on a straight line; None where none is acceptable."""
        if self.target is not None:
            side = 0 if self.target[0] == "lab" else 1
            rise = end[side] - start[side]
            aimed = self.target[1] + self.slack
            return min(max((aimed - start[side]) / rise, 0.0), 1.0) if rise != 0.0 else None
        chain, least = Chain([start, end]), (self.least[0] + self.slack, self.least[1] + self.slack)
        if self.rule == "kalai_smorodinsky":
            found = chain.kalai_smorodinsky(self.threat, least, ideals=self.ideals)
        else:
            found = chain.nash(self.threat, (self.lab_weight, 1.0 - self.lab_weight), least)
        return None if found is None else found.position


def polished(
    problem: Problem, evaluation: Evaluation, settlement: Settlement, terms: Terms
) -> tuple[Terms, float, float]:
    """Terms and payoffs of an agreement on some terms, its continuous issues moved between the levels on the table."""
    assert settlement.agreement is not None
    concept = problem.rule in ("nash", "kalai_smorodinsky")
    if not discount_moves(problem, evaluation):
        payoffs = settlement.agreement.first, settlement.agreement.second
    else:
        found = _payoffs(problem, terms.grid)[0]  # a menu's discount is no level of the grid
        assert found is not None
        payoffs = found
    if not problem.continuous or not (concept or settlement.target):
        return terms, *payoffs
    aim = _aim(problem, evaluation, settlement)
    if discount_moves(problem, evaluation):
        terms, payoffs = _best_line(problem, evaluation, aim, terms, payoffs)
    for issue in problem.continuous:
        axis, linear = ISSUE[issue]
        levels = getattr(evaluation.grid, axis)
        if issue != "discount" and len(levels) > 1:
            move = _moved_along if linear else _searched
            terms, payoffs = move(problem, aim, terms, payoffs, axis, levels)
    return terms, *payoffs


def _aim(problem: Problem, evaluation: Evaluation, settlement: Settlement) -> Aim:
    """The protocol's aim; the least gains are floors and, where they are known, reservation gains."""
    assert settlement.agreement is not None
    (lab_threat, provider_threat), weight = problem.threat, problem.lab.weight
    least = max(problem.floors[0], lab_threat), max(problem.floors[1], provider_threat)
    ideals = settlement.agreement.first, settlement.agreement.second
    if settlement.target is None and (problem.rule == "kalai_smorodinsky" or problem.conduct.uncertainty > 0.0):
        lab_best, provider_best = _ideals(problem, evaluation, least) or ideals
        width, (lab_luck, provider_luck) = problem.conduct.uncertainty, problem.luck
        lab_least = lab_threat + width * lab_luck * (lab_best - lab_threat)
        provider_least = provider_threat + width * provider_luck * (provider_best - provider_threat)
        least = max(least[0], lab_least), max(least[1], provider_least)
        ideals = _ideals(problem, evaluation, least) or ideals
    slack = ROUNDING * (abs(settlement.agreement.first) + abs(settlement.agreement.second))
    return Aim(problem.rule, problem.threat, least, weight, ideals, settlement.target, slack)


def _ideals(problem: Problem, evaluation: Evaluation, least: Payoffs) -> Payoffs | None:
    """Each side's best payoff over the terms that leave both at least something."""
    if discount_moves(problem, evaluation):
        return best_payoffs(lines_of(evaluation, problem.threat), least)
    return ideal_factored(evaluation.form, disagreement=problem.threat, floors=least)


def _best_line(
    problem: Problem, evaluation: Evaluation, aim: Aim, terms: Terms, payoffs: Payoffs
) -> tuple[Terms, Payoffs]:
    """The best outcome of all whose discount may be anything between the levels, if it is better than what there is."""
    lines = lines_of(evaluation, problem.threat)
    low, high = within(lines, aim.aimed)
    position = np.clip(aim.positions(lines), low, np.maximum(low, high))
    scores = np.where(low <= high, aim.scores(*lines.at(position)), -np.inf)
    if not len(scores) or scores.max() == -np.inf:
        return terms, payoffs
    best = int(scores.argmax())
    lowest, highest = min(evaluation.grid.discounts), max(evaluation.grid.discounts)
    level = lowest + float(position[best]) * (highest - lowest)
    moved = with_levels(terms_at(evaluation.grid, int(lines.places[best])).grid, "discounts", (level,))
    return _kept(problem, aim, terms, payoffs, moved)


def _payoffs(problem: Problem, grid: Grid) -> list[Payoffs | None]:
    """Payoffs of a few outcomes, None where a constraint forbids one."""
    found = evaluate(problem.lab, problem.provider, grid, problem.weights, problem.seen)
    both = zip(found.lab_total.ravel().tolist(), found.provider_total.ravel().tolist(), strict=True)
    return [pair if held else None for pair, held in zip(both, found.feasible.ravel().tolist(), strict=True)]


def _kept(problem: Problem, aim: Aim, terms: Terms, payoffs: Payoffs, grid: Grid) -> tuple[Terms, Payoffs]:
    """The best of some outcomes, if it is better than what there is."""
    best, best_payoffs, score = terms, payoffs, aim.score(*payoffs)
    for index, pair in enumerate(_payoffs(problem, grid)):
        if pair is not None and aim.score(*pair) > score:
            best, best_payoffs, score = terms_at(grid, index), pair, aim.score(*pair)
    return best, best_payoffs


def _moved_along(
    problem: Problem, aim: Aim, terms: Terms, payoffs: Payoffs, axis: str, levels: tuple[Any, ...]
) -> tuple[Terms, Payoffs]:
    low, high = min(levels), max(levels)
    ends = _payoffs(problem, with_levels(terms.grid, axis, (low, high)))
    if ends[0] is None or ends[1] is None:
        return terms, payoffs
    place = aim.place(ends[0], ends[1])
    if place is None:
        return terms, payoffs
    grid = with_levels(terms.grid, axis, (low + place * (high - low),))
    return _kept(problem, aim, terms, payoffs, grid)


def _searched(
    problem: Problem, aim: Aim, terms: Terms, payoffs: Payoffs, axis: str, levels: tuple[Any, ...]
) -> tuple[Terms, Payoffs]:
    staged = axis == "staging"
    if staged and terms.milestone is Trigger.DATE:
        return terms, payoffs  # all is paid at signing, and there is nothing that the rest would wait for
    known = sorted({share for share, _ in levels} if staged else set(levels))
    for _ in range(ZOOMS):
        at = terms.upfront_frac if staged else getattr(terms, "gw" if axis == "gw" else "equity_usd_bn")
        place = known.index(at)
        low, high = known[max(place - 1, 0)], known[min(place + 1, len(known) - 1)]
        known = sorted({*np.linspace(low, high, STEPS).tolist(), at})
        fine = tuple((share, terms.milestone) for share in known) if staged else tuple(known)
        terms, payoffs = _kept(problem, aim, terms, payoffs, with_levels(terms.grid, axis, fine))
    return terms, payoffs
