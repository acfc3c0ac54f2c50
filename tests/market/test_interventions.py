"""Terms changed by hand, each by its rule; what a scenario file may say of it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from market.deals import Exclusivity, TermSheet, Tranche, Trigger, Warrant, check_terms
from market.interventions import changed
from market.scenario import Intervention, Scenario
from market.scenario_errors import ScenarioError

SHEET = TermSheet(
    provider="Amazon",
    lab="Anthropic",
    quarter=8100,
    start_quarter=8102,
    gw_by_quarter=(0.25, 0.5, 1.0, 1.0),
    price_usd_bn_per_gw_quarter=3.0,
    discount_frac=0.25,
    take_or_pay_frac=0.8,
    exclusivity=Exclusivity.PRIMARY,
    exclusive_until=8106,
    tranches=(
        Tranche(5.0, Trigger.DATE, 8100.0),
        Tranche(10.0, Trigger.GW_LIVE, 0.5),
        Tranche(5.0, Trigger.REVENUE, 9.0),
    ),
    pre_money_usd_bn=80.0,
    stake_frac=0.2,
    warrants=(Warrant("Anthropic", "Amazon", 0.05, Trigger.GW_LIVE, 1.0),),
    revenue_share_frac=0.1,
    revenue_share_until=8120,
)
BARE = TermSheet("Amazon", "Anthropic", 8100, 8102)


def with_terms(sheet: TermSheet, last_quarter: int = 8200, **terms: Any) -> TermSheet:
    return changed(sheet, Intervention(deal="0:1", kind="change", **terms), last_quarter, share_quarters=20)


def differing(sheet: TermSheet, other: TermSheet) -> dict[str, Any]:
    fields = [field.name for field in dataclasses.fields(TermSheet)]
    return {name: getattr(other, name) for name in fields if getattr(sheet, name) != getattr(other, name)}


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        # half the money at the same price of a share: 10 / (80 + 10)
        (
            {"equity_usd_bn": 10.0},
            {
                "tranches": (
                    Tranche(2.5, Trigger.DATE, 8100.0),
                    Tranche(5.0, Trigger.GW_LIVE, 0.5),
                    Tranche(2.5, Trigger.REVENUE, 9.0),
                ),
                "stake_frac": pytest.approx(1 / 9, rel=1e-15),
            },
        ),
        ({"equity_usd_bn": 0.0}, {"tranches": (), "stake_frac": 0.0}),
        (
            {"gw": 2.0},
            {
                "gw_by_quarter": (0.5, 1.0, 2.0, 2.0),
                "tranches": (SHEET.tranches[0], Tranche(10.0, Trigger.GW_LIVE, 1.0), SHEET.tranches[2]),
                "warrants": (Warrant("Anthropic", "Amazon", 0.05, Trigger.GW_LIVE, 2.0),),
            },
        ),
        ({"gw": 0.0}, {"gw_by_quarter": ()}),
        ({"term_quarters": 2}, {"gw_by_quarter": (0.25, 0.5), "exclusive_until": 8104}),
        ({"term_quarters": 6}, {"gw_by_quarter": (0.25, 0.5, 1.0, 1.0, 1.0, 1.0), "exclusive_until": 8108}),
        # signed at 4 less a quarter
        ({"price_usd_bn_per_gw_quarter": 2.0}, {"price_usd_bn_per_gw_quarter": 2.0, "discount_frac": 0.5}),
        ({"price_usd_bn_per_gw_quarter": 5.0}, {"price_usd_bn_per_gw_quarter": 5.0, "discount_frac": -0.25}),
        ({"take_or_pay_frac": 0.0}, {"take_or_pay_frac": 0.0}),
        ({"exclusivity": "exclusive"}, {"exclusivity": Exclusivity.EXCLUSIVE}),
        ({"exclusivity": "none"}, {"exclusivity": Exclusivity.NONE, "exclusive_until": None}),
        ({"revenue_share_frac": 0.3}, {"revenue_share_frac": 0.3}),
        ({"revenue_share_frac": 0.0}, {"revenue_share_frac": 0.0, "revenue_share_until": None}),
        # the largest capacity is that of the whole path; the term then cuts it
        ({"gw": 2.0, "term_quarters": 2}, {
            "gw_by_quarter": (0.5, 1.0),
            "exclusive_until": 8104,
            "tranches": (SHEET.tranches[0], Tranche(10.0, Trigger.GW_LIVE, 1.0), SHEET.tranches[2]),
            "warrants": (Warrant("Anthropic", "Amazon", 0.05, Trigger.GW_LIVE, 2.0),),
        }),
    ],
)  # fmt: skip
def test_each_term_takes_with_it_what_hangs_on_it(terms: dict[str, Any], expected: dict[str, Any]) -> None:
    found = with_terms(SHEET, **terms)
    assert differing(SHEET, found) == expected
    check_terms(found)


def test_equal_terms_are_the_same_sheet() -> None:
    same: dict[str, Any] = {
        "equity_usd_bn": 20.0,
        "gw": 1.0,
        "price_usd_bn_per_gw_quarter": 3.0,
        "term_quarters": 4,
        "take_or_pay_frac": 0.8,
        "exclusivity": "primary",
        "revenue_share_frac": 0.1,
    }
    assert with_terms(SHEET, **same) is SHEET


def test_clauses_and_revenue_shares_that_are_new_have_an_end() -> None:
    plain = dataclasses.replace(SHEET, exclusivity=Exclusivity.NONE, exclusive_until=None, revenue_share_frac=0.0)
    assert with_terms(plain, exclusivity="exclusive").exclusive_until == SHEET.end_quarter
    assert with_terms(plain, revenue_share_frac=0.1).revenue_share_until == 8120
    assert with_terms(BARE, exclusivity="exclusive").exclusive_until is None


def test_a_clause_with_an_end_of_its_own_keeps_it() -> None:
    longer = dataclasses.replace(SHEET, exclusive_until=8110)
    assert with_terms(longer, term_quarters=2).exclusive_until == 8110
    open_ended = dataclasses.replace(SHEET, exclusive_until=None)
    assert with_terms(open_ended, term_quarters=2).exclusive_until is None


def test_no_contract_reaches_beyond_the_last_quarter() -> None:
    assert with_terms(SHEET, last_quarter=8107, term_quarters=80).end_quarter == 8107


def test_the_new_capacity_is_reached_to_the_last_bit() -> None:
    odd = dataclasses.replace(SHEET, gw_by_quarter=(0.1, 0.3, 0.3))
    assert [with_terms(odd, gw=gw).gw for gw in (0.7, 1.1, 1e-3)] == [0.7, 1.1, 1e-3]


def test_equity_without_a_price_of_its_own_has_no_stake_before_it_is_paid() -> None:
    unpriced = dataclasses.replace(SHEET, pre_money_usd_bn=0.0, stake_frac=0.0)
    assert with_terms(unpriced, equity_usd_bn=1.0).stake_frac == 0.0


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ({"gw": 1.0}, "intervention in 0:1: gw: the deal has no capacity to change (got 1.0)"),
        ({"term_quarters": 4}, "intervention in 0:1: term_quarters: the deal has no capacity to change (got 4)"),
        ({"equity_usd_bn": 1.0}, "intervention in 0:1: equity_usd_bn: the deal has no equity to change (got 1.0)"),
    ],
)
def test_a_deal_without_capacity_or_equity_has_no_such_terms(terms: dict[str, Any], message: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        with_terms(BARE, **terms)
    assert str(caught.value) == message


# What a file may say


def mistake(text: str, folder: Path) -> str:
    path = folder / "world.toml"
    path.write_text('base = "tiny"\n' + text)
    with pytest.raises(ScenarioError) as caught:
        Scenario.load(path)
    return str(caught.value).removeprefix(f"{path}:")


ALL_TERMS = (
    "equity_usd_bn, gw, price_usd_bn_per_gw_quarter, term_quarters, take_or_pay_frac, exclusivity, revenue_share_frac"
)


CHANGE = "deal = '0:1'", "kind = 'change'"
MISTAKES: dict[tuple[str, ...], str] = {
    (): (
        "2: interventions.0.deal: names no deal; "
        "allowed: the slug of a disclosed deal, or REPLICATE:NUMBER of a simulated one"
    ),
    ("deal = '0:01'",): ("3: interventions.0.deal: '0:01' is no simulated deal; allowed: REPLICATE:NUMBER, as in 0:46"),
    ("deal = '0:1'", "kind = 'drop'"): (
        '4: interventions.0.kind: unknown choice (got "drop"); allowed: remove, change'
    ),
    ("deal = '0:1'", "gw = 1.0"): (
        "4: interventions.0.gw: a deal that is removed has no terms; allowed: with kind change"
    ),
    CHANGE: f"2: interventions.0: changes no term; allowed: {ALL_TERMS}",
    (*CHANGE, "gw = 1.0", "bar_quarters = 2"): (
        "6: interventions.0.bar_quarters: a deal that is signed bars nobody; allowed: with kind remove"
    ),
    (*CHANGE, "gw = 0.0", "term_quarters = 8"): (
        "6: interventions.0.term_quarters: there is no such term where gw is 0; allowed: with capacity"
    ),
    (*CHANGE, "gw = -1.0"): ("5: interventions.0.gw: out of range (got -1.0); allowed: a number from 0 to 10000 (GW)"),
    (*CHANGE, "equity = 1.0"): (
        f"5: interventions.0.equity: unknown key; allowed: deal, kind, {ALL_TERMS}, bar_quarters; "
        "did you mean 'equity_usd_bn'?"
    ),
    ("deal = '0:1'", "[[interventions]]", "deal = '0:1'"): (
        "5: interventions.1.deal: '0:1' stands in interventions.0 already"
    ),
}


@pytest.mark.parametrize(("lines", "expected"), MISTAKES.items())
def test_mistakes_are_told_in_one_line(lines: tuple[str, ...], expected: str, tmp_path: Path) -> None:
    assert mistake("\n".join(["[[interventions]]", *lines]), tmp_path) == expected


def test_interventions_survive_a_file_and_count_in_the_hash(tmp_path: Path) -> None:
    entries = [{"deal": "a-b-2026-01"}, {"deal": "0:3", "kind": "change", "gw": 0.5, "exclusivity": "none"}]
    plain = Scenario.load("tiny")
    scenario = plain.with_({"interventions": entries})
    path = tmp_path / "again.toml"
    path.write_text(scenario.dump())
    assert Scenario.load(path) == scenario
    assert Scenario.load(path).content_hash() == scenario.content_hash() != plain.content_hash()
