"""Shares of variance against closed forms, through the design that forecasts are made with."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from experiments.forecasting.draws import make_draws, quotas
from experiments.forecasting.variance import variances
from experiments.sweeps.errors import SweepError

RUNS = 24
WEIGHTS = (0.5, 0.25, 0.25)
LEVELS = np.array([0.0, 1.0, 3.0])
SOURCES = ("parameters", "demand", "rule", "scenario", "luck")
AXES = {"demand": WEIGHTS, "rule": WEIGHTS}
LEVEL_VARIANCE = 0.5 * 0.0 + 0.25 * 1.0 + 0.25 * 9.0 - 1.0**2


def mean_estimate(
    function: Callable[..., np.ndarray], repeats: int = 600, runs: int = RUNS
) -> dict[str, tuple[float, float]]:
    """Mean over many small ensembles of each estimated part, with its standard error."""
    found: dict[str, list[float]] = {name: [] for name in ("total", *SOURCES)}
    rng = np.random.default_rng(5)
    for seed in range(repeats):
        draws = make_draws(runs, seed, AXES, WEIGHTS)
        p, luck = rng.uniform(-np.pi, np.pi, (2, runs // 2))
        levels = (LEVELS[each] for each in (*draws.structures.values(), draws.scenarios))
        y = function(p[draws.parameters], *levels, luck[draws.luck])
        parts = variances(y[:, None], draws)
        found["total"].append(float(parts.total[0]))
        for source in SOURCES:
            found[source].append(float(parts.of[source][0]))
    return {name: (float(np.mean(each)), float(np.std(each) / np.sqrt(repeats))) for name, each in found.items()}


def assert_unbiased(found: dict[str, tuple[float, float]], expected: dict[str, float]) -> None:
    for name, value in expected.items():
        mean, error = found[name]
        assert abs(mean - value) < 3.5 * error + 1e-12, (name, mean, value, error)


def test_parts_of_a_sum_are_unbiased_with_24_runs() -> None:
    uniform = np.pi**2 / 3
    expected = {
        "parameters": 4 * uniform, "demand": LEVEL_VARIANCE, "rule": 4 * LEVEL_VARIANCE,
        "scenario": 9 * LEVEL_VARIANCE, "luck": uniform,
    }  # fmt: skip
    found = mean_estimate(lambda p, s, r, c, luck: 2 * p + s + 2 * r - 3 * c + luck)
    assert_unbiased(found, expected | {"total": sum(expected.values())})


@pytest.mark.parametrize("source", SOURCES)
def test_one_source_alone_leaves_nothing_to_the_others_with_8_runs(source: str) -> None:
    """Eight runs share so much by chance and by design that any slip in the correction shows."""
    function = {
        "parameters": lambda p, s, r, c, luck: p,
        "demand": lambda p, s, r, c, luck: s,
        "rule": lambda p, s, r, c, luck: r,
        "scenario": lambda p, s, r, c, luck: c,
        "luck": lambda p, s, r, c, luck: luck,
    }[source]
    expected = dict.fromkeys(SOURCES, 0.0)
    expected[source] = np.pi**2 / 3 if source in ("parameters", "luck") else LEVEL_VARIANCE
    assert_unbiased(mean_estimate(function, repeats=400, runs=8), expected | {"total": expected[source]})


def test_parts_of_ishigami_s_function_are_unbiased_and_leave_its_interaction() -> None:
    """Parameters and luck are its x1 and x3, whose interaction is large; levels stand in for x2."""
    b = 0.1
    first = 0.5 * (1 + b * np.pi**4 / 5) ** 2
    interaction = b**2 * np.pi**8 * (1 / 18 - 1 / 50)
    expected = {"parameters": first, "demand": LEVEL_VARIANCE, "rule": 0.0, "scenario": 0.0, "luck": 0.0}
    found = mean_estimate(lambda p, s, r, c, luck: np.sin(p) + s + b * luck**4 * np.sin(p), runs=40)
    assert_unbiased(found, expected | {"total": sum(expected.values()) + interaction})


def test_shares_add_up_and_the_jackknife_covers() -> None:
    draws = make_draws(400, 3, {"structure": WEIGHTS}, WEIGHTS)
    rng = np.random.default_rng(0)
    p, luck = rng.normal(size=(2, 200))
    y = p[draws.parameters] * 2.0 + luck[draws.luck] + LEVELS[draws.structures["structure"]] * LEVELS[draws.scenarios]
    parts = variances(y[:, None], draws)
    product = LEVEL_VARIANCE**2 + 2 * LEVEL_VARIANCE  # of independent levels with mean one
    total = 4 + 1 + product
    expected = {
        "parameters": 4,
        "structure": LEVEL_VARIANCE,
        "scenario": LEVEL_VARIANCE,
        "luck": 1,
        "interaction": LEVEL_VARIANCE**2,
    }
    assert sum(share[0] for share in parts.shares.values()) == pytest.approx(1.0)
    for source, part in expected.items():
        assert abs(parts.shares[source][0] - part / total) < 3 * parts.share_error[source][0]
        assert parts.share_error[source][0] < 0.12


def test_what_varies_with_one_source_alone_is_all_its_share() -> None:
    draws = make_draws(40, 2, {"structure": WEIGHTS}, WEIGHTS)
    constant, luck = np.full(40, 0.1), draws.luck.astype(float)
    found = variances(np.stack([constant, luck, LEVELS[draws.scenarios]], axis=1), draws)
    assert np.isnan(found.shares["luck"][0])
    assert found.total[0] == 0.0
    assert found.shares["luck"][1] > 0.9
    assert found.shares["scenario"][2] == pytest.approx(1.0, abs=0.02)
    assert found.of["scenario"][2] == pytest.approx(found.total[2], rel=0.02)


def test_a_missing_run_is_left_out_and_a_source_of_one_level_has_no_part() -> None:
    draws = make_draws(40, 2, {"structure": (1.0,)}, WEIGHTS)
    y = LEVELS[draws.scenarios] + draws.luck / 10.0
    gone = y.copy()
    gone[7] = np.nan
    whole, found = variances(np.stack([y, gone], axis=1), draws), variances(gone[:, None], draws)
    assert whole.of["structure"].tolist() == [0.0, 0.0]
    assert found.shares["scenario"][0] == pytest.approx(whole.shares["scenario"][0], abs=0.1)
    assert np.isfinite(found.shares["scenario"][0])


def test_blocks_cross_two_draws_with_two_and_levels_have_exact_shares() -> None:
    axes = {"demand": (0.5, 0.3, 0.2), "rule": (0.25, 0.75)}
    draws = make_draws(40, 9, axes, (0.9, 0.1))
    for block in np.arange(40).reshape(-1, 4):
        pairs = set(zip(draws.parameters[block].tolist(), draws.luck[block].tolist(), strict=True))
        assert len(pairs) == 4
        assert len({p for p, _ in pairs}) == len({k for _, k in pairs}) == 2
    assert np.bincount(draws.structures["demand"]).tolist() == [20, 12, 8]
    assert np.bincount(draws.structures["rule"]).tolist() == [10, 30]
    assert np.bincount(draws.scenarios).tolist() == [36, 4]
    assert np.unique(draws.parameters, return_counts=True)[1].tolist() == [2] * 20
    same, other = make_draws(40, 9, axes, (0.9, 0.1)), make_draws(40, 8, axes, (0.9, 0.1))
    alone = make_draws(40, 9, {"demand": axes["demand"]}, (0.9, 0.1))  # another axis moves no draw of this one
    assert np.array_equal(draws.structures["demand"], same.structures["demand"])
    assert np.array_equal(draws.structures["demand"], alone.structures["demand"])
    assert not np.array_equal(draws.structures["demand"], other.structures["demand"])


def test_quotas_add_up() -> None:
    assert quotas([1, 1, 1], 200).tolist() == [67, 67, 66]
    assert quotas([0.999, 0.001], 8).tolist() == [8, 0]


@pytest.mark.parametrize("runs", [0, 4, 10, True, 8.0])
def test_runs_that_do_not_fill_blocks_are_refused(runs: int) -> None:
    with pytest.raises(SweepError, match=r"^runs: got .*; allowed: a multiple of 4, 8 or more$"):
        make_draws(runs, 1, {}, (1.0,))
