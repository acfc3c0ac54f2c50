from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.bargaining.negotiation import (
    Trace,
    bargain,
    binding_constraint,
    chosen_components,
    chosen_terms,
    explain_agreement,
)
from market.bargaining.solutions import nash
from market.bargaining.utilities import Evaluation, evaluate
from market.bargaining.views import Grid
from market.funding import FundingNeed
from tests.market.bargaining.views import HORIZON, grid, lab, provider, weights

LEVELS = tuple(i / 10.0 for i in range(11))


def bare(
    lab_total: list[float], provider_total: list[float], allowed: dict[str, list[bool]] | None = None
) -> Evaluation:
    """Talks about capacity alone, with given utilities: no economics."""
    levels = tuple(float(i + 1) for i in range(len(lab_total)))
    terms = Grid(levels, (8,), (1.0,), (False,), (0.0,), (0.0,), (1.0,))

    def spread(values: list[float] | list[bool]) -> np.ndarray:
        return np.array(values).reshape(terms.shape)

    constraints = {name: spread(part) for name, part in (allowed or {"room": [True] * len(lab_total)}).items()}
    feasible = np.logical_and.reduce(list(constraints.values()))
    ours, theirs = spread(lab_total), spread(provider_total)
    return Evaluation(terms, {"all": ours}, {"all": theirs}, ours, theirs, feasible, constraints)


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
    assert (offer.agreement, offer.reason) == (None, reason)
    assert (offer.lab_utility, offer.joint_surplus) == (-np.inf, -np.inf)
    assert binding_constraint(offer, 0.5) == ""


def test_a_surplus_of_epsilon_makes_a_deal_possible() -> None:
    offer = bargain(bare([1e-9, -1.0], [1e-9, 5.0]), 0.5)
    assert offer.agreement is not None
    assert (offer.agreement.first, offer.agreement.second, offer.joint_surplus) == (1e-9, 1e-9, 2e-9)


@pytest.mark.parametrize(("floor", "share"), [(-np.inf, 0.5), (0.2, 0.5), (0.5, 0.5), (0.6, 0.6), (1.0, 1.0)])
def test_a_rival_matters_only_above_the_solution(floor: float, share: float) -> None:
    offer = bargain(bare(*PIE), 0.5, floor)
    assert offer.lab_utility == pytest.approx(share)
    assert binding_constraint(offer, 0.5) == ("rival's offer" if share > 0.5 else "none")


def test_a_rival_beyond_reach_is_the_reason() -> None:
    offer = bargain(bare(*PIE), 0.5, 1.1)
    assert (offer.agreement, offer.reason, offer.floor) == (None, "a rival offers the lab more", 1.1)


def test_constraints_together_can_leave_nothing() -> None:
    evaluation = bare([1.0, 1.0], [1.0, 1.0], {"room": [True, False], "cash": [False, True]})
    assert bargain(evaluation, 0.5).reason == "no feasible terms: constraints together"
    evaluation = bare([1.0, 1.0], [1.0, 1.0], {"room": [False, False], "cash": [True, True]})
    assert bargain(evaluation, 0.5).reason == "no feasible terms: room"


def test_the_binding_constraint_is_the_one_whose_lifting_changes_payoffs() -> None:
    def binding(utilities: list[float]) -> str:
        allowed = {"slack": [True] * 3, "tight": [True, True, False]}
        return binding_constraint(bargain(bare(utilities, utilities, allowed), 0.5), 0.5)

    assert binding([1.0, 2.0, 3.0]) == "tight"
    assert binding([1.0, 3.0, 2.0]) == "none"
    assert binding([1.0, 3.0, 3.0]) == "none"  # what is cut off was only as good


def test_components_and_terms_at_the_agreement() -> None:
    evaluation = evaluate(lab(), provider(), grid(), weights())
    offer = bargain(evaluation, 0.5)
    assert offer.agreement is not None
    parts = chosen_components(offer)
    assert sum(parts["lab"].values()) == pytest.approx(offer.agreement.first, abs=1e-9)
    assert sum(parts["provider"].values()) == pytest.approx(offer.agreement.second, abs=1e-9)
    terms = chosen_terms(offer)
    assert list(terms) == [
        "gw", "term_quarters", "take_or_pay_frac", "exclusive", "discount_frac", "equity_usd_bn", "upfront_frac",
    ]  # fmt: skip
    gw_, term, take, exclusive, discount, equity, upfront = terms.values()
    again = Grid((gw_,), (int(term),), (take,), (bool(exclusive),), (discount,), (equity,), (upfront,))
    alone = evaluate(lab(), provider(), again, weights())
    assert float(alone.lab_total.item()) == pytest.approx(offer.agreement.first, abs=1e-9)
    assert float(alone.provider_total.item()) == pytest.approx(offer.agreement.second, abs=1e-9)
    assert bool(alone.feasible.item())


def test_a_trace_holds_frontier_and_distances() -> None:
    offer = bargain(bare(*PIE), 0.5)
    trace = Trace(8100, "Ada", "North", "signed", "agreed", 1, 0.5, 1.0, 0.5, 0.5, "", 0.0)
    explain_agreement(trace, offer, points=3)
    assert trace.frontier == [(1.0, 0.0), (0.5, 0.5), (0.0, 1.0)]
    assert trace.distances == pytest.approx(
        {"symmetric Nash": 0.0, "Kalai-Smorodinsky": 0.0, "egalitarian": 0.0, "utilitarian": 0.5**0.5}
    )
    assert trace.constraint == "none"
    assert trace.as_dict()["terms"]["gw"] == 6.0


@settings(max_examples=25)
@given(st.floats(0.0, 1.0), st.floats(0.0, 1.0), st.floats(0.2, 1.0), st.floats(0.0, 20.0))
def test_signed_deals_are_rational_and_power_pays(low: float, high: float, fill: float, cash: float) -> None:
    a = lab(spot_fill_frac=fill, funding=FundingNeed(cash, 12.0, 1.2, 0.05))
    evaluation = evaluate(a, provider(), grid(), weights())
    weak, strong = (bargain(evaluation, weight) for weight in sorted((low, high)))
    for offer in (weak, strong):
        if offer.agreement is not None:
            assert offer.agreement.first > 0.0
            assert offer.agreement.second >= 0.0
            assert evaluation.feasible.ravel()[offer.agreement.index]
    if weak.agreement is not None and strong.agreement is not None and abs(high - low) > 1e-6:
        assert strong.agreement.first >= weak.agreement.first - 1e-8


# Mechanisms of one negotiation


def outcome(evaluation: Evaluation, weight: float = 0.5) -> dict[str, float]:
    offer = bargain(evaluation, weight)
    assert offer.agreement is not None
    return chosen_terms(offer)


@pytest.mark.parametrize(
    ("cash", "depth", "equity"),
    [(0.0, 0.0, True), (0.0, 1000.0, False), (12.0, 0.0, False), (12.0, 1000.0, False)],
)
def test_equity_needs_a_short_runway_and_dear_money(cash: float, depth: float, equity: bool) -> None:
    a = lab(funding=FundingNeed(cash, 12.0, 1.2, 0.05), depths=(depth,), costs=(0.04,))
    assert (outcome(evaluate(a, provider(), grid(), weights()))["equity_usd_bn"] > 0.0) is equity


def test_power_of_the_provider_lowers_the_discount() -> None:
    g = grid(discounts=tuple(i / 50.0 for i in range(26)), equity=(0.0,), upfront=(1.0,), take_or_pay=(0.95,))
    evaluation = evaluate(lab(spot_fill_frac=1.0), provider(), g, weights())
    discounts = [outcome(evaluation, 1.0 - power)["discount_frac"] for power in (0.1, 0.3, 0.5, 0.7, 0.9)]
    assert discounts == sorted(discounts, reverse=True)
    assert discounts[0] > discounts[2] > discounts[-1]


def test_exclusivity_is_signed_for_pull_through_and_waived_when_need_outgrows_the_provider() -> None:
    # an exclusive clause can only pay where a dollar of AI brings more than a dollar of cloud spending (here two), and
    # only be signed where the discount can make it good to the lab
    deep = grid(discounts=(0.0, 0.1, 0.2, 0.3, 0.4, 0.5), equity=(0.0,), upfront=(1.0,))

    def clause(need_gw: float, revenue: float, multiple: float = 2.0) -> bool:
        a = lab(
            need_gw=np.full(HORIZON, need_gw),
            contracted_gw=np.zeros(HORIZON),
            yearly_compute_usd_bn=4.0,
            enterprise_revenue_usd_bn_per_quarter=revenue,
        )
        b = provider(
            alone_gw=np.full(HORIZON, 1.4), reachable=True, stake_frac=0.0, user_cost_usd_bn_per_gw_quarter=1.5
        )
        return bool(outcome(evaluate(a, b, deep, weights(pull_through_multiple=multiple)))["exclusive"])

    assert clause(1.4, 3.0)
    assert not clause(1.4, 0.0)  # nothing to pull through
    assert not clause(6.0, 3.0)  # one provider no longer meets the need
    assert not clause(1.4, 3.0, multiple=0.6)  # what the provider regains is less than what the lab forgoes


def test_dearer_dependence_makes_a_new_host_win_sooner() -> None:
    """A host the lab already depends on must offer more than a new one, the more so the dearer lock-in is."""

    def gap(lock_in: float) -> float:
        a, w = lab(contracted_gw=np.ones(HORIZON), need_gw=np.full(HORIZON, 3.0)), weights(lock_in=lock_in)
        new = evaluate(a, provider(with_lab_gw=np.zeros(HORIZON)), grid(), w)
        old = evaluate(a, provider(with_lab_gw=np.full(HORIZON, 0.6)), grid(), w)
        solved = [nash((e.lab_total.ravel(), e.provider_total.ravel())) for e in (new, old)]
        assert all(each is not None for each in solved)
        return solved[0].first - solved[1].first  # type: ignore[union-attr]

    assert gap(0.0) == pytest.approx(0.0, abs=1e-12)
    assert 0.0 < gap(0.05) < gap(0.2)
