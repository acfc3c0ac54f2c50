"""The points of a design as a table, and back."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from experiments.sweeps.errors import SweepError
from market.toml_text import toml_value

if TYPE_CHECKING:
    import pyarrow as pa

PARAMETERS = "parameters"
PARAMETERS_FILE = f"{PARAMETERS}.parquet"
POINT = "point"
_AS_TOML = {b"values": b"TOML"}  # metadata of a column whose texts are values written in TOML


def parameters_table(points: Sequence[Mapping[str, Any]]) -> pa.Table:
    """One row a point: `point`, and a column a path; a value is missing where the point does not have the path.

    A column of one type has that type (integers among floats are floats); one of mixed types, or of lists or tables,
    holds texts of TOML values.

    Raises SweepError for a path that is called `point`.

    >>> parameters_table([{"a": 1, "b": False}, {"a": 2.5, "b": "full"}]).to_pylist()
    [{'point': 0, 'a': 1.0, 'b': 'false'}, {'point': 1, 'a': 2.5, 'b': '"full"'}]
    """
    import pyarrow as pa

    paths = list(dict.fromkeys(path for point in points for path in point))
    if POINT in paths:
        raise SweepError(f"design: no input can be called {POINT!r}, which numbers the points; give it another name")
    arrays, fields = [pa.array(range(len(points)), pa.int64())], [pa.field(POINT, pa.int64())]
    for path in paths:
        field, array = _column(path, [_plain(point.get(path)) for point in points])
        fields.append(field)
        arrays.append(array)
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


def points_of(table: pa.Table) -> tuple[dict[str, Any], ...]:
    """The points that a table of parameters was made from.

    >>> points_of(parameters_table([{"a": 1, "b": False}, {"b": "full"}]))
    ({'a': 1, 'b': False}, {'b': 'full'})
    """
    columns = {field.name: _values(field, table[field.name]) for field in table.schema if field.name != POINT}
    return tuple(
        {path: values[row] for path, values in columns.items() if values[row] is not None} for row in range(len(table))
    )


def _column(path: str, values: Sequence[Any]) -> tuple[pa.Field, pa.Array]:
    import pyarrow as pa

    kinds = {type(value) for value in values if value is not None}
    allowed: dict[Any, set[type]] = {
        pa.bool_(): {bool},
        pa.int64(): {int},
        pa.float64(): {int, float},
        pa.large_string(): {str},
    }
    for kind, types in allowed.items():
        if kinds <= types and kinds:
            return pa.field(path, kind), pa.array(values, kind)
    texts = [None if value is None else toml_value(value) for value in values]
    return pa.field(path, pa.large_string(), metadata=_AS_TOML), pa.array(texts, pa.large_string())


def _values(field: pa.Field, column: pa.ChunkedArray) -> list[Any]:
    values = column.to_pylist()
    if field.metadata is None or field.metadata.get(b"values") != _AS_TOML[b"values"]:
        return values
    return [None if text is None else tomllib.loads(f"value = {text}")["value"] for text in values]


def _plain(value: Any) -> Any:
    """A NumPy number as one of Python."""
    return value.item() if hasattr(value, "item") else value
