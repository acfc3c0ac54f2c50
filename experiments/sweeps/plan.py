"""What a sweep will do: every point resolved and checked, every run numbered, equal inputs found."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from experiments.sweeps.errors import SweepError
from experiments.sweeps.identity import code_version, function_version, run_key
from experiments.sweeps.study import FunctionStudy, MarketStudy
from experiments.sweeps.tasks import Task

if TYPE_CHECKING:
    from experiments.sweeps.designs import Design


@dataclass(frozen=True, slots=True)
class Plan:
    """A study, its design, and the tasks in order of their first run."""

    study: MarketStudy | FunctionStudy
    design: Design
    replicates: int
    tasks: tuple[Task, ...]

    @property
    def runs(self) -> int:
        """Runs of the sweep: points times replicates, equal ones counted."""
        return len(self.design.points) * self.replicates

    @property
    def identity(self) -> dict[str, str]:
        """What makes this sweep this one: equal identities give equal results, part by part."""
        study = self.study
        if isinstance(study, FunctionStudy):
            what = {"function": function_version(study.function)}
        else:
            hashes = {name: scenario.content_hash() for name, scenario in study.scenarios.items()}
            what = {"scenario": _text(hashes), "facts": _facts_hash(study), "tables": ", ".join(study.tables)}
        points = [dict(point) for point in self.design.points]
        return {
            **what,
            "design": _text([self.design.plain(), points]),
            "seed": str(study.seed),
            "replicates": str(self.replicates),
            "code": code_version(),
        }


def make_plan(study: MarketStudy | FunctionStudy, design: Design, replicates: int) -> Plan:
    """Resolve every point and number every run; runs of equal inputs become one task.

    Raises ScenarioError or SweepError for a point that cannot be run: before anything is written.
    """
    check_whole("replicates", replicates, 1)
    check_whole("seed", study.seed, 0)
    hashes = _point_hashes(study, design.points)
    facts, code = _facts_hash(study), code_version()
    answering: dict[str, list[tuple[int, int]]] = {}
    for point, point_hash in enumerate(hashes):
        for replicate in range(replicates):
            key = run_key(point_hash, study.seed, replicate, facts, code)
            answering.setdefault(key, []).append((point * replicates + replicate, point))
    tasks = tuple(_task(key, runs, design.points, replicates) for key, runs in answering.items())
    return Plan(study, design, replicates, tasks)


def _task(key: str, runs: Sequence[tuple[int, int]], points: Sequence[Mapping[str, Any]], replicates: int) -> Task:
    numbers, at = zip(*runs, strict=True)
    return Task(numbers, at, numbers[0] % replicates, dict(points[at[0]]), key)


def check_whole(name: str, value: object, least: int) -> None:
    """Raises SweepError for anything but a whole number that is large enough."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise SweepError(f"{name}: got {value!r}; allowed: a whole number, {least} or more")


def _point_hashes(study: MarketStudy | FunctionStudy, points: Sequence[Mapping[str, Any]]) -> list[str]:
    """Content hashes of the points' resolved scenarios, or texts of a function and its values."""
    if isinstance(study, FunctionStudy):
        function = function_version(study.function)
        return [_text([function, dict(point)]) for point in points]
    return [_scenario_hash(study, point, number) for number, point in enumerate(points)]


def _scenario_hash(study: MarketStudy, point: Mapping[str, Any], number: int) -> str:
    try:
        return study.scenario(point).content_hash()
    except ValueError as error:
        raise SweepError(f"point {number} of the design: {error}") from error


def _facts_hash(study: MarketStudy | FunctionStudy) -> str:
    if isinstance(study, FunctionStudy):
        return ""
    if study.facts is not None:
        return study.facts.hash
    from market.facts import Facts

    return Facts.load().hash


def _text(value: Any) -> str:
    """Canonical text of plain values; raises SweepError for what JSON does not know."""
    try:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise SweepError(f"a value of the design is no number, text, flag or list of them: {error}") from error
