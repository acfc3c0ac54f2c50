from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.expectations import adapt, damped_trend


def test_adaptive_expectations_are_a_geometric_average() -> None:
    expected, seen = 0.0, [0.4, 0.1, -0.2, 0.3]
    for observed in seen:
        expected = adapt(expected, observed, 0.3)
    assert expected == pytest.approx(sum(0.3 * 0.7 ** (3 - i) * value for i, value in enumerate(seen)))
    assert (adapt(0.1, 0.5, 0.0), adapt(0.1, 0.5, 1.0)) == (0.1, 0.5)


def test_damped_trend_by_hand() -> None:
    # growth .1 damped at one half: .05, then .075, .0875
    path = damped_trend(2.0, 0.1, 0.5, 4)
    assert path.tolist() == pytest.approx([2.0, 2.0 * math.exp(0.05), 2.0 * math.exp(0.075), 2.0 * math.exp(0.0875)])


def test_damped_trend_limits() -> None:
    assert damped_trend(3.0, 0.2, 0.0, 5).tolist() == [3.0] * 5
    assert damped_trend(3.0, 0.0, 0.9, 5).tolist() == [3.0] * 5
    assert damped_trend(1.0, 0.1, 1.0, 5) == pytest.approx(np.exp(0.1 * np.arange(5)))
    # the trend dies out at growth x phi / (1 - phi)
    assert damped_trend(1.0, 0.1, 0.92, 400)[-1] == pytest.approx(math.exp(0.1 * 0.92 / 0.08))


@given(st.floats(0.1, 10.0), st.floats(-0.3, 0.3), st.floats(0.0, 1.0), st.integers(2, 30))
def test_a_longer_horizon_only_adds(level: float, growth: float, damping: float, horizon: int) -> None:
    path = damped_trend(level, growth, damping, horizon)
    assert np.array_equal(path, damped_trend(level, growth, damping, horizon + 5)[:horizon])
    steps = np.abs(np.diff(np.log(path)))
    assert (np.diff(steps) <= 1e-12).all()
