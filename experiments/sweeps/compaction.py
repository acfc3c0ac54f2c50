"""The tables of a sweep in order of its runs, from parts in any order, in bounded memory."""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cloudpact.schema import RUNS, TABLES
from experiments.store import arrow_schema
from experiments.sweeps.durable import durable_file
from experiments.sweeps.errors import SweepError

if TYPE_CHECKING:
    import pyarrow as pa

PARTS = "parts"  # where a running sweep keeps what its batches gave, a folder each

ROWS_PER_GROUP = 50_000
ROWS_AT_ONCE = 100_000
BYTES_AT_ONCE = 2**24

# Columns that tell of how a run was done and with what code, not of what came out.
_LEFT_OUT = {"runs": ("key", "seconds", "traceback")}


@dataclass(frozen=True, slots=True)
class StoredPart:
    """A folder of Parquet files: the runs in it, ascending, and the tables it had when it was looked at.

    A table is not there where none of the runs finished.
    """

    folder: Path
    runs: tuple[int, ...]
    tables: frozenset[str]

    def file(self, name: str) -> Path:
        """Where the part keeps a table."""
        return self.folder / f"{name}.parquet"

    def any_run(self, first: int, last: int) -> bool:
        """Whether it has a run from `first` to `last`."""
        place = bisect_left(self.runs, first)
        return place < len(self.runs) and self.runs[place] <= last


def stored_parts(folder: Path) -> list[StoredPart]:
    """The parts of a running sweep, without one that is being written; SweepError for one that cannot be read."""
    places = sorted(path for path in (folder / PARTS).glob("*") if not path.name.startswith("."))
    return [stored_part(place, run_statuses(place)) for place in places]


def stored_part(folder: Path, runs: Iterable[int]) -> StoredPart:
    """A part that has some runs, with the tables that are there now."""
    return StoredPart(folder, tuple(sorted(runs)), frozenset(path.stem for path in folder.glob("*.parquet")))


def run_statuses(folder: Path) -> dict[int, str]:
    """Status by run from the table `runs` in a folder; SweepError if it cannot be read."""
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(folder / f"{RUNS.name}.parquet", columns=["run", "status"], partitioning=None)
    except (OSError, ValueError) as error:
        raise SweepError(f"{folder}: its table of runs cannot be read; remove {folder} to do its runs again") from error
    return dict(zip(table["run"].to_pylist(), table["status"].to_pylist(), strict=True))


def compact(parts: Sequence[StoredPart], name: str, target: Path) -> str:
    """Write one table of all parts as one Parquet file, by run, and return the hash of its content.

    Memory is that of a window of runs and of one part; the file appears whole or not at all.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = table_schema(parts, name)
    digest = TableHash(name, schema)
    # measured numbers hardly repeat: a dictionary of them takes more time and more space
    listed = [field.name for field in schema if not pa.types.is_floating(field.type)]
    settings = {"compression": "zstd", "use_dictionary": listed}
    with durable_file(target) as file, pq.ParquetWriter(file, schema, **settings) as writer:
        for rows in in_run_order(parts, name):
            digest.update(rows)
            writer.write_table(rows, row_group_size=ROWS_PER_GROUP)
    return digest.hexdigest()


def in_run_order(parts: Sequence[StoredPart], name: str) -> Iterator[pa.Table]:
    """Yield the rows of a table by run, and within a run in its own order, a window of runs at a time."""
    import pyarrow as pa

    having = [part for part in parts if name in part.tables]
    schema = table_schema(parts, name)
    for first, last in _windows(having, name):
        found = [_rows(part, name, first, last) for part in having if part.any_run(first, last)]
        rows = pa.concat_tables(_filled(table, schema) for table in found)
        yield by_run(rows)


def table_schema(parts: Sequence[StoredPart], name: str) -> pa.Schema:
    """Columns of a table over all parts; where no part has it the documented ones, or `run` alone."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schemas: list[pa.Schema] = []
    for part in parts:
        if name in part.tables:
            schema = pq.read_schema(part.file(name))
            if not any(schema.equals(known) for known in schemas):
                schemas.append(schema)
    if schemas:
        return pa.unify_schemas(schemas)
    documented = RUNS if name == RUNS.name else TABLES.get(name)
    return pa.schema({"run": pa.int64()}) if documented is None else arrow_schema(documented)


def content_hash(hashes: Iterable[str]) -> str:
    """One hash of the hashes of several tables, whatever their order."""
    return hashlib.sha256("\n".join(["cloudpact sweep", *sorted(hashes)]).encode()).hexdigest()


class TableHash:
    """SHA-256 over the values of a table, fed in order of its rows, in pieces of any size.

    Each column has a hash of its values and one of which are missing; texts also of their lengths. Columns count by
    name, whatever their order. All NaN are one value, and another one than a missing value. Time, key and traceback of
    a run are left out: they differ between machines whose results are the same.
    """

    def __init__(self, name: str, schema: pa.Schema) -> None:
        names = sorted(column for column in schema.names if column not in _LEFT_OUT.get(name, ()))
        self._name = name
        self._columns = {column: (hashlib.sha256(), hashlib.sha256(), hashlib.sha256()) for column in names}
        self._rows = 0

    def update(self, table: pa.Table) -> None:
        """Add rows."""
        self._rows += len(table)
        for column, (missing, sizes, values) in self._columns.items():
            for chunk in table[column].chunks:
                missing.update(chunk.is_null().to_numpy(zero_copy_only=False).tobytes())
                for digest, content in zip((sizes, values), _bytes(chunk), strict=True):
                    digest.update(content)

    def hexdigest(self) -> str:
        """Hash of what was added so far."""
        lines = [f"{self._name} {self._rows}"]
        lines += [f"{name} {' '.join(one.hexdigest() for one in each)}" for name, each in self._columns.items()]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _bytes(values: pa.Array) -> tuple[bytes, bytes]:
    """Lengths of texts, and the values as bytes, nil where they are missing."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = values.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        texts = pc.fill_null(values.cast(pa.large_string()), "")
        return pc.binary_length(texts).to_numpy().tobytes(), _text_bytes(texts)
    if pa.types.is_boolean(kind):
        return b"", pc.fill_null(values, False).to_numpy(zero_copy_only=False).tobytes()
    if pa.types.is_integer(kind):
        return b"", pc.fill_null(values, 0).cast(pa.int64()).to_numpy().tobytes()
    numbers = pc.fill_null(values.cast(pa.float64()), 0.0).to_numpy()
    return b"", np.where(np.isnan(numbers), np.nan, numbers).tobytes()


def _text_bytes(texts: Any) -> bytes:
    """All texts of an array without missing values, one after the other."""
    import numpy as np

    _, offsets, data = texts.buffers()
    if data is None:
        return b""
    places = np.frombuffer(offsets, np.int64)[texts.offset : texts.offset + len(texts) + 1]
    return data[int(places[0]) : int(places[-1])].to_pybytes()


def _windows(parts: Sequence[StoredPart], name: str) -> Iterator[tuple[int, int]]:
    """First and last runs of stretches that fit into memory, by what a run takes on average."""
    import pyarrow.parquet as pq

    runs = sorted(run for part in parts for run in part.runs)
    footers = [pq.read_metadata(part.file(name)) for part in parts]
    rows = sum(footer.num_rows for footer in footers)
    size = sum(footer.row_group(group).total_byte_size for footer in footers for group in range(footer.num_row_groups))
    at_once = min(ROWS_AT_ONCE * len(runs) // max(rows, 1), BYTES_AT_ONCE * len(runs) // max(size, 1))
    step = max(1, at_once)
    for start in range(0, len(runs), step):
        window = runs[start : start + step]
        yield window[0], window[-1]


def _rows(part: StoredPart, name: str, first: int, last: int) -> pa.Table:
    """The rows of the runs from `first` to `last` in a part; of a large part only the row groups that have them."""
    import pyarrow.parquet as pq

    whole = first <= part.runs[0] and part.runs[-1] <= last
    filters = None if whole else [("run", ">=", first), ("run", "<=", last)]
    return pq.read_table(part.file(name), filters=filters, partitioning=None)


def _filled(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The table with all columns of a schema, in its order."""
    import pyarrow as pa

    columns = [
        table[field.name] if field.name in table.column_names else pa.nulls(len(table), field.type) for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def by_run(rows: pa.Table) -> pa.Table:
    """The rows by run, those of one run in the order they have."""
    import numpy as np

    runs = rows["run"].to_numpy()
    return rows if (runs[1:] >= runs[:-1]).all() else rows.take(np.argsort(runs, kind="stable"))
