"""One page from any folder of results."""

from __future__ import annotations

from pathlib import Path

from cloudpact.results import ResultsError, read_manifest
from visualization.comparison_report import write_comparison_report
from visualization.report import write_report
from visualization.sweep_report import write_sweep_report

_WRITERS = {"run": write_report, "sweep": write_sweep_report, "comparison": write_comparison_report}


def report_for(folder: Path) -> Path:
    """Write the report of a folder that holds a run, a sweep or a comparison, as its manifest says; return its path.

    Raises ResultsError, SweepError or ReportError, in one line, where it holds nothing that can be read or shown.
    """
    kind = read_manifest(folder).get("kind", "run")
    if kind not in _WRITERS:
        raise ResultsError(f"{folder}: holds a {kind}, of which there is no report; allowed: {', '.join(_WRITERS)}")
    try:
        return _WRITERS[kind](folder)
    except OSError as error:
        raise ResultsError(f"{folder}: cannot write the report: {error.strerror or error}") from error
