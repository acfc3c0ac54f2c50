"""The zone of agreement of a table: what both sides prefer to no deal, its efficient terms, and why it may be empty.

Terms are rational where the lab gets more than its threat point, the provider at least its own, and
neither less than its floor. Gains are utilities less the threat point. Protocols choose among the
efficient terms, a few hundred of all outcomes, by their positions from the lab's best to the provider's.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.typing import NDArray

from market.bargaining.protocols import Array, Conduct, Proposal, Settlement, Side, Table
from market.bargaining.solutions import Agreement, pareto_frontier

Indices = NDArray[np.int64]
Pair = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Zone:
    """Efficient rational terms by position: places in the table, both sides' gains, the least gains they accept.

    From the first position to the last the lab's gains fall and the provider's rise.
    """

    places: Indices
    lab: Array
    provider: Array
    least: Pair

    def __len__(self) -> int:
        return len(self.places)

    @property
    def best(self) -> Pair:
        """Largest gains of lab and provider over the zone."""
        return float(self.lab[0]), float(self.provider[-1])

    @overload
    def serving(self, side: Side, gain: float) -> int: ...
    @overload
    def serving(self, side: Side, gain: Array) -> Indices: ...
    def serving(self, side: Side, gain: float | Array) -> int | Indices:
        """Position of the terms best for the other side among those that give a side at least a gain.

        The side's best position where none gives it as much.
        """
        if side == "lab":
            found = np.searchsorted(-self.lab, -np.asarray(gain), side="right") - 1
            found = np.maximum(found, 0)
        else:
            found = np.minimum(np.searchsorted(self.provider, gain), len(self) - 1)
        return int(found) if isinstance(gain, float) else np.asarray(found)

    def above(self, least: Pair) -> Zone:
        """The part of the zone that gives both at least these gains too."""
        lab, provider = (max(pair) for pair in zip(self.least, least, strict=True))
        kept = (self.lab >= lab) & (self.provider >= provider)
        return Zone(self.places[kept], self.lab[kept], self.provider[kept], (lab, provider))


def least_utilities(table: Table) -> Pair:
    """The lowest utilities that lab and provider agree to: floors, and more than the threat point for the lab."""
    return max(table.floors[0], float(np.nextafter(table.threat[0], np.inf))), max(table.floors[1], table.threat[1])


def zone_of_agreement(table: Table) -> Zone:
    """Efficient terms of the zone of agreement, empty where there are none.

    >>> zone_of_agreement(Table(np.array([0.0, 1.0, 2.0, 1.0]), np.array([9.0, 3.0, 1.0, 2.0]))).places
    array([2, 1])
    """
    places = pareto_frontier((table.lab, table.provider), table.threat, least_utilities(table))
    gains = (table.lab[places] - table.threat[0], table.provider[places] - table.threat[1])
    lab, provider = (max(floor - threat, 0.0) for floor, threat in zip(table.floors, table.threat, strict=True))
    return Zone(places, *gains, (lab, provider))


def reservation_gains(zone: Zone, table: Table, conduct: Conduct) -> Pair:
    """True reservation gains of lab and provider: uncertainty * best gain * luck, each.

    Raises ValueError for an empty zone, which has no best gains.
    """
    if not len(zone):
        raise ValueError("zone: 0 outcomes; allowed: one or more")
    lab, provider = (conduct.uncertainty * best * luck for best, luck in zip(zone.best, table.luck, strict=True))
    return lab, provider


def no_deal(table: Table) -> Settlement:
    """Settlement of a table whose zone of agreement is empty, with the reason why it is.

    >>> no_deal(Table(np.array([1.0]), np.array([1.0]), floors=(2.0, 0.0))).reason
    'a rival offers the lab more'
    """
    feasible = (table.lab > -np.inf) & (table.provider > -np.inf)
    for_lab = feasible & (table.lab > table.threat[0])
    for_provider = feasible & (table.provider >= table.threat[1])
    for_both = for_lab & for_provider
    reasons = {
        "no feasible terms": feasible,
        "no terms are worth the lab's while": for_lab,
        "no terms are worth the provider's while": for_provider,
        "no terms leave both better off": for_both,
        "a rival offers the lab more": for_both & (table.lab >= table.floors[0]),
        "the provider has a better option": for_both & (table.provider >= table.floors[1]),
    }
    missing = (reason for reason, left in reasons.items() if not left.any())
    return Settlement(None, next(missing, "no terms match both outside options"))


def no_deal_between_reservations() -> Settlement:
    """Settlement where no efficient terms meet both true reservation values, though some leave both better off."""
    return Settlement(None, "no terms meet both reservation values")


def agreed(
    table: Table, index: int, proposals: tuple[Proposal, ...] = (), target: tuple[Side, float] | None = None
) -> Settlement:
    """Settlement on one outcome; its ties are the outcomes worth the same to both."""
    lab, provider = float(table.lab[index]), float(table.provider[index])
    ties = np.flatnonzero((table.lab == lab) & (table.provider == provider))
    return Settlement(Agreement(index, (lab, provider), tuple(ties.tolist())), "agreed", proposals, target)


@dataclass(frozen=True, slots=True)
class Hull:
    """Corners of the concave hull of the efficient terms: what mixing neighbouring terms would allow.

    For each side its own gains, rising, and the other's at the same corners, falling.
    """

    corners: dict[Side, tuple[list[float], list[float]]]

    def best_for_other(self, side: Side, gain: float) -> float:
        """Most that the other side can get where this side gets a gain, within the corners."""
        own, other = self.corners[side]
        after = bisect_right(own, gain)
        if after == 0 or after == len(own):
            return other[max(after - 1, 0)]
        start, other_start = own[after - 1], other[after - 1]
        return other_start + (gain - start) * ((other[after] - other_start) / (own[after] - start))


def concave_hull(zone: Zone) -> Hull:
    """Upper concave hull of the zone's efficient terms, by monotone chain (Andrew 1979).

    >>> concave_hull(zone_of_agreement(Table(np.array([1.0, 2.0, 3.0]), np.array([5.0, 2.0, 1.0])))).corners["lab"]
    ([1.0, 3.0], [5.0, 1.0])
    """
    lab: list[float] = []
    provider: list[float] = []
    for x, y in zip(zone.lab[::-1].tolist(), zone.provider[::-1].tolist(), strict=True):
        while len(lab) > 1 and _turns_up(lab, provider, x, y):
            lab.pop()
            provider.pop()
        lab.append(x)
        provider.append(y)
    return Hull({"lab": (lab, provider), "provider": (provider[::-1], lab[::-1])})


def _turns_up(lab: list[float], provider: list[float], x: float, y: float) -> bool:
    """Whether the last corner lies on or below the line from the one before it to (x, y)."""
    to_last, to_next = lab[-1] - lab[-2], x - lab[-2]
    return to_last * (y - provider[-2]) >= (provider[-1] - provider[-2]) * to_next
