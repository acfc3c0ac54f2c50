"""What one simulated market says of the series that the facts report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from market.calendar import quarter_name
from market.scenario import Scenario

if TYPE_CHECKING:
    import pandas as pd

BIG_FOUR = ("Amazon", "Microsoft", "Google", "Meta")


def target_values(tables: Mapping[str, pd.DataFrame], scenario: Scenario, quarters: Sequence[int]) -> dict[str, float]:
    """Values of the target series of one run: `series@quarter` -> value, in the units of the facts.

    Cloud revenue is told as companies report it: what trackers count over `cloud_counted_frac`. Shares
    are of the whole market for cloud infrastructure, `cloud_hhi` of the three largest as in the facts,
    `deals` those that labs sign with hyperscalers in the quarter. A series that the market does not
    have in a quarter (a lab that is not there) is left out.
    """
    names = [quarter_name(quarter) for quarter in quarters]
    return {
        f"{series}@{quarter}": value
        for series, quarter, value in _all_series(tables, scenario, frozenset(names))
        if value == value
    }


def _all_series(
    tables: Mapping[str, pd.DataFrame], scenario: Scenario, wanted: frozenset[str]
) -> Iterator[tuple[str, str, float]]:
    providers, labs, deals = (tables[name] for name in ("providers", "labs", "deals"))
    for quarter, rows in providers[providers["quarter"].isin(wanted)].groupby("quarter", sort=True):
        yield from ((series, str(quarter), value) for series, value in _provider_series(rows, scenario))
    for lab, quarter, run_rate, compute, value in labs.loc[
        labs["quarter"].isin(wanted),
        ["lab", "quarter", "revenue_annualised_usd_bn", "compute_gw", "valuation_usd_bn"],
    ].itertuples(index=False):
        yield f"run_rate[{lab}]", quarter, float(run_rate)
        yield f"compute[{lab}]", quarter, float(compute)
        yield f"valuation[{lab}]", quarter, float(value)
    signed = deals[deals["provider"].isin(list(scenario.hyperscalers))].groupby("quarter").size()
    for quarter in sorted(wanted):
        yield "deals", quarter, float(signed.get(quarter, 0))


def _provider_series(rows: pd.DataFrame, scenario: Scenario) -> Iterator[tuple[str, float]]:
    capex = dict(zip(rows["provider"], rows["capex_usd_bn"], strict=True))
    for name, value in capex.items():
        yield f"capex[{name}]", float(value)
    if all(name in capex for name in BIG_FOUR):
        yield "capex[four]", float(sum(capex[name] for name in BIG_FOUR))
    shares = []
    for row in rows.itertuples(index=False):
        spec = scenario.hyperscalers.get(row.provider)
        if spec is None or not spec.sells:
            continue
        yield f"cloud_revenue[{row.provider}]", float(row.cloud_revenue_usd_bn) / (spec.cloud_counted_frac or 1.0)
        yield f"market_share[{row.provider}]", float(row.cloud_share_frac)
        yield f"backlog[{row.provider}]", float(row.backlog_usd_bn)
        shares.append(float(row.cloud_share_frac))
    yield "cloud_hhi", 1e4 * sum(share**2 for share in sorted(shares)[-3:])
