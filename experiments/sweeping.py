"""`sweep`: many runs over a design, the same from a script and from the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.running import resolve
from experiments.store import next_folder
from experiments.sweeps.designs import METHODS, Design, make_design
from experiments.sweeps.engines import Engine, engine_of
from experiments.sweeps.errors import SweepError
from experiments.sweeps.factors import check_factors
from experiments.sweeps.pacing import Pace, Progress
from experiments.sweeps.plan import Plan, check_whole, make_plan
from experiments.sweeps.results import Sweep
from experiments.sweeps.store import SweepStore
from experiments.sweeps.study import Function, FunctionStudy, MarketStudy
from experiments.sweeps.tables import table_design
from experiments.sweeps.tasks import Task
from experiments.workers import pickled
from market.scenario import Scenario

if TYPE_CHECKING:
    import pandas as pd

    from experiments.sweeps.design_files import SweepRequest
    from market.facts import Facts

type Base = Scenario | str | Path | Sequence[Scenario | str | Path] | Function
type Report = Callable[[Progress], None]

TABLES = ("market", "providers", "labs", "alignment", "deals")


def sweep(
    base: Base = "baseline",
    vary: Mapping[str, Any] | None = None,
    *,
    design: str | Design | pd.DataFrame | Sequence[Mapping[str, Any]] | Path | None = None,
    samples: int | None = None,
    levels: int | None = None,
    trajectories: int | None = None,
    second_order: bool = False,
    replicates: int = 1,
    seed: int = 1,
    until: str | None = None,
    tables: Sequence[str] = TABLES,
    facts: Facts | None = None,
    out: str | Path | None = None,
    jobs: int | None = None,
    engine: str = "local",
    timeout_seconds: float | None = None,
    retry_failed: bool = False,
    progress: Report | None = None,
) -> Sweep:
    """Simulate every point of a design, `replicates` times each, into a folder; go on where it stopped before.

    `base` is a scenario (name, file or Scenario), several of them (each becomes a choice of the column `scenario`),
    or an importable function `f(values, seed, replicate) -> {outcome: number}`. `vary` maps paths to intervals
    `(low, high)` or lists of choices; `design` is grid, random, lhs, sobol, morris, saltelli, or a table of points
    (a CSV or Parquet file, a DataFrame, a list of mappings). Replicate k has the same luck at every point.

    `out` is the folder, a numbered one in `results/` if not given; the same call finishes what a stopped one left.
    `engine` is "local" (with `jobs` processes) or "dask:ADDRESS": the results are the same bits. A run that fails
    is recorded as failed; `retry_failed` tries such runs again; `timeout_seconds` ends a run that takes longer.

    Raises ScenarioError or SweepError, before anything is written, for what cannot be run; KeyboardInterrupt leaves
    everything finished in the folder.
    """
    study = study_of(base, seed, until, tables, facts)
    planned = design_of(study, vary, design, samples, levels, trajectories, second_order)
    plan = make_plan(study, planned, replicates)
    return run_plan(plan, out, engine_of(engine, jobs, timeout_seconds), retry_failed, progress)


def plan_of(request: SweepRequest, facts: Facts | None = None) -> Plan:
    """What a design file asks for, resolved and numbered."""
    study = study_of(request.scenario, request.seed, request.until, request.tables or TABLES, facts)
    return make_plan(study, request.design, request.replicates)


def study_of(
    base: Base, seed: int = 1, until: str | None = None, tables: Sequence[str] = TABLES, facts: Facts | None = None
) -> MarketStudy | FunctionStudy:
    """What is swept: markets under one or several scenarios, or a function."""
    check_whole("seed", seed, 0)
    if callable(base) and not isinstance(base, Scenario):
        return FunctionStudy(base, seed)
    several = list(base) if isinstance(base, Sequence) and not isinstance(base, str) else [base]
    scenarios = [resolve(each, until) for each in several]  # type: ignore[arg-type]
    if not scenarios:
        raise SweepError("no scenario given")
    return MarketStudy(_named(scenarios), seed, _checked_tables(tables), facts)


def _named(scenarios: Sequence[Scenario]) -> dict[str, Scenario]:
    """Scenarios by name; those of one name are numbered."""
    named: dict[str, Scenario] = {}
    for scenario in scenarios:
        same = sum(name == scenario.name or name.startswith(f"{scenario.name} (") for name in named)
        named[f"{scenario.name} ({same + 1})" if same else scenario.name] = scenario
    return named


def _checked_tables(tables: Sequence[str]) -> tuple[str, ...]:
    from cloudpact.schema import TABLES as KNOWN

    if isinstance(tables, str):
        raise SweepError(f"tables: got the text {tables!r}; allowed: a list of names, such as ['market']")
    unknown = [name for name in tables if name not in KNOWN]
    if unknown or "market" not in tables:
        wrong = f"unknown table {unknown[0]!r}" if unknown else "the table 'market' is missing"
        raise SweepError(f"tables: {wrong}; allowed: {', '.join(KNOWN)}, market among them")
    return tuple(name for name in KNOWN if name in tables)


def design_of(
    study: MarketStudy | FunctionStudy,
    vary: Mapping[str, Any] | None,
    design: Any = None,
    samples: int | None = None,
    levels: int | None = None,
    trajectories: int | None = None,
    second_order: bool = False,
) -> Design:
    """The design of a sweep, checked; several scenarios and nothing to vary are a point each."""
    scenarios = study.scenarios if isinstance(study, MarketStudy) else None
    if isinstance(design, Design):
        if scenarios is not None:
            check_factors(design.factors, scenarios)
        return design
    if design is None or (isinstance(design, str) and not design.endswith((".csv", ".parquet"))):
        method = "grid" if design is None else design
        return make_design(
            vary or {}, method, samples, study.seed, levels, trajectories, second_order, scenarios=scenarios
        )
    if not (isinstance(design, str | Path | Sequence) or hasattr(design, "iloc")):
        raise SweepError(f"design: got {design!r}; allowed: {', '.join(METHODS)}, or a table of points")
    given = {"vary": vary, "samples": samples, "levels": levels, "trajectories": trajectories}
    needless = [name for name, value in given.items() if value is not None]
    if needless or second_order:
        raise SweepError(f"{(needless or ['second_order'])[0]}: has no meaning where the design is a table of points")
    return table_design(design, scenarios)


def run_plan(
    plan: Plan,
    out: str | Path | None,
    engine: Engine,
    retry_failed: bool = False,
    report: Report | None = None,
    command: str = "",
) -> Sweep:
    """Do what a plan has left to do, into its folder; `command` is kept there for who wants to repeat it."""
    pickled(plan.study)  # what no other process can import is refused before anything is written
    folder = _numbered(plan) if out is None else Path(out)
    with _opened(folder, plan, command, engine, retry_failed) as store:
        if retry_failed:
            store.forget_failed()
        left = [task for task in plan.tasks if not store.done.issuperset(task.runs)]
        if left:
            _simulate(plan, left, store, engine, report)
        store.finish()
    return Sweep.load(folder)


@contextmanager
def _opened(folder: Path, plan: Plan, command: str, engine: Engine, retry_failed: bool) -> Iterator[SweepStore]:
    """The folder of a sweep, with the engine at work if anything is left to do.

    An engine that cannot be reached is told before a folder is made or a failed run forgotten.
    """
    with ExitStack() as stack:
        store = stack.enter_context(SweepStore.open(folder, plan, command)) if _has_content(folder) else None
        if store is None or len(store.done) < plan.runs or (retry_failed and store.failed):
            stack.enter_context(engine)
        yield store or stack.enter_context(SweepStore.open(folder, plan, command))


def _has_content(folder: Path) -> bool:
    return any(folder.iterdir()) if folder.is_dir() else folder.exists()


def _numbered(plan: Plan) -> Path:
    """The next numbered folder in `results`, named after what is swept."""
    study = plan.study
    name = study.function.__name__ if isinstance(study, FunctionStudy) else next(iter(study.scenarios))
    return next_folder(f"{name}-{plan.design.method}")


def _simulate(plan: Plan, left: list[Task], store: SweepStore, engine: Engine, report: Report | None) -> None:
    pace = Pace(left, engine.workers, done=len(store.done), total=plan.runs, failed=store.failed)
    for part in engine.run(plan.study, pace.batches(store.next_batch)):
        store.commit(part)
        noted = pace.note(part)
        if report is not None:
            report(noted)
