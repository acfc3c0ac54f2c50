"""Recorded worlds, shared by all who look at the same one: a bounded cache in front of a bounded pool of processes."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.workers import THREAD_LIMITS
from visualization.web.recording import Recording, record
from visualization.web.view import view

if TYPE_CHECKING:
    from market.scenario import Scenario

WORLDS, FANS, WAITING = 24, 48, 64
MEMBERS = 12


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


def end_with_parent(parent: int) -> None:
    """End this process once its parent is gone, however that ended; a worker must not outlive its server."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()


class Worlds:
    """Worlds and fans by scenario and seed; the same request is simulated once, the least used is forgotten.

    Simulation runs in processes of one thread each, so that nobody's clock waits for another's market.
    """

    def __init__(self, workers: int = 2) -> None:
        self._workers = workers
        self._lock = threading.Lock()
        self._pool: ProcessPoolExecutor | None = None
        self._kept: OrderedDict[tuple[Any, ...], Future[Any]] = OrderedDict()

    def world(self, scenario: Scenario, seed: int) -> World:
        """The world of a scenario and seed; waits until it is recorded.

        Raises BusyError where too much waits already, and what the simulation raised.
        """
        found: World = self._wait(("world", scenario.content_hash(), seed), recorded, scenario, seed)
        return found

    def fan(self, scenario: Scenario, seed: int, told: Callable[[int, int], bool]) -> list[list[float | None]] | None:
        """10, 50 and 90 % of alignment concentration over some replicates, by quarter.

        `told(done, total)` hears of progress and says whether it is still wanted; None where it was not.
        """
        paths = []
        for replicate in range(MEMBERS):
            if not told(replicate, MEMBERS):
                return None
            key = ("member", scenario.content_hash(), seed, replicate)
            paths.append(self._wait(key, concentration, scenario, seed, replicate))
        levels = np.nanquantile(np.array(paths), [0.1, 0.5, 0.9], axis=0)
        return [[None if value != value else float(value) for value in level] for level in levels]

    def close(self) -> None:
        """End the workers."""
        with self._lock:
            if self._pool is not None:
                self._pool.shutdown(wait=False, cancel_futures=True)

    def _wait(self, key: tuple[Any, ...], task: Callable[..., Any], *arguments: Any) -> Any:
        for attempt in (1, 2):  # a worker that died takes the pool with it: once more in a new one
            future = self._future(key, task, *arguments)
            try:
                return future.result()
            except BrokenProcessPool:
                self._forget(key, broken=True)
                if attempt == 2:
                    raise
            except Exception:
                self._forget(key)
                raise

    def _future(self, key: tuple[Any, ...], task: Callable[..., Any], *arguments: Any) -> Future[Any]:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
            if sum(not each.done() for each in self._kept.values()) >= WAITING:
                raise BusyError("the server has its hands full; try again in a moment")
            if self._pool is None:
                os.environ.update(dict.fromkeys(THREAD_LIMITS, "1"))
                self._pool = ProcessPoolExecutor(
                    self._workers, multiprocessing.get_context("spawn"), end_with_parent, (os.getpid(),)
                )
            self._kept[key] = self._pool.submit(task, *arguments)
            self._drop_oldest()
            return self._kept[key]

    def _drop_oldest(self) -> None:
        for kind, most in (("world", WORLDS), ("member", FANS * MEMBERS)):
            done = [key for key, each in self._kept.items() if key[0] == kind and each.done()]
            for key in done[: max(len(done) - most, 0)]:
                del self._kept[key]

    def _forget(self, key: tuple[Any, ...], broken: bool = False) -> None:
        with self._lock:
            self._kept.pop(key, None)
            if broken:
                self._pool = None
