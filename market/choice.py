"""Discrete choice: logit and nested logit shares, churn under switching costs, and the noise behind a nest."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def logit_shares(utility: npt.ArrayLike) -> Floats:
    """Multinomial logit shares along the last axis.

    P_j = exp(v_j) / sum_k exp(v_k), utilities v in logit units (scale 1), any leading shape.
    -inf marks an alternative out of reach (share 0). Raises ValueError where nothing is in reach or a
    utility is NaN or +inf. Source: McFadden (1974).

    >>> logit_shares([0.0, 0.0, -np.inf]).tolist()
    [0.5, 0.5, 0.0]
    """
    v = _checked(utility)
    weight = np.exp(v - v.max(axis=-1, keepdims=True))
    return np.asarray(weight / weight.sum(axis=-1, keepdims=True))


def inclusive_value(utility: npt.ArrayLike, dissimilarity: float = 1.0) -> Floats:
    """Expected maximum of a nest along the last axis, less Euler's constant.

    IV = lambda * ln sum_j exp(v_j / lambda), in logit units; -inf for a nest out of reach.
    Raises ValueError unless 0 < lambda <= 1.

    >>> float(inclusive_value([0.0, 0.0], 0.5)) == 0.5 * float(np.log(2.0))
    True
    """
    _check_dissimilarity(dissimilarity)
    v = np.asarray(utility, dtype=np.float64)
    return np.asarray(dissimilarity * np.logaddexp.reduce(v / dissimilarity, axis=-1))


def nested_logit_shares(utility: npt.ArrayLike, dissimilarity: float, outside: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Nested logit shares of alternatives `[..., nest, member]` and of the outside option.

    P(n, j) = exp(IV_n) / (exp(v_0) + sum_m exp(IV_m)) * exp(v_nj / lambda) / sum_k exp(v_nk / lambda),
    IV_n as in `inclusive_value`. lambda = 1 is plain logit; lambda -> 0 makes the members of a nest
    perfect substitutes. Members out of reach are -inf; `outside` is a nest of its own, of shape `[...]`
    and finite. Raises ValueError for lambda outside (0, 1]. Source: McFadden (1978); Train (2009), ch. 4.

    >>> inside, outside = nested_logit_shares([[0.0, 0.0], [0.0, -np.inf]], 0.5, 0.0)
    >>> [round(float(p), 6) for p in inside.ravel()], round(float(outside), 6)
    ([0.207107, 0.207107, 0.292893, 0.0], 0.292893)
    """
    v = np.asarray(utility, dtype=np.float64)
    value = inclusive_value(v, dissimilarity)
    nests = logit_shares(np.concatenate([value, np.asarray(outside, dtype=np.float64)[..., None]], axis=-1))
    reachable = np.where(np.isneginf(value), 0.0, value)[..., None]
    within = np.exp((v - reachable) / dissimilarity)
    return nests[..., :-1, None] * within, nests[..., -1]


def churn_probability(utility: npt.ArrayLike, current: int, switching_cost: npt.ArrayLike) -> Floats:
    """Probability of leaving `current` when every other alternative costs `switching_cost` to move to.

    1 - exp(v_k) / (exp(v_k) + sum_{j != k} exp(v_j - s)), v of shape `[alternative]`, s >= 0 of any
    shape, both in logit units. Source: Klemperer (1995); Farrell and Klemperer (2007).

    >>> [round(float(p), 3) for p in churn_probability([0.0, 0.0, 0.0], 0, [0, 1, 2, 3, 4])]
    [0.667, 0.424, 0.213, 0.091, 0.035]
    """
    v = _checked(utility)
    others = np.logaddexp.reduce(np.delete(v, current))
    with np.errstate(over="ignore"):
        return np.asarray(1.0 / (1.0 + np.exp(v[current] - others + np.asarray(switching_cost, dtype=np.float64))))


def switching_cost_of_churn(churn: float, alternatives: int) -> float:
    """Switching cost at which one of `alternatives` equal alternatives is left with probability `churn`.

    s = ln((n - 1) (1 - churn) / churn): the inverse of `churn_probability` at equal utilities.
    Raises ValueError for a churn outside (0, 1) or fewer than two alternatives.

    >>> round(switching_cost_of_churn(0.01, 3), 3)
    5.288
    """
    if not 0.0 < churn < 1.0 or alternatives < 2:
        raise ValueError(f"churn {churn} must lie in (0, 1) and alternatives {alternatives} be at least 2")
    return float(np.log((alternatives - 1) * (1.0 - churn) / churn))


def positive_stable_quantiles(index: float, bins: int) -> Floats:
    """Medians of `bins` equally likely classes of a positive stable variable S, Laplace transform exp(-s^index).

    In nested logit with dissimilarity lambda = index, lambda * (ln S + Gumbel) is again Gumbel, so one S
    a nest, shared by its members, is the noise that makes them close substitutes. The distribution is
    P(S <= x) = 1/pi int_0^pi exp(-x^(-a/(1-a)) K(t)) dt with K(t) = (sin(at)/sin t)^(1/(1-a)) sin((1-a)t)/sin(at).
    index = 1 gives ones. Raises ValueError unless 0 < index <= 1. Source: Kanter (1975); Hougaard (1986).

    >>> from math import erfc  # S of index 1/2 is Levy: P(S <= x) = erfc(1 / (2 sqrt x))
    >>> round(erfc(0.5 / float(positive_stable_quantiles(0.5, 1)[0]) ** 0.5), 4)
    0.5
    """
    _check_dissimilarity(index)
    if index == 1.0:
        return np.ones(bins)
    node, weight = np.polynomial.legendre.leggauss(200)
    angle = 0.5 * np.pi * (node + 1.0)
    log_kernel = (
        np.log(np.sin(index * angle) / np.sin(angle)) / (1.0 - index)
        + np.log(np.sin((1.0 - index) * angle))
        - np.log(np.sin(index * angle))
    )
    # Beyond these bounds lies less than half a class: the right tail falls as x^-index.
    log_x = np.linspace(-8.0 / index, (np.log(2.0 * bins) + 5.0) / index, 4_001)
    with np.errstate(over="ignore"):
        survival = np.exp(-np.exp(log_kernel - (index / (1.0 - index)) * log_x[:, None]))
    cumulative = 0.5 * survival @ weight
    return np.asarray(np.exp(np.interp((np.arange(bins) + 0.5) / bins, cumulative, log_x)))


def _checked(utility: npt.ArrayLike) -> Floats:
    v = np.asarray(utility, dtype=np.float64)
    if np.isnan(v).any() or np.isposinf(v).any():
        raise ValueError("a utility is NaN or +inf: allowed are finite numbers, and -inf for out of reach")
    if np.isneginf(v.max(axis=-1)).any():
        raise ValueError("no alternative is in reach: every utility is -inf")
    return v


def _check_dissimilarity(value: float) -> None:
    if not 0.0 < value <= 1.0:
        raise ValueError(f"dissimilarity parameter {value} is outside (0, 1]")
