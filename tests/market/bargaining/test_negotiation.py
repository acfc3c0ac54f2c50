from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.bargaining.explanation import components
from market.bargaining.menus import best_lab_gain
from market.bargaining.negotiation import PAIR_RULES, Offer, evaluated, solve
from market.bargaining.problem import Terms
from market.bargaining.solutions import nash
from market.bargaining.utilities import NOTHING, Evaluation, Factors
from market.deals import Exclusivity
from market.funding import FundingNeed
from tests.market.bargaining.views import (
    EXCLUSIVE,
    FIRST_REFUSAL,
    HORIZON,
    NONE,
    PRIMARY,
    UPFRONT,
    grid,
    lab,
    one,
    problem,
    provider,
    table_of,
    weights,
)

LEVELS = tuple(i / 10.0 for i in range(11))


def bare(
    lab_total: list[float], provider_total: list[float], allowed: dict[str, list[bool]] | None = None
) -> Evaluation:
    """Talks about capacity alone, with given utilities: no economics."""
    terms = one(clauses=(NONE,), terms=(8,), gw=1.0)
    terms = replace(terms, gw=tuple(float(i + 1) for i in range(len(lab_total))))

    def spread(values: list[float] | list[bool]) -> np.ndarray:
        return np.array(values).reshape(terms.shape)

    constraints = {name: spread(part) for name, part in (allowed or {"room": [True] * len(lab_total)}).items()}
    ours, theirs = spread(lab_total), spread(provider_total)
    factors = Factors(ours, NOTHING + 1.0, NOTHING, theirs, NOTHING, NOTHING, NOTHING)
    return Evaluation(terms, {"all": ours}, {"all": theirs}, factors, constraints)


def bargain(evaluation: Evaluation, weight: float = 0.5, floor: float = -np.inf, **changes: Any) -> Offer:
    return solve(problem(lab=lab(weight=weight), floors=(floor, -np.inf), **changes), evaluation)


PIE = ([1.0 - x for x in LEVELS], list(LEVELS))


@pytest.mark.parametrize(
    ("lab_utilities", "provider_utilities", "reason"),
    [
        ([-1.0, -0.1], [5.0, 1.0], "no terms are worth the lab's while"),
        ([0.0, 0.0], [5.0, 1.0], "no terms are worth the lab's while"),
        ([5.0, 1.0], [-1.0, -1e-9], "no terms are worth the provider's while"),
        ([5.0, -1.0], [-5.0, 1.0], "no terms leave both better off"),
    ],
)
def test_without_a_zone_of_agreement_there_is_no_deal(
    lab_utilities: list[float], provider_utilities: list[float], reason: str
) -> None:
    offer = bargain(bare(lab_utilities, provider_utilities), 0.5)
    assert (offer.agreed, offer.terms, offer.reason) == (False, None, reason)
    assert (offer.lab, offer.provider, offer.joint) == (-np.inf, -np.inf, -np.inf)


def test_a_surplus_of_epsilon_makes_a_deal_possible() -> None:
    offer = bargain(bare([1e-9, -1.0], [1e-9, 5.0]), 0.5)
    assert (offer.agreed, offer.reason) == (True, "agreed")
    assert (offer.lab, offer.provider, offer.joint) == (1e-9, 1e-9, 2e-9)


@pytest.mark.parametrize(("floor", "share"), [(-np.inf, 0.5), (0.2, 0.5), (0.5, 0.5), (0.6, 0.6), (1.0, 1.0)])
def test_a_rival_matters_only_above_the_solution(floor: float, share: float) -> None:
    offer = bargain(bare(*PIE), 0.5, floor)
    assert offer.lab == pytest.approx(share)


def test_a_rival_beyond_reach_is_the_reason() -> None:
    offer = bargain(bare(*PIE), 0.5, 1.1)
    assert (offer.agreed, offer.reason) == (False, "a rival offers the lab more")


def test_the_threat_point_moves_the_solution_and_a_floor_does_not() -> None:
    # gains over a threat of .4 are split; a floor of .4 lies below the even split
    assert bargain(bare(*PIE), threat=(0.4, 0.0)).lab == pytest.approx(0.7)
    assert bargain(bare(*PIE), floor=0.4).lab == pytest.approx(0.5)


def test_constraints_together_can_leave_nothing() -> None:
    evaluation = bare([1.0, 1.0], [1.0, 1.0], {"room": [True, False], "cash": [False, True]})
    assert bargain(evaluation, 0.5).reason == "no feasible terms: constraints together"
    evaluation = bare([1.0, 1.0], [1.0, 1.0], {"room": [False, False], "cash": [True, True]})
    assert bargain(evaluation, 0.5).reason == "no feasible terms: room"


def test_the_best_gain_leaves_the_provider_its_own() -> None:
    three = bare([4.0, 3.0, 2.0], [-1.0, 0.0, 1.0])
    assert best_lab_gain(problem(), three) == 3.0
    assert best_lab_gain(problem(threat=(0.0, 0.5)), three) == 2.0
    assert best_lab_gain(problem(floors=(5.0, 0.5)), three) == 2.0  # the lab's own floor does not matter
    assert best_lab_gain(problem(floors=(0.0, 2.0)), three) == -np.inf


def test_a_table_marks_what_constraints_forbid() -> None:
    talks = problem()
    found = evaluated(talks)
    table = table_of(talks, found)
    feasible = found.feasible.ravel()
    assert np.array_equal(table.lab > -np.inf, feasible)
    assert np.array_equal(table.provider > -np.inf, feasible)
    assert np.array_equal(table.lab[feasible], found.lab_total.ravel()[feasible])
    assert np.array_equal(table.provider[feasible], found.provider_total.ravel()[feasible])
    assert (table.lab_weight, table.threat, table.floors) == (0.5, (0.0, 0.0), (-np.inf, -np.inf))


@pytest.mark.parametrize("rule", PAIR_RULES)
def test_components_and_terms_at_the_agreement(rule: str) -> None:
    offer = solve(problem(rule=rule, bidders=2))
    assert offer.terms is not None
    parts = components(offer)
    assert sum(parts["lab"].values()) == pytest.approx(offer.lab, abs=1e-9)
    assert sum(parts["provider"].values()) == pytest.approx(offer.provider, abs=1e-9)
    alone = evaluated(offer.problem, offer.terms.grid)
    assert float(alone.lab_total.item()) == pytest.approx(offer.lab, abs=1e-9)
    assert float(alone.provider_total.item()) == pytest.approx(offer.provider, abs=1e-9)
    assert bool(alone.feasible.item())
    assert offer.lab > 0.0
    assert offer.provider >= 0.0


@pytest.mark.parametrize("rule", PAIR_RULES)
def test_without_feasible_terms_every_rule_names_the_constraint(rule: str) -> None:
    offer = solve(problem(rule=rule, provider=provider(buildable_gw=0.0)))
    assert offer.reason == "no feasible terms: buildable capacity"
    both = solve(problem(rule=rule, provider=provider(buildable_gw=0.0, rival_room_gw=-1.0)))
    assert both.reason == "no feasible terms: buildable capacity, primary clause"


@settings(max_examples=25)
@given(st.floats(0.0, 1.0), st.floats(0.0, 1.0), st.floats(0.2, 1.0), st.floats(0.0, 20.0))
def test_signed_deals_are_rational_and_power_pays(low: float, high: float, fill: float, cash: float) -> None:
    a = lab(spot_fill_frac=fill, funding=FundingNeed(cash, 12.0, 1.2, 0.05))
    talks = problem(lab=a)
    evaluation = evaluated(talks)
    weak, strong = (solve(replace(talks, lab=replace(a, weight=weight)), evaluation) for weight in sorted((low, high)))
    for offer in (weak, strong):
        if offer.settlement.agreement is not None:
            assert offer.lab > 0.0
            assert offer.provider >= 0.0
            assert evaluation.feasible.ravel()[offer.settlement.agreement.index]
    if weak.agreed and strong.agreed and abs(high - low) > 1e-6:
        assert strong.lab >= weak.lab - 1e-8


# Mechanisms of one negotiation


def signed(**changes: Any) -> Terms:
    offer = solve(problem(**changes))
    assert offer.terms is not None
    return offer.terms


@pytest.mark.parametrize(
    ("cash", "depth", "equity"),
    [(0.0, 0.0, True), (0.0, 1000.0, False), (12.0, 0.0, False), (12.0, 1000.0, False)],
)
def test_equity_needs_a_short_runway_and_dear_money(cash: float, depth: float, equity: bool) -> None:
    a = lab(funding=FundingNeed(cash, 12.0, 1.2, 0.05), depths=(depth,), costs=(0.04,))
    assert (signed(lab=a).equity_usd_bn > 0.0) is equity


def test_power_of_the_provider_lowers_the_discount() -> None:
    g = grid(discounts=tuple(i / 50.0 for i in range(26)), equity=(0.0,), clauses=(NONE,), take_or_pay=(0.95,))

    def discount(power: float) -> float:
        return signed(lab=lab(spot_fill_frac=1.0, weight=1.0 - power), grid=g).discount_frac

    discounts = [discount(power) for power in (0.1, 0.3, 0.5, 0.7, 0.9)]
    assert discounts == sorted(discounts, reverse=True)
    assert discounts[0] > discounts[2] > discounts[-1]


def clause_signed(
    need_gw: float, capture: float = 0.01, revenue: float = 3.0, multiple: float = 2.0, **changes: Any
) -> Exclusivity:
    """The clause that a lab without contracts signs, the discount making good what it costs.

    An exclusive clause can only pay where a dollar of AI brings more than a dollar of cloud spending (here
    two), weaker ones where they capture need.
    """
    deep = grid(discounts=tuple(i / 20.0 for i in range(12)), equity=(0.0,), staging=(UPFRONT,))
    a = lab(
        need_gw=np.full(HORIZON, need_gw),
        contracted_gw=np.zeros(HORIZON),
        yearly_compute_usd_bn=4.0,
        enterprise_revenue_usd_bn_per_quarter=revenue,
    )
    b = provider(
        with_lab_gw=np.zeros(HORIZON), reachable=True, stake_frac=0.0, user_cost_usd_bn_per_gw_quarter=1.5, **changes
    )
    w = weights(pull_through_multiple=multiple, capture=capture)
    return signed(lab=a, provider=b, grid=deep, weights=w).clause


def test_exclusivity_is_signed_for_pull_through_and_waived_when_need_outgrows_the_provider() -> None:
    assert clause_signed(1.4, 0.0) is EXCLUSIVE
    assert clause_signed(1.4, 0.0, revenue=0.0) is NONE  # nothing to pull through
    assert clause_signed(6.0, 0.0) is NONE  # one provider no longer meets the need
    # what the provider regains is less than what the lab forgoes
    assert clause_signed(1.4, 0.0, multiple=0.6) is NONE


def test_a_clause_loosens_as_need_outgrows_the_provider() -> None:
    needs = (1.4, 1.6, 1.8, 3.0, 6.0)
    assert [clause_signed(need, 0.02) for need in needs] == [EXCLUSIVE, EXCLUSIVE, *[FIRST_REFUSAL] * 3]
    assert [clause_signed(need, 0.0) for need in needs] == [EXCLUSIVE, *[NONE] * 4]
    # capacity of the provider's own brings exclusivity back
    assert clause_signed(3.0, 0.02, alone_gw=np.full(HORIZON, 3.0)) is EXCLUSIVE


def test_a_clause_loosens_as_it_captures_less() -> None:
    captures = (0.05, 0.02, 0.01, 0.005, 0.0)
    assert [clause_signed(1.8, each) for each in captures] == [FIRST_REFUSAL, FIRST_REFUSAL, PRIMARY, PRIMARY, NONE]


def amended(need_gw: float, **changes: Any) -> Offer:
    """Talks while an exclusive clause is in force over .5 GW that run on; the clause alone can be traded too."""
    a = lab(
        need_gw=np.full(HORIZON, need_gw), contracted_gw=np.full(HORIZON, 0.5), yearly_compute_usd_bn=4.0, **changes
    )
    b = provider(
        running_clause=EXCLUSIVE,
        stake_frac=0.0,
        with_lab_gw=np.full(HORIZON, 0.5),
        reachable=True,
        buildable_gw=1.0,
        user_cost_usd_bn_per_gw_quarter=1.5,
    )
    g = grid(gw=(0.0, 0.25, 0.5, 1.0), equity=(0.0,), staging=(UPFRONT,))
    return solve(problem(lab=a, provider=b, grid=g, weights=weights(pull_through_multiple=2.0)))


def test_an_amendment_trades_exclusivity_for_capacity() -> None:
    # the lab needs four times what the provider alone can serve: the clause is loosened for a larger commitment
    offer = amended(6.0)
    assert offer.terms is not None
    assert offer.terms.clause is not EXCLUSIVE
    assert offer.terms.gw == 1.0
    # the threat point is the running contract, its clause included: both gain over it
    assert offer.lab > 0.0
    assert offer.provider > 0.0
    parts = components(offer)
    assert parts["lab"]["exclusivity"] > 0.0
    assert parts["provider"]["pull_through"] < 0.0
    assert parts["provider"]["capture"] <= 0.0
    # with the clause kept both together have less, and the provider alone too
    kept = solve(replace(offer.problem, grid=replace(offer.problem.grid, clauses=(EXCLUSIVE,))))
    assert kept.joint < offer.joint
    assert kept.provider < offer.provider


def test_a_clause_that_suits_both_is_not_amended() -> None:
    kept = amended(1.4, enterprise_revenue_usd_bn_per_quarter=4.0)
    assert kept.terms is not None
    assert kept.terms.clause is EXCLUSIVE


def test_a_clause_alone_can_be_traded_away_for_a_revenue_share() -> None:
    # no capacity to be had: the lab buys its freedom with a share of its revenue
    offer = amended(6.0)
    dry = replace(offer.problem.provider, buildable_gw=0.0)
    nothing_to_pay_with = solve(replace(offer.problem, provider=dry))
    assert not nothing_to_pay_with.agreed
    g = replace(offer.problem.grid, revenue_shares=(0.0, 0.02, 0.05, 0.1))
    bought = solve(replace(offer.problem, provider=dry, grid=g))
    assert bought.terms is not None
    assert bought.terms.gw == 0.0
    assert bought.terms.clause is not EXCLUSIVE
    assert bought.terms.revenue_share_frac > 0.0


def test_a_renewal_goes_on_at_once_and_is_worth_more_than_a_fresh_ramp() -> None:
    # .8 GW run out in three quarters; renewed they go on then, a new contract ramps up from the fourth on
    a = lab(contracted_gw=np.where(np.arange(HORIZON) < 3, 0.8, 0.0))
    b = provider(with_lab_gw=np.where(np.arange(HORIZON) < 3, 0.5, 0.0), stake_frac=0.0)
    fresh = solve(problem(lab=a, provider=b))
    renewal = solve(problem(lab=a, provider=replace(b, lead_quarters=3, ramp_quarters=1)))
    assert renewal.terms is not None
    assert fresh.terms is not None
    assert renewal.joint > fresh.joint
    # without a gap: full capacity in the first quarter after the old contract, for the whole term
    same = Terms(0.5, 8, 0.95, NONE, 0.0, 0.0, 1.0, UPFRONT[1], 0.0, 0.0)
    covered = [evaluated(each.problem, same.grid).lab["coverage"].item() for each in (renewal, fresh)]
    assert covered[0] > covered[1]
    # .5 GW at a margin of 1 for eight quarters, against 1/4, 1/2, 3/4 in the first three; nothing lost in default
    sure = {"weights": weights(discounting=0.0), "lab": replace(a, default_prob_per_quarter=0.0)}
    margins = [
        evaluated(problem(provider=each.problem.provider, **sure), same.grid).provider["margin"].item()
        for each in (renewal, fresh)
    ]
    assert margins == pytest.approx([0.5 * 8.0, 0.5 * 6.5])


def test_dearer_dependence_makes_a_new_host_win_sooner() -> None:
    """A host the lab already depends on must offer more than a new one, the more so the dearer lock-in is."""

    def gap(lock_in: float) -> float:
        a, w = lab(contracted_gw=np.ones(HORIZON), need_gw=np.full(HORIZON, 3.0)), weights(lock_in=lock_in)
        new = evaluated(problem(lab=a, provider=provider(with_lab_gw=np.zeros(HORIZON)), weights=w))
        old = evaluated(problem(lab=a, provider=provider(with_lab_gw=np.full(HORIZON, 0.6)), weights=w))
        solved = [nash((e.lab_total.ravel(), e.provider_total.ravel())) for e in (new, old)]
        assert all(each is not None for each in solved)
        return solved[0].first - solved[1].first  # type: ignore[union-attr]

    assert gap(0.0) == pytest.approx(0.0, abs=1e-12)
    assert 0.0 < gap(0.05) < gap(0.2)
