from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from experiments.running import resolve
from experiments.sweeps.engines import engine_of
from experiments.sweeps.errors import SweepError
from experiments.sweeps.local import LocalEngine
from experiments.sweeps.study import FunctionStudy, MarketStudy
from experiments.sweeps.tasks import FAILED, FINISHED, KILLED, TIMED_OUT, Batch, Part, Study, Task, execute
from experiments.workers import cores
from market.scenario import Scenario
from tests.experiments.sweeps import engine_studies
from tests.experiments.sweeps.engine_studies import (
    KILLS_ITSELF,
    ActingStudy,
    DeadlyStudy,
    ProcessStudy,
    SlowlyPreparedStudy,
    UnloadableStudy,
    batches,
    children,
    content,
    error_of,
    gone,
    statuses,
    tasks,
)

ROOT = Path(__file__).resolve().parents[3]


class Before:
    """Children this process had when the test began: a browser and a server of other tests may be running."""

    pids: frozenset[int] = frozenset()


@pytest.fixture(autouse=True)
def _children_before() -> None:
    Before.pids = frozenset(children(os.getpid()))


def own_children() -> list[int]:
    return [pid for pid in children(os.getpid()) if pid not in Before.pids]


def parts_of(study: Study, given: Iterable[Batch], jobs: int = 2, timeout_seconds: float | None = None) -> list[Part]:
    with LocalEngine(jobs, timeout_seconds) as engine:
        parts = list(engine.run(study, given))
    assert own_children() == []
    return parts


@pytest.mark.parametrize(("jobs", "size"), [(2, 4), pytest.param(1, 1, marks=pytest.mark.slow)])
def test_the_same_bits_as_in_one_process(jobs: int, size: int) -> None:
    given = batches([*tasks(*[{"x": float(x)} for x in range(7)]), Task((7, 8), (3, 4), 1, {"raise": "x"}, "k")], size)
    study = FunctionStudy(engine_studies.outcome, seed=5)
    assert content(parts_of(study, given, jobs)) == content([execute(study, batch) for batch in given])


@pytest.mark.slow
def test_the_same_markets_as_in_one_process() -> None:
    study = MarketStudy({"tiny": Scenario.load("tiny")}, seed=3)
    given = batches([Task((run,), (run,), run % 2, {}, str(run)) for run in range(6)], 2)
    alone = content([execute(study, batch) for batch in given])
    assert content(parts_of(study, given, 2)) == alone
    assert len({each[3]["market"] for each in alone}) == 3


def test_no_batches_start_no_process() -> None:
    assert parts_of(UnloadableStudy(), []) == []


def test_batches_are_taken_only_as_workers_become_free() -> None:
    taken, ahead = 0, []

    def lazily() -> Iterator[Batch]:
        nonlocal taken
        for batch in batches(tasks(*[{}] * 12)):
            taken += 1
            yield batch

    with LocalEngine(2) as engine:
        for back, _ in enumerate(engine.run(ActingStudy(), lazily())):
            ahead.append(taken - back)
    # a worker that is done meanwhile lowers the number for a moment, nothing lifts it above two a worker
    assert max(ahead) == 4
    assert ahead[-3:] == [3, 2, 1]


def test_workers_are_two_other_processes_with_one_thread_a_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    parts = parts_of(ProcessStudy(), batches(tasks(*[{"sleep": 0.05}] * 8)))
    seen = [pq.read_table(BytesIO(part.files["process"])).to_pylist()[0] for part in parts]
    assert len({each["pid"] for each in seen} - {os.getpid()}) == 2
    names = ("MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    assert {each["threads"] for each in seen} == {str(dict.fromkeys(names, "1"))}
    assert os.environ["OMP_NUM_THREADS"] == "3"


def test_a_run_that_raises_fails_alone() -> None:
    parts = parts_of(ActingStudy(), batches(tasks({}, {"raise": "no labs left"}, {}), 3))
    assert statuses(parts) == {0: FINISHED, 1: FAILED, 2: FINISHED}
    assert error_of(parts, 1) == ("simulation", "ValueError: no labs left")


def test_a_worker_killed_once_costs_a_retry_and_nothing_else(tmp_path: Path) -> None:
    once = {**KILLS_ITSELF, "once": str(tmp_path / "happened")}
    given = batches(tasks({}, {}, {}, once, {}, {}, {}), 3)
    parts = parts_of(ActingStudy(), given)
    assert (tmp_path / "happened").exists()
    assert statuses(parts) == dict.fromkeys(range(7), FINISHED)
    alone = [Batch(batch.number, (task,)) for batch in given[1:2] for task in batch.tasks]
    assert content(parts) == content([execute(ActingStudy(), batch) for batch in [given[0], *alone, given[2]]])


@pytest.mark.slow
@pytest.mark.parametrize(("jobs", "size"), [(1, 1), (2, 3)])
def test_runs_that_always_kill_their_worker_are_given_up_alone(jobs: int, size: int) -> None:
    parts = parts_of(ActingStudy(), batches(tasks({}, KILLS_ITSELF, {}, {}, {"exit": 3}, {}), size), jobs)
    assert statuses(parts) == {0: FINISHED, 1: KILLED, 2: FINISHED, 3: FINISHED, 4: KILLED, 5: FINISHED}
    assert error_of(parts, 1) == ("process", "its process ended twice (signal 9; out of memory?)")
    assert error_of(parts, 4) == ("process", "its process ended twice (exit code 3)")
    assert sorted((part.batch, [row["run"] for row in part.rows]) for part in parts) == [
        (number, [run]) for number, run in zip([0, 0, 0, 1, 1, 1] if size == 3 else range(6), range(6), strict=True)
    ]


@pytest.mark.slow
def test_a_dead_worker_is_seen_though_its_child_lives() -> None:
    started = time.monotonic()
    parts = parts_of(ActingStudy(), batches(tasks({"child": 30, **KILLS_ITSELF}, {})), jobs=1)
    assert statuses(parts) == {0: KILLED, 1: FINISHED}
    assert time.monotonic() - started < 15


@pytest.mark.parametrize("size", [3, pytest.param(1, marks=pytest.mark.slow)])
def test_a_run_over_its_time_is_ended_alone(size: int) -> None:
    parts = parts_of(ActingStudy(), batches(tasks({}, {"sleep": 60}, {}), size), timeout_seconds=0.5)
    assert statuses(parts) == {0: FINISHED, 1: TIMED_OUT, 2: FINISHED}
    assert error_of(parts, 1) == ("process", "no result within 0.5 s")


@pytest.mark.slow
def test_the_limit_is_for_a_run_not_for_a_batch_or_a_start() -> None:
    given = batches(tasks(*[{"sleep": 0.15}] * 8), 4)
    assert set(statuses(parts_of(ActingStudy(), given, timeout_seconds=0.3)).values()) == {FINISHED}


@pytest.mark.slow
def test_time_in_which_the_parent_is_busy_does_not_count() -> None:
    with LocalEngine(1, timeout_seconds=0.8) as engine:
        found = []
        for part in engine.run(ActingStudy(), batches(tasks({}, {}))):
            time.sleep(1)
            found.append(part)
    assert statuses(found) == dict.fromkeys(range(2), FINISHED)


@pytest.mark.slow
def test_what_a_worker_loads_first_does_not_count() -> None:
    parts = parts_of(SlowlyPreparedStudy(), batches(tasks({}, {})), jobs=1, timeout_seconds=0.6)
    assert statuses(parts) == dict.fromkeys(range(2), FINISHED)


@pytest.mark.parametrize(
    ("study", "told"),
    [
        (UnloadableStudy(), "the worker processes cannot start: FileNotFoundError: no such file: weights.csv"),
        pytest.param(
            DeadlyStudy(),
            "the worker processes cannot start: 3 ended at once (exit code 7)",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_workers_that_cannot_start_end_the_sweep_at_once(study: Study, told: str) -> None:
    with pytest.raises(SweepError) as caught:
        parts_of(study, batches(tasks({}, {})))
    assert str(caught.value) == told
    assert own_children() == []


def test_a_function_that_cannot_be_imported_is_refused() -> None:
    with pytest.raises(SweepError, match=r"cannot be sent to other processes \(.*<lambda>.*\); allowed: functions at"):
        parts_of(FunctionStudy(lambda values, seed, replicate: {}, seed=1), batches(tasks({})))


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: LocalEngine(0), "jobs: too few (got 0); allowed: 1 or more"),
        (lambda: LocalEngine(1, 0), "time limit for a run: too short (got 0); allowed: above 0 s"),
        (lambda: LocalEngine(1, float("nan")), "time limit for a run: too short (got nan); allowed: above 0 s"),
        (lambda: engine_of("ray"), "unknown engine (got 'ray'); allowed: local, dask:ADDRESS such as"),
        (lambda: engine_of("dask:"), "unknown engine (got 'dask:'); allowed: local, dask:ADDRESS such as"),
        (lambda: engine_of("dask:x:1", jobs=2), "engine dask:x:1: a number of jobs is for local processes"),
        (lambda: engine_of("dask:x:1", timeout_seconds=2), "engine dask:x:1: a time limit for a run is for local"),
    ],
)
def test_wrong_engines_are_refused(make: Any, told: str) -> None:
    with pytest.raises(SweepError) as caught:
        make()
    assert str(caught.value).startswith(told)


def test_as_many_workers_as_cores_unless_told() -> None:
    assert engine_of("local").workers == cores()
    assert engine_of("local", jobs=3).workers == 3


@pytest.mark.slow
def test_leaving_early_ends_the_workers_at_once() -> None:
    given = batches(tasks({}, *[{"sleep": 60}] * 5))
    started = time.monotonic()
    engine = LocalEngine(2)
    runs = engine.run(ActingStudy(), given)
    with pytest.raises(ZeroDivisionError), engine:
        raise ZeroDivisionError(next(runs))
    assert own_children() == []
    runs = LocalEngine(2).run(ActingStudy(), given)
    next(runs)
    runs.close()  # type: ignore[attr-defined]
    assert own_children() == []
    assert time.monotonic() - started < 15


def test_what_raises_in_the_batches_ends_the_workers() -> None:
    def broken() -> Iterator[Batch]:
        yield batches(tasks({"sleep": 60}))[0]
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        parts_of(ActingStudy(), broken())
    assert own_children() == []


SWEEP = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs start with Ctrl-C ignored
from experiments.sweeps.local import LocalEngine
from tests.experiments.sweeps.engine_studies import ActingStudy, batches, tasks
with LocalEngine(2, {limit}) as engine:
    for part in engine.run(ActingStudy(), batches(tasks({values}))):
        print(part.batch, part.rows[0]["status"], flush=True)
"""


def script(folder: Path, values: str, limit: float | None = None) -> subprocess.Popen[str]:
    """A sweep at the top level of a script, without the guard, in a session of its own."""
    path = folder / "script.py"
    path.write_text(SWEEP.format(values=values, limit=limit), encoding="utf-8")
    return subprocess.Popen(
        [sys.executable, path],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def test_a_sweep_at_the_top_of_a_script_works_and_prints_of_runs_stay_out_of_its_output(tmp_path: Path) -> None:
    out, error = script(tmp_path, "{}, {'print': 'hello'}").communicate(timeout=60)
    assert sorted(out.splitlines()) == ["0 finished", "1 finished"]
    assert error == "hello"


@pytest.mark.slow
def test_functions_beside_a_script_are_found_and_those_in_it_refused(tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text("def f(values, seed, replicate):\n    return {'y': 2.0 * values['x']}\n")
    code = (
        "from beside import f\n"
        "from experiments.sweeps.local import LocalEngine\n"
        "from experiments.sweeps.study import FunctionStudy\n"
        "from experiments.sweeps.tasks import Batch, Task\n"
        "batch = Batch(0, (Task((0,), (0,), 0, {'x': 1}, ''),))\n"
        "print(*[part.rows[0]['status'] for part in LocalEngine(1).run(FunctionStudy(f, 1), [batch])])\n"
        "def here(values, seed, replicate): return {}\n"
        "try:\n"
        "    list(LocalEngine(1).run(FunctionStudy(here, 1), [batch]))\n"
        "except Exception as error:\n"
        "    print(type(error).__name__, error)\n"
    )
    (tmp_path / "script.py").write_text(code, encoding="utf-8")
    told = (
        "finished\nSweepError here is defined in the script itself, where no other process can import it;"
        " put it into a module beside the script and import it from there\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for command in ([sys.executable, "script.py"], [sys.executable, "-c", code]):
        ended = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60)
        assert (ended.stdout, ended.stderr) == (told, "")


@pytest.mark.slow
@pytest.mark.parametrize("whole_group", [True, False])
def test_ctrl_c_leaves_no_process(tmp_path: Path, whole_group: bool) -> None:
    process = script(tmp_path, "{}, *[{'sleep': 60}] * 3")
    assert process.stdout is not None
    assert process.stdout.readline() == "0 finished\n"
    workers = children(process.pid)
    assert len(workers) == 2
    started = time.monotonic()
    if whole_group:
        os.killpg(process.pid, signal.SIGINT)
    else:
        process.send_signal(signal.SIGINT)
    out, error = process.communicate(timeout=30)
    assert (out, error.splitlines()[-1]) == ("", "KeyboardInterrupt")
    assert error.count("Traceback") == 1
    assert gone(workers)
    assert time.monotonic() - started < 10


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_workers_end_with_a_parent_that_is_killed_in_the_middle_of_their_runs(tmp_path: Path, number: int) -> None:
    process = script(tmp_path, "{}, *[{'sleep': 60}] * 3")
    assert process.stdout is not None
    process.stdout.readline()
    workers = children(process.pid)
    assert len(workers) == 2
    process.send_signal(number)
    assert process.wait(10) == -number
    assert gone(workers)
    assert process.communicate() == ("", "")


@pytest.mark.slow
def test_a_stopped_sweep_goes_on_and_no_run_is_late_for_it(tmp_path: Path) -> None:
    process = script(tmp_path, "{}, {'sleep': 2.5}", limit=3.0)
    assert process.stdout is not None
    process.stdout.readline()
    os.killpg(process.pid, signal.SIGSTOP)
    time.sleep(5)
    os.killpg(process.pid, signal.SIGCONT)
    assert process.communicate(timeout=30) == ("1 finished\n", "")


@pytest.mark.slow
def test_500_markets_do_not_fill_the_memory() -> None:
    study = MarketStudy({"tiny": resolve("tiny", until="2026Q2")}, seed=3)
    given = batches([Task((run,), (0,), run, {}, str(run)) for run in range(500)], 10)
    used_mb = []
    with LocalEngine(2) as engine:
        for _ in engine.run(study, given):
            pages = [int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in own_children()]
            used_mb.append(max(pages) * os.sysconf("SC_PAGE_SIZE") / 1e6)
    assert max(used_mb[25:]) < used_mb[10] + 10, used_mb
