"""The members of a forecast as a sweep: a point each, with parameters, world and luck of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any, Protocol

from experiments.running import simulated
from experiments.store import arrow_rows
from experiments.sweeps.designs import Design
from experiments.sweeps.errors import SweepError
from experiments.sweeps.study import SCENARIO, MarketStudy
from market.calendar import quarter_index, quarter_name
from market.scenario import Scenario

if TYPE_CHECKING:
    import pyarrow as pa

    from experiments.forecasting.draws import Draws
    from experiments.forecasting.outlook import Alternative, Outlook
    from experiments.sweeps.tasks import Task
    from market.facts import Facts

LUCK = "luck"  # the column of a design that gives the replicate of a point
BETWEEN = " / "  # a world is a structure and a stated scenario
AND = " + "  # a structure is a choice on every axis


class Posterior(Protocol):
    """What the calibration knows of the parameters."""

    def sample(self, n: int, seed: int) -> list[dict[str, Any]]:
        """Draws of values by dotted path."""


class ForecastStudy(MarketStudy):
    """Markets whose replicate is a column of the design, so that every member can have luck of its own.

    `sweep` runs every replicate at every point: with as many lucks as parameter draws that would be a hundred times
    the runs. The replicate stands in the scenario's name, which decides no number, so that a member's key differs
    from those of members with other luck.
    """

    __slots__ = ()

    def scenario(self, values: Mapping[str, Any]) -> Scenario:
        """The resolved scenario of a member, named after its world and its luck."""
        base = self.scenarios[values[SCENARIO]]
        changes = {path: value for path, value in values.items() if path not in (SCENARIO, LUCK)}
        return base.with_({**changes, "name": f"{base.name}{BETWEEN}{values[SCENARIO]}, luck {values[LUCK]}"})

    def simulate(self, task: Task, run: int) -> Mapping[str, pa.Table]:
        """The chosen tables of a member: the bits of `cloudpact.run` with its scenario, the seed and its replicate."""
        from cloudpact.schema import TABLES

        market = simulated(self.scenario(task.values), self.seed, int(task.values[LUCK]), facts=self.facts)
        rows = market.record_tables()
        return {name: arrow_rows(rows[name], TABLES[name], run) for name in self.tables}


def last_fact(base: Scenario, facts: Facts) -> int:
    """The origin: the last quarter with capex of every company, or the one before a base that imposes no capex."""
    if base.time.capex_until == "none":
        return quarter_index(base.time.start) - 1
    return facts.last_capex_quarter


def at_last_fact(base: Scenario, facts: Facts, until: str) -> Scenario:
    """The base with all facts imposed that there are, to run until a quarter.

    Capex and, where the base has them, run-rates and valuations are imposed up to the origin, deals up to the last
    disclosed one. A base whose deals end before its capex is a world of its own: its deals stay.

    Raises SweepError unless `until` is a quarter after the origin.
    """
    origin = last_fact(base, facts)
    try:
        end = quarter_index(until)
    except ValueError as error:
        raise SweepError(f"until: {error}") from error
    if end <= origin:
        raise SweepError(f"until: got {until}; allowed: a quarter after {quarter_name(origin)}, the last with facts")
    time, changes = base.time, {"time.end": until}
    if time.capex_until != "none":
        changes["time.capex_until"] = quarter_name(origin)
        if time.states_until != "none":
            changes["time.states_until"] = quarter_name(origin)
        if time.deals_until != "none" and quarter_index(time.deals_until) >= quarter_index(time.capex_until):
            last_deal = max((row.quarter for row in facts.deal_rows), default=origin)
            changes["time.deals_until"] = quarter_name(max(origin, last_deal))
    return base.with_(changes)


def worlds(base: Scenario, outlook: Outlook, origin: int) -> dict[str, Scenario]:
    """The base under every choice of structures and every stated scenario, by `structure + structure / scenario`."""
    found = {}
    for choice in product(*outlook.structures.values()):
        built = base
        for each in choice:
            built = each.applied(built, origin)
        for stated in outlook.scenarios:
            found[_world(choice, stated)] = stated.applied(built, origin)
    return found


def _world(choice: Sequence[Alternative], stated: Alternative) -> str:
    return AND.join(each.name for each in choice) + BETWEEN + stated.name


def members(outlook: Outlook, draws: Draws, parameters: Sequence[Mapping[str, Any]]) -> Design:
    """The design: a point for each member, in the order of the draws; raises SweepError for values set twice."""
    touched = {path for each in (*outlook.alternatives, *outlook.scenarios) for path in each.changes}
    both = sorted(touched & {path for values in parameters for path in values})
    if both:
        raise SweepError(f"{both[0]}: is drawn from the posterior and set by the outlook; allowed: one of the two")
    return Design(
        "table",
        (),
        tuple(
            {
                SCENARIO: _world(outlook.choice(draws.structures, run), outlook.scenarios[draws.scenarios[run]]),
                LUCK: int(draws.luck[run]),
                **(parameters[draws.parameters[run]] if parameters else {}),
            }
            for run in range(draws.runs)
        ),
    )
