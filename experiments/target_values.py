"""What simulated markets say of the series that the facts report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from market.calendar import quarter_name
from market.scenario import Scenario

if TYPE_CHECKING:
    import pandas as pd

BIG_FOUR = ["Amazon", "Microsoft", "Google", "Meta"]
KEYS = ["run", "quarter"]
OF_PROVIDERS = {"capex": "capex_usd_bn", "backlog": "backlog_usd_bn"}
OF_SELLERS = {"cloud_revenue": "cloud_revenue_usd_bn", "market_share": "cloud_share_frac"}
OF_LABS = {"run_rate": "revenue_annualised_usd_bn", "compute": "compute_gw", "valuation": "valuation_usd_bn"}


def target_values(tables: Mapping[str, pd.DataFrame], scenario: Scenario, quarters: Sequence[int]) -> pd.DataFrame:
    """Values of the target series: a row a run, columns `series@quarter`, in the units of the facts.

    Cloud revenue is told as companies report it: what trackers count over `cloud_counted_frac`. Shares
    are of the whole market for cloud infrastructure, `cloud_hhi` of the three largest as in the facts,
    `deals` those that labs sign with hyperscalers in the quarter, `equity_deals` those of them with
    equity, `deal_equity` its headline amount. A series that a market does not have in a quarter (a
    lab that is not there) is missing.
    """
    import pandas as pd

    names = [quarter_name(quarter) for quarter in quarters]
    providers, labs, deals = (
        tables[name][tables[name]["quarter"].isin(names)] for name in ("providers", "labs", "deals")
    )
    sellers = _sellers(providers, scenario)
    parts = [
        *(_named(providers, "provider", family, column) for family, column in OF_PROVIDERS.items()),
        *(_named(sellers, "provider", family, column) for family, column in OF_SELLERS.items()),
        *(_named(labs, "lab", family, column) for family, column in OF_LABS.items()),
        _whole(providers[providers["provider"].isin(BIG_FOUR)].groupby(KEYS)["capex_usd_bn"].sum(), "capex[four]"),
        _whole(_cloud_hhi(sellers), "cloud_hhi"),
    ]
    long = pd.concat(parts)
    values = long.assign(column=long["series"] + "@" + long["quarter"]).pivot(
        index="run", columns="column", values="value"
    )
    return values.join(_deals(deals, scenario, values.index, names)).rename_axis(columns=None)


def _sellers(providers: pd.DataFrame, scenario: Scenario) -> pd.DataFrame:
    """The companies that sell, with cloud revenue as they report it."""
    counted = {name: spec.cloud_counted_frac or 1.0 for name, spec in scenario.hyperscalers.items() if spec.sells}
    sellers = providers[providers["provider"].isin(list(counted))]
    return sellers.assign(cloud_revenue_usd_bn=sellers["cloud_revenue_usd_bn"] / sellers["provider"].map(counted))


def _named(rows: pd.DataFrame, who: str, family: str, column: str) -> pd.DataFrame:
    found = rows[KEYS].assign(series=family + "[" + rows[who].astype(str) + "]", value=rows[column].astype(float))
    return found[found["value"].notna()]


def _whole(values: pd.Series, name: str) -> pd.DataFrame:
    return values.rename("value").reset_index().assign(series=name)


def _cloud_hhi(sellers: pd.DataFrame) -> pd.Series:
    squares = (1e4 * sellers["cloud_share_frac"].astype(float) ** 2).rename("square")
    ranked = sellers[KEYS].assign(square=squares).sort_values("square", ascending=False)
    return ranked.groupby(KEYS).head(3).groupby(KEYS)["square"].sum()


def _deals(deals: pd.DataFrame, scenario: Scenario, runs: pd.Index, names: Sequence[str]) -> pd.DataFrame:
    """Deals by quarter, those with equity, and their equity; nil where none was signed."""
    import pandas as pd

    cloud = deals[deals["provider"].isin(list(scenario.hyperscalers))]
    equity = cloud["equity_usd_bn"].astype(float).clip(lower=0.0)
    parts = {"deals": equity * 0.0 + 1.0, "equity_deals": (equity > 0.0) * 1.0, "deal_equity": equity}
    tables = [
        amounts.groupby([cloud["run"], cloud["quarter"]])
        .sum()
        .unstack("quarter")
        .reindex(index=runs, columns=list(names))
        .fillna(0.0)
        .add_prefix(f"{name}@")
        for name, amounts in parts.items()
    ]
    return pd.concat(tables, axis=1)
