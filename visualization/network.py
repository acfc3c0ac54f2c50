"""The relationship graph as chart data, laid out by formula so that a place means the same in every quarter."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from visualization.chart import PALETTE, Cell, Figure, Kind, Part, clean, colours, shown
from visualization.quantiles import Tables, last_fact, table

EDGE_STYLES: dict[str, tuple[str, str | list[int], float]] = {
    "compute delivered": (PALETTE[0], "solid", 0.0),
    "commitment": (PALETTE[2], "dotted", 0.16),
    "equity": (PALETTE[1], "dashed", -0.16),
    "shares to the lab": (PALETTE[4], [10, 3, 2, 3], 0.3),
}
"""Kind of edge -> colour, dash, curve."""

_WIDTH, _HEIGHT = 1250.0, 620.0
_DOTS = 100
_CORNERS: list[dict[str, Any]] = [
    {"name": f"corner {x:.0f}", "x": x, "y": y, "symbol": "none", "symbolSize": 0, "label": {"show": False}}
    for x, y in ((0.0, 0.0), (_WIDTH, _HEIGHT))]
"""Unseen nodes that hold the frame, so that a place is the same in every quarter."""

type Place = tuple[float, float]
type Edge = tuple[str, str, str, float, str]
"""Source, target, kind, amount, unit."""


def relationship_graph(tables: Tables, quarter: str, run: int = 0) -> Figure:
    """Who is tied to whom in one quarter of one run: compute, commitments and equity.

    Circles are hyperscalers (area: capacity), squares are labs (area: compute), diamonds are suppliers and
    investors, small dots are enterprises' cloud spending, one dot a per cent, beside the cloud they use.
    """
    providers = _of(table(tables, "providers", "run", "quarter", "provider", "capacity_gw"), run, quarter)
    labs = _of(table(tables, "labs", "run", "quarter", "lab", "active", "compute_gw"), run, quarter)
    labs = labs[labs["active"].astype(bool)]
    edges = _edges(tables, run, quarter, set(providers["provider"]), set(labs["lab"]))
    places = _places(tables, run)
    drawn = [*_enterprises(providers, places), *_provider_nodes(providers, places), *_lab_nodes(labs, edges, places),
             *_other_nodes(edges, places)]
    option = _option(drawn, [_drawn_edge(edge) for edge in edges])
    rows: tuple[tuple[Cell, ...], ...] = tuple((a, b, kind, clean(amount), unit) for a, b, kind, amount, unit in edges)
    known = last_fact(tables)
    kind = Kind.IMPUTED if known and quarter <= known else Kind.SIMULATED
    parts = (Part("disclosed deals", Kind.MEASURED), Part("delivered compute, enterprises", kind))
    return Figure(f"relationships-{quarter}", f"Who is tied to whom, {quarter}", _sentence(quarter, edges),
                  "edge width: GW delivered, USD bn committed or stake", option,
                  ("from", "to", "kind", "amount", "unit"), rows, parts)


def graph_quarters(tables: Tables, wanted: Sequence[str] = ("2020Q4", "2023Q4", "2025Q4")) -> tuple[str, ...]:
    """The quarters to show: those of `wanted` within the results, and the last one."""
    quarters = sorted(table(tables, "market", "quarter")["quarter"].unique())
    return tuple(dict.fromkeys([q for q in wanted if q in quarters] + [quarters[-1]]))


def _of(rows: pd.DataFrame, run: int, quarter: str) -> pd.DataFrame:
    return rows[(rows["run"] == run) & (rows["quarter"] == quarter)]


def _edges(tables: Tables, run: int, quarter: str, providers: set[str], labs: set[str]) -> list[Edge]:
    alignment = _of(table(tables, "alignment", "lab", "provider", "delivered_gw", "committed_usd_bn", "stake_frac"),
                    run, quarter)
    edges: list[Edge] = []
    for row in alignment.itertuples():
        if row.lab not in labs or row.provider not in providers:
            continue
        amounts = (("compute delivered", row.delivered_gw, "GW"), ("commitment", row.committed_usd_bn, "USD bn"),
                   ("equity", 100 * row.stake_frac, "% stake"))
        edges += [(str(row.provider), str(row.lab), kind, float(amount), unit)
                  for kind, amount, unit in amounts if amount > 1e-9]
    return edges + _deal_edges(table(tables, "deals", "run", "quarter", "provider", "lab", "equity_usd_bn"), run,
                               quarter, providers, labs)


def _deal_edges(deals: pd.DataFrame, run: int, quarter: str, providers: set[str], labs: set[str]) -> list[Edge]:
    """Money of parties that are no clouds: suppliers and investors. Negative equity is shares given to the lab."""
    known = deals[(deals["run"] == run) & (deals["quarter"] <= quarter) & deals["lab"].isin(labs)]
    known = known[~known["provider"].isin(providers)]
    totals = known.groupby(["provider", "lab"], sort=True)["equity_usd_bn"].sum(min_count=1)
    return [(str(a), str(b), "equity" if amount > 0 else "shares to the lab", abs(float(amount)), "USD bn")
            for (a, b), amount in totals.items() if amount == amount and amount != 0]


def _places(tables: Tables, run: int) -> dict[str, Place]:
    """Providers on an outer ellipse, labs on an inner one near their hosts over all quarters, others inside."""
    providers = list(dict.fromkeys(table(tables, "providers", "provider")["provider"]))
    places = _ring(providers, 0.41, 0.345, -math.pi / 2 + math.pi / max(len(providers), 1))
    rows = table(tables, "alignment", "run", "lab", "provider", "delivered_gw")
    rows = rows[(rows["run"] == run) & rows["provider"].isin(places)]
    weights = {str(lab): group.groupby("provider")["delivered_gw"].sum().to_dict()
               for lab, group in rows.groupby("lab", sort=False)}
    labs = list(dict.fromkeys(str(lab) for lab in table(tables, "labs", "lab")["lab"]))
    places |= _lab_places(labs, {lab: _centre(weights.get(lab, {}), places) for lab in labs})
    others = sorted(set(table(tables, "deals", "provider")["provider"].dropna()) - set(places))
    return places | _ring(others, 0.09, 0.075, -math.pi / 2)


def _ring(names: Sequence[str], rx: float, ry: float, start: float) -> dict[str, Place]:
    step = 2 * math.pi / max(len(names), 1)
    return {name: (_WIDTH * (0.5 + rx * math.cos(start + i * step)), _HEIGHT * (0.5 + ry * math.sin(start + i * step)))
            for i, name in enumerate(names)}


def _centre(weights: Mapping[str, float], places: Mapping[str, Place]) -> Place:
    total = sum(weights.values())
    if total <= 0:
        return (_WIDTH / 2, _HEIGHT / 2)
    return (sum(w * places[name][0] for name, w in weights.items()) / total,
            sum(w * places[name][1] for name, w in weights.items()) / total)


def _lab_places(labs: Sequence[str], centres: Mapping[str, Place]) -> dict[str, Place]:
    """Labs evenly on the inner ellipse, in the order of the angle to their hosts, turned to lie nearest to them."""
    def angle(lab: str) -> float:
        x, y = centres[lab]
        return math.atan2(y - _HEIGHT / 2, x - _WIDTH / 2)

    ordered = sorted(labs, key=lambda lab: (angle(lab), lab))
    turns = [_ring(ordered, 0.225, 0.2, 2 * math.pi * turn / 72) for turn in range(72)]
    return min(turns, key=lambda ring: sum(math.dist(ring[lab], centres[lab]) ** 2 for lab in labs))


def _node(name: str, place: Place, size: float, symbol: str, colour: str, hint: str) -> dict[str, Any]:
    return {"name": name, "x": round(place[0], 1), "y": round(place[1], 1), "symbol": symbol,
            "symbolSize": round(size, 1), "itemStyle": {"color": colour}, "value": hint,
            "label": {"show": True, "position": "bottom", "fontSize": 12}}


def _provider_nodes(providers: pd.DataFrame, places: Mapping[str, Place]) -> list[dict[str, Any]]:
    largest = max(float(providers["capacity_gw"].max()), 1e-9)
    chosen = colours(list(dict.fromkeys(providers["provider"])))
    return [_node(row.provider, places[row.provider], 26 + 30 * math.sqrt(max(row.capacity_gw, 0) / largest), "circle",
                  chosen[row.provider], f"hyperscaler, {shown(row.capacity_gw)} GW of AI capacity")
            for row in providers.itertuples()]


def _lab_nodes(labs: pd.DataFrame, edges: Sequence[Edge], places: Mapping[str, Place]) -> list[dict[str, Any]]:
    """Squares in the colour of the main host; grey where there is none."""
    chosen = colours([name for name in places])
    main: dict[str, tuple[float, str]] = {}
    for source, target, kind, amount, _ in edges:
        if kind == "compute delivered":
            main[target] = max(main.get(target, (0.0, "")), (amount, source))
    largest = max(float(labs["compute_gw"].max()) if len(labs) else 0.0, 1e-9)
    return [_node(row.lab, places[row.lab], 14 + 18 * math.sqrt(max(row.compute_gw, 0) / largest), "rect",
                  chosen[main[row.lab][1]] if row.lab in main else PALETTE[6],
                  f"lab, {shown(row.compute_gw)} GW of compute" + (f", mostly at {main[row.lab][1]}" if row.lab in main else ""))
            for row in labs.itertuples()]


def _other_nodes(edges: Sequence[Edge], places: Mapping[str, Place]) -> list[dict[str, Any]]:
    named = sorted({source for source, _, _, _, unit in edges if unit == "USD bn" and source in places}
                   - {source for source, _, kind, _, _ in edges if kind == "compute delivered" or kind == "commitment"})
    return [_node(name, places[name], 15, "diamond", PALETTE[6], "supplier or investor") for name in named]


def _enterprises(providers: pd.DataFrame, places: Mapping[str, Place]) -> list[dict[str, Any]]:
    """One dot for each per cent of enterprises' cloud spending, in a sunflower spiral outside its cloud."""
    if "cloud_share_frac" not in providers:
        return []
    chosen = colours(list(dict.fromkeys(providers["provider"])))
    dots = []
    for row in providers.itertuples():
        share = row.cloud_share_frac
        count = round(_DOTS * share) if share == share else 0
        dots += [_dot(f"{row.provider} enterprises {i + 1}", places[row.provider], i, chosen[row.provider])
                 for i in range(count)]
    return dots


def _dot(name: str, centre: Place, position: int, colour: str) -> dict[str, Any]:
    outward = math.atan2(centre[1] - _HEIGHT / 2, centre[0] - _WIDTH / 2)
    row, column = divmod(position, 11)
    angle = outward + (column - 5) * 0.23 + (0.115 if row % 2 else 0.0)
    radius = 52 + 14 * row
    return {"name": name, "x": round(centre[0] + radius * math.cos(angle), 1),
            "y": round(centre[1] + radius * math.sin(angle), 1), "symbol": "circle", "symbolSize": 5,
            "itemStyle": {"color": colour, "opacity": 0.6}, "label": {"show": False}, "tooltip": {"show": False},
            "emphasis": {"disabled": True}}


def _drawn_edge(edge: Edge) -> dict[str, Any]:
    source, target, kind, amount, unit = edge
    colour, dash, curve = EDGE_STYLES[kind]
    scale = {"GW": 1.5, "USD bn": 0.16, "% stake": 0.28}[unit]
    width = min(1.2 + scale * math.sqrt(amount), 8.0)
    return {"source": source, "target": target, "value": f"{kind}: {shown(amount)} {unit}",
            "lineStyle": {"color": colour, "type": dash, "curveness": curve, "width": round(width, 2), "opacity": 0.75}}


def _option(nodes: list[dict[str, Any]], links: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "animation": False,
        "tooltip": {"confine": True},
        "series": [{
            "type": "graph", "layout": "none", "left": "center", "top": "middle",
            "data": [*_CORNERS, *nodes], "links": links,
            "labelLayout": {"hideOverlap": False}, "roam": False,
            "emphasis": {"focus": "adjacency", "scale": False},
            "blur": {"itemStyle": {"opacity": 0.15}, "lineStyle": {"opacity": 0.06}},
        }],
    }


def _sentence(quarter: str, edges: Sequence[Edge]) -> str:
    hosted = [edge for edge in edges if edge[2] == "compute delivered"]
    if not hosted:
        return f"In {quarter} no provider delivers compute to a lab."
    source, target, _, amount, _ = max(hosted, key=lambda edge: edge[3])
    stakes = sum(edge[2] == "equity" for edge in edges)
    return f"In {quarter} {len(hosted)} pairs of provider and lab exchange compute and {stakes} hold equity; " \
           f"the largest flow is {source} to {target}, {shown(amount)} GW."
