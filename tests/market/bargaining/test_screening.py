from __future__ import annotations

import math

import numpy as np
import pytest

from market.bargaining.protocols import Conduct, Proposal, Settlement, Table
from market.bargaining.screening import Screen, screening, screening_offers
from market.bargaining.screening_forms import accepted_offer, price_frac, screening_path
from market.bargaining.zone import zone_of_agreement

PIE = np.concatenate(([5e-324], np.arange(1, 1025) / 1024.0))
X = np.linspace(0.0, 1.0, 1001)


def factors(lab: float, provider: float, rounds: int, uncertainty: float = 1.0) -> tuple[float, Conduct]:
    """Lab's weight and conduct that make these two factors a round."""
    rates = -math.log(lab), -math.log(provider)
    conduct = Conduct(
        impatience_per_quarter=sum(rates) / 2.0,
        offer_interval_quarters=1.0,
        deadline_rounds=rounds,
        uncertainty=uncertainty,
    )
    return rates[1] / sum(rates), conduct


def target(settlement: Settlement) -> tuple[str, float]:
    assert settlement.target is not None
    return settlement.target


def offers(table: Table, conduct: Conduct, top: float | None = None) -> list[Screen]:
    zone = zone_of_agreement(table)
    prior = conduct.uncertainty * zone.best[0] if top is None else top
    return list(screening_offers(zone, prior, table.lab_weight, conduct))


@pytest.mark.parametrize("rounds", [1, 2, 3, 5])
@pytest.mark.parametrize(("lab", "provider"), [(0.9, 0.9), (0.6, 0.95), (0.95, 0.6), (0.3, 0.3)])
def test_a_linear_pie_is_sobel_and_takahashi(rounds: int, lab: float, provider: float) -> None:
    weight, conduct = factors(lab, provider, rounds)
    found = offers(Table(PIE, 1.0 - PIE, weight), conduct)
    published = screening_path(rounds, provider, lab)
    assert [1.0 - screen.offer for screen in found] == pytest.approx([step.price for step in published], abs=1e-9)
    assert [1.0 - screen.before for screen in found] == pytest.approx([step.highest for step in published], abs=1e-9)
    assert [1.0 - screen.after for screen in found] == pytest.approx(
        [step.highest_after for step in published], abs=1e-9
    )


@pytest.mark.parametrize("luck", [0.0, 0.1, 0.3, 0.5, 0.7, 0.9])
def test_a_lab_accepts_in_the_round_that_the_closed_form_says(luck: float) -> None:
    weight, conduct = factors(0.8, 0.9, 4)
    found = screening(Table(PIE, 1.0 - PIE, weight, luck=(luck, 0.0)), conduct)
    path = screening_path(4, 0.9, 0.8)
    place = accepted_offer(1.0 - luck, path)
    assert len(found.proposals) == (4 if place is None else place + 1)
    if place is None:
        assert found == Settlement(None, "the lab turned down the last offer", found.proposals)
        return
    assert target(found)[0] == "lab"
    assert target(found)[1] == pytest.approx(1.0 - path[place].price, abs=1e-9)
    assert found.agreement is not None
    assert found.agreement.first == pytest.approx(1.0 - path[place].price, abs=1 / 1024)


def test_one_offer_is_the_static_monopoly() -> None:
    # max (x - 0) (1 - x^2): x = 1 / sqrt 3
    (only,) = offers(Table(X, 1.0 - X**2), Conduct(uncertainty=1.0, deadline_rounds=1))
    assert (only.offer, only.before, only.after) == pytest.approx((3**-0.5, 0.0, 3**-0.5), abs=1e-3)


@pytest.mark.parametrize("rounds", [1, 3, 200])
def test_a_narrow_prior_is_pooled_at_once(rounds: int) -> None:
    # where even the toughest lab leaves much, serving all at once beats any screen: x (1 - x) rises up to 0.4
    assert offers(Table(PIE, 1.0 - PIE), Conduct(uncertainty=0.4, deadline_rounds=rounds)) == [Screen(0.4, 0.0, 1.0)]


def test_with_a_gap_every_lab_is_served_before_the_deadline() -> None:
    found = offers(Table(PIE, 1.0 - PIE), Conduct(impatience_per_quarter=2.0, uncertainty=0.75))
    assert found[-1].after == 1.0
    assert found[-1].offer == pytest.approx(0.75)
    assert 1 < len(found) < 5


def test_without_uncertainty_it_is_an_ultimatum() -> None:
    found = screening(Table(PIE, 1.0 - PIE, floors=(0.25, 0.0)), Conduct())
    assert found.agreement is not None
    assert (found.agreement.payoffs, found.target) == ((0.25, 0.75), ("lab", 0.25))
    assert found.proposals == (Proposal(1, "provider", 256, 0.25, 0.75, "accepted"),)


def test_a_known_floor_is_an_atom_of_the_prior() -> None:
    # one offer x >= 0.25: x (1 - x) is best at a half with the floor or without, and at the floor where it is higher
    conduct = Conduct(uncertainty=1.0, deadline_rounds=1)
    at_half = offers(Table(PIE, 1.0 - PIE, floors=(0.25, 0.0)), conduct)
    assert (at_half[0].offer, at_half[0].after) == pytest.approx((0.5, 0.5))
    at_floor = offers(Table(PIE, 1.0 - PIE, floors=(0.625, 0.0)), conduct)
    assert (at_floor[0].offer, at_floor[0].after) == pytest.approx((0.625, 0.625), abs=0.02)


def test_an_atom_is_served_before_it_would_wait() -> None:
    # by hand, both factors a half: after the atom the last offer is (1 + 0.625) / 2, for which the atom would wait;
    # across the corner that the floor makes the parabola is good to a part of the grid's step, 1 / 64
    weight, conduct = factors(0.5, 0.5, 2)
    found = offers(Table(PIE, 1.0 - PIE, weight, floors=(0.625, 0.0)), conduct)
    assert [screen.offer for screen in found] == pytest.approx([0.71875, 0.8125], abs=0.004)
    assert [screen.after for screen in found] == pytest.approx([0.625, 0.8125], abs=0.008)


def test_labs_that_want_more_than_the_provider_can_give_are_never_served() -> None:
    conduct = Conduct(uncertainty=1.0, deadline_rounds=3, impatience_per_quarter=1.0)
    found = screening(Table(PIE, 1.0 - PIE, luck=(0.8, 0.5)), conduct)
    assert found.agreement is None
    assert len(found.proposals) == 3
    assert all(proposal.provider >= 0.5 for proposal in found.proposals)


def test_the_providers_reservation_gain_is_known_and_lifts_its_price() -> None:
    # one offer: max x (1 - x - r), x = (1 - r) / 2 = 0.25 at r = 0.5
    conduct = Conduct(uncertainty=1.0, deadline_rounds=1)
    found = screening(Table(PIE, 1.0 - PIE, luck=(0.1, 0.5)), conduct)
    assert target(found)[0] == "lab"
    assert target(found)[1] == pytest.approx(0.25)
    assert found.agreement is not None
    assert found.agreement.second >= 0.5


def test_a_far_deadline_spreads_five_offers_over_its_rounds() -> None:
    conduct = Conduct(uncertainty=1.0, deadline_rounds=200, breakdown_prob=0.001)
    found = screening(Table(PIE, 1.0 - PIE, luck=(0.99, 0.0)), conduct)
    assert [proposal.round for proposal in found.proposals] == [1, 41, 81, 121, 161]
    per_offer = conduct.waiting_factors(0.5)[0] ** 40
    first = offers(Table(PIE, 1.0 - PIE), conduct)[0]
    assert 1.0 - first.offer == pytest.approx(price_frac(5, per_offer, per_offer), abs=1e-9)


def test_rejections_cut_the_belief_from_below() -> None:
    weight, conduct = factors(0.8, 0.9, 3, uncertainty=0.9)
    found = screening(Table(PIE, 1.0 - PIE, weight, luck=(0.6, 0.0)), conduct)
    held = [proposal.believed for proposal in found.proposals]
    assert all(belief is not None and belief[0] <= 0.9 * 0.6 <= belief[1] for belief in held)
    path = offers(Table(PIE, 1.0 - PIE, weight), conduct)[: len(held)]
    cuts = [(0.9 * screen.after, 0.9) for screen in path[:-1]] + [(0.9 * path[-1].before, 0.9 * path[-1].after)]
    assert len(held) > 1
    assert held == cuts


@pytest.mark.parametrize("luck", [0.0, 0.05, 0.2, 0.4, 0.6, 0.8])
@pytest.mark.parametrize("power", [1.0, 2.0])
def test_the_lab_could_not_do_better_by_accepting_in_another_round(luck: float, power: float) -> None:
    weight, conduct = factors(0.8, 0.7, 5)
    table = Table(X, 1.0 - X**power, weight, luck=(luck, 0.0))
    found = screening(table, conduct)
    worth = [0.8**turn * (screen.offer - luck) for turn, screen in enumerate(offers(table, conduct))]
    if found.agreement is None:
        assert max(worth) <= 1e-6
    else:
        assert worth[len(found.proposals) - 1] == pytest.approx(max(max(worth), 0.0), abs=2e-3)


def test_offers_rise() -> None:
    rising = [screen.offer for screen in offers(Table(X, 1.0 - X**2), Conduct(uncertainty=1.0))]
    assert len(rising) == 5
    assert rising == sorted(rising)
