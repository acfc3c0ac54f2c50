"""Small studies that misbehave, importable by worker processes. A task's values say what its run does."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from experiments.sweeps.tasks import Batch, Task


def tasks(*values: Mapping[str, Any]) -> list[Task]:
    return [Task((run,), (run,), 0, each, f"key {run}") for run, each in enumerate(values)]


def batches(tasks: list[Task], size: int = 1) -> list[Batch]:
    return [Batch(number, tuple(tasks[at : at + size])) for number, at in enumerate(range(0, len(tasks), size))]


def threads() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.endswith("_NUM_THREADS")}


def act(values: Mapping[str, Any]) -> None:
    """What the values ask for: `once` is a folder in which a file says that it has happened already."""
    if "once" in values:
        try:
            Path(values["once"]).touch(exist_ok=False)
        except FileExistsError:
            return
    if "raise" in values:
        raise ValueError(values["raise"])
    if "signal" in values:
        os.kill(os.getpid(), values["signal"])
    if "exit" in values:
        sys.exit(values["exit"])
    if "sleep" in values:
        time.sleep(values["sleep"])
    if "print" in values:
        print(values["print"], flush=True)
    if "megabytes" in values:
        bytearray(int(values["megabytes"] * 1e6))


@dataclass(frozen=True)
class ActingStudy:
    """Does what its values ask for and then gives a table of some rows."""

    rows: int = 2

    def simulate(self, task: Task, run: int) -> Mapping[str, pa.Table]:
        act(task.values)
        numbers = [run * 100.0 + row for row in range(self.rows)]
        return self.renumbered({"made_up": pa.table({"run": pa.array([0] * self.rows), "number": numbers})}, run)

    def renumbered(self, tables: Mapping[str, pa.Table], run: int) -> Mapping[str, pa.Table]:
        column = pa.array([run] * self.rows)
        return {name: table.set_column(0, "run", column) for name, table in tables.items()}


@dataclass(frozen=True)
class ProcessStudy:
    """Tells in which process it ran, with how many threads for each numerical library."""

    def simulate(self, task: Task, run: int) -> Mapping[str, pa.Table]:
        act(task.values)
        return {"process": pa.table({"run": [run], "pid": [os.getpid()], "threads": [str(threads())]})}

    def renumbered(self, tables: Mapping[str, pa.Table], run: int) -> Mapping[str, pa.Table]:
        return tables


class UnloadableStudy(ActingStudy):
    """Cannot be unpickled anywhere."""

    def __reduce__(self) -> Any:
        return _fail, ("no such file: weights.csv",)


class DeadlyStudy(ActingStudy):
    """Ends every process that loads it."""

    def __reduce__(self) -> Any:
        return os._exit, (7,)


def _fail(message: str) -> None:
    raise FileNotFoundError(message)


def outcome(values: Mapping[str, Any], seed: int, replicate: int) -> dict[str, float]:
    """A function for FunctionStudy."""
    return {"square": values["x"] ** 2 + seed + replicate}


SIGKILL = int(signal.SIGKILL)
