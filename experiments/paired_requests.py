"""What is asked about paired worlds, checked before anything is simulated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from cloudpact.schema import TABLES
from experiments.outcomes import Outcome
from experiments.sweeps.errors import SweepError
from market.calendar import quarter_index, quarter_name
from market.scenario import Scenario
from market.scenario_errors import did_you_mean

_KEYS = {"market": (), "labs": ("lab",), "providers": ("provider",), "alignment": ("lab", "provider")}


def whole_number(name: str, value: Any, least: int) -> int:
    """The value of an argument if it is an integer of at least `least`; raises SweepError else.

    >>> whole_number("runs", 3, 1)
    3
    """
    if isinstance(value, bool) or not hasattr(type(value), "__index__"):
        raise SweepError(f"{name}: {value!r} is not a whole number; allowed: {least} or more")
    if value < least:
        few = "few" if name in ("runs", "permutations") else "small"
        raise SweepError(f"{name}: {value} is too {few}; allowed: {least} or more")
    return int(value)


def require_outcome(outcome: Outcome, scenarios: Sequence[Scenario]) -> None:
    """Raise SweepError for an outcome that no run of any of the scenarios can have: its column, names or quarters.

    Worlds are compared up to the last quarter that all of them have.
    """
    known = [column.name for column in TABLES[outcome.table].columns if column.dtype in ("int64", "float64", "bool")]
    if outcome.column not in known:
        meant = did_you_mean(outcome.column, known)
        raise SweepError(f"outcome {outcome.text!r}: the table {outcome.table} has no number {outcome.column!r}{meant}")
    problems = [next(_problems(outcome, scenario, scenarios), "") for scenario in scenarios]
    if all(problems):
        raise SweepError(f"outcome {outcome.text!r}: {problems[0]}")


def _problems(outcome: Outcome, scenario: Scenario, scenarios: Sequence[Scenario]) -> Iterator[str]:
    """Why a scenario cannot have an outcome; names and spans that are allowed are those of all scenarios."""
    for key, name in zip(_KEYS[outcome.table], outcome.entities, strict=True):
        if name not in _names(scenario, key):
            allowed = sorted({each for other in scenarios for each in _names(other, key)})
            yield f"no {key} {name!r}; allowed: {', '.join(allowed)}{did_you_mean(name, allowed)}"
    end = min(quarter_index(each.time.end) for each in scenarios)
    for quarter in (outcome.first, outcome.last):
        if quarter is not None and not quarter_index(scenario.time.start) <= quarter <= end:
            start = min(scenarios, key=lambda each: quarter_index(each.time.start)).time.start
            yield f"no run has the quarter {quarter_name(quarter)}; allowed: {start}..{quarter_name(end)}"


def _names(scenario: Scenario, key: str) -> list[str]:
    return list(scenario.labs if key == "lab" else scenario.hyperscalers)
