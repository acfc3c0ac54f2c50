"""Dated policy rules and shocks as the conditions of a quarter."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from market.calendar import quarter_index
from market.scenario import Rule, Scenario, Shock


@dataclass(frozen=True, slots=True)
class Conditions:
    """What rules and shocks make of a quarter; every default is neutral.

    Factors on latent demand, training efficiency, investors' appetite, accelerator and power
    supply, egress friction and model switching cost; points of interest a quarter; whether new
    exclusivity is forbidden; the largest stake of one provider; the labs made to fail.
    """

    demand: float = 1.0
    efficiency: float = 1.0
    investors: float = 1.0
    accelerators: float = 1.0
    power: float = 1.0
    egress: float = 1.0
    interoperability: float = 1.0
    interest: float = 0.0
    exclusivity_banned: bool = False
    stake_cap: float = 1.0
    failing: frozenset[str] = frozenset()


_FACTORS = {
    "demand_collapse": "demand",
    "accelerator_shortage": "accelerators",
    "power_limit": "power",
    "efficiency_jump": "efficiency",
    "investor_exit": "investors",
    "egress_cap": "egress",
    "interoperability": "interoperability",
}


def in_force(entries: Iterable[Rule | Shock], quarter: int) -> list[Rule | Shock]:
    """Entries that hold in a quarter: from `since` on, up to but without `until`."""
    return [
        entry
        for entry in entries
        if quarter_index(entry.since) <= quarter and (not entry.until or quarter < quarter_index(entry.until))
    ]


def conditions_at(scenario: Scenario, quarter: int, deals_until: int) -> Conditions:
    """Conditions of a quarter under a scenario's rules and shocks.

    The undated `policy.exclusivity_ban` and `policy.stake_cap` hold for deals after the disclosed
    ones. Factors of the same kind multiply. A `disclosure` rule changes what is published, not what
    is done: with common information in talks it changes nothing here.
    """
    conditions = Conditions()
    if quarter > deals_until:
        conditions = replace(
            conditions, exclusivity_banned=scenario.policy.exclusivity_ban, stake_cap=scenario.policy.stake_cap
        )
    for entry in [*in_force(scenario.policy.rules, quarter), *in_force(scenario.shocks, quarter)]:
        conditions = _applied(conditions, entry, quarter)
    return conditions


def _applied(conditions: Conditions, entry: Rule | Shock, quarter: int) -> Conditions:
    field = _FACTORS.get(entry.kind)
    if field is not None:
        return replace(conditions, **{field: getattr(conditions, field) * entry.size})
    if entry.kind == "exclusivity_ban":
        return replace(conditions, exclusivity_banned=True)
    if entry.kind == "stake_cap":
        return replace(conditions, stake_cap=min(conditions.stake_cap, entry.size))
    if entry.kind == "interest_rate":
        return replace(conditions, interest=conditions.interest + entry.size)
    if isinstance(entry, Shock) and entry.kind == "lab_failure" and quarter_index(entry.since) == quarter:
        return replace(conditions, failing=conditions.failing | {entry.target})
    return conditions
