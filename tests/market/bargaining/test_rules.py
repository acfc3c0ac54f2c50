from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.bargaining.protocols import Conduct, Proposal, Settlement, Side, Table
from market.bargaining.rules import RULES
from market.bargaining.solutions import kalai_smorodinsky, nash
from market.bargaining.zone import concave_hull, zone_of_agreement

CONDUCTS = {
    "alternating_offers": Conduct(impatience_per_quarter=0.5, deadline_rounds=31, breakdown_prob=0.01, uncertainty=0.5),
    "concession": Conduct(deadline_rounds=20, uncertainty=0.5, lab_concession=0.5, opening_concession=0.125),
    "screening": Conduct(impatience_per_quarter=0.5, deadline_rounds=3, uncertainty=0.5),
    "nash": Conduct(uncertainty=0.5),
    "kalai_smorodinsky": Conduct(uncertainty=0.5),
}
SEARCHED = ["alternating_offers", "concession", "screening"]
# integers as floats: products and quotients by powers of two are then exact
amounts = st.one_of(st.integers(-10, 60).map(float), st.just(-math.inf))
outcomes = st.lists(st.tuples(amounts, amounts), min_size=1, max_size=30)
points = st.tuples(st.integers(-5, 10).map(float), st.integers(-5, 10).map(float))
draws = st.tuples(st.sampled_from([0.0, 0.25, 0.75]), st.sampled_from([0.0, 0.25, 0.75]))
weights = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0])
tables = st.builds(
    lambda pairs, weight, threat, floors, luck: Table(
        np.array([lab for lab, _ in pairs]), np.array([provider for _, provider in pairs]), weight, threat, floors, luck
    ),
    outcomes,
    weights,
    points,
    points,
    draws,
)


def test_names() -> None:
    assert list(RULES) == ["nash", "kalai_smorodinsky", "alternating_offers", "concession", "screening"]


@pytest.mark.parametrize("name", RULES)
@given(tables)
@settings(max_examples=60)
def test_agreements_are_rational_and_on_the_frontier(name: str, table: Table) -> None:
    found = RULES[name](table, CONDUCTS[name])
    if found.agreement is None:
        assert found.reason != "agreed"
        assert found.target is None
        return
    lab, provider = found.agreement.payoffs
    assert found.reason == "agreed"
    assert (lab, provider) == (table.lab[found.agreement.index], table.provider[found.agreement.index])
    assert lab > table.threat[0]
    assert lab >= table.floors[0]
    assert provider >= max(table.threat[1], table.floors[1])
    no_worse = (table.lab >= lab) & (table.provider >= provider)
    assert not (no_worse & ((table.lab > lab) | (table.provider > provider))).any()
    equal = np.flatnonzero((table.lab == lab) & (table.provider == provider)).tolist()
    assert set(equal) <= set(found.agreement.ties)
    if found.proposals:
        assert [proposal.answer for proposal in found.proposals[:-1]] == ["rejected"] * (len(found.proposals) - 1)
        last = found.proposals[-1]
        assert (last.index, last.lab, last.provider, last.answer) == (found.agreement.index, lab, provider, "accepted")


@pytest.mark.parametrize("name", RULES)
@given(tables)
@settings(max_examples=40)
def test_no_deal_exactly_where_nothing_is_rational_or_reservations_are_private(name: str, table: Table) -> None:
    found = RULES[name](table, replace(CONDUCTS[name], uncertainty=0.0))
    rational = (table.lab > table.threat[0]) & (table.provider >= table.threat[1])
    rational &= (table.lab >= table.floors[0]) & (table.provider >= table.floors[1])
    assert (found.agreement is not None) == rational.any()


@pytest.mark.parametrize("name", SEARCHED)
@given(tables, st.randoms(use_true_random=False))
@settings(max_examples=40)
def test_relabelling_outcomes_changes_no_payoff(name: str, table: Table, shuffled: Any) -> None:
    order = list(range(len(table.lab)))
    shuffled.shuffle(order)
    relabelled = replace(table, lab=table.lab[order], provider=table.provider[order])
    assert worth(RULES[name](relabelled, CONDUCTS[name])) == worth(RULES[name](table, CONDUCTS[name]))


@pytest.mark.parametrize("name", [*SEARCHED, "kalai_smorodinsky"])
@given(tables, st.sampled_from([-20, -1, 3, 40]))
@settings(max_examples=40)
def test_powers_of_two_scale_payoffs_exactly(name: str, table: Table, power: int) -> None:
    unit = 2.0**power
    scaled = Table(
        table.lab * unit,
        table.provider * unit,
        table.lab_weight,
        (table.threat[0] * unit, table.threat[1] * unit),
        (table.floors[0] * unit, table.floors[1] * unit),
        table.luck,
    )
    before, after = RULES[name](table, CONDUCTS[name]), RULES[name](scaled, CONDUCTS[name])
    assert worth(after) == tuple(part * unit for part in worth(before))
    assert [p.index for p in after.proposals] == [p.index for p in before.proposals]
    assert (after.target is None) == (before.target is None)
    if after.target is not None and before.target is not None:
        assert after.target == (before.target[0], before.target[1] * unit)


@pytest.mark.parametrize("name", ["alternating_offers", "concession"])
@given(outcomes, weights, draws)
@settings(max_examples=40)
def test_swapping_roles_mirrors(
    name: str, pairs: list[tuple[float, float]], weight: float, luck: tuple[float, float]
) -> None:
    # without outcomes at the threat point itself, which are good enough for the provider alone
    kept = [(lab, provider) for lab, provider in pairs if 0.0 not in (lab, provider)] or [(1.0, 1.0)]
    lab, provider = (np.array(side) for side in zip(*kept, strict=True))
    conduct = CONDUCTS[name]
    mirrored = replace(
        conduct,
        first_mover="lab",
        lab_concession=conduct.provider_concession,
        provider_concession=conduct.lab_concession,
    )
    there = RULES[name](Table(lab, provider, weight, luck=luck), conduct)
    back = RULES[name](Table(provider, lab, 1.0 - weight, luck=luck[::-1]), mirrored)
    assert worth(back) == worth(there)[::-1]
    sides: dict[Side, Side] = {"lab": "provider", "provider": "lab"}
    assert back.proposals == tuple(
        Proposal(p.round, sides[p.proposer], p.index, p.provider, p.lab, p.answer, p.believed) for p in there.proposals
    )


def worth(settlement: Settlement) -> tuple[float, ...]:
    return settlement.agreement.payoffs if settlement.agreement else ()


@given(tables, st.floats(0.0, 60.0))
@settings(max_examples=60)
def test_the_hull_covers_every_efficient_outcome_and_no_more(table: Table, gain: float) -> None:
    zone = zone_of_agreement(table)
    if not len(zone):
        return
    hull = concave_hull(zone)
    lab, provider = hull.corners["lab"]
    assert hull.corners["provider"] == (provider[::-1], lab[::-1])
    slopes = [(b - a) / (y - x) for x, y, a, b in zip(lab, lab[1:], provider, provider[1:], strict=False)]
    assert all(before > after for before, after in pairwise(slopes))
    for one, other in zip(zone.lab, zone.provider, strict=True):
        assert hull.best_for_other("lab", float(one)) >= other - 1e-9
    # every corner is an outcome
    assert set(zip(lab, provider, strict=True)) <= set(zip(zone.lab.tolist(), zone.provider.tolist(), strict=True))
    assert provider[-1] <= hull.best_for_other("lab", gain) <= provider[0]


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize(
    ("lab", "provider", "floors", "reason"),
    [
        ([], [], (0.0, 0.0), "no feasible terms"),
        ([-math.inf, 1.0], [1.0, -math.inf], (0.0, 0.0), "no feasible terms"),
        ([0.0, -1.0], [1.0, 2.0], (0.0, 0.0), "no terms are worth the lab's while"),
        ([1.0, 2.0], [-1.0, -2.0], (0.0, 0.0), "no terms are worth the provider's while"),
        ([1.0, 0.0], [-1.0, 2.0], (0.0, 0.0), "no terms leave both better off"),
        ([1.0, 2.0], [1.0, 0.0], (3.0, 0.0), "a rival offers the lab more"),
        ([1.0, 2.0], [1.0, 0.0], (0.0, 2.0), "the provider has a better option"),
        ([1.0, 2.0], [1.0, 0.0], (2.0, 1.0), "no terms match both outside options"),
    ],
)
def test_no_deal_says_why(
    name: str, lab: list[float], provider: list[float], floors: tuple[float, float], reason: str
) -> None:
    table = Table(np.array(lab), np.array(provider), floors=floors)
    assert RULES[name](table, CONDUCTS[name]) == Settlement(None, reason)


@pytest.mark.parametrize("name", RULES)
def test_nan_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"utilities of party 2: nan or \+inf"):
        RULES[name](Table(np.array([1.0, 1.0]), np.array([1.0, math.nan])), Conduct())


@pytest.mark.parametrize("name", RULES)
def test_one_outcome_is_agreed_by_every_rule(name: str) -> None:
    found = RULES[name](Table(np.array([1.0]), np.array([0.0])), CONDUCTS[name])
    assert worth(found) == (1.0, 0.0)


def test_solution_concepts_take_reservation_gains_for_known_options() -> None:
    pie = np.arange(1, 101) / 100.0
    free = Table(pie, 1.0 - pie, lab_weight=0.25)
    bound = replace(free, luck=(0.8, 0.0))
    unsure = Conduct(uncertainty=0.5)
    assert worth(RULES["nash"](free, unsure)) == (0.25, 0.75)
    assert worth(RULES["nash"](bound, unsure)) == (0.4, 0.6)
    assert worth(RULES["nash"](replace(bound, floors=(0.7, 0.0)), unsure)) == (0.7, 1.0 - 0.7)
    shares = [kalai_smorodinsky((pie, 1.0 - pie), floors=(floor, 0.0)) for floor in (0.01, 0.4)]
    for table, expected in zip((free, bound), shares, strict=True):
        assert expected is not None
        assert RULES["kalai_smorodinsky"](table, unsure).agreement == expected
    clash = replace(free, luck=(0.75, 0.75))
    for name in ("nash", "kalai_smorodinsky"):
        assert RULES[name](clash, Conduct(uncertainty=1.0)) == Settlement(None, "no terms meet both reservation values")


def test_nash_keeps_what_the_provider_alone_would_take() -> None:
    # at weight nil the provider's best is worth nothing to the lab: the best that leaves the lab something is taken
    pie = np.arange(101) / 100.0
    assert worth(RULES["nash"](Table(pie, 1.0 - pie, lab_weight=0.0), Conduct())) == (0.01, 0.99)
    assert nash((pie, 1.0 - pie), weights=(0.0, 1.0)) is not None


@pytest.mark.parametrize(
    ("field", "value", "allowed"),
    [
        ("impatience_per_quarter", -0.1, "0 or more"),
        ("impatience_per_quarter", math.nan, "0 or more"),
        ("offer_interval_quarters", 0.0, "above 0"),
        ("deadline_rounds", 0, "whole rounds, 1 or more"),
        ("deadline_rounds", 2.5, "whole rounds, 1 or more"),
        ("breakdown_prob", 1.1, "0 to 1"),
        ("first_mover", "cloud", "lab, provider"),
        ("tactic", "linear", "polynomial, exponential"),
        ("lab_concession", -1.0, "0 or more"),
        ("provider_concession", math.inf, "0 or more"),
        ("opening_concession", -0.1, "0 to 1"),
        ("acceptance", "never", "next, constant, deadline"),
        ("acceptance_level", 2.0, "0 to 1"),
        ("uncertainty", math.nan, "0 to 1"),
        ("bidder_shape", 0.0, "above 0"),
    ],
)
def test_conduct_is_checked(field: str, value: Any, allowed: str) -> None:
    with pytest.raises(ValueError) as refused:
        Conduct(**{field: value})
    assert str(refused.value) == f"{field}: {value}; allowed: {allowed}"


@pytest.mark.parametrize(
    ("field", "value", "line"),
    [
        ("lab_weight", 1.5, "lab_weight: 1.5; allowed: 0 to 1"),
        ("threat", (math.inf, 0.0), "threat: (inf, 0.0); allowed: two finite numbers"),
        ("floors", (0.0, math.nan), "floors: (0.0, nan); allowed: numbers, or -inf for none"),
        ("luck", (0.0, 1.0), "luck: (0.0, 1.0); allowed: two draws from 0 to below 1"),
        ("provider", np.zeros(3), "utilities: shapes (2,), (3,); allowed: (outcomes,), both"),
    ],
)
def test_table_is_checked(field: str, value: Any, line: str) -> None:
    with pytest.raises(ValueError) as refused:
        Table(**({"lab": np.ones(2), "provider": np.ones(2)} | {field: value}))
    assert str(refused.value) == line
