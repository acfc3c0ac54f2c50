"""How much work a worker is given at once, and how long the rest will take."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from experiments.sweeps.tasks import FINISHED, Batch, Part, Task

BATCH_SECONDS = 2.0
LARGEST_BATCH = 512


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a sweep is: runs done of all, those of them that did not finish, and seconds left (None: unknown)."""

    done: int
    total: int
    failed: int
    seconds_left: float | None


@dataclass(slots=True)
class Pace:
    """Cuts tasks into batches of about two seconds, and tells how long the rest takes.

    Short runs come many at a time, or handing them over would cost more than they do; long ones come alone, so that
    little is lost with a worker. The last batches are small, so that all workers end together.

    >>> tasks = [Task((n,), (n,), 0, {}, str(n)) for n in range(10)]
    >>> [len(batch.tasks) for batch in Pace(tasks, workers=1).batches()]
    [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]
    """

    tasks: Sequence[Task]
    workers: int
    done: int = 0
    total: int = 0
    failed: int = 0
    _seconds: float = 0.0
    _simulated: int = 0
    _warming_up: int = 0
    _warming_seconds: float = 0.0
    _first_at: float | None = None
    _handed_out: int = field(default=0)

    def batches(self, first_number: int = 0) -> Iterator[Batch]:
        """Batches one by one, each as large as is right when it is asked for."""
        number = first_number
        while self._handed_out < len(self.tasks):
            size = self._size(len(self.tasks) - self._handed_out)
            yield Batch(number, tuple(self.tasks[self._handed_out : self._handed_out + size]))
            self._handed_out += size
            number += 1

    def _size(self, remaining: int) -> int:
        if self._simulated <= self.workers:
            return 1
        fitting = int(BATCH_SECONDS / max(self._each(), 1e-9))
        return max(1, min(fitting, LARGEST_BATCH, remaining // (2 * self.workers)))

    def note(self, part: Part) -> Progress:
        """Count what came back."""
        if self._first_at is None:
            self._first_at = time.monotonic()
        seconds = sum(row["seconds"] for row in part.rows)
        simulated = len({row["same_as"] for row in part.rows})
        if self._simulated < self.workers:
            # the first run of a process also loads and warms up what later ones find ready
            self._warming_up += simulated
            self._warming_seconds += seconds
        self.done += len(part.rows)
        self.failed += sum(row["status"] != FINISHED for row in part.rows)
        self._seconds += seconds
        self._simulated += simulated
        return Progress(self.done, self.total, self.failed, self._seconds_left())

    def _each(self) -> float:
        """Seconds that a run takes, from all but the first of each worker where there are others."""
        known = self._simulated - self._warming_up
        if known:
            return (self._seconds - self._warming_seconds) / known
        return self._seconds / self._simulated

    def _seconds_left(self) -> float | None:
        """From the rate since the first results came, or before that from how long a run takes."""
        left = len(self.tasks) - self._simulated
        assert self._first_at is not None
        gone, since = time.monotonic() - self._first_at, self._simulated - self._warming_up
        return left * (gone / since if since > 4 * self.workers else self._each() / self.workers)
