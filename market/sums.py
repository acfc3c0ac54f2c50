"""Sums over parties that a party with nothing does not change, not even in the last bit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def total(values: Floats) -> float:
    """Sum of an array from left to right, 0 for an empty one.

    NumPy groups the terms of a sum by the length of the array, so that one more nil could change the last bit.

    >>> total(np.array([0.5, 0.0, 0.25]))
    0.75
    """
    return float(sum(values.ravel().tolist()))


def totals(values: Floats, axis: int) -> Floats:
    """Sums from left to right along one axis of a matrix; nil along an empty one.

    >>> totals(np.array([[1.0, 2.0], [3.0, 4.0]]), axis=1)
    array([3., 7.])
    """
    if values.shape[axis] == 0:
        return np.asarray(values.sum(axis=axis))
    return np.asarray(np.take(np.cumsum(values, axis=axis), -1, axis=axis))
