from __future__ import annotations

import pytest

from cloudpact.results import Results
from experiments.ensemble import run_ensemble
from experiments.running import resolve, run
from market.scenario import Scenario
from market.scenario_files import ScenarioError


def test_a_run_reports_every_quarter_and_keeps_its_graph() -> None:
    seen: list[tuple[int, int]] = []
    results = run("tiny", seed=7, replicate=3, until="2025Q3", progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert results.runs == [3]
    assert results.market["quarter"].tolist() == ["2025Q1", "2025Q2", "2025Q3"]
    assert list(results.graphs) == [3]


def test_watching_a_run_changes_nothing() -> None:
    watched = run("tiny", seed=7, until="2025Q3", progress=lambda done, total: None)
    assert watched.content_hash() == run("tiny", seed=7, until="2025Q3").content_hash()


def test_replicates_and_seeds_differ() -> None:
    revenues = {
        tuple(run("tiny", seed=seed, replicate=replicate).labs["revenue_annualised_usd_bn"])
        for seed, replicate in ((1, 0), (1, 1), (2, 0))
    }
    assert len(revenues) == 3


@pytest.mark.slow
def test_an_ensemble_is_its_replicates_for_any_number_of_processes() -> None:
    scenario = Scenario.load("tiny")
    together = Results.concat(run_ensemble(scenario, 7, range(3), jobs=2))
    alone = Results.concat(run(scenario, seed=7, replicate=replicate) for replicate in range(3))
    assert together.content_hash() == alone.content_hash()


def test_until_before_the_start_is_refused() -> None:
    with pytest.raises(ScenarioError, match=r"time\.end: 2019Q4 is before time\.start 2025Q1"):
        resolve("tiny", "2019Q4")
    assert resolve("tiny", "2030Q1").time.end == "2030Q1"
