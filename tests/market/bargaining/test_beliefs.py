"""Each side values a deal by its own forecast of growth, prices and default."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.bargaining.negotiation import PAIR_RULES, evaluated, solve
from market.bargaining.payment import milestone_odds
from market.bargaining.problem import Problem
from market.bargaining.utilities import Evaluation, evaluate
from market.bargaining.views import LabView
from market.deals import Trigger
from tests.market.bargaining.views import HORIZON, RICH, UPFRONT, grid, lab, one, problem, provider, weights

REVENUE, VALUATION = ((0.25, Trigger.REVENUE),), ((0.25, Trigger.VALUATION),)
FREE = provider(buildable_gw=math.inf, equity_room_usd_bn=math.inf)


def grown(view: LabView, growth_per_quarter: float) -> LabView:
    """The same lab with a faster growth of need and revenue."""
    more = np.exp(growth_per_quarter * np.arange(HORIZON))
    return replace(
        view,
        need_gw=view.need_gw * more,
        revenue_usd_bn_per_quarter=view.revenue_usd_bn_per_quarter * more,
    )


def same_bits(first: Evaluation, second: Evaluation) -> bool:
    """Whether every component, factor and constraint is the same."""

    def parts(found: Evaluation) -> dict[str, Any]:
        factors = {f"factor {name}": getattr(found.factors, name) for name in found.factors.__dataclass_fields__}
        sides = {f"{side} {n}": part for side in ("lab", "provider") for n, part in getattr(found, side).items()}
        return factors | sides | found.constraints

    ours, theirs = parts(first), parts(second)
    return list(ours) == list(theirs) and all(np.array_equal(ours[name], theirs[name]) for name in ours)


COPIES = (lab(), provider())


@pytest.mark.parametrize("trigger", [Trigger.DATE, Trigger.GW_LIVE, Trigger.REVENUE])
def test_equal_forecasts_are_the_common_forecast_to_the_bit(trigger: Trigger) -> None:
    g, w = grid(**{**RICH, "staging": ((0.25, trigger), UPFRONT)}), weights(commitment_cover=0.2)
    assert same_bits(evaluate(lab(), provider(), g, w), evaluate(lab(), provider(), g, w, COPIES))


def test_equal_forecasts_are_the_common_forecast_for_valuations_too() -> None:
    g = grid(staging=VALUATION)
    assert same_bits(evaluate(lab(), provider(), g, weights()), evaluate(lab(), provider(), g, weights(), COPIES))


@pytest.mark.parametrize("rule", PAIR_RULES)
def test_equal_forecasts_sign_the_same_deal(rule: str) -> None:
    talks = problem(rule=rule, bidders=2, continuous=("discount", "equity"))
    common, copied = solve(talks), solve(replace(talks, seen=COPIES))
    assert common.settlement == copied.settlement
    assert (common.terms, common.lab, common.provider) == (copied.terms, copied.lab, copied.provider)


# Odds of milestones


def odds(ours: LabView, theirs: LabView, *triggers: Trigger) -> list[float]:
    g = one(staging=tuple((0.25, trigger) for trigger in triggers))
    return [float(each) for each in milestone_odds(ours, theirs, g, weights(need_volatility=0.2))]


def test_milestone_odds_by_hand() -> None:
    # six quarters ahead the spread is .2 sqrt(7); a lab that expects e^spread times the provider's median is one
    # standard deviation above the bar, which is passed with Phi(1)
    spread = 0.2 * math.sqrt(7.0)
    theirs = lab(revenue_usd_bn_per_quarter=np.full(HORIZON, 4.0), value_usd_bn=100.0)
    ours = replace(
        theirs,
        revenue_usd_bn_per_quarter=np.full(HORIZON, 4.0 * math.exp(spread)),
        own_value_usd_bn=100.0 * math.exp(-2.0 * spread),
    )
    found = odds(ours, theirs, Trigger.DATE, Trigger.GW_LIVE, Trigger.REVENUE, Trigger.VALUATION)
    assert found == pytest.approx([1.0, 0.7, 0.841344746, 0.022750132], abs=1e-9)
    sober = replace(theirs, own_value_usd_bn=100.0)
    assert odds(sober, sober, *Trigger) == [1.0, 0.7, 0.5, 0.5]


@given(st.floats(-0.1, 0.1), st.floats(0.001, 0.1))
def test_odds_of_revenue_rise_with_the_labs_growth(growth: float, more: float) -> None:
    low, high = (odds(grown(lab(), each), lab(), Trigger.REVENUE)[0] for each in (growth, growth + more))
    assert low < high


def test_where_nothing_is_uncertain_the_bar_is_passed_or_not() -> None:
    g = one(staging=REVENUE)
    for growth, expected in ((0.01, 1.0), (0.0, 0.5), (-0.01, 0.0)):
        found = milestone_odds(grown(lab(), growth), lab(), g, weights(need_volatility=0.0))
        assert found.tolist() == [expected]


def test_without_revenue_to_compare_odds_are_even() -> None:
    none = lab(revenue_usd_bn_per_quarter=np.zeros(HORIZON))
    assert odds(none, lab(), Trigger.REVENUE) == odds(lab(), none, Trigger.REVENUE) == [0.5]


# What differing forecasts do


def by_lab(ours: LabView, name: str, **changes: Any) -> float:
    """A component of the lab's utility by its own view, the provider seeing it as the fixture does."""
    found = evaluate(ours, FREE, one(**{"gw": 1.0, **changes}), weights(), (lab(), FREE))
    return float(found.lab[name].item())


def test_an_optimistic_lab_values_capacity_and_revenue_milestones_more() -> None:
    growth = (-0.02, 0.0, 0.02, 0.05)
    views = [grown(lab(contracted_gw=np.full(HORIZON, 0.8)), each) for each in growth]
    cover = [by_lab(view, "coverage") for view in views]
    idle = [by_lab(view, "idle_risk", take_or_pay=(1.0,)) for view in views]
    staged = [by_lab(view, "liquidity", equity=(4.0,), staging=REVENUE) for view in views]
    shared = [by_lab(view, "revenue_share", revenue_shares=(0.05,)) for view in views]
    assert cover == sorted(set(cover))
    assert idle == sorted(set(idle))
    assert staged == sorted(set(staged))
    assert shared == sorted(set(shared), reverse=True)  # a share of more revenue is dearer


def test_an_optimist_signs_more_capacity() -> None:
    g = grid(gw=tuple(i / 10.0 for i in range(1, 31)), equity=(0.0,), staging=(UPFRONT,))
    base = lab(contracted_gw=np.full(HORIZON, 0.8), compute_value_usd_bn_per_gw_quarter=6.0, spot_fill_frac=0.2)

    def signed_gw(growth: float) -> float:
        talks = problem(lab=grown(base, growth), provider=FREE, grid=g, seen=(base, FREE))
        offer = solve(talks)
        assert offer.terms is not None
        return offer.terms.gw

    found = [signed_gw(growth) for growth in (-0.02, 0.0, 0.02)]
    assert found == sorted(found)
    assert found[0] < found[-1]


def test_an_optimist_waits_for_revenue_rather_than_for_capacity() -> None:
    # equally costly to the provider but for the odds: a lab sure of its growth takes the milestone that it will meet
    g = one(0.5, equity=(8.0,), staging=((0.25, Trigger.GW_LIVE), (0.25, Trigger.REVENUE)))
    found = [
        evaluate(view, FREE, g, weights(), (lab(), FREE)).lab["liquidity"].ravel()
        for view in (lab(), grown(lab(), 0.1))
    ]
    assert found[0][0] > found[0][1]  # .7 against .5
    assert found[1][0] < found[1][1]
    assert found[0][0] == found[1][0]


def test_who_fears_default_less() -> None:
    # the lab's own view of its default moves nothing of the provider's, and the other way round
    g = grid(**RICH)
    sure, wary = lab(default_prob_per_quarter=0.0), lab(default_prob_per_quarter=0.05)
    common = evaluate(lab(), FREE, g, weights(), (lab(), FREE))
    calm_lab = evaluate(sure, FREE, g, weights(), (lab(), FREE))
    for name, part in common.provider.items():
        assert np.array_equal(part, calm_lab.provider[name]), name
    wary_provider = evaluate(lab(), FREE, g, weights(), (wary, FREE))
    for name, part in common.lab.items():
        assert np.array_equal(part, wary_provider.lab[name]), name
    moved = {name for name, part in common.provider.items() if not np.array_equal(part, wary_provider.provider[name])}
    assert moved == {"margin", "staging", "revenue_share"}
    assert (wary_provider.provider["margin"] < common.provider["margin"]).all()
    assert (wary_provider.provider["revenue_share"] <= common.provider["revenue_share"]).all()
    # what it need not pay if the lab is gone is worth more to who fears that
    assert (wary_provider.provider["staging"] >= common.provider["staging"]).all()


def test_a_provider_that_fears_default_less_gives_more() -> None:
    g = grid(discounts=tuple(i / 40.0 for i in range(21)), equity=(0.0,), staging=(UPFRONT,))

    def gain(seen_default: float) -> float:
        seen = (lab(default_prob_per_quarter=seen_default), FREE)
        return solve(problem(lab=lab(), provider=FREE, grid=g, seen=seen)).lab

    calm, wary = gain(0.0), gain(0.05)
    assert calm > wary


def test_each_side_expects_its_own_prices() -> None:
    # the lab gains where prices rise more than its contract's, the provider's margin is at the contract's price
    dear = replace(FREE, expected_price=np.full(HORIZON, 4.0))
    g = one(1.0, terms=(8,))
    w = weights(discounting=0.0)
    common, differ = evaluate(lab(), FREE, g, w), evaluate(lab(), dear, g, w, (lab(), FREE))
    assert float(differ.lab["price"].item()) == pytest.approx((4.0 - 3.0) * (0.25 + 0.5 + 0.75 + 5.0))
    assert np.array_equal(differ.provider["margin"], common.provider["margin"])
    # a stake is worth what its holder expects, not what the lab does
    assert np.array_equal(differ.provider["stake_in_surplus"], common.provider["stake_in_surplus"])


beliefs = st.tuples(st.floats(-0.05, 0.05), st.floats(0.0, 0.05), st.floats(-0.02, 0.02))


def believing(belief: tuple[float, float, float]) -> dict[str, Any]:
    growth, default, drift = belief
    price = FREE.expected_price * np.exp(drift * np.arange(HORIZON))
    return {
        "lab": replace(grown(lab(), growth), default_prob_per_quarter=default),
        "provider": replace(provider(), expected_price=price),
    }


@settings(max_examples=25)
@given(beliefs, beliefs, st.sampled_from(PAIR_RULES))
def test_signed_deals_are_rational_under_each_sides_own_beliefs(
    ours: tuple[float, float, float], theirs: tuple[float, float, float], rule: str
) -> None:
    own, seen = believing(ours), believing(theirs)
    talks = problem(**own, seen=(seen["lab"], seen["provider"]), rule=rule, bidders=2, continuous=("discount",))
    offer = solve(talks)
    if offer.terms is None:
        return
    # each side's own evaluation of the terms, as if everybody saw things its way
    g = offer.terms.grid
    lab_alone = evaluate(own["lab"], own["provider"], g, talks.weights, (seen["lab"], own["provider"]))
    provider_alone: Problem = replace(talks, lab=seen["lab"], provider=seen["provider"], seen=None)
    assert float(lab_alone.lab_total.item()) == pytest.approx(offer.lab, abs=1e-9)
    assert float(evaluated(provider_alone, g).provider_total.item()) == pytest.approx(offer.provider, abs=1e-9)
    assert offer.lab >= -1e-8
    assert offer.provider >= -1e-8
