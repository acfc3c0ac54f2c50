"""A deal's terms in words: the term sheet of `cloudpact explain`, with the labels that the report uses too."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from market.calendar import quarter_name
from market.deals import Trigger

# Field of the deals table: (label, unit, digits, names under which `imputed` may list it)
TERMS: dict[str, tuple[str, str, int, tuple[str, ...]]] = {
    "kind": ("kind", "", 0, ()),
    "amends": ("amends", "", 0, ()),
    "gw": ("capacity", "GW", 3, ("gw",)),
    "start_quarter": ("first delivery", "", 0, ("start",)),
    "term_quarters": ("term", "quarters", 0, ("term",)),
    "commitment_usd_bn": ("compute commitment", "USD bn", 2, ("commitment",)),
    "price_usd_bn_per_gw_quarter": ("price", "USD bn per GW-quarter", 3, ("price",)),
    "discount_frac": ("discount", "%", 1, ("discount",)),
    "take_or_pay_frac": ("take-or-pay share", "%", 0, ("take_or_pay",)),
    "exclusivity": ("exclusivity", "", 0, ("exclusivity",)),
    "exclusive_until": ("exclusive until", "", 0, ("exclusive_until",)),
    "equity_usd_bn": ("equity, all tranches", "USD bn", 2, ("equity",)),
    "upfront_usd_bn": ("equity paid at signing", "USD bn", 2, ("upfront", "tranches")),
    "pre_money_usd_bn": ("pre-money valuation", "USD bn", 1, ("pre_money",)),
    "stake_frac": ("stake bought", "%", 2, ("stake",)),
    "warrant_stake_frac": ("stake by warrants", "%", 2, ("warrants",)),
    "revenue_share_frac": ("share of lab's revenue", "%", 1, ("revenue_share",)),
}
COMPUTE_TERMS = (
    "commitment_usd_bn",
    "gw",
    "start_quarter",
    "term_quarters",
    "price_usd_bn_per_gw_quarter",
    "discount_frac",
    "take_or_pay_frac",
)
EQUITY_TERMS = ("upfront_usd_bn", "pre_money_usd_bn", "stake_frac")
RARE_TERMS = ("warrant_stake_frac", "revenue_share_frac")


def terms_left_out(deal: Mapping[str, Any]) -> tuple[str, ...]:
    """Terms that say nothing: those of compute or of equity in a deal without, and rare ones at nil."""
    compute = () if deal.get("gw") else COMPUTE_TERMS
    equity = () if deal.get("equity_usd_bn") else EQUITY_TERMS
    return (*compute, *equity, *(name for name in RARE_TERMS if not deal.get(name)))


def terms_text(deal: dict[str, Any], imputed: list[str]) -> str:
    """The term sheet, a line a term, imputed ones marked."""
    left_out = terms_left_out(deal)
    lines = ["Term sheet"]
    for name, (label, unit, digits, marks) in TERMS.items():
        value = deal[name]
        if value is None or value == "" or name in left_out:
            continue
        mark = "  (imputed)" if set(marks) & set(imputed) else ""
        lines.append(f"  {label:24}{_value(value, unit, digits)}{mark}")
    return "\n".join(lines)


def _value(value: Any, unit: str, digits: int) -> str:
    if isinstance(value, str):
        return value.replace("_", " ")
    number = f"{value * 100 if unit == '%' else value:,.{digits}f}"
    return f"{number} {unit}".strip()


def conditions_text(deal: dict[str, Any]) -> list[str]:
    """Tranches, warrants and events, a block each, one line an entry."""
    tranches = [_tranche(entry) for entry in json.loads(deal["tranches"] or "[]")]
    warrants = [_warrant(entry) for entry in json.loads(deal["warrants"] or "[]")]
    events = [f"{quarter}  {event}" for quarter, event in json.loads(deal["events"] or "[]")]
    blocks = {"Tranches": tranches, "Warrants": warrants, "What became of it": events}
    return ["\n".join([title, *(f"  {line}" for line in lines)]) for title, lines in blocks.items() if lines]


def _tranche(entry: dict[str, Any]) -> str:
    paid = "paid" if entry["paid"] else "not paid"
    return f"USD {entry['amount_usd_bn']:,.2f} bn {_condition(entry['trigger'], entry['threshold'])}: {paid}"


def _warrant(entry: dict[str, Any]) -> str:
    condition = _condition(entry["trigger"], entry["threshold"])
    return f"{entry['holder']} gets {entry['stake_frac']:.2%} of {entry['issuer']} {condition}"


def _condition(trigger: str, threshold: float) -> str:
    """What a tranche or a warrant waits for, in words."""
    match Trigger(trigger):
        case Trigger.DATE:
            return f"in {quarter_name(int(threshold))}"
        case Trigger.GW_LIVE:
            return f"once {threshold:,.3g} GW are live"
        case Trigger.REVENUE:
            return f"once the run-rate reaches USD {threshold:,.4g} bn"
        case Trigger.VALUATION:
            return f"once the valuation reaches USD {threshold:,.4g} bn"
