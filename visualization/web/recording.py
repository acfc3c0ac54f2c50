"""One run recorded for the page: its result tables, its graph, and where sampled enterprises were in every quarter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.running import stages

if TYPE_CHECKING:
    from cloudpact.model import CloudMarket
    from cloudpact.results import Results
    from market.scenario import Scenario

DOTS, MOST_DOTS, MANY = 300, 2_000, 1_000


def drawn(count: int) -> int:
    """How many enterprises are drawn, taken evenly from all: 300 of up to a thousand, all but 2,000 at most of more."""
    return min(count, DOTS if count <= MANY else MOST_DOTS)


@dataclass(frozen=True, eq=False, slots=True)
class Recording:
    """A run: results with the graph at its end, clouds by number, and by quarter a sign for each sampled enterprise.

    The sign is the number of its main channel's cloud, or its incumbent cloud as a letter while it has bought nothing.
    """

    scenario: Scenario
    seed: int
    results: Results
    clouds: tuple[str, ...]
    dots: tuple[str, ...]


def record(scenario: Scenario, seed: int) -> Recording:
    """Simulate replicate 0 of a seed, quarter by quarter; the results are the bits of `cloudpact.run`.

    Raises SimulationError if a quarter raises.
    """
    from dataclasses import replace

    from cloudpact.model import CloudMarket

    market = CloudMarket(scenario, rng=seed)
    rows = sample_rows(len(market.population), drawn(len(market.population)))
    seen = []
    with stages(market):
        while market.running:
            market.step()
            seen.append(signs(market, rows))
    results = replace(market.results, graphs={0: market.graph})
    return Recording(scenario, seed, results, market.provider_names, tuple(seen))


def sample_rows(count: int, most: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Up to `most` rows, evenly spread.

    >>> sample_rows(10, 4).tolist(), sample_rows(2, 4).tolist()
    ([0, 2, 5, 7], [0, 1])
    """
    taken = min(count, most)
    return np.arange(taken, dtype=np.int64) * count // max(taken, 1)


def signs(market: CloudMarket, rows: np.ndarray[Any, np.dtype[np.int64]]) -> str:
    """Where sampled enterprises are: a digit for the cloud on which they use a model, a letter for that of others."""
    columns, clouds = market.population.columns, len(market.provider_names)
    main = columns.channels[rows, 0].astype(int)
    incumbent = columns.cloud[rows].astype(int)
    return "".join(
        chr(ord("0") + channel % clouds) if channel >= 0 else chr(ord("a") + cloud)
        for channel, cloud in zip(main, incumbent, strict=True)
    )
