"""The enterprise quarter as plain Mesa objects: what the columns are measured and tested against.

One object an enterprise, 64-bit floats, the utilities of every alternative written out. Luck comes from
outside: a generator (as one would write it) or the hash that the columns use, when decisions must agree.
"""

from __future__ import annotations

from typing import Any, Protocol

import mesa
import numpy as np
import numpy.typing as npt

from agents.enterprise import CHANNEL_SPLIT, EnterprisePopulation
from market import choice_kernels as kernels
from market.counter_hash import noise32, row_hash
from market.diffusion import bass_hazard
from market.vector_race import NEST_BITS

Floats = npt.NDArray[np.float64]
PURPOSES = ("adoption", "choice", "cloud")


class Luck(Protocol):
    """Where an enterprise's draws come from."""

    def uniform(self, purpose: str, row: int, counter: int) -> float: ...
    def race(self, row: int, counter: int) -> tuple[Floats, Floats]: ...
    def clouds(self, row: int, counter: int) -> Floats: ...


class GeneratorLuck:
    """Draws of a generator, for plain logit."""

    def __init__(self, seed: int, alternatives: int, clouds: int) -> None:
        self.generator = np.random.default_rng(seed)
        self.sizes = alternatives, clouds
        self.ones = np.ones(alternatives)

    def uniform(self, purpose: str, row: int, counter: int) -> float:
        return self.generator.random()

    def race(self, row: int, counter: int) -> tuple[Floats, Floats]:
        return self.generator.standard_exponential(self.sizes[0]), self.ones

    def clouds(self, row: int, counter: int) -> Floats:
        return self.generator.standard_exponential(self.sizes[1])


class HashLuck:
    """The draws that the columns of a population use."""

    def __init__(self, population: EnterprisePopulation, race: kernels.Race) -> None:
        self.keys = {name: np.uint64(population.keys[name]) for name in PURPOSES}
        self.tables, self.count = race, race.labs * race.clouds + 1

    def uniform(self, purpose: str, row: int, counter: int) -> float:
        return (int(row_hash(self.keys[purpose], row, counter)) >> 11) * 2.0**-53

    def race(self, row: int, counter: int) -> tuple[Floats, Floats]:
        keys, nest_keys = self.tables.keys[: self.count], self.tables.nest_keys[: self.count]
        classes = self._noise("choice", row, counter, nest_keys) >> (32 - NEST_BITS)
        return self._exponentials("choice", row, counter, keys), self.tables.nest_noise[classes].astype(np.float64)

    def clouds(self, row: int, counter: int) -> Floats:
        return self._exponentials("cloud", row, counter, self.tables.cloud_keys)

    def _noise(self, purpose: str, row: int, counter: int, keys: Any) -> npt.NDArray[np.int64]:
        bits = int(row_hash(self.keys[purpose], row, counter))
        low, high = np.uint32(bits & 0xFFFFFFFF), np.uint32(bits >> 32)
        return np.array([noise32(low, high, key) for key in keys], dtype=np.int64)

    def _exponentials(self, purpose: str, row: int, counter: int, keys: Any) -> Floats:
        return -np.log(1.0 - (self._noise(purpose, row, counter, keys) + 0.5) * 2.0**-32)


class PlainMarket(mesa.Model):
    """A model of plain enterprises that copies the attributes of a population."""

    def __init__(self, population: EnterprisePopulation, luck: Luck, terms: dict[str, Any], rows: int) -> None:
        super().__init__(rng=1)
        self.luck, self.terms, self.rules = luck, terms, population.rules
        labs, clouds = len(population.space.labs), len(population.space.clouds)
        self.labs, self.outside, self.tick = labs, labs * clouds, 0
        self.lab_of, self.cloud_of = np.arange(self.outside) // clouds, np.arange(self.outside) % clouds
        utility = np.where(terms["reach"], terms["utility"], -np.inf)
        self.utility = utility.reshape(len(utility), self.outside)
        self.cloud_weights = population.cloud_shares
        self.leave = population._leave_cloud(0.0)
        self.adopted = 0
        for row in range(rows):
            PlainEnterprise(self, row, population.columns)

    def quarter(self, tick: int) -> Floats:
        """One quarter; usage by alternative in units of the sum of weights."""
        self.tick = tick
        agents = self.agents
        self.hazard = float(bass_hazard(self.adopted / len(agents), self.rules.innovation, self.rules.imitation))
        self.usage, self.adopted, self.weight = np.zeros(self.outside), 0, 0.0
        agents.do("step")
        return self.usage / self.weight


class PlainEnterprise(mesa.Agent):
    """One enterprise with its own state."""

    def __init__(self, model: PlainMarket, row: int, columns: kernels.Columns) -> None:
        super().__init__(model)
        self.row = row
        self.weight = float(columns.weight[row])
        self.segment, self.cloud = int(columns.segment[row]), int(columns.cloud[row])
        self.phase, self.wanted = int(columns.phase[row]), int(columns.wanted[row])
        self.adopted = False
        self.channels: list[int] = []

    def step(self) -> None:
        """One quarter of this enterprise."""
        model = self.model
        renews = (model.tick + self.phase) % model.rules.renewal_quarters == 0
        if renews and model.luck.uniform("cloud", self.row, model.tick) < model.leave:
            self.move_cloud()
        chooses = renews or any(model.utility[self.segment, j] == -np.inf for j in self.channels)
        if not self.adopted:
            self.adopted = chooses = model.luck.uniform("adoption", self.row, model.tick) < model.hazard
        if self.adopted and chooses:
            self.choose()
        self.report()

    def move_cloud(self) -> None:
        """Leave for another cloud, by weight."""
        times = self.model.luck.clouds(self.row, self.model.tick) / self.model.cloud_weights
        times[self.cloud] = np.inf
        self.cloud = int(times.argmin())

    def choose(self) -> None:
        """Nested logit over all channels and no purchase; the next best labs as further channels."""
        model, terms = self.model, self.model.terms
        utility = model.utility[self.segment] - terms["friction"] * (model.cloud_of != self.cloud)
        if self.channels:
            utility = utility - terms["switching_cost"] * (model.lab_of != model.lab_of[self.channels[0]])
        noise, nest = model.luck.race(self.row, (model.tick + self.phase) // model.rules.renewal_quarters)
        times = noise * nest * np.exp(-np.append(utility, model.rules.no_purchase_utility) / model.rules.nest)
        self.channels = []
        for _ in range(self.wanted):
            first = int(times.argmin())
            if first == model.outside:
                break
            self.channels.append(first)
            times[:-1][model.lab_of == model.lab_of[first]] = np.inf

    def report(self) -> None:
        """Add the workload to the model's table."""
        model = self.model
        model.weight += self.weight
        model.adopted += self.adopted
        for share, j in zip(CHANNEL_SPLIT[len(self.channels) - 1], self.channels, strict=False):
            model.usage[j] += share * self.weight
