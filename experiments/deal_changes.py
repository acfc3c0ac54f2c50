"""What can be changed in one deal's talks before they are held again, and what is allowed."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from cloudpact.results import ResultsError
from market.bargaining.explanation import LIMITS, RIVAL
from market.bargaining.negotiation import PAIR_RULES
from market.bargaining.problem import Problem
from market.bargaining.protocols import Conduct
from market.scenario import Scenario, Talks
from market.scenario_changes import parse_set

NAMES = (*LIMITS, RIVAL)
# How talks are conducted, by the name that scenario and problem share; the number of rounds has three in the scenario.
SHARED = tuple(
    name for name in Talks.model_fields if name in Conduct.__dataclass_fields__ and name != "deadline_rounds"
)
ROUNDS = ("concession_rounds", "screening_rounds", "deadline_rounds")


@dataclass(frozen=True, slots=True)
class Change:
    """What is different when a deal is bargained again; everything else is as it was.

    `protocol` is one of PAIR_RULES, `lab_weight` in [0, 1]. `outside_option_usd_bn` is the gain that the lab could
    have elsewhere, in place of its rivals' offers. `limits` gives constraints a new value, `lifted` takes them
    away; their names are LIMITS, and "rival's offer" can be lifted. `talks` are keys of the scenario's group `talks`.
    """

    protocol: str | None = None
    lab_weight: float | None = None
    outside_option_usd_bn: float | None = None
    limits: Mapping[str, float] = field(default_factory=dict)
    lifted: Sequence[str] = ()
    talks: Mapping[str, Any] = field(default_factory=dict)

    @property
    def floor(self) -> float | None:
        """The lab's outside option as asked for; None for its rivals' offers, minus infinity for none."""
        if self.outside_option_usd_bn is None:
            return -math.inf if RIVAL in self.lifted else None
        if RIVAL in self.lifted:
            raise ResultsError(f"outside option: both set and, as {RIVAL!r}, lifted; allowed: one of the two")
        return _number("outside option", self.outside_option_usd_bn, math.inf, least=-math.inf)

    def of(self, problem: Problem, default: Talks) -> Problem:
        """The problem with the changes but for the outside option; `default` tells of talks what the problem does not.

        Raises ResultsError for a name or number that is not allowed, ScenarioError for one in `talks`.
        """
        rule = problem.rule if self.protocol is None else _one_of("protocol", self.protocol, PAIR_RULES)
        weight = problem.lab.weight if self.lab_weight is None else _number("lab weight", self.lab_weight, 1.0)
        limits = self._limits()
        return dataclasses.replace(
            problem,
            # what was on the table because a limit allowed no more stays on it
            grid=problem.table if limits else problem.grid,
            rule=rule,
            lab=dataclasses.replace(problem.lab, weight=weight),
            provider=dataclasses.replace(problem.provider, **limits),
            conduct=self._conduct(problem, rule, default),
        )

    def _limits(self) -> dict[str, Any]:
        """Fields of the provider's view that set the limits, with their new values."""
        lifted = [_one_of("constraint", name, NAMES) for name in self.lifted]
        changes: dict[str, Any] = {LIMITS[name][0]: LIMITS[name][2] for name in lifted if name != RIVAL}
        for name, value in self.limits.items():
            attribute, _, free = LIMITS[_one_of("limit", name, tuple(LIMITS))]
            if name in lifted:
                raise ResultsError(f"limit: {name!r} is lifted as well; allowed: one of the two")
            changes[attribute] = _number(name, value, free)
        return changes

    def _conduct(self, problem: Problem, rule: str, default: Talks) -> Conduct:
        """How talks are conducted under a rule: as in the problem, but for the changes."""
        told = {name: getattr(problem.conduct, name) for name in SHARED}
        told[_rounds(problem.rule)] = problem.conduct.deadline_rounds
        scenario = Scenario(talks=default.model_copy(update=told))
        talks = scenario.with_({f"talks.{name}": value for name, value in self.talks.items()}).talks
        same = {name: getattr(talks, name) for name in SHARED}
        return dataclasses.replace(problem.conduct, **same, deadline_rounds=getattr(talks, _rounds(rule)))

    def listed(self, problem: Problem, changed: Problem) -> dict[str, list[Any]]:
        """What differs, by name: value before and after; infinite where there is no limit, None where not told."""
        found: dict[str, list[Any]] = {
            "protocol": [problem.rule, changed.rule],
            "lab weight": [problem.lab.weight, changed.lab.weight],
            "outside option": [problem.floors[0], problem.floors[0] if self.floor is None else self.floor],
        }
        for name, (attribute, _, _) in LIMITS.items():
            found[name] = [getattr(each.provider, attribute) for each in (problem, changed)]
        for name in SHARED:
            found[f"talks.{name}"] = [getattr(each.conduct, name) for each in (problem, changed)]
        for name in (name for name in ROUNDS if name in self.talks):
            found[f"talks.{name}"] = [
                each.conduct.deadline_rounds if _rounds(each.rule) == name else None for each in (problem, changed)
            ]
        return {name: values for name, values in found.items() if values[0] != values[1]}


def limits_from(texts: Sequence[str]) -> dict[str, float]:
    """Limits from texts such as `buildable capacity=3.5`; ResultsError where one is not of this form.

    >>> limits_from(["buildable capacity=3.5", "stake cap=0.2"])
    {'buildable capacity': 3.5, 'stake cap': 0.2}
    """
    limits = {}
    for text in texts:
        name, _, number = text.rpartition("=")
        try:
            limits[name.strip()] = float(number)
        except ValueError:
            raise ResultsError(f"limit: {text!r}; allowed: NAME=NUMBER, such as 'buildable capacity=3.5'") from None
    return limits


def talks_from(texts: Sequence[str]) -> dict[str, Any]:
    """Keys of the group `talks` from texts such as `talks.lab_concession=3`.

    Raises ResultsError for another group, and as `parse_set`.

    >>> talks_from(["talks.lab_concession=3", "talks.tactic=exponential"])
    {'lab_concession': 3, 'tactic': 'exponential'}
    """
    talks = {}
    for path, value in map(parse_set, texts):
        group, dot, key = path.partition(".")
        if (group, dot) != ("talks", "."):
            raise ResultsError(
                f"{path}: cannot be set for one deal; allowed: talks.KEY, such as talks.lab_concession=3"
            )
        talks[key] = value
    return talks


def _rounds(rule: str) -> str:
    """The scenario's name for the number of rounds of talks by a rule."""
    own = f"{rule}_rounds"
    return own if own in ROUNDS else "deadline_rounds"


def _one_of(what: str, name: str, allowed: Sequence[str]) -> str:
    if name in allowed:
        return name
    close = get_close_matches(name, allowed, n=1, cutoff=0.4)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    raise ResultsError(f"{what}: {name!r}; allowed: {', '.join(allowed)}{hint}")


def _number(what: str, value: float, most: float, least: float = 0.0) -> float:
    if math.isfinite(value) and least <= value <= most:
        return float(value)
    upper = f"{least:g} to {most:g}" if math.isfinite(most) else f"{least:g} or more"
    raise ResultsError(f"{what}: {value}; allowed: {upper if math.isfinite(least) else 'a finite number'}")
