"""The enterprise quarter, compiled: adoption, cloud moves and nested logit choice in chunks of rows.

The choice is an exponential race (Luce 1959; Marley and Colonius 1992): alternative j of nest n finishes at

    t_j = E_j exp(-v_j / lambda) / S_n,   E_j = -ln(1 - u_j),

with u_j from a hash of (enterprise, renewal, alternative) and S_n positive stable of index lambda, one a
nest, from a hash of (enterprise, renewal, nest). The first to finish is a nested logit choice, and since
all noise belongs to alternatives, lowering one utility moves only those who had chosen it: paired worlds
differ by the least possible. Every t_j has the cheap lower bound (u + u^2/2) exp(-v_j/lambda) / S_n,
computed for all alternatives in vectors; logarithms are taken only where the bounds leave a doubt.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import float32, int32, njit, types, uint32, uint64
from numba.extending import intrinsic

from market.counter_hash import noise32, row_hash, uniform

CHUNK = 4096
LANES = 32  # rows of the tables are padded to it: four 256-bit vectors
INDEX_MASK = 255  # the low bits of a packed bound hold the alternative
NO_PURCHASE = -1
NOT_ADOPTED = -1
MOST_CHANNELS = 3
OUT_OF_REACH = 1e30  # in place of infinity in the 32-bit table, where 0 * inf would be NaN
NEST_CLASSES = 4096
NEST_SHIFT = 20  # 32 - log2(NEST_CLASSES)

# Columns of the totals of a chunk.
ADOPTED_COUNT, ADOPTED, USED, OFF_INCUMBENT, AT_RENEWAL, AT_RENEWAL_COUNT, CLOUD_SWITCHED, CLOUD_SWITCHED_COUNT = range(8)
RECHOOSING, RECHOOSING_COUNT, MODEL_SWITCHED, MODEL_SWITCHED_COUNT = range(8, 12)
TOTALS = 12

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
    nest_keys: Any  # uint32 [nest], no purchase last
    nest_noise: Any  # float32 [NEST_CLASSES], 1 / S in ascending classes of probability
    reach: Any  # bool [segment, alternative]
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


@intrinsic
def _float_bits(typing_context, value):  # type: ignore[no-untyped-def]
    """The bits of a 32-bit float as an integer: positive floats keep their order."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return builder.bitcast(arguments[0], ir.IntType(32))

    return types.int32(types.float32), generate


@njit(cache=True, nogil=True, inline="always")
def row_of_tables(labs, clouds, segment, cloud, primary):
    """Row of the race's tables for a segment, an incumbent cloud and a primary channel (NO_PURCHASE: no lab)."""
    lab = labs if primary < 0 else primary // clouds
    return (segment * clouds + cloud) * (labs + 1) + lab


@njit(cache=True, nogil=True)
def _spread_nests(low, high, clouds, nest_keys, nest_noise, factor):
    """Write 1/S of each nest over its members; eight at a time, the next nest overwrites the overhang."""
    for nest in range(nest_keys.shape[0]):
        value = nest_noise[noise32(low, high, nest_keys[nest]) >> uint32(NEST_SHIFT)]
        for start in range(0, clouds, 8):
            for lane in range(8):
                factor[nest * clouds + start + lane] = value


@njit(cache=True, nogil=True, fastmath={"contract"})
def _bound(low, high, keys, bounds, row, factor, packed):
    """Lower bounds of all finishing times with the alternative in the low bits; returns the least."""
    least = TOP
    for j in range(keys.shape[0]):
        u = float32(int32(noise32(low, high, keys[j]) >> uint32(8)))
        bound = u * (float32(1.0) + u * float32(0.5 / 2**24)) * bounds[row, j] * factor[j]
        packed[j] = int32((_float_bits(bound) & int32(~INDEX_MASK)) | int32(j))
        least = min(least, packed[j])
    return least


@njit(cache=True, nogil=True)
def _exact_first(low, high, keys, rates, row, factor, packed, limit, nobody):
    """First to finish among those whose bound is at most `limit`, by exact times; ties go to the smaller key."""
    first, best = nobody, math.inf
    for q in range(packed.shape[0]):
        if packed[q] <= limit:
            j = packed[q] & INDEX_MASK
            u = (noise32(low, high, keys[j]) + 0.5) * UNIT
            time = -math.log(1.0 - u) * rates[row, j] * factor[j]
            if time < best or (time == best < math.inf and keys[j] < keys[first]):
                first, best = j, time
    return first


@njit(cache=True, nogil=True)
def _limit(low, high, keys, bounds, row, factor, least):
    """Packed upper bound of the time of the alternative with the least lower bound; TOP where that may be infinite."""
    j = least & INDEX_MASK
    u = (noise32(low, high, keys[j]) + 0.5) * UNIT
    # -ln(1 - u) <= u / sqrt(1 - u); the bounds are in units of 2^-24 and lie at most 1e-5 below.
    upper = 1.00001 * u / math.sqrt(1.0 - u) * bounds[row, j] * factor[j] * 2.0**24
    if bounds[row, j] < 0.5 * OUT_OF_REACH and upper < OUT_OF_REACH:
        return int32(_float_bits(float32(upper)) | int32(INDEX_MASK))
    return TOP


@njit(cache=True, nogil=True)
def _second(packed, least):
    """The least packed bound but one."""
    second = TOP
    for q in range(packed.shape[0]):
        second = min(second, packed[q] if packed[q] != least else TOP)
    return second


@njit(cache=True, nogil=True)
def _strike_out(packed, start, stop):
    """Take a lab's channels out of the race; returns the least bound of the others."""
    for q in range(start, stop):
        packed[q] = TOP
    least = TOP
    for q in range(packed.shape[0]):
        least = min(least, packed[q])
    return least


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
        if adopted_tick[i] == NOT_ADOPTED:
            if uniform(row_hash(quarter.adoption_key, i, quarter.tick)) < quarter.adoption_hazard:
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
        for c in range(MOST_CHANNELS):
            chooses |= channels[i, c] >= 0 and not reach[segment[i], channels[i, c]]
        rows[found], before[found] = i, channels[i, 0]
        found += chooses and adopted_tick[i] != NOT_ADOPTED
    return found


@njit(cache=True, nogil=True)
def _choose(rows, columns, race, quarter):
    """New channels for the listed rows: the first labs to finish, each on its first cloud, until no purchase.

    Noise is keyed by the running renewal. Arrays are taken out of their tuples once: each time costs an
    atomic count of references.
    """
    keys, bounds, rates, nest_keys, nest_noise = race.keys, race.bounds, race.rates, race.nest_keys, race.nest_noise
    segment, cloud, phase, wanted, channels = (
        columns.segment, columns.cloud, columns.phase, columns.wanted, columns.channels,
    )  # fmt: skip
    clouds, outside = race.clouds, race.labs * race.clouds
    factor = np.ones(keys.shape[0] + LANES, np.float32)
    packed = np.empty(keys.shape[0], np.int32)
    for i in rows:
        row = row_of_tables(race.labs, clouds, segment[i], cloud[i], channels[i, 0])
        bits = row_hash(quarter.choice_key, i, (quarter.tick + phase[i]) // quarter.renewal_quarters)
        low, high = uint32(bits), uint32(bits >> uint64(32))
        if race.nested:
            _spread_nests(low, high, clouds, nest_keys, nest_noise, factor)
        least = _bound(low, high, keys, bounds, row, factor, packed)
        channels[i, 0] = channels[i, 1] = channels[i, 2] = NO_PURCHASE
        for c in range(wanted[i]):
            limit = _limit(low, high, keys, bounds, row, factor, least)
            j = least & INDEX_MASK
            if _second(packed, least) <= limit:
                j = _exact_first(low, high, keys, rates, row, factor, packed, limit, outside)
            if j >= outside:
                break
            channels[i, c] = j
            if c + 1 < wanted[i]:
                least = _strike_out(packed, j // clouds * clouds, (j // clouds + 1) * clouds)


@njit(cache=True, nogil=True)
def _count_switches(rows, before, columns, clouds, totals):
    """Those who chose anew with a lab in use, and those among them whose main lab is another one now."""
    weight, channels = columns.weight, columns.channels
    for k in range(rows.shape[0]):
        if before[k] >= 0:
            after = channels[rows[k], 0]
            totals[RECHOOSING] += weight[rows[k]]
            totals[RECHOOSING_COUNT] += 1.0
            if after >= 0 and after // clouds != before[k] // clouds:
                totals[MODEL_SWITCHED] += weight[rows[k]]
                totals[MODEL_SWITCHED_COUNT] += 1.0


@njit(cache=True, nogil=True)
def _add_up(start, stop, columns, clouds, split, totals, usage):
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
            part = weight[i] * split[in_use - 1, c]
            usage[segment[i], channels[i, c]] += part
            used += part
            if channels[i, c] % clouds != cloud[i]:
                off_incumbent += part
    totals[ADOPTED], totals[ADOPTED_COUNT], totals[USED], totals[OFF_INCUMBENT] = adopted, count, used, off_incumbent


@njit(cache=True, nogil=True)
def run_chunks(first, last, columns, race, quarter, totals, usage):
    """One quarter of the chunks first to last; each writes its own row of `totals` and `usage`.

    totals: float64 [chunk, TOTALS]; usage: float64 [chunk, segment, alternative]. No chunk reads what another
    writes, so the result does not depend on how chunks are dealt out to threads.
    """
    rows, before = np.empty(CHUNK + 1, np.int64), np.empty(CHUNK + 1, np.int16)
    for chunk in range(first, last):
        start = chunk * CHUNK
        stop = min(start + CHUNK, columns.weight.shape[0])
        _move_clouds(start, stop, columns, race, quarter, totals[chunk])
        _adopt(start, stop, columns, quarter)
        found = _list_choosers(start, stop, columns, race, quarter, rows, before)
        _choose(rows[:found], columns, race, quarter)
        _count_switches(rows[:found], before, columns, race.clouds, totals[chunk])
        _add_up(start, stop, columns, race.clouds, quarter.split, totals[chunk], usage[chunk])
