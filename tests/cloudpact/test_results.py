from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

import cloudpact
from cloudpact.results import Results, ResultsError
from cloudpact.schema import SCHEMA_VERSION, TABLES, data_dictionary
from experiments.store import run_manifest, write_run
from market.scenario import Scenario
from tests.experiments.fake_runs import QUARTERS, fake_results

ROOT = Path(__file__).resolve().parents[2]


def test_every_table_has_the_columns_and_types_of_the_schema() -> None:
    for name, frame in fake_results().tables.items():
        assert {column: str(dtype) for column, dtype in frame.dtypes.items()} == {
            column.name: column.dtype for column in TABLES[name].columns
        }


def test_the_columns_of_the_public_interface_are_there() -> None:
    promised = {
        "market": "run quarter capacity_gw capex_usd_bn ai_capex_usd_bn utilisation_frac price_usd_bn_per_gw_quarter "
        "alignment_hhi alignment_hhi_all market_hhi backlog_hhi mhhi_delta circularity_frac deals_signed equity_usd_bn "
        "commitment_usd_bn",
        "providers": "run quarter provider capex_usd_bn capacity_gw ai_revenue_usd_bn backlog_usd_bn",
        "labs": "run quarter lab revenue_annualised_usd_bn compute_gw cash_usd_bn valuation_usd_bn dependence_hhi "
        "primary_provider",
        "alignment": "run quarter lab provider delivered_gw committed_usd_bn stake_frac",
        "deals": "run deal origin",
        "negotiations": "run",
    }
    assert {name: set(text.split()) - set(TABLES[name].column_names) for name, text in promised.items()} == {
        name: set() for name in promised
    }


def test_rows_must_fit_the_schema() -> None:
    rows = {name: [] for name in TABLES}
    with pytest.raises(ValueError, match=r"tables: missing \['labs'\], unknown \['lab'\]"):
        Results.from_rows({**{name: [] for name in TABLES if name != "labs"}, "lab": []})
    row = {"quarter": "2026Q1", "lab": "a", "provider": "b", "delivered_gw": 1.0, "committed_usd_bn": 0.0, "stake": 0.1}
    with pytest.raises(ValueError, match=r"columns of alignment: missing \['stake_frac'\], unknown \['stake'\]"):
        Results.from_rows({**rows, "alignment": [row]})


def test_empty_tables_keep_their_types() -> None:
    empty = Results.from_rows({name: [] for name in TABLES})
    assert str(empty.deals["gw"].dtype) == "float64"
    assert str(empty.deals["deal"].dtype) == "str"
    assert empty.runs == []


def test_concat_orders_by_run_and_refuses_doubles() -> None:
    joined = Results.concat([fake_results(replicate=2), fake_results(replicate=0)])
    assert joined.runs == [0, 2]
    assert joined.market["run"].tolist() == [0] * len(QUARTERS) + [2] * len(QUARTERS)
    assert sorted(joined.graphs) == [0, 2]
    with pytest.raises(ValueError, match=r"cannot join results with the runs \[0, 0\]"):
        Results.concat([fake_results(), fake_results()])


def test_content_hash_sees_the_last_bit_and_missing_values() -> None:
    one = fake_results()
    changed = fake_results()
    changed.market.loc[0, "capacity_gw"] = 10.000000000000002
    missing = fake_results()
    missing.labs.loc[0, "primary_provider"] = None
    hashes = {part.content_hash() for part in (one, fake_results(), changed, missing)}
    assert len(hashes) == 3


def stored(folder: Path) -> Results:
    results = Results.concat([fake_results(), fake_results(replicate=1)])
    now = datetime(2026, 10, 1, tzinfo=UTC)
    write_run(folder, results, Scenario(), run_manifest(Scenario(), 1, results.runs, 2, "complete", "f", now, now))
    return results


def test_results_come_back_from_their_folder_to_the_bit(tmp_path: Path) -> None:
    written = stored(tmp_path)
    read = cloudpact.load(tmp_path)
    assert read.content_hash() == written.content_hash()
    for name in TABLES:
        pd.testing.assert_frame_equal(read.tables[name], written.tables[name])
    assert set(read.graphs[0].edges) == {("Oracle", "OpenAI", 2)}
    assert read.schema_version == SCHEMA_VERSION


def test_folders_that_hold_no_run_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match="absent: no such folder"):
        Results.load(tmp_path / "absent")
    with pytest.raises(ResultsError, match=r"holds no run \(no manifest.json\)"):
        Results.load(tmp_path)
    stored(tmp_path)
    (tmp_path / "labs.parquet").write_bytes(b"PAR1")
    with pytest.raises(ResultsError, match="cannot read the tables"):
        Results.load(tmp_path)
    (tmp_path / "manifest.json").write_text(json.dumps({"schema_version": 99}))
    with pytest.raises(ResultsError, match=f"has schema version 99, this cloudpact reads version {SCHEMA_VERSION}"):
        Results.load(tmp_path)
    (tmp_path / "manifest.json").write_bytes(b"\xff[")
    with pytest.raises(ResultsError, match="is not the manifest of a run"):
        Results.load(tmp_path)


def test_the_data_dictionary_is_current() -> None:
    assert (ROOT / "docs" / "data-dictionary.md").read_text(encoding="utf-8") == data_dictionary()


def test_every_column_has_a_meaning_and_is_named_once() -> None:
    for table in TABLES.values():
        assert len(set(table.column_names)) == len(table.columns)
        assert all(column.meaning for column in table.columns)


def test_importing_cloudpact_loads_nothing_heavy() -> None:
    code = "import sys, cloudpact; print(sorted({'pandas', 'mesa', 'numba', 'numpy', 'pydantic'} & set(sys.modules)))"
    assert subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True) == "[]\n"


def test_the_public_face() -> None:
    assert cloudpact.Results is Results
    assert cloudpact.Scenario is Scenario
    assert set(cloudpact.__all__) <= set(dir(cloudpact))
    assert all(getattr(cloudpact, name) is not None for name in cloudpact.__all__), "every name has its home"
    with pytest.raises(AttributeError, match="has no attribute 'hindsight'"):
        _ = cloudpact.hindsight


def test_the_folder_of_a_sweep_is_no_run(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(f'{{"schema_version": {SCHEMA_VERSION}, "kind": "sweep"}}')
    with pytest.raises(ResultsError, match=r"holds a sweep, not a run; read it with cloudpact\.load"):
        Results.load(tmp_path)
