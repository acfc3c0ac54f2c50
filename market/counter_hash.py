"""Random numbers without state: a hash of a key and counters, compiled, the same on every machine.

An enterprise draws by row and by alternative, so it keeps its luck when scenarios differ
(Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3").
"""

from __future__ import annotations

import numpy as np
from numba import njit, uint32, uint64

# Odd multipliers: 2^64 / golden ratio, and the primes of splitmix64's finaliser (Steele et al. 2014).
ROW_STEP = np.uint64(0x9E3779B97F4A7C15)
COUNTER_STEP = np.uint64(0xD1342543DE82EF95)
MIX_FIRST = np.uint64(0xBF58476D1CE4E5B9)
MIX_SECOND = np.uint64(0x94D049BB133111EB)
# Multipliers of a two-round 32-bit hash of low bias (Wellons 2018).
NARROW_FIRST = np.uint32(0x21F0AAAD)
NARROW_SECOND = np.uint32(0xD35A2D97)


@njit(cache=True, nogil=True, inline="always")
def mix64(x):
    """Finaliser of splitmix64: a bijection of 64 bits whose every output bit hangs on every input bit."""
    x = (x ^ (x >> uint64(30))) * MIX_FIRST
    x = (x ^ (x >> uint64(27))) * MIX_SECOND
    return x ^ (x >> uint64(31))


@njit(cache=True, nogil=True, inline="always")
def row_hash(key, row, counter):
    """64 random bits of one row (enterprise) at one counter (tick or renewal) under a key."""
    return mix64(uint64(key) + uint64(row) * ROW_STEP + uint64(counter) * COUNTER_STEP)


@njit(cache=True, nogil=True, inline="always")
def uniform(bits):
    """Uniform on [0, 1) from 64 random bits, in steps of 2^-53."""
    return (bits >> uint64(11)) * 2.0**-53


@njit(cache=True, nogil=True, inline="always")
def noise32(low, high, alternative_key):
    """32 random bits of one alternative for a row whose 64 random bits are (high, low).

    Narrow on purpose: eight of them fit a 256-bit vector.
    """
    x = uint32(uint32(low ^ alternative_key) * NARROW_FIRST)
    x = uint32(x ^ (x >> uint32(16)))
    return uint32(uint32(x + high) * NARROW_SECOND)
