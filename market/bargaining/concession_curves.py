"""Time-dependent concession: how far a party has come from its best value to its reservation value.

A concession runs from the opening one k at time 0 to 1 at the deadline and stays there. `exponent` is
the beta of Faratin, Sierra and Jennings (1998): below 1 Boulware, above 1 a conceder; 0 holds out
to the deadline, infinity concedes all at once after time 0. Times and deadline are in one unit,
rounds or quarters.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Pair = tuple[float, float]


def polynomial_concession(time: float | Array, deadline: float, exponent: float, opening: float = 0.0) -> Array:
    """Concession k + (1 - k) (min(t, T) / T)^(1 / beta), of the shape of `time`.

    Linear in time at exponent 1. Raises ValueError for a time or exponent below nil, a deadline that
    is not positive, an opening outside 0 to 1. Source: Faratin, Sierra and Jennings (1998).

    >>> polynomial_concession(np.array([0.0, 5.0, 10.0]), 10.0, 0.5, opening=0.2).tolist()
    [0.2, 0.4, 1.0]
    """
    elapsed = _elapsed_frac(time, deadline, exponent, opening)
    power = 1.0 / exponent if exponent > 0.0 else math.inf
    # at time 0 every finite exponent concedes nothing yet, so the limit does not either
    return np.asarray(opening + (1.0 - opening) * np.where(elapsed > 0.0, elapsed**power, 0.0))


def exponential_concession(time: float | Array, deadline: float, exponent: float, opening: float) -> Array:
    """Concession exp((1 - min(t, T) / T)^beta ln k), of the shape of `time`.

    Computed as k^((1 - t / T)^beta): with an opening of nil nothing is conceded before the deadline. At
    exponent 1 it is k^(1 - t / T), below the straight line: the exponential at 1 is harder than the
    polynomial. ValueError as in `polynomial_concession`. Source: Faratin, Sierra and Jennings (1998).

    >>> exponential_concession(np.array([0.0, 5.0, 10.0]), 10.0, 1.0, opening=0.25).tolist()
    [0.25, 0.5, 1.0]
    """
    left = 1.0 - _elapsed_frac(time, deadline, exponent, opening)
    return np.asarray(opening ** np.where(left > 0.0, left**exponent, 0.0))


def conceded_utility(concession: float | Array, best: float, reservation: float) -> Array:
    """Utility asked after a concession a: (1 - a) best + a reservation, of the shape of `concession`.

    Exactly `best` at 0 and `reservation` at 1. Raises ValueError for a concession outside 0 to 1.

    >>> conceded_utility(np.array([0.0, 0.25, 1.0]), 9.0, 1.0).tolist()
    [9.0, 7.0, 1.0]
    """
    held = np.asarray(concession, dtype=float)
    if not np.all((held >= 0.0) & (held <= 1.0)):
        raise ValueError(f"concession: {concession}; allowed: 0 to 1")
    return np.asarray((1.0 - held) * best + held * reservation)


def tactic(exponent: float) -> Literal["Boulware", "linear", "conceder"]:
    """Name of a tactic by its exponent: Boulware below 1, linear at 1, conceder above.

    The names follow the exponent alone. They fit the polynomial curve; the exponential one at 1 is
    still below the straight line. Source: Faratin, Sierra and Jennings (1998).

    >>> tactic(0.2), tactic(1.0), tactic(math.inf)
    ('Boulware', 'linear', 'conceder')
    """
    if not exponent >= 0.0:
        raise ValueError(f"exponent: {exponent}; allowed: 0 or more")
    if exponent == 1.0:
        return "linear"
    return "Boulware" if exponent < 1.0 else "conceder"


@dataclass(frozen=True, slots=True)
class Meeting:
    """When two parties' demands first fit into the pie, and what both then ask."""

    time: float
    first: float
    second: float


def meeting(
    pie: float, best: Pair, reservation: Pair, deadline: float, exponent: float, openings: Pair = (0.0, 0.0)
) -> Meeting | None:
    """When two polynomial tactics with one exponent and one deadline meet over a pie, in closed form.

    Party i asks b_i - (k_i + (1 - k_i) s) (b_i - r_i) with s = (t / T)^(1 / beta), and the two meet when
    both demands sum to the pie: s = (b1 + b2 - pie - k1 w1 - k2 w2) / ((1 - k1) w1 + (1 - k2) w2),
    w_i = b_i - r_i, and t = T s^beta. The exponent moves the time alone, not the terms. Where the
    openings fit already, time 0 and the openings; None where the reservation values exceed the pie.
    With offers in rounds the demands fit from the first round at or after that time. ValueError as in
    `polynomial_concession`, and where a best value is below the reservation value. Own derivation.

    >>> meeting(10.0, best=(10.0, 10.0), reservation=(2.0, 4.0), deadline=20.0, exponent=1.0)
    Meeting(time=14.285714285714286, first=4.285714285714286, second=5.714285714285714)
    """
    for opening in openings:
        _elapsed_frac(0.0, deadline, exponent, opening)
    if not all(math.isfinite(amount) for amount in (pie, *best, *reservation)):
        raise ValueError(f"pie {pie}, best {best}, reservation {reservation}; allowed: finite numbers")
    if not (best[0] >= reservation[0] and best[1] >= reservation[1]):
        raise ValueError(f"best: {best} with reservation {reservation}; allowed: none below the reservation value")
    if sum(reservation) > pie:
        return None
    asked = [float(conceded_utility(openings[i], best[i], reservation[i])) for i in (0, 1)]
    slopes = [(1.0 - openings[i]) * (best[i] - reservation[i]) for i in (0, 1)]
    over = sum(asked) - pie
    if over <= 0.0 or not any(slopes):
        return Meeting(0.0, *asked)
    conceded = min(over / sum(slopes), 1.0)
    # an endless exponent concedes all right after time 0
    elapsed = conceded**exponent if exponent < math.inf else 0.0
    return Meeting(deadline * elapsed, asked[0] - conceded * slopes[0], asked[1] - conceded * slopes[1])


def _elapsed_frac(time: float | Array, deadline: float, exponent: float, opening: float) -> Array:
    """Part of the deadline that is over, at most 1."""
    if not 0.0 < deadline < math.inf:
        raise ValueError(f"deadline: {deadline}; allowed: above 0")
    if not exponent >= 0.0:
        raise ValueError(f"exponent: {exponent}; allowed: 0 or more")
    if not 0.0 <= opening <= 1.0:
        raise ValueError(f"opening: {opening}; allowed: 0 to 1")
    if not np.all(np.asarray(time) >= 0.0):
        raise ValueError(f"time: {time}; allowed: 0 or more")
    return np.minimum(time, deadline) / deadline
