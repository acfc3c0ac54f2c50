"""Scenario discovery: the boxes of inputs in which an outcome of a sweep is high, or low, in plain words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from experiments.discovery_rules import SIGNIFICANT, Box, Cases, Limit, find_boxes
from experiments.sweeps.errors import SweepError
from market.scenario_errors import did_you_mean

if TYPE_CHECKING:
    import pandas as pd

METHODS = ("prim", "cart")
FEWEST_POINTS = 20  # with fewer, every box is chance
HOLDOUT_POINTS = 100  # from here on half of the points are enough to find boxes that the other half then checks
HOLDOUT_SEED = 0


class Swept(Protocol):
    """What discovery reads of a sweep."""

    @property
    def parameters(self) -> pd.DataFrame:
        """Column `point` and one column a path."""

    @property
    def runs(self) -> pd.DataFrame:
        """The runs that are done, failed ones among them."""

    @property
    def failures(self) -> pd.DataFrame:
        """The runs that did not finish."""

    def by_point(self, name: str) -> pd.DataFrame:
        """An outcome by point (index) and replicate (columns), NaN where it has no value."""


@dataclass(frozen=True, slots=True)
class Holdout:
    """The same search on one half of the points, its boxes together judged on the other half.

    `base_frac` is the share of points of interest in the held-out half, `p_value` that of a one-sided binomial test
    that the boxes are no denser than it. Quasi-p-values are taken on the points that the box was fitted to and
    flatter it; this one is not.
    """

    coverage: float
    density: float
    base_frac: float
    p_value: float

    @property
    def holds(self) -> bool:
        """Whether the boxes are denser than all points, at the 5 % level."""
        return self.p_value <= SIGNIFICANT


@dataclass(frozen=True, eq=False)
class Discovery:
    """Boxes in which an outcome is of interest, with coverage and density of each and of all together.

    `trajectory` is PRIM's way to every box, one row a step (empty for CART). `notes` tell what was left out and what
    to beware of.
    """

    outcome: str
    above: float | None
    below: float | None
    method: str
    threshold: float
    points: int
    of_interest: int
    boxes: tuple[Box, ...]
    coverage: float
    density: float
    holdout: Holdout | None
    trajectory: pd.DataFrame
    notes: tuple[str, ...]

    @property
    def condition(self) -> str:
        """What is of interest, in words: `above 5,000`."""
        return _condition(self.above, self.below)

    @property
    def frame(self) -> pd.DataFrame:
        """One row a limit of a box, with the coverage, density and mass of its box."""
        import pandas as pd

        columns = ["box", "factor", "low", "high", "categories", "quasi_p", "coverage", "density", "mass"]
        rows = [
            {"box": number, **asdict(limit), "coverage": box.coverage, "density": box.density, "mass": box.mass}
            for number, box in enumerate(self.boxes)
            for limit in box.limits
        ]
        return pd.DataFrame(rows, columns=columns)

    def text(self) -> str:
        """One sentence a box, then the notes."""
        told = [
            f"{self.outcome} {'stays' if box.density >= self.threshold else 'is more often'} {self.condition} when "
            f"{_box_text(box.limits)}: {box.coverage:.0%} of such points lie there (coverage), and {box.density:.0%} "
            "of the points there are such (density)."
            for box in self.boxes
        ]
        return "\n".join([*(told or [f"No box found in which {self.outcome} stays {self.condition}."]), *self.notes])

    def plain(self) -> dict[str, Any]:
        """Everything in the types of JSON."""
        return {
            "outcome": self.outcome,
            "above": self.above,
            "below": self.below,
            "method": self.method,
            "threshold": self.threshold,
            "points": self.points,
            "of_interest": self.of_interest,
            "coverage": self.coverage,
            "density": self.density,
            "boxes": [{**asdict(box), "limits": [_plain_limit(limit) for limit in box.limits]} for box in self.boxes],
            "holdout": None if self.holdout is None else asdict(self.holdout),
            "trajectory": self.trajectory.to_dict("records"),
            "notes": list(self.notes),
        }


def discover(
    sweep: Swept,
    outcome: str,
    above: float | None = None,
    below: float | None = None,
    method: str = "prim",
    min_coverage: float = 0.1,
    threshold: float = 0.8,
) -> Discovery:
    """Find boxes of a sweep's inputs in which an outcome lies above (or below, or between) some value.

    A point is of interest where the outcome does so in more than half of its replicates. `prim` peels the inputs
    patiently (Friedman and Fisher 1999; Bryant and Lempert 2010), `cart` cuts them into a tree (Breiman et al.
    1984). Of the boxes that PRIM passes, or the tree's nodes, that have a density of `threshold`, the one with the
    largest harmonic mean of coverage and density is taken; if there is none, the densest. Limits that add no density
    at the 5 % level (quasi-p-value) are dropped. The search goes on in the remaining points, for three boxes at most,
    until a box adds less than `min_coverage`. Coverage and density of a box are over all points.

    Raises SweepError where no point is of interest, or all are; where there are fewer than 20 points; for an outcome
    that does not exist; and where the extra `discovery` is not installed.
    """
    _check(above, below, method, min_coverage, threshold)
    told, notes = _points(sweep, outcome, above, below)
    parameters = sweep.parameters.set_index("point").loc[told.index]
    cases = Cases.of(parameters, told.to_numpy())
    what = f"{outcome} {_condition(above, below)}"
    _require_contrast(cases, what)
    with _installed():
        boxes, trajectory = find_boxes(cases, method, min_coverage, threshold)
        holdout = _holdout(cases, method, min_coverage, threshold)
    inside = _union(cases, boxes)
    return Discovery(
        outcome,
        above,
        below,
        method,
        threshold,
        points=len(cases),
        of_interest=int(cases.interest.sum()),
        boxes=boxes,
        coverage=_share(cases.interest & inside, cases.interest),
        density=_share(cases.interest & inside, inside),
        holdout=holdout,
        trajectory=trajectory,
        notes=(*notes, *_warnings(cases, boxes, threshold, holdout)),
    )


def _check(above: float | None, below: float | None, method: str, min_coverage: float, threshold: float) -> None:
    if above is None and below is None:
        raise SweepError("discovery: no condition; allowed: above=NUMBER, below=NUMBER or both")
    for name, value in (("above", above), ("below", below)):
        if value is not None and not np.isfinite(value):
            raise SweepError(f"discovery: {name} is {value}; allowed: a finite number")
    if above is not None and below is not None and above >= below:
        raise SweepError(f"discovery: above {above:g} and below {below:g} exclude each other")
    if method not in METHODS:
        hint = did_you_mean(method, METHODS)
        raise SweepError(f"discovery: unknown method {method!r}; allowed: {', '.join(METHODS)}{hint}")
    for name, value in (("min_coverage", min_coverage), ("threshold", threshold)):
        if not 0.0 < value <= 1.0:
            raise SweepError(f"discovery: {name} is {value}; allowed: more than 0, at most 1")


def _points(sweep: Swept, outcome: str, above: float | None, below: float | None) -> tuple[pd.Series, list[str]]:
    """By point, whether most replicates are of interest; and what was left out."""
    values = sweep.by_point(outcome)
    exists = values.notna()
    inside = exists.copy()
    if above is not None:
        inside &= values > above
    if below is not None:
        inside &= values < below
    replicates = exists.sum(axis=1)
    kept = replicates > 0
    notes = []
    failed, undone = len(sweep.failures), values.size - len(sweep.runs)
    missing = int((~exists).sum().sum()) - failed - undone
    if undone:
        notes.append(f"Left out: {undone} of {values.size} runs, which are still to be done.")
    if failed:
        notes.append(f"Left out: {failed} of {values.size} runs, which did not finish.")
    if missing > 0:
        notes.append(f"Left out: {missing} of {values.size} runs, in which {outcome} has no value.")
    if not kept.all():
        notes.append(f"Left out: {int((~kept).sum())} of {len(kept)} points, at which no run has a value.")
    return (2 * inside.sum(axis=1) > replicates)[kept], notes


def _require_contrast(cases: Cases, what: str) -> None:
    """Refuse what no method can find a box in."""
    if len(cases) < FEWEST_POINTS:
        raise SweepError(f"discovery: {len(cases)} points with a value are too few; allowed: {FEWEST_POINTS} or more")
    if cases.incomplete is not None:
        raise SweepError(f"discovery: not every point has a value of {cases.incomplete}; allowed: paths that all have")
    if not cases.inputs:
        raise SweepError("discovery: nothing varies in this sweep; allowed: a design with two values or more a path")
    if not cases.interest.any():
        raise SweepError(f"discovery: no point has {what}; allowed: a value that some points pass")
    if cases.interest.all():
        raise SweepError(f"discovery: all {len(cases)} points have {what}; allowed: a value that some do not pass")


@contextmanager
def _installed() -> Iterator[None]:
    """A package that is missing inside is one of the extra's; SweepError names it."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise SweepError(
            f"discovery: the package {error.name!r} is not installed; do: pip install 'cloudpact[discovery]'"
        ) from None


def _holdout(cases: Cases, method: str, min_coverage: float, threshold: float) -> Holdout | None:
    """Boxes of a random half on the other; None where there are too few points, or half of them give no box."""
    if len(cases) < HOLDOUT_POINTS:
        return None
    order = np.random.default_rng(HOLDOUT_SEED).permutation(len(cases))
    first, second = np.sort(order[: len(cases) // 2]), np.sort(order[len(cases) // 2 :])
    fitted, held = cases.subset(first), cases.subset(second)
    if not all(half.interest.any() and not half.interest.all() for half in (fitted, held)):
        return None
    boxes, _ = find_boxes(fitted, method, min_coverage, threshold)
    inside = _union(held, boxes)
    return _judged(held.interest, inside) if inside.any() else None


def _judged(interest: np.ndarray, inside: np.ndarray) -> Holdout:
    from scipy.stats import binomtest

    hits = interest & inside
    base = float(interest.mean())
    p_value = float(binomtest(int(hits.sum()), int(inside.sum()), base, alternative="greater").pvalue)
    return Holdout(_share(hits, interest), _share(hits, inside), base, p_value)


def _union(cases: Cases, boxes: Sequence[Box]) -> np.ndarray:
    inside = np.zeros(len(cases), dtype=bool)
    for box in boxes:
        inside |= cases.inside(box.limits)
    return inside


def _share(part: np.ndarray, whole: np.ndarray) -> float:
    """Share of one set in another; 0 of an empty one."""
    return float(part.sum() / whole.sum()) if whole.any() else 0.0


def _warnings(cases: Cases, boxes: Sequence[Box], threshold: float, holdout: Holdout | None) -> Iterator[str]:
    if not boxes:
        yield "No limit on an input raises the density significantly."
    elif all(box.density < threshold for box in boxes):
        yield f"No box of significant limits is {threshold:.0%} dense; the densest found is shown."
    if holdout is None:
        few = len(cases) < HOLDOUT_POINTS
        why = f"that takes {HOLDOUT_POINTS} points" if few else "half of the points give no box"
        yield f"Not checked out of sample: {why}."
    else:
        yield (
            f"Out of sample: boxes found in one half of the points have coverage {holdout.coverage:.0%} and density "
            f"{holdout.density:.0%} in the other, of whose points {holdout.base_frac:.0%} are such (p = "
            f"{holdout.p_value:.2g})." + ("" if holdout.holds else " The boxes do not hold: take them for chance.")
        )


def _condition(above: float | None, below: float | None) -> str:
    if above is not None and below is not None:
        return f"between {number(above)} and {number(below)}"
    return f"above {number(above)}" if above is not None else f"below {number(below)}"


def _box_text(limits: Sequence[Limit]) -> str:
    """`a is above 0.61 and b is false`: the limits of one factor together."""
    factors = list(dict.fromkeys(limit.factor for limit in limits))
    return " and ".join(_factor_text(factor, [one for one in limits if one.factor == factor]) for factor in factors)


def _factor_text(factor: str, limits: Sequence[Limit]) -> str:
    if limits[0].categories is not None:
        return f"{factor} is {' or '.join(value_text(value) for value in limits[0].categories)}"
    low = next((limit.low for limit in limits if limit.low is not None), None)
    high = next((limit.high for limit in limits if limit.high is not None), None)
    if low is not None and low == high:
        return f"{factor} is {number(low)}"
    if low is not None and high is not None:
        return f"{factor} is from {number(low)} to {number(high)}"
    return f"{factor} is {number(low)} or more" if low is not None else f"{factor} is {number(high)} or less"


def _plain_limit(limit: Limit) -> dict[str, Any]:
    categories = None if limit.categories is None else list(limit.categories)
    return {**asdict(limit), "categories": categories}


def number(value: float | None) -> str:
    """A number as one reads it aloud: four digits, thousands with commas.

    >>> number(5000.0), number(0.61234), number(12), number(0.000012345)
    ('5,000', '0.6123', '12', '1.234e-05')
    """
    assert value is not None
    rounded = float(f"{value:.4g}")
    return f"{value:,.0f}" if abs(rounded) >= 1000 else f"{rounded:g}"


def value_text(value: Any) -> str:
    """A choice as a scenario file writes it, text without quotes.

    >>> value_text(True), value_text("nash")
    ('true', 'nash')
    """
    return str(value).lower() if isinstance(value, bool) else str(value)
