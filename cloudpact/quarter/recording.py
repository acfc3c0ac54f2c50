"""record: one row a quarter for the market, each provider, each lab and each pair; the ledger closes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cloudpact.quarter.allocation import ROUNDING
from market import circularity, common_ownership, concentration, partition
from market.calendar import quarter_name
from market.deals import Deal
from market.look_through import look_through_stakes
from market.sums import total, totals

if TYPE_CHECKING:
    from cloudpact.model import CloudMarket

Row = dict[str, Any]


def record(market: CloudMarket) -> None:
    """Close the books, check them where asked, append the quarter's rows."""
    market.ledger.close_quarter(market.quarter)
    flows = market.flows
    market.backlog = market.book.backlog_usd_bn(market.quarter + 1)
    stakes, cloud = stake_matrix(market), _cloud_revenue(market)
    market.tables["market"].append(_market_row(market, stakes, cloud))
    for provider in market.providers:
        market.tables["providers"].append(_provider_row(market, provider.index, stakes, cloud))
    for lab in market.labs:
        if lab.active:
            market.tables["labs"].append(_lab_row(market, lab.index, stakes))
    market.tables["alignment"].extend(_alignment_rows(market, stakes))
    for trace in flows.traces:
        market.tables["negotiations"].append(_negotiation_row(market, trace))


def stake_matrix(market: CloudMarket) -> NDArray[np.float64]:
    """Stakes of providers (rows, other clouds last) in labs (columns)."""
    return np.array([
        [lab.cap_table.fraction(name) if lab.active else 0.0 for lab in market.labs] for name in market.provider_names
    ])


def _market_row(market: CloudMarket, stakes: NDArray[np.float64], cloud: NDArray[np.float64]) -> Row:
    flows, quarter = market.flows, market.quarter
    capacity = float(sum(provider.capacity.installed_gw for provider in market.providers))
    used = total(flows.own_use_gw) + total(flows.open_gw) + total(flows.delivered_gw[:-1])
    signed = [market.book.deal(number).terms for number in flows.signed]
    return {
        "quarter": quarter_name(quarter),
        "forecast": quarter > market.history_until,
        "capacity_gw": capacity,
        "construction_gw": float(sum(provider.capacity.construction_gw for provider in market.providers)),
        "capex_usd_bn": total(flows.capex_usd_bn),
        "ai_capex_usd_bn": total(flows.ai_capex_usd_bn),
        "capex_big4_usd_bn": float(sum(flows.capex_usd_bn[i] for i in market.big_four)),
        "utilisation_frac": used / capacity if capacity > 0.0 else float("nan"),
        "price_usd_bn_per_gw_quarter": market.price,
        **_concentration(market, stakes, cloud),
        **_circularity(market),
        "backlog_usd_bn": total(market.backlog),
        "backlog_largest_lab_frac": _largest_share(totals(market.backlog, axis=0)),
        "deals_signed": len(signed),
        "deals_failed": sum(trace.outcome != "signed" for trace in flows.traces),
        "equity_usd_bn": float(sum(t.equity_usd_bn for t in signed if t.provider in market.provider_by_name)),
        "commitment_usd_bn": float(sum(terms.commitment_usd_bn for terms in signed)),
        "lab_revenue_annualised_usd_bn": 4.0 * total(flows.revenue_usd_bn),
        "own_use_gw": total(flows.own_use_gw),
        "labs_gw": total(flows.delivered_gw),
        "stranded_gw": total(stranded_gw(market)),
        "adoption_frac": flows.adoption_frac,
        "off_incumbent_frac": flows.off_incumbent_frac,
        "cloud_switching_frac": flows.cloud_switching_frac,
        "model_switching_frac": flows.model_switching_frac,
        "cost_of_money": _weighted_cost_of_money(market),
        "supply_limit_gw": market.supply_limit_gw,
        "spot_fill_frac": flows.spot_fill_frac,
    }


def look_through(market: CloudMarket) -> NDArray[np.float64]:
    """Stakes of providers (rows, other clouds last) in labs (columns), through chains of suppliers and labs as well."""
    names = [*market.provider_names, *(lab.name for lab in market.labs), *market.supplier_names]
    known = market.supplier_tables | {lab.name: lab.cap_table for lab in market.labs}
    tables = [known.get(name) for name in names]
    held = look_through_stakes([[table.fraction(name) if table else 0.0 for table in tables] for name in names])
    labs = slice(len(market.provider_names), len(market.provider_names) + len(market.labs))
    return np.minimum(held[: len(market.provider_names), labs], 1.0)


def stranded_gw(market: CloudMarket) -> NDArray[np.float64]:
    """Contracted capacity that stood idle and found no other user, (providers,)."""
    flows = market.flows
    idle = totals(np.maximum(flows.available_gw - flows.contract_gw, 0.0)[:-1], axis=1)
    usable = np.array([p.usable_gw(market.parameters.capacity.availability) for p in market.providers])
    used = flows.own_use_gw + flows.open_gw + totals(flows.delivered_gw[:-1], axis=1)
    nobodys = usable - used
    return np.minimum(np.where(nobodys > ROUNDING * usable, nobodys, 0.0), idle)


def _without_nils(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """The matrix without rows and columns in which nothing stands."""
    return matrix[matrix.any(axis=1)][:, matrix.any(axis=0)]


def _largest_share(amounts: NDArray[np.float64]) -> float:
    whole = total(amounts)
    return float(amounts.max()) / whole if whole > 0.0 else float("nan")


def _weighted_cost_of_money(market: CloudMarket) -> float:
    labs = [lab for lab in market.labs if lab.active and not lab.integrated]
    worth = sum(lab.value for lab in labs)
    return sum(lab.cost_of_money * lab.value for lab in labs) / worth if worth > 0.0 else 0.0


def _concentration(market: CloudMarket, stakes: NDArray[np.float64], cloud: NDArray[np.float64]) -> Row:
    flows = market.flows
    delivered, promised = flows.delivered_gw.T, market.backlog.T
    integrated = np.array([lab.integrated for lab in market.labs])
    owned = look_through(market)
    weights = totals(delivered, axis=1)
    sold = totals(delivered[:, :-1], axis=0) + flows.open_gw
    in_market = np.array([provider.spec.sells for provider in market.providers]) | (sold > 0.0)
    return {
        "alignment_hhi": float(concentration.alignment_concentration(delivered, weights, integrated)),
        "alignment_hhi_all": float(concentration.alignment_concentration(delivered, weights)),
        "alignment_committed_hhi": float(concentration.alignment_concentration(promised, weights, integrated)),
        "alignment_equity_hhi": float(concentration.alignment_concentration(owned.T, weights, integrated)),
        "market_hhi": float(concentration.hhi(sold)),
        "market_cr3_frac": float(concentration.concentration_ratio(sold, 3)),
        "market_effective_number": float(concentration.effective_number(sold)),
        "market_gini": float(concentration.gini(sold[in_market])),
        "backlog_hhi": float(concentration.hhi(totals(market.backlog[:-1], axis=1))),
        "cloud_hhi": float(concentration.hhi(cloud)),
        "cloud_top3_frac": float(concentration.concentration_ratio(cloud[:-1], 3, total=total(cloud))),
        "modularity": float(partition.alignment_modularity(_without_nils(delivered))),
        "mhhi_delta": _mhhi_delta(market, stakes, "silent"),
        "mhhi_delta_proportional": _mhhi_delta(market, stakes, "proportional"),
        "mhhi_delta_total": _mhhi_delta(market, stakes, "total"),
    }


def _cloud_revenue(market: CloudMarket) -> NDArray[np.float64]:
    """Cloud revenue by provider with AI, and last the other clouds: incumbents' share of the rest."""
    own = np.array([p.cloud_revenue * p.cloud_noise if p.spec.sells else 0.0 for p in market.providers])
    other_share = market.population_other_share
    ai = market.flows.ai_revenue_usd_bn
    other = total(own) * other_share / (1.0 - other_share) if other_share < 1.0 else 0.0
    return np.append(own + np.where([p.spec.sells for p in market.providers], ai[:-1], 0.0), other + ai[-1])


def _mhhi_delta(market: CloudMarket, stakes: NDArray[np.float64], rule: common_ownership.ControlRule) -> float:
    """MHHI delta of AI services: labs compete, providers hold stakes in several of them."""
    revenue = market.flows.revenue_usd_bn
    selling = revenue > 0.0
    if not selling.any():
        return float("nan")
    held = stakes[:, selling]
    control, interest = common_ownership.ownership_structure(held[held.any(axis=1)], rule)
    return float(common_ownership.mhhi_delta(revenue[selling], control, interest))


def _circularity(market: CloudMarket) -> Row:
    """Equity that came back as spend this quarter, pair by pair, each dollar once."""
    market.unspent_equity += market.flows.equity_paid_usd_bn
    back = circularity.recycled_spend(market.unspent_equity, market.flows.compute_paid_usd_bn)
    market.unspent_equity -= back
    revenue = total(market.flows.ai_revenue_usd_bn)
    now = min(total(back), revenue)
    return {
        "circularity_frac": now / revenue if revenue > 0.0 else 0.0,
        "organic_revenue_usd_bn": revenue - now,
        "cycle_flow_usd_bn": circularity.cycle_flow(_money_graph(market)),
    }


def _money_graph(market: CloudMarket) -> NDArray[np.float64]:
    """Payments of the quarter between providers, labs and suppliers, (payer, payee)."""
    names = [*market.provider_names, *(lab.name for lab in market.labs), *market.supplier_names]
    index = {name: i for i, name in enumerate(names)}
    flows = np.zeros((len(names), len(names)))
    for (payer, payee, _), units in market.ledger.flows(market.quarter).items():
        if payer in index and payee in index:
            flows[index[payer], index[payee]] += units * market.usd_bn_per_unit
    linked = flows.any(axis=0) | flows.any(axis=1)
    return flows[linked][:, linked]


def _provider_row(market: CloudMarket, i: int, stakes: NDArray[np.float64], cloud: NDArray[np.float64]) -> Row:
    provider, flows, ledger = market.providers[i], market.flows, market.ledger
    delivered = total(flows.delivered_gw[i]) + float(flows.open_gw[i])
    installed = provider.capacity.installed_gw
    values = np.array([lab.value if lab.active else 0.0 for lab in market.labs])
    outside = np.array([not lab.integrated for lab in market.labs])
    return {
        "quarter": quarter_name(market.quarter),
        "provider": provider.name,
        "capex_usd_bn": float(flows.capex_usd_bn[i]),
        "ai_capex_usd_bn": float(flows.ai_capex_usd_bn[i]),
        "capacity_gw": installed,
        "construction_gw": provider.capacity.construction_gw,
        "own_use_gw": float(flows.own_use_gw[i]),
        "delivered_gw": delivered,
        "utilisation_frac": provider.utilisation if installed > 0.0 else float("nan"),
        "price_usd_bn_per_gw_quarter": provider.price,
        "ai_revenue_usd_bn": float(flows.ai_revenue_usd_bn[i]),
        "cloud_revenue_usd_bn": float(cloud[i]),
        "cloud_share_frac": float(cloud[i]) / total(cloud) if total(cloud) > 0.0 else float("nan"),
        "backlog_usd_bn": total(market.backlog[i]),
        "cash_usd_bn": ledger.cash_usd_bn(provider.name),
        "debt_usd_bn": ledger.value_usd_bn(provider.name, "debt"),
        "stakes_usd_bn": total(stakes[i] * values * outside),
    }


def _lab_row(market: CloudMarket, i: int, stakes: NDArray[np.float64]) -> Row:
    lab, flows = market.labs[i], market.flows
    delivered = flows.delivered_gw[:, i]
    cash = market.ledger.cash_usd_bn(lab.name)
    compute = total(delivered)
    primary = market.provider_names[int(delivered.argmax())] if compute > 0.0 else ""
    return {
        "quarter": quarter_name(market.quarter),
        "lab": lab.name,
        "active": lab.active,
        "revenue_annualised_usd_bn": 4.0 * float(flows.revenue_usd_bn[i]),
        "compute_gw": compute,
        "need_gw": lab.need_gw,
        "training_gw": float(flows.training_gw[i]),
        "inference_gw": float(flows.inference_gw[i]),
        "cash_usd_bn": cash,
        "valuation_usd_bn": lab.value,
        "generation": lab.generation.number,
        "capability": lab.capability,
        "dependence_hhi": float(concentration.hhi(delivered)),
        "owner": lab.spec.owner,
        "primary_provider": primary,
        "providers_count": int((delivered > 0.01 * compute).sum()),
        "runway_quarters": cash / lab.burn if lab.burn > 0.0 else float("inf"),
        "committed_usd_bn": total(market.backlog[:, i]),
        "cost_of_money": lab.cost_of_money,
        "provider_stake_frac": total(stakes[:, i]),
    }


def _alignment_rows(market: CloudMarket, stakes: NDArray[np.float64]) -> list[Row]:
    name, delivered = quarter_name(market.quarter), market.flows.delivered_gw
    seen = np.argwhere((delivered > 0.0) | (market.backlog > 0.0) | (stakes > 0.0))
    return [
        {
            "quarter": name,
            "lab": market.labs[column].name,
            "provider": market.provider_names[row],
            "delivered_gw": float(delivered[row, column]),
            "committed_usd_bn": float(market.backlog[row, column]),
            "stake_frac": float(stakes[row, column]),
        }
        for row, column in seen.tolist()
    ]


def _negotiation_row(market: CloudMarket, trace: Any) -> Row:
    return {
        "number": len(market.tables["negotiations"]),
        "quarter": quarter_name(trace.quarter),
        "lab": trace.lab,
        "provider": trace.provider,
        "outcome": trace.outcome,
        "reason": trace.reason,
        "deal": market.deal_name(market.book.deal(trace.deal)) if trace.deal is not None else "",
        "rounds": trace.rounds,
        "joint_surplus_usd_bn": trace.joint_surplus,
        "lab_utility_usd_bn": trace.lab_utility,
        "provider_utility_usd_bn": trace.provider_utility,
        "best_rival": trace.best_rival,
        "best_rival_lab_utility_usd_bn": trace.best_rival_lab_utility,
        "constraint": trace.constraint,
        "protocol": trace.protocol,
        "trace": json.dumps(trace.story),
    }


def deal_row(market: CloudMarket, deal: Deal) -> Row:
    """One deal with its terms, status and history."""
    terms = deal.terms
    upfront = sum(t.amount_usd_bn for t in terms.tranches if t.trigger == "date" and t.threshold <= terms.quarter)
    return {
        "deal": market.deal_name(deal),
        "number": deal.number,
        "quarter": quarter_name(terms.quarter),
        "provider": terms.provider,
        "lab": terms.lab,
        "origin": deal.origin,
        "status": str(deal.status),
        "kind": str(deal.kind),
        "amends": market.deal_name(market.book.deal(deal.amends)) if deal.amends is not None else "",
        "equity_usd_bn": terms.equity_usd_bn,
        "upfront_usd_bn": upfront,
        "pre_money_usd_bn": terms.pre_money_usd_bn,
        "stake_frac": terms.stake_frac,
        "gw": terms.gw,
        "start_quarter": quarter_name(terms.start_quarter),
        "term_quarters": terms.term_quarters,
        "commitment_usd_bn": terms.commitment_usd_bn,
        "price_usd_bn_per_gw_quarter": terms.price_usd_bn_per_gw_quarter,
        "discount_frac": terms.discount_frac,
        "take_or_pay_frac": terms.take_or_pay_frac,
        "exclusivity": str(terms.exclusivity),
        "exclusive_until": quarter_name(terms.exclusive_until) if terms.exclusive_until is not None else "",
        "warrant_stake_frac": sum(w.stake_frac for w in terms.warrants if w.issuer == terms.lab),
        "revenue_share_frac": terms.revenue_share_frac,
        "tranches": json.dumps([
            {"amount_usd_bn": t.amount_usd_bn, "trigger": str(t.trigger), "threshold": t.threshold, "paid": paid}
            for t, paid in zip(terms.tranches, deal.tranche_paid, strict=True)
        ]),
        "warrants": json.dumps([
            {"issuer": w.issuer, "holder": w.holder, "stake_frac": w.stake_frac}
            | {"trigger": str(w.trigger), "threshold": w.threshold}
            for w in terms.warrants
        ]),
        "imputed": ",".join(deal.imputed),
        "events": json.dumps([[quarter_name(quarter), text] for quarter, text in deal.events]),
    }
