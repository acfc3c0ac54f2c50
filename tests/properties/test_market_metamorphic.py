"""M06-M10 and M17: what must not matter to a market does not."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from cloudpact.model import CloudMarket
from market.calendar import quarter_index, quarter_name
from market.deals import TermSheet
from market.fact_names import Role
from market.scenario import HyperscalerSpec, LabSpec, Rule, Scenario, Shock
from tests.properties.market_worlds import (
    Tables,
    bits,
    first_difference,
    in_other_units,
    lively,
    market_of,
    renamed,
    tables_of,
    unequal_cells,
    with_names,
    without,
)

slow = pytest.mark.slow
UNITS = [
    *(("tiny", factor) for factor in (1e-3, 7.0, 1e6)),
    ("lively", 7.0),
    *(pytest.param("lively", factor, marks=slow) for factor in (1e-3, 1e6)),
]


@cache
def _world(name: str) -> Scenario:
    return lively() if name == "lively" else Scenario.load(name)


@cache
def _run(name: str, quarters: int = 999) -> Tables:
    return tables_of(_world(name), quarters=quarters)


@pytest.mark.parametrize(("name", "factor"), UNITS)
def test_the_unit_of_money_is_arbitrary(name: str, factor: float) -> None:
    """M08: every money-valued input times a factor; money scales, all else stays, to 1e-9."""
    factors = {"USD": factor}
    other = tables_of(in_other_units(_world(name), factors))
    assert not list(unequal_cells(_run(name), other, factors, 1e-9))


@pytest.mark.parametrize(("name", "factor"), UNITS)
def test_the_unit_of_capacity_is_arbitrary(name: str, factor: float) -> None:
    """M09: every GW times a factor and every price per GW divided; capability, a log of GW-quarters, shifts."""
    factors = {"GW": factor}
    other = tables_of(in_other_units(_world(name), factors))
    for row in other["labs"]:
        row["capability"] -= math.log(factor)
    assert not [cell for cell in unequal_cells(_run(name), other, factors, 1e-9) if " capability: " not in cell]
    pairs = zip(_run(name)["labs"], other["labs"], strict=True)
    assert all(math.isclose(one["capability"], two["capability"], abs_tol=1e-9) for one, two in pairs)


def test_units_are_read_from_the_parameters() -> None:
    """The two tests above would pass on nothing if no unit were found."""
    scenario, other = _world("tiny"), in_other_units(_world("tiny"), {"USD": 7.0, "GW": 2.0})
    assert other.ledger.unit_usd == 7.0 * scenario.ledger.unit_usd
    assert other.price.start_usd_bn_per_gw_quarter == 3.5 * scenario.price.start_usd_bn_per_gw_quarter
    assert other.demand.half_compute == 2.0 * scenario.demand.half_compute
    assert other.demand.elasticity == scenario.demand.elasticity
    assert other.labs["Ada"].training_gw == 2.0 * scenario.labs["Ada"].training_gw


@pytest.mark.parametrize("step", [1, pytest.param(2, marks=slow)])
def test_names_and_their_order_do_not_matter(step: int) -> None:
    """M06: parties renamed in a circle and listed backwards, luck carried along: the same run under other names."""
    scenario = lively(**{"labs.Byron.owner": "East", "labs.Byron.home": "East"})
    names: dict[str, str] = {}
    for parties in (list(scenario.hyperscalers), list(scenario.labs)):
        names |= dict(zip(parties, parties[step:] + parties[:step], strict=True))
    expected = with_names(tables_of(scenario), names)
    assert first_difference(expected, tables_of(renamed(scenario, names))) == ""


@slow
def test_identical_providers_fare_alike_on_average() -> None:
    """M07: mean share of delivered compute of each of four within 4 standard errors of 1/4.

    Under the null each of the four comparisons fails with probability 6e-5 (normal), so about one
    change of the model in 4,000 fails here by chance.
    """
    scenario = Scenario.load("symmetric").with_({"time.end": "2028Q4"})
    shares = []
    for seed in range(60):
        delivered = np.array([row["delivered_gw"] for row in market_of(scenario, seed).tables["providers"]])
        by_provider = delivered.reshape(-1, 4).sum(axis=0)
        shares.append(by_provider / by_provider.sum())
    error = np.std(shares, axis=0, ddof=1) / math.sqrt(len(shares))
    assert (error > 0.0).all()
    assert (np.abs(np.mean(shares, axis=0) - 0.25) <= 4.0 * error).all()


@pytest.mark.parametrize(
    ("name", "ends"), [("tiny", "2030Q4"), ("lively", "2031Q2"), pytest.param("baseline", "2033Q4", marks=slow)]
)
def test_a_longer_horizon_leaves_the_beginning_alone(name: str, ends: str) -> None:
    """M10: the first quarters of a run that goes on are those of one that stops."""
    short, longer = CloudMarket(_world(name)), CloudMarket(_world(name).with_({"time.end": ends}))
    while short.running:
        short.step()
        longer.step()
    assert longer.running
    assert first_difference(short.record_tables(), longer.record_tables()) == ""


def test_the_calendar_start_is_arbitrary() -> None:
    """M10: all dates of a world without facts moved by 25 quarters: only dates change."""
    scenario, by = _world("lively"), 25

    def later(quarter: str) -> str:
        return quarter_name(quarter_index(quarter) + by)

    dates = {key: later(getattr(scenario.time, key.removeprefix("time."))) for key in ("time.start", "time.end")}
    moved = tables_of(scenario.with_({**dates, "capex.ai_share_middle": later(scenario.capex.ai_share_middle)}))
    dated = ("quarter", "start_quarter", "exclusive_until")
    texts = ("tranches", "events")  # with dates inside

    def known(tables: Tables, by: int) -> Tables:
        return {
            table: [
                {key: quarter_name(quarter_index(value) + by) if key in dated and value else value
                 for key, value in row.items() if key not in texts}
                for row in rows
            ]
            for table, rows in tables.items()
        }  # fmt: skip

    assert first_difference(known(_run("lively"), by), known(moved, 0)) == ""


INERT_LAB = LabSpec(cash_usd_bn=0.0, training_gw=0.0, sells=False, compute_effective=1e-9)
INERT_PROVIDER = HyperscalerSpec(
    capacity_gw=0.0, builds=False, sells=False, cloud_share=0.0, capex_usd_bn_per_quarter=0.0
)


@pytest.mark.parametrize("world", ["lively", pytest.param("baseline", marks=slow)])
@pytest.mark.parametrize("kind", ["labs", "hyperscalers"])
@pytest.mark.parametrize("name", ["Aaa", "North by East", "Zzz"])
def test_an_inert_party_changes_no_bit(world: str, kind: str, name: str) -> None:
    """M17: a lab with no money and no demand, or a provider with nothing to build or sell, first, between or last."""
    scenario = _world(world)
    inert = INERT_LAB if kind == "labs" else INERT_PROVIDER
    larger = scenario.model_copy(update={kind: {**getattr(scenario, kind), name: inert}})
    assert first_difference(_run(world), without(tables_of(larger), name)) == ""


NOTHING_HAPPENS = [
    {"policy.rules": (Rule(kind="egress_cap", since="2026Q1", size=1.0),)},
    {"policy.rules": (Rule(kind="interoperability", since="2026Q1", size=1.0),)},
    {"policy.rules": (Rule(kind="stake_cap", since="2026Q1", size=1.0), Rule(kind="disclosure", since="2026Q1"))},
    *(
        {"shocks": (Shock(kind=kind, since="2026Q1", size=size),)}
        for kind, size in [
            ("demand_collapse", 1.0),
            ("accelerator_shortage", 1.0),
            ("power_limit", 1.0),
            ("efficiency_jump", 1.0),
            ("investor_exit", 1.0),
            ("interest_rate", 0.0),
            ("none", 0.5),
        ]
    ),
]


@pytest.mark.parametrize("change", NOTHING_HAPPENS, ids=lambda change: next(iter(change.values()))[0].kind)
def test_a_rule_that_does_nothing_changes_no_bit(change: dict[str, tuple[Rule | Shock, ...]]) -> None:
    policy = _world("lively").policy.model_copy(update={"rules": change.get("policy.rules", ())})
    world = _world("lively").model_copy(update={"policy": policy, "shocks": change.get("shocks", ())})
    assert first_difference(_run("lively", 12), tables_of(world, quarters=12)) == ""


@slow
def test_a_deal_that_does_nothing_changes_no_bit() -> None:
    """An old deal of a pair that is linked anyway, without capacity, money or clause, is signed away."""
    markets = [CloudMarket("baseline", rng=7), CloudMarket("baseline", rng=7)]
    quarter = quarter_index("2023Q1")
    plain = next(
        deal for deals in markets[0].history.disclosed.values() for deal in deals if deal.terms.lab == "Anthropic"
    )
    nothing = TermSheet(provider="Google", lab="Anthropic", quarter=quarter, start_quarter=quarter)
    added = replace(
        plain, slug="nothing", quarter=quarter, role=Role.SIGNED, terms=nothing, stake_set_to=None, imputed=()
    )
    markets[1].history.disclosed.setdefault(quarter, []).append(added)
    tables = []
    for market in markets:
        market.run_for(32)
        tables.append(market.record_tables())
    assert len(tables[1]["deals"]) == len(tables[0]["deals"]) + 1
    tables[1]["deals"] = [deal for deal in tables[1]["deals"] if deal["deal"] != "nothing"]
    # one deal more is signed, and those after it have numbers, and names with it, one higher
    counts = {"market": ("deals_signed",), "deals": ("number", "deal"), "negotiations": ("deal",)}
    for table, columns in counts.items():
        for row in (*tables[0][table], *tables[1][table]):
            for column in columns:
                del row[column]
    assert first_difference(tables[0], tables[1]) == ""


def test_another_replicate_is_another_world() -> None:
    runs = set()
    for replicate in (0, 1):
        market = CloudMarket(_world("tiny"), rng=1, replicate=replicate)
        market.run_for(4)
        runs.add(bits(market.record_tables()))
    assert len(runs) == 2
