"""Money that goes round: recycling, organic revenue and cycle flow."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import linprog

from market.circularity import circularity_fraction, cycle_flow, organic_revenue, recycled_spend, recycling_ratio

# Two suppliers (rows), three customers (columns), USD bn cumulated.
EQUITY = np.array([[10.0, 3.0, 1.0], [0.0, 0.0, 8.0]])
SPEND = np.array([[4.0, 6.0, 0.0], [5.0, 0.0, 10.0]])
REVENUE = np.array([20.0, 15.0])


def test_recycling_by_pair() -> None:
    assert_array_equal(recycled_spend(EQUITY, SPEND), [[4.0, 3.0, 0.0], [0.0, 0.0, 8.0]])
    assert_array_equal(recycling_ratio(EQUITY, SPEND), [[1.0, 0.5, 0.0], [0.0, 0.0, 0.8]])


def test_organic_revenue_and_circularity_by_supplier() -> None:
    recycled = recycled_spend(EQUITY, SPEND)
    assert_array_equal(organic_revenue(REVENUE, recycled), [13.0, 7.0])
    assert_array_equal(circularity_fraction(REVENUE, recycled), [7 / 20, 8 / 15])


def test_circularity_of_the_whole_market() -> None:
    recycled = recycled_spend(EQUITY, SPEND)
    assert float(circularity_fraction(REVENUE.sum(), recycled.ravel())) == 15 / 35


def test_without_equity_all_revenue_is_organic() -> None:
    recycled = recycled_spend(np.zeros_like(SPEND), SPEND)
    assert_array_equal(organic_revenue(REVENUE, recycled), REVENUE)
    assert_array_equal(circularity_fraction([20.0, 0.0], np.zeros((2, 3))), [0.0, np.nan])


def test_quarter_by_quarter_money_returns_only_after_it_went_out() -> None:
    equity, spend = [0.0, 10.0, 0.0, 0.0], [6.0, 4.0, 5.0, 5.0]
    unspent, returned = np.zeros((1, 1)), []
    for invested, paid in zip(equity, spend, strict=True):
        unspent = unspent + invested
        back = recycled_spend(unspent, [[paid]])
        unspent = unspent - back
        returned.append(back.item())
    assert returned == [0.0, 4.0, 5.0, 1.0]


@pytest.mark.parametrize("trip", [0.25, 7.0, 1e6])
@pytest.mark.parametrize(("equity", "spend"), [(0.0, 0.0), (0.0, 12.0), (3.0, 12.0), (12.0, 12.0), (30.0, 12.0)])
def test_a_round_trip_is_not_revenue(equity, spend, trip) -> None:
    """The supplier invests X, the customer pays X back within the window (M18)."""
    revenue = 100.0 + spend

    def books(x: float) -> dict[str, float]:
        invested, paid = np.array([[equity + x]]), np.array([[spend + x]])
        recycled = recycled_spend(invested, paid)
        return {
            "supplier_net_cash": revenue + x - invested.item(),
            "gross_revenue": revenue + x,
            "organic": organic_revenue([revenue + x], recycled).item(),
            "recycled": recycled.item(),
            "ratio": recycling_ratio(invested, paid).item(),
            "cycle_flow": cycle_flow([[0.0, invested.item()], [paid.item(), 0.0]]),
        }

    before, after = books(0.0), books(trip)
    assert after["supplier_net_cash"] == pytest.approx(before["supplier_net_cash"], rel=1e-9)
    assert after["gross_revenue"] == before["gross_revenue"] + trip
    assert after["organic"] == pytest.approx(before["organic"], rel=1e-9)
    assert after["recycled"] == before["recycled"] + trip
    assert after["ratio"] == (before["recycled"] + trip) / (spend + trip)
    assert after["cycle_flow"] == before["cycle_flow"] + trip


def test_bad_books_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^recycled: exceeds revenue; both must be of the same window and basis$"):
        organic_revenue([3.0], [[4.0]])
    with pytest.raises(ValueError, match=r"^equity has shape \(2,\), spend \(3,\): they must agree$"):
        recycling_ratio([1.0, 1.0], [1.0, 1.0, 1.0])
    with pytest.raises(ValueError, match=r"^spend: found -1\.0, every value must be finite and at least 0$"):
        recycled_spend([1.0], [-1.0])


def payments(*paid: tuple[int, int, float], parties: int = 6) -> np.ndarray:
    flows = np.zeros((parties, parties))
    for payer, payee, amount in paid:
        flows[payer, payee] = amount
    return flows


@pytest.mark.parametrize(
    ("flows", "expected"),
    [
        (payments((0, 1, 50), (1, 2, 100), (2, 0, 80)), 50),  # a ring: its smallest payment
        (payments((0, 1, 30), (1, 0, 20)), 20),  # a pair
        (payments((0, 1, 50), (1, 2, 100), (0, 2, 80)), 0),  # no way back
        (payments((0, 1, 5), (1, 2, 5), (2, 0, 5), (3, 4, 2), (4, 3, 9)), 7),  # two separate cycles
        (payments((0, 1, 10), (1, 0, 6), (1, 2, 10), (2, 0, 10)), 10),  # two cycles share a payment
        (payments((0, 1, 4), (1, 2, 4), (2, 0, 4), (0, 3, 3), (3, 4, 3), (4, 0, 3)), 7),  # a figure of eight
        (payments((0, 1, 1), (1, 2, 1), (2, 0, 1), (1, 3, 9), (3, 0, 9)), 1),  # both need the same payment
        (payments((0, 0, 7)), 0),  # to oneself
        (np.zeros((3, 3)), 0),
        (np.zeros((0, 0)), 0),
    ],
)
def test_cycle_flow_of_small_graphs(flows, expected) -> None:
    assert cycle_flow(flows) == pytest.approx(expected, abs=1e-9)


def cycle_flow_by_listing(flows: np.ndarray) -> float:
    """The definition itself: a variable for every simple cycle."""
    graph = nx.from_numpy_array(flows, create_using=nx.DiGraph)
    cycles = [list(zip(c, c[1:] + c[:1], strict=True)) for c in nx.simple_cycles(graph)]
    if not cycles:
        return 0.0
    edges = list(graph.edges)
    use = np.array([[edge in cycle for cycle in cycles] for edge in edges], dtype=float)
    limits = [flows[edge] for edge in edges]
    return -linprog(-np.ones(len(cycles)), A_ub=use, b_ub=limits).fun


@pytest.mark.parametrize("seed", range(12))
def test_cycle_flow_agrees_with_listing_every_cycle(seed) -> None:
    rng = np.random.default_rng(seed)
    flows = np.where(rng.random((6, 6)) < 0.55, rng.integers(1, 20, (6, 6)), 0) * (1.0 - np.eye(6))
    expected = cycle_flow_by_listing(flows)
    assert expected > 0
    assert cycle_flow(flows) == pytest.approx(expected, rel=1e-9)


def test_cycle_flow_scales_with_money_and_ignores_labels() -> None:
    rng = np.random.default_rng(3)
    flows = rng.random((7, 7)) * (rng.random((7, 7)) < 0.5)
    order = rng.permutation(7)
    flow = cycle_flow(flows)
    assert_allclose([cycle_flow(flows * 1e14), cycle_flow(flows * 1e-3)], [flow * 1e14, flow * 1e-3], rtol=1e-9)
    assert cycle_flow(flows[np.ix_(order, order)]) == pytest.approx(flow, rel=1e-9)


def test_flows_that_are_not_a_matrix_between_the_same_parties_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^flows: expected a square matrix, found shape \(2, 3\)$"):
        cycle_flow(np.zeros((2, 3)))
