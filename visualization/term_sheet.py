"""The term sheet of a deal in words and numbers, and why it was signed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from experiments.deal_text import TERMS, terms_left_out
from market.calendar import quarter_name
from visualization.chart import shown
from visualization.markup import text

_SIDES = (("lab", "the lab"), ("provider", "the provider"))


def term_sheet(deal: Mapping[str, Any], imputed: frozenset[str]) -> str:
    """The terms as a list, imputed ones marked, then tranches, warrants and history."""
    left_out = terms_left_out(deal)
    terms = "".join(
        f"<div><dt>{label[0].upper()}{label[1:]}</dt>"
        f"<dd>{_term(deal.get(name), unit)}{imputed_mark(name, imputed, True)}</dd></div>"
        for name, (label, unit, _, _) in TERMS.items()
        if name not in left_out and not absent(deal.get(name))
    )
    tranches = [
        f"{shown(as_float(t.get('amount_usd_bn')))} USD bn on {_trigger(t)}{_paid(t)}"
        for t in _json_list(deal.get("tranches"))
    ]
    warrants = [
        f"{w.get('issuer')} gives {w.get('holder')} {shown(100 * as_float(w.get('stake_frac')))} % on {_trigger(w)}"
        for w in _json_list(deal.get("warrants"))
    ]
    return (
        f'<div class="sheet-body"><h3>Term sheet <code>{text(deal["deal"])}</code></h3><dl class="terms">{terms}</dl>'
        f"{_list('Tranches', tranches)}{_list('Warrants', warrants)}"
        f"{_list('What became of it', _events(deal.get('events')))}</div>"
    )


def why(negotiation: Mapping[str, Any] | None, origin: str) -> str:
    """Both parties' gains by component, the rival's offer, and the constraint that bound."""
    if negotiation is None:
        reason = (
            "It was disclosed: its terms are facts or imputed, not bargained by the model."
            if origin == "disclosed"
            else "No trace of its negotiation was kept."
        )
        return f'<div class="why"><h3>Why this deal</h3><p>{reason}</p></div>'
    components = _json_dict(negotiation.get("trace")).get("components") or {}
    bars = "".join(
        _waterfall(f"Gain of {side}", components[key]) for key, side in _SIDES if isinstance(components.get(key), dict)
    )
    rival = negotiation.get("best_rival")
    offer = (
        f"The best rival was {text(rival)}, worth {shown(as_float(negotiation.get('best_rival_lab_utility_usd_bn')))} "
        "USD bn to the lab."
        if rival and not absent(rival)
        else "There was no rival offer."
    )
    bound = negotiation.get("constraint")
    constraint = (
        f" What bound the terms: {text(bound)}."
        if bound and not absent(bound) and bound != "none"
        else " No constraint bound."
    )
    surplus = shown(as_float(negotiation.get("joint_surplus_usd_bn")))
    return (
        f'<div class="why"><h3>Why this deal</h3><p>Joint surplus {surplus} USD bn. {offer}{constraint}</p>'
        f'<div class="falls">{bars}</div></div>'
    )


def _waterfall(title: str, components: Mapping[str, Any]) -> str:
    """Bars that start where the one before ended, and their sum."""
    parts = {str(name).replace("_", " "): as_float(value) for name, value in components.items()}
    idle = [name for name, value in parts.items() if value == 0]
    steps, total = [], 0.0
    for name, value in parts.items():
        if value != 0:
            steps.append((name, total, total + value))
            total += value
    steps.append(("sum", 0.0, total))
    low = min(0.0, *(min(a, b) for _, a, b in steps))
    span = (max(0.0, *(max(a, b) for _, a, b in steps)) - low) or 1.0
    rows = "".join(_fall(name, a, b, low, span) for name, a, b in steps)
    zero = f'<tr class="zero"><td colspan="3">No part in it: {text(", ".join(idle))}.</td></tr>' if idle else ""
    return f'<table class="fall"><caption>{title}, USD bn</caption><tbody>{rows}{zero}</tbody></table>'


def _fall(name: str, start: float, end: float, low: float, span: float) -> str:
    left, width = 100 * (min(start, end) - low) / span, max(100 * abs(end - start) / span, 0.6)
    sign = "sum" if name == "sum" else "gain" if end >= start else "loss"
    number = ("+" if end >= start and sign != "sum" else "−" if end < start else "") + shown(abs(end - start))
    return (
        f'<tr class="{sign}"><th scope="row">{text(name)}</th><td class="step"><span style="margin-left:{left:.1f}%;'
        f'width:{width:.1f}%"></span></td><td class="n">{number}</td></tr>'
    )


def imputed_mark(name: str, imputed: frozenset[str], in_words: bool = False) -> str:
    """The sign of an imputed term, or nothing; `imputed` may name a term in a shorter way than its column."""
    if not imputed & {name, *TERMS[name][3]}:
        return ""
    if in_words:
        return ' <span class="kind kind-imputed">◧ imputed</span>'
    return '<abbr class="imputed" title="imputed">◧</abbr>'


def absent(value: Any) -> bool:
    """Whether a cell of a table is missing."""
    return value is None or value is pd.NaT or value is pd.NA or value == "" or value != value


def as_float(value: Any) -> float:
    """A cell as a number; NaN where it is missing."""
    return float("nan") if absent(value) else float(value)


def word(value: Any) -> str:
    """A name of a table as a word, escaped; a dash where it is missing."""
    return "–" if absent(value) else text(str(value).replace("_", " "))


def _term(value: Any, unit: str) -> str:
    if isinstance(value, str):
        return word(value)
    if float(value) == 0:
        return "none"
    return f"{shown(100 * float(value))} %" if unit == "%" else f"{shown(float(value))} {unit}".strip()


def _trigger(part: Mapping[str, Any]) -> str:
    kind, threshold = str(part.get("trigger", "date")), part.get("threshold", "")
    level = (
        _when(threshold)
        if kind == "date"
        else shown(threshold)
        if isinstance(threshold, int | float)
        else str(threshold)
    )
    words = {
        "date": "{}",
        "gw_live": "{} GW live",
        "revenue": "run-rate revenue of {} USD bn",
        "valuation": "a valuation of {} USD bn",
    }
    return words.get(kind, f"{kind} {{}}").format(level)


def _paid(tranche: Mapping[str, Any]) -> str:
    return {True: " (paid)", False: " (not paid)"}.get(tranche.get("paid", ""), "")


def _when(quarter: Any) -> str:
    """The name of a quarter given by name or by index."""
    return quarter_name(int(quarter)) if isinstance(quarter, int | float) else str(quarter)


def _events(value: Any) -> list[str]:
    """What became of the deal: pairs of quarter and words, or records of any shape."""
    found = json.loads(value) if isinstance(value, str) and value else []
    return [
        f"{_when(event[0])}: {event[1]}"
        if isinstance(event, list) and len(event) == 2
        else ", ".join(map(str, event.values()))
        if isinstance(event, dict)
        else str(event)
        for event in found
    ]


def _list(title: str, items: Sequence[str]) -> str:
    return f"<h4>{title}</h4><ul>{''.join(f'<li>{text(item)}</li>' for item in items)}</ul>" if items else ""


def _json_list(value: Any) -> list[dict[str, Any]]:
    found = json.loads(value) if isinstance(value, str) and value else []
    return [item for item in found if isinstance(item, dict)]


def _json_dict(value: Any) -> dict[str, Any]:
    found = json.loads(value) if isinstance(value, str) and value else {}
    return found if isinstance(found, dict) else {}
