"""Whatever a folder of results holds, read back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cloudpact.results import Results, ResultsError, read_manifest

if TYPE_CHECKING:
    from experiments.comparison import Comparison
    from experiments.sweeps.results import Sweep


def load(folder: str | Path) -> Results | Sweep | Comparison:
    """The results in a folder: of a run as Results, of a sweep as Sweep, of two worlds as Comparison.

    Raises ResultsError or SweepError, in one line, if the folder holds none of them or this version cannot read it.
    """
    if not isinstance(folder, str | Path):
        raise ResultsError(f"folder: got {folder!r}; allowed: the path of a folder of results")
    folder = Path(folder)
    kind = read_manifest(folder).get("kind", "run")
    if kind == "run":
        return Results.load(folder)
    if kind == "sweep":
        from experiments.sweeps.results import Sweep

        return Sweep.load(folder)
    if kind == "comparison":
        from experiments.comparison import Comparison

        return Comparison.load(folder)
    raise ResultsError(f"{folder}: holds a {kind!r}; this cloudpact reads a run, a sweep or a comparison")
