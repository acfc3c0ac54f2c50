"""Benchmark forecasts against what theory says of them."""

from __future__ import annotations

import numpy as np
import pytest

from experiments.benchmark_forecasts import BENCHMARKS, benchmark

WALK = np.cumsum(np.random.default_rng(5).normal(0.0, 1.0, 60)) + 100.0


def futures(name: str, history: np.ndarray, horizon: int = 8, scale: str = "linear", **more: object) -> np.ndarray:
    return benchmark(name, history, horizon, 4000, 7, scale=scale, **more).draws  # type: ignore[arg-type]


def test_the_naive_forecast_is_a_random_walk() -> None:
    draws = futures("naive", WALK)
    sd = np.sqrt(np.mean(np.diff(WALK) ** 2))
    assert np.median(draws, axis=0) == pytest.approx(np.full(8, WALK[-1]), abs=0.25)
    assert draws.std(axis=0) == pytest.approx(sd * np.sqrt(np.arange(1, 9)), rel=0.05)


def test_the_drift_goes_on_by_the_mean_change() -> None:
    line = 3.0 * np.arange(20.0)
    assert futures("drift", line)[0] == pytest.approx(57.0 + 3.0 * np.arange(1, 9))


def test_growth_is_geometric_on_the_log_scale_and_a_count_is_never_below_nil() -> None:
    assert futures("drift", 2.0 ** np.arange(6.0), 2, "log")[0] == pytest.approx([64.0, 128.0])
    assert futures("naive", np.array([0.0, 3.0, 0.0, 2.0, 0.0]), 8, "count").min() == 0.0


def test_autoregression_finds_persistence_of_changes() -> None:
    rng = np.random.default_rng(3)
    changes = np.zeros(400)
    for t in range(1, 400):
        changes[t] = 0.7 * changes[t - 1] + rng.normal(0.0, 0.1)
    changes[-1] = 1.0
    path = np.cumsum(changes)
    step = np.diff(np.median(futures("ar", path, 3), axis=0), prepend=path[-1])
    assert step == pytest.approx([0.7, 0.49, 0.34], abs=0.12)


def test_smoothing_of_a_flat_series_stays_and_of_a_trend_goes_on_damped() -> None:
    noise = np.random.default_rng(4).normal(0.0, 0.01, 40)
    assert np.median(futures("exponential_smoothing", 5.0 + noise), axis=0) == pytest.approx(np.full(8, 5.0), abs=0.05)
    trend = np.median(futures("exponential_smoothing", np.arange(40.0) + noise), axis=0)
    assert 39.5 < trend[0] < 40.5 and trend[0] < trend[7] <= 47.5


def test_a_constant_share_follows_the_total() -> None:
    total = np.exp(0.05 * np.arange(20.0))
    draws = futures("constant_share", 0.25 * total, 4, "log", total=total)
    whole = futures("exponential_smoothing", total, 4, "log")
    assert draws == pytest.approx(0.25 * whole)


@pytest.mark.parametrize("name", BENCHMARKS)
def test_few_and_irregular_readings(name: str) -> None:
    nan = np.nan
    point = benchmark(name, np.array([nan, 2.0, nan]), 4, 50, 1)
    assert (point.draws == pytest.approx(2.0)) and point.note
    two = benchmark(name, np.array([1.0, nan, 4.0, nan]), 4, 50, 1).draws
    assert np.isfinite(two).all() and two.shape == (50, 4)
    with pytest.raises(ValueError, match="no reading"):
        benchmark(name, np.array([nan, nan]), 4, 50, 1)


@pytest.mark.parametrize("name", BENCHMARKS)
def test_the_seed_decides_and_the_last_history_counts(name: str) -> None:
    one, same, other = (benchmark(name, WALK, 5, 20, seed, "linear").draws for seed in (1, 1, 2))
    assert (one == same).all() and (one != other).any()


def test_intervals_of_the_naive_forecast_cover_random_walks() -> None:
    """200 walks of 30 steps, 4 ahead: 80 % are inside, give or take 4 standard errors (11 points)."""
    rng = np.random.default_rng(6)
    inside = []
    for path in np.cumsum(rng.standard_normal((200, 34)), axis=1):
        draws = benchmark("naive", path[:30], 4, 400, 1, "linear").draws[:, 3]
        inside.append(np.quantile(draws, 0.1) <= path[33] <= np.quantile(draws, 0.9))
    assert np.mean(inside) == pytest.approx(0.8, abs=0.11)
