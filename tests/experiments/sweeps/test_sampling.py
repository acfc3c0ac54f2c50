"""Samples of the unit cube against what their inventors say of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from experiments.sweeps.sampling import SAMPLERS, rows, unit_problem, unit_sample

SETTINGS: dict[str, dict[str, Any]] = {
    "random": {"samples": 40},
    "lhs": {"samples": 40},
    "sobol": {"samples": 64},
    "morris": {"trajectories": 9, "levels": 6},
    "saltelli": {"samples": 8, "second_order": True},
}


@pytest.mark.parametrize("method", SAMPLERS)
@pytest.mark.parametrize("dimensions", [1, 2, 5])
def test_as_many_rows_as_counted(method: str, dimensions: int) -> None:
    unit = unit_sample(method, dimensions, SETTINGS[method], seed=3)
    assert unit.shape == (rows(method, dimensions, SETTINGS[method]), dimensions)
    assert unit.min() >= 0.0
    assert unit.max() <= 1.0


@pytest.mark.parametrize("method", SAMPLERS)
def test_the_seed_decides(method: str) -> None:
    first, again, other = (unit_sample(method, 3, SETTINGS[method], seed) for seed in (5, 5, 6))
    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != other.tobytes()


def test_random_is_uniform() -> None:
    unit = unit_sample("random", 2, {"samples": 40_000}, seed=1)
    counts = np.histogram2d(*unit.T, bins=10, range=[[0, 1], [0, 1]])[0]
    # chi-square of 100 cells: mean 99, standard deviation 14
    assert ((counts - 400) ** 2 / 400).sum() == pytest.approx(99, abs=4 * 14)


@pytest.mark.parametrize("samples", [1, 7, 50])
def test_latin_hypercube_has_one_point_in_each_stratum_of_each_axis(samples: int) -> None:
    unit = unit_sample("lhs", 4, {"samples": samples}, seed=2)
    strata = np.sort(np.floor(unit * samples), axis=0)
    assert (strata == np.arange(samples)[:, None]).all()


@pytest.mark.parametrize("power", [0, 3, 6])
def test_sobol_has_one_point_in_each_elementary_interval(power: int) -> None:
    samples = 2**power
    unit = unit_sample("sobol", 6, {"samples": samples}, seed=2)
    strata = np.sort(np.floor(unit * samples), axis=0)
    assert (strata == np.arange(samples)[:, None]).all()
    # the first two axes are a (0, m, 2)-net: one point in every box of area 1/N with sides of powers of two
    for split in range(power + 1):
        boxes = np.floor(unit[:, :2] * [2**split, 2 ** (power - split)])
        assert len(np.unique(boxes, axis=0)) == samples


@pytest.mark.parametrize("levels", [2, 4, 10])
def test_morris_moves_each_factor_once_a_trajectory_by_delta(levels: int) -> None:
    factors, trajectories = 7, 30
    unit = unit_sample("morris", factors, {"trajectories": trajectories, "levels": levels}, seed=4)
    assert set(np.unique(unit)) == {k / (levels - 1) for k in range(levels)}
    steps = np.diff(unit.reshape(trajectories, factors + 1, factors), axis=1)
    moved = steps != 0
    assert (moved.sum(axis=2) == 1).all()
    assert (moved.sum(axis=1) == 1).all()
    np.testing.assert_allclose(np.abs(steps[moved]), levels / (2 * (levels - 1)), rtol=1e-12)
    assert {-1.0, 1.0} == set(np.sign(steps[moved]))


def test_morris_effects_of_a_linear_function_are_its_coefficients() -> None:
    from SALib.analyze import morris

    slopes = np.array([3.0, -2.0, 0.0])
    unit = unit_sample("morris", 3, {"trajectories": 5, "levels": 4}, seed=1)
    found = morris.analyze(unit_problem(3), unit, unit @ slopes, num_levels=4, seed=1)
    np.testing.assert_allclose(found["mu"], slopes, atol=1e-12)
    np.testing.assert_allclose(found["sigma"], 0.0, atol=1e-12)


@pytest.mark.parametrize("second_order", [False, True])
def test_saltelli_blocks_are_a_ab_ba_b(second_order: bool) -> None:
    factors, samples = 3, 16
    unit = unit_sample("saltelli", factors, {"samples": samples, "second_order": second_order}, seed=2)
    size = 2 * factors + 2 if second_order else factors + 2
    assert len(unit) == samples * size
    a, b = unit[::size], unit[size - 1 :: size]
    for k in range(factors):
        ab, ba = a.copy(), b.copy()
        ab[:, k], ba[:, k] = b[:, k], a[:, k]
        assert (unit[1 + k :: size] == ab).all()
        if second_order:
            assert (unit[1 + factors + k :: size] == ba).all()
    # A beside B is a Sobol sample of twice as many axes
    strata = np.sort(np.floor(np.hstack([a, b]) * samples), axis=0)
    assert (strata == np.arange(samples)[:, None]).all()
