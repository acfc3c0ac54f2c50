"""What terms are worth to a lab and to a provider: sums of named components, in USD bn of today.

Every function is pure and vectorised over the grid of terms, whose axes are those of
`market.bargaining.views.ISSUES`; a component only spans the axes that move it. The lab's value is
already net of compute at market price, so payments enter as the difference to the market price and
are not charged again. Each side values by its own view of both: forecasts may differ.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from market.bargaining.clauses import by_clause, captured, pull_through, tied_cost
from market.bargaining.cover import (
    Sums,
    capacity_sums,
    dependence_cost,
    expected_idle,
    exposure,
    lock_in,
    residual_risk,
    served,
    value_of_cover,
)
from market.bargaining.factored import factored
from market.bargaining.factored_kernels import Factored
from market.bargaining.payment import (
    TRANCHE_DISCOUNT,
    cost_of_equity,
    equity_now,
    fixed_cost,
    funding_effect,
    kept_frac,
    median_odds,
    milestone_odds,
    revenue_owed_on,
    staging_option,
    warrants_vesting,
    worth_of_money,
)
from market.bargaining.views import ISSUES, PRODUCING, Grid, LabView, ProviderView, Weights
from market.deals import Exclusivity, Trigger

Array = NDArray[np.float64]
AXES = len(ISSUES)
ALONE = (1,) * AXES
NOTHING: Array = np.zeros((1,) * AXES)


@dataclass(frozen=True, slots=True)
class Factors:
    """Both utilities as products and sums of what the deal produces (o) and how the lab pays besides (k).

    lab[o, k] = gain[o] * kept[k] + lab_money[g, k], provider[o, k] = margin[o] + seen_gain[o] * share[k] +
    provider_money[g, k], where g is the capacity that belongs to o. Arrays have the grid's axes.
    """

    gain: Array
    kept: Array
    lab_money: Array
    margin: Array
    seen_gain: Array
    share: Array
    provider_money: Array


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Components of both sides over the grid, their factors, and which outcomes are feasible."""

    grid: Grid
    lab: dict[str, Array]
    provider: dict[str, Array]
    factors: Factors
    constraints: dict[str, NDArray[np.bool_]]

    @property
    def lab_total(self) -> Array:
        """The lab's utility over the whole grid."""
        f = self.factors
        return np.broadcast_to(f.gain * f.kept + f.lab_money, self.grid.shape)

    @property
    def provider_total(self) -> Array:
        """The provider's utility over the whole grid."""
        f = self.factors
        return np.broadcast_to(f.margin + f.seen_gain * f.share + f.provider_money, self.grid.shape)

    @property
    def form(self) -> Factored:
        """The utilities in the form that exact searches take: capacity to discount by row, the rest by column."""
        f, shape, constraints = self.factors, self.grid.shape, self.constraints.values()
        produced, paid = math.prod(shape[:PRODUCING]), math.prod(shape[PRODUCING:])

        def rows(array: Array) -> Array:
            return np.broadcast_to(array, (*shape[:PRODUCING], *ALONE[PRODUCING:])).flatten()

        def columns(array: Array) -> Array:
            return np.broadcast_to(array, (*ALONE[:PRODUCING], *shape[PRODUCING:])).flatten()

        def by_capacity(array: NDArray[Any]) -> NDArray[Any]:
            return (
                np.broadcast_to(array, (shape[0], *ALONE[1:PRODUCING], *shape[PRODUCING:]))
                .flatten()
                .reshape(shape[0], paid)
            )

        allowed = np.ones((1,) * AXES, dtype=bool)
        for constraint in constraints:
            allowed = allowed & constraint  # none spans more than capacity and what is paid besides
        return factored(
            lab_outer=rows(f.gain),
            lab_inner=columns(f.kept),
            lab_rest=by_capacity(f.lab_money),
            provider_base=rows(f.margin),
            provider_outer=rows(f.seen_gain),
            provider_inner=columns(f.share),
            provider_rest=by_capacity(f.provider_money),
            group=np.repeat(np.arange(shape[0]), produced // shape[0]),
            allowed_outer=np.ones(produced, dtype=bool),
            allowed_inner=by_capacity(allowed),
        )

    def along(self, issue: int, at: tuple[int, ...]) -> tuple[Array, Array]:
        """Both utilities at every level of one issue, the others as in the outcome with the places `at`."""
        f = self.factors

        def there(array: Array) -> Array:
            sizes = enumerate(array.shape)
            place = tuple(slice(None) if axis == issue else at[axis] if size > 1 else 0 for axis, size in sizes)
            return np.asarray(array[place])

        lab = there(f.gain) * there(f.kept) + there(f.lab_money)
        provider = there(f.margin) + there(f.seen_gain) * there(f.share) + there(f.provider_money)
        return np.broadcast_to(lab, self.grid.shape[issue]), np.broadcast_to(provider, self.grid.shape[issue])

    @property
    def feasible(self) -> NDArray[np.bool_]:
        """Outcomes that every constraint allows."""
        held = np.ones((1,) * AXES, dtype=bool)
        for allowed in self.constraints.values():
            held = held & allowed
        return np.broadcast_to(held, self.grid.shape)


def _axes[T: np.generic](array: NDArray[T], *axes: int) -> NDArray[T]:
    """Spread an array over the grid's axes: its dimensions become the named ones."""
    shape = [1] * AXES
    for size, axis in zip(array.shape, axes, strict=True):
        shape[axis] = size
    return array.reshape(shape)


def operating_components(
    lab: LabView, provider: ProviderView, grid: Grid, weights: Weights, sums: Sums
) -> dict[str, Array]:
    """The lab's components that add to the value of its shares, and so are shared by whoever holds them."""
    price = provider.price_usd_bn_per_gw_quarter
    off = 1.0 - np.asarray(grid.discounts)
    cover_value = value_of_cover(lab, price)
    return {
        "coverage": _axes(cover_value * sums.served, 0, 1),
        "price": _axes(sums.against_market[..., None] - price * sums.gw[..., None] * off, 0, 1, 4),
        "idle_risk": _axes(-sums.idle_at_market, 0, 1) + _axes(price * sums.idle, 0, 1) * _unpaid(grid),
        "lock_in": _axes(lock_in(lab, provider, grid, weights), 0),
        "exclusivity": _axes(
            by_clause(grid, provider, tied_cost(lab, provider, grid, weights, cover_value, sums)), 1, 3
        ),
    }


def lab_money_components(
    lab: LabView, provider: ProviderView, grid: Grid, weights: Weights, odds: Array
) -> dict[str, Array]:
    """The lab's components by name that its payment in other coin than compute moves; `odds` are by staging."""
    equity = np.asarray(grid.equity)
    credit, liquidity = funding_effect(lab, provider.price_usd_bn_per_gw_quarter, grid, weights, odds)
    return {
        "credit": _axes(credit, 0),
        "liquidity": _axes(liquidity, 0, 5, 6),
        "dilution": _axes(-equity * (lab.own_value_usd_bn - lab.value_usd_bn) / (lab.value_usd_bn + equity), 5),
        "warrants": _axes(-warrants_vesting(grid) * TRANCHE_DISCOUNT * lab.own_value_usd_bn, 7),
        "revenue_share": _axes(-np.asarray(grid.revenue_shares) * revenue_owed_on(lab, weights, 1.0), 8),
        "fixed_cost": _axes(-fixed_cost(lab, weights, equity), 5),
    }


def margin_components(
    lab: LabView, provider: ProviderView, grid: Grid, weights: Weights, sums: Sums
) -> dict[str, Array]:
    """The provider's components by name that capacity moves: margin, idle and residual risk, customers, exposure."""
    price = provider.price_usd_bn_per_gw_quarter
    off = 1.0 - np.asarray(grid.discounts)
    revenue = price * sums.gw_surviving[..., None] * off
    cost = provider.user_cost_usd_bn_per_gw_quarter * sums.gw[..., None]
    return {
        "margin": _axes(revenue - cost, 0, 1, 4),
        "idle_risk": _axes(-price * sums.idle, 0, 1) * _unpaid(grid),
        "residual_risk": _axes(residual_risk(provider, grid, weights), 0, 1),
        "pull_through": _axes(pull_through(lab, provider, grid, weights, sums), 1, 3),
        "capture": _axes(by_clause(grid, provider, captured(provider, weights, sums)), 1, 3),
        "exposure": _axes(exposure(provider, weights, price * sums.gw), 0, 1),
    }


def provider_money_components(
    lab: LabView, provider: ProviderView, grid: Grid, weights: Weights, odds: Array
) -> dict[str, Array]:
    """The provider's components by name that equity, warrants and a revenue share move; `odds` are by staging."""
    equity = np.asarray(grid.equity)
    survival = 1.0 - lab.default_prob_per_quarter
    others = 1.0 - provider.stake_frac  # what it takes from the lab it takes from itself as far as it owns the lab
    return {
        "equity": _axes(cost_of_equity(provider, equity_now(grid, odds)), 5, 6),
        "staging": _axes(staging_option(lab, grid), 5, 6),
        "warrants": _axes(others * warrants_vesting(grid) * TRANCHE_DISCOUNT * lab.value_usd_bn, 7),
        "revenue_share": _axes(others * np.asarray(grid.revenue_shares) * revenue_owed_on(lab, weights, survival), 8),
        "fixed_cost": _axes(-fixed_cost(lab, weights, equity), 5),
    }


def _unpaid(grid: Grid) -> Array:
    """Share of the list price that is not due on idle capacity: what take-or-pay leaves, after the discount.

    The price component counts all capacity at the market's price; the lab gets nothing from what
    idles, so its idle risk takes that back less what it need not pay. What it need not pay is the
    provider's risk: take-or-pay moves money between the two and makes none.
    """
    left, off = 1.0 - np.asarray(grid.take_or_pay), 1.0 - np.asarray(grid.discounts)
    return _axes(left[:, None] * off, 2, 4)


def _one_outcome(term_quarters: int, clause: Exclusivity) -> Grid:
    """A grid of one outcome without capacity or money."""
    return Grid((0.0,), (term_quarters,), (0.0,), (clause,), (0.0,), (0.0,), ((1.0, Trigger.DATE),))


def evaluate(
    lab: LabView,
    provider: ProviderView,
    grid: Grid,
    weights: Weights,
    seen: tuple[LabView, ProviderView] | None = None,
) -> Evaluation:
    """Both sides' utilities over the whole grid, with the constraints that cut it.

    `lab` and `provider` are as the lab sees the two, `seen` as the provider does; None where both
    forecast alike. What the deal adds to the lab is shared by who holds the lab: a holder of a stake
    s0 who buys s more owns s0 (1 - s) + s of it.
    """
    lab_seen, provider_seen = seen or (lab, provider)
    sums = capacity_sums(lab, provider, grid, weights)
    operating = operating_components(lab, provider, grid, weights, sums)
    gain = sum(operating.values(), NOTHING)
    margin, seen_gain = _as_provider_sees(lab_seen, provider_seen, grid, weights, None if seen else (sums, gain))
    lab_money = lab_money_components(lab, provider, grid, weights, milestone_odds(lab, lab_seen, grid, weights))
    money = provider_money_components(lab_seen, provider_seen, grid, weights, median_odds(grid))
    kept = _axes(kept_frac(lab, grid), 5, 7)
    share = provider.stake_frac * kept + (1.0 - kept)
    factors = Factors(
        gain=gain,
        kept=kept,
        lab_money=sum(lab_money.values(), NOTHING),
        margin=sum(margin.values(), NOTHING),
        seen_gain=seen_gain,
        share=share,
        provider_money=sum(money.values(), NOTHING),
    )
    return Evaluation(
        grid,
        operating | lab_money | {"surplus_shared": -(1.0 - kept) * gain},
        margin | money | {"stake_in_surplus": share * seen_gain},
        factors,
        _constraints(provider, grid, lab.value_usd_bn),
    )


def _as_provider_sees(
    lab: LabView, provider: ProviderView, grid: Grid, weights: Weights, known: tuple[Sums, Array] | None
) -> tuple[dict[str, Array], Array]:
    """The provider's margin components and the lab's gain as it sees them; `known` where both see the same."""
    if known is not None:
        return margin_components(lab, provider, grid, weights, known[0]), known[1]
    sums = capacity_sums(lab, provider, grid, weights)
    gain = sum(operating_components(lab, provider, grid, weights, sums).values(), NOTHING)
    return margin_components(lab, provider, grid, weights, sums), gain


def _constraints(provider: ProviderView, grid: Grid, value_usd_bn: float) -> dict[str, NDArray[np.bool_]]:
    """Outcomes that each constraint allows, over the axes it spans; a little slack for levels set at the bound.

    The cap holds for the stake that the provider has once every tranche is paid and every warrant vested.
    """
    gw, equity = np.asarray(grid.gw), np.asarray(grid.equity)
    waits = np.array([share < 1.0 and trigger is Trigger.GW_LIVE for share, trigger in grid.staging])
    at_once = (_axes(~waits, 6) | _axes(equity == 0.0, 5)) & _axes(np.asarray(grid.warrants) == 0.0, 7)
    idle = _axes(equity == 0.0, 5) & _axes(np.asarray(grid.warrants) == 0.0, 7)
    left = _axes((value_usd_bn / (value_usd_bn + equity))[:, None] * (1.0 - np.asarray(grid.warrants)), 5, 7)
    stake = provider.stake_frac * left + (1.0 - left)
    return {
        "buildable capacity": _axes(gw <= provider.buildable_gw, 0),
        "power": _axes(gw <= provider.power_gw, 0),
        "primary clause": _axes(gw <= provider.rival_room_gw, 0),
        "provider's cash": _axes(equity <= provider.equity_room_usd_bn, 5),
        "capacity to wait for": _axes(gw > 0.0, 0) | at_once if 0.0 in grid.gw else _axes(gw >= 0.0, 0),
        "stake cap": (stake <= provider.stake_cap + 1e-12) | idle,
    }


def at_disagreement(
    lab: LabView,
    provider: ProviderView,
    weights: Weights,
    term_quarters: int,
    seen: tuple[LabView, ProviderView] | None = None,
) -> dict[str, dict[str, float]]:
    """Levels of both sides' components without the deal, USD bn over its term; components left out are nil.

    What runs already: cover and idle capacity under other contracts, dependence, the clause in force,
    the shortfall that creditors see, exposure to the lab.
    """
    lab_seen, provider_seen = seen or (lab, provider)
    alone = replace(provider, running_clause=Exclusivity.NONE)
    grid = _one_outcome(term_quarters, provider.running_clause)
    sums = capacity_sums(lab, alone, grid, weights)
    horizon = provider.lead_quarters + term_quarters
    beta = (1.0 + weights.discounting) ** -np.arange(horizon)
    need, contracted = lab.need_gw[:horizon], lab.contracted_gw[:horizon]
    idle = expected_idle(contracted, need, weights.need_volatility * np.sqrt(np.arange(horizon) + 1.0))
    value = value_of_cover(lab, provider.price_usd_bn_per_gw_quarter)
    short, _ = worth_of_money(lab.funding, lab.depths, lab.costs, (0.0,))
    clause_cost = tied_cost(lab, alone, grid, weights, value, sums)[provider.running_clause]
    seen_sums = capacity_sums(lab_seen, replace(provider_seen, running_clause=Exclusivity.NONE), grid, weights)
    clause_gain = captured(provider_seen, weights, seen_sums)[provider.running_clause]
    both = replace(grid, clauses=(provider.running_clause, Exclusivity.NONE))
    pulled = pull_through(lab_seen, replace(provider_seen, running_clause=Exclusivity.NONE), both, weights, seen_sums)
    base = provider_seen.total_backlog_usd_bn + provider_seen.capital_usd_bn
    held = provider_seen.exposure_factor * provider_seen.lab_backlog_usd_bn**2 / max(base, 1e-300)
    return {
        "lab": {
            "coverage": value * float((beta * served(contracted, need)).sum()),
            "idle_risk": -float((beta * idle * provider.expected_price[:horizon]).sum()),
            "lock_in": dependence_cost(lab, provider, weights),
            "exclusivity": float(clause_cost[0]),
            "credit": -short,
        },
        "provider": {
            "pull_through": float(pulled[0, 0] - pulled[0, 1]),
            "capture": float(clause_gain[0]),
            "exposure": -weights.exposure * held,
        },
    }
