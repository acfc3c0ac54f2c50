"""M11, M13-M15 at the level of whole markets, and what policy and shocks do."""

from __future__ import annotations

import json
import math
from functools import cache
from typing import Any

import numpy as np
import pytest

from cloudpact.model import CloudMarket
from cloudpact.quarter import negotiation, sides
from cloudpact.schema import TABLES
from market.calendar import quarter_index
from market.scenario import Policy, Rule, Scenario, Shock
from tests.properties.market_worlds import Tables, first_difference, lively, market_of, tables_of

# Quantities that may be below nil, and runway, which is infinite without burn.
SIGNED = {"cash_usd_bn", "capability", "equity_usd_bn", "runway_quarters", "modularity"}
# Undefined where nobody is there to be measured.
UNDEFINED = {
    "market": {"alignment_committed_hhi", "backlog_hhi", "backlog_largest_lab_frac", "alignment_equity_hhi"},
    "providers": {"utilisation_frac"},
    "labs": {"dependence_hhi"},
}


def _check_bounds(table: str, row: dict[str, Any], firms: int) -> None:
    for column in TABLES[table].columns:
        value = row.get(column.name)
        if column.dtype != "float64" or value is None:
            continue
        if math.isnan(value):
            assert column.name in UNDEFINED.get(table, ()), (table, row["quarter"], column.name)
            continue
        assert math.isfinite(value) or column.name == "runway_quarters", (table, row["quarter"], column.name)
        if column.name in SIGNED:
            continue
        assert value >= 0.0, (table, row["quarter"], column.name, value)
        if column.unit.startswith("frac"):
            assert value <= 1.0 + 1e-9, (table, row["quarter"], column.name, value)
        if column.name.endswith("hhi"):
            assert 10_000.0 / firms - 1e-6 <= value <= 10_000.0 + 1e-6, (table, row["quarter"], column.name, value)


def _check_world(market: CloudMarket) -> None:
    firms = len(market.provider_names)
    tables = market.record_tables()
    for table in ("market", "providers", "labs", "alignment"):
        for row in tables[table]:
            _check_bounds(table, row, firms)
    for row in tables["market"]:
        assert -0.5 <= row["modularity"] < 1.0
        assert row["market_gini"] <= 1.0 - 1.0 / len(market.providers) + 1e-9
        assert row["mhhi_delta_proportional"] >= 0.0
    by_quarter: dict[str, float] = {}
    for row in tables["providers"]:
        by_quarter[row["quarter"]] = by_quarter.get(row["quarter"], 0.0) + row["cloud_share_frac"]
    assert all(share <= 1.0 + 1e-9 for share in by_quarter.values())


@pytest.mark.parametrize(("name", "seed"), [("tiny", 1), ("tiny", 2), ("lively", 1), ("lively", 2), ("baseline", 1)])
def test_every_recorded_index_stays_in_its_bounds(name: str, seed: int) -> None:
    """M11 in every quarter of whole runs."""
    _check_world(market_of(lively() if name == "lively" else name, seed))


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(
    "name", ["symmetric", "demand-collapse", "no-equity", "exclusive-world", "open-world", "accelerator-shortage"]
)
def test_every_recorded_index_stays_in_its_bounds_in_shipped_scenarios(name: str, seed: int) -> None:
    _check_world(market_of(name, seed))


@pytest.mark.parametrize("name", ["lively", "no-equity"])
def test_without_the_equity_channel_providers_own_nothing(name: str) -> None:
    """M13: no provider's equity cash, stake or MHHI delta in any quarter, disclosed deals included."""
    scenario = lively(**{"negotiation.equity_scale": 0.0}) if name == "lively" else Scenario.load(name)
    market = market_of(scenario)
    owners = {lab.name: lab.spec.owner for lab in market.labs}
    for row in market.tables["market"]:
        assert row["equity_usd_bn"] == 0.0
        assert row["circularity_frac"] == 0.0
        for rule in ("mhhi_delta", "mhhi_delta_proportional", "mhhi_delta_total"):
            assert row[rule] == 0.0
    for row in market.tables["alignment"]:
        assert row["stake_frac"] == (1.0 if row["provider"] == owners[row["lab"]] else 0.0)
    assert not [
        entry for entry in market.ledger.entries if entry.kind == "equity" and entry.payer in market.provider_names
    ]
    assert any(deal.terms.gw > 0.0 for deal in market.book.deals), "deals go on, for compute alone"


def test_two_ways_to_have_no_equity_are_one() -> None:
    """M13: a nil channel, and neither equity nor warrants on the table, give the same bits."""
    nil = tables_of(lively(**{"negotiation.equity_scale": 0.0}))
    no_level = tables_of(lively(**{"negotiation.equity_levels": (0.0,), "negotiation.warrant_levels": (0.0,)}))
    assert first_difference(nil, no_level) == ""
    assert first_difference(nil, tables_of(lively())) != ""


def test_without_a_zone_of_agreement_nothing_is_signed() -> None:
    """M14: a fixed cost above every surplus: no deal, each negotiation failed with a reason; less of it: deals."""
    prohibitive = tables_of(lively(**{"negotiation.fixed_cost_share": 1.0, "demand.half_compute": 123.0}))
    assert prohibitive["deals"] == []
    assert len(prohibitive["negotiations"]) > 40
    assert {row["outcome"] for row in prohibitive["negotiations"]} == {"failed"}
    assert all(row["reason"] for row in prohibitive["negotiations"])
    assert all(row["joint_surplus_usd_bn"] == 0.0 for row in prohibitive["negotiations"])
    assert tables_of(lively(**{"negotiation.fixed_cost_share": 0.05, "demand.half_compute": 123.0}))["deals"]


def test_fewer_deals_are_signed_the_dearer_a_deal_is() -> None:
    counts = [len(tables_of(lively(**{"negotiation.fixed_cost_share": cost}))["deals"]) for cost in (0.0, 0.1, 1.0)]
    assert counts[0] >= counts[1] >= counts[2]
    assert counts[0] > counts[2]


def _signed(tables: Tables) -> list[dict[str, Any]]:
    return [row for row in tables["negotiations"] if row["outcome"] == "signed"]


@pytest.mark.parametrize(
    ("world", "seed"),
    [("lively", 1), ("baseline", 1), *(pytest.param("baseline", k, marks=pytest.mark.slow) for k in (2, 3))],
)
def test_every_signed_deal_leaves_both_better_off(world: str, seed: int) -> None:
    """M15: utilities over no deal are the sums of the traced components, and neither is negative."""
    tables = tables_of(lively() if world == "lively" else world, seed)
    signed = _signed(tables)
    simulated = {row["deal"]: row for row in tables["deals"] if row["origin"] == "simulated"}
    assert len(signed) > 2  # talks take time: a world may see few deals
    assert {row["deal"] for row in signed} == set(simulated)
    for row in signed:
        trace = json.loads(row["trace"])
        for side in ("lab", "provider"):
            utility = row[f"{side}_utility_usd_bn"]
            assert utility >= 0.0
            parts = trace["components"][side].values()
            assert sum(parts) == pytest.approx(utility, rel=1e-9, abs=1e-9 * sum(map(abs, parts)))
        both = row["lab_utility_usd_bn"] + row["provider_utility_usd_bn"]
        assert row["joint_surplus_usd_bn"] == pytest.approx(both, rel=1e-12)
        assert row["lab_utility_usd_bn"] >= row["best_rival_lab_utility_usd_bn"] - 1e-12 * both
        terms, deal = trace["terms"], simulated[row["deal"]]
        assert terms["gw"] == pytest.approx(deal["gw"], rel=1e-12)
        assert terms["equity_usd_bn"] == pytest.approx(deal["equity_usd_bn"], rel=1e-9)
        assert deal["discount_frac"] == (terms["discount_frac"] if deal["gw"] else 0.0)
        assert terms["clause"] == deal["exclusivity"]
        assert terms["warrant_stake_frac"] == deal["warrant_stake_frac"]
        assert terms["revenue_share_frac"] == deal["revenue_share_frac"]


def test_capacity_promised_in_a_quarter_fits_what_the_provider_could_build() -> None:
    """Two labs cannot be promised the same capacity: who comes second bargains on what is left."""
    talks, shared = negotiation.negotiate_deals, []

    def watched(market: CloudMarket) -> None:
        room = {provider.name: sides.buildable(market, provider) for provider in market.providers}
        talks(market)
        signed = [market.book.deals[number].terms for number in market.flows.signed]
        for name, gw in room.items():
            promised = [terms.gw for terms in signed if terms.provider == name]
            assert sum(promised) <= gw * (1.0 + 1e-12)
            shared.append(len(promised))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(negotiation, "negotiate_deals", watched)
        market_of(lively(**{"supply.accelerators_gw_per_quarter": 0.2}))
    assert max(shared) > 1, "no provider was asked by two labs in one quarter"


# What policy and shocks do, over paired worlds: the same luck with and without.


def _with(shocks: tuple[Shock, ...] = (), rules: tuple[Rule, ...] = (), **changes: Any) -> Scenario:
    scenario = lively(**{"time.end": "2028Q4"} | changes)
    return scenario.model_copy(update={"shocks": shocks, "policy": Policy(rules=rules)})


@cache
def _late_rows(shock: Shock | None, rule: Rule | None, seed: int) -> list[dict[str, Any]]:
    """Rows of the market from 2027 on."""
    rows = market_of(_with((shock,) if shock else (), (rule,) if rule else ()), seed).tables["market"]
    return [row for row in rows if quarter_index(row["quarter"]) >= quarter_index("2027Q1")]


def _effects(column: str, shock: Shock | None = None, rule: Rule | None = None) -> list[float]:
    """Change of a column's mean by seed."""
    means = [
        [float(np.mean([row[column] for row in _late_rows(*world, seed)])) for world in ((None, None), (shock, rule))]
        for seed in (1, 2)
    ]
    return [after - before for before, after in means]


@pytest.mark.parametrize(
    ("shock", "column", "sign"),
    [
        (Shock(kind="demand_collapse", since="2026Q1", size=0.4), "lab_revenue_annualised_usd_bn", -1),
        (Shock(kind="accelerator_shortage", since="2026Q1", size=0.02), "capacity_gw", -1),
        (Shock(kind="power_limit", since="2026Q1", size=0.02), "capacity_gw", -1),
        (Shock(kind="interest_rate", since="2026Q1", size=0.05), "price_usd_bn_per_gw_quarter", 1),
        (Shock(kind="efficiency_jump", since="2026Q1", size=3.0), "lab_revenue_annualised_usd_bn", 1),
    ],
    ids=lambda value: value.kind if isinstance(value, Shock) else "",
)
def test_shocks_push_where_they_say(shock: Shock, column: str, sign: int) -> None:
    assert all(sign * effect > 0.0 for effect in _effects(column, shock=shock))


def test_money_grows_dear_when_investors_leave() -> None:
    """In a world whose labs need money: what they sell hardly pays for what it takes."""
    leave = Shock(kind="investor_exit", since="2026Q1", size=0.0)
    needy = {"labs_common.operating_share": 0.9, "time.end": "2027Q2"}
    for seed in (1, 2, 3):
        stay, left = (market_of(_with(shocks, **needy), seed).tables["market"] for shocks in ((), (leave,)))
        after = [row["quarter"] >= "2026Q1" for row in stay]
        dearer = [b["cost_of_money"] - a["cost_of_money"] for a, b, late in zip(stay, left, after, strict=True) if late]
        assert min(dearer) >= 0.0, seed
        assert sum(dearer) > 0.0, seed


@pytest.mark.parametrize(
    ("rule", "column", "sign"),
    [
        (Rule(kind="egress_cap", since="2026Q1", size=0.0), "off_incumbent_frac", 1),
        (Rule(kind="interoperability", since="2026Q1", size=0.0), "model_switching_frac", 1),
        (Rule(kind="stake_cap", since="2025Q1", size=0.0), "equity_usd_bn", -1),
    ],
    ids=lambda value: value.kind if isinstance(value, Rule) else "",
)
def test_rules_push_where_they_say(rule: Rule, column: str, sign: int) -> None:
    assert all(sign * effect > 0.0 for effect in _effects(column, rule=rule))


def test_a_ban_ends_exclusive_clauses() -> None:
    bound = {"negotiation.exclusivity": "always"}
    ban = Rule(kind="exclusivity_ban", since="2025Q1")
    assert {row["exclusivity"] for row in tables_of(_with(**bound))["deals"]} == {"exclusive"}
    assert "exclusive" not in {row["exclusivity"] for row in tables_of(_with(rules=(ban,), **bound))["deals"]}


def test_a_shock_that_ends_is_over() -> None:
    shock = Shock(kind="power_limit", since="2026Q1", until="2026Q3", size=0.5)
    market = market_of(_with((shock,)))
    plain = market_of(_with())
    limit = {row["quarter"]: row["supply_limit_gw"] for row in market.tables["market"]}
    usual = {row["quarter"]: row["supply_limit_gw"] for row in plain.tables["market"]}
    assert limit["2025Q4"] == usual["2025Q4"]
    assert limit["2026Q2"] < usual["2026Q2"]
    assert market.conditions == plain.conditions
