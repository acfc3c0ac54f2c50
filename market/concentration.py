"""How concentrated a market is, and how dependent each lab is on each provider.

Every function takes amounts (GW, USD bn, anything additive) on its last axis, or a lab x provider
matrix on its last two, and works over any leading dimensions; a vector gives a 0-d result.
Amounts that are negative, infinite or not a number are refused; where no firm is active there is
nothing to measure and the answer is nan. Sums run from left to right, so that a firm with nothing
changes no bit of a sum.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

HHI_OF_MONOPOLY = 10_000.0


def non_negative(values: ArrayLike, what: str) -> Floats:
    """Values as floats, refused with ValueError unless each is finite and at least zero.

    >>> non_negative([1, 0], "spend")
    array([1., 0.])
    """
    array: Floats = np.asarray(values, dtype=np.float64)
    # A comparison with nan is false, so this one line refuses it too.
    if not (array.min(initial=0.0) >= 0.0 and array.max(initial=0.0) < np.inf):
        bad = array[~((array >= 0.0) & (array < np.inf))].flat[0]
        raise ValueError(f"{what}: found {bad}, every value must be finite and at least 0")
    return array


def _ordered_sum(values: Floats) -> Floats:
    # numpy's sum groups terms by array length, and an added zero would then change the last bit.
    if values.shape[-1] == 0:
        return np.zeros(values.shape[:-1])
    last: Floats = np.cumsum(values, axis=-1)[..., -1]
    return last


def ratio(numerator: Floats, denominator: Floats) -> Floats:
    """Quotient, nan where the denominator is zero.

    >>> ratio(np.array([1.0, 0.0]), np.array([2.0, 0.0]))
    array([0.5, nan])
    """
    out = np.full(np.broadcast_shapes(np.shape(numerator), np.shape(denominator)), np.nan)
    np.divide(numerator, denominator, out=out, where=denominator > 0.0)
    quotient: Floats = out[()]
    return quotient


def shares(amounts: ArrayLike, total: float | None = None) -> Floats:
    """Market share of each firm.

    Formula: s_i = x_i / sum_k x_k, or x_i / total where only part of the market is listed.

    Shapes and units: amounts (..., n) in any additive unit -> (..., n), fractions.
    Special cases: no firm, or all amounts zero: nan. ValueError if the amounts exceed `total`.

    >>> shares([3.0, 1.0])
    array([0.75, 0.25])
    """
    array = non_negative(amounts, "amounts")
    return ratio(array, np.expand_dims(_whole(array, total), -1))


def hhi(amounts: ArrayLike, total: float | None = None) -> Floats:
    """Herfindahl-Hirschman index.

    Formula: HHI = 10,000 * sum_i s_i^2. With `total`, the part of the market not listed counts as
    atomistic (it adds zero), which makes the result a lower bound.

    Shapes and units: amounts (..., n) -> (...), between 10,000 / (active firms) and 10,000.
    Special cases: one active firm 10,000; a firm with nothing changes nothing; none active: nan.
    Source: Hirschman (1964), American Economic Review 54; the example is the cloud market of
    2026Q1 (Synergy Research Group), the top three alone and with the rest in ten equal firms.

    >>> float(hhi([0.5, 0.5]))
    5000.0
    >>> round(float(hhi([28, 21, 14], total=100)))
    1421
    >>> round(float(hhi([28, 21, 14] + 10 * [3.7])))
    1558
    """
    share = shares(amounts, total)
    index = HHI_OF_MONOPOLY * _ordered_sum(share * share)
    return index if share.shape[-1] else np.full_like(index, np.nan)


def effective_number(amounts: ArrayLike) -> Floats:
    """Number of equal firms that would be as concentrated.

    Formula: N = 1 / sum_i s_i^2 = 10,000 / HHI.

    Shapes and units: amounts (..., n) -> (...), firms, between 1 and the number active.
    Special cases: none active: nan.
    Source: Adelman (1969), Review of Economics and Statistics 51 (the numbers equivalent).

    >>> float(effective_number([2, 2, 2, 2]))
    4.0
    """
    return HHI_OF_MONOPOLY / hhi(amounts)


def concentration_ratio(amounts: ArrayLike, k: int, total: float | None = None) -> Floats:
    """Share of the k largest firms, CRk.

    Formula: CR_k = sum of the k largest s_i.

    Shapes and units: amounts (..., n) -> (...), fraction of the market (of `total` if given).
    Special cases: k beyond the number of firms takes all of them; none active: nan; k below 1 is
    a ValueError.

    >>> float(concentration_ratio([28, 21, 14], k=3, total=100))
    0.63
    """
    if k < 1:
        raise ValueError(f"k: found {k}, at least one firm must be counted")
    array = non_negative(amounts, "amounts")
    largest = _ordered_sum(np.sort(array, axis=-1)[..., ::-1][..., :k])
    return ratio(largest, _whole(array, total))


def gini(amounts: ArrayLike) -> Floats:
    """Gini coefficient of the amounts.

    Formula: G = sum_i (2 i - n - 1) x_(i) / (n sum_i x_i), with x_(1) <= ... <= x_(n).

    Shapes and units: amounts (..., n) -> (...), between 0 (equal) and 1 - 1/n (one has all).
    Special cases: every entry counts, zeros included: leave inactive firms out beforehand to
    compare active ones only. None active: nan.
    Source: Gini (1912); formula of Dixon et al. (1987), Ecology 68, without their n/(n-1).

    >>> float(gini([0, 0, 0, 5]))
    0.75
    """
    ordered = np.sort(non_negative(amounts, "amounts"), axis=-1)
    n = ordered.shape[-1]
    rank = 2.0 * np.arange(1, n + 1) - n - 1.0
    return ratio(_ordered_sum(rank * ordered), n * _ordered_sum(ordered))


def dependence_hhi(alignment: ArrayLike) -> Floats:
    """Dependence of each lab on few providers: the HHI of its row.

    Formula: D_l = 10,000 * sum_p (a_lp / sum_q a_lq)^2.

    Shapes and units: alignment (..., labs, providers), delivered GW, committed USD bn or look-through
    equity -> (..., labs), 0-10,000.
    Special cases: a lab served by one provider 10,000; a lab served by none nan.

    >>> dependence_hhi([[2.0, 2.0], [0.0, 1.0]])
    array([ 5000., 10000.])
    """
    return hhi(_matrix(alignment))


def alignment_concentration(
    alignment: ArrayLike, lab_compute_gw: ArrayLike, integrated: ArrayLike | None = None
) -> Floats:
    """Alignment concentration of the market: mean dependence of labs, weighted by their compute.

    Formula: sum_l w_l D_l / sum_l w_l, D_l the lab's `dependence_hhi` and w_l its delivered compute.

    Shapes and units: alignment (..., labs, providers); lab_compute_gw (..., labs);
    integrated (labs,), true for labs to leave out, because their owner serves them in any case
    -> (...), 0-10,000.
    Special cases: a lab with an empty row has no dependence to average and is left out, even if its
    compute is positive (the row may be of commitments); no lab left: nan.

    >>> a = [[2.0, 2.0], [0.0, 1.0]]
    >>> float(alignment_concentration(a, [4.0, 1.0]))
    6000.0
    >>> float(alignment_concentration(a, [4.0, 1.0], integrated=[False, True]))
    5000.0
    """
    dependence = dependence_hhi(alignment)
    weight = np.where(np.isnan(dependence), 0.0, non_negative(lab_compute_gw, "lab_compute_gw"))
    if integrated is not None:
        weight = np.where(np.asarray(integrated, dtype=bool), 0.0, weight)
    weighted = np.where(weight > 0.0, weight * dependence, 0.0)
    return ratio(_ordered_sum(weighted), _ordered_sum(weight))


def market_hhi(alignment: ArrayLike) -> Floats:
    """HHI of the providers' totals over all labs.

    Formula: 10,000 * sum_p (sum_l a_lp / sum_lq a_lq)^2.

    Shapes and units: alignment (..., labs, providers) -> (...), 0-10,000.
    Special cases: nothing anywhere: nan.

    >>> float(market_hhi([[2.0, 2.0], [0.0, 4.0]]))
    6250.0
    """
    return hhi(_ordered_sum(np.swapaxes(_matrix(alignment), -1, -2)))


def primary_provider(alignment: ArrayLike) -> NDArray[np.int64]:
    """Column of each lab's largest provider.

    Shapes: alignment (..., labs, providers) -> (..., labs), column indices.
    Special cases: -1 for a lab served by none; an exact tie goes to the first column.

    >>> primary_provider([[1.0, 3.0], [0.0, 0.0], [2.0, 2.0]])
    array([ 1, -1,  0])
    """
    matrix = _matrix(alignment)
    if matrix.shape[-1] == 0:
        return np.full(matrix.shape[:-1], -1, dtype=np.int64)
    return np.where(matrix.max(axis=-1) > 0.0, matrix.argmax(axis=-1), -1)


def _whole(amounts: Floats, total: float | None) -> Floats:
    """Size of the market: `total` if given, otherwise the sum of the amounts."""
    listed = _ordered_sum(amounts)
    if total is None:
        return listed
    if not (listed <= total * (1.0 + 1e-9)).all():
        raise ValueError(f"amounts: their sum {listed.max()} exceeds the total {total}")
    return np.full_like(listed, total)


def _matrix(alignment: ArrayLike) -> Floats:
    matrix = non_negative(alignment, "alignment")
    if matrix.ndim < 2:
        raise ValueError(f"alignment: expected a lab x provider matrix, found shape {matrix.shape}")
    return matrix
