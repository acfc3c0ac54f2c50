"""What must hold in every quarter of every run, as guards that raise one clear line.

The numbers M01 to M18 are those of the project's list of invariants. Money and contracts are exact;
capacity is compared with a tolerance of 1e-9 of its scale.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

import networkx as nx
import numpy as np
from numpy.typing import ArrayLike

from market.calendar import quarter_name
from market.contract_book import ContractBook
from market.deals import ENDED, Deal
from market.ledger import Ledger
from market.ownership import CapTable
from market.relationships import graph_differences
from market.settlement import Bill

TOLERANCE: Final = 1e-9


class InvariantError(AssertionError):
    """Something that must always hold does not: a defect of the program, not of its input."""


def check_money(ledger: Ledger) -> None:
    """M01: total cash over all parties equals what was opened, to the unit."""
    total = sum(ledger.balance(party, "cash") for party in ledger.parties)
    if total != ledger.opening_cash:
        raise InvariantError(f"M01 money: total cash is {total} units, opened with {ledger.opening_cash}")


def check_balance_sheets(ledger: Ledger) -> None:
    """M01: assets equal liabilities plus equity for every party, to the unit."""
    wrong = ledger.imbalances()
    if wrong:
        raise InvariantError(f"M01 balance sheets: {wrong[0]}")


def check_cap_tables(tables: Mapping[str, CapTable]) -> None:
    """M02: every fraction lies in [0, 1] and the fractions of each company sum to one within 1e-12."""
    for company, table in tables.items():
        fractions = table.fractions()
        for holder, fraction in fractions.items():
            if not 0.0 <= fraction <= 1.0:
                raise InvariantError(f"M02 equity: {holder} holds {fraction} of {company}")
        total = math.fsum(fractions.values())
        if abs(total - 1.0) > 1e-12:
            raise InvariantError(f"M02 equity: fractions of {company} sum to {total!r}")


def check_capacity(
    ordered_cum_gw: ArrayLike,
    construction_gw: ArrayLike,
    installed_gw: ArrayLike,
    retired_gw: ArrayLike,
    allocated_gw: ArrayLike,
    used_gw: ArrayLike,
) -> None:
    """M03: ordered = in construction + installed + retired, and installed >= allocated >= used >= 0.

    Arrays of one shape (providers, or anything else that is conserved on its own), in GW;
    `retired_gw` is cumulated as `ordered_cum_gw` is.
    """
    ordered, construction, installed, retired, allocated, used = (
        np.atleast_1d(np.asarray(array, dtype=np.float64))
        for array in (ordered_cum_gw, construction_gw, installed_gw, retired_gw, allocated_gw, used_gw)
    )
    slack = TOLERANCE * np.maximum(1.0, np.abs(ordered))
    gap = np.abs(ordered - construction - installed - retired)
    rules = {
        "ordered differs from construction + installed + retired": gap <= slack,
        "capacity in construction is negative": construction >= -slack,
        "retired capacity is negative": retired >= -slack,
        "allocated exceeds installed": allocated <= installed + slack,
        "used exceeds allocated": used <= allocated + slack,
        "used is negative": used >= -slack,
    }
    for broken, holds in rules.items():
        if not np.all(holds):  # a NaN fails every comparison
            raise InvariantError(f"M03 capacity: {broken} at {tuple(np.argwhere(~holds)[0].tolist())}")


def check_take_or_pay(
    bill: Bill, use_gw: float, available_gw: float, promised_gw: float, price: float, take_or_pay_frac: float
) -> None:
    """M04: the payment covers the floor on capacity made available, less nothing; credits are never negative.

    floor = price * take_or_pay_frac * min(available, promised) <= payment; payment = price * use
    for use above the promise when no credit is used, and payment = floor for no use.
    """
    slack = TOLERANCE * max(1.0, price * max(use_gw, promised_gw))
    floor = price * take_or_pay_frac * min(available_gw, promised_gw)
    if abs(bill.floor_usd_bn - floor) > slack:
        raise InvariantError(f"M04 take-or-pay: floor is {bill.floor_usd_bn} USD bn, should be {floor}")
    paid = f"payment {bill.payment_usd_bn} USD bn"
    if bill.payment_usd_bn < floor - slack:
        raise InvariantError(f"M04 take-or-pay: {paid} is below the floor {floor}")
    if use_gw == 0.0 and abs(bill.payment_usd_bn - floor) > slack:
        raise InvariantError(f"M04 take-or-pay: {paid} without use differs from the floor {floor}")
    usage = price * (use_gw - bill.used_credit_gw)
    if use_gw > promised_gw and abs(bill.payment_usd_bn - usage) > slack:
        raise InvariantError(f"M04 take-or-pay: {paid}, use above the promise costs {usage}")
    if bill.used_credit_gw < 0.0 or any(gw < 0.0 for _, gw in bill.new_credits):
        raise InvariantError("M04 take-or-pay: a make-up credit is negative")


def check_book(book: ContractBook) -> None:
    """Contract book: numbering, equity flags, credits and arrears are sound; arrays equal the running deals."""
    last = -1
    for place, deal in enumerate(book.deals):
        if not last < deal.number < book.next_number or book.deal(deal.number) is not deal:
            raise InvariantError(f"book: deal {deal.number} stands at place {place}")
        last = deal.number
        _check_deal(deal)
    for quarter in range(book.first_quarter, book.end_quarter):
        expected = np.zeros((len(book.providers), len(book.labs)))
        for deal in book.running(quarter):
            terms, offset = deal.terms, quarter - deal.terms.start_quarter
            if terms.provider in book.providers and terms.lab in book.labs and 0 <= offset < terms.term_quarters:
                pair = book.providers.index(terms.provider), book.labs.index(terms.lab)
                expected[pair] += terms.gw_by_quarter[offset]
        if not np.array_equal(expected, book.promised_gw(quarter)):
            raise InvariantError(f"book: GW promised in {quarter_name(quarter)} differ from the running deals")


def check_graph(graph: nx.MultiDiGraph[str], book: ContractBook) -> None:
    """Relationship graph: its contract edges equal the book's running deals."""
    differences = graph_differences(graph, book)
    if differences:
        raise InvariantError(f"graph: {differences[0]}")


def _check_deal(deal: Deal) -> None:
    where = f"book: deal {deal.number}"
    if (deal.status in ENDED) != (deal.closed_quarter is not None):
        raise InvariantError(f"{where} is {deal.status} and was closed in {deal.closed_quarter}")
    if any(paid and lapsed for paid, lapsed in zip(deal.tranche_paid, deal.tranche_lapsed, strict=True)):
        raise InvariantError(f"{where} has a tranche both paid and lapsed")
    if any(vested and lapsed for vested, lapsed in zip(deal.warrant_vested, deal.warrant_lapsed, strict=True)):
        raise InvariantError(f"{where} has a warrant both vested and lapsed")
    if any(gw < 0.0 for _, gw in deal.makeup_credits):
        raise InvariantError(f"{where} has a negative make-up credit")
