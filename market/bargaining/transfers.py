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

from market.bargaining.factored import contenders_factored
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
    """The lines of all outcomes that no other rational one on the grid dominates."""
    form = evaluation.form
    places = contenders_factored(form, disagreement=threat).indices
    shape = evaluation.grid.shape
    rows, columns = np.divmod(places, len(form.lab_inner))
    lowest = rows - rows % shape[DISCOUNT]
    ends = (_payoffs(form, lowest, columns), _payoffs(form, lowest + shape[DISCOUNT] - 1, columns))
    return Lines(places, (ends[0][0], ends[1][0]), (ends[0][1], ends[1][1]))


def _payoffs(form: Factored, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> tuple[Array, Array]:
    group = form.group[rows]
    lab = form.lab_outer[rows] * form.lab_inner[columns] + form.lab_rest[group, columns]
    shared = form.provider_outer[rows] * form.provider_inner[columns]
    return lab, form.provider_base[rows] + shared + form.provider_rest[group, columns]


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
