"""How much of a forecast's variance comes from parameters, each structural choice, stated scenarios and luck.

The share of a source g is that of the law of total variance, Var(E[y | g]) / Var(y), which is Sobol' first-order index
of the group g (Sobol' 1993; Saltelli et al. 2010). What they leave is interaction.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from experiments.forecasting.draws import BLOCK, Codes, Draws

type Numbers = NDArray[np.float64]

PAIRED = ("parameters", "luck")  # drawn from continua, each draw in two runs; the others are levels in exact shares


@dataclass(frozen=True, slots=True)
class Variances:
    """Variance of each outcome and the part of it due to each source alone, with standard errors of the shares.

    `total` has shape (outcomes,); `of` and `share_error` have one such array a source. A source with one level has
    none. Estimates are unbiased, so those of small parts may fall below nil.
    """

    total: Numbers
    of: dict[str, Numbers]
    share_error: dict[str, Numbers]

    @property
    def shares(self) -> dict[str, Numbers]:
        """Parts over the total, and under `interaction` what is left; NaN where nothing varies."""
        whole = np.where(self.total > 0.0, self.total, np.nan)
        found = {source: part / whole for source, part in self.of.items()}
        return found | {"interaction": 1.0 - sum(found.values(), np.zeros_like(whole))}


def variances(values: Numbers, draws: Draws) -> Variances:
    """Decompose the variance of outcomes, shape (runs, outcomes), over the draws that the runs were made with.

    Within-level variances s²(y | g) average over levels to W_g with expectation Var(y) - V_g, up to terms in
    1 / (runs - 1) for what pairs of runs share by chance or by the design; these are solved for, so that the estimates
    are exactly unbiased for sums of effects and up to 1 / runs² with interactions. Standard errors by the jackknife
    over blocks (Efron and Tukey: drop one block at a time). A missing value leaves its run out of its outcome.
    """
    # What does not vary is exactly nil, not a rounding error of the mean.
    values = np.where(np.isfinite(values), values, np.nan)
    values = values - values[:1]
    codes = draws.sources
    total, of = _solved(values, codes)
    whole = Variances(total, of, {})
    blocks = np.arange(draws.runs) // BLOCK
    repeats = []
    for block in range(int(blocks[-1]) + 1):
        kept = blocks != block
        repeats.append(Variances(*_solved(values[kept], {name: code[kept] for name, code in codes.items()}), {}).shares)
    errors = {name: _jackknife([each[name] for each in repeats]) for name in repeats[0]}
    return Variances(whole.total, whole.of, errors)


def _jackknife(repeats: list[Numbers]) -> Numbers:
    found = np.array(repeats)
    return np.sqrt((len(found) - 1) * np.var(found, axis=0))


def _solved(values: Numbers, codes: dict[str, Codes]) -> tuple[Numbers, dict[str, Numbers]]:
    """Total variance and the part of each source, from the variance over all runs and those within levels."""
    active = [source for source in codes if len(np.unique(codes[source])) > 1]
    chance = 1.0 / (len(values) - 1)
    matrix = np.ones((len(active) + 1, len(active) + 1))
    known = [_within(values, np.zeros(len(values), dtype=np.int64))]
    for column, source in enumerate(active, start=1):
        matrix[0, column] = -chance if source in PAIRED else chance
        known.append(_within(values, codes[source]))
        for row, other in enumerate(active, start=1):
            matrix[row, column] = -1.0 if row == column else _shared(source, other, chance)
    found = np.linalg.solve(matrix, np.array(known))
    parts = dict(zip(active, found[1:], strict=True))
    nil = np.zeros_like(found[0])
    return found[0], {source: parts.get(source, nil) for source in codes}


def _shared(source: str, within: str, chance: float) -> float:
    """What two runs of one level of `within` have in common of `source`, as a factor on its part of the variance.

    A pair of runs that share their parameters never shares its luck. Levels in exact shares avoid each other: two runs
    differ a little more than if drawn at random.
    """
    if source in PAIRED:
        return 0.0 if within in PAIRED else -chance
    return chance


def _within(values: Numbers, codes: Codes) -> Numbers:
    """Variance within levels, weighted by the runs they have; levels with fewer than two values count for nothing."""
    members = (codes[None, :] == np.unique(codes)[:, None]).astype(float)
    there = np.isfinite(values)
    filled = np.where(there, values, 0.0)
    count, weights = members @ there, members.sum(axis=1)[:, None]
    enough = count >= 2
    mean = np.divide(members @ filled, count, out=np.zeros_like(count), where=count > 0)
    residuals = np.where(there, filled - members.T @ mean, 0.0)
    variance = np.divide(members @ residuals**2, count - 1.0, out=np.zeros_like(count), where=enough)
    weight = np.where(enough, weights, 0.0)
    whole = weight.sum(axis=0)
    return np.divide((weight * variance).sum(axis=0), whole, out=np.full(whole.shape, np.nan), where=whole > 0)
