"""A deal taken out or changed: the fork is the run with the intervention, and mistakes are told in one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import cloudpact
from cloudpact.results import ResultsError
from experiments import comparison
from experiments.comparison import Comparison
from experiments.counterfactual import counterfactual, forked_pair, parse_terms
from experiments.pairs import KEPT
from experiments.running import run
from experiments.sweeps.errors import SweepError
from market.scenario import Scenario
from market.scenario_errors import ScenarioError

TINY = Scenario.load("tiny")
GONE = "microsoft-openai-2023-01"


def removing(scenario: Scenario, deal: str, bar_quarters: int = 0) -> Scenario:
    return scenario.with_({"interventions": [{"deal": deal, "bar_quarters": bar_quarters}]})


def same_tables(found: Any, scenario: Scenario, seed: int, replicate: int) -> None:
    expected = run(scenario, seed=seed, replicate=replicate).tables
    for name in KEPT:
        pd.testing.assert_frame_equal(found[name].reset_index(drop=True), expected[name], check_exact=True)


@pytest.mark.parametrize("replicate", [0, 3])
@pytest.mark.parametrize("number", [0, 2])
def test_a_simulated_deal_is_compared_in_its_replicate_alone(replicate: int, number: int) -> None:
    deal = f"{replicate}:{number}"
    found = counterfactual(TINY, deal, seed=7, bar_quarters=2)
    same_tables(found.tables[0], TINY, 7, replicate)
    same_tables(found.tables[1], removing(TINY, deal, 2), 7, replicate)
    assert found.names == ("tiny", f"without {deal}")
    assert found.notes == (f"{deal} is a deal of replicate {replicate} alone: one pair, no interval",)
    assert found.effects["pairs"].tolist() == [1] * len(found.effects)
    assert found.effects["low"].isna().all()


def test_a_disclosed_deal_is_compared_in_all_replicates() -> None:
    scenario = Scenario.load("baseline").with_({"time.end": "2024Q4"})
    found = counterfactual(
        "baseline", GONE, runs=2, seed=7, until="2024Q4", outcomes=["sum(deals_signed)", "sum(equity_usd_bn)"]
    )
    for replicate in (0, 1):
        for side, world in enumerate((scenario, removing(scenario, GONE))):
            tables = {name: frame[frame["run"] == replicate] for name, frame in found.tables[side].items()}
            same_tables(tables, world, 7, replicate)
    # the deal itself, and its 10 USD bn
    assert found.effects["effect"].tolist() == [-1.0, pytest.approx(-10.0)]
    assert found.notes == ("the worlds part in 2023Q1; disclosed deals up to 2024Q4 are signed as dated",)


def test_several_deals_part_the_worlds_at_the_first_of_them() -> None:
    deals = ["microsoft-openai-2021-01", "microsoft-openai-2019-07"]
    found = counterfactual("baseline", deals, runs=1, seed=7, until="2021Q2")
    world = Scenario.load("baseline").with_({"time.end": "2021Q2", "interventions": [{"deal": deal} for deal in deals]})
    same_tables(found.tables[1], world, 7, 0)
    assert found.names[1] == f"without {deals[0]}, {deals[1]}"
    assert found.notes == ("the worlds part in 2019Q3; disclosed deals up to 2021Q2 are signed as dated",)


def test_other_terms_are_compared_too() -> None:
    found = counterfactual(TINY, with_={"0:1": {"gw": 0.01, "take_or_pay_frac": 0.0}}, seed=7)
    deals = [tables["deals"].set_index("deal").loc["0:1"] for tables in found.tables]
    assert [deals[1]["gw"], deals[1]["take_or_pay_frac"]] == [0.01, 0.0]
    assert deals[0]["gw"] > 0.1
    assert found.names[1] == "with 0:1 (gw 0.01, take_or_pay_frac 0.0)"
    assert found.scenarios is not None
    assert found.scenarios[1].diff(found.scenarios[0]).keys() == {"interventions"}


def test_terms_as_agreed_have_no_effect() -> None:
    factual = run(TINY, seed=7).deals.set_index("deal").loc["0:2"]
    found = counterfactual(
        TINY, with_={"0:2": {"gw": factual["gw"], "take_or_pay_frac": factual["take_or_pay_frac"]}}, seed=7
    )
    assert found.effects["effect"].tolist() == [0.0] * len(found.effects)


def test_interventions_of_the_scenario_hold_in_both_worlds() -> None:
    world = removing(TINY, "0:0")
    found = counterfactual(world, "0:2", seed=7)
    same_tables(found.tables[0], world, 7, 0)
    both = world.with_({"interventions": [{"deal": "0:0"}, {"deal": "0:2"}]})
    same_tables(found.tables[1], both, 7, 0)


@pytest.mark.slow
def test_the_number_of_processes_changes_no_bit() -> None:
    alone, together = (counterfactual("baseline", GONE, runs=2, seed=7, until="2023Q3", jobs=jobs) for jobs in (1, 2))
    pd.testing.assert_frame_equal(alone.effects, together.effects, check_exact=True)
    for side in (0, 1):
        for name in KEPT:
            pd.testing.assert_frame_equal(alone.tables[side][name], together.tables[side][name], check_exact=True)


def test_the_folder_loads_and_progress_is_told(tmp_path: Path) -> None:
    told: list[int] = []
    found = counterfactual(TINY, "0:1", seed=7, out=tmp_path / "pair", progress=lambda: told.append(1))
    again = cloudpact.load(tmp_path / "pair")
    assert isinstance(again, Comparison)
    assert again.plain() == found.plain()
    assert told == [1]
    manifest = json.loads((tmp_path / "pair" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["names"] == ["tiny", "without 0:1"]


def test_a_world_that_fails_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The twin raises in its first quarter; its partner does not."""
    from cloudpact.model import CloudMarket

    step = CloudMarket.step

    def broken(self: CloudMarket) -> None:
        if self.interventions:
            raise ZeroDivisionError("broken")
        step(self)

    monkeypatch.setattr(CloudMarket, "step", broken)
    pair = forked_pair((TINY, removing(TINY, "0:0")), 7, 0)
    assert not isinstance(pair.worlds[0], str)
    assert pair.worlds[1] == "2025Q1 set-up: ZeroDivisionError: broken"


# Mistakes


MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({}, "counterfactual: names no deal; allowed: deals to be left out, or deals with other terms"),
    ({"without": "0:1", "runs": 0}, "runs: 0 is too few; allowed: 1 or more"),
    (
        {"with_": {"0:1": {"gw": 1.0}}, "bar_quarters": 2},
        "bar_quarters: no deal is left out whose parties could be kept apart",
    ),
    (
        {"without": ["0:1", "1:2"]},
        "0:1, 1:2: only one simulated deal can be changed at a time; "
        "after the first, deals are bargained anew and numbered otherwise",
    ),
    (
        {"without": ["amazon-anthropic-2026-04", "0:46"]},
        "0:46 with amazon-anthropic-2026-04: a simulated deal cannot be changed along with a disclosed one; "
        "after the disclosed one, deals are bargained anew and numbered otherwise",
    ),
    (
        {"without": "0:46", "with_": {"amazon-anthropic-2026-04": {"gw": 1.0}}},
        "0:46 with amazon-anthropic-2026-04: a simulated deal cannot be changed along with a disclosed one; "
        "after the disclosed one, deals are bargained anew and numbered otherwise",
    ),
    (
        {"with_": {"0:1": {"gws": 1.0}}},
        "0:1: unknown term 'gws'; allowed: equity_usd_bn, gw, price_usd_bn_per_gw_quarter, term_quarters, "
        "take_or_pay_frac, exclusivity, revenue_share_frac; did you mean 'gw'?",
    ),
    (
        {"without": "0:1", "with_": {"0:1": {"gw": 1.0}}},
        "with: '0:1' stands in without already",
    ),
    (
        {"without": "0:1", "bar_quarters": -1},
        "bar_quarters: out of range (got -1); allowed: an integer from 0 to 400 (quarter)",
    ),
    (
        {"with_": {"0:1": {"gw": "much"}}},
        'with: 0:1: gw: wrong type (got "much"); allowed: a number from 0 to 10000 (GW)',
    ),
    (
        {"without": GONE},
        f'without: the scenario signs no such disclosed deal (got "{GONE}"); '
        "allowed: REPLICATE:NUMBER of a simulated one",
    ),
    (
        {"without": "0:1", "outcomes": ["alignment_hi"]},
        "outcome 'alignment_hi': the table market has no number 'alignment_hi'; did you mean 'alignment_hhi'?",
    ),
    (
        {"without": "0:1", "outcomes": "labs[Adah].compute_gw"},
        "outcome 'labs[Adah].compute_gw': no lab 'Adah'; allowed: Ada, Byron; did you mean 'Ada'?",
    ),
    ({"without": "0:1", "runs": 2.5}, "runs: 2.5 is not a whole number; allowed: 1 or more"),
    ({"without": "0:1", "seed": -1}, "seed: -1 is too small; allowed: 0 or more"),
]


@pytest.mark.parametrize(("asked", "message"), MISTAKES)
def test_mistakes_are_told_before_anything_is_simulated(
    asked: dict[str, Any], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparison, "simulate_pairs", None)
    with pytest.raises((SweepError, ScenarioError)) as caught:
        counterfactual(TINY, **asked, out=tmp_path / "new")
    assert str(caught.value) == message
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_use_is_refused_before_anything_is_simulated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparison, "simulate_pairs", None)
    (tmp_path / "mine.txt").touch()
    with pytest.raises(ResultsError, match="is not empty; name a new folder"):
        counterfactual(TINY, "0:1", out=tmp_path)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"without": "0:9"}, "0:9: no such deal in the factual run; allowed: 0:0 to 0:3"),
        (
            {"with_": {"0:1": {"equity_usd_bn": 1.0}}},
            "intervention in 0:1: equity_usd_bn: the deal has no equity to change (got 1.0)",
        ),
    ],
)
def test_a_simulated_deal_must_be_in_the_factual_run(asked: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises((SweepError, ScenarioError)) as caught:
        counterfactual(TINY, **asked, seed=7, out=tmp_path / "new")
    assert str(caught.value) == message
    assert list(tmp_path.iterdir()) == []


def test_the_number_of_a_disclosed_deal_is_no_simulated_one() -> None:
    with pytest.raises(SweepError) as caught:
        counterfactual("baseline", "0:2", until="2023Q2")
    assert str(caught.value) == (
        f"0:2: no such deal in the factual run; allowed: none, it signs no deal by talks; did you mean {GONE!r}?"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a-b-2026-04:equity_usd_bn=1,gw=0.5", ("a-b-2026-04", {"equity_usd_bn": 1, "gw": 0.5})),
        (" 0:46 : term_quarters = 8 , exclusivity = none ", ("0:46", {"term_quarters": 8, "exclusivity": "none"})),
    ],
)
def test_terms_are_read(text: str, expected: tuple[str, dict[str, Any]]) -> None:
    assert parse_terms(text) == expected


FORM = "DEAL:TERM=VALUE,..., such as amazon-anthropic-2026-04:equity_usd_bn=1,gw=0.5"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", f"'' is no deal with terms; allowed: {FORM}"),
        ("0:46", f"'0:46' is no deal with terms; allowed: {FORM}"),
        ("gw=1", f"'gw=1' is no deal with terms; allowed: {FORM}"),
        (":gw=1", f"':gw=1' is no deal with terms; allowed: {FORM}"),
        ("0:46:gw=", f"'0:46:gw=': 'gw=' is no term with its value; allowed: {FORM}"),
        ("0:46:gw=1,", f"'0:46:gw=1,': '' is no term with its value; allowed: {FORM}"),
        ("0:46:gw=1,gw=2", "'0:46:gw=1,gw=2': gw stands there twice"),
    ],
)
def test_what_is_no_deal_with_terms_is_told_in_one_line(text: str, message: str) -> None:
    with pytest.raises(SweepError) as caught:
        parse_terms(text)
    assert str(caught.value) == message


def test_an_unknown_term_is_told_when_it_is_read() -> None:
    with pytest.raises(SweepError, match=r"^0:46: unknown term 'equity'; allowed: .*; did you mean 'equity_usd_bn'\?$"):
        parse_terms("0:46:equity=1")
