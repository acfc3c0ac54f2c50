from __future__ import annotations

import json
import math
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.bargaining.negotiation import PAIR_RULES, evaluated, solve
from market.bargaining.problem import Problem, Terms, terms_at
from market.bargaining.protocols import Conduct
from market.bargaining.views import ISSUES, Grid, with_levels
from market.deals import Exclusivity, Trigger
from tests.market.bargaining.views import HORIZON, RICH, STAGED, UPFRONT, grid, lab, problem, provider, weights


def kept(talks: Problem) -> Problem:
    """A problem written to text and read again; JSON proper, so without its extensions for infinities."""
    return Problem.from_plain(json.loads(json.dumps(talks.plain(), allow_nan=False)))


def same(first: Any, second: Any) -> bool:
    """Equal to the bit, type and all."""
    if isinstance(first, np.ndarray):
        return isinstance(second, np.ndarray) and first.dtype == second.dtype and np.array_equal(first, second)
    if hasattr(first, "__dataclass_fields__"):
        parts = (
            [getattr(first, each.name) for each in fields(first)],
            [getattr(second, each.name) for each in fields(first)],
        )
        return type(first) is type(second) and all(map(same, *parts))
    if isinstance(first, tuple):
        return type(second) is tuple and len(first) == len(second) and all(map(same, first, second))
    return type(first) is type(second) and first == second


SEEN = (lab(need_gw=np.full(HORIZON, 1.0 / 3.0)), provider(expected_price=np.full(HORIZON, 0.1 + 0.2)))
PROBLEMS: dict[str, dict[str, Any]] = {
    "plain": {},
    "all issues": {"grid": grid(**RICH), "weights": weights(commitment_cover=0.3, obsolescence_per_year=0.1)},
    "views that differ": {"seen": SEEN},
    "no limits": {
        "provider": provider(buildable_gw=math.inf, power_gw=math.inf, equity_room_usd_bn=math.inf),
        "lab": lab(runway_quarters=math.inf),
    },
    "clause in force": {"provider": provider(running_clause=Exclusivity.EXCLUSIVE), "threat": (0.1, 0.2)},
    "floors": {"floors": (1.0 / 3.0, -math.inf)},
    "private reservation values": {
        "rule": "screening",
        "conduct": Conduct(uncertainty=0.5, deadline_rounds=20, first_mover="lab"),
        "luck": (0.3, 0.7),
    },
    "polished": {"continuous": ("discount", "equity", "gw")},
}


@pytest.mark.parametrize("case", PROBLEMS)
def test_a_problem_survives_json(case: str) -> None:
    talks = problem(**PROBLEMS[case])
    again = kept(talks)
    assert same(talks, again)
    assert again.plain() == talks.plain()


@pytest.mark.parametrize("case", PROBLEMS)
def test_a_problem_read_again_has_the_same_solution_to_the_bit(case: str) -> None:
    talks = problem(**PROBLEMS[case])
    before, after = solve(talks), solve(kept(talks))
    assert before.agreed
    assert (before.terms, before.lab, before.provider) == (after.terms, after.lab, after.provider)
    assert before.settlement == after.settlement
    for total in ("lab_total", "provider_total", "feasible"):
        assert np.array_equal(getattr(before.evaluation, total), getattr(after.evaluation, total))


@pytest.mark.parametrize("rule", PAIR_RULES)
def test_under_every_rule(rule: str) -> None:
    talks = problem(rule=rule, bidders=3, conduct=Conduct(deadline_rounds=30, lab_concession=0.5))
    before, after = solve(talks), solve(kept(talks))
    assert before.settlement == after.settlement
    assert (before.terms, before.lab, before.provider) == (after.terms, after.lab, after.provider)


def test_numbers_of_other_types_are_written_too() -> None:
    odd = problem(lab=lab(value_usd_bn=np.float64(100.0)), provider=provider(lead_quarters=np.int64(4)))
    assert same(kept(odd), problem())


@given(st.integers(0, grid(**RICH).size - 1))
def test_terms_and_their_place_in_the_grid(index: int) -> None:
    g = grid(**RICH)
    terms = terms_at(g, index)
    places = [g.gw.index(terms.gw), g.terms.index(terms.term_quarters), g.take_or_pay.index(terms.take_or_pay_frac)]
    places += [g.clauses.index(terms.clause), g.discounts.index(terms.discount_frac)]
    places += [g.equity.index(terms.equity_usd_bn), g.staging.index((terms.upfront_frac, terms.milestone))]
    places += [g.warrants.index(terms.warrant_stake_frac), g.revenue_shares.index(terms.revenue_share_frac)]
    assert int(np.ravel_multi_index(places, g.shape)) == index
    assert terms_at(terms.grid, 0) == terms
    assert terms.grid.size == 1


def test_terms_in_the_types_of_json() -> None:
    terms = Terms(0.5, 8, 0.95, Exclusivity.PRIMARY, 0.1, 4.0, *STAGED, 0.05, 0.02)
    assert json.loads(json.dumps(terms.plain())) == {
        "gw": 0.5,
        "term_quarters": 8,
        "take_or_pay_frac": 0.95,
        "clause": "primary",
        "discount_frac": 0.1,
        "equity_usd_bn": 4.0,
        "upfront_frac": 0.25,
        "milestone": "gw_live",
        "warrant_stake_frac": 0.05,
        "revenue_share_frac": 0.02,
    }


def test_shape_and_levels_of_a_grid() -> None:
    g = grid(**RICH)
    assert g.shape == (3, 2, 2, 4, 3, 3, 4, 2, 2)
    assert g.size == 3 * 2 * 2 * 4 * 3 * 3 * 4 * 2 * 2
    assert [getattr(g, issue) for issue in ISSUES] == list(g.levels)
    other = with_levels(g, "discounts", (0.2,))
    assert other.discounts == (0.2,)
    assert with_levels(other, "discounts", g.discounts) == g


# The table: levels at which a limit binds


def table(**changes: Any) -> Grid:
    """The table of a provider that nothing limits, unless changed."""
    free = {"buildable_gw": math.inf, "equity_room_usd_bn": math.inf}
    return problem(provider=provider(**{**free, **changes})).table


def test_without_limits_the_table_is_the_grid() -> None:
    assert table() == grid()


@pytest.mark.parametrize("limit", ["buildable_gw", "power_gw", "rival_room_gw"])
def test_the_tightest_limit_on_capacity_is_a_level(limit: str) -> None:
    found = table(**{"buildable_gw": 0.9, "power_gw": 0.8, "rival_room_gw": 0.7, limit: 0.6})
    assert found == grid(gw=(0.25, 0.5, 0.6, 1.0))


@pytest.mark.parametrize(
    ("limit", "levels"),
    [
        (0.1, (0.1, 0.25, 0.5, 1.0)),  # less than any level is still on offer
        (0.5, (0.25, 0.5, 1.0)),
        (1.0, (0.25, 0.5, 1.0)),
        (1.5, (0.25, 0.5, 1.0)),  # nobody asked for more
        (0.0, (0.25, 0.5, 1.0)),
        (-1.0, (0.25, 0.5, 1.0)),
    ],
)
def test_a_level_is_only_added_within_what_is_asked_for(limit: float, levels: tuple[float, ...]) -> None:
    assert table(buildable_gw=limit).gw == levels


def test_cash_is_a_level_of_equity() -> None:
    assert table(equity_room_usd_bn=8.0) == grid(equity=(0.0, 4.0, 8.0, 10.0))
    assert table(equity_room_usd_bn=11.0) == table(equity_room_usd_bn=0.0) == grid()


@given(st.floats(0.0, 0.9), st.floats(0.0, 1.0), st.floats(1.0, 500.0))
def test_the_level_of_a_stake_cap_is_what_the_cap_allows_exactly(stake: float, cap: float, value: float) -> None:
    b = provider(stake_frac=stake, stake_cap=cap, equity_room_usd_bn=math.inf)
    talks = problem(lab=lab(value_usd_bn=value), provider=b)
    new = set(talks.table.equity) - set(grid().equity)
    if not new:
        return
    (equity,) = new
    assert 0.0 < equity < 10.0
    sold = equity / (value + equity)
    assert stake * (1.0 - sold) + sold == pytest.approx(cap, abs=1e-12)
    # the constraint agrees: this much is allowed, a millionth more is not
    held = evaluated(talks, replace(grid(), equity=(equity, equity * 1.000001 + 1e-6))).constraints["stake cap"]
    assert held.ravel().tolist() == [True, False]


def test_the_stake_cap_by_hand() -> None:
    # from a tenth to .19: a tenth of the rest, so a ninth of the value of 100
    assert table(stake_cap=0.19).equity == (0.0, 4.0, 10.0)  # 11.1 is more than asked for
    assert table(stake_cap=0.145).equity == pytest.approx((0.0, 4.0, 100.0 * 0.05 / 0.95, 10.0))
    assert table(stake_cap=0.145, equity_room_usd_bn=4.5).equity == (0.0, 4.0, 4.5, 10.0)  # cash is tighter
    assert table(stake_cap=0.1).equity == table(stake_cap=0.05).equity == (0.0, 4.0, 10.0)
    assert table(stake_frac=1.0).equity == (0.0, 4.0, 10.0)


def test_a_provider_signs_all_that_it_can_build() -> None:
    offer = solve(problem(grid=grid(equity=(0.0,), staging=(UPFRONT,))))
    assert offer.terms is not None
    assert offer.terms.gw == 0.6


def test_triggers_and_clauses_are_read_as_what_they_are() -> None:
    read = kept(problem(grid=grid(**RICH))).grid
    assert all(isinstance(kind, Exclusivity) for kind in read.clauses)
    assert all(isinstance(trigger, Trigger) for _, trigger in read.staging)
