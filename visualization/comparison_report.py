"""The report of a comparison: one self-contained page that works offline, and whose tables work without scripts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cloudpact.results import read_manifest
from market.toml_text import toml_value
from visualization.chart import Figure
from visualization.effect_chart import effect_profile, effects
from visualization.experiment_page import card, experiment_page, facts_list, pair, panels, repeat_section, section
from visualization.figures import capacity_total, concentration
from visualization.markup import chart_card, data_table, text
from visualization.names import spoken
from visualization.page import write_page
from visualization.repeating import comparison_commands, comparison_script

if TYPE_CHECKING:
    from experiments.comparison import Comparison

PROFILES = ("alignment_hhi", "market_hhi", "capacity_gw", "price_usd_bn_per_gw_quarter")
_LONGEST_VALUE = 120


def write_comparison_report(folder: Path) -> Path:
    """Write `report.html` into a comparison's folder from its files; an old one stays until the new one is whole.

    Raises ResultsError, in one line, where the folder holds no comparison that can be read.
    """
    from experiments.comparison import Comparison

    return write_page(folder, render_comparison_report(Comparison.load(folder), read_manifest(folder)))


def render_comparison_report(comparison: Comparison, manifest: dict[str, Any]) -> str:
    """The whole page as text."""
    first, second = comparison.names
    forest = effects(comparison)
    profiles = {column: [effect_profile(comparison, column)] for column in PROFILES}
    worlds = _side_by_side(comparison)
    labels = {column: spoken(column) for column in PROFILES}
    body = "".join(
        (
            section("Effects", f'<div class="one">{chart_card(forest, unfolded=True)}</div>'),
            section("Notes", _notes(comparison)),
            section("Effect over time", panels("profile", "Column", profiles, labels)),
            section("Both worlds", pair(worlds)),
            section("What differs between the scenarios", _differences(comparison)),
            section("Method and limits", card(_LIMITS)),
        )
    )
    drawn = [forest, *(figure for group in profiles.values() for figure in group), *worlds]
    return experiment_page(f"{second} against {first}", _header(comparison, manifest), body, drawn)


_LIMITS = """<dl class="limits">
<div><dt>Effect</dt><dd>The mean over pairs of runs with the same luck of what the second world has less what the first
has, with a 95 % interval by Student's t. The interval is that of the mean, not of single runs.</dd></div>
<div><dt>Same sign</dt><dd>The share of pairs whose difference has the sign of the effect.</dd></div>
<div><dt>Variance ratio</dt><dd>The variance of the paired difference against that of unpaired runs: 0.1 means that
unpaired runs would need ten times as many for the same interval.</dd></div>
<div><dt>Several outcomes</dt><dd>Of twenty effects that are nil, one is expected to look distinct at 95 %.</dd></div>
<div><dt>Use</dt><dd>A research model of a market with few disclosed facts. It is not investment advice.</dd></div>
</dl>"""


def _header(comparison: Comparison, manifest: dict[str, Any]) -> str:
    first, second = comparison.names
    facts: dict[str, object] = {
        "first": first,
        "second": second,
        "pairs of runs": comparison.runs,
        "seed": "–" if comparison.seed is None else comparison.seed,
    }
    worlds = comparison.scenarios or ()
    descriptions = [f"{world.name}: {world.description}" for world in worlds if world.description]
    kept = {key: value for key, value in manifest.items() if key not in ("effects", "notes")}
    hashes = {f"scenario_hash {side}": world.content_hash() for side, world in zip("ab", worlds, strict=False)}
    scenarios = {name: world.dump() for name, world in zip(comparison.names, worlds, strict=False)}
    repeated = repeat_section(
        "Repeat this comparison",
        comparison_commands(comparison),
        comparison_script(comparison),
        {**kept, **hashes},
        scenarios,
    )
    return f'<p class="description">{text(" / ".join(dict.fromkeys(descriptions)))}</p>{facts_list(facts)}{repeated}'


def _notes(comparison: Comparison) -> str:
    items = "".join(f"<li>{text(note)}</li>" for note in comparison.notes)
    return card(f"<ul>{items}</ul>") if items else ""


def _side_by_side(comparison: Comparison) -> list[Figure]:
    """The same charts of both worlds on the same scales."""
    found: list[Figure] = []
    for make in (concentration, capacity_total):
        both = [make(tables) for tables in comparison.tables]
        low, high = _common_range([figure.option for figure in both])
        for side, name, figure in zip("ab", comparison.names, both, strict=True):
            axis = {**figure.option["yAxis"], "min": low, "max": high}
            option = {**figure.option, "yAxis": axis}
            found.append(replace(figure, name=f"{figure.name}-{side}", title=f"{name}: {figure.title}", option=option))
    return found


def _common_range(options: Sequence[dict[str, Any]]) -> tuple[float, float]:
    """Round bounds that hold every line and band of some charts over time."""
    found: list[float] = []
    for option in options:
        base: dict[str, list[float | None]] = {}
        for series in option["series"]:
            under = base.get(series.get("stack", ""), [])
            stacked = [a + b for a, b in zip(under, series["data"], strict=False) if a is not None and b is not None]
            found += stacked or [value for value in series["data"] if value is not None]
            if "stack" in series and "areaStyle" not in series:
                base[series["stack"]] = series["data"]
    low, high = min(found, default=0.0), max(found, default=1.0)
    step = 10.0 ** math.floor(math.log10(high - low)) if high > low else 1.0
    step /= 5 if high - low < 2.5 * step else 1
    return math.floor(low / step) * step, math.ceil(high / step) * step


def _differences(comparison: Comparison) -> str:
    if comparison.scenarios is None:
        return ""
    first, second = comparison.scenarios
    rows = [(path, _told(a), _told(b)) for path, (a, b) in first.diff(second).items()]
    if not rows:
        return card('<p class="sentence">Nothing: both worlds have the same scenario.</p>')
    return card(data_table("Parameters that differ", ("parameter", *comparison.names), rows))


def _told(value: Any) -> str:
    if value is None:
        return "–"
    told = toml_value(value)
    return told if len(told) <= _LONGEST_VALUE else told[:_LONGEST_VALUE] + "..."
