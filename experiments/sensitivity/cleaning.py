"""From the runs of a sweep to one number a point: means of replicates, missing points, the share of luck."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.sweeps.errors import SweepError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from experiments.sweeps.designs import Design, Factor

    type Numbers = NDArray[np.float64]

_NARROW = 0.75  # a region is worth telling where it leaves out a quarter of the factor's range
_TOLD = 4  # factors named in a note


@dataclass(frozen=True, eq=False)
class Sample:
    """The points that are left and their outcomes: `values[i]` belongs to every column's i-th entry."""

    factors: tuple[Factor, ...]
    columns: tuple[NDArray[Any], ...]
    values: Numbers
    block: int
    notes: tuple[str, ...]

    @property
    def names(self) -> list[str]:
        """Paths of the factors."""
        return [factor.path for factor in self.factors]

    @property
    def blocks(self) -> int:
        """Trajectories, or rows of the base sample, that are left."""
        return len(self.values) // self.block

    @property
    def is_constant(self) -> bool:
        """Whether the outcome varies by no more than rounding."""
        return bool(np.ptp(self.values) <= 1e-12 * np.abs(self.values).max())


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
    columns = tuple(_column(design, factor) for factor in design.factors)
    notes: tuple[str, ...] = ()
    if missing.any():
        told = _missing_note(outcome, design, columns, missing, dropped, block)
        if dropped.mean() > 0.5:
            raise SweepError(f"{told}: more than half, too many for a sensitivity analysis")
        notes = (f"{told}. The indices describe the rest.",)
    kept = np.repeat(~dropped, block)
    return Sample(design.factors, tuple(column[kept] for column in columns), means[kept], block, notes)


def luck_notes(table: pd.DataFrame, method: str) -> tuple[str, ...]:
    """How much of the variance is luck, from the points whose replicates all have a value."""
    values = table.to_numpy(np.float64)
    values = values[np.isfinite(values).all(axis=1)]
    replicates = table.shape[1]
    if replicates < 2:
        return ("One replicate a point: how much of the variance is luck is not known.",)
    total = values.var()
    if not total:
        return ()
    within = values.var(axis=1, ddof=1).mean()
    # In finite samples luck that is everything can come out above the total.
    share, left = min(within / total, 1.0), min(within / replicates / values.mean(axis=1).var(), 1.0)
    note = (
        f"Luck is {share:.1%} of the variance of single runs (mean variance within points / variance of all runs) "
        f"and up to {left:.1%} of that of the means over {replicates} replicates, which are analysed."
    )
    if method == "sobol":
        note += " Indices of a mean with luck left in it are biased: S1 towards 0, ST upwards."
    return (note,)


def _column(design: Design, factor: Factor) -> NDArray[Any]:
    values = [point[factor.path] for point in design.points]
    if is_number(factor, values):
        return np.array(values, dtype=np.float64)
    column = np.empty(len(values), dtype=object)
    column[:] = [_label(value) for value in values]
    return column


def is_number(factor: Factor, values: Sequence[Any]) -> bool:
    """Whether a factor is a quantity rather than a choice among categories."""
    return not factor.choices and all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)


def _label(value: Any) -> str:
    """Text of a category, which may be a list or a flag."""
    return value if isinstance(value, str) else repr(value)


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
    told = sorted(_confined(f.path, column, missing) for f, column in zip(design.factors, columns, strict=True))
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
    return share, f"{path} {inside.min():.4g} to {inside.max():.4g}"
