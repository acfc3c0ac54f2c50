"""How much of the money in deals goes round: equity that returns as revenue, and payments in circles."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import LinearConstraint, milp

from market.concentration import Floats, non_negative, ratio

Edges = NDArray[np.bool_]


def recycled_spend(equity: ArrayLike, spend: ArrayLike) -> Floats:
    """Part of each customer's spend with an investor-supplier that the supplier's equity can have paid.

    Formula: min(E_ij, S_ij), E_ij the equity i has put into j and S_ij what j has paid i.

    Shapes and units: equity and spend (..., suppliers, customers), both indexed supplier first,
    USD bn over one and the same window, spend on the basis on which revenue is recognised
    -> the same shape, USD bn.
    Over a whole history give cumulated amounts. Quarter by quarter, carry the equity not yet spent,
    so that money can return only after it went out, and never twice:
    `unspent += equity; back = recycled_spend(unspent, spend); unspent -= back`.
    Special cases: ValueError for negative amounts or different shapes.
    Source: definition published with this model; compare the vendor financing of the 1990s.

    >>> recycled_spend([[10.0, 3.0]], [[4.0, 5.0]])
    array([[4., 3.]])
    """
    invested, paid = non_negative(equity, "equity"), non_negative(spend, "spend")
    if invested.shape != paid.shape:
        raise ValueError(f"equity has shape {invested.shape}, spend {paid.shape}: they must agree")
    return np.minimum(invested, paid)


def recycling_ratio(equity: ArrayLike, spend: ArrayLike) -> Floats:
    """Share of a customer's spend that its supplier's own equity can have paid.

    Formula: R_ij = min(E_ij, S_ij) / S_ij.

    Shapes and units: as `recycled_spend`, cumulated -> the same shape, fractions of 1.
    A round trip of X (equity X, paid back as spend X) takes R from min(E, S)/S to
    (min(E, S) + X)/(S + X): it rises unless it is already 1, while organic revenue stays.
    Special cases: no spend: 0, nothing has come back.

    >>> recycling_ratio([[10.0, 3.0, 1.0]], [[4.0, 6.0, 0.0]])
    array([[1. , 0.5, 0. ]])
    """
    recycled = recycled_spend(equity, spend)
    paid = np.asarray(spend, dtype=np.float64)
    return np.divide(recycled, paid, out=np.zeros_like(paid), where=paid > 0.0)


def organic_revenue(revenue: ArrayLike, recycled: ArrayLike) -> Floats:
    """Revenue of each supplier that its own equity cannot have paid.

    Formula: O_i = revenue_i - sum_j R_ij S_ij, with R_ij S_ij the `recycled_spend`.

    Shapes and units: revenue (..., suppliers), recycled (..., suppliers, customers), USD bn
    over the same window -> (..., suppliers), USD bn, between 0 and revenue.
    Special cases: without equity it equals revenue; ValueError if more has been recycled than earned.

    >>> organic_revenue([20.0], recycled_spend([[10.0, 3.0]], [[4.0, 6.0]]))
    array([13.])
    """
    earned = non_negative(revenue, "revenue")
    returned = non_negative(recycled, "recycled").sum(axis=-1)
    if (returned > earned * (1.0 + 1e-9)).any():
        raise ValueError("recycled: exceeds revenue; both must be of the same window and basis")
    return np.maximum(earned - returned, 0.0)


def circularity_fraction(revenue: ArrayLike, recycled: ArrayLike) -> Floats:
    """Fraction of a supplier's revenue that is its own equity coming back.

    Formula: 1 - O_i / revenue_i = sum_j R_ij S_ij / revenue_i.

    Shapes and units: as `organic_revenue` -> (..., suppliers), fractions of 1. For the market as a
    whole give total revenue and all recycled spend in one row.
    Special cases: no revenue: nan.

    >>> recycled = np.array([[4.0, 3.0], [0.0, 0.0]])
    >>> circularity_fraction([20.0, 15.0], recycled)
    array([0.35, 0.  ])
    >>> float(circularity_fraction(35.0, recycled.ravel()))
    0.2
    """
    earned = np.asarray(revenue, dtype=np.float64)
    returned = earned - organic_revenue(earned, recycled)
    return ratio(returned, earned)


def cycle_flow(flows: ArrayLike) -> float:
    """Money that returns to where it came from, through any number of hands.

    Formula: the largest circulation inside the payments, each cycle counted once by its amount:
    max sum_C x_C over simple cycles C with x_C >= 0 and sum_(C through i->j) x_C <= F_ij.
    For a simple cycle it is the smallest payment on it. At least this amount of payments would
    have to be cancelled to leave no cycle at all, by duality.

    Shapes and units: flows (parties, parties), F[i, j] paid by i to j in one window, USD bn
    -> USD bn, between 0 and half of all payments. A round trip of X adds exactly X.
    Special cases: no cycle, no party: 0. Payments to oneself do not count. Accuracy about
    1e-7 of the largest payment. ValueError if not square or negative.
    Source: fractional cycle packing, the dual of feedback arcs (Lucchesi and Younger 1978, Journal
    of the London Mathematical Society 17, where the two are equal: planar graphs).

    >>> ring = np.zeros((3, 3))
    >>> ring[0, 1], ring[1, 2], ring[2, 0] = 50, 100, 80
    >>> cycle_flow(ring)
    50.0
    """
    paid = non_negative(flows, "flows")
    if paid.ndim != 2 or paid.shape[0] != paid.shape[1]:
        raise ValueError(f"flows: expected a square matrix, found shape {paid.shape}")
    paid = paid * ~np.eye(len(paid), dtype=bool)
    # Netting each pair first loses nothing: two longer cycles through the two directions of a pair
    # can be swapped for one cycle within the pair and one made of what remains of both.
    both_ways = np.minimum(paid, paid.T)
    return float(both_ways.sum() / 2.0) + _longer_cycles(paid - both_ways)


def _longer_cycles(net: Floats) -> float:
    """Largest circulation of payments that are already netted pair by pair.

    One layer of flow for each root, conserved at every party; what passes its root counts; all
    layers together keep within each payment.
    """
    layers = list(_cycles_by_root(net))
    if not layers:
        return 0.0
    layer, payer, payee = np.nonzero(np.stack([edges for _, edges in layers]))
    variable = np.arange(len(layer))
    balance = np.zeros((len(layers), len(net), len(layer)))
    balance[layer, payer, variable] = 1.0
    balance[layer, payee, variable] = -1.0
    payments, payment = np.unique(payer * len(net) + payee, return_inverse=True)
    use = np.zeros((len(payments), len(layer)))
    use[payment, variable] = 1.0
    passes_root = payer == np.array([root for root, _ in layers])[layer]
    largest = net.max()
    balances = balance[balance.any(axis=2)]
    limits = np.concatenate([net.flat[payments] / largest, np.zeros(len(balances))])
    least = np.where(np.arange(len(limits)) < len(payments), -np.inf, 0.0)
    # Nothing is integral here: `milp` is the thinnest way to the linear solver, half of `linprog`'s time.
    solution = milp(
        np.where(passes_root, -1.0, 0.0),
        constraints=LinearConstraint(np.concatenate([use, balances]), least, limits),
        options={"presolve": False},
    )
    if not solution.success:
        raise ArithmeticError(f"cycle flow: {solution.message}")
    return float(-solution.fun * largest)


def _cycles_by_root(net: Floats) -> Iterator[tuple[int, Edges]]:
    """Roots and the edges of the cycles through each, every cycle belonging to exactly one root."""
    edges = net > 0.0
    while True:
        reach = _reachable(edges)
        edges = edges & reach.T
        if not edges.any():
            return
        root = int(np.argmax(np.minimum(edges.sum(axis=0), edges.sum(axis=1))))
        with_root = reach[root] & reach[:, root]
        yield root, edges & with_root[:, None] & with_root
        edges[root], edges[:, root] = False, False


def _reachable(edges: Edges) -> Edges:
    """Whether one can get from each node to each other along at least one edge."""
    reach = edges
    for _ in range(len(edges).bit_length()):
        reach = reach | (reach @ reach)
    return reach
