"""The market: one quarter as ten named calls."""

from __future__ import annotations

import mesa
import numpy as np

from agents.enterprise import EnterprisePopulation
from agents.enterprise_tables import ChannelSpace
from agents.hyperscaler import Hyperscaler
from agents.lab import Lab
from cloudpact.assembly import (
    BIG_FOUR,
    Draws,
    History,
    by_key,
    component_weights,
    draw_uncertainty,
    incumbents,
    open_accounts,
    read_history,
    until,
)
from cloudpact.inquiries import EAGER_AGENTS, Inquiries
from cloudpact.quarter import (
    adoption,
    allocation,
    capex,
    delivery,
    guards,
    needs,
    negotiation,
    recording,
    repricing,
    settlement,
    training,
)
from cloudpact.quarter.flows import Flows
from cloudpact.quarter.interventions import interventions_of
from cloudpact.quarter.replay import Replay
from market.calendar import quarter_index
from market.capacity import Fleet
from market.contract_book import QUARTERS_BEYOND, ContractBook
from market.deals import Exclusivity
from market.demand import latent_demand
from market.fact_names import OTHER_CLOUDS
from market.facts import Facts
from market.funding import FundingNeed
from market.ledger import Ledger
from market.ownership import CapTable
from market.policy import Conditions, conditions_at
from market.scenario import Scenario
from market.supply import WorldSupply


class CloudMarket(Inquiries, mesa.Model):
    """The market for equity-plus-compute deals, one calendar quarter a step.

    >>> market = CloudMarket("tiny", rng=7)
    >>> market.run_for(4)
    >>> len(market.results.market)
    4
    """

    def __init__(
        self,
        scenario: Scenario | str = "baseline",
        rng: int = 0,
        replicate: int = 0,
        facts: Facts | None = None,
        debug_guards: bool = False,
    ) -> None:
        super().__init__(rng=rng)
        self.parameters = scenario if isinstance(scenario, Scenario) else Scenario.load(scenario)
        self.seed, self.replicate, self.facts, self.debug_guards = rng, replicate, facts, debug_guards
        self.phase = "set-up"
        self._set_dates()
        self._set_history()
        self._create_agents()
        self._create_institutions()
        open_accounts(self)
        self.interventions = interventions_of(self)

    # The quarter: the table of contents of the economics

    def step(self) -> None:
        """Simulate one quarter."""
        if not self.running:
            return
        self._open_quarter()
        # what was built arrives; what customers want
        self._phase(delivery.deliver_capacity)
        self._phase(adoption.adopt_and_choose)
        # what labs need, and the deals they sign for it
        self._phase(needs.plan_needs)
        self._phase(negotiation.negotiate_deals)
        # who gets which compute, who pays whom
        self._phase(allocation.allocate_compute)
        self._phase(settlement.settle)
        # what becomes of it: better models, more capacity, other prices
        self._phase(training.train_models)
        self._phase(capex.plan_capex)
        self._phase(repricing.reprice)
        # what is known afterwards
        self._phase(recording.record)
        self._close_quarter()

    # Everything below sets up and keeps the clock

    def _phase(self, phase: guards.Phase) -> None:
        self.phase = phase.__name__
        phase(self)
        if self.debug_guards:
            guards.check(self)

    def _open_quarter(self) -> None:
        self.flows = Flows.empty(len(self.providers), len(self.labs))
        self.conditions = conditions_at(self.parameters, self.quarter, self.deals_until)
        self.refresh_clauses()
        self.backlog = self.book.backlog_usd_bn(self.quarter)

    def _close_quarter(self) -> None:
        self.quarter += 1
        self.tick += 1
        self.running = self.quarter <= self.last_quarter

    def _set_dates(self) -> None:
        time = self.parameters.time
        self.first_quarter, self.last_quarter = quarter_index(time.start), quarter_index(time.end)
        self.deals_until = until(time.deals_until, self.first_quarter)
        self.capex_until = until(time.capex_until, self.first_quarter)
        self.states_until = until(time.states_until, self.first_quarter)
        self.history_until = max(self.capex_until, self.states_until)
        self.quarter, self.tick = self.first_quarter, 0
        self.last_contract_quarter = self.last_quarter + QUARTERS_BEYOND
        rules = self.parameters.negotiation
        longest_lead = self.parameters.capacity.lead_quarters + rules.ramp_quarters
        self.horizon = longest_lead + 1 + max(rules.term_levels_quarters)
        self.horizon = max(self.horizon, rules.coverage_horizon_quarters + 1)

    def _set_history(self) -> None:
        dated = max(self.deals_until, self.history_until) >= self.first_quarter
        self.history = History.empty()
        if dated:
            facts = self.facts or Facts.load()
            self.history = read_history(self.parameters, facts, self.deals_until, self.capex_until, self.states_until)
        self.drawn = draw_uncertainty(self.parameters, self.seed, self.replicate)

    def _create_agents(self) -> None:
        scenario, capacity = self.parameters, self.parameters.capacity
        self.providers: list[Hyperscaler] = []
        for name, hyperscaler in by_key(scenario.hyperscalers):
            provider = Hyperscaler(self, name, len(self.providers), hyperscaler, scenario)
            provider.fleet = Fleet(
                self.first_quarter, self.last_quarter, capacity.chip_life_quarters, hyperscaler.capacity_gw
            )
            self.providers.append(provider)
        self.labs: list[Lab] = []
        for name, lab in by_key(scenario.labs):
            self.labs.append(Lab(self, name, len(self.labs), lab))
        self.provider_names = (*(provider.name for provider in self.providers), OTHER_CLOUDS)
        self.provider_row = {name: row for row, name in enumerate(self.provider_names)}
        self.provider_by_name = {provider.name: provider for provider in self.providers}
        self.lab_column = {lab.name: lab.index for lab in self.labs}
        self.lab_by_name = {lab.name: lab for lab in self.labs}
        self.big_four = [self.provider_row[name] for name in BIG_FOUR if name in self.provider_row]
        space = ChannelSpace(
            (*self.lab_column, "Open models"),
            self.provider_names,
            (*(lab.key for lab in self.labs), "Open models"),
            (*(provider.key for provider in self.providers), OTHER_CLOUDS),
        )
        self.incumbent_weights = incumbents(scenario)
        self._enterprises_registered = False
        self.population = EnterprisePopulation(
            scenario.enterprises, space, self.incumbent_weights.tolist(), self.seed, self.replicate
        )
        if scenario.enterprises.count <= EAGER_AGENTS:
            self.register_enterprises()

    def _create_institutions(self) -> None:
        scenario = self.parameters
        rows, columns = len(self.provider_names), len(self.labs)
        self.book = ContractBook(
            self.provider_names, [lab.name for lab in self.labs], self.first_quarter, self.last_quarter
        )
        self.ledger = Ledger(scenario.ledger.unit_usd)
        self.usd_bn_per_unit = scenario.ledger.unit_usd / 1e9
        self.supply = WorldSupply(scenario.supply.accelerators_gw_per_quarter, scenario.supply.power_gw_per_quarter)
        self.supplier_names = tuple(sorted(scenario.suppliers))
        self.investing_suppliers = tuple(name for name in self.supplier_names if scenario.suppliers[name].invests)
        self.supplier_cash_flow: dict[str, float] = {}
        self.supplier_tables: dict[str, CapTable] = {}
        self.weights = component_weights(scenario)
        self.price = scenario.price.start_usd_bn_per_gw_quarter
        self.spot_fill, self.appetite, self.spending_growth, self.latent = 1.0, 0.0, 0.0, 0.0
        frontier = max((spec.compute_effective for spec in scenario.labs.values() if not spec.enters), default=0.0)
        demand = scenario.demand
        self.spending = latent_demand(
            frontier, demand.saturation_usd_bn_per_year, demand.half_compute, demand.elasticity, demand.form
        )
        self.observed_scale = 1.0
        self.consumer_shares = np.zeros(columns)
        self.reach = np.zeros((columns + 1, rows), dtype=bool)
        self.last_delivered = np.zeros((rows, columns))
        self.unspent_equity = np.zeros((rows, columns))
        self.backlog = np.zeros((rows, columns))
        self.clauses: dict[str, dict[str, Exclusivity]] = {lab.name: {} for lab in self.labs}
        self.funding_needs: dict[str, FundingNeed] = {}
        self.arrears: dict[str, dict[str, float]] = {lab.name: {} for lab in self.labs}
        self.invested: dict[tuple[str, str], float] = {}
        self.events: list[tuple[int, str]] = []
        self.conditions = Conditions()
        self.flows = Flows.empty(len(self.providers), columns)
        self.replay: Replay | None = None
        self.barred: dict[tuple[str, str], int] = {}  # pairs parted by an intervention, and their last quarter apart
        self.tables: dict[str, list[dict[str, object]]] = {
            name: [] for name in ("market", "providers", "labs", "alignment", "negotiations")
        }

    @property
    def draws(self) -> Draws:
        """The replicate's draws: neutral while history lasts."""
        return self.drawn if self.quarter > self.history_until else Draws()
