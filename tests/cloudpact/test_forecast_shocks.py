"""What moves companies' ordinary business after the facts: the shocks themselves, from their named streams."""

from __future__ import annotations

import math

import pytest

from cloudpact.model import CloudMarket
from market.randomness import stream
from market.scenario import Scenario

CALM = Scenario.load("tiny").with_({
    "uncertainty.scale": 0.0, "capex.timing_volatility": 0.0, "capex.non_ai_growth_per_year": 0.0,
})  # fmt: skip


def normal(purpose: str, tick: int, *names: str) -> float:
    return float(stream(5, 0, purpose, tick, *names).standard_normal())


def test_capex_outside_ai_takes_persistent_shocks_common_and_own() -> None:
    """ln C(t) = ln C(0) + sum of gaps, gap(t) = phi gap(t - 1) + common + factor * own (an AR(1) in growth)."""
    first = next(iter(CALM.hyperscalers))
    scenario = CALM.with_({
        "capex.non_ai_cycle_per_quarter": 0.02, "capex.non_ai_volatility_per_quarter": 0.03,
        f"hyperscalers.{first}.capex_volatility_factor": 2.0,
    })  # fmt: skip
    market = CloudMarket(scenario, rng=5)
    market.run_for(1)
    start = {provider.name: provider.other_capex for provider in market.providers}
    market.run_for(4)
    for provider in market.providers:
        factor, gap, grown = 2.0 if provider.name == first else 1.0, 0.0, 0.0
        for tick in range(1, 5):
            own = factor * 0.03 * normal("capex outside AI", tick, provider.key)
            gap = scenario.capex.growth_persistence * gap + 0.02 * normal("capex outside AI cycle", tick) + own
            grown += gap
        assert provider.other_capex == pytest.approx(start[provider.name] * math.exp(grown), rel=1e-12)


def test_without_shocks_nothing_is_drawn_and_no_bit_moves() -> None:
    market = CloudMarket(CALM, rng=5)
    market.run_for(5)
    assert {provider.other_gap for provider in market.providers} == {0.0}
    assert {provider.cloud_noise for provider in market.providers} == {1.0}


def test_noise_in_cloud_revenue_is_told_and_forgotten() -> None:
    """The course of the business is the same bits with and without noise; what is recorded differs by the noise."""
    worlds = {sd: CloudMarket(CALM.with_({"demand.cloud_noise_per_quarter": sd}), rng=5) for sd in (0.0, 0.04)}
    for market in worlds.values():
        market.run_for(5)
    for calm, noisy in zip(worlds[0.0].providers, worlds[0.04].providers, strict=True):
        assert noisy.cloud_revenue == calm.cloud_revenue
        assert noisy.cloud_noise == pytest.approx(math.exp(0.04 * normal("cloud noise", 4, noisy.key)), rel=1e-12)
        rows = {
            sd: market.results.providers.query(f"provider == '{calm.name}'").iloc[-1] for sd, market in worlds.items()
        }
        if calm.spec.sells:
            moved = float(rows[0.04]["cloud_revenue_usd_bn"]) - float(rows[0.0]["cloud_revenue_usd_bn"])
            assert moved == pytest.approx(calm.cloud_revenue * (noisy.cloud_noise - 1.0), rel=1e-9)


def test_facts_are_told_without_noise() -> None:
    scenario = Scenario.load("baseline").with_({"demand.cloud_noise_per_quarter": 0.2})
    market = CloudMarket(scenario, rng=5)
    market.run_for(8)
    known = [provider for provider in market.providers if market.observed_cloud(provider.name) is not None]
    assert {"Amazon", "Microsoft", "Google"} <= {provider.name for provider in known}
    assert {provider.cloud_noise for provider in known} == {1.0}
