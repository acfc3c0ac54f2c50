"""The structural presumption of the US Merger Guidelines of 2023, as a screen for deals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from market.concentration import HHI_OF_MONOPOLY, hhi, non_negative, shares

HIGHLY_CONCENTRATED_HHI = 1_800.0
SIGNIFICANT_INCREASE_HHI = 100.0
LARGE_SHARE_FRAC = 0.30


@dataclass(frozen=True, slots=True)
class Merger:
    """What a full merger of two firms does to a market (indices on 0-10,000, share a fraction)."""

    pre_hhi: float
    post_hhi: float
    delta_hhi: float
    share_frac: float


def merger(amounts: ArrayLike, first: int, second: int) -> Merger:
    """Effect of a full merger of two firms on the HHI, at unchanged sales.

    Formula: delta = 10,000 * 2 s_a s_b, post = pre + delta, share = s_a + s_b.

    Shapes and units: amounts (n,), any additive unit; first and second, positions of two firms.
    Special cases: none active: nan throughout; ValueError for the same firm twice or none.
    Source: US Department of Justice and Federal Trade Commission, Merger Guidelines (2023), 2.1.

    >>> merger([20, 20, 60], 0, 1)
    Merger(pre_hhi=4400.0, post_hhi=5200.0, delta_hhi=800.0, share_frac=0.4)
    """
    share = shares(amounts)
    if share.ndim != 1:
        raise ValueError(f"amounts: expected a vector, found shape {share.shape}")
    for position in (first, second):
        if not 0 <= position < len(share):
            raise ValueError(f"first and second: found {position}, firms are numbered 0 to {len(share) - 1}")
    if first == second:
        raise ValueError(f"first and second: both are firm {first}, a merger takes two")
    pre = float(hhi(amounts))
    delta = float(HHI_OF_MONOPOLY * 2.0 * share[first] * share[second])
    return Merger(pre, pre + delta, delta, float(share[first] + share[second]))


def presumed_harmful(post_hhi: ArrayLike, delta_hhi: ArrayLike, share_frac: ArrayLike) -> NDArray[np.bool_]:
    """Whether a deal meets the structural presumption of harm.

    Formula: delta >= 100 and (post HHI >= 1,800 or share of the combined firm >= 30 %).

    Shapes and units: three arrays that broadcast, indices on 0-10,000, share a fraction -> booleans.
    For a partial stake give the MHHI after the deal, its increase, and the acquirer's share together
    with the held firm's (Guideline 11 covers partial acquisitions).
    Special cases: an index of nan (no active firm) meets nothing. A lower index after the deal is
    an ordinary negative delta; a share outside 0-1 is a ValueError.
    Source: US Department of Justice and Federal Trade Commission, Merger Guidelines (2023), 2.1.
    The limits themselves count as met.

    >>> presumed_harmful([1800, 1799, 1799], [100, 100, 100], [0.25, 0.25, 0.30])
    array([ True, False,  True])
    """
    share = non_negative(share_frac, "share_frac")
    if (share > 1.0 + 1e-9).any():
        raise ValueError(f"share_frac: found {share.max()}, a share is at most 1")
    concentrated = np.asarray(post_hhi, dtype=np.float64) >= HIGHLY_CONCENTRATED_HHI
    increase = np.asarray(delta_hhi, dtype=np.float64) >= SIGNIFICANT_INCREASE_HHI
    return increase & (concentrated | (share >= LARGE_SHARE_FRAC))
