"""Who draws what: blocks of two parameter draws times two of luck, structures and scenarios in exact shares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from experiments.sweeps.errors import SweepError
from market.randomness import stream

BLOCK = 4
type Codes = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Draws:
    """Which draw of each source every run has, as numbers: arrays of shape (runs,), one for each axis of structures.

    Runs come in blocks of four, in which two draws of the parameters meet two of the luck. So every run has one
    partner that shares its parameters and nothing else by design, and one that shares its luck: what the variance of
    each is estimated from (`experiments.forecasting.variance`), without a run that is not a member of the ensemble.
    """

    parameters: Codes
    luck: Codes
    structures: Mapping[str, Codes]
    scenarios: Codes

    @property
    def sources(self) -> dict[str, Codes]:
        """The draws by source of uncertainty: parameters, each axis of structures, stated scenario, luck."""
        return {
            "parameters": self.parameters, **self.structures, "scenario": self.scenarios, "luck": self.luck,
        }  # fmt: skip

    @property
    def runs(self) -> int:
        """Members of the ensemble."""
        return len(self.luck)


def make_draws(
    runs: int, seed: int, structure_weights: Mapping[str, Sequence[float]], scenario_weights: Sequence[float]
) -> Draws:
    """Draws of `runs` members, structures by axis; raises SweepError unless they fill blocks of four.

    >>> make_draws(8, 1, {}, [0.5, 0.5]).parameters.tolist()
    [0, 0, 1, 1, 2, 2, 3, 3]
    >>> make_draws(8, 1, {}, [0.5, 0.5]).luck.tolist()
    [0, 1, 0, 1, 2, 3, 2, 3]
    """
    if isinstance(runs, bool) or not isinstance(runs, int) or runs < 2 * BLOCK or runs % BLOCK:
        raise SweepError(f"runs: got {runs!r}; allowed: a multiple of {BLOCK}, {2 * BLOCK} or more")
    number = np.arange(runs)
    first = 2 * (number // BLOCK)
    scenarios = in_exact_shares("scenario", scenario_weights, runs, seed)
    return Draws(
        first + number % BLOCK // 2, first + number % 2, structure_draws(structure_weights, runs, seed), scenarios
    )


def structure_draws(weights: Mapping[str, Sequence[float]], runs: int, seed: int) -> dict[str, Codes]:
    """One alternative on every axis for each run, axes independent of each other, alternatives in exact shares."""
    return {axis: in_exact_shares(f"structure.{axis}", each, runs, seed) for axis, each in weights.items()}


def in_exact_shares(name: str, weights: Sequence[float], runs: int, seed: int) -> Codes:
    """Levels of the runs, each as often as its weight asks, in random order."""
    levels = np.repeat(np.arange(len(weights)), quotas(weights, runs))
    return stream(seed, 0, f"forecast.{name}", 0).permutation(levels)


def quotas(weights: Sequence[float], total: int) -> Codes:
    """Whole numbers in proportion to weights that add up to `total`, by largest remainders (Hamilton's method).

    >>> quotas([0.6, 0.3, 0.1], 8).tolist()
    [5, 2, 1]
    """
    exact = np.asarray(weights, dtype=float) * total / np.sum(weights)
    found = np.floor(exact).astype(np.int64)
    largest = np.argsort(found - exact, kind="stable")[: total - int(found.sum())]
    found[largest] += 1
    return found
