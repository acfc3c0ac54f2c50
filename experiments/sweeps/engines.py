"""What does the work of a sweep: processes of this machine, or a cluster."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from experiments.sweeps.errors import SweepError
from experiments.workers import cores

if TYPE_CHECKING:
    from experiments.sweeps.tasks import Batch, Part, Study

LOCAL, DASK = "local", "dask"


class EngineError(RuntimeError):
    """An engine that broke in the middle of a sweep: no mistake of the user, and what is committed stays."""


class Engine(Protocol):
    """Workers that do batches: `with engine: for part in engine.run(study, batches): ...`.

    Leaving the block ends every process the engine has started, whatever the reason.
    """

    def __enter__(self) -> Self:
        """Reach the workers; raises SweepError if there are none."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End what was started."""

    @property
    def workers(self) -> int:
        """How many batches are done at the same time."""

    def run(self, study: Study, batches: Iterable[Batch]) -> Iterator[Part]:
        """Yield what the batches give, in no fixed order; every task is in exactly one part.

        `batches` is read only as workers become free, at most two a worker ahead. A batch that ended its worker is
        done again task by task, and so comes back as several parts.
        """


def engine_of(name: str, jobs: int | None = None, timeout_seconds: float | None = None) -> Engine:
    """The engine of that name: `local`, or `dask:ADDRESS` of a running scheduler.

    `jobs` and `timeout_seconds` (limit for one run) are for local processes; without `jobs` every core is used.

    >>> engine_of("local", jobs=2).workers
    2
    """
    kind, _, address = name.partition(":")
    if name == LOCAL:
        from experiments.sweeps.local import LocalEngine

        return LocalEngine(cores() if jobs is None else jobs, timeout_seconds)
    if kind == DASK and address:
        from experiments.sweeps.cluster import DaskEngine

        if jobs is not None or timeout_seconds is not None:
            given = "a number of jobs" if jobs is not None else "a time limit for a run"
            raise SweepError(f"engine {name}: {given} is for local processes; a cluster's workers bring their own")
        return DaskEngine(address)
    raise SweepError(f"unknown engine (got {name!r}); allowed: local, dask:ADDRESS such as dask:tcp://127.0.0.1:8786")
