from __future__ import annotations

import functools
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from market.bargaining.negotiation import PAIR_RULES, Offer, evaluated, solve
from market.bargaining.polish import ISSUE, polished
from market.bargaining.problem import Problem, terms_at
from market.bargaining.protocols import Conduct, Settlement, Side
from market.bargaining.solutions import Agreement
from market.bargaining.views import with_levels
from market.deals import Trigger
from market.funding import FundingNeed
from tests.market.bargaining.views import HORIZON, NONE, grid, lab, problem, provider, table_of, weights

Array = NDArray[np.float64]
FIELD = {
    "gw": "gw",
    "take_or_pay": "take_or_pay_frac",
    "discount": "discount_frac",
    "equity": "equity_usd_bn",
    "upfront": "upfront_frac",
    "warrants": "warrant_stake_frac",
    "revenue_share": "revenue_share_frac",
}
LINEAR = [issue for issue, (_, linear) in ISSUE.items() if linear]
# Coarse levels, and money so dear that equity is worth its cost; nothing but the issues themselves limits the talks.
COARSE = grid(
    gw=(0.25, 0.75, 1.5),
    take_or_pay=(0.0, 0.5, 1.0),
    clauses=(NONE,),
    discounts=(0.0, 0.1, 0.3),
    staging=((0.1, Trigger.GW_LIVE), (0.5, Trigger.GW_LIVE), (1.0, Trigger.GW_LIVE)),
    warrants=(0.0, 0.05, 0.1),
    revenue_shares=(0.0, 0.05, 0.1),
)
SHORT_OF_CASH = FundingNeed(0.0, 12.0, 1.2, 0.05)
FREE = provider(buildable_gw=math.inf, equity_room_usd_bn=math.inf)


def coarse(weight: float = 0.5, **changes: Any) -> Problem:
    a = lab(weight=weight, funding=SHORT_OF_CASH, depths=(2.0,), costs=(0.04,))
    return problem(**{"lab": a, "provider": FREE, "grid": COARSE, **changes})


def both(talks: Problem, offer: Offer, axis: str, levels: tuple[Any, ...]) -> tuple[Array, Array]:
    """Payoffs where one issue of the signed terms takes many levels."""
    assert offer.terms is not None
    found = evaluated(talks, with_levels(offer.terms.grid, axis, levels))
    assert found.feasible.all()
    return found.lab_total.ravel(), found.provider_total.ravel()


def product(talks: Problem, ours: Array | float, theirs: Array | float) -> Array:
    """The weighted Nash product of gains over the threat point, nil below it or below a floor."""
    weight, (first, second), floors = talks.lab.weight, talks.threat, talks.floors
    gains = np.maximum(np.asarray(ours) - first, 0.0), np.maximum(np.asarray(theirs) - second, 0.0)
    held = (ours >= np.asarray(floors[0]) - 1e-9) & (theirs >= np.asarray(floors[1]) - 1e-9)
    return np.asarray(np.where(held, gains[0] ** weight * gains[1] ** (1.0 - weight), 0.0))


def ideals(talks: Problem) -> tuple[float, float]:
    """Each side's best with both at their least or above; a continuous discount may just meet the other's least."""
    least = [max(threat, floor) for threat, floor in zip(talks.threat, talks.floors, strict=True)]
    levels = talks.grid.discounts
    moves = "discount" in talks.continuous and len(levels) > 1
    ends = [(min(levels), max(levels))] if moves else [(level, level) for level in levels]
    best = [-math.inf, -math.inf]
    for pair in ends:
        first, last = (table_of(talks, evaluated(talks, replace(talks.table, discounts=(level,)))) for level in pair)
        for own, other, start, end in ((0, 1, first, last), (1, 0, last, first)):
            # towards the discount that is best for one's own side, as far as the other side still agrees
            mine, theirs = (
                ((t.lab, t.provider)[own] for t in (start, end)),
                ((t.lab, t.provider)[other] for t in (start, end)),
            )
            (a, b), (c, d) = tuple(mine), tuple(theirs)
            held = np.isfinite(a) & (c >= least[other])
            a, b, c, d = a[held], b[held], c[held], d[held]
            with np.errstate(divide="ignore", invalid="ignore"):
                far = np.where(d < least[other], (c - least[other]) / (c - d), 1.0)
            best[own] = max(best[own], float((a + far * (b - a)).max(initial=-math.inf)))
    return best[0], best[1]


def smallest_share(talks: Problem, ours: Array | float, theirs: Array | float) -> Array:
    """Kalai-Smorodinsky's score, each side's ideal being its best rational outcome on the table, floors included."""
    shares = [
        (np.asarray(payoff) - threat) / (best - threat)
        for payoff, threat, best in zip((ours, theirs), talks.threat, ideals(talks), strict=True)
    ]
    return np.asarray(np.minimum(*shares))


SCORE = {"nash": product, "kalai_smorodinsky": smallest_share}


def dense_levels(offer: Offer, issue: str, count: int) -> tuple[Any, ...]:
    """Levels between the lowest and the highest on the table where utilities are linear, else around the signed one."""
    assert offer.settlement.agreement is not None
    start = terms_at(offer.evaluation.grid, offer.settlement.agreement.index)
    axis, linear = ISSUE[issue]
    on_table = getattr(offer.evaluation.grid, axis)
    known = sorted({share for share, _ in on_table} if axis == "staging" else on_table)
    place = known.index(getattr(start, FIELD[issue]))
    low, high = known[max(place - 1, 0)], known[min(place + 1, len(known) - 1)]
    levels = np.linspace(known[0] if linear else low, known[-1] if linear else high, count).tolist()
    return tuple((share, start.milestone) for share in levels) if axis == "staging" else tuple(levels)


@pytest.mark.parametrize("weight", [0.2, 0.5, 0.8])
@pytest.mark.parametrize("rule", SCORE)
@pytest.mark.parametrize("issue", LINEAR)
def test_where_utilities_are_linear_no_level_of_a_dense_scan_is_better(issue: str, rule: str, weight: float) -> None:
    talks = coarse(weight, rule=rule, continuous=(issue,))
    offer = solve(talks)
    levels = dense_levels(offer, issue, 100_001)
    scores = SCORE[rule](talks, *both(talks, offer, ISSUE[issue][0], levels))
    assert float(SCORE[rule](talks, offer.lab, offer.provider)) >= scores.max() * (1.0 - 1e-12)
    best, step = levels[int(scores.argmax())], levels[1] - levels[0]
    assert getattr(offer.terms, FIELD[issue]) == pytest.approx(best, abs=2.0 * step)


@pytest.mark.parametrize("weight", [0.2, 0.5, 0.8])
@pytest.mark.parametrize("rule", SCORE)
@pytest.mark.parametrize("issue", sorted(set(ISSUE) - set(LINEAR)))
def test_a_search_is_about_as_good_as_a_dense_scan(issue: str, rule: str, weight: float) -> None:
    talks = coarse(weight, rule=rule, continuous=(issue,))
    offer = solve(talks)
    scores = SCORE[rule](talks, *both(talks, offer, ISSUE[issue][0], dense_levels(offer, issue, 20_001)))
    tolerance = 1e-4 if rule == "nash" else 1e-3  # the smallest share has a kink, where an error counts in full
    assert float(SCORE[rule](talks, offer.lab, offer.provider)) >= scores.max() * (1.0 - tolerance)


def test_every_issue_is_moved_somewhere() -> None:
    # the searches and closed forms above would pass where nothing ever moved
    def moves(issue: str, weight: float) -> bool:
        talks = coarse(weight)
        before, after = solve(talks), solve(replace(talks, continuous=(issue,)))
        return bool(getattr(before.terms, FIELD[issue]) != getattr(after.terms, FIELD[issue]))

    weights_ = np.linspace(0.1, 0.9, 9).tolist()
    assert {issue for issue in ISSUE if any(moves(issue, weight) for weight in weights_)} == set(ISSUE)


def test_other_issues_stay_where_they_are() -> None:
    for issue in set(ISSUE) - {"discount"}:
        talks = coarse(0.4)
        before, after = solve(talks).terms, solve(replace(talks, continuous=(issue,))).terms
        assert before is not None
        assert after is not None
        moved: dict[str, Any] = {FIELD[issue]: getattr(after, FIELD[issue])}
        assert after == replace(before, **moved)


@functools.cache
def dense_discounts() -> tuple[Array, Array]:
    """Payoffs over the whole table where the discount takes 201 levels."""
    found = evaluated(coarse(), replace(COARSE, discounts=tuple(np.linspace(0.0, 0.3, 201).tolist())))
    return found.lab_total.ravel(), found.provider_total.ravel()


@pytest.mark.parametrize("weight", [0.1, 0.3, 0.5, 0.7, 0.9])
@pytest.mark.parametrize("rule", SCORE)
@pytest.mark.parametrize("floors", [(-math.inf, -math.inf), (3.3, -math.inf), (-math.inf, 3.1)])
def test_a_discount_is_the_best_over_all_outcomes_at_once(
    rule: str, weight: float, floors: tuple[float, float]
) -> None:
    talks = coarse(weight, rule=rule, floors=floors, continuous=("discount",))
    ours, theirs = dense_discounts()
    held = (ours >= max(floors[0], 0.0)) & (theirs >= max(floors[1], 0.0))
    best = SCORE[rule](talks, ours[held], theirs[held]).max()
    offer = solve(talks)
    found = float(SCORE[rule](talks, offer.lab, offer.provider))
    assert best * (1.0 - 1e-12) <= found <= best * 1.01
    assert offer.lab >= floors[0] - 1e-9
    assert offer.provider >= floors[1] - 1e-9


def two_discounts(gw: tuple[float, ...], last_need_gw: float, user_cost: float) -> tuple[Offer, float]:
    """Talks with nothing between no discount and 30 %, and the best product of all discounts in between."""
    g = replace(COARSE, gw=gw, discounts=(0.0, 0.3), warrants=(0.0,), revenue_shares=(0.0,))
    host = replace(FREE, user_cost_usd_bn_per_gw_quarter=user_cost)
    talks = coarse(provider=host, grid=g, continuous=("discount",))
    talks = replace(talks, lab=replace(talks.lab, need_gw=np.linspace(1.0, last_need_gw, HORIZON)))
    found = evaluated(talks, replace(g, discounts=tuple(np.linspace(0.0, 0.3, 101).tolist())))
    return solve(talks), float(product(talks, found.lab_total, found.provider_total).max())


def test_a_discount_between_levels_can_make_another_outcome_the_best() -> None:
    offer, best = two_discounts((0.25, 1.5), 5.0, 2.0)
    assert float(product(offer.problem, offer.lab, offer.provider)) >= best * (1.0 - 1e-12)


def test_a_discount_between_levels_can_make_a_deal_possible() -> None:
    offer, best = two_discounts((0.5, 1.0), 1.5, 2.4)
    assert best > 0.1
    assert offer.agreed


@pytest.mark.parametrize("side", ["lab", "provider"])
@pytest.mark.parametrize("owed", [0.0, 1.0, 3.3])
def test_what_is_not_owed_is_all_the_others(side: Side, owed: float) -> None:
    # the best for the other side of all outcomes at all discounts, however the protocol came to the target
    first = solve(coarse()).settlement.agreement
    assert first is not None
    offer = settlement(coarse(continuous=("discount",)), first.index, (side, owed))
    own, other = dense_discounts() if side == "lab" else dense_discounts()[::-1]
    got, left = (offer.lab, offer.provider) if side == "lab" else (offer.provider, offer.lab)
    best = other[own >= owed].max()
    assert owed - 1e-12 <= got <= owed + 1e-9
    assert best - 1e-9 <= left <= best + 0.06  # half a step of the scan is worth this much


points = st.tuples(st.floats(-0.5, 0.5), st.floats(-0.5, 0.5))
floor_pairs = st.tuples(st.sampled_from([-math.inf, 0.5, 2.0]), st.sampled_from([-math.inf, 0.5, 2.0]))


@settings(max_examples=60)
@given(st.floats(0.05, 0.95), points, floor_pairs, st.permutations(list(ISSUE)), st.booleans())
def test_polished_terms_are_no_worse_feasible_and_worth_what_they_say(
    weight: float,
    threat: tuple[float, float],
    floors: tuple[float, float],
    issues: list[str],
    limited: bool,
) -> None:
    side = provider(stake_cap=0.14) if limited else FREE
    talks = coarse(weight, threat=threat, floors=floors, continuous=tuple(issues[:4]), provider=side)
    plain, offer = solve(replace(talks, continuous=())), solve(talks)
    assert plain.agreed == offer.agreed
    if offer.terms is None:
        return
    before, after = (float(product(talks, each.lab, each.provider)) for each in (plain, offer))
    assert after >= before * (1.0 - 1e-12)
    assert offer.lab > threat[0]
    assert offer.lab >= floors[0] - 1e-9
    assert offer.provider >= max(threat[1], floors[1]) - 1e-9
    alone = evaluated(talks, offer.terms.grid)
    assert alone.feasible.all()
    assert float(alone.lab_total.item()) == pytest.approx(offer.lab, abs=1e-9)
    assert float(alone.provider_total.item()) == pytest.approx(offer.provider, abs=1e-9)


def test_a_floor_that_binds_is_just_met() -> None:
    even = solve(coarse(continuous=("discount",)))
    more = even.lab + 0.1
    offer = solve(coarse(continuous=("discount",), floors=(more, -math.inf)))
    assert offer.lab == pytest.approx(more, abs=1e-9)
    slack = solve(coarse(continuous=("discount",), floors=(0.5 * even.lab, -math.inf)))
    assert (slack.lab, slack.provider, slack.terms) == (even.lab, even.provider, even.terms)


def test_a_discount_alone_splits_by_weights() -> None:
    # no stake, no fear of default and certain need: the discount is a transfer, of which each gets its weight
    a = lab(default_prob_per_quarter=0.0, need_gw=np.full(HORIZON, 3.0), spot_fill_frac=0.5)
    g = replace(
        COARSE,
        equity=(0.0,),
        warrants=(0.0,),
        revenue_shares=(0.0,),
        take_or_pay=(1.0,),
        staging=((1.0, Trigger.DATE),),
    )
    for weight in (0.4, 0.5, 0.6):
        talks = problem(
            lab=replace(a, weight=weight),
            provider=replace(FREE, stake_frac=0.0),
            grid=replace(g, discounts=(0.0, 0.9)),
            weights=weights(need_volatility=0.0),
            continuous=("discount",),
        )
        offer = solve(talks)
        assert offer.lab / offer.joint == pytest.approx(weight, abs=1e-12)


@pytest.mark.parametrize("floors", [(2.5, -math.inf), (-math.inf, 2.0)])
def test_ideals_under_floors_are_those_of_the_rule(floors: tuple[float, float]) -> None:
    talks = coarse(rule="kalai_smorodinsky", floors=floors, continuous=("discount",))
    plain, offer = solve(replace(talks, continuous=())), solve(talks)
    before, after = (float(smallest_share(talks, each.lab, each.provider)) for each in (plain, offer))
    assert after >= before - 1e-12


@pytest.mark.parametrize("rule", ["kalai_smorodinsky", "alternating_offers", "concession", "screening", "auction"])
@pytest.mark.parametrize("need", [1.5, 2.5, 4.0])
def test_few_levels_of_a_continuous_discount_split_as_many(rule: str, need: float) -> None:
    """What a side could get at most lies between levels: cut off at them, every split measured against it is wrong."""
    few = problem(
        rule=rule,
        lab=lab(need_gw=np.linspace(1.0, need, HORIZON)),
        provider=provider(buildable_gw=9.0),
        grid=grid(equity=(0.0,), discounts=(0.0, 0.25, 0.5)),
        conduct=Conduct(uncertainty=0.3 if rule == "screening" else 0.0),
        luck=(0.4, 0.0),
        bidders=2,
        continuous=("discount",),
    )
    many = replace(few, grid=replace(few.grid, discounts=tuple(np.linspace(0.0, 0.5, 401).tolist())), continuous=())
    rough, fine = solve(few), solve(many)
    assert rough.agreed
    assert fine.agreed
    assert rough.lab / rough.joint == pytest.approx(fine.lab / fine.joint, abs=0.02)


@pytest.mark.parametrize("rule", SCORE)
def test_polished_terms_respect_reservation_values(rule: str) -> None:
    luck = (0.8, 0.0)
    talks = coarse(rule=rule, conduct=Conduct(uncertainty=1.0), luck=luck, continuous=("discount",))
    table = table_of(talks, evaluated(talks))
    held = (table.lab > 0.0) & (table.provider >= 0.0)
    offer = solve(talks)
    assert offer.lab >= luck[0] * table.lab[held].max() - 1e-9
    assert offer.provider >= luck[1] * table.provider[held].max() - 1e-9


# Targets: what a protocol owes one side exactly


def settlement(talks: Problem, index: int, target: tuple[Side, float] | None) -> Offer:
    """The offer of a settlement on one outcome of the table."""
    found = evaluated(talks)
    payoffs = float(found.lab_total.ravel()[index]), float(found.provider_total.ravel()[index])
    struck = Settlement(Agreement(index, payoffs, (index,)), "agreed", (), target)
    return Offer(talks, found, struck, *polished(talks, found, struck, terms_at(found.grid, index)))


@pytest.mark.parametrize("issue", sorted(set(LINEAR) - {"discount"}))
@pytest.mark.parametrize("side", ["lab", "provider"])
def test_a_target_is_met_exactly_and_the_rest_is_the_others(issue: str, side: Side) -> None:
    plain = solve(coarse())
    assert plain.settlement.agreement is not None
    low, high = both(coarse(), plain, ISSUE[issue][0], dense_levels(plain, issue, 2))[0 if side == "lab" else 1]
    own, other = (plain.lab, plain.provider) if side == "lab" else (plain.provider, plain.lab)
    target = max(min(low, high), 0.0) * 0.5 + own * 0.5  # between the worst level and the one agreed on
    offer = settlement(coarse(continuous=(issue,)), plain.settlement.agreement.index, (side, target))
    got, left = (offer.lab, offer.provider) if side == "lab" else (offer.provider, offer.lab)
    assert got == pytest.approx(target, abs=1e-9)
    assert left >= other - 1e-9


@pytest.mark.parametrize("rule", ["alternating_offers", "concession", "screening", "auction"])
def test_protocols_get_what_they_owe(rule: str) -> None:
    conduct = Conduct(deadline_rounds=30, uncertainty=0.3)
    talks = coarse(rule=rule, bidders=2, luck=(0.4, 0.6), conduct=conduct)
    found = evaluated(talks)
    before = solve(talks)
    result, start = before.settlement, before.terms
    assert result.target is not None
    assert start is not None
    side, owed = result.target
    moved = replace(talks, continuous=("discount",))
    after = Offer(moved, found, result, *polished(moved, found, result, start))
    got = after.lab if side == "lab" else after.provider
    assert got >= owed - 1e-9
    assert (after.provider if side == "lab" else after.lab) >= (before.provider if side == "lab" else before.lab)
    discounts = COARSE.discounts
    assert after.terms is not None
    if min(discounts) < after.terms.discount_frac < max(discounts):
        assert got == pytest.approx(owed, abs=1e-9)


@pytest.mark.parametrize("rule", [rule for rule in PAIR_RULES if rule not in SCORE])
def test_nothing_is_moved_for_a_protocol_that_owes_nothing(rule: str) -> None:
    plain = solve(coarse())
    assert plain.settlement.agreement is not None
    offer = settlement(coarse(rule=rule, continuous=tuple(ISSUE)), plain.settlement.agreement.index, None)
    assert (offer.terms, offer.lab, offer.provider) == (plain.terms, plain.lab, plain.provider)


# Corners


def test_one_level_of_an_issue_is_not_moved() -> None:
    g = replace(COARSE, discounts=(0.1,), equity=(4.0,))
    offer = solve(coarse(grid=g, continuous=("discount", "equity")))
    assert offer.terms is not None
    assert (offer.terms.discount_frac, offer.terms.equity_usd_bn) == (0.1, 4.0)


def test_what_is_paid_at_signing_is_not_staged() -> None:
    g = replace(COARSE, staging=((0.25, Trigger.GW_LIVE), (1.0, Trigger.DATE)), equity=(4.0,))
    index = int(np.ravel_multi_index((1, 1, 1, 0, 1, 0, 1, 0, 0), g.shape))
    offer = settlement(coarse(grid=g, continuous=("upfront",)), index, None)
    assert offer.terms is not None
    assert (offer.terms.upfront_frac, offer.terms.milestone) == (1.0, Trigger.DATE)


def test_capacity_stops_at_the_limit() -> None:
    roomy = solve(coarse(0.8, continuous=("gw",)))
    assert roomy.terms is not None
    limit = 0.9 * roomy.terms.gw
    offer = solve(coarse(0.8, continuous=("gw",), provider=replace(FREE, power_gw=limit)))
    assert offer.terms is not None
    assert offer.terms.gw <= limit
