from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.demand import approach, latent_demand, split_consumers


@pytest.mark.parametrize(
    ("frontier", "demand"),
    [(0.0, 0.0), (50.0, 500.0), (200.0, 800.0), (12.5, 200.0), (1e12, pytest.approx(1000.0, rel=1e-9))],
)
def test_latent_demand_with_unit_elasticity(frontier: float, demand: float) -> None:
    assert latent_demand(frontier, 1000.0, 50.0, 1.0) == demand


@given(st.floats(0.3, 1.5))
def test_elasticity_is_that_of_small_demand(gamma: float) -> None:
    small = [latent_demand(frontier, 1000.0, 1e15, gamma) for frontier in (1e-3, 1e-3 * math.e)]
    assert math.log(small[1] / small[0]) == pytest.approx(gamma, rel=1e-2)


FORMS = ("hill", "exponential", "logarithmic")


@pytest.mark.parametrize(
    ("form", "start"), [("hill", 1.0), ("exponential", math.log(2.0)), ("logarithmic", 0.5 / math.log(2.0))]
)
def test_every_form_is_half_of_saturation_at_half_compute_and_a_power_before(form: str, start: float) -> None:
    assert latent_demand(50.0, 1000.0, 50.0, 0.7, form) == pytest.approx(500.0)  # type: ignore[arg-type]
    assert latent_demand(0.0, 1000.0, 50.0, 0.7, form) == 0.0  # type: ignore[arg-type]
    small = latent_demand(50e-9, 1000.0, 50.0, 1.0, form)  # type: ignore[arg-type]
    assert small == pytest.approx(start * 1000.0 * 1e-9, rel=1e-6)


def test_forms_differ_in_where_they_end() -> None:
    """Z = 3: 3/4, 1 - 1/8, log2(4)/2 of saturation; far out one doubles with Z and the others stop."""
    assert [latent_demand(150.0, 1000.0, 50.0, 1.0, form) for form in FORMS] == pytest.approx([750.0, 875.0, 1000.0])
    far = [latent_demand(50.0 * 2.0**40, 1000.0, 50.0, 1.0, form) for form in FORMS]
    assert far == pytest.approx([1000.0, 1000.0, 20_000.0], rel=1e-9)


def test_approach_closes_a_share_of_the_log_gap() -> None:
    level, gaps = 1.0, []
    for _ in range(6):
        gaps.append(math.log(100.0 / level))
        level = approach(level, 100.0, 0.35)
    assert gaps == pytest.approx([math.log(100.0) * 0.65**t for t in range(6)])
    assert approach(3.0, 7.0, 1.0) == pytest.approx(7.0)
    assert approach(3.0, 7.0, 0.0) == 3.0
    assert approach(0.0, 8.0, 0.25) == 2.0


def test_consumers_by_hand() -> None:
    # growth 25 %: 4 % churn and a fifth of the rest choose anew, by weights 1 : 3
    free = 0.04 + 0.96 * 0.2
    shares = split_consumers(np.array([0.8, 0.2]), np.array([0.0, math.log(3.0)]), 0.25, 0.04)
    assert shares.tolist() == pytest.approx([0.8 * (1 - free) + 0.25 * free, 0.2 * (1 - free) + 0.75 * free])


@given(st.lists(st.floats(-5.0, 5.0), min_size=2, max_size=6), st.floats(-0.5, 2.0), st.floats(0.0, 1.0))
def test_consumer_shares_stay_shares(utility: list[float], growth: float, churn: float) -> None:
    utilities = np.array([*utility, -np.inf])
    shares = split_consumers(np.ones(len(utilities)) / len(utilities), utilities, growth, churn)
    assert shares.sum() == pytest.approx(1.0)
    assert (shares >= 0.0).all()
    assert shares[-1] == 0.0  # sells nothing


def test_nobody_sells() -> None:
    assert split_consumers(np.array([0.5, 0.5]), np.array([-np.inf, -np.inf]), 0.1, 0.1).tolist() == [0.0, 0.0]
