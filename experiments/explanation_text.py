"""An explanation in words, for a terminal 80 columns wide."""

from __future__ import annotations

import textwrap
from typing import Any

from experiments.deal_text import conditions_text, terms_text
from experiments.frontier_text import LETTERS, frontier_text
from market.bargaining.explanation import RIVAL

WIDTH = 78
FIRST, LAST = 4, 3  # rounds shown of a long exchange of offers
PROTOCOLS = {
    "nash": "Nash bargaining",
    "kalai_smorodinsky": "Kalai-Smorodinsky",
    "alternating_offers": "alternating offers",
    "concession": "concession tactics",
    "screening": "offers to an unknown reservation value",
    "auction": "first-price auction among providers",
    "nash_in_nash": "Nash-in-Nash",
    "nash_in_nash_replacement": "Nash-in-Nash with threat of replacement",
    "nash_in_shapley": "Nash-in-Shapley",
}
# Issue: (label, unit, factor, digits)
ISSUES = {
    "gw": ("capacity", "GW", 1.0, 3),
    "term_quarters": ("term", "quarters", 1.0, 0),
    "take_or_pay_frac": ("take-or-pay share", "%", 100.0, 1),
    "clause": ("exclusivity", "", 1.0, 0),
    "discount_frac": ("discount", "%", 100.0, 2),
    "equity_usd_bn": ("equity", "USD bn", 1.0, 3),
    "upfront_frac": ("paid at signing", "%", 100.0, 1),
    "milestone": ("the rest waits for", "", 1.0, 0),
    "warrant_stake_frac": ("stake by warrants", "%", 100.0, 2),
    "revenue_share_frac": ("share of lab's revenue", "%", 100.0, 2),
}
# Unit of a limit: (what one more of it is called, size of the step in the unit)
STEPS = {"GW": ("one more GW", 1.0), "USD bn": ("USD 1 bn more", 1.0), "frac": ("one percentage point more", 0.01)}


def explanation_text(told: dict[str, Any]) -> str:
    """The explanation for people, as `experiments.explain.explanation` tells it in data."""
    deal, negotiation = told["deal"], told["negotiation"]
    title = f"{deal['deal']}: {deal['provider']} and {deal['lab']}, signed {deal['quarter']} (now {deal['status']})"
    parts = [title, terms_text(deal, told["imputed"]), *conditions_text(deal)]
    if negotiation is None:
        return "\n\n".join([*parts, _without_talks(deal, told["imputed"])])
    found, lab, provider = negotiation["explained"], negotiation["lab"], negotiation["provider"]
    parts += [_why(found, lab, provider, negotiation["rounds"])]
    parts += [_components(found["sides"][side], name) for side, name in (("lab", lab), ("provider", provider))]
    parts += [_constraints(found["constraints"], lab, provider), _edges(found["edges"])]
    parts += [_proposals(found["proposals"], lab, provider), _rivals(found, lab)]
    parts += [frontier_text(found, lab, provider), _solutions(found["solutions"], lab, provider)]
    parts += [_convergence(found["convergence"])]
    return "\n\n".join(part for part in parts if part)


def filled(text: str, indent: str = "") -> str:
    """A sentence or several, wrapped for the terminal."""
    return textwrap.fill(text, WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)


def _without_talks(deal: dict[str, Any], imputed: list[str]) -> str:
    if deal["origin"] != "disclosed":
        return "The negotiation behind this deal is not in the results."
    text = "This deal was signed as disclosed, not bargained: its date and parties are facts."
    if imputed:
        text += f"\nNot disclosed, and therefore imputed: {', '.join(name.replace('_', ' ') for name in imputed)}."
    return text


def _why(found: dict[str, Any], lab: str, provider: str, rounds: int) -> str:
    """Gains, protocol, weight, threat point and outside options in sentences."""
    gains = found["payoffs"]
    together = gains["lab"] + gains["provider"]
    text = [
        f"Over no deal this round {lab} gains {_bn(gains['lab'])} and {provider} {_bn(gains['provider'])},",
        f"together {_bn(together)}.",
        _protocol(found, lab),
    ]
    if rounds > 1:
        text.append(f"Signed in round {rounds} of the quarter's talks.")
    if found["threat"]["lab"] or found["threat"]["provider"]:
        threat = found["threat"]
        text.append(f"Threat point: {_bn(threat['lab'])} for {lab}, {_bn(threat['provider'])} for {provider}.")
    if found["floors"]["lab"] is not None:
        text.append(f"{lab} had to get at least {_bn(found['floors']['lab'])}, which it could have elsewhere.")
    if found["floors"]["provider"] is not None:
        text.append(f"{provider} had to get at least {_bn(found['floors']['provider'])}.")
    return "Why\n" + filled(" ".join(text), "  ")


def _protocol(found: dict[str, Any], lab: str) -> str:
    pair = "" if found["rule"] in (found["protocol"], "nash") else f", this pair by {PROTOCOLS[found['rule']]}"
    return f"Protocol: {PROTOCOLS[found['protocol']]}{pair}; bargaining weight of {lab} {found['lab_weight']:.2f} of 1."


def _components(parts: dict[str, dict[str, float]], name: str) -> str:
    """A line for each component that is not nil throughout, without the deal, with it, and the difference."""
    lines = [f"{f'{name}, USD bn':24}{'without':>12}{'with it':>12}{'gain':>12}"]
    columns = ("disagreement", "signed", "gain")
    idle = []
    for component, values in parts.items():
        if any(values[column] for column in columns):
            before, after, gain = (values[column] for column in columns)
            lines.append(f"  {component.replace('_', ' '):22}{before + 0.0:12,.3f}{after + 0.0:12,.3f}{gain:+12,.3f}")
        else:
            idle.append(component.replace("_", " "))
    before, after, gain = (sum(values[column] for values in parts.values()) for column in columns)
    lines.append(f"  {'together':22}{before + 0.0:12,.3f}{after + 0.0:12,.3f}{gain:+12,.3f}")
    if idle:
        lines.append(filled(f"No part in it: {', '.join(idle)}.", "  "))
    return "\n".join(lines)


def _constraints(constraints: list[dict[str, Any]], lab: str, provider: str) -> str:
    if not constraints:
        rest = "lifting any one of them, the lists of terms apart, leaves the terms as they are."
        return filled(f"No constraint bound: {rest}")
    return "\n".join(["What bound", *(filled(_bound(each, lab, provider), "  ") for each in constraints)])


def _bound(constraint: dict[str, Any], lab: str, provider: str) -> str:
    """A constraint's limit, and its shadow price in words."""
    name, limit, price = constraint["name"], constraint["limit"], constraint["shadow_price"]
    step, size = STEPS[constraint["unit"]]
    if name == RIVAL:
        step = "USD 1 bn less on offer elsewhere"
    level = f"{limit:.1%}" if constraint["unit"] == "frac" else f"{limit:,.3f} {constraint['unit']}"
    if price is None:
        return f"{name}, {level}: without it the terms would differ; at this limit it has no shadow price."
    gains = {side: price[side] * size for side in ("lab", "provider", "joint")}
    if not any(gains.values()):
        return f"{name}, {level}: without it the terms would differ; a little more or less of it changes nothing."
    return (
        f"{name}, {level}: by its shadow price {step} would have brought {lab} {_more(gains['lab'])} and {provider} "
        f"{_more(gains['provider'])} (together {gains['joint']:+,.3f})."
    )


def _more(gain: float) -> str:
    return f"USD {abs(gain):,.3f} bn {'less' if gain < 0.0 else 'more'}"


def _edges(edges: list[dict[str, Any]]) -> str:
    if not edges:
        return ""
    listed = (f"{_issue(edge['issue'], edge['level'])} ({edge['end']})" for edge in edges)
    return filled(f"At the edge of what was on the table: {', '.join(listed)}.")


def _issue(name: str, level: float) -> str:
    label, unit, factor, digits = ISSUES[name]
    return f"{label} {level * factor:,.{digits}f} {unit}"


def _proposals(proposals: list[dict[str, Any]], lab: str, provider: str) -> str:
    """Offers by round: the first ones and the last ones of a long exchange."""
    if not proposals:
        return ""
    lines = [f"{'Offers by round, USD bn':26}{lab[:14]:>15}{provider[:14]:>15}  answer"]
    shown = proposals if len(proposals) <= FIRST + LAST + 1 else [*proposals[:FIRST], None, *proposals[-LAST:]]
    for offer in shown:
        if offer is None:
            lines.append(f"   ... ({len(proposals) - FIRST - LAST} more)")
            continue
        by = lab if offer["proposer"] == "lab" else provider
        line = f"  {offer['round']:>4}  {by[:17]:18}{offer['lab']:15,.3f}{offer['provider']:15,.3f}  {offer['answer']}"
        lines.append(line)
    known = proposals[-1]["believed"]
    if known is not None:
        last = f"After the last offer the reservation gain was believed to lie in {known[0]:,.3f} to {known[1]:,.3f}."
        lines.append(filled(last, "  "))
    return "\n".join(lines)


def _rivals(found: dict[str, Any], lab: str) -> str:
    """What each rival offered the lab, the most it could have, and what it lacked to win."""
    if not found["rivals"]:
        together = found["convergence"] is not None
        return (
            "The lab talked with its providers together: no rival for this deal."
            if together
            else "No rival made an offer."
        )
    by_lab = found["protocol"] in ("auction", "nash_in_nash_replacement")
    lacked = f"gain of {lab}" if by_lab else "joint surplus"
    lines = [f"{f'Rivals: gain of {lab}, USD bn':34.34}{'offered':>12}{'at most':>12}{'lacked':>12}"]
    for rival in found["rivals"]:
        shown = (rival["offered"], rival["most"], rival["lacks"])
        numbers = "".join(f"{'-':>12}" if x is None else f"{x:12,.3f}" for x in shown)
        lines.append(f"  {rival['provider'][:31]:32}{numbers}")
        if rival["offered"] is None:
            lines.append(filled(f"no offer: {rival['reason']}", "    "))
    most = f"At most: what it could give without loss. Lacked: {lacked} that it would have needed more to win."
    return "\n".join([*lines, filled(most, "  ")])


def _solutions(solutions: dict[str, dict[str, float]], lab: str, provider: str) -> str:
    """Payoffs of each solution concept and how far the signed terms are from it, the nearest first."""
    lines = [f"{'Solution concepts, USD bn':26}{lab[:14]:>15}{provider[:14]:>15}{'distance':>12}"]
    for name, found in sorted(solutions.items(), key=lambda item: item[1]["distance"]):
        numbers = f"{found['lab']:15,.3f}{found['provider']:15,.3f}{found['distance']:12,.3f}"
        lines.append(f"  {LETTERS[name]}  {name:21}{numbers}")
    lines.append(filled("Floors and reservation values apart, over the terms on the table and between them.", "  "))
    return "\n".join(lines) if solutions else ""


def _convergence(report: dict[str, Any] | None) -> str:
    """How the fixed point of a lab's simultaneous talks was found."""
    if report is None:
        return ""
    sweeps = f"{report['iterations']} sweeps over the pairs, {report['updating']}"
    if report["converged"]:
        text = f"The lab's talks with all providers are a fixed point, found in {sweeps}."
    else:
        cycle = f"they repeat every {report['cycle_length']} sweeps" if report["cycle_length"] else "they kept changing"
        change = f"the largest change of a side's gain in the next sweep is {_bn(report['largest_change_usd_bn'])}"
        text = f"No fixed point of the lab's talks with all providers was found in {sweeps}: {cycle}; {change}."
    if not report["network_stable"]:
        text += " The lab had room for another provider with gains, but with it some other deal falls through."
    return filled(text)


def _bn(value: float) -> str:
    return f"USD {value:,.3f} bn"
