"""The relationship graph as chart data, laid out by formula so that a place means the same in every quarter."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from visualization.chart import PALETTE, Cell, Figure, Kind, Part, clean, colours, shown
from visualization.edges import EDGE_STYLES, Edge, edges_of, rows_of
from visualization.layout import HEIGHT, WIDTH, Place, places_of
from visualization.quantiles import Tables, last_fact, records, table

_DOTS = 100
_CORNERS: list[dict[str, Any]] = [
    {"name": f"corner {x:.0f}", "x": x, "y": y, "symbol": "none", "symbolSize": 0, "label": {"show": False}}
    for x, y in ((0.0, 0.0), (WIDTH, HEIGHT))
]
"""Unseen nodes that hold the frame, so that a place is the same in every quarter."""


def relationship_graph(tables: Tables, quarter: str, run: int = 0) -> Figure:
    """Who is tied to whom in one quarter of one run: compute, commitments and equity.

    Circles are hyperscalers (area: capacity), squares are labs (area: compute), diamonds are suppliers and
    investors, small dots are enterprises' cloud spending, one dot a per cent, beside the cloud they use.
    """
    providers = rows_of(table(tables, "providers", "run", "quarter", "provider", "capacity_gw"), run, quarter)
    labs = rows_of(table(tables, "labs", "run", "quarter", "lab", "active", "compute_gw"), run, quarter)
    labs = labs[labs["active"].astype(bool)]
    edges = edges_of(tables, run, quarter, set(labs["lab"]))
    places = places_of(tables, run)
    drawn = [
        *_enterprises(providers, places),
        *_provider_nodes(providers, places),
        *_lab_nodes(labs, edges, places),
        *_other_nodes(edges, set(providers["provider"]), places),
    ]
    option = _option(drawn, [_drawn_edge(edge) for edge in edges])
    rows: tuple[tuple[Cell, ...], ...] = tuple((a, b, kind, clean(amount), unit) for a, b, kind, amount, unit in edges)
    known = last_fact(tables)
    kind = Kind.IMPUTED if known and quarter <= known else Kind.SIMULATED
    parts = (Part("disclosed deals", Kind.MEASURED), Part("delivered compute, enterprises", kind))
    return Figure(
        f"relationships-{quarter}",
        f"Who is tied to whom, {quarter}",
        _sentence(quarter, edges),
        "edge width: GW delivered, USD bn committed or stake",
        option,
        ("from", "to", "kind", "amount", "unit"),
        rows,
        parts,
    )


def first_run(tables: Tables) -> int:
    """The run that graph and deal list show."""
    return int(table(tables, "market", "run")["run"].min())


def graph_quarters(tables: Tables, wanted: Sequence[str] = ("2020Q4", "2023Q4", "2025Q4")) -> tuple[str, ...]:
    """The quarters to show: those of `wanted` within the results, and the last one."""
    quarters = sorted(table(tables, "market", "quarter")["quarter"].unique())
    return tuple(dict.fromkeys([q for q in wanted if q in quarters] + [quarters[-1]]))


def _node(name: str, place: Place, size: float, symbol: str, colour: str, hint: str) -> dict[str, Any]:
    return {
        "name": name,
        "x": round(place[0], 1),
        "y": round(place[1], 1),
        "symbol": symbol,
        "symbolSize": round(size, 1),
        "itemStyle": {"color": colour},
        "value": hint,
        "label": {"show": True, "position": "bottom", "fontSize": 12},
    }


def _provider_nodes(providers: pd.DataFrame, places: Mapping[str, Place]) -> list[dict[str, Any]]:
    largest = max(float(providers["capacity_gw"].max()), 1e-9)
    chosen = colours(list(dict.fromkeys(providers["provider"])))
    return [
        _node(
            row["provider"],
            places[row["provider"]],
            26 + 30 * math.sqrt(max(row["capacity_gw"], 0) / largest),
            "circle",
            chosen[row["provider"]],
            f"hyperscaler, {shown(row['capacity_gw'])} GW of AI capacity",
        )
        for row in records(providers)
    ]


def _lab_nodes(labs: pd.DataFrame, edges: Sequence[Edge], places: Mapping[str, Place]) -> list[dict[str, Any]]:
    """Squares in the colour of the main host; grey where there is none."""
    chosen = colours([name for name in places])
    main: dict[str, tuple[float, str]] = {}
    for source, target, kind, amount, _ in edges:
        if kind == "compute delivered":
            main[target] = max(main.get(target, (0.0, "")), (amount, source))
    largest = max(float(labs["compute_gw"].max()) if len(labs) else 0.0, 1e-9)
    return [
        _node(
            row["lab"],
            places[row["lab"]],
            14 + 18 * math.sqrt(max(row["compute_gw"], 0) / largest),
            "rect",
            chosen[main[row["lab"]][1]] if row["lab"] in main else PALETTE[6],
            f"lab, {shown(row['compute_gw'])} GW of compute"
            + (f", mostly at {main[row['lab']][1]}" if row["lab"] in main else ""),
        )
        for row in records(labs)
    ]


def _other_nodes(edges: Sequence[Edge], hyperscalers: set[str], places: Mapping[str, Place]) -> list[dict[str, Any]]:
    """Parties that are no agents: clouds that only host, as circles, then suppliers and investors."""
    hosts = {source for source, _, kind, _, _ in edges if kind in ("compute delivered", "commitment")}
    others = dict.fromkeys(source for source, *_ in edges if source not in hyperscalers)
    marks = {
        name: ("circle", "host, no agent") if name in hosts else ("diamond", "supplier or investor") for name in others
    }
    return [_node(name, places[name], 15, mark, PALETTE[6], hint) for name, (mark, hint) in marks.items()]


def _enterprises(providers: pd.DataFrame, places: Mapping[str, Place]) -> list[dict[str, Any]]:
    """One dot for each per cent of enterprises' cloud spending, in a sunflower spiral outside its cloud."""
    if "cloud_share_frac" not in providers:
        return []
    chosen = colours(list(dict.fromkeys(providers["provider"])))
    dots = []
    for row in records(providers):
        share = row["cloud_share_frac"]
        count = round(_DOTS * share) if share == share else 0
        dots += [
            _dot(f"{row['provider']} enterprises {i + 1}", places[row["provider"]], i, chosen[row["provider"]])
            for i in range(count)
        ]
    return dots


def _dot(name: str, centre: Place, position: int, colour: str) -> dict[str, Any]:
    outward = math.atan2(centre[1] - HEIGHT / 2, centre[0] - WIDTH / 2)
    row, column = divmod(position, 11)
    angle = outward + (column - 5) * 0.23 + (0.115 if row % 2 else 0.0)
    radius = 52 + 14 * row
    return {
        "name": name,
        "x": round(centre[0] + radius * math.cos(angle), 1),
        "y": round(centre[1] + radius * math.sin(angle), 1),
        "symbol": "circle",
        "symbolSize": 5,
        "itemStyle": {"color": colour, "opacity": 0.6},
        "label": {"show": False},
        "tooltip": {"show": False},
        "emphasis": {"disabled": True},
    }


def _drawn_edge(edge: Edge) -> dict[str, Any]:
    source, target, kind, amount, unit = edge
    colour, dash, curve = EDGE_STYLES[kind]
    scale = {"GW": 1.5, "USD bn": 0.16, "% stake": 0.28}[unit]
    width = min(1.2 + scale * math.sqrt(amount), 8.0)
    return {
        "source": source,
        "target": target,
        "value": f"{kind}: {shown(amount)} {unit}",
        "lineStyle": {"color": colour, "type": dash, "curveness": curve, "width": round(width, 2), "opacity": 0.75},
    }


def _option(nodes: list[dict[str, Any]], links: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "animation": False,
        "tooltip": {"confine": True},
        "series": [
            {
                "type": "graph",
                "layout": "none",
                "left": "center",
                "top": "middle",
                "data": [*_CORNERS, *nodes],
                "links": links,
                "labelLayout": {"hideOverlap": False},
                "roam": False,
                "emphasis": {"focus": "adjacency", "scale": False},
                "blur": {"itemStyle": {"opacity": 0.15}, "lineStyle": {"opacity": 0.06}},
            }
        ],
    }


def _sentence(quarter: str, edges: Sequence[Edge]) -> str:
    hosted = [edge for edge in edges if edge[2] == "compute delivered"]
    if not hosted:
        return f"In {quarter} no provider delivers compute to a lab."
    source, target, _, amount, _ = max(hosted, key=lambda edge: edge[3])
    stakes = sum(edge[2] == "equity" for edge in edges)
    return (
        f"In {quarter} {len(hosted)} pairs of provider and lab exchange compute and {stakes} hold equity; "
        f"the largest flow is {source} to {target}, {shown(amount)} GW."
    )
