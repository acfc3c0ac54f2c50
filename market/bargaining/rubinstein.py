"""Alternating offers over a pie of size one, in closed form.

The first mover offers a split; the other accepts, or rejects and then makes the next offer. All is
common knowledge. Pairs are (first mover's, other's); shares, outside options and breakdown payoffs are
parts of the pie, so that disagreement for ever is worth nil. `discounts` are factors a round.

After a rejection talks break down with `breakdown_prob`, at once: `breakdown` payoffs are not
discounted. `outside_options` can be taken by a responder only, at once and instead of waiting for its
own turn; minus infinity stands for none. (Where a proposer may also leave after it was rejected there
are many equilibria: Shaked 1994, Osborne and Rubinstein 1990, section 3.12.)
"""

from __future__ import annotations

import math
from dataclasses import dataclass

Pair = tuple[float, float]
NO_OPTIONS: Pair = (-math.inf, -math.inf)


def first_mover_share(
    discounts: Pair,
    *,
    outside_options: Pair = NO_OPTIONS,
    breakdown_prob: float = 0.0,
    breakdown: Pair = (0.0, 0.0),
) -> float | None:
    """First mover's share in the subgame-perfect equilibrium with no last round.

    Without options and risk (1 - d2) / (1 - d1 d2). In general a responder i asks
    max(p b_i + q_i v_i, o_i) with q_i = (1 - p) d_i and v_i its share when it proposes, so that
    v1 = min(max(R, 1 - p b2 - q2 (1 - o1)), 1 - o2) where R = (1 - p b2 - q2 (1 - p b1)) / (1 - q1 q2)
    is the share without options: an option counts only where it beats the share ("deal me out"). None
    where the outside options, or the breakdown payoffs, sum to more than the pie: the two then part.
    Raises ValueError for factors or probabilities outside 0 to 1, and where nobody is impatient and
    talks never break down. Source: Rubinstein (1982); Binmore, Shaked and Sutton (1989) for options;
    Binmore, Rubinstein and Wolinsky (1986) for breakdown.

    >>> round(first_mover_share((0.9, 0.9)), 6), round(first_mover_share((0.99, 0.99)), 6)
    (0.526316, 0.502513)
    >>> first_mover_share((0.9, 0.9), outside_options=(0.0, 0.4)) == first_mover_share((0.9, 0.9))
    True
    >>> first_mover_share((0.9, 0.9), outside_options=(0.0, 0.75))
    0.25
    """
    _check(discounts, outside_options, breakdown_prob, breakdown)
    stays = 1.0 - breakdown_prob
    waiting_first, waiting_second = stays * discounts[0], stays * discounts[1]
    if waiting_first * waiting_second == 1.0:
        raise ValueError(f"discounts: {discounts} without risk of breakdown; allowed: one of them below 1")
    if sum(outside_options) > 1.0 or sum(breakdown) > 1.0:
        return None
    kept = 1.0 - breakdown_prob * breakdown[1]
    other_takes = 1.0 - breakdown_prob * breakdown[0]
    share = (kept - waiting_second * other_takes) / (1.0 - waiting_first * waiting_second)
    if outside_options[0] > -math.inf:
        share = max(share, kept - waiting_second * (1.0 - outside_options[0]))
    return min(share, 1.0 - outside_options[1])


def finite_horizon_share(
    rounds: int,
    discounts: Pair,
    *,
    outside_options: Pair = NO_OPTIONS,
    breakdown_prob: float = 0.0,
    breakdown: Pair = (0.0, 0.0),
) -> float | None:
    """First mover's share where talks end after `rounds` offers, by backward induction.

    The first mover makes the odd offers, so it makes the last one where `rounds` is odd. Rejecting the
    last leaves both their `breakdown` payoffs: its proposer keeps 1 - max(b_i, o_i), and in the round
    before a responder i asks max(p b_i + (1 - p) d_i v_i, o_i). Without options and breakdown this is
    R + (d1 d2)^((T-1)/2) (1 - R) for odd T, R (1 - (d1 d2)^(T/2)) for even T, with R the share without
    a last round. None and ValueError as in `first_mover_share`, but patience without end is allowed.
    Source: Ståhl (1972).

    >>> finite_horizon_share(1, (0.9, 0.9)), round(finite_horizon_share(2, (0.9, 0.9)), 6)
    (1.0, 0.1)
    >>> round(finite_horizon_share(3, (0.5, 0.8)), 6), round(0.2 + 0.8 * 0.5 * 1.0, 6)
    (0.6, 0.6)
    """
    _check(discounts, outside_options, breakdown_prob, breakdown)
    if rounds < 1:
        raise ValueError(f"rounds: {rounds}; allowed: 1 or more")
    if sum(outside_options) > 1.0 or sum(breakdown) > 1.0:
        return None
    proposer = (rounds - 1) % 2
    share = 1.0 - max(breakdown[1 - proposer], outside_options[1 - proposer])
    for _ in range(rounds - 1):
        # one round earlier it answers, and may wait for this share
        waiting = breakdown_prob * breakdown[proposer] + (1.0 - breakdown_prob) * discounts[proposer] * share
        share = 1.0 - max(waiting, outside_options[proposer])
        proposer = 1 - proposer
    return share


@dataclass(frozen=True, slots=True)
class ContinuousLimit:
    """The asymmetric Nash problem that alternating offers tend to: first party's weight, threat point."""

    weight_first: float
    threat: Pair


def continuous_limit(rates: Pair, breakdown_rate: float = 0.0, breakdown: Pair = (0.0, 0.0)) -> ContinuousLimit:
    """Weight and threat point of the Nash split that alternating offers tend to as offers follow faster.

    With discount rates r_i and a hazard of breakdown h, all per one unit of time, w = (r2 + h) /
    (r1 + r2 + 2 h) and the threat of party i is b_i h / (r_i + h), its breakdown payoff discounted to
    today. Without breakdown w = r2 / (r1 + r2) and a threat of nil; without discounting the symmetric
    Nash split with the breakdown payoffs as the threat point. Outside options o then cut the share
    to the range o1 to 1 - o2 and do not move the threat. Raises ValueError for rates below nil or all
    nil. Source: Binmore, Rubinstein and Wolinsky (1986).

    >>> continuous_limit((0.25, 0.75))
    ContinuousLimit(weight_first=0.75, threat=(0.0, 0.0))
    >>> continuous_limit((0.0, 0.0), 0.2, (0.1, 0.4))
    ContinuousLimit(weight_first=0.5, threat=(0.1, 0.4))
    """
    for name, rate in (("rates", rates[0]), ("rates", rates[1]), ("breakdown_rate", breakdown_rate)):
        if not 0.0 <= rate < math.inf:
            raise ValueError(f"{name}: {rate}; allowed: 0 or more")
    first, second = rates[0] + breakdown_rate, rates[1] + breakdown_rate
    if first + second == 0.0:
        raise ValueError("rates: all 0; allowed: one of them, or the rate of breakdown, above 0")
    if breakdown_rate == 0.0:
        return ContinuousLimit(second / (first + second), (0.0, 0.0))
    threat = breakdown[0] * (breakdown_rate / first), breakdown[1] * (breakdown_rate / second)
    return ContinuousLimit(second / (first + second), threat)


def _check(discounts: Pair, outside_options: Pair, breakdown_prob: float, breakdown: Pair) -> None:
    for name, value in (("discounts", discounts[0]), ("discounts", discounts[1]), ("breakdown_prob", breakdown_prob)):
        if not 0.0 <= value <= 1.0:
            raise ValueError(f"{name}: {value}; allowed: 0 to 1")
    if not all(option < math.inf for option in outside_options):
        raise ValueError(f"outside_options: {outside_options}; allowed: numbers, or -inf for none")
    if not all(math.isfinite(payoff) for payoff in breakdown):
        raise ValueError(f"breakdown: {breakdown}; allowed: two finite numbers")
