"""Plans and parts made up in place of simulated ones, importable by other processes."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cloudpact.schema import MARKET, TABLES
from experiments.store import arrow_schema
from experiments.sweeps.designs import make_design
from experiments.sweeps.plan import Plan, make_plan
from experiments.sweeps.study import FunctionStudy, MarketStudy
from experiments.sweeps.tasks import FAILED, FINISHED, Batch, Part, Task, execute, parquet_bytes, rows_of
from market.calendar import quarter_index, quarter_name
from market.scenario import Scenario

FIRST = quarter_index("2024Q1")


def waves(values: Mapping[str, Any], seed: int, replicate: int) -> dict[str, float]:
    """Two outcomes of one input; fails where the input is negative, and has no second one where it is nil."""
    if values["x"] < 0:
        raise ValueError(f"x is {values['x']}\nand that is too small")
    luck = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, replicate]))).standard_normal()
    return {"height": values["x"] * 2.0 + luck, "length": 1.0 / values["x"] if values["x"] else float("nan")}


def function_plan(points: int = 6, replicates: int = 2, seed: int = 1, bad: Sequence[int] = ()) -> Plan:
    """A sweep of `waves`; the points in `bad` fail."""
    listed = [{"x": float(-point if point in bad else point)} for point in range(points)]
    return make_plan(FunctionStudy(waves, seed), make_design(listed, "list"), replicates)


def parts_of(plan: Plan, size: int = 2, order: Iterable[int] | None = None) -> Iterator[Part]:
    """The parts of a plan as a worker makes them, `size` tasks each, in an order of their numbers."""
    batches = [Batch(n, plan.tasks[at : at + size]) for n, at in enumerate(range(0, len(plan.tasks), size))]
    for number in range(len(batches)) if order is None else order:
        yield execute(plan.study, batches[number])


def market_plan(
    points: int, replicates: int, tables: tuple[str, ...] = ("market",), scenario: Scenario | None = None
) -> Plan:
    """A plan for made-up markets: a point and as many tasks as it has runs, none of which can be simulated."""
    base = scenario or Scenario(name="made-up")
    design = make_design([{"time.warm_up": point} for point in range(points)], "list")
    tasks = tuple(
        Task((run,), (run // replicates,), run % replicates, {}, f"{run}") for run in range(points * replicates)
    )
    return Plan(MarketStudy({base.name: base}, 1, tables), design, replicates, tasks)


def market_part(
    batch: int,
    runs: Sequence[int],
    quarters: int = 4,
    tables: tuple[str, ...] = ("market",),
    failed: Sequence[int] = (),
    replicates: int = 1,
) -> Part:
    """Made-up rows of some runs; every number of a run comes from its own stream."""
    rows = [_run_row(run, replicates, run in failed) for run in runs]
    good = [run for run in runs if run not in failed]
    files = {name: parquet_bytes([made_up(name, run, quarters) for run in good]) for name in tables if good}
    return Part(batch, tuple(rows), files)


def _run_row(run: int, replicates: int, failed: bool) -> dict[str, Any]:
    task = Task((run,), (run // replicates,), run % replicates, {}, f"key {run}")
    if failed:
        return rows_of(task, FAILED, stage="2025Q1 allocation", error="ValueError: no", trace="...", seconds=0.5)[0]
    return rows_of(task, FINISHED, seconds=0.25)[0]


def made_up(name: str, run: int, quarters: int) -> pa.Table:
    """One run's rows of a table: a market a quarter; two labs, the second of which fails half-way."""
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence([17, run])))
    labs = [""] if name == MARKET.name else ["OpenAI", "Cohere"]
    rows = [(quarter, lab) for quarter in range(quarters) for lab in labs if lab != "Cohere" or quarter < quarters / 2]
    given = {"run": [run] * len(rows), "quarter": [quarter_name(FIRST + quarter) for quarter, _ in rows]}
    columns = {}
    for column in TABLES[name].columns:
        kinds: dict[str, Any] = {
            "int64": [run] * len(rows),
            "bool": [True] * len(rows),
            "str": [lab for _, lab in rows],
        }
        columns[column.name] = given.get(column.name) or kinds.get(column.dtype) or rng.lognormal(size=len(rows))
    return pa.table(columns, schema=arrow_schema(TABLES[name]))


def renumbered_part(model: Part, batch: int, first: int) -> Part:
    """A part with the values of another one, its runs counted from `first`."""
    table = pq.read_table(io.BytesIO(model.files["market"]))
    table = table.set_column(0, table.schema.field(0), pc.add(table["run"], first))
    rows = [{**row, "run": row["run"] + first, "same_as": row["run"] + first} for row in model.rows]
    return Part(batch, tuple(rows), {"market": parquet_bytes([table])})
