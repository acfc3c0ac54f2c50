"""Our markets for other people's methods: a scenario as an EMA Workbench model and as a SALib problem."""

from __future__ import annotations

import re
import tempfile
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cloudpact.schema import MARKET, TABLES, Table
from experiments.outcomes import Outcome
from experiments.running import SimulationError, resolve, run
from experiments.sweeps.errors import SweepError
from experiments.sweeps.factors import Factor, check_factors, factor_of
from market.calendar import quarter_index, quarter_name
from market.scenario import Scenario
from market.scenario_errors import ScenarioError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd
    from ema_workbench import Model
    from ema_workbench.em_framework.parameters import Parameter

    from experiments.sweeps.study import Function

_ROUNDING = 1e-9  # by how much of its interval a sampled value may miss the bounds


def ema_model(
    scenario: Scenario | str | Path,
    vary: Mapping[str, Any],
    outcomes: Sequence[str],
    *,
    series: Sequence[str] = (),
    levers: Sequence[str] = (),
    seed: int = 1,
    replicates: int = 1,
) -> Model:
    """An EMA Workbench model of a scenario, for its `perform_experiments`, `optimize` and evaluators.

    `vary` maps paths to intervals `(low, high)` or lists of choices; those that are named in `levers` become levers,
    the others uncertainties. `outcomes` (as in `sweep.outcome`) become scalar outcomes, `series` (columns of the table
    `market`) time series, one value a quarter. Names that are no Python identifiers, which EMA asks for, are written
    with underscores: `negotiation.provider_power` as `negotiation_provider_power`.

    An experiment is the market of `cloudpact.run` with that scenario and `seed`, replicate 0; with more replicates it
    is the mean over them. A run that fails gives NaN and a RuntimeWarning with its stage, and so do values that cannot
    be run together. The model can be pickled.

    Raises ScenarioError or SweepError for a path, value or outcome that does not exist, and where the extra
    `discovery` is not installed.
    """
    base = resolve(scenario)
    factors = _factors(vary, base)
    parsed = _parsed(outcomes, base)
    _check_series(series, factors)
    if not parsed and not series:
        raise SweepError("ema_model: no outcomes; allowed: one or more, such as alignment_hhi")
    unknown = next((path for path in levers if path not in vary), None)
    if unknown is not None:
        hint = did_you_mean(unknown, list(vary))
        raise SweepError(f"levers: {unknown!r} does not vary; allowed: {', '.join(vary)}{hint}")
    _check_replicates(replicates)
    market = MarketFunction(base, parsed, tuple(series), seed, replicates)
    return _model(market, factors, set(levers))


@dataclass(frozen=True, slots=True)
class MarketFunction:
    """A scenario as a function of the values at paths: outcomes and series by name, means over the replicates."""

    scenario: Scenario
    outcomes: tuple[Outcome, ...]
    series: tuple[str, ...]
    seed: int
    replicates: int

    def __call__(self, **values: Any) -> dict[str, Any]:
        """Simulate with other values at the paths.

        Nothing is raised for values that cannot be run together, nor for a run that fails: EMA's pool of processes
        waits for ever once it has seen two errors. The outcomes are NaN and a RuntimeWarning tells why.
        """
        found = [self._replicate(values, replicate) for replicate in range(self.replicates)]
        scalars = {one.text: float(np.mean([each[one.text] for each in found])) for one in self.outcomes}
        return {**scalars, **{name: np.mean([each[name] for each in found], axis=0) for name in self.series}}

    def _replicate(self, values: Mapping[str, Any], replicate: int) -> dict[str, Any]:
        try:
            tables = run(self.scenario.with_(values), self.seed, replicate).tables
        except (SimulationError, ScenarioError) as error:
            warnings.warn(f"replicate {replicate} failed, its outcomes are NaN: {error}", RuntimeWarning, stacklevel=4)
            lost = {one.text: np.nan for one in self.outcomes}
            return {**lost, **dict.fromkeys(self.series, np.full(_quarters(self.scenario), np.nan))}
        scalars = {one.text: _value(one, tables) for one in self.outcomes}
        return {**scalars, **{name: tables["market"][name].to_numpy(float) for name in self.series}}


def _value(outcome: Outcome, tables: Mapping[str, pd.DataFrame]) -> float:
    """The outcome of one run; NaN also where the run has no lab or provider of that name."""
    try:
        return float(outcome.of(tables).iloc[0])
    except SweepError:
        return np.nan


def _quarters(scenario: Scenario) -> int:
    return quarter_index(scenario.time.end) - quarter_index(scenario.time.start) + 1


def _model(market: MarketFunction, factors: Iterable[Factor], levers: set[str]) -> Model:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of packages that it could use
            from ema_workbench import Model, ScalarOutcome, TimeSeriesOutcome
    except ModuleNotFoundError as error:
        raise SweepError(
            f"ema_model: the package {error.name!r} is not installed; do: pip install 'cloudpact[discovery]'"
        ) from None
    texts = [one.text for one in market.outcomes]
    names = _identifiers([*(factor.path for factor in factors), *texts, *market.series])
    model = Model(_identifier(market.scenario.name), function=market)
    model.uncertainties = [_parameter(names[each.path], each) for each in factors if each.path not in levers]
    model.levers = [_parameter(names[each.path], each) for each in factors if each.path in levers]
    model.outcomes = [
        *(ScalarOutcome(names[text], variable_name=text) for text in texts),
        *(TimeSeriesOutcome(names[column], variable_name=column) for column in market.series),
    ]
    return model


def _parameter(name: str, factor: Factor) -> Parameter:
    from ema_workbench import BooleanParameter, CategoricalParameter, IntegerParameter, RealParameter

    if not factor.choices:
        kind = IntegerParameter if factor.integer else RealParameter
        return kind(name, *factor.interval, variable_name=factor.path)
    if len(factor.choices) == 1:
        raise SweepError(f"{factor.path}: one choice only; allowed: two or more, or the value set in the scenario")
    if all(isinstance(choice, bool) for choice in factor.choices):
        return BooleanParameter(name, variable_name=factor.path)
    return CategoricalParameter(name, list(factor.choices), variable_name=factor.path)


def _identifiers(texts: Sequence[str]) -> dict[str, str]:
    """A Python identifier of each text; SweepError where two texts have the same.

    >>> _identifiers(["negotiation.provider_power", "labs[OpenAI].compute_gw@2028Q4"])
    {'negotiation.provider_power': 'negotiation_provider_power', \
'labs[OpenAI].compute_gw@2028Q4': 'labs_OpenAI_compute_gw_2028Q4'}
    """
    names: dict[str, str] = {}
    for text in texts:
        name = _identifier(text)
        if name in names.values():
            raise SweepError(
                f"ema_model: {text!r} has the same name in EMA as another, {name}; allowed: each name once"
            )
        names[text] = name
    return names


def _identifier(text: str) -> str:
    name = re.sub(r"\W+", "_", text).strip("_")
    return name if name.isidentifier() else f"_{name}"


@dataclass(frozen=True, slots=True)
class SalibProblem:
    """A market, or a function, as SALib sees it: the `problem` and a function `evaluate(X) -> Y`.

    >>> from experiments.adapters import salib_problem
    >>> salib_problem(_example, {"x": (0.0, 1.0), "n": Factor("n", 1, 3, integer=True)}, ["sum"]).problem
    {'num_vars': 2, 'names': ['x', 'n'], 'bounds': [[0.0, 1.0], [1.0, 3.0]], 'outputs': ['sum']}
    """

    base: Scenario | Function
    factors: tuple[Factor, ...]
    outcomes: tuple[str, ...]
    seed: int
    replicates: int
    jobs: int | None

    @property
    def problem(self) -> dict[str, Any]:
        """SALib's description: names, bounds and outputs; all inputs uniform. Choices are given by their extremes."""
        bounds = [list(_bounds(factor)) for factor in self.factors]
        names = [factor.path for factor in self.factors]
        return {"num_vars": len(names), "names": names, "bounds": bounds, "outputs": list(self.outcomes)}

    def evaluate(self, X: np.ndarray) -> np.ndarray:
        """Outcomes at a sample X (rows, inputs), as a sweep: (rows,) of one outcome, else (rows, outcomes).

        Whole numbers and choices take the value at the same share of their range, each equally likely. With
        replicates a value is the mean over those that have one. Failed runs are told by a RuntimeWarning and left
        out; where none has a value Y is NaN. Raises SweepError for an X of another shape or out of bounds.
        """
        from experiments.sweeping import sweep

        points = self.points(X)
        with tempfile.TemporaryDirectory() as folder:
            done = sweep(
                self.base,
                design=points,
                replicates=self.replicates,
                seed=self.seed,
                jobs=self.jobs,
                out=Path(folder) / "sweep",
            )
            found = [done.by_point(name) for name in self.outcomes]
            _warn_of_failures(done.failures)
        Y = np.column_stack([values.sort_index().mean(axis=1).to_numpy(float) for values in found])
        return Y[:, 0] if len(self.outcomes) == 1 else Y

    def points(self, X: np.ndarray) -> list[dict[str, Any]]:
        """The values by path of every row of X."""
        X = np.asarray(X, dtype=float)
        if X.ndim != 2 or X.shape[1] != len(self.factors) or not len(X):
            raise SweepError(f"X: has shape {X.shape}; allowed: rows by {len(self.factors)} inputs, one row or more")
        columns = [_values(factor, X[:, k]) for k, factor in enumerate(self.factors)]
        return [
            {each.path: value for each, value in zip(self.factors, row, strict=True)}
            for row in zip(*columns, strict=True)
        ]


def salib_problem(
    base: Scenario | str | Path | Function,
    vary: Mapping[str, Any],
    outcomes: str | Sequence[str],
    *,
    seed: int = 1,
    replicates: int = 1,
    jobs: int | None = 1,
) -> SalibProblem:
    """A scenario, or a function `f(values, seed, replicate) -> {outcome: number}`, as a problem for SALib.

    `vary` maps paths to intervals `(low, high)` or lists of numbers; `jobs` processes evaluate a sample (None: all
    cores). Use it as `ProblemSpec(p.problem).sample_sobol(64).evaluate(p.evaluate).analyze_sobol()` or with SALib's
    plain functions.

    Raises ScenarioError or SweepError for a path, value or outcome that does not exist, and for choices that are no
    numbers: SALib's methods take differences between values.
    """
    resolved = resolve(base) if isinstance(base, Scenario | str | Path) else base
    scenario = resolved if isinstance(resolved, Scenario) else None
    factors = _factors(vary, scenario)
    for factor in factors:
        if factor.categorical:
            told = ", ".join(str(choice) for choice in factor.choices)
            raise SweepError(
                f"{factor.path}: SALib takes no categories ({told}); allowed: an interval, or a list of numbers"
            )
    texts = [outcomes] if isinstance(outcomes, str) else list(outcomes)
    if not texts:
        raise SweepError("salib_problem: no outcomes; allowed: one or more, such as alignment_hhi")
    names = tuple(one.text for one in _parsed(texts, scenario))
    _check_replicates(replicates)
    return SalibProblem(resolved, factors, names, seed, replicates, jobs)


def _warn_of_failures(failures: pd.DataFrame) -> None:
    if len(failures):
        first = failures.iloc[0]
        told = f"{len(failures)} runs failed and are left out; the first: {first['stage']}: {first['error']}"
        warnings.warn(told, RuntimeWarning, stacklevel=3)


def _bounds(factor: Factor) -> tuple[float, float]:
    low, high = (min(factor.choices), max(factor.choices)) if factor.choices else factor.interval
    return float(low), float(high)


def _values(factor: Factor, column: np.ndarray) -> list[Any]:
    """Values of a factor at a column of X."""
    low, high = _bounds(factor)
    slack = _ROUNDING * (high - low)
    outside = ~((column >= low - slack) & (column <= high + slack))
    if outside.any():
        raise SweepError(f"X: {factor.path} is {column[outside][0]:g}; allowed: {low:g} to {high:g}")
    clipped = np.clip(column, low, high)
    if factor.size is None:
        return [float(value) for value in clipped]
    shares = (clipped - low) / (high - low) if high > low else np.zeros(len(clipped))
    return factor.values(float(share) for share in shares)


def _factors(vary: Mapping[str, Any], scenario: Scenario | None) -> tuple[Factor, ...]:
    """The factors of `vary`, checked against the scenario if there is one."""
    if not isinstance(vary, Mapping) or not vary:
        raise SweepError("vary: nothing varies; allowed: paths with (low, high) or a list of choices")
    scenarios = None if scenario is None else {scenario.name: scenario}
    factors = tuple(factor_of(path, values, scenarios) for path, values in vary.items())
    if scenarios is not None:
        check_factors(factors, scenarios)
    return factors


def _parsed(texts: Sequence[str], scenario: Scenario | None) -> tuple[Outcome, ...]:
    """Outcomes, their columns checked where they are a market's."""
    if isinstance(texts, str):
        raise SweepError(f"outcomes: {texts!r} is one text; allowed: a list, such as [{texts!r}]")
    parsed = tuple(Outcome.parse(text) for text in texts)
    if scenario is not None:
        for one in parsed:
            _check_column(one.text, one.column, TABLES[one.table])
            _check_names(one, scenario)
    return parsed


def _check_names(outcome: Outcome, scenario: Scenario) -> None:
    """Refuse a lab, a provider or a quarter that the scenario does not have."""
    labs, providers = list(scenario.labs), list(scenario.hyperscalers)
    known = {"labs": [labs], "providers": [providers], "alignment": [labs, providers]}.get(outcome.table, [])
    for name, names in zip(outcome.entities, known, strict=True):
        if name not in names:
            hint = did_you_mean(name, names)
            raise SweepError(f"outcome {outcome.text!r}: no {name!r}; allowed: {', '.join(names)}{hint}")
    first, last = quarter_index(scenario.time.start), quarter_index(scenario.time.end)
    for quarter in (outcome.first, outcome.last):
        if quarter is not None and not first <= quarter <= last:
            span = f"{scenario.time.start}..{scenario.time.end}"
            raise SweepError(f"outcome {outcome.text!r}: no quarter {quarter_name(quarter)}; allowed: {span}")


def _check_series(series: Sequence[str], factors: Sequence[Factor]) -> None:
    for column in series:
        _check_column(column, column, MARKET)
    moving = next((factor.path for factor in factors if factor.path.startswith("time.")), None)
    if series and moving:
        raise SweepError(f"{moving}: cannot vary with a time series, all of which have the same quarters in EMA")


def _check_column(text: str, column: str, table: Table) -> None:
    names = [each.name for each in table.columns if each.dtype != "str" and each.name != "run"]
    if column not in names:
        hint = did_you_mean(column, names)
        raise SweepError(f"outcome {text!r}: no number {column!r}; allowed: {', '.join(names)}{hint}")


def _check_replicates(replicates: int) -> None:
    if replicates < 1:
        raise SweepError(f"replicates: {replicates} is too few; allowed: 1 or more")


def _example(values: Mapping[str, Any], seed: int, replicate: int) -> dict[str, float]:
    return {"sum": values["x"] + values["n"]}
