"""Speed, pairing and memory of the enterprise quarter: `python -m benchmarks.enterprises`.

One run measures everything it compares: adoption, cloud moves, choice among 5 clouds x 10 labs with friction
and switching cost, and the adding up of workload. Everybody has adopted. Times are CPU seconds of the
fastest of several quarters, so that a shared machine does not blur them; two threads are timed by the clock.
"""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import mesa
import numpy as np

from agents.enterprise import EnterprisePopulation
from agents.enterprise_tables import ChannelSpace
from benchmarks.oracle import GeneratorLuck, PlainMarket
from market.choice import logit_shares
from market.scenario import Enterprises

COUNT, PLAIN_COUNT = 1_000_000, 5_000
LABS, CLOUDS = tuple(f"lab {i}" for i in range(10)), tuple(f"cloud {i}" for i in range(5))
SHARES = (0.3, 0.25, 0.2, 0.15, 0.1)
UTILITY = np.random.default_rng(1).normal(scale=0.5, size=(3, 10, 5))
TERMS: dict[str, Any] = {
    "utility": UTILITY, "reach": np.ones((10, 5), dtype=bool), "friction": 1.2, "switching_cost": 2.0,
}  # fmt: skip
BLOCK = 4_096


def population(count: int = COUNT, **rules: Any) -> EnterprisePopulation:
    """All adopt in the first quarter; unless said otherwise all choose one lab each quarter by plain logit."""
    everyone = {"innovation": 1.0, "renewal_quarters": 1, "second_model_prob": 0.0, "nest": 1.0}
    return EnterprisePopulation(Enterprises(count=count, **everyone | rules), ChannelSpace(LABS, CLOUDS), SHARES, 7)


def fastest(quarter: Callable[[int], object], clock: Callable[[], float], repeats: int = 9) -> float:
    """Seconds of the fastest quarter after two that fill caches and first contracts."""
    seconds = []
    for tick in range(repeats + 2):
        start = clock()
        quarter(tick)
        seconds.append(clock() - start)
    return min(seconds[2:])


def columns_rate(threads: int = 1, **rules: Any) -> float:
    people = population(**rules)
    clock = time.process_time if threads == 1 else time.perf_counter
    return COUNT / fastest(lambda tick: people.quarter(tick, **TERMS, threads=threads), clock)


def plain_rate() -> float:
    """Plain Mesa objects, `agents.do`."""
    people = population(PLAIN_COUNT)
    plain = PlainMarket(people, GeneratorLuck(1, 51, 5), TERMS, PLAIN_COUNT)
    return PLAIN_COUNT / fastest(plain.quarter, time.process_time, repeats=3)


def numpy_rate() -> float:
    """The choice in NumPy, 32-bit, in chunks of 4,096 rows, fresh noise from a generator."""
    people = population(BLOCK)
    columns, generator = people.columns, np.random.default_rng(1)
    lab_of, cloud_of = np.arange(50) // 5, np.arange(50) % 5
    utility = UTILITY.reshape(3, 50).astype(np.float32)
    lab = np.zeros(BLOCK, dtype=np.int64)

    def quarter(_: int) -> None:
        value = utility[columns.segment]
        value -= np.float32(1.2) * (cloud_of != columns.cloud[:, None])
        value -= np.float32(2.0) * (lab_of != lab[:, None])
        np.exp(value, out=value)
        times = generator.standard_exponential((BLOCK, 50), dtype=np.float32) / value
        chosen = times.argmin(axis=1)
        lab[:] = lab_of[chosen]
        np.add.at(np.zeros((3, 50)), (columns.segment, chosen), columns.weight)

    return BLOCK / fastest(quarter, time.process_time, repeats=30)


def flips() -> float:
    """Choices that change when one of 50 utilities falls by 0.3, relative to the least possible share."""
    lower = UTILITY.copy()
    lower[:, 4, 2] -= 0.3
    chosen = []
    for utility in (UTILITY, lower):
        people = population(no_purchase_utility=-50.0)
        people.quarter(0, **TERMS | {"utility": utility, "friction": 0.0})
        chosen.append(people.columns.channels[:, 0].copy())
    least = [
        abs(logit_shares(a.ravel()) - logit_shares(b.ravel())).sum() / 2.0
        for a, b in zip(UTILITY, lower, strict=True)
    ]
    return float((chosen[0] != chosen[1]).mean() / np.mean(least))


def bytes_each(count: int = 100_000) -> tuple[float, float]:
    """Bytes an enterprise, in columns and as Mesa agents on top."""
    people = population(count)
    model = mesa.Model(rng=1)
    model.population = people
    tracemalloc.start()
    people.create_agents(model)
    agents, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return sum(column.nbytes for column in people.columns) / count, agents / count


def main() -> None:
    plain = plain_rate()
    rows = [
        ("plain Mesa objects (`do`)", plain),
        ("NumPy, 32-bit, chunks of 4,096 rows (choice only)", numpy_rate()),
        ("columns, one thread", columns_rate()),
        ("columns, two threads (by the clock)", columns_rate(threads=2)),
        ("columns, nested logit (lambda 0.6), one thread", columns_rate(nest=0.6)),
        ("columns, nested logit, up to three channels", columns_rate(nest=0.6, second_model_prob=0.8)),
        ("columns, one in eight re-choosing", columns_rate(renewal_quarters=8)),
    ]
    print(f"| enterprise quarter, N = {COUNT:,} (plain: {PLAIN_COUNT:,}) | agent-steps/s | x plain Mesa objects |")
    print("|---|---|---|")
    for name, rate in rows:
        print(f"| {name} | {rate:.2g} | {rate / plain:.0f} |")
    columns, agents = bytes_each()
    print(f"\nflips / least possible: {flips():.3f}")
    print(f"bytes an enterprise: {columns:.0f} in columns, {agents:.0f} as agents")


if __name__ == "__main__":
    main()
