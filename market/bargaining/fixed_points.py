"""Fixed points of a lab's talks with several providers: every pair's terms the answer to the others'."""

from __future__ import annotations

import math
import typing
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Literal

from market.bargaining.protocols import Settlement, Table

MOST_SWEEPS = 50
"""Sweeps over the pairs before a search for a fixed point is given up."""

Updating = Literal["simultaneous", "sequential"]


@dataclass(frozen=True, slots=True)
class Pair[T: Hashable]:
    """How one pair's talks ended: the settlement, the table it was struck on, and the others' terms at the time.

    The protocol gives the settlement again from the table alone. In Nash-in-Shapley the table's threat point holds what
    the lab gets without this provider; with threat of replacement `floor_usd_bn` is what the lab would get from
    the best `outsider`, and enters the table's floors where it `binds`.
    """

    provider: str
    settlement: Settlement
    table: Table
    given: Mapping[str, T]
    terms: T | None = None
    floor_usd_bn: float = -math.inf
    outsider: str = ""
    binds: bool = False

    @property
    def payoffs_usd_bn(self) -> tuple[float, float]:
        """Gains of lab and provider over no deal; nil without agreement."""
        agreement = self.settlement.agreement
        return (agreement.first, agreement.second) if agreement else (0.0, 0.0)

    @property
    def joint_surplus_usd_bn(self) -> float:
        """Both gains over the threat point; minus infinity without agreement."""
        if self.settlement.agreement is None:
            return -math.inf
        return sum(self.payoffs_usd_bn) - sum(self.table.threat)


@dataclass(frozen=True, slots=True)
class Convergence:
    """How the fixed point was found, and whether it is one.

    All pairs answer at once ("simultaneous"), which treats like providers alike, or one after another in order of rank
    ("sequential"): Nash-in-Nash if the first runs in a cycle, Nash-in-Shapley with three pairs or more. If terms come
    again in a cycle of `cycle_length` sweeps, or still change after the most sweeps, `converged` is false; of a cycle
    the state is taken whose next answers change utilities least, by `largest_change_usd_bn`. `network_stable` is
    false where the lab has room for a provider with gains, but with it in some pair drops out again. `iterations`
    counts the sweeps of all networks tried as the lab's own.
    """

    iterations: int
    converged: bool
    cycle_length: int
    largest_change_usd_bn: float
    updating: Updating
    network_stable: bool = True


type Found[T: Hashable] = tuple[dict[str, Pair[T]], Convergence]
type Reply[T: Hashable] = Callable[[str, Mapping[str, T]], Pair[T]]
type Network = tuple[str, ...]


def agreed_terms[T: Hashable](network: Network, state: Mapping[str, Pair[T]]) -> dict[str, T]:
    """Terms of the pairs that agree."""
    found = ((name, state[name]) for name in network if name in state)
    return {name: typing.cast(T, pair.terms) for name, pair in found if pair.settlement.agreement}


def iterate[T: Hashable](network: Network, reply: Reply[T], start: dict[str, Pair[T]], updating: Updating) -> Found[T]:
    """Sweeps over the pairs until no terms change, a state comes again, or the most sweeps are made."""
    states = [start]
    changes: list[float] = []  # from each state to the next
    seen = {tuple(agreed_terms(network, start).items()): 0}
    for sweep in range(1, MOST_SWEEPS + 1):
        state = _sweep(network, states[-1], reply, updating)
        changes.append(_largest_change(states[-1], state))
        key = tuple(agreed_terms(network, state).items())
        first = seen.setdefault(key, sweep)
        if first == sweep - 1:
            return state, Convergence(sweep, True, 0, changes[-1], updating)
        if first < sweep:
            states[first] = state  # of the same terms; at the very start there were no pairs
            best = min(range(first, sweep), key=changes.__getitem__)
            return states[best], Convergence(sweep, False, sweep - first, changes[best], updating)
        states.append(state)
    return states[-1], Convergence(MOST_SWEEPS, False, 0, changes[-1], updating)


def _sweep[T: Hashable](
    network: Network,
    before: Mapping[str, Pair[T]],
    reply: Reply[T],
    updating: Updating,
) -> dict[str, Pair[T]]:
    """Every pair's answer to the others' terms of the last sweep or, sequentially, to the latest.

    After a sequential sweep the terms are feasible together, if leaving a deal out makes none of the others infeasible:
    each pair answered the terms of those before it.
    """
    state = dict(before)
    for provider in network:
        known = state if updating == "sequential" else before
        given = agreed_terms(tuple(name for name in network if name != provider), known)
        state[provider] = reply(provider, given)
    return state


def _largest_change[T: Hashable](before: Mapping[str, Pair[T]], after: Mapping[str, Pair[T]]) -> float:
    """Largest change of a party's utility in one sweep; a pair without a state or agreement has nil."""
    was = {name: pair.payoffs_usd_bn for name, pair in before.items()}
    changes = (
        abs(new - old)
        for name, pair in after.items()
        for new, old in zip(pair.payoffs_usd_bn, was.get(name, (0.0, 0.0)), strict=True)
    )
    return max(changes, default=0.0)
