"""`sweep` as a whole: the same bits as single runs, whatever the workers, the order or an interruption."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from cloudpact import load, run, sweep
from experiments.sweeps import cluster
from experiments.sweeps.errors import SweepError
from experiments.sweeps.study import Function
from market.scenario import Scenario
from tests.experiments.sweeps.swept_functions import noisy, troubled

ROOT = Path(__file__).resolve().parents[3]
SHORT = {"until": "2026Q2"}
BOTH = [True, False]


def test_runs_are_those_of_run_and_count_points_times_replicates(tmp_path: Path) -> None:
    powers = [0.3, 0.7]
    swept = sweep(
        "tiny", vary={"negotiation.provider_power": powers}, replicates=2, seed=5, jobs=2, out=tmp_path / "s", **SHORT
    )
    assert swept.runs[["run", "point", "replicate", "status"]].to_numpy().tolist() == [
        [0, 0, 0, "finished"],
        [1, 0, 1, "finished"],
        [2, 1, 0, "finished"],
        [3, 1, 1, "finished"],
    ]
    assert swept.parameters["negotiation.provider_power"].tolist() == powers
    assert list(swept.tables) == ["market", "providers", "labs", "alignment", "deals"]  # traces only if asked for
    base = Scenario.load("tiny")
    for number, (point, replicate) in enumerate([(0, 0), (0, 1), (1, 0), (1, 1)]):
        single = run(base.with_({"negotiation.provider_power": powers[point]}), seed=5, replicate=replicate, **SHORT)
        for name, table in swept.tables.items():
            rows = table[table["run"] == number].drop(columns="run").reset_index(drop=True)
            pd.testing.assert_frame_equal(rows, single.tables[name].drop(columns="run"), check_exact=True)


def test_replicates_differ(tmp_path: Path) -> None:
    swept = sweep(noisy, vary={"x": [1, 2]}, replicates=3, jobs=1, out=tmp_path / "s")
    luck = swept.by_point("luck")
    assert luck.stack().nunique() == 6


def test_the_same_bits_for_any_number_of_workers_and_after_a_stop(tmp_path: Path) -> None:
    arguments = {"vary": {"x": (0.0, 1.0)}, "design": "lhs", "samples": 40, "replicates": 2, "seed": 3}
    one = sweep(noisy, **arguments, jobs=1, out=tmp_path / "one")
    two = sweep(noisy, **arguments, jobs=2, out=tmp_path / "two")
    assert one.content_hash() == two.content_hash() == one.manifest["content_hash"]

    class Stopped(Exception):
        pass

    def stop(told: object) -> None:
        if told.done >= 10:  # type: ignore[attr-defined]
            raise Stopped

    with pytest.raises(Stopped):
        sweep(noisy, **arguments, jobs=2, out=tmp_path / "three", progress=stop)
    partial = load(tmp_path / "three")
    assert partial.status == "running"
    assert 10 <= len(partial.runs) < 80
    seen = []
    resumed = sweep(noisy, **arguments, jobs=2, out=tmp_path / "three", progress=seen.append)
    assert seen[0].done > len(partial.runs), "what was finished is not done again"
    assert resumed.content_hash() == one.content_hash()


def test_what_is_complete_is_not_run_again(tmp_path: Path) -> None:
    first = sweep(noisy, vary={"x": [1, 2]}, out=tmp_path / "s")
    stamps = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "s").iterdir()}
    again = sweep(noisy, vary={"x": [1, 2]}, out=tmp_path / "s")
    assert {path.name: path.stat().st_mtime_ns for path in (tmp_path / "s").iterdir()} == stamps
    assert again.content_hash() == first.content_hash()


def test_a_replicate_has_the_same_luck_at_every_point(tmp_path: Path) -> None:
    swept = sweep("tiny", vary={"name": ["one", "two"]}, replicates=2, seed=4, until="2026Q2", out=tmp_path / "s")
    market = swept.tables["market"].drop(columns="run")
    quarters = len(market) // 4
    one, two = market.iloc[: 2 * quarters], market.iloc[2 * quarters :]
    pd.testing.assert_frame_equal(one.reset_index(drop=True), two.reset_index(drop=True), check_exact=True)
    assert swept.runs["key"].nunique() == 4, "they were simulated, not copied"
    assert not market.iloc[:quarters].equals(market.iloc[quarters : 2 * quarters].reset_index(drop=True))


def test_which_tables_are_kept_changes_no_bit(tmp_path: Path) -> None:
    arguments = {"vary": {"negotiation.provider_power": [0.4]}, "seed": 9, "until": "2026Q2", "jobs": 1}
    few = sweep("tiny", **arguments, tables=["market"], out=tmp_path / "few")
    all_of_them = sweep("tiny", **arguments, tables=["market", "deals", "negotiations"], out=tmp_path / "all")
    assert list(few.tables) == ["market"]
    assert len(all_of_them.tables["negotiations"]) > 0
    pd.testing.assert_frame_equal(few.tables["market"], all_of_them.tables["market"], check_exact=True)


def test_equal_inputs_are_simulated_once_and_have_rows_everywhere(tmp_path: Path) -> None:
    swept = sweep(noisy, design=[{"x": 1}, {"x": 2}, {"x": 1}], replicates=2, out=tmp_path / "s")
    assert swept.runs["same_as"].tolist() == [0, 1, 2, 3, 0, 1]
    assert swept.runs["key"].nunique() == 4
    luck = swept.by_point("luck")
    assert luck.loc[0].tolist() == luck.loc[2].tolist() != luck.loc[1].tolist()


def test_one_run_that_raises_and_one_that_kills_are_told_apart_and_cost_no_other(tmp_path: Path) -> None:
    trouble = ["none", "raises", "kills", f"kills once:{tmp_path}"]
    swept = sweep(troubled, vary={"trouble": trouble}, replicates=2, jobs=2, out=tmp_path / "s")
    told = swept.runs.set_index(["point", "replicate"])["status"].unstack().to_numpy().tolist()
    assert told == [["finished"] * 2, ["finished", "failed"], ["killed"] * 2, ["finished"] * 2]
    failed = swept.failures[swept.failures["status"] == "failed"].iloc[0]
    assert (failed["stage"], failed["error"]) == ("troubled", "ValueError: a made-up failure")
    assert 'raise ValueError("a made-up failure")' in failed["traceback"]
    assert swept.outcome("x").isna().tolist() == [False, False, False, True, True, True, False, False]


def test_what_failed_is_tried_again_only_when_asked(tmp_path: Path) -> None:
    folder = tmp_path / "s"
    arguments = {"vary": {"trouble": ["none", "raises"]}, "replicates": 2, "jobs": 1}
    first = sweep(troubled, **arguments, out=folder)
    calls: list[object] = []
    sweep(troubled, **arguments, out=folder, progress=calls.append)
    assert calls == []
    again = sweep(troubled, **arguments, out=folder, retry_failed=True, progress=calls.append)
    assert len(calls) == 1
    assert again.content_hash() == first.content_hash()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"base": "tiny", "vary": {"negotiation.provider_pwer": (0, 1)}}, "did you mean .provider_power"),
        ({"base": "tiny", "vary": {"negotiation.provider_power": (0.8, 0.2)}, "design": "lhs", "samples": 4}, "0.8"),
        ({"base": "tiny", "vary": {}}, "nothing"),
        ({"base": "tiny", "vary": {"policy.exclusivity_ban": BOTH}, "design": "saltelli", "samples": 4}, "saltelli"),
        ({"base": "tiny", "vary": {"price.markup": [0.5]}, "replicates": 0}, "replicates"),
        ({"base": noisy, "vary": {"x": [1]}, "replicates": 1.5}, "replicates: got 1.5; allowed: a whole number, 1 or"),
        ({"base": noisy, "vary": {"x": [1]}, "replicates": "2"}, "replicates: got '2'; allowed: a whole number, 1 or"),
        ({"base": noisy, "vary": {"x": (0, 1)}, "design": "lhs", "samples": 2, "seed": -1}, "seed: got -1; allowed: a"),
        ({"base": noisy, "vary": {"x": [1]}, "design": 5}, "design: got 5; allowed: grid"),
        ({"base": "tiny", "vary": {"price.markup": [0.5]}, "tables": "market"}, "tables: got the text 'market'"),
        ({"base": "tiny", "vary": {"price.markup": [0.5]}, "engine": "dusk:1"}, "dask"),
        ({"base": "tiny", "vary": {"price.markup": [0.5]}, "tables": ["market", "deal"]}, "deals"),
        ({"base": "tinny"}, "tiny"),
    ],
)
def test_mistakes_are_one_line_and_write_nothing(tmp_path: Path, arguments: dict[str, object], told: str) -> None:
    with pytest.raises(ValueError, match=told) as raised:
        sweep(**arguments, out=tmp_path / "s")  # type: ignore[arg-type]
    assert "\n" not in str(raised.value)
    assert list(tmp_path.iterdir()) == []


def in_the_script(values: dict[str, float], seed: int, replicate: int) -> dict[str, float]:
    return {"y": 1.0}


@pytest.mark.parametrize(
    ("function", "engine", "told"),
    [
        (noisy, "dask:tcp://127.0.0.1:1", "no scheduler answers there"),
        (lambda values, seed, replicate: {"y": 1.0}, "local", "defined in a module"),
        (in_the_script, "local", "defined in the script itself"),
    ],
)
def test_what_cannot_be_done_by_other_processes_is_told_before_a_folder_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, function: Function, engine: str, told: str
) -> None:
    monkeypatch.setattr(in_the_script, "__module__", "__main__")
    monkeypatch.setattr(sys.modules["__main__"], "in_the_script", in_the_script, raising=False)
    monkeypatch.setattr(cluster, "_CONNECT_SECONDS", 0.2)
    with pytest.raises(SweepError, match=told) as raised:
        sweep(function, vary={"x": [1, 2]}, engine=engine, out=tmp_path / "s")
    assert "\n" not in str(raised.value)
    assert list(tmp_path.iterdir()) == []


def test_an_engine_that_is_not_there_forgets_no_failed_run_and_is_not_missed_when_all_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "_CONNECT_SECONDS", 0.2)
    arguments = {"vary": {"trouble": ["raises"]}, "replicates": 2, "out": tmp_path / "s"}
    sweep(troubled, **arguments, jobs=1)
    before = {path: path.read_bytes() for path in (tmp_path / "s").iterdir()}
    nowhere = {"engine": "dask:tcp://127.0.0.1:1"}
    assert len(sweep(troubled, **arguments, **nowhere).failures) == 1
    with pytest.raises(SweepError, match="no scheduler answers there"):
        sweep(troubled, **arguments, **nowhere, retry_failed=True)
    assert {path: path.read_bytes() for path in (tmp_path / "s").iterdir()} == before


def test_a_folder_of_another_sweep_is_refused_and_left_alone(tmp_path: Path) -> None:
    sweep(noisy, vary={"x": [1, 2]}, out=tmp_path / "s")
    before = {path: path.read_bytes() for path in (tmp_path / "s").iterdir()}
    for other in (
        {"vary": {"x": [1, 3]}},
        {"vary": {"x": [1, 2]}, "seed": 2},
        {"vary": {"x": [1, 2]}, "replicates": 2},
    ):
        with pytest.raises(SweepError, match="another sweep"):
            sweep(noisy, **other, out=tmp_path / "s")
    assert {path: path.read_bytes() for path in (tmp_path / "s").iterdir()} == before


SLOW_DESIGN = """\
scenario = "tiny"
until = "2027Q4"
replicates = 20
[vary]
"negotiation.provider_power" = [0.2, 0.4, 0.6, 0.8]
"""


SLOW_SWEEP = {"vary": {"negotiation.provider_power": [0.2, 0.4, 0.6, 0.8]}, "replicates": 20, "until": "2027Q4"}


def command(design: Path, out: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "cloudpact.cli", "sweep", str(design), "--out", str(out), *words]


def told_by(words: list[str]) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(words, cwd=ROOT, capture_output=True, timeout=120, check=False)


def started(design: Path, out: Path) -> subprocess.Popen[bytes]:
    """`cloudpact sweep` in a process group of its own, once it has kept something."""
    process = subprocess.Popen(
        command(design, out, "--jobs", "2"),
        cwd=ROOT,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
        # whoever runs these tests in the background may have given them deaf ears for Ctrl-C
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    deadline = time.monotonic() + 60
    while not any(out.glob("parts/0*")):
        assert process.poll() is None, process.stderr.read() if process.stderr else ""
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return process


def nobody_left(group: int) -> bool:
    """Whether every process of a group is gone, given a moment."""
    for _ in range(100):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        alive = [
            entry.name
            for entry in Path("/proc").iterdir()
            if entry.name.isdigit() and _group_and_state(entry) in {(group, "R"), (group, "S"), (group, "D")}
        ]
        if not alive:
            return True
        time.sleep(0.1)
    return False


def _group_and_state(entry: Path) -> tuple[int, str]:
    try:
        fields = (entry / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return (0, "")
    return int(fields[2]), fields[0]


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_parent_killed_or_interrupted_leaves_nobody_behind_and_goes_on_to_the_same_hash(
    tmp_path: Path, how: signal.Signals
) -> None:
    design, out = tmp_path / "design.toml", tmp_path / "stopped"
    design.write_text(SLOW_DESIGN)
    process = started(design, out)
    os.kill(process.pid, how)
    _, error = process.communicate(timeout=20)
    assert nobody_left(process.pid)
    if how is signal.SIGINT:
        assert process.returncode == 130
        assert error.decode().strip().splitlines()[-1].startswith("cloudpact: interrupted; ")
        assert b"Traceback" not in error
    kept = load(out)
    assert kept.status == "running"
    assert 0 < len(kept.runs) < 80
    assert set(kept.tables["market"]["run"]) == set(kept.runs["run"])
    again = told_by(command(design, out, "--json"))
    assert again.returncode == 0, again.stderr
    told = json.loads(again.stdout)
    whole = sweep("tiny", **SLOW_SWEEP, out=tmp_path / "whole")
    assert told["content_hash"] == whole.content_hash()
    assert told["runs"] == {"finished": 80}


@pytest.mark.slow
def test_a_second_sweep_into_the_same_folder_is_told_who_writes_there(tmp_path: Path) -> None:
    design, out = tmp_path / "design.toml", tmp_path / "s"
    design.write_text(SLOW_DESIGN)
    process = started(design, out)
    second = told_by(command(design, out))
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert second.returncode == 2
    assert f"{process.pid}" in second.stderr.decode()
    assert second.stderr.decode().strip().count("\n") <= 1


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("mount"), reason="needs root to mount a small disk")
def test_a_full_disk_is_one_line_and_loses_nothing_that_was_kept(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(disk)], capture_output=True)
    if mounted.returncode:
        pytest.skip("no file system can be mounted here")
    try:
        design = tmp_path / "design.toml"
        design.write_text(SLOW_DESIGN)
        full = told_by(command(design, disk / "s"))
        assert full.returncode == 1
        last = full.stderr.decode().strip().splitlines()[-1]
        assert "disk full" in last
        assert "goes on from there" in last
        kept = len(load(disk / "s").runs)
        assert f"{kept} of 80 runs are kept" in last
        assert kept > 0
        subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
        again = told_by(command(design, disk / "s", "--json"))
        assert again.returncode == 0, again.stderr
        whole = sweep("tiny", **SLOW_SWEEP, out=tmp_path / "whole")
        assert json.loads(again.stdout)["content_hash"] == whole.content_hash()
    finally:
        subprocess.run(["umount", str(disk)], check=True)
