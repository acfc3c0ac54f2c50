"""What phases and users ask of a market; no economics is decided here."""

# These are methods of a `CloudMarket`, which alone derives from this class; mypy wants `self` to be the class itself.
# mypy: disable-error-code="misc"

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agents.hyperscaler import Hyperscaler
from agents.lab import Lab
from cloudpact.quarter.recording import deal_row
from market.calendar import quarter_name
from market.capacity import effective_compute
from market.deals import Deal, Exclusivity
from market.ownership import CapTable
from market.pricing import CostBasis, full_cost
from market.randomness import stream
from market.relationships import build_graph

if TYPE_CHECKING:
    import networkx as nx

    from cloudpact.model import CloudMarket
    from cloudpact.results import Results
    from market.scenario import Scenario

# Plain state of a market besides its agents; everything else follows from scenario, seed and facts.
STATE = (
    "quarter", "tick", "running", "book", "ledger", "supply", "supplier_cash_flow", "supplier_tables", "price",
    "spot_fill", "appetite", "spending_growth", "latent", "spending", "consumer_shares", "reach", "last_delivered",
    "unspent_equity", "backlog", "clauses", "funding_needs", "arrears", "invested", "events", "conditions",
    "flows", "tables", "population", "incumbent_weights", "observed_scale", "phase", "replay",
    "barred",
)  # fmt: skip


# Making a million agents costs more than simulating them; beyond this many they are made on demand.
EAGER_AGENTS = 100_000


class Inquiries:
    """Questions to a `CloudMarket`: luck, costs, facts in force, tables, graph, saving and forking."""

    # luck

    def normal(self: CloudMarket, purpose: str, sd: float, *names: str) -> float:
        """A normal draw with mean nil from the stream of (seed, replicate, purpose, tick, names)."""
        if sd == 0.0:
            return 0.0
        return sd * float(stream(self.seed, self.replicate, purpose, self.tick, *names).standard_normal())

    def uniform(self: CloudMarket, purpose: str, *names: str) -> float:
        """A uniform draw from the stream of (seed, replicate, purpose, tick, names)."""
        return float(stream(self.seed, self.replicate, purpose, self.tick, *names).random())

    # costs and limits

    def cost_basis(self: CloudMarket, provider: Hyperscaler) -> CostBasis:
        """A provider's cost of a GW this quarter."""
        rules = self.parameters.capacity
        cost = rules.build_cost_usd_bn_per_gw * (1.0 + rules.build_cost_growth_per_year) ** (self.tick / 4.0)
        rate = rules.cost_of_capital_per_quarter + self.conditions.interest
        return provider.cost_basis(self.parameters, cost * self.draws.build_cost, rate)

    @property
    def merchant_cost(self: CloudMarket) -> float:
        """Full cost of a GW-quarter with merchant chips, the anchor of list prices: nobody passes on cheaper chips."""
        rules = self.parameters
        cost = rules.capacity.build_cost_usd_bn_per_gw * (1.0 + rules.capacity.build_cost_growth_per_year) ** (
            self.tick / 4.0
        )
        chips, build = rules.capacity.chip_share, cost * self.draws.build_cost
        basis = CostBasis(
            build * chips,
            build * (1.0 - chips),
            rules.capacity.chip_life_quarters,
            rules.capacity.shell_life_quarters,
            rules.capacity.operating_usd_bn_per_gw_quarter,
            rules.capacity.cost_of_capital_per_quarter + self.conditions.interest,
        )
        return full_cost(basis, rules.capex.utilisation_target)

    @property
    def revenue_per_gw_year(self: CloudMarket) -> float:
        """Revenue that a GW of inference serves in a year."""
        return self.parameters.demand.revenue_per_gw_year * self.draws.revenue_per_gw

    @property
    def supply_limit_gw(self: CloudMarket) -> float:
        """GW that can be ordered this quarter under the conditions in force."""
        return min(
            self.supply.accelerators_gw * self.conditions.accelerators, self.supply.power_gw * self.conditions.power
        )

    def efficiency_of(self: CloudMarket, provider: Hyperscaler, growth_per_year: float) -> float:
        """Effective compute per GW installed, in GW of the first quarter's hardware."""
        quarters, gw = provider.capacity.vintages()
        installed = float(gw.sum())
        if installed <= 0.0:
            return 1.0
        return effective_compute(quarters, gw, self.first_quarter, growth_per_year) / installed

    def chip_shares(self: CloudMarket, provider: Hyperscaler) -> dict[str, float]:
        """Who gets a provider's chip purchases: its own supplier, or the merchants by share."""
        own = provider.spec.supplier
        if own:
            return {own: 1.0}
        return {name: self.parameters.suppliers[name].merchant_share for name in self.supplier_names}

    def incumbent_share(self: CloudMarket, provider: Hyperscaler) -> float:
        """Weight of enterprises whose incumbent cloud this is."""
        return float(self.incumbent_weights[provider.index])

    @property
    def population_other_share(self: CloudMarket) -> float:
        """Weight of enterprises whose incumbent cloud is none of the hyperscalers."""
        return float(self.incumbent_weights[-1])

    # facts in force

    @property
    def quarter_label(self: CloudMarket) -> str:
        """Name of the quarter, such as 2026Q3."""
        return quarter_name(self.quarter)

    @property
    def disclosed(self: CloudMarket) -> dict[int, list[Any]]:
        """Disclosed deals by quarter, up to the origin."""
        return self.history.disclosed

    def observed_capex(self: CloudMarket, name: str, quarter: int) -> float:
        """Imposed capex; before its first fact, the fact of its first quarter; without facts, the scenario's."""
        series = self.history.capex.get(name, {})
        if quarter in series:
            return series[quarter]
        earlier = [known for known in series if known <= quarter]
        if earlier:
            return series[max(earlier)]
        return self.provider_by_name[name].spec.capex_usd_bn_per_quarter

    def observed_cloud(self: CloudMarket, name: str) -> float | None:
        """Cloud revenue imposed this quarter, or None."""
        return self.history.cloud.get(name, {}).get(self.quarter) if self.quarter <= self.capex_until else None

    def observed_run_rate(self: CloudMarket, lab: str) -> float | None:
        """Disclosed run-rate of this quarter, or None."""
        return self.history.run_rates.get(lab, {}).get(self.quarter)

    def observed_value(self: CloudMarket, lab: str) -> float | None:
        """Disclosed valuation of this quarter, or None."""
        return self.history.values.get(lab, {}).get(self.quarter)

    # contracts and ownership

    def refresh_clauses(self: CloudMarket) -> None:
        """Read the exclusivity clauses in force from the book."""
        self.clauses = {lab.name: dict(self.book.exclusivity(lab.name, self.quarter)) for lab in self.labs}

    def exclusive_hosts(self: CloudMarket, lab: Lab) -> list[str]:
        """Providers to which a lab is bound exclusively now; none where it is free."""
        return [name for name, kind in self.clauses[lab.name].items() if kind is Exclusivity.EXCLUSIVE]

    def table_of(self: CloudMarket, company: str) -> CapTable:
        """Cap table of a lab, or of a provider or supplier, which the public owns at first."""
        if company in self.lab_by_name:
            return self.lab_by_name[company].cap_table
        return self.supplier_tables.setdefault(company, CapTable({"Public shareholders": 1.0}))

    def deal_name(self: CloudMarket, deal: Deal) -> str:
        """Slug of a disclosed deal, `run:number` of a simulated one."""
        return deal.slug or f"{self.replicate}:{deal.number}"

    # agents

    def register_enterprises(self: CloudMarket) -> None:
        """Make the enterprises' row views and register them with Mesa, once."""
        if not getattr(self, "_enterprises_registered", True):
            self._enterprises_registered = True
            self.population.create_agents(self)

    @property
    def agents_by_type(self: CloudMarket) -> Any:
        """Agents by class; beyond `EAGER_AGENTS` enterprises are made when first asked for, and no result changes."""
        self.register_enterprises()
        return super().agents_by_type

    @property
    def agents(self: CloudMarket) -> Any:
        """All agents; beyond `EAGER_AGENTS` enterprises are made when first asked for, and no result changes."""
        self.register_enterprises()
        return super().agents

    # what comes out

    def record_tables(self: CloudMarket) -> dict[str, list[dict[str, Any]]]:
        """All result tables as rows, without the run number."""
        return {**self.tables, "deals": [deal_row(self, deal) for deal in self.book.deals]}

    @property
    def results(self: CloudMarket) -> Results:
        """Result tables so far."""
        from cloudpact.results import Results

        return Results.from_rows(self.record_tables(), self.replicate)

    @property
    def graph(self: CloudMarket) -> nx.MultiDiGraph:
        """Relationship graph after the last quarter, derived from book, cap tables and flows."""
        tables = {lab.name: lab.cap_table for lab in self.labs if lab.active} | self.supplier_tables
        subscriptions = {
            ("Enterprises", lab.name): float(self.flows.enterprise_usd_bn[lab.index])
            for lab in self.labs
            if self.flows.enterprise_usd_bn[lab.index] > 0.0
        } | {
            ("Consumers", lab.name): float(self.flows.consumer_usd_bn[lab.index])
            for lab in self.labs
            if self.flows.consumer_usd_bn[lab.index] > 0.0
        }
        quarter = max(self.quarter - 1, self.first_quarter)
        return build_graph(
            quarter, self.book, tables, self.flows.delivered_gw, subscriptions, self.flows.supply_usd_bn
        )

    # clock, saving, forking

    def run_for(self: CloudMarket, quarters: int) -> None:
        """Simulate some quarters, or up to the scenario's end."""
        for _ in range(quarters):
            if not self.running:
                return
            self.step()

    def state(self: CloudMarket) -> dict[str, Any]:
        """The market as plain data that a new one can take over."""
        return {
            "market": {name: getattr(self, name) for name in STATE},
            "providers": [provider.plain() for provider in self.providers],
            "labs": [lab.plain() for lab in self.labs],
        }

    def take_over(self: CloudMarket, state: dict[str, Any]) -> None:
        """Continue from a state, in place."""
        for name, value in state["market"].items():
            setattr(self, name, value)
        for agent, plain in zip([*self.providers, *self.labs], [*state["providers"], *state["labs"]], strict=True):
            for name, value in plain.items():
                setattr(agent, name, value)

    def fork(self: CloudMarket, scenario: Scenario | None = None) -> CloudMarket:
        """An independent copy that continues to the same bits; Mesa's own `steps` and `time` count from the fork.

        Under another scenario it continues as a run of that scenario would, if both agree up to now: one that has
        interventions in deals which are yet to come, or rules and shocks that are.
        """
        twin = type(self)(scenario or self.parameters, self.seed, self.replicate, self.facts, self.debug_guards)
        twin.take_over(copy.deepcopy(self.state()))
        return twin

    def save(self: CloudMarket, path: Path | str) -> None:
        """Write the market to a file; read such files only from sources you trust (pickle)."""
        kept = (self.parameters, self.seed, self.replicate, self.facts, self.debug_guards, self.state())
        Path(path).write_bytes(pickle.dumps(kept))

    @classmethod
    def load(cls, path: Path | str) -> CloudMarket:
        """Continue a saved market, in this process or another."""
        *built_from, state = pickle.loads(Path(path).read_bytes())
        market: CloudMarket = cls(*built_from)  # type: ignore[assignment]
        market.take_over(state)
        return market


