"""Morris, Sobol and PAWN indices of a cleaned sample, by SALib with every factor scaled to 0-1."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from experiments.sensitivity.cleaning import Numbers, Sample

RESAMPLES = 1000  # of the bootstrap
SLICES = 10  # of a continuous factor in PAWN
_FEW = 20  # a factor with no more values than this is conditioned on each of them
_CONSTANT = "The outcome is the same at every point: the indices are not defined."


@dataclass(frozen=True, eq=False)
class Indices:
    """Indices by factor and by pair of factors, and what has to be said about them."""

    frame: pd.DataFrame
    pairs: pd.DataFrame
    notes: tuple[str, ...] = ()


def morris(sample: Sample, levels: int, seed: int) -> Indices:
    """Elementary effects of trajectories over a grid of `levels`; the step of a factor is `levels/2/(levels-1)`."""
    columns = ("mu", "mu_star", "mu_star_conf", "sigma")
    if sample.is_constant:
        return _undefined(sample, columns)
    with _silent():
        from SALib.analyze import morris as salib

        found = salib.analyze(
            _problem(sample),
            _unit(sample),
            sample.values,
            num_resamples=RESAMPLES,
            num_levels=levels,
            seed=_salib(seed),
        )
    notes = ("One trajectory is left: sigma and the intervals are not defined.",) if sample.blocks == 1 else ()
    return Indices(
        _frame(sample, {name: np.asarray(found[name], dtype=np.float64) for name in columns}), _pairs(), notes
    )


def sobol(sample: Sample, seed: int) -> Indices:
    """First order, total and, if the design has its rows, second order shares of the variance."""
    second_order = sample.block == 2 * len(sample.factors) + 2
    columns = ("S1", "S1_conf", "ST", "ST_conf")
    if sample.is_constant:
        return _undefined(sample, columns)
    with _silent():
        from SALib.analyze import sobol as salib

        found = salib.analyze(
            _problem(sample),
            sample.values,
            calc_second_order=second_order,
            num_resamples=RESAMPLES,
            seed=_salib(seed),
        )
    frame = _frame(sample, {name: found[name] for name in columns})
    pairs = _pairs(sample, found["S2"], found["S2_conf"]) if second_order else _pairs()
    widest = frame[["S1_conf", "ST_conf"]].to_numpy().max()
    wide = f"The widest 95 % interval is ±{widest:.2f}: only more samples make the indices sharper."
    return Indices(frame, pairs, (wide,) if widest > 0.1 else ())


def pawn(sample: Sample, seed: int) -> Indices:
    """Kolmogorov-Smirnov distances between the outcome within slices of a factor and at all points.

    A continuous factor has 10 slices of equal probability; one with choices, or with 20 values or fewer, has a slice
    for each value.
    """
    columns = ("minimum", "median", "maximum", "slices")
    if sample.is_constant:
        return _undefined(sample, columns)
    by_value = [len(set(column)) <= _FEW or column.dtype == object for column in sample.columns]
    rows = [
        _by_value(column, sample.values) if each else _by_quantile(column, sample.values)
        for column, each in zip(sample.columns, by_value, strict=True)
    ]
    frame = _frame(
        sample, {name: np.array(values) for name, values in zip(columns, zip(*rows, strict=True), strict=True)}
    )
    frame["slices"] = frame["slices"].astype("int64")
    notes = [_dummy_note(sample.values, seed)]
    valued = [name for name, each in zip(sample.names, by_value, strict=True) if each]
    if valued:
        notes.append(
            f"Conditioned on each value instead of {SLICES} slices of equal probability: {', '.join(valued)}; "
            "their median is over other slices than that of continuous factors."
        )
    return Indices(frame, _pairs(), tuple(notes))


def _by_quantile(column: Numbers, values: Numbers) -> tuple[float, float, float, int]:
    with _silent():
        from SALib.analyze import pawn as salib

        problem = {"num_vars": 1, "names": ["x"], "bounds": [[0.0, 1.0]]}
        found = salib.analyze(problem, column[:, None], values, S=SLICES)
    return found["minimum"][0], found["median"][0], found["maximum"][0], SLICES


def _by_value(column: NDArray[Any], values: Numbers) -> tuple[float, float, float, int]:
    from scipy.stats import ks_2samp

    distances = [ks_2samp(values[column == each], values).statistic for each in sorted(set(column))]
    return min(distances), float(np.median(distances)), max(distances), len(distances)


def _dummy_note(values: Numbers, seed: int) -> str:
    """The median of a factor that has nothing to do with the outcome: PAWN of pure chance is above 0."""
    dummy = np.random.default_rng(seed).random(len(values))
    median = _by_quantile(dummy, values)[1]
    return f"A factor without any influence has a median of about {median:.3f} in this sample of {len(values)} points."


def _unit(sample: Sample) -> Numbers:
    """Points by factor, scaled to 0-1 over the factor's bounds."""
    return np.column_stack(
        [(column - f.low) / (f.high - f.low) for f, column in zip(sample.factors, sample.columns, strict=True)]
    )


def _problem(sample: Sample) -> dict[str, Any]:
    return {"num_vars": len(sample.names), "names": sample.names, "bounds": [[0.0, 1.0]] * len(sample.names)}


def _salib(seed: int) -> int:
    """SALib takes a seed of 0 for none."""
    return seed + 1


def _frame(sample: Sample, columns: dict[str, Any]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame({"factor": sample.names, **columns})


def _undefined(sample: Sample, columns: tuple[str, ...]) -> Indices:
    return Indices(_frame(sample, dict.fromkeys(columns, np.nan)), _pairs(), (_CONSTANT,))


def _pairs(sample: Sample | None = None, second: Any = (), second_conf: Any = ()) -> pd.DataFrame:
    """The second order indices, a row a pair; without a sample the empty table."""
    import pandas as pd

    columns = ["factor", "other", "S2", "S2_conf"]
    names = sample.names if sample else []
    pairs = combinations(range(len(names)), 2)
    return pd.DataFrame([(names[i], names[j], second[i, j], second_conf[i, j]) for i, j in pairs], columns=columns)


@contextmanager
def _silent() -> Iterator[None]:
    """SALib warns about what the notes say already, and about its own use of other libraries."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
