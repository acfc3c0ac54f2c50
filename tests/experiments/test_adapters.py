from __future__ import annotations

import pickle
import sys
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest

from experiments.adapters import ema_model, salib_problem
from experiments.running import SimulationError, run
from experiments.sweeps.errors import SweepError
from experiments.sweeps.factors import Factor
from market.scenario import Scenario
from market.scenario_errors import ScenarioError

pytestmark = pytest.mark.slow  # the libraries take seconds to load

TINY = Scenario.load("tiny").with_({"time.end": "2026Q4"})
QUARTERS = 8
VARY = {
    "negotiation.provider_power": (0.2, 0.8),
    "enterprises.count": (20, 60),
    "negotiation.protocol": ["nash", "kalai_smorodinsky"],
    "policy.exclusivity_ban": [False, True],
}
NUMBERS = {"negotiation.provider_power": (0.2, 0.8), "enterprises.count": (20, 60)}
OUTCOMES = ["backlog_usd_bn", "labs[Byron].compute_gw@2026Q1", "sum(capex_usd_bn)"]
SERIES = ["capacity_gw", "deals_signed"]


def by_hand(values: Mapping[str, Any], seed: int, replicate: int = 0) -> dict[str, Any]:
    """What `cloudpact.run` gives, read off its tables without the outcomes' own code."""
    results = run(TINY.with_(values), seed=seed, replicate=replicate)
    labs = results.labs
    byron = labs[(labs["lab"] == "Byron") & (labs["quarter"] == "2026Q1")]
    return {
        "backlog_usd_bn": results.market["backlog_usd_bn"].iloc[-1],
        "labs[Byron].compute_gw@2026Q1": byron["compute_gw"].iloc[0],
        "sum(capex_usd_bn)": results.market["capex_usd_bn"].sum(),
        "capacity_gw": results.market["capacity_gw"].to_numpy(),
        "deals_signed": results.market["deals_signed"].to_numpy(),
    }


def experiments_of(model: Any, **settings: Any) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """What EMA's own workflow gives; its own deprecated calls are no concern of ours."""
    from ema_workbench import SequentialEvaluator

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        with SequentialEvaluator(model) as evaluator:
            return evaluator.perform_experiments(**settings)


def same_as_by_hand(experiments: pd.DataFrame, outcomes: Mapping[str, np.ndarray], seed: int) -> None:
    names = {path.replace(".", "_"): path for path in VARY}
    for row, experiment in enumerate(experiments.to_dict("records")):
        expected = by_hand({path: experiment[name] for name, path in names.items() if name in experiment}, seed)
        assert outcomes["backlog_usd_bn"][row] == expected["backlog_usd_bn"]
        assert outcomes["labs_Byron_compute_gw_2026Q1"][row] == expected["labs[Byron].compute_gw@2026Q1"]
        assert outcomes["sum_capex_usd_bn"][row] == pytest.approx(expected["sum(capex_usd_bn)"], rel=1e-15)
        assert outcomes["capacity_gw"][row].tolist() == expected["capacity_gw"].tolist()
        assert outcomes["deals_signed"][row].tolist() == expected["deals_signed"].tolist()


def test_ema_experiments_are_the_runs_of_the_market() -> None:
    model = ema_model(
        TINY, VARY, OUTCOMES, series=SERIES, levers=["negotiation.protocol", "policy.exclusivity_ban"], seed=5
    )
    experiments, outcomes = experiments_of(model, scenarios=3, policies=2)
    assert len(experiments) == 6
    assert experiments["enterprises_count"].between(20, 60).all()
    assert experiments["enterprises_count"].dtype.kind == "i"
    assert experiments["negotiation_provider_power"].nunique() == 3
    assert set(experiments["negotiation_protocol"]) <= {"nash", "kalai_smorodinsky"}
    assert experiments["policy_exclusivity_ban"].dtype == bool
    assert outcomes["capacity_gw"].shape == (6, QUARTERS)
    assert len(set(outcomes["backlog_usd_bn"])) > 1
    same_as_by_hand(experiments, outcomes, seed=5)


def test_ema_without_a_policy_leaves_the_levers_as_the_scenario_has_them() -> None:
    model = ema_model(TINY, VARY, OUTCOMES, series=SERIES, levers=["negotiation.protocol", "policy.exclusivity_ban"])
    experiments, outcomes = experiments_of(model, scenarios=1)
    values = {
        "negotiation.provider_power": experiments["negotiation_provider_power"][0],
        "enterprises.count": experiments["enterprises_count"][0],
    }
    assert outcomes["backlog_usd_bn"][0] == by_hand(values, seed=1)["backlog_usd_bn"]


def test_ema_parameters_and_outcomes_are_of_the_right_kind() -> None:
    from ema_workbench import (
        BooleanParameter,
        CategoricalParameter,
        IntegerParameter,
        RealParameter,
        ScalarOutcome,
        TimeSeriesOutcome,
    )

    model = ema_model(TINY, VARY, OUTCOMES, series=SERIES, levers=["policy.exclusivity_ban"])
    assert [(type(each), each.name) for each in model.uncertainties] == [
        (RealParameter, "negotiation_provider_power"),
        (IntegerParameter, "enterprises_count"),
        (CategoricalParameter, "negotiation_protocol"),
    ]
    assert [(type(each), each.name) for each in model.levers] == [(BooleanParameter, "policy_exclusivity_ban")]
    assert [(type(each), each.name, list(each.variable_name)) for each in model.outcomes] == [
        (ScalarOutcome, "backlog_usd_bn", ["backlog_usd_bn"]),
        (ScalarOutcome, "labs_Byron_compute_gw_2026Q1", ["labs[Byron].compute_gw@2026Q1"]),
        (ScalarOutcome, "sum_capex_usd_bn", ["sum(capex_usd_bn)"]),
        (TimeSeriesOutcome, "capacity_gw", ["capacity_gw"]),
        (TimeSeriesOutcome, "deals_signed", ["deals_signed"]),
    ]
    power, count = model.uncertainties["negotiation_provider_power"], model.uncertainties["enterprises_count"]
    assert (power.lower_bound, power.upper_bound) == (0.2, 0.8)
    assert (count.lower_bound, count.upper_bound) == (20, 60)
    assert model.name == "tiny"


def test_an_ema_model_is_pickled_with_the_same_numbers() -> None:
    model = pickle.loads(pickle.dumps(ema_model(TINY, NUMBERS, OUTCOMES, series=SERIES, seed=3)))
    values = {"negotiation.provider_power": 0.3, "enterprises.count": 25}
    assert model.function(**values)["backlog_usd_bn"] == by_hand(values, seed=3)["backlog_usd_bn"]


def test_ema_replicates_are_averaged() -> None:
    model = ema_model(TINY, NUMBERS, ["backlog_usd_bn"], series=["capacity_gw"], seed=2, replicates=3)
    values = {"negotiation.provider_power": 0.3, "enterprises.count": 25}
    single = [by_hand(values, 2, replicate) for replicate in range(3)]
    found = model.function(**values)
    assert len({each["backlog_usd_bn"] for each in single}) > 1
    assert found["backlog_usd_bn"] == np.mean([each["backlog_usd_bn"] for each in single])
    assert found["capacity_gw"].tolist() == np.mean([each["capacity_gw"] for each in single], axis=0).tolist()


def test_a_failed_run_is_nan_in_ema_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(scenario: Scenario, seed: int, replicate: int) -> Any:
        if scenario.negotiation.provider_power > 0.5:
            raise SimulationError("2025Q2 talks", "ValueError: boom")
        return run(scenario, seed, replicate)

    monkeypatch.setattr("experiments.adapters.run", fails)
    model = ema_model(TINY, NUMBERS, ["backlog_usd_bn"], series=["capacity_gw"])
    with pytest.warns(
        RuntimeWarning, match=r"replicate 0 failed, its outcomes are NaN: 2025Q2 talks: ValueError: boom"
    ):
        experiments, outcomes = experiments_of(model, scenarios=8)
    failed = (experiments["negotiation_provider_power"] > 0.5).to_numpy()
    assert 0 < failed.sum() < 8
    assert np.isnan(outcomes["backlog_usd_bn"]).tolist() == failed.tolist()
    assert np.isnan(outcomes["capacity_gw"]).all(axis=1).tolist() == failed.tolist()


def test_values_that_cannot_be_run_together_are_nan_in_ema_and_said() -> None:
    model = ema_model(TINY, {"time.start": ["2025Q1", "2026Q1"], "time.end": ["2025Q4", "2026Q4"]}, ["backlog_usd_bn"])
    with pytest.warns(RuntimeWarning, match=r"replicate 0 failed, its outcomes are NaN: time\.end: 2025Q4 is before"):
        found = model.function(**{"time.start": "2026Q1", "time.end": "2025Q4"})
    assert np.isnan(found["backlog_usd_bn"])


def test_a_lab_that_a_run_does_not_have_has_no_value_in_ema() -> None:
    model = ema_model(TINY, NUMBERS, ["labs[Byron].compute_gw", "labs[Ada].compute_gw"])
    found = model.function(**{"labs.Byron.remove": True})
    assert np.isnan(found["labs[Byron].compute_gw"])
    assert found["labs[Ada].compute_gw"] > 0


@pytest.mark.slow
def test_the_multiprocessing_evaluator_of_ema_gives_the_same() -> None:
    from ema_workbench import MultiprocessingEvaluator

    model = ema_model(TINY, VARY, OUTCOMES, series=SERIES, seed=5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        with MultiprocessingEvaluator(model, n_processes=2) as evaluator:
            experiments, outcomes = evaluator.perform_experiments(scenarios=4)
    same_as_by_hand(experiments, outcomes, seed=5)


def test_the_extra_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ema_workbench", None)
    with pytest.raises(SweepError, match=r"'ema_workbench' is not installed; do: pip install 'cloudpact\[discovery\]'"):
        ema_model(TINY, NUMBERS, ["alignment_hhi"])


EMA_REFUSED = [
    ({"vary": {}}, "vary: nothing varies; allowed: paths with (low, high) or a list of choices"),
    ({"outcomes": []}, "ema_model: no outcomes; allowed: one or more, such as alignment_hhi"),
    (
        {"outcomes": "alignment_hhi"},
        "outcomes: 'alignment_hhi' is one text; allowed: a list, such as ['alignment_hhi']",
    ),
    (
        {"outcomes": ["alignment_hhi"] * 2},
        "ema_model: 'alignment_hhi' has the same name in EMA as another, alignment_hhi",
    ),
    ({"outcomes": ["alignment_hii"]}, "; did you mean 'alignment_hhi'?"),
    ({"outcomes": ["labs[Byron].compute_gw@"]}, "outcome 'labs[Byron].compute_gw@': is not an outcome; allowed: "),
    ({"outcomes": ["labs[Byrom].compute_gw"]}, "no 'Byrom'; allowed: Ada, Byron; did you mean 'Byron'?"),
    ({"outcomes": ["alignment[Ada,Nroth].stake_frac"]}, "no 'Nroth'; allowed: North, East; did you mean 'North'?"),
    ({"outcomes": ["alignment_hhi@2031Q1"]}, "no quarter 2031Q1; allowed: 2025Q1..2026Q4"),
    ({"series": ["capacity_mw"]}, "; did you mean 'capacity_gw'?"),
    ({"series": ["quarter"]}, "outcome 'quarter': no number 'quarter'; allowed: forecast, capacity_gw, "),
    (
        {"levers": ["enterprises.cuont"]},
        "levers: 'enterprises.cuont' does not vary; allowed: negotiation.provider_power",
    ),
    ({"replicates": 0}, "replicates: 0 is too few; allowed: 1 or more"),
    ({"vary": {"negotiation.provider_power": (0.8, 0.2)}}, "negotiation.provider_power: not an interval"),
    ({"vary": {"negotiation.provider_power": (0.2, 1.2)}}, "negotiation.provider_power: out of range"),
    ({"vary": {"negotiation.power": (0.2, 0.8)}}, "negotiation.power: unknown key"),
    ({"vary": {"negotiation.protocol": ["nash"]}}, "negotiation.protocol: one choice only; allowed: two or more"),
    (
        {"vary": {"time.end": ["2025Q3", "2025Q4"]}, "series": ["capacity_gw"]},
        "time.end: cannot vary with a time series, all of which have the same quarters in EMA",
    ),
]


@pytest.mark.parametrize(("settings", "told"), EMA_REFUSED)
def test_what_ema_cannot_take_is_refused_in_one_line(settings: dict[str, Any], told: str) -> None:
    with pytest.raises((SweepError, ScenarioError)) as raised:
        ema_model(TINY, **{"vary": NUMBERS, "outcomes": ["alignment_hhi"], **settings})
    assert told in str(raised.value)
    assert "\n" not in str(raised.value)


def ishigami(values: Mapping[str, Any], seed: int, replicate: int) -> dict[str, float]:
    """Ishigami and Homma (1990) with a = 7, b = 0.1, and a second outcome."""
    x, y, z = values["x"], values["y"], values["z"]
    return {"ishigami": np.sin(x) + 7.0 * np.sin(y) ** 2 + 0.1 * z**4 * np.sin(x), "sum": x + y + z}


def fails_at_high(values: Mapping[str, Any], seed: int, replicate: int) -> dict[str, float]:
    if values["x"] > 0.5 or (values["x"] > 0.25 and replicate == 1):
        raise ValueError("too high")
    return {"y": values["x"] + replicate}


CUBE = dict.fromkeys("xyz", (-np.pi, np.pi))


def test_ishigami_through_salibs_chain_and_plain_functions() -> None:
    from SALib import ProblemSpec
    from SALib.analyze import sobol as analysis
    from SALib.sample import sobol as sampling

    problem = salib_problem(ishigami, CUBE, "ishigami")
    spec = ProblemSpec(problem.problem).sample_sobol(512, calc_second_order=False, seed=1)
    spec.evaluate(problem.evaluate).analyze_sobol(calc_second_order=False, seed=1)
    # exact indices: 0.3139, 0.4424, 0 and total 0.5576, 0.4424, 0.2437
    assert spec.analysis["S1"] == pytest.approx([0.3139, 0.4424, 0.0], abs=0.05)
    assert spec.analysis["ST"] == pytest.approx([0.5576, 0.4424, 0.2437], abs=0.05)

    X = sampling.sample(problem.problem, 32, calc_second_order=False, seed=1)
    Y = problem.evaluate(X)
    points = [dict(zip("xyz", row, strict=True)) for row in X.tolist()]
    directly = np.array([ishigami(point, 1, 0)["ishigami"] for point in points])
    assert Y.tolist() == directly.tolist()
    told, expected = (analysis.analyze(problem.problem, y, calc_second_order=False, seed=1) for y in (Y, directly))
    assert told["S1"].tolist() == expected["S1"].tolist()


def test_several_outcomes_are_columns_and_analysed_by_name() -> None:
    from SALib import ProblemSpec

    problem = salib_problem(ishigami, CUBE, ["ishigami", "sum"])
    spec = ProblemSpec(problem.problem).sample_sobol(64, calc_second_order=False, seed=1)
    spec.evaluate(problem.evaluate).analyze_sobol(calc_second_order=False, seed=1)
    assert spec.results.shape == (64 * 5, 2)
    assert set(spec.analysis) == {"ishigami", "sum"}
    assert spec.analysis["sum"]["ST"] == pytest.approx([1 / 3] * 3, abs=0.05)
    assert spec.results[:, 1] == pytest.approx(spec.samples.sum(axis=1), rel=1e-15)


def test_salib_evaluates_the_runs_of_the_market() -> None:
    from SALib import ProblemSpec

    problem = salib_problem(TINY, NUMBERS, OUTCOMES[:2], seed=4)
    spec = ProblemSpec(problem.problem).sample_sobol(2, calc_second_order=False, seed=1).evaluate(problem.evaluate)
    assert spec.results.shape == (8, 2)
    for point, row in zip(problem.points(spec.samples), spec.results.tolist(), strict=True):
        expected = by_hand(point, seed=4)
        assert row == [expected[name] for name in OUTCOMES[:2]]


@pytest.mark.slow
def test_two_processes_give_the_same_and_replicates_are_averaged() -> None:
    X = np.array([[0.25, 30.0], [0.75, 40.0]])
    one = salib_problem(TINY, NUMBERS, "backlog_usd_bn", replicates=2)
    two = salib_problem(TINY, NUMBERS, "backlog_usd_bn", replicates=2, jobs=2)
    assert one.evaluate(X).tolist() == two.evaluate(X).tolist()
    point = one.points(X)[0]
    assert one.evaluate(X)[0] == np.mean([by_hand(point, 1, k)["backlog_usd_bn"] for k in range(2)])


def test_whole_numbers_and_lists_of_numbers_are_equally_likely() -> None:
    vary = {"real": (-1.0, 3.0), "whole": Factor("whole", 1, 4, integer=True), "listed": [0.5, 8.0]}
    problem = salib_problem(ishigami, vary, "y")
    assert problem.problem["bounds"] == [[-1.0, 3.0], [1.0, 4.0], [0.5, 8.0]]
    shares = np.linspace(0.0, 1.0, 8001)
    X = np.array([[-1.0, 1.0, 0.5]]) + shares[:, None] * np.array([[4.0, 3.0, 7.5]])
    table = pd.DataFrame(problem.points(X))
    assert table["real"].tolist() == X[:, 0].tolist()
    assert table["whole"].value_counts().sort_index().tolist() == pytest.approx([2000] * 4, abs=1)
    assert table["listed"].value_counts().to_dict() == pytest.approx({0.5: 4000, 8.0: 4000}, abs=1)
    assert type(problem.points(X)[0]["whole"]) is int


def test_failed_runs_are_said_and_nan_only_where_no_replicate_is_left() -> None:
    problem = salib_problem(fails_at_high, {"x": (0.0, 1.0)}, "y", replicates=2)
    told = r"3 runs failed and are left out; the first: fails_at_high: ValueError: too high"
    with pytest.warns(RuntimeWarning, match=told):
        Y = problem.evaluate(np.array([[0.75], [0.375], [0.125]]))
    assert np.isnan(Y[0])
    assert Y[1:].tolist() == [0.375, 0.625]


SALIB_REFUSED = [
    ({"vary": VARY}, "negotiation.protocol: SALib takes no categories (nash, kalai_smorodinsky); allowed: an interval"),
    ({"vary": {}}, "vary: nothing varies; allowed: paths with (low, high) or a list of choices"),
    ({"vary": {"negotiation.power": (0.2, 0.8)}}, "negotiation.power: unknown key"),
    ({"vary": {"enterprises.count": (20.5, 30)}}, "enterprises.count: a bound that is no whole number"),
    ({"outcomes": []}, "salib_problem: no outcomes; allowed: one or more, such as alignment_hhi"),
    ({"outcomes": "capacity_mw"}, "; did you mean 'capacity_gw'?"),
    ({"replicates": 0}, "replicates: 0 is too few; allowed: 1 or more"),
]


@pytest.mark.parametrize(("settings", "told"), SALIB_REFUSED)
def test_what_salib_cannot_take_is_refused_in_one_line(settings: dict[str, Any], told: str) -> None:
    with pytest.raises((SweepError, ScenarioError)) as raised:
        salib_problem(TINY, **{"vary": NUMBERS, "outcomes": "alignment_hhi", **settings})
    assert told in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("X", "told"),
    [
        ([0.5, 30.0], "X: has shape (2,); allowed: rows by 2 inputs, one row or more"),
        ([[0.5, 30.0, 1.0]], "X: has shape (1, 3); allowed: rows by 2 inputs, one row or more"),
        ([[0.9, 30.0]], "X: negotiation.provider_power is 0.9; allowed: 0.2 to 0.8"),
        ([[np.nan, 30.0]], "X: negotiation.provider_power is nan; allowed: 0.2 to 0.8"),
    ],
)
def test_samples_of_another_problem_are_refused(X: Any, told: str) -> None:
    with pytest.raises(SweepError) as raised:
        salib_problem(TINY, NUMBERS, "alignment_hhi").evaluate(np.array(X))
    assert str(raised.value) == told
