"""What a sweep hands to its workers, and what comes back."""

from __future__ import annotations

import io
import time
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from experiments.running import SimulationError

if TYPE_CHECKING:
    import pyarrow as pa

FINISHED, FAILED, KILLED, TIMED_OUT = "finished", "failed", "killed", "timed out"


@dataclass(frozen=True, slots=True)
class Task:
    """One simulation. `runs` are the run numbers it answers: several where their inputs are equal.

    `values` are the design's values at `point` by path; `key` is the content hash of the resolved inputs, seed,
    replicate and code.
    """

    runs: tuple[int, ...]
    points: tuple[int, ...]
    replicate: int
    values: Mapping[str, Any]
    key: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Tasks that a worker does in one go, and whose results are committed together."""

    number: int
    tasks: tuple[Task, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """What a batch gave: Parquet files by table name, as bytes, and the rows of the table `runs`.

    A failed run has a row and nothing in the other tables; a table is absent where no run finished.
    """

    batch: int
    rows: tuple[Mapping[str, Any], ...]
    files: Mapping[str, bytes] = field(default_factory=dict)


class Study(Protocol):
    """What is swept: a market or any function. It is pickled to every worker."""

    def simulate(self, task: Task, run: int) -> Mapping[str, pa.Table]:
        """Tables of one run, with `run` in the column of that name; raises SimulationError with its stage."""

    def renumbered(self, tables: Mapping[str, pa.Table], run: int) -> Mapping[str, pa.Table]:
        """The same tables for another run with equal inputs."""


def execute(study: Study, batch: Batch) -> Part:
    """Do the tasks of a batch, in the worker; what raises becomes a failed run, never a lost one."""
    rows: list[Mapping[str, Any]] = []
    tables: dict[str, list[pa.Table]] = {}
    for task in batch.tasks:
        started = time.perf_counter()
        try:
            found = [study.simulate(task, task.runs[0])]
            found += [study.renumbered(found[0], run) for run in task.runs[1:]]
        except Exception as error:  # noqa: BLE001 -- whatever a run raises is that run's failure and no other's
            rows += failed_rows(task, error, time.perf_counter() - started)
            continue
        rows += rows_of(task, FINISHED, seconds=time.perf_counter() - started)
        for each in found:
            for name, table in each.items():
                tables.setdefault(name, []).append(table)
    return Part(batch.number, tuple(rows), {name: parquet_bytes(found) for name, found in tables.items()})


def rows_of(
    task: Task, status: str, *, stage: str = "", error: str = "", trace: str = "", seconds: float = 0.0
) -> list[dict[str, Any]]:
    """The rows of the table `runs` for a task, one for each of its runs."""
    return [
        {
            "run": run,
            "point": point,
            "replicate": task.replicate,
            "key": task.key,
            "same_as": task.runs[0],
            "status": status,
            "stage": stage,
            "error": error,
            "traceback": trace,
            "seconds": seconds if run == task.runs[0] else 0.0,
        }
        for run, point in zip(task.runs, task.points, strict=True)
    ]


def failed_rows(task: Task, error: Exception, seconds: float) -> list[dict[str, Any]]:
    """Rows of a task that raised, with the stage, one line and the whole traceback."""
    cause = error.__cause__ if isinstance(error, SimulationError) and error.__cause__ is not None else error
    stage = error.stage if isinstance(error, SimulationError) else "simulation"
    told = f"{type(cause).__name__}: {cause}".strip()
    trace = "".join(traceback.format_exception(error))
    return rows_of(task, FAILED, stage=stage, error=" ".join(told.split()), trace=trace, seconds=seconds)


def parquet_bytes(tables: Iterable[pa.Table]) -> bytes:
    """Some tables of one schema as the bytes of a Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    buffer, table = io.BytesIO(), pa.concat_tables(tables, promote_options="default")
    # floats hardly repeat: a dictionary of them costs time and space
    repeating = [field.name for field in table.schema if not pa.types.is_floating(field.type)]
    pq.write_table(table, buffer, compression="zstd", use_dictionary=repeating)
    return buffer.getvalue()
