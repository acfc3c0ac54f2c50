"""A lab's funding as one problem: how much it raises, from whom, and what its last dollar costs.

With cash m and target m*, a dollar is worth L(m) = lam (1 - m/m*)+ in excess of a dollar. Sources i
lend themselves at B_i (mu - c_i)+ when the excess return is mu. The market for the lab's stock is in
balance where L(m + x) = o + mu and x is what all sources give (owners' cost o of diluting).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class FundingNeed:
    """Cash at hand, the target, the value of the first dollar and the owners' cost."""

    cash_usd_bn: float
    target_usd_bn: float
    marginal_value: float
    owner_cost: float


def excess_value(need: FundingNeed, cash_usd_bn: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """L(m) = lam (1 - m/m*)+, nil without a target; an overdraft makes a dollar worth more than lam.

    >>> float(excess_value(FundingNeed(0.0, 10.0, 1.0, 0.0), 4.0))
    0.6
    """
    cash = np.asarray(cash_usd_bn, dtype=float)
    if need.target_usd_bn <= 0.0:
        return np.zeros_like(cash)
    return np.asarray(need.marginal_value * np.maximum(1.0 - cash / need.target_usd_bn, 0.0))


def solve_funding(
    need: FundingNeed,
    depths: Sequence[float],
    costs: Sequence[float],
    extra_usd_bn: NDArray[np.float64] | float = 0.0,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Marginal cost of money mu and the amounts raised from each source, given extra cash.

    Vectorised over `extra_usd_bn` (shape (...)); returns mu (...) and amounts (..., sources). The
    excess demand for money falls in mu and is piecewise linear, so the root is found exactly by
    adding sources in order of their cost. Without need, mu = 0 and nothing is raised. With one
    source of depth B and cost 0, no owner's cost and no cash, mu = lam m* / (m* + lam B).

    >>> mu, amounts = solve_funding(FundingNeed(0.0, 10.0, 1.0, 0.0), [10.0], [0.0])
    >>> float(mu), amounts.tolist()
    (0.5, [5.0])
    """
    extra = np.asarray(extra_usd_bn, dtype=float)
    depth, cost = np.asarray(depths, dtype=float), np.asarray(costs, dtype=float)
    if need.target_usd_bn <= 0.0:
        return np.zeros_like(extra), np.zeros((*extra.shape, len(depth)))
    mu = np.maximum(_excess_return(need, depths, costs, extra), 0.0)
    return mu, depth * np.maximum(mu[..., None] - cost, 0.0)


def _excess_return(
    need: FundingNeed, depths: Sequence[float], costs: Sequence[float], extra: NDArray[np.float64]
) -> NDArray[np.float64]:
    """L(m + e + x) - o with x what the sources give; below nil where the owners want no more cash."""
    alone = excess_value(need, need.cash_usd_bn + extra) - need.owner_cost
    slope = need.marginal_value / need.target_usd_bn
    mu = alone
    total_depth, total_outlay = 0.0, 0.0
    for cost, depth in sorted(zip(costs, depths, strict=True), key=lambda source: source[0]):
        # with the sources so far, mu = alone - slope * (total_depth * mu - total_outlay)
        total_depth += depth
        total_outlay += depth * cost
        joined = (alone + slope * total_outlay) / (1.0 + slope * total_depth)
        mu = np.where(mu > cost, joined, mu)
    return mu


def value_of_money(
    need: FundingNeed, depths: Sequence[float], costs: Sequence[float], equity_usd_bn: NDArray[np.float64]
) -> NDArray[np.float64]:
    """What extra equity is worth to the lab beyond its dollars, other sources adjusting to it.

    The integral of L(m + e + x(e)) over e from 0 to E, x(e) being what the other sources then give.
    The integrand is linear between the points at which a source leaves, so trapezia are exact.
    Shape follows `equity_usd_bn`.

    >>> need = FundingNeed(0.0, 10.0, 1.0, 0.0)
    >>> value_of_money(need, [], [], np.array([5.0, 10.0, 20.0])).tolist()
    [3.75, 5.0, 5.0]
    """
    equity = np.asarray(equity_usd_bn, dtype=float)
    if need.target_usd_bn <= 0.0 or need.marginal_value <= 0.0:
        return np.zeros_like(equity)

    kinks = _kinks(need, depths, costs)
    # the sources stop where L(m + e + x) = o + mu, so the solution already holds the integrand
    ends = np.concatenate((kinks, equity.ravel()))
    heights = _excess_return(need, depths, costs, ends) + need.owner_cost
    corners, last = heights[: len(kinks)], heights[len(kinks) :].reshape(equity.shape)
    areas = np.append(0.0, np.cumsum((kinks[1:] - kinks[:-1]) * (corners[1:] + corners[:-1]) / 2.0))
    before = kinks.searchsorted(equity, side="right") - 1
    return np.asarray(areas[before] + (equity - kinks[before]) * (corners[before] + last) / 2.0)


def _kinks(need: FundingNeed, depths: Sequence[float], costs: Sequence[float]) -> NDArray[np.float64]:
    """Extra cash from nil on at which a source stops giving, and at which cash reaches its target, ascending."""
    extra = {0.0, max(need.target_usd_bn - need.cash_usd_bn, 0.0)}
    for leaving in costs:
        raised = sum(depth * max(leaving - cost, 0.0) for depth, cost in zip(depths, costs, strict=True))
        wanted = need.target_usd_bn * (1.0 - (need.owner_cost + leaving) / need.marginal_value)
        extra.add(max(wanted - raised - need.cash_usd_bn, 0.0))
    return np.array(sorted(extra))
