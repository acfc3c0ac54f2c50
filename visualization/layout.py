"""Places of the relationship graph's nodes: by formula, the same in every quarter, no two in one place."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from visualization.quantiles import Tables, table

WIDTH, HEIGHT = 1250.0, 620.0

type Place = tuple[float, float]


def places_of(tables: Tables, run: int) -> dict[str, Place]:
    """Providers on an outer ellipse, labs on an inner one near their hosts over all quarters, others inside."""
    rows = table(tables, "alignment", "run", "lab", "provider", "delivered_gw")
    providers = list(
        dict.fromkeys([*table(tables, "providers", "provider")["provider"], *sorted(set(rows["provider"]))])
    )
    places = _ring(providers, 0.41, 0.345, -math.pi / 2 + math.pi / max(len(providers), 1))
    rows = rows[(rows["run"] == run) & rows["provider"].isin(places)]
    weights = {
        str(lab): {str(host): float(gw) for host, gw in group.groupby("provider")["delivered_gw"].sum().items()}
        for lab, group in rows.groupby("lab", sort=False)
    }
    labs = list(dict.fromkeys(str(lab) for lab in table(tables, "labs", "lab")["lab"]))
    places |= _lab_places(labs, {lab: _centre(weights.get(lab, {}), places) for lab in labs})
    others = sorted(set(table(tables, "deals", "provider")["provider"].dropna()) - set(places))
    return places | _ring(others, 0.09, 0.075, -math.pi / 2)


def _ring(names: Sequence[str], rx: float, ry: float, start: float) -> dict[str, Place]:
    step = 2 * math.pi / max(len(names), 1)
    return {
        name: (WIDTH * (0.5 + rx * math.cos(start + i * step)), HEIGHT * (0.5 + ry * math.sin(start + i * step)))
        for i, name in enumerate(names)
    }


def _centre(weights: Mapping[str, float], places: Mapping[str, Place]) -> Place:
    total = sum(weights.values())
    if total <= 0:
        return (WIDTH / 2, HEIGHT / 2)
    return (
        sum(w * places[name][0] for name, w in weights.items()) / total,
        sum(w * places[name][1] for name, w in weights.items()) / total,
    )


def _lab_places(labs: Sequence[str], centres: Mapping[str, Place]) -> dict[str, Place]:
    """Labs evenly on the inner ellipse, in the order of the angle to their hosts, turned to lie nearest to them."""

    def angle(lab: str) -> float:
        x, y = centres[lab]
        return math.atan2(y - HEIGHT / 2, x - WIDTH / 2)

    ordered = sorted(labs, key=lambda lab: (angle(lab), lab))
    turns = [_ring(ordered, 0.225, 0.2, 2 * math.pi * turn / 72) for turn in range(72)]
    return min(turns, key=lambda ring: sum(math.dist(ring[lab], centres[lab]) ** 2 for lab in labs))
