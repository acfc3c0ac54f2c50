"""Guards pass on sound states and name what is broken in others."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from market.contract_book import ContractBook
from market.deals import Deal, DealStatus, TermSheet, Tranche, Trigger, Warrant
from market.invariants import (
    InvariantError,
    check_balance_sheets,
    check_book,
    check_cap_tables,
    check_capacity,
    check_graph,
    check_money,
    check_take_or_pay,
)
from market.ledger import Ledger
from market.ownership import CapTable
from market.relationships import build_graph
from market.settlement import take_or_pay_bill

NOW = 8100


def ledger() -> Ledger:
    books = Ledger()
    books.open("Amazon", cash=40.0)
    books.open("Anthropic")
    books.pay(NOW, "Amazon", "Anthropic", 4.0, "stakes", "paid_in", "equity")
    return books


def book() -> ContractBook:
    contracts = ContractBook(["Amazon"], ["Anthropic"], NOW, NOW + 8)
    tranche = Tranche(1.0, Trigger.DATE, 8100.0)
    warrant = Warrant("Anthropic", "Amazon", 0.1, Trigger.GW_LIVE, 1.0)
    contracts.sign(
        TermSheet("Amazon", "Anthropic", NOW, NOW, (1.0,), 2.0, tranches=(tranche,), warrants=(warrant,)), NOW
    )
    return contracts


def test_money_that_appears_is_found() -> None:
    books = ledger()
    check_money(books)
    check_balance_sheets(books)
    books._balances["Anthropic"]["cash"] += 1
    with pytest.raises(InvariantError, match="M01 money: total cash is 40000000001 units, opened with 40000000000"):
        check_money(books)
    with pytest.raises(ArithmeticError, match="total cash is 40000000001 units"):
        books.close_quarter(NOW)


def test_a_balance_sheet_that_does_not_close_is_found() -> None:
    books = ledger()
    books._balances["Amazon"]["stakes"] -= 3
    check_money(books)
    expected = "M01 balance sheets: Amazon: assets differ from liabilities and equity by -3 units"
    with pytest.raises(InvariantError, match=expected):
        check_balance_sheets(books)


def test_a_cap_table_with_a_negative_holder_is_found() -> None:
    table = CapTable({"Amazon": 1.0, "staff": 1.0})
    check_cap_tables({"Anthropic": table})
    table._shares["Amazon"] *= -3
    with pytest.raises(InvariantError, match=r"M02 equity: Amazon holds 1\.5 of Anthropic"):
        check_cap_tables({"Anthropic": table})


SOUND = {
    "ordered_cum_gw": [10.0, 4.0],
    "construction_gw": [3.0, 1.0],
    "installed_gw": [6.0, 3.0],
    "retired_gw": [1.0, 0.0],
    "allocated_gw": [6.0, 2.0],
    "used_gw": [5.0, 0.0],
}


def test_sound_capacity_passes() -> None:
    check_capacity(**SOUND)
    check_capacity(10.0, 3.0, 6.0, 1.0, 6.0, 5.0)


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("ordered_cum_gw", [10.0, 4.1], r"ordered differs from construction \+ installed \+ retired at \(1,\)"),
        ("installed_gw", [float("nan"), 3.0], r"ordered differs .* at \(0,\)"),
        ("allocated_gw", [6.1, 2.0], r"allocated exceeds installed at \(0,\)"),
        ("used_gw", [5.0, 2.5], r"used exceeds allocated at \(1,\)"),
        ("used_gw", [-0.1, 0.0], r"used is negative at \(0,\)"),
    ],
)
def test_unsound_capacity_is_found(name: str, values: list[float], message: str) -> None:
    with pytest.raises(InvariantError, match=f"M03 capacity: {message}"):
        check_capacity(**(SOUND | {name: values}))


def test_rounding_of_capacity_is_tolerated() -> None:
    check_capacity(0.3, 0.1, 0.2, 0.0, 0.2 + 1e-12, 0.2)


def test_negative_construction_and_retirement_are_found() -> None:
    with pytest.raises(InvariantError, match="capacity in construction is negative"):
        check_capacity(1.0, -1.0, 2.0, 0.0, 0.0, 0.0)
    with pytest.raises(InvariantError, match="retired capacity is negative"):
        check_capacity(1.0, 0.0, 2.0, -1.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("use", "change", "message"),
    [
        (50.0, {"floor_usd_bn": 150.0}, "floor is 150.0 USD bn, should be 160.0"),
        (50.0, {"payment_usd_bn": 100.0}, "payment 100.0 USD bn is below the floor 160.0"),
        (0.0, {"payment_usd_bn": 170.0}, "payment 170.0 USD bn without use differs from the floor 160.0"),
        (120.0, {"payment_usd_bn": 200.0}, "payment 200.0 USD bn, use above the promise costs 240.0"),
        (50.0, {"new_credits": [(8104, -1.0)]}, "a make-up credit is negative"),
    ],
)
def test_unsound_bills_are_found(use: float, change: dict[str, object], message: str) -> None:
    bill = take_or_pay_bill(use, 120.0, 100.0, 2.0, 0.8, [], NOW, 4)
    check_take_or_pay(bill, use, 120.0, 100.0, 2.0, 0.8)
    with pytest.raises(InvariantError, match=f"M04 take-or-pay: {message}"):
        check_take_or_pay(dataclasses.replace(bill, **change), use, 120.0, 100.0, 2.0, 0.8)  # type: ignore[arg-type]


def paid_and_lapsed(deal: Deal) -> None:
    deal.tranche_paid[0] = deal.tranche_lapsed[0] = True


def vested_and_lapsed(deal: Deal) -> None:
    deal.warrant_vested[0] = deal.warrant_lapsed[0] = True


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda deal: setattr(deal, "number", 5), "deal 5 stands at place 0"),
        (lambda deal: setattr(deal, "status", DealStatus.TERMINATED), "deal 0 is terminated and was closed in None"),
        (paid_and_lapsed, "deal 0 has a tranche both paid and lapsed"),
        (vested_and_lapsed, "deal 0 has a warrant both vested and lapsed"),
        (lambda deal: deal.makeup_credits.append((8104, -0.1)), "deal 0 has a negative make-up credit"),
        (lambda deal: setattr(deal, "signed_quarter", 8101), "GW promised in 2025Q1 differ from the running deals"),
    ],
)
def test_a_damaged_book_is_found(damage: Callable[[Deal], None], message: str) -> None:
    contracts = book()
    check_book(contracts)
    damage(contracts.deals[0])
    with pytest.raises(InvariantError, match=f"book: {message}"):
        check_book(contracts)


def test_a_graph_behind_its_book_is_found() -> None:
    contracts = book()
    graph = build_graph(NOW, contracts, {}, np.zeros((1, 1)), {}, {})
    check_graph(graph, contracts)
    contracts.move(contracts.deals[0], DealStatus.TERMINATED, NOW, "test")
    with pytest.raises(InvariantError, match="graph: deal-0-commitment is in the graph, not in the book"):
        check_graph(graph, contracts)
