"""Paired effects against closed forms and SciPy; comparisons of worlds, their folder and their text."""

from __future__ import annotations

import json
import math
import os
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cloudpact.results import Results, ResultsError
from experiments import pairs
from experiments.comparison import Comparison
from experiments.comparison import compare as compare_worlds
from experiments.comparison_text import aligned, interval, share, shown
from experiments.effects import Effect, paired_effects
from experiments.ensemble import EnsembleError
from experiments.running import SimulationError, run, simulated
from experiments.store import claim_folder
from experiments.sweeps.errors import SweepError
from market.scenario import Scenario, Shock
from tests.experiments.fake_runs import row

NAN = math.nan
compare = partial(compare_worlds, jobs=1)
TINY = Scenario.load("tiny").with_({"time.end": "2025Q4"})


def series(*values: float) -> pd.Series:
    return pd.Series(values, dtype=float)


def numbers(effect: Effect) -> dict[str, Any]:
    return {name: getattr(effect, name) for name in Effect.__dataclass_fields__ if name not in ("outcome", "unit")}


# Effects


def test_the_paired_data_of_student_1908() -> None:
    """Hours of sleep gained with two drugs by ten patients; the interval is 0.70 to 2.46 in every textbook."""
    first = series(0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0)
    second = series(1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4)
    found = paired_effects(first, second, "sleep", "hour")
    assert (found.outcome, found.unit) == ("sleep", "hour")
    assert [found.mean_a, found.mean_b, found.effect] == pytest.approx([0.75, 2.33, 1.58])
    assert [found.low, found.high] == pytest.approx([0.7001142, 2.4598858], abs=1e-7)
    assert (found.pairs, found.identical, found.dropped, found.share_same_sign) == (10, 1, 0, 0.9)
    assert found.variance_ratio == pytest.approx(1.5128889 / (3.2005556 + 4.0090000))
    assert found.distinct


@pytest.mark.parametrize("n", [2, 3, 24, 500])
def test_intervals_are_those_of_the_paired_t_test(n: int) -> None:
    rng = np.random.default_rng(n)
    a, b = pd.Series(rng.normal(size=n)), pd.Series(rng.normal(0.3, 2.0, size=n))
    expected = stats.ttest_rel(b, a).confidence_interval(0.95)
    found = paired_effects(a, b)
    assert [found.low, found.high] == pytest.approx([expected.low, expected.high], rel=1e-10)
    assert found.distinct == (stats.ttest_rel(b, a).pvalue < 0.05)


@pytest.mark.parametrize("rho", [-0.5, 0.0, 0.6, 0.99])
def test_variance_ratio_of_correlated_normals(rho: float) -> None:
    """1 - rho for equal variances; the estimate's standard deviation is below 1 % of 1 at 40,000 pairs."""
    draws = np.random.default_rng(7).multivariate_normal([0.0, 1.0], [[1.0, rho], [rho, 1.0]], size=40_000)
    found = paired_effects(pd.Series(draws[:, 0]), pd.Series(draws[:, 1]))
    assert found.variance_ratio == pytest.approx(1.0 - rho, abs=0.03)


def test_half_the_intervals_width_falls_with_the_variance_ratio() -> None:
    """Same worlds, pairs broken up: the width grows by 1 / sqrt(1 - rho)."""
    a = pd.Series(np.random.default_rng(1).normal(size=2000))
    b = 0.8 * a + 0.6 * pd.Series(np.random.default_rng(2).normal(size=2000))
    paired, broken = paired_effects(a, b), paired_effects(a, b.sample(frac=1.0, random_state=3, ignore_index=True))
    widths = (broken.high - broken.low) / (paired.high - paired.low)
    assert widths == pytest.approx(math.sqrt(broken.variance_ratio / paired.variance_ratio), rel=1e-12)
    assert widths == pytest.approx(1.0 / math.sqrt(0.2), rel=0.05)


def test_equal_worlds_differ_by_exactly_nothing() -> None:
    a = series(0.1, 0.2, 0.7)
    assert numbers(paired_effects(a, a.copy())) == pytest.approx(
        {
            "mean_a": 1 / 3,
            "mean_b": 1 / 3,
            "effect": 0.0,
            "low": 0.0,
            "high": 0.0,
            "share_same_sign": NAN,
            "variance_ratio": 0.0,
            "pairs": 3,
            "identical": 3,
            "dropped": 0,
        },
        rel=1e-15,
        abs=0.0,
        nan_ok=True,
    )


def test_differences_of_rounding_are_ties() -> None:
    """0.1 + 0.2 is above 0.3 by a bit; exactly equal values alone are identical."""
    found = paired_effects(series(0.3, 2.0, 2.0, 5e9), series(0.1 + 0.2, 3.0, 2.0, 5e9 + 1e-5))
    assert (found.share_same_sign, found.identical) == (0.25, 1)
    assert paired_effects(series(5e9), series(5e9 + 1e-2)).share_same_sign == 1.0
    tied = paired_effects(series(0.3, 0.3), series(0.1 + 0.2, 0.3))
    assert tied.effect > 0.0
    assert math.isnan(tied.share_same_sign)


def test_a_constant_difference_has_an_interval_of_no_width() -> None:
    found = paired_effects(series(1.0, 2.0, 4.0), series(1.5, 2.5, 4.5))
    assert (found.effect, found.low, found.high, found.variance_ratio) == (0.5, 0.5, 0.5, 0.0)
    assert (found.share_same_sign, found.identical, found.distinct) == (1.0, 0, True)


def test_constant_worlds_have_no_variance_to_compare() -> None:
    found = paired_effects(series(0.1, 0.1, 0.1), series(0.3, 0.3, 0.3))
    assert math.isnan(found.variance_ratio)
    assert found.low == found.effect == found.high


@pytest.mark.parametrize(("a", "b"), [((1.0,), (3.0,)), ((1.0, NAN, 1.0), (3.0, 3.0, NAN))])
def test_one_pair_has_an_effect_and_no_interval(a: tuple[float, ...], b: tuple[float, ...]) -> None:
    found = paired_effects(series(*a), series(*b))
    assert (found.effect, found.share_same_sign, found.pairs, found.dropped) == (2.0, 1.0, 1, len(a) - 1)
    assert [math.isnan(each) for each in (found.low, found.high, found.variance_ratio)] == [True] * 3
    assert not found.distinct


def test_without_a_pair_nothing_is_defined() -> None:
    found = paired_effects(series(1.0, NAN), series(NAN, 2.0))
    expected = {name: NAN for name in numbers(found)} | {"pairs": 0, "identical": 0, "dropped": 2}
    assert numbers(found) == pytest.approx(expected, nan_ok=True)


def test_runs_are_paired_by_number_and_dropped_without_a_finite_partner() -> None:
    a = pd.Series([3.0, 1.0, 7.0, 2.0, 5.0], index=[2, 0, 9, 4, 5])
    b = pd.Series([1.0, 5.0, 8.0, math.inf, 6.0], index=[0, 2, 3, 4, 5])
    found = paired_effects(a, b)
    # pairs 0, 2 and 5 differ by 0, 2 and 1; 3, 4 and 9 have no finite partner
    assert (found.effect, found.pairs, found.identical, found.dropped) == (1.0, 3, 1, 3)
    assert found.share_same_sign == pytest.approx(2 / 3)
    assert found.high == pytest.approx(1.0 + 4.3026527 / math.sqrt(3.0))


# Comparisons of tables


def market(values: dict[int, list[float]], first: int = 2025) -> dict[str, pd.DataFrame]:
    rows = [
        row("market", quarter=f"{first + i // 4}Q{i % 4 + 1}", capacity_gw=value)
        for run_, each in values.items()
        for i, value in enumerate(each)
    ]
    runs = [run_ for run_, each in values.items() for _ in each]
    return {"market": pd.DataFrame({"run": runs} | pd.DataFrame(rows).to_dict("list"))}


def test_effects_of_outcomes_from_tables() -> None:
    a, b = market({0: [1.0, 2.0], 1: [1.0, 4.0]}), market({0: [1.0, 3.0], 1: [2.0, 7.0]})
    found = Comparison.of(a, b, ("base", "variant"), ["capacity_gw", "sum(capacity_gw)", "capacity_gw@2025Q1"])
    assert found.effects["effect"].to_dict() == {"capacity_gw": 2.0, "sum(capacity_gw)": 2.5, "capacity_gw@2025Q1": 0.5}
    assert found.effects["unit"].tolist() == ["GW", "GW", "GW"]
    assert found.effects["pairs"].tolist() == [2, 2, 2]
    assert (found.names, found.runs, found.notes) == (("base", "variant"), 2, ())


def test_profile_by_quarter() -> None:
    a, b = market({0: [1.0, 2.0], 1: [1.0, 4.0]}), market({0: [1.0, 3.0], 1: [1.0, 7.0]})
    found = Comparison.of(a, b, outcomes=["capacity_gw"]).profile("capacity_gw")
    half = stats.t.ppf(0.975, 1)  # differences 1 and 3: sd / sqrt(2) = 1
    expected = pd.DataFrame(
        {"effect": [0.0, 2.0], "low": [0.0, 2.0 - half], "high": [0.0, 2.0 + half]},
        index=pd.Index(["2025Q1", "2025Q2"], name="quarter"),
    )
    pd.testing.assert_frame_equal(found, expected)
    with pytest.raises(SweepError, match="did you mean 'capacity_gw'"):
        Comparison.of(a, b, outcomes=["capacity_gw"]).profile("capacity_mw")


def test_worlds_of_different_length_are_compared_at_the_last_common_quarter() -> None:
    a, b = market({0: [1.0, 2.0, 9.0]}), market({0: [1.0, 5.0]})
    found = Comparison.of(a, b, ("long", "short"), ["capacity_gw", "max(capacity_gw)"])
    assert found.effects["effect"].tolist() == [3.0, 3.0]
    assert found.notes == ("long ends in 2025Q3, short in 2025Q2: compared up to 2025Q2",)
    assert found.tables[0]["market"]["capacity_gw"].tolist() == [1.0, 2.0, 9.0]
    assert list(found.profile("capacity_gw").index) == ["2025Q1", "2025Q2"]


def test_worlds_without_a_common_quarter_are_refused() -> None:
    with pytest.raises(SweepError, match=r"no quarter in common: 2025Q1..2025Q1, 2030Q1..2030Q1"):
        Comparison.of(market({0: [1.0]}), market({0: [1.0]}, first=2030), outcomes=["capacity_gw"])


def labs(tables: dict[str, pd.DataFrame], name: str) -> dict[str, pd.DataFrame]:
    rows = [row("labs", quarter="2025Q1", lab=name, compute_gw=2.0) | {"run": 0}]
    return tables | {"labs": pd.DataFrame(rows)}


def test_a_lab_that_only_one_world_has_gives_no_pair() -> None:
    a, b = labs(market({0: [1.0]}), "Ada"), labs(market({0: [1.0]}), "Byron")
    found = Comparison.of(a, b, outcomes=["labs[Ada].compute_gw"])
    assert found.effects[["pairs", "dropped"]].to_numpy().tolist() == [[0, 1]]
    assert found.notes == ("labs[Ada].compute_gw: 1 without a value in both worlds",)
    with pytest.raises(SweepError, match="no lab 'Cantor' in any run"):
        Comparison.of(a, b, outcomes=["labs[Cantor].compute_gw"])


# Worlds run together


def test_two_equal_scenarios_differ_by_exactly_nothing() -> None:
    found = compare(TINY, TINY.with_({}), runs=3)
    effects = found.effects
    assert (effects[["effect", "low", "high"]] == 0.0).all(axis=None)
    assert (effects["identical"] == 3).all()
    assert (effects["pairs"] == 3).all()
    assert found.names == ("tiny (A)", "tiny (B)")
    for name, frame in found.tables[0].items():
        pd.testing.assert_frame_equal(frame, found.tables[1][name], check_exact=True)


def shocked() -> Scenario:
    return TINY.model_copy(update={"name": "shocked", "shocks": (Shock(kind="demand_collapse", since="2025Q2"),)})


def test_worlds_are_the_runs_of_the_command_line() -> None:
    found = compare(TINY, shocked(), runs=2, seed=5, outcomes=["lab_revenue_annualised_usd_bn"])
    for side, scenario in enumerate((TINY, shocked())):
        alone = Results.concat([run(scenario, seed=5, replicate=replicate) for replicate in range(2)])
        for name in pairs.KEPT:
            pd.testing.assert_frame_equal(found.tables[side][name], alone.tables[name], check_exact=True)
    effect = found.effects.loc["lab_revenue_annualised_usd_bn"]
    assert effect["effect"] < 0.0
    assert effect["share_same_sign"] == 1.0
    assert effect["variance_ratio"] < 0.2
    assert (found.seed, found.runs, found.names) == (5, 2, ("tiny", "shocked"))


@pytest.mark.slow
def test_the_number_of_processes_changes_no_bit() -> None:
    alone, together = (compare(TINY, shocked(), runs=3, jobs=jobs) for jobs in (1, 2))
    pd.testing.assert_frame_equal(alone.effects, together.effects, check_exact=True)
    for name in pairs.KEPT:
        pd.testing.assert_frame_equal(alone.tables[1][name], together.tables[1][name], check_exact=True)


def test_until_and_progress() -> None:
    calls: list[int] = []
    found = compare(
        "tiny", "symmetric", runs=2, until="2025Q1", outcomes=["capacity_gw"], progress=lambda: calls.append(1)
    )
    assert (len(calls), found.notes) == (2, ())
    assert set(found.tables[1]["market"]["quarter"]) == {"2025Q1"}


def failing(fails: set[tuple[str, int]]) -> Any:
    def simulate(scenario: Scenario, seed: int, replicate: int, **more: Any) -> Any:
        if (scenario.name, replicate) in fails:
            raise SimulationError("2025Q2 settle", "ValueError: broke")
        return REAL(scenario, seed, replicate, **more)

    return simulate


REAL = simulated


def test_a_replicate_that_fails_in_one_world_is_dropped_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairs, "simulated", failing({("shocked", 1)}))
    found = compare(TINY, shocked(), runs=3, outcomes=["capacity_gw"])
    assert found.effects[["pairs", "dropped"]].to_numpy().tolist() == [[2, 1]]
    assert found.notes == (
        "replicate 1 failed in shocked: 2025Q2 settle: ValueError: broke",
        "capacity_gw: 1 without a value in both worlds",
    )
    assert sorted(found.tables[0]["market"]["run"].unique()) == [0, 1, 2]


def breaking_pair(scenarios: Any, seed: int, replicate: int, facts: Any) -> pairs.Pair:
    """Importable by other processes: whole, failed in one world, ended by the system, raised by mistake."""
    frames = {name: table.iloc[:2] for name, table in run(TINY, until="2025Q1").tables.items() if name in pairs.KEPT}
    if replicate == 2:
        os._exit(1)
    if replicate == 3:
        raise ValueError("broke")
    return pairs.Pair(replicate, (frames, "2025Q2 settle: broke" if replicate == 1 else frames))


@pytest.mark.slow
def test_other_processes_tell_what_failed() -> None:
    found, stopped = pairs.simulate_pairs((TINY, TINY), 1, range(4), 2, simulate=breaking_pair)
    assert not stopped
    assert [pair.replicate for pair in found] == [0, 1, 2, 3]
    assert pairs.failures(found, ["a", "b"]) == [
        "replicate 1 failed in b: 2025Q2 settle: broke",
        "replicate 2 failed in a: its process died twice (out of memory?)",
        "replicate 2 failed in b: its process died twice (out of memory?)",
        "replicate 3 failed in a: simulation: ValueError: broke",
        "replicate 3 failed in b: simulation: ValueError: broke",
    ]
    assert pairs.joined(found, 1)["market"]["quarter"].tolist() == ["2025Q1"]


def test_a_world_in_which_nothing_finishes_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(pairs, "simulated", failing({("shocked", 0), ("shocked", 1)}))
    with pytest.raises(EnsembleError, match="no replicate finished; the first failed in 2025Q2 settle"):
        compare(TINY, shocked(), runs=2, out=tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_after_ctrl_c_what_was_finished_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compare(TINY, shocked(), runs=3, out=tmp_path / "out", outcomes=["capacity_gw"], progress=stop)
    kept = Comparison.load(tmp_path / "out")
    assert kept.notes == ("stopped after 1 of 3 pairs",)
    assert kept.effects["pairs"].tolist() == [1]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"runs": 0}, "runs: 0 is too few; allowed: 1 or more"),
        ({"runs": "3"}, "runs: '3' is not a whole number; allowed: 1 or more"),
        ({"runs": 2.5}, "runs: 2.5 is not a whole number; allowed: 1 or more"),
        ({"seed": -1}, "seed: -1 is too small; allowed: 0 or more"),
        ({"jobs": 0}, "jobs: 0 is too small; allowed: 1 or more"),
        ({"outcomes": "capacity_mw"}, "has no number 'capacity_mw'; did you mean 'capacity_gw'"),
        ({"outcomes": ["labs[Nobody].compute_gw"]}, "no lab 'Nobody'; allowed: Ada, Byron"),
        (
            {"outcomes": ["providers[Nort].capacity_gw"]},
            "no provider 'Nort'; allowed: East, North; did you mean 'North'?",
        ),
        ({"outcomes": ["alignment[Ada,Ada].stake_frac"]}, "no provider 'Ada'; allowed: East, North"),
        ({"outcomes": ["capacity_gw@2099Q1"]}, "no run has the quarter 2099Q1; allowed: 2025Q1..2025Q4"),
        ({"outcomes": ["mean(capacity_gw@2024Q4..2025Q2)"]}, "no run has the quarter 2024Q4; allowed: 2025Q1..2025Q4"),
        ({"outcomes": ["capacity_mw"]}, "has no number 'capacity_mw'; did you mean 'capacity_gw'"),
        ({"outcomes": ["labs[Ada].lab"]}, "the table labs has no number 'lab'"),
        ({"outcomes": ["mean(capacity_gw"]}, "is not an outcome"),
    ],
)
def test_mistakes_are_told_before_anything_is_simulated(
    options: dict[str, Any], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pairs, "simulated", None)
    with pytest.raises(SweepError) as raised:
        compare(TINY, shocked(), out=tmp_path / "out", **options)
    assert told in str(raised.value)
    assert "\n" not in str(raised.value)
    assert list(tmp_path.iterdir()) == []


def test_one_outcome_may_stand_alone_and_in_one_world_alone() -> None:
    found = compare(TINY, "symmetric", runs=1, outcomes="labs[Cantor].compute_gw@2025Q2")
    assert found.effects.index.tolist() == ["labs[Cantor].compute_gw@2025Q2"]
    assert found.effects["dropped"].tolist() == [1]


# Folder and text


def test_a_folder_holds_everything(tmp_path: Path) -> None:
    made = compare(TINY, shocked(), runs=2, out=tmp_path / "out")
    found = Comparison.load(tmp_path / "out")
    pd.testing.assert_frame_equal(found.effects, made.effects, check_exact=True)
    assert (found.names, found.notes, found.seed, found.runs) == (made.names, made.notes, made.seed, made.runs)
    assert found.scenarios == made.scenarios
    assert (found.text(), found.plain()) == (made.text(), made.plain())
    for side in (0, 1):
        assert list(found.tables[side]) == list(pairs.KEPT)
        for name in pairs.KEPT:
            pd.testing.assert_frame_equal(found.tables[side][name], made.tables[side][name], check_exact=True)
    pd.testing.assert_frame_equal(found.profile("capacity_gw"), made.profile("capacity_gw"), check_exact=True)
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["kind"] == "comparison"
    again = [Scenario.load(tmp_path / "out" / side / "scenario.toml") for side in "ab"]
    pd.testing.assert_frame_equal(compare(*again, runs=2).effects, made.effects, check_exact=True)


def test_a_folder_in_use_is_refused_before_anything_is_simulated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    monkeypatch.setattr(pairs, "simulated", None)
    with pytest.raises(ResultsError, match="is not empty"):
        compare(TINY, shocked(), runs=1, out=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_folder_that_cannot_be_finished_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = Comparison.of(market({0: [1.0]}), market({0: [1.0]}), outcomes=["capacity_gw"])
    monkeypatch.setattr("experiments.comparison.versions", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        found.save(tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_other_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match="holds no run"):
        Comparison.load(tmp_path)
    claimed = claim_folder(tmp_path / "sweep", "sweep")
    (claimed.staging / "manifest.json").write_text(json.dumps({"schema_version": 2, "kind": "sweep"}))
    with pytest.raises(ResultsError, match="holds no comparison but a sweep"):
        Comparison.load(claimed.publish())


def test_the_text_of_a_comparison() -> None:
    a, b = market({0: [1.0, 20.0], 1: [1.0, 40.0]}), market({0: [1.0, 30.0], 1: [1.0, 70.0]})
    found = Comparison.of(a, b, ("base", "variant"), ["capacity_gw", "capacity_gw@2025Q1"], seed=3, notes=["a word"])
    assert (
        found.text().split("\n\nEffect: mean over pairs")[0]
        == """\
variant against base: 2 pairs of runs with the same luck, seed 3

              base  variant  effect       95 % interval  same sign  variance
capacity_gw  30.00    50.00  +20.00  -107.06 to +147.06       100%      0.20
capacity_gw@2025Q1
             1.000    1.000   0.000      0.000 to 0.000  identical         -

Note: a word."""
    )


def test_the_text_fits_a_terminal() -> None:
    a, b = market({0: [1.0, 2.0]}), market({0: [1.0, 3.0]})
    names = "baseline", "without microsoft-openai-2023-01, microsoft-openai-2019-07"
    outcomes = ["capacity_gw", "mean(capacity_gw@2025Q1..2025Q2)"]
    head = Comparison.of(a, b, names, outcomes, seed=3).text().split("\n\nEffect: mean over pairs")[0]
    assert (
        head
        == """\
without microsoft-openai-2023-01, microsoft-openai-2019-07 (second) against
baseline (first): 1 pair of runs with the same luck, seed 3

             first  second  effect  95 % interval  same sign  variance
capacity_gw  2.000   3.000  +1.000              -       100%         -
mean(capacity_gw@2025Q1..2025Q2)
             1.500   2.000  +0.500              -       100%         -"""
    )
    whole = Comparison.of(a, b, names, seed=3, outcomes=["capacity_gw"]).text()
    assert max(map(len, whole.split("\n"))) <= 80


def test_a_missing_table_is_told(tmp_path: Path) -> None:
    compare(TINY, shocked(), runs=1, until="2025Q1", out=tmp_path / "out")
    (tmp_path / "out" / "b" / "labs.parquet").unlink()
    with pytest.raises(ResultsError, match=r"b/labs.parquet: the file is missing"):
        Comparison.load(tmp_path / "out")


def test_plain_data_knows_no_nan() -> None:
    found = Comparison.of(market({0: [1.0]}), market({0: [2.0]}), outcomes=["capacity_gw"])
    assert json.loads(json.dumps(found.plain(), allow_nan=False)) == {
        "names": ["A", "B"],
        "seed": None,
        "runs": 1,
        "confidence": 0.95,
        "notes": [],
        "effects": [
            {
                "outcome": "capacity_gw",
                "unit": "GW",
                "mean_a": 1.0,
                "mean_b": 2.0,
                "effect": 1.0,
                "low": None,
                "high": None,
                "share_same_sign": 1.0,
                "variance_ratio": None,
                "pairs": 1,
                "identical": 0,
                "dropped": 0,
            }
        ],
    }


def test_cells() -> None:
    assert [shown(value, 1) for value in (1234.56, -0.04, NAN, -2.0)] == ["1,234.6", "0.0", "-", "-2.0"]
    assert (interval(-1.0, 2.0, 1), interval(NAN, NAN, 1)) == ("-1.0 to +2.0", "-")
    cells = [share(0.75, 4, 0), share(0.5, 4, 2), share(NAN, 4, 4), share(NAN, 2, 0), share(NAN, 0, 0)]
    assert cells == ["75%", "50% (2 nil)", "identical", "-", "-"]
    assert aligned(("", "x"), [("long", "1"), ("b", "22")]) == "       x\nlong   1\nb     22"
