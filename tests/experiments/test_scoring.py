"""Scores against closed forms and other libraries."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from experiments.scoring import brier, covered, crps, diebold_mariano, interval, weighted_quantile


@pytest.mark.parametrize("actual", [-1.5, 0.0, 2.0])
def test_crps_of_a_normal_ensemble_is_its_closed_form(actual: float) -> None:
    """Gneiting and Raftery (2007), equation 21, with the ensemble at the normal's quantiles."""
    members = stats.norm.ppf((np.arange(4000) + 0.5) / 4000)
    exact = actual * (2 * stats.norm.cdf(actual) - 1) + 2 * stats.norm.pdf(actual) - 1 / math.sqrt(math.pi)
    assert crps(members, actual) == pytest.approx(exact, abs=1e-3)


def test_weights_count_like_repeated_members() -> None:
    assert crps([1.0, 4.0], 2.0, [0.75, 0.25]) == pytest.approx(crps([1.0, 1.0, 1.0, 4.0], 2.0))
    assert crps([1.0, 9.0], 2.0, [1.0, 0.0]) == pytest.approx(1.0)


def test_quantiles_and_intervals() -> None:
    members = np.arange(1.0, 1001.0)
    assert interval(members, 0.8) == pytest.approx((100.5, 900.5))
    assert covered(members, 100.6) and not covered(members, 100.4)
    assert weighted_quantile([5.0, 1.0, 3.0], 0.5, [1.0, 1.0, 1.0]) == 3.0
    assert weighted_quantile([1.0, 2.0, 3.0], 0.5, [0.0, 0.0, 1.0]) == 3.0
    assert interval([2.0], 0.8) == (2.0, 2.0)


def test_one_step_ahead_the_test_is_students() -> None:
    """Harvey, Leybourne and Newbold's correction at h = 1 turns the statistic into the paired t statistic."""
    rng = np.random.default_rng(1)
    a, b = rng.normal(1.0, 0.5, 9), rng.normal(1.2, 0.5, 9)
    test, expected = diebold_mariano(a, b, 1), stats.ttest_1samp(a - b, 0.0)
    assert (test.statistic, test.p_value) == pytest.approx((expected.statistic, expected.pvalue))
    assert test.observations == 9


def test_longer_horizons_by_hand() -> None:
    """h = 2 with differences 1, 2, 3, 2: mean 2, gamma0 .5, gamma1 0, so DM = 2 / sqrt(.5 / 4), times sqrt(.375)."""
    test = diebold_mariano([2.0, 3.0, 4.0, 3.0], [1.0, 1.0, 1.0, 1.0], 2)
    assert test.statistic == pytest.approx(2.0 / math.sqrt(0.5 / 4) * math.sqrt((4 + 1 - 4 + 2 * 1 / 4) / 4))


def test_swapping_the_forecasts_turns_the_sign_and_equal_ones_give_no_test() -> None:
    a, b = [1.0, 2.0, 1.0, 3.0, 2.0], [2.0, 2.5, 1.5, 3.1, 4.0]
    assert diebold_mariano(a, b, 2).statistic == pytest.approx(-diebold_mariano(b, a, 2).statistic)
    assert math.isnan(diebold_mariano(a, a, 1).statistic)
    assert math.isnan(diebold_mariano([1.0], [2.0], 1).p_value)


def test_size_of_the_test_under_the_null() -> None:
    """2,000 samples of 12 independent differences: 5 % are rejected, give or take 4 standard errors (2 %)."""
    rng = np.random.default_rng(2)
    rejected = [diebold_mariano(row, np.zeros(12), 1).p_value < 0.05 for row in rng.standard_normal((2000, 12))]
    assert np.mean(rejected) == pytest.approx(0.05, abs=0.02)


def test_brier() -> None:
    assert brier([0.7, 0.2], [True, False]) == pytest.approx((0.09 + 0.04) / 2)
