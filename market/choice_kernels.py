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
def row_of_tables(race, segment, cloud, primary):
    """Row of the race's tables for a segment, an incumbent cloud and a primary channel (NO_PURCHASE: no lab)."""
    lab = race.labs if primary < 0 else primary // race.clouds
    return (segment * race.clouds + cloud) * (race.labs + 1) + lab


@njit(cache=True, nogil=True)
def _spread_nests(race, low, high, factor):
    """Write 1/S of each nest over its members; eight at a time, the next nest overwrites the overhang."""
    for nest in range(race.labs + 1):
        value = race.nest_noise[noise32(low, high, race.nest_keys[nest]) >> uint32(NEST_SHIFT)]
        for start in range(0, race.clouds, 8):
            for lane in range(8):
                factor[nest * race.clouds + start + lane] = value


@njit(cache=True, nogil=True, fastmath={"contract"})
def _bound(race, row, low, high, factor, packed):
    """Lower bounds of all finishing times with the alternative in the low bits; returns the least."""
    least = TOP
    if race.nested:
        for j in range(race.keys.shape[0]):
            u = float32(int32(noise32(low, high, race.keys[j]) >> uint32(8)))
            bound = u * (float32(1.0) + u * float32(0.5 / 2**24)) * race.bounds[row, j] * factor[j]
            packed[j] = int32((_float_bits(bound) & int32(~INDEX_MASK)) | int32(j))
            least = min(least, packed[j])
    else:
        for j in range(race.keys.shape[0]):
            u = float32(int32(noise32(low, high, race.keys[j]) >> uint32(8)))
            bound = u * (float32(1.0) + u * float32(0.5 / 2**24)) * race.bounds[row, j]
            packed[j] = int32((_float_bits(bound) & int32(~INDEX_MASK)) | int32(j))
            least = min(least, packed[j])
    return least


@njit(cache=True, nogil=True)
def _exact_first(race, row, low, high, factor, packed, limit):
    """First to finish among those whose bound is at most `limit`, by exact times; ties go to the smaller key."""
    first, best = race.labs * race.clouds, math.inf
    for q in range(packed.shape[0]):
        if packed[q] <= limit:
            j = packed[q] & INDEX_MASK
            u = (noise32(low, high, race.keys[j]) + 0.5) * UNIT
            time = -math.log(1.0 - u) * race.rates[row, j] * factor[j]
            if time < best or (time == best < math.inf and race.keys[j] < race.keys[first]):
                first, best = j, time
    return first


@njit(cache=True, nogil=True)
def _first(race, row, low, high, factor, packed, least):
    """First alternative to finish, given the bounds and the least of them."""
    second = TOP
    for q in range(packed.shape[0]):
        second = min(second, packed[q] if packed[q] != least else TOP)
    j = least & INDEX_MASK
    u = (noise32(low, high, race.keys[j]) + 0.5) * UNIT
    # -ln(1 - u) <= u / sqrt(1 - u); the bounds are in units of 2^-24 and lie at most 1e-5 below.
    upper = 1.00001 * u / math.sqrt(1.0 - u) * race.bounds[row, j] * factor[j] * 2.0**24
    limit = TOP
    if race.bounds[row, j] < 0.5 * OUT_OF_REACH and upper < OUT_OF_REACH:
        limit = int32(_float_bits(float32(upper)) | int32(INDEX_MASK))
    if second > limit:
        return j
    return _exact_first(race, row, low, high, factor, packed, limit)


@njit(cache=True, nogil=True)
def _choose(race, row, bits, wanted, factor, packed, channels):
    """Fill `channels` with the first labs to finish, up to `wanted`, each on its first cloud, until no purchase."""
    low, high = uint32(bits), uint32(bits >> uint64(32))
    for c in range(MOST_CHANNELS):
        channels[c] = NO_PURCHASE
    if race.nested:
        _spread_nests(race, low, high, factor)
    least = _bound(race, row, low, high, factor, packed)
    outside = race.labs * race.clouds
    for c in range(wanted):
        j = _first(race, row, low, high, factor, packed, least)
        if j >= outside:
            return
        channels[c] = j
        if c + 1 < wanted:
            lab = j // race.clouds
            least = TOP
            for q in range(lab * race.clouds, (lab + 1) * race.clouds):
                packed[q] = TOP
            for q in range(packed.shape[0]):
                least = min(least, packed[q])


@njit(cache=True, nogil=True)
def _move_cloud(race, quarter, bits, current):
    """Incumbent cloud after a renewal: left with a fixed probability, for another by logit among the others."""
    if uniform(bits) >= quarter.leave_cloud:
        return current
    low, high = uint32(bits), uint32(bits >> uint64(32))
    first, best = current, math.inf
    for c in range(race.clouds):
        u = (noise32(low, high, race.cloud_keys[c]) + 0.5) * UNIT
        time = -math.log(1.0 - u) * race.cloud_rates[c]
        if c != current and time < best:
            first, best = c, time
    return first


@njit(cache=True, nogil=True)
def _wake(start, stop, columns, race, quarter, totals, waiting):
    """Adoption and cloud moves of rows start to stop; lists the rows that choose channels and returns how many."""
    due = -quarter.tick % quarter.renewal_quarters
    found = 0
    for i in range(start, stop):
        renews = columns.phase[i] == due
        if renews:
            totals[AT_RENEWAL] += columns.weight[i]
            totals[AT_RENEWAL_COUNT] += 1.0
            cloud = _move_cloud(race, quarter, row_hash(quarter.cloud_key, i, quarter.tick), columns.cloud[i])
            if cloud != columns.cloud[i]:
                columns.cloud[i] = cloud
                totals[CLOUD_SWITCHED] += columns.weight[i]
                totals[CLOUD_SWITCHED_COUNT] += 1.0
        if columns.adopted_tick[i] == NOT_ADOPTED:
            if uniform(row_hash(quarter.adoption_key, i, quarter.tick)) < quarter.adoption_hazard:
                columns.adopted_tick[i] = quarter.tick
                renews = True
            else:
                continue
        if renews or _lost_reach(race, columns.segment[i], columns.channels[i]):
            waiting[found] = i
            found += 1
    return found


@njit(cache=True, nogil=True, inline="always")
def _lost_reach(race, segment, channels):
    """Whether a channel in use can no longer be bought."""
    for c in range(MOST_CHANNELS):
        if channels[c] >= 0 and not race.reach[segment, channels[c]]:
            return True
    return False


@njit(cache=True, nogil=True)
def _rechoose(rows, columns, race, quarter, totals):
    """New channels for the listed rows, noise keyed by the running renewal."""
    factor = np.ones(race.keys.shape[0] + LANES, np.float32)
    packed = np.empty(race.keys.shape[0], np.int32)
    for i in rows:
        before = columns.channels[i, 0]
        renewal = (quarter.tick + columns.phase[i]) // quarter.renewal_quarters
        row = row_of_tables(race, columns.segment[i], columns.cloud[i], before)
        bits = row_hash(quarter.choice_key, i, renewal)
        _choose(race, row, bits, columns.wanted[i], factor, packed, columns.channels[i])
        if before >= 0:
            totals[RECHOOSING] += columns.weight[i]
            totals[RECHOOSING_COUNT] += 1.0
            after = columns.channels[i, 0]
            if after >= 0 and after // race.clouds != before // race.clouds:
                totals[MODEL_SWITCHED] += columns.weight[i]
                totals[MODEL_SWITCHED_COUNT] += 1.0


@njit(cache=True, nogil=True)
def _add_up(start, stop, columns, race, quarter, totals, usage):
    """Workload of rows start to stop by segment and alternative."""
    for i in range(start, stop):
        if columns.adopted_tick[i] == NOT_ADOPTED:
            continue
        weight = columns.weight[i]
        totals[ADOPTED_COUNT] += 1.0
        totals[ADOPTED] += weight
        used = 0
        while used < MOST_CHANNELS and columns.channels[i, used] >= 0:
            used += 1
        for c in range(used):
            part = weight * quarter.split[used - 1, c]
            alternative = columns.channels[i, c]
            usage[columns.segment[i], alternative] += part
            totals[USED] += part
            if alternative % race.clouds != columns.cloud[i]:
                totals[OFF_INCUMBENT] += part


@njit(cache=True, nogil=True)
def run_chunks(first, last, columns, race, quarter, totals, usage):
    """One quarter of the chunks first to last; each writes its own row of `totals` and `usage`.

    totals: float64 [chunk, TOTALS]; usage: float64 [chunk, segment, alternative]. No chunk reads what another
    writes, so the result does not depend on how chunks are dealt out to threads.
    """
    waiting = np.empty(CHUNK, np.int64)
    for chunk in range(first, last):
        start = chunk * CHUNK
        stop = min(start + CHUNK, columns.weight.shape[0])
        found = _wake(start, stop, columns, race, quarter, totals[chunk], waiting)
        _rechoose(waiting[:found], columns, race, quarter, totals[chunk])
        _add_up(start, stop, columns, race, quarter, totals[chunk], usage[chunk])
