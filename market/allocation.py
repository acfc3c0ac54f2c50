"""Sharing scarce capacity: priorities first, pro rata within one rank."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from market.sums import total, totals


def ration(demands: NDArray[np.float64], capacity: float) -> NDArray[np.float64]:
    """Pro-rata rationing: everybody gets the same share of what they ask, and no more than that.

    Demands (n,) and capacity in GW, none negative. Independent of order.

    >>> ration(np.array([1.0, 3.0]), 2.0)
    array([0.5, 1.5])
    """
    asked = total(demands)
    if asked <= capacity:
        return demands.copy()
    return demands * (capacity / asked)


def ration_by_rank(ranks: list[NDArray[np.float64]], capacity: float) -> list[NDArray[np.float64]]:
    """Serve ranks in order, pro rata within each; returns what each rank gets.

    >>> [given.tolist() for given in ration_by_rank([np.array([1.0]), np.array([2.0, 2.0])], 3.0)]
    [[1.0], [1.0, 1.0]]
    """
    given = []
    left = max(capacity, 0.0)
    for demands in ranks:
        served = ration(demands, left)
        left = max(left - total(served), 0.0)
        given.append(served)
    return given


def by_affinity(need: NDArray[np.float64], affinity: NDArray[np.float64]) -> NDArray[np.float64]:
    """Split each lab's need (labs,) over providers in proportion to affinity (providers, labs); nil where it has none.

    >>> by_affinity(np.array([2.0, 1.0]), np.array([[1.0, 0.0], [3.0, 0.0]]))
    array([[0.5, 0. ],
           [1.5, 0. ]])
    """
    whole = totals(affinity, axis=0)
    return np.asarray(np.where(whole > 0.0, affinity / np.where(whole > 0.0, whole, 1.0), 0.0) * need)


def spread_need(
    need: NDArray[np.float64], affinity: NDArray[np.float64], free: NDArray[np.float64], rounds: int = 3
) -> NDArray[np.float64]:
    """Place labs' uncontracted need with providers: by affinity, rationed pro rata, then again.

    `need` (labs,), `affinity` (providers, labs) with zeros where a lab may not go, `free`
    (providers,) in GW; returns GW (providers, labs). A lab turned away asks the others in the next
    round; after `rounds` what is left stays unserved.

    >>> spread_need(np.array([2.0]), np.array([[1.0], [1.0]]), np.array([0.5, 5.0]))
    array([[0.5],
           [1.5]])
    """
    placed = np.zeros_like(affinity)
    left, room = need.copy(), free.copy()
    for _ in range(rounds):
        # what rounding leaves of a room that was filled is no room
        asked = by_affinity(left, affinity * (room > 1e-12 * free)[:, None])
        wanted = totals(asked, axis=1)
        share = np.where(wanted > room, room / np.where(wanted > 0.0, wanted, 1.0), 1.0)
        given = asked * share[:, None]
        placed += given
        room = np.maximum(room - totals(given, axis=1), 0.0)
        left = np.maximum(left - totals(given, axis=0), 0.0)
    return placed
