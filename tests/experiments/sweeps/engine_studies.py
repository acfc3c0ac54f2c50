"""Small studies that misbehave, importable by worker processes. A task's values say what its run does."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from experiments.sweeps.tasks import Batch, Part, Task


def tasks(*values: Mapping[str, Any]) -> list[Task]:
    return [Task((run,), (run,), 0, each, f"key {run}") for run, each in enumerate(values)]


def batches(tasks: list[Task], size: int = 1) -> list[Batch]:
    return [Batch(number, tuple(tasks[at : at + size])) for number, at in enumerate(range(0, len(tasks), size))]


def threads() -> dict[str, str]:
    return {name: value for name, value in sorted(os.environ.items()) if name.endswith("_NUM_THREADS")}


def act(values: Mapping[str, Any]) -> None:
    """What the values ask for: `once` is a folder in which a file says that it has happened already."""
    if "once" in values:
        try:
            Path(values["once"]).touch(exist_ok=False)
        except FileExistsError:
            return
    if "raise" in values:
        raise ValueError(values["raise"])
    if "exit" in values:
        sys.exit(values["exit"])
    if "sleep" in values:
        time.sleep(values["sleep"])
    if "print" in values:
        sys.stdout.write(values["print"])
        sys.stdout.flush()
    if "child" in values and os.fork() == 0:
        time.sleep(values["child"])
        os._exit(0)
    if "signal" in values:
        os.kill(os.getpid(), values["signal"])


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


@dataclass(frozen=True)
class SlowlyPreparedStudy(ActingStudy):
    """Loads for a while before it is ready, and fails in runs if it has not."""

    def prepare(self) -> None:
        time.sleep(0.8)
        _prepared.append(os.getpid())

    def simulate(self, task: Task, run: int) -> Mapping[str, pa.Table]:
        assert _prepared == [os.getpid()]
        return super().simulate(task, run)


_prepared: list[int] = []


@dataclass(frozen=True)
class UnloadableInWorkersStudy(ActingStudy):
    """Can be unpickled in this process only."""

    def __reduce__(self) -> Any:
        return _made_only_in, (os.getpid(),)


class UnloadableStudy(ActingStudy):
    """Cannot be unpickled anywhere."""

    def __reduce__(self) -> Any:
        return _fail, ("no such file: weights.csv",)


class DeadlyStudy(ActingStudy):
    """Ends every process that loads it."""

    def __reduce__(self) -> Any:
        return os._exit, (7,)


def _made_only_in(pid: int) -> ActingStudy:
    if pid != os.getpid():
        _fail("no such file: weights.csv")
    return ActingStudy()


def code_of_its_own() -> str:
    """A version of the code that no two processes share."""
    return str(os.getpid())


def _fail(message: str) -> None:
    raise FileNotFoundError(message)


def outcome(values: Mapping[str, Any], seed: int, replicate: int) -> dict[str, float]:
    """A function for FunctionStudy."""
    return {"square": values["x"] ** 2 + seed + replicate}


KILLS_ITSELF = {"signal": int(signal.SIGKILL)}


def content(parts: Iterable[Part]) -> list[tuple[Any, ...]]:
    """What parts hold but for the time their runs took, in the order of their runs."""
    held = [
        (part.rows[0]["run"], part.batch, [{**row, "seconds": 0.0} for row in part.rows], dict(part.files))
        for part in parts
    ]
    return sorted(held, key=lambda each: each[0])


def statuses(parts: Iterable[Part]) -> dict[int, str]:
    """How each run ended, by number; every run is in one part only."""
    found = [(row["run"], row["status"]) for part in parts for row in part.rows]
    assert len(found) == len(dict(found))
    return dict(sorted(found))


def error_of(parts: Iterable[Part], run: int) -> tuple[str, str]:
    """Stage and error of a run."""
    return next((row["stage"], row["error"]) for part in parts for row in part.rows if row["run"] == run)


def children(pid: int) -> list[int]:
    """Processes whose parent is that one."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


def gone(pids: Iterable[int], seconds: float = 10.0) -> bool:
    """Whether those processes have ended, or do so in time."""
    deadline = time.monotonic() + seconds
    while any(_alive(pid) for pid in pids):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
