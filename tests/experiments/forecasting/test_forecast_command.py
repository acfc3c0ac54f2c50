"""`cloudpact forecast` from the request to the terminal, and its figures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cloudpact.commands_forecast import ForecastRequest, show_forecast, show_scores
from experiments.forecasting import Forecast, forecast
from experiments.forecasting.ledger import read_frozen
from experiments.sweeps.errors import SweepError
from visualization.forecast_chart import forecast_fan, variance_shares
from visualization.picture import picture


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("command")


@pytest.mark.slow
def test_a_forecast_is_printed_frozen_and_has_nothing_to_score_yet(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = folder / "ledger"
    asked = ForecastRequest(
        until="2026Q4", runs=8, out=folder / "base", statements=("capacity_gw@2026Q4 > 0",), freeze=True, ledger=ledger
    )
    assert show_forecast(asked) == 0
    told = capsys.readouterr()
    assert "8 runs, about" in told.err
    assert "Forecast of baseline from " in told.out
    assert "100 % " in told.out
    (file,) = ledger.iterdir()
    assert f"Frozen:  {file}" in told.out
    content = read_frozen(file)
    command = "cloudpact forecast baseline --until 2026Q4 --runs 8 --seed 1 --probability 'capacity_gw@2026Q4 > 0'"
    assert content["command"] == command
    assert content["statements"][-1]["probability"] == 1.0
    assert len(content["metrics"]["capacity_gw@2026Q4"]) == 5
    show_scores(ledger, None, as_json=False)
    assert "no later fact exists" in capsys.readouterr().out
    show_scores(ledger, None, as_json=True)
    assert json.loads(capsys.readouterr().out)["rows"] == []


def request_in(folder: Path, **options: object) -> ForecastRequest:
    asked = {"until": "2025Q4", "runs": 8, "jobs": 1, "out": folder / "runs", "ledger": folder / "ledger", **options}
    return ForecastRequest("tiny", **asked)  # type: ignore[arg-type]


@pytest.mark.slow
def test_a_market_without_facts_is_not_frozen(folder: Path) -> None:
    with pytest.raises(SweepError, match=r"^tiny: imposes no facts, so none can score it; it is not frozen$"):
        show_forecast(request_in(folder, freeze=True))


def test_json_is_one_document(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert show_forecast(request_in(folder, json=True)) == 0
    document = json.loads(capsys.readouterr().out)
    assert {"schema_version", "fans", "shares", "statements", "origin", "seed", "code_version"} <= set(document)


def made(folder: Path) -> Forecast:
    return forecast("tiny", "2025Q4", 8, jobs=1, out=folder / "runs")


def test_figures(folder: Path) -> None:
    found = made(folder)
    fan = forecast_fan(found, "capacity_gw", {8098: 1.5, 8099: 1.7})
    assert (fan.unit, fan.rows[0], fan.rows[1][:2]) == ("GW", ("2024Q3", 1.5, 1.5, 1.5), ("2024Q4", 1.7))
    assert len(fan.rows) == 6
    assert picture(fan, ".png")[:4] == b"\x89PNG"
    shares = variance_shares(found, "capacity_gw")
    assert shares.columns == (
        "quarter", "parameters", "bargaining", "demand", "investment", "expectations", "scenario", "luck",
        "interaction",
    )  # fmt: skip
    assert sum(shares.rows[-1][1:]) == pytest.approx(100.0, abs=0.01)  # type: ignore[arg-type]
    assert picture(shares, ".png")[:4] == b"\x89PNG"
    with pytest.raises(SweepError, match="no series 'capacity'"):
        forecast_fan(found, "capacity")
