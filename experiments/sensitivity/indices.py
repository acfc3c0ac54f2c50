"""Morris, Sobol and PAWN indices of a cleaned sample, by SALib with every factor scaled to 0-1."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from experiments.sweeps.sampling import unit_problem

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from experiments.sensitivity.cleaning import Numbers, Sample

RESAMPLES = 200  # of the bootstrap: the intervals' own error is 5 %, and 10,000 samples fit in memory
SLICES = 10  # of a continuous factor in PAWN
SHUFFLES = 5  # of the outcomes, for PAWN of chance
_FEW = 20  # a factor with no more values than this is conditioned on each of them
_CONSTANT = "The outcome is the same at every point: the indices are not defined."
_ONE = "One trajectory or row of the base sample is left: no spread, no intervals."


@dataclass(frozen=True, eq=False)
class Indices:
    """Indices by factor and by pair of factors, and what has to be said about them."""

    frame: pd.DataFrame
    pairs: pd.DataFrame
    notes: tuple[str, ...] = ()


def morris(sample: Sample, unit: Numbers, levels: int, seed: int) -> Indices:
    """Elementary effects, the outcome's change over the step `levels / (2 (levels - 1))`, of the points in `unit`."""
    columns = ("mu", "mu_star", "mu_star_conf", "sigma")
    if sample.is_constant:
        return _undefined(sample, columns)
    with _silent():
        from SALib.analyze import morris as salib

        found = salib.analyze(
            _problem(sample),
            unit,
            sample.values,
            num_resamples=RESAMPLES,
            num_levels=levels,
            seed=_salib(seed),
        )
    frame = _frame(sample, {name: np.asarray(found[name], dtype=np.float64) for name in columns})
    return _without_spread(frame) if sample.blocks == 1 else Indices(frame, _pairs())


def sobol(sample: Sample, seed: int) -> Indices:
    """First order, total and, if the design has its rows, second order shares of the variance."""
    second_order = sample.block == 2 * len(sample.names) + 2
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
    if sample.blocks == 1:
        return _without_spread(frame)
    pairs = _pairs(sample, found["S2"], found["S2_conf"]) if second_order else _pairs()
    widest = frame[["S1_conf", "ST_conf"]].to_numpy().max()
    wide = f"The widest 95 % interval is ±{widest:.2f}: only more samples make the indices sharper."
    return Indices(frame, pairs, (wide,) if widest > 0.1 else ())


def pawn(sample: Sample, seed: int) -> Indices:
    """Kolmogorov-Smirnov distances between the outcome within slices of a factor and at all points.

    A continuous factor has 10 slices of equal probability; one with choices, or with 20 values or fewer, has a slice
    for each value. `dummy` is the median with the outcomes shuffled: what chance alone gives in these slices.
    """
    columns = ("minimum", "median", "maximum", "dummy", "slices")
    if sample.is_constant:
        return _undefined(sample, columns)
    rng = np.random.default_rng(seed)
    shuffled = [rng.permutation(sample.values) for _ in range(SHUFFLES)]
    rows = []
    for column in sample.columns:
        found = _distances(column, sample.values)
        dummy = np.mean([_distances(column, values).median for values in shuffled])
        rows.append((found.minimum, found.median, found.maximum, dummy, found.slices))
    frame = _frame(sample, dict(zip(columns, zip(*rows, strict=True), strict=True)))
    valued = [name for name, column in zip(sample.names, sample.columns, strict=True) if _has_few_values(column)]
    if not valued:
        return Indices(frame, _pairs())
    note = f"Conditioned on each value, not on {SLICES} slices of equal probability: {', '.join(valued)}."
    return Indices(frame, _pairs(), (note,))


class _Distances(NamedTuple):
    minimum: float
    median: float
    maximum: float
    slices: int


def _has_few_values(column: NDArray[Any]) -> bool:
    return column.dtype == object or len(set(column)) <= min(_FEW, len(column) // 2)


def _distances(column: NDArray[Any], values: Numbers) -> _Distances:
    """SALib slices by quantiles, which lose the largest of few values and do not exist for choices."""
    if _has_few_values(column):
        from scipy.stats import ks_2samp

        found = [ks_2samp(values[column == each], values, method="asymp").statistic for each in sorted(set(column))]
        return _Distances(min(found), float(np.median(found)), max(found), len(found))
    with _silent():
        from SALib.analyze import pawn as salib

        told = salib.analyze(unit_problem(1), column[:, None], values, S=SLICES)
    return _Distances(told["minimum"][0], told["median"][0], told["maximum"][0], SLICES)


def _problem(sample: Sample) -> dict[str, Any]:
    return unit_problem(len(sample.names), list(sample.names))


def _salib(seed: int) -> int:
    """SALib takes a seed of 0 for none."""
    return seed + 1


def _frame(sample: Sample, columns: dict[str, Any]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame({"factor": sample.names, **columns})


def _undefined(sample: Sample, columns: tuple[str, ...]) -> Indices:
    return Indices(_frame(sample, dict.fromkeys(columns, np.nan)), _pairs(), (_CONSTANT,))


def _without_spread(frame: pd.DataFrame) -> Indices:
    """What a single trajectory or row of the base sample tells: resampling it would give intervals of no width."""
    spreads = {name: np.nan for name in frame.columns if name.endswith("_conf") or name == "sigma"}
    return Indices(frame.assign(**spreads), _pairs(), (_ONE,))


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
