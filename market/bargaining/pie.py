"""How two or more parties split a pie: solution concepts in closed form.

A pie of a given size is shared out completely; money is in any one unit, and every split is in that
unit. `disagreement` is what each party gets without agreement, in money. Where the parties' claims
exceed the pie there is nothing to agree on and the split is None. Relative risk aversion g stands for
the utilities u(x) = x^(1-g) / (1-g), with ln x at 1: 0 is risk neutral, below 1 a power utility with
exponent 1 - g. Nash and Kalai-Smorodinsky do not depend on the scale of utilities, so that x^a and
x^a / a split a pie alike.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from scipy.optimize import brentq

Pair = tuple[float, float]


def nash_split(
    pie: float, disagreement: Sequence[float] = (0.0, 0.0), weights: Sequence[float] | None = None
) -> tuple[float, ...] | None:
    """Asymmetric Nash split between risk-neutral parties: x_i = d_i + w_i (pie - sum of d).

    One disagreement point and one weight a party; only the ratios of weights count, and without
    weights all are equal. Side payments are unlimited: a share is negative where d_i is and the
    surplus does not make up for it. None where the disagreement points sum to more than the pie.
    Raises ValueError for numbers that are not finite, weights below nil or all nil, or of another
    number than the parties. Source: Nash (1950), Kalai (1977) for weights.

    >>> nash_split(10.0, (2.0, 4.0), (0.25, 0.75))
    (3.0, 7.0)
    >>> nash_split(9.0, (0.0, 0.0, 0.0))
    (3.0, 3.0, 3.0)
    >>> nash_split(10.0, (6.0, 4.5)) is None
    True
    """
    surplus = _surplus(pie, disagreement)
    held = [1.0] * len(disagreement) if weights is None else list(weights)
    if len(held) != len(disagreement):
        raise ValueError(f"weights: {len(held)} for {len(disagreement)} parties; allowed: one a party")
    whole = math.fsum(held)
    if not (all(weight >= 0.0 for weight in held) and 0.0 < whole < math.inf):
        raise ValueError(f"weights: {tuple(held)}; allowed: finite numbers, none below 0 and not all 0")
    if surplus < 0.0:
        return None
    return tuple(point + weight / whole * surplus for point, weight in zip(disagreement, held, strict=True))


def egalitarian_split(pie: float, disagreement: Sequence[float] = (0.0, 0.0)) -> tuple[float, ...] | None:
    """Split that gives every risk-neutral party the same gain: x_i = d_i + (pie - sum of d) / n.

    With utilities in money it is the symmetric Nash split, and for any number of parties also the
    Kalai-Smorodinsky split, each party's ideal gain being the whole surplus. None and ValueError as in
    `nash_split`. Source: Kalai (1977).

    >>> egalitarian_split(10.0, (2.0, 4.0))
    (4.0, 6.0)
    """
    return nash_split(pie, disagreement)


def risk_averse_nash_split(
    pie: float,
    risk_aversion: Pair,
    disagreement: Pair = (0.0, 0.0),
    weight_first: float = 0.5,
) -> Pair | None:
    """Asymmetric Nash split between two parties of constant relative risk aversion.

    Maximises (u1(x) - u1(d1))^w (u2(pie - x) - u2(d2))^(1-w). In the optimum w is to 1 - w as are the
    parties' fears of ruin m_i = (u_i(x_i) - u_i(d_i)) / u_i'(x_i), which rise with x_i for every risk
    aversion: w m_2(pie - x) = (1 - w) m_1(x) has one root. With d = 0 and exponents a_i = 1 - g_i it is
    x = pie w a_1 / (w a_1 + (1 - w) a_2); else it is found to 1e-14 of the surplus. Weight 1 (0) leaves
    the second (first) party its disagreement point. None where these sum to more than the pie.
    Raises ValueError for a risk aversion below nil, a weight outside 0 to 1, a negative disagreement
    point of a risk-averse party, and one of nil with a risk aversion of 1 or more: its utility is minus
    infinity. Source: Nash (1950); Aumann and Kurz (1977) for fear of ruin.

    >>> [round(share, 6) for share in risk_averse_nash_split(1.0, (0.0, 0.5))]
    [0.666667, 0.333333]
    >>> [round(share, 6) for share in risk_averse_nash_split(1.0, (1.0, 1.0), (0.1, 0.2))]
    [0.423288, 0.576712]
    """
    surplus = _surplus(pie, disagreement)
    _check_risk_aversion(risk_aversion, disagreement)
    if not 0.0 <= weight_first <= 1.0:
        raise ValueError(f"weight_first: {weight_first}; allowed: 0 to 1")
    if surplus < 0.0:
        return None
    if weight_first in (0.0, 1.0):
        return _after(disagreement, weight_first * surplus, surplus)
    if disagreement == (0.0, 0.0):
        first, second = weight_first * (1.0 - risk_aversion[0]), (1.0 - weight_first) * (1.0 - risk_aversion[1])
        return _after(disagreement, surplus * first / (first + second), surplus)
    odds = math.log1p(-weight_first) - math.log(weight_first)

    def imbalance(gain: float) -> float:
        mine = _log_fear_of_ruin(gain, disagreement[0], risk_aversion[0])
        return odds + mine - _log_fear_of_ruin(surplus - gain, disagreement[1], risk_aversion[1])

    return _after(disagreement, _balance(imbalance, surplus), surplus)


def kalai_smorodinsky_split(
    pie: float, disagreement: Pair = (0.0, 0.0), risk_aversion: Pair = (0.0, 0.0)
) -> Pair | None:
    """Kalai-Smorodinsky split between two parties: both get the same part of their ideal gain in utility.

    (u1(x) - u1(d1)) / (u1(pie - d2) - u1(d1)) equals the same for the second party. The ideal is a
    party's best outcome that is rational for the other, not the whole pie. Risk-neutral parties share
    the surplus equally, as do equally risk-averse ones with equal disagreement points; else found to
    1e-14 of the surplus. None and ValueError as in `risk_averse_nash_split`.
    Source: Kalai and Smorodinsky (1975).

    >>> kalai_smorodinsky_split(10.0, (2.0, 4.0))
    (4.0, 6.0)
    >>> [round(share, 6) for share in kalai_smorodinsky_split(1.0, risk_aversion=(0.0, 0.5))]
    [0.618034, 0.381966]
    """
    surplus = _surplus(pie, disagreement)
    _check_risk_aversion(risk_aversion, disagreement)
    if surplus < 0.0:
        return None
    if risk_aversion == (0.0, 0.0):
        return _after(disagreement, surplus / 2.0, surplus)

    def imbalance(gain: float) -> float:
        theirs = _log_shortfall(surplus - gain, disagreement[1], risk_aversion[1], surplus)
        return theirs - _log_shortfall(gain, disagreement[0], risk_aversion[0], surplus)

    return _after(disagreement, _balance(imbalance, surplus), surplus)


def _surplus(pie: float, disagreement: Sequence[float]) -> float:
    if not (disagreement and all(math.isfinite(amount) for amount in (pie, *disagreement))):
        raise ValueError(f"pie {pie}, disagreement {tuple(disagreement)}; allowed: finite numbers, one point a party")
    return math.fsum((pie, *(-point for point in disagreement)))


def _check_risk_aversion(risk_aversion: Pair, disagreement: Pair) -> None:
    for aversion, point in zip(risk_aversion, disagreement, strict=True):
        if not 0.0 <= aversion < math.inf:
            raise ValueError(f"risk_aversion: {aversion}; allowed: 0 or more")
        if aversion > 0.0 and (point < 0.0 or (point == 0.0 and aversion >= 1.0)):
            raise ValueError(
                f"disagreement: {point} with risk aversion {aversion}; "
                "allowed: 0 or more when risk averse, above 0 from risk aversion 1 on"
            )


def _after(disagreement: Pair, gain_first: float, surplus: float) -> Pair:
    return disagreement[0] + gain_first, disagreement[1] + (surplus - gain_first)


def _log_fear_of_ruin(gain: float, point: float, aversion: float) -> float:
    """Logarithm of (u(d + gain) - u(d)) / u'(d + gain); minus infinity without a gain."""
    if gain <= 0.0:
        return -math.inf
    if aversion == 0.0:
        return math.log(gain)
    exponent = 1.0 - aversion
    if point == 0.0:
        return math.log(gain / exponent)
    growth = math.log1p(gain / point)
    if exponent == 0.0:
        return math.log((point + gain) * growth)
    scaled = abs(exponent) * growth
    # where the exponent is negative the ratio grows like exp(scaled), which would overflow if not kept as a logarithm
    steep = scaled if exponent < 0.0 else 0.0
    return math.log(point + gain) + steep + math.log(-math.expm1(-scaled) / abs(exponent))


def _log_shortfall(gain: float, point: float, aversion: float, ideal: float) -> float:
    """Logarithm of the part of the ideal gain in utility that a party does not get; 0 without a gain.

    The part it gets is at least one half for one of two risk-averse parties, and can be one but for
    rounding; the part it does not get keeps its digits.
    """
    if gain <= 0.0 or gain >= ideal:
        return 0.0 if gain <= 0.0 else -math.inf
    if aversion == 0.0:
        return math.log1p(-gain / ideal)
    exponent = 1.0 - aversion
    if point == 0.0:
        return math.log(-math.expm1(exponent * math.log1p((gain - ideal) / ideal)))
    missing, whole = math.log1p((ideal - gain) / (point + gain)), math.log1p(ideal / point)
    if exponent == 0.0:
        return math.log(missing / whole)
    part = math.expm1(exponent * missing) / math.expm1(exponent * whole)
    return exponent * math.log1p(gain / point) + math.log(part)


def _balance(imbalance: Callable[[float], float], surplus: float) -> float:
    """The gain at which an imbalance that rises from minus to plus infinity over 0 to `surplus` is nil."""
    if surplus == 0.0:
        return 0.0
    return float(brentq(lambda gain: math.tanh(imbalance(gain)), 0.0, surplus, xtol=1e-15 * surplus, maxiter=1000))
