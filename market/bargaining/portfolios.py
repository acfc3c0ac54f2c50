"""A lab's talks with several providers at once, each over a finite table, as a fixed point of all of them.

What a deal is worth to the lab depends on what it signs with the others. `Talks` gives a pair's table of outcomes, in
gains over no deal with this provider, given the others' tentative terms; any bilateral protocol settles it. Terms are
consistent when each pair's are the settlement given the others'. Common knowledge: every pair knows the others'
tentative terms, both utilities of its own table and, in Nash-in-Shapley, what the lab would get from each smaller set.

Limits. The lab's delegates do not talk to each other ("schizophrenia"): each takes the others' terms as given, so that
what the pairs could do together is missed, and the split depends on which side books a profit, against Coase (Froeb,
Mares and Tschantz 2019). Over finite tables with terms that are more than money no fixed point need exist, or several
may; the report says what was found. Which pairs sign is a heuristic, the lab's best providers one by one, and not a
game of network formation. Utilities of a provider are over its own no deal: what other pairs' deals do to it is left
out.
"""

from __future__ import annotations

import math
import typing
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from market.bargaining.fixed_points import Convergence, Found, Network, Pair, Reply, Updating, agreed_terms, iterate
from market.bargaining.protocols import Conduct, Protocol, Settlement, Table
from market.bargaining.solutions import Agreement

MOST_RECURSIVE = 4
"""Pairs that Nash-in-Shapley takes: it solves each set of them."""


class Talks[T: Hashable](typing.Protocol):
    """The open pairs of one lab. The order of `providers` is free: no result depends on it, nor on the names."""

    @property
    def providers(self) -> tuple[str, ...]:
        """Providers with whom the lab talks."""

    def table(self, provider: str, given: Mapping[str, T]) -> Table:
        """Gains of both over no deal with this provider, given the terms that the lab signs with the others."""

    def terms(self, provider: str, settlement: Settlement, given: Mapping[str, T]) -> T:
        """What signing a settlement of `table(provider, given)` means; equal terms are equal objects."""


class RecursiveTalks[T: Hashable](Talks[T], typing.Protocol):
    """Talks that can also value the same terms given other deals than those they were struck on."""

    def lab_gain_usd_bn(self, provider: str, terms: T, given: Mapping[str, T]) -> float:
        """The lab's gain from these terms over no deal with this provider, given the others'."""


@dataclass(frozen=True, slots=True)
class PortfolioResult[T: Hashable]:
    """Every pair by provider in order of rank (best stand-alone joint surplus first), and the convergence report."""

    pairs: dict[str, Pair[T]]
    report: Convergence

    @property
    def signed(self) -> dict[str, T]:
        """Terms by provider of the deals that the lab signs."""
        return agreed_terms(tuple(self.pairs), self.pairs)


type Rule = Callable[[str], Protocol]


def nash_in_nash[T: Hashable](
    talks: Talks[T],
    most: int,
    rule: Rule,
    conduct: Conduct,
    luck: Mapping[str, float],
    *,
    replacement: bool = False,
) -> PortfolioResult[T]:
    """Each pair settles by `rule(provider)` given the others' terms; at most `most` providers sign.

    The `most` best by stand-alone joint surplus start, equal ones in order of `luck` (lower first). Pairs without gains
    given the others drop out; an outsider with gains then joins, best joint surplus first. With `replacement` the lab
    may put a provider outside the network in the place of one inside: a pair's settlement is its own, or if that gives
    the lab less than the best outsider would at that one's reservation utility, the settlement with this as floor
    (Ho and Lee 2019). One pair is the bilateral protocol. Raises ValueError for `most` below 1, and a provider
    named twice or without a draw of its own. Source: Horn and Wolinsky (1988), Collard-Wexler, Gowrisankaran and Lee
    (2019).

    >>> from market.bargaining.solutions import nash
    >>> class Sums:
    ...     providers = ("a", "b")
    ...     def table(self, provider, given):
    ...         value, paid = 4.0 if given else 6.0, np.arange(7.0)
    ...         return Table(value - paid, paid)
    ...     def terms(self, provider, settlement, given):
    ...         return settlement.agreement.index
    >>> def split(table, conduct):
    ...     return Settlement(nash([table.lab, table.provider], table.threat), "agreed")
    >>> nash_in_nash(Sums(), 2, lambda provider: split, Conduct(), {"a": 0.1, "b": 0.2}).signed
    {'a': 2, 'b': 2}
    """
    _check(talks.providers, most, luck)
    desk = _Desk(talks, rule, conduct, luck)

    def replies(network: Network) -> Reply[T]:
        outsiders = [name for name in desk.ranking if replacement and name not in network]
        return lambda provider, given: desk.strike_against(provider, given, outsiders)

    def settled(network: Network) -> Found[T]:
        state, report = iterate(network, replies(network), {}, "simultaneous")
        if report.converged:
            return state, report
        state, after = iterate(network, replies(network), {}, "sequential")
        return state, replace(after, iterations=report.iterations + after.iterations)

    return _solve(desk, most, replies, settled)


def nash_in_shapley[T: Hashable](
    talks: RecursiveTalks[T], most: int, rule: Rule, conduct: Conduct, luck: Mapping[str, float]
) -> PortfolioResult[T]:
    """As `nash_in_nash`, but without a pair's agreement the lab negotiates anew with all others, and so on.

    In a network S the lab's gain in pair i at terms x is V(x) - V*(S - i), with V* what it gets where S - i alone
    negotiate, and V the sum of its gains as the deals are added one by one, averaged over all orders. So the
    table's threat is raised by V*(S - i) - V(x without i). A provider left out is taken to gain nothing. A negative
    threat is usual: the lab accepts a loss on a last deal that better terms elsewhere make up for. With one lab and
    money alone it is `market.bargaining.networks.nash_in_shapley`. That nobody signs may be consistent as well, so the
    search starts where all sign at the lab's best terms; pairs that fail there leave the network. The report's
    `converged` speaks for every smaller set too; on a grid, terms hold to within a few steps. Raises ValueError as
    `nash_in_nash`, and for networks of more than `MOST_RECURSIVE`. Source: Froeb, Mares and Tschantz (2019).
    """
    if min(most, len(talks.providers)) > MOST_RECURSIVE:
        raise ValueError(f"most: {most} of {len(talks.providers)} providers; allowed: networks of {MOST_RECURSIVE}")
    _check(talks.providers, most, luck)
    desk = _Desk(talks, rule, conduct, luck)
    worth = portfolio_worth(talks)
    reports: list[Convergence] = []

    @cache
    def settled(network: Network) -> Found[T]:
        # all at once overshoots with three or more pairs, each of which would take its share of the same gain
        updating: Updating = "simultaneous" if len(network) <= 2 else "sequential"
        state, report = iterate(network, replies(network), desk.opening(network), updating)
        reports.append(report)
        return state, report

    @cache
    def threat_value(network: Network) -> float:
        signed = agreed_terms(network, settled(network)[0])
        return worth(signed) if len(signed) == len(network) else threat_value(tuple(signed))

    def replies(network: Network) -> Reply[T]:
        def reply(provider: str, given: Mapping[str, T]) -> Pair[T]:
            rest = tuple(name for name in network if name != provider)
            return desk.strike(provider, given, raised=threat_value(rest) - worth(given) if rest else 0.0)

        return reply

    result = _solve(desk, most, replies, settled)
    return replace(result, report=replace(result.report, converged=all(report.converged for report in reports)))


def portfolio_worth[T: Hashable](talks: RecursiveTalks[T]) -> Callable[[Mapping[str, T]], float]:
    """What deals together are worth to the lab over none: its gains as they are added, averaged over all orders.

    The average matters only where gains depend on the order in which they are counted, as where models of them do.
    """
    known: dict[frozenset[tuple[str, T]], float] = {frozenset(): 0.0}

    def worth(deals: Mapping[str, T]) -> float:
        key = frozenset(deals.items())
        if key not in known:
            last = []
            for provider, terms in deals.items():
                others = {name: other for name, other in deals.items() if name != provider}
                last.append(talks.lab_gain_usd_bn(provider, terms, others) + worth(others))
            known[key] = math.fsum(last) / len(last)
        return known[key]

    return worth


class _Desk[T: Hashable]:
    """Asks for each table and strikes each settlement once, and ranks the providers."""

    def __init__(self, talks: Talks[T], rule: Rule, conduct: Conduct, luck: Mapping[str, float]) -> None:
        self._talks, self._rule, self._conduct = talks, rule, conduct
        self._tables: dict[tuple[str, frozenset[tuple[str, T]]], Table] = {}
        self._struck: dict[tuple[str, frozenset[tuple[str, T]], float, float], Pair[T]] = {}
        alone = {provider: self.strike(provider, {}).joint_surplus_usd_bn for provider in talks.providers}
        self.ranking = tuple(sorted(alone, key=lambda provider: (-alone[provider], luck[provider])))

    def _table(self, provider: str, given: Mapping[str, T]) -> Table:
        key = (provider, frozenset(given.items()))
        if key not in self._tables:
            self._tables[key] = self._talks.table(provider, given)
        return self._tables[key]

    def strike(
        self, provider: str, given: Mapping[str, T], *, raised: float = 0.0, floor: float = -math.inf
    ) -> Pair[T]:
        """The settlement given the others, the lab's threat point `raised` and its outside option at least `floor`."""
        key = (provider, frozenset(given.items()), raised, floor)
        if key not in self._struck:
            table = self._table(provider, given)
            threat = (table.threat[0] + raised, table.threat[1])
            table = replace(table, threat=threat, floors=(max(table.floors[0], floor), table.floors[1]))
            settlement = self._rule(provider)(table, self._conduct)
            terms = self._talks.terms(provider, settlement, given) if settlement.agreement else None
            self._struck[key] = Pair(provider, settlement, table, dict(given), terms)
        return self._struck[key]

    def strike_against(self, provider: str, given: Mapping[str, T], outsiders: list[str]) -> Pair[T]:
        """The settlement given the others, under the threat to put one of `outsiders` in the provider's place."""
        pair = self.strike(provider, given)
        at_reservation = {name: _at_reservation(self._table(name, given)) for name in outsiders}
        offers = {name: best for name, best in at_reservation.items() if best > -math.inf}
        if not offers or pair.settlement.agreement is None:
            return pair
        best = max(offers, key=offers.__getitem__)
        binds = offers[best] > pair.payoffs_usd_bn[0]
        if binds:
            pair = self.strike(provider, given, floor=offers[best])
        return replace(pair, floor_usd_bn=offers[best], outsider=best, binds=binds)

    def opening(self, network: Network) -> dict[str, Pair[T]]:
        """The lab's best outcome at each provider's reservation utility, given those before it in the network."""
        state: dict[str, Pair[T]] = {}
        for provider in network:
            given = agreed_terms(network, state)
            table = self._table(provider, given)
            if _at_reservation(table) > -math.inf:
                index = int(np.where(_willing(table), table.lab, -np.inf).argmax())
                payoffs = (float(table.lab[index]), float(table.provider[index]))
                settlement = Settlement(Agreement(index, payoffs, (index,)), "opening")
                terms = self._talks.terms(provider, settlement, given)
                state[provider] = Pair(provider, settlement, table, given, terms)
        return state


def _willing(table: Table) -> NDArray[np.bool_]:
    """Outcomes that leave the provider no worse off than without the lab."""
    return table.provider >= max(table.threat[1], table.floors[1])


def _at_reservation(table: Table) -> float:
    """The most that the lab can get from a provider that would just as soon stay out; minus infinity for nothing."""
    return float(np.max(table.lab, where=_willing(table), initial=-np.inf))


def _check(providers: tuple[str, ...], most: int, luck: Mapping[str, float]) -> None:
    if most < 1:
        raise ValueError(f"most: {most}; allowed: 1 or more providers")
    if len(set(providers)) < len(providers):
        raise ValueError(f"providers: {providers}; allowed: each named once")
    if missing := sorted(set(providers) - set(luck)):
        raise ValueError(f"luck: no draw for {missing[0]!r}; allowed: one for each provider")
    if len({luck[provider] for provider in providers}) < len(providers):
        raise ValueError("luck: equal draws; allowed: different ones, so that no tie falls to the order of names")


def _solve[T: Hashable](
    desk: _Desk[T],
    most: int,
    replies: Callable[[Network], Reply[T]],
    settled: Callable[[Network], Found[T]],
) -> PortfolioResult[T]:
    """Fixed points of one network after another until none that drops out or joins leads to one not yet tried."""
    network: Network | None = desk.ranking[:most]
    tried: set[Network] = set()
    sweeps = 0
    while network is not None:
        tried.add(network)
        state, report = settled(network)
        sweeps += report.iterations
        signed = agreed_terms(network, state)
        waiting = _waiting(desk.ranking, signed, replies)
        entrants = [name for name, pair in waiting.items() if pair.settlement.agreement and len(signed) < most]
        entrants.sort(key=lambda name: -waiting[name].joint_surplus_usd_bn)
        options = [tuple(name for name in desk.ranking if name in signed or name == entrant) for entrant in entrants]
        network = next((option for option in (*options, tuple(signed)) if option not in tried), None)
    why = "it drops out again once it is in" if entrants else f"the lab signs with at most {most}"
    pairs = {name: state[name] if name in signed else _left_out(waiting[name], why) for name in desk.ranking}
    return PortfolioResult(pairs, replace(report, iterations=sweeps, network_stable=not entrants))


def _waiting[T: Hashable](
    ranking: Network, signed: Mapping[str, T], replies: Callable[[Network], Reply[T]]
) -> dict[str, Pair[T]]:
    """What each provider without a deal would settle for if it joined those that sign."""
    joined = {name: tuple(other for other in ranking if other in signed or other == name) for name in ranking}
    return {name: replies(joined[name])(name, signed) for name in ranking if name not in signed}


def _left_out[T: Hashable](pair: Pair[T], why: str) -> Pair[T]:
    """A pair that does not sign: for want of gains, or else of a place."""
    if pair.settlement.agreement is None:
        return pair
    return replace(pair, settlement=Settlement(None, why, pair.settlement.proposals), terms=None)
