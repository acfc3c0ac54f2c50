"""Small finished sweeps in a folder, simulated in this process, for tests of charts and reports."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from experiments.sweeping import design_of, study_of
from experiments.sweeps.plan import Plan, make_plan
from experiments.sweeps.results import Sweep
from experiments.sweeps.store import SweepStore
from experiments.sweeps.tasks import Batch, execute


def bent(values: Mapping[str, Any], seed: int, replicate: int) -> dict[str, float]:
    """`10 x + 100` with a ban, plus the replicate; outcomes are missing, or the run fails, for large x."""
    if values["x"] > 0.9:
        raise ValueError("<b>x</b> is too large")
    value = 10.0 * values["x"] + 100.0 * bool(values.get("ban", False)) + replicate
    return {"y": float("nan") if values["x"] > 0.8 else value, "same": 1.0}


MARKUP = '<img src=x><b id="evil">"&'


def named_in_markup(values: Mapping[str, Any], seed: int, replicate: int) -> dict[str, float]:
    """An outcome whose name is markup and whose value is always the same."""
    return {MARKUP: 1.0}


def straight(values: Mapping[str, Any], seed: int, replicate: int) -> dict[str, float]:
    """`3 a - 2 b`."""
    return {"y": 3.0 * values["a"] - 2.0 * values["b"]}


def planned(base: Any, vary: Mapping[str, Any] | None = None, replicates: int = 1, **design: Any) -> Plan:
    """The plan of `cloudpact.sweep` with the same arguments."""
    tables = design.pop("tables", ("market",))
    study = study_of(base, design.pop("seed", 1), design.pop("until", None), tables)
    return make_plan(study, design_of(study, vary, **design), replicates)


def swept(folder: Path, plan: Plan, runs: int | None = None) -> Sweep:
    """The sweep of a plan; with `runs` only that many tasks, as one that was stopped leaves it."""
    with SweepStore.open(folder, plan) as store:
        store.commit(execute(plan.study, Batch(0, plan.tasks[:runs])))
        if runs is None:
            store.finish()
    return Sweep.load(folder)
