"""Deals: frozen term sheets, contracts with one status, and the contract book that rules over both.

A term sheet is data. A deal is a term sheet with an id, a status and a history; its status is
changed in one place, which refuses illegal moves. Take-or-pay follows the form described for
gas contracts by Masten and Crocker (1985): the buyer pays for a stated share of the capacity made
available to it, used or not, and may make up what it paid for and did not use.
"""

from __future__ import annotations

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


LEGAL_MOVES: dict[DealStatus, frozenset[DealStatus]] = {
    DealStatus.PROPOSED: frozenset({DealStatus.SIGNED, DealStatus.TERMINATED}),
    DealStatus.SIGNED: frozenset({DealStatus.ACTIVE, DealStatus.FULFILLED, DealStatus.TERMINATED, DealStatus.DEFAULTED}),
    DealStatus.ACTIVE: frozenset({DealStatus.FULFILLED, DealStatus.TERMINATED, DealStatus.DEFAULTED}),
    DealStatus.FULFILLED: frozenset(),
    DealStatus.TERMINATED: frozenset(),
    DealStatus.DEFAULTED: frozenset(),
}


class Exclusivity(StrEnum):
    """Who else may host the lab's compute while the clause runs."""

    NONE = "none"
    PRIMARY = "primary"
    FIRST_REFUSAL = "first_refusal"
    EXCLUSIVE = "exclusive"


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
    def commitment_usd_bn(self) -> float:
        """Capacity promised over the term at the contract's price, in USD bn."""
        return self.price_usd_bn_per_gw_quarter * sum(self.gw_by_quarter)


@dataclass(slots=True)
class Deal:
    """A signed term sheet and what became of it."""

    number: int
    slug: str
    origin: str
    terms: TermSheet
    status: DealStatus = DealStatus.PROPOSED
    tranche_paid: list[bool] = field(default_factory=list)
    makeup_credits: list[tuple[int, float]] = field(default_factory=list)
    arrears_usd_bn: float = 0.0
    events: list[tuple[int, str]] = field(default_factory=list)
