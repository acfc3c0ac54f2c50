"""The figures: pure functions from result tables to chart data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import pandas as pd

from visualization.alignment import alignment_matrix, integrated_labs
from visualization.chart import Figure, Kind, Part
from visualization.fan_chart import Ensemble, by_size, change, fan_chart, leader
from visualization.network import relationship_graph
from visualization.quantiles import Tables, fan, fan_by, last_quarter, run_count, table

__all__ = [
    "alignment_matrix",
    "capacity",
    "capacity_total",
    "capex",
    "capex_total",
    "concentration",
    "concentration_fans",
    "dependence",
    "lab_revenue",
    "price",
    "relationship_graph",
    "utilisation",
    "utilisation_and_price",
]

CONCENTRATION = {"Alignment": "alignment_hhi", "Market": "market_hhi", "Backlog": "backlog_hhi"}


def concentration(tables: Tables) -> Figure:
    """Concentration of the labs' compute over providers, of the market, and of backlog (HHI, 0 to 10,000)."""
    market = table(tables, "market", *CONCENTRATION.values())
    return concentration_fans(
        {name: fan(market, column) for name, column in CONCENTRATION.items()}, Ensemble.of(tables)
    )


def concentration_fans(fans: Mapping[str, pd.DataFrame], ensemble: Ensemble) -> Figure:
    """The figure of `concentration` from quantiles, by the names in CONCENTRATION."""
    what = "Alignment concentration (how much each lab's compute sits with one provider)"
    sentence = change(what, "", fans["Alignment"], ensemble)
    parts = (
        Part("imposed quarters: deals disclosed, their GW and terms", Kind.IMPUTED),
        Part("forecast", Kind.SIMULATED),
    )
    return fan_chart("concentration", "Concentration over time", sentence, "HHI, 0 to 10,000", fans, ensemble, parts)


def capacity_total(tables: Tables) -> Figure:
    """Installed AI capacity of all providers, in GW."""
    market = table(tables, "market", "capacity_gw")
    fans = {"Capacity": fan(market, "capacity_gw")}
    parts = (Part("imposed quarters: from disclosed capex", Kind.IMPUTED), Part("forecast", Kind.SIMULATED))
    sentence = change("Installed AI capacity", " GW", fans["Capacity"], Ensemble.of(tables))
    return fan_chart("capacity-total", "AI capacity, all providers", sentence, "GW", fans, Ensemble.of(tables), parts)


def capacity(tables: Tables) -> Figure:
    """Installed AI capacity of each provider, in GW."""
    fans = by_size(fan_by(table(tables, "providers", "provider", "capacity_gw"), "capacity_gw", "provider"))
    parts = (Part("imposed quarters: from disclosed capex", Kind.IMPUTED), Part("forecast", Kind.SIMULATED))
    sentence = leader("has the most AI capacity", " GW", fans)
    return fan_chart("capacity", "AI capacity by provider", sentence, "GW", fans, Ensemble.of(tables), parts)


def capex_total(tables: Tables) -> Figure:
    """Capital expenditure of Amazon, Microsoft, Google and Meta, and the AI part of all, in USD bn a quarter."""
    market = table(tables, "market", "capex_big4_usd_bn", "ai_capex_usd_bn")
    fans = {"Capex of four": fan(market, "capex_big4_usd_bn"), "AI capex, all": fan(market, "ai_capex_usd_bn")}
    parts = (
        Part("companies' capex in imposed quarters", Kind.MEASURED),
        Part("AI part of it", Kind.IMPUTED),
        Part("forecast", Kind.SIMULATED),
    )
    sentence = change(
        "Quarterly capex of Amazon, Microsoft, Google and Meta", " USD bn", fans["Capex of four"], Ensemble.of(tables)
    )
    return fan_chart(
        "capex-total", "Capital expenditure", sentence, "USD bn a quarter", fans, Ensemble.of(tables), parts
    )


def capex(tables: Tables) -> Figure:
    """Capital expenditure of each provider, in USD bn a quarter."""
    fans = by_size(fan_by(table(tables, "providers", "provider", "capex_usd_bn"), "capex_usd_bn", "provider"))
    parts = (Part("reported capex in imposed quarters", Kind.MEASURED), Part("forecast", Kind.SIMULATED))
    sentence = leader("spends the most on capex", " USD bn a quarter", fans)
    return fan_chart("capex", "Capex by provider", sentence, "USD bn a quarter", fans, Ensemble.of(tables), parts)


def utilisation(tables: Tables) -> Figure:
    """Share of installed AI capacity in use, in per cent."""
    fans = {"Utilisation": 100 * fan(table(tables, "market", "utilisation_frac"), "utilisation_frac")}
    sentence = change("Utilisation of AI capacity", " %", fans["Utilisation"], Ensemble.of(tables))
    return fan_chart(
        "utilisation",
        "Utilisation",
        sentence,
        "per cent of installed capacity",
        fans,
        Ensemble.of(tables),
        (Part("all quarters", Kind.SIMULATED),),
    )


def price(tables: Tables) -> Figure:
    """Market price of AI capacity, in USD bn per GW-quarter."""
    column = "price_usd_bn_per_gw_quarter"
    fans = {"Price": fan(table(tables, "market", column), column)}
    sentence = change("The market price of a GW for a quarter", " USD bn", fans["Price"], Ensemble.of(tables))
    return fan_chart(
        "price",
        "Price of AI capacity",
        sentence,
        "USD bn per GW-quarter",
        fans,
        Ensemble.of(tables),
        (Part("all quarters", Kind.SIMULATED),),
    )


def utilisation_and_price(tables: Tables) -> tuple[Figure, Figure]:
    """Both at once: they share a cause, not a unit, so they are two figures."""
    return utilisation(tables), price(tables)


def lab_revenue(tables: Tables) -> Figure:
    """Annualised revenue of each lab, in USD bn a year, on a logarithmic scale."""
    column = "revenue_annualised_usd_bn"
    fans = by_size(fan_by(_active_labs(tables, column), column, "lab"))
    fans = {name: found for name, found in fans.items() if (found[0.5] > 0).any()}
    parts = (Part("all quarters, labs' reports are not imposed", Kind.SIMULATED),)
    sentence = " ".join(part for part in (leader("earns the most", " USD bn a year", fans), _failures(tables)) if part)
    return fan_chart(
        "lab-revenue",
        "Run-rate revenue of the labs",
        sentence,
        "USD bn a year, logarithmic",
        fans,
        Ensemble.of(tables),
        parts,
        log=True,
    )


def dependence(tables: Tables) -> Figure:
    """Each independent lab's dependence: HHI of its delivered compute over providers."""
    labs = _active_labs(tables, "dependence_hhi")
    fans = by_size(fan_by(labs[~labs["lab"].isin(integrated_labs(tables))], "dependence_hhi", "lab"))
    parts = (
        Part("imposed quarters: deals disclosed, their GW and terms", Kind.IMPUTED),
        Part("forecast", Kind.SIMULATED),
    )
    return fan_chart(
        "dependence",
        "How dependent each lab is",
        leader("is the lab most tied to few hosts", "", fans),
        "HHI of a lab's compute over providers, 10,000 = one provider",
        fans,
        Ensemble.of(tables),
        parts,
    )


def _active_labs(tables: Tables, column: str) -> pd.DataFrame:
    labs = table(tables, "labs", "lab", "active", column)
    return labs[labs["active"].astype(bool)]


def _failures(tables: Tables) -> str:
    """One sentence on labs that were there and are gone at the end, which medians over the others do not show."""
    labs = _active_labs(tables, "run")
    seen = set(labs[["run", "lab"]].itertuples(index=False, name=None))
    left = labs[labs["quarter"] == last_quarter(tables)]
    gone = Counter(lab for _, lab in seen - set(left[["run", "lab"]].itertuples(index=False, name=None)))
    if not gone:
        return ""
    counts = ", ".join(f"{lab} in {count}" for lab, count in sorted(gone.items(), key=lambda item: (-item[1], item[0])))
    return (
        f"Labs that have failed by the end, in how many of {run_count(tables)} runs: {counts}; they leave the medians."
    )
