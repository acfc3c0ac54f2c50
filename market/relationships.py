"""Relationship graph of the market, derived from the contract book.

One directed multigraph with five kinds of edges, each pointing the way of the money or, for supply,
of the goods. The book rules; `graph_differences` says where a graph disagrees with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from market.calendar import quarter_index, quarter_name
from market.contract_book import ContractBook
from market.deals import Deal
from market.ownership import CapTable

SUPPLIERS: Final = ("NVIDIA", "AMD", "Broadcom")
_KIND_OF_ACCOUNT: Final = {
    **dict.fromkeys(SUPPLIERS, "supplier"),
    "Other clouds": "account",
    "External": "account",
    "Consumers": "consumers",
    "Outside investors": "investor",
}


def build_graph(
    quarter: int,
    book: ContractBook,
    cap_tables: Mapping[str, CapTable],
    delivered_gw: NDArray[np.float64],
    subscriptions: Mapping[tuple[str, str], float],
    supply: Mapping[tuple[str, str], float],
) -> nx.MultiDiGraph[str]:
    """Graph of one quarter.

    `cap_tables` by company; `delivered_gw` has shape (providers, labs) in the book's order;
    `subscriptions` maps (segment, lab) to a weight; `supply` maps (supplier, provider) to USD bn of
    the quarter. Nodes carry `kind`: hyperscaler, lab, enterprises, consumers, investor, supplier,
    account. Edges carry `kind`, and keys that are unique in the whole graph:

    - commitment, `deal-N-commitment`, lab to provider: every deal that runs and promises capacity;
    - equity, `deal-N-equity`, investor to lab: every deal with tranches that runs or has paid any.
      The investor's position in the cap table is split over its deals in proportion to what they
      paid; a position without paid tranches (outside investors, founders, warrants) is the edge
      `holding-HOLDER-COMPANY`. So stakes of all equity edges into a company sum to one.
    - usage, `usage-LAB-PROVIDER`: GW delivered; subscription, `subscription-SEGMENT-LAB`: weight;
      supply, `supply-SUPPLIER-PROVIDER`: USD bn.

    Attributes are plain scalars; quarters are names. Raises ValueError for a wrong shape.
    """
    if delivered_gw.shape != (len(book.providers), len(book.labs)):
        raise ValueError(f"delivered_gw has shape {delivered_gw.shape}, not {(len(book.providers), len(book.labs))}")
    graph: nx.MultiDiGraph[str] = nx.MultiDiGraph(quarter=quarter_name(quarter))
    for provider in book.providers:
        graph.add_node(provider, kind=_KIND_OF_ACCOUNT.get(provider, "hyperscaler"))
    for lab in book.labs:
        graph.add_node(lab, kind="lab")
    for deal in book.running(quarter):
        if deal.terms.gw_by_quarter:
            _connect(graph, deal.terms.lab, deal.terms.provider, commitment_key(deal), **_commitment(deal, quarter))
    _add_equity(graph, quarter, book, cap_tables)
    for row, column in np.argwhere(delivered_gw > 0.0).tolist():
        lab, provider = book.labs[column], book.providers[row]
        _connect(graph, lab, provider, f"usage-{lab}-{provider}", kind="usage", gw=float(delivered_gw[row, column]))
    for (segment, lab), weight in subscriptions.items():
        graph.add_node(segment, kind=_KIND_OF_ACCOUNT.get(segment, "enterprises"))
        _connect(graph, segment, lab, f"subscription-{segment}-{lab}", kind="subscription", weight=float(weight))
    for (supplier, provider), usd_bn in supply.items():
        _connect(graph, supplier, provider, f"supply-{supplier}-{provider}", kind="supply", usd_bn=float(usd_bn))
    return graph


def commitment_key(deal: Deal) -> str:
    """Edge key of a deal's capacity."""
    return f"deal-{deal.number}-commitment"


def equity_key(deal: Deal) -> str:
    """Edge key of a deal's equity."""
    return f"deal-{deal.number}-equity"


def graph_differences(graph: nx.MultiDiGraph[str], book: ContractBook) -> list[str]:
    """Where a graph disagrees with the book in the graph's own quarter, one line each; empty when it agrees.

    Compared are the commitment and equity edges of deals: presence, ends and all terms.
    """
    wanted = dict(_contract_edges(quarter_index(graph.graph["quarter"]), book))
    found = {
        key: (tail, head, data)
        for tail, head, key, data in graph.edges(keys=True, data=True)
        if str(key).startswith("deal-")
    }
    differences = [f"{key} is in the book, not in the graph" for key in wanted if key not in found]
    differences += [f"{key} is in the graph, not in the book" for key in found if key not in wanted]
    for key in wanted.keys() & found.keys():
        tail, head, terms = wanted[key]
        if found[key][:2] != (tail, head):
            differences.append(f"{key} runs from {found[key][0]} to {found[key][1]}, in the book from {tail} to {head}")
        data = found[key][2]
        differences += [
            f"{key}: {name} is {data.get(name)}, in the book {value}"
            for name, value in terms.items()
            if data.get(name) != value
        ]
    return sorted(differences)


class RelationshipGraph:
    """The one graph of a market, rebuilt from the book on `update`."""

    def __init__(self) -> None:
        self.graph: nx.MultiDiGraph[str] = nx.MultiDiGraph()

    def update(
        self,
        quarter: int,
        book: ContractBook,
        cap_tables: Mapping[str, CapTable],
        delivered_gw: NDArray[np.float64],
        subscriptions: Mapping[tuple[str, str], float],
        supply: Mapping[tuple[str, str], float],
    ) -> None:
        """Replace the graph by that of a quarter; arguments as in `build_graph`."""
        self.graph = build_graph(quarter, book, cap_tables, delivered_gw, subscriptions, supply)

    def differences(self, book: ContractBook) -> list[str]:
        """Where the graph disagrees with the book; empty when it agrees."""
        return graph_differences(self.graph, book)

    def write_graphml(self, path: Path | str) -> None:
        """Write the graph as GraphML."""
        nx.write_graphml(self.graph, path)

    def write_gexf(self, path: Path | str) -> None:
        """Write the graph as GEXF 1.2."""
        nx.write_gexf(self.graph, path)


def _connect(graph: nx.MultiDiGraph[str], tail: str, head: str, key: str, **attributes: Any) -> None:
    """Add an edge, and its ends where they are new."""
    for name in (tail, head):
        if name not in graph:
            graph.add_node(name, kind=_KIND_OF_ACCOUNT.get(name, "investor"))
    graph.add_edge(tail, head, key=key, **attributes)


def _contract_edges(quarter: int, book: ContractBook) -> Iterator[tuple[str, tuple[str, str, dict[str, Any]]]]:
    """Key, ends and terms of every edge that the book demands in a quarter."""
    for deal in book.running(quarter):
        if deal.terms.gw_by_quarter:
            yield commitment_key(deal), (deal.terms.lab, deal.terms.provider, _commitment(deal, quarter))
    for deal in _equity_deals(quarter, book):
        yield equity_key(deal), (deal.terms.provider, deal.terms.lab, _equity(deal))


def _equity_deals(quarter: int, book: ContractBook) -> list[Deal]:
    """Deals signed by a quarter whose equity is still promised, or was paid at least in part."""
    return [
        deal
        for deal in book.deals
        if deal.terms.tranches
        and deal.signed_quarter is not None
        and deal.signed_quarter <= quarter
        and (deal.was_running(quarter) or any(deal.tranche_paid))
    ]


def _commitment(deal: Deal, quarter: int) -> dict[str, Any]:
    terms = deal.terms
    return {
        "kind": "commitment",
        "deal": deal.number,
        "slug": deal.slug,
        "gw": float(terms.gw),
        "usd_bn": float(terms.commitment_usd_bn),
        "price_usd_bn_per_gw_quarter": float(terms.price_usd_bn_per_gw_quarter),
        "take_or_pay_frac": float(terms.take_or_pay_frac),
        "exclusivity": deal.exclusivity_in(quarter).value,
        "signed": quarter_name(terms.quarter),
        "first_quarter": quarter_name(terms.start_quarter),
        "last_quarter": quarter_name(terms.end_quarter - 1),
    }


def _equity(deal: Deal) -> dict[str, Any]:
    return {
        "kind": "equity",
        "deal": deal.number,
        "slug": deal.slug,
        "amount_usd_bn": float(deal.terms.equity_usd_bn),
        "paid_usd_bn": float(deal.paid_usd_bn),
        "signed": quarter_name(deal.terms.quarter),
    }


def _add_equity(
    graph: nx.MultiDiGraph[str], quarter: int, book: ContractBook, cap_tables: Mapping[str, CapTable]
) -> None:
    """Equity edges: contracts, with the holder's position split by what they paid, then positions without contract."""
    deals = _equity_deals(quarter, book)
    paid_usd_bn: dict[tuple[str, str], float] = {}
    for deal in deals:
        pair = deal.terms.provider, deal.terms.lab
        paid_usd_bn[pair] = paid_usd_bn.get(pair, 0.0) + deal.paid_usd_bn
    for deal in deals:
        pair = holder, company = deal.terms.provider, deal.terms.lab
        position = cap_tables[company].fraction(holder) if company in cap_tables else 0.0
        stake = position * deal.paid_usd_bn / paid_usd_bn[pair] if paid_usd_bn[pair] else 0.0
        _connect(graph, holder, company, equity_key(deal), **_equity(deal), stake_frac=stake)
    for company, table in cap_tables.items():
        for holder, fraction in table.fractions().items():
            if fraction > 0.0 and not paid_usd_bn.get((holder, company)):
                _connect(graph, holder, company, f"holding-{holder}-{company}", kind="equity", stake_frac=fraction)
