from __future__ import annotations

import json
from dataclasses import replace

import pandas as pd
import pytest

from cloudpact.results import Results
from experiments.summary import caution, summarise, summary_text
from market.scenario import Scenario
from tests.experiments.fake_runs import fake_results

SEEDS_ONLY = Scenario(name="mine").with_({"uncertainty.scale": 0.0})


def ensemble(runs: int) -> Results:
    return Results.concat([fake_results(replicate=replicate) for replicate in range(runs)])


def test_measures_at_the_last_fact_and_at_the_end() -> None:
    summary = summarise(ensemble(11), SEEDS_ONLY)
    assert (summary["scenario"], summary["runs"]) == ("mine", 11)
    assert (summary["from_quarter"], summary["from_is_fact"], summary["to_quarter"]) == ("2026Q1", True, "2026Q2")
    assert summary["interval"] == [0.1, 0.9]
    measures = summary["measures"]
    assert measures["capacity_gw"] == {"from": 14.0, "median": 15.0, "low": 15.0, "high": 15.0}
    assert measures["market_hhi"] == {"from": 2005.0, "median": 2005.0, "low": 2001.0, "high": 2009.0}
    assert measures["capex_big4_usd_bn_per_year"] == {"from": 400.0, "median": 400.0, "low": 400.0, "high": 400.0}
    assert measures["utilisation_percent"]["median"] == 50.0


def test_labs_primary_providers_and_dependence() -> None:
    summary = summarise(ensemble(5), SEEDS_ONLY)
    assert summary["labs"]["OpenAI"] == {
        "from": {"primary_provider": "Microsoft", "share_of_runs": 1.0, "active_share": 1.0, "dependence_hhi": 6000.0},
        "to": {
            "primary_provider": "Microsoft",
            "share_of_runs": 0.6,
            "active_share": 1.0,
            "dependence_hhi": {"median": 6000.0, "low": 6000.0, "high": 6000.0},
        },
    }
    cohere = summary["labs"]["Cohere"]["to"]
    assert (cohere["primary_provider"], cohere["active_share"]) == (None, 0.0)
    assert cohere["dependence_hhi"] == {"median": None, "low": None, "high": None}


def test_largest_deals_of_the_first_run() -> None:
    deals = summarise(ensemble(3), SEEDS_ONLY)["largest_deals"]
    assert [deal["deal"] for deal in deals["disclosed"]] == ["microsoft-openai-2025-10"]
    assert deals["simulated"] == [
        {
            "deal": "0:2",
            "quarter": "2026Q2",
            "provider": "Oracle",
            "lab": "OpenAI",
            "gw": 1.5,
            "commitment_usd_bn": 75.0,
            "equity_usd_bn": 4.0,
            "status": "active",
        }
    ]


def test_five_deals_at_most_by_size() -> None:
    results = fake_results()
    one = results.deals.iloc[[1]]
    sizes = (10.0, 60.0, 30.0, 50.0, 20.0, 40.0)
    rows = [one.assign(deal=f"0:{n}", number=n, commitment_usd_bn=size) for n, size in enumerate(sizes)]
    summary = summarise(replace(results, deals=pd.concat(rows)), SEEDS_ONLY)
    assert [deal["deal"] for deal in summary["largest_deals"]["simulated"]] == ["0:1", "0:3", "0:5", "0:2", "0:4"]


def test_the_summary_is_json() -> None:
    text = json.dumps(summarise(ensemble(2), SEEDS_ONLY), allow_nan=False)
    assert json.loads(text)["runs"] == 2


def test_without_facts_the_first_quarter_stands_in() -> None:
    results = fake_results()
    summary = summarise(replace(results, market=results.market.assign(forecast=True)), SEEDS_ONLY)
    assert (summary["from_quarter"], summary["from_is_fact"]) == ("2025Q1", False)
    assert summary["measures"]["capex_big4_usd_bn_per_year"]["from"] is None
    assert "2025Q1 (first quarter) against 2026Q2" in summary_text(summary)


def test_a_run_within_the_facts_ends_at_a_fact() -> None:
    results = fake_results()
    summary = summarise(replace(results, market=results.market.assign(forecast=False)), SEEDS_ONLY)
    assert (summary["from_quarter"], summary["to_quarter"]) == ("2026Q2", "2026Q2")


def test_what_people_read() -> None:
    text = summary_text(summarise(ensemble(5), SEEDS_ONLY))
    assert [line for line in text.splitlines() if len(line) > 80] == []
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert lines[0] == "mine: 5 runs, 2026Q1 (last fact) against 2026Q2 (simulated)"
    for line in (
        "AI capacity (GW) 14.0 15.0 15.0 to 15.0",
        "Market concentration (HHI, 0-10,000) 2,002 2,002 2,000 to 2,004",
        "OpenAI Microsoft 6,000 Microsoft 60% 6,000 (6,000-6,000)",
        "Cohere not active - not active -",
        "Microsoft - OpenAI 2025Q4 5.0 250 0.0 microsoft-openai-2025-10",
        "Oracle - OpenAI 2026Q2 1.5 75 4.0 0:2",
    ):
        assert line in lines, line


@pytest.mark.parametrize(
    ("runs", "draws", "words"),
    [
        (1, True, "one run says nothing about uncertainty"),
        (9, False, "the luck of the seeds only"),
        (9, True, "draws of the parameters named in [uncertainty]"),
    ],
)
def test_the_caution_says_what_the_interval_holds(runs: int, draws: bool, words: str) -> None:
    assert words in caution({"runs": runs, "parameter_draws": draws})
