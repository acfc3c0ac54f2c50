"""Tables of points: the same design from CSV, Parquet, a DataFrame and a list, and what is refused in each."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from experiments.sweeps.designs import Design, make_design
from experiments.sweeps.errors import SweepError
from experiments.sweeps.tables import table_design
from market.scenario import Scenario

TINY = {"tiny": Scenario.load("tiny")}
TWO = {**TINY, "symmetric": Scenario.load("symmetric")}
POWER, COUNT, BAN, RULE, LEVELS = (
    "negotiation.provider_power",
    "enterprises.count",
    "policy.exclusivity_ban",
    "negotiation.protocol",
    "negotiation.gw_levels",
)
POINTS: list[dict[str, Any]] = [
    {POWER: 0.1, COUNT: 50, BAN: True, RULE: "nash", LEVELS: [0.5, 1.0]},
    {},
    {POWER: 1e-05, COUNT: 7, BAN: False, RULE: "concession", LEVELS: [1.0]},
]
FRAME = pd.DataFrame(
    {
        POWER: [0.1, None, 1e-05],
        COUNT: [50, None, 7],  # floats, since pandas has no missing integers
        BAN: [True, None, False],
        RULE: pd.Series(["nash", None, "concession"], dtype="category"),
        LEVELS: [[0.5, 1.0], None, [1.0]],
    }
)


def written(folder: Path, text: str) -> Path:
    (folder / "points.csv").write_text(text, encoding="utf-8")
    return folder / "points.csv"


def refusal(table: Any, scenarios: Any = TINY) -> str:
    with pytest.raises(SweepError) as caught:
        table_design(table, scenarios)
    told = str(caught.value)
    assert "\n" not in told
    return told


def test_the_same_design_from_everywhere(tmp_path: Path) -> None:
    FRAME.to_csv(tmp_path / "points.csv", index=False)
    FRAME.to_parquet(tmp_path / "points.parquet")
    nullable = FRAME.astype({COUNT: "Int64", BAN: "boolean", RULE: "string", POWER: "Float64"})
    rows = [{path: point.get(path, math.nan) for path in FRAME.columns} for point in POINTS]
    expected = Design("table", (), tuple(POINTS))
    for table in (tmp_path / "points.csv", str(tmp_path / "points.parquet"), FRAME, nullable, rows):
        design = table_design(table, TINY)
        assert design == expected
        assert [type(value) for value in design.points[0].values()] == [float, int, bool, str, list]
    assert [TINY["tiny"].with_(point).content_hash() for point in expected.points] == [
        TINY["tiny"].with_(point).content_hash() for point in make_design(POINTS, "list", scenarios=TINY).points
    ]


def test_every_bit_of_a_number_survives(tmp_path: Path) -> None:
    numbers = [0.1 + 0.2, 1 / 3, 5e-324, 2.5e-300]
    frame = pd.DataFrame({POWER: numbers})
    frame.to_csv(tmp_path / "points.csv", index=False)
    frame.to_parquet(tmp_path / "points.parquet")
    for table in (tmp_path / "points.csv", tmp_path / "points.parquet", frame):
        assert [point[POWER] for point in table_design(table, TINY).points] == numbers


def test_cells_are_toml_or_text(tmp_path: Path) -> None:
    text = (
        f"\ufeff{POWER}, {COUNT} ,{BAN},{RULE},{LEVELS},scenario\n"
        '0.5,1_000,true,nash,"[0.5, 1]",tiny\n'
        "\n"
        "1,6.0,FALSE,'concession',,symmetric\n"
        ",,,,,tiny\n"
    )
    assert table_design(written(tmp_path, text), TWO).points == (
        {POWER: 0.5, COUNT: 1000, BAN: True, RULE: "nash", LEVELS: [0.5, 1], "scenario": "tiny"},
        {POWER: 1, COUNT: 6, BAN: False, RULE: "concession", "scenario": "symmetric"},
        {"scenario": "tiny"},
    )


def test_inputs_of_a_function_are_taken_as_they_are() -> None:
    assert table_design(pd.DataFrame({"x": [1.0, 2.5], "y": ["a", None]})).points == ({"x": 1.0, "y": "a"}, {"x": 2.5})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", ": the file is empty; allowed: a line of paths, then a line a point"),
        ("\n\n", ": the file is empty; allowed: a line of paths, then a line a point"),
        (f"{POWER}\n", ": no points; allowed: a line for each below the header"),
        (f"{POWER},{POWER}\n1,2\n", f":1: column: {POWER}: the path is there twice; allowed: once"),
        (f"{POWER},\n1,2\n", ":1: column: '' is not a dotted path such as enterprises.count"),
        (f"{POWER},{COUNT}\n1\n", ":2: 1 cells; allowed: 2, as in the header"),
        (f'{POWER}\n0.5\n"0.6\n', ":3: not CSV: unexpected end of data"),
        (f"{POWER}\n0.5\n\n1.5\n", f":4: {POWER}: out of range (got 1.5); allowed: a number from 0 to 1 (frac)"),
        (f"{POWER}\n0.5\ninf\n", f":3: {POWER}: not a finite number (got inf)"),
        (f"{POWER}\n0.5\nhalf\n", f':3: {POWER}: wrong type (got "half"); allowed: a number from 0 to 1 (frac)'),
        (f"{COUNT}\n5.5\n5\n", f":2: {COUNT}: wrong type (got 5.5); allowed: an integer"),
        ("enterprises.cuont\n5\n", ":2: enterprises.cuont: unknown key; allowed: count, segments,"),
        ("scenario\ntny\n", ":2: scenario: unknown scenario (got \"tny\"); allowed: tiny; did you mean 'tiny'?"),
    ],
)
def test_a_wrong_csv_is_told_with_its_line(tmp_path: Path, text: str, told: str) -> None:
    file = written(tmp_path, text)
    assert refusal(file).startswith(f"{file}{told}")


def test_a_quoted_cell_over_two_lines_keeps_the_count_of_lines(tmp_path: Path) -> None:
    file = written(tmp_path, f'{LEVELS},{POWER}\n"[0.5,\n1]",0.5\n1,2\n')
    assert refusal(file).startswith(f"{file}:4: {LEVELS}: wrong type (got 1)")


def test_a_row_must_choose_among_several_scenarios(tmp_path: Path) -> None:
    file = written(tmp_path, f"scenario,{POWER}\ntiny,0.5\n,0.5\n")
    assert refusal(file, TWO) == f"{file}:3: scenario: not chosen among several; allowed: tiny, symmetric"
    # a provider of symmetric only
    file = written(tmp_path, "scenario,hyperscalers.South.cash_usd_bn\nsymmetric,9\ntiny,9\n")
    assert refusal(file, TWO).startswith(f"{file}:3: hyperscalers.South: unknown key; allowed: North, East")


@pytest.mark.parametrize(
    ("table", "told"),
    [
        (pd.DataFrame(), "table: a table without columns"),
        (pd.DataFrame({POWER: []}), "no points; allowed: one at least"),
        (pd.DataFrame({3: [1]}), "table: column: the path 3 is not text"),
        (pd.DataFrame([[1, 2]], columns=[POWER, POWER]), f"table: column: {POWER}: the path is there twice"),
        (pd.DataFrame({POWER: [0.1, 0.2, 3.0, 0.4]}), f"table: row 2: {POWER}: out of range (got 3.0)"),
        (pd.DataFrame({POWER: [0.1, object()]}), f"table: row 1: {POWER}: a value of the Python type object"),
        ([], "no points; allowed: one at least"),
        ([{POWER: 0.1}, 3], 'not a table (got [{"negotiation.provider_power" = 0.1}, 3]); allowed: a CSV or Parquet'),
        (3, "not a table (got 3); allowed: a CSV or Parquet file, a DataFrame or a list of dictionaries"),
        ("points.xlsx", "points.xlsx: not a table; allowed: a file that ends in .csv or .parquet"),
        ("no-such.csv", "no-such.csv: no such file"),
        ("no-such.parquet", "no-such.parquet: no such file"),
    ],
)
def test_what_is_no_table(table: Any, told: str) -> None:
    assert refusal(table).startswith(told)


def test_wrong_files(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"not at all")
    assert refusal(tmp_path / "a.parquet") == f"{tmp_path / 'a.parquet'}: not a Parquet file"
    twice = pa.table([pa.array([0.1]), pa.array([0.2])], names=[POWER, POWER])
    pq.write_table(twice, tmp_path / "b.parquet")
    assert refusal(tmp_path / "b.parquet").endswith(
        f"b.parquet: column: {POWER}: the path is there twice; allowed: once"
    )
    pd.DataFrame({POWER: [0.1, 1.1]}).to_parquet(tmp_path / "c.parquet")
    assert refusal(tmp_path / "c.parquet").startswith(f"{tmp_path / 'c.parquet'}: row 1: {POWER}: out of range")
    (tmp_path / "d.csv").write_bytes(b"caf\xe9\n1\n")
    assert refusal(tmp_path / "d.csv") == f"{tmp_path / 'd.csv'}: not a text file in UTF-8"
