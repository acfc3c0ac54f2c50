"""Who waits for a world, who goes first, and what ends with the server; tasks run in threads that the tests hold."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import pytest

from market.scenario import Scenario
from visualization.web import worlds as module
from visualization.web.worlds import BusyError, Worlds

TINY = Scenario.load("tiny")


class Held:
    """Stands for the simulation: nothing ends before `release` is set, and what began is noted."""

    def __init__(self) -> None:
        self.began: list[int] = []
        self.one = threading.Event()
        self.release = threading.Event()

    def __call__(self, scenario: Scenario, seed: int, *rest: Any) -> Any:
        self.began.append(seed)
        self.one.set()
        assert self.release.wait(20)
        return f"world {seed}"


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[Held]:
    made = Held()
    monkeypatch.setattr(module, "recorded", made)
    monkeypatch.setattr(module, "LOOK", 0.01)
    yield made
    made.release.set()


def asked(executor: Executor, worlds: Worlds, seed: int, gone: threading.Event) -> Future[Any]:
    return executor.submit(worlds.world, TINY, seed, lambda: not gone.is_set())


def test_what_nobody_waits_for_any_more_is_not_begun(held: Held) -> None:
    worlds, gone, stays = Worlds(1, ThreadPoolExecutor), threading.Event(), threading.Event()
    with ThreadPoolExecutor(3) as people:
        first = asked(people, worlds, 1, stays)
        assert held.one.wait(20)
        second = asked(people, worlds, 2, gone)
        gone.set()
        assert second.result(20) is None
        third = asked(people, worlds, 3, stays)
        held.release.set()
        assert (first.result(20), third.result(20)) == ("world 1", "world 3")
    assert held.began == [1, 3]


def test_one_who_leaves_does_not_take_the_world_from_another(held: Held) -> None:
    worlds, gone, stays = Worlds(1, ThreadPoolExecutor), threading.Event(), threading.Event()
    with ThreadPoolExecutor(3) as people:
        asked(people, worlds, 1, stays)
        assert held.one.wait(20)
        leaves, waits = asked(people, worlds, 2, gone), asked(people, worlds, 2, stays)
        while worlds._waiting[("world", TINY.content_hash(), 2)] < 2:
            time.sleep(0.001)
        gone.set()
        assert leaves.result(20) is None
        held.release.set()
        assert waits.result(20) == "world 2"
    assert held.began == [1, 2]


def test_more_than_the_server_takes_on_is_refused(held: Held, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAITING", 1)
    worlds = Worlds(1, ThreadPoolExecutor)
    with ThreadPoolExecutor(1) as people:
        first = asked(people, worlds, 1, threading.Event())
        assert held.one.wait(20)
        with pytest.raises(BusyError, match="the server has its hands full; try again in a moment"):
            worlds.world(TINY, 2)
        held.release.set()
        assert first.result(20) == "world 1"


def test_fans_leave_a_worker_to_worlds(held: Held, monkeypatch: pytest.MonkeyPatch) -> None:
    member = Held()
    monkeypatch.setattr(module, "concentration", member)
    worlds, wanted = Worlds(2, ThreadPoolExecutor), threading.Event()
    wanted.set()
    with ThreadPoolExecutor(3) as people:
        fans = [people.submit(worlds.fan, TINY, seed, lambda done, total: wanted.is_set()) for seed in (5, 6)]
        assert member.one.wait(20)
        held.release.set()
        assert worlds.world(TINY, 1) == "world 1"  # two fans are under way, and still it does not wait for them
        assert len(member.began) == 1
        wanted.clear()
        member.release.set()
        assert [fan.result(20) for fan in fans] == [None, None]


def test_a_pool_that_broke_is_replaced_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Executor] = []

    def executor(workers: int) -> Executor:
        made.append(ThreadPoolExecutor(workers))
        return made[-1]

    calls: list[int] = []

    def breaks_once(scenario: Scenario, seed: int) -> str:
        calls.append(seed)
        if len(calls) == 1:
            raise BrokenProcessPool
        return "world"

    monkeypatch.setattr(module, "recorded", breaks_once)
    assert Worlds(1, executor).world(TINY, 1) == "world"
    assert (calls, len(made)) == ([1, 1], 2)


SERVER = """
import sys, time
from market.scenario import Scenario
from visualization.web.worlds import Worlds

if __name__ == "__main__":
    worlds = Worlds(1)
    worlds.world(Scenario.load("tiny"), 1)
    print(*worlds._pool._processes, flush=True)
    time.sleep(600)
"""


@pytest.mark.slow
def test_a_killed_server_leaves_no_workers(tmp_path: Path) -> None:
    (tmp_path / "serves.py").write_text(SERVER)
    root = Path(__file__).parents[3]
    server = subprocess.Popen(
        [sys.executable, "serves.py"], cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(root)}, stdout=subprocess.PIPE
    )
    assert server.stdout is not None
    workers = [int(number) for number in server.stdout.readline().split()]
    assert len(workers) == 1
    server.send_signal(signal.SIGKILL)
    server.wait()
    until = time.monotonic() + 20
    while runs(workers[0]) and time.monotonic() < until:
        time.sleep(0.02)
    assert not runs(workers[0])


def runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    try:  # one that has ended but that nobody has waited for counts as ended
        return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except OSError:
        return False
