"""The reference table: draws from the priors, each simulated from several past origins.

One table serves everything: the posterior at any origin, its check on synthetic truths, and the hindcast.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from scipy.stats import qmc

from experiments.forecasting.members import LUCK, ForecastStudy
from experiments.origins import Mode, at_origin
from experiments.store import next_folder
from experiments.sweeping import run_plan
from experiments.sweeps.designs import Design
from experiments.sweeps.engines import engine_of
from experiments.sweeps.plan import make_plan
from experiments.sweeps.study import SCENARIO
from experiments.target_values import target_values
from market.calendar import quarter_index
from market.facts import Facts
from market.parameters import Prior, split_path
from market.priors import priors
from market.scenario import Scenario

if TYPE_CHECKING:
    import pandas as pd

TABLES = ("providers", "labs", "deals")
YEARS_BEFORE = 4  # quarters before an origin that are kept: where forecasts of irregular series start from


@dataclass(frozen=True, slots=True)
class Window:
    """A past origin and a mode, written `2022Q4-blind`."""

    origin: str
    mode: Mode

    @property
    def name(self) -> str:
        """Its name, by which its runs are found."""
        return f"{self.origin}-{self.mode}"

    @classmethod
    def named(cls, name: str) -> Window:
        """The window of a name.

        >>> Window.named("2022Q4-blind")
        Window(origin='2022Q4', mode='blind')
        """
        origin, _, mode = name.partition("-")
        return cls(origin, cast("Mode", mode))


@dataclass(frozen=True, slots=True)
class ReferenceTable:
    """Draws of the parameters, (draw x path), and by window target values of their runs, (draw x series@quarter)."""

    draws: pd.DataFrame
    values: Mapping[str, pd.DataFrame]
    horizon: int

    def of(self, window: Window) -> pd.DataFrame:
        """Target values of a window's runs, a row a draw."""
        return self.values[window.name]


def prior_draws(scenario: Scenario, count: int, seed: int) -> list[dict[str, float]]:
    """Draws by Latin hypercube; the first one is the scenario's own values.

    >>> draws = prior_draws(Scenario.load("baseline"), 3, 1)
    >>> draws[0]["demand.elasticity"] == Scenario.load("baseline").demand.elasticity
    True
    """
    declared = priors(Scenario)
    shares = qmc.LatinHypercube(len(declared), rng=np.random.default_rng(seed)).random(max(count - 1, 1))
    drawn = [
        {path: prior.value(float(share)) for (path, prior), share in zip(declared.items(), row, strict=True)}
        for row in shares
    ]
    return [own_values(scenario, declared), *drawn][:count]


def own_values(scenario: Scenario, declared: Mapping[str, Prior]) -> dict[str, float]:
    """The scenario's own values of the estimated parameters."""
    return {path: float(_value(scenario, path)) for path in declared}


def _value(scenario: Scenario, path: str) -> Any:
    return reduce(getattr, split_path(path), cast("Any", scenario))


def reference_table(
    scenario: Scenario,
    draws: Sequence[Mapping[str, Any]],
    windows: Sequence[Window],
    horizon: int = 8,
    seed: int = 1,
    facts: Facts | None = None,
    out: Path | str | None = None,
    jobs: int | None = None,
    progress: Callable[[Any], None] | None = None,
    lucks: Sequence[int] | None = None,
) -> ReferenceTable:
    """Simulate every draw from every window, draw k with luck k (or `lucks[k]`) in all of them.

    It is a sweep: any number of workers gives the same bits, and a stopped one goes on in the folder `out`.
    """
    import pandas as pd

    scenarios = {window.name: at_origin(scenario, window.origin, horizon, window.mode) for window in windows}
    luck = list(lucks) if lucks is not None else list(range(len(draws)))
    points = tuple(
        {SCENARIO: window.name, LUCK: luck[k], **values} for window in windows for k, values in enumerate(draws)
    )
    plan = make_plan(ForecastStudy(scenarios, seed, TABLES, facts), Design("table", (), points), 1)
    folder = Path(out) if out is not None else next_folder("reference")
    sweep = run_plan(plan, folder, engine_of("local", jobs), False, progress)
    values = {}
    for number, window in enumerate(windows):
        first = number * len(draws)
        tables = {name: _slice(sweep.tables[name], first, len(draws)) for name in TABLES}
        at = quarter_index(window.origin)
        quarters = range(at - YEARS_BEFORE, at + horizon + 1)
        values[window.name] = target_values(tables, scenario, quarters).reindex(range(len(draws)))
    return ReferenceTable(pd.DataFrame(list(draws)), values, horizon)


def _slice(table: pd.DataFrame, first: int, count: int) -> pd.DataFrame:
    """The rows of some runs, numbered from nil."""
    own = table[(table["run"] >= first) & (table["run"] < first + count)]
    return own.assign(run=own["run"] - first)
