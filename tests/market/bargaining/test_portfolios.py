from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.bargaining import networks
from market.bargaining.fixed_points import Convergence
from market.bargaining.portfolios import (
    MOST_RECURSIVE,
    PortfolioResult,
    Talks,
    nash_in_nash,
    nash_in_shapley,
    portfolio_worth,
)
from market.bargaining.protocols import Conduct, Protocol, Settlement, Table
from market.bargaining.solutions import nash

CONDUCT = Conduct()
LUCK = {"a": 0.1, "b": 0.2, "c": 0.3, "d": 0.4}


def nash_rule(table: Table, conduct: Conduct) -> Settlement:
    """Asymmetric Nash; a deal that leaves both where they are is none."""
    weights = (table.lab_weight, 1.0 - table.lab_weight)
    found = nash([table.lab, table.provider], table.threat, weights, table.floors)
    if found is None or found.first - table.threat[0] + found.second - table.threat[1] <= 1e-9:
        return Settlement(None, "no gains")
    return Settlement(found, "agreed")


def rule(provider: str) -> Protocol:
    return nash_rule


Worth = Callable[[frozenset[str]], float]


@dataclass
class Money:
    """A lab that pays each provider a sum from a grid; its value depends on which providers it has."""

    worth: Worth
    costs: Mapping[str, float]
    providers: tuple[str, ...]
    lab_weight: float = 0.5
    grid: Any = field(default_factory=lambda: np.arange(-400, 1601) / 100.0)
    asked: list[tuple[str, frozenset[tuple[str, float]]]] = field(default_factory=list)

    def table(self, provider: str, given: Mapping[str, float]) -> Table:
        self.asked.append((provider, frozenset(given.items())))
        return Table(self.marginal(provider, given) - self.grid, self.grid - self.costs[provider], self.lab_weight)

    def terms(self, provider: str, settlement: Settlement, given: Mapping[str, float]) -> float:
        assert settlement.agreement is not None
        return float(self.grid[settlement.agreement.index])

    def lab_gain_usd_bn(self, provider: str, terms: float, given: Mapping[str, float]) -> float:
        return self.marginal(provider, given) - terms

    def marginal(self, provider: str, given: Mapping[str, float]) -> float:
        return self.worth(frozenset(given) | {provider}) - self.worth(frozenset(given))


def by_number(*values: float) -> Worth:
    return lambda have: values[len(have)]


def closed_form(talks: Money, members: Iterable[str], solve: Callable[..., networks.NetworkResult]) -> dict[str, float]:
    links = [(name, "lab") for name in members]

    def values(inside: frozenset[networks.Link]) -> dict[str, float]:
        have = frozenset(up for up, _ in inside)
        return {"lab": talks.worth(have), **{up: -talks.costs[up] * (up in have) for up, _ in links}}

    transfers = solve(values, links, dict.fromkeys(links, 1.0 - talks.lab_weight)).transfers
    return {up: paid for (up, _), paid in transfers.items()}


def solved(talks: Money, most: int = 4, **options: Any) -> PortfolioResult[float]:
    return nash_in_nash(talks, most, rule, CONDUCT, LUCK, **options)


def recursive(talks: Money, most: int = 4) -> PortfolioResult[float]:
    return nash_in_shapley(talks, most, rule, CONDUCT, LUCK)


SUBSTITUTES = by_number(0.0, 6.0, 9.0, 10.5, 11.25)
COMPLEMENTS = by_number(0.0, 3.0, 8.0, 15.0, 24.0)
COSTS = {"a": 0.25, "b": 0.5, "c": 0.1, "d": 0.0}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("options", [{}, {"replacement": True}, {"recursive": True}])
def test_one_pair_is_the_bilateral_protocol_to_the_bit(seed: int, options: dict[str, bool]) -> None:
    lab, provider = np.random.default_rng(seed).uniform(-1.0, 2.0, (2, 500))
    table = Table(lab, provider, lab_weight=0.3, threat=(0.05, -0.1), floors=(0.2, -math.inf), luck=(0.4, 0.6))

    class One:
        providers = ("a",)

        def table(self, provider: str, given: Mapping[str, int]) -> Table:
            assert (provider, given) == ("a", {})
            return table

        def terms(self, provider: str, settlement: Settlement, given: Mapping[str, int]) -> int:
            assert settlement.agreement is not None
            return settlement.agreement.index

        def lab_gain_usd_bn(self, provider: str, terms: int, given: Mapping[str, int]) -> float:
            return float(lab[terms])

    if "recursive" in options:
        found = nash_in_shapley(One(), 3, rule, CONDUCT, LUCK)
    else:
        found = nash_in_nash(One(), 3, rule, CONDUCT, LUCK, **options)
    assert found.pairs["a"].settlement == nash_rule(table, CONDUCT)
    assert (found.pairs["a"].table.threat, found.pairs["a"].table.floors) == (table.threat, table.floors)
    assert found.report == Convergence(2, True, 0, 0.0, "simultaneous")


@pytest.mark.parametrize("worth", [SUBSTITUTES, COMPLEMENTS])
@pytest.mark.parametrize("members", ["ab", "abc", "abcd"])
@pytest.mark.parametrize("lab_weight", [0.3, 0.5, 0.8])
def test_nash_in_nash_with_money_alone_is_the_closed_form(worth: Worth, members: str, lab_weight: float) -> None:
    talks = Money(worth, COSTS, tuple(members), lab_weight)
    found = solved(talks)
    assert found.signed == pytest.approx(closed_form(talks, members, networks.nash_in_nash), abs=0.01)
    assert found.report.converged


@pytest.mark.parametrize("worth", [SUBSTITUTES, COMPLEMENTS, by_number(0.0, 6.0, 6.0, 6.0, 6.0)])
@pytest.mark.parametrize("members", ["ab", "abc", "abcd"])
@pytest.mark.parametrize("lab_weight", [0.3, 0.5, 0.8])
def test_nash_in_shapley_with_money_alone_is_the_closed_form(worth: Worth, members: str, lab_weight: float) -> None:
    talks = Money(worth, dict.fromkeys("abcd", 0.0), tuple(members), lab_weight)
    found = recursive(talks)
    assert found.signed == pytest.approx(closed_form(talks, members, networks.nash_in_shapley), abs=0.04)


def test_a_pair_without_gains_leaves_the_smaller_set_that_is_the_threat() -> None:
    # beside b, c only harms, and leaves the two at V*(b) = 3; beside a it makes 3 more
    worth = {"": 0.0, "a": 4.0, "b": 6.0, "c": 2.0, "ab": 10.0, "ac": 9.0, "bc": 5.5, "abc": 13.0}
    talks = Money(lambda have: worth["".join(sorted(have))], {"a": 0.0, "b": 0.0, "c": 0.5}, ("a", "b", "c"))
    # U = (13 - 0.5 + V*(bc) + V*(ac) + V*(ab)) / 4 with 3, 3.75 and 5; each provider gets U less the lab's threat
    expected = {"a": 6.0625 - 3.0, "b": 6.0625 - 3.75, "c": 6.0625 - 5.0 + 0.5}
    assert recursive(talks).signed == pytest.approx(expected, abs=0.03)


def test_the_worth_of_a_portfolio_averages_over_the_orders_of_its_deals() -> None:
    # a is worth 6 before b and 1 after it; b 4 and 3: 6 + 3 in one order, 4 + 1 in the other
    talks = Listed(
        lambda name, others: deals([{"a": (6.0, 1.0), "b": (4.0, 3.0)}[name][len(others)]], [0.0]), ("a", "b")
    )
    assert portfolio_worth(talks)({"a": 0, "b": 0}) == portfolio_worth(talks)({"b": 0, "a": 0}) == 7.0
    assert portfolio_worth(talks)({}) == 0.0


def test_two_perfect_substitutes_both_sign_in_shapley_and_the_second_earns_nothing_in_nash() -> None:
    talks = Money(by_number(0.0, 6.0, 6.0), COSTS | {"a": 0.0, "b": 0.0}, ("a", "b"))
    assert recursive(talks).signed == {"a": 1.0, "b": 1.0}
    assert solved(talks).signed == {"a": 3.0}  # delegates: whoever comes second brings nothing
    assert recursive(talks).pairs["a"].table.threat == (-2.0, 0.0)  # 3 alone with b, 5 with what is paid to b


def test_two_like_providers_get_like_terms_and_luck_decides_only_who_stays_out() -> None:
    talks = Money(SUBSTITUTES, dict.fromkeys("abc", 0.2), ("b", "c", "a"))
    assert solved(talks).signed == {"a": 0.85, "b": 0.85, "c": 0.85}
    assert solved(talks, 2).signed == {"a": 1.6, "b": 1.6}
    turned = nash_in_nash(talks, 2, rule, CONDUCT, {"a": 0.9, "b": 0.5, "c": 0.2})
    assert turned.signed == {"c": 1.6, "b": 1.6}
    out = turned.pairs["a"]
    assert out.settlement == Settlement(None, "the lab signs with at most 2")
    assert (out.terms, dict(out.given)) == (None, {"c": 1.6, "b": 1.6})


@pytest.mark.parametrize("lab_weight", [0.0, 0.3, 0.5, 1.0])
def test_a_perfect_substitute_outside_gives_the_lab_all_of_the_surplus(lab_weight: float) -> None:
    talks = Money(SUBSTITUTES, dict.fromkeys("abc", 0.5), ("a", "b", "c"), lab_weight)
    found = solved(talks, 2, replacement=True)
    assert found.signed == {"a": 0.5, "b": 0.5}
    pair = found.pairs["a"]
    assert (pair.payoffs_usd_bn, pair.floor_usd_bn, pair.outsider) == ((2.5, 0.0), 2.5, "c")
    assert pair.binds == (lab_weight < 1.0)
    assert nash_rule(pair.table, CONDUCT) == pair.settlement


@pytest.mark.parametrize("cost", [0.7, 1.0, 1.2, 1.5, 1.75, 2.0, 5.0])
def test_threat_of_replacement_is_the_closed_form(cost: float) -> None:
    talks = Money(SUBSTITUTES, {"a": 0.5, "b": 0.5, "c": cost}, ("a", "b", "c"))
    found = solved(talks, 2, replacement=True)

    def values(links: frozenset[networks.Link]) -> dict[str, float]:
        have = frozenset(up for up, _ in links)
        return {"lab": SUBSTITUTES(have), **{up: -talks.costs[up] * (up in have) for up in "abc"}}

    star = [("a", "lab"), ("b", "lab")]
    expected = networks.nash_in_nash_with_replacement(values, star, [("c", "lab")], dict.fromkeys(star, 0.5))
    assert found.signed == pytest.approx({up: paid for (up, _), paid in expected.transfers.items()}, abs=1e-9)
    assert {(name, "lab") for name in found.signed if found.pairs[name].binds} == expected.binding


def test_without_outsiders_replacement_is_nash_in_nash() -> None:
    talks = Money(SUBSTITUTES, COSTS, ("a", "b", "c"))
    found, plain = solved(talks, 3, replacement=True), solved(talks, 3)
    assert (found.signed, found.report) == (plain.signed, plain.report)
    assert {pair.outsider for pair in found.pairs.values()} == {""}


@dataclass
class Listed:
    """Talks over tables written out by provider and the terms of the others; terms are outcome numbers."""

    tables: Callable[[str, Mapping[str, int]], Table]
    providers: tuple[str, ...]

    def table(self, provider: str, given: Mapping[str, int]) -> Table:
        return self.tables(provider, given)

    def terms(self, provider: str, settlement: Settlement, given: Mapping[str, int]) -> int:
        assert settlement.agreement is not None
        return settlement.agreement.index

    def lab_gain_usd_bn(self, provider: str, terms: int, given: Mapping[str, int]) -> float:
        return float(self.tables(provider, given).lab[terms])


def deals(lab: list[float], provider: list[float], **more: Any) -> Table:
    return Table(np.array(lab), np.array(provider), **more)


def listed(talks: Talks[int], most: int, **options: Any) -> PortfolioResult[int]:
    return nash_in_nash(talks, most, rule, CONDUCT, LUCK, **options)


def test_pairs_that_answer_one_another_in_a_cycle_answer_in_order_of_rank_instead() -> None:
    # each fills the lab's need; given the other, there is nothing left
    talks = Listed(lambda name, others: deals([-1.0 if others else 2.0], [1.0]), ("b", "a"))
    found = listed(talks, 2)
    assert found.signed == {"a": 0}
    assert found.pairs["b"].settlement == Settlement(None, "no gains")
    # at once: both, none and so on (2 sweeps); one by one: a alone, again; then a's network alone (2)
    assert found.report == Convergence(6, True, 0, 0.0, "simultaneous")


def test_one_after_another_finds_what_all_at_once_does_not() -> None:
    # b lets go of its second outcome when a takes its second, and each wants what the other leaves
    def tables(name: str, others: Mapping[str, int]) -> Table:
        return deals([1.0, 0.1 if 1 in others.values() else 2.0], [1.0, 1.0])

    found = listed(Listed(tables, ("a", "b")), 2)
    assert found.signed == {"a": 1, "b": 0}
    assert found.report == Convergence(5, True, 0, 0.0, "sequential")


def chase(name: str, others: Mapping[str, int]) -> Table:
    """The first wants what the second chose, the second what comes next; the first's choices are worth 10, 11, 13."""
    other = next(iter(others.values()), 0)
    wanted = other if name == "a" else (other + 1) % 3
    worth = (10.0, 11.0, 13.0) if name == "a" else (20.0, 20.0, 20.0)
    return deals([worth[place] if place == wanted else 1.0 for place in range(3)], [1.0, 1.0, 1.0])


def test_without_a_fixed_point_the_report_says_so_and_the_least_unsettled_state_is_taken() -> None:
    found = nash_in_nash(Listed(chase, ("b", "a")), 2, rule, CONDUCT, {"a": 0.1, "b": 0.2})
    report = found.report
    # b is worth more alone and answers first; of the three states of the cycle the one that moves from 10 to 11 is next
    assert (report.converged, report.updating, report.cycle_length) == (False, "sequential", 3)
    assert report.largest_change_usd_bn == 1.0
    assert found.pairs["a"].payoffs_usd_bn[0] == 10.0
    swapped = Listed(lambda name, others: chase({"x": "b", "y": "a"}[name], others), ("x", "y"))
    again = nash_in_nash(swapped, 2, rule, CONDUCT, {"y": 0.1, "x": 0.2})
    assert (again.report, again.signed) == (report, {"x": found.signed["b"], "y": found.signed["a"]})


def test_a_smaller_set_without_a_fixed_point_shows_in_the_report_of_nash_in_shapley() -> None:
    def tables(name: str, others: Mapping[str, int]) -> Table:
        if name == "c":
            return deals([9.0], [9.0])
        return deals([5.0], [1.0]) if "c" in others else chase(name, {who: at for who, at in others.items() if at >= 0})

    talks = Listed(tables, ("a", "b", "c"))
    found = nash_in_shapley(talks, 3, rule, CONDUCT, LUCK)
    assert set(found.signed) == {"a", "b", "c"}
    assert (found.report.cycle_length, found.report.largest_change_usd_bn) == (0, 0.0)
    assert not found.report.converged


def test_a_pair_that_drops_out_leaves_its_place_to_the_next_with_gains() -> None:
    # a and b are substitutes, c is worth least alone and the same with either
    alone = {"a": 5.0, "b": 4.0, "c": 1.0}

    def tables(name: str, others: Mapping[str, int]) -> Table:
        rivals = {"a", "b"} - {name} if name != "c" else set()
        return deals([-1.0 if rivals & set(others) else alone[name]], [0.5])

    found = listed(Listed(tables, ("c", "b", "a")), 2)
    assert found.signed == {"a": 0, "c": 0}
    assert tuple(found.pairs) == ("a", "b", "c")
    assert dict(found.pairs["b"].given) == {"a": 0, "c": 0}
    assert found.report.converged
    assert found.report.network_stable


def test_of_several_who_could_join_the_one_with_the_largest_joint_surplus_does() -> None:
    alone, with_a = {"a": 5.0, "b": 4.0, "c": 1.0, "d": 0.5}, {"b": -1.0, "c": 1.0, "d": 3.0}
    talks = Listed(lambda name, others: deals([with_a[name] if "a" in others else alone[name]], [0.5]), tuple("abcd"))
    assert listed(talks, 2).signed == {"a": 0, "d": 0}


def test_providers_are_ranked_by_gains_over_the_threat_point() -> None:
    tables = {"a": deals([3.0], [2.0], threat=(1.0, 2.0)), "b": deals([2.0], [2.0])}
    assert listed(Listed(lambda name, others: tables[name], ("a", "b")), 1).signed == {"b": 0}


def test_outsiders_come_at_their_own_threat_and_floor_and_the_pair_s_own_floor_stays() -> None:
    outsider = deals([6.0, 5.0, 4.0], [0.25, 0.4, 0.6], threat=(0.0, 0.2), floors=(-math.inf, 0.3))
    inside = deals([1.0, 6.0, 7.0], [30.0, 4.0, 0.5], floors=(5.5, -math.inf))
    talks = Listed(lambda name, others: {"a": inside, "b": outsider}[name], ("a", "b"))
    pair = listed(talks, 1, replacement=True).pairs["a"]
    assert (pair.outsider, pair.floor_usd_bn, pair.binds) == ("b", 5.0, False)
    assert (pair.table.floors, pair.payoffs_usd_bn) == ((5.5, -math.inf), (6.0, 4.0))


def test_an_outsider_who_would_give_the_lab_more_takes_the_place() -> None:
    # a makes more together with the lab, but cannot hand it over; c can
    offers = {"a": deals([2.0, 1.0], [9.0, 9.5]), "c": deals([1.0, 3.0], [4.0, 1.0])}
    talks = Listed(lambda name, others: offers[name], ("a", "c"))
    assert listed(talks, 1).signed == {"a": 0}
    found = listed(talks, 1, replacement=True)
    assert found.signed == {"c": 1}
    pair = found.pairs["c"]
    assert (pair.payoffs_usd_bn, pair.outsider, pair.floor_usd_bn, pair.binds) == ((3.0, 1.0), "a", 2.0, True)
    assert found.pairs["a"].settlement == Settlement(None, "the lab signs with at most 1")


def test_a_network_that_an_outsider_enters_only_to_be_dropped_is_reported() -> None:
    # with a alone, b has gains; with b in, a gives way to it, and b alone lets a in
    def tables(name: str, others: Mapping[str, int]) -> Table:
        if name == "a":
            return deals([-1.0 if "b" in others else 5.0], [1.0])
        return deals([2.0 if "a" in others else -1.0], [1.0])

    found = listed(Listed(tables, ("a", "b")), 2)
    assert not (found.report.network_stable and found.report.converged)


@settings(max_examples=25, deadline=None)
@given(
    values=st.lists(st.integers(0, 12), min_size=8, max_size=8),
    costs=st.lists(st.integers(0, 3), min_size=3, max_size=3),
    order=st.permutations(range(3)),
    most=st.integers(1, 3),
    replacement=st.booleans(),
)
def test_neither_names_nor_order_of_providers_matter(
    values: list[int], costs: list[int], order: list[int], most: int, replacement: bool
) -> None:
    old, new = ("a", "b", "c"), ("z", "y", "x")
    grid = np.arange(-40, 161) / 10.0
    sets = [frozenset(have) for size in range(4) for have in itertools.combinations(range(3), size)]
    worth = dict(zip(sets, (0, *values[1:]), strict=True))

    def run(names: tuple[str, ...], listing: Iterable[int]) -> dict[int, float]:
        talks = Money(
            lambda have: float(worth[frozenset(names.index(name) for name in have)]),
            dict(zip(names, map(float, costs), strict=True)),
            tuple(names[place] for place in listing),
            grid=grid,
        )
        luck = dict(zip(names, (0.3, 0.1, 0.2), strict=True))
        found = nash_in_nash(talks, most, rule, CONDUCT, luck, replacement=replacement)
        assert len(found.signed) <= most
        return {names.index(name): terms for name, terms in found.signed.items()}

    assert run(old, range(3)) == run(new, order)


def test_order_of_providers_does_not_matter_in_nash_in_shapley() -> None:
    found, turned = (recursive(Money(SUBSTITUTES, COSTS, names)) for names in (tuple("abcd"), tuple("cdba")))
    assert (turned.signed, turned.report) == (found.signed, found.report)


def test_no_outcome_at_all_is_no_deal() -> None:
    empty = Listed(lambda name, others: deals([], []), ("a", "b"))
    for found in (listed(empty, 1, replacement=True), nash_in_shapley(empty, 2, rule, CONDUCT, LUCK)):
        assert found.signed == {}
        assert found.pairs["a"].outsider == ""


def test_each_table_is_asked_for_once() -> None:
    talks = Money(SUBSTITUTES, COSTS, ("a", "b", "c", "d"))
    solved(talks, 3, replacement=True)
    assert len(talks.asked) == len(set(talks.asked)) <= 16


@dataclass
class Prices:
    """A supplier ("the lab") and two shops that compete in quantities, over linear prices in public contracts.

    Inverse demand is p_i = 1 - q_i - g q_j, costs nil; without a contract the other shop has the market alone, at its
    own price.
    """

    g: float
    supplier_weight: dict[str, float]
    providers: tuple[str, ...] = ("a", "b")
    grid: Any = field(default_factory=lambda: np.linspace(0.0, 1.0, 1001))

    def table(self, provider: str, given: Mapping[str, float]) -> Table:
        if not given:
            return Table(self.grid * (1.0 - self.grid) / 2.0, (1.0 - self.grid) ** 2 / 4.0)
        (other,) = given.values()
        own_sales, other_sales = self.sales(self.grid, other), self.sales(other, self.grid)
        supplier = self.grid * own_sales + other * other_sales - other * (1.0 - other) / 2.0
        return Table(supplier, own_sales**2, self.supplier_weight[provider])

    def sales(self, own: Any, other: Any) -> Any:
        return np.maximum((2.0 * (1.0 - own) - self.g * (1.0 - other)) / (4.0 - self.g**2), 0.0)

    def terms(self, provider: str, settlement: Settlement, given: Mapping[str, float]) -> float:
        assert settlement.agreement is not None
        return float(self.grid[settlement.agreement.index])

    def profit(self) -> float:
        found = nash_in_nash(self, 2, rule, CONDUCT, LUCK)
        assert found.report.converged
        a, b = found.signed["a"], found.signed["b"]
        return float(a * self.sales(a, b) + b * self.sales(b, a))


def test_a_party_s_profit_may_fall_in_its_own_bargaining_weight_where_goods_are_complements() -> None:
    weights = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
    complements = [Prices(-0.5, {"a": weight, "b": 0.3}).profit() for weight in weights]
    assert complements[0] < complements[1] < complements[2] < complements[3]
    assert complements[3] > complements[4] > complements[5] + 0.004
    substitutes = [Prices(0.5, {"a": weight, "b": 0.3}).profit() for weight in weights]
    assert substitutes == sorted(substitutes)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"most": 0}, "most: 0; allowed: 1 or more providers"),
        ({"luck": {"a": 0.1}}, "luck: no draw for 'b'; allowed: one for each provider"),
        ({"luck": {"a": 0.1, "b": 0.1}}, "luck: equal draws; allowed: different ones"),
        ({"talks": Money(SUBSTITUTES, COSTS, ("a", "a"))}, r"providers: \('a', 'a'\); allowed: each named once"),
    ],
)
@pytest.mark.parametrize("solve", [nash_in_nash, nash_in_shapley])
def test_bad_input_is_refused_in_one_line(solve: Callable[..., Any], change: dict[str, Any], message: str) -> None:
    talks = Money(SUBSTITUTES, COSTS, ("a", "b"))
    sound: dict[str, Any] = {"talks": talks, "most": 2, "rule": rule, "conduct": CONDUCT, "luck": LUCK}
    with pytest.raises(ValueError, match=message):
        solve(**(sound | change))


def test_too_many_pairs_for_the_recursion_are_refused() -> None:
    names = tuple("abcde")
    talks = Money(by_number(*range(6)), dict.fromkeys(names, 0.0), names)
    luck = {name: place / 10.0 for place, name in enumerate(names)}
    with pytest.raises(ValueError, match=f"most: 5 of 5 providers; allowed: networks of {MOST_RECURSIVE}"):
        nash_in_shapley(talks, 5, rule, CONDUCT, luck)
    assert len(nash_in_shapley(talks, 3, rule, CONDUCT, luck).signed) == 3


def test_no_provider_and_no_gains_are_results() -> None:
    assert solved(Money(SUBSTITUTES, {}, ())).pairs == {}
    found = solved(Money(SUBSTITUTES, dict.fromkeys("ab", 20.0), ("a", "b")))
    assert found.signed == {}
    assert [pair.settlement.reason for pair in found.pairs.values()] == ["no gains", "no gains"]
