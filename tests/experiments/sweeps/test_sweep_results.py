"""A sweep's results, against pandas and NumPy on the same made-up runs; and the size of sweeps that can be read."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from cloudpact.results import Results, ResultsError
from cloudpact.schema import MARKET
from experiments.loading import load
from experiments.outcomes import Outcome
from experiments.store import claim_folder, write_run
from experiments.sweeps import compaction
from experiments.sweeps.designs import make_design
from experiments.sweeps.errors import SweepError
from experiments.sweeps.parameters import parameters_table, points_of
from experiments.sweeps.plan import Plan, make_plan
from experiments.sweeps.results import Sweep
from experiments.sweeps.store import SweepStore
from experiments.sweeps.study import MarketStudy
from market.scenario import Scenario
from tests.experiments.fake_runs import fake_results
from tests.experiments.sweeps.fake_sweeps import function_plan, made_up, market_part, market_plan, parts_of, waves
from visualization.quantiles import fan

ROOT = Path(__file__).resolve().parents[3]
TABLES = ("market", "labs")
FAILED = 5
QUARTERS = 4


def store(folder: Path, plan: Plan, *, complete: bool) -> Sweep:
    """Three points and four replicates of made-up markets, run 5 failed; without `complete` points 0 and 2 only."""
    batches = [[8, 10], [0, 1, 2, 3], [9, 11], *([[4, 5, 6, 7]] if complete else [])]
    with SweepStore.open(folder, plan) as kept:
        for number, runs in enumerate(batches):
            kept.commit(market_part(number, runs, QUARTERS, TABLES, [FAILED], 4))
        if complete:
            kept.finish()
    return Sweep.load(folder)


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    """The complete sweep."""
    return store(tmp_path_factory.mktemp("complete") / "it's [a] sweep*", market_plan(3, 4, TABLES), complete=True)


@pytest.fixture(scope="module")
def partial(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    """The same one while point 1 is not there yet."""
    return store(tmp_path_factory.mktemp("partial") / "sweep", market_plan(3, 4, TABLES), complete=False)


def frame(name: str, runs: list[int]) -> pd.DataFrame:
    return pd.concat([made_up(name, run, QUARTERS).to_pandas() for run in runs], ignore_index=True)


HERE = {True: [run for run in range(12) if run != FAILED], False: [0, 1, 2, 3, 8, 9, 10, 11]}


def test_what_a_complete_sweep_says_of_itself(sweep: Sweep) -> None:
    assert (sweep.status, sweep.seed, sweep.replicates) == ("complete", 1, 4)
    assert sweep.parameters.to_dict("list") == {"point": [0, 1, 2], "time.warm_up": [0, 1, 2]}
    assert sweep.design == market_plan(3, 4, TABLES).design
    assert sweep.scenarios == {"made-up": Scenario(name="made-up")}
    assert sweep.manifest == json.loads((sweep.folder / "manifest.json").read_text())
    assert sweep.runs["run"].tolist() == list(range(12))
    assert sweep.failures.to_dict("records") == [
        {
            "run": 5,
            "point": 1,
            "replicate": 1,
            "key": "key 5",
            "same_as": 5,
            "status": "failed",
            "stage": "2025Q1 allocation",
            "error": "ValueError: no",
            "traceback": "...",
            "seconds": 0.5,
        }
    ]


def test_a_sweep_that_goes_on_tells_only_what_is_kept(partial: Sweep) -> None:
    assert (partial.status, partial.manifest["status"]) == ("running", "running")
    assert partial.runs["run"].tolist() == HERE[False]
    assert len(partial.failures) == 0
    assert partial.by_point("alignment_hhi").isna().to_numpy().tolist() == [[False] * 4, [True] * 4, [False] * 4]
    assert partial.query("SELECT count(DISTINCT run) AS n FROM market")["n"].tolist() == [8]


@pytest.mark.parametrize("complete", [True, False])
def test_tables_are_frames_by_run(request: pytest.FixtureRequest, complete: bool) -> None:
    found: Sweep = request.getfixturevalue("sweep" if complete else "partial")
    assert list(found.tables) == ["market", "labs"]
    assert (len(found.tables), "runs" in found.tables, "deals" in found.tables) == (2, False, False)
    for name in TABLES:
        pd.testing.assert_frame_equal(found.tables[name], frame(name, HERE[complete]), check_exact=True)
        assert found.tables[name] is found.tables[name]
    with pytest.raises(KeyError):
        found.tables["deals"]


def test_nothing_is_read_before_it_is_asked_for(sweep: Sweep, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    real = compaction.in_run_order
    monkeypatch.setattr(
        "experiments.sweeps.reading.in_run_order", lambda parts, name: (asked.append(name), real(parts, name))[1]
    )
    found = Sweep.load(sweep.folder)
    assert (found.status, "market" in found.tables, asked) == ("complete", True, [])
    assert found.outcome("labs[OpenAI].compute_gw").notna().sum() == 11
    assert len(found.quantiles("price_usd_bn_per_gw_quarter")) == QUARTERS
    assert asked == []  # only columns are read for these
    assert len(found.tables["labs"]) == 11 * 6
    assert len(found.tables["labs"]) == 11 * 6
    assert asked == ["labs"]


OUTCOMES = (
    "alignment_hhi",
    "deals_signed@2024Q2",
    "mean(capacity_gw@2024Q2..2024Q4)",
    "labs[OpenAI].dependence_hhi@2024Q3",
    "labs[Cohere].compute_gw",
    "labs[Cohere].compute_gw@2024Q1",
)


@pytest.mark.parametrize("name", OUTCOMES)
@pytest.mark.parametrize("complete", [True, False])
def test_outcomes_are_those_of_the_whole_tables_with_a_value_for_every_run(
    request: pytest.FixtureRequest, name: str, complete: bool
) -> None:
    found: Sweep = request.getfixturevalue("sweep" if complete else "partial")
    of_all = Outcome.parse(name).of({table: frame(table, HERE[complete]) for table in TABLES})
    expected = pd.Series([of_all.get(run, float("nan")) for run in range(12)], name=name)
    pd.testing.assert_series_equal(found.outcome(name), expected.rename_axis("run"), check_exact=True)
    assert found.outcome(name).isna().all() == (name == "labs[Cohere].compute_gw")  # it fails half-way
    grid = found.by_point(name)
    assert (grid.index.name, grid.columns.name, grid.shape) == ("point", "replicate", (3, 4))
    np.testing.assert_array_equal(grid.to_numpy().ravel(), expected.to_numpy())


WRONG_OUTCOMES = {
    "aligment_hhi": "unknown column: 'aligment_hhi'; allowed: .*did you mean 'alignment_hhi'",
    "quarter": "is text: 'quarter'; allowed: forecast, capacity_gw",
    "labs[OpenIA].compute_gw": "no lab 'OpenIA' in any run; allowed: Cohere, OpenAI; did you mean 'OpenAI'",
    "providers[Amazon].capacity_gw": "the table 'providers' was not kept; allowed: labs, market",
    "alignment_hhi@2031Q1": "no run has the quarter 2031Q1; allowed: 2024Q1..2024Q4",
}


@pytest.mark.parametrize(("name", "message"), WRONG_OUTCOMES.items())
def test_outcomes_that_no_run_has_are_told(sweep: Sweep, name: str, message: str) -> None:
    with pytest.raises(SweepError, match=message):
        sweep.outcome(name)


def test_outcomes_of_a_function(tmp_path: Path) -> None:
    plan = function_plan(3, 2, bad=[2])
    with SweepStore.open(tmp_path / "sweep", plan) as kept:
        for part in parts_of(plan, 1, [4, 0, 5, 3, 1, 2]):
            kept.commit(part)
        check_function_sweep(Sweep.load(tmp_path / "sweep"))
        kept.finish()
    check_function_sweep(Sweep.load(tmp_path / "sweep"))


def check_function_sweep(found: Sweep) -> None:
    nan = float("nan")
    heights = [waves({"x": float(run // 2)}, 1, run % 2)["height"] for run in range(4)]
    np.testing.assert_array_equal(found.outcome("height").to_numpy(), [*heights, nan, nan])
    np.testing.assert_array_equal(found.by_point("length").to_numpy(), [[nan, nan], [1.0, 1.0], [nan, nan]])
    with pytest.raises(SweepError, match="no outcome 'hight'; allowed: height, length; did you mean 'height'"):
        found.outcome("hight")
    with pytest.raises(ResultsError, match="no table 'market' in the sweep; there are: outcomes"):
        found.quantiles("height")
    with pytest.raises(ResultsError, match="table 'outcomes' has no quarters, so no quantiles by quarter"):
        found.quantiles("height", table="outcomes")
    assert found.scenarios == {}


def test_a_sweep_of_which_no_run_finished_says_so(tmp_path: Path) -> None:
    with SweepStore.open(tmp_path / "sweep", market_plan(1, 2)) as kept:
        kept.commit(market_part(0, [0, 1], failed=[0, 1]))
        kept.finish()
    found = Sweep.load(tmp_path / "sweep")
    assert (len(found.failures), list(found.tables["market"]), len(found.tables["market"])) == (
        2,
        MARKET.column_names,
        0,
    )
    assert len(found.quantiles("alignment_hhi")) == 0
    with pytest.raises(SweepError, match="no run has finished, the table 'market' is empty"):
        found.outcome("alignment_hhi")


# Quantiles and queries


@pytest.mark.parametrize("complete", [True, False])
def test_quantiles_are_those_of_numpy_and_of_the_fan(request: pytest.FixtureRequest, complete: bool) -> None:
    found: Sweep = request.getfixturevalue("sweep" if complete else "partial")
    market = frame("market", HERE[complete])
    for column in ("alignment_hhi", "deals_signed", "forecast"):
        quantiles = found.quantiles(column, (0.0, 0.05, 0.5, 1.0))
        assert quantiles.index.tolist() == ["2024Q1", "2024Q2", "2024Q3", "2024Q4"]
        for quarter, rows in market.groupby("quarter"):
            expected = np.quantile(rows[column].to_numpy(float), [0.0, 0.05, 0.5, 1.0])  # type 7 by default
            np.testing.assert_allclose(quantiles.loc[quarter], expected, rtol=1e-14)
        drawn = fan(market, column, (0.0, 0.05, 0.5, 1.0))
        pd.testing.assert_frame_equal(quantiles, drawn, rtol=1e-14, check_index_type=False)
    assert found.quantiles("alignment_hhi").columns.tolist() == [0.1, 0.25, 0.5, 0.75, 0.9]


def test_quantiles_of_some_rows(sweep: Sweep) -> None:
    labs = frame("labs", HERE[True])
    chosen = {
        "lab": ({"lab": "OpenAI"}, labs[labs["lab"] == "OpenAI"]),
        "lab of a point": (
            {"lab": "OpenAI", "point": 1},
            labs[(labs["lab"] == "OpenAI") & labs["run"].isin([4, 6, 7])],
        ),
        "run": ({"run": 3}, labs[labs["run"] == 3]),
        "replicate": ({"replicate": 2}, labs[labs["run"] % 4 == 2]),
        "nobody": ({"lab": "O'Nobody"}, labs[:0]),
    }
    for where, rows in chosen.values():
        found = sweep.quantiles("compute_gw", (0.25, 0.5), "labs", **where)
        expected = [np.quantile(group["compute_gw"], [0.25, 0.5]) for _, group in rows.groupby("quarter")]
        np.testing.assert_allclose(found.to_numpy(), np.array(expected).reshape(-1, 2), rtol=1e-14)


def test_missing_values_are_left_out_and_a_quarter_without_any_is_missing(tmp_path: Path) -> None:
    with SweepStore.open(tmp_path / "sweep", market_plan(4, 1)) as kept:
        kept.commit(market_part(0, [0, 1, 2, 3]))
        kept.finish()
    path = tmp_path / "sweep" / "market.parquet"
    market = pd.read_parquet(path)
    values = market["alignment_hhi"].to_numpy().copy()
    values[market["quarter"] == "2024Q2"] = np.nan
    values[(market["quarter"] == "2024Q3") & (market["run"] < 2)] = np.nan
    schema = pq.read_schema(path)
    for as_null in (True, False):  # DuckDB takes NaN for the largest of numbers
        changed = pq.read_table(path).set_column(
            schema.get_field_index("alignment_hhi"),
            "alignment_hhi",
            [as_array(values, as_null)],
        )
        pq.write_table(changed, path)
        found = Sweep.load(tmp_path / "sweep").quantiles("alignment_hhi", (0.1, 0.9))
        pd.testing.assert_frame_equal(found, fan(market.assign(alignment_hhi=values), "alignment_hhi", (0.1, 0.9)))
        assert found.isna().all(axis=1).tolist() == [False, True, False, False]


def as_array(values: np.ndarray, as_null: bool) -> object:
    import pyarrow as pa

    return pa.array(values, from_pandas=as_null)


WRONG_QUANTILES = {
    "column": (
        {"column": "aligment_hhi"},
        "table 'market' has no column 'aligment_hhi'; .*did you mean 'alignment_hhi'",
    ),
    "text": ({"column": "quarter"}, "column 'quarter' of table 'market' holds no numbers"),
    "table": (
        {"column": "compute_gw", "table": "lab"},
        "no table 'lab' in the sweep; there are: market, labs; did you mean",
    ),
    "level": ({"column": "market_hhi", "levels": (0.5, 90)}, "levels: got 90; allowed: numbers from 0 to 1"),
    "no level": ({"column": "market_hhi", "levels": ()}, "levels: got none; allowed: numbers from 0 to 1"),
    "where": ({"column": "market_hhi", "lab": "OpenAI"}, "table 'market' has no column 'lab'"),
}


@pytest.mark.parametrize(("asked", "message"), WRONG_QUANTILES.values(), ids=WRONG_QUANTILES)
def test_quantiles_that_there_are_not_are_told(sweep: Sweep, asked: dict, message: str) -> None:
    with pytest.raises(ResultsError, match=message):
        sweep.quantiles(**asked)


def test_queries_see_all_tables(sweep: Sweep) -> None:
    found = sweep.query(
        "SELECT p.point, count(*) AS rows, max(m.capacity_gw) AS most FROM market m JOIN runs r USING (run) "
        'JOIN parameters p USING (point) WHERE p."time.warm_up" > 0 GROUP BY p.point ORDER BY p.point'
    )
    market = frame("market", HERE[True])
    most = [market.loc[market["run"].isin(runs), "capacity_gw"].max() for runs in ([4, 6, 7], [8, 9, 10, 11])]
    assert found.to_dict("list") == {"point": [1, 2], "rows": [12, 16], "most": most}
    for sql, message in {
        "SELECT * FROM mraket": "query: Catalog Error: Table with name mraket does not exist!",
        "SELEC 1": "query: Parser Error",
        "SELECT nothing FROM runs": "query: Binder Error",
    }.items():
        with pytest.raises(ResultsError, match=message) as caught:
            sweep.query(sql)
        assert "\n" not in str(caught.value)


# As they stand: pandas, DuckDB, and Arrow, by which R reads them


@pytest.mark.parametrize("complete", [True, False])
def test_files_are_plain_parquet_for_other_tools(request: pytest.FixtureRequest, complete: bool) -> None:
    found: Sweep = request.getfixturevalue("sweep" if complete else "partial")
    place = found.folder if complete else found.folder / "parts" / "*"
    expected = frame("labs", HERE[complete]).sort_values(["run", "quarter", "lab"], ignore_index=True)
    files = sorted(place.parent.glob("*/labs.parquet")) if not complete else [place / "labs.parquet"]
    read = pd.concat([pd.read_parquet(file) for file in files]).sort_values(
        ["run", "quarter", "lab"], ignore_index=True
    )
    pd.testing.assert_frame_equal(read, expected, check_exact=True)
    with duckdb.connect() as connection:
        sql = "SELECT * FROM read_parquet(?) ORDER BY run, quarter, lab"
        asked = connection.execute(sql, [[duckdb_path(file) for file in files]]).df()
    pd.testing.assert_frame_equal(asked, expected, check_exact=True, check_dtype=False)
    schema = pq.read_schema(files[0])
    assert {str(field.type) for field in schema} == {"int64", "double", "bool", "large_string"}
    assert b"pandas" not in (schema.metadata or {})


def duckdb_path(file: Path) -> str:
    """The path with DuckDB's wild cards taken literally."""
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in str(file))


# Hash, parameters, loading


def test_the_hash_is_computed_from_the_files(sweep: Sweep, partial: Sweep, tmp_path: Path) -> None:
    assert sweep.content_hash() == sweep.manifest["content_hash"] != partial.content_hash()
    with SweepStore.open(tmp_path / "sweep", market_plan(3, 4, TABLES)) as kept:
        kept.commit(market_part(0, list(range(12)), QUARTERS, TABLES, [FAILED], 4))
        assert Sweep.load(tmp_path / "sweep").content_hash() == sweep.content_hash()  # of the parts
        kept.finish()
    path = tmp_path / "sweep" / "labs.parquet"
    labs = pd.read_parquet(path)
    labs.loc[3, "compute_gw"] = np.nextafter(labs.loc[3, "compute_gw"], 1.0)
    labs.to_parquet(path)
    changed = Sweep.load(tmp_path / "sweep")
    assert changed.content_hash() != changed.manifest["content_hash"] == sweep.content_hash()


POINTS = {
    "numbers": ([{"a": 1, "b": 0.5}, {"a": 2, "b": 3}], {"a": [1, 2], "b": [0.5, 3.0]}),
    "flags and texts": (
        [{"a": True, "b": "x"}, {"a": False, "b": 'say "x"'}],
        {"a": [True, False], "b": ["x", 'say "x"']},
    ),
    "mixed": ([{"a": False}, {"a": "full"}, {"a": 2}], {"a": ["false", '"full"', "2"]}),
    "lists": ([{"a": [1, "b"]}, {"a": []}], {"a": ['[1, "b"]', "[]"]}),
    "tables": ([{"a": [{"kind": "cap", "size": 0.1}]}], {"a": ['[{kind = "cap", size = 0.1}]']}),
    "left out": ([{"a": 1.5}, {"b": "x"}, {}], None),
    "nothing": ([{}, {}], {}),
}


@pytest.mark.parametrize(("points", "columns"), POINTS.values(), ids=POINTS)
def test_points_become_columns_of_one_type_and_points_again(points: list, columns: dict | None) -> None:
    table = parameters_table(points)
    assert table["point"].to_pylist() == list(range(len(points)))
    if columns is not None:
        assert table.drop_columns("point").to_pydict() == columns
    assert list(points_of(table)) == points
    numpy_points = [
        {path: np.float64(value) if type(value) is float else value for path, value in p.items()} for p in points
    ]
    assert parameters_table(numpy_points).equals(table)


def test_a_design_of_mixed_values_is_read_back_as_it_was(tmp_path: Path) -> None:
    base = Scenario(name="base")
    vary = {"policy.exclusivity_ban": [False, True], "negotiation.provider_power": (0.2, 0.8)}
    design = make_design(vary, "sobol", 8, seed=3, scenarios={"base": base})
    plan = make_plan(MarketStudy({"base": base}, 1, ("market",)), design, 2)
    SweepStore.open(tmp_path / "sweep", plan).close()
    found = Sweep.load(tmp_path / "sweep").design
    assert found == design
    np.testing.assert_array_equal(found.unit, design.unit)


def test_load_tells_runs_from_sweeps_and_comparisons(
    sweep: Sweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(load(str(sweep.folder)), Sweep)
    run = claim_folder(tmp_path / "run", "run")
    write_run(run.staging, fake_results(), Scenario(), {"schema_version": 2})
    run.publish()
    loaded = load(tmp_path / "run")
    assert isinstance(loaded, Results)
    assert loaded.content_hash() == fake_results().content_hash()
    monkeypatch.setattr("experiments.comparison.Comparison.load", lambda folder: ("comparison", folder))
    (tmp_path / "pair").mkdir()
    (tmp_path / "pair" / "manifest.json").write_text('{"schema_version": 2, "kind": "comparison"}')
    assert load(tmp_path / "pair") == ("comparison", tmp_path / "pair")


REFUSED = {
    "no folder": (None, "no such folder"),
    "no manifest": ("", r"holds no run \(no manifest.json\)"),
    "truncated": ('{"schema_version": 2, "kind"', "manifest.json: is not the manifest of a run"),
    "other schema": ('{"schema_version": 1, "kind": "sweep"}', "has schema version 1, this cloudpact reads version 2"),
    "other store": (
        '{"schema_version": 2, "kind": "sweep", "store_version": 7}',
        "has store version 7, this cloudpact reads",
    ),
    "other kind": (
        '{"schema_version": 2, "kind": "poem"}',
        "holds a 'poem'; this cloudpact reads a run, a sweep or a comp",
    ),
}


@pytest.mark.parametrize(("text", "message"), REFUSED.values(), ids=REFUSED)
def test_folders_that_cannot_be_loaded(tmp_path: Path, text: str | None, message: str) -> None:
    folder = tmp_path / "it"
    if text is not None:
        folder.mkdir()
    if text:
        (folder / "manifest.json").write_text(text)
    with pytest.raises((ResultsError, SweepError), match=message) as caught:
        load(folder)
    assert "\n" not in str(caught.value)


def test_a_sweep_that_has_gone_on_or_lost_a_file_is_told(tmp_path: Path) -> None:
    plan = market_plan(2, 1)
    with SweepStore.open(tmp_path / "sweep", plan) as kept:
        kept.commit(market_part(0, [0, 1]))
        before = Sweep.load(tmp_path / "sweep")
        kept.finish()
    for read in (
        lambda: before.tables["market"],
        lambda: before.outcome("market_hhi"),
        lambda: before.quantiles("market_hhi"),
    ):
        with pytest.raises(ResultsError, match="the sweep has gone on since it was loaded; load it again"):
            read()
    (tmp_path / "sweep" / "market.parquet").unlink()
    with pytest.raises(ResultsError, match=r"sweep/market\.parquet: a table of the sweep is missing"):
        Sweep.load(tmp_path / "sweep").tables["market"]
    parameters = tmp_path / "sweep" / "parameters.parquet"
    parameters.write_bytes(parameters.read_bytes()[:50])
    with pytest.raises(ResultsError, match="sweep: cannot read the table of parameters"):
        _ = Sweep.load(tmp_path / "sweep").design
    (tmp_path / "sweep" / "runs.parquet").unlink()
    with pytest.raises(SweepError, match="sweep: its table of runs cannot be read"):
        Sweep.load(tmp_path / "sweep")


def test_a_sweep_says_what_it_is(sweep: Sweep, partial: Sweep) -> None:
    size = "3 points x 4 replicates"
    assert repr(sweep) == f"Sweep({str(sweep.folder)!r}, complete, {size}, 11 of 12 runs finished)"
    assert repr(partial) == f"Sweep({str(partial.folder)!r}, running, {size}, 8 of 12 runs finished)"


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "cut off": lambda data: data[:50],
    "empty": lambda data: b"",
    "inside": lambda data: data[:4] + b"?" * 400 + data[404:],
}


@pytest.mark.parametrize("damage", [*DAMAGES.values(), None], ids=[*DAMAGES, "missing"])
def test_a_damaged_table_of_a_complete_sweep_is_named(tmp_path: Path, damage: Callable[[bytes], bytes] | None) -> None:
    folder = tmp_path / "sweep"
    store(folder, market_plan(3, 4, TABLES), complete=True)
    file = folder / "market.parquet"
    content = file.read_bytes()
    file.unlink()
    if damage is not None:
        file.write_bytes(damage(content))
    read: tuple[Callable[[Sweep], object], ...] = (
        lambda sweep: sweep.tables["market"],
        lambda sweep: sweep.outcome("market_hhi"),
        lambda sweep: sweep.quantiles("market_hhi"),
        lambda sweep: sweep.query("SELECT * FROM market"),
        lambda sweep: sweep.content_hash(),
    )
    for each in read:
        with pytest.raises(ResultsError) as caught:
            each(Sweep.load(folder))
        assert str(caught.value).startswith(f"{file}: ")
        assert "\n" not in str(caught.value)


# Large sweeps

LARGE = """
import sys
from pathlib import Path
from experiments.sweeps.results import Sweep
from experiments.sweeps.store import SweepStore
from tests.experiments.sweeps.fake_sweeps import made_up, market_part, market_plan, renumbered_part

def peak():  # of this process alone: getrusage would tell of its parent's, too
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024

folder, runs, size = Path(sys.argv[1]), int(sys.argv[2]), 102
model = market_part(0, list(range(size)), 48)
at_first = peak()
with SweepStore.open(folder, market_plan(runs // 4, 4)) as store:
    for number in reversed(range(runs // size)):
        store.commit(renumbered_part(model, number, number * size))
    store.finish()
sweep = Sweep.load(folder)
found = sweep.quantiles("alignment_hhi")
print(at_first, peak(), len(found), len(sweep.outcome("alignment_hhi")))
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of a process is read from /proc")
def test_memory_does_not_grow_with_the_sweep(tmp_path: Path) -> None:
    """Ten thousand runs of 48 quarters: 480,000 rows, 85 MB of numbers, committed, compacted and read."""
    peaks = []
    for runs in (1_020, 10_200):
        command = [sys.executable, "-c", LARGE, str(tmp_path / str(runs)), str(runs)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        at_first, peak, quarters, values = map(float, done.stdout.split())
        assert (quarters, values) == (48, runs)
        peaks.append(peak - at_first)
    assert peaks[1] < 300
    assert peaks[1] < 2.5 * peaks[0]
    sweep = Sweep.load(tmp_path / "10200")
    one = pd.concat([made_up("market", run, 48).to_pandas() for run in range(102)])
    expected = fan(pd.concat([one] * 100), "alignment_hhi")
    pd.testing.assert_frame_equal(sweep.quantiles("alignment_hhi"), expected, rtol=1e-12, check_index_type=False)
    assert sweep.tables["market"]["run"].to_numpy().tolist() == np.repeat(np.arange(10_200), 48).tolist()
