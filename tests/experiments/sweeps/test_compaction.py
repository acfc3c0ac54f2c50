from __future__ import annotations

import hashlib
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cloudpact.schema import MARKET, RUNS
from experiments.store import arrow_schema
from experiments.sweeps import compaction
from experiments.sweeps.compaction import (
    StoredPart,
    TableHash,
    compact,
    content_hash,
    in_run_order,
    stored_parts,
    table_schema,
)
from experiments.sweeps.errors import SweepError
from tests.experiments.sweeps.fake_sweeps import made_up

ROWS = 5


def runs_table(runs: list[int]) -> pa.Table:
    schema = arrow_schema(RUNS)
    rows = [{field.name: run if field.type == pa.int64() else None for field in schema} for run in runs]
    return pa.Table.from_pylist(rows, schema=schema)


def part(folder: Path, runs: list[int], tables: dict[str, pa.Table]) -> StoredPart:
    folder.mkdir(parents=True)
    for name, table in (tables | {"runs": runs_table(runs)}).items():
        pq.write_table(table, folder / f"{name}.parquet")
    return StoredPart(folder, tuple(sorted(runs)), frozenset({*tables, "runs"}))


def market_parts(folder: Path, groups: list[list[int]]) -> list[StoredPart]:
    return [
        part(folder / str(number), runs, {"market": pa.concat_tables([made_up("market", run, ROWS) for run in runs])})
        for number, runs in enumerate(groups)
    ]


def expected(runs: int) -> pa.Table:
    return pa.concat_tables([made_up("market", run, ROWS) for run in range(runs)])


GROUPS = {
    "in order": [[0, 1, 2], [3, 4, 5], [6, 7]],
    "out of order": [[6, 7], [0, 1, 2], [3, 4, 5]],
    "interleaved": [[0, 3, 6], [1, 4, 7], [2, 5]],
    "unordered within a part": [[5, 0, 7], [2, 1], [6, 4, 3]],
    "one part": [[0, 1, 2, 3, 4, 5, 6, 7]],
}


@pytest.mark.parametrize("groups", GROUPS.values(), ids=GROUPS)
@pytest.mark.parametrize("at_once", [1, 13, 10_000])
def test_rows_come_by_run_however_they_are_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, groups: list[list[int]], at_once: int
) -> None:
    monkeypatch.setattr(compaction, "ROWS_AT_ONCE", at_once)
    parts = market_parts(tmp_path / "parts", groups)
    whole = expected(8)
    windows = list(in_run_order(parts, "market"))
    assert pa.concat_tables(windows).equals(whole)
    assert max(len(window) for window in windows) <= max(at_once, ROWS)  # bounded, a run being the least
    target = tmp_path / "market.parquet"
    digest = compact(parts, "market", target)
    assert pq.read_table(target).equals(whole, check_metadata=True)
    assert pq.read_schema(target).field("capacity_gw").metadata == {
        b"unit": b"GW",
        b"meaning": MARKET.columns[3].meaning.encode(),
    }
    alone = TableHash("market", whole.schema)
    alone.update(whole)
    assert digest == alone.hexdigest()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["market.parquet", "parts"]


def test_row_groups_say_which_runs_they_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction, "ROWS_PER_GROUP", 2 * ROWS)
    compact(market_parts(tmp_path / "parts", GROUPS["interleaved"]), "market", tmp_path / "market.parquet")
    footer = pq.read_metadata(tmp_path / "market.parquet")
    found = [footer.row_group(group).column(0) for group in range(footer.num_row_groups)]
    assert [(each.statistics.min, each.statistics.max) for each in found] == [(0, 1), (2, 3), (4, 5), (6, 7)]
    assert {each.compression for each in found} == {"ZSTD"}


def test_columns_that_only_some_parts_have_are_missing_in_the_others(tmp_path: Path) -> None:
    first = part(tmp_path / "0", [2], {"outcomes": pa.table({"run": [2], "b": [1.5]})})
    second = part(tmp_path / "1", [0], {"outcomes": pa.table({"run": [0], "b": [float("nan")], "a": [2.5]})})
    failed = part(tmp_path / "2", [1], {})
    assert table_schema([first, second, failed], "outcomes").names == ["run", "b", "a"]
    digests = []
    for parts in ([first, second, failed], [failed, second, first]):
        digests.append(compact(parts, "outcomes", tmp_path / "outcomes.parquet"))
        rows = {name: pq.read_table(tmp_path / "outcomes.parquet")[name].to_pylist() for name in ("run", "a", "b")}
        assert (rows["run"], rows["a"], rows["b"][1]) == ([0, 2], [2.5, None], 1.5)
        assert np.isnan(rows["b"][0])
    assert digests[0] == digests[1]


def test_a_table_that_no_part_has_is_empty_with_its_columns(tmp_path: Path) -> None:
    failed = part(tmp_path / "0", [0, 1], {})
    compact([failed], "market", tmp_path / "market.parquet")
    compact([failed], "outcomes", tmp_path / "outcomes.parquet")
    market, outcomes = (pd.read_parquet(tmp_path / f"{name}.parquet") for name in ("market", "outcomes"))
    assert (list(market), len(market)) == (MARKET.column_names, 0)
    assert (list(outcomes), len(outcomes)) == (["run"], 0)


def test_the_hash_of_a_small_table_written_out() -> None:
    table = pa.table(
        {
            "run": [0, 1, 2],
            "quarter": pa.array(["ab", None, "c"], pa.large_string()),
            "good": pa.array([True, None, False]),
            "gw": pa.array([1.5, float("nan"), None]),
        }
    )
    sha = lambda content: hashlib.sha256(content).hexdigest()  # noqa: E731
    nan = struct.pack("<d", float("nan"))
    lines = [
        "market 3",
        f"good {sha(bytes([0, 1, 0]))} {sha(b'')} {sha(bytes([1, 0, 0]))}",
        f"gw {sha(bytes([0, 0, 1]))} {sha(b'')} {sha(struct.pack('<d', 1.5) + nan + struct.pack('<d', 0.0))}",
        f"quarter {sha(bytes([0, 1, 0]))} {sha(struct.pack('<3q', 2, 0, 1))} {sha(b'abc')}",
        f"run {sha(bytes(3))} {sha(b'')} {sha(struct.pack('<3q', 0, 1, 2))}",
    ]
    digest = TableHash("market", table.schema)
    digest.update(table)
    assert digest.hexdigest() == sha("\n".join(lines).encode())
    both = [digest.hexdigest(), "other"]
    assert content_hash(both) == content_hash(both[::-1]) == sha("\n".join(["cloudpact sweep", *sorted(both)]).encode())


BASE: dict[str, list[Any]] = {"run": [0, 0, 1], "text": ["a", "bc", ""], "x": [1.0, -0.0, 3.0], "n": [1, 2, 3]}


def table_hash(columns: dict[str, Any], name: str = "market", pieces: int = 1) -> str:
    table = pa.table(columns)
    digest = TableHash(name, table.schema)
    for start in range(0, len(table), -(-len(table) // pieces)):
        digest.update(table.slice(start, -(-len(table) // pieces)))
    return digest.hexdigest()


def test_the_hash_does_not_see_pieces_order_of_columns_or_widths_of_types() -> None:
    same = [
        table_hash(BASE, pieces=3),
        table_hash(dict(reversed(BASE.items()))),
        table_hash(BASE | {"text": pa.array(BASE["text"], pa.large_string()), "n": pa.array(BASE["n"], pa.int16())}),
    ]
    assert set(same) == {table_hash(BASE)}
    plus = struct.unpack("<d", struct.pack("<Q", 0x7FF8000000000000))[0]
    minus = struct.unpack("<d", struct.pack("<Q", 0xFFF8000000000001))[0]
    nans = {table_hash(BASE | {"x": np.array([1.0, value, 2.0])}) for value in (plus, minus)}
    assert len(nans) == 1


def test_the_hash_sees_every_value() -> None:
    changed: list[dict[str, Any]] = [
        {"run": [0, 1, 1]},
        {"text": ["ab", "c", ""]},
        {"text": ["a", "bc", None]},
        {"x": [1.0, 0.0, 3.0]},
        {"x": [1.0, np.nextafter(0.0, 1.0), 3.0]},
        {"x": [1.0, float("nan"), 3.0]},
        {"x": [1.0, None, 3.0]},
        {"n": [1, 3, 2]},
        {"more": pa.nulls(3, pa.float64())},
    ]
    hashes = {table_hash(BASE), table_hash(BASE, "labs"), *(table_hash(BASE | change) for change in changed)}
    assert len(hashes) == len(changed) + 2


def test_how_long_a_run_took_and_with_what_code_is_not_in_the_hash() -> None:
    runs = {"run": [0], "status": ["failed"], "error": ["E"], "seconds": [1.0], "traceback": ["a"], "key": ["k"]}
    other = runs | {"seconds": [2.0], "traceback": ["b"], "key": ["l"]}
    assert table_hash(runs, "runs") == table_hash(other, "runs")
    assert table_hash(runs, "runs") != table_hash(runs | {"error": ["F"]}, "runs")
    assert table_hash(runs, "market") != table_hash(other, "market")  # only of that table


def test_parts_of_a_folder_are_those_that_are_whole(tmp_path: Path) -> None:
    part(tmp_path / "parts" / "000001-0", [4, 2], {})
    part(tmp_path / "parts" / "000000-0", [3], {})
    part(tmp_path / "parts" / ".000002-0.tmp", [5], {})
    assert stored_parts(tmp_path) == [
        StoredPart(tmp_path / "parts" / "000000-0", (3,), frozenset({"runs"})),
        StoredPart(tmp_path / "parts" / "000001-0", (2, 4), frozenset({"runs"})),
    ]
    broken = tmp_path / "parts" / "000000-0" / "runs.parquet"
    broken.write_bytes(broken.read_bytes()[:-10])
    with pytest.raises(
        SweepError, match=r"000000-0: its table of runs cannot be read; remove .*000000-0 to do its runs again"
    ):
        stored_parts(tmp_path)
