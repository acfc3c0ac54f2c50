from __future__ import annotations

import math
from itertools import combinations

import pytest

from tests.visualization.synthetic import LABS, PROVIDERS, QUARTERS, tables
from visualization.layout import HEIGHT, WIDTH, places_of
from visualization.network import EDGE_STYLES, graph_quarters, relationship_graph

TABLES = tables(runs=2)


def nodes(quarter: str) -> dict[str, dict]:
    return {node["name"]: node for node in relationship_graph(TABLES, quarter).option["series"][0]["data"]}


def test_everyone_has_the_mark_of_its_kind() -> None:
    drawn = nodes(QUARTERS[-1])

    assert {drawn[name]["symbol"] for name in PROVIDERS} == {"circle"}
    assert {drawn[name]["symbol"] for name in LABS} == {"rect"}
    assert {drawn[name]["symbol"] for name in ("NVIDIA", "AMD", "SoftBank")} == {"diamond"}
    assert sum("enterprises" in name for name in drawn) == 68  # shares 29 + 21 + 14 + 3 + 1 per cent


def test_labs_that_are_not_there_yet_are_not_drawn() -> None:
    assert set(LABS) & set(nodes("2019Q4")) == {"OpenAI", "Google DeepMind", "Meta AI"}


def test_places_are_the_same_in_every_quarter() -> None:
    early, late = nodes("2023Q4"), nodes(QUARTERS[-1])

    shared = [name for name in early if name in late and "enterprises" not in name]
    assert {"OpenAI", "Amazon", "corner 0"} <= set(shared)
    assert all((early[name]["x"], early[name]["y"]) == (late[name]["x"], late[name]["y"]) for name in shared)


def test_no_two_nodes_touch_and_all_lie_in_the_frame() -> None:
    places = places_of(TABLES, 0)

    assert min(math.dist(one, other) for one, other in combinations(places.values(), 2)) > 55
    assert all(60 < x < WIDTH - 60 and 60 < y < HEIGHT - 60 for x, y in places.values())


def test_edges_are_those_of_the_alignment_table() -> None:
    figure = relationship_graph(TABLES, QUARTERS[-1])
    rows = TABLES["alignment"]
    rows = rows[(rows["run"] == 0) & (rows["quarter"] == QUARTERS[-1])]

    def pairs(kind: str) -> set[tuple[object, object]]:
        return {(row[0], row[1]) for row in figure.rows if row[2] == kind}

    def expected(column: str) -> set[tuple[object, object]]:
        return set(rows[rows[column] > 0][["provider", "lab"]].itertuples(index=False, name=None))

    investors = {("NVIDIA", "OpenAI"), ("NVIDIA", "xAI"), ("SoftBank", "OpenAI")}
    assert pairs("compute delivered") == expected("delivered_gw")
    assert pairs("commitment") == expected("committed_usd_bn")
    assert pairs("equity") == expected("stake_frac") | investors
    assert pairs("shares to the lab") == {("AMD", "OpenAI")}
    assert len(figure.option["series"][0]["links"]) == len(figure.rows)


def test_investors_appear_with_their_deal() -> None:
    assert "SoftBank" not in nodes("2024Q4")
    assert "SoftBank" in nodes("2025Q1")


def test_kinds_of_edges_differ_in_colour_and_in_dash() -> None:
    assert len({colour for colour, _, _ in EDGE_STYLES.values()}) == len(EDGE_STYLES)
    assert len({str(dash) for _, dash, _ in EDGE_STYLES.values()}) == len(EDGE_STYLES)


def test_edges_between_one_pair_do_not_lie_on_each_other() -> None:
    links = relationship_graph(TABLES, QUARTERS[-1]).option["series"][0]["links"]
    drawn = [(link["source"], link["target"], link["lineStyle"]["curveness"]) for link in links]

    assert len(set(drawn)) == len(drawn)


@pytest.mark.parametrize(
    ("last", "expected"),
    [("2030Q4", ("2020Q4", "2023Q4", "2025Q4", "2030Q4")), ("2023Q4", ("2020Q4", "2023Q4")), ("2019Q2", ("2019Q2",))],
)
def test_quarters_shown(last: str, expected: tuple[str, ...]) -> None:
    market = TABLES["market"]

    assert graph_quarters({"market": market[market["quarter"] <= last]}) == expected
