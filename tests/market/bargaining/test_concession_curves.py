from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.bargaining.concession_curves import (
    Meeting,
    conceded_utility,
    exponential_concession,
    meeting,
    polynomial_concession,
    tactic,
)

CURVES = (polynomial_concession, exponential_concession)
TIMES = np.array([0.0, 4.0, 8.0, 12.0, 16.0, 20.0])
exponents = st.sampled_from([0.05, 0.2, 0.5, 1.0, 2.0, 5.0, 20.0])


@pytest.mark.parametrize(
    ("exponent", "opening", "expected"),
    [
        (1.0, 0.0, [0.0, 0.25, 0.5, 0.75, 1.0]),
        (1.0, 0.5, [0.5, 0.625, 0.75, 0.875, 1.0]),
        (0.5, 0.0, [0.0, 0.0625, 0.25, 0.5625, 1.0]),
        (2.0, 0.0, [0.0, 0.5, 0.5**0.5, 0.75**0.5, 1.0]),
        (0.0, 0.25, [0.25, 0.25, 0.25, 0.25, 1.0]),
        (math.inf, 0.25, [0.25, 1.0, 1.0, 1.0, 1.0]),
        (0.5, 1.0, [1.0, 1.0, 1.0, 1.0, 1.0]),
    ],
)
def test_polynomial(exponent: float, opening: float, expected: list[float]) -> None:
    assert polynomial_concession(np.arange(5.0), 4.0, exponent, opening).tolist() == expected


@pytest.mark.parametrize(
    ("exponent", "opening", "expected"),
    [
        (1.0, 0.0625, [0.0625, 0.125, 0.25, 0.5, 1.0]),
        (2.0, 0.0625, [0.0625, 0.0625**0.5625, 0.5, 0.0625**0.0625, 1.0]),
        (0.5, 0.0625, [0.0625, 0.0625 ** (0.75**0.5), 0.0625 ** (0.5**0.5), 0.25, 1.0]),
        (0.0, 0.25, [0.25, 0.25, 0.25, 0.25, 1.0]),
        (math.inf, 0.25, [0.25, 1.0, 1.0, 1.0, 1.0]),
        (1.0, 0.0, [0.0, 0.0, 0.0, 0.0, 1.0]),
        (0.5, 1.0, [1.0, 1.0, 1.0, 1.0, 1.0]),
    ],
)
def test_exponential(exponent: float, opening: float, expected: list[float]) -> None:
    assert exponential_concession(np.arange(5.0), 4.0, exponent, opening).tolist() == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize("exponent", [0.1, 1.0, 7.0])
def test_the_exponential_is_the_papers_formula(exponent: float) -> None:
    paper = np.exp((1.0 - TIMES / 20.0) ** exponent * math.log(0.1))
    assert exponential_concession(TIMES, 20.0, exponent, 0.1) == pytest.approx(paper, rel=1e-14)


@given(exponents, st.floats(0.01, 0.99), st.sampled_from(CURVES))
@settings(max_examples=60, deadline=None)
def test_concession_runs_from_the_opening_to_one_and_stays(exponent: float, opening: float, curve: Any) -> None:
    path = curve(np.linspace(0.0, 12.0, 121), 10.0, exponent, opening)
    assert (path[0], path[100]) == pytest.approx((opening, 1.0), rel=1e-15)
    assert path[100:].tolist() == [1.0] * 21
    assert np.all(np.diff(path) >= 0.0)


@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize(("tiny", "limit"), [(1e-9, 0.0), (1e9, math.inf)])
def test_extreme_exponents_tend_to_their_limits(curve: Any, tiny: float, limit: float) -> None:
    assert curve(TIMES, 20.0, tiny, 0.1) == pytest.approx(curve(TIMES, 20.0, limit, 0.1), abs=1e-6)


@pytest.mark.parametrize("exponent", [0.05, 0.2, 0.5, 0.9, 1.0, 1.1, 2.0, 5.0, math.inf])
def test_a_tactics_name_tells_on_which_side_of_the_line_it_concedes(exponent: float) -> None:
    times = np.linspace(0.0, 1.0, 10_001)
    over_line = polynomial_concession(times, 1.0, exponent, 0.3) - (0.3 + 0.7 * times)
    area = float(np.trapezoid(over_line, times))
    name = "linear" if abs(area) < 1e-9 else "conceder" if area > 0.0 else "Boulware"
    assert tactic(exponent) == name
    # beta / (1 + beta) is the area under (t / T)^(1 / beta)
    below = 1.0 if exponent == math.inf else exponent / (1.0 + exponent)
    assert area == pytest.approx(0.7 * (below - 0.5), abs=1e-4)


def test_the_exponential_is_below_the_line_at_exponent_one() -> None:
    times = np.linspace(0.0, 1.0, 11)[1:-1]
    assert np.all(exponential_concession(times, 1.0, 1.0, 0.1) < polynomial_concession(times, 1.0, 1.0, 0.1))


def test_a_scalar_time_gives_a_scalar() -> None:
    assert polynomial_concession(5.0, 10.0, 1.0).shape == ()
    assert float(exponential_concession(5.0, 10.0, 1.0, 0.25)) == 0.5


def test_a_demand_runs_from_the_best_to_the_reservation_value_exactly() -> None:
    asked = conceded_utility(np.array([0.0, 0.5, 1.0]), 0.7, 0.1)
    assert asked.tolist() == [0.7, 0.5 * 0.7 + 0.5 * 0.1, 0.1]


def test_two_straight_lines_meet() -> None:
    # 10 - 0.4 t and 10 - 0.3 t fit into 10 at t = 100 / 7
    found = meeting(10.0, (10.0, 10.0), (2.0, 4.0), 20.0, 1.0)
    assert found is not None
    assert (found.time, found.first, found.second) == pytest.approx((100 / 7, 30 / 7, 40 / 7))


@given(
    exponents,
    st.tuples(st.floats(0.0, 0.5), st.floats(0.0, 0.5)),
    st.tuples(st.floats(0.5, 1.0), st.floats(0.5, 1.0)),
    st.tuples(st.floats(0.0, 0.9), st.floats(0.0, 0.9)),
)
@settings(max_examples=60, deadline=None)
def test_a_meeting_is_the_first_time_the_demands_fit(
    exponent: float, reservation: tuple[float, float], best: tuple[float, float], openings: tuple[float, float]
) -> None:
    found = meeting(1.0, best, reservation, 30.0, exponent, openings)
    assert found is not None

    def asked(time: float | np.ndarray) -> list[np.ndarray]:
        return [
            conceded_utility(polynomial_concession(time, 30.0, exponent, openings[i]), best[i], reservation[i])
            for i in (0, 1)
        ]

    times = np.linspace(0.0, 30.0, 30_001)
    fits = times[sum(asked(times)) <= 1.0 + 1e-12]
    # a Boulware curve is so flat at first that rounding fits a demand early
    assert found.time == pytest.approx(fits[0], abs=2e-3) or found.time <= 1e-3
    assert asked(found.time) == pytest.approx([found.first, found.second], abs=1e-9)
    assert found.time == 0.0 or found.first + found.second == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize(
    ("pie", "second_best", "exponent", "openings", "expected"),
    [
        (10.0, 8.0, 0.0, (0.0, 0.0), Meeting(8.0, 5.0, 5.0)),
        (10.0, 8.0, math.inf, (0.0, 0.0), Meeting(0.0, 5.0, 5.0)),
        (10.0, 8.0, 0.5, (0.5, 0.5), Meeting(0.0, 5.0, 5.0)),
        (10.0, 10.0, 0.5, (1.0, 0.25), Meeting(0.0, 2.0, 8.0)),
        (4.0, 8.0, 0.5, (0.0, 0.0), Meeting(8.0, 2.0, 2.0)),
        (4.0, 8.0, math.inf, (0.0, 0.0), Meeting(0.0, 2.0, 2.0)),
        (4.0, 8.0, 0.5, (1.0, 1.0), Meeting(0.0, 2.0, 2.0)),
        (3.9, 8.0, 0.5, (0.0, 0.0), None),
    ],
)
def test_limit_cases_of_a_meeting(
    pie: float, second_best: float, exponent: float, openings: tuple[float, float], expected: Meeting | None
) -> None:
    assert meeting(pie, (8.0, second_best), (2.0, 2.0), 8.0, exponent, openings) == expected


def test_parties_with_nothing_to_concede_meet_at_once_whatever_the_rounding() -> None:
    # .6 * .9 + .4 * .9 and .6 * .5 + .4 * .5 sum to more than 1.4 by one bit
    found = meeting(1.4, (0.9, 0.5), (0.9, 0.5), 8.0, 1.0, (0.4, 0.4))
    assert found == Meeting(0.0, pytest.approx(0.9), pytest.approx(0.5))


def test_the_exponent_moves_the_time_and_not_the_terms() -> None:
    found = [meeting(10.0, (9.0, 8.0), (2.0, 1.0), 16.0, exponent) for exponent in (0.25, 1.0, 4.0)]
    assert [m and (m.first, m.second) for m in found] == [(5.5, 4.5)] * 3
    assert [m and m.time for m in found] == [16.0 * 0.5**0.25, 8.0, 1.0]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: polynomial_concession(-1.0, 10.0, 1.0), "time: -1.0; allowed: 0 or more"),
        (lambda: polynomial_concession(np.array([0.0, math.nan]), 10.0, 1.0), "time"),
        (lambda: polynomial_concession(1.0, 0.0, 1.0), "deadline: 0.0; allowed: above 0"),
        (lambda: polynomial_concession(1.0, 10.0, -1.0), "exponent: -1.0"),
        (lambda: exponential_concession(1.0, 10.0, math.nan, 0.1), "exponent: nan"),
        (lambda: exponential_concession(1.0, 10.0, 1.0, 1.1), "opening: 1.1; allowed: 0 to 1"),
        (lambda: conceded_utility(1.5, 1.0, 0.0), "concession: 1.5"),
        (lambda: tactic(math.nan), "exponent: nan"),
        (lambda: meeting(10.0, (1.0, 5.0), (2.0, 1.0), 8.0, 1.0), "none below the reservation value"),
        (lambda: meeting(math.nan, (5.0, 5.0), (2.0, 1.0), 8.0, 1.0), "pie nan"),
        (lambda: meeting(10.0, (5.0, 5.0), (2.0, 1.0), 8.0, 1.0, (0.0, -0.5)), "opening: -0.5"),
    ],
)
def test_bad_input_is_named(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
