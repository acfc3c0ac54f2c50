"""Speed of exact Nash searches over grids of terms: `python -m benchmarks.negotiations`.

Six issues (capacity, term, take-or-pay, discount, equity, cash), five or ten levels each. A search is one call from
Python that is given the components by issue and returns an `Agreement`; brute force adds the same components up over
the grid with NumPy and takes `solutions.nash`. Both see the same instances in one run, and every result is compared.
Times are CPU seconds a call, of the fastest of several rounds over all instances.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import reduce
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from market.bargaining.factored import best_factored, factored, frontier_factored, ideal_factored
from market.bargaining.factored_kernels import Factored
from market.bargaining.search import best_terms
from market.bargaining.solutions import Agreement, nash, pareto_frontier, rational_set

Array = NDArray[np.float64]
Parts = list[Array]
Instance = tuple[Parts, Parts]
# Issues that random components span: cash and equity by themselves, and linked with all others.
ADDITIVE = ([(0, 1), (1, 2, 3), (2,), (4,), (5,)], [(0, 1), (1, 2, 3), (3,), (4,), (5,)])
LINKED = ([(0, 1), (1, 2, 3), (2,), (4, 0), (5, 4, 3)], [(0, 1), (1, 2, 3), (3,), (4, 5, 2), (5,)])


def economic(rng: np.random.Generator, levels: int, linked: bool) -> Instance:
    """Concave benefits, prices that move money, risks; linked, equity's worth depends on the contract's."""
    gw, term, top, discount, equity, cash = (
        np.linspace(0.0, 1.0, levels).reshape([levels if axis == at else 1 for axis in range(6)]) for at in range(6)
    )
    gw, term = 1.0 + 2.0 * gw, 1.0 + 3.0 * term
    r = rng.uniform(0.5, 1.5, 12)
    lab = [
        r[0] * 4.0 * (gw - gw**2 / 7.0) * np.sqrt(term),
        r[1] * gw * term * (0.3 * discount - 0.15),
        -0.3 * r[2] * gw * term * top * (1.0 - discount),
        r[5] * (2.0 * equity - 1.1 * equity**2),
        r[7] * np.sqrt(cash + 0.01),
    ]
    provider = [
        r[3] * gw * term * (0.4 - 0.3 * discount),
        -0.3 * r[4] * gw * term * (1.0 - top),
        -0.3 * r[6] * gw,
        -0.8 * r[6] * equity**2 - 0.2 * equity,
        -r[8] * cash,
    ]
    if linked:
        lab += [-0.3 * r[9] * equity * gw * term, 0.1 * r[11] * equity * cash]
        provider += [0.3 * r[10] * cash * gw * (1.0 - discount)]
    return lab, provider


def spanning(rng: np.random.Generator, levels: int, spans: Sequence[Sequence[int]]) -> Parts:
    """Components without any order, normal deviates, over the issues named."""
    return [rng.normal(size=[levels if axis in axes else 1 for axis in range(6)]) for axes in spans]


def arbitrary(rng: np.random.Generator, levels: int, linked: bool) -> Instance:
    lab, provider = LINKED if linked else ADDITIVE
    return spanning(rng, levels, lab), spanning(rng, levels, provider)


def all_pairs(rng: np.random.Generator, levels: int, _: bool) -> Instance:
    """Fifteen components a side, one for each pair of issues."""
    pairs = list(combinations(range(6), 2))
    return spanning(rng, levels, pairs), spanning(rng, levels, pairs)


def dense(rng: np.random.Generator, levels: int, linked: bool) -> Instance:
    """Each side has one component, of the grid's size, that spans all issues."""
    lab, provider = arbitrary(rng, levels, linked)
    both = spanning(rng, levels, [range(6), range(6)])
    return [*lab, 0.05 * both[0]], [*provider, 0.05 * both[1]]


def brute_force(lab: Parts, provider: Parts) -> Agreement | None:
    """Each side spans all six issues, so the sums have the grid's shape."""
    return nash([reduce(np.add, parts, np.zeros((1,) * 6)).ravel() for parts in (lab, provider)])


def fastest(search: Callable[..., object], given: Sequence[tuple[object, ...]], rounds: int) -> float:
    """Seconds of CPU a call."""
    seconds = []
    for _ in range(rounds):
        start = time.process_time()
        for each in given:
            search(*each)
        seconds.append(time.process_time() - start)
    return min(seconds) / len(given)


def search_row(make: Callable[[np.random.Generator, int, bool], Instance], levels: int, linked: bool) -> str:
    rng = np.random.default_rng(1)
    instances = [make(rng, levels, linked) for _ in range(100 if levels == 5 else 5)]
    wrong = sum(best_terms(*each) != brute_force(*each) for each in instances)
    ours, brute = fastest(best_terms, instances, 20), fastest(brute_force, instances[:20], 3)
    goal = (5_000 if levels == 5 else 100) if linked else (30_000 if levels == 5 else 750)
    kind = f"{make.__name__.replace('_', ' ')}, {'linked' if linked else 'equity and cash additive'}"
    return f"| {kind} | {levels**6:,} | {1 / ours:,.0f} | {goal:,} | {1 / brute:,.0f} | {brute / ours:.0f} | {wrong} |"


def simulated() -> Factored:
    """The form a market's talks take: 6 capacities x 180 outer combinations x 32 of equity and its kind."""
    groups, each, kinds = 6, 180, 32
    rng, group = np.random.default_rng(1), np.repeat(np.arange(6), 180)
    gw, price, term = (1.0 + group) / 2.0, rng.random(groups * each), np.tile(np.linspace(0.0, 1.0, each), groups)
    equity, upfront = np.repeat(np.linspace(0.0, 5.0, 8), 4), np.tile(np.linspace(0.0, 1.0, 4), 8)
    now, stake = equity * (0.6 + 0.4 * upfront), equity / (50.0 + equity)
    gain = 3.0 * gw - 0.4 * gw**2 + 1.5 * gw * price - 0.5 * term
    return factored(
        lab_outer=gain,
        lab_inner=1.0 - stake,
        lab_rest=np.sqrt(now + 0.01) * np.linspace(1.0, 1.5, groups)[:, None] - 0.1 * equity,
        provider_base=gw * (1.2 - 1.5 * price) + 0.3 * term,
        provider_outer=gain,
        provider_inner=stake,
        provider_rest=np.repeat((-0.08 * now - 0.02 * equity**2)[None], groups, axis=0),
        group=group,
        allowed_outer=rng.random(groups * each) < 0.9,
        allowed_inner=np.ones((groups, kinds), dtype=bool),
    )


def written_out(terms: Factored) -> list[Array]:
    rest, other = terms.lab_rest[terms.group], terms.provider_rest[terms.group]
    lab = terms.lab_outer[:, None] * terms.lab_inner + rest
    provider = terms.provider_base[:, None] + terms.provider_outer[:, None] * terms.provider_inner + other
    allowed = terms.allowed_outer[:, None] & terms.allowed_inner[terms.group]
    return [np.where(allowed, utility, -np.inf).ravel() for utility in (lab, provider)]


def ideal(utilities: list[Array]) -> tuple[float, float]:
    inside = rational_set(utilities)
    return float(utilities[0][inside].max()), float(utilities[1][inside].max())


def main() -> None:
    print("| components | outcomes | searches/s | goal | NumPy brute force | ratio | results that differ |")
    print("|---|---|---|---|---|---|---|")
    for levels in (5, 10):
        for linked in (False, True):
            for make in (economic, arbitrary, all_pairs, dense) if linked else (economic, arbitrary):
                print(search_row(make, levels, linked))
    terms = simulated()
    out = fastest(written_out, [(terms,)] * 20, 5)
    print("\n| factored terms, 34,560 outcomes | microseconds | NumPy, arrays written out | ratio |")
    print("|---|---|---|---|")
    for name, ours, theirs in (
        ("Nash", best_factored, nash),
        ("ideal", ideal_factored, ideal),
        ("Pareto frontier", frontier_factored, pareto_frontier),
    ):
        quick = fastest(ours, [(terms,)] * 50, 10)
        slow = out + fastest(theirs, [(written_out(terms),)] * 20, 5)
        print(f"| {name} | {1e6 * quick:.0f} | {1e6 * slow:.0f} | {slow / quick:.0f} |")


if __name__ == "__main__":
    main()
