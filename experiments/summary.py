"""The summary of an ensemble: where the facts end, where the simulation ends, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isnan
from typing import TYPE_CHECKING, Any, SupportsFloat

import pandas as pd

from market.scenario import Scenario

if TYPE_CHECKING:
    from cloudpact.results import Results

LOW, HIGH = 0.1, 0.9
LARGEST = 5

# Name in the summary: (label, column of the market table, factor, quarters summed, digits shown)
MEASURES: dict[str, tuple[str, str, float, int, int]] = {
    "alignment_hhi": ("Alignment concentration (HHI, 0-10,000)", "alignment_hhi", 1, 1, 0),
    "market_hhi": ("Market concentration (HHI, 0-10,000)", "market_hhi", 1, 1, 0),
    "capacity_gw": ("AI capacity (GW)", "capacity_gw", 1, 1, 1),
    "capex_big4_usd_bn_per_year": ("Capex of the four* (USD bn, 4 quarters)", "capex_big4_usd_bn", 1, 4, 0),
    "utilisation_percent": ("Utilisation (%)", "utilisation_frac", 100, 1, 1),
    "price_usd_bn_per_gw_year": ("Price (USD bn per GW-year)", "price_usd_bn_per_gw_quarter", 4, 1, 1),
}

DEAL_FIELDS = ("deal", "quarter", "provider", "lab", "gw", "commitment_usd_bn", "equity_usd_bn", "status")


def summarise(results: Results, scenario: Scenario) -> dict[str, Any]:
    """The summary as plain data, for `--json` and for `summary_text`.

    Values at `from_quarter` (the last fact, or the first quarter where nothing is a fact) are
    medians over runs; `low` and `high` bound the middle 80 % of runs at `to_quarter`.
    """
    quarters = results.market.loc[results.market["run"] == results.runs[0], ["quarter", "forecast"]]
    facts = quarters.loc[~quarters["forecast"], "quarter"]
    start = str(facts.iloc[-1] if len(facts) else quarters["quarter"].iloc[0])
    end = str(quarters["quarter"].iloc[-1])
    return {
        "scenario": scenario.name,
        "runs": len(results.runs),
        "from_quarter": start,
        "from_is_fact": bool(len(facts)),
        "to_quarter": end,
        "interval": [LOW, HIGH],
        "measures": {name: _measure(results.market, name, start, end) for name in MEASURES},
        "labs": {
            str(lab): _lab(rows, start, end, len(results.runs)) for lab, rows in results.labs.groupby("lab", sort=False)
        },
        "largest_deals": _largest_deals(results),
        "parameter_draws": scenario.uncertainty.scale > 0,
    }


def _measure(market: pd.DataFrame, name: str, start: str, end: str) -> dict[str, float | None]:
    _, column, factor, quarters, _ = MEASURES[name]
    values = market.groupby("run")[column].rolling(quarters).sum().droplevel(0) * factor
    return {"from": _number(values[market["quarter"] == start].median()), **_spread(values[market["quarter"] == end])}


def _spread(values: pd.Series[float]) -> dict[str, float | None]:
    return {
        "median": _number(values.median()),
        "low": _number(values.quantile(LOW)),
        "high": _number(values.quantile(HIGH)),
    }


def _number(value: SupportsFloat) -> float | None:
    number = float(value)
    return None if isnan(number) else number


def _lab(rows: pd.DataFrame, start: str, end: str, runs: int) -> dict[str, Any]:
    before, after = rows[rows["quarter"] == start], rows[rows["quarter"] == end]
    return {
        "from": {**_primary(before, runs), "dependence_hhi": _number(before["dependence_hhi"].median())},
        "to": {**_primary(after, runs), "dependence_hhi": _spread(after["dependence_hhi"])},
    }


def _primary(rows: pd.DataFrame, runs: int) -> dict[str, Any]:
    """The most frequent primary provider, and the shares of all runs with it and with the lab active."""
    active = rows[rows["active"]]
    counts = active.loc[active["primary_provider"].fillna("") != "", "primary_provider"].value_counts()
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    name, count = ranked[0] if ranked else (None, 0)
    return {"primary_provider": name, "share_of_runs": count / runs, "active_share": len(active) / runs}


def _largest_deals(results: Results) -> dict[str, list[dict[str, Any]]]:
    deals = results.deals[results.deals["run"] == results.runs[0]]
    size = deals["commitment_usd_bn"].fillna(0.0) + deals["equity_usd_bn"].fillna(0.0).clip(lower=0.0)
    ranked = deals.assign(size=size).sort_values(["size", "number"], ascending=[False, True])
    return {origin: _deal_rows(ranked[ranked["origin"] == origin]) for origin in ("disclosed", "simulated")}


def _deal_rows(deals: pd.DataFrame) -> list[dict[str, Any]]:
    rows = deals.loc[:, list(DEAL_FIELDS)].head(LARGEST).to_dict("records")
    return [{str(key): None if pd.isna(value) else value for key, value in row.items()} for row in rows]


def summary_text(summary: dict[str, Any]) -> str:
    """The summary for people, at most 80 columns wide where names are of ordinary length."""
    start, end, runs = summary["from_quarter"], summary["to_quarter"], summary["runs"]
    known = "last fact" if summary["from_is_fact"] else "first quarter"
    parts = [
        f"{summary['scenario']}: {runs} run{'s' * (runs != 1)}, {start} ({known}) against {end} (simulated)",
        _measures_text(summary, start, end),
        _labs_text(summary["labs"], start, end),
        _deals_text("Largest disclosed deals", summary["largest_deals"]["disclosed"]),
        _deals_text("Largest simulated deals (first run)", summary["largest_deals"]["simulated"]),
        caution(summary),
    ]
    return "\n\n".join(part for part in parts if part)


def _measures_text(summary: dict[str, Any], start: str, end: str) -> str:
    rows, note = [], ""
    for name, (label, _, _, _, digits) in MEASURES.items():
        value = summary["measures"][name]
        if label.startswith("Capex of the four"):
            if not value["median"]:
                continue  # a world without these companies
            note = "\n* Amazon, Microsoft, Google, Meta"
        rows.append((label, _shown(value["from"], digits), _shown(value["median"], digits), _interval(value, digits)))
    return _aligned(("", start, end, "80 % of runs"), rows, "<>>>") + note


def _labs_text(labs: dict[str, Any], start: str, end: str) -> str:
    rows = []
    for lab, value in labs.items():
        before, after = value["from"], value["to"]
        rows.append(
            (
                lab,
                _primary_text(before),
                _shown(before["dependence_hhi"], 0),
                _primary_text(after),
                _dependence_text(after["dependence_hhi"]),
            )
        )
    header = ("", start, "HHI", end, "HHI (80 % of runs)")
    title = "Primary provider of each lab, and its dependence (HHI; 10,000: one provider)"
    return title + "\n" + _aligned(header, rows, "<<><>")


def _dependence_text(value: dict[str, float | None]) -> str:
    if value["median"] is None:
        return "-"
    return f"{_shown(value['median'], 0)} ({_shown(value['low'], 0)}-{_shown(value['high'], 0)})"


def _primary_text(value: dict[str, Any]) -> str:
    if value["primary_provider"] is None:
        return "none" if value["active_share"] else "not active"
    share = value["share_of_runs"]
    return value["primary_provider"] + ("" if share == 1 else f" {share:.0%}")


def _deals_text(title: str, deals: list[dict[str, Any]]) -> str:
    if not deals:
        return f"{title}: none"
    rows = [
        (
            f"{deal['provider']} - {deal['lab']}",
            deal["quarter"],
            _shown(deal["gw"], 1),
            _shown(deal["commitment_usd_bn"], 0),
            _shown(deal["equity_usd_bn"], 1),
            deal["deal"],
        )
        for deal in deals
    ]
    header = ("", "signed", "GW", "compute", "equity", "name")
    return f"{title}, USD bn\n" + _aligned(header, rows, "<<>>><")


def caution(summary: dict[str, Any]) -> str:
    """What the interval holds and what it does not."""
    if summary["runs"] == 1:
        return "Caution: one run says nothing about uncertainty; use --runs 24 or more."
    held = (
        "the luck of the seeds and, after the last\nfact, draws of the parameters named in [uncertainty]."
        if summary["parameter_draws"]
        else "the luck of the seeds only;\nevery parameter is held fixed, so it is too narrow."
    )
    outside = "Errors in the facts or in the model are outside it; see docs/validation.md."
    return f"Caution: the interval holds {held}\n{outside}"


def _shown(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:,.{digits}f}"


def _interval(value: dict[str, float | None], digits: int) -> str:
    return f"{_shown(value['low'], digits)} to {_shown(value['high'], digits)}"


def _aligned(header: Sequence[str], rows: Iterable[Sequence[str]], sides: str) -> str:
    lines = [list(header), *map(list, rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    return "\n".join(
        "  ".join(f"{cell:{side}{width}}" for cell, side, width in zip(line, sides, widths, strict=True)).rstrip()
        for line in lines
    )
