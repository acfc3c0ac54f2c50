"""The enterprise quarter, compiled: adoption, cloud moves and nested logit choice in chunks of rows.

The choice is an exponential race (Luce 1959; Marley and Colonius 1992): alternative j of nest n finishes at

    t_j = E_j exp(-v_j / lambda) / S_n,   E_j = -ln(1 - u_j),

with u_j from a hash of (enterprise, renewal, alternative) and S_n positive stable of index lambda, one a
nest, from a hash of (enterprise, renewal, nest). The first to finish is a nested logit choice, and since
all noise belongs to alternatives, lowering one utility moves only those who had chosen it: paired worlds
differ by the least possible. Every t_j has the cheap lower bound (u + u^2/2 + u^3/3) exp(-v_j/lambda) / S_n,
computed for all alternatives in vectors; logarithms are taken only where the bounds leave a doubt.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import float32, int32, njit, uint32, uint64

from market.counter_hash import noise32, row_hash, uniform
from market.vector_race import INDEX_MASK, NEST_BITS, float_bits, race_nested, race_plain

CHUNK = 4096
NO_PURCHASE = -1
NOT_ADOPTED = -1
MOST_CHANNELS = 3
OUT_OF_REACH = 1e30  # in place of infinity in the 32-bit table, where 0 * inf would be NaN
NEST_CLASSES = 2**NEST_BITS

# Columns of the totals of a chunk.
ADOPTED, ADOPTED_COUNT, USED, OFF_INCUMBENT = range(4)
AT_RENEWAL, AT_RENEWAL_COUNT, CLOUD_SWITCHED, CLOUD_SWITCHED_COUNT = range(4, 8)
RECHOOSING, RECHOOSING_COUNT, MODEL_SWITCHED, MODEL_SWITCHED_COUNT = range(8, 12)
TOTALS = 12

BATCH = 256  # rows whose bounds (64 KB for 64 alternatives) are kept at a time
UNIT = 2.0**-32
TOP = np.int32(0x7FFFFFFF)


class Columns(NamedTuple):
    """One entry an enterprise: 16 bytes in all."""

    weight: Any  # float32, relative size
    segment: Any  # int8
    cloud: Any  # int8, incumbent cloud
    phase: Any  # int8, a renewal falls where (tick + phase) % renewal_quarters == 0
    wanted: Any  # int8, labs it would use at once
    adopted_tick: Any  # int16, NOT_ADOPTED before
    channels: Any  # int16 [row, 3], lab * clouds + cloud, NO_PURCHASE where unused


class Race(NamedTuple):
    """Tables of the choice; their rows are (segment, incumbent cloud, current lab), see `row_of_tables`."""

    labs: int
    clouds: int
    nested: bool
    bounds: Any  # float32 [row, alternative], just below exp((max v - v) / lambda)
    rates: Any  # float64 [row, alternative], exp((max v - v) / lambda), inf out of reach
    keys: Any  # uint32 [alternative]
    nest_keys: Any  # uint32 [alternative], that of its lab; no purchase is a nest of its own
    nest_noise: Any  # float32 [NEST_CLASSES], 1 / S in ascending classes of probability
    reach: Any  # bool [segment, 1 + alternative], no purchase first
    lab_of: Any  # int32 [1 + alternative], no purchase first, with the number of labs
    cloud_of: Any  # int8 [alternative]
    cloud_rates: Any  # float64 [cloud], 1 / exp(utility)
    cloud_keys: Any  # uint32 [cloud]


class Quarter(NamedTuple):
    """What is common to all rows in one quarter."""

    tick: int
    renewal_quarters: int
    adoption_hazard: float
    leave_cloud: float  # probability at a renewal
    adoption_key: Any  # uint64
    choice_key: Any  # uint64
    cloud_key: Any  # uint64
    split: Any  # float64 [channels in use - 1, channel], sums to one along the last axis


class Start(NamedTuple):
    """What a row's race starts from: its 64 random bits and its row of the tables."""

    low: Any  # uint32
    high: Any  # uint32
    row: Any  # uint32


@njit(cache=True, nogil=True, inline="always")
def _nest_factor(low, high, nest_key, nest_noise):
    """1 / S of a nest."""
    return nest_noise[noise32(low, high, nest_key) >> uint32(32 - NEST_BITS)]


@njit(cache=True, nogil=True, error_model="numpy")
def _upper(u, bound):
    """Packed upper bound of the finishing time of an alternative, TOP where it may be infinite.

    -ln(1 - u) <= u (6 - 5u) / ((1 - u) (6 - 2u)) (Topsoe 2007); `bound` lies at most 1e-5 below
    exp(-v / lambda) / S, packed times are in units of 2^-24.
    """
    upper = (1.00001 * 2.0**24) * u * (6.0 - 5.0 * u) / ((1.0 - u) * (6.0 - 2.0 * u)) * bound
    return int32(float_bits(float32(upper)) | int32(INDEX_MASK)) if upper < OUT_OF_REACH else TOP


@njit(cache=True, nogil=True)
def _exact_first(start, race, packed, slot, limit):
    """First to finish among those whose bound is at most `limit`, by exact times; ties go to the smaller key."""
    first, best = race.labs * race.clouds, math.inf
    for q in range(packed.shape[1]):
        if packed[slot, q] <= limit:
            j = packed[slot, q] & INDEX_MASK
            u = (noise32(start.low, start.high, race.keys[j]) + 0.5) * UNIT
            nest = _nest_factor(start.low, start.high, race.nest_keys[j], race.nest_noise)
            time = -math.log(1.0 - u) * race.rates[start.row, j] * nest
            if time < best or (time == best < math.inf and race.keys[j] < race.keys[first]):
                first, best = j, time
    return first


@njit(cache=True, nogil=True)
def _strike_out(packed, slot, first, clouds):
    """Take a lab's channels out of the race; returns the two least bounds of the others."""
    for c in range(clouds):
        packed[slot, first + c] = TOP
    least, second = TOP, TOP
    for q in range(packed.shape[1]):
        least = min(least, packed[slot, q])
    for q in range(packed.shape[1]):
        second = min(second, packed[slot, q] if packed[slot, q] != least else TOP)
    return least, second


@njit(cache=True, nogil=True)
def _next_cloud(bits, current, cloud_keys, cloud_rates):
    """Another cloud by logit among all but the current one."""
    low, high = uint32(bits), uint32(bits >> uint64(32))
    first, best = current, math.inf
    for c in range(cloud_keys.shape[0]):
        u = (noise32(low, high, cloud_keys[c]) + 0.5) * UNIT
        time = -math.log(1.0 - u) * cloud_rates[c]
        if c != current and time < best:
            first, best = c, time
    return first


@njit(cache=True, nogil=True)
def _move_clouds(start, stop, columns, race, quarter, totals):
    """At a renewal the incumbent cloud is left with a fixed probability."""
    weight, cloud, phase, cloud_keys, cloud_rates = (
        columns.weight, columns.cloud, columns.phase, race.cloud_keys, race.cloud_rates,
    )  # fmt: skip
    due = -quarter.tick % quarter.renewal_quarters
    at_renewal, switched, count, switched_count = 0.0, 0.0, 0, 0
    for i in range(start, stop):
        if phase[i] != due:
            continue
        at_renewal += weight[i]
        count += 1
        bits = row_hash(quarter.cloud_key, i, quarter.tick)
        if uniform(bits) < quarter.leave_cloud:
            after = _next_cloud(bits, cloud[i], cloud_keys, cloud_rates)
            if after != cloud[i]:
                cloud[i] = after
                switched += weight[i]
                switched_count += 1
    totals[AT_RENEWAL], totals[AT_RENEWAL_COUNT] = at_renewal, count
    totals[CLOUD_SWITCHED], totals[CLOUD_SWITCHED_COUNT] = switched, switched_count


@njit(cache=True, nogil=True)
def _adopt(start, stop, columns, quarter):
    """Those who have not adopted do so with the hazard of the quarter."""
    adopted_tick = columns.adopted_tick
    for i in range(start, stop):
        if (
            adopted_tick[i] == NOT_ADOPTED
            and uniform(row_hash(quarter.adoption_key, i, quarter.tick)) < quarter.adoption_hazard
        ):
            adopted_tick[i] = quarter.tick


@njit(cache=True, nogil=True)
def _list_choosers(start, stop, columns, race, quarter, rows, before):
    """List adopters who adopted now, renew, or lost a channel, with their primary channel; returns how many."""
    adopted_tick, phase, channels, segment, reach = (
        columns.adopted_tick, columns.phase, columns.channels, columns.segment, race.reach,
    )  # fmt: skip
    due = -quarter.tick % quarter.renewal_quarters
    found = 0
    for i in range(start, stop):
        chooses = phase[i] == due or adopted_tick[i] == quarter.tick
        if not chooses:
            for c in range(MOST_CHANNELS):
                chooses |= not reach[uint32(segment[i]), uint32(channels[i, c] + 1)]
        rows[found], before[found] = i, channels[i, 0]
        found += chooses and adopted_tick[i] != NOT_ADOPTED
    return found


@njit(cache=True, nogil=True)
def _race(rows, first, last, columns, race, quarter, starts, bounds_least, packed):
    """Bounds of the finishing times of some listed rows. Noise is keyed by the running renewal.

    Arrays are taken out of their tuples once: each time costs an atomic count of references.
    """
    keys, bounds, nest_keys, nest_noise, lab_of = race.keys, race.bounds, race.nest_keys, race.nest_noise, race.lab_of
    segment, cloud, phase, channels = columns.segment, columns.cloud, columns.phase, columns.channels
    clouds, nests, nested, key = race.clouds, race.labs + 1, race.nested, quarter.choice_key
    renewal = (quarter.tick + np.arange(quarter.renewal_quarters)) // quarter.renewal_quarters
    for k in range(first, last):
        i, slot = rows[k], uint32(k - first)
        lab = lab_of[uint32(channels[i, 0] + 1)]
        row = uint32((segment[i] * clouds + cloud[i]) * nests + lab)
        bits = row_hash(key, i, renewal[uint32(phase[i])])
        low, high = uint32(bits), uint32(bits >> uint64(32))
        if nested:
            least, second = race_nested(low, high, keys, bounds, row, nest_keys, nest_noise, packed, slot)
        else:
            least, second = race_plain(low, high, keys, bounds, row, nest_keys, nest_noise, packed, slot)
        starts[slot, 0], starts[slot, 1], starts[slot, 2] = low, high, row
        bounds_least[slot, 0], bounds_least[slot, 1] = least, second


@njit(cache=True, nogil=True, error_model="numpy")
def _pick(rows, first, last, columns, race, starts, bounds_least, packed):
    """New channels of the rows: the first labs to finish, each on its first cloud, until no purchase."""
    keys, bounds, nest_keys, nest_noise, lab_of = race.keys, race.bounds, race.nest_keys, race.nest_noise, race.lab_of
    wanted, channels = columns.wanted, columns.channels
    clouds, outside, nested = race.clouds, race.labs * race.clouds, race.nested
    for k in range(first, last):
        i, slot = rows[k], uint32(k - first)
        low, high, row = starts[slot, 0], starts[slot, 1], starts[slot, 2]
        least, second = bounds_least[slot, 0], bounds_least[slot, 1]
        channels[i, 0] = channels[i, 1] = channels[i, 2] = NO_PURCHASE
        for c in range(wanted[i]):
            j = uint32(least & INDEX_MASK)
            limit = TOP
            if bounds[row, j] < 0.5 * OUT_OF_REACH:
                u = (noise32(low, high, keys[j]) + 0.5) * UNIT
                nest = _nest_factor(low, high, nest_keys[j], nest_noise) if nested else float32(1.0)
                limit = _upper(u, bounds[row, j] * nest)
            if second <= limit:
                j = uint32(_exact_first(Start(low, high, row), race, packed, slot, limit))
            if j >= outside:
                break
            channels[i, uint32(c)] = j
            if c + 1 < wanted[i]:
                least, second = _strike_out(packed, slot, lab_of[j + uint32(1)] * clouds, clouds)


@njit(cache=True, nogil=True)
def _choose(rows, found, columns, race, quarter):
    """Race and pick for the listed rows, a batch at a time: two plain loops, their memory near the processor."""
    starts, bounds_least = np.empty((BATCH, 3), np.uint32), np.empty((BATCH, 2), np.int32)
    packed = np.empty((BATCH, race.keys.shape[0]), np.int32)
    for first in range(0, found, BATCH):
        last = min(first + BATCH, found)
        _race(rows, first, last, columns, race, quarter, starts, bounds_least, packed)
        _pick(rows, first, last, columns, race, starts, bounds_least, packed)


@njit(cache=True, nogil=True)
def _count_switches(rows, before, found, columns, lab_of, totals):
    """Those who chose anew with a lab in use, and those among them whose main lab is another one now."""
    weight, channels = columns.weight, columns.channels
    rechoosing, count, switched, switched_count = 0.0, 0, 0.0, 0
    for k in range(found):
        i = rows[k]
        if before[k] >= 0:
            rechoosing += weight[i]
            count += 1
            after = channels[i, 0]
            # Without a branch, which would often be mispredicted.
            moved = (after >= 0) & (lab_of[uint32(after + 1)] != lab_of[uint32(before[k] + 1)])
            switched += weight[i] * moved
            switched_count += moved
    totals[RECHOOSING], totals[RECHOOSING_COUNT] = rechoosing, count
    totals[MODEL_SWITCHED], totals[MODEL_SWITCHED_COUNT] = switched, switched_count


@njit(cache=True, nogil=True)
def _add_up(start, stop, columns, cloud_of, split, totals, usage):
    """Workload of rows start to stop by segment and alternative."""
    weight, segment, cloud, channels, adopted_tick = (
        columns.weight, columns.segment, columns.cloud, columns.channels, columns.adopted_tick,
    )  # fmt: skip
    adopted, count, used, off_incumbent = 0.0, 0, 0.0, 0.0
    for i in range(start, stop):
        if adopted_tick[i] == NOT_ADOPTED:
            continue
        adopted += weight[i]
        count += 1
        in_use = (channels[i, 0] >= 0) + (channels[i, 1] >= 0) + (channels[i, 2] >= 0)
        for c in range(in_use):
            part = weight[i] * split[uint32(in_use - 1), uint32(c)]
            usage[uint32(segment[i]), uint32(channels[i, c])] += part
            used += part
            off_incumbent += part * (cloud_of[uint32(channels[i, c])] != cloud[i])
    totals[ADOPTED], totals[ADOPTED_COUNT], totals[USED], totals[OFF_INCUMBENT] = adopted, count, used, off_incumbent


@njit(cache=True, nogil=True)
def run_chunks(first, last, columns, race, quarter, totals, usage):
    """One quarter of the chunks first to last; each writes its own row of `totals` and `usage`.

    totals: float64 [chunk, TOTALS]; usage: float64 [chunk, segment, alternative]. No chunk reads what another
    writes, so the result does not depend on how chunks are dealt out to threads.
    """
    rows, before = np.empty(CHUNK + 1, np.uint32), np.empty(CHUNK + 1, np.int16)
    for chunk in range(first, last):
        start = chunk * CHUNK
        stop = min(start + CHUNK, columns.weight.shape[0])
        _move_clouds(start, stop, columns, race, quarter, totals[chunk])
        _adopt(start, stop, columns, quarter)
        found = _list_choosers(start, stop, columns, race, quarter, rows, before)
        _choose(rows, found, columns, race, quarter)
        _count_switches(rows, before, found, columns, race.lab_of, totals[chunk])
        _add_up(start, stop, columns, race.cloud_of, quarter.split, totals[chunk], usage[chunk])
