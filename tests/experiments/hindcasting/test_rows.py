"""Rows and summaries of a hindcast from ensembles that are made up."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from experiments.benchmark_forecasts import BENCHMARKS
from experiments.hindcast import hindcast, origins_from
from experiments.hindcasting.evidence import evidence
from experiments.hindcasting.rows import Ensemble, hindcast_rows
from experiments.hindcasting.summary import accuracy_tests, by_target, coverage, frame, headline
from experiments.hindcasting.text import terminal_text
from experiments.sweeps.errors import SweepError
from market.calendar import quarter_index, quarter_name
from market.facts import Facts
from tests.experiments.test_origins import poisoned

FACTS = Facts.load()


def sure(origin: str, factor: float, name: str = "capex[Meta]", spread: float = 0.01) -> Ensemble:
    """Members spread evenly around the facts times a factor."""
    known = evidence(name, FACTS, origin, 8)
    assert known is not None
    at, around = quarter_index(origin), 1.0 + spread * np.linspace(-1.0, 1.0, 50)
    columns = {f"{name}@{quarter_name(at + h)}": factor * v * around for h, v in enumerate(known.later, start=1)}
    columns[f"{name}@{origin}"] = np.full(50, known.last[1])
    return Ensemble(origin, "blind", pd.DataFrame(columns), np.full(50, 0.02))


def rows_of(*ensembles: Ensemble) -> pd.DataFrame:
    return frame(list(hindcast_rows(list(ensembles), FACTS, 8, 1)))


def test_a_row_for_every_horizon_with_the_promised_keys() -> None:
    rows = list(hindcast_rows([sure("2022Q4", 1.0)], FACTS, 8, 1))
    assert [row["horizon"] for row in rows] == list(range(1, 9))
    assert {"target", "origin", "horizon", "mode", "crps", "crps_benchmarks", "covered_80", "actual", "median"} <= set(
        rows[0]
    )
    assert set(rows[0]["crps_benchmarks"]) == set(BENCHMARKS)
    assert rows[3]["actual"] == FACTS.capex("Meta")[quarter_index("2023Q4")]


def test_a_forecast_that_knows_beats_all_and_one_that_is_twice_too_high_is_told() -> None:
    good, bad = rows_of(sure("2022Q4", 1.0)), rows_of(sure("2022Q4", 2.0))
    assert headline(good)["won"] == ["capex[Meta]"] and headline(good)["covered_80"] == 1.0
    assert headline(bad)["won"] == [] and headline(bad)["covered_80"] == 0.0
    assert by_target(bad)["bias"].item() == pytest.approx(1.0, abs=0.01)
    assert coverage(good)["model"].tolist() == [1.0] * 8


def test_levels_that_the_market_does_not_know_start_from_the_last_reading() -> None:
    """A share simulated ten points too high throughout is moved down by what it was too high at the last reading."""
    name = "market_share[Amazon]"
    known = evidence(name, FACTS, "2024Q4", 4)
    assert known is not None and known.last[0] == 2  # the reading of 2024Q4 is too weak to aim at
    at = quarter_index("2024Q4")
    columns = {f"{name}@{quarter_name(at + h)}": np.full(400, known.last[1] + 0.1) for h in range(-2, 5)}
    members = Ensemble("2024Q4", "blind", pd.DataFrame(columns), np.full(400, 1 / 400))
    medians = rows_of(members)["median"]
    assert medians.to_numpy() == pytest.approx(known.last[1], abs=0.004)


def test_what_is_known_at_an_origin_and_the_benchmarks_do_not_see_later_facts() -> None:
    spoilt = poisoned(FACTS, quarter_index("2022Q4"))
    clean, other = (evidence("capex[four]", facts, "2022Q4", 4) for facts in (FACTS, spoilt))
    assert clean is not None and other is not None
    assert (clean.history == other.history).all() and (clean.later != other.later).all()
    first, second = (
        next(hindcast_rows([sure("2022Q4", 1.0)], facts, 4, 1))["median_benchmarks"] for facts in (FACTS, spoilt)
    )
    assert first == second


def test_series_that_were_redefined_are_not_scored_across_the_break() -> None:
    cloud = evidence("cloud_revenue[Microsoft]", FACTS, "2023Q4", 8)
    assert cloud is not None and np.isfinite(cloud.later).tolist() == [True, True] + [False] * 6
    share = evidence("market_share[Microsoft]", FACTS, "2024Q2", 8)
    assert share is None


@pytest.mark.slow
def test_equal_accuracy_is_tested_over_origins_in_order() -> None:
    rows = rows_of(*(sure(origin, 1.0) for origin in origins_from("2021Q4", "2023Q4", 2)))
    tests = accuracy_tests(rows, (1,))
    assert set(tests["benchmark"]) == set(BENCHMARKS) and (tests["origins"] == 5).all()
    assert (tests["loss_ratio"] < 0.2).all() and (tests["statistic"] < 0.0).all()
    assert len(accuracy_tests(rows_of(sure("2022Q4", 1.0)))) == 0


def test_the_text_names_what_it_counts() -> None:
    text = terminal_text(rows_of(sure("2022Q4", 1.0)))
    assert "CRPS lower than every benchmark's on 1 of 1 targets" in text
    assert max(map(len, text.splitlines())) <= 100


@pytest.mark.parametrize(
    ("origins", "horizon", "said"),
    [
        (["2019Q4"], 8, "origin 2019Q4 cannot be scored; allowed: 2021Q1 to 2025Q4"),
        (["2026Q1"], 8, "origin 2026Q1 cannot be scored"),
        (["soon"], 8, "origin 'soon' is no quarter"),
        (["2022Q4"], 0, "horizon 0 is out of range"),
    ],
)
def test_what_cannot_be_asked_is_one_line(origins: list[str], horizon: int, said: str) -> None:
    with pytest.raises(SweepError, match=said):
        hindcast(origins=origins, horizon=horizon)
