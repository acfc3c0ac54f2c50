"""What can be swept: the market under a scenario with changes, or any function of named inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cloudpact.schema import TABLES
from experiments.running import SimulationError, simulated
from experiments.store import arrow_rows

if TYPE_CHECKING:
    import pyarrow as pa

    from experiments.sweeps.tasks import Task
    from market.facts import Facts
    from market.scenario import Scenario

SCENARIO = "scenario"  # the column of a design that chooses among several base scenarios
OUTCOMES = "outcomes"  # the table of a swept function: one row a run, one column an outcome

type Function = Callable[[Mapping[str, Any], int, int], Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class MarketStudy:
    """Markets of one seed; a point's values change the scenario that its column `scenario` names, or the only one."""

    scenarios: Mapping[str, Scenario]
    seed: int
    tables: tuple[str, ...] = ("market", "providers", "labs", "alignment", "deals")
    facts: Facts | None = None

    def prepare(self) -> None:
        """Load and warm up, before a run's time is counted, what every run needs."""
        from cloudpact.model import CloudMarket

        CloudMarket("tiny").step()

    def scenario(self, values: Mapping[str, Any]) -> Scenario:
        """The resolved scenario of a point; raises ScenarioError where the values are not allowed."""
        changes = {path: value for path, value in values.items() if path != SCENARIO}
        base = self.scenarios[values[SCENARIO]] if SCENARIO in values else next(iter(self.scenarios.values()))
        return base.with_(changes) if changes else base

    def simulate(self, task: Task, run: int) -> Mapping[str, pa.Table]:
        """The chosen tables of one run: the bits of `cloudpact.run` with that scenario, seed and replicate."""
        market = simulated(self.scenario(task.values), self.seed, task.replicate, facts=self.facts)
        rows = market.record_tables()
        return {name: arrow_rows(rows[name], TABLES[name], run) for name in self.tables}

    def renumbered(self, tables: Mapping[str, pa.Table], run: int) -> Mapping[str, pa.Table]:
        """The same tables under another run number."""
        return _renumbered(tables, run)


@dataclass(frozen=True, slots=True)
class FunctionStudy:
    """An importable function `f(values, seed, replicate) -> outcomes by name` in place of the market.

    >>> from experiments.sweeps.tasks import Task
    >>> study = FunctionStudy(_example, seed=1)
    >>> study.simulate(Task((3,), (3,), 0, {"x": 2.0}, ""), 3)["outcomes"].to_pylist()
    [{'run': 3, 'square': 4.0}]
    """

    function: Function
    seed: int

    def simulate(self, task: Task, run: int) -> Mapping[str, pa.Table]:
        """The table `outcomes` with one row; raises SimulationError if the function raises."""
        import pyarrow as pa

        try:
            found = self.function(task.values, self.seed, task.replicate)
            columns = {name: pa.array([float(value)], pa.float64()) for name, value in found.items()}
        except Exception as error:
            told = " ".join(f"{type(error).__name__}: {error}".split())
            raise SimulationError(getattr(self.function, "__name__", "function"), told) from error
        return {OUTCOMES: pa.table({"run": pa.array([run], pa.int64()), **columns})}

    def renumbered(self, tables: Mapping[str, pa.Table], run: int) -> Mapping[str, pa.Table]:
        """The same row under another run number."""
        return _renumbered(tables, run)


def _example(values: Mapping[str, Any], seed: int, replicate: int) -> dict[str, float]:
    return {"square": values["x"] ** 2}


def _renumbered(tables: Mapping[str, pa.Table], run: int) -> dict[str, pa.Table]:
    import pyarrow as pa

    def numbered(table: pa.Table) -> pa.Table:
        field = table.schema.field("run")
        return table.set_column(table.schema.get_field_index("run"), field, pa.repeat(pa.scalar(run), len(table)))

    return {name: numbered(table) for name, table in tables.items()}
