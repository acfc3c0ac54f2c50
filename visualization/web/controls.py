"""Inputs of the page, generated from the declared parameters: unit, range, meaning and source stand there once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import Any, get_args

from market.parameters import field_shape, split_path
from market.scenario import Scenario
from market.scenario_changes import parse_set
from visualization.web.address import RULES, SHOCKS, SIZES

# What analysts ask about first: who bargains how, what moves demand, building and money, how sticky customers are.
PATHS = (
    "negotiation.protocol", "negotiation.provider_power", "negotiation.equity_scale", "negotiation.exclusivity",
    "negotiation.coverage_threshold", "negotiation.lock_in_weight", "demand.saturation_usd_bn_per_year",
    "demand.elasticity", "demand.form", "training.budget_per_year", "funding.marginal_value", "funding.investor_depth",
    "capex.rule", "capex.cash_flow_share", "capex.trend_damping", "supply.accelerators_growth_max",
    "supply.power_growth_max", "price.markup", "enterprises.count", "enterprises.cloud_friction",
    "enterprises.model_switching_cost", "policy.stake_cap",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Control:
    """One input: where it stands, what it is, what is allowed, and what it is now."""

    path: str
    label: str
    group: str
    unit: str
    low: float | None
    high: float | None
    choices: tuple[str, ...]
    value: Any
    meaning: str
    source: str


def controls(scenario: Scenario) -> tuple[Control, ...]:
    """The inputs with the scenario's values.

    >>> found = {each.path: each for each in controls(Scenario.load("tiny"))}
    >>> found["negotiation.provider_power"].value, found["capex.rule"].choices
    (0.5, ('newsvendor', 'real_option'))
    """
    return tuple(_control(scenario, path) for path in PATHS)


def _control(scenario: Scenario, path: str) -> Control:
    *groups, name = split_path(path)
    group: Any = reduce(getattr, groups, scenario)
    info = type(group).model_fields[name]
    shape, extra = field_shape(info), info.json_schema_extra
    assert isinstance(extra, dict)
    choices = tuple(shape.choices) or tuple(str(item) for item in get_args(info.annotation) if isinstance(item, str))
    return Control(
        path, name.replace("_", " "), ".".join(groups), "" if extra["unit"] == "name" else str(extra["unit"]),
        *shape.bounds, choices, getattr(group, name), str(info.description), str(extra["source"]),
    )  # fmt: skip


def setting(scenario: Scenario, path: str, text: str) -> str:
    """`path=value` as an address keeps it; raises ScenarioError, one line, for a value that is not allowed.

    >>> setting(Scenario.load("tiny"), "negotiation.provider_power", " 0.70 ")
    'negotiation.provider_power=0.7'
    """
    key, value = parse_set(f"{path}={text.strip()}")
    changed = scenario.with_({key: value})
    *groups, name = split_path(path)
    told = getattr(reduce(getattr, groups, changed), name)
    return f"{path}={str(told).lower() if isinstance(told, bool) else told}"


def switches() -> list[dict[str, Any]]:
    """Rules and shocks that can be switched on at a quarter, with the size they start from (None: no size)."""
    return [
        {"kind": kind, "what": what, "size": SIZES.get(kind)}
        for what, kinds in (("rule", RULES), ("shock", SHOCKS))
        for kind in kinds
    ]
