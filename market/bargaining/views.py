"""What a lab and a provider bring to the table: frozen forecasts and constraints, no agents."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from market.deals import Exclusivity, Trigger
from market.funding import FundingNeed
from market.pricing import CostBasis


@dataclass(frozen=True, slots=True)
class LabView:
    """A lab's side at the snapshot on which a quarter's offers are made.

    Paths run over quarters ahead, (horizon,): need and contracted capacity, expected revenue.
    `credit_target_usd_bn` is the cash that creditors ask against the commitments running now.
    """

    name: str
    need_gw: NDArray[np.float64]
    contracted_gw: NDArray[np.float64]
    compute_value_usd_bn_per_gw_quarter: float
    spot_fill_frac: float
    spot_premium: float
    value_usd_bn: float
    own_value_usd_bn: float
    funding: FundingNeed
    depths: tuple[float, ...]
    costs: tuple[float, ...]
    runway_quarters: float
    default_prob_per_quarter: float
    enterprise_revenue_usd_bn_per_quarter: float
    yearly_compute_usd_bn: float
    revenue_usd_bn_per_quarter: NDArray[np.float64]
    weight: float
    credit_target_usd_bn: float = 0.0


@dataclass(frozen=True, slots=True)
class ProviderView:
    """A provider's side towards one lab at the same snapshot.

    `with_lab_gw` is what the two already have contracted (horizon,); `incumbent_share` the share
    of the lab's enterprise customers whose own cloud this is; `reachable` whether they can already
    reach the lab there. `running_clause` is the clause in force between the two, which new terms may
    loosen or tighten; `rival_room_gw` is what another provider's primary clause leaves this one.
    Capacity starts `lead_quarters` ahead and ramps up over `ramp_quarters`; `renews` where it goes on
    from a contract of the two that runs out.
    """

    name: str
    price_usd_bn_per_gw_quarter: float
    expected_price: NDArray[np.float64]
    basis: CostBasis
    user_cost_usd_bn_per_gw_quarter: float
    lead_quarters: int
    ramp_quarters: int
    buildable_gw: float
    power_gw: float
    rival_room_gw: float
    alone_gw: NDArray[np.float64]
    with_lab_gw: NDArray[np.float64]
    lab_backlog_usd_bn: float
    total_backlog_usd_bn: float
    capital_usd_bn: float
    equity_depth_usd_bn: float
    equity_cost: float
    equity_room_usd_bn: float
    equity_promised_usd_bn: float
    stake_frac: float
    stake_cap: float
    incumbent_share: float
    reachable: bool
    exposure_factor: float
    running_clause: Exclusivity = Exclusivity.NONE
    renews: bool = False


@dataclass(frozen=True, slots=True)
class Grid:
    """The terms on the table: levels of every issue, and what the quarter's rules allow.

    Capacity in GW, terms in quarters, take-or-pay share, clause, discount; equity in USD bn, staging
    as (share paid at signing, what the rest waits for), the stake that warrants give the provider,
    and the share of the lab's revenue that it gets. The first five move what the deal produces, the
    last four how the lab pays besides.
    """

    gw: tuple[float, ...]
    terms: tuple[int, ...]
    take_or_pay: tuple[float, ...]
    clauses: tuple[Exclusivity, ...]
    discounts: tuple[float, ...]
    equity: tuple[float, ...]
    staging: tuple[tuple[float, Trigger], ...]
    warrants: tuple[float, ...] = (0.0,)
    revenue_shares: tuple[float, ...] = (0.0,)

    @property
    def levels(self) -> tuple[tuple[Any, ...], ...]:
        """Levels of every issue, in the order of the axes."""
        return tuple(getattr(self, name) for name in ISSUES)

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of levels of each issue, in the order of the axes."""
        producing = len(self.gw), len(self.terms), len(self.take_or_pay), len(self.clauses), len(self.discounts)
        return (*producing, len(self.equity), len(self.staging), len(self.warrants), len(self.revenue_shares))

    @property
    def size(self) -> int:
        """Number of outcomes."""
        return math.prod(self.shape)


ISSUES: tuple[str, ...] = tuple(Grid.__dataclass_fields__)
# The first issues move what a deal produces, the others how the lab pays for it.
PRODUCING = 5


def with_levels(grid: Grid, issue: str, levels: tuple[Any, ...]) -> Grid:
    """The grid with other levels of one issue."""
    changes: dict[str, Any] = {issue: levels}
    return replace(grid, **changes)


@dataclass(frozen=True, slots=True)
class Weights:
    """Size of each utility component; nil switches one off."""

    discounting: float
    need_volatility: float
    lock_in: float
    exposure: float
    optimism: float
    owner_cost: float
    pull_through_margin: float
    pull_through_multiple: float
    second_source: float
    resale: float
    fixed_cost: float
    equity_fixed_cost: float
    capture: float = 0.0
    revenue_share_quarters: int = 20
    commitment_cover: float = 0.0
    obsolescence_per_year: float = 0.0
