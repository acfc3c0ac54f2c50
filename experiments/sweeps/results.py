"""A sweep's results: its design, its runs, its tables, and outcomes and quantiles over all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cloudpact.results import ResultsError
from cloudpact.schema import RUNS
from experiments.outcomes import OUTCOMES, Outcome
from experiments.sweeps.designs import Design
from experiments.sweeps.errors import SweepError
from experiments.sweeps.manifest import COMPLETE, read_sweep_manifest
from experiments.sweeps.parameters import PARAMETERS, PARAMETERS_FILE, points_of
from experiments.sweeps.reading import StoredTables
from experiments.sweeps.tasks import FINISHED
from market.scenario import Scenario
from market.scenario_errors import did_you_mean

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

LEVELS = (0.1, 0.25, 0.5, 0.75, 0.9)


@dataclass(frozen=True, eq=False)
class Sweep:
    """What a sweep's folder holds, as it was when it was loaded; tables are read when they are asked for.

    `tables` are DataFrames by name, the column `run` counting over the whole sweep. `status` is "complete", or
    "running" for a sweep that is going on or was stopped: then only runs that are finished have rows.
    """

    folder: Path
    manifest: Mapping[str, Any]
    tables: StoredTables

    @classmethod
    def load(cls, folder: str | Path) -> Sweep:
        """The sweep in a folder; raises SweepError or ResultsError, one line, if there is none to be read."""
        folder = Path(folder)
        manifest = read_sweep_manifest(folder)
        return cls(folder, manifest, StoredTables(folder, manifest["tables"], manifest["status"] == COMPLETE))

    def __repr__(self) -> str:
        """Folder, status, points times replicates, and how many of all runs finished."""
        runs, finished = self.manifest["runs"], len(self.runs) - len(self.failures)
        size = f"{runs // self.replicates} points x {self.replicates} replicates"
        return f"Sweep({str(self.folder)!r}, {self.status}, {size}, {finished} of {runs} runs finished)"

    @property
    def status(self) -> str:
        """Status: complete or running."""
        return self.manifest["status"]

    @property
    def seed(self) -> int:
        """Seed of all runs."""
        return self.manifest["seed"]

    @property
    def replicates(self) -> int:
        """Runs a point."""
        return self.manifest["replicates"]

    @cached_property
    def runs(self) -> pd.DataFrame:
        """A row a run that is kept: point, replicate, status, what it failed of (table `runs` of the schema)."""
        return self.tables.frame(RUNS.name)

    @property
    def failures(self) -> pd.DataFrame:
        """The rows of the runs that did not finish."""
        return self.runs[self.runs["status"] != FINISHED]

    @cached_property
    def parameters(self) -> pd.DataFrame:
        """A row a point: `point`, and a column a path; texts of TOML values where a column mixes types."""
        return self._parameters.to_pandas()

    @cached_property
    def design(self) -> Design:
        """The design, with its points."""
        return Design.from_plain(self.manifest["design"], points_of(self._parameters))

    @cached_property
    def scenarios(self) -> dict[str, Scenario]:
        """The base scenarios by name, as they were resolved; none for a swept function."""
        return {name: Scenario.load(self.folder / file) for name, file in self.manifest["scenarios"].items()}

    def outcome(self, name: str) -> pd.Series[float]:
        """An outcome by run, for every run of the sweep; NaN where the run failed or has no such value.

        `name` is as in `experiments.outcomes`: `alignment_hhi@2028Q4`, `labs[OpenAI].compute_gw`, an outcome of a
        function. Only the columns it needs are read. Raises SweepError for a name that no run has.
        """
        asked = Outcome.parse(name)
        try:
            found = asked.of(_Needed(self.tables, asked))
        except SweepError:
            asked.of({table: self.tables.sample(table) for table in self.tables})  # tells what there is as well
            raise
        return found.reindex(range(self.manifest["runs"])).rename_axis("run")

    def by_point(self, name: str) -> pd.DataFrame:
        """An outcome by point (rows) and replicate (columns), NaN where it has no value."""
        import pandas as pd

        values = self.outcome(name).to_numpy().reshape(-1, self.replicates)
        points, replicates = (pd.RangeIndex(size, name=axis) for size, axis in zip(values.shape, _AXES, strict=True))
        return pd.DataFrame(values, index=points, columns=replicates)

    def quantiles(
        self, column: str, levels: Sequence[float] = LEVELS, table: str = "market", **where: Any
    ) -> pd.DataFrame:
        """Quantiles of a column over runs: one row a quarter, one column a level.

        Linear interpolation between order statistics (Hyndman and Fan 1996, type 7), missing values left out. `where`
        chooses rows by the values of columns (`table="labs", lab="OpenAI"`), of `point` or of `replicate`.

        Raises ResultsError for a table without quarters, a name that is not there, or a level outside [0, 1].
        """
        self._check_quantiles(column, levels, table, where)
        places = {"point": f"run // {self.replicates}", "replicate": f"run % {self.replicates}"}
        chosen = "".join(f" AND {places.get(name, _quoted(name))} = ?" for name in where)
        value = f"CAST({_quoted(column)} AS DOUBLE)"
        sql = (
            f"SELECT quarter, quantile_cont({value}, {list(map(float, levels))}) FILTER (NOT isnan({value})) AS found "
            f"FROM {_quoted(table)} WHERE true{chosen} GROUP BY quarter ORDER BY quarter"
        )
        return _as_fan(self._asked(sql, list(where.values())), levels)

    def query(self, sql: str) -> pd.DataFrame:
        """The answer of DuckDB to a query in SQL; all tables, `runs` and `parameters` are there by name.

        Raises ResultsError, in one line, for what DuckDB refuses.
        """
        return self._asked(sql, [])

    def content_hash(self) -> str:
        """SHA-256 over every value of every table by run, computed from the files.

        Equal for the same bits, whatever the engine, the number of workers, the order of the parts or an interruption;
        times, tracebacks and keys of runs are left out.
        """
        return self._content_hash

    @cached_property
    def _content_hash(self) -> str:
        return self.tables.content_hash([*self.tables, RUNS.name])

    @cached_property
    def _parameters(self) -> pa.Table:
        import pyarrow.parquet as pq

        try:
            return pq.read_table(self.folder / PARAMETERS_FILE, partitioning=None)
        except (OSError, ValueError) as error:
            raise ResultsError(f"{self.folder}: cannot read the table of parameters") from error

    def _check_quantiles(self, column: str, levels: Sequence[float], table: str, where: Mapping[str, Any]) -> None:
        columns = self.tables.columns(table)
        if "quarter" not in columns:
            raise ResultsError(f"table {table!r} has no quarters, so no quantiles by quarter")
        for name in (column, *where):
            if name not in columns and (name == column or name not in _AXES):
                meant = did_you_mean(name, list(columns))
                raise ResultsError(f"table {table!r} has no column {name!r}; it has: {', '.join(columns)}{meant}")
        if str(columns[column]) not in ("double", "int64", "bool"):
            raise ResultsError(f"column {column!r} of table {table!r} holds no numbers")
        wrong = [level for level in levels if not 0.0 <= level <= 1.0]
        if wrong or not len(levels):
            raise ResultsError(f"levels: got {wrong[0] if wrong else 'none'}; allowed: numbers from 0 to 1")

    def _asked(self, sql: str, values: Sequence[Any]) -> pd.DataFrame:
        """What DuckDB answers, who sees the sweep's tables."""
        import duckdb

        with duckdb.connect() as connection, self.tables.still_there():
            try:
                for name in (*self.tables, RUNS.name):
                    connection.register(name, self.tables.dataset(name))
                connection.register(PARAMETERS, self._parameters)
                return connection.execute(sql, list(values)).df()
            except duckdb.Error as error:
                # DuckDB has no class of its own for what fails in the files
                damage = self.tables.damage(error) if isinstance(error, duckdb.InvalidInputException) else None
                raise damage or ResultsError(f"query: {' '.join(str(error).split())}") from error


_AXES = ("point", "replicate")


class _Needed(Mapping[str, "pd.DataFrame"]):
    """The tables of a sweep cut down to the columns and rows that an outcome is read from."""

    def __init__(self, tables: StoredTables, asked: Outcome) -> None:
        self._tables, self._asked = tables, asked

    def __getitem__(self, name: str) -> pd.DataFrame:
        if name not in self._tables:
            raise KeyError(name)
        wanted: tuple[str, ...] = ("run", "quarter")
        rows: dict[str, str] = {}
        if name == OUTCOMES:
            wanted = ("run", self._asked.column)
        elif name == self._asked.table:
            wanted = self._asked.columns
            rows = dict(zip(wanted[2:-1], self._asked.entities, strict=True))
        there = self._tables.columns(name)
        return self._tables.chosen(name, [column for column in wanted if column in there], rows).to_pandas()

    def __contains__(self, name: object) -> bool:
        return name in self._tables

    def __iter__(self) -> Iterator[str]:
        return iter(self._tables)

    def __len__(self) -> int:
        return len(self._tables)


def _as_fan(answer: pd.DataFrame, levels: Sequence[float]) -> pd.DataFrame:
    """Lists of quantiles by quarter as a table, missing where a quarter has no value."""
    import numpy as np
    import pandas as pd

    missing = [float("nan")] * len(levels)
    rows = [missing if found is None or np.ndim(found) == 0 else found for found in answer["found"]]
    quarters = pd.Index(answer["quarter"], name="quarter")
    return pd.DataFrame(np.array(rows).reshape(-1, len(levels)), index=quarters, columns=np.asarray(levels))


def _quoted(name: str) -> str:
    """A name as SQL takes it."""
    return '"' + name.replace('"', '""') + '"'
