"""What happened in one quarter: arrays that the phases fill and the recorder reads."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from market.bargaining.explanation import Trace

Array = NDArray[np.float64]


@dataclass(slots=True)
class Flows:
    """One quarter's quantities. Rows are hyperscalers and, last, other clouds; columns are labs.

    GW where the name says so, USD bn of the quarter otherwise.
    """

    promised_gw: Array
    available_gw: Array
    contract_gw: Array
    spot_gw: Array
    own_use_gw: Array
    open_asked_gw: Array
    open_gw: Array
    inference_gw: Array
    training_gw: Array
    effective_training: Array
    consumer_usd_bn: Array
    enterprise_usd_bn: Array
    revenue_usd_bn: Array
    revenue_shared_usd_bn: Array
    capex_usd_bn: Array
    ai_capex_usd_bn: Array
    ordered_gw: Array
    ai_revenue_usd_bn: Array
    equity_paid_usd_bn: Array
    compute_paid_usd_bn: Array
    money_received_usd_bn: Array
    supply_usd_bn: dict[tuple[str, str], float] = field(default_factory=dict)
    signed: list[int] = field(default_factory=list)
    traces: list[Trace] = field(default_factory=list)
    adoption_frac: float = 0.0
    off_incumbent_frac: float = 0.0
    cloud_switching_frac: float = 0.0
    model_switching_frac: float = 0.0
    rationed_frac: float = 0.0
    spot_fill_frac: float = 1.0

    @classmethod
    def empty(cls, providers: int, labs: int) -> Flows:
        """Nothing has happened yet: `providers` hyperscalers and one row for other clouds."""
        rows = providers + 1

        def matrix() -> Array:
            return np.zeros((rows, labs))

        return cls(
            promised_gw=matrix(),
            available_gw=matrix(),
            contract_gw=matrix(),
            spot_gw=matrix(),
            own_use_gw=np.zeros(providers),
            open_asked_gw=np.zeros(providers),
            open_gw=np.zeros(providers),
            inference_gw=np.zeros(labs),
            training_gw=np.zeros(labs),
            effective_training=np.zeros(labs),
            consumer_usd_bn=np.zeros(labs),
            enterprise_usd_bn=np.zeros(labs),
            revenue_usd_bn=np.zeros(labs),
            revenue_shared_usd_bn=np.zeros(labs),
            capex_usd_bn=np.zeros(providers),
            ai_capex_usd_bn=np.zeros(providers),
            ordered_gw=np.zeros(providers),
            ai_revenue_usd_bn=np.zeros(rows),
            equity_paid_usd_bn=matrix(),
            compute_paid_usd_bn=matrix(),
            money_received_usd_bn=np.zeros(labs),
        )

    @property
    def delivered_gw(self) -> Array:
        """Compute delivered to labs under contracts and without, (providers + 1, labs)."""
        return self.contract_gw + self.spot_gw
