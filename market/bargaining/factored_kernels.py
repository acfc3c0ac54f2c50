"""Search over utilities that are a product of outer and inner terms plus a table, compiled; see `search_kernels`."""

# mypy: disable-error-code="no-untyped-def, no-untyped-call, no-any-return"
from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from market.bargaining.search_kernels import (
    CUT,
    DONE,
    FIRST_ROOM,
    FOUND,
    PRODUCT,
    ROUNDING,
    SUM,
    TANGENT_LAB,
    TANGENT_PROVIDER,
    Aim,
    Side,
    compress,
    consider,
    golden_step,
    highest,
    next_row,
    passes,
    row_tops,
    start,
)

# Classes of the lab's utility: with so many, few outcomes but those on the frontier are best of their class.
BUCKETS = 512


class Factored(NamedTuple):
    """Utilities over outcomes (o, k), with g = group[o].

    lab[o, k] = lab_outer[o] lab_inner[k] + lab_rest[g, k];
    provider[o, k] = provider_base[o] + provider_outer[o] provider_inner[k] + provider_rest[g, k].
    """

    lab_outer: Any  # float64 [o]
    lab_inner: Any  # float64 [k]
    lab_rest: Any  # float64 [g, k]
    provider_base: Any  # float64 [o]
    provider_outer: Any  # float64 [o]
    provider_inner: Any  # float64 [k]
    provider_rest: Any  # float64 [g, k]
    group: Any  # int64 [o]
    allowed_outer: Any  # bool [o]
    allowed_inner: Any  # bool [g, k]


@njit(cache=True, nogil=True)
def _check(terms):
    wrong = 0
    for entries in (terms.lab_outer, terms.lab_inner, terms.provider_base, terms.provider_outer, terms.provider_inner):
        for i in range(len(entries)):
            wrong += not abs(entries[i]) < math.inf
    for table in (terms.lab_rest, terms.provider_rest):
        for g in range(table.shape[0]):
            for k in range(table.shape[1]):
                wrong += not table[g, k] < math.inf
    if wrong:
        raise ValueError("terms: nan or infinity among them; allowed: numbers, and -inf in the tables by group")


@njit(cache=True, nogil=True)
def _largest(entries):
    largest = 0.0
    for entry in entries.flat:
        size = abs(entry)
        largest = size if largest < size < math.inf else largest
    return largest


@njit(cache=True, nogil=True)
def _side(outer, slope, rest, base, least):
    """Bounds of a side; of outer times inner the larger end counts."""
    reach, low, high = np.empty(len(outer)), slope.min(), slope.max()
    for o in range(len(outer)):
        reach[o] = base[o] + max(outer[o] * low, outer[o] * high)
    size = _largest(outer) * _largest(slope) + _largest(rest) + _largest(base)
    doubt = 8.0 * ROUNDING * size
    return Side(reach, rest, row_tops(rest), doubt, least - doubt, np.empty(len(slope)))


@njit(cache=True, nogil=True)
def _sides(terms, aim):
    """Both sides; what is not allowed is worth minus infinity to the lab."""
    rest, base = terms.lab_rest.copy(), np.zeros(len(terms.group))
    for g in range(rest.shape[0]):
        for k in range(rest.shape[1]):
            rest[g, k] = rest[g, k] if terms.allowed_inner[g, k] else -math.inf
    lab = _side(terms.lab_outer, terms.lab_inner, rest, base, aim.lab_least)
    for o in range(len(base)):
        lab.reach[o] = lab.reach[o] if terms.allowed_outer[o] else -math.inf
    provider = _side(
        terms.provider_outer, terms.provider_inner, terms.provider_rest, terms.provider_base, aim.provider_least
    )
    return lab, provider


@njit(cache=True, nogil=True)
def _fill_row(terms, o, lab, provider):
    """Exact utilities of a row, as NumPy would evaluate them."""
    g, lab_outer, base, provider_outer = (
        terms.group[o],
        terms.lab_outer[o],
        terms.provider_base[o],
        terms.provider_outer[o],
    )
    for k in range(len(lab.row)):
        lab.row[k] = lab_outer * terms.lab_inner[k] + lab.inner[g, k]
        provider.row[k] = base + provider_outer * terms.provider_inner[k] + provider.inner[g, k]


@njit(cache=True, nogil=True)
def _search_row(first, lab, provider, aim, state, found):
    for k in range(len(lab.row)):
        x, y = lab.row[k], provider.row[k]
        if state[TANGENT_LAB] * x + state[TANGENT_PROVIDER] * y >= state[CUT]:
            found = consider(first + k, x, y, aim, lab.doubt, provider.doubt, state, found)
    return found


@njit(cache=True, nogil=True)
def search_factored(terms, aim):
    """Outcomes near the best, in no order: index, lab's and provider's utility, score, (outcomes, 4)."""
    terms, aim = Factored(*terms), Aim(*aim)
    _check(terms)
    found, state = np.empty((FIRST_ROOM, 4)), np.empty(7)
    lab, provider = _sides(terms, aim)
    rows, step, top = len(terms.group), golden_step(len(terms.group)), np.empty(len(lab.top))
    for mode in (PRODUCT, SUM):
        start(state, mode)
        highest(lab, provider, state, top)
        row = next_row(0, step, terms.group, lab, provider, top, state)
        while row >= 0:
            _fill_row(terms, row, lab, provider)
            if passes(lab, provider, state):
                found = _search_row(row * len(lab.row), lab, provider, aim, state, found)
                highest(lab, provider, state, top)
            state[DONE] += 1.0
            row = next_row((row + step) % rows, step, terms.group, lab, provider, top, state)
        if state[FOUND] > 0.0:
            break
    found = compress(state, found)
    return found[: int(state[FOUND])]


@njit(cache=True, nogil=True)
def _may_be_rational(terms, o, lab, provider):
    g = terms.group[o]
    return lab.reach[o] + lab.top[g] >= lab.least and provider.reach[o] + provider.top[g] >= provider.least


@njit(cache=True, nogil=True)
def _ideal(terms, aim, lab, provider):
    lab_best = provider_best = -math.inf
    for o in range(len(terms.group)):
        if _may_be_rational(terms, o, lab, provider):
            _fill_row(terms, o, lab, provider)
            for k in range(len(lab.row)):
                x, y = lab.row[k], provider.row[k]
                rational = (x >= aim.lab_least) & (y >= aim.provider_least)
                lab_best = x if rational & (x > lab_best) else lab_best
                provider_best = y if rational & (y > provider_best) else provider_best
    return lab_best, provider_best


@njit(cache=True, nogil=True)
def ideal(terms, aim):
    """Largest utility of the lab and of the provider over the rational set, minus infinity where it is empty."""
    terms, aim = Factored(*terms), Aim(*aim)
    _check(terms)
    lab, provider = _sides(terms, aim)
    return _ideal(terms, aim, lab, provider)


@njit(cache=True, nogil=True)
def _peaks(terms, aim, lab, provider, scale):
    """Best utility of the provider among outcomes whose lab utility falls into a higher bucket."""
    peaks = np.full(BUCKETS + 1, -math.inf)
    for o in range(len(terms.group)):
        if _may_be_rational(terms, o, lab, provider):
            _fill_row(terms, o, lab, provider)
            for k in range(len(lab.row)):
                x, y = lab.row[k], provider.row[k]
                if x >= aim.lab_least and y >= aim.provider_least:
                    bucket = min(int((x - aim.lab_least) * scale), BUCKETS - 1)
                    if y > peaks[bucket]:
                        peaks[bucket] = y
    above = -math.inf
    for bucket in range(BUCKETS, -1, -1):
        peaks[bucket], above = above, max(above, peaks[bucket])
    return peaks


@njit(cache=True, nogil=True)
def contenders(terms, aim):
    """Rational outcomes, all undominated ones among them, by index: index and both utilities, (outcomes, 3).

    An outcome is left out if one in a higher bucket of the lab's utility gives the provider no less.
    """
    terms, aim = Factored(*terms), Aim(*aim)
    _check(terms)
    lab, provider = _sides(terms, aim)
    width = _ideal(terms, aim, lab, provider)[0] - aim.lab_least
    scale = BUCKETS / width if width > 1e-280 else 0.0
    peaks, kept, found = _peaks(terms, aim, lab, provider, scale), 0, np.empty((FIRST_ROOM, 3))
    for o in range(len(terms.group)):
        if _may_be_rational(terms, o, lab, provider):
            _fill_row(terms, o, lab, provider)
            if kept + len(lab.row) > len(found):
                wider = np.empty((2 * (kept + len(lab.row)), 3))
                wider[:kept] = found[:kept]
                found = wider
            for k in range(len(lab.row)):
                x, y = lab.row[k], provider.row[k]
                if (
                    x >= aim.lab_least
                    and y >= aim.provider_least
                    and y > peaks[min(int((x - aim.lab_least) * scale), BUCKETS - 1)]
                ):
                    found[kept, 0], found[kept, 1], found[kept, 2] = o * len(lab.row) + k, x, y
                    kept += 1
    return found[:kept]
