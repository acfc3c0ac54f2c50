"""The outlook: alternative structures of the model and stated scenarios, each with a weight and a reason."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.sweeps.errors import SweepError
from market.calendar import quarter_index, quarter_name
from market.scenario import Scenario
from market.scenario_errors import ScenarioError, did_you_mean

ROOT = Path(__file__).resolve().parent.parent
SHIPPED_OUTLOOK = ROOT / "forecasts" / "outlook.toml"
_KEYS = ("axis", "name", "weight", "reason", "changes", "scenario")
ONE_AXIS = "structure"  # the axis of structures that name none
TAKEN = ("parameters", "scenario", "luck", "interaction")  # other sources of variance


@dataclass(frozen=True, slots=True)
class Alternative:
    """One of several worlds that a forecast mixes: `changes` by dotted path, or the shocks and rules of a scenario."""

    name: str
    weight: float
    reason: str
    changes: Mapping[str, Any]
    stated: Scenario | None = None

    def applied(self, base: Scenario, origin: int) -> Scenario:
        """The base with what this alternative says, dates moved with the last quarter of the facts."""
        changes = dict(self.changes)
        if self.stated is not None:
            shift = origin - _last_fact(self.stated, origin)
            changes["shocks"] = [*base.shocks, *_moved(self.stated.shocks, shift)]
            changes["policy.rules"] = [*base.policy.rules, *_moved(self.stated.policy.rules, shift)]
        return base.with_(changes) if changes else base

    def plain(self) -> dict[str, Any]:
        """Name, weight, reason and what changes, for JSON."""
        return {
            "name": self.name,
            "weight": self.weight,
            "reason": self.reason,
            "changes": dict(self.changes),
            "scenario_hash": None if self.stated is None else self.stated.content_hash(),
        }


@dataclass(frozen=True, slots=True)
class Outlook:
    """Structures by axis, and scenarios, with weights that add up to one on each axis and over the scenarios."""

    structures: Mapping[str, tuple[Alternative, ...]]
    scenarios: tuple[Alternative, ...]

    @property
    def alternatives(self) -> tuple[Alternative, ...]:
        """All structures, axis by axis."""
        return tuple(each for axis in self.structures.values() for each in axis)

    @property
    def weights(self) -> dict[str, list[float]]:
        """Weights of the structures by axis."""
        return {axis: [each.weight for each in alternatives] for axis, alternatives in self.structures.items()}

    def choice(self, draws: Mapping[str, Any], run: int) -> tuple[Alternative, ...]:
        """The structures of a run by its draws on every axis."""
        return tuple(self.structures[axis][drawn[run]] for axis, drawn in draws.items())

    @classmethod
    def load(cls, file: str | Path = SHIPPED_OUTLOOK) -> Outlook:
        """The outlook of a TOML file; raises SweepError or ScenarioError, one line, for one that cannot be used."""
        file = Path(file)
        try:
            data = tomllib.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise SweepError(f"{file}: {getattr(error, 'strerror', None) or error}") from error
        unknown = [key for key in data if key not in ("structures", "scenarios")]
        if unknown:
            raise SweepError(f"{file}: unknown key {unknown[0]!r}; allowed: structures, scenarios")
        axes = {
            axis: _alternatives(entries, f"{file}: structures", file.parent)
            for axis, entries in _by_axis(data.get("structures", []), f"{file}: structures").items()
        }
        return cls(axes, _alternatives(data.get("scenarios", []), f"{file}: scenarios", file.parent))

    def plain(self) -> dict[str, Any]:
        """Names, weights, reasons and what changes, for JSON."""
        return {
            "structures": {axis: [each.plain() for each in known] for axis, known in self.structures.items()},
            "scenarios": [each.plain() for each in self.scenarios],
        }


def _by_axis(entries: Any, where: str) -> dict[str, list[Any]]:
    """Structures by the axis they name, in the order of the file."""
    _check_tables(entries, where)
    axes: dict[str, list[Any]] = {}
    for number, entry in enumerate(entries):
        axis = entry.get("axis", ONE_AXIS)
        if not isinstance(axis, str) or not axis or axis in TAKEN:
            raise SweepError(f"{where}.{number}.axis: got {axis!r}; allowed: a name other than {', '.join(TAKEN)}")
        axes.setdefault(axis, []).append(entry)
    return axes or {ONE_AXIS: []}


def _check_tables(entries: Any, where: str) -> None:
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise SweepError(f"{where}: not a list of tables; allowed: [[...]] with name, weight and reason")


def _alternatives(entries: Any, where: str, folder: Path) -> tuple[Alternative, ...]:
    _check_tables(entries, where)
    found = [_alternative(entry, f"{where}.{number}", folder) for number, entry in enumerate(entries)]
    names = [each.name for each in found]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise SweepError(f"{where}: {twice!r} is there twice")
    if not found:
        return (Alternative("as-is", 1.0, "the base alone", {}),)
    total = sum(each.weight for each in found)
    return tuple(Alternative(e.name, e.weight / total, e.reason, e.changes, e.stated) for e in found)


def _alternative(entry: Mapping[str, Any], where: str, folder: Path) -> Alternative:
    unknown = [key for key in entry if key not in _KEYS]
    if unknown:
        raise SweepError(
            f"{where}: unknown key {unknown[0]!r}; allowed: {', '.join(_KEYS)}{did_you_mean(unknown[0], _KEYS)}"
        )
    name, weight, reason = entry.get("name"), entry.get("weight"), entry.get("reason")
    if not isinstance(name, str) or not name or "/" in name:
        raise SweepError(f"{where}.name: got {name!r}; allowed: a name without a slash")
    if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0.0 < weight < 1e9:
        raise SweepError(f"{where}.weight: got {weight!r}; allowed: a number above nil")
    if not isinstance(reason, str) or not reason.strip():
        raise SweepError(f"{where}.reason: missing; allowed: why this weight, in a sentence")
    changes = entry.get("changes", {})
    if not isinstance(changes, dict):
        raise SweepError(f"{where}.changes: got {changes!r}; allowed: values by dotted path, in quotes")
    stated = None if "scenario" not in entry else _stated(entry["scenario"], where, folder)
    return Alternative(name, float(weight), reason, changes, stated)


def _stated(name: Any, where: str, folder: Path) -> Scenario:
    """A scenario by name, the name of a shipped policy, or a file beside the outlook."""
    beside, policy = folder / str(name), ROOT / "policies" / f"{name}.toml"
    place = beside if beside.is_file() else policy if policy.is_file() else str(name)
    try:
        return Scenario.load(place)
    except ScenarioError as error:
        raise SweepError(f"{where}.scenario: {error}") from error


def _last_fact(scenario: Scenario, otherwise: int) -> int:
    capex_until = scenario.time.capex_until
    return otherwise if capex_until == "none" else quarter_index(capex_until)


def _moved(entries: Sequence[Any], quarters: int) -> list[dict[str, Any]]:
    """Dated shocks or rules, so many quarters later."""
    found = []
    for entry in entries:
        data = entry.model_dump(mode="json")
        for key in ("since", "until"):
            if data[key]:
                data[key] = quarter_name(quarter_index(data[key]) + quarters)
        found.append(data)
    return found
