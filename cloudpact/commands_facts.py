"""`cloudpact facts`: the disclosed facts as a table, each value with its source."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path
from shutil import get_terminal_size
from typing import Any

import typer

from market.calendar import quarter_name
from market.fact_admitted import HORIZONS, ORIGINS, admitted, admitted_cells
from market.fact_rows import MeasureRow, Row
from market.facts import LAB_MEASURES, Facts, FactsError, Observation
from market.targets import target, target_names

type FactRow = dict[str, Any]
type Valued = tuple[Row, float | None]

LAB_UNITS = dict.fromkeys(LAB_MEASURES, "USD bn") | {
    "annualised_revenue_usd_bn": "USD bn/year",
    "compute_gw": "GW",
}
_UNFOLDED = 10_000


def _observed(name: str, series: Iterable[Observation], rows: Sequence[Valued], unit: str = "") -> list[FactRow]:
    """Values of a series, each with the source, file and line of the row behind it."""
    return [
        {"quarter": quarter_name(value.quarter), "name": name, "value": value.value, "unit": unit or _unit(row)}
        | {"confidence": value.confidence, **_origin_of(row)}
        for value in series
        for row in (_row_behind(rows, value),)
    ]


def _row_behind(rows: Sequence[Valued], value: Observation) -> Row:
    """The row that gives a value; an imputed value has that of its quarter or its year."""
    of_quarter = [
        (row, number)
        for row, number in rows
        if number is not None and row.quarter - getattr(row, "quarters", 1) < value.quarter <= row.quarter
    ]
    return next((row for row, number in of_quarter if number == value.value), of_quarter[0][0])


def _unit(row: Row) -> str:
    return row.unit if isinstance(row, MeasureRow) else ""


def _origin_of(row: Row) -> FactRow:
    return {"line": Path(row.where).name, "source": row.source}


def _adoption(facts: Facts) -> list[FactRow]:
    rows: list[Valued] = [(row, row.value) for row in facts.adoption_rows]
    return [
        told
        for name in sorted(facts.topics["adoption measure"])
        for told in _observed(name, facts.adoption(name), _of_measure(rows, name), "frac")
    ]


def _supply(facts: Facts) -> list[FactRow]:
    rows: list[Valued] = [(row, row.value) for row in facts.supply_rows]
    return [
        told
        for name in sorted(facts.topics["supply measure"])
        for told in _observed(name, facts.supply(name), _of_measure(rows, name))
    ]


def _shares(facts: Facts) -> list[FactRow]:
    rows: list[Valued] = [(row, row.value) for row in facts.share_rows]
    return [
        told
        for name in sorted({row.measure for row in facts.share_rows})
        for told in _observed(name, facts.market_share_observations(name), _of_measure(rows, name), "frac")
    ]


def _of_measure(rows: Iterable[Valued], name: str) -> list[Valued]:
    return [(row, value) for row, value in rows if isinstance(row, MeasureRow) and row.measure == name]


def _capex(facts: Facts) -> list[FactRow]:
    return [
        told
        for name in sorted({row.company for row in facts.capex_rows})
        for told in _observed(
            name,
            facts.capex_observations(name),
            [(row, row.capex_usd_bn) for row in facts.capex_rows if row.company == name],
            "USD bn/quarter",
        )
    ]


def _cloud(facts: Facts, column: str, series: Callable[[str], list[Observation]], unit: str) -> list[FactRow]:
    return [
        told
        for name in sorted({row.company for row in facts.cloud_rows})
        for told in _observed(
            name, series(name), [(row, getattr(row, column)) for row in facts.cloud_rows if row.company == name], unit
        )
    ]


def _labs(facts: Facts) -> list[FactRow]:
    return [
        {"measure": measure, **told}
        for measure in LAB_MEASURES
        for lab in sorted(facts.topics["lab"])
        for told in _observed(
            lab, facts.lab_series(lab, measure), _lab_rows_behind(facts, lab, measure), LAB_UNITS[measure]
        )
    ]


def _lab_rows_behind(facts: Facts, lab: str, measure: str) -> list[Valued]:
    rows: list[Valued] = [(row, getattr(row, measure)) for row in facts.lab_rows if row.lab == lab]
    if measure == "compute_gw":
        rows += [(row, row.value) for row in facts.supply_rows if row.measure == f"Compute in use, {lab}"]
    return rows


def _deals(facts: Facts) -> list[FactRow]:
    rows = {row.slug: row for row in facts.deal_rows}
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
            **_origin_of(rows[deal.slug]),
        }
        for deal in facts.disclosed_deals()
    ]


SERIES: dict[str, tuple[str, Callable[[Facts], list[FactRow]]]] = {
    "adoption": ("Business adoption of AI and labs' shares of spending", _adoption),
    "backlog": (
        "Contracted revenue not yet delivered",
        lambda facts: _cloud(facts, "backlog_usd_bn", facts.backlog_observations, "USD bn"),
    ),
    "capex": ("Purchases of property and equipment", _capex),
    "cloud-revenue": (
        "Revenue of the cloud segments",
        lambda facts: _cloud(facts, "revenue_usd_bn", facts.cloud_revenue_observations, "USD bn/quarter"),
    ),
    "deals": ("Disclosed deals, with the role each plays in the model", _deals),
    "labs": ("Valuation, run-rate revenue, rounds and compute of the labs", _labs),
    "market-share": ("Shares of cloud infrastructure services", _shares),
    "supply": ("Accelerator sales, compute stocks and their trends", _supply),
}


def facts_rows(series: str, facts: Facts) -> list[FactRow]:
    """The rows of one series, or the values of one target (`run_rate[OpenAI]`) with their ranges.

    Raises FactsError for a name that is neither, with the nearest one.
    """
    if series in SERIES:
        return SERIES[series][1](facts)
    try:
        wanted = target(series)
        values = wanted.observed(facts)
    except FactsError:
        close = get_close_matches(series, [*SERIES, *target_names(facts)], n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        allowed = f"{', '.join(SERIES)}, or a target as `cloudpact facts --targets` lists them"
        raise FactsError(f"no series {series!r}; allowed: {allowed}{hint}") from None
    return [
        {"quarter": quarter_name(value.quarter), "value": value.value, "low": value.low, "high": value.high}
        | {"unit": wanted.unit, "confidence": value.confidence, "source": value.source}
        for value in values
    ]


def show_facts(series: str | None, folder: Path | None, as_json: bool) -> str:
    """What `cloudpact facts` prints: the series there are, or the rows of one."""
    facts = _loaded(folder)
    return _shown(facts_rows(series, facts) if series else [_overview(name, facts) for name in SERIES], as_json)


def show_targets(folder: Path | None, as_json: bool) -> str:
    """What `cloudpact facts --targets` prints: which target, origin and horizon the facts admit."""
    facts = _loaded(folder)
    rows = admitted(facts, ORIGINS, HORIZONS)
    if as_json:
        return _shown(
            [
                {"target": row.target, "origin": row.origin, "known": row.known, "horizons": list(row.horizons)}
                for row in rows
            ],
            as_json,
        )
    head = [
        f"Latest origin: {quarter_name(facts.latest_origin)}.",
        "A cell: values known at the origin: quarters ahead at which a fact exists.",
    ]
    return "\n".join([*head, _shown(admitted_cells(rows), as_json)])


def _loaded(folder: Path | None) -> Facts:
    facts = Facts.load(folder)
    for note in facts.notes:
        typer.echo(f"cloudpact: note: {note}", err=True)
    return facts


def _shown(rows: Sequence[FactRow], as_json: bool) -> str:
    from cloudpact.commands_run import json_text

    return json_text(rows) if as_json else _table(rows, get_terminal_size((_UNFOLDED, 24)).columns)


def _overview(name: str, facts: Facts) -> FactRow:
    rows = facts_rows(name, facts)
    times = sorted(row.get("quarter") or row["date"] for row in rows)
    first, last = (times[0], times[-1]) if times else ("", "")
    return {"series": name, "rows": len(rows), "first": first, "last": last, "what": SERIES[name][0]}


def _table(rows: Sequence[FactRow], columns: int) -> str:
    """Aligned columns; where they do not fit the terminal, a row goes on in indented lines."""
    if not rows:
        return "no rows"
    lines = [list(rows[0]), *([_cell(value) for value in row.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    aligned = (
        "  ".join(f"{cell:{width}}" for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )
    return "\n".join(_folded(line, max(columns, 20)) for line in aligned)


def _folded(line: str, columns: int) -> str:
    return textwrap.fill(line, columns, subsequent_indent="    ", break_on_hyphens=False)


def _cell(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
