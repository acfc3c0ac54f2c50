"""The tables of a sweep's folder, each read when it is asked for: of a complete sweep or of one that is going on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cloudpact.results import ResultsError
from cloudpact.schema import RUNS
from experiments.sweeps.compaction import (
    StoredPart,
    TableHash,
    by_run,
    content_hash,
    in_run_order,
    run_statuses,
    stored_parts,
    table_schema,
)
from experiments.sweeps.errors import SweepError
from market.scenario_errors import did_you_mean

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    import pyarrow.dataset as ds


class StoredTables(Mapping[str, "pd.DataFrame"]):
    """DataFrames by table name, rows in order of their runs; a table is read when it is first asked for, and kept.

    They hold what was there when the folder was loaded: of a sweep that is going on, the runs finished by then.
    """

    def __init__(self, folder: Path, names: Sequence[str], complete: bool) -> None:
        self._folder, self._names, self._complete = folder, tuple(names), complete
        with self.still_there():
            self._parts = [_all_of(folder, (*names, RUNS.name))] if complete else stored_parts(folder)
        self._frames: dict[str, pd.DataFrame] = {}

    def __getitem__(self, name: str) -> pd.DataFrame:
        if name not in self._names:
            raise KeyError(name)
        if name not in self._frames:
            self._frames[name] = self.frame(name)
        return self._frames[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def frame(self, name: str) -> pd.DataFrame:
        """A table of the folder, read anew."""
        import pyarrow as pa

        with self.still_there():
            pieces = [table_schema(self._parts, name).empty_table(), *in_run_order(self._parts, name)]
        return pa.concat_tables(pieces).to_pandas()

    def sample(self, name: str) -> pd.DataFrame:
        """The rows of the first runs, as many as are read at a time."""
        with self.still_there():
            schema = table_schema(self._parts, name)
            return next(in_run_order(self._parts, name), schema.empty_table()).to_pandas()

    def columns(self, name: str) -> dict[str, Any]:
        """Types of a table's columns; raises ResultsError for a table that the sweep does not have."""
        if name not in self._names:
            known = ", ".join(self._names)
            raise ResultsError(f"no table {name!r} in the sweep; there are: {known}{did_you_mean(name, self._names)}")
        with self.still_there():
            return {field.name: field.type for field in table_schema(self._parts, name)}

    def chosen(self, name: str, columns: Sequence[str], where: Mapping[str, str]) -> pa.Table:
        """Some columns, `run` among them, of the rows in which other columns have given values, by run.

        The order counts: pandas adds up the numbers of a group to other last bits where groups are mixed.
        """
        import pyarrow.dataset as ds

        condition = ds.scalar(True)
        for column, value in where.items():
            condition = condition & (ds.field(column) == value)
        with self.still_there():
            return by_run(self.dataset(name).to_table(list(columns), filter=condition))

    def dataset(self, name: str) -> ds.Dataset:
        """The Parquet files of a table as one Arrow dataset, for DuckDB among others."""
        import pyarrow.dataset as ds

        files = [str(part.file(name)) for part in self._parts if name in part.tables]
        schema = table_schema(self._parts, name)
        return ds.dataset(files, schema=schema, format="parquet") if files else ds.dataset(schema.empty_table())

    def content_hash(self, names: Sequence[str]) -> str:
        """Hash of the content of some tables, computed from the files."""
        hashes = []
        with self.still_there():
            for name in names:
                digest = TableHash(name, table_schema(self._parts, name))
                for rows in in_run_order(self._parts, name):
                    digest.update(rows)
                hashes.append(digest.hexdigest())
        return content_hash(hashes)

    @contextmanager
    def still_there(self) -> Iterator[None]:
        """A sweep that goes on replaces its files: what is gone then is asked for by loading it again."""
        try:
            yield
        except (ResultsError, SweepError):
            raise
        except (OSError, ValueError, KeyError) as error:
            if isinstance(error, FileNotFoundError) and not self._complete:
                told = "the sweep has gone on since it was loaded; load it again"
                raise ResultsError(f"{self._folder}: {told}") from error
            told = f"{self._folder}: cannot read the tables: {_one_line(error)}"
            raise self.damage(error) or ResultsError(told) from error

    def damage(self, error: Exception) -> ResultsError | None:
        """What to say of an error in reading: the first file that is gone or damaged; None if all can be read."""
        files = [part.file(name) for part in self._parts for name in sorted(part.tables)]
        missing = next((file for file in files if not file.is_file()), None)
        if missing is not None:
            return ResultsError(f"{missing}: a table of the sweep is missing")
        damaged = next((file for file in files if not _is_readable(file)), None)
        return None if damaged is None else ResultsError(f"{damaged}: cannot be read: {_one_line(error)}")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


def _is_readable(file: Path) -> bool:
    """Whether every row of a Parquet file can be read."""
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(file) as opened:
            for _ in opened.iter_batches():
                pass
    except (OSError, ValueError):
        return False
    return True


def _all_of(folder: Path, names: Sequence[str]) -> StoredPart:
    """A complete sweep as one part, which must have all tables."""
    return StoredPart(folder, tuple(sorted(run_statuses(folder))), frozenset(names))
