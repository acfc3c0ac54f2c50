"""What the market page shows of a recorded run, as plain data: every quarter at once, so that play is only an index."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from visualization.alignment import integrated_labs
from visualization.chart import ON_DARK, clean, colours
from visualization.layout import HEIGHT, WIDTH, places_of
from visualization.quantiles import Tables, last_fact
from visualization.web.sentences import sentences

if TYPE_CHECKING:
    import pandas as pd

    from visualization.web.recording import Recording

MARKET = (
    "alignment_hhi", "market_hhi", "utilisation_frac", "backlog_usd_bn", "circularity_frac", "capacity_gw",
    "capex_usd_bn", "price_usd_bn_per_gw_quarter",
)  # fmt: skip
PROVIDERS = ("capacity_gw", "capex_usd_bn", "utilisation_frac", "cloud_share_frac")
LABS = ("compute_gw", "revenue_annualised_usd_bn", "valuation_usd_bn", "dependence_hhi")
PAIRS = ("delivered_gw", "committed_usd_bn", "stake_frac")
DEALS = (
    "deal", "quarter", "lab", "provider", "origin", "equity_usd_bn", "commitment_usd_bn", "gw", "term_quarters",
    "exclusivity", "status",
)  # fmt: skip
SMALL = 0.05  # labs with a smaller share of compute do not count for the largest dependence


def view(recording: Recording) -> dict[str, Any]:
    """Quarters, names, places and every number of the page by quarter, as plain values; nothing is rounded."""
    tables = recording.results.tables
    quarters = [str(quarter) for quarter in tables["market"]["quarter"]]
    providers = list(dict.fromkeys(tables["providers"]["provider"]))
    labs = list(dict.fromkeys(tables["labs"]["lab"]))
    hosts = [*providers, *sorted(set(tables["alignment"]["provider"]) - set(providers))]
    chosen = colours(hosts)
    pairs = _pairs(tables["alignment"], quarters)
    integrated = sorted(integrated_labs(tables))
    return {
        "name": recording.scenario.name,
        "seed": recording.seed,
        "quarters": quarters,
        "known": _known(tables, quarters),
        "providers": providers,
        "hosts": hosts,
        "labs": labs,
        "integrated": integrated,
        "colours": chosen,
        "dark": {colour: ON_DARK[colour] for colour in set(chosen.values()) if colour in ON_DARK},
        "size": [WIDTH, HEIGHT],
        "places": {name: [round(x, 1), round(y, 1)] for name, (x, y) in places_of(tables, 0).items()},
        "market": {name: _values(tables["market"][name]) for name in MARKET},
        "provider": _by(tables["providers"], "provider", PROVIDERS, quarters),
        "lab": _by(tables["labs"], "lab", LABS, quarters),
        "active": {
            lab: [bool(there) for there in rows.set_index("quarter")["active"].reindex(quarters, fill_value=False)]
            for lab, rows in tables["labs"].groupby("lab", sort=False)
        },
        "pairs": pairs,
        "dependence": dependence(pairs, quarters, frozenset(integrated)),
        "deals": deals(tables["deals"]),
        "sentences": sentences(tables),
        "clouds": list(recording.clouds),
        "dots": list(recording.dots),
    }


def _known(tables: Tables, quarters: list[str]) -> int:
    """Position of the last quarter with facts, -1 without any."""
    last = last_fact(tables)
    return quarters.index(last) if last else -1


def _values(column: pd.Series) -> list[float | None]:
    return [None if value != value else float(value) for value in column.astype(float)]


def _by(rows: pd.DataFrame, who: str, columns: tuple[str, ...], quarters: list[str]) -> dict[str, Any]:
    """Column -> party -> value by quarter; nothing where the party has no row."""
    parties = {str(name): own.set_index("quarter").reindex(quarters) for name, own in rows.groupby(who, sort=False)}
    return {column: {name: _values(own[column]) for name, own in parties.items()} for column in columns}


def _pairs(rows: pd.DataFrame, quarters: list[str]) -> list[dict[str, Any]]:
    """Every pair that is ever tied, with its compute, commitments and stake by quarter."""
    found = []
    for (lab, provider), own in rows.groupby(["lab", "provider"], sort=True):
        path = own.set_index("quarter")[list(PAIRS)].reindex(quarters).fillna(0.0)
        if path.to_numpy(dtype=float).any():
            found.append({"lab": str(lab), "provider": str(provider)} | {name: _values(path[name]) for name in PAIRS})
    return found


def dependence(pairs: list[dict[str, Any]], quarters: list[str], integrated: frozenset[str]) -> list[list[Any] | None]:
    """By quarter the independent lab with the largest share of its compute at one provider: lab, provider, share.

    Labs with under 5 % of the independent labs' compute are left out; None where nothing is delivered.
    """
    free = [pair for pair in pairs if pair["lab"] not in integrated]
    found: list[list[Any] | None] = []
    for at in range(len(quarters)):
        size: dict[str, float] = {}
        for pair in free:
            size[pair["lab"]] = size.get(pair["lab"], 0.0) + pair["delivered_gw"][at]
        whole = sum(size.values())
        ranked = [
            (pair["delivered_gw"][at] / size[pair["lab"]], pair["lab"], pair["provider"])
            for pair in free
            if size[pair["lab"]] > 0.0 and size[pair["lab"]] >= SMALL * whole
        ]
        share, lab, provider = max(ranked, default=(0.0, "", ""))
        found.append([lab, provider, share] if lab else None)
    return found


def deals(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """All deals, newest first, with what the ledger's columns show."""
    newest = rows.sort_values(["quarter", "number"], ascending=False, kind="stable")
    return [{name: _plain(row[name]) for name in DEALS} for row in newest.to_dict("records")]


def _plain(value: Any) -> Any:
    return clean(float(value), 6) if isinstance(value, float) else value if isinstance(value, str) else int(value)


def overlay(shown: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a view that is drawn beside another world's."""
    return {"name": shown["name"], "quarters": shown["quarters"], "market": shown["market"]}
