"""The ledger: exact conservation of cash, balance sheets that close."""

from __future__ import annotations

import copy
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.invariants import check_balance_sheets, check_money
from market.ledger import ASSETS, EQUITY, LIABILITIES, NORMAL_SIDE, Entry, Ledger

NOW = 8100
BN = 10**9
PARTIES = ("Amazon", "Anthropic", "NVIDIA", "External")


def ledger() -> Ledger:
    """Amazon holds 40 in cash and 60 in property against 20 of debt; the others open smaller."""
    books = Ledger()
    books.open("Amazon", cash=40.0, property=60.0, debt=20.0)
    books.open("Anthropic", cash=10.0)
    books.open("NVIDIA", cash=5.0, stakes=1.0, paid_in=2.0)
    books.open("External")
    return books


def nonzero_sheet(books: Ledger, party: str) -> dict[str, int]:
    return {account: units for account, units in books.balance_sheet(party).items() if units}


def test_opening_balance_sheets_have_net_worth_as_residual() -> None:
    books = ledger()
    assert nonzero_sheet(books, "Amazon") == {
        "cash": 40 * BN,
        "property": 60 * BN,
        "debt": 20 * BN,
        "net_worth": 80 * BN,
    }
    assert nonzero_sheet(books, "NVIDIA") == {"cash": 5 * BN, "stakes": BN, "paid_in": 2 * BN, "net_worth": 4 * BN}
    assert (books.parties, books.opening_cash) == (PARTIES, 55 * BN)


def test_a_payment_is_booked_on_both_sides_of_both_parties() -> None:
    books = ledger()
    assert books.pay(NOW, "Anthropic", "Amazon", 2.5, "compute", "revenue", "compute", deal=7) == 2_500_000_000
    assert books.entries == [Entry(NOW, "Anthropic", "Amazon", "compute", "revenue", 2_500_000_000, "compute", 7)]
    assert nonzero_sheet(books, "Anthropic") == {"cash": 7_500_000_000, "net_worth": 7_500_000_000}
    assert nonzero_sheet(books, "Amazon")["cash"] == 42_500_000_000
    assert (books.balance("Anthropic", "compute"), books.balance("Amazon", "revenue")) == (2_500_000_000, 2_500_000_000)
    assert (books.value_usd_bn("Amazon", "revenue"), books.cash_usd_bn("Anthropic")) == (2.5, 7.5)


def test_amounts_are_rounded_once_to_the_unit() -> None:
    books = Ledger(unit_usd=1000.0)
    books.open("A", cash=1.0)
    books.open("B")
    assert books.balance("A", "cash") == 1_000_000
    assert books.pay(NOW, "A", "B", 0.1234567, "research", "revenue", "test") == 123_457
    assert (books.cash_usd_bn("A"), books.cash_usd_bn("B")) == (0.876543, 0.123457)


def test_an_amount_that_rounds_to_nothing_is_not_booked() -> None:
    books = ledger()
    assert books.pay(NOW, "Amazon", "NVIDIA", 4e-10, "chips", "revenue", "chips") == 0
    assert books.book(NOW, "Amazon", "depreciation", "property", 0.0, "depreciation") == 0
    assert (books.entries, books.flows(NOW)) == ([], {})


def test_money_scales_with_the_unit() -> None:
    """M08: with the smallest unit scaled as well, every count of units stays the same."""
    plain, scaled = Ledger(unit_usd=1.0), Ledger(unit_usd=8.0)
    for books, scale in ((plain, 1.0), (scaled, 8.0)):
        books.open("A", cash=3.3 * scale)
        books.open("B")
        books.pay(NOW, "A", "B", 1.1 * scale, "compute", "revenue", "compute")
    assert scaled.balance_sheet("A") == plain.balance_sheet("A")
    assert scaled.cash_usd_bn("B") == 8.0 * plain.cash_usd_bn("B")


def test_an_equity_round_leaves_the_investors_net_worth_alone() -> None:
    books = ledger()
    books.pay(NOW, "Amazon", "Anthropic", 4.0, "stakes", "paid_in", "equity", deal=0)
    books.book(NOW, "Amazon", "stakes", "gain", 1.0, "revaluation")
    assert nonzero_sheet(books, "Amazon") == {
        "cash": 36 * BN,
        "property": 60 * BN,
        "stakes": 5 * BN,
        "debt": 20 * BN,
        "net_worth": 81 * BN,
    }
    assert nonzero_sheet(books, "Anthropic") == {"cash": 14 * BN, "paid_in": 4 * BN, "net_worth": 10 * BN}


def test_debt_is_drawn_and_repaid() -> None:
    books = ledger()
    books.pay(NOW, "External", "Amazon", 30.0, "receivables", "debt", "borrowing")
    books.pay(NOW, "Amazon", "External", 12.0, "debt", "receivables", "repayment")
    assert nonzero_sheet(books, "Amazon")["debt"] == 38 * BN
    assert nonzero_sheet(books, "External") == {"cash": -18 * BN, "receivables": 18 * BN}


def test_arrears_are_owed_then_paid() -> None:
    """M04: what is not paid appears as arrears, not as vanished revenue."""
    books = ledger()
    books.owe(NOW, "Anthropic", "Amazon", 3.0, "compute", "revenue", "compute", deal=1)
    assert nonzero_sheet(books, "Anthropic") == {"cash": 10 * BN, "payables": 3 * BN, "net_worth": 7 * BN}
    assert (books.balance("Amazon", "receivables"), books.balance("Amazon", "revenue")) == (3 * BN, 3 * BN)
    assert books.flows(NOW) == {}
    books.pay(NOW + 1, "Anthropic", "Amazon", 3.0, "payables", "receivables", "arrears", deal=1)
    assert nonzero_sheet(books, "Anthropic") == {"cash": 7 * BN, "net_worth": 7 * BN}
    assert (books.balance("Amazon", "receivables"), books.cash_usd_bn("Amazon")) == (0, 43.0)


def test_a_write_off_hurts_the_creditor_and_frees_the_debtor() -> None:
    books = ledger()
    books.owe(NOW, "Anthropic", "Amazon", 3.0, "compute", "revenue", "compute")
    books.book(NOW, "Amazon", "loss", "receivables", 3.0, "default")
    books.book(NOW, "Anthropic", "payables", "gain", 3.0, "default")
    assert nonzero_sheet(books, "Anthropic") == {"cash": 10 * BN, "net_worth": 10 * BN}
    assert nonzero_sheet(books, "Amazon")["net_worth"] == 80 * BN


def test_round_trip_changes_gross_revenue_only() -> None:
    """M18: equity of X that comes back as compute spend moves no net cash and no outside money."""
    with_trip, without = ledger(), ledger()
    for books in (with_trip, without):
        books.pay(NOW, "External", "Anthropic", 2.0, "purchases", "revenue", "subscriptions")
    with_trip.pay(NOW, "Amazon", "Anthropic", 4.0, "stakes", "paid_in", "equity")
    with_trip.pay(NOW, "Anthropic", "Amazon", 4.0, "compute", "revenue", "compute")
    for party in PARTIES:
        assert with_trip.balance(party, "cash") == without.balance(party, "cash")
    assert with_trip.balance("Amazon", "revenue") - without.balance("Amazon", "revenue") == 4 * BN
    assert with_trip.balance("Amazon", "stakes") - without.balance("Amazon", "stakes") == 4 * BN
    outside = ("External", "Anthropic", "subscriptions")
    assert with_trip.flows(NOW)[outside] == without.flows(NOW)[outside] == 2 * BN


def test_flows_add_up_by_payer_payee_and_kind() -> None:
    books = ledger()
    for quarter, amount in ((NOW, 1.0), (NOW, 0.5), (NOW + 1, 2.0)):
        books.pay(quarter, "Anthropic", "Amazon", amount, "compute", "revenue", "compute")
    books.pay(NOW, "Amazon", "NVIDIA", 3.0, "property", "revenue", "chips")
    assert books.flows(NOW) == {
        ("Anthropic", "Amazon", "compute"): 1_500_000_000,
        ("Amazon", "NVIDIA", "chips"): 3 * BN,
    }
    assert books.flows(NOW + 1) == {("Anthropic", "Amazon", "compute"): 2 * BN}
    assert books.flows(NOW + 2) == {}


def test_closing_carries_income_to_net_worth_and_keeps_the_statements() -> None:
    books = ledger()
    books.pay(NOW, "Anthropic", "Amazon", 2.0, "compute", "revenue", "compute")
    books.book(NOW, "Amazon", "depreciation", "property", 5.0, "depreciation")
    before = {party: books.balance_sheet(party) for party in PARTIES}
    books.close_quarter(NOW)
    assert {party: books.balance_sheet(party) for party in PARTIES} == before
    assert books.balance("Amazon", "revenue") == books.balance("Anthropic", "compute") == 0
    assert [row for row in books.statements() if row[1] != "NVIDIA"] == [
        (NOW, "Amazon", "cash", 42 * BN),
        (NOW, "Amazon", "property", 55 * BN),
        (NOW, "Amazon", "depreciation", 5 * BN),
        (NOW, "Amazon", "debt", 20 * BN),
        (NOW, "Amazon", "net_worth", 77 * BN),
        (NOW, "Amazon", "revenue", 2 * BN),
        (NOW, "Anthropic", "cash", 8 * BN),
        (NOW, "Anthropic", "compute", 2 * BN),
        (NOW, "Anthropic", "net_worth", 8 * BN),
    ]


def test_a_closed_quarter_takes_no_postings() -> None:
    books = ledger()
    books.close_quarter(NOW)
    with pytest.raises(ValueError, match="quarter 8100 is closed"):
        books.pay(NOW, "Amazon", "NVIDIA", 1.0, "chips", "revenue", "chips")
    with pytest.raises(ValueError, match="quarter 8100 is closed"):
        books.close_quarter(NOW)
    assert books.pay(NOW + 1, "Amazon", "NVIDIA", 1.0, "chips", "revenue", "chips") == BN


def test_only_the_outside_world_may_be_overdrawn_unreported() -> None:
    books = ledger()
    books.pay(NOW, "External", "Amazon", 7.0, "purchases", "revenue", "cloud")
    books.pay(NOW, "Anthropic", "Amazon", 12.5, "compute", "revenue", "compute")
    assert books.overdrawn() == {"Anthropic": -2.5}


@pytest.mark.parametrize("amount", [-1.0, float("nan"), float("inf"), -1e-30])
def test_impossible_amounts_are_refused(amount: float) -> None:
    books = ledger()
    with pytest.raises(ValueError, match="must be finite and not negative"):
        books.pay(NOW, "Amazon", "NVIDIA", amount, "chips", "revenue", "chips")
    with pytest.raises(ValueError, match="must be finite and not negative"):
        books.book(NOW, "Amazon", "depreciation", "property", amount, "depreciation")
    with pytest.raises(ValueError, match="must be finite and not negative"):
        books.open("Google", cash=amount)
    assert (books.entries, books.parties) == ([], PARTIES)


@pytest.mark.parametrize(
    ("payer", "payee", "debit", "credit", "message"),
    [
        ("Amazn", "NVIDIA", "chips", "revenue", "no party 'Amazn'; did you mean 'Amazon'"),
        ("Amazon", "Zeus", "chips", "revenue", "no party 'Zeus'; known: Amazon, Anthropic, NVIDIA, External"),
        ("Amazon", "NVIDIA", "chip", "revenue", "no account 'chip'; did you mean 'chips'"),
        ("Amazon", "NVIDIA", "chips", "cash", "cash moves only by a payment"),
        ("Amazon", "Amazon", "chips", "revenue", "Amazon cannot pay itself"),
    ],
)
def test_impossible_payments_are_refused_in_one_line(
    payer: str, payee: str, debit: str, credit: str, message: str
) -> None:
    books = ledger()
    with pytest.raises(ValueError, match=message) as error:
        books.pay(NOW, payer, payee, 1.0, debit, credit, "test")
    assert "\n" not in str(error.value)
    assert books.entries == []


def test_impossible_openings_are_refused() -> None:
    books = ledger()
    with pytest.raises(ValueError, match="Amazon is already in the ledger"):
        books.open("Amazon")
    for account in ("net_worth", "revenue", "gold"):
        with pytest.raises(ValueError, match=f"Google cannot open with account '{account}'"):
            books.open("Google", **{account: 1.0})
    with pytest.raises(ValueError, match="must be positive"):
        Ledger(unit_usd=0.0)


def test_cash_cannot_be_booked_inside_a_party() -> None:
    with pytest.raises(ValueError, match="cash moves only by a payment"):
        ledger().book(NOW, "Amazon", "cash", "gain", 1.0, "gift")


def test_every_account_stands_on_one_side() -> None:
    assert {account for account, side in NORMAL_SIDE.items() if side == 1} >= set(ASSETS)
    assert {account for account, side in NORMAL_SIDE.items() if side == -1} >= {*LIABILITIES, *EQUITY}


def test_a_copy_and_a_pickle_continue_alike() -> None:
    books = ledger()
    books.pay(NOW, "Anthropic", "Amazon", 2.0, "compute", "revenue", "compute")
    for twin in (copy.deepcopy(books), pickle.loads(pickle.dumps(books))):
        twin.close_quarter(NOW)
        assert twin.balance_sheet("Amazon") == books.balance_sheet("Amazon")
        assert books.balance("Amazon", "revenue") == 2 * BN


POSTINGS = st.lists(
    st.tuples(
        st.sampled_from(["pay", "owe", "book"]),
        st.sampled_from(PARTIES),
        st.sampled_from(PARTIES),
        st.floats(0.0, 1e4),
        st.sampled_from([account for account in NORMAL_SIDE if account != "cash"]),
        st.sampled_from([account for account in NORMAL_SIDE if account != "cash"]),
        st.booleans(),
    ),
    max_size=25,
)


@settings(deadline=None)
@given(POSTINGS)
def test_money_is_conserved_and_balance_sheets_close_after_any_history(
    postings: list[tuple[str, str, str, float, str, str, bool]],
) -> None:
    """M01, to the unit: balance = opening + paid in - paid out, and assets = liabilities + equity."""
    books = ledger()
    opening = {party: books.balance(party, "cash") for party in PARTIES}
    quarter = NOW
    for action, payer, payee, amount, debit, credit, close in postings:
        if action == "book":
            books.book(quarter, payer, debit, credit, amount, "test")
        elif payer != payee:
            (books.pay if action == "pay" else books.owe)(quarter, payer, payee, amount, debit, credit, "test")
        check_money(books)
        check_balance_sheets(books)
        if close:
            books.close_quarter(quarter)
            quarter += 1
    flows = [item for past in range(NOW, quarter + 1) for item in books.flows(past).items()]
    for party in PARTIES:
        received = sum(units for (_, payee, _), units in flows if payee == party)
        paid = sum(units for (payer, _, _), units in flows if payer == party)
        assert books.balance(party, "cash") == opening[party] + received - paid
        sheet = books.balance_sheet(party)
        assets = sum(sheet[account] for account in ASSETS)
        assert assets == sum(sheet[account] for account in (*LIABILITIES, *EQUITY))
