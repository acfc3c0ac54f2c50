"""Paired worlds: two scenarios under the same luck, and how outcomes differ between them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, fields
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cloudpact.results import MANIFEST, ResultsError, read_manifest
from cloudpact.schema import SCHEMA_VERSION, TABLES
from experiments.effects import CONFIDENCE, Effect, paired_effects
from experiments.outcomes import HEADLINE, Outcome
from experiments.paired_requests import require_outcome, whole_number
from experiments.pairs import Simulate, failures, joined, run_pair, simulate_pairs
from experiments.running import resolve
from experiments.store import arrow_table, claim_folder, versions
from experiments.sweeps.errors import SweepError
from experiments.workers import cores
from market.scenario import Scenario

if TYPE_CHECKING:
    import pandas as pd

    from market.facts import Facts

    type Frames = Mapping[str, pd.DataFrame]

KIND = "comparison"  # what the manifest calls a folder of this kind
SIDES = ("a", "b")


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two worlds run with the same luck; what `cloudpact.compare` gives and `cloudpact.load` finds in its folder.

    `effects` has one row an outcome (its index) and the fields of Effect as columns; `tables` are both worlds' result
    tables by name, the column `run` being the replicate. A replicate without a partner is in no effect.
    """

    names: tuple[str, str]
    effects: pd.DataFrame
    notes: tuple[str, ...]
    tables: tuple[Frames, Frames]
    scenarios: tuple[Scenario, Scenario] | None = None
    seed: int | None = None
    runs: int = 0

    @classmethod
    def of(
        cls,
        tables_a: Frames,
        tables_b: Frames,
        names: tuple[str, str] = ("A", "B"),
        outcomes: Sequence[str] | None = None,
        scenarios: tuple[Scenario, Scenario] | None = None,
        seed: int | None = None,
        notes: Sequence[str] = (),
    ) -> Comparison:
        """The comparison of two worlds' tables, paired by the column `run`; `outcomes` are HEADLINE if not given.

        Worlds that end in different quarters are compared at the last one that both have.
        Raises SweepError for an outcome that neither world has, or for worlds that have no quarter in common.
        """
        import pandas as pd

        cut, told = _common(tables_a, tables_b, names)
        wanted = [Outcome.parse(text) for text in (HEADLINE if outcomes is None else outcomes)]
        effects = [paired_effects(*_values(outcome, *cut), outcome.text, outcome.unit) for outcome in wanted]
        told += [
            f"{effect.outcome}: {effect.dropped} without a value in both worlds" for effect in effects if effect.dropped
        ]
        frame = pd.DataFrame(map(asdict, effects), columns=[field.name for field in fields(Effect)])
        runs = len(set(tables_a["market"]["run"]) | set(tables_b["market"]["run"]))
        effects_by_outcome = frame.set_index("outcome")
        return cls(names, effects_by_outcome, (*notes, *told), (tables_a, tables_b), scenarios, seed, runs)

    @classmethod
    def load(cls, folder: str | Path) -> Comparison:
        """The comparison of a folder; tables are read when they are first asked for.

        Raises ResultsError if the folder holds no comparison, or one of another schema.
        """
        import pandas as pd

        folder = Path(folder)
        manifest = read_manifest(folder)
        if manifest.get("kind") != KIND:
            raise ResultsError(f"{folder}: holds no comparison but a {manifest.get('kind', 'run')}")
        try:
            effects = pd.read_parquet(folder / "effects.parquet")
            scenarios = [Scenario.load(folder / side / "scenario.toml") for side in SIDES]
        except (OSError, ValueError) as error:
            raise ResultsError(f"{folder}: cannot read the comparison: {error}") from error
        lacking = [key for key in ("names", "notes", "tables", "seed", "runs") if key not in manifest]
        if lacking:
            raise ResultsError(f"{folder / MANIFEST}: lacks {', '.join(lacking)}; make the comparison anew")
        names, notes = tuple(manifest["names"]), tuple(manifest["notes"])
        tables = (
            StoredTables(folder / "a", manifest["tables"]["a"]),
            StoredTables(folder / "b", manifest["tables"]["b"]),
        )
        seed, runs = manifest["seed"], manifest["runs"]
        return cls(names, effects, notes, tables, tuple(scenarios), seed, runs)  # type: ignore[arg-type]

    def profile(self, column: str) -> pd.DataFrame:
        """Effect of b against a on a column of the table `market`, by quarter: columns effect, low, high."""
        import pandas as pd

        Outcome.parse(column).of(self.tables[0])  # says what is wrong with the column's name
        a, b = (tables["market"].pivot(index="quarter", columns="run", values=column) for tables in self.tables)
        quarters = a.index.intersection(b.index)
        found = [paired_effects(a.loc[quarter], b.loc[quarter]) for quarter in quarters]
        rows = [(effect.effect, effect.low, effect.high) for effect in found]
        return pd.DataFrame(rows, index=quarters, columns=["effect", "low", "high"])

    def plain(self) -> dict[str, Any]:
        """All but the tables as plain data for JSON; None where a number is not defined."""
        rows = self.effects.reset_index().to_dict("records")
        return {
            "names": list(self.names),
            "seed": self.seed,
            "runs": self.runs,
            "confidence": CONFIDENCE,
            "effects": [{str(key): _defined(value) for key, value in row.items()} for row in rows],
            "notes": list(self.notes),
        }

    def text(self) -> str:
        """The effects as a table for people."""
        from experiments.comparison_text import comparison_text

        return comparison_text(self)

    def save(self, folder: str | Path) -> Path:
        """Write manifest, effects and both worlds, under `a` and `b`, into a folder that appears when it is whole.

        Raises ResultsError where the folder is neither new nor empty, or cannot be written.
        """
        with _claimed(folder) as staging:
            self._write(staging)
        return Path(folder)

    def _write(self, folder: Path) -> None:
        for position, side in enumerate(SIDES):
            (folder / side).mkdir()
            if self.scenarios is not None:
                (folder / side / "scenario.toml").write_text(self.scenarios[position].dump(), encoding="utf-8")
            _write_tables(folder / side, self.tables[position])
        self.effects.to_parquet(folder / "effects.parquet")
        manifest: dict[str, Any] = {"schema_version": SCHEMA_VERSION, "kind": KIND, "versions": versions()}
        kept = {side: list(tables) for side, tables in zip(SIDES, self.tables, strict=True)}
        manifest |= self.plain() | {"tables": kept}
        (folder / MANIFEST).write_text(json.dumps(manifest, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def compare(
    a: Scenario | str | Path,
    b: Scenario | str | Path,
    *,
    runs: int = 24,
    seed: int = 1,
    outcomes: str | Sequence[str] | None = None,
    jobs: int | None = None,
    out: str | Path | None = None,
    until: str | None = None,
    facts: Facts | None = None,
    progress: Callable[[], None] | None = None,
) -> Comparison:
    """Run two scenarios (names, TOML files, Scenarios) with the same luck: the effect of `b` over `a`.

    Replicates 0 to `runs` - 1 of the seed are run in both, on `jobs` processes (every core if not given); `until`
    replaces both last quarters; `progress()` is called after every pair. With `out` the comparison is written there,
    after Ctrl-C of the pairs that were finished. A replicate that fails in one of the worlds is dropped from the
    effects, and a note says how it failed.

    Raises ScenarioError or SweepError before anything is simulated, EnsembleError if no replicate finishes in both.
    """
    replicates = range(whole_number("runs", runs, 1))
    scenarios = resolve(a, until), resolve(b, until)
    names = _distinct(scenarios[0].name, scenarios[1].name)
    return compare_pairs(scenarios, names, seed, replicates, outcomes, jobs, out, facts, progress)


def compare_pairs(
    scenarios: tuple[Scenario, Scenario],
    names: tuple[str, str],
    seed: int,
    replicates: Sequence[int],
    outcomes: str | Sequence[str] | None,
    jobs: int | None,
    out: str | Path | None,
    facts: Facts | None,
    progress: Callable[[], None] | None,
    simulate: Simulate = run_pair,
    notes: Sequence[str] = (),
) -> Comparison:
    """What `compare` does, for two scenarios and some replicates of which `simulate` makes the pairs."""
    whole_number("seed", seed, 0)
    wanted = [outcomes] if isinstance(outcomes, str) else outcomes
    for text in wanted or ():
        require_outcome(Outcome.parse(text), scenarios)
    processes = cores() if jobs is None else whole_number("jobs", jobs, 1)
    with nullcontext() if out is None else _claimed(out) as staging:
        pairs, stopped = simulate_pairs(scenarios, seed, replicates, processes, facts, progress, simulate)
        told = [*notes, *failures(pairs, names)]
        told += [f"stopped after {len(pairs)} of {len(replicates)} pairs"] if stopped else []
        found = Comparison.of(joined(pairs, 0), joined(pairs, 1), names, wanted, scenarios, seed, told)
        if staging is not None:
            found._write(staging)
    if stopped:
        raise KeyboardInterrupt
    return found


class StoredTables(Mapping[str, "pd.DataFrame"]):
    """The tables of a folder by name, each read when it is first asked for."""

    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        self.folder = folder
        self.names = tuple(names)
        for name in names:
            if not (folder / f"{name}.parquet").is_file():
                raise ResultsError(f"{folder / name}.parquet: the file is missing; the comparison was saved with it")
        self._read = cache(self._table)

    def __getitem__(self, name: str) -> pd.DataFrame:
        if name not in self.names:
            raise KeyError(name)
        return self._read(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)

    def _table(self, name: str) -> pd.DataFrame:
        import pandas as pd

        try:
            return pd.read_parquet(self.folder / f"{name}.parquet")
        except (OSError, ValueError) as error:
            raise ResultsError(f"{self.folder}: cannot read the table {name}: {error}") from error


@contextmanager
def _claimed(folder: str | Path) -> Iterator[Path]:
    """A place to write to, which becomes the folder if nothing is raised and vanishes else."""
    claimed = claim_folder(Path(folder), KIND)
    try:
        yield claimed.staging
    except BaseException:
        claimed.discard()
        raise
    claimed.publish()


def _common(tables_a: Frames, tables_b: Frames, names: tuple[str, str]) -> tuple[tuple[Frames, Frames], list[str]]:
    """Both worlds up to the last quarter that both have, and a note if that cuts one short."""
    ends = [str(tables["market"]["quarter"].max()) for tables in (tables_a, tables_b)]
    if ends[0] == ends[1]:
        return (tables_a, tables_b), []
    last = min(ends)
    starts = [str(tables["market"]["quarter"].min()) for tables in (tables_a, tables_b)]
    if max(starts) > last:
        raise SweepError(
            f"{names[0]} and {names[1]} have no quarter in common: {starts[0]}..{ends[0]}, {starts[1]}..{ends[1]}"
        )
    note = f"{names[0]} ends in {ends[0]}, {names[1]} in {ends[1]}: compared up to {last}"
    return (_until(tables_a, last), _until(tables_b, last)), [note]


def _until(tables: Frames, last: str) -> Frames:
    return {name: frame[frame["quarter"] <= last] for name, frame in tables.items()}


def _values(outcome: Outcome, a: Frames, b: Frames) -> tuple[pd.Series, pd.Series]:
    """An outcome by run in both worlds; NaN for all runs of a world in which nothing has that name.

    Raises SweepError if that is so in both.
    """
    import pandas as pd

    values, problems = [], []
    for tables in (a, b):
        try:
            values.append(outcome.of(tables))
        except SweepError as error:
            values.append(pd.Series(float("nan"), index=tables["market"]["run"].unique()))
            problems.append(error)
    if len(problems) == 2:
        raise problems[0]
    return values[0], values[1]


def _distinct(a: str, b: str) -> tuple[str, str]:
    return (a, b) if a != b else (f"{a} (A)", f"{b} (B)")


def _write_tables(folder: Path, tables: Frames) -> None:
    import pyarrow.parquet as pq

    for name, frame in tables.items():
        pq.write_table(arrow_table(frame, TABLES[name]), folder / f"{name}.parquet")


def _defined(value: Any) -> Any:
    return None if isinstance(value, float) and value != value else value
