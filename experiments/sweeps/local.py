"""Sweeps on this machine: worker processes of which each may die without harm to the others."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from math import inf
from multiprocessing.connection import wait
from types import TracebackType
from typing import Self

from experiments.sweeps.errors import SweepError
from experiments.sweeps.tasks import KILLED, TIMED_OUT, Batch, Part, Study, execute, rows_of
from experiments.workers import Worker, pickled

_AHEAD = 2  # batches a worker has, so that it never waits while the parent writes a part
_STARTS = 3  # workers that end one after the other before they are ready
_PAUSE_SECONDS = 1.0


class LocalEngine:
    """Processes of this machine.

    A worker that dies costs a retry: the tasks of its batch are done again, each alone. A task that ends its worker
    again is given up as `killed`, one that takes longer than `timeout_seconds` alone as `timed out`; the others go on
    meanwhile.
    """

    def __init__(self, jobs: int, timeout_seconds: float | None = None) -> None:
        if jobs < 1:
            raise SweepError(f"jobs: too few (got {jobs}); allowed: 1 or more")
        if timeout_seconds is not None and not timeout_seconds > 0:
            raise SweepError(f"time limit for a run: too short (got {timeout_seconds:g}); allowed: above 0 s")
        self.workers = jobs
        self._timeout_seconds = timeout_seconds or inf
        self._crew: _Crew | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._crew is not None:
            self._crew.end()

    def run(self, study: Study, batches: Iterable[Batch]) -> Iterator[Part]:
        """Yield what the batches give as it comes; raises SweepError if no other process can import the study."""
        make_function = pickled(partial(_prepared, study))
        crew = self._crew = _Crew(make_function, iter(batches), self.workers, self._timeout_seconds)
        try:
            yield from crew.parts()
        finally:
            crew.end()


def _prepared(study: Study) -> Callable[[Batch], Part]:
    """In a worker: what it does with batches, once everything is loaded that would count as time of its first run."""
    import pyarrow.parquet  # noqa: F401

    prepare = getattr(study, "prepare", None)
    if prepare is not None:
        prepare()
    return partial(execute, study)


@dataclass(frozen=True, slots=True)
class _Job:
    batch: Batch
    retry: bool = False


@dataclass(slots=True)
class _Seat:
    """A worker and its batches: it is at the first, or starting, and has the others before it."""

    worker: Worker
    jobs: deque[_Job] = field(default_factory=deque)
    ready: bool = False
    seconds_left: float = inf
    looked: float = 0.0


class _Crew:
    def __init__(self, make_function: bytes, batches: Iterator[Batch], size: int, timeout_seconds: float) -> None:
        self.make_function, self.batches = make_function, batches
        self.size, self.timeout_seconds = size, timeout_seconds
        self.seats: list[_Seat] = []
        self.again: deque[_Job] = deque()
        self.failed_starts = 0

    def parts(self) -> Iterator[Part]:
        """What the batches give, until there are none."""
        while self._hand_out():
            patience = min([_PAUSE_SECONDS, *(seat.seconds_left for seat in self.seats if seat.ready)])
            wait([seat.worker.connection for seat in self.seats], max(0.0, patience))
            for seat in [seat for seat in self.seats if seat.worker.has_news()]:
                yield from self._news(seat)
            for seat in self._overdue():
                yield from self._lost(seat, late=True)

    def end(self) -> None:
        """End every worker at once, whatever it is doing."""
        while self.seats:
            self.seats.pop().worker.end()

    def _hand_out(self) -> bool:
        """Give every worker two batches while there are any; whether any is under way."""
        while len(self.seats) < self.size or min(len(seat.jobs) for seat in self.seats) < _AHEAD:
            job = self._next_job()
            if job is None:
                break
            seat = self._free_seat()
            seat.jobs.append(job)
            seat.worker.send(job.batch)
            if len(seat.jobs) == 1:
                self._start_clock(seat)
        return any(seat.jobs for seat in self.seats)

    def _next_job(self) -> _Job | None:
        if self.again:
            return self.again.popleft()
        batch = next(self.batches, None)
        return None if batch is None else _Job(batch)

    def _free_seat(self) -> _Seat:
        """The worker with the least to do, a new one rather than a second batch for another."""
        seat = min(self.seats, key=lambda seat: len(seat.jobs), default=None)
        if seat is None or (seat.jobs and len(self.seats) < self.size):
            seat = _Seat(Worker(self.make_function))
            self.seats.append(seat)
        return seat

    def _news(self, seat: _Seat) -> Iterator[Part]:
        try:
            message = seat.worker.receive()
        except (EOFError, OSError):
            yield from self._lost(seat)
            return
        if seat.ready:
            seat.jobs.popleft()
            self._start_clock(seat)
            yield message
        elif message is None:
            seat.ready, self.failed_starts = True, 0
            self._start_clock(seat)
        else:
            raise SweepError(f"the worker processes cannot start: {message}")

    def _lost(self, seat: _Seat, late: bool = False) -> Iterator[Part]:
        """What follows from the end of a worker: its tasks are done again alone, or given up."""
        ending = _ending(seat.worker.end())
        self.seats.remove(seat)
        if not seat.ready:
            self.failed_starts += 1
            if self.failed_starts == _STARTS:
                raise SweepError(f"the worker processes cannot start: {_STARTS} ended at once ({ending})")
        suspect = seat.jobs.popleft() if seat.jobs and seat.ready else None
        self.again.extendleft(reversed(seat.jobs))
        if suspect is None:
            return
        number, tasks = suspect.batch.number, suspect.batch.tasks
        if late and len(tasks) == 1:
            limit = self.timeout_seconds
            told = f"no result within {limit:g} s"
            yield Part(number, tuple(rows_of(tasks[0], TIMED_OUT, stage="process", error=told, seconds=limit)))
        elif suspect.retry:
            told = f"its process ended twice ({ending})"
            yield Part(number, tuple(rows_of(tasks[0], KILLED, stage="process", error=told)))
        else:
            self.again.extend(_Job(Batch(number, (task,)), retry=True) for task in tasks)

    def _start_clock(self, seat: _Seat) -> None:
        seat.seconds_left = self.timeout_seconds * len(seat.jobs[0].batch.tasks) if seat.jobs else inf
        seat.looked = time.monotonic()

    def _overdue(self) -> list[_Seat]:
        """Workers over their limit. Time in which this process was stopped, and its workers with it, does not count."""
        now = time.monotonic()
        for seat in self.seats:
            seat.seconds_left -= min(now - seat.looked, 2 * _PAUSE_SECONDS) if seat.ready else 0.0
            seat.looked = now
        return [seat for seat in self.seats if seat.seconds_left < 0 and not seat.worker.has_news()]


def _ending(code: int) -> str:
    if code < 0:
        return f"signal {-code}; out of memory?" if code == -9 else f"signal {-code}"
    return f"exit code {code}"
