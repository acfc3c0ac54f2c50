"""Replicates of two scenarios, simulated in pairs on several processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from experiments.ensemble import EnsembleError, run_ensemble
from experiments.running import SimulationError, simulated

if TYPE_CHECKING:
    import pandas as pd

    from market.facts import Facts
    from market.scenario import Scenario

    type Frames = dict[str, pd.DataFrame]

KEPT = ("market", "providers", "labs", "alignment", "deals")  # the stories of talks take more room than all of these


@dataclass(frozen=True, eq=False)
class Pair:
    """One replicate in both worlds: its tables by name, or the line that says how it failed."""

    replicate: int
    worlds: tuple[Frames | str, Frames | str]


def run_pair(scenarios: tuple[Scenario, Scenario], seed: int, replicate: int, facts: Facts | None = None) -> Pair:
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
    scenarios: tuple[Scenario, Scenario],
    seed: int,
    runs: int,
    jobs: int,
    facts: Facts | None = None,
    progress: Callable[[], None] | None = None,
) -> tuple[list[Pair], bool]:
    """The pairs of replicates 0 to `runs` - 1, ordered, and whether Ctrl-C ended it before all were done.

    Raises EnsembleError if a process dies twice, KeyboardInterrupt if nothing was finished by then.
    """
    pairs: list[Pair] = []
    stopped = False
    # The ensemble's "scenario" is both worlds: what is finished is finished in both.
    worlds: Any = scenarios
    simulate: Any = run_pair
    found: Any = run_ensemble(worlds, seed, range(runs), jobs, facts, simulate)
    try:
        for pair in found:
            pairs.append(pair)
            if progress is not None:
                progress()
    except KeyboardInterrupt:
        if not pairs:
            raise
        stopped = True
    return sorted(pairs, key=lambda pair: pair.replicate), stopped


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
