"""The relationship graph follows the contract book."""

from __future__ import annotations

from pathlib import Path

import networkx as nx
import numpy as np
import pytest

from market.contract_book import ContractBook
from market.deals import DealStatus, Exclusivity, TermSheet, Tranche, Trigger
from market.ownership import CapTable
from market.relationships import RelationshipGraph, build_graph

NOW = 8104  # 2026Q1


def book() -> ContractBook:
    """Amazon hosts and funds Anthropic, Google funds it, NVIDIA funds OpenAI."""
    contracts = ContractBook(["Amazon", "Google", "Other clouds"], ["Anthropic", "OpenAI"], 8100, 8120)
    contracts.sign(
        TermSheet(
            "Amazon",
            "Anthropic",
            8100,
            8102,
            (0.5,) * 8,
            4.0,
            take_or_pay_frac=0.8,
            exclusivity=Exclusivity.PRIMARY,
            tranches=(Tranche(3.0, Trigger.DATE, 8100.0), Tranche(5.0, Trigger.GW_LIVE, 1.0)),
        ),
        8100,
        "disclosed",
        "amazon-anthropic-2025-01",
    )
    contracts.sign(TermSheet("Google", "Anthropic", 8101, 8101, tranches=(Tranche(1.0, Trigger.DATE, 8101.0),)), 8101)
    contracts.sign(TermSheet("NVIDIA", "OpenAI", 8102, 8102, tranches=(Tranche(10.0, Trigger.DATE, 8110.0),)), 8102)
    contracts.deals[0].tranche_paid[0] = True
    contracts.deals[1].tranche_paid[0] = True
    for quarter in range(8100, NOW + 1):
        contracts.advance(quarter)
    return contracts


def cap_tables() -> dict[str, CapTable]:
    return {
        "Anthropic": CapTable({"Amazon": 0.125, "Google": 0.125, "staff": 0.75}),
        "OpenAI": CapTable({"Outside investors": 1.0}),
    }


def graph(contracts: ContractBook) -> RelationshipGraph:
    relationships = RelationshipGraph()
    relationships.update(
        NOW,
        contracts,
        cap_tables(),
        np.array([[0.5, 0.0], [0.25, 0.0], [0.0, 1.0]]),
        {("Finance", "Anthropic"): 0.3, ("Consumers", "OpenAI"): 0.7},
        {("NVIDIA", "Amazon"): 12.0},
    )
    return relationships


def test_nodes_carry_their_kind() -> None:
    assert dict(graph(book()).graph.nodes(data="kind")) == {
        "Amazon": "hyperscaler",
        "Google": "hyperscaler",
        "Other clouds": "account",
        "Anthropic": "lab",
        "OpenAI": "lab",
        "NVIDIA": "supplier",
        "staff": "investor",
        "Outside investors": "investor",
        "Finance": "enterprises",
        "Consumers": "consumers",
    }


def test_edges_are_keyed_by_contract_and_point_the_way_of_the_money() -> None:
    edges = {
        (tail, head, key): data["kind"] for tail, head, key, data in graph(book()).graph.edges(keys=True, data=True)
    }
    assert edges == {
        ("Anthropic", "Amazon", "deal-0-commitment"): "commitment",
        ("Amazon", "Anthropic", "deal-0-equity"): "equity",
        ("Google", "Anthropic", "deal-1-equity"): "equity",
        ("NVIDIA", "OpenAI", "deal-2-equity"): "equity",
        ("staff", "Anthropic", "holding-staff-Anthropic"): "equity",
        ("Outside investors", "OpenAI", "holding-Outside investors-OpenAI"): "equity",
        ("Anthropic", "Amazon", "usage-Anthropic-Amazon"): "usage",
        ("Anthropic", "Google", "usage-Anthropic-Google"): "usage",
        ("OpenAI", "Other clouds", "usage-OpenAI-Other clouds"): "usage",
        ("Finance", "Anthropic", "subscription-Finance-Anthropic"): "subscription",
        ("Consumers", "OpenAI", "subscription-Consumers-OpenAI"): "subscription",
        ("NVIDIA", "Amazon", "supply-NVIDIA-Amazon"): "supply",
    }


def test_attributes_of_a_deal() -> None:
    relationships = graph(book()).graph
    assert relationships.edges["Anthropic", "Amazon", "deal-0-commitment"] == {
        "kind": "commitment",
        "deal": 0,
        "slug": "amazon-anthropic-2025-01",
        "gw": 0.5,
        "usd_bn": 16.0,
        "price_usd_bn_per_gw_quarter": 4.0,
        "take_or_pay_frac": 0.8,
        "exclusivity": "primary",
        "signed": "2025Q1",
        "first_quarter": "2025Q3",
        "last_quarter": "2027Q2",
    }
    assert relationships.edges["Amazon", "Anthropic", "deal-0-equity"] == {
        "kind": "equity",
        "deal": 0,
        "slug": "amazon-anthropic-2025-01",
        "amount_usd_bn": 8.0,
        "paid_usd_bn": 3.0,
        "signed": "2025Q1",
        "stake_frac": 0.125,
    }
    assert relationships.graph == {"quarter": "2026Q1"}


def test_a_position_is_split_over_its_deals_by_what_they_paid() -> None:
    contracts = book()
    second = contracts.sign(
        TermSheet("Amazon", "Anthropic", NOW, NOW, tranches=(Tranche(1.0, Trigger.DATE, 0.0),)), NOW
    )
    second.tranche_paid[0] = True
    edges = graph(contracts).graph.edges
    assert edges["Amazon", "Anthropic", "deal-0-equity"]["stake_frac"] == 0.09375
    assert edges["Amazon", "Anthropic", f"deal-{second.number}-equity"]["stake_frac"] == 0.03125


def test_stakes_into_a_company_sum_to_one() -> None:
    relationships = graph(book()).graph
    for lab in ("Anthropic", "OpenAI"):
        stakes = [
            data["stake_frac"] for _, _, data in relationships.in_edges(lab, data=True) if data["kind"] == "equity"
        ]
        assert sum(stakes) == 1.0


def test_totals_of_the_graph_equal_those_of_the_book() -> None:
    contracts = book()
    edges = [data for _, _, data in graph(contracts).graph.edges(data=True)]
    committed = sum(data["usd_bn"] for data in edges if data["kind"] == "commitment")
    assert committed == sum(deal.terms.commitment_usd_bn for deal in contracts.running(NOW)) == 16.0
    paid = sum(data.get("paid_usd_bn", 0.0) for data in edges)
    assert paid == sum(deal.paid_usd_bn for deal in contracts.deals) == 4.0


def test_a_fulfilled_equity_deal_stays_as_long_as_its_stake() -> None:
    contracts = book()
    assert contracts.deals[1].status is DealStatus.FULFILLED
    assert graph(contracts).graph.has_edge("Google", "Anthropic", "deal-1-equity")


def test_a_graph_agrees_with_its_book_until_the_book_changes() -> None:
    contracts = book()
    relationships = graph(contracts)
    assert relationships.differences(contracts) == []
    contracts.change_exclusivity("Amazon", "Anthropic", Exclusivity.NONE, NOW)
    contracts.move(contracts.deals[2], DealStatus.TERMINATED, NOW, "test")
    contracts.sign(TermSheet("Google", "OpenAI", NOW, NOW, (1.0,), 1.0), NOW)
    assert relationships.differences(contracts) == [
        "deal-0-commitment: exclusivity is primary, in the book none",
        "deal-2-equity is in the graph, not in the book",
        "deal-3-commitment is in the book, not in the graph",
    ]


def test_an_edge_between_the_wrong_parties_is_a_difference() -> None:
    contracts = book()
    relationships = graph(contracts)
    data = relationships.graph.edges["Anthropic", "Amazon", "deal-0-commitment"]
    relationships.graph.add_edge("Anthropic", "Google", key="deal-0-commitment", **data)
    relationships.graph.remove_edge("Anthropic", "Amazon", key="deal-0-commitment")
    assert relationships.differences(contracts) == [
        "deal-0-commitment runs from Anthropic to Google, in the book from Anthropic to Amazon"
    ]


def test_a_wrong_shape_is_refused() -> None:
    with pytest.raises(ValueError, match=r"delivered_gw has shape \(2, 3\), not \(3, 2\)"):
        build_graph(NOW, book(), {}, np.zeros((2, 3)), {}, {})


@pytest.mark.parametrize("suffix", ["graphml", "gexf"])
def test_a_written_graph_reads_back_the_same(tmp_path: Path, suffix: str) -> None:
    relationships = graph(book())
    path = tmp_path / f"market.{suffix}"
    if suffix == "graphml":
        relationships.write_graphml(path)
        back = nx.read_graphml(path, force_multigraph=True)
    else:
        relationships.write_gexf(path)
        back = nx.read_gexf(path)
    assert dict(back.nodes(data="kind")) == dict(relationships.graph.nodes(data="kind"))
    written = {(tail, head, data["kind"]): data for tail, head, data in relationships.graph.edges(data=True)}
    read = {(tail, head, data["kind"]): data for tail, head, data in back.edges(data=True)}
    assert written.keys() == read.keys()
    for ends, data in written.items():
        assert {name: read[ends][name] for name in data} == data


def test_an_empty_market_has_nodes_and_no_edges() -> None:
    contracts = ContractBook(["Amazon"], ["Anthropic"], 8100, 8101)
    empty = build_graph(8100, contracts, {}, np.zeros((1, 1)), {}, {})
    assert (sorted(empty.nodes), empty.number_of_edges()) == (["Amazon", "Anthropic"], 0)
