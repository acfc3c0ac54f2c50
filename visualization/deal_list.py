"""The deal list of the report: every deal of one run, its term sheet, and why it was signed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from market.calendar import quarter_name
from visualization.chart import shown
from visualization.markup import csv_link, text
from visualization.quantiles import Tables, table

_COLUMNS = ("Quarter", "Lab", "Provider", "Origin", "Equity, $bn", "Committed, $bn", "GW", "Years", "Exclusivity", "Status")
_TERMS = (
    ("Equity, headline", "equity_usd_bn", "USD bn"), ("Equity upfront", "upfront_usd_bn", "USD bn"),
    ("Pre-money valuation", "pre_money_usd_bn", "USD bn"), ("Stake", "stake_frac", "%"), ("Capacity", "gw", "GW"),
    ("Starts", "start_quarter", ""), ("Term", "term_quarters", "quarters"), ("Commitment", "commitment_usd_bn", "USD bn"),
    ("Price", "price_usd_bn_per_gw_quarter", "USD bn per GW-quarter"), ("Discount", "discount_frac", "%"),
    ("Take-or-pay share", "take_or_pay_frac", "%"), ("Exclusivity", "exclusivity", ""), ("Exclusive until", "exclusive_until", ""),
)


def deal_list(tables: Tables, run: int = 0) -> str:
    """A sortable table of the deals of one run, newest first; each opens its term sheet."""
    deals = table(tables, "deals", "run", "deal", "quarter", "provider", "lab", "origin", "status", "imputed")
    deals = deals[deals["run"] == run].sort_values(["quarter", "number"], ascending=False, kind="stable")
    reasons = _negotiations(tables, run)
    head = "".join(f'<th scope="col" class="{_css(name)}" aria-sort="{"descending" if name == "Quarter" else "none"}">'
                   f'<button type="button" class="sort">{text(name)}</button></th>' for name in _COLUMNS)
    body = "".join(_deal_rows(i, row, reasons.get(str(row["deal"]))) for i, row in enumerate(deals.to_dict("records")))
    download = csv_link(f"deals-run-{run}", list(deals.columns), _csv_rows(deals))
    return f"""<div class="scroll deals" tabindex="0" role="region" aria-label="Deals"><table id="deals">
<thead><tr>{head}<th scope="col"><span class="hidden-text">Term sheet</span></th></tr></thead>
<tbody>{body}</tbody></table></div><p id="deal-count" role="status">{len(deals)} deals</p>
<div class="behind">{download}</div>"""


def _csv_rows(deals: pd.DataFrame) -> list[list[Any]]:
    return [[None if _absent(value) else value for value in row] for row in deals.itertuples(index=False)]


def _negotiations(tables: Tables, run: int) -> dict[str, Mapping[str, Any]]:
    """The trace of each signed negotiation, by deal."""
    if "negotiations" not in tables or tables["negotiations"].empty:
        return {}
    rows = table(tables, "negotiations", "run", "deal", "outcome", "trace")
    return {str(row["deal"]): row for row in rows[(rows["run"] == run) & (rows["deal"] != "")].to_dict("records")}


def _css(column: str) -> str:
    return "c-" + column.split(",")[0].lower().replace(" ", "-")


def _deal_rows(position: int, deal: Mapping[str, Any], negotiation: Mapping[str, Any] | None) -> str:
    """The line of a deal and, below it, the hidden line that holds its term sheet."""
    numbers = (deal.get("equity_usd_bn"), deal.get("commitment_usd_bn"), deal.get("gw"), _years(deal.get("term_quarters")))
    imputed = _names(deal.get("imputed"))
    marks = ("equity_usd_bn", "commitment_usd_bn", "gw", "term_quarters")
    values = [f'<td class="n {_css(column)}" data-value="{_key(value)}">{_number(value)}'
              f"{_imputed_mark(name in imputed)}</td>"
              for column, value, name in zip(_COLUMNS[4:8], numbers, marks, strict=True)]
    origin = text(deal["origin"])
    label = f"{text(deal['provider'])} and {text(deal['lab'])}, {text(deal['quarter'])}"
    cells = [f'<td class="c-quarter">{text(deal["quarter"])}</td>', f'<td class="c-lab">{text(deal["lab"])}</td>',
             f'<td class="c-provider">{text(deal["provider"])}</td>',
             f'<td class="c-origin"><span class="origin origin-{origin}">{origin}</span></td>', *values,
             f'<td class="c-exclusivity">{_word(deal.get("exclusivity"))}</td>',
             f'<td class="c-status">{_word(deal["status"])}</td>']
    return f'<tr class="deal" data-origin="{origin}">{"".join(cells)}<td><button type="button" class="open" ' \
           f'aria-expanded="false" aria-controls="sheet-{position}" aria-label="Term sheet: {label}">Open</button></td></tr>' \
           f'<tr class="sheet" id="sheet-{position}"><td colspan="{len(_COLUMNS) + 1}">' \
           f"{_sheet(deal, imputed)}{_why(negotiation, str(deal['origin']))}</td></tr>"


def _sheet(deal: Mapping[str, Any], imputed: frozenset[str]) -> str:
    terms = "".join(f"<div><dt>{label}</dt><dd>{_term(deal.get(name), unit)}{_imputed_mark(name in imputed, True)}</dd></div>"
                    for label, name, unit in _TERMS if not _absent(deal.get(name)))
    tranches = [f"{shown(_float(t.get('amount_usd_bn')))} USD bn on {_trigger(t)}" for t in _json_list(deal.get("tranches"))]
    warrants = [f"{w.get('issuer')} gives {w.get('holder')} {shown(100 * _float(w.get('stake_frac')))} % on {_trigger(w)}"
                for w in _json_list(deal.get("warrants"))]
    return f'<div class="sheet-body"><h4>Term sheet <code>{text(deal["deal"])}</code></h4><dl class="terms">{terms}</dl>' \
           f"{_list('Tranches', tranches)}{_list('Warrants', warrants)}{_list('What became of it', _events(deal.get('events')))}</div>"


def _why(negotiation: Mapping[str, Any] | None, origin: str) -> str:
    """Both parties' gains by component, the rival's offer, and the constraint that bound."""
    if negotiation is None:
        reason = "It was disclosed: its terms are facts or imputed, not bargained by the model." if origin == "disclosed" \
            else "No trace of its negotiation was kept."
        return f'<div class="why"><h4>Why this deal</h4><p>{reason}</p></div>'
    components = _json_dict(negotiation.get("trace")).get("components") or {}
    bars = "".join(_waterfall(f"Gain of {side}", components[key]) for key, side in
                   (("lab", "the lab"), ("provider", "the provider")) if isinstance(components.get(key), dict))
    rival = negotiation.get("best_rival")
    offer = f"The best rival was {text(rival)}, worth {shown(_float(negotiation.get('best_rival_lab_utility_usd_bn')))} USD bn " \
            "to the lab." if rival and not _absent(rival) else "There was no rival offer."
    bound = negotiation.get("constraint")
    constraint = f" What bound the terms: {text(bound)}." if bound and not _absent(bound) and bound != "none" else \
        " No constraint bound."
    surplus = shown(_float(negotiation.get("joint_surplus_usd_bn")))
    return f'<div class="why"><h4>Why this deal</h4><p>Joint surplus {surplus} USD bn. {offer}{constraint}</p>' \
           f'<div class="falls">{bars}</div></div>'


def _waterfall(title: str, components: Mapping[str, Any]) -> str:
    """Bars that start where the one before ended, and their sum."""
    steps, total = [], 0.0
    for name, value in components.items():
        steps.append((str(name).replace("_", " "), total, total + _float(value)))
        total += _float(value)
    steps.append(("sum", 0.0, total))
    low = min(0.0, *(min(a, b) for _, a, b in steps))
    span = (max(0.0, *(max(a, b) for _, a, b in steps)) - low) or 1.0
    rows = "".join(_fall(name, a, b, low, span) for name, a, b in steps)
    return f'<table class="fall"><caption>{title}, USD bn</caption><tbody>{rows}</tbody></table>'


def _fall(name: str, start: float, end: float, low: float, span: float) -> str:
    left, width = 100 * (min(start, end) - low) / span, max(100 * abs(end - start) / span, 0.6)
    sign = "sum" if name == "sum" else "gain" if end >= start else "loss"
    number = ("+" if end >= start and sign != "sum" else "−" if end < start else "") + shown(abs(end - start))
    return f'<tr class="{sign}"><th scope="row">{text(name)}</th><td class="step"><span style="margin-left:{left:.1f}%;' \
           f'width:{width:.1f}%"></span></td><td class="n">{number}</td></tr>'


def _imputed_mark(imputed: bool, in_words: bool = False) -> str:
    if not imputed:
        return ""
    return ' <span class="kind kind-imputed">◧ imputed</span>' if in_words else \
        '<abbr class="imputed" title="imputed">◧</abbr>'


def _names(value: Any) -> frozenset[str]:
    return frozenset() if _absent(value) else frozenset(name.strip() for name in str(value).split(",") if name.strip())


def _absent(value: Any) -> bool:
    return value is None or value is pd.NaT or (isinstance(value, float) and value != value) or value is pd.NA


def _float(value: Any) -> float:
    return float("nan") if _absent(value) else float(value)


def _years(quarters: Any) -> float:
    return _float(quarters) / 4


def _number(value: Any) -> str:
    number = _float(value)
    return "–" if number == 0 or number != number else shown(number).replace("-", "−")


def _key(value: Any) -> str:
    number = _float(value)
    return "" if number != number else f"{number:.6g}"


def _word(value: Any) -> str:
    return "–" if _absent(value) else text(str(value).replace("_", " "))


def _term(value: Any, unit: str) -> str:
    if isinstance(value, str):
        return _word(value)
    if float(value) == 0:
        return "none"
    return f"{shown(100 * float(value))} %" if unit == "%" else f"{shown(float(value))} {unit}".strip()


def _trigger(part: Mapping[str, Any]) -> str:
    kind, threshold = str(part.get("trigger", "date")), part.get("threshold", "")
    level = _when(threshold) if kind == "date" else shown(threshold) if isinstance(threshold, int | float) else str(threshold)
    words = {"date": "{}", "gw_live": "{} GW live", "revenue": "run-rate revenue of {} USD bn",
             "valuation": "a valuation of {} USD bn"}
    return words.get(kind, f"{kind} {{}}").format(level)


def _when(quarter: Any) -> str:
    """The name of a quarter given by name or by index."""
    return quarter_name(int(quarter)) if isinstance(quarter, int | float) else str(quarter)


def _events(value: Any) -> list[str]:
    """What became of the deal: pairs of quarter and words, or records of any shape."""
    found = json.loads(value) if isinstance(value, str) and value else []
    return [f"{_when(event[0])}: {event[1]}" if isinstance(event, list) and len(event) == 2 else
            ", ".join(map(str, event.values())) if isinstance(event, dict) else str(event) for event in found]


def _list(title: str, items: Sequence[str]) -> str:
    return f"<h5>{title}</h5><ul>{''.join(f'<li>{text(item)}</li>' for item in items)}</ul>" if items else ""


def _json_list(value: Any) -> list[dict[str, Any]]:
    found = json.loads(value) if isinstance(value, str) and value else []
    return [item for item in found if isinstance(item, dict)]


def _json_dict(value: Any) -> dict[str, Any]:
    found = json.loads(value) if isinstance(value, str) and value else {}
    return found if isinstance(found, dict) else {}
