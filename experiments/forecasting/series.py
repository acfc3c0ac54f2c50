"""What a forecast is about, run by run: target series of the facts, metrics of the market, who hosts the labs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from cloudpact.schema import TABLES
from experiments.target_values import BIG_FOUR, OF_LABS, OF_PROVIDERS, OF_SELLERS, target_values
from market.calendar import quarter_name
from market.scenario import Scenario

if TYPE_CHECKING:
    import pandas as pd

# Columns of parties beside the target series, which have their capex, cloud revenue, run-rate and compute.
_OF_PARTIES = {
    "providers": ("provider", ("capacity_gw", "ai_revenue_usd_bn", "utilisation_frac")),
    "labs": ("lab", ("dependence_hhi", "valuation_usd_bn", "providers_count")),
}
TOP_TWO = {
    "frontier_top2_frac": "Share of the two largest hosts in the compute delivered to all labs",
    "independent_top2_frac": "The same for the labs that no hyperscaler owns",
}
_UNITS = {
    "capex": "USD bn/quarter",
    "cloud_revenue": "USD bn/quarter",
    "run_rate": "USD bn/year",
    "compute": "GW",
    "valuation": "USD bn",
    "market_share": "frac",
    "backlog": "USD bn",
    "cloud_hhi": "0-10000",
    "deals": "count",
    "equity_deals": "count",
    "deal_equity": "USD bn/quarter",
    **dict.fromkeys(TOP_TWO, "frac"),
}


def quarterly(tables: Mapping[str, pd.DataFrame], scenario: Scenario, quarters: Sequence[int]) -> pd.DataFrame:
    """A row for each run and quarter: columns `run`, `quarter`, the table market, the targets and the top hosts."""
    import pandas as pd

    names = [quarter_name(quarter) for quarter in quarters]
    later = {name: table[table["quarter"].isin(names)] for name, table in tables.items()}
    market = later["market"].set_index(["run", "quarter"])
    targets = _by_quarter(target_values(later, scenario, quarters))
    labs = later["alignment"]
    owned = [name for name, lab in scenario.labs.items() if lab.owner]
    hosts = {
        "frontier_top2_frac": _top_two(labs),
        "independent_top2_frac": _top_two(labs[~labs["lab"].isin(owned)]),
    }
    # The market has a cloud_hhi of its own, over all providers: here the name means the target series.
    alone = market.drop(columns=market.columns.intersection(targets.columns))
    wide = pd.concat([alone, targets, pd.DataFrame(hosts)], axis=1)
    return wide.reindex(market.index).reset_index()


def _by_quarter(values: pd.DataFrame) -> pd.DataFrame:
    """Columns `series@quarter` by run as columns by series, a row a run and quarter."""
    import pandas as pd

    pairs = values.columns.str.rsplit("@", n=1, expand=True)
    stacked = pd.DataFrame(values.set_axis(pairs, axis=1).stack(level=1, future_stack=True))
    return stacked.rename_axis(["run", "quarter"])


def _top_two(alignment: pd.DataFrame) -> pd.Series[float]:
    """Share of the two providers that deliver most to the labs of a table: by run and quarter."""
    by_host = alignment.groupby(["run", "quarter", "provider"])["delivered_gw"].sum()
    whole = by_host.groupby(["run", "quarter"]).sum()
    two = by_host.sort_values(ascending=False, kind="stable").groupby(["run", "quarter"]).head(2)
    return two.groupby(["run", "quarter"]).sum() / whole.where(whole > 0.0)


def series_of(wide: pd.DataFrame, tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """All series of the fans: index run and quarter, a column a series in the grammar of outcomes and targets."""
    import pandas as pd

    base = wide.drop(columns=["forecast"], errors="ignore").set_index(["run", "quarter"]).astype(float)
    parts = [base]
    for table, (key, columns) in _OF_PARTIES.items():
        for column in columns:
            found = tables[table].pivot(index=["run", "quarter"], columns=key, values=column).astype(float)
            names = {name: f"{table}[{name}].{column}" for name in found.columns}
            parts.append(found.rename(columns=names).reindex(base.index))
    return pd.concat(parts, axis=1)


def target_series(scenario: Scenario) -> list[str]:
    """Names of the target series that a scenario's runs have.

    >>> target_series(Scenario.load("tiny"))[:3]
    ['capex[North]', 'capex[East]', 'backlog[North]']
    """
    builders = list(scenario.hyperscalers)
    sellers = [name for name in builders if scenario.hyperscalers[name].sells]
    kinds = ((OF_PROVIDERS, builders), (OF_SELLERS, sellers), (OF_LABS, list(scenario.labs)))
    found = [f"{family}[{name}]" for families, names in kinds for family in families for name in names]
    four = ["capex[four]"] if any(name in builders for name in BIG_FOUR) else []
    return [*found, *four, "cloud_hhi", "deals", "equity_deals", "deal_equity"]


def unit_of(series: str) -> str:
    """Unit of a series.

    >>> unit_of("capex[four]"), unit_of("alignment_hhi"), unit_of("labs[OpenAI].dependence_hhi")
    ('USD bn/quarter', '0-10000', '0-10000')
    """
    table, bracket, rest = series.partition("[")
    column = rest.rpartition("].")[2] if "]." in rest else table
    table = table if bracket and "]." in rest else "market"
    units = {each.name: each.unit for each in TABLES[table].columns}
    return _UNITS.get(column) or units.get(column, "")
