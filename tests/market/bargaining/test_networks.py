from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import pytest

from market.bargaining.networks import (
    MOST_LINKS,
    Link,
    NetworkResult,
    Values,
    nash_in_nash,
    nash_in_nash_with_replacement,
    nash_in_shapley,
)

Solve = Callable[[Values, Iterable[Link], Mapping[Link, float]], NetworkResult]
SOLUTIONS: tuple[Solve, ...] = (nash_in_nash, nash_in_shapley)
STAR = (("a", "lab"), ("b", "lab"))
CLOUD = (("cloud", "one"), ("cloud", "two"))


def even(links: Iterable[Link]) -> dict[Link, float]:
    return dict.fromkeys(links, 0.5)


def cloud(links: frozenset[Link], alone: float = 8.0) -> dict[str, float]:
    """The worked example: a cost of 1 a lab; gains of 8 and 5 with both served, the first lab's alone apart."""
    both = len(links) == 2
    return {
        "cloud": -1.0 * len(links),
        "one": (8.0 if both else alone) * (CLOUD[0] in links),
        "two": 5.0 * (CLOUD[1] in links),
    }


def sources(one: float, both: float) -> Values:
    """A lab with two like suppliers: what one is worth to it, and what both are."""
    return lambda links: {"lab": (0.0, one, both)[len(links)], "a": 0.0, "b": 0.0}


def rough(network: tuple[Link, ...], seed: int, externalities: bool = False) -> Values:
    """Gross values drawn anew for each party and each set of links of its component, or of the whole network."""
    drawn: dict[tuple[str, frozenset[Link]], float] = {}
    generator = np.random.default_rng(seed)
    parties = sorted({party for link in network for party in link})

    def values(links: frozenset[Link]) -> dict[str, float]:
        seen = {party: links if externalities else component(party, links) for party in parties}
        return {party: drawn.setdefault((party, seen[party]), generator.uniform(-2.0, 8.0)) for party in parties}

    return values


def component(party: str, links: frozenset[Link]) -> frozenset[Link]:
    reached = {party}
    while True:
        found = frozenset(link for link in links if reached & set(link))
        if {end for link in found for end in link} <= reached:
            return found
        reached |= {end for link in found for end in link}


def myerson(values: Values, network: tuple[Link, ...]) -> dict[str, float]:
    """Shapley value of v(S) = what S makes with the links within it, over all orders of joining."""
    parties = sorted({party for link in network for party in link})

    def worth(members: set[str]) -> float:
        gross = values(frozenset(link for link in network if members >= set(link)))
        return sum(gross[member] for member in members)

    orders = list(itertools.permutations(parties))
    total = dict.fromkeys(parties, 0.0)
    for order in orders:
        for place, party in enumerate(order):
            total[party] += worth(set(order[: place + 1])) - worth(set(order[:place]))
    return {party: value / len(orders) for party, value in total.items()}


@pytest.mark.parametrize(
    ("upstream_weight", "expected"),
    [
        (0.5, NetworkResult({CLOUD[0]: 4.5, CLOUD[1]: 3.0}, {"cloud": 5.5, "one": 3.5, "two": 2.0}, {})),
        (0.3, NetworkResult({CLOUD[0]: 3.1, CLOUD[1]: 2.2}, {"cloud": 3.3, "one": 4.9, "two": 2.8}, {})),
    ],
)
@pytest.mark.parametrize("alone", [8.0, 10.0])
def test_worked_example_of_a_cloud_and_two_labs_counts_marginal_and_not_stand_alone_values(
    upstream_weight: float, expected: NetworkResult, alone: float
) -> None:
    found = nash_in_nash(lambda links: cloud(links, alone), CLOUD, dict.fromkeys(CLOUD, upstream_weight))
    assert found.transfers == pytest.approx(expected.transfers, abs=1e-12)
    assert found.payoffs == pytest.approx(expected.payoffs, abs=1e-12)
    assert (found.gains, found.binding, found.unstable) == ({CLOUD[0]: 7.0, CLOUD[1]: 4.0}, frozenset(), frozenset())


def test_the_first_lab_alone_pays_by_its_stand_alone_value() -> None:
    found = nash_in_nash(
        lambda links: {"cloud": -1.0 * len(links), "one": 10.0 * len(links)}, CLOUD[:1], {CLOUD[0]: 0.5}
    )
    assert found == NetworkResult({CLOUD[0]: 5.5}, {"cloud": 4.5, "one": 4.5}, {CLOUD[0]: 9.0})


@pytest.mark.parametrize("solve", SOLUTIONS)
@pytest.mark.parametrize("weight", [0.0, 0.25, 0.5, 0.7, 1.0])
def test_one_pair_is_asymmetric_nash_and_swapping_the_weights_swaps_the_surplus(solve: Solve, weight: float) -> None:
    link = ("a", "lab")

    def values(links: frozenset[Link]) -> dict[str, float]:
        return {"a": -2.0 if links else 1.0, "lab": 9.0 if links else 0.0}  # threats 1 and 0, surplus 6

    found = solve(values, [link], {link: weight})
    assert found.payoffs == pytest.approx({"a": 1.0 + 6.0 * weight, "lab": 6.0 * (1.0 - weight)}, abs=1e-12)
    assert found.transfers == pytest.approx({link: 3.0 + 6.0 * weight}, abs=1e-12)
    swapped = solve(values, [link], {link: 1.0 - weight}).payoffs
    assert (swapped["a"] - 1.0, swapped["lab"]) == pytest.approx((found.payoffs["lab"], found.payoffs["a"] - 1.0))


@pytest.mark.parametrize(("one", "both"), [(6.0, 6.0), (6.0, 9.0), (6.0, 12.0), (0.0, 6.0)])
def test_two_like_suppliers_in_closed_form_substitutes_to_complements(one: float, both: float) -> None:
    nash, shapley = (solve(sources(one, both), STAR, even(STAR)) for solve in SOLUTIONS)
    assert nash.transfers == pytest.approx(dict.fromkeys(STAR, (both - one) / 2.0), abs=1e-12)
    assert nash.payoffs["lab"] == pytest.approx(one, abs=1e-12)
    assert shapley.transfers == pytest.approx(dict.fromkeys(STAR, (both - one / 2.0) / 3.0), abs=1e-12)
    assert shapley.payoffs["lab"] == pytest.approx((one + both) / 3.0, abs=1e-12)
    assert nash.unstable == shapley.unstable == frozenset()


@pytest.mark.parametrize(
    "network",
    [
        STAR,
        (*STAR, ("c", "lab")),
        (("a", "x"), ("b", "x"), ("b", "y")),
        (("a", "x"), ("b", "x"), ("a", "y"), ("b", "y")),
        (("a", "x"), ("b", "x"), ("c", "x"), ("a", "y"), ("b", "y")),
        (("a", "x"), ("b", "y"), ("c", "y")),
    ],
)
@pytest.mark.parametrize("seed", range(3))
def test_nash_in_shapley_with_equal_weights_is_the_myerson_value(network: tuple[Link, ...], seed: int) -> None:
    values = rough(network, seed)
    assert nash_in_shapley(values, network, even(network)).payoffs == pytest.approx(myerson(values, network), abs=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_gains_stand_as_the_weights_on_every_link_with_externalities(seed: int) -> None:
    network = (("a", "x"), ("b", "x"), ("b", "y"), ("c", "y"))
    values, weights = rough(network, seed, externalities=True), dict(zip(network, (0.2, 0.5, 0.6, 0.9), strict=True))
    found = nash_in_shapley(values, network, weights)
    for link in network:
        left = tuple(other for other in network if other != link)
        known = nash_in_shapley(_with_all_parties(values, left), left, {other: weights[other] for other in left})
        threat = {**values(frozenset(left)), **known.payoffs}
        up, down = (found.payoffs[party] - threat[party] for party in link)
        assert (1.0 - weights[link]) * up == pytest.approx(weights[link] * down, abs=1e-9)
        assert found.gains[link] == pytest.approx(up + down, abs=1e-9)


def _with_all_parties(values: Values, network: tuple[Link, ...]) -> Values:
    parties = {party for link in network for party in link}
    return lambda links: {party: value for party, value in values(links).items() if party in parties}


@pytest.mark.parametrize("externalities", [False, True])
def test_weights_of_parties_agree_on_a_cycle_and_other_weights_have_no_transfers(externalities: bool) -> None:
    network = (("a", "x"), ("b", "x"), ("a", "y"), ("b", "y"))
    size = {"a": 1.0, "b": 2.0, "x": 3.0, "y": 0.5}
    weights = {(up, down): size[up] / (size[up] + size[down]) for up, down in network}
    values = rough(network, 1, externalities)
    found = nash_in_shapley(values, network, weights)
    assert sum(found.payoffs.values()) == pytest.approx(sum(values(frozenset(network)).values()))
    with pytest.raises(
        ValueError, match=r"upstream_weights: no transfers on .* meet them all; allowed where links form"
    ):
        nash_in_shapley(values, network, {**weights, network[0]: 0.9})


def test_who_books_the_common_profit_moves_nash_in_nash_but_not_nash_in_shapley() -> None:
    def booked_by_a(links: frozenset[Link]) -> dict[str, float]:
        profit = (0.0, 6.0, 9.0)[len(links)]
        at_a = STAR[0] in links
        return {"lab": 0.0 if at_a else profit, "a": profit if at_a else 0.0, "b": 0.0}

    nash, shapley = (solve(booked_by_a, STAR, even(STAR)) for solve in SOLUTIONS)
    # the delegate who meets b sees no profit, the one who meets a stakes all of it
    assert nash.payoffs == pytest.approx({"a": 1.5, "b": 0.0, "lab": 7.5})
    assert nash_in_nash(sources(6.0, 9.0), STAR, even(STAR)).payoffs == {"a": 1.5, "b": 1.5, "lab": 6.0}
    by_the_lab = nash_in_shapley(sources(6.0, 9.0), STAR, even(STAR))
    assert shapley.payoffs == pytest.approx(by_the_lab.payoffs)


OUTSIDE = (("c", "lab"),)


def compute(costs: Mapping[str, float], one: float, both: float) -> Values:
    return lambda links: {
        "lab": (0.0, one, both)[min(len(links), 2)],
        **{party: -cost * any(party in link for link in links) for party, cost in costs.items()},
    }


@pytest.mark.parametrize("weight", [0.0, 0.3, 0.5, 1.0])
def test_a_perfect_substitute_outside_gives_the_lab_all_of_the_surplus(weight: float) -> None:
    values = compute({"a": 1.0, "b": 1.0, "c": 1.0}, 6.0, 9.0)
    found = nash_in_nash_with_replacement(values, STAR, OUTSIDE, dict.fromkeys(STAR, weight))
    assert found.transfers == dict.fromkeys(STAR, 1.0)
    assert found.payoffs == {"a": 0.0, "b": 0.0, "c": 0.0, "lab": 7.0}
    assert found.binding == (frozenset(STAR) if weight > 0.0 else frozenset())
    assert found.unstable == frozenset()


@pytest.mark.parametrize(
    ("cost", "transfer", "binding"),
    [
        (1.5, 1.5, frozenset(STAR)),  # c would come for 1.5: neither may charge more
        (2.0, 2.0, frozenset()),  # where the threat just meets Nash-in-Nash
        (2.5, 2.0, frozenset()),
    ],
)
def test_replacement_binds_only_where_the_outsider_is_cheaper_than_nash_in_nash(
    cost: float, transfer: float, binding: frozenset[Link]
) -> None:
    values = compute({"a": 1.0, "b": 1.0, "c": cost}, 6.0, 9.0)
    found = nash_in_nash_with_replacement(values, STAR, OUTSIDE, even(STAR))
    assert (found.transfers, found.binding) == (dict.fromkeys(STAR, transfer), binding)


def test_a_better_outsider_makes_the_network_unstable() -> None:
    found = nash_in_nash_with_replacement(compute({"a": 1.0, "b": 1.0, "c": 0.5}, 6.0, 9.0), STAR, OUTSIDE, even(STAR))
    assert (found.transfers, found.unstable) == (dict.fromkeys(STAR, 0.5), frozenset(STAR))


def test_no_outsiders_is_nash_in_nash_and_another_lab_s_outsider_is_no_threat() -> None:
    plain = nash_in_nash(rough(CLOUD, 5), CLOUD, even(CLOUD))
    assert nash_in_nash_with_replacement(rough(CLOUD, 5), CLOUD, (), even(CLOUD)) == plain
    wider = rough((*CLOUD, ("c", "three")), 5)
    found = nash_in_nash_with_replacement(wider, CLOUD, [("c", "three")], even(CLOUD))
    assert found.binding == frozenset()


def test_links_without_gains_from_trade_are_reported_unstable() -> None:
    found = nash_in_nash(sources(6.0, 4.0), STAR, even(STAR))
    assert found.unstable == frozenset(STAR)


@pytest.mark.parametrize("solve", SOLUTIONS)
def test_order_of_links_does_not_matter(solve: Solve) -> None:
    assert solve(cloud, CLOUD, even(CLOUD)) == solve(cloud, CLOUD[::-1], even(CLOUD))


def test_as_many_links_as_allowed_are_solved_and_more_are_refused() -> None:
    network = tuple((f"p{number}", "lab") for number in range(9))
    values = sources_of_many(network)
    # an additive value: every link splits its own part
    assert nash_in_shapley(values, network, even(network)).transfers == pytest.approx(dict.fromkeys(network, 0.5))
    too_many = tuple((f"p{number}", "lab") for number in range(MOST_LINKS + 1))
    with pytest.raises(ValueError, match="network: 13 links; allowed: at most 12"):
        nash_in_shapley(sources_of_many(too_many), too_many, even(too_many))


def sources_of_many(network: tuple[Link, ...]) -> Values:
    return lambda links: {"lab": float(len(links)), **dict.fromkeys((up for up, _ in network), 0.0)}


BAD: list[tuple[dict[str, Any], str]] = [
    ({"network": ()}, "network: no links; allowed: at least one"),
    ({"network": (*STAR, ("lab", "x"))}, "network: 'lab' is upstream and downstream; allowed: one of the two"),
    ({"upstream_weights": {STAR[0]: 0.5}}, r"upstream_weights: weight or link missing for \('b', 'lab'\)"),
    ({"upstream_weights": {**even(STAR), ("z", "lab"): 0.5}}, r"weight or link missing for \('z', 'lab'\)"),
    ({"upstream_weights": {**even(STAR), STAR[0]: 1.5}}, r"upstream_weights: 1.5 for \('a', 'lab'\); allowed: 0 to 1"),
    ({"upstream_weights": {**even(STAR), STAR[0]: math.nan}}, "upstream_weights: nan for .*; allowed: 0 to 1"),
    ({"values": lambda links: {"lab": 0.0, "a": 0.0}}, "values: 'b' is missing at .*; allowed: .*'a', 'b', 'lab'"),
    ({"values": lambda links: {"lab": 0.0, "a": 0.0, "b": 0.0, "z": 0.0}}, "values: 'z' is unknown at"),
    ({"values": lambda links: {"lab": math.inf, "a": 0.0, "b": 0.0}}, "values: inf for 'lab' at .*; allowed: finite"),
]


@pytest.mark.parametrize("solve", SOLUTIONS)
@pytest.mark.parametrize(("change", "message"), BAD)
def test_bad_input_is_refused_in_one_line(solve: Solve, change: dict[str, Any], message: str) -> None:
    given: dict[str, Any] = {"values": sources(6.0, 9.0), "network": STAR, "upstream_weights": even(STAR)} | change
    with pytest.raises(ValueError, match=message):
        solve(*given.values())


def test_a_link_cannot_be_in_and_outside() -> None:
    with pytest.raises(ValueError, match=r"outside: \('a', 'lab'\) is in the network; allowed: links that are not"):
        nash_in_nash_with_replacement(sources(6.0, 9.0), STAR, STAR[:1], even(STAR))
