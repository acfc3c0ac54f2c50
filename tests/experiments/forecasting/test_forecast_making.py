"""Forecasts end to end on the smallest market: members are runs, fans are their quantiles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cloudpact.results import Results
from experiments.forecasting import Forecast, forecast
from experiments.forecasting.making import _parameters
from experiments.forecasting.series import target_series
from experiments.running import run
from experiments.sweeps.errors import SweepError
from experiments.target_values import target_values
from market.scenario import Scenario

RUNS = 8


class FakePosterior:
    """Draws of one parameter that tell their number."""

    def sample(self, n: int, seed: int) -> list[dict[str, Any]]:
        return [{"demand.elasticity": 0.5 + 0.01 * number} for number in range(n)]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Forecast:
    return forecast(
        "tiny",
        "2025Q4",
        RUNS,
        seed=3,
        jobs=1,
        out=tmp_path_factory.mktemp("forecast") / "tiny",
        posterior=FakePosterior(),
        statements=["labs[Ada].dependence_hhi@2025Q2 <= 10000", "utilisation_frac@2025Q4 > 2"],
    )


def member(made: Forecast, number: int) -> Results:
    point = made.sweep.design.points[number]
    return run(made.study.scenario(point), seed=3, replicate=point["luck"])


def test_a_member_is_the_run_with_its_scenario_and_its_luck(made: Forecast) -> None:
    points = made.sweep.design.points
    assert [point["luck"] for point in points] == [0, 1, 0, 1, 2, 3, 2, 3]
    assert [point["demand.elasticity"] for point in points] == [0.5, 0.5, 0.51, 0.51, 0.52, 0.52, 0.53, 0.53]
    for number in (0, 1, 6):
        for name in ("market", "labs"):
            table = made.sweep.tables[name]
            mine = table[table["run"] == number].drop(columns="run").reset_index(drop=True)
            theirs = member(made, number).tables[name].drop(columns="run").reset_index(drop=True)
            assert mine.equals(theirs)


def test_members_that_differ_in_luck_alone_are_two(made: Forecast) -> None:
    world = made.sweep.design.points[0]["scenario"]
    one, other = (made.study.scenario({"scenario": world, "luck": luck}) for luck in (0, 1))
    assert one.diff(other) == {"name": (f"tiny / {world}, luck 0", f"tiny / {world}, luck 1")}
    assert one.content_hash() != other.content_hash()


def test_no_two_members_are_taken_for_one(made: Forecast) -> None:
    assert made.sweep.runs["key"].nunique() == RUNS
    assert (made.sweep.runs["same_as"] == made.sweep.runs["run"]).all()


def test_fans_are_quantiles_of_the_members(made: Forecast) -> None:
    fans = made.fans.set_index(["series", "quarter"])
    values = made.sweep.outcome("capacity_gw@2025Q3").to_numpy()
    (row,) = fans.loc[[("capacity_gw", "2025Q3")]].to_dict("records")
    assert [row[name] for name in ("q10", "q25", "q50", "q75", "q90")] == pytest.approx(
        np.quantile(values, [0.1, 0.25, 0.5, 0.75, 0.9]).tolist(), rel=1e-12
    )
    assert (row["horizon"], row["unit"], row["runs"]) == (3, "GW", RUNS)
    assert fans.index.get_level_values("quarter").unique().tolist() == ["2025Q1", "2025Q2", "2025Q3", "2025Q4"]
    for series in ("capex[North]", "market_share[East]", "run_rate[Ada]", "cloud_hhi", "frontier_top2_frac"):
        assert (series, "2025Q4") in fans.index


def test_a_target_is_what_the_provider_s_table_says(made: Forecast) -> None:
    providers = made.sweep.tables["providers"]
    north = providers[(providers["provider"] == "North") & (providers["quarter"] == "2025Q2")]
    members = made.members.xs("2025Q2", level="quarter")
    assert members["capex[North]"].tolist() == north["capex_usd_bn"].tolist()


def test_targets_that_statements_may_name_are_those_of_the_runs(made: Forecast) -> None:
    tables = {name: table[table["run"] == 0] for name, table in made.sweep.tables.items()}
    scenario = made.study.scenario(made.sweep.design.points[0])
    found = target_values(tables, scenario, list(made.quarters))
    assert {name.rpartition("@")[0] for name in found.columns} == set(target_series(scenario))


def test_shares_add_up_to_one(made: Forecast) -> None:
    for _, rows in made.shares.groupby(["series", "quarter"]):
        assert rows["share"].sum() == pytest.approx(1.0)
    assert set(made.shares["source"]) == {
        "parameters", "bargaining", "demand", "investment", "expectations", "scenario", "luck", "interaction",
    }  # fmt: skip
    with pytest.raises(SweepError, match="no series 'capex' in 2025Q4"):
        made.shares_of("capex", "2025Q4")


def test_further_statements_are_checked_and_answered(made: Forecast) -> None:
    more = made.with_statements(["capacity_gw@2025Q4 > 0"])
    assert more.probabilities["probability"].tolist() == [1.0, 0.0, 1.0]
    with pytest.raises(SweepError, match="there is no 'capacity'"):
        made.with_statements(["capacity@2025Q4 > 0"])


def test_probabilities_of_what_is_sure(made: Forecast) -> None:
    certain, impossible = made.probabilities.to_dict("records")
    assert (certain["probability"], certain["high"], certain["runs"]) == (1.0, 1.0, RUNS)
    assert (impossible["probability"], impossible["low"], impossible["standard_error"]) == (0.0, 0.0, 0.0)
    assert 0.0 < impossible["high"] < 1.0


def test_the_same_call_goes_on_and_gives_the_same(made: Forecast) -> None:
    again = forecast(
        "tiny", "2025Q4", RUNS, seed=3, jobs=1, out=made.sweep.folder, posterior=FakePosterior(), statements=[]
    )
    assert again.fans.equals(made.fans)
    with pytest.raises(SweepError, match="holds another sweep"):
        forecast("tiny", "2025Q4", RUNS, seed=4, jobs=1, out=made.sweep.folder, posterior=FakePosterior())


@pytest.mark.slow
def test_two_processes_give_the_same_bits(made: Forecast, tmp_path: Path) -> None:
    other = forecast("tiny", "2025Q4", RUNS, seed=3, jobs=2, out=tmp_path / "two", posterior=FakePosterior())
    assert other.sweep.content_hash() == made.sweep.content_hash()


@pytest.mark.parametrize("width", [60, 100, 140])
def test_the_text_fits_its_width(made: Forecast, width: int) -> None:
    text = made.text(width)
    assert max(map(len, text.splitlines())) <= width
    for part in ("8 runs, seed 3", "Shares of the variance", "Probability that", "100 %", "11 shipped statements"):
        assert part in " ".join(text.split())


def test_plain_values_are_json(made: Forecast) -> None:
    import json

    plain = made.plain()
    assert plain["statements"][0]["by_scenario"]["as-is"] == 1.0
    json.dumps(plain, allow_nan=False)
    assert (plain["origin"], plain["until"], plain["runs"], plain["seed"]) == ("2024Q4", "2025Q4", RUNS, 3)
    assert len(plain["facts_hash"]) == len(plain["scenario_hash"]) == len(plain["code_version"]) == 64
    assert plain["fans"][0].keys() >= {"series", "unit", "quarter", "q10", "q90"}


def test_a_wrong_request_leaves_nothing_behind(tmp_path: Path) -> None:
    out = tmp_path / "none"
    for options in ({"runs": 6}, {"until": "2020Q1"}, {"seed": -1}, {"statements": ["capacity_gw"]}):
        with pytest.raises(SweepError):
            forecast("tiny", **{"until": "2025Q4", "runs": 8, **options}, out=out)  # type: ignore[arg-type]
    assert not out.exists()


def test_without_a_posterior_it_says_so() -> None:
    draws, note = _parameters(Scenario.load("tiny"), None, 4, 1)
    assert (draws, note) == ([], "no facts are imposed on 'tiny': its own parameters in every run")
