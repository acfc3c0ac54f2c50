"""Named streams: distinct, stable, and untouched by purposes that are added."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np

from market.counter_hash import noise32, row_hash
from market.randomness import key64, stream


def test_golden_values_hold_for_ever() -> None:
    assert key64(7, 0, "adoption") == 3102596841388273162
    assert stream(7, 0, "training", 12, "OpenAI").integers(1000, size=3).tolist() == [210, 831, 831]


def test_every_part_counts_and_none_runs_into_the_next() -> None:
    parts = list(product((0, 1), (0, 1), ("a", "ab"), (0, 1), ((), ("b",), ("bc",), ("b", "c"), ("c", "b"))))
    firsts = {stream(seed, rep, what, tick, *names).integers(2**63) for seed, rep, what, tick, names in parts}
    assert len(firsts) == len(parts)
    assert key64(1, 11, "x") != key64(11, 1, "x")
    assert key64(1, 1, "12") != key64(1, 11, "2")
    assert key64(1, 1, "x", "y:z") != key64(1, 1, "x:y", "z")


def test_a_stream_does_not_depend_on_other_streams() -> None:
    alone = stream(3, 1, "appeal", 4, "Mistral").random(5)
    stream(3, 1, "demand", 4).random(1000)
    np.testing.assert_array_equal(stream(3, 1, "appeal", 4, "Mistral").random(5), alone)


def test_row_hash_golden_value() -> None:
    assert int(row_hash(np.uint64(1), 2, 3)) == _row_hash(1, 2, 3)
    assert int(noise32(np.uint32(5), np.uint32(6), np.uint32(7))) == _noise32(5, 6, 7)


def _row_hash(key: int, row: int, counter: int) -> int:
    x = (key + row * 0x9E3779B97F4A7C15 + counter * 0xD1342543DE82EF95) % 2**64
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    x = (x ^ x >> 27) * 0x94D049BB133111EB % 2**64
    return x ^ x >> 31


def _noise32(low: int, high: int, key: int) -> int:
    x = (low ^ key) * 0x21F0AAAD % 2**32
    x ^= x >> 16
    return (x + high) * 0xD35A2D97 % 2**32


def test_noise_of_two_alternatives_is_uniform_on_the_square() -> None:
    """Chi-square on 16 x 16 cells, 20,000 rows, 12 pairs of keys; each fails with probability 1e-6 if uniform."""
    keys = [np.uint32(key64(0, 0, "alternative", str(k)) % 2**32) for k in range(13)]
    bits = [int(row_hash(np.uint64(9), row, 0)) for row in range(20_000)]
    low = [(np.uint32(b % 2**32), np.uint32(b >> 32)) for b in bits]
    draws = np.array([[noise32(lo, hi, key) >> 28 for lo, hi in low] for key in keys], dtype=int)
    for a, b in pairwise(draws):
        cells = np.bincount(16 * a + b, minlength=256)
        chi_square = ((cells - 20_000 / 256) ** 2 / (20_000 / 256)).sum()
        assert chi_square < 372.5  # 255 degrees of freedom, upper 1e-6
