"""What a lab and a provider bring to the table: frozen forecasts and constraints, no agents."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from market.funding import FundingNeed
from market.pricing import CostBasis


@dataclass(frozen=True, slots=True)
class LabView:
    """A lab's side at the snapshot on which a quarter's offers are made.

    Paths run over quarters ahead, (horizon,): need and contracted capacity. `credit_target_usd_bn` is the
    cash that creditors ask against the commitments running now.
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
    weight: float
    credit_target_usd_bn: float = 0.0


@dataclass(frozen=True, slots=True)
class ProviderView:
    """A provider's side towards one lab at the same snapshot.

    `with_lab_gw` is what the two already have contracted (horizon,); `incumbent_share` the share
    of the lab's enterprise customers whose own cloud this is; `reachable` whether they can already
    reach the lab there.
    """

    name: str
    price_usd_bn_per_gw_quarter: float
    expected_price: NDArray[np.float64]
    basis: CostBasis
    user_cost_usd_bn_per_gw_quarter: float
    lead_quarters: int
    buildable_gw: float
    alone_gw: NDArray[np.float64]
    with_lab_gw: NDArray[np.float64]
    lab_backlog_usd_bn: float
    total_backlog_usd_bn: float
    capital_usd_bn: float
    equity_depth_usd_bn: float
    equity_cost: float
    equity_room_usd_bn: float
    stake_frac: float
    stake_cap: float
    incumbent_share: float
    reachable: bool
    exposure_factor: float


@dataclass(frozen=True, slots=True)
class Grid:
    """The terms on the table: levels of every issue, and what the quarter's rules allow."""

    gw: tuple[float, ...]
    terms: tuple[int, ...]
    take_or_pay: tuple[float, ...]
    exclusive: tuple[bool, ...]
    discounts: tuple[float, ...]
    equity: tuple[float, ...]
    upfront: tuple[float, ...]

    @property
    def shape(self) -> tuple[int, int, int, int, int, int, int]:
        """Number of levels of each issue, in the order of the fields."""
        return (
            len(self.gw),
            len(self.terms),
            len(self.take_or_pay),
            len(self.exclusive),
            len(self.discounts),
            len(self.equity),
            len(self.upfront),
        )


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
    ramp_quarters: int
    commitment_cover: float = 0.0
    obsolescence_per_year: float = 0.0
