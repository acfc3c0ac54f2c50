"""The manifest of a sweep's folder: what was swept, with what, how far it is, and whether a plan is that very sweep."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cloudpact.results import MANIFEST, read_manifest
from cloudpact.schema import SCHEMA_VERSION
from experiments.store import versions
from experiments.sweeps.durable import durable_file
from experiments.sweeps.errors import SweepError
from experiments.sweeps.study import OUTCOMES, MarketStudy

if TYPE_CHECKING:
    from experiments.sweeps.plan import Plan

KIND = "sweep"
STORE_VERSION = 1
RUNNING, COMPLETE = "running", "complete"

_LONGEST = 200  # characters of an identity's part that are kept as they are
_NEEDED = ("status", "runs", "replicates", "seed", "tables", "design", "scenarios", "identity", "versions")


def new_manifest(plan: Plan, command: str, scenario_files: Mapping[str, str]) -> dict[str, Any]:
    """What identifies a sweep and lets it be repeated, before its first run."""
    return {
        "kind": KIND,
        "schema_version": SCHEMA_VERSION,
        "store_version": STORE_VERSION,
        "status": RUNNING,
        "command": command,
        "runs": plan.runs,
        "points": len(plan.design.points),
        "replicates": plan.replicates,
        "seed": plan.study.seed,
        "tables": list(plan.study.tables if isinstance(plan.study, MarketStudy) else (OUTCOMES,)),
        "design": plan.design.plain(),
        "scenarios": dict(scenario_files),
        "identity": _identity(plan),
        "versions": versions(),
        "started": now(),
        "finished": None,
    }


def write_manifest(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Put a manifest in place of the one that a folder has."""
    with durable_file(folder / MANIFEST) as file:
        file.write((json.dumps(manifest, indent=2, allow_nan=False) + "\n").encode())


def read_sweep_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a sweep's folder.

    Raises SweepError or ResultsError, in one line, where there is none or this version cannot read it.
    """
    manifest = read_manifest(folder)
    kind = manifest.get("kind", "run")
    if kind != KIND:
        raise SweepError(f"{folder}: holds a {kind}, not a sweep; name another folder")
    version = manifest.get("store_version")
    if version != STORE_VERSION:
        raise SweepError(f"{folder}: has store version {version!r}, this cloudpact reads version {STORE_VERSION}")
    missing = [key for key in _NEEDED if key not in manifest]
    if missing:
        raise SweepError(f"{folder / MANIFEST}: is not the manifest of a sweep (no {missing[0]!r})")
    return manifest


def same_sweep(folder: Path, plan: Plan) -> dict[str, Any]:
    """The manifest of a folder that holds the sweep of a plan; SweepError, in one line, for any other folder."""
    if not folder.is_dir():
        raise SweepError(f"{folder}: is not a folder")
    if not (folder / MANIFEST).exists():
        raise SweepError(f"{folder}: is not empty and holds no sweep; name a new folder")
    manifest = read_sweep_manifest(folder)
    mine, found = _identity(plan), manifest["identity"]
    different = [name for name in {**mine, **found} if name != "code" and mine.get(name) != found.get(name)]
    if different:
        raise SweepError(f"{folder}: holds another sweep, with another {' and '.join(different)}; name a new folder")
    if mine["code"] != found["code"]:
        raise SweepError(_other_code(folder, manifest, mine["code"]))
    return manifest


def _other_code(folder: Path, manifest: Mapping[str, Any], mine: str) -> str:
    known, theirs = manifest["versions"], manifest["identity"]["code"]
    whose = f"cloudpact {known.get('cloudpact')}, Python {known.get('python')}, code {theirs[:8]}, this is {mine[:8]}"
    if manifest["status"] == COMPLETE:
        return f"{folder}: is complete, by other code ({whose}); read it with cloudpact.load or name a new folder"
    return f"{folder}: was written by other code ({whose}); finish it there or name a new folder"


def _identity(plan: Plan) -> dict[str, str]:
    """The plan's identity, long parts as their SHA-256 (hex)."""
    return {
        name: value if len(value) <= _LONGEST else hashlib.sha256(value.encode()).hexdigest()
        for name, value in plan.identity.items()
    }


def now() -> str:
    """The time, to the second, in UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")
