"""Figures over time: pure functions from result tables to chart data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from visualization.chart import DASHES, PALETTE, Cell, Figure, Kind, Part, band, clean, colours, line, mark_history
from visualization.chart import shown, time_chart
from visualization.quantiles import Tables, fan, fan_by, last_fact, run_count, table

INTEGRATED_LABS = frozenset({"Google DeepMind", "Meta AI"})
"""Labs owned by the company that hosts them: left out of headline concentration and dependence."""

_SHADED = "Shaded on the left: quarters with facts imposed."


def concentration(tables: Tables) -> Figure:
    """Concentration of the labs' compute over providers, of the market, and of backlog (HHI, 0 to 10,000)."""
    wanted = {"Alignment": "alignment_hhi", "Market": "market_hhi", "Backlog": "backlog_hhi"}
    market = table(tables, "market", *wanted.values())
    fans = {name: fan(market, column) for name, column in wanted.items()}
    sentence = _change("Alignment concentration (how much each lab's compute sits with one provider)", "", fans["Alignment"],
                       tables)
    parts = (Part("imposed quarters: deals disclosed, their GW and terms", Kind.IMPUTED), Part("forecast", Kind.SIMULATED))
    return _lines("concentration", "Concentration over time", sentence, "HHI, 0 to 10,000", fans, tables, parts)


def capacity_total(tables: Tables) -> Figure:
    """Installed AI capacity of all providers, in GW."""
    market = table(tables, "market", "capacity_gw")
    fans = {"Capacity": fan(market, "capacity_gw")}
    parts = (Part("imposed quarters: from disclosed capex", Kind.IMPUTED), Part("forecast", Kind.SIMULATED))
    sentence = _change("Installed AI capacity", " GW", fans["Capacity"], tables)
    return _lines("capacity-total", "AI capacity, all providers", sentence, "GW", fans, tables, parts)


def capacity(tables: Tables) -> Figure:
    """Installed AI capacity of each provider, in GW."""
    fans = _by_size(fan_by(table(tables, "providers", "provider", "capacity_gw"), "capacity_gw", "provider"))
    parts = (Part("imposed quarters: from disclosed capex", Kind.IMPUTED), Part("forecast", Kind.SIMULATED))
    sentence = _leader("has the most AI capacity", " GW", fans)
    return _lines("capacity", "AI capacity by provider", sentence, "GW", fans, tables, parts)


def capex_total(tables: Tables) -> Figure:
    """Capital expenditure of Amazon, Microsoft, Google and Meta together, and the AI part of all, in USD bn a quarter."""
    market = table(tables, "market", "capex_big4_usd_bn", "ai_capex_usd_bn")
    fans = {"Capex of four": fan(market, "capex_big4_usd_bn"), "AI capex, all": fan(market, "ai_capex_usd_bn")}
    parts = (Part("companies' capex in imposed quarters", Kind.MEASURED), Part("AI part of it", Kind.IMPUTED),
             Part("forecast", Kind.SIMULATED))
    sentence = _change("Quarterly capex of Amazon, Microsoft, Google and Meta", " USD bn", fans["Capex of four"], tables)
    return _lines("capex-total", "Capital expenditure", sentence, "USD bn a quarter", fans, tables, parts)


def capex(tables: Tables) -> Figure:
    """Capital expenditure of each provider, in USD bn a quarter."""
    fans = _by_size(fan_by(table(tables, "providers", "provider", "capex_usd_bn"), "capex_usd_bn", "provider"))
    parts = (Part("reported capex in imposed quarters", Kind.MEASURED), Part("forecast", Kind.SIMULATED))
    sentence = _leader("spends the most on capex", " USD bn a quarter", fans)
    return _lines("capex", "Capex by provider", sentence, "USD bn a quarter", fans, tables, parts)


def utilisation(tables: Tables) -> Figure:
    """Share of installed AI capacity in use, in per cent."""
    fans = {"Utilisation": 100 * fan(table(tables, "market", "utilisation_frac"), "utilisation_frac")}
    sentence = _change("Utilisation of AI capacity", " %", fans["Utilisation"], tables)
    return _lines("utilisation", "Utilisation", sentence, "per cent of installed capacity", fans, tables,
                  (Part("all quarters", Kind.SIMULATED),))


def price(tables: Tables) -> Figure:
    """Market price of AI capacity, in USD bn per GW-quarter."""
    column = "price_usd_bn_per_gw_quarter"
    fans = {"Price": fan(table(tables, "market", column), column)}
    sentence = _change("The market price of a GW for a quarter", " USD bn", fans["Price"], tables)
    return _lines("price", "Price of AI capacity", sentence, "USD bn per GW-quarter", fans, tables,
                  (Part("all quarters", Kind.SIMULATED),))


def utilisation_and_price(tables: Tables) -> tuple[Figure, Figure]:
    """Both at once: they share a cause, not a unit, so they are two figures."""
    return utilisation(tables), price(tables)


def lab_revenue(tables: Tables) -> Figure:
    """Annualised revenue of each lab, in USD bn a year, on a logarithmic scale."""
    column = "revenue_annualised_usd_bn"
    fans = _by_size(fan_by(_active_labs(tables, column), column, "lab"))
    fans = {name: found for name, found in fans.items() if (found[0.5] > 0).any()}
    parts = (Part("all quarters, labs' reports are not imposed", Kind.SIMULATED),)
    return _lines("lab-revenue", "Run-rate revenue of the labs", _leader("earns the most", " USD bn a year", fans),
                  "USD bn a year, logarithmic", fans, tables, parts, log=True)


def dependence(tables: Tables) -> Figure:
    """Each independent lab's dependence: HHI of its delivered compute over providers."""
    labs = _active_labs(tables, "dependence_hhi")
    fans = _by_size(fan_by(labs[~labs["lab"].isin(INTEGRATED_LABS)], "dependence_hhi", "lab"))
    parts = (Part("imposed quarters: deals disclosed, their GW and terms", Kind.IMPUTED), Part("forecast", Kind.SIMULATED))
    return _lines("dependence", "How dependent each lab is", _leader("is the lab most tied to few hosts", "", fans),
                  "HHI of a lab's compute over providers, 10,000 = one provider", fans, tables, parts)


def largest_dependence(tables: Tables, quarter: str) -> tuple[str, str, float]:
    """The independent lab with the highest share of its delivered compute at one provider, and that share.

    Shares are means over runs. Labs with under 5 % of the independent labs' compute are left out, or the
    smallest lab with a single host would always win. ("", "", nan) where no lab has compute.
    """
    delivered = alignment_means(tables, quarter)
    delivered = delivered[~delivered.index.isin(INTEGRATED_LABS)]
    size = delivered.sum(axis=1)
    delivered = delivered[size >= 0.05 * size.sum()]
    if delivered.empty or size.sum() <= 0:
        return "", "", float("nan")
    shares = delivered.div(delivered.sum(axis=1), axis=0).stack()
    lab, provider = shares.idxmax()
    return str(lab), str(provider), float(shares.max())


def alignment_means(tables: Tables, quarter: str) -> pd.DataFrame:
    """Delivered GW, labs down and providers across, mean over runs in a quarter; a pair not listed is zero."""
    rows = table(tables, "alignment", "run", "quarter", "lab", "provider", "delivered_gw")
    rows = rows[rows["quarter"] == quarter]
    return rows.pivot_table(index="lab", columns="provider", values="delivered_gw", aggfunc="sum",
                            fill_value=0.0, sort=False) / max(run_count(tables), 1)


def alignment_matrix(tables: Tables, quarter: str) -> Figure:
    """Share of each lab's delivered compute by provider, in per cent, mean over runs, as a heat map."""
    delivered = alignment_means(tables, quarter)
    delivered = delivered.loc[delivered.sum(axis=1).sort_values(ascending=False, kind="stable").index]
    delivered = delivered[delivered.sum(axis=1) > 0]
    shares = 100 * delivered.div(delivered.sum(axis=1), axis=0)
    lab, provider, share = largest_dependence(tables, quarter)
    sentence = f"In {quarter} {lab} has {share:.0%} of its compute at {provider}, the strongest tie among larger " \
               "independent labs." if lab else f"No compute is delivered to labs in {quarter}."
    rows = tuple((str(name), clean(delivered.loc[name].sum()), *map(clean, shares.loc[name])) for name in shares.index)
    known = last_fact(tables)
    kind = Kind.IMPUTED if known and quarter <= known else Kind.SIMULATED
    return Figure(f"alignment-{quarter}", f"Who hosts whom, {quarter}", sentence, "per cent of the lab's delivered compute",
                  _heat_map(shares), ("lab", "GW", *map(str, shares.columns)), rows, (Part(f"shares in {quarter}", kind),))


def _heat_map(shares: pd.DataFrame) -> dict:
    cells = [[column, row, clean(shares.iat[row, column], 3)]
             for row in range(shares.shape[0]) for column in range(shares.shape[1])]
    return {
        "animation": False,
        "grid": {"left": 8, "right": 8, "top": 8, "bottom": 8, "containLabel": True},
        "tooltip": {"confine": True},
        "xAxis": {"type": "category", "data": [str(name) for name in shares.columns]},
        "yAxis": {"type": "category", "data": [str(name) for name in shares.index], "inverse": True},
        "visualMap": {"show": False, "min": 0, "max": 100, "inRange": {"color": ["#E8F1F8", PALETTE[0]]}},
        "series": [{"type": "heatmap", "data": cells, "label": {"show": True}}],
    }


def _active_labs(tables: Tables, column: str) -> pd.DataFrame:
    labs = table(tables, "labs", "lab", "active", column)
    return labs[labs["active"].astype(bool)]


def _by_size(fans: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Largest last median first; a stable order for equal ones."""
    def size(name: str) -> float:
        known = fans[name][0.5].dropna()
        return float(known.iloc[-1]) if len(known) else 0.0
    return {name: fans[name] for name in sorted(fans, key=lambda name: -size(name))}


def _lines(name: str, title: str, sentence: str, unit: str, fans: Mapping[str, pd.DataFrame], tables: Tables,
           parts: Sequence[Part], *, log: bool = False) -> Figure:
    """A figure with a median line and an 80 % band for each name; the middle half too where there is one name."""
    quarters = sorted(set().union(*(found.index for found in fans.values())))
    chosen = {"Alignment": PALETTE[0], "Market": PALETTE[1], "Backlog": PALETTE[2]} if "Alignment" in fans else \
        {next(iter(fans)): PALETTE[0]} if len(fans) == 1 else colours(fans)
    series = []
    several = run_count(tables) > 1
    for position, (label, found) in enumerate(fans.items()):
        levels = {level: _values(found[level].reindex(quarters), log) for level in found.columns}
        drawn = line(label, levels[0.5], chosen[label], dash=DASHES[position % len(DASHES)], labelled=len(fans) > 1)
        known = last_fact(tables)
        series.append(mark_history(drawn, quarters[0], known) if position == 0 and known else drawn)
        if several and not log:
            series += band(f"{label} 80 %", levels[0.1], levels[0.9], chosen[label], 0.22 if len(fans) < 3 else 0.13)
        if several and position == 0 and len(fans) <= 3:
            series += band(f"{label} 50 %", levels[0.25], levels[0.75], chosen[label], 0.28)
    option = time_chart(quarters, series, log=log, right_px=28 + 7 * max(map(len, fans)) if len(fans) > 1 else 16)
    columns, rows = _fan_rows(fans, quarters)
    return Figure(name, title, sentence, unit, option, columns, rows, tuple(parts), _key(tables, log, len(fans)))


def _key(tables: Tables, log: bool, lines: int) -> str:
    runs = run_count(tables)
    if runs == 1:
        reading = "Line: the one run; there is no interval."
    elif log:
        reading = f"Line: median of {runs} runs; the interval is in the table."
    else:
        reading = f"Line: median of {runs} runs. Band: 80 % of runs" + (", darker: half of them." if lines <= 3 else ".")
    return f"{reading} {_SHADED}" if last_fact(tables) else reading


def _values(column: pd.Series, log: bool) -> list[float | None]:
    return [None if log and not value > 0 else clean(value) for value in column]


def _fan_rows(fans: Mapping[str, pd.DataFrame],
              quarters: Sequence[str]) -> tuple[tuple[str, ...], tuple[tuple[Cell, ...], ...]]:
    columns = ["quarter"]
    blocks = []
    for label, found in fans.items():
        columns += [label, f"{label}, 10 %", f"{label}, 90 %"]
        blocks.append(found[[0.5, 0.1, 0.9]].reindex(quarters).to_numpy(dtype=float))
    values = np.hstack(blocks)
    rows = tuple((quarter, *map(clean, row)) for quarter, row in zip(quarters, values, strict=True))
    return tuple(columns), rows


def _change(what: str, unit: str, found: pd.DataFrame, tables: Tables) -> str:
    """One sentence: the value at the last fact, and at the end with its interval."""
    end = found.index[-1]
    low, middle, high = (shown(found.loc[end, level]) for level in (0.1, 0.5, 0.9))
    start = last_fact(tables) or found.index[0]
    if start == end:
        return f"{what} is {middle}{unit} in {end}."
    interval = f" (80 % of runs: {low} to {high})" if run_count(tables) > 1 else ""
    return f"{what} goes from {shown(found.loc[start, 0.5])}{unit} in {start} to {middle}{unit} in {end}{interval}."


def _leader(verb: str, unit: str, fans: Mapping[str, pd.DataFrame]) -> str:
    """One sentence: who leads at the end, and who comes next."""
    ends = {name: found[0.5].dropna() for name, found in fans.items()}
    ends = {name: values for name, values in ends.items() if len(values)}
    if not ends:
        return "There is nothing to show."
    quarter = max(values.index[-1] for values in ends.values())
    known = [(name, values[quarter]) for name, values in ends.items() if quarter in values.index]
    (first, value), *others = sorted(known, key=lambda pair: -pair[1])
    then = f", then {others[0][0]} with {shown(others[0][1])}" if others else ""
    return f"In {quarter} {first} {verb} ({shown(value)}{unit}){then}."
