"""The folder of a sweep: whatever finished is kept, and nothing is ever seen half-written.

While a sweep runs, its folder holds `parts/NUMBER-K/` with a Parquet file a table, written under another name and
renamed when they are on disk; `finish` makes one file a table of them. `manifest.json` says which of both is in force.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cloudpact.results import ResultsError
from cloudpact.schema import RUNS
from experiments.store import RunFolder, arrow_schema, claim_folder
from experiments.sweeps.compaction import PARTS, StoredPart, compact, content_hash, run_statuses, stored_part
from experiments.sweeps.durable import durable_file, durable_folder, sync_folder
from experiments.sweeps.folder_lock import FolderLock
from experiments.sweeps.manifest import (
    COMPLETE,
    RUNNING,
    new_manifest,
    now,
    read_sweep_manifest,
    same_sweep,
    write_manifest,
)
from experiments.sweeps.parameters import PARAMETERS_FILE, parameters_table
from experiments.sweeps.study import MarketStudy
from experiments.sweeps.tasks import FINISHED, Part, parquet_bytes

if TYPE_CHECKING:
    from experiments.sweeps.plan import Plan

RUNS_FILE = f"{RUNS.name}.parquet"
SCENARIO_FILE = "scenario.toml"

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class StoreError(RuntimeError):
    """The machine would not take what was to be written; the message is one line for the user."""


@dataclass(slots=True)
class SweepStore:
    """An open folder of a sweep: `commit` adds parts, `finish` makes the final tables. One process at a time writes.

    `statuses` has the status of every run that is kept.
    """

    folder: Path
    manifest: dict[str, Any]
    statuses: dict[int, str] = field(default_factory=dict)
    _parts: list[StoredPart] = field(default_factory=list)
    _lock: FolderLock | None = None

    @classmethod
    def open(cls, folder: str | Path, plan: Plan, command: str = "") -> SweepStore:
        """Make the folder of a sweep, or go on with what it holds; `command` is what repeats it.

        Raises, with nothing written, SweepError or ResultsError for a folder that holds something else, another
        sweep or the work of other code, or that another process is writing; StoreError for one that cannot be made.
        """
        folder = Path(folder)
        if not folder.exists() or _is_empty(folder):
            made = _make_folder(folder, plan, command)
            if made is not None:
                return made
        store = cls(folder, same_sweep(folder, plan))
        if store.complete and not (folder / PARTS).exists():
            store.statuses.update(run_statuses(folder))
        else:
            store._take_over()
        return store

    def __enter__(self) -> SweepStore:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def close(self) -> None:
        """Let other processes write."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    @property
    def complete(self) -> bool:
        """Whether the final tables are in force."""
        return self.manifest["status"] == COMPLETE

    @property
    def done(self) -> set[int]:
        """The runs that are kept, failed ones too."""
        return set(self.statuses)

    @property
    def failed(self) -> int:
        """How many of them did not finish."""
        return sum(status != FINISHED for status in self.statuses.values())

    @property
    def next_batch(self) -> int:
        """A number above those of all batches that are kept."""
        return max((_batch_number(part) for part in self._parts), default=-1) + 1

    def commit(self, part: Part) -> None:
        """Keep what a batch gave; runs that are kept already are left out.

        Raises StoreError, with what was kept before untouched, if it cannot be written.
        """
        rows = [row for row in part.rows if row["run"] not in self.statuses]
        if not rows:
            return
        files = part.files if len(rows) == len(part.rows) else _only(part.files, {row["run"] for row in rows})
        content = {f"{name}.parquet": data for name, data in files.items()} | {RUNS_FILE: _runs_file(rows)}
        with self._told_in_one_line():
            target = self._free_place(part.batch)
            durable_folder(target, content)
        self._add(target, {row["run"]: row["status"] for row in rows})

    def forget_failed(self) -> None:
        """Drop the runs that did not finish, so that they are simulated again."""
        if not self.failed:
            return
        with self._told_in_one_line():
            if self._lock is None:
                self._take_over()
            if self.complete:
                self._take_apart()
            for part in self._parts:
                _drop_failed(part)
            self._find_what_is_kept()

    def finish(self) -> None:
        """Make one Parquet file a table, by run, and mark the sweep complete; the parts are removed.

        Raises ValueError while runs are missing, StoreError if the files cannot be written.
        """
        if self.complete:
            return
        missing = self.manifest["runs"] - len(self.statuses)
        if missing:
            raise ValueError(f"{missing} runs of the sweep are missing")
        with self._told_in_one_line():
            hashes = [compact(self._parts, name, self.folder / f"{name}.parquet") for name in self._tables]
            counts = dict(sorted(Counter(self.statuses.values()).items()))
            ended = {"finished": now(), "statuses": counts, "content_hash": content_hash(hashes)}
            self._write_manifest({**self.manifest, "status": COMPLETE, **ended})
        self._parts.clear()
        # from here on nobody reads the parts; what stays of them is removed by whoever opens the folder next
        shutil.rmtree(self.folder / PARTS, ignore_errors=True)

    @property
    def _tables(self) -> list[str]:
        return [*self.manifest["tables"], RUNS.name]

    def _take_over(self) -> None:
        """Lock the folder for this process, and read it as it is then."""
        self._lock = FolderLock.take(self.folder)
        try:
            self.manifest = read_sweep_manifest(self.folder)
            self._find_what_is_kept()
        except BaseException:
            self.close()
            raise

    def _find_what_is_kept(self) -> None:
        """Read which runs are kept, and clear away what a killed process left."""
        self.statuses.clear()
        self._parts.clear()
        parts = self.folder / PARTS
        for left in self.folder.glob(".*.tmp"):
            left.unlink()
        if self.complete:
            shutil.rmtree(parts, ignore_errors=True)
            self.statuses.update(run_statuses(self.folder))
            return
        parts.mkdir(exist_ok=True)
        for left in parts.glob(".*.tmp"):
            shutil.rmtree(left)
        for folder in sorted(parts.iterdir()):
            self._add(folder, run_statuses(folder))

    def _add(self, folder: Path, statuses: Mapping[int, str]) -> None:
        self._parts.append(stored_part(folder, statuses))
        self.statuses.update(statuses)

    def _free_place(self, batch: int) -> Path:
        """A folder for a batch, which may come in several parts."""
        number = sum(_batch_number(part) == batch for part in self._parts)
        while (place := self.folder / PARTS / f"{batch:06d}-{number}").exists():
            number += 1
        return place

    def _take_apart(self) -> None:
        """Make a running sweep of a complete one: its tables become its only part."""
        staged = self.folder / PARTS / ".000000-0.tmp"
        staged.mkdir(parents=True)
        for name in self._tables:
            os.link(self.folder / f"{name}.parquet", staged / f"{name}.parquet")
        sync_folder(staged)
        os.rename(staged, self.folder / PARTS / "000000-0")
        sync_folder(self.folder / PARTS)
        kept = {key: value for key, value in self.manifest.items() if key not in ("statuses", "content_hash")}
        self._write_manifest({**kept, "status": RUNNING, "finished": None})
        self._find_what_is_kept()

    def _write_manifest(self, manifest: dict[str, Any]) -> None:
        write_manifest(self.folder, manifest)
        self.manifest = manifest

    @contextmanager
    def _told_in_one_line(self) -> Iterator[None]:
        """What the machine refuses comes out as a StoreError that says what is kept."""
        try:
            yield
        except OSError as error:
            kept = f"{len(self.statuses)} of {self.manifest['runs']} runs are kept in {self.folder}"
            raise StoreError(f"{_reason(error)}: {kept}; the same command goes on from there") from error


def _reason(error: OSError) -> str:
    return "disk full" if error.errno in _FULL else f"cannot write: {error.strerror or error}"


def _is_empty(folder: Path) -> bool:
    return folder.is_dir() and not any(folder.iterdir())


def _make_folder(folder: Path, plan: Plan, command: str) -> SweepStore | None:
    """The folder of a new sweep, which appears whole and locked; None if another process was there first."""
    parameters = parquet_bytes([parameters_table(plan.design.points)])
    try:
        claimed = claim_folder(folder, folder.name)
    except ResultsError:
        if folder.is_dir() and not _is_empty(folder):
            return None
        raise
    lock = None
    try:
        lock = FolderLock.take(claimed.staging, folder)
        manifest = _fill(claimed, plan, command, parameters)
        os.rename(claimed.staging, claimed.target)
        sync_folder(claimed.target.parent)
    except BaseException as error:
        if lock is not None:
            lock.release()
        claimed.discard()
        if not isinstance(error, OSError):
            raise
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            return None
        raise StoreError(f"{_reason(error)}: {folder} could not be made, nothing is kept") from error
    return SweepStore(folder, manifest, _lock=lock)


def _fill(claimed: RunFolder, plan: Plan, command: str, parameters: bytes) -> dict[str, Any]:
    """Write what is known of a sweep before its first run; return its manifest."""
    scenarios = plan.study.scenarios if isinstance(plan.study, MarketStudy) else {}
    files = _scenario_files(list(scenarios))
    texts = {files[name]: scenario.dump().encode() for name, scenario in scenarios.items()}
    for name, content in {PARAMETERS_FILE: parameters, **texts}.items():
        path = claimed.staging / name
        path.parent.mkdir(exist_ok=True)
        with durable_file(path) as file:
            file.write(content)
    (claimed.staging / PARTS).mkdir()
    manifest = new_manifest(plan, command, files)
    write_manifest(claimed.staging, manifest)
    return manifest


def _scenario_files(names: Sequence[str]) -> dict[str, str]:
    """Where each scenario is kept: `scenario.toml` for the only one, else `scenarios/NAME.toml`, numbered at need."""
    if len(names) == 1:
        return {names[0]: SCENARIO_FILE}
    safe = [re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")[:60] for name in names]
    clear = len({name.lower() for name in safe}) == len(names) and all(safe)
    return {
        name: f"scenarios/{told if clear else f'{number}-{told}'}.toml"
        for number, (name, told) in enumerate(zip(names, safe, strict=True))
    }


def _runs_file(rows: Sequence[Mapping[str, Any]]) -> bytes:
    import pyarrow as pa

    return parquet_bytes([pa.Table.from_pylist([dict(row) for row in rows], schema=arrow_schema(RUNS))])


def _only(files: Mapping[str, bytes], runs: set[int]) -> dict[str, bytes]:
    """The files without the rows of other runs."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    tables = {name: pq.read_table(pa.BufferReader(content)) for name, content in files.items()}
    kept = pa.array(sorted(runs), pa.int64())
    return {name: parquet_bytes([table.filter(pc.is_in(table["run"], kept))]) for name, table in tables.items()}


def _drop_failed(part: StoredPart) -> None:
    """Drop the rows of runs that did not finish: other tables have none of theirs."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    path = part.folder / RUNS_FILE
    table = pq.read_table(path, partitioning=None)
    finished = table.filter(pc.equal(table["status"], FINISHED))
    if len(finished) < len(table):
        with durable_file(path) as file:
            file.write(parquet_bytes([finished]))


def _batch_number(part: StoredPart) -> int:
    return int(part.folder.name.partition("-")[0])
