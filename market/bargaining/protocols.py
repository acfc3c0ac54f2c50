"""What every bilateral protocol takes and gives: a table of utilities, the conduct of talks, a settlement.

A protocol is a pure function `(Table, Conduct) -> Settlement`. It knows nothing of clouds or
labs: only what each outcome is worth to the two, what they get without agreement, and what is
common knowledge, which each protocol's docstring states.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from market.bargaining.solutions import Agreement

Array = NDArray[np.float64]
Side = Literal["lab", "provider"]
Tactic = Literal["polynomial", "exponential"]
Acceptance = Literal["next", "constant", "deadline"]


@dataclass(frozen=True, slots=True)
class Table:
    """One pair's bargaining problem over a finite set of outcomes.

    `lab` and `provider` are utilities, (outcomes,), in USD bn over no deal; minus infinity marks an
    outcome that is not feasible. `threat` is what the two get without agreement; `floors` are outside
    options known to both: they exclude outcomes without moving the threat point (Binmore, Shaked and
    Sutton 1989). `luck` are two draws in [0, 1) that place each side's private reservation value in
    the range the other believes it to lie in; see `Conduct.uncertainty`. Raises ValueError for arrays
    that do not match and numbers out of range; nan among utilities is found by whoever solves the table.
    """

    lab: Array
    provider: Array
    lab_weight: float = 0.5
    threat: tuple[float, float] = (0.0, 0.0)
    floors: tuple[float, float] = (-np.inf, -np.inf)
    luck: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        if self.lab.ndim != 1 or self.lab.shape != self.provider.shape:
            raise ValueError(f"utilities: shapes {self.lab.shape}, {self.provider.shape}; allowed: (outcomes,), both")
        _check("lab_weight", self.lab_weight, 0.0 <= self.lab_weight <= 1.0, "0 to 1")
        _check("threat", self.threat, all(map(math.isfinite, self.threat)), "two finite numbers")
        _check("floors", self.floors, all(floor < math.inf for floor in self.floors), "numbers, or -inf for none")
        _check("luck", self.luck, all(0.0 <= draw < 1.0 for draw in self.luck), "two draws from 0 to below 1")


@dataclass(frozen=True, slots=True)
class Conduct:
    """How talks are conducted; each protocol reads the fields it needs.

    `impatience_per_quarter` r and the bargaining weight w of the lab give the discount rates
    2 r (1 - w) of the lab and 2 r w of the provider, so that the continuous limit of alternating
    offers is the asymmetric Nash solution with weight w (Binmore, Rubinstein and Wolinsky 1986).
    `deadline_rounds` counts offers. `breakdown_prob` is the chance that talks break down after a
    rejected offer, both then getting the threat point. A side's concession exponent below one is
    Boulware, above one a conceder (Faratin, Sierra and Jennings 1998). `acceptance_level` is a share of
    a side's best gain. `uncertainty` is the width of the uniform common prior of a side's reservation
    gain, as a share of its best gain; the truth is the prior's quantile at the table's `luck`.
    `bidder_shape` is a in F(k) = (k / top)^a, what bidders believe of a rival's largest bid. Raises
    ValueError for a field out of its range.
    """

    impatience_per_quarter: float = 0.03
    offer_interval_quarters: float = 0.25
    deadline_rounds: int = 1000
    breakdown_prob: float = 0.0
    first_mover: Side = "provider"
    tactic: Tactic = "polynomial"
    lab_concession: float = 1.0
    provider_concession: float = 1.0
    opening_concession: float = 0.0
    acceptance: Acceptance = "next"
    acceptance_level: float = 0.8
    uncertainty: float = 0.0
    bidder_shape: float = 1.0

    def __post_init__(self) -> None:
        for name in ("impatience_per_quarter", "lab_concession", "provider_concession"):
            value = getattr(self, name)
            _check(name, value, 0.0 <= value < math.inf, "0 or more")
        for name in ("offer_interval_quarters", "bidder_shape"):
            value = getattr(self, name)
            _check(name, value, 0.0 < value < math.inf, "above 0")
        for name in ("breakdown_prob", "opening_concession", "acceptance_level", "uncertainty"):
            value = getattr(self, name)
            _check(name, value, 0.0 <= value <= 1.0, "0 to 1")
        for name, words in (("first_mover", Side), ("tactic", Tactic), ("acceptance", Acceptance)):
            value, allowed = getattr(self, name), get_args(words)
            _check(name, value, value in allowed, ", ".join(allowed))
        whole = isinstance(self.deadline_rounds, int) and self.deadline_rounds >= 1
        _check("deadline_rounds", self.deadline_rounds, whole, "whole rounds, 1 or more")

    def waiting_factors(self, lab_weight: float) -> tuple[float, float]:
        """What a gain one round later is worth to lab and provider: (1 - breakdown) exp(-rate_i * interval).

        >>> Conduct(impatience_per_quarter=0.0, breakdown_prob=0.25).waiting_factors(0.3)
        (0.75, 0.75)
        """
        stays = 1.0 - self.breakdown_prob
        step = 2.0 * self.impatience_per_quarter * self.offer_interval_quarters
        return stays * math.exp(-step * (1.0 - lab_weight)), stays * math.exp(-step * lab_weight)


@dataclass(frozen=True, slots=True)
class Proposal:
    """One offer on the way: who made it in which round, what it gives the two, and the answer.

    Rounds count from one; `index` is the outcome's place in the table, `lab` and `provider` its utilities.
    `believed` is the range, (lowest, highest), in which the private reservation gain is held to lie
    after the offer and its answer: the proposer's under concession tactics, the lab's under
    screening; None where nothing is private.
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
    continuous are then moved to (it may be the side's threat point itself); None where the protocol is a
    solution concept, to be maximised again.
    """

    agreement: Agreement | None
    reason: str
    proposals: tuple[Proposal, ...] = ()
    target: tuple[Side, float] | None = None


def _check(name: str, value: object, allowed: bool, words: str) -> None:
    if not allowed:
        raise ValueError(f"{name}: {value}; allowed: {words}")


Protocol = Callable[[Table, Conduct], Settlement]
