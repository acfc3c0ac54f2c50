"""Deals: frozen term sheets and the contracts that they become.

A term sheet is data. A deal is a term sheet with an id, a status and a history; its status is
changed in one place, `market.contract_book`, which refuses illegal moves. Take-or-pay follows the form described for
gas contracts by Masten and Crocker (1985): the buyer pays for a stated share of the capacity made
available to it, used or not, and may make up what it paid for and did not use.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum


class DealStatus(StrEnum):
    """Life of a contract; see `LEGAL_MOVES` for what may follow what."""

    PROPOSED = "proposed"
    SIGNED = "signed"
    ACTIVE = "active"
    FULFILLED = "fulfilled"
    TERMINATED = "terminated"
    DEFAULTED = "defaulted"


ENDED: frozenset[DealStatus] = frozenset({DealStatus.FULFILLED, DealStatus.TERMINATED, DealStatus.DEFAULTED})

LEGAL_MOVES: dict[DealStatus, frozenset[DealStatus]] = {
    DealStatus.PROPOSED: frozenset({DealStatus.SIGNED, DealStatus.TERMINATED}),
    DealStatus.SIGNED: ENDED | {DealStatus.ACTIVE},
    DealStatus.ACTIVE: ENDED,
    **dict.fromkeys(ENDED, frozenset()),
}


class Exclusivity(StrEnum):
    """Who else may host the lab's compute while the clause runs, from weakest to strongest."""

    NONE = "none"
    PRIMARY = "primary"
    FIRST_REFUSAL = "first_refusal"
    EXCLUSIVE = "exclusive"


class DealKind(StrEnum):
    """What a deal is to the contracts that run between the two already."""

    NEW = "new"
    RENEWAL = "renewal"
    AMENDMENT = "amendment"


class Trigger(StrEnum):
    """What a tranche or a warrant waits for."""

    DATE = "date"
    GW_LIVE = "gw_live"
    REVENUE = "revenue"
    VALUATION = "valuation"


@dataclass(frozen=True, slots=True)
class Tranche:
    """A part of the equity, paid once its trigger reaches the threshold.

    The threshold is a quarter index (date), GW delivered under the deal, USD bn of annualised
    revenue, or USD bn of valuation.
    """

    amount_usd_bn: float
    trigger: Trigger
    threshold: float


@dataclass(frozen=True, slots=True)
class Warrant:
    """Shares of `issuer` that `holder` receives when the trigger is met (strike near zero).

    The AMD warrants of October 2025 go from the chip supplier to the lab; a lab's warrants go the
    other way.
    """

    issuer: str
    holder: str
    stake_frac: float
    trigger: Trigger
    threshold: float


@dataclass(frozen=True, slots=True)
class TermSheet:
    """What two parties sign.

    `gw_by_quarter[i]` is the capacity promised in quarter `start_quarter + i`; the price is after
    the discount, in USD bn per GW-quarter; `stake_frac` is the stake that all tranches together
    buy at `pre_money_usd_bn`.
    """

    provider: str
    lab: str
    quarter: int
    start_quarter: int
    gw_by_quarter: tuple[float, ...] = ()
    price_usd_bn_per_gw_quarter: float = 0.0
    discount_frac: float = 0.0
    take_or_pay_frac: float = 0.0
    makeup_quarters: int = 4
    late_penalty_frac: float = 0.0
    exclusivity: Exclusivity = Exclusivity.NONE
    exclusive_until: int | None = None
    tranches: tuple[Tranche, ...] = ()
    pre_money_usd_bn: float = 0.0
    stake_frac: float = 0.0
    warrants: tuple[Warrant, ...] = ()
    revenue_share_frac: float = 0.0
    revenue_share_until: int | None = None

    @property
    def equity_usd_bn(self) -> float:
        """Headline equity: the sum of all tranches."""
        return sum(tranche.amount_usd_bn for tranche in self.tranches)

    @property
    def gw(self) -> float:
        """Largest capacity promised in any quarter."""
        return max(self.gw_by_quarter, default=0.0)

    @property
    def term_quarters(self) -> int:
        """Quarters for which capacity is promised."""
        return len(self.gw_by_quarter)

    @property
    def end_quarter(self) -> int:
        """First quarter after the last promised one."""
        return self.start_quarter + len(self.gw_by_quarter)

    @property
    def obligations_end(self) -> int:
        """First quarter in which neither capacity, a dated exclusivity nor a dated revenue share is owed."""
        clause = self.exclusive_until if self.exclusivity is not Exclusivity.NONE else None
        share = self.revenue_share_until if self.revenue_share_frac > 0.0 else None
        return max(self.end_quarter, clause or 0, share or 0)

    @property
    def commitment_usd_bn(self) -> float:
        """Capacity promised over the term at the contract's price, in USD bn."""
        return self.price_usd_bn_per_gw_quarter * sum(self.gw_by_quarter)


@dataclass(slots=True)
class Deal:
    """A signed term sheet and what became of it.

    `amendments` holds (quarter, new exclusivity); `makeup_credits` holds (last quarter in which it
    can be used, GW-quarters); `imputed` names the terms that are not disclosed. A deal runs in the
    quarters from `signed_quarter` up to, not including, `closed_quarter`. `shares_at_signing` is how many
    of the lab's shares the pre-money valued, so that every tranche pays the price of the signing. An
    amendment's `amends` is the number of the deal whose clause it replaces.
    """

    number: int
    slug: str
    origin: str
    terms: TermSheet
    status: DealStatus = DealStatus.PROPOSED
    imputed: tuple[str, ...] = ()
    signed_quarter: int | None = None
    closed_quarter: int | None = None
    tranche_paid: list[bool] = field(default_factory=list)
    tranche_lapsed: list[bool] = field(default_factory=list)
    warrant_vested: list[bool] = field(default_factory=list)
    warrant_lapsed: list[bool] = field(default_factory=list)
    makeup_credits: list[tuple[int, float]] = field(default_factory=list)
    amendments: list[tuple[int, Exclusivity]] = field(default_factory=list)
    shares_at_signing: int | None = None
    kind: DealKind = DealKind.NEW
    amends: int | None = None
    events: list[tuple[int, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        tranches, warrants = len(self.terms.tranches), len(self.terms.warrants)
        self.tranche_paid = self.tranche_paid or [False] * tranches
        self.tranche_lapsed = self.tranche_lapsed or [False] * tranches
        self.warrant_vested = self.warrant_vested or [False] * warrants
        self.warrant_lapsed = self.warrant_lapsed or [False] * warrants

    @property
    def unpaid_usd_bn(self) -> float:
        """Equity signed and neither paid nor lapsed."""
        states = zip(self.terms.tranches, self.tranche_paid, self.tranche_lapsed, strict=True)
        return sum(tranche.amount_usd_bn for tranche, paid, lapsed in states if not (paid or lapsed))

    @property
    def is_running(self) -> bool:
        """Signed and not yet over."""
        return self.status is DealStatus.SIGNED or self.status is DealStatus.ACTIVE

    @property
    def paid_usd_bn(self) -> float:
        """Equity paid so far: the tranches whose trigger was met."""
        return sum(t.amount_usd_bn for t, paid in zip(self.terms.tranches, self.tranche_paid, strict=True) if paid)

    def was_running(self, quarter: int) -> bool:
        """Whether the deal ran in a given quarter, as far as is known now."""
        if self.signed_quarter is None or quarter < self.signed_quarter:
            return False
        return self.closed_quarter is None or quarter < self.closed_quarter

    def exclusivity_in(self, quarter: int) -> Exclusivity:
        """Clause in force in a quarter: the last amendment, else the signed one up to its dated end.

        A dated end is the first quarter without the clause. An amendment replaces the clause and
        its dated end.
        """
        amended = [kind for changed, kind in self.amendments if changed <= quarter]
        if amended:
            return amended[-1]
        until = self.terms.exclusive_until
        return self.terms.exclusivity if until is None or quarter < until else Exclusivity.NONE


def strongest(kinds: list[Exclusivity]) -> Exclusivity:
    """The clause that binds most; none for an empty list.

    >>> strongest([Exclusivity.PRIMARY, Exclusivity.FIRST_REFUSAL, Exclusivity.NONE]).value
    'first_refusal'
    """
    return max(kinds, key=list(Exclusivity).index, default=Exclusivity.NONE)


def check_terms(terms: TermSheet) -> None:
    """Raise ValueError, in one line, for a term sheet that no two parties can sign."""
    where = f"deal of {terms.provider} and {terms.lab}"
    if terms.provider == terms.lab:
        raise ValueError(f"{where}: provider and lab are the same party")
    amounts = [*terms.gw_by_quarter, terms.price_usd_bn_per_gw_quarter, terms.pre_money_usd_bn]
    amounts += [tranche.amount_usd_bn for tranche in terms.tranches]
    if not all(math.isfinite(amount) and amount >= 0.0 for amount in amounts):
        raise ValueError(f"{where}: GW, price, pre-money and tranches must be finite and not negative")
    fractions = [terms.take_or_pay_frac, terms.late_penalty_frac, terms.stake_frac, terms.revenue_share_frac]
    fractions += [warrant.stake_frac for warrant in terms.warrants]
    if not all(0.0 <= fraction <= 1.0 for fraction in fractions):
        raise ValueError(f"{where}: take-or-pay, penalty, stake, revenue share and warrants must lie in [0, 1]")
    if not terms.discount_frac <= 1.0 or terms.makeup_quarters < 0:
        raise ValueError(f"{where}: the discount may not exceed 1, nor the make-up period be negative")
