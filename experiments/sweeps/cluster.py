"""Sweeps on a cluster: the workers of a running `dask.distributed` scheduler."""

from __future__ import annotations

import logging
import pickle
import queue
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from experiments.sweeps.engines import EngineError
from experiments.sweeps.errors import SweepError
from experiments.sweeps.identity import code_version
from experiments.sweeps.tasks import KILLED, Batch, Part, Study, execute, rows_of
from experiments.workers import pickled

if TYPE_CHECKING:
    from distributed import Client, Future

_AHEAD = 2  # batches a worker has, so that it never waits while the parent writes a part
_CONNECT_SECONDS = 4.0
_FIRST_WORKER_SECONDS = 30.0  # a job's script may start workers and the sweep together
_PATIENCE_SECONDS = 60.0  # without any worker, later on
_one_at_a_time = threading.Lock()


class DaskEngine:
    """The workers of the scheduler at an address such as `tcp://10.0.0.1:8786`.

    A worker process does one batch at a time however many threads it has, so that swept functions need not be
    thread-safe: start it with `--nthreads 1`. Dask itself moves the batches of a lost worker to others. A batch that
    loses one worker after the other is done again task by task, at the end and with nothing beside it; a task that
    still does is given up as `killed`.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._stack = ExitStack()
        self._client: Client | None = None

    def __enter__(self) -> Self:
        """Connect; raises SweepError without dask, a scheduler, workers, or the same code on all of them."""
        with ExitStack() as stack:
            self._client = _connected(self._address, stack)
            _check_workers(self._client, self._address)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()
        self._client = None

    @property
    def workers(self) -> int:
        """How many worker processes the scheduler has now."""
        assert self._client is not None, "outside of `with engine:`"
        return len(self._client.nthreads())

    def run(self, study: Study, batches: Iterable[Batch]) -> Iterator[Part]:
        """Yield what the batches give as it comes; raises EngineError if the scheduler or all workers are lost."""
        assert self._client is not None, "outside of `with engine:`"
        crew = _Crew(self._client, self._address, pickled(study), iter(batches))
        try:
            yield from crew.parts()
        finally:
            crew.end()


@dataclass(frozen=True, slots=True)
class _Job:
    batch: Batch
    retry: bool = False


class _Crew:
    """What is under way on a cluster."""

    def __init__(self, client: Client, address: str, study: bytes, batches: Iterator[Batch]) -> None:
        self.client, self.address, self.batches = client, address, batches
        # by a task of its own, not scattered: what a dead worker held is made again
        self.study = client.submit(pickle.loads, study, pure=False)
        self.running: dict[Future[Part], _Job] = {}
        self.finished: queue.SimpleQueue[Future[Part]] = queue.SimpleQueue()
        self.again: deque[_Job] = deque()
        self.workers_seen = time.monotonic()

    def parts(self) -> Iterator[Part]:
        """What the batches give, until there are none."""
        while self._hand_out():
            try:
                future = self.finished.get(timeout=1.0)
            except queue.Empty:
                continue
            yield from self._parts_of(future, self.running.pop(future))

    def end(self) -> None:
        """Take back what is under way; workers finish the batch they are at."""
        if self.client.status == "running":
            self.client.cancel([*self.running, self.study], reason="the sweep has ended")
        self.running.clear()

    def _hand_out(self) -> bool:
        """Keep two batches a worker under way while there are any; whether any is."""
        limit = _AHEAD * max(1, self._count_workers())
        while len(self.running) < limit and (batch := next(self.batches, None)):
            self._submit(_Job(batch))
        if not self.running and self.again:
            self._submit(self.again.popleft())
        return bool(self.running)

    def _submit(self, job: _Job) -> None:
        future = self.client.submit(_executed, code_version(), self.study, pickle.dumps(job.batch), pure=False)
        self.running[future] = job
        future.add_done_callback(self.finished.put)

    def _count_workers(self) -> int:
        now = time.monotonic()
        count = 0
        if self.client.status == "running":
            try:
                count = len(self.client.nthreads())
            except OSError as error:
                raise self._lost() from error
        if count:
            self.workers_seen = now
        elif now - self.workers_seen > _PATIENCE_SECONDS:
            raise EngineError(f"{self.address}: no worker has been there for {_PATIENCE_SECONDS:g} s")
        return count

    def _parts_of(self, future: Future[Part], job: _Job) -> Iterator[Part]:
        from distributed import CancelledError, KilledWorker

        number, tasks = job.batch.number, job.batch.tasks
        try:
            part = future.result(timeout=_PATIENCE_SECONDS)
        except KilledWorker:
            if job.retry:
                told = "its process ended every time (out of memory?)"
                yield Part(number, tuple(rows_of(tasks[0], KILLED, stage="process", error=told)))
            else:
                self.again.extend(_Job(Batch(number, (task,)), retry=True) for task in tasks)
            return
        except EngineError:
            raise
        except CancelledError as error:
            raise self._lost() from error
        except Exception as error:
            told = " ".join(f"{type(error).__name__}: {error}".split())
            if self.study.status == "error":
                raise SweepError(f"{self.address}: the workers cannot load what is swept ({told})") from error
            if self.client.status != "running":
                raise self._lost() from error
            raise EngineError(f"{self.address}: a worker failed outside of the runs ({told})") from error
        yield part

    def _lost(self) -> EngineError:
        return EngineError(f"{self.address}: lost the connection to the scheduler; what is finished is kept")


def _executed(version: str, study: Study, batch: bytes) -> Part:
    """Runs in the workers, among them those that came after the sweep began."""
    if code_version() != version:
        raise EngineError("a worker has joined with another version of cloudpact's code")
    with _one_at_a_time:
        return execute(study, pickle.loads(batch))


def _connected(address: str, stack: ExitStack) -> Client:
    try:
        from distributed import Client
        from distributed.comm.addressing import get_address_host
        from distributed.utils import silence_logging_cmgr
    except ImportError as error:
        raise SweepError("engine dask: not installed; install it with: pip install 'cloudpact[cluster]'") from error
    try:
        get_address_host(address)  # a client of what is no address could not be closed without a traceback
    except ValueError as error:
        told = f"no address (got {address!r}); allowed: one such as tcp://127.0.0.1:8786"
        raise SweepError(f"engine dask: {told}") from error
    # what distributed logs about a lost scheduler is said here in one line
    stack.enter_context(silence_logging_cmgr(logging.CRITICAL))
    try:
        return stack.enter_context(Client(address, timeout=_CONNECT_SECONDS, set_as_default=False))
    except OSError as error:
        raise SweepError(
            f"{address}: no scheduler answers there; start one with: dask scheduler (it prints its address)"
        ) from error


def _check_workers(client: Client, address: str) -> None:
    """Raises SweepError if there are no workers, or some have another code than this process."""
    try:
        client.wait_for_workers(1, timeout=_FIRST_WORKER_SECONDS)
    except TimeoutError as error:
        told = f"the scheduler has no workers; start some with: dask worker {address} --nthreads 1"
        raise SweepError(f"{address}: {told}") from error
    versions: dict[str, Any] = client.run(code_version, on_error="return")
    for worker, version in versions.items():
        if isinstance(version, BaseException):
            told = " ".join(f"{type(version).__name__}: {version}".split())
            raise SweepError(f"{address}: worker {worker} cannot load cloudpact ({told}); install it there as here")
        if version != code_version():
            raise SweepError(f"{address}: worker {worker} has another version of cloudpact's code; install the same")
