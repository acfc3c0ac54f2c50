from __future__ import annotations

import json
import re
import tomllib
from html import unescape
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cloudpact.results import ResultsError
from experiments.sweeping import plan_of
from experiments.sweeps.design_files import load_design_file
from experiments.sweeps.errors import SweepError
from experiments.sweeps.plan import Plan
from experiments.sweeps.results import Sweep
from market.scenario import Scenario
from tests.visualization.small_sweeps import MARKUP, bent, named_in_markup, planned, straight, swept
from tests.visualization.test_report import EVIL, Outline
from visualization import plot, reports
from visualization.repeating import design_text, sweep_commands, sweep_script
from visualization.reports import report_for
from visualization.sweep_report import HEADLINES, render_sweep_report, write_sweep_report

POWER, BAN = "negotiation.provider_power", "policy.exclusivity_ban"


@pytest.fixture(scope="module")
def markets(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    """Two points of the market `tiny`, two replicates each."""
    return swept(tmp_path_factory.mktemp("market") / "s", planned("tiny", {POWER: [0.2, 0.8]}, 2))


@pytest.fixture(scope="module")
def function(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    """Twenty points of a function of an interval and a choice, some of which fail."""
    return swept(tmp_path_factory.mktemp("function") / "s", bent_plan())


def bent_plan() -> Plan:
    return planned(bent, {"x": (0.0, 1.0), "ban": [False, True]}, 2, design="lhs", samples=20)


@pytest.fixture(scope="module")
def market_page(markets: Sweep) -> str:
    return render_sweep_report(markets)


@pytest.fixture(scope="module")
def function_page(function: Sweep) -> str:
    return render_sweep_report(function)


def test_the_page_asks_for_nothing_and_links_to_files_beside_it(market_page: str, function_page: str) -> None:
    for page in (market_page, function_page):
        outline = Outline(page)
        elsewhere = {address for address in outline.addresses if not address.startswith(("data:", "#"))}
        assert elsewhere <= {"parameters.parquet", "runs.parquet"}
        assert "default-src 'none'" in page
        assert page.count("'sha256-") == 3
        assert len(set(outline.ids)) == len(outline.ids)
        assert outline.headings.count(1) == 1
        assert all(deeper <= before + 1 for before, deeper in pairwise(outline.headings))


def test_a_sweep_of_markets_has_fans_points_and_factors(market_page: str) -> None:
    assert Outline(market_page).charts == [
        "concentration", "fan-capacity_gw", "fan-utilisation_frac", "fan-price_usd_bn_per_gw_quarter",
        "points-alignment_hhi", "points-market_hhi",
        *(f"scatter-{outcome}-{POWER}" for outcome in HEADLINES),
        *re.findall(r'data-chart="(sensitivity-\w+)"', market_page),
    ]  # fmt: skip
    assert "median of 4 runs at 2 points" in market_page
    assert "<dt>runs</dt><dd>2 points × 2 replicates = 4</dd>" in market_page
    assert "<dt>finished</dt><dd>4</dd>" in market_page


def test_a_sweep_of_a_function_has_its_outcomes_by_factor_and_indices(function_page: str) -> None:
    assert Outline(function_page).charts == ["scatter-y-x", "scatter-y-ban", "scatter-same-x", "scatter-same-ban",
                                             "sensitivity-y"]  # fmt: skip
    assert "No indices. same: " in function_page
    assert "The outcome is the same at every point" in function_page
    assert '<h1><span class="brand">cloudpact</span> Sweep of bent</h1>' in function_page


def test_failures_are_counted_by_cause(function: Sweep, function_page: str) -> None:
    failed = int((function.parameters["x"] > 0.9).sum()) * 2
    table = re.search(r"<caption>Failed runs by cause.*?</table>", function_page, re.S)

    assert failed > 0
    assert table is not None
    assert [unescape(cell) for cell in re.findall(r"<t[dh](?: [^>]*)?>(.*?)</t[dh]>", table[0])][5:] == [
        "failed", str(failed), "bent", "ValueError: <b>x</b> is too large", str(function.failures["run"].iloc[0]),
    ]  # fmt: skip
    assert f"{failed} of 40 runs did not finish; they are in no figure." in function_page


def test_every_figure_has_its_data_and_a_table(function_page: str) -> None:
    data = re.search(r'<script type="application/json" id="figures">(.*?)</script>', function_page, re.S)
    assert data is not None

    assert list(json.loads(data[1])["figures"]) == Outline(function_page).charts
    assert function_page.count("<summary>Data table</summary>") == 5


def test_no_text_of_a_sweep_becomes_markup(tmp_path: Path) -> None:
    base = Scenario.load("tiny").with_({"name": EVIL, "description": EVIL})
    scenario = swept(tmp_path / "scenario", planned(base, {POWER: [0.5]}))
    outcome = swept(tmp_path / "outcome", planned(named_in_markup, {"mode": [MARKUP, "b"]}))
    for page in map(render_sweep_report, (scenario, outcome)):
        outline = Outline(page)
        assert EVIL not in page
        assert MARKUP not in page
        assert "evil" not in outline.ids
        assert {"img", "b"} & outline.tags == set()


def test_a_stopped_sweep_says_what_is_missing(tmp_path: Path) -> None:
    plan = planned(straight, {"a": (0.0, 1.0), "b": (0.0, 1.0)}, design="random", samples=8)
    page = render_sweep_report(swept(tmp_path / "s", plan, runs=5))

    assert "This sweep is not complete: 3 of 8 runs are missing." in page
    assert "5 runs" in page


def test_a_sweep_of_which_nothing_finished_has_a_page(tmp_path: Path) -> None:
    page = render_sweep_report(swept(tmp_path / "s", planned(bent, {"x": [0.95, 1.0]})))

    assert Outline(page).charts == []
    assert "2 of 2 runs did not finish" in page


RULE = {"kind": "stake_cap", "since": "2026Q4", "size": 0.05}
OTHER = Scenario.load("tiny").with_({"name": "o'ther"})
PLANS = {
    "grid": lambda: planned("tiny", {POWER: [0.2, 0.8], BAN: [False, True]}, 2, seed=5),
    "lhs": lambda: planned("tiny", {POWER: (0.2, 0.8), "enterprises.count": (20, 60)}, design="lhs", samples=3),
    "morris": lambda: planned("tiny", {POWER: (0.2, 0.8)}, design="morris", trajectories=2, levels=6),
    "list": lambda: planned("tiny", design=[{POWER: 0.3}, {"policy.rules": [RULE]}]),
    "several": lambda: planned(["tiny", OTHER], {POWER: [0.2]}, tables=("market", "labs")),
}


@pytest.mark.parametrize("name", PLANS)
def test_the_design_file_and_the_call_plan_the_same_runs(tmp_path: Path, name: str) -> None:
    plan = PLANS[name]()
    sweep = swept(tmp_path / "s", plan, runs=0)
    (sweep.folder / "design.toml").write_text(design_text(sweep), encoding="utf-8")
    commands = sweep_commands(sweep)

    assert plan_of(load_design_file(sweep.folder / "design.toml")).tasks == plan.tasks
    assert called(sweep).tasks == plan.tasks
    assert tomllib.loads("\n".join(commands[1:-3])) == tomllib.loads(design_text(sweep))
    assert commands[-2:] == ["cloudpact sweep design.toml --out again", "cloudpact report again"]


def called(sweep: Sweep) -> Any:
    """The plan that the call in Python makes, in the folder of a sweep."""
    found = []

    def record(base: Any, vary: Any = None, *, replicates: int, seed: int, out: str, **design: Any) -> None:
        assert out == "again"
        several = base if isinstance(base, list) else [base]
        files = base if callable(base) else [str(sweep.folder / name) for name in several]
        tables = design.pop("tables", ("market", "providers", "labs", "alignment", "deals"))
        found.append(planned(files, vary, replicates, seed=seed, tables=tables, **design))

    script = sweep_script(sweep).replace("import cloudpact\n", "")
    exec(script, {"cloudpact": SimpleNamespace(sweep=record, load=lambda folder: sweep)})  # noqa: S102 -- our own text
    return found[0]


def test_the_call_of_a_function_imports_it(function: Sweep) -> None:
    assert "from tests.visualization.small_sweeps import bent\n" in sweep_script(function)
    assert called(function).tasks == bent_plan().tasks
    assert sweep_commands(function) == []


def test_the_command_that_made_it_is_told(markets: Sweep) -> None:
    known = Sweep(
        markets.folder, {**markets.manifest, "command": "cloudpact sweep power.toml\n--out x"}, markets.tables
    )

    assert sweep_commands(known)[0] == "# it was made by: cloudpact sweep power.toml --out x"


def test_write_sweep_report_writes_what_is_rendered(function: Sweep, function_page: str) -> None:
    path = write_sweep_report(function.folder)

    assert path == function.folder / "report.html"
    assert path.read_text(encoding="utf-8") == function_page
    assert [entry.name for entry in function.folder.iterdir() if entry.name.startswith(".report")] == []


def test_the_kind_of_a_folder_decides_its_report(
    function: Sweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "_WRITERS", {**reports._WRITERS, "run": lambda folder: folder / "run.html"})
    (tmp_path / "manifest.json").write_text(json.dumps({"schema_version": 2}), encoding="utf-8")

    assert report_for(function.folder) == function.folder / "report.html"
    assert report_for(tmp_path) == tmp_path / "run.html"
    (tmp_path / "manifest.json").write_text(json.dumps({"schema_version": 2, "kind": "play"}), encoding="utf-8")
    with pytest.raises(
        ResultsError, match="holds a play, of which there is no report; allowed: run, sweep, comparison"
    ):
        report_for(tmp_path)


def test_plots_of_a_sweep(markets: Sweep) -> None:
    fan = plot.fan(markets, "utilisation_frac").figure
    points = plot.points(markets).figure
    by_power = plot.scatter(markets, POWER).figure
    market = markets.tables["market"]
    last = market[market["quarter"] == market["quarter"].max()]

    assert fan.rows[-1][1] == pytest.approx(100 * last["utilisation_frac"].median(), rel=1e-4)
    assert points.rows[-1][1] == pytest.approx(last.loc[last["run"] < 2, "alignment_hhi"].median(), rel=1e-4)
    assert [row[:2] for row in by_power.rows] == [("0.20", 2), ("0.80", 2)]
    assert by_power.rows[0][2] == points.rows[-1][1]
    assert points.key.startswith(f"0.20: {POWER} 0.20. 0.80: {POWER} 0.80. Line: median of 2 runs.")


def test_concentration_of_a_sweep_is_that_of_its_tables(markets: Sweep) -> None:
    of_sweep, of_tables = plot.concentration(markets).figure, plot.concentration(dict(markets.tables)).figure

    np.testing.assert_allclose(np.array([row[1:] for row in of_sweep.rows], float),
                               np.array([row[1:] for row in of_tables.rows], float), rtol=1e-4)  # fmt: skip
    assert of_sweep.sentence == of_tables.sentence


def test_what_a_plot_cannot_show_is_refused(markets: Sweep, function: Sweep) -> None:
    with pytest.raises(
        SweepError, match=rf"does not vary 'negotiation.provider_powr'; it varies: {POWER}; did you mean"
    ):
        plot.scatter(markets, "negotiation.provider_powr")
    with pytest.raises(SweepError, match="20 points are too many for lines of one chart; allowed: 6"):
        plot.points(function, "y")
    with pytest.raises(SweepError, match="no outcome 'z'"):
        plot.scatter(function, "x", "z")


def test_the_table_of_points_shows_the_first_fifty_and_where_the_rest_is(tmp_path: Path) -> None:
    plan = planned(straight, {"a": (0.0, 1.0), "b": (0.0, 1.0)}, design="random", samples=60)
    sweep = swept(tmp_path / "s", plan)
    table = re.search(r"<caption>The first 50 of 60 points.*?</table>", render_sweep_report(sweep), re.S)

    assert table is not None
    assert table[0].count('<th scope="row">') == 50
    assert pd.read_parquet(tmp_path / "s" / "parameters.parquet").shape == (60, 3)
