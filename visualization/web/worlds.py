"""Recorded worlds, shared by all who look at the same one: a bounded cache in front of a bounded pool of processes."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections import Counter, OrderedDict
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.workers import THREAD_LIMITS
from visualization.web.recording import Recording, record
from visualization.web.view import view

if TYPE_CHECKING:
    from market.scenario import Scenario

type Key = tuple[Any, ...]
type Wanted = Callable[[], bool]

WORLDS, FANS, WAITING = 24, 48, 64
MEMBERS = 12
LOOK = 0.2  # seconds after which somebody who waits looks whether they still want to


class BusyError(RuntimeError):
    """More is asked for than the server takes on at once; the message is one line for the user."""


@dataclass(frozen=True, eq=False, slots=True)
class World:
    """A recorded run and what the page shows of it; nobody changes either."""

    recording: Recording
    view: dict[str, Any]


def recorded(scenario: Scenario, seed: int) -> World:
    """Simulate and prepare a world; runs in a worker."""
    recording = record(scenario, seed)
    return World(recording, view(recording))


def concentration(scenario: Scenario, seed: int, replicate: int) -> list[float]:
    """Alignment concentration of one replicate by quarter; runs in a worker."""
    from experiments.running import run

    return [float(value) for value in run(scenario, seed, replicate).market["alignment_hhi"]]


class Worlds:
    """Worlds and fans by scenario and seed; the same request is simulated once, the least used is forgotten.

    Simulation runs in processes of one thread each, so that nobody's clock waits for another's market. Fans leave
    all workers but one to worlds. What nobody waits for any more is not begun.
    """

    def __init__(self, workers: int = 2, executor: Callable[[int], Executor] | None = None) -> None:
        self._workers, self._executor = workers, executor or processes
        self._lock = threading.Lock()
        self._pool: Executor | None = None
        self._kept: OrderedDict[Key, Future[Any]] = OrderedDict()
        self._waiting: Counter[Key] = Counter()
        self._fans = threading.Semaphore(1)

    def world(self, scenario: Scenario, seed: int, wanted: Wanted = lambda: True) -> World | None:
        """The world of a scenario and seed; waits until it is recorded, None once it is not wanted any more.

        Raises BusyError where too much waits already, and what the simulation raised.
        """
        found: World | None = self._wait(wanted, ("world", scenario.content_hash(), seed), recorded, scenario, seed)
        return found

    def fan(self, scenario: Scenario, seed: int, told: Callable[[int, int], bool]) -> list[list[float | None]] | None:
        """10, 50 and 90 % of alignment concentration over some replicates, by quarter.

        `told(done, total)` hears of progress and says whether it is still wanted; None where it was not.
        """
        paths: list[list[float]] = []
        while len(paths) < MEMBERS:
            if not told(len(paths), MEMBERS):
                return None
            if not self._fans.acquire(timeout=LOOK):
                continue
            try:
                key = ("member", scenario.content_hash(), seed, len(paths))
                paths.append(self._wait(lambda: True, key, concentration, scenario, seed, len(paths)))
            finally:
                self._fans.release()
        levels = np.nanquantile(np.array(paths), [0.1, 0.5, 0.9], axis=0)
        return [[None if value != value else float(value) for value in level] for level in levels]

    def close(self) -> None:
        """End the workers."""
        with self._lock:
            if self._pool is not None:
                self._pool.shutdown(wait=False, cancel_futures=True)

    def _wait(self, wanted: Wanted, key: Key, task: Callable[..., Any], *arguments: Any) -> Any:
        for attempt in (1, 2):  # a worker that died takes the pool with it: once more in a new one
            future, pool = self._joined(key, task, *arguments)
            try:
                while wanted():
                    with suppress(TimeoutError):
                        return future.result(LOOK)
                return None
            except BrokenExecutor:
                self._forget(key, future, pool)
                if attempt == 2:
                    raise
            except Exception:
                self._forget(key, future)
                raise
            finally:
                self._left(key, future)

    def _joined(self, key: Key, task: Callable[..., Any], *arguments: Any) -> tuple[Future[Any], Executor]:
        """The task's future, begun if nobody has asked for it yet, with one more who waits for it."""
        with self._lock:
            if self._pool is None:
                self._pool = self._executor(self._workers)
            if key in self._kept:
                self._kept.move_to_end(key)
            else:
                if sum(not each.done() for each in self._kept.values()) >= WAITING:
                    raise BusyError("the server has its hands full; try again in a moment")
                self._kept[key] = self._pool.submit(task, *arguments)
                self._drop_oldest()
            self._waiting[key] += 1
            return self._kept[key], self._pool

    def _left(self, key: Key, future: Future[Any]) -> None:
        """One fewer waits; the last to leave cancels what has not begun."""
        with self._lock:
            self._waiting[key] -= 1
            if self._waiting[key] <= 0:
                del self._waiting[key]
                if future.cancel() and self._kept.get(key) is future:
                    del self._kept[key]

    def _drop_oldest(self) -> None:
        for kind, most in (("world", WORLDS), ("member", FANS * MEMBERS)):
            done = [key for key, each in self._kept.items() if key[0] == kind and each.done()]
            for key in done[: max(len(done) - most, 0)]:
                del self._kept[key]

    def _forget(self, key: Key, future: Future[Any], broken: Executor | None = None) -> None:
        with self._lock:
            if self._kept.get(key) is future:
                del self._kept[key]
            if broken is not None and self._pool is broken:
                self._pool = None


def processes(workers: int) -> Executor:
    """A pool of processes of one thread each, which end with the server, however that ends."""
    os.environ.update(dict.fromkeys(THREAD_LIMITS, "1"))
    return ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=_prepare)


def _prepare() -> None:
    """Follow the server, and load what a market needs before somebody waits for it."""
    from market.scenario import Scenario

    threading.Thread(target=_follow_server, daemon=True).start()
    recorded(Scenario.load("tiny"), 0)


def _follow_server() -> None:
    server = multiprocessing.parent_process()
    if server is not None:
        server.join()
        os._exit(0)
