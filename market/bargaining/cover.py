"""What contracted capacity is worth: cover of need, idle capacity, prices against the market's, dependence.

Vectorised over capacity and term; need is log-normal around its forecast.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from market.bargaining.views import Grid, LabView, ProviderView, Weights

Array = NDArray[np.float64]
# Full dependence is priced on this much compute spending: about the life of a model generation's integration.
LOCK_IN_YEARS = 3.0
# Quarter ahead at which dependence is measured, the one at which labs measure their cover by default.
DEPENDENCE_QUARTER = 7


def served(contracted: Array, need: Array) -> Array:
    """Concave benefit of cover in GW: c - c^2 / (2 n) up to the need, flat beyond.

    The first GW of cover is worth a full GW, the last one nothing.

    >>> served(np.array([0.0, 1.0, 3.0]), np.array([2.0, 2.0, 2.0]))
    array([0.  , 0.75, 1.  ])
    """
    safe = np.maximum(need, 1e-300)
    cover = np.minimum(contracted, need)
    return np.asarray(cover - cover**2 / (2.0 * safe))


def expected_idle(contracted: Array, need: Array, sd: Array) -> Array:
    """E (c - N)+ for a log-normal need of mean n: capacity paid for and not used (Black 1976).

    The undiscounted Black-Scholes put on the need with strike c. Nil without contract; c - n where
    need is certain (sd nil) and smaller; c where there is no need.

    >>> np.round(expected_idle(np.array([1.0]), np.array([1.0]), np.array([0.2])), 4)
    array([0.0797])
    """
    c, n, spread = np.maximum(contracted, 1e-300), np.maximum(need, 1e-300), np.maximum(sd, 1e-12)
    d1 = (np.log(n) - np.log(c)) / spread + spread / 2.0
    return np.asarray(np.maximum(contracted * ndtr(spread - d1) - need * ndtr(-d1), 0.0))


def ramped_gw(gw: Array, terms: NDArray[np.int64], lead: int, ramp: int, horizon: int) -> Array:
    """Promised GW by quarter ahead, shape (capacity, term, horizon): a linear ramp after the lead.

    >>> ramped_gw(np.array([2.0]), np.array([3]), 1, 2, 5)
    array([[[0., 1., 2., 2., 0.]]])
    """
    ahead = np.arange(horizon) - lead
    shape = np.clip((ahead + 1.0) / ramp, 0.0, 1.0)
    live = (ahead >= 0) & (ahead < terms[:, None])
    return np.asarray(gw[:, None, None] * (shape * live))


@dataclass(frozen=True, slots=True)
class Sums:
    """Discounted sums over the term that both sides share, by (capacity, term), the last two by term alone.

    GW-quarters promised, those that the lab lives to use or others take, those that idle, those that serve
    need; promised and idle ones at the market's price; quarters; GW-quarters of need not contracted yet.
    """

    gw: Array
    gw_surviving: Array
    idle: Array
    served: Array
    against_market: Array
    idle_at_market: Array
    clause: Array
    uncovered: Array


def capacity_sums(lab: LabView, provider: ProviderView, grid: Grid, weights: Weights) -> Sums:
    """The sums of `Sums` over the capacities and terms of a grid."""
    terms = np.asarray(grid.terms)
    horizon = provider.lead_quarters + int(terms.max())
    ahead = np.arange(horizon)
    beta = (1.0 + weights.discounting) ** -ahead
    q = ramped_gw(np.asarray(grid.gw), terms, provider.lead_quarters, provider.ramp_quarters, horizon)
    need, contracted = lab.need_gw[:horizon], lab.contracted_gw[:horizon]
    sd = weights.need_volatility * np.sqrt(ahead + 1.0)
    idle = expected_idle(contracted + q, need, sd) - expected_idle(contracted, need, sd)
    survival = (1.0 - lab.default_prob_per_quarter) ** ahead
    # a contracted GW ages while the market's stays new, so a long contract at a fixed price grows dear
    age = np.maximum(ahead - provider.lead_quarters, 0) / 4.0
    market_price = provider.expected_price[:horizon] * (1.0 + weights.obsolescence_per_year) ** -age
    kept = survival + (1.0 - survival) * weights.resale
    return Sums(
        gw=(q * beta).sum(axis=-1),
        gw_surviving=(q * beta * kept).sum(axis=-1),
        idle=(idle * beta).sum(axis=-1),
        served=((served(contracted + q, need) - served(contracted, need)) * beta).sum(axis=-1),
        against_market=(q * beta * market_price).sum(axis=-1),
        idle_at_market=(idle * beta * market_price).sum(axis=-1),
        clause=np.array([beta[:term].sum() for term in terms]),
        uncovered=np.array([(beta * np.maximum(need - contracted, 0.0))[:term].sum() for term in terms]),
    )


def value_of_cover(lab: LabView, price: float) -> float:
    """USD bn that a GW-quarter of cover is worth: the margin lost when the spot market has none, or its premium."""
    lost = (1.0 - lab.spot_fill_frac) * lab.compute_value_usd_bn_per_gw_quarter
    return lost + lab.spot_fill_frac * lab.spot_premium * price


def dependence_cost(lab: LabView, provider: ProviderView, weights: Weights) -> float:
    """Cost of the dependence on this provider that contracts bring already."""
    at = min(DEPENDENCE_QUARTER, len(lab.contracted_gw) - 1)
    total = float(lab.contracted_gw[at])
    before = float(provider.with_lab_gw[at]) / total if total > 0.0 else 0.0
    return -weights.lock_in * LOCK_IN_YEARS * lab.yearly_compute_usd_bn * before**2


def lock_in(lab: LabView, provider: ProviderView, grid: Grid, weights: Weights) -> Array:
    """By capacity: cost of dependence squared on this provider, after less before."""
    at = min(DEPENDENCE_QUARTER, len(lab.contracted_gw) - 1)
    with_provider, total = float(provider.with_lab_gw[at]), float(lab.contracted_gw[at])
    before = with_provider / total if total > 0.0 else 0.0
    gw = np.asarray(grid.gw)
    after = (with_provider + gw) / np.maximum(total + gw, 1e-300)
    return -weights.lock_in * LOCK_IN_YEARS * lab.yearly_compute_usd_bn * (after**2 - before**2)


def residual_risk(provider: ProviderView, grid: Grid, weights: Weights) -> Array:
    """By (capacity, term): what chips lose of their book value when a contract ends before their life."""
    terms = np.asarray(grid.terms)
    left = np.maximum(1.0 - terms / provider.basis.chip_life_quarters, 0.0)
    later = (1.0 + weights.discounting) ** -(provider.lead_quarters + terms)
    loss = provider.basis.chips_usd_bn_per_gw * left * (1.0 - weights.resale) * later
    return -np.asarray(grid.gw)[:, None] * loss


def exposure(provider: ProviderView, weights: Weights, commitment: Array) -> Array:
    """By (capacity, term): cost of one customer's backlog, squared over all backlog and capital, after less before."""
    base = provider.total_backlog_usd_bn + provider.capital_usd_bn
    before = provider.lab_backlog_usd_bn**2 / max(base, 1e-300)
    after = (provider.lab_backlog_usd_bn + commitment) ** 2 / (base + commitment + 1e-300)
    return -weights.exposure * provider.exposure_factor * (after - before)
