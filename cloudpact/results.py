"""Results: the tables of one run or of many, with their documented schema."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from cloudpact.schema import SCHEMA_VERSION, TABLES, Column, Table

if TYPE_CHECKING:
    import networkx as nx

MANIFEST = "manifest.json"
GRAPH = "graph.graphml"


class ResultsError(ValueError):
    """A request about stored results that cannot be met; the message is one line for the user."""


@dataclass(frozen=True, eq=False)
class Results:
    """The result tables as pandas DataFrames; columns and units as in `cloudpact.schema.TABLES`.

    `graphs` holds the relationship graph at the end of a run, by run, where it is known.
    """

    market: pd.DataFrame
    providers: pd.DataFrame
    labs: pd.DataFrame
    alignment: pd.DataFrame
    deals: pd.DataFrame
    negotiations: pd.DataFrame
    graphs: Mapping[int, nx.MultiDiGraph] = field(default_factory=dict)

    @classmethod
    def from_rows(cls, rows: Mapping[str, Iterable[Mapping[str, Any]]], run: int = 0) -> Results:
        """Results of one run from its rows by table, without the column `run`.

        Raises ValueError where a table, or a column of a row, is missing or unknown.
        """
        _require_same("tables", set(rows), set(TABLES))
        tables: dict[str, Any] = {name: _frame(table, rows[name], run) for name, table in TABLES.items()}
        return cls(**tables)

    @classmethod
    def concat(cls, parts: Iterable[Results]) -> Results:
        """One Results of several, ordered by run.

        Raises ValueError if there is none or if a run occurs twice.
        """
        ordered = sorted(parts, key=lambda part: part.runs[:1])
        runs = [run for part in ordered for run in part.runs]
        if not ordered or len(set(runs)) < len(runs):
            raise ValueError(f"cannot join results with the runs {runs}")
        tables = {name: pd.concat([part.tables[name] for part in ordered], ignore_index=True) for name in TABLES}
        return cls(**tables, graphs={run: graph for part in ordered for run, graph in part.graphs.items()})

    @classmethod
    def load(cls, folder: str | Path) -> Results:
        """Results from a run's folder.

        Raises ResultsError if the folder holds no run, an incomplete one, or one of another schema.
        """
        folder = Path(folder)
        manifest = read_manifest(folder)
        if (kind := manifest.get("kind", "run")) != "run":
            raise ResultsError(f"{folder}: holds a {kind}, not a run; read it with cloudpact.load")
        try:
            tables = {name: pd.read_parquet(folder / f"{name}.parquet") for name in TABLES}
        except (OSError, ValueError) as error:
            raise ResultsError(f"{folder}: cannot read the tables: {_first_line(error)}") from error
        return cls(**tables, graphs=_read_graph(folder, manifest))

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """All tables by name."""
        return {name: getattr(self, name) for name in TABLES}

    @property
    def runs(self) -> list[int]:
        """The runs held, ascending."""
        return sorted(int(run) for run in self.market["run"].unique())

    @property
    def schema_version(self) -> int:
        """Version of the tables' schema."""
        return SCHEMA_VERSION

    def content_hash(self) -> str:
        """SHA-256 over every value of every table: equal for the same bits, whoever computed them."""
        digest = hashlib.sha256(f"schema {SCHEMA_VERSION}".encode())
        for name, table in TABLES.items():
            for column in table.columns:
                digest.update(f"\n{name}.{column.name}\n".encode())
                digest.update(_column_bytes(self.tables[name][column.name], column))
        return digest.hexdigest()


load = Results.load


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a run's folder; raises ResultsError if this version cannot read it."""
    path = folder / MANIFEST
    if not folder.is_dir():
        raise ResultsError(f"{folder}: no such folder")
    if not path.is_file():
        raise ResultsError(f"{folder}: holds no run (no {MANIFEST})")
    try:
        manifest = json.loads(path.read_bytes())
        version = manifest["schema_version"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise ResultsError(f"{path}: is not the manifest of a run") from error
    if version != SCHEMA_VERSION:
        raise ResultsError(f"{folder}: has schema version {version!r}, this cloudpact reads version {SCHEMA_VERSION}")
    return dict(manifest)


def _frame(table: Table, rows: Iterable[Mapping[str, Any]], run: int) -> pd.DataFrame:
    listed = list(rows)
    expected = set(table.column_names) - {"run"}
    for row in listed:
        _require_same(f"columns of {table.name}", set(row), expected)
    columns = {
        c.name: pd.Series([run if c.name == "run" else row[c.name] for row in listed], dtype=c.dtype)
        for c in table.columns
    }
    return pd.DataFrame(columns)


def _require_same(what: str, given: set[str], expected: set[str]) -> None:
    if given != expected:
        missing, unknown = sorted(expected - given), sorted(given - expected)
        raise ValueError(f"{what}: missing {missing}, unknown {unknown}")


def _column_bytes(values: pd.Series[Any], column: Column) -> bytes:
    if column.dtype == "str":
        return json.dumps([None if pd.isna(value) else value for value in values]).encode()
    return values.to_numpy(column.dtype).tobytes()


def _read_graph(folder: Path, manifest: Mapping[str, Any]) -> dict[int, nx.MultiDiGraph]:
    import networkx

    path = folder / GRAPH
    if not path.is_file() or not manifest.get("replicates"):
        return {}
    return {int(manifest["replicates"][0]): networkx.read_graphml(path, force_multigraph=True)}


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
