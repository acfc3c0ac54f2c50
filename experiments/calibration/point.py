"""The point estimate: CMA-ES on the distance of runs from past origins to the facts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from cmaes import CMA
from numpy.typing import NDArray

from experiments.calibration.moments import Moments, moments
from experiments.calibration.reference import ReferenceTable, Window, own_values, reference_table
from market.facts import Facts
from market.parameters import Prior
from market.priors import priors
from market.scenario import Scenario

Array = NDArray[np.float64]
POPULATION, LUCKS, STEP = 12, 2, 0.15
# Sizes of shocks are not searched for: a smaller shock is always nearer on average. They take the posterior's median.
SHOCKS = ("volatility", "cycle", "noise")


@dataclass(frozen=True, slots=True)
class PointEstimate:
    """Values by path, their distance and the scenario's own, and distances by generation (the best of each)."""

    values: Mapping[str, float]
    distance: float
    before: float
    history: tuple[float, ...]


def minimise(
    objective: Callable[[list[Array], int], Sequence[float]], start: Array, generations: int, seed: int
) -> tuple[Array, list[float]]:
    """Minimise over the unit cube by CMA-ES (Hansen 2016): the mean of the last search, and the best by generation.

    `objective(points, generation)` gives the values of a generation's points. The mean, not the best point seen, is
    what is told: with noise the best point is the luckiest.
    """
    search = CMA(
        mean=start, sigma=STEP, bounds=np.array([[0.0, 1.0]] * len(start)), seed=seed, population_size=POPULATION
    )
    best = []
    for generation in range(generations):
        points = [search.ask() for _ in range(search.population_size)]
        values = objective(points, generation)
        search.tell([(point, float(value)) for point, value in zip(points, values, strict=True)])
        best.append(float(min(values)))
    return np.clip(search.mean, 0.0, 1.0), best


def point_estimate(
    scenario: Scenario,
    windows: Sequence[Window],
    facts: Facts,
    origin: str,
    scale: Moments,
    begin: Mapping[str, float],
    generations: int,
    seed: int,
    out: Path,
    jobs: int | None = None,
    progress: Callable[[Any], None] | None = None,
) -> PointEstimate:
    """Estimate the parameters from facts until an origin; every generation is a sweep in its own folder of `out`.

    A stopped search goes on: the folders hold what was finished, and the same seed asks for the same points. Distances
    are in the units of `scale`, the moments of the reference table, so that they mean the same in every generation. The
    search starts at `begin`; sizes of shocks stay there.
    """
    declared = {path: prior for path, prior in priors(Scenario).items() if not any(word in path for word in SHOCKS)}
    kept = {path: float(f"{value:.4g}") for path, value in begin.items() if path not in declared}

    def distances(points: Sequence[Mapping[str, float]], folder: Path) -> list[float]:
        draws = [values for values in points for _ in range(LUCKS)]
        lucks = [luck for _ in points for luck in range(LUCKS)]
        table = reference_table(
            scenario, draws, windows, seed=seed, facts=facts, out=folder, jobs=jobs, progress=progress, lucks=lucks
        )
        each = _distances(table, facts, origin, scale)
        return [float(each[first : first + LUCKS].mean()) for first in range(0, len(draws), LUCKS)]

    def objective(points: list[Array], generation: int) -> list[float]:
        return distances([_values(point, declared) | kept for point in points], out / f"generation-{generation:03d}")

    own = own_values(scenario, priors(Scenario))
    start = np.array([min(max(prior.share(begin[path]), 0.02), 0.98) for path, prior in declared.items()])
    found, history = minimise(objective, start, generations, seed)
    values = _values(found, declared) | kept
    after, before = distances([values, own], out / "compared")
    return PointEstimate(values, after, before, tuple(history))


def _values(point: Array, declared: Mapping[str, Prior]) -> dict[str, float]:
    return {
        path: float(f"{prior.value(float(s)):.4g}") for s, (path, prior) in zip(point, declared.items(), strict=True)
    }


def _distances(table: ReferenceTable, facts: Facts, origin: str, scale: Moments) -> Array:
    found = moments(table, facts, origin, scale.spreads)
    return np.asarray(found.distances())
