"""Attribution in a small world: what adds up, what is known beforehand, and what cannot be asked."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from functools import cache, partial
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cloudpact.model import CloudMarket
from experiments.attribution import Attribution, SignedGame
from experiments.attribution import attribution as attributed
from experiments.outcomes import Outcome
from experiments.sweeps.errors import SweepError
from market.calendar import quarter_index
from market.facts import Facts
from market.scenario import Scenario, Shock
from tests.properties.market_worlds import lively

FIRST, LAST = "2028Q1", "2028Q4"  # two deals in 2028Q2, one in 2028Q3, four in 2028Q4
FAR = "alignment_committed_hhi"
attribution = partial(attributed, jobs=1)


@cache
def game(outcome: str = FAR, last: str = LAST) -> SignedGame:
    return SignedGame(lively(), outcome, FIRST, last, seed=1, replicate=0)


@cache
def found(outcome: str = FAR, last: str = LAST, permutations: int = 4) -> Attribution:
    return attribution(lively(), outcome, FIRST, last, permutations=permutations)


@cache
def factual() -> CloudMarket:
    market = CloudMarket(lively(), rng=1)
    market.run_for(quarter_index(LAST) - market.first_quarter + 1)
    return market


def worth(outcome: str) -> dict[str, float]:
    """Each deal's own part of an outcome that merely adds up the deals of the last quarter."""
    deals = pd.DataFrame(factual().record_tables()["deals"]).set_index("deal")
    deals = deals[deals["quarter"] > FIRST]
    now = (deals["quarter"] == LAST).astype(float)
    own: dict[str, float] = (now if outcome == "deals_signed" else now * deals[outcome]).to_dict()  # type: ignore[assignment]
    return own


@pytest.mark.parametrize(
    "outcome", [FAR, "price_usd_bn_per_gw_quarter", "labs[Ada].valuation_usd_bn", "cycle_flow_usd_bn"]
)
def test_all_deals_together_give_the_run_itself_to_the_bit(outcome: str) -> None:
    asked = game(outcome)
    value = float(Outcome.parse(outcome).of(factual().results.tables).iloc[0])
    assert asked(frozenset(asked.deals)) == value
    assert len(asked.deals) == 7


@pytest.mark.slow
@pytest.mark.parametrize("outcome", ["deals_signed", "equity_usd_bn", "commitment_usd_bn"])
def test_an_outcome_that_adds_up_deals_gives_each_its_own_part(outcome: str) -> None:
    """An additive game: the values are known, and no order differs from another."""
    shares = found(outcome, permutations=2).deals.set_index("deal")
    known = worth(outcome)
    assert shares["contribution"].to_dict() == pytest.approx(known, rel=1e-12, abs=1e-12)
    assert 0 < sum(value > 0.0 for value in known.values()) < 7
    assert shares["standard_error"].isna().all()  # two orders, one the reverse of the other, are one draw


@pytest.mark.slow
@pytest.mark.parametrize("outcome", [FAR, "backlog_hhi"])
def test_contributions_and_the_rest_add_up_to_the_change(outcome: str) -> None:
    shares = found(outcome)
    whole = shares.deals["contribution"].sum() + shares.rest
    scale = max(abs(shares.value_first), abs(shares.value_last), 1e-3)
    assert abs(whole - shares.change) <= 1e-12 * scale
    assert (shares.permutations, len(shares.deals)) == (4, 7)
    assert shares.evaluations <= 4 * 7 + 1


def test_the_world_without_deals_signs_none() -> None:
    shares = found("deals_signed", permutations=2)
    assert shares.rest + shares.value_first == 0.0
    assert game("deals_signed")(frozenset()) == 0.0


def test_few_deals_are_counted_in_all_orders() -> None:
    """Two deals, four worlds: half of what one adds to nothing and half of what it adds to the other."""
    shares, asked = found("backlog_hhi", "2028Q2", 2), game("backlog_hhi", "2028Q2")
    one, other = asked.deals
    v = {names: asked(frozenset(names)) for names in ((), (one,), (other,), (one, other))}
    expected = {
        one: 0.5 * (v[one,] - v[()]) + 0.5 * (v[one, other] - v[other,]),
        other: 0.5 * (v[other,] - v[()]) + 0.5 * (v[one, other] - v[one,]),
    }
    contributions = shares.deals.set_index("deal")["contribution"].to_dict()
    assert contributions == pytest.approx(expected, rel=1e-12)
    assert expected[one] != v[one,] - v[()]
    assert (shares.permutations, shares.evaluations) == (0, 4)
    assert shares.deals["standard_error"].tolist() == [0.0, 0.0]
    assert shares.deals["quarter"].tolist() == ["2028Q2"] * 2


def test_deals_of_the_first_quarter_are_signed_already() -> None:
    later = SignedGame(lively(), FAR, "2028Q2", "2028Q3", seed=1, replicate=0)
    assert [deal.quarter for deal in later.deals.values()] == [quarter_index("2028Q3")]


def test_without_deals_all_is_due_to_the_rest() -> None:
    shares = attribution("tiny", "price_usd_bn_per_gw_quarter", "2026Q1", "2027Q4")
    assert (len(shares.deals), shares.evaluations, shares.permutations) == (0, 1, 0)
    assert shares.rest == shares.change != 0.0


def test_another_replicate_is_another_run() -> None:
    one, other = (attribution("tiny", "capacity_gw", "2026Q1", "2027Q4", replicate=k) for k in (0, 1))
    assert one.value_last != other.value_last
    market = CloudMarket("tiny", rng=1, replicate=1)
    market.run_for(12)
    assert other.value_last == market.tables["market"][-1]["capacity_gw"]


def test_other_facts_are_other_deals() -> None:
    """Without the deal's row, the quarter in which it alone was signed changes by nothing else."""
    facts = Facts.load()
    fewer = replace(facts, deal_rows=tuple(row for row in facts.deal_rows if row.slug != "microsoft-openai-2023-01"))
    shares = attribution("baseline", "equity_usd_bn", "2022Q4", "2023Q1", facts=fewer)
    assert "microsoft-openai-2023-01" not in shares.deals["deal"].tolist()


def test_a_game_is_small_to_send() -> None:
    """Processes get the inputs and simulate for themselves."""
    asked = game()
    assert asked.deals
    assert len(pickle.dumps(asked)) < 20_000
    assert pickle.loads(pickle.dumps(asked)) == asked


@pytest.mark.slow
def test_the_number_of_processes_changes_no_bit() -> None:
    alone = found()
    together = attribution(lively(), FAR, FIRST, LAST, permutations=4, jobs=2)
    pd.testing.assert_frame_equal(alone.deals, together.deals, check_exact=True)
    assert (alone.rest, alone.value_last) == (together.rest, together.value_last)


FAILS = lively().model_copy(update={"shocks": (Shock(kind="lab_failure", since="2028Q3", target="Ada"),)})


@pytest.mark.parametrize("jobs", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_an_outcome_that_vanishes_is_told(jobs: int) -> None:
    with pytest.raises(SweepError, match=r"outcome 'labs\[Ada\].compute_gw': has no value in the world without"):
        attribution(FAILS, "labs[Ada].compute_gw", FIRST, LAST, permutations=2, jobs=jobs)


@pytest.mark.parametrize(
    ("scenario", "changes", "told"),
    [
        ("tiny", {"outcome": "capacity_mw"}, "did you mean 'capacity_gw'"),
        ("tiny", {"outcome": "labs[Zeno].compute_gw"}, "no lab 'Zeno'; allowed: Ada, Byron"),
        ("tiny", {"outcome": "capacity_gw@2026Q1"}, "is taken at the ends of two quarters; allowed: a column without"),
        ("tiny", {"outcome": "mean(capacity_gw)"}, "is taken at the ends of two quarters; allowed: a column without"),
        ("tiny", {"first": "2027Q1"}, "from 2027Q1 to 2026Q4: allowed: two quarters in order from 2025Q1 to 2027Q4"),
        ("tiny", {"first": "2026Q4"}, "from 2026Q4 to 2026Q4: allowed: two quarters in order"),
        ("tiny", {"last": "2028Q1"}, "allowed: two quarters in order from 2025Q1 to 2027Q4"),
        ("tiny", {"first": "2024Q4"}, "allowed: two quarters in order from 2025Q1 to 2027Q4"),
        ("tiny", {"last": "2026"}, "'2026' is not a quarter such as 2026Q3"),
        ("tiny", {"seed": -1}, "seed: -1 is too small; allowed: 0 or more"),
        ("tiny", {"permutations": 0}, "permutations: 0 is too few; allowed: 1 or more"),
    ],
)
def test_what_cannot_be_asked_is_told_before_anything_is_simulated(
    scenario: str, changes: dict[str, Any], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {"outcome": "capacity_gw", "first": "2026Q1", "last": "2026Q4"} | changes
    monkeypatch.setattr(CloudMarket, "step", None)
    with pytest.raises(SweepError) as raised:
        attribution(scenario, **asked)
    assert told in str(raised.value)
    assert "\n" not in str(raised.value)


def made_up(**changes: Any) -> Attribution:
    deals = pd.DataFrame(
        {
            "deal": ["0:7", "0:6"],
            "quarter": ["2028Q2", "2028Q2"],
            "provider": ["East", "West"],
            "lab": ["Ada", "Byron"],
            "origin": ["simulated", "simulated"],
            "contribution": [-20.0, 5.0],
            "standard_error": [1.0, np.nan],
        }
    )
    known: dict[str, Any] = {
        "outcome": "market_hhi",
        "unit": "0-10000",
        "scenario": "lively",
        "seed": 1,
        "replicate": 0,
        "first": "2028Q1",
        "last": "2028Q2",
        "value_first": 2500.0,
        "value_last": 2475.0,
        "rest": -10.0,
        "deals": deals,
        "permutations": 2,
        "evaluations": 4,
    }
    return Attribution(**known | changes)


def test_the_text() -> None:
    assert (
        made_up().text().split("\nA deal's part")[0]
        == """\
market_hhi (0-10000) of lively, seed 1, replicate 0: 2,500 at the end of 2028Q1, 2,475 of 2028Q2

deal             signed  contribution  standard error
0:7              2028Q2           -20               1
0:6              2028Q2            +5               -
everything else                   -10
change                            -25

Shapley values over 2 orders, 4 worlds."""
    )
    assert "Shapley values over all orders." in made_up(permutations=0).text()


def test_plain_data_knows_no_nan() -> None:
    plain = json.loads(json.dumps(made_up().plain(), allow_nan=False))
    assert plain["change"] == -25.0
    assert plain["deals"][1] == {
        "deal": "0:6",
        "quarter": "2028Q2",
        "provider": "West",
        "lab": "Byron",
        "origin": "simulated",
        "contribution": 5.0,
        "standard_error": None,
    }
    assert sorted(plain) == sorted({*Attribution.__dataclass_fields__, "change"})


def test_the_baseline_can_be_asked_by_name() -> None:
    """Disclosed deals are players under their slugs; one quarter is cheap."""
    shares = attribution("baseline", "equity_usd_bn", "2022Q4", "2023Q1")
    assert Scenario.load("baseline").time.start < "2022Q4"
    assert "microsoft-openai-2023-01" in shares.deals["deal"].tolist()
    assert set(shares.deals["origin"]) == {"disclosed"}
    assert shares.deals["contribution"].sum() == pytest.approx(shares.value_last)
