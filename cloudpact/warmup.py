"""Compile every kernel into Numba's cache on disk, during set-up: `python -m cloudpact.warmup`."""

from __future__ import annotations

import numpy as np

from agents.enterprise import EnterprisePopulation
from agents.enterprise_tables import ChannelSpace
from market.scenario import Enterprises


def main() -> None:
    """Run one quarter of ten enterprises, which compiles what a market calls."""
    space = ChannelSpace(("lab", "Open models"), ("cloud", "Other clouds"))
    population = EnterprisePopulation(Enterprises(count=10), space, (0.5, 0.5), seed=0)
    population.quarter(0, utility=np.zeros((3, 2)), reach=np.ones((2, 2), bool), friction=0.0, switching_cost=0.0)


if __name__ == "__main__":
    main()
