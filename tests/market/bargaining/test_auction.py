from __future__ import annotations

import numpy as np
import pytest

from market.bargaining.auction import auction, bid_for
from market.bargaining.bidding import expected_winning_bid
from market.bargaining.protocols import Conduct, Proposal, Settlement, Table

GRID = np.arange(1025) / 1024.0


def supplier(value: float, floors: tuple[float, float] = (-np.inf, -np.inf)) -> Table:
    """A provider that can give the lab at most `value`, money moving one for one."""
    return Table(GRID, value - GRID, floors=floors)


def test_winner_bids_settlements_complete() -> None:
    # m = 2: bids are two thirds of 0.75, 0.375, 0.1875
    found = auction([supplier(0.375), supplier(0.75), supplier(0.1875)], Conduct(), (0.1, 0.2, 0.3))
    won, lost = found.settlements[1], found.settlements[0]
    assert (found.winner, found.bids) == (1, (0.25, 0.5, 0.125))
    assert won.agreement is not None
    assert (won.agreement.payoffs, won.reason, won.target) == ((0.5, 0.25), "agreed", ("lab", 0.5))
    assert won.proposals == (Proposal(1, "provider", 512, 0.5, 0.25, "accepted"),)
    assert lost == Settlement(
        None, "a rival offers the lab more", (Proposal(1, "provider", 256, 0.25, 0.125, "rejected"),)
    )


def test_lumpy_terms_give_at_least_the_bid_and_the_provider_most() -> None:
    table = Table(np.array([0.1, 0.6, 0.7, 1.0]), np.array([0.9, 0.4, 0.1, 0.0]))
    found = auction([table, supplier(0.5)], Conduct(), (0.5, 0.5))
    assert found.bids == (0.5, 0.25)
    assert found.settlements[0].target == ("lab", 0.5)
    assert found.settlements[0].agreement is not None
    assert found.settlements[0].agreement.payoffs == (0.6, 0.4)


def test_a_single_provider_leaves_the_lab_its_reservation_value() -> None:
    alone = auction([supplier(1.0)], Conduct(), (0.5,))
    assert alone.bids == (0.0,)
    assert alone.settlements[0].agreement is not None
    assert alone.settlements[0].agreement.payoffs == (1 / 1024, 1023 / 1024)
    floored = auction([supplier(1.0, floors=(0.25, -np.inf))], Conduct(), (0.5,))
    assert floored.bids == (0.25,)
    assert floored.settlements[0].agreement is not None
    assert floored.settlements[0].agreement.payoffs == (0.25, 0.75)


def test_a_floor_is_a_reserve_that_shuts_out_the_weak_and_lifts_bids() -> None:
    floors = (0.5, -np.inf)
    found = auction([supplier(1.0, floors=floors), supplier(0.25, floors=floors)], Conduct(), (0.5, 0.5))
    # two could serve, so m = 1: (1 + 0.5 * 0.5) / 2
    assert found.bids == (0.625, -np.inf)
    assert found.settlements[1] == Settlement(None, "a rival offers the lab more")
    assert found.winner == 0


def test_the_threat_point_is_added_to_bids() -> None:
    table = Table(2.0 + GRID, 1.0 + 0.5 - GRID, threat=(2.0, 1.0))
    found = auction([table, table], Conduct(), (0.2, 0.1))
    assert found.bids == (2.25, 2.25)
    assert found.settlements[1].target == ("lab", 2.25)


@pytest.mark.parametrize(("luck", "winner"), [((0.1, 0.2), 0), ((0.2, 0.1), 1), ((0.3, 0.3), 0)])
def test_equal_bids_are_decided_by_luck(luck: tuple[float, float], winner: int) -> None:
    assert auction([supplier(0.5), supplier(0.5)], Conduct(), luck).winner == winner


def test_nobody_to_serve_is_no_deal_with_its_reasons() -> None:
    assert auction([], Conduct(), ()).winner is None
    found = auction([supplier(-0.5), supplier(0.5, floors=(0.75, 0.0))], Conduct(), (0.1, 0.2))
    assert (found.winner, found.bids) == (None, (-np.inf, -np.inf))
    assert [settlement.reason for settlement in found.settlements] == [
        "no terms are worth the provider's while",
        "a rival offers the lab more",
    ]


def test_luck_must_match() -> None:
    with pytest.raises(ValueError, match="luck: 1 draws for 2 tables; allowed: one each"):
        auction([supplier(0.5), supplier(0.5)], Conduct(), (0.1,))


def test_with_more_bidders_the_lab_takes_all() -> None:
    got = []
    for rivals in (0, 1, 3, 15, 255):
        tables = [supplier(1.0), *[supplier(0.25)] * rivals]
        agreement = auction(tables, Conduct(), [0.5] * len(tables)).settlements[0].agreement
        assert agreement is not None
        got.append(agreement.first)
    assert got == [1 / 1024, 0.5, 0.75, 0.9375, 0.99609375]


@pytest.mark.parametrize("shape", [0.5, 1.0, 2.0])
def test_on_average_the_lab_gets_the_second_price(shape: float) -> None:
    # fixed draws; a right bid fails four standard errors of the mean in one of 16,000 such draws
    draws = np.random.Generator(np.random.PCG64(7)).random((800, 3)) ** (1.0 / shape)
    conduct = Conduct(bidder_shape=shape)
    first = np.array([max(auction([supplier(k) for k in row], conduct, (0.1, 0.2, 0.3)).bids) for row in draws])
    second = np.sort(draws, axis=1)[:, 1]
    difference, error = (first - second).mean(), np.std(first - second) / 800**0.5
    assert error < 0.01
    assert abs(difference) < 4.0 * error
    assert abs(first.mean() - expected_winning_bid(3, shape)) < 4.0 * np.std(first) / 800**0.5


def test_one_bid_alone_is_the_winners() -> None:
    tables = [supplier(0.75), supplier(0.375)]
    assert bid_for(tables[0], Conduct(), 2) == auction(tables, Conduct(), (0.1, 0.2)).settlements[0]
    assert bid_for(supplier(-1.0), Conduct(), 2) == Settlement(None, "no terms are worth the provider's while")
