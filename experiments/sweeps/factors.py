"""What a sweep varies: a path of the scenario, over an interval or among choices."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from experiments.sweeps.errors import SweepError
from experiments.sweeps.study import SCENARIO
from market.parameters import Group, Shape, dotted, shape_of, split_path
from market.scenario import Scenario
from market.scenario_changes import override
from market.scenario_errors import ScenarioError, closest, plain, problem

FORMS = "(low, high) or a list of choices; in a file { low = ..., high = ... } or a list, the path in quotes"


@dataclass(frozen=True, slots=True)
class Factor:
    """One dimension of a design: an interval from `low` to `high`, both included, or `choices`.

    `path` is a dotted path of the scenario, or `scenario` for the choice among several. With `integer` the interval
    holds whole numbers only. Choices that are numbers are kept in increasing order.

    Raises SweepError for bounds that are no finite numbers in increasing order, no choices or one of them twice.

    >>> Factor("policy.exclusivity_ban", choices=(False, True)).values([0.0, 0.49, 0.5, 1.0])
    [False, False, True, True]
    """

    path: str
    low: float | None = None
    high: float | None = None
    choices: tuple[Any, ...] = ()
    integer: bool = False

    def __post_init__(self) -> None:
        check_once([self.path])
        if self.low is None and self.high is None:
            object.__setattr__(self, "choices", _checked_choices(self.path, self.choices))
            return
        if self.choices:
            raise refused("both an interval and choices", where=self.path, allowed="one of the two")
        for name in ("low", "high"):
            object.__setattr__(self, name, _checked_bound(self.path, getattr(self, name), self.integer))
        if not self.interval[0] < self.interval[1]:
            raise refused("not an interval", where=self.path, got=list(self.interval), allowed="low below high")

    @property
    def interval(self) -> tuple[float, float]:
        """Both bounds of a factor that has no choices."""
        assert self.low is not None  # only a factor with choices has no bounds
        assert self.high is not None
        return self.low, self.high

    @property
    def size(self) -> int | None:
        """How many values there are; None for an interval of real numbers."""
        if self.choices:
            return len(self.choices)
        low, high = self.interval
        return int(high) - int(low) + 1 if self.integer else None

    @property
    def categorical(self) -> bool:
        """Whether the values have no order: choices among anything else than numbers; true and false are such."""
        return not all(is_number(choice) for choice in self.choices)

    def values(self, shares: Iterable[float]) -> list[Any]:
        """Values at shares u in [0, 1]: the quantile function of the uniform distribution over the factor.

        An interval gives low (1 - u) + high u; of n choices or whole numbers, each equally likely, it is the one at
        position floor(n u), the last one at u = 1.

        >>> Factor("x", 0.0, 10.0).values([0.0, 0.25, 1.0]), Factor("x", 1, 3, integer=True).values([0.0, 0.4, 1.0])
        ([0.0, 2.5, 10.0], [1, 2, 3])
        """
        if self.choices:
            return [self.choices[_position(share, len(self.choices))] for share in shares]
        low, high = self.interval
        if self.size is not None:
            return [int(low) + _position(share, self.size) for share in shares]
        return [min(max(low * (1.0 - share) + high * share, low), high) for share in shares]

    def levels(self, count: int | None) -> list[Any]:
        """All choices, or `count` evenly spaced values of the interval with both ends.

        Whole numbers are the nearest ones. Raises SweepError where there are fewer of them.

        >>> Factor("x", 0, 10, integer=True).levels(3), Factor("x", 0.0, 1.0).levels(5)
        ([0, 5, 10], [0.0, 0.25, 0.5, 0.75, 1.0])
        """
        if self.choices:
            return list(self.choices)
        low, high = self.interval
        if count is None:
            raise refused("levels: missing", allowed=f"2 or more, for the interval of {self.path} in a grid")
        if self.size is None:
            return [*(low + (high - low) * k / (count - 1) for k in range(count - 1)), high]
        if count > self.size:
            raise refused(
                "not allowed",
                where="levels",
                got=count,
                allowed=f"at most {self.size}, the whole numbers of {self.path}",
            )
        return [int(low) + (2 * k * (self.size - 1) + count - 1) // (2 * (count - 1)) for k in range(count)]

    def plain(self) -> dict[str, Any]:
        """The factor in the types of JSON: the arguments that make it again."""
        if self.choices:
            return {"path": self.path, "choices": list(self.choices)}
        return {"path": self.path, "low": self.low, "high": self.high, "integer": self.integer}


def factor_of(path: str, values: Any, scenarios: Mapping[str, Scenario] | None = None) -> Factor:
    """The factor that a user describes: a pair (low, high), a table of `low` and `high`, a list of choices or a Factor.

    With scenarios, a parameter that is an integer there takes whole numbers. Raises SweepError for anything else.

    >>> factor_of("negotiation.provider_power", (0.2, 0.8))
    Factor(path='negotiation.provider_power', low=0.2, high=0.8, choices=(), integer=False)
    """
    integer = scenarios is not None and is_integer(path)
    if isinstance(values, Factor):
        if values.path != path:
            raise refused("a factor of another path", where=path, got=values.path, allowed=path)
        return replace(values, integer=integer) if integer and not values.choices else values
    if isinstance(values, list):
        return Factor(path, choices=tuple(values))
    if isinstance(values, tuple) and len(values) == 2:
        return Factor(path, *_bounds(path, *values), integer=integer)
    if isinstance(values, Mapping) and not values.keys().isdisjoint(("low", "high")):
        for key in values:
            if key not in ("low", "high"):
                meant = closest(str(key), ["low", "high"])
                raise refused(f"unknown key {key!r}", where=path, allowed="low, high", meant=meant)
        return Factor(path, *_bounds(path, values.get("low"), values.get("high")), integer=integer)
    raise refused("neither an interval nor choices", where=str(path), got=values, allowed=FORMS)


def check_factors(factors: Sequence[Factor], scenarios: Mapping[str, Scenario]) -> None:
    """Raise SweepError where a path, a bound or a choice is not allowed in a scenario that the design varies.

    Only the parameter itself is looked at: whether values fit together is known for whole points only.
    """
    names = next((factor.choices for factor in factors if factor.path == SCENARIO), tuple(scenarios))
    for name in names:
        scenario = named(name, scenarios)
        for factor in factors:
            for value in factor.choices or factor.interval:
                if factor.path != SCENARIO:
                    check_value(scenario, factor.path, value)


def check_value(scenario: Scenario, path: str, value: Any) -> None:
    """Raise SweepError where the scenario has no such path or its parameter cannot take the value."""
    group, below = _innermost(scenario, split_path(path))
    try:
        override(group, {dotted(below): value})
    except ScenarioError:
        try:
            scenario.with_({path: value})  # refused again, and told with the whole path
        except ScenarioError as error:
            raise SweepError(str(error)) from None


def named(name: Any, scenarios: Mapping[str, Scenario]) -> Scenario:
    """The scenario of a name that a design chooses; SweepError where there is none."""
    if isinstance(name, str) and name in scenarios:
        return scenarios[name]
    meant = closest(str(name), list(scenarios))
    raise refused("unknown scenario", where=SCENARIO, got=name, allowed=", ".join(scenarios), meant=meant)


def is_integer(path: str) -> bool:
    """Whether a scenario's parameter at the path is an integer.

    >>> is_integer("enterprises.count"), is_integer("negotiation.provider_power"), is_integer("no.such.path")
    (True, False, False)
    """
    shape: Shape | None = shape_of(Scenario)
    for part in split_path(path):
        at_position = shape is not None and shape.kind == "list" and part.isdecimal()
        shape = None if shape is None else shape.child(int(part) if at_position else part)
    return shape is not None and shape.annotation is int


def is_number(value: Any) -> bool:
    """Whether a value is a number, which true and false are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def refused(what: str, *, where: str = "", got: Any = None, allowed: str = "", meant: str = "") -> SweepError:
    """The error in one line: `where: what (got ...); allowed: ...; did you mean '...'?`."""
    return SweepError(str(problem(what, where=where, got=got, allowed=allowed, meant=meant)))


def _innermost(scenario: Scenario, path: tuple[str, ...]) -> tuple[Group, tuple[str, ...]]:
    """The innermost group on the way to a parameter and the rest of the path: checking it alone takes a tenth."""
    found: tuple[Group, tuple[str, ...]] = (scenario, path)
    here: Any = scenario
    for depth, part in enumerate(path[:-1], start=1):
        if isinstance(here, Group):
            here = getattr(here, part, None) if part in type(here).model_fields else None
        elif isinstance(here, dict):
            here = here.get(part)
        else:
            here = here[int(part)] if isinstance(here, tuple) and part.isdecimal() and int(part) < len(here) else None
        if isinstance(here, Group) and path[depth] != "remove":
            found = (here, path[depth:])
    return found


def _checked_choices(path: str, choices: Iterable[Any]) -> tuple[Any, ...]:
    found = [plain_value(path, choice) for choice in choices]
    if not found:
        raise refused("no choices", where=path, allowed=FORMS)
    seen = set()
    for choice in found:
        if choice is None:
            raise refused("None among the choices", where=path, allowed="values of the parameter")
        same = _comparable(choice)
        if same in seen:
            raise refused("a choice twice", where=path, got=choice, allowed="each once")
        seen.add(same)
    return tuple(sorted(found) if all(map(is_number, found)) else found)


def check_once(paths: Iterable[str]) -> None:
    """Raise SweepError for what is no dotted path, and for one that is there twice, however it is quoted."""
    seen = set()
    for path in paths:
        try:
            parts = split_path(path)
        except TypeError:
            raise refused(f"the path {path!r} is not text", allowed="a path such as enterprises.count") from None
        except ValueError as error:
            raise SweepError(str(error)) from None
        if parts in seen:
            raise refused("the path is there twice", where=path, allowed="once")
        seen.add(parts)


def plain_value(path: str, value: Any) -> Any:
    """A value in the types of JSON; SweepError for what a scenario cannot hold."""
    try:
        return plain(value, split_path(path))
    except ScenarioError as error:
        raise SweepError(str(error)) from None


def _bounds(path: str, low: Any, high: Any) -> tuple[Any, Any]:
    for name, bound in (("low", low), ("high", high)):
        if bound is None:
            raise refused(f"{name} is missing", where=path, allowed=FORMS)
    return low, high


def _checked_bound(path: str, bound: Any, integer: bool) -> float:
    value = plain_value(path, bound)
    if not is_number(value):
        raise refused("a bound that is no number", where=path, got=bound, allowed="two finite numbers, low below high")
    if not integer:
        return float(value)
    if value != math.floor(value):
        raise refused("a bound that is no whole number", where=path, got=bound, allowed="whole numbers")
    return int(value)


def _comparable(choice: Any) -> str:
    """Text that is the same for equal choices: 1 and 1.0 are, 1 and true are not."""
    is_whole = isinstance(choice, float) and choice.is_integer()
    return json.dumps(int(choice) if is_whole else choice, sort_keys=True)


def _position(share: float, count: int) -> int:
    return min(int(share * count), count - 1)
