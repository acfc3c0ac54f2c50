"""Who owns what in the end, through chains and loops of stakes."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from market.concentration import Floats, non_negative


def look_through_stakes(holdings: ArrayLike) -> Floats:
    """Stake of each party in each other, direct and through every chain of parties it holds.

    Formula: T = C + C^2 + C^3 + ... = (I - C)^-1 - I.

    Shapes and units: holdings C (parties, parties), C[i, j] the fraction of j held by i
    -> (parties, parties), fractions. Along a loop the same value is counted in every party on it,
    so columns can sum to more than one; `dependency_matrix` counts it once.
    Special cases: no holdings: zeros. ValueError if a fraction is negative, a party holds itself,
    more than the whole of a party is held, or a closed group of parties is held by itself alone.
    Source: Elliott, Golub and Jackson (2014), American Economic Review 104, equation 2.

    >>> look_through_stakes([[0, 0.4, 0], [0, 0, 0.5], [0, 0, 0]])
    array([[0. , 0.4, 0.2],
           [0. , 0. , 0.5],
           [0. , 0. , 0. ]])
    """
    held = _holdings(holdings)
    return _claims(held) - np.eye(len(held))


def dependency_matrix(holdings: ArrayLike) -> Floats:
    """Part of each party's own assets that belongs in the end to the outside owners of each party.

    Formula: A = C_hat (I - C)^-1, C_hat diagonal with 1 - sum_i C_ij, the part of j that no party
    of the matrix holds. With asset values p the market values are v = A p, and sum v = sum p.

    Shapes and units: holdings C (parties, parties), C[i, j] the fraction of j held by i
    -> (parties, parties), fractions; column j says where the value of j's assets goes, and sums to 1.
    Special cases: no holdings: the identity; a wholly held party has a row of zeros. Errors as
    `look_through_stakes`.
    Source: Elliott, Golub and Jackson (2014), American Economic Review 104, equation 3; the example
    is theirs: two firms that hold half of each other.

    >>> dependency_matrix([[0, 0.5], [0.5, 0]]).round(6)
    array([[0.666667, 0.333333],
           [0.333333, 0.666667]])
    """
    held = _holdings(holdings)
    outside = np.clip(1.0 - held.sum(axis=0), 0.0, 1.0)
    return outside[:, None] * _claims(held)


def _claims(held: Floats) -> Floats:
    """Inverse of I - C: claims of each party on the assets of each, its own included."""
    closed = "holdings: a group of parties is held by itself alone, so nobody owns it in the end"
    try:
        claims = np.linalg.inv(np.eye(len(held)) - held)
    except np.linalg.LinAlgError:
        raise ValueError(closed) from None
    # Rounding can hide a singular matrix; the value of each party must still end up with somebody.
    if (np.abs((1.0 - held.sum(axis=0)) @ claims - 1.0) > 1e-6).any():
        raise ValueError(closed)
    return claims


def _holdings(holdings: ArrayLike) -> Floats:
    held = non_negative(holdings, "holdings")
    if held.ndim != 2 or held.shape[0] != held.shape[1]:
        raise ValueError(f"holdings: expected a square matrix, found shape {held.shape}")
    if held.diagonal().any():
        raise ValueError("holdings: a party cannot hold itself")
    if (held.sum(axis=0) > 1.0 + 1e-9).any():
        raise ValueError(f"holdings: a party is held {held.sum(axis=0).max()} times over, at most 1 is possible")
    return held
