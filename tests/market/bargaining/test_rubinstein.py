from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.bargaining.pie import nash_split
from market.bargaining.rubinstein import (
    NO_OPTIONS,
    ContinuousLimit,
    continuous_limit,
    finite_horizon_share,
    first_mover_share,
)

Pair = tuple[float, float]
OFFERS = np.linspace(0.0, 1.0, 20_001)

factors = st.floats(0.0, 0.99)
claims = st.tuples(st.floats(0.0, 1.0), st.floats(0.0, 1.0)).map(lambda pair: (pair[0] / 2.0, pair[1] / 2.0))


def by_enumeration(rounds: int, discounts: Pair, breakdown_prob: float, breakdown: Pair, options: Pair) -> Pair:
    """Payoffs of the game solved backwards node by node over a grid of offers."""
    value = np.array(breakdown)
    for turn in range(rounds, 0, -1):
        proposer, responder = (turn - 1) % 2, turn % 2
        if turn < rounds:
            value = breakdown_prob * np.array(breakdown) + (1.0 - breakdown_prob) * np.array(discounts) * value
        refusal = np.maximum(options, 0.0) if options[responder] > value[responder] else value
        accepted = refusal[responder] - 1e-12 <= OFFERS
        offer = int(np.where(accepted, 1.0 - OFFERS, refusal[proposer] - 1.0).argmax())
        agreed = np.empty(2)
        agreed[proposer], agreed[responder] = 1.0 - OFFERS[offer], OFFERS[offer]
        value = agreed if accepted[offer] and agreed[proposer] >= refusal[proposer] - 1e-3 else refusal
    return float(value[0]), float(value[1])


@pytest.mark.parametrize(("factor", "share"), [(0.9, 0.526316), (0.99, 0.502513)])
def test_published_shares(factor: float, share: float) -> None:
    assert first_mover_share((factor, factor)) == pytest.approx(share, abs=5e-7)


@pytest.mark.parametrize(
    ("discounts", "share"),
    [
        ((0.5, 0.5), 2 / 3),
        ((0.5, 0.8), 0.2 / 0.6),
        ((0.8, 0.5), 0.5 / 0.6),
        ((0.0, 0.0), 1.0),
        ((0.0, 0.8), 0.2),
        ((1.0, 0.5), 1.0),
        ((0.5, 1.0), 0.0),
    ],
)
def test_two_discount_factors(discounts: Pair, share: float) -> None:
    assert first_mover_share(discounts) == pytest.approx(share, abs=1e-15)


@given(factors, factors, claims, st.floats(0.0, 1.0), claims, st.booleans())
@settings(max_examples=60, deadline=None)
def test_the_share_solves_both_partys_indifference(
    first: float, second: float, options: Pair, breakdown_prob: float, breakdown: Pair, with_options: bool
) -> None:
    rules: dict[str, Any] = {"breakdown_prob": breakdown_prob, "breakdown": breakdown}
    options = options if with_options else NO_OPTIONS
    mine = first_mover_share((first, second), outside_options=options, **rules)
    theirs = first_mover_share((second, first), outside_options=options[::-1], breakdown_prob=breakdown_prob,
                               breakdown=breakdown[::-1])  # fmt: skip
    assert mine is not None
    assert theirs is not None
    stays = 1.0 - breakdown_prob
    assert mine == pytest.approx(
        1.0 - max(breakdown_prob * breakdown[1] + stays * second * theirs, options[1]), abs=1e-12
    )
    assert theirs == pytest.approx(
        1.0 - max(breakdown_prob * breakdown[0] + stays * first * mine, options[0]), abs=1e-12
    )


@given(factors, factors, claims, st.floats(0.0, 1.0), claims)
@settings(max_examples=60, deadline=None)
def test_many_rounds_come_to_no_last_round(
    first: float, second: float, options: Pair, breakdown_prob: float, breakdown: Pair
) -> None:
    rules: dict[str, Any] = {
        "outside_options": options,
        "breakdown_prob": breakdown_prob,
        "breakdown": breakdown,
    }
    endless = first_mover_share((first, second), **rules)
    for rounds in (3000, 3001):
        assert finite_horizon_share(rounds, (first, second), **rules) == pytest.approx(endless, abs=1e-12)


@given(
    st.integers(1, 7),
    st.floats(0.0, 1.0),
    st.floats(0.0, 1.0),
    st.floats(0.0, 1.0),
    claims,
    st.one_of(st.just(NO_OPTIONS), claims),
)
@settings(max_examples=60, deadline=None)
def test_backward_induction_agrees_with_the_game_tree(
    rounds: int, first: float, second: float, breakdown_prob: float, breakdown: Pair, options: Pair
) -> None:
    share = finite_horizon_share(
        rounds,
        (first, second),
        outside_options=options,
        breakdown_prob=breakdown_prob,
        breakdown=breakdown,
    )
    payoffs = by_enumeration(rounds, (first, second), breakdown_prob, breakdown, options)
    assert payoffs == pytest.approx((share, 1.0 - share if share is not None else None), abs=rounds * 1e-4)


@pytest.mark.parametrize("rounds", [1, 2, 3, 4, 9, 10])
def test_closed_form_of_a_last_round(rounds: int) -> None:
    first, second = 0.9, 0.8
    endless = (1.0 - second) / (1.0 - first * second)
    fade = (first * second) ** (rounds // 2)
    expected = endless + fade * (1.0 - endless) if rounds % 2 else endless * (1.0 - fade)
    assert finite_horizon_share(rounds, (first, second)) == pytest.approx(expected, abs=1e-14)


def test_whoever_proposes_last_takes_all_from_patient_parties() -> None:
    assert [finite_horizon_share(rounds, (1.0, 1.0)) for rounds in (1, 2, 3, 4)] == [1.0, 0.0, 1.0, 0.0]
    assert finite_horizon_share(2, (1.0, 1.0), breakdown=(0.25, 0.5)) == 0.25


@pytest.mark.parametrize(
    ("options", "share"),
    [
        (NO_OPTIONS, 0.5 / 0.75),
        ((-math.inf, 0.2), 0.5 / 0.75),
        ((-math.inf, 1 / 3), 0.5 / 0.75),
        ((-math.inf, 0.4), 0.6),
        ((0.3, -math.inf), 0.5 / 0.75),
        ((0.8, -math.inf), 0.9),
        ((0.8, 0.05), 0.9),
        ((0.8, 0.2), 0.8),
        ((0.0, 1.0), 0.0),
    ],
)
def test_an_outside_option_counts_only_where_it_beats_the_share(options: Pair, share: float) -> None:
    # Binmore, Shaked and Sutton (1989): with both factors 1/2 the first mover gets 2/3, the responder 1/3
    assert first_mover_share((0.5, 0.5), outside_options=options) == pytest.approx(share, abs=1e-15)


def test_claims_beyond_the_pie_part_the_two() -> None:
    assert first_mover_share((0.9, 0.9), outside_options=(0.6, 0.5)) is None
    assert first_mover_share((0.9, 0.9), breakdown_prob=0.1, breakdown=(0.6, 0.5)) is None
    assert finite_horizon_share(3, (0.9, 0.9), outside_options=(0.6, 0.5)) is None
    assert finite_horizon_share(3, (0.9, 0.9), breakdown=(0.6, 0.5)) is None


@pytest.mark.parametrize(
    ("rates", "breakdown_rate", "breakdown"),
    [
        ((0.1, 0.3), 0.0, (0.0, 0.0)),
        ((0.1, 0.3), 0.0, (0.2, 0.4)),
        ((0.0, 0.0), 0.2, (0.2, 0.4)),
        ((0.1, 0.3), 0.2, (0.2, 0.4)),
        ((0.0, 0.3), 0.2, (-0.2, 0.4)),
        ((0.0, 0.3), 0.0, (0.0, 0.0)),
    ],
)
def test_fast_offers_come_to_the_nash_split(rates: Pair, breakdown_rate: float, breakdown: Pair) -> None:
    limit = continuous_limit(rates, breakdown_rate, breakdown)
    split = nash_split(1.0, limit.threat, (limit.weight_first, 1.0 - limit.weight_first))
    assert split is not None
    errors = []
    for interval in (1e-2, 1e-3, 1e-4):
        share = first_mover_share(
            (math.exp(-rates[0] * interval), math.exp(-rates[1] * interval)),
            breakdown_prob=-math.expm1(-breakdown_rate * interval),
            breakdown=breakdown,
        )
        assert share is not None
        errors.append(abs(share - split[0]))
    assert errors[2] < 5e-5
    assert errors[2] == pytest.approx(errors[0] / 100.0, rel=0.05, abs=1e-10)


def test_fast_offers_with_options_come_to_the_nash_split_cut_off() -> None:
    for options, expected in (((0.0, 0.2), 0.75), ((0.0, 0.5), 0.5), ((0.9, 0.0), 0.9)):
        share = first_mover_share((math.exp(-1e-7), math.exp(-3e-7)), outside_options=options)
        assert share == pytest.approx(expected, abs=1e-6)


def test_the_threat_of_impatient_parties_is_the_breakdown_payoff_discounted_to_today() -> None:
    limit = continuous_limit((0.25, 0.75), 0.25, (0.5, 0.25))
    assert limit == ContinuousLimit(weight_first=1.0 / 1.5, threat=(0.25, 0.0625))


def test_certain_breakdown_makes_every_offer_an_ultimatum() -> None:
    assert first_mover_share((0.9, 0.9), breakdown_prob=1.0, breakdown=(0.125, 0.25)) == 0.75
    assert first_mover_share((1.0, 1.0), breakdown_prob=1.0, breakdown=(0.125, 0.25)) == 0.75


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: first_mover_share((1.1, 0.5)), "discounts: 1.1; allowed: 0 to 1"),
        (lambda: first_mover_share((0.5, math.nan)), "discounts: nan"),
        (lambda: first_mover_share((1.0, 1.0)), "without risk of breakdown; allowed: one of them below 1"),
        (lambda: first_mover_share((0.5, 0.5), breakdown_prob=-0.1), "breakdown_prob: -0.1"),
        (lambda: first_mover_share((0.5, 0.5), outside_options=(math.nan, 0.0)), "outside_options"),
        (lambda: first_mover_share((0.5, 0.5), breakdown=(math.inf, 0.0)), "breakdown"),
        (lambda: finite_horizon_share(0, (0.5, 0.5)), "rounds: 0; allowed: 1 or more"),
        (lambda: finite_horizon_share(2, (0.5, -0.5)), "discounts: -0.5"),
        (lambda: continuous_limit((0.0, 0.0)), "rates: all 0"),
        (lambda: continuous_limit((-1.0, 0.0)), "rates: -1.0"),
        (lambda: continuous_limit((1.0, 0.0), math.inf), "breakdown_rate: inf"),
    ],
)
def test_bad_input_is_named(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
