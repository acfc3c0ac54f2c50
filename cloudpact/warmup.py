"""Compile every kernel into Numba's cache on disk, during set-up: `python -m cloudpact.warmup`."""

from __future__ import annotations

import numpy as np

from agents.enterprise import EnterprisePopulation
from agents.enterprise_tables import ChannelSpace
from market.bargaining.factored import best_factored, contenders_factored, factored, ideal_factored
from market.bargaining.search import best_terms
from market.scenario import Enterprises


def main() -> None:
    """Run one quarter of ten enterprises and search the smallest grids of terms: all that a market calls."""
    space = ChannelSpace(("lab", "Open models"), ("cloud", "Other clouds"))
    population = EnterprisePopulation(Enterprises(count=10), space, (0.5, 0.5), seed=0)
    population.quarter(0, utility=np.zeros((3, 2)), reach=np.ones((2, 2), bool), friction=0.0, switching_cost=0.0)
    one, table = np.ones(1), np.ones((1, 1))
    best_terms([one], [one])
    terms = factored(
        lab_outer=one, lab_inner=one, lab_rest=table,
        provider_base=one, provider_outer=one, provider_inner=one, provider_rest=table,
        group=np.zeros(1, np.int64), allowed_outer=np.ones(1, bool), allowed_inner=np.ones((1, 1), bool),
    )  # fmt: skip
    best_factored(terms)
    ideal_factored(terms)
    contenders_factored(terms)


if __name__ == "__main__":
    main()
