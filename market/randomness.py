"""Named random streams: a draw depends on what it is for and on whom it concerns, never on list order.

Two scenarios that share a seed are paired worlds: a purpose that is added, or an agent that is
listed elsewhere, changes no other draw.
"""

from __future__ import annotations

from hashlib import blake2b

import numpy as np


def stream(seed: int, replicate: int, purpose: str, tick: int, *names: str) -> np.random.Generator:
    """Generator of one purpose at one tick for the named agents.

    PCG64 seeded by the 128-bit BLAKE2b digest of the parts. Names are ordered: a pair has to be
    given in a fixed order of roles (provider, lab), not of a list.

    >>> [int(stream(7, 0, "training", 12, "OpenAI").integers(1000)) for _ in range(2)]
    [210, 210]
    """
    digest = _digest(16, seed, replicate, purpose, tick, *names)
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(int.from_bytes(digest, "little"))))


def key64(seed: int, replicate: int, purpose: str, *names: str) -> int:
    """64-bit key of one purpose for draws by counter (`market.counter_hash`).

    >>> 0 <= key64(7, 0, "adoption") < 2**64
    True
    """
    return int.from_bytes(_digest(8, seed, replicate, purpose, *names), "little")


def _digest(size: int, *parts: int | str) -> bytes:
    """BLAKE2b digest of parts, each written with its type and length so that no two lists read alike."""
    state = blake2b(digest_size=size, person=b"cloudpact")
    for part in parts:
        text = str(part).encode()
        state.update(f"{'s' if isinstance(part, str) else 'i'}{len(text)}:".encode() + text)
    return state.digest()
