"""Many replicates of one scenario on several processes, the same bits for any number of them."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from experiments.running import run
from experiments.workers import THREAD_LIMITS, interrupts_blocked

if TYPE_CHECKING:
    from cloudpact.results import Results
    from market.facts import Facts
    from market.scenario import Scenario

type Simulate = Callable[..., Results]


class EnsembleError(RuntimeError):
    """A replicate that could not be simulated."""


def run_ensemble(
    scenario: Scenario,
    seed: int,
    replicates: Sequence[int],
    jobs: int = 1,
    facts: Facts | None = None,
    simulate: Simulate = run,
) -> Iterator[Results]:
    """Yield the results of every replicate as they come, in no fixed order.

    `simulate(scenario, seed=, replicate=, facts=)` is an importable function; with `jobs` 1 it is
    called in this process. If a worker dies, what was unfinished is tried once more, one at a time,
    so that one greedy replicate does not take others with it.

    On KeyboardInterrupt the replicates that are finished are still yielded before it is raised
    again. Raises EnsembleError if a replicate fails.
    """
    task = partial(simulate, scenario, seed=seed, facts=facts)
    remaining = list(replicates)
    if jobs == 1 or len(remaining) == 1:
        for replicate in remaining:
            yield _result(partial(task, replicate=replicate), replicate)
        return
    for workers in (min(jobs, len(remaining)), 1):
        try:
            for replicate, results in _pool_results(task, list(remaining), workers):
                remaining.remove(replicate)
                yield results
            return
        except BrokenProcessPool:
            continue
    raise EnsembleError(f"replicate {remaining[0]}: its process died twice (out of memory?)")


def _pool_results(task: Simulate, replicates: list[int], workers: int) -> Iterator[tuple[int, Results]]:
    """Yield (replicate, results) from a pool that is never given more than two tasks a worker."""
    waiting = deque(replicates)
    running: dict[Future[Results], int] = {}

    def submit(limit: int) -> None:
        while waiting and len(running) < limit:
            replicate = waiting.popleft()
            running[pool.submit(task, replicate=replicate)] = replicate

    with _pool(workers) as pool:
        try:
            with _workers_being_born():
                submit(workers)
            while running:
                submit(2 * workers)
                done = wait(running, return_when=FIRST_COMPLETED).done
                # a dead worker's futures come last, or results that are there would be lost with them
                for future in sorted(done, key=lambda future: not _succeeded(future)):
                    replicate = running.pop(future)
                    yield replicate, _result(future.result, replicate)
        except KeyboardInterrupt:
            yield from [(replicate, future.result()) for future, replicate in running.items() if _succeeded(future)]
            raise


def _result(compute: Callable[[], Results], replicate: int) -> Results:
    try:
        return compute()
    except BrokenProcessPool:
        raise
    except Exception as error:
        raise EnsembleError(f"replicate {replicate} failed: {type(error).__name__}: {error}") from error


def _succeeded(future: Future[Results]) -> bool:
    return future.done() and not future.cancelled() and future.exception() is None


@contextmanager
def _pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """A pool of fresh processes that is ended at once if its user fails or is interrupted."""
    elsewhere = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"), initializer=_end_with_parent)
    try:
        yield pool
    except BaseException:
        for worker in set(multiprocessing.active_children()) - elsewhere:
            worker.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _workers_being_born() -> Iterator[None]:
    """What a worker inherits: one thread for each numerical library, and no ear for Ctrl-C.

    The limits only work if they are set before NumPy and Numba are loaded.
    """
    saved = {name: os.environ.get(name) for name in THREAD_LIMITS}
    os.environ.update(dict.fromkeys(THREAD_LIMITS, "1"))
    try:
        with interrupts_blocked():
            yield
    finally:
        for name, value in saved.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _end_with_parent() -> None:
    """Runs in every worker: without it, workers whose parent was killed would wait for ever."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
