"""What capacity costs and what it is sold for."""

from __future__ import annotations

import math
from dataclasses import dataclass


def annuity_factor(rate_per_quarter: float, life_quarters: float) -> float:
    """Payment per quarter that repays 1 with interest over a life: r / (1 - (1 + r)^-n).

    1/n at a rate of nil; r for an infinite life.

    >>> round(annuity_factor(0.025, 20), 6)
    0.064147
    >>> annuity_factor(0.0, 20)
    0.05
    """
    if rate_per_quarter == 0.0:
        return 1.0 / life_quarters
    if math.isinf(life_quarters):
        return rate_per_quarter
    return float(rate_per_quarter / (1.0 - (1.0 + rate_per_quarter) ** -life_quarters))


@dataclass(frozen=True, slots=True)
class CostBasis:
    """Cost of a GW: chips and shell with their lives, operation, cost of capital."""

    chips_usd_bn_per_gw: float
    shell_usd_bn_per_gw: float
    chip_life_quarters: int
    shell_life_quarters: int
    operating_usd_bn_per_gw_quarter: float
    rate_per_quarter: float

    @property
    def build_usd_bn_per_gw(self) -> float:
        """Outlay for a GW with a new shell."""
        return self.chips_usd_bn_per_gw + self.shell_usd_bn_per_gw


def user_cost(basis: CostBasis) -> float:
    """User cost of one GW for a quarter (Jorgenson 1963): capital charge plus operation.

    Chips and shell are repaid over their own lives, since one outlives the other.

    >>> round(user_cost(CostBasis(20.0, 10.0, 20, 68, 0.3, 0.025)), 3)
    1.89
    """
    chips = basis.chips_usd_bn_per_gw * annuity_factor(basis.rate_per_quarter, basis.chip_life_quarters)
    shell = basis.shell_usd_bn_per_gw * annuity_factor(basis.rate_per_quarter, basis.shell_life_quarters)
    return chips + shell + basis.operating_usd_bn_per_gw_quarter


def full_cost(basis: CostBasis, utilisation: float) -> float:
    """User cost per GW-quarter sold when a share `utilisation` is sold."""
    return user_cost(basis) / utilisation


def next_price(
    price: float, utilisation: float, target: float, cost: float, markup: float, response: float, anchor: float
) -> float:
    """Price a quarter on: d ln p = a (u - u*) + e ln(markup cost / p), scarcity and return to full cost plus markup.

    At target utilisation and price = markup * cost the price stands still.

    >>> next_price(2.5, 0.86, 0.86, 2.0, 1.25, 0.25, 0.1)
    2.5
    """
    return price * math.exp(response * (utilisation - target) + anchor * math.log(markup * cost / price))


def price_path(price: float, cost: float, markup: float, anchor: float, quarters: int) -> list[float]:
    """Expected prices 0 to quarters - 1 ahead when only the anchor pulls.

    >>> price_path(2.0, 2.0, 1.0, 0.1, 2)
    [2.0, 2.0]
    """
    gap = math.log(price / (markup * cost))
    return [markup * cost * math.exp(gap * (1.0 - anchor) ** h) for h in range(quarters)]
