"""M12 and M20: worlds with the same luck tell the effect of switching costs; replicates are independent draws."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cloudpact.model import CloudMarket
from experiments.effects import paired_effects
from market.choice_kernels import NO_PURCHASE
from market.scenario import Scenario

SEEDS = 12
RENEWING = {"time.end": "2026Q4", "enterprises.renewal_quarters": 4, "enterprises.innovation": 0.05}


# M12: the switching costs of the model are those of enterprises: of their model vendor and off their cloud


@cache
def _by_seed(column: str, path: str, value: float) -> pd.Series:
    """Mean of a market column over the run, by replicate, with a parameter at some value."""
    world = Scenario.load("tiny").with_({**RENEWING, "enterprises.count": 1000, path: value})
    means = []
    for replicate in range(SEEDS):
        market = CloudMarket(world, rng=1, replicate=replicate)
        market.run_for(8)
        means.append(np.mean([row[column] for row in market.tables["market"]]))
    return pd.Series(means)


@pytest.mark.parametrize(
    ("column", "path", "levels"),
    [
        ("model_switching_frac", "enterprises.model_switching_cost", (5.0, 2.1, 0.0)),
        ("off_incumbent_frac", "enterprises.cloud_friction", (5.0, 1.2, 0.0)),
    ],
)
def test_lock_in_falls_with_the_switching_cost(column: str, path: str, levels: tuple[float, ...]) -> None:
    """M12: those who leave their vendor, or their cloud, do not become fewer as it gets cheaper.

    At least 80 % of seeds at each step, and on average from high to nil by a one-sided paired test at 5 %: without an
    effect that test passes by chance once in twenty, the shares of seeds about once in fifty (binomial, 12 seeds).
    """
    high, medium, none = (_by_seed(column, path, level) for level in levels)
    for dearer, cheaper in ((high, medium), (medium, none), (high, none)):
        assert (cheaper >= dearer).mean() >= 0.8
    assert stats.ttest_rel(none, high, alternative="greater").pvalue < 0.05
    effect = paired_effects(high, none)
    assert effect.low > 0.0
    assert effect.share_same_sign >= 0.8


def _renewals(cost: float) -> np.ndarray:
    """Enterprises that renew in a quarter by vendor before and after; labs and prices alike, no equity, no clauses."""
    alike = {
        "enterprises.count": 20_000,
        "enterprises.cloud_friction": 0.0,
        "enterprises.model_switching_cost": cost,
        "negotiation.equity_scale": 0.0,
        "negotiation.exclusivity": "never",
    }
    market = CloudMarket(Scenario.load("tiny").with_({**RENEWING, **alike}), rng=1)
    market.run_for(7)
    columns, clouds = market.population.columns, len(market.population.space.clouds)
    before = columns.channels[:, 0].copy()
    renewing = ((market.tick + columns.phase) % 4 == 0) & (before != NO_PURCHASE)
    market.step()
    after = columns.channels[:, 0]
    counted = renewing & (after != NO_PURCHASE)
    table = np.zeros((3, 3), dtype=int)
    np.add.at(table, (before[counted] // clouds, after[counted] // clouds), 1)
    return table


def test_without_a_switching_cost_renewals_forget_the_incumbent() -> None:
    """M12: chi-square test of independence, p > 0.001; by chance it fails for one luck in a thousand."""
    table = _renewals(0.0)
    assert table.sum() > 1000
    assert (table.sum(axis=1) > 50).all()
    assert stats.chi2_contingency(table).pvalue > 0.001
    assert stats.chi2_contingency(_renewals(1.0)).pvalue < 1e-6  # the same test sees a cost


# M20: the Monte-Carlo rate


M20_COLUMNS = ("lab_revenue_annualised_usd_bn", "construction_gw")
BATCH = 50


@pytest.mark.slow
def test_errors_of_means_fall_with_the_root_of_the_number_of_runs() -> None:
    """M20 on `tiny`, two quarters without talks, or 3,200 runs would take three minutes.

    Slope of the log of the standard error at 50, 200 and 800 runs: standard deviation about 0.04 for normal values,
    so [-0.6, -0.4] is missed once in a hundred an outcome. Coverage of the mean of all 3,200 runs by the 95 %
    intervals of 64 batches of 50: 57 to 63 of 64, which normal values miss once in twenty an outcome. The seed is
    fixed, so only a change of the model draws anew.
    """
    world = Scenario.load("tiny").with_({"time.end": "2025Q2", "negotiation.coverage_threshold": 0.0})
    values = np.empty((3200, len(M20_COLUMNS)))
    for replicate in range(len(values)):
        market = CloudMarket(world, rng=1, replicate=replicate)
        market.run_for(2)
        last = market.tables["market"][-1]
        values[replicate] = [float(str(last[column])) for column in M20_COLUMNS]
    sizes = np.array([50, 200, 800])
    for of_runs in values.T:
        assert len(np.unique(of_runs)) > 3000  # no replicate repeats another
        errors = [of_runs[:size].std(ddof=1) / math.sqrt(size) for size in sizes]
        assert -0.6 <= np.polyfit(np.log(sizes), np.log(errors), 1)[0] <= -0.4
        batches = of_runs.reshape(-1, BATCH)
        half = stats.t.ppf(0.975, BATCH - 1) * batches.std(axis=1, ddof=1) / math.sqrt(BATCH)
        covered = np.abs(batches.mean(axis=1) - of_runs.mean()) <= half
        assert 0.88 <= covered.mean() <= 0.99
        # and the means themselves scatter as the intervals say: a chi-square of 63 degrees within 4 deviations
        scatter = batches.mean(axis=1).var(ddof=1) / (of_runs.var(ddof=1) / BATCH)
        assert abs(scatter - 1.0) <= 4.0 * math.sqrt(2.0 / 63.0)
