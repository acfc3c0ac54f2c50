"""Term sheets and deals as data."""

from __future__ import annotations

import dataclasses

import pytest

from market.deals import (
    ENDED,
    LEGAL_MOVES,
    Deal,
    DealStatus,
    Exclusivity,
    TermSheet,
    Tranche,
    Trigger,
    Warrant,
    check_terms,
    strongest,
)

TERMS = TermSheet(
    provider="Amazon",
    lab="Anthropic",
    quarter=8100,
    start_quarter=8102,
    gw_by_quarter=(0.25, 0.5, 1.0),
    price_usd_bn_per_gw_quarter=3.0,
    tranches=(Tranche(5.0, Trigger.DATE, 8100.0), Tranche(20.0, Trigger.GW_LIVE, 0.5)),
    warrants=(Warrant("Amazon", "Anthropic", 0.01, Trigger.GW_LIVE, 1.0),),
)


def test_totals_of_a_term_sheet() -> None:
    totals = (TERMS.equity_usd_bn, TERMS.gw, TERMS.term_quarters, TERMS.end_quarter, TERMS.commitment_usd_bn)
    assert totals == (25.0, 1.0, 3, 8105, 5.25)


def test_totals_of_an_equity_only_term_sheet_are_zero() -> None:
    terms = TermSheet("NVIDIA", "OpenAI", 8100, 8100)
    assert (terms.equity_usd_bn, terms.gw, terms.term_quarters, terms.end_quarter, terms.commitment_usd_bn) == (
        0.0,
        0.0,
        0,
        8100,
        0.0,
    )


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, 8105),
        ({"exclusivity": Exclusivity.PRIMARY, "exclusive_until": 8110}, 8110),
        ({"exclusivity": Exclusivity.PRIMARY, "exclusive_until": 8103}, 8105),
        ({"exclusive_until": 8110}, 8105),
        ({"revenue_share_frac": 0.2, "revenue_share_until": 8120}, 8120),
        ({"revenue_share_until": 8120}, 8105),
    ],
)
def test_obligations_end_with_the_last_dated_term_that_binds(change: dict[str, object], expected: int) -> None:
    assert dataclasses.replace(TERMS, **change).obligations_end == expected  # type: ignore[arg-type]


def test_a_new_deal_has_one_flag_per_tranche_and_warrant() -> None:
    deal = Deal(0, "slug", "disclosed", TERMS)
    assert (deal.tranche_paid, deal.tranche_lapsed) == ([False, False], [False, False])
    assert (deal.warrant_vested, deal.warrant_lapsed) == ([False], [False])


def test_paid_equity_counts_paid_tranches_only() -> None:
    deal = Deal(0, "slug", "disclosed", TERMS)
    assert deal.paid_usd_bn == 0.0
    deal.tranche_paid[1] = True
    assert deal.paid_usd_bn == 20.0


def test_a_deal_runs_from_its_signature_up_to_its_end() -> None:
    deal = Deal(0, "", "simulated", TERMS, DealStatus.TERMINATED, signed_quarter=8100, closed_quarter=8103)
    assert [quarter for quarter in range(8098, 8106) if deal.was_running(quarter)] == [8100, 8101, 8102]


def test_exclusivity_ends_at_its_date_and_an_amendment_replaces_both() -> None:
    terms = dataclasses.replace(TERMS, exclusivity=Exclusivity.EXCLUSIVE, exclusive_until=8103)
    deal = Deal(0, "", "simulated", terms)
    assert [deal.exclusivity_in(quarter).value for quarter in (8100, 8102, 8103)] == ["exclusive", "exclusive", "none"]
    deal.amendments.append((8102, Exclusivity.FIRST_REFUSAL))
    assert [deal.exclusivity_in(quarter).value for quarter in (8101, 8102, 8110)] == [
        "exclusive",
        "first_refusal",
        "first_refusal",
    ]


def test_clauses_are_ordered_by_how_much_they_bind() -> None:
    order = [Exclusivity.NONE, Exclusivity.PRIMARY, Exclusivity.FIRST_REFUSAL, Exclusivity.EXCLUSIVE]
    assert [strongest(order[: n + 1]) for n in range(4)] == order
    assert strongest([]) is Exclusivity.NONE


def test_every_status_says_what_may_follow_and_nothing_follows_an_end() -> None:
    assert set(LEGAL_MOVES) == set(DealStatus)
    assert {status for status, after in LEGAL_MOVES.items() if not after} == ENDED
    assert LEGAL_MOVES[DealStatus.SIGNED] == {DealStatus.ACTIVE, *ENDED}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lab": "Amazon"}, "provider and lab are the same party"),
        ({"gw_by_quarter": (0.1, -0.1)}, "GW, price, pre-money and tranches must be finite and not negative"),
        ({"price_usd_bn_per_gw_quarter": float("nan")}, "GW, price, pre-money and tranches must be finite"),
        ({"tranches": (Tranche(float("inf"), Trigger.DATE, 0.0),)}, "tranches must be finite"),
        ({"take_or_pay_frac": 1.01}, r"must lie in \[0, 1\]"),
        ({"warrants": (Warrant("A", "B", -0.1, Trigger.DATE, 0.0),)}, r"must lie in \[0, 1\]"),
        ({"discount_frac": 1.5}, "the discount may not exceed 1"),
        ({"makeup_quarters": -1}, "make-up period"),
    ],
)
def test_impossible_terms_are_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_terms(dataclasses.replace(TERMS, **change))  # type: ignore[arg-type]


def test_possible_terms_pass() -> None:
    check_terms(TERMS)
