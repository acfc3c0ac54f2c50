"""The headline numbers at the top of the report, with their change since the last fact."""

from __future__ import annotations

import math
from dataclasses import dataclass

from visualization.alignment import largest_dependence
from visualization.chart import clean, shown
from visualization.markup import sparkline, text
from visualization.quantiles import Tables, fan, last_fact, last_quarter, run_count, table

_TILES = (
    ("Alignment concentration", "alignment_hhi", 1.0, "", "HHI of the labs' compute over providers, 0 to 10,000"),
    ("Market HHI", "market_hhi", 1.0, "", "of delivered AI compute, 0 to 10,000"),
    ("Utilisation", "utilisation_frac", 100.0, "%", "of installed AI capacity"),
    ("Committed spend", "backlog_usd_bn", 1.0, "bn", "labs' commitments not yet delivered"),
    ("Circularity", "circularity_frac", 100.0, "%", "of providers' AI revenue is their own equity coming back"),
)


@dataclass(frozen=True, slots=True)
class Tile:
    """One headline number, ready to show."""

    label: str
    value: str
    change: str
    interval: str
    hint: str
    spark: str


def tiles(tables: Tables) -> tuple[Tile, ...]:
    """Medians at the end of the runs, their change since the last fact, and 80 % of the runs."""
    drawn = [_tile(tables, *tile) for tile in _TILES]
    drawn.insert(2, _dependence_tile(tables))
    return tuple(drawn)


def tiles_html(tables: Tables) -> str:
    """The tiles as a list."""
    items = "".join(
        f'<li class="tile"><span class="label">{text(tile.label)}</span>'
        f'<span class="value">{text(tile.value)}</span><span class="change">{text(tile.change)}</span>'
        f'<span class="change">{text(tile.interval)}</span>'
        f'{tile.spark}<span class="hint">{text(tile.hint)}</span></li>'
        for tile in tiles(tables)
    )
    return f'<ul class="tiles">{items}</ul>'


def _tile(tables: Tables, label: str, column: str, scale: float, unit: str, hint: str) -> Tile:
    found = scale * fan(table(tables, "market", column), column)
    end = found.iloc[-1]
    start = last_fact(tables)
    change = ""
    split = 0
    if start and start != found.index[-1]:
        split = list(found.index).index(start)
        difference = end[0.5] - found[0.5].loc[start]
        change = f"{'+' if difference >= 0 else '−'}{_amount(abs(difference), unit, True)} since {start}"
    interval = f"80 %: {shown(end[0.1])} to {shown(end[0.9])}" if run_count(tables) > 1 else ""
    return Tile(
        label, _amount(end[0.5], unit), change, interval, hint, sparkline([clean(value) for value in found[0.5]], split)
    )


def _dependence_tile(tables: Tables) -> Tile:
    lab, provider, share = largest_dependence(tables, last_quarter(tables))
    if not lab:
        return Tile("Largest dependence", "–", "", "", "no compute is delivered to independent labs", "")
    start = last_fact(tables)
    before = largest_dependence(tables, start) if start else ("", "", math.nan)
    change = f"{before[0]} on {before[1]} {before[2]:.0%} in {start}" if before[0] else ""
    hint = f"{lab} on {provider}, share of its delivered compute, mean of runs"
    return Tile("Largest dependence", f"{share:.0%}", change, "", hint, "")


def _amount(value: float, unit: str, difference: bool = False) -> str:
    """A number with its unit; a difference of percentages is in points."""
    if not math.isfinite(value):
        return "–"
    written = {"bn": f"${shown(value)}bn", "%": f"{value:.1f}{' points' if difference else ' %'}"}
    return written.get(unit, shown(value))
