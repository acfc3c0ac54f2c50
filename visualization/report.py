"""The run report: one self-contained page that works offline, and whose tables work without scripts."""

from __future__ import annotations

import json
import shlex
import tomllib
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any

import pandas as pd

from visualization import figures
from visualization.chart import ON_DARK, Figure
from visualization.deal_list import deal_list
from visualization.edges import EDGE_STYLES
from visualization.markup import alternative, chart_box, chart_card, choice, heat_card, manifest_table, provenance, text
from visualization.network import first_run, graph_quarters, relationship_graph
from visualization.page import MISSING, chart_data, echarts_source, policy, static, write_page
from visualization.quantiles import TableError, last_fact, last_quarter, run_count, table
from visualization.tiles import tiles_html

TABLES = ("market", "providers", "labs", "alignment", "deals", "negotiations")


class ReportError(ValueError):
    """The report cannot be made; the message is one line for a user."""


def write_report(folder: Path) -> Path:
    """Write `report.html` into a run folder from its files; an old one stays until the new one is whole.

    Raises:
        ReportError: a file is missing or unreadable, or a table lacks a column.
    """
    tables = {name: _read_table(folder / f"{name}.parquet") for name in TABLES}
    try:
        manifest = json.loads(_read_text(folder / "manifest.json"))
    except ValueError as error:
        raise ReportError(f"{folder / 'manifest.json'}: not JSON: {error}") from error
    if not isinstance(manifest, dict):
        raise ReportError(f"{folder / 'manifest.json'}: expected an object, found {type(manifest).__name__}")
    try:
        page = render_report(tables, manifest, _read_text(folder / "scenario.toml"))
    except TableError as error:
        raise ReportError(f"{folder}: {error}") from error
    return write_page(folder, page)


def render_report(tables: Mapping[str, pd.DataFrame], manifest: Mapping[str, Any], scenario_text: str) -> str:
    """The whole page as text; see `TABLES` for what is read.

    Raises:
        TableError: a table or a column is missing.
    """
    run = first_run(tables)
    graphs = [relationship_graph(tables, quarter, run) for quarter in graph_quarters(tables)]
    cards = _cards(tables)
    drawn = [*graphs, *(figure for group in cards.values() for figure in group)]
    library = echarts_source()
    charts, controls, script = static("charts.js"), static("controls.js"), static("report.js")
    return Template(static("report.html")).substitute(
        policy=policy(library or "", charts, controls, script),
        css=static("report.css"),
        title=text(_title(manifest, scenario_text)),
        header=_header(tables, manifest, scenario_text),
        tiles=tiles_html(tables),
        graphs=_graph_section(graphs, run),
        **{name: "".join(map(chart_card, group)) for name, group in cards.items()},
        matrices=_matrices(tables),
        deals=deal_list(tables, run),
        run=run,
        limits=_limits(tables),
        missing="" if library else MISSING,
        data=chart_data(drawn),
        library=library or "",
        charts=charts,
        controls=controls,
        script=script,
    )


def _cards(tables: Mapping[str, pd.DataFrame]) -> dict[str, list[Figure]]:
    return {
        "concentration": [figures.concentration(tables), figures.dependence(tables)],
        "capacity": [
            figures.capacity_total(tables),
            figures.capacity(tables),
            figures.capex_total(tables),
            figures.capex(tables),
        ],
        "use": [*figures.utilisation_and_price(tables)],
        "labs": [figures.lab_revenue(tables)],
    }


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ReportError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or 'not UTF-8'}") from error


def _read_table(path: Path) -> pd.DataFrame:
    try:
        return pd.read_parquet(path)
    except (OSError, ValueError) as error:  # pyarrow's errors are ValueErrors
        reason = "no such file" if not path.exists() else "not a Parquet table"
        raise ReportError(
            f"{path}: {reason}; a run folder holds {', '.join(f'{name}.parquet' for name in TABLES)}"
        ) from error


def _scenario(scenario_text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(scenario_text)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError):
        return {}


def _title(manifest: Mapping[str, Any], scenario_text: str) -> str:
    return str(manifest.get("scenario") or _scenario(scenario_text).get("name") or "a run")


def _header(tables: Mapping[str, pd.DataFrame], manifest: Mapping[str, Any], scenario_text: str) -> str:
    parsed = _scenario(scenario_text)
    description = manifest.get("description") or parsed.get("description") or ""
    quarters = table(tables, "market", "quarter")["quarter"]
    facts = {
        "seed": manifest.get("seed", "–"),
        "runs": run_count(tables),
        "quarters": f"{quarters.min()} to {quarters.max()}",
        "capex imposed to": last_fact(tables) or "none",
        "last disclosed deal": _last_disclosed(tables) or "none",
    }
    shown_facts = "".join(f"<div><dt>{text(name)}</dt><dd>{text(value)}</dd></div>" for name, value in facts.items())
    repeat = _repeat_commands(manifest, run_count(tables))
    return f"""<p class="description">{text(description)}</p><dl class="facts">{shown_facts}</dl>
<details class="repeat"><summary>Repeat this run</summary>
<p>From the folder of this report:</p><pre tabindex="0"><code>{text(repeat)}</code></pre>
<h2>Versions and hashes</h2>
{manifest_table(manifest)}
<h2>Resolved scenario</h2><pre tabindex="0"><code>{text(scenario_text)}</code></pre></details>"""


def _last_disclosed(tables: Mapping[str, pd.DataFrame]) -> str:
    deals = table(tables, "deals", "origin", "quarter")
    return (
        str(deals.loc[deals["origin"] == "disclosed", "quarter"].max())
        if (deals["origin"] == "disclosed").any()
        else ""
    )


def _repeat_commands(manifest: Mapping[str, Any], runs: int) -> str:
    seed = shlex.quote(str(manifest.get("seed", 0)))
    return f"cloudpact run scenario.toml --seed {seed} --runs {runs} --out again\ncloudpact report again"


def _graph_section(graphs: list[Figure], run: int) -> str:
    """One graph, a row of buttons for its quarters; without scripts all tables are there."""
    names = {figure.name: figure.name.removeprefix("relationships-") for figure in graphs}
    panels = "".join(_graph_panel(figure, figure is graphs[-1]) for figure in graphs)
    keys = "".join(
        f'<li><svg width="34" height="8" aria-hidden="true" style="--c:{colour};--d:{ON_DARK[colour]}">'
        '<line x1="1" y1="4" x2="33" y2="4" '
        f'stroke-width="2.5" stroke-dasharray="{_dasharray(dash)}"/></svg>{text(kind)}</li>'
        for kind, (colour, dash, _) in EDGE_STYLES.items()
    )
    return f"""{choice("graph", "Quarter", names, graphs[-1].name)}
<ul class="legend"><li><span class="mark circle"></span>hyperscaler, by capacity</li>
<li><span class="mark square"></span>lab, by compute, in the colour of its main host</li>
<li><span class="mark diamond"></span>supplier or investor</li>
<li><span class="mark dot"></span>1 % of enterprises' cloud spending</li>{keys}</ul>
{panels}<p class="key">Run {run}. Point at a node to isolate its ties.</p>"""


def _dasharray(dash: str | list[int]) -> str:
    return (
        {"solid": "none", "dashed": "7 4", "dotted": "2 3"}[dash] if isinstance(dash, str) else " ".join(map(str, dash))
    )


def _graph_panel(figure: Figure, visible: bool) -> str:
    return f"""<div class="panel{"" if visible else " folded"}" data-panel="graph" id="panel-{text(figure.name)}">
<p class="sentence">{text(figure.sentence)}</p>
{chart_box(figure, "chart graph")}
{provenance(figure.parts)}{alternative(figure)}</div>"""


def _matrices(tables: Mapping[str, pd.DataFrame]) -> str:
    quarters = dict.fromkeys(quarter for quarter in (last_fact(tables), last_quarter(tables)) if quarter)
    return "".join(heat_card(figures.alignment_matrix(tables, quarter)) for quarter in quarters)


def _limits(tables: Mapping[str, pd.DataFrame]) -> str:
    known = last_fact(tables)
    imposed = f"imposed to {text(known)}" if known else "imposed nowhere in this run"
    signed = f"signed as dated to {text(_last_disclosed(tables))}" if _last_disclosed(tables) else "none in this run"
    return f"""<dl class="limits">
<div><dt>Measured</dt><dd>The companies' reported capex, {imposed}; disclosed deals and their stated terms, {signed}.
Where these two end at different quarters, the quarters between are simulated except for the deals.</dd></div>
<div><dt>Imputed</dt><dd>What was not disclosed but is needed: GW, term, price or stake of many deals, the AI part of
capex, and the capacity and hosting that follow from them. Imputed terms are marked ◧.</dd></div>
<div><dt>Simulated</dt><dd>Everything else, and all of the forecast: demand, prices, utilisation, revenue, bargaining,
and every deal marked “simulated”.</dd></div>
<div><dt>Intervals</dt><dd>Bands are quantiles over the runs of this ensemble ({run_count(tables)}). They hold the
uncertainty that the ensemble draws, not every way in which the model may be wrong. The graph and the deal
list show one run.</dd></div>
<div><dt>Use</dt><dd>A research model of a market with few disclosed facts. It is not investment advice.</dd></div>
</dl>"""
