"""The modified HHI: what stakes in competitors add to concentration (O'Brien and Salop 2000).

A diagnostic of incentives, never a forecast of prices. It applies only where the held firm itself
sells in the market measured: a cloud's stake in a lab belongs here only in so far as the cloud, or
another firm it holds, sells against that lab. Total control with a small stake raises the index
above that of a full merger; this is a property of the index, not an error.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from market.concentration import HHI_OF_MONOPOLY, Floats, hhi, non_negative, shares

ControlRule = Literal["silent", "proportional", "total"]


def ownership_structure(stakes: ArrayLike, rule: ControlRule) -> tuple[Floats, Floats]:
    """Control rights and financial interests when the rest of each firm has one other owner.

    The named owners are the rows of `stakes`; one owner per firm is added who holds the rest.
    A seller that holds stakes in rivals is an owner with 1 in its own column. Control goes

    - silent: to the owner with a majority, otherwise to the other owner; minority stakes get none;
    - proportional: to everybody in proportion to the financial interest;
    - total: to the named holders of each firm, equally; to the other owner where there is none.

    Shapes and units: stakes (..., owners, firms), fractions -> control, interest, both
    (..., owners + firms, firms), rows in the order named owners, other owners.
    Special cases: ValueError for an unknown rule, a negative stake, stakes in a firm above one.
    Source: O'Brien and Salop (2000), Antitrust Law Journal 67, table of partial interests.

    >>> control, interest = ownership_structure([[1.0, 0.25]], "silent")
    >>> interest
    array([[1.  , 0.25],
           [0.  , 0.  ],
           [0.  , 0.75]])
    >>> control
    array([[1., 0.],
           [0., 0.],
           [0., 1.]])
    """
    named = _interests(stakes)
    others = np.clip(1.0 - named.sum(axis=-2), 0.0, 1.0)
    own_column = np.eye(named.shape[-1])
    interest = np.concatenate([named, others[..., None, :] * own_column], axis=-2)
    if rule == "proportional":
        return interest, interest
    if rule == "silent":
        named_control = named > 0.5
    elif rule == "total":
        named_control = named > 0.0
    else:
        raise ValueError(f"rule: {rule!r} is not one of {', '.join(get_args(ControlRule))}")
    other_control = ~named_control.any(axis=-2)
    control = np.concatenate([named_control, other_control[..., None, :] * own_column], axis=-2)
    return control, interest


def profit_weights(control: ArrayLike, interest: ArrayLike) -> Floats:
    """Weight each firm puts on the profit of every other, in its owners' interest.

    Formula: lambda_jk = sum_i gamma_ij beta_ik / sum_i gamma_ij beta_ij, so that firm j maximises
    pi_j + sum_(k != j) lambda_jk pi_k.

    Shapes and units: control gamma and interest beta (..., owners, firms) -> (..., firms, firms),
    pure numbers, 1 on the diagonal. Owners left out are atomistic: they have no control.
    Special cases: a firm none of whose owners has control weighs only its own profit; control
    of a firm without any interest in it leaves the weight undefined: ValueError.
    Source: O'Brien and Salop (2000); Azar, Schmalz and Tecu (2018), Journal of Finance 73.

    >>> profit_weights(*ownership_structure([[1.0, 0.25]], "proportional"))
    array([[1.  , 0.25],
           [0.4 , 1.  ]])
    """
    gamma, beta = non_negative(control, "control"), _interests(interest)
    if gamma.shape != beta.shape:
        raise ValueError(f"control has shape {gamma.shape}, interest {beta.shape}: they must agree")
    cross = np.swapaxes(gamma, -1, -2) @ beta
    own = np.diagonal(cross, axis1=-2, axis2=-1)[..., None]
    controlled = own > 0.0
    if (~controlled & (cross > 0.0)).any():
        raise ValueError("control: an owner controls a firm in which no controlling owner has an interest")
    return np.where(controlled, cross / np.where(controlled, own, 1.0), np.eye(gamma.shape[-1]))


def mhhi_delta(amounts: ArrayLike, control: ArrayLike, interest: ArrayLike) -> Floats:
    """What common and cross ownership add to the HHI.

    Formula: MHHI delta = 10,000 * sum_j sum_(k != j) lambda_jk s_j s_k.

    Shapes and units: amounts (..., firms), sales in the market measured; control and interest
    (..., owners, firms) -> (...), points of HHI, at least 0.
    Special cases: exactly 0 when no owner has a part of two firms; no firm active: nan.
    Source: O'Brien and Salop (2000); the example is their silent interest of 25 % with
    shares .4, .3, .3: delta = .25 * .4 * .3.

    >>> stakes = [[1.0, 0.25, 0.0]]
    >>> for rule in ("silent", "proportional", "total"):
    ...     round(float(mhhi_delta([0.4, 0.3, 0.3], *ownership_structure(stakes, rule))), 6)
    300.0
    780.0
    5100.0
    """
    share = shares(amounts)
    weights = profit_weights(control, interest)
    of_rivals = weights * (1.0 - np.eye(weights.shape[-1]))
    delta = (share[..., None, :] @ of_rivals @ share[..., :, None])[..., 0, 0]
    return HHI_OF_MONOPOLY * delta if share.shape[-1] else delta + np.nan


def mhhi(amounts: ArrayLike, control: ArrayLike, interest: ArrayLike) -> Floats:
    """Modified HHI: the HHI plus `mhhi_delta`.

    Formula: MHHI = 10,000 * sum_j sum_k lambda_jk s_j s_k.

    Shapes and units: as `mhhi_delta`; at least the HHI, and above 10,000 under total control with
    small stakes.
    Special cases: no firm active: nan.
    Source: O'Brien and Salop (2000).

    >>> float(mhhi([1.0, 1.0], [[1.0, 1.0]], [[1.0, 1.0]]))
    10000.0
    """
    return hhi(amounts) + mhhi_delta(amounts, control, interest)


def _interests(stakes: ArrayLike) -> Floats:
    held = non_negative(stakes, "stakes")
    if held.ndim < 2:
        raise ValueError(f"stakes: expected an owner x firm matrix, found shape {held.shape}")
    if (held.sum(axis=-2) > 1.0 + 1e-9).any():
        raise ValueError(f"stakes: a firm is held {held.sum(axis=-2).max()} times over, at most 1 is possible")
    return held
