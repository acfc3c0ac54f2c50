"""Folders of results that the page may open: those inside the folder given at start, by name alone."""

from __future__ import annotations

import os
from pathlib import Path

from cloudpact.results import MANIFEST, ResultsError
from market.scenario_errors import did_you_mean

VARIABLE = "CLOUDPACT_VIEW_RESULTS"
MOST = 200


def results_folder() -> Path:
    """The folder given at start, else `results` where the server runs."""
    return Path(os.environ.get(VARIABLE, "results"))


def names() -> list[str]:
    """Names of what can be opened, newest first."""
    root = results_folder()
    if not root.is_dir():
        return []
    found = [each for each in root.iterdir() if not each.is_symlink() and (each / MANIFEST).is_file()]
    return [each.name for each in sorted(found, key=lambda each: (each / MANIFEST).stat().st_mtime, reverse=True)][
        :MOST
    ]


def folder(name: str) -> Path:
    """The folder of a name; raises ResultsError, one line that tells no path, for any other."""
    known = names()
    if name not in known:
        raise ResultsError(
            f"{name!r}: no such results; allowed: one of the {len(known)} in the list{did_you_mean(name, known)}"
        )
    return results_folder() / name
