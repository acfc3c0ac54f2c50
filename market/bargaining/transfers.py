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


def discount_for_a_deal(
    evaluation: Evaluation, threat: tuple[float, float], least: tuple[float, float], lab_weight: float
) -> float | None:
    """The discount between the levels at which both gain most, in the weighted product; None where none suits both."""
    lines = lines_of(evaluation, threat)
    low, high = within(lines, least)
    position = np.clip(nash_position(lines, threat, lab_weight), low, np.maximum(low, high))
    lab, provider = lines.at(position)
    gains = np.maximum(lab - threat[0], 0.0), np.maximum(provider - threat[1], 0.0)
    score = np.where(low <= high, gains[0] ** lab_weight * gains[1] ** (1.0 - lab_weight), -np.inf)
    if not len(score) or not score.max() > 0.0:
        return None
    lowest, highest = min(evaluation.grid.discounts), max(evaluation.grid.discounts)
    return lowest + float(position[score.argmax()]) * (highest - lowest)
