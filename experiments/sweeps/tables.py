"""A table of points from anywhere: CSV, Parquet, a DataFrame, a list of rows."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.sweeps.designs import Design
from experiments.sweeps.factors import check_once, is_integer, refused
from experiments.sweeps.listing import Point, Where, listed_points, row_number, told_at
from market.scenario_changes import parse_set

if TYPE_CHECKING:
    import pandas as pd

    from market.scenario import Scenario

_TRUE_AND_FALSE = {"True": True, "TRUE": True, "False": False, "FALSE": False}  # as pandas and R write them


def table_design(
    table: pd.DataFrame | Sequence[Mapping[str, Any]] | str | Path, scenarios: Mapping[str, Scenario] | None = None
) -> Design:
    """The design with a point for each row of a table, whose columns are paths.

    A path that ends in .csv or .parquet is read, also within a DataFrame or a list of dictionaries. A cell of a CSV
    file is a TOML value (`0.5`, `true`, `[1, 2]`), else text. A value that is missing (an empty cell, None, NaN)
    leaves the scenario's as it is. With scenarios, by name, every value is checked against its row's.

    Raises SweepError, with file, row (line of a CSV file) and column, for what cannot be run.

    >>> table_design([{"enterprises.count": 50}, {"enterprises.count": None}]).points
    ({'enterprises.count': 50}, {})
    """
    if isinstance(table, str | Path):
        return _file_design(Path(table), scenarios)
    if isinstance(table, Sequence):
        rows: list[Any] = list(table)
        if all(isinstance(row, Mapping) for row in rows):
            return _design(rows, scenarios, row_number)
    elif hasattr(table, "iloc"):
        columns = [table.iloc[:, k].tolist() for k in range(len(table.columns))]
        return _design(_rows([*table.columns], columns, "table"), scenarios, lambda row, path: f"table: row {row}")
    raise refused("not a table", got=table, allowed="a CSV or Parquet file, a DataFrame or a list of dictionaries")


def _file_design(file: Path, scenarios: Mapping[str, Scenario] | None) -> Design:
    if file.suffix not in (".csv", ".parquet"):
        raise refused("not a table", where=str(file), allowed="a file that ends in .csv or .parquet")
    if not file.is_file():
        raise refused("no such file", where=str(file))
    try:
        if file.suffix == ".parquet":
            return _design(_parquet_rows(file), scenarios, lambda row, path: f"{file}: row {row}")
        rows, lines = _csv_rows(file)
    except OSError as error:
        raise refused((error.strerror or "cannot be read").lower(), where=str(file)) from None
    if not rows:
        raise refused("no points", where=str(file), allowed="a line for each below the header")
    return _design(rows, scenarios, lambda row, path: f"{file}:{lines[row]}")


def _design(rows: Sequence[Mapping[str, Any]], scenarios: Mapping[str, Scenario] | None, where: Where) -> Design:
    present = [{path: value for path, value in row.items() if not _is_missing(value)} for row in rows]
    if scenarios is not None:
        paths = {path for row in present for path in row}
        whole = {path for path in paths if isinstance(path, str) and _may_be_integer(path)}
        present = [{path: _whole(value) if path in whole else value for path, value in row.items()} for row in present]
    return Design("table", (), listed_points(present, scenarios, where))


def _rows(columns: Sequence[Any], values: Sequence[Sequence[Any]], where: str) -> list[Point]:
    _check_header(columns, where)
    return [dict(zip(columns, row, strict=True)) for row in zip(*values, strict=True)]


def _check_header(columns: Sequence[Any], where: str) -> None:
    if not columns:
        raise refused("a table without columns", where=where, allowed="a column for one path at least")
    with told_at(f"{where}: column"):
        check_once(columns)


def _parquet_rows(file: Path) -> list[Point]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.ParquetFile(file).read()
    except pa.ArrowInvalid:
        raise refused("not a Parquet file", where=str(file)) from None
    return _rows(table.column_names, [column.to_pylist() for column in table.columns], str(file))


def _csv_rows(file: Path) -> tuple[list[Point], list[int]]:
    """The rows of a CSV file and the line of each; lines that are blank are no rows."""
    with file.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.reader(stream, strict=True)
        found = []
        try:
            for cells in reader:
                found.append((cells, reader.line_num))
        except csv.Error as error:
            raise refused(f"not CSV: {error}", where=f"{file}:{reader.line_num}") from None
        except UnicodeDecodeError:
            raise refused("not a text file in UTF-8", where=str(file)) from None
    found = [(cells, line) for cells, line in found if cells]
    if not found:
        raise refused("the file is empty", where=str(file), allowed="a line of paths, then a line a point")
    (header, first), *body = found
    columns = [name.strip() for name in header]
    _check_header(columns, f"{file}:{first}")
    for cells, line in body:
        if len(cells) != len(columns):
            raise refused(f"{len(cells)} cells", where=f"{file}:{line}", allowed=f"{len(columns)}, as in the header")
    rows = [dict(zip(columns, map(_parsed, cells), strict=True)) for cells, _ in body]
    return rows, [line for _, line in body]


def _parsed(cell: str) -> Any:
    """The value of a cell: TOML, else text; None if it is empty."""
    text = cell.strip()
    if not text:
        return None
    return _TRUE_AND_FALSE[text] if text in _TRUE_AND_FALSE else parse_set(f"cell={text}")[1]


def _is_missing(value: Any) -> bool:
    """Whether there is no value: None, a number that is not one, or what pandas has in their place."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return True
    return type(value).__name__ in ("NAType", "NaTType")


def _may_be_integer(path: str) -> bool:
    try:
        return is_integer(path)
    except ValueError:
        return False  # not a path at all, which is told with its row


def _whole(value: Any) -> Any:
    """A float that is a whole number as an integer: tables write 50.0 for 50 where a column has gaps."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
