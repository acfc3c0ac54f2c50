"""From the runs of a sweep to one number a point: means of replicates, missing points, the share of luck."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.sweeps.errors import SweepError
from experiments.sweeps.factors import is_number

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from experiments.sweeps.designs import Design

    type Numbers = NDArray[np.float64]

_NARROW = 0.75  # a region is worth telling where it leaves out a quarter of the factor's range
_TOLD = 4  # factors named in a note


@dataclass(frozen=True, eq=False)
class Sample:
    """The points that are left: `values[i]`, the outcome, belongs to the i-th entry of every factor's column.

    `kept` tells which of the design's points they are; `block` of them, one after the other, belong together.
    """

    names: tuple[str, ...]
    columns: tuple[NDArray[Any], ...]
    values: Numbers
    kept: NDArray[np.bool_]
    block: int
    notes: tuple[str, ...]

    @property
    def blocks(self) -> int:
        """Trajectories, or rows of the base sample, that are left."""
        return len(self.values) // self.block

    @property
    def is_constant(self) -> bool:
        """Whether the outcome varies by no more than rounding."""
        return is_constant(self.values)


def is_constant(values: Numbers) -> bool:
    """Whether values differ by no more than rounding; none at all are constant too."""
    return values.size == 0 or bool(np.ptp(values) <= 1e-12 * np.abs(values).max())


def point_means(table: pd.DataFrame) -> Numbers:
    """Mean over the replicates of each point; NaN where one of them has no finite value.

    All replicates count or none: points are compared under the same luck.
    """
    values = table.to_numpy(np.float64)
    whole = np.isfinite(values).all(axis=1)
    means = np.full(len(values), np.nan)
    means[whole] = values[whole].mean(axis=1)
    return means


def cleaned(design: Design, outcome: str, means: Numbers, block: int) -> Sample:
    """The points without those blocks of consecutive points in which one has no value.

    Raises SweepError if more than half of the blocks would go.
    """
    missing = np.isnan(means)
    dropped = missing.reshape(-1, block).any(axis=1)
    columns = tuple(_column([point.get(path) for point in design.points]) for path in design.paths)
    notes: tuple[str, ...] = ()
    if missing.any():
        told = _missing_note(outcome, design, columns, missing, dropped, block)
        if dropped.mean() > 0.5:
            raise SweepError(f"{told}: more than half, too many for a sensitivity analysis")
        notes = (f"{told}. The indices describe the rest.",)
    kept = np.repeat(~dropped, block)
    return Sample(design.paths, tuple(column[kept] for column in columns), means[kept], kept, block, notes)


def luck_notes(table: pd.DataFrame, method: str) -> tuple[str, ...]:
    """How much of the variance is luck, from the points whose replicates all have a value.

    Replicate k has the same luck at every point. What a replicate adds to all points alike cancels in differences
    between points; the rest, the interaction of point and replicate in an analysis of variance, stays in the means.
    """
    values = table.to_numpy(np.float64)
    values = values[np.isfinite(values).all(axis=1)]
    points, replicates = values.shape
    if replicates < 2:
        return ("One replicate a point: how much of the variance is luck is not known.",)
    means = values.mean(axis=1)
    if points < 2 or is_constant(means):
        return ()
    single = values.var(axis=1, ddof=1).mean() / values.var()
    unshared = values - means[:, None] - values.mean(axis=0) + values.mean()
    left = (unshared**2).sum() / ((points - 1) * (replicates - 1)) / replicates / means.var(ddof=1)
    # Where luck is everything the estimate of its share may exceed 1.
    note = (
        f"Luck is {min(single, 1.0):.1%} of the variance of single runs (mean variance within points / variance of "
        f"all runs); luck that points do not share is {min(left, 1.0):.1%} of the variance of the means over "
        f"{replicates} replicates, which are analysed."
    )
    if method == "sobol" and left > 1e-12:
        note += " It biases their indices: S1 towards 0, ST upwards."
    return (note,)


def _column(values: Sequence[Any]) -> NDArray[Any]:
    """Numbers as numbers, anything else as the text of a category."""
    if all(map(is_number, values)):
        return np.array(values, dtype=np.float64)
    return np.array([_label(value) for value in values], dtype=object)


def _label(value: Any) -> str:
    """Text of a category, which may be a list or a flag; a table may leave a path as it is in the scenario."""
    if value is None:
        return "(unchanged)"
    return value if isinstance(value, str) else json.dumps(value)


def _missing_note(
    outcome: str,
    design: Design,
    columns: tuple[NDArray[Any], ...],
    missing: NDArray[np.bool_],
    dropped: NDArray[np.bool_],
    block: int,
) -> str:
    count = int(missing.sum())
    told = f"{outcome} has no value at {count} of {len(missing)} points ({_region(design, columns, missing)})"
    if block == 1:
        return told
    what = "trajectories" if design.method == "morris" else "blocks of the base sample"
    return f"{told}, and with them go {int(dropped.sum())} of {len(dropped)} {what}"


def _region(design: Design, columns: tuple[NDArray[Any], ...], missing: NDArray[np.bool_]) -> str:
    """Where the missing points lie, by the factors that confine them most."""
    told = sorted(_confined(path, column, missing) for path, column in zip(design.paths, columns, strict=True))
    narrow = [text for share, text in told if share <= _NARROW]
    return ", ".join(narrow[:_TOLD]) if narrow else "all over the design"


def _confined(path: str, column: NDArray[Any], missing: NDArray[np.bool_]) -> tuple[float, str]:
    """Share of a factor's range, or of its categories, that the missing points take up, and that part as text."""
    inside = column[missing]
    if column.dtype == object:
        found = sorted(set(inside))
        return len(found) / len(set(column)), f"{path} {' or '.join(found)}"
    width = np.ptp(column)
    share = float(np.ptp(inside) / width) if width else 1.0
    return share, f"{path} {_span(inside)}"


def _span(column: Numbers) -> str:
    low, high = f"{column.min():.4g}", f"{column.max():.4g}"
    return low if low == high else f"{low} to {high}"
