"""What the pages of sweeps and of comparisons share: their frame, and how to do them again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from string import Template
from typing import Any

from visualization.chart import Figure
from visualization.markup import chart_card, choice, manifest_table, text
from visualization.page import MISSING, chart_data, echarts_source, policy, static


def experiment_page(title: str, header: str, body: str, figures: Sequence[Figure]) -> str:
    """A whole page: header and body are HTML, the figures those that the body has a place for."""
    library = echarts_source()
    charts, controls = static("charts.js"), static("controls.js")
    return Template(static("experiment.html")).substitute(
        policy=policy(library or "", charts, controls),
        css=static("report.css"),
        title=text(title),
        header=header,
        missing="" if library else MISSING,
        body=body,
        data=chart_data(figures),
        library=library or "",
        charts=charts,
        controls=controls,
    )


def facts_list(facts: Mapping[str, object]) -> str:
    """Names and values in a row."""
    return (
        '<dl class="facts">'
        + "".join(f"<div><dt>{text(name)}</dt><dd>{text(value)}</dd></div>" for name, value in facts.items())
        + "</dl>"
    )


def repeat_section(
    summary: str, commands: Sequence[str], script: str, manifest: Mapping[str, Any], scenarios: Mapping[str, str]
) -> str:
    """The commands and the Python that do it again, versions and hashes, and the scenarios in full."""
    listed = "\n".join(commands)
    shell = f'<pre tabindex="0"><code>{text(listed)}</code></pre>'
    lines = f"<p>On the command line, in the folder of this report:</p>{shell}\n" if commands else ""
    told = "".join(
        f'<h2>Scenario {text(name)}, resolved</h2><pre tabindex="0"><code>{text(dump)}</code></pre>'
        for name, dump in scenarios.items()
    )
    return f"""<details class="repeat"><summary>{text(summary)}</summary>
{lines}<p>In Python, in the folder of this report:</p><pre tabindex="0"><code>{text(script)}</code></pre>
<h2>Versions and hashes</h2>
{manifest_table(manifest)}
{told}</details>"""


def section(heading: str, content: str) -> str:
    """A heading and what stands below it; nothing where there is nothing."""
    return f"<h2>{text(heading)}</h2>\n{content}\n" if content else ""


def card(content: str) -> str:
    """A frame of its own for a table or a text."""
    return f'<div class="card wide">{content}</div>'


def pair(figures: Sequence[Figure]) -> str:
    """Charts in two columns, one alone in one."""
    cards = "".join(map(chart_card, figures))
    return f'<div class="{"pair" if len(figures) > 1 else "one"}">{cards}</div>' if figures else ""


def panels(name: str, legend: str, groups: Mapping[str, Sequence[Figure]], labels: Mapping[str, str]) -> str:
    """Groups of charts of which one is seen at a time, the first to begin with; without scripts all are."""
    shown = [key for key, figures in groups.items() if figures]
    if not shown:
        return ""
    ids = {key: f"{name}-{position}" for position, key in enumerate(shown)}
    buttons = choice(name, legend, {ids[key]: labels[key] for key in shown}, ids[shown[0]]) if len(shown) > 1 else ""
    return buttons + "".join(
        f'<div class="panel{"" if key == shown[0] else " folded"}" data-panel="{text(name)}" id="panel-{ids[key]}">'
        f"{pair(groups[key])}</div>"
        for key in shown
    )
