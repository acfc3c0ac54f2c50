"""Design files: a whole sweep in TOML, everything that a call in Python can say."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from cloudpact.schema import TABLES
from experiments.running import resolve
from experiments.sweeps.designs import Design, make_design
from experiments.sweeps.errors import SweepError
from experiments.sweeps.factors import refused
from experiments.sweeps.listing import listed_points, told_at
from experiments.sweeps.tables import table_design
from market.parameters import Group, dotted
from market.scenario import Scenario
from market.scenario_errors import ScenarioError, closest, validated
from market.scenario_files import Layer, read_layer  # the strict reader of TOML files with lines

SHIPPED_DESIGNS = Path(__file__).parents[1] / "designs"
OPTIONS = ("samples", "levels", "trajectories", "second_order")
POINTS = ("vary", "points", "table")


class DesignFile(Group):
    """The keys of a design file."""

    name: str = Field(default="", description="Name of the sweep; the file's own if left out")
    description: str = Field(default="", description="What the sweep is for, in one sentence")
    scenario: str | tuple[str, ...] = Field(default="baseline", description="Scenario, or several: names or files")
    seed: int = Field(default=1, ge=0, description="Seed of the markets and of the sample")
    replicates: int = Field(default=1, ge=1, description="Runs a point, each with its own luck")
    until: str | None = Field(default=None, description="Last quarter simulated, in place of the scenario's")
    tables: tuple[str, ...] | None = Field(default=None, description="Tables kept of every run")
    design: Literal["grid", "random", "lhs", "sobol", "morris", "saltelli"] = Field(default="grid")
    samples: int | None = Field(default=None, ge=1)
    levels: int | None = Field(default=None, ge=2)
    trajectories: int | None = Field(default=None, ge=1)
    second_order: bool = Field(default=False)
    vary: dict[str, Any] = Field(default_factory=dict, description="Intervals and choices by path")
    points: tuple[dict[str, Any], ...] = Field(default=(), description="Points one by one, values by path")
    table: str | None = Field(default=None, description="CSV or Parquet file with a point a row")


@dataclass(frozen=True, slots=True)
class SweepRequest:
    """What a design file asks for.

    `scenario` are names, or paths of files that are relative where the design file's is; `tables` and `until` are
    None where the file does not say.
    """

    name: str
    scenario: tuple[str, ...]
    design: Design
    seed: int
    replicates: int
    until: str | None
    tables: tuple[str, ...] | None


def load_design_file(path: str | Path) -> SweepRequest:
    """The sweep that a TOML file describes, or a shipped design by its name.

    Keys: `scenario` (name, file, or a list of them), `seed`, `replicates`, `until`, `tables`, `name`, `description`,
    and one of `[vary]` (intervals and choices by path, with `design` and its options `samples`, `levels`,
    `trajectories`, `second_order`), `[[points]]` (values by path) and `table` (a CSV or Parquet file). Files are
    relative to the design file.

    Raises SweepError or ScenarioError, one line with file and line, for everything else.
    """
    layer = read_layer(_file_of(str(path)))
    asked = validated(DesignFile, layer.data, layer.where)
    scenarios = _scenarios(asked, layer)
    with _placed(layer):
        _check_tables(asked.tables)
        design = _design(asked, layer, scenarios)
    names = tuple(_files(asked, layer))
    name = asked.name or layer.file.stem
    return SweepRequest(name, names, design, asked.seed, asked.replicates, asked.until, asked.tables)


def _file_of(name: str) -> Path:
    """A file as given, the file of a shipped design where only a name is."""
    if name.endswith(".toml") or "/" in name:
        return Path(name)
    shipped = sorted(file.stem for file in SHIPPED_DESIGNS.glob("*.toml"))
    if name not in shipped:
        allowed = f"a TOML file, or one of {', '.join(shipped)}"
        raise refused("unknown design", got=name, allowed=allowed, meant=closest(name, shipped))
    return SHIPPED_DESIGNS / f"{name}.toml"


def _files(asked: DesignFile, layer: Layer) -> Iterator[str]:
    """Scenarios as `Scenario.load` finds them: a file's path from here, not from the design file."""
    for name in (asked.scenario,) if isinstance(asked.scenario, str) else asked.scenario:
        yield str(layer.file.parent / name) if name.endswith(".toml") or "/" in name else name


def _scenarios(asked: DesignFile, layer: Layer) -> dict[str, Scenario]:
    found: dict[str, Scenario] = {}
    with told_at(layer.where(("scenario",))):
        for file in _files(asked, layer):
            scenario = Scenario.load(file)
            if scenario.name in found:
                raise refused("two scenarios of one name", got=scenario.name, allowed="each another name")
            found[scenario.name] = scenario
        if not found:
            raise refused("no scenario", where="scenario", allowed="one at least")
    with told_at(layer.where(("until",))):
        return {name: resolve(scenario, asked.until) for name, scenario in found.items()}


def _design(asked: DesignFile, layer: Layer, scenarios: dict[str, Scenario]) -> Design:
    given = [key for key in POINTS if key in layer.data]
    if len(given) > 1:
        raise refused("together with " + given[0], where=given[1], allowed=f"one of {', '.join(POINTS)}")
    if given in (["points"], ["table"]):
        for key in ("design", *OPTIONS):
            if key in layer.data:
                raise refused(f"not with {given[0]}, whose points are given", where=key, allowed="with vary")
    if given == ["table"] and asked.table is not None:
        return table_design(layer.file.parent / asked.table, scenarios)
    if given == ["points"]:
        _check_quoted(asked)
        points = listed_points(asked.points, scenarios, lambda row, path: f"points.{row}")
        return Design("list", (), points, asked.seed)
    options = {key: getattr(asked, key) for key in OPTIONS}
    return make_design(asked.vary, asked.design, seed=asked.seed, scenarios=scenarios, **options)


def _check_quoted(asked: DesignFile) -> None:
    """Refuse `a.b = 1` for `"a.b" = 1`: TOML makes a table of it, and the column would be `a`."""
    for row, point in enumerate(asked.points):
        for path, value in point.items():
            if isinstance(value, dict) and "." not in path:
                inner = f'"{path}.{next(iter(value), "KEY")}" = ...'
                raise refused("a table", where=f"points.{row}: {path}", allowed=f"the path in quotes: {inner}")


def _check_tables(tables: tuple[str, ...] | None) -> None:
    for name in tables or ():
        if name not in TABLES:
            raise refused(
                "unknown table", where="tables", got=name, allowed=", ".join(TABLES), meant=closest(name, list(TABLES))
            )
    if tables is not None and "market" not in tables:
        raise refused("without the table market", where="tables", got=list(tables), allowed="market among them")


@contextmanager
def _placed(layer: Layer) -> Iterator[None]:
    """Errors from within begin with the line of the key that they begin with, else with that of the points."""
    try:
        yield
    except (SweepError, ScenarioError) as error:
        head = str(error).partition(": ")[0]
        named = [path for path in layer.lines if dotted(path) == head]
        varied = [path for path in layer.lines if path[0] == "vary" and f"{path[-1]}.".startswith(f"{head}.")]
        others = [(key,) for key in ("design", *POINTS) if (key,) in layer.lines]
        raise SweepError(f"{layer.where(next(iter([*named, *varied, *others]), ()))}: {error}") from None
