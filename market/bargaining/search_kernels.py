"""The exact Nash search, compiled: a linear bound decides for whole rows, logarithms are taken for few outcomes.

With gains (a, b) of the best outcome so far and weights w, v that sum to one, the weighted inequality of
arithmetic and geometric means says that g1^w g2^v >= a^w b^v only if

    w g1 / a + v g2 / b >= 1,

a plane, the tangent of the Nash product's contour at (a, b). Being linear it is bounded row by row (a row: one
combination of the outer issues, all of the inner ones) and tested in vectors. Outcomes within SLACK of the best
are kept with their exact utilities, for the caller to score with the formula of `solutions.nash`: no rounding in
here can change the choice. Rows are visited in steps of the golden section, so that a good outcome is met early.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call, no-any-return"
from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit

# In logarithms of the Nash product: far above what their rounding can amount to.
SLACK = 1e-11
# A few units in the last place: the rounding of one operation, with room to spare.
ROUNDING = 2.0**-50
# A smaller gain has no tangent: one over it may be infinite.
LEAST_GAIN = 1e-280
GOLDEN = (5.0**0.5 - 1.0) / 2.0
FIRST_ROOM = 64
# Of a float64 read as a whole number: all bits but the sign, and what they are for infinity.
SIZE_BITS, INFINITE_BITS = 0x7FFFFFFFFFFFFFFF, 0x7FF0000000000000

# A part depends on outer issues alone, on inner ones alone, or on both: then it is added into a table of whole rows
# together with others of the same outer issues, unless that table would be large.
OUTER, INNER, TABLED, ACROSS = range(4)
# What changes during a search, in one array. MODE: the product of gains, or their sum where no product is positive.
SCORE, TANGENT_LAB, TANGENT_PROVIDER, CUT, FOUND, DONE, MODE = range(7)
PRODUCT, SUM = 0.0, 1.0
# Columns of what is found; an index is exact as a float up to 2^53.
INDEX, LAB, PROVIDER, SCORE_OF = range(4)


class Aim(NamedTuple):
    """Weights that sum to one, the disagreement point, and the least utilities that are accepted."""

    lab_weight: float
    provider_weight: float
    lab_point: float
    provider_point: float
    lab_least: float
    provider_least: float


class Layout(NamedTuple):
    """Where entries lie: part p has data[bounds[p] + outer[p, o] + inner[p, k]] at the outcome (o, k).

    Parts are the lab's, then its masks (1 where allowed), then the provider's.
    """

    lab_parts: int  # masks included
    mask_parts: int
    bounds: Any  # int64 [part + 1]
    outer: Any  # uint32 [part, o]
    inner: Any  # uint32 [part, k]
    kind: Any  # int8 [part]: OUTER, INNER, TABLED, ACROSS
    own: Any  # uint32: what differs among inner[p] is own[own_bounds[p] : own_bounds[p + 1]]
    own_bounds: Any  # int64 [part + 1]
    table: Any  # int8 [part], its table, for TABLED ones
    table_side: Any  # int8 [table], 0 the lab's, 1 the provider's
    table_row: Any  # uint32 [table, o], row in the array of all tables
    table_outer: Any  # uint32 [row, 2], the table that the row belongs to and an o that uses the row
    group: Any  # int64 [o], nil: all rows share the inner sums
    outer_index: Any  # int64 [o]; the outcome's index is outer_index[o] + inner_index[k]
    inner_index: Any  # int64 [k]


class Side(NamedTuple):
    """What bounds a side's utility in a row: at most reach[o] + inner[group[o], k]."""

    reach: Any  # float64 [o]
    inner: Any  # float64 [g, k]
    top: Any  # float64 [g], largest of `inner`
    doubt: float  # how far off sums may be, being added in another order
    least: float  # what the side must get, less the doubt
    row: Any  # float64 [k], its utilities in the row at hand


# --- the best so far ---------------------------------------------------------------------------------------------


@njit(cache=True, nogil=True)
def start(state, mode):
    """No outcome yet: a tangent that lets everything through."""
    state[:] = 0.0
    state[SCORE], state[CUT], state[MODE] = -math.inf, -math.inf, mode


@njit(cache=True, nogil=True)
def least_near(state):
    """Least score that counts as near the best."""
    return state[SCORE] - (SLACK if state[MODE] == PRODUCT else SLACK * abs(state[SCORE]))


@njit(cache=True, nogil=True)
def _score(lab_gain, provider_gain, aim, mode):
    if mode == SUM:
        return lab_gain + provider_gain
    score = 0.0
    if aim.lab_weight > 0.0:
        score += aim.lab_weight * math.log(lab_gain) if lab_gain > 0.0 else -math.inf
    if aim.provider_weight > 0.0:
        score += aim.provider_weight * math.log(provider_gain) if provider_gain > 0.0 else -math.inf
    return score


@njit(cache=True, nogil=True)
def _slope(weight, gain):
    """Of the tangent along one side's utility; nan where the gain is too small to divide by."""
    if weight == 0.0:
        return 0.0
    return weight / gain if gain > LEAST_GAIN else math.nan


@njit(cache=True, nogil=True)
def _move_tangent(state, lab_gain, provider_gain, aim, lab_doubt, provider_doubt):
    if state[MODE] == PRODUCT:
        p, q, level = _slope(aim.lab_weight, lab_gain), _slope(aim.provider_weight, provider_gain), 1.0 - SLACK
        if math.isnan(p + q):
            return
    else:
        p, q, level = 1.0, 1.0, least_near(state)
    doubt = p * (lab_doubt + ROUNDING * abs(aim.lab_point)) + q * (provider_doubt + ROUNDING * abs(aim.provider_point))
    state[TANGENT_LAB], state[TANGENT_PROVIDER] = p, q
    state[CUT] = level + (p * aim.lab_point + q * aim.provider_point) - doubt


@njit(cache=True, nogil=True)
def compress(state, found):
    """Drop what is no longer near the best; double the room if that leaves it half full."""
    least, kept = least_near(state), 0
    for i in range(int(state[FOUND])):
        if found[i, SCORE_OF] >= least:
            for j in range(4):
                found[kept, j] = found[i, j]
            kept += 1
    state[FOUND] = kept
    if 2 * kept <= len(found):
        return found
    wider = np.empty((2 * len(found), 4))
    wider[:kept] = found[:kept]
    return wider


@njit(cache=True, nogil=True)
def consider(index, lab, provider, aim, lab_doubt, provider_doubt, state, found):
    """Keep an outcome of exact utilities if it is near the best; a better one moves the tangent."""
    if not (lab >= aim.lab_least and provider >= aim.provider_least):
        return found
    lab_gain, provider_gain = lab - aim.lab_point, provider - aim.provider_point
    score = _score(lab_gain, provider_gain, aim, state[MODE])
    if score == -math.inf or score < least_near(state):
        return found
    if score > state[SCORE]:
        state[SCORE] = score
        _move_tangent(state, lab_gain, provider_gain, aim, lab_doubt, provider_doubt)
    if int(state[FOUND]) == len(found):
        found = compress(state, found)
    at = int(state[FOUND])
    found[at, INDEX], found[at, LAB], found[at, PROVIDER], found[at, SCORE_OF] = index, lab, provider, score
    state[FOUND] += 1.0
    return found


# --- rows --------------------------------------------------------------------------------------------------------


@njit(cache=True, nogil=True)
def golden_step(rows):
    """A step that visits all rows, spread out from the first on."""
    step = max(1, int(GOLDEN * rows))
    while math.gcd(step, rows) != 1:
        step += 1
    return step % rows


@njit(cache=True, nogil=True)
def highest(lab, provider, state, top):
    """Largest contribution of the inner issues to the tangent, by group, into `top`."""
    p, q = state[TANGENT_LAB], state[TANGENT_PROVIDER]
    for g in range(len(top)):
        highest = -math.inf
        for k in range(lab.inner.shape[1]):
            worth = p * lab.inner[g, k] + q * provider.inner[g, k]
            highest = worth if worth > highest else highest
        top[g] = highest


@njit(cache=True, nogil=True)
def next_row(row, step, group, lab, provider, top, state):
    """The next row, from `row` on in steps, that the bounds let through; -1 when all are through."""
    rows, done = len(group), int(state[DONE])
    p, q, cut = state[TANGENT_LAB], state[TANGENT_PROVIDER], state[CUT]
    while done < rows:
        x, y, g = lab.reach[row], provider.reach[row], group[row]
        may = x + lab.top[g] >= lab.least and y + provider.top[g] >= provider.least
        if may and p * x + q * y + top[g] >= cut:
            state[DONE] = done
            return row
        row += step
        row -= rows if row >= rows else 0
        done += 1
    return -1


@njit(cache=True, nogil=True)
def passes(lab, provider, state):
    """Whether some outcome of the row may be as good as the best; a plain loop, so that it becomes vectors."""
    p, q, cut, lab_least, provider_least = (
        state[TANGENT_LAB], state[TANGENT_PROVIDER], state[CUT], lab.least, provider.least,
    )  # fmt: skip
    passing = 0
    for k in range(len(lab.row)):
        x, y = lab.row[k], provider.row[k]
        passing += (x >= lab_least) & (y >= provider_least) & (p * x + q * y >= cut)
    return passing > 0


@njit(cache=True, nogil=True)
def row_tops(inner):
    """Largest entry by group."""
    tops = np.empty(len(inner))
    for g in range(len(inner)):
        tops[g] = inner[g].max()
    return tops


# --- utilities given by parts ------------------------------------------------------------------------------------


@njit(cache=True, nogil=True)
def _prepare(data, layout):
    """Masks become 0 and minus infinity; all numbers are checked."""
    for i in range(layout.bounds[layout.lab_parts - layout.mask_parts], layout.bounds[layout.lab_parts]):
        data[i] = 0.0 if data[i] != 0.0 else -math.inf
    wrong = 0
    for i in range(len(data)):
        wrong += not data[i] < math.inf
    if wrong:
        raise ValueError("parts: nan or +inf among them; allowed: numbers, and -inf where infeasible")


@njit(cache=True, nogil=True)
def _exact(data, layout, first, last, o, k):
    """Utility of one outcome: parts added in their listed order from nil, as NumPy adds arrays."""
    utility = 0.0
    for p in range(first, last):
        utility += data[layout.bounds[p] + layout.outer[p, o] + layout.inner[p, k]]
    return utility


@njit(cache=True, nogil=True)
def _doubt(data, layout, first, last):
    """Bound of the rounding when parts are added in another order."""
    total, bits = 0.0, data.view(np.int64)
    for p in range(first, last):
        largest = 0
        for i in range(layout.bounds[p], layout.bounds[p + 1]):
            # sizes keep their order as whole numbers, whose maximum becomes vectors
            size = bits[i] & SIZE_BITS
            largest = max(largest, size if size < INFINITE_BITS else 0)
        total += np.int64(largest).view(np.float64)
    return ROUNDING * (last - first + 4) * total


@njit(cache=True, nogil=True)
def _add(row, entries, places):
    for i in range(len(row)):
        row[i] += entries[places[i]]


@njit(cache=True, nogil=True)
def _peaks(entries, layout, p):
    """Largest entry of a part over the inner issues, by the place where its row begins."""
    peaks = np.full(len(entries), math.nan)
    own = layout.own[layout.own_bounds[p] : layout.own_bounds[p + 1]]
    for place in layout.outer[p]:
        if math.isnan(peaks[place]):
            peak = -math.inf
            for i in range(len(own)):
                entry = entries[place + own[i]]
                peak = entry if entry > peak else peak
            peaks[place] = peak
    return peaks


@njit(cache=True, nogil=True)
def _tables(data, layout):
    """Rows of all tables, [row, k], and the largest entry of each."""
    rows, peaks = np.zeros((len(layout.table_outer), layout.inner.shape[1])), np.empty(len(layout.table_outer))
    for u in range(len(rows)):
        table, o = layout.table_outer[u]
        for p in range(len(layout.kind)):
            if layout.kind[p] == TABLED and layout.table[p] == table:
                _add(rows[u], data[layout.bounds[p] + layout.outer[p, o] :], layout.inner[p])
        peaks[u] = rows[u].max()
    return rows, peaks


@njit(cache=True, nogil=True)
def _side_of_parts(data, layout, first, last, least, peaks):
    """Bounds of a side, and what its parts of outer issues alone add up to."""
    outer, inner = np.zeros(layout.outer.shape[1]), np.zeros((1, layout.inner.shape[1]))
    for p in range(first, last):
        if layout.kind[p] == OUTER:
            _add(outer, data[layout.bounds[p] :], layout.outer[p])
        elif layout.kind[p] == INNER:
            _add(inner[0], data[layout.bounds[p] :], layout.inner[p])
    reach, doubt = outer.copy(), _doubt(data, layout, first, last)
    for p in range(first, last):
        if layout.kind[p] == ACROSS:
            _add(reach, _peaks(data[layout.bounds[p] : layout.bounds[p + 1]], layout, p), layout.outer[p])
    for t in range(len(layout.table_side)):
        if layout.table_side[t] == (first > 0):
            _add(reach, peaks, layout.table_row[t])
    return Side(reach, inner, row_tops(inner), doubt, least - doubt, np.empty(inner.shape[1])), outer


@njit(cache=True, nogil=True)
def _fill_row(data, layout, first, last, side, outer, tables, o):
    row = side.row
    for k in range(len(row)):
        row[k] = outer[o] + side.inner[0, k]
    for t in range(len(layout.table_side)):
        if layout.table_side[t] == (first > 0):
            entries = tables[layout.table_row[t, o]]
            for k in range(len(row)):
                row[k] += entries[k]
    for p in range(first, last):
        if layout.kind[p] == ACROSS:
            _add(row, data[layout.bounds[p] + layout.outer[p, o] :], layout.inner[p])


@njit(cache=True, nogil=True)
def _search_row(data, layout, o, lab, provider, aim, state, found):
    """What of a row passes is added up exactly and considered."""
    for k in range(len(lab.row)):
        x, y = lab.row[k], provider.row[k]
        passing = state[TANGENT_LAB] * x + state[TANGENT_PROVIDER] * y >= state[CUT]
        if passing and x >= lab.least and y >= provider.least:
            x = _exact(data, layout, 0, layout.lab_parts, o, k)
            y = _exact(data, layout, layout.lab_parts, len(layout.kind), o, k)
            index = layout.outer_index[o] + layout.inner_index[k]
            found = consider(index, x, y, aim, lab.doubt, provider.doubt, state, found)
    return found


@njit(cache=True, nogil=True)
def search_parts(data, layout, aim):
    """Outcomes near the best, in no order: index, lab's and provider's utility, score, (outcomes, 4)."""
    layout, aim = Layout(*layout), Aim(*aim)
    _prepare(data, layout)
    found, state = np.empty((FIRST_ROOM, 4)), np.empty(7)
    ours, parts, step = layout.lab_parts, len(layout.kind), golden_step(len(layout.group))
    tables, peaks = _tables(data, layout)
    lab, lab_outer = _side_of_parts(data, layout, 0, ours, aim.lab_least, peaks)
    provider, provider_outer = _side_of_parts(data, layout, ours, parts, aim.provider_least, peaks)
    top = np.empty(1)
    for mode in (PRODUCT, SUM):
        start(state, mode)
        highest(lab, provider, state, top)
        row = next_row(0, step, layout.group, lab, provider, top, state)
        while row >= 0:
            _fill_row(data, layout, 0, ours, lab, lab_outer, tables, row)
            _fill_row(data, layout, ours, parts, provider, provider_outer, tables, row)
            if passes(lab, provider, state):
                found = _search_row(data, layout, row, lab, provider, aim, state, found)
                highest(lab, provider, state, top)
            state[DONE] += 1.0
            row = next_row((row + step) % len(layout.group), step, layout.group, lab, provider, top, state)
        if state[FOUND] > 0.0:
            break
    found = compress(state, found)
    return found[: int(state[FOUND])]
