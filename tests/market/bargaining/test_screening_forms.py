from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from scipy.interpolate import CubicSpline
from scipy.optimize import minimize_scalar

from market.bargaining.screening_forms import (
    Screen,
    accepted_offer,
    infinite_horizon_price_frac,
    price_frac,
    screening_path,
)

DISCOUNTS = [(0.9, 0.9), (0.5, 0.95), (0.95, 0.5), (0.9, 0.0), (0.0, 0.9), (0.99, 0.99)]


def by_values(offers: int, proposer: float, responder: float, types: int) -> tuple[float, float]:
    """First price and the proposer's expected payoff with values i / types, i = 1, ..., solved backwards.

    The state is how many of the lowest values are left. To sell down to j of k, the price makes value
    j + 1 as well off as waiting for the price that is then asked of the j left. Linear beliefs are not used.
    """
    values = np.arange(1, types + 1) / types
    left = np.arange(types + 1)
    worth, price = np.zeros(types + 1), np.zeros(types + 1)
    for remaining in range(1, offers + 1):
        asked = np.zeros(types + 1)
        asked[:-1] = values - (responder * np.maximum(values - price[:-1], 0.0) if remaining > 1 else 0.0)
        payoff = asked[None, :] * (left[:, None] - left[None, :]) + proposer * worth[None, :]
        payoff[left[:, None] < left[None, :]] = -np.inf
        chosen = payoff.argmax(axis=1)
        worth, price = payoff.max(axis=1), asked[chosen]
    return float(price[-1]), float(worth[-1] / types)


def by_beliefs(offers: int, proposer: float, responder: float) -> tuple[float, float]:
    """First price and the proposer's expected payoff with all values, solved backwards over a grid of beliefs.

    What later offers are worth and cost is interpolated, so that cutoffs may lie anywhere.
    """
    beliefs = np.linspace(0.0, 1.0, 21)
    worth, price = np.zeros(21), np.zeros(21)
    for remaining in range(1, offers + 1):
        later_worth, later_price = CubicSpline(beliefs, worth), CubicSpline(beliefs, price)

        def asked(cutoff: float, remaining: int = remaining, later_price: CubicSpline = later_price) -> float:
            return cutoff - (responder * (cutoff - float(later_price(cutoff))) if remaining > 1 else 0.0)

        for place, highest in enumerate(beliefs[1:], start=1):
            best = minimize_scalar(
                lambda x, h=highest, asked=asked, later=later_worth: -(asked(x) * (h - x) + proposer * later(x)),
                bounds=(0.0, highest),
                method="bounded",
                options={"xatol": 1e-9},
            )
            worth[place], price[place] = -best.fun, asked(best.x)
    return float(price[-1]), float(worth[-1])


@pytest.mark.parametrize("offers", [1, 2, 3, 6])
@pytest.mark.parametrize(("proposer", "responder"), DISCOUNTS)
def test_recursion_agrees_with_a_dynamic_programme_over_beliefs(offers: int, proposer: float, responder: float) -> None:
    expected = price_frac(offers, proposer, responder)
    assert by_beliefs(offers, proposer, responder) == pytest.approx((expected, expected / 2.0), abs=1e-6)


@pytest.mark.parametrize("offers", [1, 2, 3])
@pytest.mark.parametrize(("proposer", "responder"), DISCOUNTS)
def test_recursion_agrees_with_a_dynamic_programme_over_values(offers: int, proposer: float, responder: float) -> None:
    # more offers on a grid of values need far more of them: rounding a cutoff moves the price, as its optimum is
    # flat, by the square root of the step, and the next round's by the root of that
    expected = price_frac(offers, proposer, responder)
    assert by_values(offers, proposer, responder, 600) == pytest.approx((expected, expected / 2.0), abs=0.015)


@pytest.mark.parametrize("factor", [0.0, 0.3, 0.9])
def test_published_forms(factor: float) -> None:
    assert price_frac(1, factor, factor) == 0.5
    # two offers: Fudenberg and Tirole (1983)
    assert price_frac(2, factor, factor) == pytest.approx((2.0 - factor) ** 2 / (2.0 * (4.0 - 3.0 * factor)), abs=1e-15)
    # no last offer: Stokey (1981), Sobel and Takahashi (1983)
    root = math.sqrt(1.0 - factor)
    assert infinite_horizon_price_frac(factor, factor) == pytest.approx(root / (1.0 + root), abs=1e-15)


@pytest.mark.parametrize(("proposer", "responder"), DISCOUNTS)
def test_many_offers_come_to_no_last_offer(proposer: float, responder: float) -> None:
    assert price_frac(2000, proposer, responder) == pytest.approx(
        infinite_horizon_price_frac(proposer, responder), abs=1e-12
    )


def test_coase_holds_without_a_last_offer_and_only_so() -> None:
    endless = [infinite_horizon_price_frac(factor, factor) for factor in (0.9, 0.99, 0.9999, 1.0 - 1e-8)]
    assert endless == pytest.approx([0.240253, 0.090909, 0.009901, 0.0001], abs=1e-6)
    # with a last offer patient parties wait for it, and it is the monopoly's
    assert [price_frac(20, factor, factor) for factor in (1.0 - 1e-9, 1.0)] == pytest.approx([0.5, 0.5], abs=1e-6)
    assert screening_path(2, 1.0, 1.0) == (Screen(0.5, 1.0, 1.0), Screen(0.5, 1.0, 0.5))


def test_a_myopic_responder_is_discriminated_against_and_a_myopic_proposer_is_not_dearer() -> None:
    assert infinite_horizon_price_frac(1.0 - 1e-12, 0.0) == pytest.approx(1.0, abs=2e-6)
    assert price_frac(5, 0.0, 0.0) == 0.5


@pytest.mark.parametrize(("proposer", "responder"), DISCOUNTS)
def test_rejections_cut_the_belief_and_the_price(proposer: float, responder: float) -> None:
    path = screening_path(6, proposer, responder, highest=40.0)
    assert len(path) == 6
    assert path[0].highest == 40.0
    assert [screen.highest for screen in path[1:]] == [screen.highest_after for screen in path[:-1]]
    assert all(later.price < screen.price for screen, later in itertools.pairwise(path))
    assert path[-1].price == path[-1].highest_after == pytest.approx(path[-1].highest / 2.0)
    for place, screen in enumerate(path):
        assert screen.price == pytest.approx(screen.highest * price_frac(6 - place, proposer, responder))


@pytest.mark.parametrize(("proposer", "responder"), DISCOUNTS)
def test_half_the_first_price_is_what_the_proposer_expects(proposer: float, responder: float) -> None:
    path = screening_path(5, proposer, responder)
    expected = sum(s.price * (s.highest - s.highest_after) * proposer**place for place, s in enumerate(path))
    assert expected == pytest.approx(path[0].price / 2.0, abs=1e-15)


@pytest.mark.parametrize("responder", [0.1, 0.5, 0.9])
def test_every_value_accepts_the_offer_that_is_best_for_it(responder: float) -> None:
    path = screening_path(5, 0.9, responder)
    for value in np.linspace(0.003, 0.997, 143):
        gains = [responder**place * (value - screen.price) for place, screen in enumerate(path)]
        best = int(np.argmax(gains)) if max(gains) > 0.0 else None
        assert accepted_offer(float(value), path) == best


def test_complete_path_of_two_offers() -> None:
    path = screening_path(2, 0.5, 0.5, highest=80.0)
    # m = 3/4, price 9/20 and cutoff 3/5 of the highest value, then half of what is left
    assert [(s.price, s.highest, s.highest_after) for s in path] == [
        pytest.approx((36.0, 80.0, 48.0)),
        pytest.approx((24.0, 48.0, 24.0)),
    ]
    assert [accepted_offer(value, path) for value in (80.0, 48.1, 47.9, 24.1, 23.9, 0.0)] == [0, 0, 1, 1, None, None]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: price_frac(0, 0.9, 0.9), "offers: 0; allowed: 1 or more"),
        (lambda: price_frac(2, 1.1, 0.9), "discount_proposer: 1.1; allowed: 0 to 1"),
        (lambda: price_frac(2, 0.9, math.nan), "discount_responder: nan"),
        (lambda: infinite_horizon_price_frac(1.0, 1.0), "discounts: both 1"),
        (lambda: screening_path(2, 0.9, 0.9, -1.0), "highest: -1.0; allowed: 0 or more"),
        (lambda: screening_path(2, 0.9, 0.9, math.inf), "highest: inf"),
    ],
)
def test_bad_input_is_named(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
