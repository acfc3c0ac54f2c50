"""How many runs a sweep has, how long it takes and how large it gets: said before it starts."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from experiments.sweeps.errors import SweepError
from experiments.sweeps.local import LocalEngine
from experiments.sweeps.plan import Plan
from experiments.sweeps.tasks import FINISHED, Batch
from experiments.workers import cores

PILOTS = 3


@dataclass(frozen=True, slots=True)
class Estimate:
    """Runs, time and size of a sweep, from a few runs that were simulated and thrown away."""

    points: int
    replicates: int
    runs: int
    simulated: int
    workers: int
    seconds_a_run: float
    seconds: float
    megabytes: float

    def text(self) -> str:
        """For the terminal."""
        equal = self.runs - self.simulated
        same = f" ({equal:,} equal to others, simulated once)" if equal else ""
        return (
            f"{self.points:,} points x {self.replicates:,} replicates = {self.runs:,} runs{same}\n"
            f"about {self.seconds_a_run:.2g} s a run, {duration(self.seconds)} on {self.workers} workers, "
            f"{self.megabytes:,.0f} MB\nnothing is written"
        )

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def estimate(plan: Plan, jobs: int | None = None) -> Estimate:
    """Simulate a few runs, spread over the design, in a process of their own, and extrapolate.

    Raises SweepError if none of them finishes.
    """
    pilots = plan.tasks[:: max(1, len(plan.tasks) // PILOTS)][:PILOTS]
    # the first run of a process also loads and warms up what later ones find ready: it does not count
    batches = [Batch(0, pilots[:1]), Batch(1, pilots)]
    with LocalEngine(1) as engine:
        parts = [part for part in engine.run(plan.study, batches) if part.batch]
    rows = [row for part in parts for row in part.rows]
    failed = next((row for row in rows if row["status"] != FINISHED), None)
    if failed is not None:
        raise SweepError(f"run {failed['run']} of the design fails at {failed['stage']}: {failed['error']}")
    each = sum(row["seconds"] for row in rows) / len(pilots)
    size = sum(len(content) for part in parts for content in part.files.values()) / len(rows) * plan.runs / 1e6
    workers = jobs or cores()
    seconds = each * len(plan.tasks) / workers
    return Estimate(len(plan.design.points), plan.replicates, plan.runs, len(plan.tasks), workers, each, seconds, size)


def duration(seconds: float) -> str:
    """A length of time for a reader.

    >>> [duration(s) for s in (0.4, 59, 90, 4000, 200_000)]
    ['1 s', '59 s', '2 min', '1 h 6 min', '2 d 7 h']
    """
    whole = max(1, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{round(whole / 60)} min"
    if whole < 86_400:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 86_400} d {whole % 86_400 // 3600} h"
