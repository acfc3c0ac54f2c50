"""What terms are worth to a lab and to a provider: sums of named components, in USD bn of today.

Every function is pure and vectorised over the grid of terms, whose axes are (capacity, term,
take-or-pay, exclusivity, discount, equity, upfront share); a component only spans the axes that
move it. The lab's value is already net of compute at market price, so payments enter as the
difference to the market price and are not charged again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from market.bargaining.views import Grid, LabView, ProviderView, Weights
from market.funding import FundingNeed, value_of_money

Array = NDArray[np.float64]
# A dollar of a tranche on a milestone against one today: three tranches some 5, 6 and 7 quarters off, discounted
# at 3 % a quarter (0.84), of which about seven in ten fall due. Rate and odds are assumptions of this model.
TRANCHE_VALUE = 0.6
# Share of customers who change rather than accept friction, once a model can be had on their cloud: an assumption
# of this model. A friction of 1.2 moves 0.77 of a logit's choices, contracts of two years let half choose in a year.
DIVERSION = 0.3
# Quarters until the middle one of three tranches on a third, two thirds and all of the capacity is paid.
TRANCHE_WAIT = 6
# Full dependence is priced on this much compute spending: about the life of a model generation's integration.
LOCK_IN_YEARS = 3.0
# Quarter ahead at which dependence is measured, the one at which labs measure their cover by default.
DEPENDENCE_QUARTER = 7
NOTHING: Array = np.zeros((1,) * 7)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Components of both sides over the grid, their sums, and which outcomes are feasible."""

    grid: Grid
    lab: dict[str, Array]
    provider: dict[str, Array]
    lab_total: Array
    provider_total: Array
    feasible: NDArray[np.bool_]
    constraints: dict[str, NDArray[np.bool_]]


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
class _Sums:
    """Discounted sums over the term that both sides share; see `_sums`."""

    gw: Array
    gw_surviving: Array
    idle: Array
    served: Array
    against_market: Array
    idle_at_market: Array
    clause: Array


def _sums(lab: LabView, provider: ProviderView, grid: Grid, weights: Weights) -> _Sums:
    terms = np.asarray(grid.terms)
    horizon = provider.lead_quarters + int(terms.max())
    ahead = np.arange(horizon)
    beta = (1.0 + weights.discounting) ** -ahead
    q = ramped_gw(np.asarray(grid.gw), terms, provider.lead_quarters, weights.ramp_quarters, horizon)
    need, contracted = lab.need_gw[:horizon], lab.contracted_gw[:horizon]
    sd = weights.need_volatility * np.sqrt(ahead + 1.0)
    idle = expected_idle(contracted + q, need, sd) - expected_idle(contracted, need, sd)
    survival = (1.0 - lab.default_prob_per_quarter) ** ahead
    # a contracted GW ages while the market's stays new, so a long contract at a fixed price grows dear
    age = np.maximum(ahead - provider.lead_quarters, 0) / 4.0
    market_price = provider.expected_price[:horizon] * (1.0 + weights.obsolescence_per_year) ** -age
    kept = survival + (1.0 - survival) * weights.resale
    return _Sums(
        gw=(q * beta).sum(axis=-1),
        gw_surviving=(q * beta * kept).sum(axis=-1),
        idle=(idle * beta).sum(axis=-1),
        served=((served(contracted + q, need) - served(contracted, need)) * beta).sum(axis=-1),
        against_market=(q * beta * market_price).sum(axis=-1),
        idle_at_market=(idle * beta * market_price).sum(axis=-1),
        clause=np.array([beta[:term].sum() for term in terms]),
    )


def _axes[T: np.generic](array: NDArray[T], *axes: int) -> NDArray[T]:
    """Spread an array over the grid's seven axes: its dimensions become the named ones."""
    shape = [1] * 7
    for size, axis in zip(array.shape, axes, strict=True):
        shape[axis] = size
    return array.reshape(shape)


def value_of_cover(lab: LabView, price: float) -> float:
    """USD bn that a GW-quarter of cover is worth: the margin lost when the spot market has none, or its premium."""
    lost = (1.0 - lab.spot_fill_frac) * lab.compute_value_usd_bn_per_gw_quarter
    return lost + lab.spot_fill_frac * lab.spot_premium * price


def operating_components(
    lab: LabView, provider: ProviderView, grid: Grid, weights: Weights, sums: _Sums
) -> dict[str, Array]:
    """The lab's components that add to the value of its shares, and so are shared by whoever holds them."""
    price = provider.price_usd_bn_per_gw_quarter
    off = 1.0 - np.asarray(grid.discounts)
    cover_value = value_of_cover(lab, price)
    return {
        "coverage": _axes(cover_value * sums.served, 0, 1),
        "price": _axes(sums.against_market[..., None] - price * sums.gw[..., None] * off, 0, 1, 4),
        "idle_risk": _axes(-sums.idle_at_market, 0, 1) + _axes(price * sums.idle, 0, 1) * _unpaid(grid),
        "lock_in": _axes(_lock_in(lab, provider, grid, weights), 0),
        "exclusivity": _axes(_exclusivity_cost(lab, provider, grid, weights, cover_value, sums), 1, 3),
    }


def shareholder_components(
    lab: LabView, provider: ProviderView, grid: Grid, weights: Weights, gain: Array
) -> dict[str, Array]:
    """The lab's components by name that equity moves, `gain` being the sum of the operating ones."""
    equity = _equity(grid)
    stake = equity / (lab.value_usd_bn + equity)
    credit, liquidity = _funding(lab, provider.price_usd_bn_per_gw_quarter, grid, weights)
    return {
        "credit": _axes(credit, 0),
        "liquidity": _axes(liquidity, 0, 5, 6),
        "dilution": _axes(-equity * (lab.own_value_usd_bn - lab.value_usd_bn) / (lab.value_usd_bn + equity), 5, 6),
        "surplus_shared": -_axes(stake, 5, 6) * gain,
        "fixed_cost": _axes(-_fixed_cost(lab, weights, equity), 5, 6),
    }


def provider_components(
    lab: LabView, provider: ProviderView, grid: Grid, weights: Weights, sums: _Sums
) -> dict[str, Array]:
    """The provider's components by name: margin, idle risk, residual risk, equity, pull-through, exposure, costs."""
    price = provider.price_usd_bn_per_gw_quarter
    off = 1.0 - np.asarray(grid.discounts)
    equity, money = _equity(grid), _equity_now(grid)
    revenue = price * sums.gw_surviving[..., None] * off
    cost = provider.user_cost_usd_bn_per_gw_quarter * sums.gw[..., None]
    return {
        "margin": _axes(revenue - cost, 0, 1, 4),
        "idle_risk": _axes(-price * sums.idle, 0, 1) * _unpaid(grid),
        "residual_risk": _axes(_residual_risk(provider, grid, weights), 0, 1),
        "equity": _axes(_cost_of_equity(provider, money), 5, 6),
        "staging": _axes(_staging(lab, grid), 5, 6),
        "pull_through": _axes(_pull_through(lab, provider, grid, weights, sums), 1, 3),
        "exposure": _axes(_exposure(provider, weights, price * sums.gw), 0, 1),
        "fixed_cost": _axes(-_fixed_cost(lab, weights, equity), 5, 6),
    }


def _funding(lab: LabView, price: float, grid: Grid, weights: Weights) -> tuple[Array, Array]:
    """What a deal does to the lab's funding: (capacity,) and (capacity, equity, upfront share), USD bn.

    Creditors ask for cash against a year of the new commitment, so the target may rise with the
    capacity; `credit` is what the larger shortfall costs without equity, other sources of money
    adjusting. `liquidity` is what the deal's equity is then worth beyond its dollars, net of the
    owners' cost: equity and commitments are complements where money is dear.
    """
    now, need = _equity_now(grid), lab.funding
    asked = lab.credit_target_usd_bn + weights.commitment_cover * 4.0 * price * np.asarray(grid.gw)
    targets = np.maximum(asked, need.target_usd_bn).tolist()
    money = tuple(now.ravel().tolist())
    before, _ = _worth(need, lab.depths, lab.costs, money)
    worth = [_worth(replace(need, target_usd_bn=target), lab.depths, lab.costs, money) for target in targets]
    credit = np.array([before - short for short, _ in worth])
    liquidity = np.stack([values.reshape(now.shape) for _, values in worth]) - weights.owner_cost * now
    return credit, liquidity


# many capacities, and all providers at one price, leave the target where it is
@lru_cache(maxsize=64)
def _worth(
    need: FundingNeed, depths: tuple[float, ...], costs: tuple[float, ...], money: tuple[float, ...]
) -> tuple[float, Array]:
    """What all cash that is short of the target would be worth to the lab, and what each sum of equity is."""
    short = max(need.target_usd_bn - need.cash_usd_bn, 0.0)
    values = value_of_money(need, depths, costs, np.array([*money, short]))
    return float(values[-1]), values[:-1]


def _equity(grid: Grid) -> Array:
    """Equity by (level, upfront share): what spans both axes is added over the grid in one stretch of memory."""
    return np.repeat(np.asarray(grid.equity)[:, None], len(grid.upfront), axis=1)


def _equity_now(grid: Grid) -> Array:
    """Equity by (level, upfront share) in dollars of today: milestones are worth less than cash."""
    upfront = np.asarray(grid.upfront)
    return _equity(grid) * (upfront + (1.0 - upfront) * TRANCHE_VALUE)


def _unpaid(grid: Grid) -> Array:
    """Share of the list price that is not due on idle capacity: what take-or-pay leaves, after the discount.

    The price component counts all capacity at the market's price; the lab gets nothing from what
    idles, so its idle risk takes that back less what it need not pay. What it need not pay is the
    provider's risk: take-or-pay moves money between the two and makes none.
    """
    left, off = 1.0 - np.asarray(grid.take_or_pay), 1.0 - np.asarray(grid.discounts)
    return _axes(left[:, None] * off, 2, 4)


def _cost_of_equity(provider: ProviderView, money: Array) -> Array:
    """-k E - E^2 / (2 depth): what equity costs beyond its dollars, ever more over free cash flow."""
    return -provider.equity_cost * money - money**2 / (2.0 * max(provider.equity_depth_usd_bn, 1e-12))


def _staging(lab: LabView, grid: Grid) -> Array:
    """Option of paying later, (equity, upfront share): what is not paid if the lab is gone by then (Gompers 1995)."""
    gone = 1.0 - (1.0 - lab.default_prob_per_quarter) ** TRANCHE_WAIT
    return _equity(grid) * (1.0 - np.asarray(grid.upfront)) * gone


def _fixed_cost(lab: LabView, weights: Weights, equity: Array) -> Array:
    deal = weights.fixed_cost * lab.yearly_compute_usd_bn
    return deal + np.where(equity > 0.0, weights.equity_fixed_cost * lab.value_usd_bn, 0.0)


def _lock_in(lab: LabView, provider: ProviderView, grid: Grid, weights: Weights) -> Array:
    """By capacity: cost of dependence squared on this provider, after less before."""
    at = min(DEPENDENCE_QUARTER, len(lab.contracted_gw) - 1)
    with_provider, total = float(provider.with_lab_gw[at]), float(lab.contracted_gw[at])
    before = with_provider / total if total > 0.0 else 0.0
    gw = np.asarray(grid.gw)
    after = (with_provider + gw) / np.maximum(total + gw, 1e-300)
    return -weights.lock_in * LOCK_IN_YEARS * lab.yearly_compute_usd_bn * (after**2 - before**2)


def _exclusivity_cost(
    lab: LabView, provider: ProviderView, grid: Grid, weights: Weights, cover_value: float, sums: _Sums
) -> Array:
    """By (term, exclusive): need the provider alone cannot meet, no second source, customers out of reach."""
    costs = np.zeros((len(grid.terms), len(grid.exclusive)))
    for i, term in enumerate(grid.terms):
        beta = (1.0 + weights.discounting) ** -np.arange(term)
        short = np.maximum(lab.need_gw[:term] - provider.alone_gw[:term], 0.0)
        lost_reach = DIVERSION * (1.0 - provider.incumbent_share) * lab.enterprise_revenue_usd_bn_per_quarter
        quarter = weights.second_source * lab.yearly_compute_usd_bn / 4.0 + weights.pull_through_margin * lost_reach
        costs[i] = -(cover_value * float((beta * short).sum()) + quarter * float(sums.clause[i]))
    return costs * np.asarray(grid.exclusive)


def _pull_through(lab: LabView, provider: ProviderView, grid: Grid, weights: Weights, sums: _Sums) -> Array:
    """By (term, exclusive): margin on customers regained, its own by hosting, the others' by exclusivity."""
    flow = weights.pull_through_margin * weights.pull_through_multiple * DIVERSION
    flow *= lab.enterprise_revenue_usd_bn_per_quarter
    own = 0.0 if provider.reachable else flow * provider.incumbent_share
    others = flow * (1.0 - provider.incumbent_share)
    return sums.clause[:, None] * (own + others * np.asarray(grid.exclusive, dtype=float))


def _residual_risk(provider: ProviderView, grid: Grid, weights: Weights) -> Array:
    """By (capacity, term): what chips lose of their book value when a contract ends before their life."""
    terms = np.asarray(grid.terms)
    left = np.maximum(1.0 - terms / provider.basis.chip_life_quarters, 0.0)
    later = (1.0 + weights.discounting) ** -(provider.lead_quarters + terms)
    loss = provider.basis.chips_usd_bn_per_gw * left * (1.0 - weights.resale) * later
    return -np.asarray(grid.gw)[:, None] * loss


def _exposure(provider: ProviderView, weights: Weights, commitment: Array) -> Array:
    """By (capacity, term): cost of one customer's backlog, squared over all backlog and capital, after less before."""
    base = provider.total_backlog_usd_bn + provider.capital_usd_bn
    before = provider.lab_backlog_usd_bn**2 / max(base, 1e-300)
    after = (provider.lab_backlog_usd_bn + commitment) ** 2 / (base + commitment + 1e-300)
    return -weights.exposure * provider.exposure_factor * (after - before)


def _stake_in_surplus(lab: LabView, provider: ProviderView, grid: Grid, gain: Array) -> Array:
    """The provider's part of the lab's gain: what `surplus_shared` takes from the lab, and what its old stake brings.

    A holder of a stake s0 who buys s more owns s0 (1 - s) + s of what the deal adds to the lab's value.
    """
    equity = _equity(grid)
    bought = equity / (lab.value_usd_bn + equity)
    return _axes(provider.stake_frac * (1.0 - bought) + bought, 5, 6) * gain


def evaluate(lab: LabView, provider: ProviderView, grid: Grid, weights: Weights) -> Evaluation:
    """Both sides' utilities over the whole grid, with the constraints that cut it."""
    sums = _sums(lab, provider, grid, weights)
    operating = operating_components(lab, provider, grid, weights, sums)
    gain = sum(operating.values(), NOTHING)
    shareholders = shareholder_components(lab, provider, grid, weights, gain)
    provider_parts = provider_components(lab, provider, grid, weights, sums)
    provider_parts["stake_in_surplus"] = _stake_in_surplus(lab, provider, grid, gain)
    equity = np.asarray(grid.equity)
    stake = equity / (lab.value_usd_bn + equity)
    constraints = {
        "buildable capacity": _axes(np.asarray(grid.gw) <= provider.buildable_gw, 0),
        "provider's cash": _axes(equity <= provider.equity_room_usd_bn, 5),
        "stake cap": _axes((provider.stake_frac * (1.0 - stake) + stake <= provider.stake_cap) | (equity == 0.0), 5),
    }
    feasible = np.ones((1,) * 7, dtype=bool)
    for allowed in constraints.values():
        feasible = feasible & allowed
    return Evaluation(
        grid,
        operating | shareholders,
        provider_parts,
        np.broadcast_to(sum(shareholders.values(), gain), grid.shape),
        np.broadcast_to(sum(provider_parts.values(), NOTHING), grid.shape),
        np.broadcast_to(feasible, grid.shape),
        constraints,
    )
