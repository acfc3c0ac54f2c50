from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import minimize_scalar

from market.bargaining.bidding import expected_winning_bid, first_price_bid, optimal_reserve

CASES = [(2, 1.0, 1.0, 0.0), (3, 0.5, 1.0, 0.0), (5, 2.0, 3.0, 0.0), (2, 1.0, 1.0, 0.5), (3, 2.5, 2.0, 0.7)]
CASES += [(1, 1.5, 2.0, 0.6)]


@pytest.mark.parametrize(
    ("value", "bidders", "shape", "reserve", "bid"),
    [
        (0.8, 2, 1.0, 0.0, 0.4),
        (0.75, 3, 1.0, 0.0, 0.5),
        (0.75, 2, 2.0, 0.0, 0.5),
        (0.75, 5, 0.5, 0.0, 0.5),
        (0.8, 1, 3.0, 0.0, 0.0),
        (0.8, 1, 3.0, 0.5, 0.5),
        (0.5, 4, 2.0, 0.5, 0.5),
        (0.0, 4, 2.0, 0.0, 0.0),
        (0.8, 2, 1.0, 0.4, 0.5),
        (0.49, 2, 1.0, 0.5, None),
    ],
)
def test_bids(value: float, bidders: int, shape: float, reserve: float, bid: float | None) -> None:
    assert first_price_bid(value, bidders, shape, reserve) == (None if bid is None else pytest.approx(bid, abs=1e-15))


@pytest.mark.parametrize(("bidders", "shape", "top", "reserve"), CASES)
@pytest.mark.parametrize("part", [0.4, 0.7, 1.0])
def test_no_other_bid_is_better_against_rivals_who_bid_so(
    bidders: int, shape: float, top: float, reserve: float, part: float
) -> None:
    value = reserve + part * (top - reserve)
    types = np.linspace(reserve, top, 2001)
    bids = np.array([first_price_bid(float(k), bidders, shape, reserve) for k in types])
    payoff = (value - bids) * (types / top) ** (shape * (bidders - 1))
    own = float(value - (first_price_bid(value, bidders, shape, reserve) or 0.0))
    own *= (value / top) ** (shape * (bidders - 1))
    assert own >= payoff.max() - 1e-12
    if bidders > 1:
        assert types[payoff.argmax()] == pytest.approx(value, abs=1e-3 * top)


@pytest.mark.parametrize(("bidders", "shape", "top", "reserve"), CASES)
def test_bid_is_the_integral_of_riley_and_samuelson(bidders: int, shape: float, top: float, reserve: float) -> None:
    value = 0.8 * top
    power = shape * (bidders - 1)
    shaded, _ = quad(lambda x: (x / value) ** power, reserve, value)
    assert first_price_bid(value, bidders, shape, reserve) == pytest.approx(value - shaded, rel=1e-7)


@pytest.mark.parametrize(("bidders", "shape", "top", "reserve"), CASES)
def test_expected_winning_bid_is_the_mean_over_the_best_value(
    bidders: int, shape: float, top: float, reserve: float
) -> None:
    best = shape * bidders

    def weighted(k: float) -> float:
        return (first_price_bid(k, bidders, shape, reserve) or 0.0) * best * (k / top) ** (best - 1.0) / top

    mean, _ = quad(weighted, reserve, top)
    assert expected_winning_bid(bidders, shape, top, reserve) == pytest.approx(mean, rel=1e-7)


@pytest.mark.parametrize(("bidders", "shape", "top", "reserve"), [case for case in CASES if case[0] > 1])
def test_a_second_price_auction_brings_the_same(bidders: int, shape: float, top: float, reserve: float) -> None:
    below = (reserve / top) ** shape
    alone = reserve * bidders * (1.0 - below) * below ** (bidders - 1)

    def second_value(k: float) -> float:
        share, density = (k / top) ** shape, shape * (k / top) ** (shape - 1.0) / top
        return k * bidders * (bidders - 1) * (1.0 - share) * share ** (bidders - 2) * density

    contested, _ = quad(second_value, reserve, top)
    assert expected_winning_bid(bidders, shape, top, reserve) == pytest.approx(alone + contested, rel=1e-7)


@pytest.mark.parametrize("bidders", [1, 2, 3, 10, 100])
def test_published_revenue_with_uniform_values(bidders: int) -> None:
    assert expected_winning_bid(bidders) == pytest.approx((bidders - 1) / (bidders + 1), abs=1e-15)
    assert expected_winning_bid(bidders, top=5.0) == pytest.approx(5.0 * (bidders - 1) / (bidders + 1), abs=1e-14)


def test_a_reserve_at_the_top_sells_nothing_and_many_bidders_leave_no_rent() -> None:
    assert expected_winning_bid(3, 2.0, 4.0, 4.0) == 0.0
    assert expected_winning_bid(3, 2.0, 0.0) == 0.0
    assert first_price_bid(0.5, 10**9) == pytest.approx(0.5, abs=1e-8)
    assert expected_winning_bid(10**9) == pytest.approx(1.0, abs=1e-8)


@pytest.mark.parametrize("bidders", [1, 2, 6])
@pytest.mark.parametrize("shape", [0.3, 1.0, 4.0])
def test_the_optimal_reserve_brings_most_whatever_the_number_of_bidders(bidders: int, shape: float) -> None:
    found = minimize_scalar(
        lambda r: -expected_winning_bid(bidders, shape, 2.0, r), bounds=(0.0, 2.0), method="bounded",
        options={"xatol": 1e-9},
    )  # fmt: skip
    assert optimal_reserve(shape, 2.0) == pytest.approx(found.x, abs=1e-4)


def test_published_optimal_reserve() -> None:
    # Riley and Samuelson (1981): two uniform bidders and a reserve of 1/2 bring 5/12 instead of 1/3
    assert optimal_reserve() == 0.5
    assert expected_winning_bid(2, reserve=0.5) == pytest.approx(5 / 12, abs=1e-15)


def test_a_scoring_bidder_supplies_the_efficient_quality_and_competes_in_money() -> None:
    # Che (1993) with a buyer's utility 2 sqrt(q) - p and a cost q / k: the efficient quality is k^2, the best score k
    bidders, potential = 3, 0.8
    qualities, prices = np.meshgrid(np.linspace(0.0, 1.0, 1001), np.linspace(0.0, 2.0, 2001), indexing="ij")
    scores = 2.0 * np.sqrt(qualities) - prices
    highest = first_price_bid(1.0, bidders)
    assert highest is not None
    winning = np.clip(scores / highest, 0.0, 1.0) ** (bidders - 1)
    best = np.unravel_index(((prices - qualities / potential) * winning).argmax(), scores.shape)
    assert qualities[best] == pytest.approx(potential**2, abs=2e-3)
    assert scores[best] == pytest.approx(first_price_bid(potential, bidders), abs=3e-3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: first_price_bid(1.0, 0), "bidders: 0; allowed: 1 or more"),
        (lambda: first_price_bid(1.0, 2, 0.0), "shape: 0.0; allowed: above 0"),
        (lambda: first_price_bid(1.0, 2, math.inf), "shape: inf"),
        (lambda: first_price_bid(math.nan, 2), "value: nan"),
        (lambda: first_price_bid(1.0, 2, reserve=-1.0), "reserve: -1.0"),
        (lambda: expected_winning_bid(2, top=-1.0), "top: -1.0"),
        (lambda: expected_winning_bid(2, top=1.0, reserve=1.5), "reserve: 1.5; allowed: 0 to the top, 1.0"),
        (lambda: optimal_reserve(math.nan), "shape: nan"),
    ],
)
def test_bad_input_is_named(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
