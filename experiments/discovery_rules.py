"""Boxes by PRIM (EMA Workbench) and by CART (scikit-learn), on points that are of interest or not."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

SIGNIFICANT = 0.05
MOST_BOXES = 3
SMALLEST_MASS_FRAC = 0.05  # the usual smallest box of PRIM
SMALLEST_BOX_POINTS = 10
TREE_SEED = 0  # orders the splits that are equally good
STEPS = ("box", "step", "coverage", "density", "mass", "factors")


@dataclass(frozen=True, slots=True)
class Limit:
    """One side of a box: a lower or an upper bound (inclusive) of a number, or the categories that remain.

    `quasi_p` is the probability of at least as many points of interest if the limit added no density (one-sided
    binomial test against the box without it; Bryant and Lempert 2010).
    """

    factor: str
    low: float | None = None
    high: float | None = None
    categories: tuple[Any, ...] | None = None
    quasi_p: float = 1.0


@dataclass(frozen=True, slots=True)
class Box:
    """Limits that hold together.

    `coverage` is the share of all points of interest that lie inside, `density` the share of the points inside that
    are of interest, `mass` the share of all points that lie inside.
    """

    limits: tuple[Limit, ...]
    coverage: float
    density: float
    mass: float


@dataclass(frozen=True, slots=True, eq=False)
class Cases:
    """Points: inputs by factor (numbers, or codes of categories) and whether each is of interest."""

    inputs: Mapping[str, np.ndarray]
    categories: Mapping[str, tuple[Any, ...]]
    interest: np.ndarray
    incomplete: str | None = None  # an input that not every point has

    @classmethod
    def of(cls, parameters: pd.DataFrame, interest: np.ndarray) -> Cases:
        """Cases of a table of parameters; a column with one value only is left out."""
        from pandas.api.types import is_bool_dtype, is_numeric_dtype

        inputs: dict[str, np.ndarray] = {}
        categories: dict[str, tuple[Any, ...]] = {}
        for name in parameters.columns:
            column = parameters[name]
            if is_numeric_dtype(column) and not is_bool_dtype(column):
                values = column.to_numpy(dtype=float)
            else:
                values, categories[name] = _coded(column.tolist())
            if (values != values[:1]).any():
                inputs[str(name)] = values
        incomplete = next((str(name) for name in parameters.columns if parameters[name].isna().any()), None)
        return cls(inputs, categories, interest.astype(bool), incomplete)

    def __len__(self) -> int:
        return len(self.interest)

    def subset(self, rows: np.ndarray) -> Cases:
        """Some of the cases."""
        return replace(
            self, inputs={name: values[rows] for name, values in self.inputs.items()}, interest=self.interest[rows]
        )

    def inside(self, limits: Sequence[Limit]) -> np.ndarray:
        """Which cases lie within all of the limits."""
        within = np.ones(len(self), dtype=bool)
        for limit in limits:
            values = self.inputs[limit.factor]
            if limit.low is not None:
                within &= values >= limit.low
            if limit.high is not None:
                within &= values <= limit.high
            if limit.categories is not None:
                codes = [self.categories[limit.factor].index(value) for value in limit.categories]
                within &= np.isin(values, codes)
        return within


def _coded(values: Sequence[Any]) -> tuple[np.ndarray, tuple[Any, ...]]:
    """Positions in the sorted distinct values; a value that cannot be hashed counts by its text."""
    distinct = {repr(value): value for value in values}
    order = {text: position for position, text in enumerate(sorted(distinct))}
    return np.array([order[repr(value)] for value in values], dtype=float), tuple(distinct[text] for text in order)


def find_boxes(
    cases: Cases, method: str, min_coverage: float, threshold: float
) -> tuple[tuple[Box, ...], pd.DataFrame]:
    """Up to three boxes, one after another in the points that are left, and the steps that PRIM took to each."""
    import pandas as pd

    rule = _prim if method == "prim" else _cart
    found: list[Box] = []
    steps: list[dict[str, Any]] = []
    left = np.ones(len(cases), dtype=bool)
    smallest = max(SMALLEST_BOX_POINTS, int(np.ceil(SMALLEST_MASS_FRAC * len(cases))))
    while len(found) < MOST_BOXES and cases.interest[left].any() and left.sum() > smallest:
        limits, taken = rule(cases.subset(left), smallest, min_coverage, threshold)
        box = pruned(cases, [_attained(cases, limit) for limit in limits])
        inside = cases.inside(box.limits)
        added = (cases.interest & inside & left).sum() / cases.interest.sum()
        if not box.limits or added < min_coverage or (found and box.density < threshold):
            break
        steps += [{"box": len(found), **step} for step in taken]
        found.append(box)
        left &= ~inside
    return tuple(found), pd.DataFrame(steps, columns=list(STEPS))


def _attained(cases: Cases, limit: Limit) -> Limit:
    """A bound of a factor with levels at a level, where it lies between two; others as they are."""
    if limit.categories is not None:
        return limit
    values = cases.inputs[limit.factor]
    levels = np.unique(values)
    if 2 * levels.size > values.size and (levels != np.round(levels)).any():
        return limit
    if limit.low is not None:
        return replace(limit, low=float(levels[levels >= limit.low].min()))
    return replace(limit, high=float(levels[levels <= limit.high].max()))


def pruned(cases: Cases, limits: Sequence[Limit]) -> Box:
    """The box without the limits that add no density, the least significant dropped first; the most telling leads."""
    limits = tuple(limits)
    while limits:
        limits = tuple(replace(limit, quasi_p=_quasi_p(cases, limits, limit)) for limit in limits)
        worst = max(limits, key=lambda limit: limit.quasi_p)
        if worst.quasi_p <= SIGNIFICANT:
            break
        limits = tuple(limit for limit in limits if limit is not worst)
    inside = cases.inside(limits)
    hits = (cases.interest & inside).sum()
    return Box(
        tuple(sorted(limits, key=lambda limit: limit.quasi_p)),
        coverage=float(hits / cases.interest.sum()),
        density=float(hits / max(inside.sum(), 1)),
        mass=float(inside.mean()),
    )


def _quasi_p(cases: Cases, limits: Sequence[Limit], limit: Limit) -> float:
    from scipy.stats import binomtest

    inside = cases.inside(limits)
    wider = cases.inside([other for other in limits if other is not limit])
    if not inside.any():
        return 1.0
    share = cases.interest[wider].mean()
    return float(binomtest(int(cases.interest[inside].sum()), int(inside.sum()), share, alternative="greater").pvalue)


def _prim(cases: Cases, smallest: int, min_coverage: float, threshold: float) -> tuple[list[Limit], list[dict]]:
    """The limits of the box chosen on PRIM's trajectory, and the trajectory."""
    import pandas as pd

    # Columns are renamed: EMA drops one that is called "scenario". Codes of categories are text to it.
    names = {f"x{position}": name for position, name in enumerate(cases.inputs)}
    columns = {
        short: [f"{code:.0f}" for code in cases.inputs[name]] if name in cases.categories else cases.inputs[name]
        for short, name in names.items()
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of packages that EMA could use and of pandas
        from ema_workbench.analysis import prim

        search = prim.Prim(pd.DataFrame(columns), cases.interest, mass_min=smallest / len(cases))
        box = search.find_box()
    path = box.peeling_trajectory
    steps = [
        {
            "step": step,
            "coverage": float(path["coverage"][step]),
            "density": float(path["density"][step]),
            "mass": float(path["mass"][step]),
            "factors": int(path["res_dim"][step]),
        }
        for step in range(len(path))
    ]
    chosen = box.box_lims[_chosen(steps, min_coverage, threshold)]
    limits = [
        limit
        for short, name in names.items()
        if short in chosen
        for limit in _limits(cases, name, chosen[short], search.box_init[short])
    ]
    return limits, steps


def _chosen(steps: Sequence[Mapping[str, Any]], min_coverage: float, threshold: float) -> int:
    """The dense enough step with the largest F1; where none is dense enough, the densest that covers enough.

    F1 is the harmonic mean of coverage and density: 1 where a box holds the points of interest and no others.
    """
    wide = [step for step in steps if step["coverage"] >= min_coverage]
    dense = [step for step in wide if step["density"] >= threshold]
    if not dense:
        return int(max(wide, key=lambda step: step["density"])["step"])
    means = {step["step"]: _harmonic_mean(step["coverage"], step["density"]) for step in dense}
    return int(max(means, key=lambda step: means[step]))


def _harmonic_mean(one: float, other: float) -> float:
    return 2.0 * one * other / (one + other)


def _limits(cases: Cases, name: str, bounds: Any, widest: Any) -> list[Limit]:
    """The limits of one factor in EMA's box, where they differ from those of all points."""
    if name in cases.categories:
        kept = sorted(int(code) for code in bounds[0])
        return [] if bounds[0] == widest[0] else [Limit(name, categories=_named(cases, name, kept))]
    low, high = float(bounds[0]), float(bounds[1])
    found = [Limit(name, low=low)] if low > float(widest[0]) else []
    return [*found, Limit(name, high=high)] if high < float(widest[1]) else found


def _named(cases: Cases, name: str, codes: Sequence[int]) -> tuple[Any, ...]:
    return tuple(cases.categories[name][code] for code in codes)


def _cart(cases: Cases, smallest: int, min_coverage: float, threshold: float) -> tuple[list[Limit], list[dict]]:
    """The limits of the node chosen among all of a tree; there is no trajectory."""
    from sklearn.tree import DecisionTreeClassifier

    columns, splits = _tree_columns(cases)
    grown = DecisionTreeClassifier(min_samples_leaf=smallest, random_state=TREE_SEED).fit(columns, cases.interest)
    nodes = _nodes(cases, grown.tree_, splits)
    total = cases.interest.sum()
    told = []
    for number, limits in enumerate(nodes):
        inside = cases.inside(limits)
        hits = cases.interest[inside].sum()
        told.append({"step": number, "coverage": hits / total, "density": hits / inside.sum()})
    return nodes[_chosen(told, min_coverage, threshold)], []


def _tree_columns(cases: Cases) -> tuple[np.ndarray, list[tuple[str, int | None]]]:
    """The matrix that the tree splits, and factor and category (a column of its own each) of its columns.

    Numbers are given by rank, since the tree knows single precision only and asks for no more than their order.
    """
    splits: list[tuple[str, int | None]] = []
    columns = []
    for name, values in cases.inputs.items():
        codes = range(len(cases.categories[name])) if name in cases.categories else [None]
        for code in codes:
            splits.append((name, code))
            columns.append(np.unique(values, return_inverse=True)[1] if code is None else values == code)
    return np.column_stack(columns), splits


def _nodes(cases: Cases, tree: Any, splits: Sequence[tuple[str, int | None]]) -> list[list[Limit]]:
    """The limits of every node of a tree, the root first."""
    nodes: list[list[Limit]] = [[] for _ in range(tree.node_count)]
    for node in range(tree.node_count):  # parents come before their children
        if tree.children_left[node] >= 0:
            name, code = splits[tree.feature[node]]
            for child, left in ((tree.children_left[node], True), (tree.children_right[node], False)):
                new = _split(cases, nodes[node], name, code, int(tree.threshold[node]), left)
                nodes[child] = [*(one for one in nodes[node] if not _replaces(new, one)), new]
    return nodes


def _split(cases: Cases, limits: Sequence[Limit], name: str, code: int | None, rank: int, left: bool) -> Limit:
    """The limit that a side of a split sets: half-way between two values, or a category left out or alone."""
    if code is None:
        values = np.unique(cases.inputs[name])
        bound = float((values[rank] + values[rank + 1]) / 2)
        return Limit(name, high=bound) if left else Limit(name, low=bound)
    before = next((one.categories for one in limits if one.factor == name), None) or cases.categories[name]
    category = cases.categories[name][code]
    return Limit(name, categories=tuple(one for one in before if one != category) if left else (category,))


def _replaces(new: Limit, old: Limit) -> bool:
    """Whether a limit is on the same side of the same factor."""
    return new.factor == old.factor and (new.low is None) == (old.low is None)
