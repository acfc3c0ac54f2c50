"""Sharing scarce capacity: priorities first, pro rata within one rank."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def ration(demands: NDArray[np.float64], capacity: float) -> NDArray[np.float64]:
    """Pro-rata rationing: everybody gets the same share of what they ask, and no more than that.

    Demands (n,) and capacity in GW, none negative. Independent of order.

    >>> ration(np.array([1.0, 3.0]), 2.0)
    array([0.5, 1.5])
    """
    total = float(demands.sum())
    if total <= capacity:
        return demands.copy()
    return demands * (capacity / total)


def ration_by_rank(ranks: list[NDArray[np.float64]], capacity: float) -> list[NDArray[np.float64]]:
    """Serve ranks in order, pro rata within each; returns what each rank gets.

    >>> [given.tolist() for given in ration_by_rank([np.array([1.0]), np.array([2.0, 2.0])], 3.0)]
    [[1.0], [1.0, 1.0]]
    """
    given = []
    left = max(capacity, 0.0)
    for demands in ranks:
        served = ration(demands, left)
        left = max(left - float(served.sum()), 0.0)
        given.append(served)
    return given


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
        open_affinity = affinity * (room > 1e-12)[:, None]
        total = open_affinity.sum(axis=0)
        asked = np.where(total > 0.0, open_affinity / np.where(total > 0.0, total, 1.0), 0.0) * left
        wanted = asked.sum(axis=1)
        share = np.where(wanted > room, room / np.where(wanted > 0.0, wanted, 1.0), 1.0)
        given = asked * share[:, None]
        placed += given
        room = np.maximum(room - given.sum(axis=1), 0.0)
        left = np.maximum(left - given.sum(axis=0), 0.0)
    return placed
