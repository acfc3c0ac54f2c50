"""Take-or-pay, penalties and equity that falls due."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.contract_book import ContractBook
from market.deals import Deal, DealStatus, TermSheet, Tranche, Trigger, Warrant
from market.invariants import check_take_or_pay
from market.settlement import Bill, late_penalty, take_or_pay_bill, tranches_due, warrants_due

NOW = 8100


def bill(use: float, **changes: object) -> Bill:
    """P = 2, Q = 100, theta = 0.8: the worked example of the field notes (4.6)."""
    values: dict[str, object] = {"available_gw": 100.0, "promised_gw": 100.0, "price": 2.0, "take_or_pay_frac": 0.8}
    values |= {"credits": [], "quarter": NOW, "makeup_quarters": 4} | changes
    return take_or_pay_bill(use, **values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("use", "payment", "shortfall_usd_bn", "effective_price"),
    [(100.0, 200.0, 0.0, 2.0), (80.0, 160.0, 0.0, 2.0), (50.0, 160.0, 60.0, 3.2), (20.0, 160.0, 120.0, 8.0)],
)
def test_worked_example(use: float, payment: float, shortfall_usd_bn: float, effective_price: float) -> None:
    result = bill(use)
    credit_gw = shortfall_usd_bn / 2.0
    assert result == Bill(
        payment_usd_bn=payment,
        floor_usd_bn=160.0,
        used_credit_gw=0.0,
        new_credits=[(NOW + 4, credit_gw)] if credit_gw else [],
        idle_gw=100.0 - use,
        late_gw=0.0,
    )
    assert result.payment_usd_bn / use == effective_price


def test_without_take_or_pay_use_is_paid_as_it_goes() -> None:
    assert [bill(use, take_or_pay_frac=0.0).payment_usd_bn for use in (0.0, 25.0, 100.0)] == [0.0, 50.0, 200.0]
    assert bill(25.0, take_or_pay_frac=0.0).new_credits == []


def test_full_take_or_pay_is_a_rent() -> None:
    assert [bill(use, take_or_pay_frac=1.0).payment_usd_bn for use in (0.0, 25.0, 100.0)] == [200.0, 200.0, 200.0]


def test_use_above_the_promise_is_paid_at_the_price() -> None:
    result = bill(120.0, available_gw=120.0)
    assert (result.payment_usd_bn, result.floor_usd_bn, result.idle_gw, result.late_gw) == (240.0, 160.0, 0.0, 0.0)


def test_only_capacity_made_available_is_owed_for() -> None:
    result = bill(0.0, available_gw=25.0)
    assert result == Bill(40.0, 40.0, 0.0, [(NOW + 4, 20.0)], 25.0, 75.0)


def test_nothing_available_owes_nothing() -> None:
    assert bill(0.0, available_gw=0.0) == Bill(0.0, 0.0, 0.0, [], 0.0, 100.0)


def test_credits_pay_for_use_above_the_minimum_oldest_first() -> None:
    result = bill(100.0, credits=[(NOW + 3, 10.0), (NOW + 1, 12.0)])
    assert (result.payment_usd_bn, result.used_credit_gw, result.new_credits) == (160.0, 20.0, [(NOW + 3, 2.0)])


def test_credits_do_not_pay_for_the_minimum() -> None:
    result = bill(80.0, credits=[(NOW + 3, 10.0)])
    assert (result.payment_usd_bn, result.used_credit_gw, result.new_credits) == (160.0, 0.0, [(NOW + 3, 10.0)])


def test_credits_expire_after_their_last_quarter() -> None:
    assert bill(100.0, credits=[(NOW - 1, 10.0)]).used_credit_gw == 0.0
    last = bill(85.0, credits=[(NOW, 10.0)])
    assert (last.payment_usd_bn, last.used_credit_gw, last.new_credits) == (160.0, 5.0, [])


def test_no_make_up_period_means_no_credit() -> None:
    assert bill(0.0, makeup_quarters=0).new_credits == []


def test_a_shortfall_is_made_up_in_full_over_the_next_quarters() -> None:
    first = bill(50.0)
    second = bill(100.0, quarter=NOW + 1, credits=first.new_credits)
    third = bill(100.0, quarter=NOW + 2, credits=second.new_credits)
    assert [first.payment_usd_bn, second.payment_usd_bn, third.payment_usd_bn] == [160.0, 160.0, 180.0]
    assert third.new_credits == []


def test_the_credits_given_are_not_modified() -> None:
    credits = [(NOW + 3, 10.0), (NOW + 1, 12.0)]
    bill(100.0, credits=credits)
    assert credits == [(NOW + 3, 10.0), (NOW + 1, 12.0)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"available_gw": -1.0}, "available is -1.0"),
        ({"promised_gw": float("inf")}, "promised is inf"),
        ({"price": float("nan")}, "price is nan"),
        ({"take_or_pay_frac": 1.5}, "share is 1.5"),
    ],
)
def test_impossible_bills_are_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        bill(1.0, **change)


GW = st.floats(0.0, 50.0)
CREDITS = st.lists(st.tuples(st.integers(NOW - 2, NOW + 5), GW), max_size=4)


@given(use=GW, more=GW, available=GW, promised=GW, theta=st.floats(0.0, 1.0), credits=CREDITS)
def test_take_or_pay_floor_and_monotone_in_use(
    use: float, more: float, available: float, promised: float, theta: float, credits: list[tuple[int, float]]
) -> None:
    less_used = take_or_pay_bill(use, available, promised, 3.0, theta, credits, NOW, 4)
    more_used = take_or_pay_bill(use + more, available, promised, 3.0, theta, credits, NOW, 4)
    assert more_used.payment_usd_bn >= less_used.payment_usd_bn - 1e-9
    check_take_or_pay(less_used, use, available, promised, 3.0, theta)
    check_take_or_pay(more_used, use + more, available, promised, 3.0, theta)


@given(use=GW, promised=GW, theta=st.floats(0.0, 1.0), credits=CREDITS)
def test_credits_are_used_kept_or_expired_and_never_vanish(
    use: float, promised: float, theta: float, credits: list[tuple[int, float]]
) -> None:
    result = take_or_pay_bill(use, promised, promised, 3.0, theta, credits, NOW, 4)
    usable = sum(gw for expiry, gw in credits if expiry >= NOW)
    kept_at_most = usable - result.used_credit_gw + max(0.0, theta * promised - use)
    expiring = sum(gw for expiry, gw in credits if expiry == NOW)
    kept = sum(gw for _, gw in result.new_credits)
    assert kept_at_most - expiring - 1e-9 <= kept <= kept_at_most + 1e-9


@pytest.mark.parametrize(("promised", "available", "expected"), [(1.0, 0.75, 0.5), (1.0, 1.0, 0.0), (1.0, 2.0, 0.0)])
def test_late_penalty(promised: float, available: float, expected: float) -> None:
    assert late_penalty(promised, available, 4.0, 0.5) == expected


def staged_deal() -> Deal:
    """One tranche and one warrant of each kind."""
    thresholds = {Trigger.DATE: 8102.0, Trigger.GW_LIVE: 1.0, Trigger.REVENUE: 20.0, Trigger.VALUATION: 500.0}
    terms = TermSheet(
        "NVIDIA",
        "OpenAI",
        NOW,
        NOW,
        tranches=tuple(Tranche(10.0, trigger, level) for trigger, level in thresholds.items()),
        warrants=tuple(Warrant("AMD", "OpenAI", 0.02, trigger, level) for trigger, level in thresholds.items()),
    )
    return ContractBook([], [], NOW, NOW).sign(terms, NOW)


@pytest.mark.parametrize(
    ("quarter", "gw_live", "revenue", "valuation", "expected"),
    [
        (8101, 0.99, 19.9, 499.0, []),
        (8102, 0.0, 0.0, 0.0, [0]),
        (8101, 1.0, 0.0, 0.0, [1]),
        (8101, 0.0, 20.0, 0.0, [2]),
        (8101, 0.0, 0.0, 500.0, [3]),
        (8103, 2.0, 30.0, 900.0, [0, 1, 2, 3]),
    ],
)
def test_equity_falls_due_when_its_trigger_is_reached(
    quarter: int, gw_live: float, revenue: float, valuation: float, expected: list[int]
) -> None:
    assert tranches_due(staged_deal(), quarter, gw_live, revenue, valuation) == expected
    assert warrants_due(staged_deal(), quarter, gw_live, revenue, valuation) == expected


def test_paid_and_lapsed_equity_is_not_due_again() -> None:
    deal = staged_deal()
    deal.tranche_paid[0] = deal.tranche_lapsed[1] = deal.warrant_vested[2] = deal.warrant_lapsed[3] = True
    assert tranches_due(deal, 8110, 9.0, 99.0, 999.0) == [2, 3]
    assert warrants_due(deal, 8110, 9.0, 99.0, 999.0) == [0, 1]


@pytest.mark.parametrize("status", [s for s in DealStatus if s not in (DealStatus.SIGNED, DealStatus.ACTIVE)])
def test_a_deal_that_does_not_run_owes_no_equity(status: DealStatus) -> None:
    deal = dataclasses.replace(staged_deal(), status=status)
    assert tranches_due(deal, 8110, 9.0, 99.0, 999.0) == []
    assert warrants_due(deal, 8110, 9.0, 99.0, 999.0) == []
