"""Deals removed or changed in a market: the same world up to them, and everything that follows reacts."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from cloudpact.model import CloudMarket
from market.calendar import quarter_index, quarter_name
from market.deals import Exclusivity
from market.fact_files import SHIPPED
from market.facts import Facts
from market.scenario import Scenario
from market.scenario_errors import ScenarioError
from tests.properties.market_worlds import Tables, bits, first_difference, lively, market_of

INERT = "2024-05-15,NVIDIA,OpenAI,,,,,,,none,,t,https://example.org,2024-05-15,high,nothing\n"


def intervened(scenario: Scenario, *entries: dict[str, Any]) -> Scenario:
    return scenario.with_({"interventions": list(entries)})


def removed(deal: str, bar_quarters: int = 0) -> dict[str, Any]:
    return {"deal": deal, "bar_quarters": bar_quarters}


@cache
def lively_run(seed: int) -> CloudMarket:
    """The factual world of most tests, to be looked at only."""
    return market_of(lively(), seed)


def until(tables: Tables, quarter: str) -> Tables:
    """Rows of the quarters before one; the state of deals and what becomes of them later apart."""
    fixed = (
        "deal",
        "number",
        "quarter",
        "provider",
        "lab",
        "gw",
        "equity_usd_bn",
        "stake_frac",
        "price_usd_bn_per_gw_quarter",
    )
    kept = {name: [row for row in rows if row["quarter"] < quarter] for name, rows in tables.items()}
    return kept | {"deals": [{name: row[name] for name in fixed} for row in kept["deals"]]}


def pairs_of(market: CloudMarket, provider: str, lab: str) -> list[int]:
    """Quarters in which two parties signed."""
    deals = [deal.terms for deal in market.book.deals]
    return [terms.quarter for terms in deals if (terms.provider, terms.lab) == (provider, lab)]


# Simulated deals


@pytest.mark.parametrize(("seed", "number"), [(1, 4), (2, 10)])
def test_a_world_is_the_same_up_to_a_simulated_deal_that_is_removed(seed: int, number: int) -> None:
    factual, twin = (
        market_of(lively(), seed),
        market_of(intervened(lively(), removed(f"0:{number}")), seed, guards=True),
    )
    deal = factual.book.deal(number).terms
    quarter = quarter_name(deal.quarter)
    assert first_difference(until(factual.record_tables(), quarter), until(twin.record_tables(), quarter)) == ""
    before = [each.terms for each in factual.book.deals if each.number < number]
    assert [each.terms for each in twin.book.deals if each.number < number] == before
    assert number not in [each.number for each in twin.book.deals]
    assert pairs_of(twin, deal.provider, deal.lab).count(deal.quarter) == 0, "the two sign nothing else that quarter"
    assert first_difference(factual.record_tables(), twin.record_tables()) != ""


def test_a_removed_talk_is_lost_and_the_lab_turns_to_the_others_in_the_next_round() -> None:
    """West wins all three labs in the first round and East in the second; without West, Ada takes East at once."""
    factual, twin = (market_of(world, 1, quarters=1) for world in (lively(), intervened(lively(), removed("0:0"))))
    lost = [row for row in twin.record_tables()["negotiations"] if row["reason"] == "removed by an intervention"]
    assert [(row["lab"], row["provider"], row["outcome"], row["deal"]) for row in lost] == [("Ada", "West", "lost", "")]
    signed = {(deal.terms.provider, deal.terms.lab) for deal in twin.book.deals}
    assert {lab for provider, lab in signed if provider == "West"} == {"Byron", "Cantor"}
    ada = [deal.terms.gw for deal in twin.book.deals if deal.terms.lab == "Ada"]
    with_west = [deal.terms.gw for deal in factual.book.deals if deal.terms.lab == "Ada"]
    assert ada[0] == pytest.approx(with_west[0], rel=0.5), "its gap is as large as it was"
    assert twin.book.deals[0].number == 1


def supply_left(market: CloudMarket, provider: str, lab: str) -> float:
    """The world's supply that two parties saw when they signed in the first quarter."""
    rows = market.record_tables()["negotiations"]
    row = next(row for row in rows if (row["provider"], row["lab"], row["outcome"]) == (provider, lab, "signed"))
    return float(json.loads(row["trace"])["problem"]["provider"]["power_gw"])


@pytest.mark.parametrize("gw", [None, 0.05])
def test_what_a_deal_does_not_take_is_left_for_the_next_round(gw: float | None) -> None:
    entry = removed("0:0") if gw is None else {"deal": "0:0", "kind": "change", "gw": gw}
    factual, twin = (market_of(world, 1, quarters=1) for world in (lively(), intervened(lively(), entry)))
    freed = factual.book.deal(0).terms.gw - (gw or 0.0)
    left = [supply_left(market, "East", "Byron") for market in (factual, twin)]
    assert left[1] - left[0] == pytest.approx(freed, rel=1e-9)
    seen_before = [supply_left(market, "West", "Byron") for market in (factual, twin)]
    assert seen_before == 2 * [pytest.approx(left[0] + sum(deal.terms.gw for deal in factual.book.deals[:3]))]


@pytest.mark.parametrize("bar", [0, 3, 7, 100])
def test_a_bar_keeps_the_two_apart_for_so_long(bar: int) -> None:
    """The pair of a removed deal signs again when it may, and not before."""
    scenario = lively(**{"negotiation.pause_quarters": 0, "negotiation.coverage_threshold": 5.0, "time.end": "2027Q1"})
    market = market_of(intervened(scenario, removed("0:0", bar)), 1)
    factual = market_of(scenario, 1)
    deal = factual.book.deal(0).terms
    signed = pairs_of(market, deal.provider, deal.lab)
    assert not [quarter for quarter in signed if quarter <= deal.quarter + bar]
    asked = {
        quarter_index(row["quarter"])
        for row in market.record_tables()["negotiations"]
        if (row["provider"], row["lab"]) == (deal.provider, deal.lab)
    }
    last = market.last_quarter
    assert {quarter for quarter in asked if quarter <= min(deal.quarter + bar, last)} == {deal.quarter}
    if deal.quarter + bar < last:
        assert min(quarter for quarter in asked if quarter > deal.quarter) == deal.quarter + bar + 1


def test_a_deal_of_another_replicate_or_one_that_is_never_signed_changes_nothing() -> None:
    factual = bits(lively_run(1).record_tables())
    for deal in ("1:0", "0:999"):
        assert bits(market_of(intervened(lively(), removed(deal)), 1).record_tables()) == factual


@pytest.mark.parametrize("number", [15, 9])
def test_terms_as_agreed_change_no_bit(number: int) -> None:
    """Deal 15 has equity on milestones, deal 9 none; this run renews no contract."""
    factual = lively_run(1)
    terms = factual.book.deal(number).terms
    same: dict[str, Any] = {
        "gw": terms.gw,
        "price_usd_bn_per_gw_quarter": terms.price_usd_bn_per_gw_quarter,
        "term_quarters": terms.term_quarters,
        "take_or_pay_frac": terms.take_or_pay_frac,
        "exclusivity": str(terms.exclusivity),
        "revenue_share_frac": terms.revenue_share_frac,
    } | ({"equity_usd_bn": terms.equity_usd_bn} if terms.tranches else {})
    twin = market_of(intervened(lively(), {"deal": f"0:{number}", "kind": "change", **same}), 1)
    assert bits(twin.record_tables()) == bits(factual.record_tables())


def test_a_deal_is_signed_on_the_terms_given_and_the_lab_counts_with_them() -> None:
    factual = market_of(lively(), 1, quarters=1)
    entry = {"deal": "0:0", "kind": "change", "gw": 0.05, "take_or_pay_frac": 0.3}
    twin = market_of(intervened(lively(), entry), 1, quarters=1, guards=True)
    deal, before = twin.book.deal(0).terms, factual.book.deal(0).terms
    assert (deal.provider, deal.lab, deal.gw, deal.take_or_pay_frac) == (before.provider, before.lab, 0.05, 0.3)
    row = twin.record_tables()["negotiations"][0]
    assert (row["outcome"], row["reason"], row["deal"]) == ("signed", "terms changed by an intervention", "0:0")
    # what the deal leaves of the gap is contracted with the next provider in the second round: half of it
    gap = 2.0 * before.gw
    assert factual.book.deal(3).terms.gw == pytest.approx((gap - before.gw) / 2.0)
    later = [each.terms.gw for each in twin.book.deals[1:] if each.terms.lab == deal.lab]
    assert later == [pytest.approx((gap - 0.05) / 2.0)]


def test_terms_that_a_simulated_deal_cannot_have_end_the_run() -> None:
    entry = {"deal": "0:0", "kind": "change", "equity_usd_bn": 1.0}
    with pytest.raises(ScenarioError, match="intervention in 0:0: equity_usd_bn: the deal has no equity to change"):
        market_of(intervened(lively(), entry), 1, quarters=1)


# Disclosed deals


@pytest.fixture(scope="module")
def baseline() -> Scenario:
    return Scenario.load("baseline")


@pytest.mark.parametrize("quarters", [26, pytest.param(99, marks=pytest.mark.slow)])
def test_a_deal_that_changes_nothing_changes_no_bit_of_any_other_row(
    baseline: Scenario, tmp_path: Path, quarters: int
) -> None:
    """A supplier's row without equity, capacity or clause: only the deal itself and the count of deals are gone."""
    (tmp_path / "deals.csv").write_text((SHIPPED / "deals.csv").read_text(encoding="utf-8") + INERT, encoding="utf-8")
    facts = Facts.load(tmp_path)
    worlds = baseline, intervened(baseline, removed("nvidia-openai-2024-05"))
    with_it, without = (CloudMarket(world, rng=7, facts=facts) for world in worlds)
    for market in (with_it, without):
        market.run_for(quarters)
    tables = with_it.record_tables()
    inert = [row for row in tables["deals"] if row["deal"] == "nvidia-openai-2024-05"]
    assert len(inert) == 1
    tables["deals"] = [row for row in tables["deals"] if row not in inert]
    quarter = next(row for row in tables["market"] if row["quarter"] == "2024Q2")
    quarter["deals_signed"] = int(str(quarter["deals_signed"])) - 1
    assert first_difference(tables, without.record_tables()) == ""
    assert with_it.ledger.entries == without.ledger.entries


@cache
def factual_history(seed: int) -> Tables:
    return market_of("baseline", seed, quarters=26).record_tables()


def aligned(tables: Tables, provider: str, lab: str) -> dict[str, tuple[float, float]]:
    """Stake and promised payments of a pair by quarter."""
    rows = [row for row in tables["alignment"] if (row["provider"], row["lab"]) == (provider, lab)]
    return {row["quarter"]: (row["stake_frac"], row["committed_usd_bn"]) for row in rows}


@pytest.mark.parametrize(
    ("deal", "pair", "since", "last"),
    [
        ("microsoft-openai-2019-07", ("Microsoft", "OpenAI"), "2019Q3", "2023Q3"),
        ("amazon-anthropic-2023-09", ("Amazon", "Anthropic"), "2023Q3", "2025Q2"),
        pytest.param("microsoft-openai-2023-01", ("Microsoft", "OpenAI"), "2023Q1", "2025Q2", marks=pytest.mark.slow),
    ],
)
def test_without_a_deal_the_two_are_less_aligned_with_every_seed(
    deal: str, pair: tuple[str, str], since: str, last: str
) -> None:
    """The stake is lower in every quarter from the deal on, and as long as it runs so are promised payments."""
    world = intervened(Scenario.load("baseline"), removed(deal))
    for seed in (1, 2, 3):
        factual, twin = (
            aligned(tables, *pair)
            for tables in (factual_history(seed), market_of(world, seed, quarters=26).record_tables())
        )
        later = [quarter for quarter in factual if since <= quarter]
        assert len(later) >= 8
        for quarter in later:
            stake, promised = twin.get(quarter, (0.0, 0.0))
            assert stake < factual[quarter][0], (seed, quarter)
            assert promised < factual[quarter][1] or quarter >= last, (seed, quarter)


def test_a_removed_row_takes_its_whole_holding_and_its_clause_with_it() -> None:
    """The row of October 2025 sets Microsoft's stake to 27 %, the one of January 2025 ends its exclusive clause."""
    base = market_of("baseline", 7, quarters=27)
    world = intervened(
        Scenario.load("baseline"), removed("microsoft-openai-2025-10"), removed("google-anthropic-2025-03")
    )
    twin = base.fork(world)
    for market in (base, twin):
        market.run_for(1)
    microsoft = [aligned(market.record_tables(), "Microsoft", "OpenAI")["2025Q4"][0] for market in (base, twin)]
    assert microsoft[0] == pytest.approx(0.27, abs=0.02)
    assert microsoft[1] > 0.4
    early = market_of("baseline", 7, quarters=24)
    clause = early.fork(intervened(Scenario.load("baseline"), removed("microsoft-openai-2025-01")))
    for market in (early, clause):
        market.run_for(1)
        market.refresh_clauses()
    assert [market.clauses["OpenAI"]["Microsoft"] for market in (early, clause)] == [
        Exclusivity.FIRST_REFUSAL,
        Exclusivity.EXCLUSIVE,
    ]


def test_a_disclosed_deal_is_signed_on_other_terms() -> None:
    entry = {"deal": "amazon-anthropic-2023-09", "kind": "change", "equity_usd_bn": 1.0, "exclusivity": "exclusive"}
    market = market_of(intervened(Scenario.load("baseline"), entry), 7, quarters=19)
    deal = next(deal for deal in market.book.deals if deal.slug == entry["deal"])
    assert deal.terms.equity_usd_bn == pytest.approx(1.0)
    assert deal.terms.stake_frac == pytest.approx(1.0 / (deal.terms.pre_money_usd_bn + 1.0))
    market.refresh_clauses()
    assert market.clauses["Anthropic"]["Amazon"] is Exclusivity.EXCLUSIVE


def test_later_disclosed_deals_are_signed_as_dated(baseline: Scenario) -> None:
    factual = market_of(baseline, 7, quarters=31)
    gone = "microsoft-openai-2023-01"
    twin = market_of(intervened(baseline, removed(gone)), 7, quarters=31)
    signed = [(deal.number, deal.slug, deal.terms) for deal in factual.book.deals]
    assert [(deal.number, deal.slug, deal.terms) for deal in twin.book.deals] == [
        each for each in signed if each[1] != gone
    ]
    quarter = "2023Q1"
    assert first_difference(until(factual.record_tables(), quarter), until(twin.record_tables(), quarter)) == ""
    assert first_difference(factual.record_tables(), twin.record_tables()) != ""


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (
            removed("microsoft-openai-2023-02"),
            'interventions.0.deal: the scenario signs no such disclosed deal (got "microsoft-openai-2023-02"); '
            "allowed: one of the 46 that it does, or REPLICATE:NUMBER of a simulated one; "
            "did you mean 'microsoft-openai-2023-01'?",
        ),
        (
            {"deal": "nvidia-openai-2026-02", "kind": "change", "gw": 1.0},
            "intervention in nvidia-openai-2026-02: gw: the deal has no capacity to change (got 1.0)",
        ),
        (
            {"deal": "nvidia-openai-2026-02", "kind": "change", "exclusivity": "exclusive"},
            "intervention in nvidia-openai-2026-02: exclusivity: NVIDIA is no hyperscaler and holds no clause "
            '(got "exclusive")',
        ),
        (
            {"deal": "microsoft-openai-2025-01", "kind": "change", "exclusivity": "none", "revenue_share_frac": 0.1},
            "intervention in microsoft-openai-2025-01: revenue_share_frac: the row changes a clause and nothing else "
            "(got 0.1)",
        ),
    ],
)
def test_what_a_disclosed_deal_cannot_be_is_told_in_one_line(
    baseline: Scenario, entry: dict[str, Any], message: str
) -> None:
    with pytest.raises(ScenarioError) as caught:
        CloudMarket(intervened(baseline, entry))
    assert str(caught.value) == message


def test_a_disclosed_deal_is_none_of_a_scenario_without_history() -> None:
    world = intervened(Scenario.load("tiny"), removed("microsoft-openai-2023-01"))
    with pytest.raises(ScenarioError, match=r"no such disclosed deal .* allowed: REPLICATE:NUMBER of a simulated one$"):
        CloudMarket(world)


# Forks


@pytest.mark.parametrize("number", [0, 9])
def test_a_fork_under_an_intervention_is_the_run_with_it_from_the_start(number: int) -> None:
    world = intervened(lively(), removed(f"0:{number}", bar_quarters=3))
    market = market_of(lively(), 1, quarters=0 if number == 0 else 13)
    twin = market.fork(world)
    twin.run_for(999)
    assert first_difference(twin.record_tables(), market_of(world, 1).record_tables()) == ""


def test_a_bar_survives_a_fork() -> None:
    market = market_of(intervened(lively(), removed("0:0", bar_quarters=9)), 1, quarters=3)
    fork = market.fork()
    for each in (market, fork):
        each.run_for(999)
    assert first_difference(market.record_tables(), fork.record_tables()) == ""
    assert fork.barred == {("West", "Ada"): market.first_quarter + 9}
