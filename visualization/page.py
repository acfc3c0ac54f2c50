"""Pages that carry everything they need: the chart library, the scripts, their hashes, the data of the charts."""

from __future__ import annotations

import base64
import hashlib
import os
import site
import sys
import sysconfig
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path
from string import Template

from visualization.chart import ON_DARK, Figure
from visualization.markup import chart_card, script_json, text

_INSIDE = Path("share/solara/cdn/echarts@5.4.0/dist/echarts.min.js")


def echarts_source() -> str | None:
    """The minified ECharts 5.4.0 (Apache-2.0) that the package solara-assets installs, or None without it."""
    roots = (sysconfig.get_path("data"), sys.prefix, site.getuserbase(), sys.base_prefix)
    for root in roots:
        path = Path(root) / _INSIDE
        if path.is_file():
            return path.read_text(encoding="utf-8")
    return None


def static(name: str) -> str:
    """The text of a file that ships beside this module."""
    return files("visualization").joinpath("static", name).read_text(encoding="utf-8")


def policy(*scripts: str) -> str:
    """A content security policy: no network at all, and only these scripts, known by their hash."""
    digests = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts if script)
    hashes = " ".join(f"'sha256-{digest}'" for digest in digests)
    return (
        f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src {hashes}; "
        "base-uri 'none'; form-action 'none'"
    )


def chart_data(figures: Iterable[Figure]) -> str:
    """JSON for the scripts: each figure's option, and the table that the tooltip of a chart over time reads."""
    found = {}
    for figure in figures:
        over_time = figure.columns[0] == "quarter"
        found[figure.name] = {
            "option": figure.option,
            "columns": figure.columns if over_time else (),
            "rows": figure.rows if over_time else (),
        }
    return script_json({"figures": found, "onDark": ON_DARK})


MISSING = (
    '<p class="notice">The charts are left out because the package solara-assets is not installed; every table '
    "is here. Install it and run <code>cloudpact report</code> on this folder again.</p>"
)
"""What a page says in place of its charts."""


def figure_page(figure: Figure) -> str:
    """One figure as a page of its own, for a notebook or a file."""
    library, charts = echarts_source() or "", static("charts.js")
    return Template(static("figure.html")).substitute(
        policy=policy(library, charts),
        css=static("report.css"),
        title=text(figure.title),
        card=chart_card(figure),
        data=chart_data([figure]),
        library=library,
        charts=charts,
    )


def write_page(folder: Path, page: str) -> Path:
    """Write `report.html` into a folder; an old one stays until the new one is whole."""
    target = folder / "report.html"
    partial = target.with_name(f".report.html.{os.getpid()}")
    partial.write_text(page, encoding="utf-8")
    return partial.replace(target)
