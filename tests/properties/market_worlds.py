"""Worlds to compare: runs as plain rows, and scenarios with parties or units changed."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from cloudpact.model import CloudMarket
from cloudpact.schema import TABLES
from market.parameters import Group
from market.scenario import Scenario

Rows = list[dict[str, Any]]
Tables = dict[str, Rows]


def market_of(scenario: Scenario | str, seed: int = 7, quarters: int = 999, guards: bool = False) -> CloudMarket:
    market = CloudMarket(scenario, rng=seed, debug_guards=guards)
    market.run_for(quarters)
    return market


def tables_of(scenario: Scenario | str, seed: int = 7, quarters: int = 999) -> Tables:
    return market_of(scenario, seed, quarters).record_tables()


def bits(tables: Tables) -> str:
    """All rows as text that differs wherever a bit differs."""
    return json.dumps(tables, sort_keys=True)


def without(tables: Tables, *names: str) -> Tables:
    """Rows that do not belong to the named providers or labs."""
    return {
        table: [row for row in rows if row.get("lab") not in names and row.get("provider") not in names]
        for table, rows in tables.items()
    }


def first_difference(left: Tables, right: Tables) -> str:
    """Where two runs first differ in a bit, empty where nowhere."""
    for table in left:
        if len(left[table]) != len(right[table]):
            return f"{table}: {len(left[table])} and {len(right[table])} rows"
        for number, (one, other) in enumerate(zip(left[table], right[table], strict=True)):
            for column in one:
                if json.dumps(one[column]) != json.dumps(other[column]):
                    return f"{table} {number} {one.get('quarter')} {column}: {one[column]!r} and {other[column]!r}"
    return ""


def power(unit: str, symbol: str) -> int:
    """Power of a symbol in a unit such as `USD bn/(GW*year)`.

    >>> power("USD bn/(GW*year)", "GW"), power("USD bn/(GW*year)", "USD"), power("USD/USD", "USD")
    (-1, 1, 0)
    """
    above, _, below = unit.partition("/")
    return (symbol in above) - (symbol in below)


def in_other_units(group: Group, factors: Mapping[str, float]) -> Any:
    """The group with every quantity multiplied by its units' factors; ranges are not checked."""
    values: dict[str, Any] = {}
    for name, field in type(group).model_fields.items():
        value = getattr(group, name)
        extra = field.json_schema_extra
        unit = str(extra["unit"]) if isinstance(extra, dict) and "unit" in extra else ""
        if isinstance(value, Group):
            value = in_other_units(value, factors)
        elif isinstance(value, dict):
            value = {key: in_other_units(each, factors) for key, each in value.items()}
        elif isinstance(value, float):
            value *= math.prod(factor ** power(unit, symbol) for symbol, factor in factors.items())
        values[name] = value
    return type(group).model_construct(**values)


def unequal_cells(left: Tables, right: Tables, factors: Mapping[str, float], rel: float) -> Iterator[str]:
    """Cells of `right` that are not those of `left` in other units; texts in JSON are left out."""
    for table, rows in left.items():
        units = {column.name: column.unit for column in TABLES[table].columns}
        assert len(rows) == len(right[table]), (table, len(rows), len(right[table]))
        for one, other in zip(rows, right[table], strict=True):
            for name, value in one.items():
                if name in ("trace", "tranches", "warrants", "events"):
                    continue
                if isinstance(value, float):
                    value *= math.prod(factor ** power(units[name], symbol) for symbol, factor in factors.items())
                    undefined = math.isnan(value) and math.isnan(other[name])
                    same = undefined or math.isclose(value, other[name], rel_tol=rel)
                else:
                    same = value == other[name]
                if not same:
                    yield f"{table} {one['quarter']} {name}: {value!r} and {other[name]!r}"


def renamed(scenario: Scenario, names: Mapping[str, str]) -> Scenario:
    """The scenario with providers and labs renamed and listed the other way round; each keeps its old luck."""

    def spec(name: str, old: Any) -> Any:
        links = {key: names.get(getattr(old, key), getattr(old, key)) for key in ("owner", "home") if hasattr(old, key)}
        return old.model_copy(update={"random_key": name, **links})

    parties = {
        kind: {names[name]: spec(name, old) for name, old in reversed(getattr(scenario, kind).items())}
        for kind in ("hyperscalers", "labs")
    }
    return scenario.model_copy(update=parties)


def with_names(tables: Tables, names: Mapping[str, str]) -> Tables:
    """Rows with the names of parties replaced."""
    columns = ("provider", "lab", "owner", "primary_provider", "best_rival", "reason", "trace")
    known = re.compile(r"\b(" + "|".join(map(re.escape, names)) + r")\b")

    def named(row: dict[str, Any]) -> dict[str, Any]:
        renamed_cells = {key: known.sub(lambda found: names[found[0]], row[key]) for key in columns if row.get(key)}
        return row | renamed_cells

    return {table: [named(row) for row in rows] for table, rows in tables.items()}


# Growth, dear outside money and cheap provider money: deals carry equity, talks fail, capacity is short.
LIVELY: dict[str, Any] = {
    "time.end": "2029Q4",
    "demand.half_compute": 10.0,
    "funding.investor_depth": 0.05,
    "funding.supplier_depth": 0.02,
    "funding.provider_cost": 0.0,
    "funding.marginal_value": 4.0,
    "labs_common.commitment_cover": 0.5,
    "negotiation.equity_fixed_cost_share": 0.0,
    "hyperscalers.East.capacity_gw": 1.5,
    "hyperscalers.West.build_cost_factor": 0.9,
    "labs.Ada.enterprise_appeal": 0.4,
    "labs.Byron.training_gw": 0.3,
    "labs.Cantor.home": "South",
}


def lively(**changes: Any) -> Scenario:
    """A world without facts in which everything happens; `symmetric` with differences between the parties."""
    return Scenario.load("symmetric").with_(LIVELY | changes)
