"""`cloudpact facts`: any series or target with its sources, and what the facts admit."""

from __future__ import annotations

import json

import pytest

from cloudpact.commands_facts import SERIES, facts_rows, show_facts, show_targets
from market.fact_files import SHIPPED
from market.facts import Facts, FactsError

FACTS = Facts.load()


@pytest.mark.parametrize("series", sorted(SERIES))
def test_every_row_names_the_line_that_holds_its_source(series: str) -> None:
    rows = facts_rows(series, FACTS)
    assert rows
    for row in rows:
        name, _, number = row["line"].partition(":")
        line = (SHIPPED / name).read_text(encoding="utf-8").splitlines()[int(number) - 1]
        assert row["source"] in line.replace('""', '"')


def test_a_value_has_the_line_of_its_own_row_not_of_another_in_the_quarter() -> None:
    rows = [row for row in facts_rows("labs", FACTS) if row["measure"] == "annualised_revenue_usd_bn"]
    assert [
        (row["value"], row["line"]) for row in rows if row["name"] == "Anthropic" and row["quarter"] == "2025Q4"
    ] == [
        (7.0, "labs.csv:13"),
        (9.0, "labs.csv:15"),
    ]


def test_an_imputed_quarter_has_the_line_of_its_year() -> None:
    rows = [row for row in facts_rows("capex", FACTS) if row["name"] == "CoreWeave"]
    assert {row["line"].split(":")[0] for row in rows} == {"capex_annual.csv"}
    assert len({row["line"] for row in rows}) == 3


def test_a_single_target_with_its_range() -> None:
    assert facts_rows("compute[OpenAI]", FACTS)[-1] == {
        "quarter": "2025Q4",
        "value": 1.9,
        "low": 1.71,
        "high": 2.09,
        "unit": "GW",
        "confidence": "high",
        "source": "github.com/Kleinster2/financial-charts (public notes) citing OpenAI Jan 2026 blog; CNBC 2026"
        " (labs.csv:40)",
    }


def test_a_target_without_values_says_so() -> None:
    assert show_facts("capex[CoreWeave]", None, as_json=False) == "no rows"


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("cpaex", "capex"), ("run_rate[OpenAl]", "run_rate[OpenAI]"), ("market_shares[Amazon]", "market_share[Amazon]")],
)
def test_a_misspelt_name_is_refused_with_the_nearest(name: str, nearest: str) -> None:
    with pytest.raises(FactsError) as caught:
        show_facts(name, None, as_json=False)
    assert str(caught.value) == (
        f"no series {name!r}; allowed: {', '.join(sorted(SERIES))}, "
        f"or a target as `cloudpact facts --targets` lists them; did you mean {nearest!r}?"
    )


@pytest.mark.parametrize("columns", [40, 60, 80])
def test_no_line_is_wider_than_the_terminal(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    shown = show_facts("run_rate[OpenAI]", None, as_json=False)
    # A word longer than the line is broken, so that this holds for every source.
    assert max(map(len, shown.splitlines())) <= columns
    assert "".join(shown.split()) == "".join(wide(monkeypatch).split())


def wide(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("COLUMNS", "500")
    return show_facts("run_rate[OpenAI]", None, as_json=False)


def test_a_wide_terminal_has_one_line_a_value(monkeypatch: pytest.MonkeyPatch) -> None:
    assert wide(monkeypatch).splitlines()[:2] == [
        "quarter  value  low   high  unit         confidence  source",
        "2023Q4   2      1.6   2.4   USD bn/year  medium      "
        "github.com/Kleinster2/financial-charts (public notes); OpenAI Jan 2026 blog (labs.csv:31)",
    ]


def test_the_table_of_targets() -> None:
    lines = show_targets(None, as_json=False).splitlines()
    assert lines[0] == "Latest origin: 2026Q1."
    assert lines[2].split() == ["target", "2021Q4", "2022Q4", "2023Q4", "2024Q4", "2025Q4"]
    assert "run_rate[OpenAI]              0: 8      0: 4,6,8  1: 2,4,6-8  3: 2-5    6: 1" in lines
    rows = json.loads(show_targets(None, as_json=True))
    assert {"target": "run_rate[OpenAI]", "origin": "2023Q4", "known": 1, "horizons": [2, 4, 6, 7, 8]} in rows
