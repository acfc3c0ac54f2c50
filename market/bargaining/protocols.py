"""What every bilateral protocol takes and gives: a table of utilities, the conduct of talks, a settlement.

A protocol is a pure function `(Table, Conduct) -> Settlement`. It knows nothing of clouds or
labs: only what each outcome is worth to the two, what they get without agreement, and what is
common knowledge, which each protocol's docstring states.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from market.bargaining.solutions import Agreement

Array = NDArray[np.float64]
Side = Literal["lab", "provider"]


@dataclass(frozen=True, slots=True)
class Table:
    """One pair's bargaining problem over a finite set of outcomes.

    `lab` and `provider` are utilities, (outcomes,), in USD bn over no deal; minus infinity marks an
    outcome that is not feasible. `threat` is what the two get without agreement; `floors` are outside
    options known to both: they exclude outcomes without moving the threat point (Binmore, Shaked and
    Sutton 1989). `luck` are two draws in [0, 1) that place each side's private reservation value in
    the range the other believes it to lie in; see `Conduct.uncertainty`.
    """

    lab: Array
    provider: Array
    lab_weight: float = 0.5
    threat: tuple[float, float] = (0.0, 0.0)
    floors: tuple[float, float] = (-np.inf, -np.inf)
    luck: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Conduct:
    """How talks are conducted; each protocol reads the fields it needs.

    `impatience_per_quarter` r and the bargaining weight w of the lab give the discount rates
    2 r (1 - w) of the lab and 2 r w of the provider, so that the continuous limit of alternating
    offers is the asymmetric Nash solution with weight w (Binmore, Rubinstein and Wolinsky 1986).
    `deadline_rounds` counts offers. `breakdown_prob` is the chance that talks break down after a
    rejected offer, both then getting the threat point. A side's concession exponent below one is
    Boulware, above one a conceder (Faratin, Sierra and Jennings 1998). `uncertainty` is the width of
    the uniform common prior of a side's reservation gain, as a share of its best gain; the truth is
    the prior's quantile at the table's `luck`. `bidder_shape` is a in F(k) = (k / top)^a, what bidders
    believe of a rival's largest bid; `bidders` how many bid.
    """

    impatience_per_quarter: float = 0.03
    offer_interval_quarters: float = 0.05
    deadline_rounds: int = 200
    breakdown_prob: float = 0.0
    first_mover: Side = "provider"
    tactic: Literal["polynomial", "exponential"] = "polynomial"
    lab_concession: float = 1.0
    provider_concession: float = 1.0
    opening_concession: float = 0.0
    acceptance: Literal["next", "constant", "deadline"] = "next"
    acceptance_level: float = 0.8
    uncertainty: float = 0.0
    bidder_shape: float = 1.0


@dataclass(frozen=True, slots=True)
class Proposal:
    """One offer on the way: who made it in which round, what it gives the two, and the answer.

    `index` is the outcome's place in the table. `believed` is what the other side holds of the proposer's
    reservation gain once it has seen the offer, as (lowest, highest); None where nothing is private.
    """

    round: int
    proposer: Side
    index: int
    lab: float
    provider: float
    answer: Literal["accepted", "rejected"]
    believed: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a protocol led to: an agreement, or none with the reason why.

    `target` names a side and the utility that the protocol owes it exactly, which terms that are
    continuous are then moved to; None where the protocol is a solution concept, to be maximised again.
    """

    agreement: Agreement | None
    reason: str
    proposals: tuple[Proposal, ...] = ()
    target: tuple[Side, float] | None = None


Protocol = Callable[[Table, Conduct], Settlement]
