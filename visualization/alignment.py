"""Who hosts whom: the matrix of labs and providers, and the strongest tie in it."""

from __future__ import annotations

from typing import Any

import pandas as pd

from visualization.chart import PALETTE, Figure, Kind, Part, clean
from visualization.quantiles import Tables, last_fact, run_count, table


def integrated_labs(tables: Tables) -> frozenset[str]:
    """Labs owned by the company that hosts them: left out of headline concentration and dependence."""
    rows = table(tables, "labs", "lab", "owner")
    return frozenset(rows.loc[rows["owner"] != "", "lab"])


def largest_dependence(tables: Tables, quarter: str) -> tuple[str, str, float]:
    """The independent lab with the highest share of its delivered compute at one provider, and that share.

    Shares are means over runs. Labs with under 5 % of the independent labs' compute are left out, or the
    smallest lab with a single host would always win. ("", "", nan) where no lab has compute.
    """
    delivered = alignment_means(tables, quarter)
    delivered = delivered[~delivered.index.isin(integrated_labs(tables))]
    size = delivered.sum(axis=1)
    delivered = delivered[size >= 0.05 * size.sum()]
    if delivered.empty or size.sum() <= 0:
        return "", "", float("nan")
    shares = delivered.div(delivered.sum(axis=1), axis=0).to_numpy(dtype=float)
    row, column = divmod(int(shares.argmax()), shares.shape[1])
    return str(delivered.index[row]), str(delivered.columns[column]), float(shares[row, column])


def alignment_means(tables: Tables, quarter: str) -> pd.DataFrame:
    """Delivered GW, labs down and providers across, mean over runs in a quarter; a pair not listed is zero."""
    rows = table(tables, "alignment", "run", "quarter", "lab", "provider", "delivered_gw")
    rows = rows[rows["quarter"] == quarter]
    return rows.pivot_table(
        index="lab", columns="provider", values="delivered_gw", aggfunc="sum", fill_value=0.0, sort=False
    ) / max(run_count(tables), 1)


def alignment_matrix(tables: Tables, quarter: str) -> Figure:
    """Share of each lab's delivered compute by provider, in per cent, mean over runs, as a heat map."""
    delivered = alignment_means(tables, quarter)
    delivered = delivered.loc[delivered.sum(axis=1).sort_values(ascending=False, kind="stable").index]
    delivered = delivered[delivered.sum(axis=1) > 0]
    shares = 100 * delivered.div(delivered.sum(axis=1), axis=0)
    lab, provider, share = largest_dependence(tables, quarter)
    sentence = (
        f"In {quarter} {lab} has {share:.0%} of its compute at {provider}, the strongest tie among larger "
        "independent labs."
        if lab
        else f"No compute is delivered to labs in {quarter}."
    )
    rows = tuple((str(name), clean(delivered.loc[name].sum()), *map(clean, shares.loc[name])) for name in shares.index)
    known = last_fact(tables)
    kind = Kind.IMPUTED if known and quarter <= known else Kind.SIMULATED
    return Figure(
        f"alignment-{quarter}",
        f"Who hosts whom, {quarter}",
        sentence,
        "per cent of the lab's delivered compute",
        _heat_map(shares),
        ("lab", "GW", *map(str, shares.columns)),
        rows,
        (Part(f"shares in {quarter}", kind),),
    )


def _heat_map(shares: pd.DataFrame) -> dict[str, Any]:
    cells = [
        [column, row, clean(shares.iat[row, column], 3)]
        for row in range(shares.shape[0])
        for column in range(shares.shape[1])
    ]
    return {
        "animation": False,
        "grid": {"left": 8, "right": 8, "top": 8, "bottom": 8, "containLabel": True},
        "tooltip": {"confine": True},
        "xAxis": {"type": "category", "data": [str(name) for name in shares.columns]},
        "yAxis": {"type": "category", "data": [str(name) for name in shares.index], "inverse": True},
        "visualMap": {"show": False, "min": 0, "max": 100, "inRange": {"color": ["#E8F1F8", PALETTE[0]]}},
        "series": [{"type": "heatmap", "data": cells, "label": {"show": True}}],
    }
