"""The folder of a run: written beside its place under another name and renamed when it is whole."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cloudpact.results import GRAPH, MANIFEST, Results, ResultsError
from cloudpact.schema import SCHEMA_VERSION, TABLES, Table

if TYPE_CHECKING:
    import networkx as nx
    import pandas as pd
    import pyarrow as pa

    from market.scenario import Scenario

PACKAGES = ("cloudpact", "mesa", "networkx", "numba", "numpy", "pandas", "pyarrow", "pydantic", "scipy")


@dataclass(frozen=True, slots=True)
class RunFolder:
    """A claimed place for results: `staging` is written, `publish` makes it appear as `target`."""

    staging: Path
    target: Path

    def publish(self) -> Path:
        """Rename the staged folder to its place and return it.

        Raises ResultsError, and keeps what was staged, if something stands there meanwhile.
        """
        try:
            os.rename(self.staging, self.target)
        except OSError as error:
            reason = error.strerror or error
            raise ResultsError(f"{self.target}: {reason}; the results are kept in {self.staging}") from error
        return self.target

    def discard(self) -> None:
        """Remove what was staged."""
        shutil.rmtree(self.staging, ignore_errors=True)


def claim_folder(out: Path | None, name: str, results: Path = Path("results")) -> RunFolder:
    """Claim the folder `out`, or the next numbered one such as `results/002-baseline`.

    Two processes never get the same number: the staging folder is the claim.
    Raises ResultsError if `out` is not an empty or new folder, or cannot be written.
    """
    try:
        return _claim_given(out) if out is not None else _claim_numbered(results, name)
    except OSError as error:
        reason = error.strerror or error
        raise ResultsError(f"{out or results}: cannot write there: {reason}") from error


def _claim_given(out: Path) -> RunFolder:
    target = out.resolve()
    if target.is_dir():
        if (target / MANIFEST).exists():
            raise ResultsError(f"{out}: already holds a run; name a new folder")
        if any(target.iterdir()):
            raise ResultsError(f"{out}: is not empty; name a new folder")
        if target == Path.cwd():
            raise ResultsError(f"{out}: is the current folder; name a new one")
    elif target.exists():
        raise ResultsError(f"{out}: is not a folder")
    target.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".partial", dir=target.parent))
    staging.chmod(0o755)
    return RunFolder(staging, target)


def next_folder(name: str, results: Path = Path("results")) -> Path:
    """The next numbered folder, such as `results/002-tiny-lhs`; nothing claims it yet."""
    number = max(_numbers(results), default=0) + 1 if results.is_dir() else 1
    return results / f"{number:03d}-{_label(name)}"


def _label(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")[:60] or "run"


def _claim_numbered(results: Path, name: str) -> RunFolder:
    results.mkdir(parents=True, exist_ok=True)
    number = max(_numbers(results), default=0) + 1
    label = _label(name)
    while True:
        staging = results / f".{number:03d}.partial"
        try:
            staging.mkdir()
        except FileExistsError:
            number += 1
            continue
        # Another process may have published this number between our listing and our claim.
        if list(results.glob(f"{number:03d}-*")):
            staging.rmdir()
            number += 1
            continue
        return RunFolder(staging, results / f"{number:03d}-{label}")


def _numbers(results: Path) -> list[int]:
    matches = (re.match(r"(\d+)-", path.name) for path in results.iterdir())
    return [int(match[1]) for match in matches if match]


def write_run(folder: Path, results: Results, scenario: Scenario, manifest: Mapping[str, Any]) -> None:
    """Write scenario, tables, graph and, last, the manifest of a run into an existing folder."""
    (folder / "scenario.toml").write_text(scenario.dump(), encoding="utf-8")
    write_tables(folder, results)
    if results.graphs:
        write_graph(folder / GRAPH, results.graphs[min(results.graphs)])
    text = json.dumps({**manifest, "content_hash": results.content_hash()}, indent=2, allow_nan=False)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


def run_manifest(
    scenario: Scenario,
    seed: int,
    replicates: Sequence[int],
    requested: int,
    status: str,
    facts_hash: str,
    started: datetime,
    finished: datetime,
) -> dict[str, Any]:
    """What identifies a run and lets it be repeated; `status` is complete, interrupted or failed."""
    return {
        "schema_version": SCHEMA_VERSION,
        "status": status,
        "scenario": scenario.name,
        "scenario_hash": scenario.content_hash(),
        "facts_hash": facts_hash,
        "seed": seed,
        "replicates": list(replicates),
        "replicates_requested": requested,
        "versions": versions(),
        "started": _stamp(started),
        "finished": _stamp(finished),
        "seconds": round((finished - started).total_seconds(), 3),
    }


def versions() -> dict[str, str]:
    """Versions of Python and of the packages whose code decides the numbers."""
    found = {"python": platform.python_version(), "machine": platform.machine()}
    for package in PACKAGES:
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def write_tables(folder: Path, results: Results) -> None:
    """Write every table as Parquet, with schema version, units and meanings as metadata."""
    import pyarrow.parquet as pq

    for name, table in TABLES.items():
        pq.write_table(arrow_table(results.tables[name], table), folder / f"{name}.parquet")


def arrow_table(frame: pd.DataFrame, table: Table) -> pa.Table:
    """A frame as an Arrow table of a documented schema, with units and meanings as metadata."""
    import pyarrow as pa

    converted = pa.Table.from_pandas(frame, preserve_index=False)
    fields = [
        converted.schema.field(column.name).with_metadata({"unit": column.unit, "meaning": column.meaning})
        for column in table.columns
    ]
    metadata = {**converted.schema.metadata, b"cloudpact_schema_version": str(SCHEMA_VERSION).encode()}
    return converted.cast(pa.schema(fields, metadata=metadata))


def arrow_rows(rows: Sequence[Mapping[str, Any]], table: Table, run: int) -> pa.Table:
    """Rows of one run, without the column `run`, as an Arrow table of the same schema, not by way of a frame."""
    import pyarrow as pa

    schema = arrow_schema(table)
    columns = [
        pa.repeat(pa.scalar(run, field.type), len(rows))
        if field.name == "run"
        else pa.array([row[field.name] for row in rows], field.type, from_pandas=True)
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


@cache
def arrow_schema(table: Table) -> pa.Schema:
    """Arrow schema of a result table: units and meanings by column, the schema version for all."""
    import pyarrow as pa

    kinds = {"int64": pa.int64(), "float64": pa.float64(), "bool": pa.bool_(), "str": pa.large_string()}
    fields = [
        pa.field(column.name, kinds[column.dtype], metadata={"unit": column.unit, "meaning": column.meaning})
        for column in table.columns
    ]
    return pa.schema(fields, metadata={b"cloudpact_schema_version": str(SCHEMA_VERSION).encode()})


def write_graph(path: Path, graph: nx.MultiDiGraph) -> None:
    """Write the relationship graph as GraphML, or as GEXF where the name ends so."""
    import networkx

    write = networkx.write_gexf if path.suffix == ".gexf" else networkx.write_graphml
    write(plain_graph(graph), str(path))


def plain_graph(graph: nx.MultiDiGraph) -> nx.MultiDiGraph:
    """A graph with numbers, texts and flags alone, which is what exchange formats know; nothing for None."""
    import networkx

    plain = networkx.MultiDiGraph(**_plain(graph.graph))
    plain.add_nodes_from((node, _plain(data)) for node, data in graph.nodes(data=True))
    plain.add_edges_from((a, b, str(key), _plain(data)) for a, b, key, data in graph.edges(keys=True, data=True))
    return plain


def _plain(attributes: Mapping[str, Any]) -> dict[str, bool | int | float | str]:
    kept = {str(name): value for name, value in attributes.items() if value is not None}
    return {name: value if type(value) in (bool, int, float, str) else _as_plain(value) for name, value in kept.items()}


def _as_plain(value: Any) -> float | str:
    """NumPy numbers as floats, everything else (enums, tuples) as text."""
    return float(value) if hasattr(value, "dtype") and value.ndim == 0 and value.dtype.kind in "iuf" else str(value)
