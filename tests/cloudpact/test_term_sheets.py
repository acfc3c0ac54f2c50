"""Terms that are on the table are signed where they are worth it, stand in the term sheet, and are carried out."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest

from cloudpact.model import CloudMarket
from cloudpact.quarter.term_sheets import grid_for, term_sheet
from market.bargaining.problem import Problem, Terms, terms_at
from market.deals import Deal, DealStatus, Exclusivity, TermSheet, Tranche, Trigger
from market.scenario import Policy, Rule, Scenario
from tests.cloudpact.test_arrangements import opened, talks_of
from tests.properties.market_worlds import first_difference, lively, market_of

# Nothing but compute, a discount and equity at once; tests put more on the table.
PLAIN: dict[str, Any] = {
    "negotiation.warrant_levels": [0.0],
    "negotiation.revenue_share_levels": [0.0],
    "negotiation.upfront_levels": [1.0],
    "negotiation.milestones": ["gw_live"],
    "negotiation.clause_levels": ["none"],
}
# With a discount this deep on every deal providers ask for something in return.
DEEP = {"negotiation.discount_levels": [0.45]}
WARRANTS = {"negotiation.warrant_levels": [0.0, 0.02, 0.05]}
SHARES = {"negotiation.revenue_share_levels": [0.0, 0.02, 0.05], "negotiation.revenue_share_quarters": 6}


def world(**changes: Any) -> Scenario:
    return lively(**PLAIN | changes)


@cache
def with_warrants() -> CloudMarket:
    return market_of(world(**DEEP, **WARRANTS), guards=True)


@cache
def with_revenue_shares() -> CloudMarket:
    power = {"negotiation.provider_power": 0.9, "negotiation.discount_levels": [0.36]}
    return market_of(world(**power, **SHARES), guards=True)


@cache
def with_milestones(name: str) -> CloudMarket:
    staged = {"negotiation.milestones": [name], "negotiation.upfront_levels": [0.25], "time.end": "2030Q4"}
    return market_of(world(**staged), guards=True)


def stories(market: CloudMarket) -> dict[int, dict[str, Any]]:
    """What was signed, by the deal's number."""
    names = {market.deal_name(deal): deal.number for deal in market.book.deals}
    return {names[row["deal"]]: json.loads(str(row["trace"])) for row in _signed(market)}


def _signed(market: CloudMarket) -> list[Any]:
    return [row for row in market.tables["negotiations"] if row["outcome"] == "signed"]


# the sheet says what was agreed


@pytest.mark.parametrize("run", [with_warrants, with_revenue_shares, lambda: with_milestones("revenue")])
def test_the_term_sheet_carries_the_signed_terms(run: Any) -> None:
    market = run()
    signed = stories(market)
    assert signed.keys() == {deal.number for deal in market.book.deals}
    for deal in market.book.deals:
        agreed, terms = signed[deal.number]["terms"], deal.terms
        side = signed[deal.number]["problem"]["provider"]
        assert terms.gw == agreed["gw"]
        assert terms.term_quarters == agreed["term_quarters"]
        assert terms.start_quarter == terms.quarter + side["lead_quarters"]
        assert terms.discount_frac == agreed["discount_frac"]
        price = side["price_usd_bn_per_gw_quarter"] * (1.0 - agreed["discount_frac"])
        assert terms.price_usd_bn_per_gw_quarter == price
        assert terms.take_or_pay_frac == agreed["take_or_pay_frac"]
        assert terms.exclusivity == agreed["clause"]
        assert terms.equity_usd_bn == pytest.approx(agreed["equity_usd_bn"], rel=1e-12)
        assert sum(warrant.stake_frac for warrant in terms.warrants) == agreed["warrant_stake_frac"]
        assert terms.revenue_share_frac == agreed["revenue_share_frac"]
        if terms.equity_usd_bn > 0.0:
            assert terms.stake_frac == pytest.approx(
                terms.equity_usd_bn / (terms.equity_usd_bn + terms.pre_money_usd_bn), rel=1e-12
            )


def test_a_ramp_is_linear_and_tied_deals_have_a_dated_end() -> None:
    tied = market_of(world(**{"negotiation.clause_levels": ["primary"], "time.end": "2026Q4"}))
    assert tied.book.deals
    for deal in tied.book.deals:
        terms = deal.terms
        assert terms.gw_by_quarter[:4] == pytest.approx([terms.gw * part for part in (0.25, 0.5, 0.75, 1.0)], rel=1e-12)
        assert set(terms.gw_by_quarter[4:]) == {terms.gw}
        assert terms.exclusivity is Exclusivity.PRIMARY
        assert terms.exclusive_until == terms.end_quarter


# warrants


def test_warrants_are_signed_and_move_the_cap_table_once_the_capacity_is_live() -> None:
    """Shares are granted in the quarter in which they vest, for the stake that was signed, and not before."""
    market = with_warrants()
    holders = [deal for deal in market.book.deals if deal.terms.warrants]
    assert len(holders) > 5
    vested = [deal for deal in holders if deal.warrant_vested == [True]]
    assert len(vested) > 2
    for deal in holders:
        (warrant,) = deal.terms.warrants
        assert (warrant.issuer, warrant.holder) == (deal.terms.lab, deal.terms.provider)
        assert warrant.trigger is Trigger.GW_LIVE
        assert warrant.threshold == pytest.approx(deal.terms.gw, rel=0.02)
    for lab in market.labs:
        grants = [event for event in lab.cap_table.history if event.kind == "grant"]
        expected = [deal for deal in vested if deal.terms.lab == lab.name]
        assert sorted((event.holder, event.fraction) for event in grants) == sorted(
            (deal.terms.provider, deal.terms.warrants[0].stake_frac) for deal in expected
        )
    for deal in vested:
        quarters = [quarter for quarter, text in deal.events if text.startswith("warrant 0 vested")]
        # the ramp is over, and the market's capacity may be late
        assert quarters[0] >= deal.terms.start_quarter + 3


def test_warrants_give_their_holder_the_stake() -> None:
    """A provider without equity in a lab owns what its warrants gave it, diluted by what came later."""
    market = with_warrants()
    checked = 0
    for lab in market.labs:
        for provider in market.providers:
            pair = (provider.name, lab.name)
            deals = [deal for deal in market.book.deals if (deal.terms.provider, deal.terms.lab) == pair]
            stakes = [deal.terms.warrants[0].stake_frac for deal in deals if deal.warrant_vested == [True]]
            if stakes and not any(deal.paid_usd_bn for deal in deals):
                assert 0.0 < lab.cap_table.fraction(provider.name) <= sum(stakes) + 1e-12
                checked += 1
    assert checked


def test_a_warrant_is_worth_a_discount_that_would_else_not_be_given() -> None:
    """At this discount alone there is no deal, or next to none."""
    bare = market_of(world(**DEEP))
    assert len(bare.book.deals) < len(with_warrants().book.deals) / 3


def test_without_the_equity_channel_no_warrant_is_signed_and_none_on_the_table_is_the_same() -> None:
    """M13."""
    off = {"negotiation.equity_scale": 0.0, "negotiation.discount_levels": [0.3, 0.45]}
    listed, unlisted = market_of(world(**off, **WARRANTS)), market_of(world(**off))
    assert listed.book.deals
    assert not any(deal.terms.warrants or deal.terms.tranches for deal in listed.book.deals)
    assert first_difference(listed.record_tables(), unlisted.record_tables()) == ""
    for lab in listed.labs:
        assert not set(lab.cap_table.fractions()) & set(listed.provider_by_name)


# revenue shares


def test_revenue_shares_are_paid_until_their_end() -> None:
    """From the signature on, a part of each quarter's revenue, for six quarters and not one more."""
    market = with_revenue_shares()
    owing = [deal for deal in market.book.deals if deal.terms.revenue_share_frac > 0.0]
    assert len(owing) > 5
    paid = {
        (entry.deal, entry.quarter): entry.units * market.usd_bn_per_unit
        for entry in market.ledger.entries
        if entry.kind == "revenue share"
    }
    revenue = {(row["lab"], row["quarter"]): row["revenue_annualised_usd_bn"] / 4.0 for row in market.tables["labs"]}  # type: ignore[operator]
    labels = [str(row["quarter"]) for row in market.tables["market"]]
    expected = {}
    for deal in owing:
        signed, until = deal.terms.quarter, deal.terms.revenue_share_until
        assert until == signed + 6
        for quarter in range(signed, min(until, market.quarter)):
            due = revenue[deal.terms.lab, labels[quarter - market.first_quarter]]
            expected[deal.number, quarter] = deal.terms.revenue_share_frac * due
    assert not market.events, "no lab fails, so all is paid"
    assert paid == pytest.approx(expected, rel=1e-6)
    assert any(deal.terms.revenue_share_until < market.quarter for deal in owing if deal.terms.revenue_share_until)


def test_a_revenue_share_goes_to_its_provider() -> None:
    market = with_revenue_shares()
    terms = {deal.number: deal.terms for deal in market.book.deals}
    entries = [entry for entry in market.ledger.entries if entry.kind == "revenue share"]
    assert entries
    for entry in entries:
        assert entry.deal is not None
        assert (entry.payer, entry.payee) == (terms[entry.deal].lab, terms[entry.deal].provider)


# tranches


def _when_paid(deal: Deal) -> dict[int, int]:
    """Quarter in which each tranche was paid."""
    events = [(quarter, text.split()) for quarter, text in deal.events]
    return {int(words[1]): quarter for quarter, words in events if words[0] == "tranche" and words[2] == "paid:"}


@pytest.mark.parametrize("name", ["revenue", "valuation"])
def test_tranches_are_paid_in_the_quarter_in_which_their_milestone_is_reached(name: str) -> None:
    """A quarter of the equity at once, the rest in thirds at the provider's forecast of run-rate or value."""
    market = with_milestones(name)
    column = {"revenue": "revenue_annualised_usd_bn", "valuation": "valuation_usd_bn"}[name]
    reached: dict[str, list[float]] = {}
    for row in market.tables["labs"]:
        reached.setdefault(str(row["lab"]), []).append(float(row[column]))  # type: ignore[arg-type]
    paid_later, unpaid = 0, 0
    for deal in market.book.deals:
        if not deal.terms.tranches:
            continue
        first, *later = deal.terms.tranches
        equity = deal.terms.equity_usd_bn
        assert first == Tranche(first.amount_usd_bn, Trigger.DATE, float(deal.terms.quarter))
        assert [first.amount_usd_bn, *(each.amount_usd_bn for each in later)] == pytest.approx([equity / 4.0] * 4)
        assert [each.trigger for each in later] == [Trigger(name)] * 3
        assert sorted(each.threshold for each in later) == [each.threshold for each in later]
        when, path = _when_paid(deal), reached[deal.terms.lab]
        assert when[0] == deal.terms.quarter
        for number, tranche in enumerate(later, start=1):
            open_quarters = range(deal.terms.quarter - market.first_quarter, len(path))
            met = [quarter for quarter in open_quarters if path[quarter] >= tranche.threshold * (1.0 + 1e-12)]
            if number in when:
                assert when[number] == market.first_quarter + met[0]
                paid_later += 1
            else:
                assert met == []
                unpaid += 1
    assert paid_later > 5
    assert unpaid > 5


def test_every_paid_tranche_is_in_the_ledger_and_on_the_cap_table() -> None:
    market = with_milestones("revenue")
    booked: dict[int, float] = {}
    for entry in market.ledger.entries:
        if entry.kind == "equity" and entry.deal is not None:
            booked[entry.deal] = booked.get(entry.deal, 0.0) + entry.units * market.usd_bn_per_unit
    paid = {deal.number: deal.paid_usd_bn for deal in market.book.deals if deal.paid_usd_bn > 0.0}
    assert booked == pytest.approx(paid, rel=1e-6)
    for number in paid:
        terms = market.book.deals[number].terms
        assert market.lab_by_name[terms.lab].cap_table.fraction(terms.provider) > 0.0


def test_thresholds_are_the_providers_forecast_not_the_labs() -> None:
    """A lab that believes in itself takes a revenue milestone for near: the sheet keeps the provider's view."""
    hopeful = {"negotiation.milestones": ["revenue"], "negotiation.upfront_levels": [0.25]}
    market = market_of(world(**hopeful, **{"beliefs.lab_growth_per_quarter": 0.05}))
    signed = stories(market)
    checked = 0
    for deal in market.book.deals:
        waiting = [tranche.threshold for tranche in deal.terms.tranches if tranche.trigger is Trigger.REVENUE]
        if waiting:
            problem = signed[deal.number]["problem"]
            seen, own = (side["revenue_usd_bn_per_quarter"] for side in (problem["seen"][0], problem["lab"]))
            assert waiting == [4.0 * seen[ahead] for ahead in (5, 6, 7)]
            assert all(threshold < 4.0 * own[ahead] for threshold, ahead in zip(waiting, (5, 6, 7), strict=True))
            checked += 1
    assert checked > 1


# what is on the table


def _table(scenario: Scenario, running: Exclusivity = Exclusivity.NONE) -> Any:
    market = opened(scenario)
    talks = talks_of(market)
    return grid_for(market, talks.problem("West").lab, talks.need.gap_gw, running)


def test_the_table_holds_what_the_scenario_lists() -> None:
    staged = {"negotiation.upfront_levels": [0.25, 1.0], "negotiation.milestones": ["revenue", "gw_live"]}
    grid = _table(lively(**staged, **{"labs.Ada.cash_usd_bn": 0.1}))
    rules = lively().negotiation
    largest = grid.gw[-1]
    assert grid.gw == pytest.approx([level * largest for level in rules.gw_levels])
    assert (grid.terms, grid.take_or_pay, grid.discounts) == (
        rules.term_levels_quarters,
        rules.take_or_pay_levels,
        rules.discount_levels,
    )
    assert grid.clauses == tuple(Exclusivity(name) for name in rules.clause_levels)
    assert grid.staging == ((0.25, Trigger.REVENUE), (0.25, Trigger.GW_LIVE), (1.0, Trigger.DATE))
    assert (grid.warrants, grid.revenue_shares) == (rules.warrant_levels, rules.revenue_share_levels)
    assert [level / grid.equity[-1] for level in grid.equity] == pytest.approx(list(rules.equity_levels))
    assert _table(lively(**staged, **{"labs.Ada.cash_usd_bn": 1e3})).equity == (0.0,)  # no shortfall, no equity


@pytest.mark.parametrize(
    ("changes", "banned", "clauses"),
    [
        ({"negotiation.exclusivity": "never"}, False, ["none"]),
        ({"negotiation.exclusivity": "always"}, False, ["exclusive"]),
        ({"negotiation.clause_levels": ["exclusive", "none", "exclusive"]}, False, ["exclusive", "none"]),
        ({"negotiation.clause_levels": ["exclusive", "primary"]}, True, ["primary"]),
        ({"negotiation.clause_levels": ["exclusive"]}, True, ["none"]),
        (
            {"negotiation.exclusivity": "always", "negotiation.clause_levels": ["first_refusal"]},
            True,
            ["first_refusal"],
        ),
    ],
)
def test_rules_cut_the_clauses_on_the_table(changes: dict[str, Any], banned: bool, clauses: list[str]) -> None:
    ban = (Rule(kind="exclusivity_ban", since="2025Q1"),) if banned else ()
    scenario = lively(**changes).model_copy(update={"policy": Policy(rules=ban)})
    assert [str(kind) for kind in _table(scenario).clauses] == clauses


def test_a_running_clause_can_be_traded_without_capacity() -> None:
    assert _table(lively()).gw[0] > 0.0
    grid = _table(lively(), Exclusivity.PRIMARY)
    assert grid.gw[0] == 0.0
    assert grid.gw[1:] == _table(lively()).gw


def test_without_capacity_a_term_sheet_has_a_clause_and_money_alone() -> None:
    """The clause alone is traded: no price, no ramp, and the deal is over once its money is paid."""
    market = opened(world())
    problem = talks_of(market).problem("West")
    terms = Terms(0.0, 20, 0.8, Exclusivity.NONE, 0.12, 0.5, 1.0, Trigger.DATE, 0.0, 0.0)
    sheet = _sheet(market, problem, terms)
    assert (sheet.gw_by_quarter, sheet.price_usd_bn_per_gw_quarter, sheet.discount_frac) == ((), 0.0, 0.0)
    assert (sheet.take_or_pay_frac, sheet.late_penalty_frac, sheet.exclusive_until) == (0.0, 0.0, None)
    assert sheet.tranches == (Tranche(0.5, Trigger.DATE, float(market.quarter)),)
    deal = market.book.sign(sheet, market.quarter)
    deal.tranche_paid = [True]
    market.book.advance(sheet.start_quarter)
    assert deal.status is DealStatus.FULFILLED


def test_a_contract_ends_with_the_books_last_quarter() -> None:
    market = opened(world())
    market.last_contract_quarter = market.quarter + 10
    terms = Terms(0.5, 20, 0.8, Exclusivity.PRIMARY, 0.12, 0.0, 1.0, Trigger.DATE, 0.0, 0.0)
    sheet = _sheet(market, talks_of(market).problem("West"), terms)
    assert sheet.end_quarter == market.last_contract_quarter
    assert sheet.exclusive_until == sheet.end_quarter


def _sheet(market: CloudMarket, problem: Problem, terms: Terms) -> TermSheet:
    return term_sheet(market, market.lab_by_name["Ada"], problem, terms)


def test_milestones_on_capacity_are_thirds_of_what_is_promised() -> None:
    market = opened(world())
    terms = Terms(0.6, 20, 0.8, Exclusivity.NONE, 0.12, 4.0, 0.25, Trigger.GW_LIVE, 0.1, 0.0)
    sheet = _sheet(market, talks_of(market).problem("West"), terms)
    assert [tranche.amount_usd_bn for tranche in sheet.tranches] == [1.0] * 4
    assert [tranche.threshold for tranche in sheet.tranches[1:]] == pytest.approx([0.2, 0.4, 0.6], rel=0.02)
    assert [warrant.stake_frac for warrant in sheet.warrants] == [0.1]
    nothing_at_once = Terms(0.6, 20, 0.8, Exclusivity.NONE, 0.12, 3.0, 0.0, Trigger.GW_LIVE, 0.0, 0.0)
    later = _sheet(market, talks_of(market).problem("West"), nothing_at_once).tranches
    assert [tranche.trigger for tranche in later] == [Trigger.GW_LIVE] * 3
    assert sum(tranche.amount_usd_bn for tranche in later) == pytest.approx(3.0)


def test_terms_are_read_off_the_table_as_they_lie() -> None:
    grid = _table(lively())
    found = {terms_at(grid, index) for index in range(grid.size)}
    assert len(found) == grid.size
