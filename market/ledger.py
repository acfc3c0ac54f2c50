"""Quadruple-entry ledger in integers: every payment is booked on both sides of both parties.

Copeland's (1949) rule, used in stock-flow consistent models (Godley and Lavoie 2007): a flow has a
payer and a payee, and each of them has a source and a use. So total cash never changes and every
balance sheet closes, exactly, because amounts are rounded once, on posting, to whole units.
"""

from __future__ import annotations

import difflib
import math
from typing import Final, NamedTuple

# Normal side of every account: +1 grows with debits, -1 grows with credits.
ASSETS: Final = ("cash", "property", "stakes", "receivables")
LIABILITIES: Final = ("debt", "payables", "deferred_revenue")
EQUITY: Final = ("net_worth", "paid_in")
INCOME: Final = ("revenue", "gain")
EXPENSES: Final = (
    "compute",
    "operating",
    "research",
    "chips",
    "purchases",
    "revenue_share",
    "penalty",
    "interest",
    "depreciation",
    "loss",
)
NORMAL_SIDE: Final[dict[str, int]] = {
    **dict.fromkeys((*ASSETS, *EXPENSES), 1),
    **dict.fromkeys((*LIABILITIES, *EQUITY, *INCOME), -1),
}

# The outside world: its cash is where the market's money comes from and goes to, so it may be negative.
SOURCES: Final = frozenset({"External", "Consumers", "Enterprises", "Outside investors"})


class Entry(NamedTuple):
    """One posting in whole units; `payee` is empty for an entry inside one party."""

    quarter: int
    payer: str
    payee: str
    debit: str
    credit: str
    units: int
    kind: str
    deal: int | None


class Ledger:
    """Accounts of all parties in integers of `unit_usd` US dollars.

    >>> ledger = Ledger()
    >>> ledger.open("Amazon", cash=40.0, property=60.0, debt=20.0)
    >>> ledger.open("Anthropic", cash=1.0)
    >>> ledger.pay(8100, "Amazon", "Anthropic", 4.0, "stakes", "paid_in", "equity", deal=0)
    4000000000
    >>> ledger.cash_usd_bn("Amazon"), ledger.cash_usd_bn("Anthropic"), ledger.value_usd_bn("Amazon", "net_worth")
    (36.0, 5.0, 80.0)
    >>> ledger.close_quarter(8100)
    """

    def __init__(self, unit_usd: float = 1.0) -> None:
        if not (math.isfinite(unit_usd) and unit_usd > 0.0):
            raise ValueError(f"smallest unit of money is {unit_usd} US dollars, must be positive")
        self.unit_usd: Final = unit_usd
        self.entries: list[Entry] = []
        self.opening_cash = 0
        self._units_per_usd_bn = 1e9 / unit_usd
        self._balances: dict[str, dict[str, int]] = {}
        self._flows: dict[int, dict[tuple[str, str, str], int]] = {}
        self._statements: list[tuple[int, str, str, int]] = []
        self._closed: int | None = None

    def open(self, party: str, **assets_usd_bn: float) -> None:
        """Enter a party with its opening assets, debts and paid-in capital; net worth is the residual.

        Opening cash counts as money that was there from the start; a party that enters later
        opens empty and is paid. Raises ValueError for a party already open, an account that is not
        on a balance sheet, or an amount that is negative or not finite.
        """
        if party in self._balances:
            raise ValueError(f"{party} is already in the ledger")
        units = {}
        for account, amount in assets_usd_bn.items():
            if account == "net_worth" or account not in (*ASSETS, *LIABILITIES, *EQUITY):
                raise ValueError(f"{party} cannot open with account {account!r}")
            units[account] = self._units(amount)
        balances = dict.fromkeys(NORMAL_SIDE, 0) | units
        balances["net_worth"] = sum(NORMAL_SIDE[account] * value for account, value in units.items())
        self._balances[party] = balances
        self.opening_cash += balances["cash"]

    @property
    def parties(self) -> tuple[str, ...]:
        """Names of all parties, in the order in which they were opened."""
        return tuple(self._balances)

    def pay(
        self,
        quarter: int,
        payer: str,
        payee: str,
        amount_usd_bn: float,
        payer_account: str,
        payee_account: str,
        kind: str,
        deal: int | None = None,
    ) -> int:
        """Move cash: the payer debits `payer_account`, the payee credits `payee_account`; return the units.

        An amount that rounds to nothing is not booked. Raises ValueError for an amount that is
        negative or not finite, an unknown party or account, a payment to oneself, cash as a
        counter-account, or a quarter already closed.
        """
        accounts = (payer_account, "cash", "cash", payee_account)
        return self._transfer(quarter, payer, payee, amount_usd_bn, accounts, kind, deal)

    def owe(
        self,
        quarter: int,
        debtor: str,
        creditor: str,
        amount_usd_bn: float,
        debtor_account: str,
        creditor_account: str,
        kind: str,
        deal: int | None = None,
    ) -> int:
        """Book what should have been paid and was not: `pay` with payables and receivables in place of cash.

        Arrears are paid later with `pay(..., "payables", "receivables", ...)`.
        """
        accounts = (debtor_account, "payables", "receivables", creditor_account)
        return self._transfer(quarter, debtor, creditor, amount_usd_bn, accounts, kind, deal)

    def book(self, quarter: int, party: str, debit: str, credit: str, amount_usd_bn: float, kind: str) -> int:
        """Book an entry inside one party (depreciation, revaluation, write-off); return the units.

        Raises ValueError as `pay` does, and for cash, which only a payment may move.
        """
        units = self._check(quarter, amount_usd_bn)
        balances = self._party(party)
        _check_accounts(debit, credit)
        if units:
            balances[debit] += units * NORMAL_SIDE[debit]
            balances[credit] -= units * NORMAL_SIDE[credit]
            self.entries.append(Entry(quarter, party, "", debit, credit, units, kind, None))
        return units

    def balance(self, party: str, account: str) -> int:
        """Units on an account, positive on its normal side (assets and expenses: debit; others: credit)."""
        if account not in NORMAL_SIDE:
            raise ValueError(_unknown("account", account, NORMAL_SIDE))
        return self._party(party)[account]

    def value_usd_bn(self, party: str, account: str) -> float:
        """Balance of an account in USD bn."""
        return self.balance(party, account) / self._units_per_usd_bn

    def cash_usd_bn(self, party: str) -> float:
        """Cash in USD bn."""
        return self._party(party)["cash"] / self._units_per_usd_bn

    def balance_sheet(self, party: str) -> dict[str, int]:
        """Units on assets, liabilities and equity; income not yet closed is part of net worth."""
        balances = self._party(party)
        sheet = {account: balances[account] for account in (*ASSETS, *LIABILITIES, *EQUITY)}
        sheet["net_worth"] += _income(balances)
        return sheet

    def overdrawn(self) -> dict[str, float]:
        """Parties with negative cash, in USD bn, the outside world (`SOURCES`) left out."""
        inside = (party for party in self._balances if party not in SOURCES)
        return {party: self.cash_usd_bn(party) for party in inside if self._balances[party]["cash"] < 0}

    def flows(self, quarter: int) -> dict[tuple[str, str, str], int]:
        """Units of cash paid in a quarter by (payer, payee, kind)."""
        return dict(self._flows.get(quarter, {}))

    def statements(self) -> list[tuple[int, str, str, int]]:
        """Rows (quarter, party, account, units) of all closed quarters, zeros left out.

        Income and expense accounts carry the quarter's total, the others the closing balance.
        """
        return list(self._statements)

    def imbalances(self) -> list[str]:
        """What does not add up, one line each: total cash and every balance sheet. Empty when all is right."""
        cash = sum(balances["cash"] for balances in self._balances.values())
        wrong = [] if cash == self.opening_cash else [f"total cash is {cash} units, opened with {self.opening_cash}"]
        for party, balances in self._balances.items():
            gap = sum(side * balances[account] for account, side in NORMAL_SIDE.items())
            if gap:
                wrong.append(f"{party}: assets differ from liabilities and equity by {gap} units")
        return wrong

    def close_quarter(self, quarter: int) -> None:
        """Carry income less expenses to net worth and keep the statements; later postings to the quarter are refused.

        Raises ArithmeticError when total cash or a balance sheet does not add up, ValueError for a
        quarter already closed.
        """
        self._check(quarter, 0.0)
        wrong = self.imbalances()
        if wrong:
            raise ArithmeticError(wrong[0])
        for party, balances in self._balances.items():
            balances["net_worth"] += _income(balances)
            self._statements += [(quarter, party, account, units) for account, units in balances.items() if units]
            for account in (*INCOME, *EXPENSES):
                balances[account] = 0
        self._closed = quarter

    def _transfer(
        self,
        quarter: int,
        payer: str,
        payee: str,
        amount_usd_bn: float,
        accounts: tuple[str, str, str, str],
        kind: str,
        deal: int | None,
    ) -> int:
        """Book (payer debit, payer credit, payee debit, payee credit)."""
        units = self._check(quarter, amount_usd_bn)
        source, target = self._party(payer), self._party(payee)
        payer_debit, payer_credit, payee_debit, payee_credit = accounts
        _check_accounts(payer_debit, payee_credit)
        if source is target:
            raise ValueError(f"{payer} cannot pay itself ({kind})")
        if not units:
            return 0
        source[payer_debit] += units * NORMAL_SIDE[payer_debit]
        source[payer_credit] -= units * NORMAL_SIDE[payer_credit]
        target[payee_debit] += units * NORMAL_SIDE[payee_debit]
        target[payee_credit] -= units * NORMAL_SIDE[payee_credit]
        self.entries.append(Entry(quarter, payer, payee, payer_debit, payee_credit, units, kind, deal))
        if payer_credit == "cash":
            totals = self._flows.setdefault(quarter, {})
            key = (payer, payee, kind)
            totals[key] = totals.get(key, 0) + units
        return units

    def _check(self, quarter: int, amount_usd_bn: float) -> int:
        """Units of an amount for a quarter that is still open."""
        if self._closed is not None and quarter <= self._closed:
            raise ValueError(f"quarter {quarter} is closed (last closed: {self._closed})")
        return self._units(amount_usd_bn)

    def _units(self, amount_usd_bn: float) -> int:
        if not 0.0 <= amount_usd_bn < math.inf:
            raise ValueError(f"amount is {amount_usd_bn} USD bn, must be finite and not negative")
        return round(amount_usd_bn * self._units_per_usd_bn)

    def _party(self, party: str) -> dict[str, int]:
        try:
            return self._balances[party]
        except KeyError:
            raise ValueError(_unknown("party", party, self._balances)) from None


def _income(balances: dict[str, int]) -> int:
    """Income less expenses of one party, in units."""
    return sum(balances[account] for account in INCOME) - sum(balances[account] for account in EXPENSES)


def _check_accounts(*accounts: str) -> None:
    """Refuse unknown counter-accounts, and cash, which is the other side of a payment."""
    for account in accounts:
        if account not in NORMAL_SIDE:
            raise ValueError(_unknown("account", account, NORMAL_SIDE))
        if account == "cash":
            raise ValueError("cash moves only by a payment: name the account on its other side")


def _unknown(what: str, name: str, known: dict[str, int] | dict[str, dict[str, int]]) -> str:
    """One line for an unknown name, with the nearest known one or all of them."""
    close = difflib.get_close_matches(name, list(known), n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(known) or 'none'}"
    return f"ledger has no {what} {name!r}; {hint}"
