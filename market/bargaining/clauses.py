"""What a clause costs the lab that it ties and brings the provider that holds it, by term.

A clause in force is the point of departure: terms may loosen it, tighten it or leave it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from market.bargaining.cover import Sums
from market.bargaining.views import Grid, LabView, ProviderView, Weights
from market.deals import Exclusivity

Array = NDArray[np.float64]
# How far each clause ties the lab, the exclusive one being the whole: an assumption of this model.
TIED = {
    Exclusivity.NONE: 0.0,
    Exclusivity.PRIMARY: 0.3,
    Exclusivity.FIRST_REFUSAL: 0.6,
    Exclusivity.EXCLUSIVE: 1.0,
}
# Share of customers who change rather than accept friction, once a model can be had on their cloud: an assumption
# of this model. A friction of 1.2 moves 0.77 of a logit's choices, contracts of two years let half choose in a year.
DIVERSION = 0.3


def by_clause(grid: Grid, provider: ProviderView, by_kind: dict[Exclusivity, Array]) -> Array:
    """By (term, clause): what each clause on the table is worth over the one in force."""
    return np.stack([by_kind[kind] - by_kind[provider.running_clause] for kind in grid.clauses], axis=1)


def tied_cost(
    lab: LabView, provider: ProviderView, grid: Grid, weights: Weights, cover_value: float, sums: Sums
) -> dict[Exclusivity, Array]:
    """What each clause costs the lab, by term: a second source lost, convex in how far the clause ties it.

    An exclusive one costs besides the need that the provider alone cannot meet and the customers
    whose cloud it leaves.
    """
    lost_reach = DIVERSION * (1.0 - provider.incumbent_share) * lab.enterprise_revenue_usd_bn_per_quarter
    second_source = weights.second_source * lab.yearly_compute_usd_bn / 4.0
    short = np.zeros(len(grid.terms))
    for i, term in enumerate(grid.terms):
        beta = (1.0 + weights.discounting) ** -np.arange(term)
        short[i] = float((beta * np.maximum(lab.need_gw[:term] - provider.alone_gw[:term], 0.0)).sum())
    costs = {kind: -(tied**2) * second_source * sums.clause for kind, tied in TIED.items()}
    alone = cover_value * short + weights.pull_through_margin * lost_reach * sums.clause
    costs[Exclusivity.EXCLUSIVE] = costs[Exclusivity.EXCLUSIVE] - alone
    return costs


def captured(provider: ProviderView, weights: Weights, sums: Sums) -> dict[Exclusivity, Array]:
    """What each clause brings the provider, by term: margin on need not contracted yet that now comes its way."""
    margin = max(provider.price_usd_bn_per_gw_quarter - provider.user_cost_usd_bn_per_gw_quarter, 0.0)
    return {kind: tied * weights.capture * margin * sums.uncovered for kind, tied in TIED.items()}


def pull_through(lab: LabView, provider: ProviderView, grid: Grid, weights: Weights, sums: Sums) -> Array:
    """By (term, clause): margin on customers regained, its own by hosting, the others' by exclusivity."""
    flow = weights.pull_through_margin * weights.pull_through_multiple * DIVERSION
    flow *= lab.enterprise_revenue_usd_bn_per_quarter
    own = 0.0 if provider.reachable else flow * provider.incumbent_share
    others = flow * (1.0 - provider.incumbent_share)
    bound = [kind is Exclusivity.EXCLUSIVE for kind in (*grid.clauses, provider.running_clause)]
    more = np.array(bound[:-1], dtype=float) - float(bound[-1])
    return sums.clause[:, None] * (own + others * more)
