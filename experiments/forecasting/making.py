"""`forecast`: the ensemble of members, run through the machinery of sweeps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.forecasting.draws import make_draws
from experiments.forecasting.members import ForecastStudy, Posterior, at_last_fact, last_fact, members, worlds
from experiments.forecasting.outlook import SHIPPED_OUTLOOK, Outlook
from experiments.forecasting.result import Forecast, Made
from experiments.forecasting.statements import SHIPPED_STATEMENTS, Statement, check_statement, fitting, read_statements
from experiments.running import resolve
from experiments.store import next_folder
from experiments.sweeping import run_plan
from experiments.sweeps.engines import engine_of
from experiments.sweeps.plan import check_whole, make_plan

if TYPE_CHECKING:
    from experiments.sweeps.pacing import Progress
    from market.facts import Facts
    from market.scenario import Scenario

RUNS = 200
POSTERIOR_FILE = Path(__file__).resolve().parent.parent / "calibration" / "posterior.csv"
# What the posterior knows is not drawn again by the scenario's own uncertainty.
COVERED = {"uncertainty.elasticity": 0.0, "uncertainty.supply_growth": 0.0}
TABLES = ("market", "providers", "labs", "alignment", "deals")


def forecast(
    base: Scenario | str | Path = "baseline",
    until: str = "2035Q4",
    runs: int = RUNS,
    seed: int = 1,
    *,
    jobs: int | None = None,
    out: str | Path | None = None,
    facts: Facts | None = None,
    outlook: str | Path = SHIPPED_OUTLOOK,
    statements: Sequence[str] | None = None,
    posterior: Posterior | None = None,
    command: str = "",
    progress: Callable[[Progress], None] | None = None,
) -> Forecast:
    """Fans, shares of variance and probabilities from the last quarter of the facts on.

    Every run draws its parameters from the posterior (the shipped one if none is given), a structure on every axis and
    its stated scenario from the outlook, and its luck. `statements` are tests such as
    `"labs[OpenAI].dependence_hhi@2028Q4 < 3000"`, asked beside the shipped ones that fit the quarters and parties.
    Runs go into the folder `out` (a numbered one in `results/`), and the same call finishes what a stopped one left.
    The same arguments give the same bits on any number of processes.

    Raises SweepError or ScenarioError, one line, before anything is simulated.
    """
    from market.facts import Facts

    check_whole("seed", seed, 0)
    start, known = resolve(base), facts or Facts.load()
    scenario, origin, view = at_last_fact(start, known, until), last_fact(start, known), Outlook.load(outlook)
    draws = make_draws(runs, seed, view.weights, [each.weight for each in view.scenarios])
    parameters, note = _parameters(start, posterior, runs // 2, seed)
    if not parameters:
        draws = replace(draws, parameters=np.zeros_like(draws.parameters))
    asked = [Statement.parse(text) for text in statements or ()]
    for statement in asked:
        check_statement(statement, scenario, origin)
    study = ForecastStudy(worlds(scenario, view, origin), seed, TABLES, facts)
    plan = make_plan(study, members(view, draws, parameters), 1)
    folder = next_folder(f"forecast-{start.name}") if out is None else Path(out)
    sweep = run_plan(plan, folder, engine_of("local", jobs), False, progress, command)
    shipped = read_statements(SHIPPED_STATEMENTS)
    fit = fitting(shipped, scenario, origin)
    made = Made(scenario, origin, seed, view, note, known, command, len(shipped) - len(fit))
    return Forecast(sweep, made, study, draws, (*fit, *asked))


def _parameters(
    base: Scenario, posterior: Posterior | None, count: int, seed: int
) -> tuple[list[Mapping[str, Any]], str]:
    """Draws of the parameters, and what to say of where they come from; none where there is no posterior."""
    if posterior is None:
        if base.time.capex_until == "none":
            return [], f"no facts are imposed on {base.name!r}: its own parameters in every run"
        if not POSTERIOR_FILE.is_file():
            return [], "no posterior is shipped: the scenario's own parameters in every run, so fans are too narrow"
        from experiments.calibration import shipped_posterior

        posterior = shipped_posterior()
    draws: list[Mapping[str, Any]] = [{**draw, **COVERED} for draw in posterior.sample(count, seed)]
    return draws, f"{count} draws from the posterior of the calibration"
