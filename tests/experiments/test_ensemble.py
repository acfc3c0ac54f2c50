from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cloudpact.results import Results
from experiments.ensemble import EnsembleError, run_ensemble
from tests.experiments import fake_runs

ROOT = Path(__file__).resolve().parents[2]


def ensemble(simulate, jobs: int, replicates: int = 5, scenario=None) -> Results:
    return Results.concat(run_ensemble(scenario, 7, range(replicates), jobs, simulate=simulate))


def test_the_same_bits_for_any_number_of_processes() -> None:
    alone, together = ensemble(fake_runs.simulate, 1), ensemble(fake_runs.simulate, 2)
    assert alone.runs == together.runs == [0, 1, 2, 3, 4]
    assert alone.content_hash() == together.content_hash()
    assert alone.market["price_usd_bn_per_gw_quarter"].nunique() == 30


def test_another_seed_gives_other_results() -> None:
    one, other = fake_runs.fake_results(1), fake_runs.fake_results(2)
    assert one.content_hash() != other.content_hash()


def test_workers_have_one_thread_each_and_the_parent_keeps_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.delenv("NUMBA_NUM_THREADS", raising=False)
    seen = list(run_ensemble(None, 1, range(2), 2, simulate=fake_runs.thread_limits))
    assert seen == [{"NUMBA_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}] * 2
    assert os.environ["OMP_NUM_THREADS"] == "3"
    assert "NUMBA_NUM_THREADS" not in os.environ


@pytest.mark.parametrize("jobs", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_failing_replicate_is_named(jobs: int) -> None:
    with pytest.raises(EnsembleError, match="replicate 2 failed: ZeroDivisionError: no labs left"):
        ensemble(fake_runs.simulate_or_fail, jobs)


def test_a_dead_worker_is_replaced_and_nothing_is_lost(tmp_path: Path) -> None:
    results = ensemble(fake_runs.simulate_or_die_once, 2, scenario=tmp_path)
    assert results.content_hash() == ensemble(fake_runs.simulate, 1).content_hash()


@pytest.mark.slow
def test_a_replicate_that_kills_its_worker_twice_is_named() -> None:
    with pytest.raises(EnsembleError, match=r"replicate 2: its process died twice"):
        ensemble(fake_runs.simulate_or_die, 2, replicates=4)


def test_ending_early_ends_the_workers() -> None:
    runs = run_ensemble(None, 1, range(4), 2, simulate=fake_runs.simulate_slowly)
    started = time.monotonic()
    next(runs)
    runs.close()
    assert time.monotonic() - started < 30
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize("whole_group", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_ctrl_c_keeps_what_finished(tmp_path: Path, whole_group: bool) -> None:
    script = tmp_path / "interrupted.py"
    script.write_text(
        "import signal\n"
        "from experiments.ensemble import run_ensemble\n"
        "from tests.experiments.fake_runs import simulate_slowly\n"
        "if __name__ == '__main__':\n"
        # a shell's background jobs start with Ctrl-C ignored, and so would this script
        "    signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "    kept = []\n"
        "    try:\n"
        "        for results in run_ensemble(None, 1, range(4), 2, simulate=simulate_slowly):\n"
        "            kept += results.runs\n"
        "            print('one', flush=True)\n"
        "    except KeyboardInterrupt:\n"
        "        print(kept)\n",
        encoding="utf-8",
    )
    process = subprocess.Popen(
        [sys.executable, script],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "one\n"
    if whole_group:
        os.killpg(process.pid, signal.SIGINT)
    else:
        process.send_signal(signal.SIGINT)
    out, error = process.communicate(timeout=30)
    assert (out, error) == ("[0]\n", "")


@pytest.mark.slow
def test_workers_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "killed.py"
    script.write_text(
        "import multiprocessing\n"
        "from experiments.ensemble import run_ensemble\n"
        "from tests.experiments.fake_runs import simulate_slowly\n"
        "if __name__ == '__main__':\n"
        "    for _ in run_ensemble(None, 1, range(4), 2, simulate=simulate_slowly):\n"
        "        print(*[child.pid for child in multiprocessing.active_children()], flush=True)\n",
        encoding="utf-8",
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([sys.executable, script], env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    workers = [int(pid) for pid in process.stdout.readline().split()]
    assert len(workers) == 2
    process.kill()
    process.wait()
    deadline = time.monotonic() + 20
    while any(_alive(pid) for pid in workers) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(_alive(pid) for pid in workers)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"
