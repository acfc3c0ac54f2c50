"""Bargaining of many pairs at once with lump-sum transfers: which sum is paid on each link of a network.

A network is a set of links (upstream, downstream), bipartite: a provider and a lab, a supplier and a retailer.
`values(links)` gives every party's gross value, transfers left out, at any set of links that is in force; it may
depend on all of them (externalities). The transfer of a link is paid by its downstream to its upstream party, and
`upstream_weights` holds, by link, the upstream party's bargaining weight b. Values, weights and the network are
common knowledge. Three solutions differ in what a pair expects of the others if it fails to agree:

- `nash_in_nash`: all other links and transfers stay (Horn and Wolinsky 1988).
- `nash_in_nash_with_replacement`: the same, but the downstream party may put an outsider in its partner's place.
- `nash_in_shapley`: all that remain linked bargain again, and so on (Froeb, Mares and Tschantz 2019).

Limits. The first two treat a party that bargains on two links as two delegates who do not talk to each other
("schizophrenia"), so that the split depends on which party books a common profit, against Coase: shown in the tests.
Transfers are lump sums and move no value; with linear prices a party's payoff may even fall in its own bargaining
weight (Escrihuela-Villar, Ferrarese and Iozzi 2022), which is outside this module. The network is given, not chosen:
links that a party would rather do without are reported as unstable.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

Link = tuple[str, str]
Values = Callable[[frozenset[Link]], Mapping[str, float]]

MOST_LINKS = 12
"""Links that the recursion takes: it solves each of the 2^links networks within the network."""

ROUNDING = 1e-9
"""Relative size of what counts as rounding."""


@dataclass(frozen=True, slots=True)
class NetworkResult:
    """Transfers by link (downstream pays upstream), payoffs by party, and by link the joint gain that it splits.

    `binding` are the links whose transfer the threat of replacement sets. `unstable` are those on which a party
    gets less than without the link: the solution's premise of gains from trade fails there.
    """

    transfers: dict[Link, float]
    payoffs: dict[str, float]
    gains: dict[Link, float]
    binding: frozenset[Link] = frozenset()
    unstable: frozenset[Link] = frozenset()


def nash_in_nash(values: Values, network: Iterable[Link], upstream_weights: Mapping[Link, float]) -> NetworkResult:
    """Every link's gain from trade, all other links and transfers fixed, split by weight.

    With D the difference that link ij makes to a party's gross value, t_ij = b D_j - (1 - b) D_i: it is the marginal
    value of a link that counts, not its value alone. Alternating offers lead there if there are gains from trade on
    all links and marginal contributions do not rise too much (Collard-Wexler, Gowrisankaran and Lee 2019). One link
    is the asymmetric Nash solution. Raises ValueError for an empty network, a party on both sides, weights outside 0
    to 1 or not one a link, values that are not finite or not one a party. Source: Horn and Wolinsky (1988).

    >>> cloud = lambda links: {"cloud": -1.0 * len(links), "a": 8.0 * (("cloud", "a") in links),
    ...                        "b": 5.0 * (("cloud", "b") in links)}
    >>> links = [("cloud", "a"), ("cloud", "b")]
    >>> nash_in_nash(cloud, links, dict.fromkeys(links, 0.5)).transfers
    {('cloud', 'a'): 4.5, ('cloud', 'b'): 3.0}
    """
    return _given_the_others(values, network, (), upstream_weights)


def nash_in_nash_with_replacement(
    values: Values, network: Iterable[Link], outside: Iterable[Link], upstream_weights: Mapping[Link, float]
) -> NetworkResult:
    """Nash-in-Nash, or the transfer at which the downstream party is as well off replacing its partner, if lower.

    `outside` are links that could replace one of the same downstream party. In place of i at downstream j, an
    outsider k would come for its reservation transfer, V_k(G - ij) - V_k(G - ij + kj), and the bound is
    t_ij = V_j(G) - max over k of [V_j(G - ij + kj) - k's reservation transfer]. Without outsiders it is Nash-in-Nash;
    with a perfect substitute outside, the downstream party gets all of the gain, whatever the weights. Assumes that j
    can commit to the network G. Raises ValueError as `nash_in_nash`, and for a link both in and outside.
    Source: Ho and Lee (2019).

    >>> compute = lambda links: {"lab": 6.0 * bool(links), "a": 0.0, "b": 0.0}
    >>> found = nash_in_nash_with_replacement(compute, [("a", "lab")], [("b", "lab")], {("a", "lab"): 0.5})
    >>> found.transfers, sorted(found.binding)
    ({('a', 'lab'): 0.0}, [('a', 'lab')])
    """
    return _given_the_others(values, network, outside, upstream_weights)


def nash_in_shapley(values: Values, network: Iterable[Link], upstream_weights: Mapping[Link, float]) -> NetworkResult:
    """Recursive threat points: without link ij, all that is left of the network is negotiated anew.

    With U the payoffs, (1 - b) [U_i(G) - U_i(G - ij)] = b [U_j(G) - U_j(G - ij)] on every link of G and of every
    network within it. With equal weights the payoffs are the Myerson value (Myerson 1977), the Shapley value where
    all are linked; they do not depend on who books a common profit. Where links form a cycle the payoffs are unique
    but transfers are not, and those of the smallest sum of squares are given; weights must then be those of parties,
    b = w_i / (w_i + w_j), or no transfers exist. Raises ValueError as `nash_in_nash`, where no transfers exist, and for
    more than `MOST_LINKS` links. Source: Froeb, Mares and Tschantz (2019); Stole and Zwiebel (1996) for one firm.

    >>> compute = lambda links: {"lab": 6.0 * bool(links), "a": 0.0, "b": 0.0}
    >>> found = nash_in_shapley(compute, [("a", "lab"), ("b", "lab")], {("a", "lab"): 0.5, ("b", "lab"): 0.5})
    >>> {party: round(payoff, 9) for party, payoff in found.payoffs.items()}
    {'a': 1.0, 'b': 1.0, 'lab': 4.0}
    """
    links, _ = _checked_links(network, ())
    if len(links) > MOST_LINKS:
        raise ValueError(f"network: {len(links)} links; allowed: at most {MOST_LINKS}, every set of them is solved")
    _check_weights(links, upstream_weights)
    gross = _checked_values(values, _parties(links))

    @cache
    def solved(subset: frozenset[Link]) -> tuple[dict[Link, float], dict[str, float]]:
        without = {link: solved(subset - {link})[1] for link in sorted(subset)}
        transfers = _balanced_transfers(gross(subset), without, upstream_weights)
        return transfers, _payoffs(gross(subset), transfers)

    transfers, payoffs = solved(frozenset(links))
    threats = {link: solved(frozenset(links) - {link})[1] for link in links}
    return _result(transfers, payoffs, threats)


def _given_the_others(
    values: Values, network: Iterable[Link], outside: Iterable[Link], weights: Mapping[Link, float]
) -> NetworkResult:
    """Nash-in-Nash, with the threat of replacement where a downstream party has links outside."""
    links, outsiders = _checked_links(network, outside)
    _check_weights(links, weights)
    gross = _checked_values(values, _parties((*links, *outsiders)))
    whole = frozenset(links)
    transfers, binding = {}, set()
    for link in links:
        rest = whole - {link}
        share = weights[link]
        gain_up, gain_down = (gross(whole)[party] - gross(rest)[party] for party in link)
        transfers[link] = share * gain_down - (1.0 - share) * gain_up
        # an outsider at its reservation transfer leaves the downstream party all that it adds
        offers = [_added(gross, rest, other) for other in outsiders if other[1] == link[1]]
        if offers and gain_down - max(offers) < transfers[link]:
            transfers[link] = gain_down - max(offers)
            binding.add(link)
    payoffs = _payoffs(gross(whole), transfers)
    threats = {link: _payoffs(gross(whole - {link}), _without(transfers, link)) for link in links}
    return _result(transfers, payoffs, threats, frozenset(binding))


def _added(gross: Values, rest: frozenset[Link], link: Link) -> float:
    """What a link adds to its two parties together."""
    joined = gross(rest | {link})
    return sum(joined[party] - gross(rest)[party] for party in link)


def _without(transfers: dict[Link, float], left_out: Link) -> dict[Link, float]:
    return {link: paid for link, paid in transfers.items() if link != left_out}


def _balanced_transfers(
    gross: Mapping[str, float], without: Mapping[Link, Mapping[str, float]], weights: Mapping[Link, float]
) -> dict[Link, float]:
    """Transfers at which each link's two gains over `without` it stand as the weights; one linear equation a link."""
    if not without:
        return {}
    share = np.array([weights[link] for link in without])
    gain_up, gain_down = (
        np.array([gross[link[end]] - threat[link[end]] for link, threat in without.items()]) for end in (0, 1)
    )
    same_up, same_down = (np.array([[a[end] == b[end] for b in without] for a in without]) for end in (0, 1))
    matrix = (1.0 - share)[:, None] * same_up + share[:, None] * same_down
    wanted = share * gain_down - (1.0 - share) * gain_up
    paid = np.linalg.lstsq(matrix, wanted)[0]
    if np.abs(matrix @ paid - wanted).max() > ROUNDING * max(1.0, float(np.abs(wanted).max())):
        raise ValueError(
            f"upstream_weights: no transfers on {sorted(without)} meet them all; "
            "allowed where links form a cycle: w_i / (w_i + w_j) with one w between 0 and infinity a party"
        )
    return dict(zip(without, paid.tolist(), strict=True))


def _payoffs(gross: Mapping[str, float], transfers: Mapping[Link, float]) -> dict[str, float]:
    """Gross values plus transfers received less transfers paid."""
    payoffs = {party: gross[party] for party in sorted(gross)}
    for (up, down), paid in transfers.items():
        payoffs[up] += paid
        payoffs[down] -= paid
    return payoffs


def _result(
    transfers: dict[Link, float],
    payoffs: dict[str, float],
    threats: Mapping[Link, Mapping[str, float]],
    binding: frozenset[Link] = frozenset(),
) -> NetworkResult:
    gains = {link: tuple(payoffs[party] - threat[party] for party in link) for link, threat in threats.items()}
    allowance = ROUNDING * max(1.0, *(abs(payoff) for payoff in payoffs.values()))
    unstable = frozenset(link for link, gain in gains.items() if min(gain) < -allowance)
    return NetworkResult(transfers, payoffs, {link: sum(gain) for link, gain in gains.items()}, binding, unstable)


def _parties(links: Iterable[Link]) -> frozenset[str]:
    return frozenset(party for link in links for party in link)


def _checked_links(network: Iterable[Link], outside: Iterable[Link]) -> tuple[tuple[Link, ...], tuple[Link, ...]]:
    """Both sets of links in the order of their names, so that no result depends on how they are listed."""
    links, outsiders = tuple(sorted(set(network))), tuple(sorted(set(outside)))
    if not links:
        raise ValueError("network: no links; allowed: at least one (upstream, downstream)")
    if both := sorted(set(links) & set(outsiders)):
        raise ValueError(f"outside: {both[0]} is in the network; allowed: links that are not")
    every = (*links, *outsiders)
    if mixed := sorted({up for up, _ in every} & {down for _, down in every}):
        raise ValueError(f"network: {mixed[0]!r} is upstream and downstream; allowed: one of the two")
    return links, outsiders


def _check_weights(links: tuple[Link, ...], weights: Mapping[Link, float]) -> None:
    if odd := sorted(set(links) ^ set(weights)):
        raise ValueError(f"upstream_weights: weight or link missing for {odd[0]}; allowed: one weight for each link")
    for link in links:
        if not 0.0 <= weights[link] <= 1.0:
            raise ValueError(f"upstream_weights: {weights[link]} for {link}; allowed: 0 to 1")


def _checked_values(values: Values, parties: frozenset[str]) -> Values:
    """`values`, asked once for each set of links and refused where a party is unknown, missing or not finite."""

    @cache
    def gross(links: frozenset[Link]) -> Mapping[str, float]:
        found = values(links)
        if odd := sorted(parties ^ set(found)):
            what = "unknown" if odd[0] in found else "missing"
            raise ValueError(f"values: {odd[0]!r} is {what} at {sorted(links)}; allowed: {sorted(parties)}")
        for party, value in found.items():
            if not math.isfinite(value):
                raise ValueError(f"values: {value} for {party!r} at {sorted(links)}; allowed: finite numbers")
        return found

    return gross
