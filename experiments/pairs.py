"""Replicates of two scenarios, simulated in pairs on several processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cloudpact.schema import TABLES
from experiments.ensemble import EnsembleError
from experiments.running import SimulationError, simulated
from experiments.store import arrow_table

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from experiments.sweeps.tasks import Part, Task
    from market.facts import Facts
    from market.scenario import Scenario

    type Frames = dict[str, pd.DataFrame]
    type Scenarios = tuple[Scenario, Scenario]

type Simulate = Callable[[Scenarios, int, int, Facts | None], Pair]

KEPT = ("market", "providers", "labs", "alignment", "deals")  # the stories of talks take more room than all of these
FAILED_IN = "failed_in"  # the table that says in which world a replicate failed, and how


@dataclass(frozen=True, eq=False)
class Pair:
    """One replicate in both worlds: its tables by name, or the line that says how it failed."""

    replicate: int
    worlds: tuple[Frames | str, Frames | str]


def run_pair(scenarios: Scenarios, seed: int, replicate: int, facts: Facts | None = None) -> Pair:
    """Simulate one replicate of two scenarios."""
    one, other = (_world(scenario, seed, replicate, facts) for scenario in scenarios)
    return Pair(replicate, (one, other))


def _world(scenario: Scenario, seed: int, replicate: int, facts: Facts | None) -> Frames | str:
    try:
        results = simulated(scenario, seed, replicate, facts=facts).results
    except SimulationError as error:
        return str(error)
    return {name: results.tables[name] for name in KEPT}


def simulate_pairs(
    scenarios: Scenarios,
    seed: int,
    replicates: Sequence[int],
    jobs: int,
    facts: Facts | None = None,
    progress: Callable[[], None] | None = None,
    simulate: Simulate = run_pair,
) -> tuple[list[Pair], bool]:
    """The pairs of some replicates, ordered, and whether Ctrl-C ended it before all were done.

    `simulate(scenarios, seed, replicate, facts)` is an importable function; with `jobs` 1 it is called in this process.
    Raises KeyboardInterrupt if nothing was finished by then.
    """
    alone = jobs == 1 or len(replicates) == 1
    study = PairStudy(simulate, scenarios, seed, facts)
    pairs: list[Pair] = []
    stopped = False
    try:
        for pair in map(study.pair, replicates) if alone else _across(study, replicates, jobs):
            pairs.append(pair)
            if progress is not None:
                progress()
    except KeyboardInterrupt:
        if not pairs:
            raise
        stopped = True
    return sorted(pairs, key=lambda pair: pair.replicate), stopped


@dataclass(frozen=True, slots=True)
class PairStudy:
    """Pairs in the form in which engines ask: one run gives the tables of both worlds, as `0/market`, `1/market`."""

    function: Simulate
    scenarios: Scenarios
    seed: int
    facts: Facts | None

    def pair(self, replicate: int) -> Pair:
        """One replicate in both worlds."""
        return self.function(self.scenarios, self.seed, replicate, self.facts)

    def simulate(self, task: Task, run: int) -> Mapping[str, pa.Table]:
        """Tables of one replicate; the table `failed_in` names the worlds in which it failed."""
        import pyarrow as pa

        found: dict[str, pa.Table] = {}
        failed = []
        for side, world in enumerate(self.pair(task.replicate).worlds):
            if isinstance(world, str):
                failed.append({"side": side, "told": world})
            else:
                found |= {f"{side}/{name}": arrow_table(frame, TABLES[name]) for name, frame in world.items()}
        return found | {FAILED_IN: pa.Table.from_pylist(failed)} if failed else found

    def renumbered(self, tables: Mapping[str, pa.Table], run: int) -> Mapping[str, pa.Table]:
        """Not needed: every replicate is a run of its own."""
        raise NotImplementedError


def _across(study: PairStudy, replicates: Sequence[int], jobs: int) -> Iterator[Pair]:
    """Pairs as they come from several processes, of which each may die without harm to the others."""
    from experiments.sweeps.local import LocalEngine
    from experiments.sweeps.tasks import Batch, Task

    batches = [Batch(n, (Task((n,), (0,), replicate, {}, ""),)) for n, replicate in enumerate(replicates)]
    with LocalEngine(min(jobs, len(replicates))) as engine:
        yield from map(_pair_of, engine.run(study, batches))


def _pair_of(part: Part) -> Pair:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from experiments.sweeps.tasks import FINISHED, KILLED

    row = part.rows[0]
    if row["status"] != FINISHED:
        told = (
            "its process died twice (out of memory?)" if row["status"] == KILLED else f"{row['stage']}: {row['error']}"
        )
        return Pair(row["replicate"], (told, told))
    tables = {name: pq.read_table(pa.BufferReader(data)) for name, data in part.files.items()}
    failed = tables[FAILED_IN].to_pylist() if FAILED_IN in tables else []
    told_by_side = {each["side"]: each["told"] for each in failed}
    one, other = (
        told_by_side.get(side) or {name: tables[f"{side}/{name}"].to_pandas() for name in KEPT} for side in (0, 1)
    )
    return Pair(row["replicate"], (one, other))


def joined(pairs: Sequence[Pair], side: int) -> Frames:
    """The tables of one world (0 or 1) over all replicates that finished in it.

    Raises EnsembleError if none did.
    """
    import pandas as pd

    worlds = [pair.worlds[side] for pair in pairs]
    finished = [world for world in worlds if not isinstance(world, str)]
    if not finished:
        raise EnsembleError(f"no replicate finished; the first failed in {worlds[0]}")
    return {name: pd.concat([tables[name] for tables in finished], ignore_index=True) for name in KEPT}


def failures(pairs: Sequence[Pair], names: Sequence[str]) -> list[str]:
    """A line for every run that failed."""
    return [
        f"replicate {pair.replicate} failed in {name}: {world}"
        for pair in pairs
        for name, world in zip(names, pair.worlds, strict=True)
        if isinstance(world, str)
    ]
