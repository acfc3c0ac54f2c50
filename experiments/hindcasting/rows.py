"""One row a target, origin and horizon: the model's score, what happened, and the benchmarks' scores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from experiments.benchmark_forecasts import BENCHMARKS, Scale, benchmark
from experiments.hindcasting.evidence import Evidence, evidence
from experiments.origins import Mode
from experiments.scoring import covered, crps, weighted_quantile
from market.calendar import quarter_index, quarter_name
from market.facts import Facts
from market.targets import target

Array = NDArray[np.float64]
BENCHMARK_DRAWS = 500

# Scored series. Others (backlog, compute, adoption, accelerators) have too few facts at early origins, or no
# counterpart of the same definition in the model.
SCORED = (
    *(f"capex[{name}]" for name in ("four", "Amazon", "Microsoft", "Google", "Meta", "Oracle")),
    *(f"cloud_revenue[{name}]" for name in ("Amazon", "Microsoft", "Google")),
    *(f"run_rate[{name}]" for name in ("OpenAI", "Anthropic")),
    *(f"market_share[{name}]" for name in ("Amazon", "Microsoft", "Google")),
    "cloud_hhi",
    "deals",
)
# Families whose level the market does not take from the facts: their forecast starts from the last reading.
ANCHORED = ("market_share", "cloud_hhi")


@dataclass(frozen=True, slots=True)
class Ensemble:
    """What the model says from one origin: members by row, columns `target@quarter`, and their weights."""

    origin: str
    mode: Mode
    members: pd.DataFrame
    weights: Array


def hindcast_rows(ensembles: list[Ensemble], facts: Facts, horizon: int, seed: int) -> Iterator[dict[str, Any]]:
    """Score every series that the facts admit at every origin and horizon."""
    scored: dict[tuple[str, str], tuple[Evidence, Mapping[str, Array]] | None] = {}
    for ensemble in ensembles:
        for name in SCORED:
            key = (name, ensemble.origin)
            if key not in scored:
                known = evidence(name, facts, ensemble.origin, horizon)
                scored[key] = (
                    (known, _benchmarks(known, facts, horizon, seed)) if known is not None and known.known else None
                )
            found = scored[key]
            if found is not None:
                yield from _rows(ensemble, *found, seed)


def _benchmarks(known: Evidence, facts: Facts, horizon: int, seed: int) -> dict[str, Array]:
    """Simulated futures of every benchmark, (draws, horizon), from the history alone."""
    total = _total(known, facts)
    scale: Scale = "count" if known.name == "deals" else target(known.name).scale
    return {
        name: np.asarray(
            benchmark(name, known.history, horizon, BENCHMARK_DRAWS, seed, scale=scale, total=total).draws, dtype=float
        )
        for name in BENCHMARKS
    }


def _total(known: Evidence, facts: Facts) -> Array | None:
    """For a company's capex or cloud revenue: the sum of all companies with the same quarters, else nothing."""
    family = target(known.name).family
    if family not in ("capex", "cloud_revenue") or known.name == "capex[four]":
        return None
    parts = [name for name in SCORED if target(name).family == family and name != "capex[four]"]
    then = facts.known_at(known.origin)
    series = [{point.quarter: point.value for point in target(name).observed(then)} for name in parts]
    first = known.origin - len(known.history) + 1
    present = [values for values in series if all(quarter in values for quarter in range(first, known.origin + 1))]
    return np.array([sum(values[quarter] for values in present) for quarter in range(first, known.origin + 1)])


def anchored(known: Evidence, members: Array, start: Array) -> Array:
    """Members moved so that at the last reading they agree with it: its level is not the market's to forecast.

    By a factor on the log scale, else by a difference; `start` are the members at the quarter of the last reading.
    """
    if target(known.name).family not in ANCHORED:
        return members
    level = known.last[1]
    return members * (level / start) if target(known.name).scale == "log" else members + (level - start)


def _read(known: Evidence, values: Array, ahead: int, seed: int) -> Array:
    """Members as they would be read: moved by an error within the range that a reading has.

    A share is told in whole percents and a run-rate is "about": what is scored is the reading, not the truth.
    """
    error = known.later_error[ahead - 1]
    if not error > 0.0:
        return values
    rng = np.random.default_rng([seed, known.origin, ahead])
    noise = rng.uniform(-1.0, 1.0, len(values))
    if target(known.name).scale == "log":
        return values * np.exp(noise * error / known.later[ahead - 1])
    return values + noise * error


def _rows(ensemble: Ensemble, known: Evidence, benchmarks: Mapping[str, Array], seed: int) -> Iterator[dict[str, Any]]:
    origin = quarter_index(ensemble.origin)
    start = ensemble.members.get(f"{known.name}@{quarter_name(origin - known.last[0])}")
    for ahead, actual in enumerate(known.later, start=1):
        column = f"{known.name}@{quarter_name(origin + ahead)}"
        if not np.isfinite(actual) or column not in ensemble.members:
            continue
        raw = ensemble.members[column].to_numpy(dtype=float)
        if target(known.name).family in ANCHORED and start is None:
            continue
        values = raw if start is None else anchored(known, raw, start.to_numpy(dtype=float))
        values = _read(known, values, ahead, seed)
        there = np.isfinite(values) & (ensemble.weights > 0.0)
        if not there.any():
            continue
        yield _row(ensemble, known, ahead, float(actual), values[there], ensemble.weights[there], benchmarks)


def _row(
    ensemble: Ensemble,
    known: Evidence,
    ahead: int,
    actual: float,
    members: Array,
    weights: Array,
    benchmarks: Mapping[str, Array],
) -> dict[str, Any]:
    weights = weights / weights.sum()
    low, median, high = (float(weighted_quantile(members, level, weights)) for level in (0.1, 0.5, 0.9))
    return {
        "target": known.name,
        "origin": ensemble.origin,
        "horizon": ahead,
        "mode": ensemble.mode,
        "crps": float(crps(members, actual, weights=weights)),
        "crps_benchmarks": {name: float(crps(draws[:, ahead - 1], actual)) for name, draws in benchmarks.items()},
        "covered_80": bool(covered(members, actual, 0.8, weights=weights)),
        "actual": actual,
        "median": median,
        "low_80": low,
        "high_80": high,
        "covered_80_benchmarks": {
            name: bool(covered(draws[:, ahead - 1], actual, 0.8)) for name, draws in benchmarks.items()
        },
        "median_benchmarks": {name: float(np.median(draws[:, ahead - 1])) for name, draws in benchmarks.items()},
    }
