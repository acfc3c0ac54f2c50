"""One lab's talks in a quarter: its open pairs on one snapshot, each a problem to bargain over."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from agents.hyperscaler import Hyperscaler
from agents.lab import Lab
from cloudpact.quarter.sides import lab_view, provider_view, renewed, running_out
from cloudpact.quarter.term_sheets import grid_for
from market.bargaining.cover import ramped_gw
from market.bargaining.menus import Menu, best_lab_gain, menu_of
from market.bargaining.negotiation import Offer, evaluated, solve
from market.bargaining.problem import Problem, Terms
from market.bargaining.protocols import Conduct, Settlement, Table
from market.bargaining.utilities import Evaluation, evaluate
from market.bargaining.views import LabView, ProviderView
from market.deals import Exclusivity

if TYPE_CHECKING:
    from cloudpact.model import CloudMarket

# The parameter of the scenario that says after how many rounds talks by a rule end.
ROUNDS = {"concession": "concession_rounds", "screening": "screening_rounds"}
NOTHING_SIGNED: Mapping[str, Terms] = {}


@dataclasses.dataclass(slots=True)
class Need:
    """What a lab looks for this quarter, and what it has signed so far."""

    lab: Lab
    gap_gw: float
    signed: list[str]
    raised_usd_bn: float = 0.0
    cut: bool = False


class LabTalks:
    """The open pairs of a lab: their problems, given what it signs with the others.

    All views are taken from one snapshot, so that the order in which pairs are asked does not matter.
    """

    def __init__(self, market: CloudMarket, need: Need, room: dict[str, float]) -> None:
        self.market, self.need, self.room = market, need, room
        self.lab = need.lab
        beliefs = market.parameters.beliefs
        raised = need.raised_usd_bn
        self._own = lab_view(market, self.lab, raised, beliefs.lab_growth_per_quarter, beliefs.lab_default_factor)
        self._as_seen = lab_view(
            market, self.lab, raised, beliefs.provider_growth_per_quarter, beliefs.provider_default_factor
        )
        self._forecasts_differ = _forecasts_differ(market)
        self._open = {provider.name: provider for provider in market.providers if self._may_ask(provider)}
        self._problems: dict[str, Problem] = {}
        self._menus: dict[tuple[str, frozenset[tuple[str, Terms]]], Menu] = {}
        self._evaluations: dict[tuple[str, frozenset[tuple[str, Terms]]], tuple[Problem, Evaluation]] = {}

    def _may_ask(self, provider: Hyperscaler) -> bool:
        if not provider.spec.sells or provider.name in self.need.signed:
            return False
        if self.market.barred.get((provider.name, self.lab.name), -1) >= self.market.quarter:
            return False
        held = "exclusivity" in self.market.parameters.negotiation.constraints
        exclusive = self.market.exclusive_hosts(self.lab) if held else []
        return not exclusive or provider.name in exclusive

    @property
    def providers(self) -> tuple[str, ...]:
        """Providers in reach."""
        return tuple(self._open)

    def luck(self) -> dict[str, float]:
        """A draw for each pair: identical providers tie, and not the order of names decides."""
        return {name: self.market.uniform("tie", self.lab.key, self._open[name].key) for name in self._open}

    def rule(self, provider: str) -> str:
        """How this pair bargains: its own rule, else the protocol's, which for several pairs at once is Nash."""
        rules = self.market.parameters.negotiation
        for pair in rules.pair_protocols:
            if pair.provider in ("", provider) and pair.lab in ("", self.lab.name):
                return pair.protocol
        several = ("auction", "nash_in_nash", "nash_in_nash_replacement", "nash_in_shapley")
        return "nash" if rules.protocol in several else rules.protocol

    def problem(self, provider: str, given: Mapping[str, Terms] = NOTHING_SIGNED) -> Problem:
        """The pair's problem, given the terms that the lab signs with others at the same time."""
        if provider not in self._problems:
            self._problems[provider] = self._alone(self._open[provider])
        problem = self._problems[provider]
        return self._with_others(problem, given) if given else problem

    def _alone(self, provider: Hyperscaler) -> Problem:
        market, beliefs = self.market, self.market.parameters.beliefs
        own = self._view(provider, beliefs.lab_price_drift_per_quarter)
        seen = None
        if self._forecasts_differ:
            seen = (self._as_seen, self._view(provider, beliefs.provider_price_drift_per_quarter))
        pair = self.lab.key, provider.key
        private = beliefs.reservation_width > 0.0
        return Problem(
            lab=self._own,
            provider=own,
            grid=grid_for(market, self._own, self.need.gap_gw, own.running_clause),
            weights=market.weights,
            seen=seen,
            rule=self.rule(provider.name),
            conduct=conduct_of(market, self.rule(provider.name)),
            luck=(market.uniform("lab reservation", *pair), market.uniform("provider reservation", *pair))
            if private
            else (0.0, 0.0),
            continuous=market.parameters.negotiation.continuous_issues,
        )

    def _view(self, provider: Hyperscaler, price_drift: float) -> ProviderView:
        """The provider's side; where a contract of its own runs out that the deal could replace, of a renewal."""
        view = provider_view(self.market, provider, self.lab, self.room, price_drift)
        quarters_left, gw = running_out(self.market, provider, self.lab)
        largest = self.market.parameters.negotiation.gap_share * self.need.gap_gw
        return renewed(view, quarters_left) if gw >= largest > 0.0 else view

    def _with_others(self, problem: Problem, given: Mapping[str, Terms]) -> Problem:
        lab = self._signing(problem.lab, given)
        seen = (self._signing(problem.seen[0], given), problem.seen[1]) if problem.seen else None
        provider, grid = self._limited(problem.provider, given), problem.grid
        free = tuple(kind for kind in grid.clauses if kind is not Exclusivity.EXCLUSIVE)
        grid = dataclasses.replace(grid, clauses=free or grid.clauses)
        return dataclasses.replace(problem, lab=lab, seen=seen, provider=provider, grid=grid)

    def _limited(self, side: ProviderView, given: Mapping[str, Terms]) -> ProviderView:
        """The provider's view with the room that other deals leave once they are signed."""
        # who is tied to another can sign nothing here, and who signs elsewhere cannot be tied here; a primary
        # clause holds for what is signed after it
        held = "exclusivity" in self.market.parameters.negotiation.constraints
        tied = held and any(terms.clause is Exclusivity.EXCLUSIVE for terms in given.values())
        power = side.power_gw - sum(terms.gw for terms in given.values())
        return dataclasses.replace(side, power_gw=power, rival_room_gw=-1.0 if tied else side.rival_room_gw)

    def _path(self, provider: str, terms: Terms) -> NDArray[np.float64]:
        """Capacity by quarter ahead under some terms."""
        side, horizon = self.problem(provider).provider, len(self._own.contracted_gw)
        gw, term = np.array([terms.gw]), np.array([terms.term_quarters])
        return np.asarray(ramped_gw(gw, term, side.lead_quarters, side.ramp_quarters, horizon)[0, 0])

    def _signing(self, view: LabView, given: Mapping[str, Terms]) -> LabView:
        """The lab's view with other deals signed: their capacity is contracted, their equity is cash."""
        contracted, cash = view.contracted_gw, view.funding.cash_usd_bn
        for name in sorted(given):
            contracted, cash = contracted + self._path(name, given[name]), cash + given[name].equity_usd_bn
        return dataclasses.replace(
            view, contracted_gw=contracted, funding=dataclasses.replace(view.funding, cash_usd_bn=cash)
        )

    def evaluation(self, provider: str, given: Mapping[str, Terms] = NOTHING_SIGNED) -> tuple[Problem, Evaluation]:
        """The pair's problem and both sides' utilities over its table, computed once."""
        key = provider, frozenset(given.items())
        if key not in self._evaluations:
            problem = self.problem(provider, given)
            self._evaluations[key] = problem, evaluated(problem)
        return self._evaluations[key]

    def offer(self, provider: str, **changes: Any) -> Offer:
        """What the pair agrees on when it bargains alone; `changes` to its problem leave the table as it is."""
        problem, evaluation = self.evaluation(provider)
        return solve(dataclasses.replace(problem, **changes), evaluation)

    def best_gain(self, provider: str) -> float:
        """The most that the lab could get from a provider that gains nothing."""
        return best_lab_gain(*self.evaluation(provider))

    def _menu(self, provider: str, given: Mapping[str, Terms]) -> Menu:
        """What the pair chooses among, down to what the lab could lose here and regain with the others."""
        key = provider, frozenset(given.items())
        if key not in self._menus:
            problem, evaluation = self.evaluation(provider, given)
            most = max(self.best_gain(name) for name in self._open)
            self._menus[key] = menu_of(problem, evaluation, lowest_threat=-max(most, 0.0))
        return self._menus[key]

    # what protocols for several pairs at once ask

    def table(self, provider: str, given: Mapping[str, Terms]) -> Table:
        """Gains of both over no deal with this provider, given what the lab signs with the others."""
        return self._menu(provider, given).table

    def terms(self, provider: str, settlement: Settlement, given: Mapping[str, Terms]) -> Terms:
        """The terms of a settlement on that table."""
        assert settlement.agreement is not None
        return self._menu(provider, given).terms(settlement.agreement.index)

    def lab_gain_usd_bn(self, provider: str, terms: Terms, given: Mapping[str, Terms]) -> float:
        """The lab's gain from some terms over no deal with this provider, given what it signs with the others."""
        problem = self.problem(provider, given)
        found = evaluate(problem.lab, problem.provider, terms.grid, problem.weights, problem.seen)
        return float(found.lab_total.item())


def _forecasts_differ(market: CloudMarket) -> bool:
    beliefs = market.parameters.beliefs
    return (
        beliefs.lab_growth_per_quarter != beliefs.provider_growth_per_quarter
        or beliefs.lab_price_drift_per_quarter != beliefs.provider_price_drift_per_quarter
        or beliefs.lab_default_factor != beliefs.provider_default_factor
    )


def conduct_of(market: CloudMarket, rule: str) -> Conduct:
    """How talks are conducted under a rule, from the scenario."""
    rules, beliefs = market.parameters.talks, market.parameters.beliefs
    return Conduct(
        impatience_per_quarter=rules.impatience_per_quarter,
        offer_interval_quarters=rules.offer_interval_quarters,
        deadline_rounds=getattr(rules, ROUNDS.get(rule, "deadline_rounds")),
        breakdown_prob=rules.breakdown_prob,
        first_mover=rules.first_mover,
        tactic=rules.tactic,
        lab_concession=rules.lab_concession,
        provider_concession=rules.provider_concession,
        opening_concession=rules.opening_concession,
        acceptance=rules.acceptance,
        acceptance_level=rules.acceptance_level,
        uncertainty=beliefs.reservation_width,
        bidder_shape=rules.bidder_shape,
    )
