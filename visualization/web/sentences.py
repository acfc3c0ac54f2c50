"""What changed in a quarter, in one plain sentence, from the result tables."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from visualization.chart import shown
from visualization.quantiles import Tables, records

if TYPE_CHECKING:
    import pandas as pd

NOTABLE = 100.0  # points of alignment HHI in a quarter that are worth a word


def sentences(tables: Tables) -> list[str]:
    """One sentence a quarter of a run of one replicate."""
    market, labs = tables["market"], tables["labs"]
    signed = {quarter: records(rows) for quarter, rows in tables["deals"].groupby("quarter")}
    before: dict[str, Any] | None = None
    released: dict[str, float] = {}
    found = []
    for row in records(market):
        quarter = row["quarter"]
        now = labs[labs["quarter"] == quarter]
        parts = [_deals(signed.get(quarter, []), quarter), _alignment(row, before), _releases(now, released)]
        parts.append(_capacity(row, before))
        told = [part for part in parts if part][:3]
        found.append(f"{quarter}: " + ("; ".join(told) if told else "nothing of note") + ".")
        released = dict(zip(now["lab"], now["generation"], strict=True))
        before = row
    return found


def _deals(signed: Sequence[dict[str, Any]], quarter: str) -> str:
    """The largest deal by money and how many more; changes of a clause alone are not told."""
    worth = [deal for deal in signed if deal["commitment_usd_bn"] > 0.0 or deal["equity_usd_bn"] > 0.0]
    if not worth:
        return ""
    largest = max(worth, key=lambda deal: (deal["commitment_usd_bn"] + deal["equity_usd_bn"], deal["deal"]))
    money = [
        f"${shown(amount)}bn {word}"
        for amount, word in ((largest["commitment_usd_bn"], "of compute"), (largest["equity_usd_bn"], "of equity"))
        if amount > 0.0
    ]
    more = f" and {len(worth) - 1} more" if len(worth) > 1 else ""
    return f"{largest['lab']} and {largest['provider']} sign {' and '.join(money)}{more}"


def _alignment(row: dict[str, Any], before: dict[str, Any] | None) -> str:
    """How concentrated alignment is, where it moved."""
    if before is None or math.isnan(row["alignment_hhi"]):
        return ""
    change = row["alignment_hhi"] - before["alignment_hhi"]
    if not abs(change) >= NOTABLE:
        return ""
    moved = f"{'rises' if change > 0 else 'falls'} by {shown(abs(change))}"
    return f"alignment concentration {moved} to {shown(row['alignment_hhi'])}"


def _releases(now: pd.DataFrame, before: dict[str, float]) -> str:
    """Labs that have released a new generation of models."""
    names = [
        str(lab)
        for lab, number in zip(now["lab"], now["generation"], strict=True)
        if lab in before and number > before[lab]
    ]
    if not names:
        return ""
    told = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    return f"{told} release{'s' if len(names) == 1 else ''} a new generation"


def _capacity(row: dict[str, Any], before: dict[str, Any] | None) -> str:
    """Capacity and how much of it is used."""
    grown = (
        ""
        if before is None or before["capacity_gw"] <= 0.0
        else f", {_percent(row['capacity_gw'] / before['capacity_gw'] - 1)}"
    )
    used = row["utilisation_frac"]
    return f"capacity is {shown(row['capacity_gw'])} GW{grown}" + (
        f", {100 * used:.0f} % in use" if used == used else ""
    )


def _percent(change: float) -> str:
    return f"{'up' if change >= 0 else 'down'} {abs(100 * change):.0f} %"
