"""The report of a sweep: one self-contained page that works offline, and whose tables work without scripts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.outcomes import OUTCOMES
from experiments.sweeps.errors import SweepError
from experiments.sweeps.tasks import FINISHED
from visualization.chart import Cell, Figure, clean
from visualization.experiment_page import card, experiment_page, facts_list, pair, panels, repeat_section, section
from visualization.markup import data_table, text
from visualization.names import spoken, written
from visualization.page import write_page
from visualization.quantiles import records
from visualization.repeating import sweep_commands, sweep_script
from visualization.sensitivity_chart import morris_plane, sensitivity_bars
from visualization.sweep_chart import MOST_LINES, factor_scatter, point_fans, sweep_concentration, sweep_fan

if TYPE_CHECKING:
    from experiments.sweeps.factors import Factor
    from experiments.sweeps.results import Sweep

FANS = ("capacity_gw", "utilisation_frac", "price_usd_bn_per_gw_quarter")
HEADLINES = ("alignment_hhi", "market_hhi", "capacity_gw", "utilisation_frac")
"""The outcomes at the end of a run that factors are shown against; of a function the first four."""

MOST_FACTORS = 12
MOST_ROWS = 50
_MOST_KINDS = 30
_MOST_POINTS = 24_000  # drawn over all scatter charts: about 2 MB


def write_sweep_report(folder: Path) -> Path:
    """Write `report.html` into a sweep's folder from its files; an old one stays until the new one is whole.

    Raises SweepError or ResultsError, in one line, where the folder holds no sweep that can be read.
    """
    from experiments.sweeps.results import Sweep

    return write_page(folder, render_sweep_report(Sweep.load(folder)))


def render_sweep_report(sweep: Sweep) -> str:
    """The whole page as text; of a sweep that is not complete it says so and shows the runs that are there."""
    title = f"Sweep of {', '.join(sweep.scenarios) or _function(sweep)}"
    finished = int((sweep.runs["status"] == FINISHED).sum())
    over_time, scatters, indices, told = _figures(sweep) if finished else ([], {}, {}, "")
    labels = {outcome: spoken(outcome) for outcome in (*scatters, *indices)}
    body = "".join(
        (
            section("Failed runs", _failures(sweep)),
            section("What is varied", _factors(sweep)),
            section("Over time, all runs", pair(over_time)),
            section("Outcomes by factor", panels("outcome", "Outcome", scatters, labels) + _left_out(sweep)),
            section("Sensitivity", panels("sensitivity", "Outcome", indices, labels) + told),
            section("Points of the design", _points(sweep, finished)),
            section("Method and limits", card(_LIMITS)),
        )
    )
    drawn = [*over_time, *(figure for groups in (scatters, indices) for group in groups.values() for figure in group)]
    return experiment_page(title, _header(sweep, finished), body, drawn)


_LIMITS = """<dl class="limits">
<div><dt>Pairing</dt><dd>Replicate k has the same luck at every point: differences between points are not blurred by it.
</dd></div>
<div><dt>Intervals</dt><dd>Bands over all runs mix what the design varies with luck; they are no forecast, for the
design's ranges are a choice and not a probability.</dd></div>
<div><dt>Failed runs</dt><dd>They are in the table of runs with what they failed of, and in no figure.</dd></div>
<div><dt>Use</dt><dd>A research model of a market with few disclosed facts. It is not investment advice.</dd></div>
</dl>"""


def _function(sweep: Sweep) -> str:
    return str(sweep.manifest["identity"].get("function", "a function")).partition("@")[0].partition(":")[2]


def _header(sweep: Sweep, finished: int) -> str:
    manifest = sweep.manifest
    points, statuses = len(sweep.parameters), sweep.runs["status"].value_counts()
    each = f"{sweep.replicates:,} replicate{'s' if sweep.replicates > 1 else ''}"
    facts: dict[str, object] = {
        "design": manifest["design"]["method"],
        "runs": f"{points:,} points × {each} = {manifest['runs']:,}",
        "seed": sweep.seed,
        **{status: f"{count:,}" for status, count in {FINISHED: finished, **statuses}.items()},
    }
    descriptions = [scenario.description for scenario in sweep.scenarios.values() if scenario.description]
    missing = manifest["runs"] - len(sweep.runs)
    unfinished = (
        f'<p class="notice">This sweep is not complete: {missing:,} of {manifest["runs"]:,} runs are missing. The '
        "command that made it goes on where it stopped.</p>"
        if missing
        else ""
    )
    scenarios = {name: scenario.dump() for name, scenario in sweep.scenarios.items()}
    hashes = {**manifest, "content_hash": sweep.content_hash()}
    repeated = repeat_section("Repeat this sweep", sweep_commands(sweep), sweep_script(sweep), hashes, scenarios)
    return f'<p class="description">{text(" / ".join(descriptions))}</p>{facts_list(facts)}{unfinished}{repeated}'


def _figures(sweep: Sweep) -> tuple[list[Figure], dict[str, list[Figure]], dict[str, list[Figure]], str]:
    """Charts over time, by factor for each outcome, and sensitivities with what hindered them."""
    over_time: list[Figure] = []
    if "market" in sweep.tables:
        fans = [sweep_fan(sweep, column) for column in FANS]
        few = 1 < len(sweep.parameters) <= MOST_LINES
        points = [point_fans(sweep, column) for column in HEADLINES[:2]] if few else []
        over_time = [sweep_concentration(sweep), *fans, *points]
    outcomes = _outcomes(sweep)
    paths = _paths(sweep)[:MOST_FACTORS]
    most = max(_MOST_POINTS // max(len(paths) * len(outcomes), 1), 100)
    scatters = {outcome: [factor_scatter(sweep, path, outcome, most) for path in paths] for outcome in outcomes}
    indices, told = _sensitivities(sweep, outcomes)
    return over_time, scatters, indices, told


def _outcomes(sweep: Sweep) -> Sequence[str]:
    if OUTCOMES not in sweep.tables:
        return HEADLINES
    return [name for name in sweep.tables[OUTCOMES].columns if name != "run"][: len(HEADLINES)]


def _paths(sweep: Sweep) -> list[str]:
    return [str(path) for path in sweep.parameters.columns if path != "point"]


def _sensitivities(sweep: Sweep, outcomes: Sequence[str]) -> tuple[dict[str, list[Figure]], str]:
    """Indices of every outcome that has some, and one sentence on why others have none."""
    from experiments.sensitivity import sensitivity

    found: dict[str, list[Figure]] = {}
    hindered: dict[str, str] = {}
    for outcome in outcomes:
        try:
            indices = sensitivity(sweep, outcome)
        except SweepError as error:
            hindered[outcome] = str(error)
            continue
        if indices.frame.drop(columns="factor").isna().all(axis=None):
            hindered[outcome] = f"{spoken(outcome)}: {' '.join(indices.notes)}"
            continue
        bars = sensitivity_bars(indices)
        found[outcome] = [bars, morris_plane(indices)] if indices.method == "morris" else [bars]
    reasons = dict.fromkeys(hindered.values())
    return found, "".join(f'<p class="key">No indices. {text(reason)}</p>' for reason in reasons)


def _failures(sweep: Sweep) -> str:
    """What runs failed of, the most frequent first."""
    failures = sweep.failures
    if failures.empty:
        return ""
    counted = failures.groupby(["status", "stage", "error"], dropna=False)["run"].agg(["size", "min"])
    rows = records(counted.reset_index().sort_values(["size", "min"], ascending=[False, True]))
    listed = [(str(row["status"]), row["size"], str(row["stage"]), str(row["error"]), row["min"]) for row in rows]
    more = f" {len(rows) - _MOST_KINDS} more kinds are in runs.parquet." if len(rows) > _MOST_KINDS else ""
    columns = ("status", "runs", "stage", "error", "first run")
    told = f"{len(failures):,} of {len(sweep.runs):,} runs did not finish; they are in no figure.{more}"
    return card(
        f'<p class="sentence">{told}</p>{data_table("Failed runs by cause", columns, listed[:_MOST_KINDS])}'
        '<p class="key">Every failed run, with its traceback: '
        '<a class="download" href="runs.parquet">runs.parquet</a></p>'
    )


def _factors(sweep: Sweep) -> str:
    design = sweep.design
    if design.factors:
        rows = [(factor.path, _range(factor), len(sweep.parameters[factor.path].unique())) for factor in design.factors]
        return card(data_table("Factors", ("factor", "range or choices", "values"), rows))
    values = {path: sweep.parameters[path].dropna() for path in _paths(sweep)}
    listed = [(path, _span(list(known)), known.nunique()) for path, known in values.items()]
    return card(data_table("Factors, as the points have them", ("factor", "values from and to", "values"), listed))


def _range(factor: Factor) -> str:
    if factor.choices:
        return ", ".join(map(written, factor.choices))
    return f"{written(factor.low)} to {written(factor.high)}{', whole numbers' if factor.integer else ''}"


def _span(values: Sequence[Any]) -> str:
    """Smallest and largest number, else the different values."""
    if values and all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return f"{written(min(values))} to {written(max(values))}"
    different = list(dict.fromkeys(map(written, values)))
    return ", ".join(different[:6]) + (", ..." if len(different) > 6 else "")


def _left_out(sweep: Sweep) -> str:
    paths = _paths(sweep)
    if len(paths) <= MOST_FACTORS:
        return ""
    return f'<p class="key">The first {MOST_FACTORS} of {len(paths)} factors are drawn.</p>'


def _points(sweep: Sweep, finished: int) -> str:
    """The first points with the mean of an outcome over their replicates, and where all of them are."""
    paths, count = _paths(sweep), len(sweep.parameters)
    outcomes = list(_outcomes(sweep))[:2] if finished else []
    means = [sweep.by_point(outcome).mean(axis=1) for outcome in outcomes]
    rows: list[tuple[Cell, ...]] = [
        (
            str(row["point"]),
            *(_value(row[path]) for path in paths),
            *(clean(mean.iloc[number]) for mean in means),
        )
        for number, row in enumerate(records(sweep.parameters.head(MOST_ROWS)))
    ]
    caption = f"The first {MOST_ROWS} of {count:,} points" if count > MOST_ROWS else f"All {count} points"
    columns = ("point", *paths, *(f"{outcome}, mean" for outcome in outcomes))
    return card(
        f'{data_table(caption, columns, rows)}<p class="key">All points: '
        '<a class="download" href="parameters.parquet">parameters.parquet</a></p>'
    )


def _value(value: Any) -> Cell:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "–" if value is None else written(value)
    return value
