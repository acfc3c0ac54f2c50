"""plan_capex: hyperscalers order capacity, the world's supply rations it, suppliers are paid."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from agents.hyperscaler import Hyperscaler
from market.allocation import by_affinity, ration
from market.calendar import quarter_index
from market.sums import total, totals

if TYPE_CHECKING:
    from cloudpact.model import CloudMarket

Array = NDArray[np.float64]


def plan_capex(market: CloudMarket) -> None:
    """Order what facts impose or what the plan asks, book outlays, run the companies' other business."""
    _cash_flows(market)
    imposed = market.quarter <= market.capex_until
    orders = _imposed_orders(market) if imposed else _planned_orders(market)
    asked = total(orders)
    if imposed:
        market.supply.raise_to(asked * market.parameters.supply.history_headroom)
    else:
        orders = ration(orders, market.supply_limit_gw)
    _grow_supply(market, asked)
    for provider in market.providers:
        _order(market, provider, float(orders[provider.index]))
        _finance(market, provider)
    for name in market.supplier_names:
        _pay_out_supplier(market, name)


def ai_share(market: CloudMarket, provider: Hyperscaler) -> float:
    """Share of a company's capex that is AI: a logistic in time, times the company's factor, at most 0.97."""
    rules = market.parameters.capex
    middle = quarter_index(rules.ai_share_middle)
    rise = 1.0 / (1.0 + math.exp(-(market.quarter - middle) / rules.ai_share_width_quarters))
    common = rules.ai_share_start + (rules.ai_share_end - rules.ai_share_start) * rise
    return min(common * provider.spec.ai_capex_factor, 0.97)


def _imposed_orders(market: CloudMarket) -> Array:
    orders = np.zeros(len(market.providers))
    for provider in market.providers:
        capex = market.observed_capex(provider.name, market.quarter)
        share = ai_share(market, provider)
        other = capex * (1.0 - share)
        provider.observe_other_capex(other)
        market.flows.capex_usd_bn[provider.index] = capex
        market.flows.ai_capex_usd_bn[provider.index] = capex * share
        orders[provider.index] = capex * share / market.cost_basis(provider).build_usd_bn_per_gw
    return orders


def _planned_orders(market: CloudMarket) -> Array:
    rules = market.parameters
    lead = rules.capacity.lead_quarters
    horizon = lead + 1
    promised = market.book.promised_path(market.quarter, horizon)
    uncommitted = _uncommitted(market, promised[:, :, lead])
    cycle = market.normal("own use cycle", rules.capex.own_use_cycle_per_quarter)
    other_cycle = market.normal("capex outside AI cycle", rules.capex.non_ai_cycle_per_quarter)
    orders = np.zeros(len(market.providers))
    growth = (1.0 + rules.capex.non_ai_growth_per_year) ** 0.25
    for provider in market.providers:
        if market.tick == 0:
            provider.other_capex = provider.spec.capex_usd_bn_per_quarter * (1.0 - ai_share(market, provider))
        else:
            shock = other_cycle + _own_luck(
                market, provider, "capex outside AI", rules.capex.non_ai_volatility_per_quarter
            )
            provider.other_gap = rules.capex.growth_persistence * provider.other_gap + shock
            provider.other_capex *= growth * math.exp(provider.other_gap)
        provider.own_growth *= rules.capex.own_use_damping
        luck = market.normal("own use", rules.capex.own_use_volatility_per_quarter, provider.key)
        provider.own_growth += cycle + luck
        if market.quarter > market.history_until:
            provider.own_need_gw *= math.exp(provider.own_growth * market.draws.own_use_growth)
        plan = provider.plan_capex(
            rules,
            market.cost_basis(provider),
            totals(promised[provider.index], axis=0),
            float(uncommitted[provider.index]),
            1.0 - (1.0 - rules.negotiation.default_probability_per_quarter) ** lead,
        )
        wanted = rules.capex.inertia * provider.last_order_gw + (1.0 - rules.capex.inertia) * plan.wanted_gw
        provider.timing = math.exp(_own_luck(market, provider, "timing", rules.capex.timing_volatility))
        wanted *= provider.timing
        orders[provider.index] = min(wanted, plan.affordable_gw) if provider.spec.builds else 0.0
    return orders


def _own_luck(market: CloudMarket, provider: Hyperscaler, purpose: str, sd: float) -> float:
    """A company's own shock to its capex; some companies' capex is lumpier than others'."""
    return market.normal(purpose, sd * provider.spec.capex_volatility_factor, provider.key)


def _uncommitted(market: CloudMarket, promised: Array) -> Array:
    """Labs' need at the horizon that no contract covers, shared out so that nobody counts it twice."""
    lead = market.parameters.capacity.lead_quarters
    damping = market.parameters.capex.trend_damping
    need = np.array(
        [
            float(lab.need_path(lead + 1, damping)[lead]) if lab.active and not lab.integrated else 0.0
            for lab in market.labs
        ]
    )
    open_need = np.maximum(need - totals(promised, axis=0), 0.0)
    spot_now = totals(market.flows.spot_gw[:-1], axis=0)
    extra = np.maximum(open_need - spot_now, 0.0)
    # a lab that gets nothing yet may come to any seller
    sells = np.array([float(provider.spec.sells) for provider in market.providers] + [0.0])
    nowhere = totals(market.last_delivered, axis=0) == 0.0
    weight = np.where(nowhere, sells[:, None], market.last_delivered)
    return totals(by_affinity(extra, weight), axis=1)[:-1]


def _grow_supply(market: CloudMarket, asked_gw: float) -> None:
    rules, draws = market.parameters.supply, market.draws
    fastest = (rules.accelerators_growth_max * draws.supply_growth, rules.power_growth_max * draws.supply_growth)
    market.supply.grow(asked_gw, *fastest)


def _order(market: CloudMarket, provider: Hyperscaler, gw: float) -> None:
    """Place an order: chips into empty shells first, then with new shells; pay suppliers and builders."""
    rules, flows, i = market.parameters.capacity, market.flows, provider.index
    basis = market.cost_basis(provider)
    imposed = market.quarter <= market.capex_until
    refill = 0.0 if imposed else provider.capacity.take_shells(gw)
    delay = int(market.uniform("delay", provider.key) < rules.delay_probability)
    provider.last_order_gw = gw
    provider.capacity.order(refill, market.quarter, rules.chip_lead_quarters)
    provider.capacity.order(gw - refill, market.quarter, rules.lead_quarters + delay)
    chips = gw * basis.chips_usd_bn_per_gw
    shells = (gw - refill) * basis.shell_usd_bn_per_gw
    flows.ordered_gw[i] = gw
    if not imposed:
        flows.ai_capex_usd_bn[i] = chips + shells
        flows.capex_usd_bn[i] = chips + shells + provider.other_capex * provider.timing
    quarter, ledger = market.quarter, market.ledger
    for name, share in market.chip_shares(provider).items():
        ledger.pay(quarter, provider.name, name, chips * share, "property", "revenue", "accelerators")
        flows.supply_usd_bn[name, provider.name] = chips * share
    rest = float(flows.capex_usd_bn[i]) - chips * sum(market.chip_shares(provider).values())
    ledger.pay(quarter, provider.name, "External", max(rest, 0.0), "property", "revenue", "buildings and equipment")


def _cash_flows(market: CloudMarket) -> None:
    """Other business brings cash; AI capacity costs power and wears out; debt bears interest."""
    rules, ledger, quarter = market.parameters, market.ledger, market.quarter
    for provider in market.providers:
        if market.quarter > market.history_until:
            late = math.log1p(rules.capex.cash_flow_growth_late_per_year) / 4.0
            provider.cash_flow_growth = late + rules.capex.growth_persistence * (provider.cash_flow_growth - late)
        provider.cash_flow *= math.exp(provider.cash_flow_growth)
        revenue = float(market.flows.ai_revenue_usd_bn[provider.index])
        open_models = float(market.flows.open_gw[provider.index]) * provider.price
        ledger.pay(quarter, "Enterprises", provider.name, open_models, "purchases", "revenue", "open models")
        market.flows.ai_revenue_usd_bn[provider.index] += open_models
        power = rules.capacity.operating_usd_bn_per_gw_quarter * provider.capacity.installed_gw
        provider.ai_margin = revenue + open_models - power
        ledger.pay(quarter, "External", provider.name, provider.cash_flow, "purchases", "revenue", "other business")
        ledger.pay(quarter, provider.name, "External", power, "operating", "revenue", "operation of AI capacity")
        worn = rules.capex.depreciation_per_quarter * ledger.value_usd_bn(provider.name, "property")
        ledger.book(quarter, provider.name, "depreciation", "property", max(worn, 0.0), "depreciation")
        interest = rules.capex.debt_rate_per_quarter * ledger.value_usd_bn(provider.name, "debt")
        ledger.pay(quarter, provider.name, "External", interest, "interest", "revenue", "interest")


def _finance(market: CloudMarket, provider: Hyperscaler) -> None:
    """Borrow below the cash floor; above the ceiling repay, then pay out to shareholders."""
    rules, ledger, quarter = market.parameters.capex, market.ledger, market.quarter
    flow = provider.cash_flow + max(provider.ai_margin, 0.0)
    cash = ledger.cash_usd_bn(provider.name)
    if cash < rules.cash_floor_quarters * flow:
        amount = rules.cash_floor_quarters * flow - cash
        ledger.pay(quarter, "External", provider.name, amount, "receivables", "debt", "borrowing")
    extra = cash - rules.cash_ceiling_quarters * flow
    if extra > 0.0:
        repaid = min(extra, ledger.value_usd_bn(provider.name, "debt"))
        ledger.pay(quarter, provider.name, "External", repaid, "debt", "receivables", "repayment")
        ledger.pay(quarter, provider.name, "External", extra - repaid, "net_worth", "gain", "payout")


def _pay_out_supplier(market: CloudMarket, name: str) -> None:
    """A supplier's cost of making chips leaves at once; cash beyond a year of margin is paid out."""
    margin = market.parameters.supply.chip_margin
    sold = sum(amount for (supplier, _), amount in market.flows.supply_usd_bn.items() if supplier == name)
    market.ledger.pay(market.quarter, name, "External", (1.0 - margin) * sold, "operating", "revenue", "making chips")
    market.supplier_cash_flow[name] = margin * sold
    extra = market.ledger.cash_usd_bn(name) - 8.0 * margin * sold
    if extra > 0.0 and sold > 0.0:
        market.ledger.pay(market.quarter, name, "External", extra, "net_worth", "gain", "payout")
