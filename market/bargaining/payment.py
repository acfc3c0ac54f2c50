"""What a lab pays with besides its compute bill: equity at once or on milestones, warrants, a share of its revenue."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from market.bargaining.views import Grid, LabView, ProviderView, Weights
from market.deals import Trigger
from market.funding import FundingNeed, value_of_money

Array = NDArray[np.float64]
# A dollar due on a milestone against one today: three tranches some 5, 6 and 7 quarters off, discounted at 3 %.
TRANCHE_DISCOUNT = 0.84
# Odds that capacity goes live as promised, or that a revenue or a valuation that is just expected is reached. The
# first is an assumption of this model; half is what a median forecast means.
MILESTONE_ODDS = {Trigger.DATE: 1.0, Trigger.GW_LIVE: 0.7, Trigger.REVENUE: 0.5, Trigger.VALUATION: 0.5}
# Quarters until the middle one of three tranches on a third, two thirds and all of the capacity is paid.
TRANCHE_WAIT = 6


def milestone_odds(lab: LabView, provider_sees: LabView, grid: Grid, weights: Weights) -> Array:
    """By staging: the chance, as the lab sees it, that what the rest of the equity waits for comes.

    Thresholds of revenue and of valuation are the provider's median forecast; a lab that expects more
    takes the odds for Phi(ln(its forecast / the provider's) / spread). See `median_odds` for the provider's own.
    """
    spread = max(weights.need_volatility * math.sqrt(TRANCHE_WAIT + 1.0), 1e-12)
    at = min(TRANCHE_WAIT, len(lab.revenue_usd_bn_per_quarter) - 1)
    expected = {
        Trigger.REVENUE: (lab.revenue_usd_bn_per_quarter[at], provider_sees.revenue_usd_bn_per_quarter[at]),
        Trigger.VALUATION: (lab.own_value_usd_bn, provider_sees.value_usd_bn),
    }
    odds = median_odds(grid)
    for i, (_, trigger) in enumerate(grid.staging):
        own, threshold = expected.get(trigger, (0.0, 0.0))
        if own > 0.0 and threshold > 0.0:
            odds[i] = float(ndtr(math.log(own / threshold) / spread))
    return odds


def median_odds(grid: Grid) -> Array:
    """By staging: the provider's own odds, one half for its median forecasts."""
    return np.array([MILESTONE_ODDS[trigger] for _, trigger in grid.staging])


def funding_effect(lab: LabView, price: float, grid: Grid, weights: Weights, odds: Array) -> tuple[Array, Array]:
    """What a deal does to the lab's funding: (capacity,) and (capacity, equity, staging), USD bn.

    Creditors ask for cash against a year of the new commitment, so the target may rise with the
    capacity; `credit` is what the larger shortfall costs without equity, other sources of money
    adjusting. `liquidity` is what the deal's equity is then worth beyond its dollars, net of the
    owners' cost: equity and commitments are complements where money is dear.
    """
    now, need = equity_now(grid, odds), lab.funding
    asked = lab.credit_target_usd_bn + weights.commitment_cover * 4.0 * price * np.asarray(grid.gw)
    targets = np.maximum(asked, need.target_usd_bn).tolist()
    money = tuple(now.ravel().tolist())
    before, _ = worth_of_money(need, lab.depths, lab.costs, money)
    worth = [worth_of_money(replace(need, target_usd_bn=target), lab.depths, lab.costs, money) for target in targets]
    credit = np.array([before - short for short, _ in worth])
    liquidity = np.stack([values.reshape(now.shape) for _, values in worth]) - weights.owner_cost * now
    return credit, liquidity


# many capacities, and all providers at one price, leave the target where it is
@lru_cache(maxsize=64)
def worth_of_money(
    need: FundingNeed, depths: tuple[float, ...], costs: tuple[float, ...], money: tuple[float, ...]
) -> tuple[float, Array]:
    """What all cash that is short of the target would be worth to the lab, and what each sum of equity is."""
    short = max(need.target_usd_bn - need.cash_usd_bn, 0.0)
    values = value_of_money(need, depths, costs, np.array([*money, short]))
    return float(values[-1]), values[:-1]


def equity_now(grid: Grid, odds: Array) -> Array:
    """Equity by (level, staging) in dollars of today: what waits for a milestone is worth less than cash."""
    upfront = np.array([share for share, _ in grid.staging])
    return np.asarray(grid.equity)[:, None] * (upfront + (1.0 - upfront) * TRANCHE_DISCOUNT * odds)


def kept_frac(lab: LabView, grid: Grid) -> Array:
    """By (equity, warrants): the share of the lab that its present owners keep."""
    value = lab.value_usd_bn
    return (value / (value + np.asarray(grid.equity)))[:, None] * (1.0 - warrants_vesting(grid))


def warrants_vesting(grid: Grid) -> Array:
    """Stake that the warrants on the table are expected to give: they vest once all capacity is live."""
    return np.asarray(grid.warrants) * MILESTONE_ODDS[Trigger.GW_LIVE]


def revenue_owed_on(lab: LabView, weights: Weights, survival: float) -> float:
    """Discounted revenue of the lab over the quarters for which a share of it is owed, USD bn."""
    path = lab.revenue_usd_bn_per_quarter[: weights.revenue_share_quarters]
    return float((path * (survival / (1.0 + weights.discounting)) ** np.arange(len(path))).sum())


def cost_of_equity(provider: ProviderView, money: Array) -> Array:
    """-k E - ((E0 + E)^2 - E0^2) / (2 depth): what equity costs beyond its dollars, ever more over free cash flow.

    E0 is what the provider has signed this quarter already.
    """
    convex = money * (money + 2.0 * provider.equity_promised_usd_bn) / (2.0 * max(provider.equity_depth_usd_bn, 1e-12))
    return -provider.equity_cost * money - convex


def staging_option(lab: LabView, grid: Grid) -> Array:
    """Option of paying later, (equity, staging): what is not paid if the lab is gone by then (Gompers 1995)."""
    gone = 1.0 - (1.0 - lab.default_prob_per_quarter) ** TRANCHE_WAIT
    return np.asarray(grid.equity)[:, None] * (1.0 - np.array([share for share, _ in grid.staging])) * gone


def fixed_cost(lab: LabView, weights: Weights, equity: Array) -> Array:
    """Cost of a deal to each side, and of bringing equity into it, by level of equity."""
    deal = weights.fixed_cost * lab.yearly_compute_usd_bn
    return deal + np.where(equity > 0.0, weights.equity_fixed_cost * lab.value_usd_bn, 0.0)
