"""reprice: list prices answer to utilisation and to cost; the cloud business outside AI grows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from market.pricing import next_price

if TYPE_CHECKING:
    from cloudpact.model import CloudMarket


def reprice(market: CloudMarket) -> None:
    """Move list prices and the price index (mean of sellers weighted by capacity), then other cloud revenue."""
    rules = market.parameters
    weights, prices = [], []
    for provider in market.providers:
        if not provider.spec.sells:
            continue
        cost = market.merchant_cost
        provider.price = next_price(
            provider.price,
            provider.utilisation if provider.capacity.installed_gw > 0.0 else rules.capex.utilisation_target,
            rules.capex.utilisation_target,
            cost,
            rules.price.markup,
            rules.price.utilisation_response,
            rules.price.anchor,
        )
        weights.append(provider.capacity.installed_gw)
        prices.append(provider.price)
    if sum(weights) > 0.0:
        market.price = sum(price * weight for price, weight in zip(prices, weights, strict=True)) / sum(weights)
    elif prices:
        market.price = sum(prices) / len(prices)
    _other_cloud(market)


def _other_cloud(market: CloudMarket) -> None:
    """Cloud revenue apart from AI: the facts while imposed, then growth that tends to its late rate and is shocked."""
    rules, persistence = market.parameters.demand, market.parameters.capex.growth_persistence
    cycle = market.normal("cloud cycle", rules.cloud_cycle_per_quarter)
    for provider in market.providers:
        observed = market.observed_cloud(provider.name)
        ai = float(market.flows.ai_revenue_usd_bn[provider.index])
        before = provider.cloud_revenue
        if observed is not None:
            counted, provider.cloud_noise = observed * provider.spec.cloud_counted_frac, 1.0
            provider.cloud_revenue = max(counted - ai, 0.3 * counted)
            if before > 0.0:
                seen = max(min(math.log(provider.cloud_revenue / before), 0.2), -0.1)
                provider.cloud_growth = 0.8 * provider.cloud_growth + 0.2 * seen
        else:
            late = rules.cloud_growth_late_per_quarter
            luck = cycle + market.normal("cloud", rules.cloud_volatility_per_quarter, provider.key)
            provider.cloud_growth = late + persistence * (provider.cloud_growth - late) + luck
            provider.cloud_revenue = before * math.exp(provider.cloud_growth)
            provider.cloud_noise = math.exp(market.normal("cloud noise", rules.cloud_noise_per_quarter, provider.key))
