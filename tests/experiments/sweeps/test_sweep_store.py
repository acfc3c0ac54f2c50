"""The store of a sweep, by really doing what can happen to it: kill, full disk, two writers, another version."""

from __future__ import annotations

import errno
import fcntl
import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from cloudpact.results import ResultsError
from cloudpact.schema import RUNS
from experiments.store import claim_folder, run_manifest, versions, write_run
from experiments.sweeps import durable
from experiments.sweeps import plan as planning
from experiments.sweeps.compaction import stored_parts
from experiments.sweeps.designs import make_design
from experiments.sweeps.errors import SweepError
from experiments.sweeps.folder_lock import FolderLock
from experiments.sweeps.plan import Plan, make_plan
from experiments.sweeps.results import Sweep
from experiments.sweeps.store import StoreError, SweepStore
from experiments.sweeps.study import MarketStudy
from experiments.sweeps.tasks import KILLED, Batch, Part, execute, rows_of
from market.scenario import Scenario
from tests.experiments.fake_runs import fake_results
from tests.experiments.sweeps.fake_sweeps import (
    function_plan,
    made_up,
    market_part,
    market_plan,
    parts_of,
    waves,
)
from tests.experiments.sweeps.sweep_writer import POINTS
from tests.experiments.sweeps.sweep_writer import main as write

ROOT = Path(__file__).resolve().parents[3]
# Processes that have loaded everything before they begin, so that many can be killed in little time
SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["tests.experiments.sweeps.sweep_writer"])
WRITER = [sys.executable, "-m", "tests.experiments.sweeps.sweep_writer"]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def swept(folder: Path, plan: Plan, parts: list[Part] | None = None) -> Sweep:
    """The sweep of a plan, gone on with where it was, and finished."""
    with SweepStore.open(folder, plan) as store:
        for part in parts_of(plan) if parts is None else parts:
            store.commit(part)
        store.finish()
    return Sweep.load(folder)


def commit_all(store: SweepStore, parts: list[Part]) -> None:
    for part in parts:
        store.commit(part)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The hash of the writer's sweep when nothing happens to it."""
    return swept(tmp_path_factory.mktemp("whole") / "sweep", function_plan(POINTS, 2)).content_hash()


# What a folder holds


def test_a_new_folder_appears_whole_with_all_that_is_known_before_the_first_run(tmp_path: Path) -> None:
    plan = function_plan(3, 2, seed=9)
    with SweepStore.open(tmp_path / "deep" / "sweep", plan, "cloudpact sweep x.toml") as store:
        assert (store.done, store.failed, store.next_batch, store.complete) == (set(), 0, 0, False)
    folder = tmp_path / "deep" / "sweep"
    assert names(tmp_path / "deep") == ["sweep"]
    assert names(folder) == [".lock", "manifest.json", "parameters.parquet", "parts"]
    manifest = json.loads((folder / "manifest.json").read_text())
    started = manifest.pop("started")
    assert abs(pd.Timestamp.now("UTC") - pd.Timestamp(started)) < pd.Timedelta(minutes=5)
    assert manifest == {
        "kind": "sweep",
        "schema_version": 2,
        "store_version": 1,
        "status": "running",
        "command": "cloudpact sweep x.toml",
        "runs": 6,
        "points": 3,
        "replicates": 2,
        "seed": 9,
        "tables": ["outcomes"],
        "design": plan.design.plain(),
        "scenarios": {},
        "identity": plan.identity,
        "versions": versions(),
        "finished": None,
    }
    assert pd.read_parquet(folder / "parameters.parquet").to_dict("list") == {"point": [0, 1, 2], "x": [0.0, 1.0, 2.0]}


def test_while_it_runs_every_batch_is_a_folder_of_readable_tables(tmp_path: Path) -> None:
    plan = function_plan(4, 1, bad=[1, 2, 3])
    with SweepStore.open(tmp_path / "sweep", plan) as store:
        for part in parts_of(plan):
            store.commit(part)
        assert (store.done, store.failed, store.next_batch) == ({0, 1, 2, 3}, 3, 2)
    parts = tmp_path / "sweep" / "parts"
    assert {name: names(parts / name) for name in names(parts)} == {
        "000000-0": ["outcomes.parquet", "runs.parquet"],
        "000001-0": ["runs.parquet"],
    }
    rows = pd.read_parquet(parts / "000001-0" / "runs.parquet")
    assert list(rows) == RUNS.column_names
    assert rows["error"].tolist() == [f"ValueError: x is {x} and that is too small" for x in (-2.0, -3.0)]


def test_when_complete_it_is_one_file_a_table_in_order_of_runs(tmp_path: Path) -> None:
    plan = market_plan(3, 2, ("market", "labs"))
    batches = [[4, 5], [0, 1], [2, 3]]
    parts = [
        market_part(n, runs, tables=("market", "labs"), failed=[3], replicates=2) for n, runs in enumerate(batches)
    ]
    sweep = swept(tmp_path / "sweep", plan, parts)
    assert names(sweep.folder) == [
        ".lock",
        "labs.parquet",
        "manifest.json",
        "market.parquet",
        "parameters.parquet",
        "runs.parquet",
        "scenario.toml",
    ]
    for name in ("market", "labs"):
        made = pd.concat([made_up(name, run, 4).to_pandas() for run in (0, 1, 2, 4, 5)], ignore_index=True)
        pd.testing.assert_frame_equal(pd.read_parquet(sweep.folder / f"{name}.parquet"), made, check_exact=True)
    runs = pd.read_parquet(sweep.folder / "runs.parquet")
    assert runs[["run", "point", "replicate"]].to_numpy().tolist() == [[n, n // 2, n % 2] for n in range(6)]
    assert runs["status"].tolist() == ["finished"] * 3 + ["failed"] + ["finished"] * 2
    manifest = json.loads((sweep.folder / "manifest.json").read_text())
    assert (manifest["status"], manifest["statuses"]) == ("complete", {"failed": 1, "finished": 5})
    assert manifest["content_hash"] == sweep.content_hash()
    assert manifest["started"] <= manifest["finished"]
    assert Scenario.load(sweep.folder / "scenario.toml") == Scenario(name="made-up")


def test_several_scenarios_are_kept_by_name(tmp_path: Path) -> None:
    for number, called in enumerate((["a", "open world/2"], ["A/b", "a b", "a-b"])):
        scenarios = {name: Scenario(name=name, description=name) for name in called}
        study = MarketStudy(scenarios, 1)
        plan = make_plan(study, make_design([{"scenario": name} for name in called], "list"), 1)
        folder = tmp_path / str(number)
        SweepStore.open(folder, plan).close()
        assert Sweep.load(folder).scenarios == scenarios
    assert names(tmp_path / "0" / "scenarios") == ["a.toml", "open-world-2.toml"]
    assert names(tmp_path / "1" / "scenarios") == ["0-A-b.toml", "1-a-b.toml", "2-a-b.toml"]


# The same results however they came


def test_order_and_size_of_parts_do_not_change_the_content(tmp_path: Path) -> None:
    plan = function_plan(7, 3, bad=[2])
    hashes = set()
    for number, (size, order) in enumerate(
        [(1, range(21)), (1, range(20, -1, -1)), (4, [5, 0, 3, 1, 4, 2]), (21, [0])]
    ):
        hashes.add(swept(tmp_path / str(number), plan, list(parts_of(plan, size, order))).content_hash())
    assert len(hashes) == 1
    other = function_plan(7, 3, seed=2, bad=[2])
    assert swept(tmp_path / "other", other).content_hash() not in hashes


def test_equal_inputs_answered_by_one_simulation_stand_at_their_places(tmp_path: Path) -> None:
    listed = [{"x": 3.0}, {"x": 1.0}, {"x": 3.0}, {"x": 1.0}]
    plan = make_plan(function_plan().study, make_design(listed, "list"), 2)
    assert [task.runs for task in plan.tasks] == [(0, 4), (1, 5), (2, 6), (3, 7)]
    sweep = swept(tmp_path / "sweep", plan)
    expected = [waves(listed[run // 2], 1, run % 2)["height"] for run in range(8)]
    assert sweep.tables["outcomes"]["run"].tolist() == list(range(8))
    assert sweep.tables["outcomes"]["height"].tolist() == expected
    assert sweep.runs["same_as"].tolist() == [0, 1, 2, 3, 0, 1, 2, 3]


def test_runs_that_come_twice_are_kept_once(tmp_path: Path) -> None:
    plan = function_plan(3, 2)
    expected = swept(tmp_path / "once", plan).content_hash()
    first, second, third = parts_of(plan, 2)
    overlapping = execute(plan.study, Batch(7, plan.tasks[1:4]))
    killed = Part(1, tuple(row for task in plan.tasks[2:4] for row in rows_of(task, KILLED)))
    with SweepStore.open(tmp_path / "twice", plan) as store:
        store.commit(first)
        store.commit(overlapping)  # run 1 is known
        store.commit(second)  # runs 2 and 3 are
        store.commit(killed)  # a late word on a run that has finished
        store.commit(first)
        assert store.done == {0, 1, 2, 3}
        assert names(store.folder / "parts") == ["000000-0", "000007-0"]
        store.commit(replace(third, batch=7))
        assert names(store.folder / "parts") == ["000000-0", "000007-0", "000007-1"]
        store.finish()
    assert Sweep.load(tmp_path / "twice").content_hash() == expected


def test_a_sweep_cannot_be_finished_while_runs_are_missing(tmp_path: Path) -> None:
    plan = function_plan(2, 2)
    with SweepStore.open(tmp_path / "sweep", plan) as store:
        store.commit(next(parts_of(plan)))
        with pytest.raises(ValueError, match="2 runs of the sweep are missing"):
            store.finish()
    assert Sweep.load(tmp_path / "sweep").status == "running"


def test_a_complete_sweep_opens_with_everything_done_and_writes_nothing(tmp_path: Path) -> None:
    plan = function_plan(3, 2, bad=[1])
    swept(tmp_path / "sweep", plan)
    before = content(tmp_path / "sweep")
    with SweepStore.open(tmp_path / "sweep", plan) as store, SweepStore.open(tmp_path / "sweep", plan):
        assert (store.done, store.failed, store.complete) == (set(range(6)), 2, True)
        store.commit(next(parts_of(plan)))
        store.finish()
    assert content(tmp_path / "sweep") == before


@pytest.mark.parametrize("complete", [False, True])
def test_failed_runs_can_be_forgotten_and_done_again(tmp_path: Path, complete: bool) -> None:
    plan = function_plan(5, 2)
    expected = swept(tmp_path / "whole", plan).content_hash()
    good = list(parts_of(plan, 2))
    bad = Part(1, tuple(row for task in plan.tasks[2:4] for row in rows_of(task, KILLED, error="out of memory")))
    mixed = execute(plan.study, Batch(2, plan.tasks[4:5]))
    mixed = replace(mixed, rows=(*mixed.rows, *rows_of(plan.tasks[5], KILLED)))
    with SweepStore.open(tmp_path / "sweep", plan) as store:
        for part in (good[0], bad, mixed, *good[3:]):
            store.commit(part)
        if complete:
            store.finish()
    assert Sweep.load(tmp_path / "sweep").failures["run"].tolist() == [2, 3, 5]
    with SweepStore.open(tmp_path / "sweep", plan) as store:
        store.forget_failed()
        assert (store.done, store.failed, store.complete) == ({0, 1, 4, 6, 7, 8, 9}, 0, False)
    left = Sweep.load(tmp_path / "sweep")
    assert (left.status, left.runs["run"].tolist()) == ("running", [0, 1, 4, 6, 7, 8, 9])
    with SweepStore.open(tmp_path / "sweep", plan) as store:
        store.commit(execute(plan.study, Batch(store.next_batch, plan.tasks[1:6])))
        store.finish()
    sweep = Sweep.load(tmp_path / "sweep")
    assert (sweep.content_hash(), sweep.manifest["statuses"]) == (expected, {"finished": 10})
    assert names(sweep.folder) == [".lock", "manifest.json", "outcomes.parquet", "parameters.parquet", "runs.parquet"]


# Folders that are refused, with nothing written


def other_scenario() -> Plan:
    study = MarketStudy({"made-up": Scenario(name="made-up", description="another")}, 1, ("market",))
    return replace(market_plan(2, 1), study=study)


OTHERS = {
    "seed": (function_plan(3, 2), function_plan(3, 2, seed=2), "with another seed"),
    "replicates": (function_plan(3, 2), function_plan(3, 1), "with another replicates"),
    "design": (function_plan(3, 2), function_plan(4, 2), "with another design"),
    "long design": (function_plan(300, 1), function_plan(301, 1), "with another design"),
    "two things": (function_plan(3, 2), function_plan(4, 2, seed=3), "with another design and seed"),
    "scenario": (market_plan(2, 1), other_scenario(), "with another scenario"),
    "tables": (market_plan(2, 1), market_plan(2, 1, ("market", "labs")), "with another tables"),
}


@pytest.mark.parametrize(("first", "second", "message"), OTHERS.values(), ids=OTHERS)
@pytest.mark.parametrize("complete", [False, True])
def test_another_sweep_is_refused(tmp_path: Path, first: Plan, second: Plan, message: str, complete: bool) -> None:
    folder = tmp_path / "sweep"
    with SweepStore.open(folder, first) as store:
        if complete:
            runs = list(range(first.runs))
            store.commit(market_part(0, runs) if isinstance(first.study, MarketStudy) else next(parts_of(first, 1000)))
            store.finish()
    before = content(folder)
    with pytest.raises(SweepError) as caught:
        SweepStore.open(folder, second)
    assert str(caught.value) == f"{folder}: holds another sweep, {message}; name a new folder"
    assert content(folder) == before


def test_another_function_or_other_facts_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    SweepStore.open(tmp_path / "function", function_plan(3, 2)).close()
    SweepStore.open(tmp_path / "market", market_plan(2, 1)).close()
    monkeypatch.setattr(planning, "function_version", lambda function: "elsewhere:waves@0")
    monkeypatch.setattr(planning, "_facts_hash", lambda study: "newer")
    with pytest.raises(SweepError, match="holds another sweep, with another function; name a new folder"):
        SweepStore.open(tmp_path / "function", function_plan(3, 2))
    with pytest.raises(SweepError, match="holds another sweep, with another facts; name a new folder"):
        SweepStore.open(tmp_path / "market", market_plan(2, 1))


def test_the_work_of_other_code_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = function_plan(2, 1)
    SweepStore.open(tmp_path / "running", plan).close()
    swept(tmp_path / "complete", plan)
    before = content(tmp_path)
    mine = plan.identity["code"][:8]
    monkeypatch.setattr(planning, "code_version", lambda: "f" * 64)
    known = f"cloudpact {versions()['cloudpact']}, Python {versions()['python']}, code {mine}, this is ffffffff"
    for name, message in {
        "running": f"was written by other code ({known}); finish it there or name a new folder",
        "complete": f"is complete, by other code ({known}); read it with cloudpact.load or name a new folder",
    }.items():
        with pytest.raises(SweepError) as caught:
            SweepStore.open(tmp_path / name, plan)
        assert str(caught.value) == f"{tmp_path / name}: {message}"
    assert content(tmp_path) == before


MANIFESTS: dict[str, tuple[Any, str]] = {
    "of a run": ({"kind": None}, "holds a run, not a sweep; name another folder"),
    "of a comparison": ({"kind": "comparison"}, "holds a comparison, not a sweep; name another folder"),
    "of another store": ({"store_version": 2}, "has store version 2, this cloudpact reads version 1"),
    "of another schema": ({"schema_version": 99}, "has schema version 99, this cloudpact reads version 2"),
    "without a key": ({"identity": None}, "/manifest.json: is not the manifest of a sweep (no 'identity')"),
    "truncated": (None, "/manifest.json: is not the manifest of a run"),
}


@pytest.mark.parametrize(("change", "message"), MANIFESTS.values(), ids=MANIFESTS)
def test_manifests_that_cannot_be_read_are_refused(tmp_path: Path, change: Any, message: str) -> None:
    plan, folder = function_plan(2, 1), tmp_path / "sweep"
    swept(folder, plan)
    path = folder / "manifest.json"
    if change is None:
        path.write_bytes(path.read_bytes()[:-20])
    else:
        manifest = json.loads(path.read_text()) | change
        path.write_text(json.dumps({key: value for key, value in manifest.items() if value is not None}))
    before = content(folder)
    for read in (lambda: SweepStore.open(folder, plan), lambda: Sweep.load(folder)):
        with pytest.raises((SweepError, ResultsError)) as caught:
            read()
        assert str(caught.value) in (f"{folder}: {message}", f"{folder}{message}")
    assert content(folder) == before


def test_places_that_hold_something_else_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, full, file, here = tmp_path / "run", tmp_path / "full", tmp_path / "file", tmp_path / "here"
    claimed = claim_folder(run, "run")
    moment = pd.Timestamp("2026-10-01", tz="UTC").to_pydatetime()
    manifest = run_manifest(Scenario(), 1, [0], 1, "complete", "abc", moment, moment)
    write_run(claimed.staging, fake_results(), Scenario(), manifest)
    claimed.publish()
    for folder in (full, here):
        folder.mkdir()
    (full / "notes.txt").write_text("mine")
    file.write_text("mine")
    monkeypatch.chdir(here)
    refusals = {
        run: f"{run}: holds a run, not a sweep; name another folder",
        full: f"{full}: is not empty and holds no sweep; name a new folder",
        file: f"{file}: is not a folder",
        Path("."): ".: is the current folder; name a new one",
        file / "below": f"{file / 'below'}: cannot write there: File exists",
        Path("/proc/nowhere/sweep"): "/proc/nowhere/sweep: cannot write there: No such file or directory",
    }
    before = content(tmp_path)
    for out, message in refusals.items():
        with pytest.raises((SweepError, ResultsError)) as caught:
            SweepStore.open(out, function_plan(2, 1))
        assert str(caught.value) == message
    assert (content(tmp_path), names(here)) == (before, [])


def test_an_input_called_point_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    plan = make_plan(function_plan().study, make_design([{"point": 1.0, "x": 1.0}], "list"), 1)
    with pytest.raises(SweepError, match="no input can be called 'point', which numbers the points"):
        SweepStore.open(tmp_path / "sweep", plan)
    assert names(tmp_path) == []


# Two writers


@contextmanager
def writer(folder: Path, action: str) -> Iterator[subprocess.Popen[str]]:
    """A process that writes the sweep of `sweep_writer`, from when it has opened it."""
    process = subprocess.Popen([*WRITER, str(folder), action], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_second_writer_is_told_of_the_first_until_that_is_killed(tmp_path: Path, whole: str) -> None:
    plan, folder = function_plan(POINTS, 2), tmp_path / "sweep"
    with writer(folder, "hold") as first:
        before = content(folder)
        with pytest.raises(SweepError) as caught:
            SweepStore.open(folder, plan)
        assert str(caught.value) == f"{folder}: is being written by process {first.pid}; wait or stop it"
        assert content(folder) == before
        assert Sweep.load(folder).status == "running"  # reading needs no lock
        first.send_signal(signal.SIGKILL)
        first.wait()
    assert swept(folder, plan).content_hash() == whole


@pytest.mark.slow
def test_of_several_that_begin_at_once_one_writes(tmp_path: Path, whole: str) -> None:
    command = [*WRITER, str(tmp_path / "sweep"), "loop"]
    processes = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    told = [process.communicate(timeout=60)[0] for process in processes]
    codes = [process.returncode for process in processes]
    assert 0 in codes
    for code, text in zip(codes, told, strict=True):
        assert text == "open\n" if code == 0 else "is being written by process" in text
    sweep = Sweep.load(tmp_path / "sweep")
    assert (sweep.status, sweep.content_hash(), names(tmp_path)) == ("complete", whole, ["sweep"])


def test_a_folder_that_another_made_meanwhile_is_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan, folder = function_plan(3, 1), tmp_path / "sweep"
    rename = os.rename

    def late(source: Path, target: Path) -> None:
        if target == folder and not folder.exists():
            shutil.copytree(source, folder)
        rename(source, target)

    monkeypatch.setattr(os, "rename", late)
    with SweepStore.open(folder, plan) as store:
        assert (store.folder, names(tmp_path)) == (folder, ["sweep"])


def test_a_sweep_that_another_finished_while_it_was_opened_is_complete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, folder = function_plan(3, 1), tmp_path / "sweep"
    SweepStore.open(folder, plan).close()
    take = FolderLock.take

    def late(place: Path, named: Path | None = None) -> FolderLock:
        monkeypatch.setattr(FolderLock, "take", take)
        swept(folder, plan)
        return take(place, named)

    monkeypatch.setattr(FolderLock, "take", late)
    with SweepStore.open(folder, plan) as store:
        assert (store.complete, store.done) == (True, {0, 1, 2})


def test_what_a_killed_writer_left_is_cleared_away(tmp_path: Path) -> None:
    plan, folder = function_plan(3, 1), tmp_path / "sweep"
    SweepStore.open(folder, plan).close()
    before = names(folder)
    (folder / ".outcomes.parquet.tmp").write_bytes(bytes(10))
    (folder / "parts" / ".000000-0.tmp").mkdir()
    (folder / "parts" / ".000000-0.tmp" / "runs.parquet").write_bytes(bytes(10))
    assert Sweep.load(folder).runs["run"].tolist() == []
    with SweepStore.open(folder, plan) as store:
        assert (store.done, names(folder), names(folder / "parts")) == (set(), before, [])


def test_a_file_system_without_locks_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(handle: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    message = (
        "its file system has no locks .No locks available., so two sweeps could mix in it; name a folder on another"
    )
    with pytest.raises(SweepError, match=message):
        SweepStore.open(tmp_path / "sweep", function_plan(2, 1))
    assert names(tmp_path) == []


# Ends of every kind


class PowerCut(BaseException):
    """The machine stops."""


STEPS = ("fsync", "link", "mkdir", "rename", "replace", "rmdir", "unlink")


@contextmanager
def power_cut(monkeypatch: pytest.MonkeyPatch, after: int) -> Iterator[list[str]]:
    """After some steps on the disk the next one does not happen, nor any later one."""
    steps: list[str] = []

    def counted(name: str) -> Any:
        real = getattr(os, name)

        def step(*args: Any, **options: Any) -> Any:
            if len(steps) >= after:
                raise PowerCut
            steps.append(name)
            return real(*args, **options)

        return step

    with monkeypatch.context() as patched:
        for name in STEPS:
            patched.setattr(os, name, counted(name))
        yield steps


def cut_short(monkeypatch: pytest.MonkeyPatch, after: int, folder: Path, plan: Plan, parts: list[Part]) -> bool:
    """Whether a sweep whose machine stops after some steps got to its end."""
    store = None
    try:
        with power_cut(monkeypatch, after):
            store = SweepStore.open(folder, plan)
            store.forget_failed()
            for part in parts:
                store.commit(part)
            store.finish()
    except PowerCut:
        return False
    finally:
        if store is not None:
            store.close()
    return True


def test_whenever_the_machine_stops_the_folder_reads_right_and_is_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = function_plan(3, 1)
    parts = list(parts_of(plan, 2))
    expected = swept(tmp_path / "whole", plan)
    for after in range(200):
        folder = tmp_path / str(after) / "sweep"
        ended = cut_short(monkeypatch, after, folder, plan, parts)
        if folder.exists():
            found = Sweep.load(folder)
            kept = len(found.runs)
            assert found.runs["run"].tolist() in ([], [0, 1], [0, 1, 2])
            outcomes = found.tables["outcomes"]
            assert outcomes["run"].tolist() == found.runs["run"].tolist()
            assert not kept or outcomes["height"].tolist() == expected.tables["outcomes"]["height"][:kept].tolist()
            assert found.status == "running" or found.content_hash() == expected.content_hash()
        assert swept(folder, plan, parts).content_hash() == expected.content_hash()
        assert names(folder) == names(expected.folder)
        if ended:
            break
    assert 30 < after < 199


@pytest.mark.slow
def test_whenever_the_machine_stops_while_failed_runs_are_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = function_plan(3, 1)
    expected = swept(tmp_path / "whole", plan)
    failed = Part(0, tuple(row for task in plan.tasks[:2] for row in rows_of(task, KILLED)))
    swept(tmp_path / "failed", plan, [failed, *parts_of(plan, 1, [2])])
    again = [execute(plan.study, Batch(5, plan.tasks[:2]))]
    for after in range(200):
        folder = tmp_path / str(after)
        shutil.copytree(tmp_path / "failed", folder)
        ended = cut_short(monkeypatch, after, folder, plan, again)
        found = Sweep.load(folder)
        assert set(found.runs.loc[found.runs["status"] == "finished", "run"]) in ({2}, {0, 1, 2})
        with SweepStore.open(folder, plan) as store:
            store.forget_failed()
        assert swept(folder, plan, again).content_hash() == expected.content_hash()
        assert names(folder) == names(expected.folder)
        if ended:
            break
    assert 30 < after < 199


def killed_after(folder: Path, seconds: float) -> None:
    process = SERVER.Process(target=write, args=(folder, "loop"))
    process.start()
    time.sleep(seconds)
    process.kill()
    process.join()


def check_killed(folder: Path, times: int, whole: str) -> int:
    """Kill a writer again and again, look at what it left, and finish; return how often it had done a part only."""
    rng = np.random.Generator(np.random.PCG64(5))
    halfway = 0
    plan, kept = function_plan(POINTS, 2), set[int]()
    for _ in range(times):
        killed_after(folder, float(rng.uniform(0.0, 0.6)))
        if not folder.exists():
            continue
        found = Sweep.load(folder)
        runs = set(found.runs["run"])
        assert runs >= kept
        assert runs == set(found.tables["outcomes"]["run"])
        if found.status == "running":
            for part in stored_parts(folder):
                assert pq.read_table(part.folder / "outcomes.parquet")["run"].to_pylist() == list(part.runs)
        halfway += 0 < len(runs) < 2 * POINTS
        kept = runs
    with SweepStore.open(folder, plan) as store:
        assert store.done == kept
    assert not list(folder.glob("**/.*.tmp"))
    assert swept(folder, plan).content_hash() == whole
    return halfway


@pytest.mark.slow
def test_a_writer_killed_twenty_times_loses_nothing_that_was_kept(tmp_path: Path, whole: str) -> None:
    halfway = [check_killed(tmp_path / str(number), 4, whole) for number in range(5)]
    assert sum(halfway) > 0


# A full disk


def test_a_limit_on_the_size_of_files_stops_the_sweep_in_one_line(tmp_path: Path, whole: str) -> None:
    folder = tmp_path / "sweep"
    done = subprocess.run([*WRITER, str(folder), "limited"], cwd=ROOT, capture_output=True, text=True, check=False)
    kept = len(Sweep.load(folder).runs)
    assert 0 <= kept < 2 * POINTS
    told = f"open\ndisk full: {kept} of 80 runs are kept in {folder}; the same command goes on from there\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, told, "")
    assert not list(folder.glob("**/.*.tmp"))
    assert swept(folder, function_plan(POINTS, 2)).content_hash() == whole


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of two megabytes."""
    place = tmp_path / "disk"
    place.mkdir()
    options = ["-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)]
    mounted = shutil.which("mount") and subprocess.run(["mount", *options], capture_output=True, check=False)
    if not mounted or mounted.returncode:
        pytest.skip("no small file system can be mounted here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_on_a_full_disk_what_was_kept_stays_and_the_rest_follows_when_there_is_room(
    tmp_path: Path, small_disk: Path
) -> None:
    plan, folder = market_plan(30, 1), small_disk / "sweep"
    parts = [market_part(number, [number, number + 1], 40) for number in range(0, 30, 2)]
    expected = swept(tmp_path / "whole", plan, parts).content_hash()
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(1_700_000))
    with SweepStore.open(folder, plan) as store:
        with pytest.raises(StoreError) as caught:
            commit_all(store, parts)
        number = len(store.done) // 2
    told = str(caught.value)
    assert 1 <= number < 14
    assert told == (f"disk full: {2 * number} of 30 runs are kept in {folder}; the same command goes on from there")
    assert not list(folder.glob("**/.*.tmp"))
    assert Sweep.load(folder).runs["run"].tolist() == list(range(2 * number))
    ballast.unlink()
    with SweepStore.open(folder, plan) as store:
        assert store.done == set(range(2 * number))
        commit_all(store, parts)
        ballast.write_bytes(bytes(shutil.disk_usage(small_disk).free - 20_000))
        with pytest.raises(StoreError, match="disk full: 30 of 30 runs are kept in"):
            store.finish()
    assert (Sweep.load(folder).status, Sweep.load(folder).content_hash()) == ("running", expected)
    ballast.unlink()
    assert swept(folder, plan, []).content_hash() == expected


def test_a_folder_that_cannot_be_filled_is_not_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(durable.os, "fsync", full)
    with pytest.raises(StoreError) as caught:
        SweepStore.open(tmp_path / "sweep", function_plan(2, 1))
    assert str(caught.value) == f"disk full: {tmp_path / 'sweep'} could not be made, nothing is kept"
    assert names(tmp_path) == []
