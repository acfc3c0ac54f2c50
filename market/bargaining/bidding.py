"""First-price bids among bidders with private values, in closed form.

Each of n bidders knows its own value k, the most it could bid, and holds every rival's for an
independent draw from F(k) = (k / top)^shape on 0 to top; shape 1 is uniform, a larger one makes
strong rivals likelier. n and the prior are common knowledge.

In a scoring auction (Che 1993) the same formulas hold with k the largest score a bidder can afford,
that is the buyer's utility at the terms that maximise its utility less the bidder's cost, and the
bid the score offered: whatever the competition, the winner supplies those efficient terms and
competes by money alone. This needs utilities that are linear in money.
"""

from __future__ import annotations

import math


def first_price_bid(value: float, bidders: int, shape: float = 1.0, reserve: float = 0.0) -> float | None:
    """Bid of a bidder with value k in the symmetric equilibrium of a first-price auction.

    b(k) = k - integral from r to k of (F(x) / F(k))^(n-1) dx = (m k + r (r / k)^m) / (m + 1) with
    m = shape (n - 1); without a reserve k m / (m + 1), and whatever the top of the prior. A single
    bidder bids the reserve. None where the value is below the reserve.
    Raises ValueError for fewer than one bidder, a shape that is not positive, a negative value or reserve.
    Source: Vickrey (1961), Riley and Samuelson (1981); Che (1993) for scores.

    >>> first_price_bid(0.8, bidders=2), first_price_bid(0.8, bidders=1), first_price_bid(0.8, 2, reserve=0.4)
    (0.4, 0.0, 0.5)
    """
    power = _rivals_power(bidders, shape)
    _check_amount("value", value)
    _check_amount("reserve", reserve)
    if value < reserve:
        return None
    if reserve == 0.0:
        return value * power / (power + 1.0)
    return (power * value + reserve * math.pow(reserve / value, power)) / (power + 1.0)


def expected_winning_bid(bidders: int, shape: float = 1.0, top: float = 1.0, reserve: float = 0.0) -> float:
    """What the seller (in procurement the buyer) expects before values are drawn; nil where nothing is sold.

    With x = reserve / top, m = shape (n - 1): top (m a n / (a n + 1) (1 - x^(a n + 1)) +
    n x^(m + 1) (1 - x^a)) / (m + 1). Without a reserve top m / (m + 1) a n / (a n + 1), for a uniform
    prior top (n - 1) / (n + 1). A second-price auction with the same reserve brings the same (revenue
    equivalence). ValueError as in `first_price_bid`, and for a reserve above the top.
    Source: Vickrey (1961), Riley and Samuelson (1981).

    >>> [round(expected_winning_bid(n), 6) for n in (1, 2, 3, 10)]
    [0.0, 0.333333, 0.5, 0.818182]
    >>> round(expected_winning_bid(2, reserve=0.5), 6)
    0.416667
    """
    power = _rivals_power(bidders, shape)
    _check_amount("top", top)
    if not 0.0 <= reserve <= top:
        raise ValueError(f"reserve: {reserve}; allowed: 0 to the top, {top}")
    if top == 0.0:
        return 0.0
    cut, best = reserve / top, shape * bidders
    contested = power * best / (best + 1.0) * (1.0 - math.pow(cut, best + 1.0))
    alone = bidders * math.pow(cut, power + 1.0) * (1.0 - math.pow(cut, shape))
    return top * (contested + alone) / (power + 1.0)


def optimal_reserve(shape: float = 1.0, top: float = 1.0) -> float:
    """Reserve that brings the seller most, where keeping the good is worth nil to it.

    The root of r = (1 - F(r)) / f(r): top (1 + shape)^(-1 / shape), one half of the top for a uniform
    prior, whatever the number of bidders. Source: Myerson (1981), Riley and Samuelson (1981).

    >>> optimal_reserve(top=3.0)
    1.5
    """
    _rivals_power(1, shape)
    _check_amount("top", top)
    # log1p, as the power of a number near one loses its digits where the shape is small
    return top * math.exp(-math.log1p(shape) / shape)


def _rivals_power(bidders: int, shape: float) -> float:
    """The m in P(every rival's value is below k) = (k / top)^m."""
    if bidders < 1:
        raise ValueError(f"bidders: {bidders}; allowed: 1 or more")
    if not 0.0 < shape < math.inf:
        raise ValueError(f"shape: {shape}; allowed: above 0")
    return shape * (bidders - 1)


def _check_amount(name: str, amount: float) -> None:
    if not 0.0 <= amount < math.inf:
        raise ValueError(f"{name}: {amount}; allowed: 0 or more")
