"""Enterprises: Mesa agents that are row views of one population held in columns.

The number of enterprises is a resolution: size weights sum to one, and attributes are spread evenly over
the rows, so that total demand does not depend on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

import mesa
import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from agents.enterprise_tables import ChannelSpace, race_tables
from market import choice_kernels as kernels
from market.choice import positive_stable_quantiles
from market.diffusion import bass_hazard
from market.randomness import key64
from market.scenario import Enterprises

Floats = npt.NDArray[np.float64]

# Shares of an enterprise's workload on its first, second and third channel, by how many it uses.
CHANNEL_SPLIT = ((1.0, 0.0, 0.0), (0.7, 0.3, 0.0), (0.6, 0.3, 0.1))
SIZE_TRUNCATION = 3.0  # standard deviations of log size: no enterprise carries the market at N = 1,000


class Enterprise(mesa.Agent):
    """One enterprise: a view of a row of `model.population`, which holds all state."""

    def __init__(self, model: mesa.Model, row: int) -> None:
        super().__init__(model)
        self.row = row

    @property
    def workload(self) -> float:
        """AI workload as a share of what all enterprises would have; zero before adoption and without a purchase."""
        population: EnterprisePopulation = self.model.population
        return population.size(self.row) if self.channels else 0.0

    @property
    def adopted(self) -> bool:
        """Whether the enterprise has adopted AI."""
        return bool(self.model.population.columns.adopted_tick[self.row] != kernels.NOT_ADOPTED)

    @property
    def segment(self) -> int:
        """Index of its segment."""
        return int(self.model.population.columns.segment[self.row])

    @property
    def incumbent_cloud(self) -> str:
        """Name of the cloud that holds the rest of its computing."""
        population: EnterprisePopulation = self.model.population
        return population.space.clouds[int(population.columns.cloud[self.row])]

    @property
    def channels(self) -> tuple[tuple[str, str], ...]:
        """(lab, cloud) names of the channels in use, the primary one first."""
        population: EnterprisePopulation = self.model.population
        used = [int(a) for a in population.columns.channels[self.row] if a >= 0]
        return tuple(population.space.channel(a) for a in used)


@dataclass(frozen=True, slots=True)
class EnterpriseQuarter:
    """What enterprises did in one quarter; shares are of the size weights, which sum to one.

    `segment_usage` [segment, lab, cloud] sums to `used_frac` = `adopted_frac` less those who buy nothing.
    `cloud_switched_frac` and `model_switched_frac` are per quarter and of all enterprises or all adopters;
    counts come with the number at risk (renewing, choosing anew with a lab in use).
    """

    segment_usage: Floats
    adopted_frac: float
    adopted_count: int
    used_frac: float
    off_incumbent_frac: float
    cloud_switched_frac: float
    model_switched_frac: float
    cloud_switched: int
    cloud_at_risk: int
    model_switched: int
    model_at_risk: int

    @property
    def usage(self) -> Floats:
        """Workload by [lab, cloud]."""
        return np.asarray(self.segment_usage.sum(axis=0))


class EnterprisePopulation:
    """All enterprises in columns (17 bytes each), with the quarter that moves them."""

    def __init__(
        self,
        rules: Enterprises,
        space: ChannelSpace,
        cloud_shares: Sequence[float],
        seed: int,
        replicate: int = 0,
    ) -> None:
        self.rules = rules
        self.space = space
        self.cloud_shares = np.asarray(cloud_shares, dtype=np.float64)
        if self.cloud_shares.shape != (len(space.clouds),) or not abs(self.cloud_shares.sum() - 1.0) < 1e-9:
            raise ValueError(f"cloud_shares must be {len(space.clouds)} shares that sum to one, not {cloud_shares}")
        self.keys = {purpose: key64(seed, replicate, purpose) for purpose in ("adoption", "choice", "cloud")}
        self.columns = _columns(rules, space, self.cloud_shares, key64(seed, replicate, "enterprise"))
        self.nest_noise = _nest_noise(rules.nest)
        self.total_weight = float(self.columns.weight.sum(dtype=np.float64))
        self.adopted_count = 0

    def __len__(self) -> int:
        return int(self.columns.weight.shape[0])

    def size(self, row: int) -> float:
        """Share of one enterprise in the workload that all of them would have."""
        return float(self.columns.weight[row]) / self.total_weight

    def create_agents(self, model: mesa.Model) -> None:
        """Register a row view for every enterprise with a model; where that is done already, nothing."""
        if Enterprise in model.agents_by_type:
            return
        first, agents = model.agent_id_counter, list[Enterprise]()
        for row in range(len(self)):
            # Integers are objects of 32 bytes: the row shares the one that identifies an earlier agent.
            number = agents[row - first].unique_id if row >= first else row
            agents.append(Enterprise(model, number))

    def quarter(
        self,
        tick: int,
        *,
        utility: npt.ArrayLike,
        reach: npt.ArrayLike,
        friction: float,
        switching_cost: float,
        cloud_utility: npt.ArrayLike | None = None,
        cloud_switching_cost_change: float = 0.0,
        threads: int = 1,
    ) -> EnterpriseQuarter:
        """Adopt, move clouds, choose channels at renewal, on adoption and where one was lost; add up the workload.

        `utility` [segment, lab] or [segment, lab, cloud] and `reach` [lab, cloud] as in `race_tables`;
        `friction` off the incumbent cloud and `switching_cost` of changing the main lab in logit units.
        An enterprise at renewal leaves its cloud with the odds that `cloud_switching_per_year` gives, times
        exp(-`cloud_switching_cost_change`), for another by logit over `cloud_utility` [cloud] (the log of the
        shares at the start where None). Results have the same bits for any number of `threads`.
        """
        rules = self.rules
        adopted = self.adopted_count / len(self)
        hazard = float(bass_hazard(adopted, rules.innovation, rules.imitation))
        attraction = _log(self.cloud_shares) if cloud_utility is None else np.asarray(cloud_utility, np.float64)
        race = race_tables(
            self.space, rules, np.asarray(utility, np.float64), np.asarray(reach, np.bool_), friction, switching_cost,
            attraction, self.nest_noise,
        )  # fmt: skip
        clock = kernels.Quarter(
            tick=tick,
            renewal_quarters=rules.renewal_quarters,
            adoption_hazard=hazard,
            leave_cloud=self._leave_cloud(cloud_switching_cost_change),
            adoption_key=np.uint64(self.keys["adoption"]),
            choice_key=np.uint64(self.keys["choice"]),
            cloud_key=np.uint64(self.keys["cloud"]),
            split=np.array(CHANNEL_SPLIT),
        )
        totals, usage = _run(self.columns, race, clock, rules.segments, threads)
        self.adopted_count = int(totals[kernels.ADOPTED_COUNT])
        return self._summary(totals, usage)

    def _leave_cloud(self, cost_change: float) -> float:
        """Probability of leaving the cloud at a renewal, from the yearly one and a change of the switching cost."""
        renewal_years = self.rules.renewal_quarters / 4.0
        leave: float = 1.0 - (1.0 - self.rules.cloud_switching_per_year) ** renewal_years
        return leave / (leave + (1.0 - leave) * float(np.exp(cost_change)))

    def _summary(self, totals: Floats, usage: Floats) -> EnterpriseQuarter:
        used, adopted = float(totals[kernels.USED]), float(totals[kernels.ADOPTED])
        labs, clouds = len(self.space.labs), len(self.space.clouds)
        return EnterpriseQuarter(
            segment_usage=usage.reshape(-1, labs, clouds) / self.total_weight,
            adopted_frac=adopted / self.total_weight,
            adopted_count=int(totals[kernels.ADOPTED_COUNT]),
            used_frac=used / self.total_weight,
            off_incumbent_frac=float(totals[kernels.OFF_INCUMBENT]) / used if used > 0.0 else 0.0,
            cloud_switched_frac=float(totals[kernels.CLOUD_SWITCHED]) / self.total_weight,
            model_switched_frac=float(totals[kernels.MODEL_SWITCHED]) / adopted if adopted > 0.0 else 0.0,
            cloud_switched=int(totals[kernels.CLOUD_SWITCHED_COUNT]),
            cloud_at_risk=int(totals[kernels.AT_RENEWAL_COUNT]),
            model_switched=int(totals[kernels.MODEL_SWITCHED_COUNT]),
            model_at_risk=int(totals[kernels.RECHOOSING_COUNT]),
        )


def _run(
    columns: kernels.Columns, race: kernels.Race, clock: kernels.Quarter, segments: int, threads: int
) -> tuple[Floats, Floats]:
    """Totals and usage of one quarter, added up in the order of the chunks."""
    chunks = -(-columns.weight.shape[0] // kernels.CHUNK)
    totals = np.zeros((chunks, kernels.TOTALS))
    usage = np.zeros((chunks, segments, race.labs * race.clouds))
    edges = np.linspace(0, chunks, threads + 1).astype(int)
    parts = [(int(a), int(b), columns, race, clock, totals, usage) for a, b in pairwise(edges)]
    if threads == 1:
        kernels.run_chunks(*parts[0])
    else:
        list(_pool(threads).map(lambda part: kernels.run_chunks(*part), parts))
    return totals.sum(axis=0), usage.sum(axis=0)


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    """Threads that stay: freshly started ones gain nothing."""
    return ThreadPoolExecutor(threads, thread_name_prefix="enterprises")


def _columns(rules: Enterprises, space: ChannelSpace, cloud_shares: Floats, key: int) -> kernels.Columns:
    """Attributes of the rows; row i has the same ones whatever the number of rows, its size up to a common factor.

    Sizes are scaled by incumbent cloud, so that the clouds' shares at the start are exact and not a sample's.
    """
    count = rules.count
    size, segment, cloud, phase, wanted = _even_spread(count, 5, key)
    second = rules.second_model_prob
    weight, incumbent = _sizes(size, rules.size_sigma), _incumbents(cloud, cloud_shares, space)
    held = np.bincount(incumbent, weights=weight, minlength=len(cloud_shares))
    scale = np.divide(cloud_shares * held.sum(), held, out=np.ones_like(held), where=held > 0.0)
    return kernels.Columns(
        weight=(weight * scale[incumbent]).astype(np.float32),
        segment=(segment * rules.segments).astype(np.int8),
        cloud=incumbent,
        phase=(phase * rules.renewal_quarters).astype(np.int8),
        wanted=(1 + (wanted < second).astype(np.int8) + (wanted < second**2).astype(np.int8)).astype(np.int8),
        adopted_tick=np.full(count, kernels.NOT_ADOPTED, dtype=np.int16),
        channels=np.full((count, kernels.MOST_CHANNELS), kernels.NO_PURCHASE, dtype=np.int16),
    )


def _even_spread(count: int, dimensions: int, key: int) -> Any:
    """Points of [0, 1)^d that fill it evenly for any count: the additive recurrence of Roberts (2018).

    x_i = frac(shift + i a), a_k = g^-k, g the root of g^(d+1) = g + 1; shifts are drawn under the key.
    """
    root = 2.0
    for _ in range(60):
        root = (1.0 + root) ** (1.0 / (dimensions + 1))
    rows = np.arange(1, count + 1, dtype=np.float64)
    shifts = np.random.Generator(np.random.PCG64(key)).random(dimensions)
    return [(shifts[k] + rows * root ** -(k + 1.0)) % 1.0 for k in range(dimensions)]


def _sizes(quantile: Floats, sigma: float) -> Floats:
    """Log-normal sizes, truncated at SIZE_TRUNCATION standard deviations."""
    edge = float(ndtr(SIZE_TRUNCATION))
    return np.asarray(np.exp(sigma * ndtri((1.0 - edge) + quantile * (2.0 * edge - 1.0))))


def _incumbents(quantile: Floats, shares: Floats, space: ChannelSpace) -> npt.NDArray[np.int8]:
    """Incumbent clouds; the clouds divide [0, 1) in the order of their keys, so that no list order matters."""
    order = np.argsort(space.cloud_keys)
    edges = np.cumsum(shares[order])[:-1]
    return np.asarray(order[np.searchsorted(edges, quantile, side="right")], dtype=np.int8)


@cache
def _nest_noise(dissimilarity: float) -> npt.NDArray[np.float32]:
    """1 / S by classes of equal probability, held within what 32 bits can carry; one array for all, only read."""
    stable = positive_stable_quantiles(dissimilarity, kernels.NEST_CLASSES)
    return np.clip(1.0 / stable, 1.0 / kernels.OUT_OF_REACH, kernels.OUT_OF_REACH).astype(np.float32)


def _log(shares: Floats) -> Floats:
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(shares))
