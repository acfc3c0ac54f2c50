"""Exact Nash search over a grid of terms that is given by components per issue, without building the grid.

`market.bargaining.solutions` takes utilities of all outcomes; here they are sums of parts that each span few
issues, and most outcomes are ruled out together (see `search_kernels`). The results are the same to the last bit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from market.bargaining.search_kernels import ACROSS, INNER, OUTER, TABLED, Layout, search_parts
from market.bargaining.solutions import Agreement, nash

Array = NDArray[np.float64]
Indices = NDArray[np.int64]
Mask = NDArray[np.bool_]
Pair = tuple[float, float]
Shape = tuple[int, ...]
NO_POINT, EQUAL, NO_FLOORS = (0.0, 0.0), (1.0, 1.0), (-math.inf, -math.inf)
# Shorter rows are not worth the bound of a row; from GOOD_ROW on they surely are.
LEAST_ROW, GOOD_ROW = 8, 16
# What a part of outer and inner issues costs, by outcome, in units of a row that a bound rules out: set by trying.
COST_ACROSS = 0.01
# A table's rows must each be of use to so many rows of the grid, and its entries take no more than 8 MB.
TABLE_USES = 4
LARGEST_TABLE = 1 << 20


def best_terms(
    lab_parts: Sequence[Array],
    provider_parts: Sequence[Array],
    allowed: Sequence[Mask] = (),
    *,
    disagreement: Pair = NO_POINT,
    weights: Pair = EQUAL,
    floors: Pair = NO_FLOORS,
) -> Agreement | None:
    """Asymmetric Nash solution over a grid of terms, one axis an issue, the index in C order.

    A side's utility is the sum of its parts in the listed order; parts and masks broadcast to the grid (length
    one along the issues that do not move them). Minus infinity, or False in any mask, marks what is not feasible.
    Index, payoffs and ties are those of `solutions.nash` on the added-up arrays, which see for the parameters
    and special cases. Memory grows with the parts, the rows and the ties, not with the grid. Raises ValueError
    for parts that hold nan or plus infinity or do not broadcast, and as `solutions.nash` does.

    >>> gw, price = np.array([[1.0], [2.0]]), np.array([[0.0, 0.5, 1.0]])
    >>> best_terms([2.0 * gw, -price], [-0.5 * gw, price])
    Agreement(index=2, payoffs=(1.0, 0.5), ties=(2,))
    """
    layout = _laid_out(
        tuple([part.shape for part in lab_parts]),
        tuple([part.shape for part in provider_parts]),
        tuple([mask.shape for mask in allowed]),
    )
    data = np.concatenate([part.ravel() for part in (*lab_parts, *allowed, *provider_parts)], dtype=np.float64)
    found = search_parts(data, layout, aim_of(disagreement, weights, floors))
    return agreement(found, disagreement, weights, floors)


def aim_of(disagreement: Pair, weights: Pair, floors: Pair) -> tuple[float, ...]:
    """Numbers of an `Aim`; plain tuples cross into compiled code in half the time of named ones."""
    (lab, provider), (lab_point, provider_point), (lab_floor, provider_floor) = weights, disagreement, floors
    total = lab + provider
    if not (lab >= 0.0 and provider >= 0.0 and 0.0 < total < math.inf):
        raise ValueError(f"weights: {weights}; allowed: none negative, not all nil")
    if not (math.isfinite(lab_point) and math.isfinite(provider_point)):
        raise ValueError(f"disagreement: {disagreement}; allowed: finite numbers")
    if lab_floor != lab_floor or provider_floor != provider_floor:
        raise ValueError(f"floors: {floors}; allowed: numbers, and -inf for none")
    # floats, whatever was handed in: whole numbers would have the kernels compiled anew
    lab_point, provider_point = float(lab_point), float(provider_point)
    least = float(max(lab_point, lab_floor)), float(max(provider_point, provider_floor))
    return (lab / total, provider / total, lab_point, provider_point, *least)


def agreement(found: Array, disagreement: Pair, weights: Pair, floors: Pair) -> Agreement | None:
    """The best of the outcomes near the best; only if there are several must they be scored again."""
    if len(found) == 0:
        return None
    if len(found) == 1:
        number, lab, provider, _ = found[0].tolist()
        return Agreement(int(number), (lab, provider), (int(number),))
    indices, *utilities = np.ascontiguousarray(found[np.argsort(found[:, 0]), :3].T)
    best = nash(utilities, disagreement, weights, floors)
    assert best is not None
    ties = tuple(indices[list(best.ties)].astype(np.int64).tolist())
    return Agreement(ties[0], best.payoffs, ties)


@lru_cache(maxsize=32)
def _laid_out(lab: tuple[Shape, ...], provider: tuple[Shape, ...], masks: tuple[Shape, ...]) -> tuple[Any, ...]:
    if not (lab and provider):
        raise ValueError(f"parts: {len(lab)} of the lab, {len(provider)} of the provider; allowed: one or more each")
    try:
        grid = np.broadcast_shapes(*lab, *masks, *provider)
    except ValueError:
        named = " and ".join(map(str, (*lab, *masks, *provider)))
        raise ValueError(f"parts: shapes {named}; allowed: shapes that broadcast to one grid") from None
    shapes = [(1,) * (len(grid) - len(shape)) + shape for shape in (*lab, *masks, *provider)]
    inner = _inner_issues(grid, shapes)
    outer = tuple(axis for axis in range(len(grid)) if axis not in inner)
    strides = [_strides(shape) for shape in shapes]
    outer_places = np.array([_places(grid, stride, outer) for stride in strides])
    inner_places = np.array([_places(grid, stride, inner) for stride in strides])
    own = [np.unique(row) for row in inner_places]
    ours = len(lab) + len(masks)
    kind = np.array([_kind(*places) for places in zip(outer_places, inner_places, strict=True)], np.int8)
    layout = Layout(
        lab_parts=ours,
        mask_parts=len(masks),
        bounds=np.cumsum([0, *map(math.prod, shapes)]),
        outer=outer_places.astype(np.uint32),
        inner=inner_places.astype(np.uint32),
        kind=kind,
        own=np.concatenate(own).astype(np.uint32),
        own_bounds=np.cumsum([0, *map(len, own)]),
        **_tables(kind, outer_places, inner_places.shape[1], ours),
        group=np.zeros(outer_places.shape[1], np.int64),
        outer_index=_places(grid, _strides(grid), outer),
        inner_index=_places(grid, _strides(grid), inner),
    )
    return tuple(layout)


def _strides(shape: Shape) -> list[int]:
    """Distance in memory between neighbours along each axis, nil where there is but one."""
    return [math.prod(shape[axis + 1 :]) if size > 1 else 0 for axis, size in enumerate(shape)]


def _places(grid: Shape, strides: Sequence[int], axes: Sequence[int]) -> Indices:
    """Place in memory of each combination along the axes, the last one moving fastest."""
    places = np.zeros((), np.int64)
    for axis in axes:
        places = places[..., None] + strides[axis] * np.arange(grid[axis])
    return places.ravel()


def _kind(outer: Indices, inner: Indices) -> int:
    if not inner.any():
        return OUTER
    return ACROSS if outer.any() else INNER


def _tables(kind: NDArray[np.int8], outer: Indices, width: int, ours: int) -> dict[str, Any]:
    """Which parts are added up in tables, one a side and set of outer issues; marks them in `kind`."""
    rows = outer.shape[1]
    known: dict[tuple[bool, bytes], int] = {}
    table = np.zeros(len(kind), np.int8)
    uses: list[Indices] = []
    firsts: list[tuple[int, int]] = []
    for part in np.flatnonzero(kind == ACROSS).tolist():
        _, first, row = np.unique(outer[part], return_index=True, return_inverse=True)
        if TABLE_USES * len(first) > rows or len(first) * width > LARGEST_TABLE:
            continue
        key = part >= ours, row.tobytes()
        if key not in known:
            known[key] = len(known)
            uses.append(row + len(firsts))
            firsts.extend((known[key], o) for o in first.tolist())
        kind[part], table[part] = TABLED, known[key]
    return {
        "table": table,
        "table_side": np.array([provider for provider, _ in known], np.int8),
        "table_row": np.array(uses, np.uint32).reshape(len(known), rows),
        "table_outer": np.array(firsts, np.uint32).reshape(-1, 2),
    }


def _inner_issues(grid: Shape, shapes: Sequence[Shape]) -> tuple[int, ...]:
    """Issues that make up a row: few parts should span both kinds, rows be neither short nor few."""
    spans = [{axis for axis, size in enumerate(shape) if size > 1} for shape in shapes]
    issues = [axis for axis, size in enumerate(grid) if size > 1]
    outcomes, best, least = math.prod(grid), tuple(issues), (True, math.inf)
    for count in range(1, len(issues)):
        for inner in combinations(reversed(issues), count):
            row = math.prod(grid[axis] for axis in inner)
            across = sum(not span.isdisjoint(inner) and not span.issubset(inner) for span in spans)
            rows = outcomes // row
            # a clean split first: its bounds are the closest
            clean = across == 0 and min(row, rows) >= GOOD_ROW
            cost = (not clean, row + rows + COST_ACROSS * outcomes * across)
            if row >= LEAST_ROW and cost < least:
                best, least = tuple(sorted(inner)), cost
    return best
