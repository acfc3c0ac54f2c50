"""Ownership through chains and loops of stakes (Elliott, Golub and Jackson 2014)."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from market.look_through import dependency_matrix, look_through_stakes

CHAIN = [[0.0, 0.4, 0.0], [0.0, 0.0, 0.5], [0.0, 0.0, 0.0]]  # 0 holds 40 % of 1, which holds half of 2
HALVES = [[0.0, 0.5], [0.5, 0.0]]


def test_two_firms_that_hold_half_of_each_other() -> None:
    assert_allclose(dependency_matrix(HALVES), [[2 / 3, 1 / 3], [1 / 3, 2 / 3]], rtol=1e-12)
    assert_allclose(look_through_stakes(HALVES), [[1 / 3, 2 / 3], [2 / 3, 1 / 3]], rtol=1e-12)


def test_stakes_multiply_along_a_chain() -> None:
    assert_allclose(look_through_stakes(CHAIN), [[0, 0.4, 0.2], [0, 0, 0.5], [0, 0, 0]], atol=1e-15)
    assert_allclose(dependency_matrix(CHAIN), [[1, 0.4, 0.2], [0, 0.6, 0.3], [0, 0, 0.5]], atol=1e-15)


def test_direct_and_indirect_stakes_add_up() -> None:
    both = [[0.0, 0.4, 0.1], [0.0, 0.0, 0.5], [0.0, 0.0, 0.0]]
    assert_allclose(look_through_stakes(both)[0], [0.0, 0.4, 0.3], atol=1e-15)


def test_a_wholly_held_firm_passes_everything_on() -> None:
    whole = [[0.0, 1.0, 0.0], [0.0, 0.0, 0.14], [0.0, 0.0, 0.0]]
    assert_allclose(dependency_matrix(whole), [[1, 1, 0.14], [0, 0, 0], [0, 0, 0.86]], atol=1e-15)


def test_market_values_of_outside_owners_sum_to_the_assets() -> None:
    ring = [[0.0, 0.3, 0.0], [0.0, 0.0, 0.8], [0.6, 0.0, 0.0]]
    assets_usd_bn = np.array([100.0, 20.0, 5.0])
    assert (dependency_matrix(ring) @ assets_usd_bn).sum() == pytest.approx(125.0, rel=1e-12)


def test_without_holdings_everybody_keeps_what_they_have() -> None:
    assert_array_equal(dependency_matrix(np.zeros((3, 3))), np.eye(3))
    assert_array_equal(look_through_stakes(np.zeros((3, 3))), np.zeros((3, 3)))
    assert dependency_matrix(np.zeros((0, 0))).shape == (0, 0)


@pytest.mark.parametrize(
    ("holdings", "message"),
    [
        ([[0.0, 1.0], [1.0, 0.0]], "^holdings: a group of parties is held by itself alone"),
        ([[0, 1 / 3, 0.9], [0.3, 0, 0.1], [0.7, 2 / 3, 0]], "^holdings: a group of parties is held by itself alone"),
        ([[0.1]], "^holdings: a party cannot hold itself$"),
        ([[0.0, 0.7, 0.0], [0, 0, 0], [0.0, 0.5, 0.0]], r"^holdings: a party is held 1\.2 times over, at most 1"),
        ([[0.0, -0.7], [0.0, 0.0]], r"^holdings: found -0\.7, every value must be finite and at least 0$"),
        ([[0.0, 0.7]], r"^holdings: expected a square matrix, found shape \(1, 2\)$"),
    ],
)
def test_refusals(holdings, message) -> None:
    with pytest.raises(ValueError, match=message):
        dependency_matrix(holdings)
    with pytest.raises(ValueError, match=message):
        look_through_stakes(holdings)
