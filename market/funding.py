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
    """L(m) = lam (1 - m/m*)+, 0 without a target; cash below nil counts as nil.

    >>> float(excess_value(FundingNeed(0.0, 10.0, 1.0, 0.0), 4.0))
    0.6
    """
    if need.target_usd_bn <= 0.0:
        return np.zeros_like(np.asarray(cash_usd_bn, dtype=float))
    cash = np.maximum(cash_usd_bn, 0.0)
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
    start = excess_value(need, need.cash_usd_bn + extra) - need.owner_cost
    if need.target_usd_bn <= 0.0:
        return np.zeros_like(extra), np.zeros((*extra.shape, len(depth)))
    slope = need.marginal_value / need.target_usd_bn
    mu = np.maximum(start, 0.0)
    order = np.argsort(cost, kind="stable")
    total_depth, total_outlay = 0.0, 0.0
    for source in order:
        # with the sources so far, mu = start - slope * (total_depth * mu - total_outlay)
        total_depth += depth[source]
        total_outlay += depth[source] * cost[source]
        candidate = (start + slope * total_outlay) / (1.0 + slope * total_depth)
        mu = np.where(mu > cost[source], candidate, mu)
    mu = np.maximum(mu, 0.0)
    amounts = depth * np.maximum(mu[..., None] - cost, 0.0)
    return mu, amounts


def value_of_money(
    need: FundingNeed, depths: Sequence[float], costs: Sequence[float], equity_usd_bn: NDArray[np.float64]
) -> NDArray[np.float64]:
    """What extra equity is worth to the lab beyond its dollars, other sources adjusting to it.

    The integral of L(m + e + x(e)) over e from 0 to E, x(e) being what the other sources then give;
    Gauss-Legendre with five nodes, exact where no source enters or leaves in between. Shape follows
    `equity_usd_bn`.

    >>> need = FundingNeed(0.0, 10.0, 1.0, 0.0)
    >>> round(float(value_of_money(need, [], [], np.array(10.0))), 9)
    5.0
    """
    equity = np.asarray(equity_usd_bn, dtype=float)
    nodes, weights = _GAUSS
    points = equity[..., None] * nodes
    _, amounts = solve_funding(need, depths, costs, points)
    marginal = excess_value(need, need.cash_usd_bn + points + amounts.sum(axis=-1))
    return np.asarray((marginal * weights).sum(axis=-1) * equity)


def _unit_gauss(count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    nodes, weights = np.polynomial.legendre.leggauss(count)
    return (nodes + 1.0) / 2.0, weights / 2.0


_GAUSS = _unit_gauss(5)
