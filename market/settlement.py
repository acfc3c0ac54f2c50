"""What a contract owes in one quarter: take-or-pay with make-up credits, penalties, equity that falls due.

Pure functions; the caller books the results.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from market.deals import Deal, Tranche, Trigger, Warrant


@dataclass(frozen=True, slots=True)
class Bill:
    """One quarter's bill under a capacity contract; see `take_or_pay_bill`."""

    payment_usd_bn: float
    floor_usd_bn: float
    used_credit_gw: float
    new_credits: list[tuple[int, float]]
    idle_gw: float
    late_gw: float


def take_or_pay_bill(
    use_gw: float,
    available_gw: float,
    promised_gw: float,
    price: float,
    take_or_pay_frac: float,
    credits: list[tuple[int, float]],
    quarter: int,
    makeup_quarters: int,
) -> Bill:
    """Bill of one quarter under take-or-pay (Masten and Crocker 1985).

    With capacity Q = min(available, promised) and minimum quantity m = take_or_pay_frac * Q,

        payment = price * (max(use, m) - used credit),   floor = price * m.

    Only capacity made available is owed for. A shortfall m - use > 0 is paid for and becomes a
    make-up credit of as many GW-quarters, usable in the next `makeup_quarters` quarters. Credits
    pay for use above the minimum quantity only, oldest first, so the payment never falls below the
    floor: used credit = min(credits not expired, max(0, use - m)).

    `use_gw`, `available_gw`, `promised_gw` in GW; `price` in USD bn per GW-quarter; `credits` is a
    list of (last quarter in which it can be used, GW-quarters). `new_credits` is what is left for
    the quarters after this one, the new credit included, by expiry; `idle_gw` is capacity Q not
    used; `late_gw` is promised capacity that was not available. Nothing is modified.

    Raises ValueError for a quantity or price that is negative or not finite, and for a take-or-pay
    share outside [0, 1].

    >>> bill = take_or_pay_bill(50.0, 100.0, 100.0, 2.0, 0.8, [], 8100, 4)
    >>> bill.payment_usd_bn, bill.new_credits
    (160.0, [(8104, 30.0)])
    >>> take_or_pay_bill(100.0, 100.0, 100.0, 2.0, 0.8, bill.new_credits, 8101, 4).payment_usd_bn
    160.0
    """
    for name, value in (("use", use_gw), ("available", available_gw), ("promised", promised_gw), ("price", price)):
        if not 0.0 <= value < float("inf"):
            raise ValueError(f"take-or-pay: {name} is {value}, must be finite and not negative")
    if not 0.0 <= take_or_pay_frac <= 1.0:
        raise ValueError(f"take-or-pay: share is {take_or_pay_frac}, must lie in [0, 1]")
    capacity_gw = min(available_gw, promised_gw)
    minimum_gw = take_or_pay_frac * capacity_gw
    used_credit_gw, left = _use_credits(credits, max(0.0, use_gw - minimum_gw), quarter)
    shortfall_gw = max(0.0, minimum_gw - use_gw)
    if shortfall_gw > 0.0 and makeup_quarters > 0:
        left.append((quarter + makeup_quarters, shortfall_gw))
    return Bill(
        payment_usd_bn=price * (max(use_gw, minimum_gw) - used_credit_gw),
        floor_usd_bn=price * minimum_gw,
        used_credit_gw=used_credit_gw,
        new_credits=sorted(left),
        idle_gw=max(0.0, capacity_gw - use_gw),
        late_gw=max(0.0, promised_gw - available_gw),
    )


def _use_credits(
    credits: list[tuple[int, float]], wanted_gw: float, quarter: int
) -> tuple[float, list[tuple[int, float]]]:
    """Draw credits, earliest expiry first; return what was drawn and what is still usable after this quarter."""
    drawn_gw = 0.0
    left = []
    for expiry, gw in sorted(credits):
        if expiry < quarter:
            continue
        take = min(gw, wanted_gw - drawn_gw)
        drawn_gw += take
        if gw > take and expiry > quarter:
            left.append((expiry, gw - take))
    return drawn_gw, left


def late_penalty(promised: float, available: float, price: float, frac: float) -> float:
    """Provider's penalty for capacity promised and not delivered: frac * price * max(0, promised - available).

    GW, GW, USD bn per GW-quarter, fraction of the price; returns USD bn of the quarter.

    >>> late_penalty(1.0, 0.75, 4.0, 0.5)
    0.5
    """
    return frac * price * max(0.0, promised - available)


def tranches_due(deal: Deal, quarter: int, gw_live: float, revenue_usd_bn: float, valuation_usd_bn: float) -> list[int]:
    """Indices of the tranches of a running deal that are to be paid now, in the order of the term sheet.

    A tranche is due once its trigger reaches the threshold: the quarter, GW delivered under the
    deal, annualised revenue or valuation in USD bn. Paid and lapsed ones are not due.
    """
    if not deal.is_running:
        return []
    levels = _levels(quarter, gw_live, revenue_usd_bn, valuation_usd_bn)
    done = [paid or lapsed for paid, lapsed in zip(deal.tranche_paid, deal.tranche_lapsed, strict=True)]
    return _due(deal.terms.tranches, done, levels)


def warrants_due(deal: Deal, quarter: int, gw_live: float, revenue_usd_bn: float, valuation_usd_bn: float) -> list[int]:
    """Indices of the warrants of a running deal that vest now; the rule of `tranches_due`."""
    if not deal.is_running:
        return []
    levels = _levels(quarter, gw_live, revenue_usd_bn, valuation_usd_bn)
    done = [vested or lapsed for vested, lapsed in zip(deal.warrant_vested, deal.warrant_lapsed, strict=True)]
    return _due(deal.terms.warrants, done, levels)


def _levels(quarter: int, gw_live: float, revenue_usd_bn: float, valuation_usd_bn: float) -> dict[Trigger, float]:
    return {
        Trigger.DATE: float(quarter),
        Trigger.GW_LIVE: gw_live,
        Trigger.REVENUE: revenue_usd_bn,
        Trigger.VALUATION: valuation_usd_bn,
    }


def _due(items: Sequence[Tranche | Warrant], done: list[bool], levels: dict[Trigger, float]) -> list[int]:
    """Indices of the items not done whose level has reached the threshold."""
    return [i for i, item in enumerate(items) if not done[i] and levels[item.trigger] >= item.threshold]
