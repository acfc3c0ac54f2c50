"""Take-it-or-leave-it offers of a provider that does not know the lab's reservation value.

In each round up to the deadline the provider offers the lab a gain; the lab accepts, or rejects and gets
another offer an interval later (unless talks break down). The lab's reservation gain is uniform on 0
to `uncertainty` times its best gain, known to it alone; a known floor cuts that from below. Everything else is
common knowledge: efficient terms, floors, rates, deadline, and the provider's own reservation gain. Both
count gains over their reservation values, discounted as in alternating offers. The provider cannot
bind itself to later offers.

Labs that lose most by waiting, those of low reservation gain, accept first, and after a rejection the
lab's gain is uniform on what is left (the skimming property). With r the reservation gain of the marginal lab b and
d = (1 - p) delta, a lab is indifferent where x_t - r = d_lab (x_(t+1) - r), so the provider solves

    V_t(a) = max over b >= a of (b - a) h(x_t(b)) + d_provider V_(t+1)(b),
    x_t(b) = (1 - d_lab) r(b) + d_lab x_(t+1)(b),

h its gain on the concave hull of the efficient terms (as in alternating offers), a, b counted in the prior's
mass. Solved backwards over a grid of marginal labs, the best one refined by a parabola, which is exact on a
linear pie with no floor and else good to a part of the grid's step.

At most 5 offers are made: where the deadline leaves more rounds, they are spread evenly over them, an
offer then standing for several rounds. The more offers in a given time the flatter is each choice, and
off the linear pie errors of the grid swamp the solution: with 5 offers, uncertainty one and little
impatience the first offer moves by 2 % of the best gain with the grid on a parabola, with 20 by 10 %. Fewer
offers give the provider power to commit: at an impatience of 0.03 over ten quarters it asks 0.42 of a
linear pie rather than the 0.37 of 200 offers; where time costs much the gap is wider (Coase 1972).

Limits: without uncertainty, or in the last round, an ultimatum; one round is the static monopoly; a linear
pie with uncertainty one is Sobel and Takahashi (1983); where every lab is worth serving (a "gap"), all are
served soon, at once if the prior is narrow (Fudenberg, Levine and Tirole 1985).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from market.bargaining.protocols import Array, Conduct, Proposal, Settlement, Table
from market.bargaining.zone import (
    Zone,
    agreed,
    concave_hull,
    no_deal,
    reservation_gains,
    zone_of_agreement,
)

GRID_LABS = 65
MOST_OFFERS = 5
LABS = np.linspace(0.0, 1.0, GRID_LABS)
PLACES = np.arange(GRID_LABS)
# nobody before the first lab left can be the marginal one
BEFORE_FIRST = np.where(PLACES[:, None] <= PLACES, 0.0, -np.inf)


@dataclass(frozen=True, slots=True)
class Screen:
    """One offer of a gain to the lab, and the mass of the prior that has accepted before it and after it, 0 to 1."""

    offer: float
    before: float
    after: float


def screening(table: Table, conduct: Conduct) -> Settlement:
    """The provider's rising offers until the lab, of the table's luck, accepts, or the deadline has passed.

    Reads the impatience, interval, deadline, breakdown and uncertainty of the conduct. The target is the
    offer accepted. ValueError as in `pareto_frontier`.

    >>> pie = np.linspace(0.0, 1.0, 101)
    >>> unsure = Conduct(uncertainty=1.0, deadline_rounds=1)
    >>> round(screening(Table(pie, 1.0 - pie, luck=(0.3, 0.0)), unsure).agreement.first, 6)
    0.5
    >>> screening(Table(pie, 1.0 - pie, luck=(0.6, 0.0)), unsure).reason
    'the lab turned down the last offer'
    """
    zone = zone_of_agreement(table)
    if not len(zone):
        return no_deal(table)
    top = conduct.uncertainty * zone.best[0]
    open_terms = zone.above((0.0, reservation_gains(zone, table, conduct)[1]))
    proposals: list[Proposal] = []
    for turn, screen in enumerate(screening_offers(open_terms, top, table.lab_weight, conduct)):
        place = int(open_terms.places[open_terms.serving("lab", screen.offer)])
        accepted = table.luck[0] < screen.after
        answer: Literal["accepted", "rejected"] = "accepted" if accepted else "rejected"
        left = (screen.before, screen.after) if accepted else (screen.after, 1.0)
        believed = (max(left[0] * top, zone.least[0]), max(left[1] * top, zone.least[0])) if top > 0.0 else None
        worth = float(table.lab[place]), float(table.provider[place])
        begins = 1 + int(turn * _rounds_each(conduct))
        proposals.append(Proposal(begins, "provider", place, *worth, answer, believed))
        if accepted:
            return agreed(table, place, tuple(proposals), ("lab", table.threat[0] + screen.offer))
    return Settlement(None, "the lab turned down the last offer", tuple(proposals))


def screening_offers(zone: Zone, top: float, lab_weight: float, conduct: Conduct) -> Iterator[Screen]:
    """The equilibrium offers in gains, first to last, made as long as all are rejected.

    `top` is the upper end of the prior of the lab's reservation gain; the zone is cut at the provider's own
    reservation gain. They end where every lab has accepted, or at the deadline.

    >>> pie = np.linspace(0.0, 1.0, 101)
    >>> zone = zone_of_agreement(Table(pie, 1.0 - pie))
    >>> patient = Conduct(impatience_per_quarter=0.0, breakdown_prob=0.1, deadline_rounds=2)
    >>> [(round(screen.offer, 6), round(screen.after, 6)) for screen in screening_offers(zone, 1.0, 0.5, patient)]
    [(0.534615, 0.153846), (0.576923, 0.576923)]
    """
    if top <= zone.least[0]:
        yield Screen(zone.least[0], 0.0, 1.0)
        return
    before = 0.0
    for plan in _plans(zone, top, lab_weight, conduct):
        after = max(before, float(np.interp(before, LABS, plan.after)))
        yield Screen(float(np.interp(before, LABS, plan.offers)), before, after)
        if after == 1.0:
            return
        before = after


@dataclass(frozen=True, slots=True)
class _Plan:
    """What the provider offers in one round, and up to which lab it is accepted, by the first lab left (labs,)."""

    offers: Array
    after: Array
    value: Array


def _plans(zone: Zone, top: float, lab_weight: float, conduct: Conduct) -> list[_Plan]:
    """One plan an offer, the first offer's first."""
    rounds_each = _rounds_each(conduct)
    keeps_lab, keeps_provider = (factor**rounds_each for factor in conduct.waiting_factors(lab_weight))
    lab_gains, provider_gains = (np.array(corner) for corner in concave_hull(zone).corners["lab"])
    reservations = np.maximum(LABS * top, zone.least[0])
    plan = _Plan(reservations, LABS, np.zeros(GRID_LABS))
    found = []
    for _ in range(min(conduct.deadline_rounds, MOST_OFFERS)):
        offers = reservations + keeps_lab * (plan.offers - reservations)
        gains = np.interp(offers, lab_gains, provider_gains) - zone.least[1]
        # beyond the lab's best terms there is nothing to offer: a loss that grows keeps the provider from it
        gains = np.where(offers > lab_gains[-1], lab_gains[-1] - offers, gains)
        plan = _best_plan(offers, gains, keeps_provider * plan.value)
        found.append(plan)
    return found[::-1]


def _rounds_each(conduct: Conduct) -> float:
    """Rounds that one offer stands for."""
    return max(conduct.deadline_rounds / MOST_OFFERS, 1.0)


def _best_plan(offers: Array, gains: Array, waiting: Array) -> _Plan:
    """Best cutoff for every first lab left: on the grid first, then at the top of the parabola around it."""
    worth = (LABS * gains + waiting) - np.multiply.outer(LABS, gains)
    # of cutoffs worth the same the last: a provider that gains nothing by waiting serves the lab
    best = GRID_LABS - 1 - (worth + BEFORE_FIRST)[:, ::-1].argmax(axis=1)
    centre = np.minimum(np.maximum(best, 1), GRID_LABS - 2)
    low, mid, high = (worth[PLACES, centre + step] for step in (-1, 0, 1))
    bend = low - 2.0 * mid + high
    top = np.divide(0.5 * (low - high), bend, out=np.zeros(GRID_LABS), where=bend < 0.0)
    shift = np.minimum(np.maximum(top, np.maximum(PLACES - centre, -1)), 1.0)
    refined = mid + shift * (0.5 * (high - low) + 0.5 * shift * bend)
    at_node = worth[PLACES, best]
    cutoff = np.where(refined > at_node, centre + shift, best) / (GRID_LABS - 1)
    return _Plan(np.interp(cutoff, LABS, offers), cutoff, np.maximum(refined, at_node))
