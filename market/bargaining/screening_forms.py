"""Take-it-or-leave-it offers, one a round, to a party whose reservation value is not known.

The proposer asks a price; the responder's value of the deal v is uniform on 0 to h, known to it
alone; the deal costs the proposer nothing. A price accepted in a round is discounted by each side's
own factor a round, no deal is worth nil, and the proposer cannot bind itself to later prices. All but v
is common knowledge. The lowest value is nil, so some values are ever worth another offer (the case
"without a gap").

The equilibrium is linear in h. With n offers left, a belief that v is uniform on 0 to h, and pi_n, beta_n
the price and the next belief's upper end as parts of h:

    a responder who rejects faces pi_(n-1) x where x is the lowest value that accepts now, so x is
    indifferent when x - p = d_r (x - pi_(n-1) x), and p = m_n x with m_n = 1 - d_r (1 - pi_(n-1));
    the proposer maximises m_n x (h - x) + d_p a_(n-1) x^2, a_n h^2 being its value times h:
    beta_n = m_n / (2 m_n - 2 d_p a_(n-1)), and putting it back, a_n = m_n beta_n / 2 = pi_n / 2.

    So pi_n = m_n^2 / (2 m_n - d_p pi_(n-1)), starting from the monopoly price pi_1 = 1/2 (m_1 = 1, a_0 = 0),
    and the proposer expects pi_n h / 2.

Source: Sobel and Takahashi (1983); Fudenberg and Tirole (1983) for two offers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Screen:
    """One offer: its price, the belief's upper end when it is made, and after it was rejected.

    Values from `highest_after` to `highest` accept, and the lower ones wait.
    """

    price: float
    highest: float
    highest_after: float


def price_frac(offers: int, discount_proposer: float, discount_responder: float) -> float:
    """First price with a given number of offers, as a part of the highest value: pi_n of the module's recursion.

    One half with one offer; with two (2 - d)^2 / (2 (4 - 3 d)) where both factors are d. Half of it is
    what the proposer expects. It is one half for any number of offers if nobody is impatient:
    all wait for the last offer. Raises ValueError for fewer than one offer or factors outside 0 to 1.

    >>> price_frac(1, 0.9, 0.9), round(price_frac(2, 0.9, 0.9), 6), round(1.1**2 / (2 * 1.3), 6)
    (0.5, 0.465385, 0.465385)
    """
    return _fractions(offers, discount_proposer, discount_responder)[-1][0]


def infinite_horizon_price_frac(discount_proposer: float, discount_responder: float) -> float:
    """First price with no last offer, as a part of the highest value: (1 - d_r) / (1 - d_r + sqrt(1 - d_p)).

    The limit of `price_frac` for many offers, sqrt(1 - d) / (1 + sqrt(1 - d)) where both factors are d.
    It falls to nil as offers follow faster (Coase 1972) because there is no last offer: the limits
    cannot be exchanged, `price_frac` tends to one half. Raises ValueError for factors outside 0 to 1,
    and where both are 1. Source: Stokey (1981); Gul, Sonnenschein and Wilson (1986).

    >>> infinite_horizon_price_frac(0.75, 0.75), round(infinite_horizon_price_frac(0.9999, 0.9999), 6)
    (0.3333333333333333, 0.009901)
    """
    _check_discounts(discount_proposer, discount_responder)
    if discount_proposer == discount_responder == 1.0:
        raise ValueError("discounts: both 1; allowed: one of them below 1")
    return (1.0 - discount_responder) / (1.0 - discount_responder + math.sqrt(1.0 - discount_proposer))


def screening_path(
    offers: int, discount_proposer: float, discount_responder: float, highest: float = 1.0
) -> tuple[Screen, ...]:
    """Every price that is asked as long as all are rejected, with the belief before and after.

    Prices fall, and each rejection cuts the belief from above. ValueError as in `price_frac`, and
    for a highest value below nil.

    >>> screening_path(1, 0.9, 0.9, highest=8.0)
    (Screen(price=4.0, highest=8.0, highest_after=4.0),)
    """
    if not 0.0 <= highest < math.inf:
        raise ValueError(f"highest: {highest}; allowed: 0 or more")
    path = []
    for price, kept in reversed(_fractions(offers, discount_proposer, discount_responder)):
        path.append(Screen(price * highest, highest, kept * highest))
        highest *= kept
    return tuple(path)


def accepted_offer(value: float, path: tuple[Screen, ...]) -> int | None:
    """Place in the path, from 0, of the offer that a responder of this value accepts; None where it accepts none.

    A value that is indifferent accepts.

    >>> path = screening_path(2, 0.9, 0.9)
    >>> [accepted_offer(value, path) for value in (1.0, 0.6, 0.4)]
    [0, 1, None]
    """
    return next((place for place, screen in enumerate(path) if value >= screen.highest_after), None)


def _fractions(offers: int, discount_proposer: float, discount_responder: float) -> list[tuple[float, float]]:
    """(pi_n, beta_n) for n = 1, ..., offers left."""
    _check_discounts(discount_proposer, discount_responder)
    if offers < 1:
        raise ValueError(f"offers: {offers}; allowed: 1 or more")
    found = [(0.5, 0.5)]
    for _ in range(offers - 1):
        last_price = found[-1][0]
        per_value = 1.0 - discount_responder * (1.0 - last_price)
        kept = per_value / (2.0 * per_value - discount_proposer * last_price)
        found.append((per_value * kept, kept))
    return found


def _check_discounts(discount_proposer: float, discount_responder: float) -> None:
    for name, factor in (("discount_proposer", discount_proposer), ("discount_responder", discount_responder)):
        if not 0.0 <= factor <= 1.0:
            raise ValueError(f"{name}: {factor}; allowed: 0 to 1")
