"""Which outcome is best where the discount may lie anywhere between its levels.

Both utilities are linear in the discount, so every outcome of the grid stands for a straight line
of payoffs, from no discount to the largest. A protocol's aim on each line is known in closed form;
the best of all lines is found at once. Without this a floor between two levels would be met by an
outcome that wastes gains.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from market.bargaining.factored_kernels import Factored
from market.bargaining.utilities import Evaluation

Array = NDArray[np.float64]
COARSE, FINE = 12, 96  # gains of the lab at which lines are compared
POINTS = 129  # on each line
DISCOUNT = 4  # the last of the issues that move what a deal produces


@dataclass(frozen=True, slots=True)
class Lines:
    """Payoffs of some outcomes at the lowest and at the highest discount, (outcomes,); their places in the grid."""

    places: NDArray[np.int64]
    lab: tuple[Array, Array]
    provider: tuple[Array, Array]

    def at(self, position: Array) -> tuple[Array, Array]:
        """Payoffs of lab and provider at positions in [0, 1]."""
        (lab, lab_end), (provider, provider_end) = self.lab, self.provider
        return lab + position * (lab_end - lab), provider + position * (provider_end - provider)


def lines_of(evaluation: Evaluation, threat: tuple[float, float]) -> Lines:
    """The lines of all feasible outcomes; no deal is worth the while of a side that both ends leave below its threat.

    Whether another outcome dominates one at the levels of the grid does not matter: between them it may not.
    """
    form, levels = evaluation.form, evaluation.grid.shape[DISCOUNT]
    first = np.arange(0, len(form.group), levels)
    ends = _payoffs(form, first), _payoffs(form, first + levels - 1)
    held = form.allowed_inner[form.group[first]]
    for side in (0, 1):
        held = held & (np.maximum(ends[0][side], ends[1][side]) >= threat[side])
    rows, columns = np.nonzero(held)
    places = first[rows] * len(form.lab_inner) + columns
    return Lines(places, (ends[0][0][held], ends[1][0][held]), (ends[0][1][held], ends[1][1][held]))


def _payoffs(form: Factored, rows: NDArray[np.int64]) -> tuple[Array, Array]:
    """Both utilities of some rows of the factored form, (rows, columns)."""
    group = form.group[rows]
    lab = form.lab_outer[rows, None] * form.lab_inner + form.lab_rest[group]
    shared = form.provider_outer[rows, None] * form.provider_inner
    return lab, form.provider_base[rows, None] + shared + form.provider_rest[group]


def within(lines: Lines, least: tuple[float, float]) -> tuple[Array, Array]:
    """Positions between which both get at least something; the first is above the second where nowhere."""
    low, high = np.zeros(len(lines.places)), np.ones(len(lines.places))
    for (start, end), bound in zip((lines.lab, lines.provider), least, strict=True):
        rise = end - start
        with np.errstate(divide="ignore", invalid="ignore"):
            crossing = (bound - start) / rise
        low = np.where(rise > 0.0, np.maximum(low, crossing), low)
        high = np.where(rise < 0.0, np.minimum(high, crossing), high)
        high = np.where((rise == 0.0) & (start < bound), -1.0, high)
    return low, high


def nash_position(lines: Lines, threat: tuple[float, float], lab_weight: float) -> Array:
    """Where the weighted product of gains is stationary along each line; nil where both rise or fall together.

    w g1'/g1 + (1 - w) g2'/g2 = 0 is linear in the position.
    """
    gains = lines.lab[0] - threat[0], lines.provider[0] - threat[1]
    rises = lines.lab[1] - lines.lab[0], lines.provider[1] - lines.provider[0]
    apart = rises[0] * rises[1]
    top = lab_weight * rises[0] * gains[1] + (1.0 - lab_weight) * rises[1] * gains[0]
    return np.asarray(np.where(apart < 0.0, -top / np.where(apart < 0.0, apart, 1.0), 0.0))


def even_position(lines: Lines, threat: tuple[float, float], scales: tuple[float, float]) -> Array:
    """Where gains in units of the scales are equal along each line; nil where they never are."""
    ahead = [
        (lab - threat[0]) / scales[0] - (provider - threat[1]) / scales[1]
        for lab, provider in zip(lines.lab, lines.provider, strict=True)
    ]
    apart = ahead[0] - ahead[1]
    return np.asarray(np.where(apart != 0.0, ahead[0] / np.where(apart != 0.0, apart, 1.0), 0.0))


def best_payoffs(lines: Lines, least: tuple[float, float]) -> tuple[float, float] | None:
    """Each side's best payoff where both get at least something; None where that is nowhere."""
    low, high = within(lines, least)
    held = low <= high
    if not held.any():
        return None
    ends = [lines.at(np.where(held, end, 0.0)) for end in (low, high)]
    lab, provider = (max(float(end[side][held].max()) for end in ends) for side in (0, 1))
    return lab, provider


def efficient(lines: Lines, least: tuple[float, float]) -> tuple[NDArray[np.int64], Array]:
    """Points on the lines that no other line betters, as (line, position): finely spaced, rational ends included.

    Lines are compared at evenly spaced gains of the lab, first coarsely to leave most aside.
    """
    low, high = within(lines, least)
    kept = np.flatnonzero(low <= high)
    for count, slack in ((COARSE, 0.1), (FINE, 0.0)):
        kept = _on_top(lines, kept, low, high, count, slack)
    steps = np.linspace(0.0, 1.0, POINTS)
    positions = low[kept, None] + steps * (high[kept] - low[kept])[:, None]
    return np.repeat(kept, POINTS), positions.ravel()


def _on_top(
    lines: Lines, kept: NDArray[np.int64], low: Array, high: Array, count: int, slack: float
) -> NDArray[np.int64]:
    """Lines that give the provider most, or nearly, for some gain of the lab."""
    if len(kept) < 2:
        return kept
    start, rise = lines.lab[0][kept, None], (lines.lab[1] - lines.lab[0])[kept, None]
    reach = np.sort(lines.at(low)[0][kept]), np.sort(lines.at(high)[0][kept])
    gains = np.linspace(min(reach[0][0], reach[1][0]), max(reach[0][-1], reach[1][-1]), count)
    with np.errstate(divide="ignore", invalid="ignore"):
        position = np.where(rise > 0.0, (gains - start) / rise, np.where(start >= gains, 0.0, np.inf))
    position = np.maximum(position, low[kept, None])
    provider = lines.provider[0][kept, None]
    worth = provider + np.minimum(position, 1.0) * (lines.provider[1][kept, None] - provider)
    worth = np.where(position <= high[kept, None] + 1e-12, worth, -np.inf)
    best = worth.max(axis=0)
    if slack == 0.0:
        return np.unique(kept[worth.argmax(axis=0)])
    near = worth >= best - slack * max(float(best.max() - best.min()), 0.0)
    return kept[(near & (best > -np.inf)).any(axis=1)]
