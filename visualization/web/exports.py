"""What the page hands out of a recorded world: result tables, the graph, the scenario, as name, type and bytes."""

from __future__ import annotations

import io
from pathlib import Path
from tempfile import TemporaryDirectory

from cloudpact.schema import TABLES
from experiments.store import write_graph
from visualization.web.address import AddressError
from visualization.web.worlds import World

type File = tuple[str, str, bytes]
FORMATS = ("csv", "parquet")
OTHERS = ("graph.graphml", "graph.gexf", "scenario.toml")


def names() -> list[str]:
    """Everything that can be exported."""
    return [*(f"{table}.{ending}" for table in TABLES for ending in FORMATS), *OTHERS]


def export(world: World, name: str) -> File:
    """A file of a world; equal worlds give equal bytes. Raises AddressError for a name that is none."""
    if name not in names():
        raise AddressError(f"export: got {name!r}; allowed: {', '.join(names())}")
    stem, _, ending = name.rpartition(".")
    label = f"{world.recording.scenario.name}-{world.recording.seed}-{name}"
    if name == "scenario.toml":
        return label, "application/toml", world.recording.scenario.dump().encode()
    if stem == "graph":
        return label, "application/xml", _graph(world, ending)
    frame = world.recording.results.tables[stem]
    if ending == "csv":
        return label, "text/csv", frame.to_csv(index=False).encode()
    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=False)
    return label, "application/vnd.apache.parquet", buffer.getvalue()


def _graph(world: World, ending: str) -> bytes:
    """The relationship graph at the end of the run."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"graph.{ending}"
        write_graph(path, world.recording.results.graphs[0])
        return path.read_bytes()
