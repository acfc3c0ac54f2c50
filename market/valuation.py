"""What a lab is worth to those who price its rounds."""

from __future__ import annotations

import math


def lab_value(
    revenue_usd_bn_per_year: float, growth_per_year: float, multiple: float, growth_weight: float, growth_cap: float
) -> float:
    """V = m0 R exp(b g): revenue times a multiple that rises with expected log growth.

    Revenue is smoothed, in USD bn a year; growth is a yearly log rate, capped at `growth_cap` and
    floored at minus the cap. The value is net of compute at market prices (Schwartz and Moon 2000).

    >>> lab_value(2.0, 0.0, 8.0, 1.0, 1.5)
    16.0
    """
    growth = max(min(growth_per_year, growth_cap), -growth_cap)
    return multiple * revenue_usd_bn_per_year * math.exp(growth_weight * growth)


def stake_sold(pre_money_usd_bn: float, equity_usd_bn: float) -> float:
    """Fraction that new money buys: E / (V + E); 0 for no money.

    >>> round(stake_sold(790.0, 50.0), 4)
    0.0595
    """
    if equity_usd_bn == 0.0:
        return 0.0
    return equity_usd_bn / (pre_money_usd_bn + equity_usd_bn)
