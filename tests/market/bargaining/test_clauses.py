from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.bargaining.clauses import TIED, captured, tied_cost
from market.bargaining.cover import capacity_sums, value_of_cover
from market.bargaining.utilities import evaluate
from market.bargaining.views import Grid
from market.deals import Exclusivity
from tests.market.bargaining.views import EXCLUSIVE, HORIZON, NONE, lab, one, provider, weights

ALL = tuple(Exclusivity)
# need 1.5 of which the provider alone serves 1 and contracts .5
SHORT = lab(need_gw=np.full(HORIZON, 1.5), contracted_gw=np.full(HORIZON, 0.5))
PLAIN = weights(discounting=0.0)
# four quarters of: 4 % of a quarter's compute of 3, times the square of how far each clause ties; an exclusive one
# besides .5 GW of need at .74 and a margin of a quarter on .3 x .7 x 2 of reach
COST = {kind: 4.0 * 0.12 * tied**2 for kind, tied in zip(ALL, (0.0, 0.3, 0.6, 1.0), strict=True)}
COST[EXCLUSIVE] += 4.0 * (0.5 * 0.74 + 0.25 * 0.3 * 0.7 * 2.0)
# four quarters of 2 % of 1 GW not contracted yet at a margin of 3 less 2
CAPTURE = {kind: 4.0 * 0.02 * tied for kind, tied in zip(ALL, (0.0, 0.3, 0.6, 1.0), strict=True)}
PULLED = 4.0 * 0.25 * 0.6 * 0.3 * 2.0  # all customers: own three tenths, others' seven


def by_clause(side: str, name: str, running: Exclusivity = NONE, reachable: bool = True) -> list[float]:
    b = provider(alone_gw=np.ones(HORIZON), running_clause=running, reachable=reachable)
    found = evaluate(SHORT, b, one(terms=(4,), clauses=ALL), PLAIN)
    return [float(each) for each in np.broadcast_to(getattr(found, side)[name], found.grid.shape).ravel()]


@pytest.mark.parametrize("running", ALL)
def test_every_clause_by_hand_over_the_one_in_force(running: Exclusivity) -> None:
    assert by_clause("lab", "exclusivity", running) == pytest.approx([COST[running] - COST[kind] for kind in ALL])
    assert by_clause("provider", "capture", running) == pytest.approx(
        [CAPTURE[kind] - CAPTURE[running] for kind in ALL]
    )


def test_pull_through_by_hand() -> None:
    # only an exclusive clause brings others' customers; own ones come once, with the first contract
    assert by_clause("provider", "pull_through") == pytest.approx([0.0, 0.0, 0.0, 0.7 * PULLED])
    first = by_clause("provider", "pull_through", reachable=False)
    assert first == pytest.approx([0.3 * PULLED, 0.3 * PULLED, 0.3 * PULLED, PULLED])
    assert by_clause("provider", "pull_through", EXCLUSIVE) == pytest.approx([-0.7 * PULLED] * 3 + [0.0])


def test_the_clause_in_force_is_worth_nothing_more() -> None:
    for running in ALL:
        at = ALL.index(running)
        for side, name in (("lab", "exclusivity"), ("provider", "capture"), ("provider", "pull_through")):
            assert by_clause(side, name, running)[at] == 0.0


@settings(max_examples=20)
@given(*[st.sampled_from(ALL)] * 3)
def test_two_steps_are_worth_what_one_is(first: Exclusivity, second: Exclusivity, third: Exclusivity) -> None:
    def step(before: Exclusivity, after: Exclusivity) -> tuple[float, float]:
        g = one(0.0, clauses=(after,))
        found = evaluate(SHORT, provider(running_clause=before, reachable=True), g, PLAIN)
        return float(found.lab["exclusivity"].item()), float(
            found.provider["capture"].item() + found.provider["pull_through"].item()
        )

    steps = np.array(step(first, second)) + np.array(step(second, third))
    assert steps == pytest.approx(np.array(step(first, third)), abs=1e-12)


def test_a_clause_ties_the_more_the_stronger_it_is() -> None:
    assert {kind: tied for kind, tied in zip(ALL, (0.0, 0.3, 0.6, 1.0), strict=True)} == TIED
    costs = [-each for each in by_clause("lab", "exclusivity")]
    gains = by_clause("provider", "capture")
    assert costs == sorted(set(costs))
    assert gains == sorted(set(gains))
    # a right of first refusal costs four times a primary clause and brings twice as much
    assert costs[2] == pytest.approx(4.0 * costs[1])
    assert gains[2] == pytest.approx(2.0 * gains[1])


@given(st.lists(st.integers(1, 36), min_size=1, max_size=4, unique=True), st.floats(0.0, 0.2))
def test_clauses_are_worth_more_the_longer_they_run(terms: list[int], discounting: float) -> None:
    g = one(0.0, terms=tuple(sorted(terms)))
    w, b = weights(discounting=discounting), provider()
    sums = capacity_sums(SHORT, b, g, w)
    for kind in ALL:
        cost = tied_cost(SHORT, b, g, w, value_of_cover(SHORT, 3.0), sums)[kind]
        assert (np.diff(cost) <= 1e-12).all()
        assert (np.diff(captured(b, w, sums)[kind]) >= -1e-12).all()


def test_nothing_is_captured_at_a_loss_nor_where_all_need_is_covered() -> None:
    g = one(clauses=(EXCLUSIVE,))
    dear = provider(user_cost_usd_bn_per_gw_quarter=3.5)
    assert not evaluate(SHORT, dear, g, PLAIN).provider["capture"].any()
    covered = lab(need_gw=np.ones(HORIZON), contracted_gw=np.ones(HORIZON))
    assert not evaluate(covered, provider(), g, PLAIN).provider["capture"].any()


def test_each_side_values_a_clause_by_its_own_forecast() -> None:
    # the lab sees .5 GW that the provider alone cannot serve, the provider a need of 2.5, 2 of them not contracted
    seen = (
        lab(need_gw=np.full(HORIZON, 2.5), contracted_gw=np.full(HORIZON, 0.5)),
        provider(alone_gw=np.ones(HORIZON)),
    )
    g: Grid = one(terms=(4,), clauses=(EXCLUSIVE,))
    found = evaluate(SHORT, provider(alone_gw=np.ones(HORIZON)), g, PLAIN, seen)
    assert float(found.lab["exclusivity"].item()) == pytest.approx(-COST[EXCLUSIVE])
    assert float(found.provider["capture"].item()) == pytest.approx(2.0 * CAPTURE[EXCLUSIVE])
