from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import networkx as nx
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from cloudpact.results import ResultsError
from experiments.store import claim_folder, run_manifest, write_graph, write_run
from market.scenario import Scenario
from tests.experiments.fake_runs import fake_results

ROOT = Path(__file__).resolve().parents[2]
NOON = datetime(2026, 10, 1, 12, tzinfo=UTC)
LATER = datetime(2026, 10, 1, 12, 0, 30, 250_000, tzinfo=UTC)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_run_appears_whole(tmp_path: Path) -> None:
    folder = claim_folder(tmp_path / "deep" / "mine", "tiny")
    manifest = run_manifest(Scenario(name="mine"), 7, [0], 24, "interrupted", "abc", NOON, LATER)
    results = fake_results(7)
    write_run(folder.staging, results, Scenario(name="mine"), manifest)
    assert [name for name in names(tmp_path / "deep") if not name.startswith(".")] == []
    path = folder.publish()
    assert path == (tmp_path / "deep" / "mine").resolve()
    assert names(path.parent) == ["mine"]
    tables = [f"{name}.parquet" for name in ("alignment", "deals", "labs", "market", "negotiations", "providers")]
    assert names(path) == sorted([*tables, "graph.graphml", "manifest.json", "scenario.toml"])
    read = json.loads((path / "manifest.json").read_text())
    versions = read.pop("versions")
    assert read == {
        "schema_version": 2,
        "status": "interrupted",
        "scenario": "mine",
        "scenario_hash": Scenario(name="mine").content_hash(),
        "facts_hash": "abc",
        "content_hash": results.content_hash(),
        "seed": 7,
        "replicates": [0],
        "replicates_requested": 24,
        "started": "2026-10-01T12:00:00+00:00",
        "finished": "2026-10-01T12:00:30+00:00",
        "seconds": 30.25,
    }
    assert {"python", "numpy", "mesa", "numba", "pandas"} <= set(versions)
    assert Scenario.load(path / "scenario.toml") == Scenario(name="mine")


def test_tables_carry_version_units_and_meanings(tmp_path: Path) -> None:
    write_run(tmp_path, fake_results(), Scenario(), {})
    schema = pq.read_schema(tmp_path / "market.parquet")
    assert schema.metadata[b"cloudpact_schema_version"] == b"2"
    assert schema.field("capacity_gw").metadata[b"unit"] == b"GW"
    assert schema.field("quarter").metadata[b"meaning"] == b"Calendar quarter, such as 2026Q3"


def test_the_same_results_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_run(tmp_path / name, fake_results(), Scenario(), {"seed": 1})
    for name in names(tmp_path / "a"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_numbered_folders_follow_each_other(tmp_path: Path) -> None:
    results = tmp_path / "results"
    first = claim_folder(None, "baseline", results)
    second = claim_folder(None, "open world/2", results)
    assert (first.target.name, second.target.name) == ("001-baseline", "002-open-world-2")
    second.publish()
    first.discard()
    assert names(results) == ["002-open-world-2"]
    assert claim_folder(None, "tiny", results).target.name == "003-tiny"
    (results / "1000-old").mkdir()
    assert claim_folder(None, "tiny", results).target.name == "1001-tiny"


def test_two_processes_never_get_one_number(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from experiments.store import claim_folder\n"
        "for _ in range(40): print(claim_folder(None, 'x', Path(sys.argv[1])).publish().name)"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    processes = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    taken = [line for process in processes for line in process.communicate(timeout=60)[0].split()]
    assert sorted(taken) == [f"{number:03d}-x" for number in range(1, 81)]


def test_places_that_cannot_be_used_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, full, file, here = tmp_path / "run", tmp_path / "full", tmp_path / "file", tmp_path / "here"
    for folder in (run, full, here):
        folder.mkdir()
    (run / "manifest.json").touch()
    (full / "notes.txt").touch()
    file.touch()
    monkeypatch.chdir(here)
    refusals = {
        run: "run: already holds a run; name a new folder",
        full: "full: is not empty; name a new folder",
        file: "file: is not a folder",
        Path("."): "is the current folder; name a new one",
        file / "below": "below: cannot write there: File exists",
        Path("/proc/nowhere/run"): "run: cannot write there: No such file or directory",
    }
    for out, message in refusals.items():
        with pytest.raises(ResultsError, match=message):
            claim_folder(out, "tiny")
    assert names(tmp_path) == ["file", "full", "here", "run"]


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only for root")
def test_a_read_only_folder_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    with pytest.raises(ResultsError, match="cannot write there: Permission denied"):
        claim_folder(tmp_path / "run", "tiny")


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert claim_folder(tmp_path / "empty", "tiny").publish() == (tmp_path / "empty").resolve()


def test_a_place_taken_meanwhile_loses_nothing(tmp_path: Path) -> None:
    folder = claim_folder(tmp_path / "run", "tiny")
    (folder.staging / "market.parquet").touch()
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "other").touch()
    with pytest.raises(ResultsError, match=r"Directory not empty; the results are kept in .*\.run\..*\.partial"):
        folder.publish()
    assert names(folder.staging) == ["market.parquet"]
    assert names(tmp_path / "run") == ["other"]


def test_graphs_keep_what_graphml_can_hold(tmp_path: Path) -> None:
    graph = nx.MultiDiGraph()
    graph.add_node("Oracle", gw=np.float64(1.5), until=None)
    graph.add_edge("Oracle", "OpenAI", key=(2, "usage"), usd_bn=75.0, quarters=(1, 2))
    graph.add_edge("Oracle", "OpenAI", key=3, usd_bn=np.int64(5))
    write_graph(tmp_path / "graph.graphml", graph)
    read = nx.read_graphml(tmp_path / "graph.graphml", force_multigraph=True)
    assert dict(read.nodes(data=True)) == {"Oracle": {"gw": 1.5}, "OpenAI": {}}
    assert list(read.edges(keys=True, data=True)) == [
        ("Oracle", "OpenAI", "(2, 'usage')", {"usd_bn": 75.0, "quarters": "(1, 2)"}),
        ("Oracle", "OpenAI", 3, {"usd_bn": 5.0}),
    ]


def test_an_empty_table_is_written(tmp_path: Path) -> None:
    results = fake_results()
    write_run(tmp_path, replace(results, deals=results.deals.iloc[:0]), Scenario(), {})
    assert pd.read_parquet(tmp_path / "deals.parquet").empty
