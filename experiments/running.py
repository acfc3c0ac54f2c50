"""One run: the way in for the command line, notebooks, ensembles, sweeps and tests alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cloudpact.results import Results
from market.scenario import Scenario

if TYPE_CHECKING:
    from cloudpact.model import CloudMarket
    from market.facts import Facts

type Progress = Callable[[int, int], None]


class SimulationError(RuntimeError):
    """A run that raised: `stage` says in which quarter and phase, `__cause__` is what was raised."""

    def __init__(self, stage: str, message: str) -> None:
        super().__init__(stage, message)
        self.stage, self.message = stage, message

    def __str__(self) -> str:
        """Stage and message in one line."""
        return f"{self.stage}: {self.message}"


def run(
    scenario: Scenario | str | Path = "baseline",
    seed: int = 0,
    replicate: int = 0,
    until: str | None = None,
    progress: Progress | None = None,
    facts: Facts | None = None,
) -> Results:
    """Simulate one market to its end and return its tables.

    `scenario` is a name, a TOML file or a Scenario; `until` (such as "2035Q4") replaces its last
    quarter; `progress(done, total)` is called after every quarter; `facts` replaces the shipped
    ones. The same scenario, seed, replicate and facts give the same bits.

    Raises ScenarioError for a scenario that cannot be run, SimulationError if a quarter raises.
    """
    market = simulated(resolve(scenario, until), seed, replicate, progress, facts)
    return replace(market.results, graphs={replicate: market.graph})


def simulated(
    scenario: Scenario, seed: int, replicate: int, progress: Progress | None = None, facts: Facts | None = None
) -> CloudMarket:
    """A market at the end of its scenario; raises SimulationError if a quarter raises."""
    # Imported here because it loads Mesa and Numba, which the parent of an ensemble never needs.
    from cloudpact.model import CloudMarket

    market = CloudMarket(scenario, rng=seed, replicate=replicate, facts=facts)
    total = market.last_quarter - market.quarter + 1
    with stages(market):
        for done in range(1, total + 1):
            market.step()
            if progress is not None:
                progress(done, total)
    return market


@contextmanager
def stages(market: CloudMarket) -> Iterator[None]:
    """Whatever is raised inside comes out as a SimulationError that says where the market was."""
    try:
        yield
    except Exception as error:
        told = " ".join(f"{type(error).__name__}: {error}".split())
        raise SimulationError(f"{market.quarter_label} {market.phase}", told) from error


def resolve(scenario: Scenario | str | Path, until: str | None = None) -> Scenario:
    """The scenario of a name, a file or itself, with another last quarter if one is given."""
    resolved = scenario if isinstance(scenario, Scenario) else Scenario.load(scenario)
    return resolved if until is None else resolved.with_({"time.end": until})
