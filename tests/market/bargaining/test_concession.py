from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from market.bargaining.concession import concession
from market.bargaining.concession_curves import exponential_concession, meeting, polynomial_concession
from market.bargaining.protocols import Conduct, Proposal, Settlement, Side, Table

CENTS = np.arange(101) / 100.0
FINE = np.arange(10_001) / 10_000.0


def split(table: Table, **conduct: Any) -> tuple[float, ...]:
    found = concession(table, Conduct(**conduct))
    assert found.agreement is not None
    return found.agreement.payoffs


def fine_pie(**others: Any) -> Table:
    return Table(FINE, 1.0 - FINE, **others)


def test_every_proposal_of_a_small_table() -> None:
    # by hand: the provider asks 3, 1.5 in rounds 1, 3; the lab 2.25 and 0.75 in rounds 2, 4
    table = Table(np.array([1.0, 2.0, 3.0]), np.array([3.0, 2.0, 1.0]))
    found = concession(table, Conduct(deadline_rounds=4))
    assert found.proposals == (
        Proposal(1, "provider", 0, 1.0, 3.0, "rejected"),
        Proposal(2, "lab", 2, 3.0, 1.0, "rejected"),
        Proposal(3, "provider", 1, 2.0, 2.0, "accepted"),
    )
    assert found.agreement is not None
    assert (found.agreement.index, found.agreement.payoffs, found.agreement.ties) == (1, (2.0, 2.0), (1,))
    assert (found.reason, found.target) == ("agreed", ("provider", 1.5))


@pytest.mark.parametrize(("first", "expected"), [("lab", (1.0, 0.0)), ("provider", (0.01, 0.99))])
def test_one_round_is_an_ultimatum(first: Side, expected: tuple[float, float]) -> None:
    assert split(Table(CENTS, 1.0 - CENTS), deadline_rounds=1, first_mover=first) == expected


@pytest.mark.parametrize("exponent", [0.2, 1.0, 4.0])
@pytest.mark.parametrize("opening", [0.0, 0.3])
@pytest.mark.parametrize("floors", [(0.0, 0.0), (0.2, 0.3), (0.1, 0.6)])
def test_equal_tactics_meet_where_the_closed_form_says(
    exponent: float, opening: float, floors: tuple[float, float]
) -> None:
    best = (1.0 - floors[1], 1.0 - floors[0])
    met = meeting(1.0, best, floors, 2000.0, exponent, (opening, opening))
    assert met is not None
    found = concession(
        fine_pie(floors=floors),
        Conduct(
            deadline_rounds=2000, lab_concession=exponent, provider_concession=exponent, opening_concession=opening
        ),
    )
    assert found.agreement is not None
    # a round moves a demand by at most its steepest step, 0.011 here
    assert found.agreement.payoffs == pytest.approx((met.first, met.second), abs=0.02)
    assert len(found.proposals) == pytest.approx(met.time, abs=4.0)


@pytest.mark.parametrize(("lab", "provider"), [(0.3, 1.0), (2.0, 0.5), (5.0, 0.1)])
@pytest.mark.parametrize("tactic", ["polynomial", "exponential"])
def test_unequal_tactics_meet_where_the_two_curves_cross(lab: float, provider: float, tactic: Any) -> None:
    curve = polynomial_concession if tactic == "polynomial" else exponential_concession
    time = np.linspace(0.0, 1.0, 200_001)
    conceded = [curve(time, 1.0, exponent, 0.1) for exponent in (lab, provider)]
    crossing = int(np.argmax(conceded[0] + conceded[1] >= 1.0))
    found = split(
        fine_pie(),
        deadline_rounds=4000,
        lab_concession=lab,
        provider_concession=provider,
        opening_concession=0.1,
        tactic=tactic,
    )
    assert found[0] == pytest.approx(1.0 - conceded[0][crossing], abs=0.005)


@pytest.mark.parametrize("first", ["lab", "provider"])
def test_a_boulware_side_gets_near_all_from_a_conceder(first: Side) -> None:
    assert split(fine_pie(), lab_concession=0.02, provider_concession=10.0, first_mover=first)[0] > 0.97
    assert split(fine_pie(), lab_concession=10.0, provider_concession=0.02, first_mover=first)[1] > 0.97
    assert split(fine_pie(), lab_concession=0.0, provider_concession=1.0, first_mover=first)[0] > 0.98


@pytest.mark.parametrize("first", ["lab", "provider"])
@pytest.mark.parametrize("rival", [0.3, 1.0, 3.0])
def test_a_tougher_tactic_never_gets_less(first: Side, rival: float) -> None:
    exponents = [6.0, 3.0, 1.5, 1.0, 0.6, 0.3, 0.15, 0.08]
    got = [
        split(fine_pie(), deadline_rounds=2000, lab_concession=own, provider_concession=rival, first_mover=first)[0]
        for own in exponents
    ]
    assert got == sorted(got)
    assert got[-1] > got[0] + 0.3


@pytest.mark.parametrize(("level", "expected", "last"), [(0.8, (0.8, 0.2), "lab"), (0.35, (0.65, 0.35), "provider")])
def test_the_constant_rule_waits_for_its_level(level: float, expected: tuple[float, float], last: Side) -> None:
    # each offers the other t hundredths, the provider in its rounds t = 0, 2, 4, ..., the lab in t = 1, 3, 5, ...
    table = Table(CENTS, 1.0 - CENTS)
    found = concession(table, Conduct(deadline_rounds=100, acceptance="constant", acceptance_level=level))
    assert found.agreement is not None
    assert found.agreement.payoffs == pytest.approx(expected, abs=0.0101)
    took = found.agreement.first if last == "lab" else found.agreement.second
    assert took >= level * (1.0 if last == "lab" else 0.99)
    assert found.proposals[-1].proposer != last


def test_a_level_nobody_can_meet_fails_at_the_deadline() -> None:
    found = concession(
        Table(CENTS, 1.0 - CENTS), Conduct(deadline_rounds=50, acceptance="constant", acceptance_level=1.0)
    )
    assert (found.agreement, found.reason, found.target) == (None, "the deadline passed without agreement", None)
    assert [proposal.round for proposal in found.proposals] == list(range(1, 51))
    assert {proposal.answer for proposal in found.proposals} == {"rejected"}


def test_the_deadline_rule_takes_what_the_last_offer_holds() -> None:
    # the lab makes the last of 100 offers and has conceded 0.99 of its pie by then
    plain = split(Table(CENTS, 1.0 - CENTS), deadline_rounds=100, acceptance="deadline")
    assert plain == pytest.approx((0.01, 0.99), abs=0.0101)
    # who learns from offers does not go past what the other has asked: offers stay where they met
    learning = concession(
        Table(CENTS, 1.0 - CENTS), Conduct(deadline_rounds=100, acceptance="deadline", uncertainty=0.5)
    )
    assert learning.agreement is not None
    assert learning.agreement.payoffs == pytest.approx((0.5, 0.5), abs=0.0101)
    assert len(learning.proposals) == 100
    assert {proposal.index for proposal in learning.proposals[55:]} == {learning.agreement.index}
    assert learning.target is not None
    assert learning.target[1] == learning.agreement.first


def test_learning_changes_nothing_under_the_next_rule() -> None:
    known = concession(fine_pie(), Conduct())
    unsure = concession(fine_pie(), Conduct(uncertainty=1.0))
    assert known.agreement == unsure.agreement
    assert [p.index for p in known.proposals] == [p.index for p in unsure.proposals]
    assert {p.believed for p in known.proposals} == {None}


@pytest.mark.parametrize("luck", [(0.3, 0.3), (0.0, 0.6), (0.45, 0.1)])
def test_offers_cut_the_belief_and_never_the_truth(luck: tuple[float, float]) -> None:
    found = concession(fine_pie(luck=luck), Conduct(uncertainty=0.8))
    assert found.agreement is not None
    for place, side in enumerate(("lab", "provider")):
        truth = 0.8 * luck[place]
        held = [proposal.believed for proposal in found.proposals if proposal.proposer == side]
        tops = [top for belief in held if belief is not None for top in belief[1:]]
        assert len(tops) == len(held)
        assert tops == sorted(tops, reverse=True)
        assert tops[0] == pytest.approx(0.8, abs=1e-3)
        assert tops[-1] < tops[0]
        assert tops[-1] >= truth * 0.999
        assert found.agreement.payoffs[place] >= truth * 0.999


def test_a_higher_reservation_value_gets_more_until_talks_fail() -> None:
    got = [split(fine_pie(luck=(luck, 0.3)), uncertainty=1.0)[0] for luck in (0.0, 0.2, 0.4, 0.6)]
    assert got == sorted(got)
    assert got[-1] > got[0] + 0.1
    failed = concession(fine_pie(luck=(0.8, 0.3)), Conduct(uncertainty=1.0))
    assert failed.agreement is None
    assert failed.reason == "the deadline passed without agreement"
    assert len(failed.proposals) == Conduct().deadline_rounds


def test_two_who_hold_out_meet_an_ultimatum_in_the_last_round() -> None:
    hold = {"lab_concession": 0.0, "provider_concession": 0.0}
    assert split(fine_pie(), **hold) == (1.0, 0.0)
    # where reservation values are private the last offer can be too tough though terms for both exist
    private = concession(
        fine_pie(luck=(0.1, 0.1)), Conduct(uncertainty=1.0, lab_concession=0.0, provider_concession=0.0)
    )
    assert private == Settlement(None, "the deadline passed without agreement", private.proposals)
