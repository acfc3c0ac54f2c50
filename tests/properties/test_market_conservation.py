"""M01-M04 and M18: money, stakes, capacity and bills of whole markets add up."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest

from cloudpact.model import CloudMarket
from cloudpact.quarter import settlement
from market.ledger import INCOME
from market.scenario import Scenario
from tests.properties.market_worlds import lively, market_of

WORLDS = ["tiny", "symmetric", "demand-collapse", "no-equity"]


def _stressed() -> Scenario:
    """Nobody gives labs money, and one of them has little."""
    nobody = {"funding.investor_depth": 0.0, "funding.supplier_depth": 0.0, "negotiation.equity_scale": 0.0}
    nobody |= {"labs_common.operating_share": 1.2}
    return lively(**nobody, **{"labs.Ada.cash_usd_bn": 1.0, "time.end": "2027Q4"})


@pytest.mark.parametrize("name", ["tiny", "lively", "stressed"])
def test_every_guard_holds_after_every_phase(name: str) -> None:
    scenario: Scenario | str = {"lively": lively(), "stressed": _stressed()}.get(name, name)
    market_of(scenario, guards=True)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("name", [*WORLDS, "baseline", "exclusive-world", "accelerator-shortage"])
def test_every_guard_holds_in_shipped_scenarios(name: str, seed: int) -> None:
    market_of(name, seed, guards=True)


def test_cash_of_every_party_is_what_it_had_plus_inflow_less_outflow() -> None:
    """M01 by another road: the flows by pair and kind, which the metrics read, explain every change of cash."""
    market = CloudMarket(lively(), rng=3)
    for _ in range(12):
        quarter = market.quarter
        before = {party: market.ledger.balance(party, "cash") for party in market.ledger.parties}
        market.step()
        change: dict[str, int] = defaultdict(int)
        for (payer, payee, _), units in market.ledger.flows(quarter).items():
            assert units > 0
            change[payer] -= units
            change[payee] += units
        for party in market.ledger.parties:
            assert market.ledger.balance(party, "cash") - before.get(party, 0) == change[party], (quarter, party)


def test_priced_rounds_dilute_everybody_else_alike() -> None:
    """M02: equity buys amount / (pre-money + amount), or less where a later tranche keeps an earlier price."""
    market = market_of(lively())
    rounds = [event for lab in market.labs for event in lab.cap_table.history]
    assert len(rounds) > 20
    for event in rounds:
        assert event.kind == "issue"
        bought = event.amount_usd_bn / (event.pre_money_usd_bn + event.amount_usd_bn)
        if event.holder in market.provider_by_name:
            assert event.fraction <= bought * (1.0 + 1e-9)
        else:
            assert event.fraction == pytest.approx(bought, rel=1e-9)


@pytest.mark.parametrize(("lead", "life"), [(2, 9), (5, 20)])
def test_capacity_enters_service_exactly_after_the_stated_lag(lead: int, life: int) -> None:
    """M03: installed is what was ordered from lag + life - 1 to lag quarters ago, and what is left of the start."""
    scenario = Scenario.load("tiny").with_({
        "capacity.lead_quarters": lead,
        "capacity.chip_lead_quarters": lead,
        "capacity.chip_life_quarters": life,
        "capacity.delay_probability": 0.0,
    })  # fmt: skip
    market = CloudMarket(scenario, rng=5, debug_guards=True)
    orders: list[np.ndarray] = []
    while market.running:
        age = market.tick + 1
        market.step()
        arrived = orders[max(len(orders) - lead - life + 1, 0) : max(len(orders) - lead + 1, 0)]
        for provider in market.providers:
            initial = provider.spec.capacity_gw * max(life - age, 0) / life
            expected = initial + sum(float(order[provider.index]) for order in arrived)
            assert provider.capacity.installed_gw == pytest.approx(expected, rel=1e-12)
        orders.append(market.flows.ordered_gw.copy())
    assert sum(orders).sum() > 0.0


def _run_to_contracts(scenario: Scenario) -> CloudMarket:
    market = CloudMarket(scenario, rng=7)
    while market.running and not market.flows.contract_gw.any():
        market.step()
    market.run_for(3)
    return market


def test_bills_follow_from_the_book_and_the_quarter() -> None:
    """M04: every contract's payment is price * max(use, take-or-pay share * available), by hand."""
    market = _run_to_contracts(lively())
    quarter = market.quarter - 1
    paid: dict[int, float] = defaultdict(float)
    for entry in market.ledger.entries:
        if entry.quarter == quarter and entry.kind == "contracted compute":
            assert entry.deal is not None
            paid[entry.deal] += entry.units / 1e9
    running = [deal for deal in market.book.running() if deal.terms.start_quarter <= quarter]
    assert len(running) >= 4
    for deal in running:
        terms = deal.terms
        row, column = market.provider_row[terms.provider], market.lab_column[terms.lab]
        share = terms.gw_by_quarter[quarter - terms.start_quarter] / market.flows.promised_gw[row, column]
        available = share * market.flows.available_gw[row, column]
        used = share * market.flows.contract_gw[row, column]
        due = terms.price_usd_bn_per_gw_quarter * max(used, terms.take_or_pay_frac * available)
        assert paid[deal.number] == pytest.approx(due, abs=2e-9)


def test_idle_contracts_cost_the_floor() -> None:
    """M04: a lab that needs nothing owes its take-or-pay share of what was made available, no more."""
    market = _run_to_contracts(lively())
    lab = next(lab for lab in market.labs if market.flows.contract_gw[:, lab.index].any())
    market.flows.contract_gw[:, lab.index] = 0.0
    market.flows.spot_gw[:, lab.index] = 0.0
    floor = 0.0
    for deal in market.book.running():
        row, promised = market.provider_row[deal.terms.provider], settlement.promised_now(deal, market.quarter - 1)
        if deal.terms.lab == lab.name and promised > 0.0:
            part = promised / market.flows.promised_gw[row, lab.index]
            available = part * market.flows.available_gw[row, lab.index]
            floor += deal.terms.price_usd_bn_per_gw_quarter * deal.terms.take_or_pay_frac * available
    market.quarter -= 1
    bills = settlement._bills(market, lab)
    assert floor > 0.0
    assert sum(amount for _, amount, _, _ in bills) == pytest.approx(floor, rel=1e-9)


def test_what_a_lab_cannot_pay_is_owed() -> None:
    """M04: revenue is what was billed; the unpaid part stands as arrears with both parties."""
    market = CloudMarket(_stressed(), rng=7)
    while market.running and not market.arrears["Ada"]:
        market.step()
    owed = sum(market.arrears["Ada"].values())
    assert owed > 0.0
    assert market.ledger.value_usd_bn("Ada", "payables") == pytest.approx(owed, abs=1e-8)
    claims = sum(
        market.ledger.value_usd_bn(party, "receivables") for party in market.arrears["Ada"] if party != "External"
    )
    assert claims >= owed - 1e-8


def test_a_round_trip_moves_revenue_and_stake_but_no_cash_of_either() -> None:
    """M18: a provider invests X and gets X back as compute spend in the quarter."""
    amount = 0.25
    market = CloudMarket(lively(), rng=7)
    market.run_for(6)
    twin = market.fork()
    settle = settlement.settle

    def settle_with_round_trip(world: CloudMarket) -> None:
        settle(world)
        lab, provider = world.labs[0], world.providers[0]
        settlement._invest(world, provider.name, lab, amount, lab.value, None)
        settlement._lab_pays(world, lab, provider.name, amount, "compute", "contracted compute", None)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settlement, "settle", settle_with_round_trip)
        twin.step()
    market.step()
    lab, provider = market.labs[0].name, market.providers[0].name
    for party in market.ledger.parties:
        if party != "External":
            assert twin.ledger.balance(party, "cash") == market.ledger.balance(party, "cash"), party
    plain, circular = market.tables["market"][-1], twin.tables["market"][-1]
    assert circular["organic_revenue_usd_bn"] == pytest.approx(plain["organic_revenue_usd_bn"], rel=1e-9)
    assert circular["circularity_frac"] > plain["circularity_frac"]
    gain = twin.flows.ai_revenue_usd_bn[0] - market.flows.ai_revenue_usd_bn[0]
    assert gain == pytest.approx(amount, rel=1e-9)
    assert twin.lab_by_name[lab].cap_table.fraction(provider) > market.lab_by_name[lab].cap_table.fraction(provider)


def test_incomes_are_closed_every_quarter() -> None:
    market = market_of("tiny", quarters=3)
    for party in market.ledger.parties:
        assert all(market.ledger.balance(party, account) == 0 for account in INCOME)
