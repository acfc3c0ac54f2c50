from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.bargaining.cover import expected_idle, ramped_gw, served, value_of_cover
from market.bargaining.problem import terms_at
from market.bargaining.utilities import Evaluation, evaluate
from market.bargaining.views import ISSUES, Grid
from market.deals import Exclusivity, Trigger
from market.funding import FundingNeed
from tests.market.bargaining import scalar_utilities as oracle
from tests.market.bargaining.views import (
    EXCLUSIVE,
    HORIZON,
    PRIMARY,
    RICH,
    STAGED,
    UPFRONT,
    grid,
    lab,
    one,
    provider,
    weights,
)

OPERATING = ("coverage", "price", "idle_risk", "lock_in", "exclusivity")
LAB_SIGNS = {
    "coverage": 1,
    "idle_risk": -1,
    "lock_in": -1,
    "exclusivity": -1,
    "liquidity": 1,
    "dilution": -1,
    "warrants": -1,
    "revenue_share": -1,
    "fixed_cost": -1,
}
PROVIDER_SIGNS = {
    "idle_risk": -1,
    "residual_risk": -1,
    "equity": -1,
    "staging": 1,
    "pull_through": 1,
    "capture": 1,
    "exposure": -1,
    "warrants": 1,
    "revenue_share": 1,
    "fixed_cost": -1,
}


def component(result: Evaluation, side: str, name: str) -> float:
    return float(getattr(result, side)[name].ravel()[-1])


# Building blocks


@pytest.mark.parametrize(
    ("strike", "mean", "sd", "expected"),
    [
        (1.0, 1.0, 0.2, 0.0796557),  # at the money: 2 Phi(sd / 2) - 1
        (100.0, 100.0, 0.2, 7.96557),
        (0.0, 1.0, 0.3, 0.0),
        (1.0, 0.0, 0.3, 1.0),
        (3.0, 1.0, 1e-9, 2.0),
        (1.0, 3.0, 1e-9, 0.0),
        (3.0, 1.0, 0.0, 2.0),
        (1.0, 1.0, 0.0, 0.0),
        (1.0, 3.0, 0.0, 0.0),
    ],
)
def test_expected_idle_closed_forms(strike: float, mean: float, sd: float, expected: float) -> None:
    found = expected_idle(np.array([strike]), np.array([mean]), np.array([sd]))
    assert found.tolist() == pytest.approx([expected], rel=1e-5, abs=1e-9)


def test_expected_idle_against_monte_carlo() -> None:
    draws = np.random.default_rng(5).standard_normal(400_000)
    for strike, mean, sd in ((1.0, 1.0, 0.5), (0.6, 1.0, 0.3), (2.0, 1.0, 0.8)):
        idle = np.maximum(strike - mean * np.exp(sd * draws - sd**2 / 2.0), 0.0)
        found = float(expected_idle(np.array([strike]), np.array([mean]), np.array([sd]))[0])
        assert found == pytest.approx(idle.mean(), abs=5.0 * idle.std() / np.sqrt(len(draws)))


@given(st.floats(0.0, 20.0), st.floats(0.0, 20.0), st.floats(0.0, 1.5), st.floats(0.0, 1.0))
def test_expected_idle_lies_between_certain_need_and_the_contract(
    strike: float, mean: float, sd: float, more: float
) -> None:
    def idle(c: float, n: float, s: float) -> float:
        return float(expected_idle(np.array([c]), np.array([n]), np.array([s]))[0])

    found = idle(strike, mean, sd)
    assert max(strike - mean, 0.0) - 1e-9 <= found <= strike + 1e-9
    assert idle(strike, mean, sd + more) >= found - 1e-9
    assert found - 1e-9 <= idle(strike + more, mean, sd) <= found + more + 1e-9


@given(st.floats(0.01, 20.0), st.floats(0.01, 10.0))
def test_served_is_concave_and_flat_beyond_the_need(need: float, step: float) -> None:
    levels = np.linspace(0.0, 11.0 * step, 12)
    values = served(levels, np.full(12, need))
    steps = np.diff(values)
    assert (steps >= -1e-12).all()
    assert (np.diff(steps) <= 1e-9).all()
    assert values.max() <= need / 2.0 + 1e-9
    assert steps[0] <= step + 1e-12


def test_served_by_hand() -> None:
    assert served(np.array([1.0, 2.0, 9.0, 1.0]), np.array([4.0, 4.0, 4.0, 0.0])).tolist() == [0.875, 1.5, 2.0, 0.0]


def test_slices_of_capacity_telescope() -> None:
    whole = evaluate(lab(), provider(), one(0.75), weights())
    slices, contracted = [], lab().contracted_gw
    for _ in range(3):
        slices.append(evaluate(lab(contracted_gw=contracted), provider(), one(0.25), weights()))
        contracted = contracted + ramped_gw(np.array([0.25]), np.array([20]), 4, 4, HORIZON)[0, 0]
    for side, name in (("lab", "coverage"), ("lab", "price"), ("lab", "idle_risk"), ("provider", "margin")):
        parts = sum(component(each, side, name) for each in slices)
        assert parts == pytest.approx(component(whole, side, name), rel=1e-12)


def test_ramp_by_hand() -> None:
    path = ramped_gw(np.array([1.0, 2.0]), np.array([2, 4]), 2, 4, 7)
    assert path.tolist() == [
        [[0.0, 0.0, 0.25, 0.5, 0.0, 0.0, 0.0], [0.0, 0.0, 0.25, 0.5, 0.75, 1.0, 0.0]],
        [[0.0, 0.0, 0.5, 1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.5, 1.0, 1.5, 2.0, 0.0]],
    ]


# The whole against the oracle

OPTIMIST = lab(
    need_gw=np.linspace(1.2, 5.0, HORIZON),
    revenue_usd_bn_per_quarter=np.linspace(2.5, 9.0, HORIZON),
    default_prob_per_quarter=0.004,
)
SIDES: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any], Grid]] = {
    "plain": ({}, {}, {}, grid(**RICH)),
    "no ramp, nothing contracted": (
        {"contracted_gw": np.zeros(HORIZON)},
        {"with_lab_gw": np.zeros(HORIZON), "reachable": True, "ramp_quarters": 1},
        {},
        grid(**RICH),
    ),
    "overdrawn": (
        {"funding": FundingNeed(-3.0, 6.0, 2.0, 0.0), "value_usd_bn": 20.0, "own_value_usd_bn": 22.0},
        {"lead_quarters": 1, "stake_cap": 0.2},
        {"discounting": 0.0},
        grid(**RICH),
    ),
    "creditors, old equity, short revenue share": (
        {"credit_target_usd_bn": 11.0},
        {"equity_promised_usd_bn": 6.0, "power_gw": 0.5, "rival_room_gw": 0.3},
        {"commitment_cover": 0.25, "revenue_share_quarters": 5},
        grid(**RICH),
    ),
    "clause in force, chips grow old": (
        {},
        {"running_clause": EXCLUSIVE},
        {"obsolescence_per_year": 0.12},
        grid(**{**RICH, "gw": (0.0, 0.5)}),
    ),
    "weaker clause in force": ({}, {"running_clause": PRIMARY, "stake_cap": 0.14}, {"capture": 0.2}, grid(**RICH)),
}


@pytest.mark.parametrize("differ", [False, True])
@pytest.mark.parametrize("case", SIDES)
def test_every_component_agrees_with_plain_loops(case: str, differ: bool) -> None:
    lab_changes, provider_changes, weight_changes, g = SIDES[case]
    a, b, w = lab(**lab_changes), provider(**provider_changes), weights(**weight_changes)
    paths = ("need_gw", "revenue_usd_bn_per_quarter", "default_prob_per_quarter")
    optimist = replace(a, **{name: getattr(OPTIMIST, name) for name in paths})
    seen = (a, replace(b, expected_price=b.expected_price * 1.02 ** np.arange(HORIZON))) if differ else None
    ours_view = optimist if differ else a
    result = evaluate(ours_view, b, g, w, seen)
    assert result.lab_total.shape == result.provider_total.shape == result.feasible.shape == g.shape
    spread = {
        side: {name: np.broadcast_to(part, g.shape) for name, part in getattr(result, side).items()}
        for side in ("lab", "provider")
    }
    for index in range(0, g.size, 61):
        terms, at = terms_at(g, index), np.unravel_index(index, g.shape)
        ours, theirs = oracle.both_sides(ours_view, b, w, terms, seen)
        found_ours = {name: float(part[at]) for name, part in spread["lab"].items()}
        found_theirs = {name: float(part[at]) for name, part in spread["provider"].items()}
        for name in ("credit", "liquidity"):  # the oracle integrates by 400 rectangles
            assert found_ours.pop(name) == pytest.approx(ours.pop(name), rel=1e-6, abs=2e-4)
        assert found_ours == pytest.approx(ours, rel=1e-9, abs=1e-9)
        assert found_theirs == pytest.approx(theirs, rel=1e-9, abs=1e-9)
        allowed = oracle.allowed(ours_view, b, terms, 0.0 in g.gw)
        held = {name: bool(np.broadcast_to(part, g.shape)[at]) for name, part in result.constraints.items()}
        assert held == allowed
        assert result.feasible[at] == all(allowed.values())


def test_names_of_components() -> None:
    result = evaluate(lab(), provider(), grid(), weights())
    assert list(result.lab) == [
        "coverage", "price", "idle_risk", "lock_in", "exclusivity", "credit", "liquidity", "dilution", "warrants",
        "revenue_share", "fixed_cost", "surplus_shared",
    ]  # fmt: skip
    assert list(result.provider) == [
        "margin", "idle_risk", "residual_risk", "pull_through", "capture", "exposure", "equity", "staging", "warrants",
        "revenue_share", "fixed_cost", "stake_in_surplus",
    ]  # fmt: skip


# Factors

levels = st.lists(st.floats(0.0, 1.0), min_size=1, max_size=3, unique=True).map(tuple)


@st.composite
def grids(draw: st.DrawFn) -> Grid:
    triggers = st.tuples(st.floats(0.0, 0.99), st.sampled_from(Trigger))
    return Grid(
        gw=draw(levels),
        terms=tuple(draw(st.lists(st.integers(1, 30), min_size=1, max_size=2, unique=True))),
        take_or_pay=draw(levels),
        clauses=tuple(draw(st.lists(st.sampled_from(Exclusivity), min_size=1, max_size=3, unique=True))),
        discounts=draw(levels),
        equity=tuple(20.0 * level for level in draw(levels)),
        staging=tuple(draw(st.lists(triggers, min_size=1, max_size=3, unique=True))),
        warrants=draw(levels),
        revenue_shares=draw(levels),
    )


@settings(max_examples=40)
@given(grids(), st.sampled_from(Exclusivity), st.floats(0.0, 1.0), st.booleans())
def test_totals_are_the_sums_of_components(g: Grid, running: Exclusivity, stake: float, differ: bool) -> None:
    b = provider(running_clause=running, stake_frac=stake)
    seen = (lab(need_gw=np.full(HORIZON, 2.0)), replace(b, expected_price=np.full(HORIZON, 2.5))) if differ else None
    result = evaluate(lab(), b, g, weights(commitment_cover=0.2), seen)
    for total, parts in ((result.lab_total, result.lab), (result.provider_total, result.provider)):
        summed = sum((np.broadcast_to(part, g.shape) for part in parts.values()), np.zeros(g.shape))
        assert np.abs(total - summed).max() <= 1e-9


def test_factors_span_only_the_issues_that_move_them() -> None:
    # what the deal produces moves with the first five issues, what is paid besides with the others and capacity
    result = evaluate(lab(), provider(), grid(**RICH), weights(commitment_cover=0.25))
    produced, paid = set(ISSUES[:5]), {"gw", *ISSUES[5:]}
    spans = {
        name: {issue for issue, size in zip(ISSUES, getattr(result.factors, name).shape, strict=True) if size > 1}
        for name in result.factors.__dataclass_fields__
    }
    assert spans == {
        "gain": produced,
        "kept": {"equity", "warrants"},
        "lab_money": paid,
        "margin": produced,
        "seen_gain": produced,
        "share": {"equity", "warrants"},
        "provider_money": paid - {"gw"},
    }


# Each component by hand


def test_coverage_by_hand() -> None:
    # need 2, nothing contracted, 1 GW for four quarters without ramp or discounting: 4 (1 - 1/4) GW-quarters of
    # cover, each worth .2 x 2.5 lost margin plus .8 x 10 % of 3
    a = lab(need_gw=np.full(HORIZON, 2.0), contracted_gw=np.zeros(HORIZON))
    result = evaluate(a, provider(ramp_quarters=1), one(terms=(4,)), weights(discounting=0.0))
    assert value_of_cover(a, 3.0) == pytest.approx(0.74)
    assert component(result, "lab", "coverage") == pytest.approx(0.74 * 3.0)


def test_price_by_hand() -> None:
    flat = provider(expected_price=np.full(HORIZON, 3.0), ramp_quarters=1)
    plain = weights(discounting=0.0)
    assert component(evaluate(lab(), flat, one(terms=(4,)), plain), "lab", "price") == pytest.approx(0.0, abs=1e-12)
    cheaper = evaluate(lab(), flat, one(terms=(4,), discounts=(0.1,)), plain)
    assert component(cheaper, "lab", "price") == pytest.approx(1.2)
    falling = provider(expected_price=np.full(HORIZON, 2.5), ramp_quarters=1)
    assert component(evaluate(lab(), falling, one(terms=(4,)), plain), "lab", "price") == pytest.approx(-2.0)


def test_idle_risk_by_hand() -> None:
    # need 1 for certain, 3 GW for four quarters, so 2 x 4 idle GW-quarters; at a list and market price of 3 and
    # take-or-pay .8 the lab pays .8 of them in vain and the provider is not paid for .2
    flat = provider(expected_price=np.full(HORIZON, 3.0), ramp_quarters=1)
    a = lab(need_gw=np.ones(HORIZON), contracted_gw=np.zeros(HORIZON))
    certain = weights(discounting=0.0, need_volatility=0.0)
    result = evaluate(a, flat, one(3.0, terms=(4,), take_or_pay=(0.8,)), certain)
    assert component(result, "lab", "idle_risk") == pytest.approx(-19.2)
    assert component(result, "provider", "idle_risk") == pytest.approx(-4.8)


def test_lock_in_by_hand() -> None:
    # half with this provider, then (0.4 + 0.8) of 1.6: 5 % of three years of 12 times (9/16 - 1/4)
    a = lab(contracted_gw=np.full(HORIZON, 0.8))
    b = provider(with_lab_gw=np.full(HORIZON, 0.4))
    assert component(evaluate(a, b, one(0.8), weights()), "lab", "lock_in") == pytest.approx(-1.8 * 0.3125)
    assert component(evaluate(a, provider(with_lab_gw=np.zeros(HORIZON)), one(0.8), weights()), "lab", "lock_in") == (
        pytest.approx(-1.8 * 0.25)
    )


def test_a_second_host_lowers_dependence_on_a_first() -> None:
    # all 1 GW with this provider already: more of it adds no dependence
    a, b = lab(contracted_gw=np.ones(HORIZON)), provider(with_lab_gw=np.ones(HORIZON))
    assert component(evaluate(a, b, one(1.0), weights()), "lab", "lock_in") == 0.0


def test_equity_by_hand() -> None:
    # no sources, no owners' cost: 6 of a target of 12 at 1.2 is 1.2 (6 - 36/24)
    a = lab(funding=FundingNeed(0.0, 12.0, 1.2, 0.0), depths=(), costs=())
    result = evaluate(a, provider(), one(equity=(6.0,)), weights(owner_cost=0.0))
    assert component(result, "lab", "liquidity") == pytest.approx(5.4)
    assert component(result, "lab", "dilution") == pytest.approx(-6.0 / 106.0 * 5.0)
    assert component(result, "provider", "equity") == pytest.approx(-0.12 * 6.0 - 36.0 / 60.0)
    assert component(result, "lab", "fixed_cost") == component(result, "provider", "fixed_cost") == pytest.approx(-0.52)
    assert component(evaluate(a, provider(), one(), weights()), "lab", "fixed_cost") == pytest.approx(-0.12)
    # 4 signed before: (10^2 - 4^2) / 60 for the next 6
    second = evaluate(a, provider(equity_promised_usd_bn=4.0), one(equity=(6.0,)), weights())
    assert component(second, "provider", "equity") == pytest.approx(-0.12 * 6.0 - 84.0 / 60.0)


def test_credit_by_hand() -> None:
    # no sources, no owners' cost, no cash: a target of m costs 1.2 m / 2; 12 against .5 x 12 of the new deal, then 1
    # and 11 of old ones
    a = lab(funding=FundingNeed(0.0, 12.0, 1.2, 0.0), depths=(), costs=(), credit_target_usd_bn=11.0)
    result = evaluate(a, provider(), one(1.0), weights(commitment_cover=0.5))
    assert component(result, "lab", "credit") == pytest.approx(-0.6 * (17.0 - 12.0))
    fresh = evaluate(replace(a, credit_target_usd_bn=0.0), provider(), one(1.0), weights(commitment_cover=0.5))
    assert component(fresh, "lab", "credit") == pytest.approx(0.0, abs=1e-12)


def test_staging_by_hand() -> None:
    # 8 in tranches of which three quarters wait six quarters, default .1 a quarter
    a = lab(default_prob_per_quarter=0.1)
    staged = evaluate(a, provider(), one(equity=(8.0,), staging=(STAGED,)), weights())
    assert component(staged, "provider", "staging") == pytest.approx(6.0 * (1.0 - 0.9**6))
    assert component(evaluate(a, provider(), one(equity=(8.0,)), weights()), "provider", "staging") == 0.0


@pytest.mark.parametrize(
    ("trigger", "odds"),
    [(Trigger.DATE, 1.0), (Trigger.GW_LIVE, 0.7), (Trigger.REVENUE, 0.5), (Trigger.VALUATION, 0.5)],
)
def test_money_that_waits_by_hand(trigger: Trigger, odds: float) -> None:
    # 2 of 8 at once, 6 worth 84 cents if the milestone comes; no sources of money, so 1.2 (m - m^2 / 24) to the lab
    money = 2.0 + 6.0 * 0.84 * odds
    a = lab(funding=FundingNeed(0.0, 12.0, 1.2, 0.0), depths=(), costs=(), own_value_usd_bn=100.0)
    result = evaluate(a, provider(), one(equity=(8.0,), staging=((0.25, trigger),)), weights())
    assert component(result, "lab", "liquidity") == pytest.approx(1.2 * (money - money**2 / 24.0) - 0.05 * money)
    assert component(result, "provider", "equity") == pytest.approx(-0.12 * money - money**2 / 60.0)


def test_warrants_by_hand() -> None:
    # a tenth that vests with odds of .7, worth 84 cents a dollar: of 105 to the lab and of 100 to the provider,
    # who owns half of the lab already
    result = evaluate(lab(), provider(stake_frac=0.5), one(warrants=(0.1,), discounts=(0.1,)), weights())
    assert component(result, "lab", "warrants") == pytest.approx(-0.07 * 0.84 * 105.0)
    assert component(result, "provider", "warrants") == pytest.approx(0.5 * 0.07 * 0.84 * 100.0)
    # old owners keep .93 of what the deal adds, and the provider owns half of that and .07
    operating = sum(component(result, "lab", n) for n in OPERATING)
    assert component(result, "lab", "surplus_shared") == pytest.approx(-0.07 * operating)
    assert component(result, "provider", "stake_in_surplus") == pytest.approx((0.465 + 0.07) * operating)


def test_revenue_share_by_hand() -> None:
    # 5 % of 4 a quarter for three quarters, at 25 % a quarter: 4 (1 + .8 + .64); default .1 in the provider's eyes,
    # who owns a tenth of the lab
    a = lab(revenue_usd_bn_per_quarter=np.full(HORIZON, 4.0), default_prob_per_quarter=0.1)
    w = weights(discounting=0.25, revenue_share_quarters=3)
    result = evaluate(a, provider(), one(revenue_shares=(0.05,)), w)
    assert component(result, "lab", "revenue_share") == pytest.approx(-0.05 * 4.0 * 2.44)
    assert component(result, "provider", "revenue_share") == pytest.approx(0.9 * 0.05 * 4.0 * (1.0 + 0.72 + 0.72**2))


def test_obsolescence_by_hand() -> None:
    # a market price of 3 that the GW falls behind by a quarter a year: 5 quarters are .8^(0, .25, .5, .75, 1)
    flat = provider(expected_price=np.full(HORIZON, 3.0), ramp_quarters=1)
    result = evaluate(lab(), flat, one(terms=(5,)), weights(discounting=0.0, obsolescence_per_year=0.25))
    old = 3.0 * sum(0.8 ** (i / 4.0) for i in range(5))
    assert component(result, "lab", "price") == pytest.approx(old - 15.0)


def test_margin_by_hand() -> None:
    # 1 GW for two quarters after one: (3 - 2) twice, less .4 of 3 in default with probability .1, then .19
    a, b = lab(default_prob_per_quarter=0.1), provider(lead_quarters=1, ramp_quarters=1)
    result = evaluate(a, b, one(terms=(2,)), weights(discounting=0.0))
    assert component(result, "provider", "margin") == pytest.approx(2.0 - 1.2 * (0.1 + 0.19))


def test_residual_risk_by_hand() -> None:
    # chips of 18 live 20 quarters: after 5 three quarters of book are left, of which resale loses .4
    result = evaluate(lab(), provider(), one(terms=(5,)), weights(discounting=0.0))
    assert component(result, "provider", "residual_risk") == pytest.approx(-18.0 * 0.75 * 0.4)
    assert component(evaluate(lab(), provider(), one(terms=(20,)), weights()), "provider", "residual_risk") == 0.0


def test_exposure_by_hand() -> None:
    # commitment 60: 8 % of 70^2 / 200 - 10^2 / 140
    result = evaluate(lab(), provider(ramp_quarters=1), one(terms=(20,)), weights(discounting=0.0))
    assert component(result, "provider", "exposure") == pytest.approx(-0.08 * (4900.0 / 200.0 - 100.0 / 140.0))


@given(st.floats(0.0, 10.0), st.floats(0.0, 0.3))
def test_new_owners_share_the_operating_surplus(equity: float, discount: float) -> None:
    result = evaluate(lab(), provider(), one(equity=(equity,), discounts=(discount,)), weights())
    operating = sum(component(result, "lab", n) for n in OPERATING)
    stake = equity / (100.0 + equity)
    assert component(result, "lab", "surplus_shared") == pytest.approx(-stake * operating, abs=1e-12)


def test_an_old_stake_shares_too() -> None:
    # half held before and a tenth bought make 1/2 x 9/10 + 1/10
    g = one(equity=(100.0 / 9.0,), discounts=(0.1,))
    result = evaluate(lab(), provider(stake_frac=0.5), g, weights())
    operating = sum(component(result, "lab", n) for n in OPERATING)
    assert component(result, "provider", "stake_in_surplus") == pytest.approx(0.55 * operating)


def test_signs() -> None:
    result = evaluate(lab(), provider(), grid(**RICH), weights())
    for side, signs in ((result.lab, LAB_SIGNS), (result.provider, PROVIDER_SIGNS)):
        for name, sign in signs.items():
            part = side[name]
            assert (sign * part >= -1e-12).all(), name
            assert np.abs(part).max() > 1e-6, name


@pytest.mark.parametrize(
    ("weight", "side", "name"),
    [
        ("lock_in", "lab", "lock_in"),
        ("exposure", "provider", "exposure"),
        ("pull_through_margin", "provider", "pull_through"),
        ("pull_through_multiple", "provider", "pull_through"),
        ("capture", "provider", "capture"),
    ],
)
def test_a_weight_of_nil_switches_its_component_off(weight: str, side: str, name: str) -> None:
    off = evaluate(lab(), provider(), grid(), weights(**{weight: 0.0}))
    assert not getattr(off, side)[name].any()
    on = evaluate(lab(), provider(), grid(), weights())
    changed = {key for key, part in on.provider.items() if not np.array_equal(part, off.provider[key])}
    changed |= {key for key, part in on.lab.items() if not np.array_equal(part, off.lab[key])}
    # the margin on customers regained is also what an exclusive clause costs the lab
    knock_on = {"surplus_shared", "stake_in_surplus"} | ({"exclusivity"} if weight == "pull_through_margin" else set())
    assert changed - knock_on == {name}


def test_other_switches() -> None:
    certain = evaluate(lab(need_gw=np.full(HORIZON, 9.0)), provider(), grid(), weights(need_volatility=0.0))
    assert not certain.lab["idle_risk"].any()
    assert not certain.provider["idle_risk"].any()
    assert not evaluate(lab(), provider(), grid(), weights(resale=1.0)).provider["residual_risk"].any()
    free = evaluate(lab(), provider(), grid(), weights(fixed_cost=0.0, equity_fixed_cost=0.0))
    assert not free.lab["fixed_cost"].any()
    assert not free.provider["fixed_cost"].any()
    rich = lab(funding=FundingNeed(50.0, 12.0, 1.2, 0.0))
    assert not evaluate(rich, provider(), grid(), weights(owner_cost=0.0)).lab["liquidity"].any()
    assert not evaluate(lab(own_value_usd_bn=100.0), provider(), grid(), weights()).lab["dilution"].any()


def test_covered_need_leaves_nothing_to_cover() -> None:
    full = lab(contracted_gw=np.full(HORIZON, 5.0))
    assert not evaluate(full, provider(), grid(), weights()).lab["coverage"].any()
    plenty = lab(spot_fill_frac=1.0, spot_premium=0.0)
    assert not evaluate(plenty, provider(), grid(), weights()).lab["coverage"].any()


def test_discount_and_take_or_pay_are_transfers() -> None:
    # without equity and default, what one side gains by them the other loses
    a = lab(default_prob_per_quarter=0.0)
    g = grid(equity=(0.0,))
    result = evaluate(a, provider(stake_frac=0.0), g, weights())
    joint = result.lab_total + result.provider_total
    assert np.ptp(joint, axis=(2, 4)).max() == pytest.approx(0.0, abs=1e-9)


def test_a_revenue_share_is_a_transfer_where_nobody_fears_default() -> None:
    result = evaluate(lab(default_prob_per_quarter=0.0), provider(stake_frac=0.0), grid(**RICH), weights())
    assert np.array_equal(result.lab["revenue_share"], -result.provider["revenue_share"])


def test_constraints_are_named() -> None:
    b = provider(stake_cap=0.13, power_gw=0.5, rival_room_gw=0.25)
    result = evaluate(lab(), b, grid(warrants=(0.0, 0.05)), weights())
    allowed = {name: part.ravel().tolist() for name, part in result.constraints.items()}
    assert allowed == {
        "buildable capacity": [True, True, False],
        "power": [True, True, False],
        "primary clause": [True, False, False],
        "provider's cash": [True, True, False],
        "capacity to wait for": [True, True, True],
        # .1 and 4/104 of the rest make .135, .1 and .05 of it .145
        "stake cap": [True, False, False, False, False, False],
    }
    above = evaluate(lab(), provider(stake_frac=0.5, stake_cap=0.2), grid(), weights())
    assert above.constraints["stake cap"].ravel().tolist() == [True, False, False]


def test_a_stake_cap_holds_for_equity_and_warrants_together() -> None:
    # .1 and .05 of the rest make .145, 1 - .9 x 100/108 is .16667, and with all warrants 1 - .79167 is .20833
    g = one(equity=(0.0, 8.0), warrants=(0.0, 0.05))
    for cap, expected in ((0.1, [1, 0, 0, 0]), (0.15, [1, 1, 0, 0]), (0.2, [1, 1, 1, 0]), (0.21, [1, 1, 1, 1])):
        result = evaluate(lab(), provider(stake_cap=cap), g, weights())
        assert result.constraints["stake cap"].ravel().astype(int).tolist() == expected


def test_without_capacity_nothing_can_wait_for_it() -> None:
    # warrants vest once capacity is live, and so do tranches on capacity; those on revenue or at signing need none
    staging = (STAGED, (0.25, Trigger.REVENUE), (1.0, Trigger.GW_LIVE), UPFRONT)
    g = one(equity=(0.0, 4.0), staging=staging, warrants=(0.0, 0.05))
    clause_only = evaluate(lab(), provider(), replace(g, gw=(0.0, 0.5)), weights()).constraints["capacity to wait for"]
    found = np.broadcast_to(clause_only, (2, 1, 1, 1, 1, 2, 4, 2, 1))[:, 0, 0, 0, 0, :, :, :, 0]
    assert found[0, ..., 0].tolist() == [[True, True, True, True], [False, True, True, True]]
    assert not found[0, ..., 1].any()
    assert found[1].all()


def test_views_are_not_changed() -> None:
    a, b = lab(), provider()
    before = [part.copy() for part in (a.need_gw, a.contracted_gw, b.alone_gw, b.with_lab_gw, b.expected_price)]
    evaluate(a, b, grid(), weights())
    after = [a.need_gw, a.contracted_gw, b.alone_gw, b.with_lab_gw, b.expected_price]
    assert all(np.array_equal(x, y) for x, y in itertools.zip_longest(before, after))
