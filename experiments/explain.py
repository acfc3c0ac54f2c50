"""Why a deal was signed on its terms, in numbers (`explanation`) and in words (`explanation_text`)."""

from __future__ import annotations

import json
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from cloudpact.results import ResultsError
from market.calendar import quarter_name
from market.deals import Trigger

if TYPE_CHECKING:
    import pandas as pd

    from cloudpact.results import Results

# Field of the deals table: (label, unit, digits, names under which `imputed` may list it)
TERMS: dict[str, tuple[str, str, int, tuple[str, ...]]] = {
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
SIDES = ("lab", "provider")


def explanation(results: Results, deal: str) -> dict[str, Any]:
    """The terms of a deal and, for a simulated one, the negotiation that led to it, as plain data.

    Raises ResultsError for a deal that the results do not hold.
    """
    row = _deal(results.deals, deal)
    told = {"deal": row, "imputed": [name.strip() for name in row["imputed"].split(",") if name.strip()]}
    negotiations = results.negotiations
    found = negotiations[(negotiations["deal"] == deal) & (negotiations["run"] == row["run"])]
    if row["origin"] != "simulated" or found.empty:
        return {**told, "negotiation": None}
    negotiation = _plain(found.iloc[-1])
    return {**told, "negotiation": {**negotiation, "trace": _finite(json.loads(negotiation["trace"] or "{}"))}}


def _deal(deals: pd.DataFrame, name: str) -> dict[str, Any]:
    found = deals[deals["deal"] == name].sort_values("run")
    if not found.empty:
        return _plain(found.iloc[0])
    known = list(dict.fromkeys(deals["deal"]))
    close = get_close_matches(name, known, n=1, cutoff=0.4)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    kinds = (
        f"allowed: the {len(known)} names in column deal of deals.parquet, such as {known[0]!r}"
        if known
        else "it has no deals"
    )
    raise ResultsError(f"no deal {name!r} in this run; {kinds}{hint}")


def _plain(row: pd.Series[Any]) -> dict[str, Any]:
    """A table's row in the types of JSON: missing and infinite values become None."""
    values = {str(name): value.item() if hasattr(value, "item") else value for name, value in row.items()}
    return {name: None if _absent(value) else value for name, value in values.items()}


def _finite(value: Any) -> Any:
    """JSON data without the numbers that JSON does not know."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return None if _absent(value) else value


def _absent(value: Any) -> bool:
    return isinstance(value, float) and not abs(value) < float("inf")


def explanation_text(told: dict[str, Any]) -> str:
    """The explanation for people."""
    deal, negotiation = told["deal"], told["negotiation"]
    title = f"{deal['deal']}: {deal['provider']} and {deal['lab']}, signed {deal['quarter']} (now {deal['status']})"
    parts = [title, _terms_text(deal, told["imputed"]), *_conditions(deal)]
    if negotiation is None:
        parts.append(_disclosed_text(deal, told["imputed"]))
    else:
        parts += [_why(negotiation), _components_text(negotiation["trace"].get("components", {}))]
        parts += [_concepts_text(negotiation["trace"].get("distances", {}))]
    return "\n\n".join(part for part in parts if part)


def _terms_text(deal: dict[str, Any], imputed: list[str]) -> str:
    left_out = (*(() if deal["gw"] else COMPUTE_TERMS), *(() if deal["equity_usd_bn"] else EQUITY_TERMS))
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


def _conditions(deal: dict[str, Any]) -> list[str]:
    """Tranches, warrants and events, one line each."""
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


def _disclosed_text(deal: dict[str, Any], imputed: list[str]) -> str:
    if deal["origin"] != "disclosed":
        return "The negotiation behind this deal is not in the results."
    text = "This deal was signed as disclosed, not bargained: its date and parties are facts."
    if imputed:
        text += f"\nNot disclosed, and therefore imputed: {', '.join(name.replace('_', ' ') for name in imputed)}."
    return text


def _why(negotiation: dict[str, Any]) -> str:
    """The outcome in sentences: gains over no deal, the constraint that bound, the rival's offer."""
    lab, provider = negotiation["lab"], negotiation["provider"]
    lines = [
        f"Why: over no deal this round {lab} gains {_bn(negotiation['lab_utility_usd_bn'])} and {provider} "
        f"{_bn(negotiation['provider_utility_usd_bn'])},",
        f"together {_bn(negotiation['joint_surplus_usd_bn'])}, after {negotiation['rounds']} "
        f"round{'s' * (negotiation['rounds'] != 1)} ({negotiation['reason']}).",
    ]
    weight = negotiation["trace"].get("lab_weight")
    if weight is not None:
        lines.append(f"Bargaining weight of {lab}: {weight:.2f} of 1.")
    for side, party in (("lab", lab), ("provider", provider)):
        lines += _most(party, negotiation["trace"].get("components", {}).get(side, {}))
    return "\n".join([*lines, _constraint_text(negotiation["constraint"]), _rival_text(negotiation)])


def _most(party: str, components: dict[str, float]) -> list[str]:
    """The largest gain and the largest cost of one side, as a sentence."""
    if not components:
        return []
    best, worst = max(components, key=components.__getitem__), min(components, key=components.__getitem__)
    sentence = f"For {party} counted most: {best.replace('_', ' ')} ({components[best]:+,.2f})"
    if components[worst] < 0:
        sentence += f", and against it {worst.replace('_', ' ')} ({components[worst]:+,.2f})"
    return [sentence + "."]


def _constraint_text(constraint: str | None) -> str:
    if constraint in (None, "", "none"):
        return "No constraint bound: lifting any one of them, the lists of terms apart, leaves the terms as they are."
    return f"Bound by: {constraint}; without it the terms would differ."


def _rival_text(negotiation: dict[str, Any]) -> str:
    rival, utility = negotiation["best_rival"], negotiation["best_rival_lab_utility_usd_bn"]
    if not rival or utility is None:
        return "No rival made an offer: the lab's floor was no deal."
    return f"Best rival offer: {rival}, worth {_bn(utility)} to {negotiation['lab']}: the floor under its gain."


def _components_text(components: dict[str, dict[str, float]]) -> str:
    blocks = []
    for side in SIDES:
        parts = sorted(components.get(side, {}).items(), key=lambda part: -abs(part[1]))
        if parts:
            lines = [f"  {name.replace('_', ' '):24}{value:+12,.3f}" for name, value in parts if value]
            total = f"  {'sum':24}{sum(value for _, value in parts):+12,.3f}"
            blocks.append("\n".join([f"Gain of the {side}, by component (USD bn)", *lines, total]))
    return "\n\n".join(blocks)


def _concepts_text(distances: dict[str, float]) -> str:
    if not distances:
        return ""
    lines = [f"  {name:24}{value:12,.3f}" for name, value in sorted(distances.items(), key=lambda item: item[1])]
    return "\n".join(["Distance of the terms to other solutions (USD bn of both gains)", *lines])


def _bn(value: float | None) -> str:
    return "an unknown amount" if value is None else f"USD {value:,.2f} bn"
