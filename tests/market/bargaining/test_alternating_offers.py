from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from market.bargaining.alternating_offers import PlannedOffer, alternating_offers, planned_offers
from market.bargaining.protocols import Conduct, Proposal, Settlement, Side, Table
from market.bargaining.rubinstein import finite_horizon_share, first_mover_share
from market.bargaining.solutions import nash

# two outcomes whose hull is the whole pie of size one: the lab must get more than nil, but may get next to it
PIE = (np.array([5e-324, 1.0]), np.array([1.0, 0.0]))
SLICES = np.concatenate(([5e-324], np.arange(1, 129) / 128.0))
CENTS = np.arange(101) / 100.0
X = np.linspace(0.0, 1.0, 2001)


def discounting(lab: float, provider: float, **others: Any) -> tuple[float, Conduct]:
    """Lab's weight and conduct that make these two factors a round."""
    rates = -math.log(lab), -math.log(provider)
    conduct = Conduct(impatience_per_quarter=sum(rates) / 2.0, offer_interval_quarters=1.0, **others)
    return rates[1] / sum(rates), conduct


def target(settlement: Settlement) -> tuple[str, float]:
    assert settlement.target is not None
    return settlement.target


def payoffs(settlement: Settlement) -> tuple[float, ...]:
    assert settlement.agreement is not None
    return settlement.agreement.payoffs


@pytest.mark.parametrize(("first", "split"), [("lab", (1.0, 0.0)), ("provider", (0.01, 0.99))])
def test_one_round_is_an_ultimatum(first: Side, split: tuple[float, float]) -> None:
    found = alternating_offers(Table(CENTS, 1.0 - CENTS), Conduct(deadline_rounds=1, first_mover=first))
    responder: Side = "provider" if first == "lab" else "lab"
    index = 100 if first == "lab" else 1
    assert payoffs(found) == split
    assert found.target == (responder, 0.0)
    assert found.proposals == (Proposal(1, first, index, *split, "accepted"),)


@pytest.mark.parametrize("factors", [(0.9, 0.9), (0.95, 0.6), (0.3, 0.8)])
@pytest.mark.parametrize("first", ["lab", "provider"])
def test_far_deadline_is_rubinstein(factors: tuple[float, float], first: Side) -> None:
    weight, conduct = discounting(*factors, deadline_rounds=601, first_mover=first)
    share = first_mover_share(factors if first == "lab" else factors[::-1])
    assert share is not None
    side, owed = target(alternating_offers(Table(*PIE, lab_weight=weight), conduct))
    assert side != first
    assert owed == pytest.approx(1.0 - share, abs=1e-12)


@pytest.mark.parametrize("rounds", range(1, 9))
@pytest.mark.parametrize("risk", [0.0, 0.2])
@pytest.mark.parametrize("options", [(-math.inf, -math.inf), (0.25, 0.125), (0.0, 0.625)])
def test_every_round_is_backward_induction(rounds: int, risk: float, options: tuple[float, float]) -> None:
    weight, conduct = discounting(0.9, 0.7, deadline_rounds=rounds, breakdown_prob=risk, first_mover="lab")
    table = Table(SLICES, 1.0 - SLICES, weight, floors=options)
    plan = planned_offers(table, conduct)
    assert [offer.round for offer in plan] == list(range(1, rounds + 1))
    for offer in plan:
        mine = 0 if offer.proposer == "lab" else 1
        share = finite_horizon_share(
            rounds - offer.round + 1,
            (0.9, 0.7) if mine == 0 else (0.7, 0.9),
            outside_options=options if mine == 0 else options[::-1],
            breakdown_prob=risk,
        )
        assert share is not None
        got = (offer.lab, offer.provider)
        assert got[mine] == pytest.approx(share, abs=1e-12)
        assert sum(got) == pytest.approx(1.0)
        assert offer.threshold <= got[1 - mine]
    assert target(alternating_offers(table, conduct))[1] == plan[0].threshold


def test_planned_offers_are_complete() -> None:
    calm = Conduct(impatience_per_quarter=0.0, breakdown_prob=0.5, deadline_rounds=3)
    table = Table(PIE[0] + 2.0, PIE[1] + 4.0, threat=(2.0, 4.0), floors=(2.125, -math.inf))
    assert planned_offers(Table(*PIE), calm) == (
        PlannedOffer(1, "provider", 0.25, 0.75, 0.25),
        PlannedOffer(2, "lab", 0.5, 0.5, 0.5),
        PlannedOffer(3, "provider", 5e-324, 1.0, 0.0),
    )
    assert planned_offers(table, calm)[-1] == PlannedOffer(3, "provider", 3.0, 4.0, 2.125)
    assert planned_offers(Table(-PIE[0], PIE[1]), calm) == ()


@pytest.mark.parametrize("weight", [0.2, 0.5, 0.7])
@pytest.mark.parametrize("threat", [(0.0, 0.0), (0.2, 0.1)])
@pytest.mark.parametrize("frontier", ["linear", "parabola"])
def test_fast_offers_tend_to_asymmetric_nash(weight: float, threat: tuple[float, float], frontier: str) -> None:
    second = 1.0 - X if frontier == "linear" else 1.0 - X**2
    fast = Conduct(impatience_per_quarter=1.0, offer_interval_quarters=1e-3, deadline_rounds=20_000)
    solution = nash((X, second), threat, (weight, 1.0 - weight))
    assert solution is not None
    found = payoffs(alternating_offers(Table(X, second, weight, threat), fast))
    assert found == pytest.approx(solution.payoffs, abs=2e-3)


@pytest.mark.parametrize("weight", [0.1, 0.5])
def test_risk_alone_tends_to_symmetric_nash_whatever_the_weight(weight: float) -> None:
    risky = Conduct(impatience_per_quarter=0.0, breakdown_prob=1e-3, deadline_rounds=20_000)
    solution = nash((X, 1.0 - X**2), (0.2, 0.1))
    assert solution is not None
    found = payoffs(alternating_offers(Table(X, 1.0 - X**2, weight, (0.2, 0.1)), risky))
    assert found == pytest.approx(solution.payoffs, abs=2e-3)


@pytest.mark.parametrize(("option", "owed"), [(-math.inf, 0.9 / 1.9), (0.0, 0.9 / 1.9), (0.45, 0.9 / 1.9), (0.6, 0.6)])
def test_deal_me_out(option: float, owed: float) -> None:
    # an outside option counts only where it beats what talks give (Binmore, Shaked and Sutton 1989)
    weight, conduct = discounting(0.9, 0.9, deadline_rounds=601)
    grid = np.arange(1, 1001) / 1000.0
    found = alternating_offers(Table(grid, 1.0 - grid, weight, floors=(option, -math.inf)), conduct)
    assert target(found)[0] == "lab"
    assert target(found)[1] == pytest.approx(owed, abs=1e-12)
    assert payoffs(found)[0] == pytest.approx(math.ceil(owed * 1000.0 - 1e-6) / 1000.0)


@pytest.mark.parametrize(("weight", "lab"), [(0.0, 0.01), (1.0, 1.0)])
@pytest.mark.parametrize("first", ["lab", "provider"])
def test_a_side_of_infinite_patience_gets_all(weight: float, lab: float, first: Side) -> None:
    fast = Conduct(impatience_per_quarter=1.0, offer_interval_quarters=1e-3, deadline_rounds=20_000, first_mover=first)
    assert payoffs(alternating_offers(Table(CENTS, 1.0 - CENTS, weight), fast))[0] == pytest.approx(lab, abs=0.011)


@pytest.mark.parametrize(("rounds", "lab"), [(199, 0.01), (200, 1.0)])
def test_without_cost_of_time_the_last_proposer_gets_all(rounds: int, lab: float) -> None:
    calm = Conduct(impatience_per_quarter=0.0, deadline_rounds=rounds)
    assert payoffs(alternating_offers(Table(CENTS, 1.0 - CENTS), calm)) == (lab, 1.0 - lab)


def test_lumpy_terms_serve_the_responder_and_then_the_proposer() -> None:
    weight, conduct = discounting(0.9, 0.9, deadline_rounds=601)
    table = Table(np.array([1.0, 4.0, 5.0, 9.0]), np.array([9.0, 5.5, 4.0, 1.0]), weight)
    found = alternating_offers(table, conduct)
    assert target(found)[1] == pytest.approx(4.7, abs=0.1)
    assert payoffs(found) == (5.0, 4.0)


def test_true_reservation_gains_are_outside_options() -> None:
    weight, conduct = discounting(0.9, 0.9, deadline_rounds=601, uncertainty=1.0)
    table = Table(SLICES, 1.0 - SLICES, weight, luck=(0.75, 0.0))
    assert alternating_offers(table, conduct).target == ("lab", 0.75)
    clash = alternating_offers(Table(SLICES, 1.0 - SLICES, luck=(0.6, 0.6)), conduct)
    assert clash == Settlement(None, "no terms meet both reservation values")
    assert planned_offers(Table(SLICES, 1.0 - SLICES, luck=(0.6, 0.6)), conduct) == ()
