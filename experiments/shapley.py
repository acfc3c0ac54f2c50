"""Shapley values of a game: what each player adds, averaged over all orders in which players may join."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb, fsum

import numpy as np
from numpy.typing import NDArray

type Player = str | int
type Coalition = frozenset[Player]
type Value = Callable[[Coalition], float]
type Map = Callable[[Value, Iterable[Coalition]], Iterable[float]]


@dataclass(frozen=True, eq=False)
class Shapley:
    """Shapley values, (players,), with their standard errors; they add up to `full - empty`.

    `evaluations` counts the coalitions whose value was computed, each once. Errors are nil where every order was
    counted, NaN where there are too few orders to tell.
    """

    players: tuple[Player, ...]
    values: NDArray[np.float64]
    errors: NDArray[np.float64]
    full: float
    empty: float
    evaluations: int
    permutations: int


def shapley_exact(value: Value, players: Sequence[Player], each: Map = map) -> Shapley:
    """Exact values from all 2^n coalitions; for up to a dozen players.

    phi_i = sum over S without i of (v(S + i) - v(S)) / (n C(n - 1, |S|)). `each` maps `value` over coalitions, as `map`
    or a pool's. Source: Shapley (1953).

    >>> weights = {"a": 1.0, "b": 2.0}
    >>> shapley_exact(lambda coalition: sum(weights[name] for name in coalition), ["a", "b"]).values.tolist()
    [1.0, 2.0]
    """
    everyone = _distinct(players)
    n = len(everyone)
    coalitions = [frozenset(chosen) for size in range(n + 1) for chosen in combinations(everyone, size)]
    values = _evaluated(value, coalitions, each)
    found = [
        fsum(
            (values[coalition | {player}] - values[coalition]) / (n * comb(n - 1, len(coalition)))
            for coalition in coalitions
            if player not in coalition
        )
        for player in everyone
    ]
    full, empty = values[frozenset(everyone)], values[frozenset()]
    return Shapley(everyone, np.array(found), np.zeros(n), full, empty, len(values), 0)


def shapley_sampling(
    value: Value,
    players: Sequence[Player],
    permutations: int,
    rng: np.random.Generator,
    antithetic: bool = True,
    each: Map = map,
) -> Shapley:
    """Estimate from sampled orders: the mean of what a player adds to those before it.

    With `antithetic` an odd number of `permutations` is made even, and every order comes with its reverse: the two
    err in opposite directions where what a player adds rises or falls with who is there already. Pairs of orders are
    then the independent draws of the standard error. In every order the players' parts add up to v(N) - v(0), and so
    do the means. A coalition is evaluated once: `value` must be a function of the coalition alone. Sources: Castro,
    Gomez and Tejada (2009); antithetic orders: Mitchell, Cooper, Frank and Holmes (2022).

    Raises ValueError for fewer than one permutation or a player named twice.

    >>> glove = lambda coalition: float("left" in coalition and len(coalition) > 1)
    >>> found = shapley_sampling(glove, ["left", "right 1", "right 2"], 2000, np.random.default_rng(1))
    >>> found.values.round(1).tolist(), found.evaluations
    ([0.7, 0.2, 0.2], 8)
    """
    everyone = _distinct(players)
    orders = _orders(len(everyone), permutations, rng, antithetic)
    names = [[everyone[place] for place in order] for order in orders]
    values = _evaluated(value, dict.fromkeys(_prefixes(names)), each)
    added = np.array([_added(order, names_of, values) for order, names_of in zip(orders, names, strict=True)])
    draws = (added[0::2] + added[1::2]) / 2.0 if antithetic else added
    error = draws.std(axis=0, ddof=1) / np.sqrt(len(draws)) if len(draws) > 1 else np.full(len(everyone), np.nan)
    full, empty = values[frozenset(everyone)], values[frozenset()]
    return Shapley(everyone, draws.mean(axis=0), error, full, empty, len(values), len(orders))


def _distinct(players: Sequence[Player]) -> tuple[Player, ...]:
    if len(set(players)) < len(players):
        raise ValueError(f"a player is named twice: {list(players)}")
    return tuple(players)


def _orders(n: int, permutations: int, rng: np.random.Generator, antithetic: bool) -> list[NDArray[np.int64]]:
    """Random orders of 0 to n - 1; with `antithetic` each followed by its reverse."""
    if permutations < 1:
        raise ValueError(f"permutations: {permutations}; allowed: 1 or more")
    if not antithetic:
        return [rng.permutation(n) for _ in range(permutations)]
    drawn = [rng.permutation(n) for _ in range((permutations + 1) // 2)]
    return [order for each in drawn for order in (each, each[::-1])]


def _prefixes(orders: Iterable[Sequence[Player]]) -> Iterable[Coalition]:
    for order in orders:
        for size in range(len(order) + 1):
            yield frozenset(order[:size])


def _evaluated(value: Value, coalitions: Iterable[Coalition], each: Map) -> Mapping[Coalition, float]:
    asked = list(coalitions)
    return {coalition: float(found) for coalition, found in zip(asked, each(value, asked), strict=True)}


def _added(
    places: NDArray[np.int64], names: Sequence[Player], values: Mapping[Coalition, float]
) -> NDArray[np.float64]:
    """What each player adds in one order, (players,)."""
    levels = np.array([values[coalition] for coalition in _prefixes([names])])
    found = np.empty(len(places))
    found[places] = np.diff(levels)
    return found
