"""`cloudpact facts`: the disclosed facts as a table."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import typer

from market.calendar import quarter_name
from market.facts import LAB_MEASURES, Facts, FactsError, Observation

type FactRow = dict[str, Any]


def _observed(names: Iterable[str], series: Callable[[str], list[Observation]], unit: str) -> list[FactRow]:
    return [
        {"quarter": quarter_name(quarter), "name": name, "value": value, "unit": unit, "confidence": confidence}
        for name in sorted(names)
        for quarter, value, confidence in series(name)
    ]


def _lab_rows(facts: Facts) -> list[FactRow]:
    return [
        {**row, "measure": measure}
        for measure in LAB_MEASURES
        for row in _observed(facts.topics["lab"], lambda lab, m=measure: facts.lab_series(lab, m), "")  # type: ignore[misc]
    ]


def _deal_rows(facts: Facts) -> list[FactRow]:
    return [
        {
            "date": deal.date.isoformat(),
            "deal": deal.slug,
            "role": str(deal.role),
            "gw": deal.terms.gw,
            "commitment_usd_bn": deal.terms.commitment_usd_bn,
            "equity_usd_bn": deal.terms.equity_usd_bn,
            "confidence": deal.confidence,
            "imputed": ",".join(deal.imputed),
        }
        for deal in facts.disclosed_deals()
    ]


SERIES: dict[str, tuple[str, Callable[[Facts], list[FactRow]]]] = {
    "adoption": (
        "Business adoption of AI and labs' shares of spending",
        lambda facts: _observed(facts.topics["adoption measure"], facts.adoption, "frac"),
    ),
    "backlog": (
        "Contracted revenue not yet delivered",
        lambda facts: _observed(facts.topics["company"], facts.backlog_observations, "USD bn"),
    ),
    "capex": (
        "Purchases of property and equipment",
        lambda facts: _observed(facts.topics["company"], facts.capex_observations, "USD bn/quarter"),
    ),
    "cloud-revenue": (
        "Revenue of the cloud segments",
        lambda facts: _observed(facts.topics["company"], facts.cloud_revenue_observations, "USD bn/quarter"),
    ),
    "deals": ("Disclosed deals, with the role each plays in the model", _deal_rows),
    "labs": ("Valuation, run-rate revenue and compute of the labs", _lab_rows),
    "market-share": (
        "Shares of cloud infrastructure services",
        lambda facts: _observed(facts.topics["company"], facts.market_share_observations, "frac"),
    ),
    "supply": (
        "Accelerator sales, compute stocks and their trends",
        lambda facts: _observed(facts.topics["supply measure"], facts.supply, ""),
    ),
}


def facts_rows(series: str, facts: Facts) -> list[FactRow]:
    """The rows of one series; raises FactsError for a series that is none."""
    if series not in SERIES:
        close = get_close_matches(series, SERIES, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise FactsError(f"no series {series!r}; allowed: {', '.join(SERIES)}{hint}")
    return SERIES[series][1](facts)


def show_facts(series: str | None, folder: Path | None, as_json: bool) -> str:
    """What `cloudpact facts` prints: the series there are, or the rows of one."""
    from cloudpact.commands_run import json_text

    facts = Facts.load(folder)
    for note in facts.notes:
        typer.echo(f"cloudpact: note: {note}", err=True)
    rows = facts_rows(series, facts) if series else [_overview(name, facts) for name in SERIES]
    return json_text(rows) if as_json else _table(rows)


def _overview(name: str, facts: Facts) -> FactRow:
    rows = facts_rows(name, facts)
    times = sorted(row.get("quarter") or row["date"] for row in rows)
    first, last = (times[0], times[-1]) if times else ("", "")
    return {"series": name, "rows": len(rows), "first": first, "last": last, "what": SERIES[name][0]}


def _table(rows: list[FactRow]) -> str:
    if not rows:
        return "no rows"
    lines = [list(rows[0]), *([_cell(value) for value in row.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(f"{cell:{width}}" for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def _cell(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
