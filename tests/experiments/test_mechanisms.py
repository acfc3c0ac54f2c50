"""Mechanisms the market should show, each as a direction on paired seeds.

A direction is asserted on every seed of six: were it a coin's toss, all six would agree with
probability 1/64, so a mechanism that is not there passes with 1.6 %.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cloudpact.model import CloudMarket
from market.deals import Exclusivity
from market.scenario import Scenario

SEEDS = (1, 2, 3, 4, 5, 6)

PROVIDERS = ("North", "East", "South", "West")

# Four identical providers, three identical labs that train hard and do not save, four years
HUNGRY: dict[str, Any] = {
    "demand.half_compute": 30.0,
    "training.budget_per_year": 0.1,
    "training.runway_full_quarters": 1.0,
    "funding.investor_depth": 0.05,
    "funding.supplier_depth": 0.0,
    "enterprises.count": 50,
    "time.end": "2028Q4",
}
# Demand that does not follow capability, chips and power without limit, labs with money: what is left is the planning
SLACK: dict[str, Any] = {
    "demand.elasticity": 0.02,
    "demand.saturation_usd_bn_per_year": 60.0,
    "demand.volatility_per_quarter": 0.0,
    "training.budget_per_year": 0.1,
    "supply.accelerators_gw_per_quarter": 50.0,
    "supply.power_gw_per_quarter": 50.0,
    "funding.investor_depth": 3.0,
    **{f"labs.{name}.cash_usd_bn": 40.0 for name in ("Ada", "Byron", "Cantor")},
    "enterprises.count": 50,
    "time.end": "2028Q4",
}


def run(base: dict[str, Any], seed: int, **changes: Any) -> CloudMarket:
    named = {key.replace("__", "."): value for key, value in changes.items()}
    market = CloudMarket(Scenario.load("symmetric").with_({**base, **named}), rng=seed)
    while market.running:
        market.step()
    return market


def equity_usd_bn(market: CloudMarket) -> float:
    return sum(tranche.amount_usd_bn for deal in market.book.deals for tranche in deal.terms.tranches)


def mean_discount(market: CloudMarket) -> float:
    return float(np.mean([deal.terms.discount_frac for deal in market.book.deals]))


def exclusives(market: CloudMarket) -> int:
    return sum(deal.terms.exclusivity is Exclusivity.EXCLUSIVE for deal in market.book.deals)


def concentration(market: CloudMarket) -> float:
    return float(market.results.market["alignment_hhi"].iloc[-4:].mean())


@pytest.mark.slow
def test_equity_appears_when_money_is_dear_and_vanishes_when_it_is_plentiful() -> None:
    for seed in SEEDS:
        dear, plenty = (equity_usd_bn(run(HUNGRY, seed, funding__investor_depth=depth)) for depth in (0.05, 30.0))
        assert dear > 10.0, seed
        assert plenty == 0.0, seed


def test_equity_vanishes_with_a_long_runway() -> None:
    cash = {f"labs__{name}__cash_usd_bn": 1000.0 for name in ("Ada", "Byron", "Cantor")}
    for seed in SEEDS:
        assert equity_usd_bn(run(HUNGRY, seed, **cash)) == 0.0, seed


@pytest.mark.slow
def test_equity_vanishes_when_it_costs_providers_more_than_labs_gain() -> None:
    for seed in SEEDS:
        assert equity_usd_bn(run(HUNGRY, seed, funding__provider_cost=5.0)) == 0.0, seed


def test_commitments_move_capex_earlier_and_further() -> None:
    for seed in SEEDS:
        committed, spot = run(SLACK, seed), run(SLACK, seed, negotiation__coverage_threshold=0.0)
        assert len(committed.book.deals) > 0
        assert len(spot.book.deals) == 0
        with_, without = (market.results.market["ai_capex_usd_bn"].cumsum() for market in (committed, spot))
        assert (with_.iloc[2:] > without.iloc[2:]).all(), seed  # earlier: ahead in every quarter once deals are signed
        assert with_.iloc[-1] > 1.05 * without.iloc[-1], seed  # further


@pytest.mark.slow
def test_power_of_providers_lowers_discounts() -> None:
    for seed in SEEDS:
        weak, strong = (run(HUNGRY, seed, negotiation__provider_power=power) for power in (0.1, 0.9))
        assert mean_discount(weak) > mean_discount(strong) + 0.03, seed


@pytest.mark.slow
def test_fear_of_lock_in_spreads_labs_over_providers() -> None:
    for seed in SEEDS:
        fearless, fearful = (run(HUNGRY, seed, negotiation__lock_in_weight=weight) for weight in (0.0, 0.3))
        assert concentration(fearful) < concentration(fearless), seed


@pytest.mark.slow
def test_exclusivity_is_for_pull_through_and_a_ban_ends_it() -> None:
    pull = {"negotiation__second_source_value": 0.0, "negotiation__discount_levels": [0.0, 0.1, 0.2, 0.3, 0.4, 0.5]}

    def signed(multiple: float) -> int:
        return sum(exclusives(run(HUNGRY, seed, negotiation__pull_through_multiple=multiple, **pull)) for seed in SEEDS)

    assert signed(10.0) > signed(0.0)
    banned = run(HUNGRY, 1, negotiation__pull_through_multiple=10.0, policy__exclusivity_ban=True, **pull)
    assert exclusives(banned) == 0


@pytest.mark.slow
def test_need_that_outgrows_one_provider_is_met_by_several() -> None:
    """Labs all go to the provider with the cheapest chips while it can build for them, and to others once it cannot."""
    cheapest = {
        "hyperscalers__North__build_cost_factor": 0.4,
        "negotiation__lock_in_weight": 0.0,
        "negotiation__exposure_weight": 0.0,
        "negotiation__gap_share": 1.0,
        "supply__accelerators_gw_per_quarter": 50.0,
        "supply__power_gw_per_quarter": 50.0,
    }
    for seed in SEEDS:
        hosts = {}
        for cash_flow in (1.0, 300.0):
            market = run(HUNGRY, seed, **cheapest, hyperscalers__North__cash_flow_usd_bn_per_quarter=cash_flow)
            hosts[cash_flow] = {deal.terms.provider for deal in market.book.deals}, concentration(market)
        assert hosts[300.0][0] == {"North"}, seed
        assert len(hosts[1.0][0]) >= 3, seed
        assert hosts[1.0][1] < hosts[300.0][1] - 1000.0, seed


def compute_to_equity(market: CloudMarket) -> float:
    """Commitments of all deals over the equity in them."""
    commitments = sum(deal.terms.commitment_usd_bn for deal in market.book.deals)
    return commitments / max(equity_usd_bn(market), 1e-9)


def upfront_frac(market: CloudMarket) -> float:
    with_equity = [deal.terms for deal in market.book.deals if deal.terms.equity_usd_bn > 0.0]
    return float(np.mean([terms.tranches[0].amount_usd_bn / terms.equity_usd_bn for terms in with_equity]))


@pytest.mark.slow
def test_compute_to_equity_rises_as_labs_find_money_elsewhere() -> None:
    for seed in SEEDS:
        poor, rich = (compute_to_equity(run(HUNGRY, seed, funding__investor_depth=depth)) for depth in (0.05, 0.2))
        assert rich > 1.2 * poor, seed


@pytest.mark.slow
def test_equity_is_paid_in_tranches_for_fear_of_default_and_at_once_without_it() -> None:
    for seed in SEEDS:
        fear, none = (run(HUNGRY, seed, negotiation__default_probability_per_quarter=p) for p in (0.006, 0.0))
        assert upfront_frac(fear) < 0.5, seed
        assert upfront_frac(none) > 0.9, seed
