"""What is told of a deal recomputes from its story alone, once that has been written down and read again."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from market.bargaining.cover import ramped_gw
from market.bargaining.explanation import (
    FINE_DISCOUNTS,
    FRONTIER_POINTS,
    LIMITS,
    RIVAL,
    Rival,
    binding_constraint,
    components,
    edges,
    explained,
    offer_from,
    trace_of,
)
from market.bargaining.fixed_points import Convergence
from market.bargaining.menus import best_lab_gain
from market.bargaining.negotiation import PAIR_RULES, Offer, evaluated, solve
from market.bargaining.problem import Problem
from market.bargaining.protocols import Conduct
from market.bargaining.utilities import at_disagreement
from market.funding import FundingNeed
from tests.market.bargaining.views import (
    EXCLUSIVE,
    FIRST_REFUSAL,
    HORIZON,
    NONE,
    UPFRONT,
    grid,
    lab,
    one,
    problem,
    provider,
    table_of,
    weights,
)

FREE = provider(buildable_gw=math.inf, equity_room_usd_bn=math.inf)
SHORT_OF_CASH = {"funding": FundingNeed(0.0, 12.0, 1.2, 0.05), "depths": (2.0,), "costs": (0.04,)}


def story_of(offer: Offer, **changes: Any) -> dict[str, Any]:
    """The story of a signed offer as it is read from a file: JSON proper, without its extensions."""
    story = trace_of(8100, "signed", offer, "nash", 1, **changes).story
    return dict(json.loads(json.dumps(story, allow_nan=False)))


def told(offer: Offer, **changes: Any) -> dict[str, Any]:
    """What is told from the story alone, as plain data."""
    return dict(json.loads(json.dumps(explained(story_of(offer, **changes)), allow_nan=False)))


OTHERS: dict[str, dict[str, Any]] = {
    "plain": {},
    "polished": {"continuous": ("discount", "equity", "gw")},
    "floor": {"floors": (3.3, -math.inf), "continuous": ("discount",)},
    "threat": {"threat": (0.5, 0.7)},
    "views differ": {"seen": (lab(default_prob_per_quarter=0.03), provider(expected_price=np.full(HORIZON, 3.2)))},
    "clause in force": {"provider": provider(running_clause=EXCLUSIVE), "grid": grid(gw=(0.0, 0.5, 1.0))},
    "nothing limits": {"provider": FREE},
}
CASES = {**{rule: {"rule": rule, "bidders": 3} for rule in PAIR_RULES}, **OTHERS}


@pytest.mark.parametrize("case", CASES)
def test_everything_recomputes_from_the_story(case: str) -> None:
    offer = solve(problem(**CASES[case]))
    assert offer.terms is not None
    found = told(offer)
    assert found["payoffs"] == {"lab": offer.lab, "provider": offer.provider}
    assert found["terms"] == offer.terms.plain()
    assert found["rule"] == offer.problem.rule
    # components sum to payoffs, and levels are those of no deal and what is gained over it
    for side, parts in found["sides"].items():
        assert sum(part["gain"] for part in parts.values()) == pytest.approx(found["payoffs"][side], abs=1e-9)
        for part in parts.values():
            assert part["signed"] == part["disagreement"] + part["gain"]
    # distances are from the payoffs to each concept's
    ours = np.array([found["payoffs"]["lab"], found["payoffs"]["provider"]])
    for solution in found["solutions"].values():
        gap = ours - np.array([solution["lab"], solution["provider"]])
        assert solution["distance"] == pytest.approx(math.sqrt(float(gap @ gap)), abs=1e-12)
    # the frontier falls, and nothing on the table, its discounts on finer levels where they are continuous, beats it
    levels = offer.evaluation.grid.discounts
    if "discount" in offer.problem.continuous:
        levels = tuple(np.linspace(min(levels), max(levels), FINE_DISCOUNTS).tolist())
    table = table_of(offer.problem, evaluated(offer.problem, replace(offer.evaluation.grid, discounts=levels)))
    held = (table.lab >= offer.problem.threat[0]) & (table.provider >= offer.problem.threat[1])
    first, second = (np.array(each) for each in zip(*found["frontier"], strict=True))
    assert (np.diff(first) < 0.0).all()
    assert (np.diff(second) > 0.0).all()
    assert 2 <= len(first) <= FRONTIER_POINTS
    assert first[0] == pytest.approx(table.lab[held].max(), abs=1e-9)
    assert second[-1] == pytest.approx(table.provider[held].max(), abs=1e-9)
    for point in zip(first, second, strict=True):
        assert not ((table.lab >= point[0] + 1e-9) & (table.provider >= point[1] + 1e-9)).any()


def test_concepts_by_brute_force() -> None:
    offer = solve(problem(lab=lab(weight=0.3), threat=(0.2, 0.1)))
    table, found = table_of(offer.problem, offer.evaluation), told(offer)["solutions"]
    gains = table.lab - 0.2, table.provider - 0.1
    held = (gains[0] >= 0.0) & (gains[1] >= 0.0)
    first, second = gains[0][held], gains[1][held]
    scores = {
        "asymmetric Nash": first**0.3 * second**0.7,
        "symmetric Nash": first * second,
        "Kalai-Smorodinsky": np.minimum(first / first.max(), second / second.max()),
        "egalitarian": np.minimum(first, second),
        "utilitarian": first + second,
    }
    assert list(found) == list(scores)
    for name, score in scores.items():
        best = int(score.argmax())
        point = found[name]["lab"] - 0.2, found[name]["provider"] - 0.1
        assert point == pytest.approx((first[best], second[best]), abs=1e-9), name
    assert found["asymmetric Nash"]["distance"] == pytest.approx(0.0, abs=1e-9)


def test_concepts_are_polished_as_signed_terms_are() -> None:
    for rule, name in (("nash", "asymmetric Nash"), ("kalai_smorodinsky", "Kalai-Smorodinsky")):
        offer = solve(problem(lab=lab(weight=0.3), rule=rule, continuous=("discount", "gw")))
        assert told(offer)["solutions"][name]["distance"] == 0.0


def test_concepts_leave_floors_out() -> None:
    alone = solve(problem(continuous=("discount",)))
    held = told(solve(problem(continuous=("discount",), floors=(alone.lab + 0.5, -math.inf))))
    found = held["solutions"]["asymmetric Nash"]
    assert (found["lab"], found["provider"]) == (alone.lab, alone.provider)
    assert found["distance"] > 0.5


def test_concepts_leave_private_reservation_gains_out() -> None:
    alone = solve(problem())
    private = solve(problem(conduct=Conduct(uncertainty=1.0), luck=(0.9, 0.0)))
    assert private.lab > alone.lab
    found = told(private)["solutions"]["asymmetric Nash"]
    assert (found["lab"], found["provider"]) == (alone.lab, alone.provider)


def test_offers_by_round() -> None:
    talks = problem(rule="concession", conduct=Conduct(deadline_rounds=20))
    offer = solve(talks)
    proposals = told(offer)["proposals"]
    table = table_of(talks, offer.evaluation)
    assert [each["round"] for each in proposals] == list(range(1, len(proposals) + 1))
    assert [each["answer"] for each in proposals] == ["rejected"] * (len(proposals) - 1) + ["accepted"]
    for each in proposals:
        assert (each["lab"], each["provider"]) == (table.lab[each["index"]], table.provider[each["index"]])
    assert (proposals[-1]["lab"], proposals[-1]["provider"]) == pytest.approx((offer.lab, offer.provider))


def test_a_story_solves_to_the_same_offer() -> None:
    offer = solve(problem(continuous=("discount", "equity")))
    story = story_of(offer)
    again = offer_from(story)
    assert (again.terms, again.lab, again.provider) == (offer.terms, offer.lab, offer.provider)
    assert story["payoffs"] == {"lab": offer.lab, "provider": offer.provider}
    assert story["components"] == components(offer)
    assert story["convergence"] is None


def test_components_sum_to_payoffs() -> None:
    offer = solve(problem(continuous=("discount",)))
    parts = components(offer)
    assert sum(parts["lab"].values()) == pytest.approx(offer.lab, abs=1e-9)
    assert sum(parts["provider"].values()) == pytest.approx(offer.provider, abs=1e-9)


# What would be without the deal


def test_levels_without_the_deal_by_hand() -> None:
    # lead of 1 and term of 3: four quarters of .75 GW-quarters of cover at .74 each, none idle
    plain = weights(discounting=0.0, need_volatility=0.0)
    a = lab(need_gw=np.full(HORIZON, 2.0), contracted_gw=np.ones(HORIZON), funding=FundingNeed(0.0, 12.0, 1.2, 0.0))
    a = replace(a, depths=(), costs=())
    b = provider(lead_quarters=1, with_lab_gw=np.full(HORIZON, 0.5), running_clause=FIRST_REFUSAL)
    found = at_disagreement(a, b, plain, 3)
    assert found["lab"] == pytest.approx({
        "coverage": 4.0 * 0.75 * 0.74,
        "idle_risk": 0.0,
        "lock_in": -0.05 * 3.0 * 12.0 * 0.25,
        "exclusivity": -3.0 * 0.12 * 0.36,
        "credit": -1.2 * 12.0 / 2.0,
    })  # fmt: skip
    assert found["provider"]["capture"] == pytest.approx(3.0 * 0.6 * 0.02 * 1.0)
    assert found["provider"]["exposure"] == pytest.approx(-0.08 * 100.0 / 140.0)
    # half of 1 GW idle for four quarters at a market price of 3
    idle = replace(a, need_gw=np.full(HORIZON, 0.5))
    flat = replace(b, expected_price=np.full(HORIZON, 3.0))
    assert at_disagreement(idle, flat, plain, 3)["lab"]["idle_risk"] == pytest.approx(-6.0)
    # the provider's levels are as it sees the two
    seen = at_disagreement(a, b, plain, 3, (replace(a, need_gw=np.full(HORIZON, 3.0)), b))
    assert seen["lab"] == found["lab"]
    assert seen["provider"]["capture"] == pytest.approx(2.0 * found["provider"]["capture"])


def test_signed_levels_are_what_no_deal_means_from_then_on() -> None:
    a, b, w = lab(need_gw=np.linspace(3.0, 5.0, HORIZON)), provider(running_clause=EXCLUSIVE), weights()
    offer = solve(problem(lab=a, provider=b, weights=w, grid=one(0.5, terms=(8,), clauses=(FIRST_REFUSAL,))))
    assert offer.terms is not None
    sides = told(offer)["sides"]
    path = ramped_gw(np.array([0.5]), np.array([8]), 4, 4, HORIZON)[0, 0]
    commitment = 3.0 * float((path / 1.03 ** np.arange(HORIZON)).sum())
    at = 7
    after = replace(a, contracted_gw=a.contracted_gw + path)
    host = replace(
        b,
        running_clause=FIRST_REFUSAL,
        lab_backlog_usd_bn=b.lab_backlog_usd_bn + commitment,
        total_backlog_usd_bn=b.total_backlog_usd_bn + commitment,
    )
    levels = at_disagreement(after, host, w, 8)
    for side, name in (("lab", "coverage"), ("lab", "idle_risk"), ("lab", "exclusivity"), ("provider", "exposure")):
        assert sides[side][name]["signed"] == pytest.approx(levels[side][name], rel=1e-9), name
    # dependence counts the capacity promised in full
    full = replace(a, contracted_gw=a.contracted_gw + 0.5)
    with_lab = replace(host, with_lab_gw=b.with_lab_gw + 0.5)
    assert full.contracted_gw[at] == 1.3
    assert sides["lab"]["lock_in"]["signed"] == pytest.approx(at_disagreement(full, with_lab, w, 8)["lab"]["lock_in"])


def test_a_clause_in_force_brings_customers_without_the_deal() -> None:
    a, b = lab(need_gw=np.linspace(3.0, 5.0, HORIZON)), provider(running_clause=EXCLUSIVE, reachable=True)
    g = one(0.5, terms=(8,), clauses=(NONE,))
    offer = solve(problem(lab=a, provider=b, grid=g, weights=weights(discounting=0.0)))
    pulled = told(offer)["sides"]["provider"]["pull_through"]
    # eight quarters of a quarter's margin on .6 x .3 x 2 of others' customers, seven tenths of all
    assert pulled["gain"] == pytest.approx(-8.0 * 0.25 * 0.6 * 0.3 * 2.0 * 0.7)
    assert pulled["signed"] == pytest.approx(0.0, abs=1e-12)


# Constraints and their shadow prices

CAPACITY = {"buildable capacity": "buildable_gw", "power": "power_gw", "primary clause": "rival_room_gw"}


def linear_talks(**limit: float) -> Problem:
    """Talks about capacity alone where both utilities are linear in it: 6 a GW to the lab and 14 to the provider.

    A discount of a tenth of 3 and a margin of .7 over a cost of 2, for twenty quarters; no need to cover.
    """
    a = lab(
        need_gw=np.full(HORIZON, 50.0),
        contracted_gw=np.zeros(HORIZON),
        spot_fill_frac=1.0,
        spot_premium=0.0,
        default_prob_per_quarter=0.0,
    )
    b = replace(
        FREE,
        expected_price=np.full(HORIZON, 3.0),
        with_lab_gw=np.zeros(HORIZON),
        ramp_quarters=1,
        reachable=True,
        stake_frac=0.0,
    )
    nil = dict.fromkeys(("discounting", "need_volatility", "lock_in", "exposure", "fixed_cost"), 0.0)
    changes: dict[str, Any] = dict(limit)
    g = one(1.0, discounts=(0.1,))
    return problem(
        lab=a, provider=replace(b, **changes), weights=weights(**nil), grid=replace(g, gw=(0.5, 1.0, 2.0, 4.0))
    )


@pytest.mark.parametrize("name", CAPACITY)
def test_the_shadow_price_of_capacity_where_it_is_worth_the_same_everywhere(name: str) -> None:
    offer = solve(linear_talks(**{CAPACITY[name]: 1.5}))
    assert (offer.lab, offer.provider) == pytest.approx((9.0, 21.0))
    (found,) = told(offer)["constraints"]
    assert (found["name"], found["limit"], found["unit"]) == (name, 1.5, "GW")
    assert found["shadow_price"] == pytest.approx({"lab": 6.0, "provider": 14.0, "joint": 20.0}, rel=1e-9)
    assert binding_constraint(offer) == name


def test_the_shadow_price_of_a_rivals_offer_that_is_paid_in_discount() -> None:
    # a discount moves money one for one: what the rival offers less, the lab loses and the provider gains
    talks = replace(linear_talks(), continuous=("discount",))
    talks = replace(talks, grid=replace(talks.grid, gw=(1.0,), discounts=(0.0, 0.3)))
    alone = solve(talks)
    assert binding_constraint(alone) == "none"
    offer = solve(replace(talks, floors=(alone.lab + 2.0, -math.inf)))
    assert (offer.lab, offer.provider) == pytest.approx((alone.lab + 2.0, alone.provider - 2.0))
    (found,) = told(offer)["constraints"]
    assert (found["name"], found["unit"], found["limit"]) == (RIVAL, "USD bn", alone.lab + 2.0)
    assert found["shadow_price"] == pytest.approx({"lab": -1.0, "provider": 1.0, "joint": 0.0}, abs=1e-6)
    assert binding_constraint(offer) == RIVAL


def binding(name: str) -> Problem:
    """Talks in which one constraint alone binds."""
    g = grid(gw=(0.25, 0.5, 1.0), clauses=(NONE,), equity=(0.0, 4.0, 10.0), staging=(UPFRONT,))
    a = lab(**SHORT_OF_CASH, weight=0.6)
    limits: dict[str, Any] = {
        "buildable capacity": {"buildable_gw": 0.3},
        "power": {"power_gw": 0.3},
        "primary clause": {"rival_room_gw": 0.3},
        "provider's cash": {"equity_room_usd_bn": 2.0},
        "stake cap": {"stake_cap": 0.12},
    }
    return problem(lab=a, provider=replace(FREE, **limits[name]), grid=g)


@pytest.mark.parametrize("name", LIMITS)
def test_shadow_prices_against_finite_differences(name: str) -> None:
    talks = binding(name)
    offer = solve(talks)
    (found,) = told(offer)["constraints"]
    assert found["name"] == name == binding_constraint(offer)
    attribute = LIMITS[name][0]
    limit = getattr(talks.provider, attribute)
    assert found["limit"] == limit
    step = 1e-3 * limit
    changes: dict[str, Any] = {attribute: limit + step}
    more = solve(replace(talks, provider=replace(talks.provider, **changes)))
    price = {"lab": (more.lab - offer.lab) / step, "provider": (more.provider - offer.provider) / step}
    # forward differences over 1 % and over .1 % of the limit of a curve
    assert found["shadow_price"]["lab"] == pytest.approx(price["lab"], rel=0.05)
    assert found["shadow_price"]["provider"] == pytest.approx(price["provider"], rel=0.05)
    assert found["shadow_price"]["joint"] == pytest.approx(sum(price.values()), rel=0.05)
    assert found["shadow_price"]["joint"] > 0.0


def test_a_constraint_that_does_not_bind_is_not_listed() -> None:
    # at discrete levels: the lab signs .5 with or without the levels that it is not offered
    talks = problem(lab=lab(weight=0.2), provider=replace(FREE, buildable_gw=0.9), grid=grid(equity=(0.0,)))
    offer = solve(talks)
    assert offer.terms is not None
    assert offer.terms.gw < 0.9
    assert not offer.evaluation.constraints["buildable capacity"].all()
    assert told(offer)["constraints"] == []
    assert binding_constraint(offer) == "none"


@pytest.mark.parametrize("issue", ["gw", "equity"])
def test_a_slack_constraint_is_not_listed_where_terms_are_polished(issue: str) -> None:
    # nothing else is on the table, so that another level of this issue cannot change the others
    levels: dict[str, Any] = {"gw": (0.25, 0.75, 1.5)} if issue == "gw" else {"equity": (0.0, 4.0, 25.0)}
    talks = problem(lab=lab(weight=0.3, **SHORT_OF_CASH), provider=FREE, continuous=(issue,))
    talks = replace(talks, grid=replace(one(0.75, discounts=(0.1,)), **levels))
    free = solve(talks)
    assert free.terms is not None
    limit = "buildable_gw" if issue == "gw" else "equity_room_usd_bn"
    signed = free.terms.gw if issue == "gw" else free.terms.equity_usd_bn
    for above in (1.1, 1.2, 1.4):  # still below the largest level on the table
        slack: dict[str, Any] = {limit: above * signed}
        offer = solve(replace(talks, provider=replace(FREE, **slack)))
        assert offer.terms is not None
        assert (offer.terms.gw if issue == "gw" else offer.terms.equity_usd_bn) == pytest.approx(signed, rel=0.02)
        assert not offer.evaluation.feasible.all()
        assert binding_constraint(offer) == "none"


def test_a_rival_below_the_solution_is_not_listed() -> None:
    alone = solve(problem())
    offer = solve(problem(floors=(0.5 * alone.lab, -math.inf)))
    assert (offer.lab, offer.provider) == (alone.lab, alone.provider)
    assert RIVAL not in [each["name"] for each in told(offer)["constraints"]]


def test_without_a_deal_nothing_binds() -> None:
    assert binding_constraint(solve(problem(provider=provider(buildable_gw=0.0)))) == ""


# Issues at the end of what was on the table


def test_edges_by_hand() -> None:
    g = one(0.5, terms=(20,), discounts=(0.1,))
    offer = solve(problem(grid=g))
    assert offer.terms is not None
    assert edges(offer) == []  # one level is no choice
    assert told(offer)["edges"] == []
    wide = grid(gw=(0.5, 1.0), terms=(8, 20, 30), take_or_pay=(0.6, 0.95), discounts=(0.0, 0.1, 0.2), equity=(0.0, 4.0))
    on_edges = replace(offer, evaluation=evaluated(problem(provider=FREE), wide), problem=problem(provider=FREE))

    def ends(**terms: Any) -> list[tuple[str, float, str]]:
        assert offer.terms is not None
        placed = replace(on_edges, terms=replace(offer.terms, **terms))
        return [(each["issue"], each["level"], each["end"]) for each in edges(placed)]

    assert ends(take_or_pay_frac=0.8) == [("gw", 0.5, "lowest")]
    assert ends(gw=1.0, take_or_pay_frac=0.6, discount_frac=0.2, equity_usd_bn=4.0) == [
        ("gw", 1.0, "highest"),
        ("take_or_pay_frac", 0.6, "lowest"),
        ("discount_frac", 0.2, "highest"),
        ("equity_usd_bn", 4.0, "highest"),
    ]
    # nil is no edge: no discount, no equity
    assert ends(gw=0.7, take_or_pay_frac=0.7, discount_frac=0.0, equity_usd_bn=0.0) == []
    assert ends(gw=0.7, take_or_pay_frac=0.7, term_quarters=30) == [("term_quarters", 30, "highest")]


# Rivals


def test_rivals_recompute_from_the_story() -> None:
    talks = problem()
    near = replace(talks, provider=provider(name="East", user_cost_usd_bn_per_gw_quarter=2.1))
    dry = replace(talks, provider=provider(name="South", buildable_gw=0.0))
    offers = {each.provider.name: solve(each) for each in (near, dry)}
    winner = solve(talks)
    rivals = [Rival(name, each.problem, each.lab) for name, each in offers.items()]
    first, second = told(winner, rivals=rivals)["rivals"]
    east = offers["East"]
    most = best_lab_gain(near, east.evaluation)
    assert most >= east.lab
    assert first == {
        "provider": "East",
        "offered": east.lab,
        "joint": east.joint,
        "most": most,
        "lacks": winner.joint - east.joint,
        "reason": "agreed",
    }
    assert second == {
        "provider": "South",
        "offered": None,
        "joint": None,
        "most": None,
        "lacks": None,
        "reason": "no feasible terms: buildable capacity",
    }
    assert east.joint < winner.joint


def test_a_rivals_problem_is_kept_as_what_differs() -> None:
    talks = problem()
    near = replace(talks, provider=provider(name="East"), rule="kalai_smorodinsky")
    story = story_of(solve(talks), rivals=[Rival("East", near, 1.0)])
    (kept,) = story["rivals"]
    assert kept["provider"] == "East"
    assert set(kept["differs"]) == {"provider", "rule"}
    assert Problem.from_plain(story["problem"] | kept["differs"]).plain() == near.plain()


# The trace


def test_a_trace_of_a_signed_deal() -> None:
    offer = solve(problem())
    rivals = [Rival("East", problem(), 1.5), Rival("South", problem(), -math.inf)]
    trace = trace_of(8100, "signed", offer, "nash_in_nash", 2, rivals, Convergence(3, True, 1, 1e-9, "simultaneous"))
    assert (trace.quarter, trace.lab, trace.provider) == (8100, "Ada", "North")
    assert (trace.outcome, trace.reason, trace.protocol, trace.rounds) == ("signed", "agreed", "nash_in_nash", 2)
    assert (trace.lab_utility, trace.provider_utility) == (offer.lab, offer.provider)
    assert trace.joint_surplus == offer.joint
    assert (trace.best_rival, trace.best_rival_lab_utility) == ("East", 1.5)
    assert explained(trace.story)["convergence"] == trace.story["convergence"]
    assert trace.story["convergence"] is not None


def test_a_trace_of_talks_that_failed() -> None:
    offer = solve(problem(provider=provider(buildable_gw=0.0)))
    trace = trace_of(8100, "no agreement", offer, "nash", 1)
    assert (trace.reason, trace.story) == ("no feasible terms: buildable capacity", {})
    assert (trace.lab_utility, trace.provider_utility, trace.best_rival) == (0.0, 0.0, "")
    lost = trace_of(8100, "lost", solve(problem()), "nash", 1, [Rival("South", problem(), -math.inf)], reason="outbid")
    assert (lost.reason, lost.story, lost.best_rival) == ("outbid", {}, "")
