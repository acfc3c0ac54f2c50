"""settle: customers pay labs, labs pay for compute, equity falls due, whoever cannot pay defaults."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from agents.lab import Lab
from cloudpact.quarter.history import set_disclosed_stakes
from cloudpact.quarter.needs import money_sources
from market.deals import Deal, DealStatus
from market.funding import FundingNeed, solve_funding
from market.settlement import late_penalty, take_or_pay_bill, tranches_due, warrants_due
from market.sums import total

if TYPE_CHECKING:
    from cloudpact.model import CloudMarket


def settle(market: CloudMarket) -> None:
    """Book the quarter's flows between labs, customers, providers and investors."""
    _customers_pay(market)
    _pay_tranches(market)
    set_disclosed_stakes(market)
    _raise_outside_money(market)
    for lab in market.labs:
        if lab.active:
            _pay_costs(market, lab)
    for lab in market.labs:
        if lab.active and lab.integrated:
            _sweep(market, lab)
    _vest_warrants(market)
    _defaults(market)


def _customers_pay(market: CloudMarket) -> None:
    """Revenue is what delivered inference serves of the demand; a revenue share goes to the provider."""
    flows = market.flows
    for lab in market.labs:
        i = lab.index
        served = flows.inference_gw[i] / lab.inference_gw if lab.inference_gw > 0.0 else 0.0
        for payer, amount in (("Consumers", flows.consumer_usd_bn[i]), ("Enterprises", flows.enterprise_usd_bn[i])):
            paid = float(amount) * lab.demand_scale * served
            flows.revenue_usd_bn[i] += paid
            if lab.active:
                market.ledger.pay(market.quarter, payer, lab.name, paid, "purchases", "revenue", "model services")
        lab.revenue = float(flows.revenue_usd_bn[i])
    for deal in market.book.running():
        until = deal.terms.revenue_share_until
        lab_of = market.lab_by_name.get(deal.terms.lab)
        if deal.terms.revenue_share_frac > 0.0 and lab_of is not None and (until is None or market.quarter < until):
            amount = deal.terms.revenue_share_frac * lab_of.revenue
            flows.revenue_shared_usd_bn[lab_of.index] += amount
            _lab_pays(market, lab_of, deal.terms.provider, amount, "revenue_share", "revenue share", deal.number)


def _gw_live(market: CloudMarket, deal: Deal) -> float:
    """Capacity made available under a deal: its part of what the provider could serve of all promises."""
    row, column = market.provider_row.get(deal.terms.provider), market.lab_column.get(deal.terms.lab)
    if row is None or column is None:
        # a supplier's milestone is the capacity the lab runs anywhere
        column = market.lab_column.get(deal.terms.lab)
        return total(market.flows.delivered_gw[:, column]) if column is not None else 0.0
    promised = float(market.flows.promised_gw[row, column])
    share = float(market.flows.available_gw[row, column]) / promised if promised > 0.0 else 0.0
    return share * promised_now(deal, market.quarter)


def promised_now(deal: Deal, quarter: int) -> float:
    """GW that a deal promises in a quarter."""
    ahead = quarter - deal.terms.start_quarter
    return deal.terms.gw_by_quarter[ahead] if 0 <= ahead < deal.terms.term_quarters else 0.0


def _pay_tranches(market: CloudMarket) -> None:
    """Equity that has reached its date or milestone is paid and shares are issued at the deal's pre-money."""
    for deal in market.book.running():
        lab = market.lab_by_name.get(deal.terms.lab)
        if lab is None or not lab.active or not deal.terms.tranches:
            continue
        for i in tranches_due(deal, market.quarter, _gw_live(market, deal), 4.0 * lab.revenue, lab.value):
            amount = deal.terms.tranches[i].amount_usd_bn
            _invest(market, deal.terms.provider, lab, amount, deal.terms.pre_money_usd_bn or lab.value, deal)
            deal.tranche_paid[i] = True
            deal.events.append((market.quarter, f"tranche {i} paid: {amount:g} USD bn"))


def _invest(market: CloudMarket, investor: str, lab: Lab, amount: float, pre_money: float, deal: Deal | None) -> None:
    number, priced_shares = (deal.number, deal.shares_at_signing) if deal else (None, None)
    market.ledger.pay(market.quarter, investor, lab.name, amount, "stakes", "paid_in", "equity", number)
    lab.cap_table.issue(investor, amount, pre_money, priced_shares)
    market.invested[investor, lab.name] = market.invested.get((investor, lab.name), 0.0) + amount
    market.flows.money_received_usd_bn[lab.index] += amount
    row = market.provider_row.get(investor)
    if row is not None:
        market.flows.equity_paid_usd_bn[row, lab.index] += amount


def _raise_outside_money(market: CloudMarket) -> None:
    """Outside investors and suppliers fill what providers' cash of this quarter has left open.

    Cash counts as it will stand after the quarter's burn, not as it stands when customers have paid.
    """
    for lab in market.labs:
        if not lab.active or lab.integrated:
            continue
        planned = market.funding_needs[lab.name]
        cash = planned.cash_usd_bn + float(market.flows.money_received_usd_bn[lab.index])
        need = FundingNeed(cash, planned.target_usd_bn, planned.marginal_value, planned.owner_cost)
        names, depths, costs = money_sources(market, lab)
        mu, amounts = solve_funding(need, depths, costs)
        lab.cost_of_money = float(mu)
        for name, amount in zip(names, amounts.tolist(), strict=True):
            limit = market.ledger.cash_usd_bn(name) if name in market.supplier_names else np.inf
            if min(amount, limit) > 1e-9 * lab.value:  # less buys no share worth booking
                _invest(market, name, lab, min(amount, limit), lab.value, None)


def _pay_costs(market: CloudMarket, lab: Lab) -> None:
    """Operating cost first, then arrears, then compute; what cannot be paid becomes arrears."""
    rules, flows, ledger = market.parameters.labs_common, market.flows, market.ledger
    operating = rules.operating_share * lab.revenue
    operating += rules.operating_per_training_gw_quarter * float(flows.training_gw[lab.index])
    _lab_pays(market, lab, "External", operating, "operating", "operating cost", None)
    for creditor, due in list(market.arrears[lab.name].items()):
        paid = min(due, max(ledger.cash_usd_bn(lab.name), 0.0))
        ledger.pay(market.quarter, lab.name, creditor, paid, "payables", "receivables", "arrears")
        market.arrears[lab.name][creditor] = due - paid
        if creditor in market.provider_row:
            flows.compute_paid_usd_bn[market.provider_row[creditor], lab.index] += paid
    bills = _bills(market, lab)
    for creditor, amount, kind, number in bills:
        _lab_pays(market, lab, creditor, amount, "compute", kind, number)
    billed = sum(amount for _, amount, _, _ in bills)
    lab.burn = max(operating + billed + float(flows.revenue_shared_usd_bn[lab.index]) - lab.revenue, 0.0)
    owed = sum(market.arrears[lab.name].values())
    lab.arrears_quarters = lab.arrears_quarters + 1 if owed > 1e-6 * billed else 0


def _lab_pays(
    market: CloudMarket, lab: Lab, creditor: str, amount: float, account: str, kind: str, deal: int | None
) -> None:
    """Pay what cash allows; the rest is owed. An integrated lab draws on its owner without limit."""
    ledger, quarter = market.ledger, market.quarter
    cash = np.inf if lab.integrated else max(ledger.cash_usd_bn(lab.name), 0.0)
    if creditor == lab.spec.owner:
        return
    if creditor == "External":
        cash = np.inf  # wages and power are paid first; overdrawn cash shows as a need of money
    paid = min(amount, cash)
    ledger.pay(quarter, lab.name, creditor, paid, account, "revenue", kind, deal)
    row = market.provider_row.get(creditor)
    if row is not None:
        market.flows.compute_paid_usd_bn[row, lab.index] += paid
        market.flows.ai_revenue_usd_bn[row] += amount
    if amount - paid > 0.0:
        ledger.owe(quarter, lab.name, creditor, amount - paid, account, "revenue", kind, deal)
        owed = market.arrears[lab.name]
        owed[creditor] = owed.get(creditor, 0.0) + (amount - paid)


def _bills(market: CloudMarket, lab: Lab) -> list[tuple[str, float, str, int | None]]:
    """What a lab owes for compute this quarter: (creditor, USD bn, kind, deal)."""
    flows, quarter, i = market.flows, market.quarter, lab.index
    bills: list[tuple[str, float, str, int | None]] = []
    for deal in market.book.running():
        row = market.provider_row.get(deal.terms.provider)
        promised = promised_now(deal, quarter)
        if deal.terms.lab != lab.name or row is None or promised <= 0.0:
            continue
        share = promised / float(flows.promised_gw[row, i])
        available = share * float(flows.available_gw[row, i])
        use = min(share * float(flows.contract_gw[row, i]), available)
        terms = deal.terms
        bill = take_or_pay_bill(
            use,
            available,
            promised,
            terms.price_usd_bn_per_gw_quarter,
            terms.take_or_pay_frac,
            deal.makeup_credits,
            quarter,
            terms.makeup_quarters,
        )
        deal.makeup_credits = bill.new_credits
        penalty = late_penalty(promised, available, terms.price_usd_bn_per_gw_quarter, terms.late_penalty_frac)
        bills.append((terms.provider, max(bill.payment_usd_bn - penalty, 0.0), "contracted compute", deal.number))
    for row, name in enumerate(market.provider_names):
        spot = float(flows.spot_gw[row, i])
        if spot > 0.0:
            price = market.price if row == len(market.providers) else market.providers[row].price
            premium = 1.0 + market.parameters.price.spot_premium * flows.rationed_frac
            bills.append((name, spot * price * premium, "spot compute", None))
    return bills


def _sweep(market: CloudMarket, lab: Lab) -> None:
    """An integrated lab ends the quarter with nothing: its owner takes what is left or makes up for it."""
    cash = market.ledger.cash_usd_bn(lab.name)
    if cash > 0.0:
        market.ledger.pay(market.quarter, lab.name, lab.spec.owner, cash, "net_worth", "gain", "sweep to owner")
    elif cash < 0.0:
        market.ledger.pay(market.quarter, lab.spec.owner, lab.name, -cash, "loss", "paid_in", "funding by owner")


def _vest_warrants(market: CloudMarket) -> None:
    for deal in market.book.running():
        lab = market.lab_by_name.get(deal.terms.lab)
        if lab is None or not deal.terms.warrants:
            continue
        for i in warrants_due(deal, market.quarter, _gw_live(market, deal), 4.0 * lab.revenue, lab.value):
            warrant = deal.terms.warrants[i]
            table = market.table_of(warrant.issuer)
            table.grant(warrant.holder, warrant.stake_frac)
            deal.warrant_vested[i] = True
            deal.events.append((market.quarter, f"warrant {i} vested: {warrant.stake_frac:.1%} of {warrant.issuer}"))


def _defaults(market: CloudMarket) -> None:
    rules = market.parameters.labs_common
    for lab in market.labs:
        if not lab.active:
            continue
        forced = lab.name in market.conditions.failing or lab.spec.fails == market.quarter_label
        if forced or lab.arrears_quarters > rules.default_after_quarters:
            fail(market, lab, "made to fail" if forced else "missed payments")


def fail(market: CloudMarket, lab: Lab, why: str) -> None:
    """Default: contracts end, capacity returns to the market, creditors recover a part, the lab is gone.

    Arrears recover `labs_common.recovery_frac` as far as cash goes; cash beyond that goes to the
    providers in proportion to the commitments that fall away; stakes are written off.
    """
    quarter, ledger = market.quarter, market.ledger
    commitments = market.book.backlog_usd_bn(quarter + 1)[:, lab.index]
    for deal in market.book.running():
        if deal.terms.lab == lab.name:
            market.book.move(deal, DealStatus.DEFAULTED, quarter, f"{lab.name}: {why}")
    creditors = list(market.arrears[lab.name].items())
    for number, (creditor, owed) in enumerate(creditors, start=1):
        recovered = min(market.parameters.labs_common.recovery_frac * owed, max(ledger.cash_usd_bn(lab.name), 0.0))
        ledger.pay(quarter, lab.name, creditor, recovered, "payables", "receivables", "recovery")
        lost = ledger.value_usd_bn(lab.name, "payables")
        # what rounding leaves goes with the last
        lost = min(owed - recovered, lost) if number < len(creditors) else lost
        ledger.book(quarter, creditor, "loss", "receivables", lost, "write-off")
        ledger.book(quarter, lab.name, "payables", "gain", lost, "write-off")
    market.arrears[lab.name].clear()
    _wind_up(market, lab, commitments)
    lab.active = False
    lab.demand_usd_bn_per_year = 0.0
    lab.value = 0.0
    market.events.append((quarter, f"{lab.name} failed: {why}"))


def _wind_up(market: CloudMarket, lab: Lab, commitments: NDArray[np.float64]) -> None:
    """Pay out what cash is left, to those whose contracts fall away or else to the outside, and write off stakes."""
    quarter, ledger = market.quarter, market.ledger
    left, claims = ledger.cash_usd_bn(lab.name), total(commitments)
    for row, name in enumerate(market.provider_names):
        if left > 0.0 and claims > 0.0:
            damages = min(left / claims, 1.0) * float(commitments[row])
            ledger.pay(quarter, lab.name, name, damages, "penalty", "gain", "damages for ended contracts")
    left = ledger.cash_usd_bn(lab.name)
    if left > 0.0:
        ledger.pay(quarter, lab.name, "External", left, "net_worth", "gain", "winding up")
    for (investor, company), amount in market.invested.items():
        if company == lab.name:
            ledger.book(quarter, investor, "loss", "stakes", amount, "write-off of stakes")
    market.invested = {pair: amount for pair, amount in market.invested.items() if pair[1] != lab.name}
