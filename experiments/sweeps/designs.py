"""Designs: which points of the parameters' space a sweep runs, by the usual methods."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from experiments.sweeps.errors import SweepError
from experiments.sweeps.factors import Factor, check_factors, check_once, factor_of, refused
from experiments.sweeps.listing import check_count, listed_points
from experiments.sweeps.sampling import SAMPLERS, rows, unit_problem, unit_sample
from experiments.sweeps.study import SCENARIO
from market.scenario_errors import closest

if TYPE_CHECKING:
    from experiments.sweeps.sampling import Unit
    from market.scenario import Scenario

# The options that each method takes, with the value of those that need not be given
METHODS: dict[str, Mapping[str, Any]] = {
    "grid": {"levels": None},
    "list": {},
    "random": {"samples": None},
    "lhs": {"samples": None},
    "sobol": {"samples": None},
    "morris": {"trajectories": None, "levels": 4},
    "saltelli": {"samples": None, "second_order": False},
}
POWERS_OF_TWO = ("sobol", "saltelli")
NEED_AN_ORDER = ("morris", "saltelli")


@dataclass(frozen=True)
class Design:
    """The points of a sweep and how they came about.

    `points` are values by path; what a point leaves out stays as in the scenario. `factors` is empty for lists and
    tables, `settings` are the method's options.
    """

    method: str
    factors: tuple[Factor, ...]
    points: tuple[Mapping[str, Any], ...] = field(repr=False)
    seed: int = 0
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def paths(self) -> tuple[str, ...]:
        """Every path that a point sets, in order of first mention."""
        if self.factors:
            return tuple(factor.path for factor in self.factors)
        return tuple(dict.fromkeys(path for point in self.points for path in point))

    @cached_property
    def unit(self) -> Unit:
        """The sample in [0, 1]^k behind the points, one row a point and one column a factor, made anew.

        Raises SweepError for a design that is no sample, and where other versions of SciPy or SALib give other points.
        """
        if self.method not in SAMPLERS:
            raise refused(f"a design by {self.method} is no sample", allowed=", ".join(SAMPLERS))
        unit = unit_sample(self.method, len(self.factors), self.settings, self.seed)
        if _points_at(self.factors, unit) != self.points:
            raise SweepError(
                f"the points are not those of method {self.method}, seed {self.seed} and its settings "
                "(another version of SciPy or SALib?); allowed: the versions in the sweep's manifest"
            )
        return unit

    def problem(self) -> dict[str, Any]:
        """SALib's description of the unit cube that `unit` samples; SweepError for a design without factors."""
        if not self.factors:
            raise refused(f"a design by {self.method} has no factors", allowed="grid, " + ", ".join(SAMPLERS))
        return unit_problem(len(self.factors), list(self.paths))

    def plain(self) -> dict[str, Any]:
        """Everything but the points, in the types of JSON."""
        factors = [factor.plain() for factor in self.factors]
        return {"method": self.method, "factors": factors, "seed": self.seed, "settings": dict(self.settings)}

    @classmethod
    def from_plain(cls, data: Mapping[str, Any], points: Sequence[Mapping[str, Any]]) -> Design:
        """The design that `plain` described, with its points."""
        factors = [Factor(**{**entry, "choices": tuple(entry.get("choices", ()))}) for entry in data["factors"]]
        return cls(data["method"], tuple(factors), tuple(points), data["seed"], data["settings"])


def make_design(
    vary: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    method: str = "grid",
    samples: int | None = None,
    seed: int = 0,
    levels: int | None = None,
    trajectories: int | None = None,
    second_order: bool = False,
    *,
    scenarios: Mapping[str, Scenario] | None = None,
) -> Design:
    """The design of a method over `vary`: a pair (low, high) or a list of choices by path, or a list of points.

    grid: all combinations, intervals in `levels` steps; list: the points as given; random: `samples` uniform points;
    lhs: Latin hypercube; sobol: scrambled Sobol points, `samples` a power of two; morris: `trajectories` over an even
    number of `levels`; saltelli: points for Sobol indices from `samples` base points, `second_order` ones too.

    With `scenarios` (by name) all values are checked, integer parameters get whole numbers, and several scenarios
    that `vary` does not choose from are all run. Without them the names are those of a function's inputs.

    Raises SweepError, in one line, for what cannot be done.

    >>> make_design({"x": [1, 2], "y": (0.0, 1.0)}, levels=2).points
    ({'x': 1, 'y': 0.0}, {'x': 1, 'y': 1.0}, {'x': 2, 'y': 0.0}, {'x': 2, 'y': 1.0})
    """
    if not isinstance(method, str) or method not in METHODS:
        meant = closest(str(method), list(METHODS))
        raise refused("unknown method", where="design", got=method, allowed=", ".join(METHODS), meant=meant)
    given = {"samples": samples, "levels": levels, "trajectories": trajectories, "second_order": second_order or None}
    settings = _settings(method, given)
    _check_seed(seed)
    if method == "list":
        return Design(method, (), listed_points(vary, scenarios), seed)
    factors = _factors(vary, scenarios)
    _check_order(method, factors)
    if method == "grid":
        return Design(method, factors, tuple(_grid(factors, levels)), seed, settings)
    check_count(rows(method, len(factors), settings))
    unit = unit_sample(method, len(factors), settings, seed)
    return Design(method, factors, _points_at(factors, unit), seed, settings)


def _settings(method: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The method's options as given or by default, checked."""
    allowed = METHODS[method]
    for name, value in given.items():
        if value is not None and name not in allowed:
            others = ", ".join(each for each, options in METHODS.items() if name in options)
            raise refused(f"{name}: not an option of {method}", got=value, allowed=f"with {others}")
    settings = {name: default if given[name] is None else given[name] for name, default in allowed.items()}
    if method == "grid":
        return {"levels": _whole("levels", given["levels"], 2)} if given["levels"] is not None else {}
    for name, value in settings.items():
        if name == "second_order":
            if not isinstance(value, bool):
                raise refused("wrong type", where=name, got=value, allowed="true or false")
        elif value is None:
            raise refused(f"{name}: missing", allowed=f"a whole number from 1, for {method}")
        else:
            settings[name] = _whole(name, value, 2 if name == "levels" else 1)
    if settings.get("levels", 0) % 2:
        raise refused("not allowed", where="levels", got=settings["levels"], allowed="an even number, for morris")
    if method in POWERS_OF_TWO:
        _check_power_of_two(method, settings["samples"])
    return settings


def _whole(name: str, value: Any, least: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise refused("not allowed", where=name, got=value, allowed=f"a whole number from {least}")
    return value


def _check_power_of_two(method: str, samples: int) -> None:
    below = 1 << (samples.bit_length() - 1)
    if samples != below:
        raise refused(
            "not allowed",
            where="samples",
            got=samples,
            allowed=f"a power of two for {method}, such as {below} or {2 * below}",
        )


def _check_seed(seed: Any) -> None:
    if not isinstance(seed, int) or isinstance(seed, bool) or seed < 0:
        raise refused("not allowed", where="seed", got=seed, allowed="a whole number from 0")


def _factors(vary: Any, scenarios: Mapping[str, Scenario] | None) -> tuple[Factor, ...]:
    if not isinstance(vary, Mapping):
        raise refused("what is varied is no table", got=vary, allowed="intervals and choices by path")
    check_once(vary)
    factors = [factor_of(path, values, scenarios) for path, values in vary.items()]
    if scenarios is not None and len(scenarios) > 1 and SCENARIO not in vary:
        factors.insert(0, Factor(SCENARIO, choices=tuple(scenarios)))
    if not factors:
        raise refused("nothing is varied", allowed="an interval or choices for one path at least")
    if scenarios is not None:
        check_factors(factors, scenarios)
    return tuple(factors)


def _check_order(method: str, factors: Sequence[Factor]) -> None:
    if method not in NEED_AN_ORDER:
        return
    for factor in factors:
        if factor.categorical:
            raise refused(
                f"choices without an order, for which {method} has no indices",
                where=factor.path,
                got=list(factor.choices),
                allowed="an interval or numbers; or the design grid, random, lhs or sobol",
            )


def _grid(factors: Sequence[Factor], levels: int | None) -> Iterator[dict[str, Any]]:
    """All combinations, the last factor varying fastest."""
    intervals = [factor for factor in factors if not factor.choices]
    if levels is not None and not intervals:
        raise refused("levels: nothing here is an interval", got=levels, allowed="none, choices are taken as they are")
    check_count(math.prod(len(factor.choices) or levels or 1 for factor in factors))
    axes = [factor.levels(levels) for factor in factors]
    paths = [factor.path for factor in factors]
    for values in itertools.product(*axes):
        yield dict(zip(paths, values, strict=True))


def _points_at(factors: Sequence[Factor], unit: Unit) -> tuple[dict[str, Any], ...]:
    columns = [factor.values(unit[:, k].tolist()) for k, factor in enumerate(factors)]
    paths = [factor.path for factor in factors]
    return tuple(dict(zip(paths, values, strict=True)) for values in zip(*columns, strict=True))
