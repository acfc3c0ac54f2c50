"""The optimiser on a function with a known minimum, and the shipped baseline against its record."""

from __future__ import annotations

from functools import reduce
from pathlib import Path

import numpy as np
import pytest

from experiments.calibration.__main__ import START
from experiments.calibration.calibrate import calibrate
from experiments.calibration.point import minimise
from experiments.calibration.ship import shipped_record, with_values
from experiments.sweeps.errors import SweepError
from market.parameters import split_path
from market.priors import priors
from market.scenario import Scenario

GOAL = np.array([0.3, 0.7, 0.5])


def bowl(points: list[np.ndarray], generation: int) -> list[float]:
    return [float(((point - GOAL) ** 2).sum()) for point in points]


def test_the_minimum_is_found_and_the_seed_decides() -> None:
    found, history = minimise(bowl, np.full(3, 0.5), 40, 1)
    assert found == pytest.approx(GOAL, abs=0.01)
    assert history[-1] < history[0] / 100
    again, _ = minimise(bowl, np.full(3, 0.5), 40, 1)
    assert (again == found).all()


def test_with_noise_the_mean_is_near_the_minimum() -> None:
    """Noise as large as the bowl is deep a tenth from its bottom; ten times its size would fail."""
    rng = np.random.default_rng(1)

    def noisy(points: list[np.ndarray], generation: int) -> list[float]:
        return [value + 0.01 * float(rng.standard_normal()) for value in bowl(points, generation)]

    assert minimise(noisy, np.full(3, 0.5), 40, 1)[0] == pytest.approx(GOAL, abs=0.1)


def test_the_shipped_baseline_is_the_result_of_the_recorded_calibration() -> None:
    record, baseline = shipped_record(), Scenario.load("baseline")
    assert set(record["estimate"]) == set(priors(Scenario))
    for path, value in record["estimate"].items():
        assert reduce(getattr, split_path(path), baseline) == value, path
    assert {"date", "origin", "draws", "generations", "seed", "facts_hash", "scenario_hash"} <= set(
        record["calibration"]
    )


def test_values_replace_those_that_stand_in_a_file() -> None:
    text = "[time]\nend = 1\n\n[demand]\na = 1\nb = 2\n\n[hyperscalers.X]\nc = 3\n"
    told = with_values(text, {"demand.b": 5, "capex.k": 7})
    assert told == "[time]\nend = 1\n\n[demand]\na = 1\nb = 5\n\n[capex]\nk = 7\n\n[hyperscalers.X]\nc = 3\n"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"origin": "2026Q9"}, "origin '2026Q9' is no quarter"),
        ({"origin": "2030Q1"}, "origin 2030Q1 cannot be calibrated to; allowed: after 2020Q4, to 2026Q1"),
        ({"origin": "2020Q4"}, "origin 2020Q4 cannot be calibrated to"),
        ({"draws": 3}, "draws: got 3; allowed: 10 or more"),
    ],
)
def test_what_cannot_be_calibrated_is_one_line_and_writes_nothing(
    change: dict[str, object], said: str, tmp_path: Path
) -> None:
    with pytest.raises(SweepError, match=said):
        calibrate(tmp_path / "out", **change)  # type: ignore[arg-type]
    assert not (tmp_path / "out").exists()


def test_the_shipped_calibration_starts_where_it_did() -> None:
    start = Scenario.load(START)
    assert start.content_hash() == shipped_record()["calibration"]["scenario_hash"]
