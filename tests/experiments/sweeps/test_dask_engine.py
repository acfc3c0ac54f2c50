"""A scheduler and workers with nannies as separate processes, as on several machines."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from experiments.sweeps import cluster
from experiments.sweeps.cluster import DaskEngine
from experiments.sweeps.engines import EngineError, engine_of
from experiments.sweeps.errors import SweepError
from experiments.sweeps.local import LocalEngine
from experiments.sweeps.study import MarketStudy
from experiments.sweeps.tasks import FAILED, FINISHED, KILLED, Batch, Part, Task, execute
from market.scenario import Scenario
from tests.experiments.sweeps import engine_studies
from tests.experiments.sweeps.engine_studies import (
    KILLS_ITSELF,
    ActingStudy,
    UnloadableInWorkersStudy,
    batches,
    content,
    error_of,
    gone,
    statuses,
    tasks,
)

ROOT = Path(__file__).resolve().parents[3]


class Cluster:
    """Processes of one scheduler; every one leads a session of its own, so that it dies with its children."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: list[subprocess.Popen[bytes]] = []
        self.file = folder / "scheduler.json"
        # given up after two workers instead of four: each has to be started again
        self.scheduler = self.start("scheduler", "--port", "0", "--scheduler-file", str(self.file))
        deadline = time.monotonic() + 60
        while not self.file.exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        self.address: str = json.loads(self.file.read_text())["address"]

    def start(self, kind: str, *options: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"{kind}{len(self.processes)}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "dask", kind, "--host", "127.0.0.1", "--no-dashboard", *options],
                env={**os.environ, "PYTHONPATH": str(ROOT), "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1"},
                cwd=self.folder,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def start_worker(self) -> subprocess.Popen[bytes]:
        return self.start("worker", self.address, "--nthreads", "1", "--local-directory", str(self.folder))

    def wait_for_workers(self, count: int) -> None:
        with DaskEngine(self.address) as engine:
            deadline = time.monotonic() + 60
            while engine.workers < count:
                assert time.monotonic() < deadline
                time.sleep(0.05)

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """End a process and its children, as when a machine loses power."""
        members = _session(process.pid)
        os.killpg(process.pid, signal.SIGKILL)
        for pid in members - {process.pid}:
            _kill(pid)
        process.wait()
        self.processes.remove(process)
        assert gone(members)

    def stop(self) -> None:
        for process in list(self.processes):
            self.kill(process)


def _session(leader: int) -> set[int]:
    """Processes of a session: nannies start their workers in it, though maybe in groups of their own."""
    found = {leader}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(stat.read_text().rpartition(")")[2].split()[3]) == leader:
                found.add(int(stat.parent.name))
        except OSError:
            continue
    return found


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


@pytest.fixture(scope="module")
def two_workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    running = Cluster(tmp_path_factory.mktemp("cluster"))
    try:
        running.start_worker()
        running.start_worker()
        running.wait_for_workers(2)
        yield running
    finally:
        running.stop()


def test_without_dask_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(SweepError) as caught, engine_of("dask:127.0.0.1:8786"):
        pass
    assert str(caught.value) == "engine dask: not installed; install it with: pip install 'cloudpact[cluster]'"


@pytest.mark.parametrize("address", ["garbage", "foo://x:1", "tcp://a:b", ":"])
def test_what_is_no_address_is_one_line_and_leaves_no_client(address: str) -> None:
    with pytest.raises(SweepError) as caught, DaskEngine(address):
        pass
    expected = f"engine dask: no address (got {address!r}); allowed: one such as tcp://127.0.0.1:8786"
    assert str(caught.value) == expected


@pytest.mark.slow
def test_an_address_where_no_scheduler_answers_is_one_line() -> None:
    started = time.monotonic()
    with pytest.raises(SweepError) as caught, DaskEngine("tcp://127.0.0.1:1"):
        pass
    assert str(caught.value) == (
        "tcp://127.0.0.1:1: no scheduler answers there; start one with: dask scheduler (it prints its address)"
    )
    assert time.monotonic() - started < 12


@pytest.mark.slow
def test_a_lost_worker_changes_no_bit(two_workers: Cluster) -> None:
    study = MarketStudy({"tiny": Scenario.load("tiny")}, seed=3)
    given = batches([Task((run,), (run,), run % 4, {}, str(run)) for run in range(24)], 2)
    parts: list[Part] = []
    with DaskEngine(two_workers.address) as engine:
        for part in engine.run(study, given):
            parts.append(part)
            if len(parts) == 1:
                two_workers.kill(two_workers.processes[1])
        assert engine.workers == 1
    two_workers.start_worker()
    assert statuses(parts) == dict.fromkeys(range(24), FINISHED)
    with LocalEngine(2) as engine:
        assert content(parts) == content(engine.run(study, given))
    assert content(parts) == content([execute(study, batch) for batch in given])


@pytest.mark.slow
def test_a_run_that_always_kills_its_worker_is_given_up_alone(two_workers: Cluster) -> None:
    with DaskEngine(two_workers.address) as engine:
        given = batches(tasks({}, {"raise": "no labs left"}, KILLS_ITSELF, {}, {}), 3)
        parts = list(engine.run(ActingStudy(), given))
    assert statuses(parts) == {0: FINISHED, 1: FAILED, 2: KILLED, 3: FINISHED, 4: FINISHED}
    assert error_of(parts, 1) == ("simulation", "ValueError: no labs left")
    assert error_of(parts, 2) == ("process", "its process ended every time (out of memory?)")


@pytest.mark.slow
def test_batches_are_taken_only_as_workers_become_free(two_workers: Cluster) -> None:
    taken, ahead = 0, []

    def lazily() -> Iterator[Batch]:
        nonlocal taken
        for batch in batches(tasks(*[{}] * 12)):
            taken += 1
            yield batch

    with DaskEngine(two_workers.address) as engine:
        for back, _ in enumerate(engine.run(ActingStudy(), lazily())):
            ahead.append(taken - back)
    assert max(ahead) <= 4
    assert len(ahead) == taken == 12


@pytest.mark.slow
def test_what_the_workers_cannot_load_is_one_line(two_workers: Cluster) -> None:
    with pytest.raises(SweepError) as caught, DaskEngine(two_workers.address) as engine:
        list(engine.run(UnloadableInWorkersStudy(), batches(tasks({}, {}))))
    assert str(caught.value) == (
        f"{two_workers.address}: the workers cannot load what is swept (FileNotFoundError: no such file: weights.csv)"
    )


@pytest.mark.slow
def test_workers_with_other_code_are_refused(two_workers: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "code_version", engine_studies.code_of_its_own)
    with pytest.raises(SweepError) as caught, DaskEngine(two_workers.address):
        pass
    assert "has another version of cloudpact's code; install the same" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_a_scheduler_without_workers_and_then_lost_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = Cluster(tmp_path)
    try:
        with monkeypatch.context() as patched:
            patched.setattr(cluster, "_FIRST_WORKER_SECONDS", 0.5)
            with pytest.raises(SweepError, match="the scheduler has no workers; start some with: dask worker tcp://"):
                DaskEngine(alone.address).__enter__()
        alone.start_worker()
        kept: list[Part] = []

        def sweep() -> None:
            with DaskEngine(alone.address) as engine:
                for part in engine.run(ActingStudy(), batches(tasks(*[{"sleep": 0.2}] * 40))):
                    kept.append(part)
                    if len(kept) == 2:
                        alone.kill(alone.scheduler)

        with pytest.raises(EngineError) as caught:
            sweep()
        told = f"{alone.address}: lost the connection to the scheduler; what is finished is kept"
        assert str(caught.value) == told
        assert set(statuses(kept).values()) == {FINISHED}
        assert 2 <= len(kept) < 40
    finally:
        alone.stop()
