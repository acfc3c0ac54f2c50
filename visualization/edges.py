"""The ties of the relationship graph in one quarter of one run, from the result tables."""

from __future__ import annotations

import json
from collections import Counter

import pandas as pd

from visualization.chart import PALETTE
from visualization.quantiles import Tables, records, table

EDGE_STYLES: dict[str, tuple[str, str | list[int], float]] = {
    "compute delivered": (PALETTE[0], "solid", 0.0),
    "commitment": (PALETTE[2], "dotted", 0.16),
    "equity": (PALETTE[1], "dashed", -0.16),
    "shares to the lab": (PALETTE[4], [10, 3, 2, 3], 0.3),
}
"""Kind of edge -> colour, dash, curve."""

type Edge = tuple[str, str, str, float, str]
"""Source, target, kind, amount, unit."""


def edges_of(tables: Tables, run: int, quarter: str, labs: set[str]) -> list[Edge]:
    """Compute, commitments and stakes of hosts, then money of parties that host none, then shares given to labs."""
    alignment = table(tables, "alignment", "lab", "provider", "delivered_gw", "committed_usd_bn", "stake_frac")
    found: list[Edge] = []
    for row in records(rows_of(alignment, run, quarter)):
        amounts = (
            ("compute delivered", row["delivered_gw"], "GW"),
            ("commitment", row["committed_usd_bn"], "USD bn"),
            ("equity", 100 * row["stake_frac"], "% stake"),
        )
        if row["lab"] in labs:
            found += [
                (row["provider"], row["lab"], kind, amount, unit) for kind, amount, unit in amounts if amount > 1e-9
            ]
    deals = table(tables, "deals", "run", "quarter", "provider", "lab", "equity_usd_bn", "warrants")
    signed = deals[(deals["run"] == run) & (deals["quarter"] <= quarter) & deals["lab"].isin(labs)]
    return found + _investments(signed, set(alignment["provider"])) + _shares(signed, labs)


def rows_of(rows: pd.DataFrame, run: int, quarter: str) -> pd.DataFrame:
    """The rows of one run and quarter."""
    return rows[(rows["run"] == run) & (rows["quarter"] == quarter)]


def _investments(signed: pd.DataFrame, hosts: set[str]) -> list[Edge]:
    """Equity of suppliers and investors; that of hosts is in the alignment table as a stake."""
    others = signed[~signed["provider"].isin(hosts) & (signed["equity_usd_bn"] > 0)]
    totals = others.groupby(["provider", "lab"], sort=True)["equity_usd_bn"].sum().reset_index()
    return [(row["provider"], row["lab"], "equity", row["equity_usd_bn"], "USD bn") for row in records(totals)]


def _shares(signed: pd.DataFrame, labs: set[str]) -> list[Edge]:
    """Warrants on a provider's or supplier's own shares, held by a lab, whether they have vested or not."""
    totals: Counter[tuple[str, str]] = Counter()
    for listed in signed["warrants"]:
        for warrant in json.loads(listed or "[]"):
            if warrant["holder"] in labs:
                totals[warrant["issuer"], warrant["holder"]] += warrant["stake_frac"]
    return [(a, b, "shares to the lab", 100 * share, "% stake") for (a, b), share in sorted(totals.items())]
