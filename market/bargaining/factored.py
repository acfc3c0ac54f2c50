"""Exact search over terms whose outer issues scale what inner issues do, as shares scale the value of a deal.

Outer issues (capacity, term, take-or-pay, clause, discount) are flattened to o, inner ones (equity, upfront share,
warrants, revenue share) to k; g = group[o] is the outer combination's capacity. An outcome's index is o K + k.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from market.bargaining import factored_kernels as kernels
from market.bargaining.factored_kernels import Factored
from market.bargaining.search import EQUAL, NO_FLOORS, NO_POINT, Array, Indices, Mask, Pair, agreement, aim_of
from market.bargaining.solutions import Agreement, pareto_frontier


class Contenders(NamedTuple):
    """Rational outcomes among which are all undominated ones: their indices, rising, and both utilities."""

    indices: Indices
    lab: Array
    provider: Array


def factored(
    *,
    lab_outer: Array,
    lab_inner: Array,
    lab_rest: Array,
    provider_base: Array,
    provider_outer: Array,
    provider_inner: Array,
    provider_rest: Array,
    group: NDArray[np.integer],
    allowed_outer: Mask,
    allowed_inner: Mask,
) -> Factored:
    """Terms in the form that the searches of this module take, checked and in the memory order they need.

    lab[o, k] = lab_outer[o] lab_inner[k] + lab_rest[g, k] and provider[o, k] = provider_base[o]
    + provider_outer[o] provider_inner[k] + provider_rest[g, k], with g = group[o], in USD bn over no deal. Shapes are
    (o,), (k,) and (g, k). Raises ValueError for shapes that do not match and groups without a row.
    """
    outer, inner, tables = np.shape(group), np.shape(lab_inner), np.shape(lab_rest)
    given = (lab_outer, lab_inner, lab_rest, provider_base, provider_outer, provider_inner, provider_rest)
    wanted = (outer, inner, tables, outer, outer, inner, tables, outer, outer, tables)
    everything = (*given, group, allowed_outer, allowed_inner)
    for name, array, shape in zip(Factored._fields, everything, wanted, strict=True):
        if np.shape(array) != shape:
            raise ValueError(f"{name}: shape {np.shape(array)}; allowed: {shape}")
    if len(outer) != 1 or len(inner) != 1 or tables[1:] != inner or min(*outer, *tables) == 0:
        raise ValueError(f"terms: shapes {outer}, {inner} and {tables}; allowed: (o,), (k,) and (g, k), none nil")
    groups = np.ascontiguousarray(group, np.int64)
    if not 0 <= groups.min() <= groups.max() < tables[0]:
        raise ValueError(f"group: {groups.min()} to {groups.max()}; allowed: 0 to {tables[0] - 1}")
    numbers = [np.ascontiguousarray(array, np.float64) for array in given]
    masks = [np.ascontiguousarray(mask, np.bool_) for mask in (allowed_outer, allowed_inner)]
    return Factored._make((*numbers, groups, *masks))


def best_factored(
    terms: Factored, *, disagreement: Pair = NO_POINT, weights: Pair = EQUAL, floors: Pair = NO_FLOORS
) -> Agreement | None:
    """Asymmetric Nash solution; index, payoffs and ties are those of `solutions.nash` on the arrays written out.

    >>> shares, on = np.array([[0.25, 0.5, 0.75]]), np.array([True])
    >>> terms = factored(lab_outer=np.zeros(1), lab_inner=np.ones(3), lab_rest=shares,
    ...     provider_base=np.ones(1), provider_outer=np.zeros(1), provider_inner=np.ones(3), provider_rest=-shares,
    ...     group=np.array([0]), allowed_outer=on, allowed_inner=np.ones((1, 3), bool))
    >>> best_factored(terms)
    Agreement(index=1, payoffs=(0.5, 0.5), ties=(1,))
    >>> ideal_factored(terms)
    (0.75, 0.75)
    >>> frontier_factored(terms)
    array([2, 1, 0])
    """
    found = kernels.search_factored(tuple(terms), aim_of(disagreement, weights, floors))
    return agreement(found, disagreement, weights, floors)


def ideal_factored(terms: Factored, *, disagreement: Pair = NO_POINT, floors: Pair = NO_FLOORS) -> Pair | None:
    """Best utility of the lab and of the provider over the rational set, None where that is empty."""
    best: Pair = kernels.ideal(tuple(terms), aim_of(disagreement, EQUAL, floors))
    return best if best[0] > -math.inf else None


def contenders_factored(terms: Factored, *, disagreement: Pair = NO_POINT, floors: Pair = NO_FLOORS) -> Contenders:
    """Rational outcomes that include every undominated one, usually few.

    Kalai-Smorodinsky, egalitarian, utilitarian and the frontier are the same on them as on all outcomes, up to
    `indices`, which translates; see `best_factored` for an example.
    """
    found = kernels.contenders(tuple(terms), aim_of(disagreement, EQUAL, floors))
    indices, lab, provider = np.ascontiguousarray(found.T)
    return Contenders(indices.astype(np.int64), lab, provider)


def frontier_factored(terms: Factored, *, disagreement: Pair = NO_POINT, floors: Pair = NO_FLOORS) -> Indices:
    """Pareto frontier of the rational set as `solutions.pareto_frontier` lists it: indices, by falling lab utility."""
    indices, lab, provider = contenders_factored(terms, disagreement=disagreement, floors=floors)
    return indices[pareto_frontier([lab, provider], disagreement)]
