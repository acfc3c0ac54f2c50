"""How much capacity to hold and how much of the gap to order."""

from __future__ import annotations

import math
from statistics import NormalDist


def newsvendor_haircut(price: float, cost: float, relative_sd: float) -> float:
    """Share of uncertain demand worth building for: 1 + sd * z, z at the critical ratio (p - c) / p.

    Demand is normal with mean 1 and the given standard deviation (Arrow, Harris and Marschak 1951).
    Nil when the price is at or below the cost; never below nil; unbounded at no cost, unless demand
    is certain.

    >>> newsvendor_haircut(2.0, 1.0, 0.3)
    1.0
    """
    if price <= cost:
        return 0.0
    if relative_sd == 0.0:
        return 1.0
    if cost <= 0.0:
        return math.inf
    return max(1.0 + relative_sd * NormalDist().inv_cdf((price - cost) / price), 0.0)


def option_share(price: float, cost: float, rate: float, payout: float, volatility: float) -> float:
    """Share of uncertain demand worth building for where waiting has a value: all of it above the trigger, else none.

    The trigger is a price of beta / (beta - 1) times user cost: value over outlay of a GW is price over user cost, both
    capitalised alike (Dixit and Pindyck 1994, ch. 5 and 6). Rates are yearly.

    >>> option_share(2.6, 2.0, 0.1, 0.25, 0.3), option_share(2.5, 2.0, 0.1, 0.25, 0.3)
    (1.0, 0.0)
    """
    return 1.0 if price >= dixit_pindyck_multiple(rate, payout, volatility) * cost else 0.0


def desired_capacity(
    committed_gw: float, own_use_gw: float, uncommitted_gw: float, default_prob: float, haircut: float, target: float
) -> float:
    """K* = [(1 - PD) committed + own use + h uncommitted] / u*.

    Committed demand counts in full but for default, uncommitted demand with a haircut: this is why
    commitments move capex. All in GW at the lead time's horizon.

    >>> desired_capacity(4.0, 2.0, 4.0, 0.0, 0.5, 0.8)
    10.0
    """
    return ((1.0 - default_prob) * committed_gw + own_use_gw + haircut * uncommitted_gw) / target


def capacity_order(desired_gw: float, available_gw: float, adjustment: float) -> float:
    """Order of a quarter: a share of the gap between desired capacity and what will be there.

    `available_gw` is capacity in service at the lead time's horizon, pipeline in and retirements
    out. Nil when there is enough.

    >>> capacity_order(10.0, 6.0, 0.5)
    2.0
    """
    return max(adjustment * (desired_gw - available_gw), 0.0)


def dixit_pindyck_multiple(rate: float, payout: float, volatility: float) -> float:
    """Value over cost at which irreversible investment under uncertainty is worth it: beta / (beta - 1).

    beta = 1/2 - (r - d)/s^2 + sqrt(((r - d)/s^2 - 1/2)^2 + 2 r/s^2) (Dixit and Pindyck 1994, ch. 5).
    Yearly or quarterly rates alike; infinite without payout, max(r / d, 1) without volatility.

    >>> round(dixit_pindyck_multiple(0.04, 0.04, 0.2), 6)
    2.0
    >>> round(dixit_pindyck_multiple(0.05, 0.10, 0.3), 3)
    1.646
    """
    if payout <= 0.0:
        return math.inf
    if volatility <= 0.0:
        return max(rate / payout, 1.0)
    drift = (rate - payout) / volatility**2
    beta = 0.5 - drift + math.sqrt((drift - 0.5) ** 2 + 2.0 * rate / volatility**2)
    return beta / (beta - 1.0)
