"""A re-negotiation in words and numbers: the signed terms and the new ones side by side."""

from __future__ import annotations

from typing import Any

from experiments.explanation_text import ISSUES, filled

Row = tuple[str, str, str, str]


def renegotiation_text(told: dict[str, Any]) -> str:
    """What `experiments.renegotiate.renegotiate` found, for a terminal 80 columns wide."""
    names = {"lab": told["lab"], "provider": told["provider"]}
    title = f"{told['deal']}: {told['provider']} and {told['lab']}, signed {told['quarter']}, bargained again"
    parts = [title, _changes(told["changes"]), _verdict(told), _table("Terms", _terms(told))]
    parts.append(_table("Gains over no deal, USD bn", _gains(told, names)))
    parts += [_table(f"{names[side]}, USD bn", _components(told, side)) for side in names]
    return "\n\n".join(part for part in parts if part)


def _changes(changes: dict[str, list[Any]]) -> str:
    if not changes:
        return "Nothing is changed."
    return "\n".join(["Changed", *(f"  {name}: {_of(was)} -> {_of(now)}" for name, (was, now) in changes.items())])


def _of(value: Any) -> str:
    """A changed value; what is infinite or not told is none."""
    return "none" if value is None else f"{value:,.4g}" if isinstance(value, float) else str(value).replace("_", " ")


def _verdict(told: dict[str, Any]) -> str:
    """Whether a deal would have been signed, and what came of it."""
    before, after = told["before"], told["after"]
    if after["terms"] is None:
        return filled(f"No deal would have been signed: {told['reason']}.")
    if not told["signed"]:
        return filled(f"No deal would have been signed: {told['reason']}. What the two would have agreed on otherwise:")
    if after["terms"] == before["terms"]:
        return "The deal would have been signed on the same terms."
    return "The deal would have been signed on other terms."


def _terms(told: dict[str, Any]) -> list[Row]:
    """The protocol, the weight and every issue that either has, side by side."""
    before, after = told["before"], told["after"]
    rows: list[Row] = [
        ("protocol", before["rule"].replace("_", " "), after["rule"].replace("_", " "), ""),
        (f"weight of {told['lab']}"[:24], f"{before['lab_weight']:.2f}", f"{after['lab_weight']:.2f}", ""),
    ]
    for name, (label, unit, factor, digits) in ISSUES.items():
        was, now = before["terms"][name], (after["terms"] or {}).get(name)
        if _says_nothing(name, told):
            continue
        label = f"{label}, {unit}" if unit else label
        rows.append((label, *_side_by_side(was, now, factor, digits)))
    return rows


def _says_nothing(name: str, told: dict[str, Any]) -> bool:
    """Whether an issue is nil on both sides, or is about the payment of equity that there is not."""
    both = [side["terms"] for side in (told["before"], told["after"]) if side["terms"] is not None]
    if name in ("upfront_frac", "milestone"):
        return not any(terms["equity_usd_bn"] for terms in both)
    return name in ("warrant_stake_frac", "revenue_share_frac") and not any(terms[name] for terms in both)


def _side_by_side(was: Any, now: Any, factor: float = 1.0, digits: int = 3) -> tuple[str, str, str]:
    """Two values and their difference where they are numbers that differ."""
    if isinstance(was, str):
        return was.replace("_", " "), "-" if now is None else now.replace("_", " "), ""
    if now is None:
        return f"{was * factor:,.{digits}f}", "-", ""
    difference = f"{(now - was) * factor:+,.{digits}f}" if now != was else ""
    return f"{was * factor:,.{digits}f}", f"{now * factor:,.{digits}f}", difference


def _gains(told: dict[str, Any], names: dict[str, str]) -> list[Row]:
    before, after = told["before"]["gains"], told["after"]["gains"] or {}
    rows = [(name[:24], *_side_by_side(before[side], after.get(side))) for side, name in names.items()]
    joint = sum(after.values()) if after else None
    return [*rows, ("together", *_side_by_side(sum(before.values()), joint))]


def _components(told: dict[str, Any], side: str) -> list[Row]:
    """A side's gain by component, those that are nil in both left out; nothing without an agreement."""
    before, after = told["before"]["components"][side], (told["after"]["components"] or {}).get(side)
    if after is None:
        return []
    listed = [name for name in before if before[name] or after[name]]
    return [(name.replace("_", " "), *_side_by_side(before[name], after[name])) for name in listed]


def _table(title: str, rows: list[Row]) -> str:
    if not rows:
        return ""
    lines = [f"{title:26.26}{'as signed':>19}{'again':>20}{'change':>12}"]
    lines += [f"  {label:24}{was:>19}{now:>20}{change:>12}".rstrip() for label, was, now, change in rows]
    return "\n".join(lines)
