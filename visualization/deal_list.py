"""The deal list of the report: every deal of one run, each with its term sheet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from visualization.chart import shown
from visualization.markup import csv_link, text
from visualization.quantiles import Tables, records, table
from visualization.term_sheet import absent, as_float, imputed_mark, term_sheet, why, word

_COLUMNS = (
    "Quarter",
    "Lab",
    "Provider",
    "Origin",
    "Equity, $bn",
    "Committed, $bn",
    "GW",
    "Years",
    "Exclusivity",
    "Status",
)


def deal_list(tables: Tables, run: int = 0) -> str:
    """A sortable table of the deals of one run, newest first; each opens its term sheet."""
    deals = table(tables, "deals", "run", "deal", "quarter", "provider", "lab", "origin", "status", "imputed")
    deals = deals[deals["run"] == run].sort_values(["quarter", "number"], ascending=False, kind="stable")
    reasons = _negotiations(tables, run)
    head = "".join(
        f'<th scope="col" class="{_css(name)}" aria-sort="{"descending" if name == "Quarter" else "none"}">'
        f'<button type="button" class="sort">{text(name)}</button></th>'
        for name in _COLUMNS
    )
    body = "".join(_deal_rows(i, row, reasons.get(str(row["deal"]))) for i, row in enumerate(records(deals)))
    download = csv_link(f"deals-run-{run}", list(deals.columns), _csv_rows(deals))
    return f"""<div class="scroll deals" tabindex="0" role="region" aria-label="Deals"><table id="deals">
<thead><tr>{head}<th scope="col"><span class="hidden-text">Term sheet</span></th></tr></thead>
<tbody>{body}</tbody></table></div><p id="deal-count" role="status">{len(deals)} deals</p>
<div class="behind">{download}</div>"""


def _csv_rows(deals: pd.DataFrame) -> list[list[Any]]:
    return [[None if absent(value) else value for value in row] for row in deals.itertuples(index=False)]


def _negotiations(tables: Tables, run: int) -> dict[str, Mapping[str, Any]]:
    """The trace of each signed negotiation, by deal."""
    if "negotiations" not in tables or tables["negotiations"].empty:
        return {}
    rows = table(tables, "negotiations", "run", "deal", "outcome", "trace")
    return {str(row["deal"]): row for row in records(rows[(rows["run"] == run) & (rows["deal"] != "")])}


def _css(column: str) -> str:
    return "c-" + column.split(",")[0].lower().replace(" ", "-")


def _deal_rows(position: int, deal: Mapping[str, Any], negotiation: Mapping[str, Any] | None) -> str:
    """The line of a deal and, below it, the hidden line that holds its term sheet."""
    numbers = (
        deal.get("equity_usd_bn"),
        deal.get("commitment_usd_bn"),
        deal.get("gw"),
        _years(deal.get("term_quarters")),
    )
    imputed = _names(deal.get("imputed"))
    marks = ("equity_usd_bn", "commitment_usd_bn", "gw", "term_quarters")
    values = [
        f'<td class="n {_css(column)}" data-value="{_key(value)}">{_number(value)}{imputed_mark(name, imputed)}</td>'
        for column, value, name in zip(_COLUMNS[4:8], numbers, marks, strict=True)
    ]
    origin = text(deal["origin"])
    label = f"{text(deal['provider'])} and {text(deal['lab'])}, {text(deal['quarter'])}"
    cells = [
        f'<td class="c-quarter">{text(deal["quarter"])}</td>',
        f'<td class="c-lab">{text(deal["lab"])}</td>',
        f'<td class="c-provider">{text(deal["provider"])}</td>',
        f'<td class="c-origin"><span class="origin origin-{origin}">{origin}</span></td>',
        *values,
        f'<td class="c-exclusivity">{word(deal.get("exclusivity"))}</td>',
        f'<td class="c-status">{word(deal["status"])}</td>',
    ]
    return (
        f'<tr class="deal" data-origin="{origin}">{"".join(cells)}<td><button type="button" class="open" '
        f'aria-expanded="false" aria-controls="sheet-{position}" aria-label="Term sheet: {label}">Open</button></td>'
        "</tr>"
        f'<tr class="sheet" id="sheet-{position}"><td colspan="{len(_COLUMNS) + 1}">'
        f"{term_sheet(deal, imputed)}{why(negotiation, str(deal['origin']))}</td></tr>"
    )


def _names(value: Any) -> frozenset[str]:
    return frozenset() if absent(value) else frozenset(name.strip() for name in str(value).split(",") if name.strip())


def _years(quarters: Any) -> float:
    return as_float(quarters) / 4


def _number(value: Any) -> str:
    number = as_float(value)
    return "–" if number == 0 or number != number else shown(number).replace("-", "−")


def _key(value: Any) -> str:
    number = as_float(value)
    return "" if number != number else f"{number:.6g}"
