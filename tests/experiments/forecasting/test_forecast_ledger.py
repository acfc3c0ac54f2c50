"""The ledger: frozen whole, read only if untouched, scored on later facts alone."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments.forecasting import forecast
from experiments.forecasting.ledger import (
    KIND,
    VERSION,
    content_hash,
    freeze,
    known_after,
    read_frozen,
    read_ledger,
)
from experiments.forecasting.ledger_scores import score_ledger
from experiments.sweeps.errors import SweepError
from market.facts import Facts

DATA = Path(__file__).parents[3] / "market" / "data"
COMPANIES = {"AMZN": 45.0, "MSFT": 32.0, "GOOGL": 36.0, "META": 20.0, "ORCL": 19.0}
MOMENT = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)


def facts_to(folder: Path, *quarters: str) -> Facts:
    """The facts up to 2026Q1, and made up capex for later quarters."""
    text = (DATA / "capex_quarterly.csv").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if not line[:4].isdecimal() or line[:6] <= "2026Q1"]
    rows += [f"{quarter},{name},{value},,a test,high," for quarter in quarters for name, value in COMPANIES.items()]
    folder.mkdir(exist_ok=True)
    (folder / "capex_quarterly.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return Facts.load(folder)


def statement(name: str, test: str, probability: float) -> dict[str, Any]:
    return {"name": name, "says": name, "test": test, "probability": probability, "standard_error": 0.1}


def put(folder: Path, name: str = "2026-07-01-abcdef12.json", **changes: Any) -> Path:
    """A frozen forecast of Amazon's capex: members 40 to 50 in the next quarter, 60 to 70 in the one after."""
    content: dict[str, Any] = {
        "kind": KIND,
        "version": VERSION,
        "made": MOMENT.isoformat(),
        "origin": "2026Q1",
        "facts_hash": "f",
        "known": {},
        "targets": {
            "capex[Amazon]@2026Q2": np.linspace(40.0, 50.0, 11).tolist(),
            "capex[Amazon]@2026Q3": np.linspace(60.0, 70.0, 11).tolist(),
        },
        "metrics": {},
        "statements": [
            statement("large", "capex[four]@2026Q2 > 130", 0.8),
            statement("both", "sum(capex[four]@2026Q2..2026Q3) < 260", 0.5),
            statement("unseen", "alignment_hhi@2026Q2 > 3000", 0.5),
        ],
        **changes,
    }
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(json.dumps(content | {"content_hash": content_hash(content)}), encoding="utf-8")
    return folder / name


def test_nothing_later_is_said_plainly(tmp_path: Path) -> None:
    (tmp_path / "ledger").mkdir()
    facts = facts_to(tmp_path / "facts")
    assert "No forecast is frozen yet" in score_ledger(tmp_path / "ledger", facts).text()
    put(tmp_path / "ledger")
    found = score_ledger(tmp_path / "ledger", facts)
    assert (len(found.rows), len(found.statements)) == (0, 0)
    assert "no later fact exists" in found.text()


def test_a_later_quarter_is_scored_once_it_is_appended(tmp_path: Path) -> None:
    put(tmp_path / "ledger")
    found = score_ledger(tmp_path / "ledger", facts_to(tmp_path / "facts", "2026Q2"))
    (row,) = found.rows.to_dict("records")
    assert (row["target"], row["quarter"], row["horizon"], row["actual"]) == ("capex[Amazon]", "2026Q2", 1, 45.0)
    assert (row["low_80"], row["median"], row["high_80"], row["covered_80"]) == (41.0, 45.0, 49.0, True)
    members = np.linspace(40.0, 50.0, 11)
    expected = np.abs(members - 45.0).mean() - np.abs(members[:, None] - members).mean() / 2
    assert row["crps"] == pytest.approx(expected)
    (settled,) = found.statements.to_dict("records")
    assert (settled["name"], settled["happened"]) == ("large", True)
    assert settled["brier"] == pytest.approx(0.04)


def test_a_window_is_settled_when_all_its_quarters_are_there(tmp_path: Path) -> None:
    put(tmp_path / "ledger")
    found = score_ledger(tmp_path / "ledger", facts_to(tmp_path / "facts", "2026Q2", "2026Q3"))
    assert found.rows[["quarter", "covered_80"]].to_numpy().tolist() == [["2026Q2", True], ["2026Q3", False]]
    assert found.statements[["name", "happened"]].to_numpy().tolist() == [["large", True], ["both", False]]
    assert "80 % interval holds 50% of 2 facts; Brier score 0.145 of 2 statements" in found.text()
    json.dumps(found.plain(), allow_nan=False)


def test_what_was_known_when_it_was_frozen_is_never_scored(tmp_path: Path) -> None:
    known = {"capex[Amazon]": ["2026Q2"], "capex[four]": ["2026Q2"]}
    put(tmp_path / "ledger", known=known)
    found = score_ledger(tmp_path / "ledger", facts_to(tmp_path / "facts", "2026Q2"))
    assert (len(found.rows), len(found.statements)) == (0, 0)


def test_known_after_the_origin(tmp_path: Path) -> None:
    facts = facts_to(tmp_path, "2026Q2")
    found = known_after(facts, facts.last_capex_quarter - 1)
    assert found["capex[Amazon]"] == found["capex[four]"] == ["2026Q2"]
    assert "capex[Amazon]" not in known_after(facts, facts.last_capex_quarter)


def test_a_changed_file_is_refused_in_one_line(tmp_path: Path) -> None:
    file = put(tmp_path / "ledger")
    assert read_frozen(file)["origin"] == "2026Q1"
    file.write_text(file.read_text(encoding="utf-8").replace("40.0", "44.0"), encoding="utf-8")
    with pytest.raises(SweepError, match=r"2026-07-01-abcdef12\.json: was changed after it was frozen") as error:
        score_ledger(tmp_path / "ledger", Facts.load())
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "is not a frozen forecast"),
        ("[]", "is not a frozen forecast; allowed"),
        (json.dumps({"kind": KIND, "version": 99}), "has version 99; this cloudpact reads version 1"),
        (json.dumps({"kind": KIND, "version": VERSION}), "is not a whole forecast"),
    ],
)
def test_what_is_no_frozen_forecast_is_one_line(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "x.json").write_text(text, encoding="utf-8")
    with pytest.raises(SweepError, match=told):
        read_ledger(tmp_path)
    with pytest.raises(SweepError, match="there is no such folder"):
        read_ledger(tmp_path / "none")


def test_the_hash_does_not_depend_on_order() -> None:
    assert content_hash({"a": 1, "b": [1.5]}) == content_hash({"b": [1.5], "a": 1, "content_hash": "x"})
    assert content_hash({"a": 1}) != content_hash({"a": 2})


def test_the_shipped_ledger_is_untouched() -> None:
    read_ledger()


@pytest.mark.slow
def test_a_forecast_is_frozen_and_scored_when_rows_are_appended(tmp_path: Path) -> None:
    made = forecast("baseline", "2026Q4", 8, jobs=2, out=tmp_path / "runs", facts=facts_to(tmp_path / "facts"))
    file = freeze(made, tmp_path / "ledger", MOMENT)
    content = read_frozen(file)
    assert file.name == f"2026-07-01-{content['content_hash'][:8]}.json"
    assert freeze(made, tmp_path / "ledger", MOMENT) == file
    assert (content["origin"], content["until"], content["seed"], content["runs"]) == ("2026Q1", "2026Q4", 1, 8)
    assert len(content["targets"]["capex[four]@2026Q2"]) == 8
    assert len(content["metrics"]["alignment_hhi@2026Q4"]) == 5
    assert len(score_ledger(tmp_path / "ledger", facts_to(tmp_path / "facts")).rows) == 0
    found = score_ledger(tmp_path / "ledger", facts_to(tmp_path / "later", "2026Q2"))
    scored = set(found.rows["target"])
    assert {"capex[Amazon]", "capex[Microsoft]", "capex[Google]", "capex[four]"} <= scored
    assert set(found.rows["quarter"]) == {"2026Q2"}
