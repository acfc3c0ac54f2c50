from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import cloudpact
from cloudpact.results import Results, ResultsError
from experiments.explain import explanation
from experiments.explanation_text import explanation_text
from experiments.frontier_text import frontier_text
from experiments.running import run
from market.bargaining.explanation import explained
from market.scenario import Scenario
from tests.experiments.fake_runs import fake_results
from tests.experiments.fake_talks import problem, story_of

RESULTS = Results.concat([fake_results(), fake_results(replicate=1)])
# What `explained` could say of the deal 1:2, in round numbers.
FOUND: dict[str, Any] = {
    "protocol": "nash",
    "rule": "concession",
    "lab_weight": 0.5,
    "threat": {"lab": 0.0, "provider": 0.0},
    "floors": {"lab": 3.0, "provider": None},
    "payoffs": {"lab": 4.0, "provider": 2.5},
    "terms": {},
    "sides": {
        "lab": {
            "coverage": {"disagreement": 1.0, "signed": 6.0, "gain": 5.0},
            "lock_in": {"disagreement": -0.5, "signed": -1.5, "gain": -1.0},
            "credit": {"disagreement": 0.0, "signed": 0.0, "gain": 0.0},
        },
        "provider": {"margin": {"disagreement": 0.0, "signed": 2.5, "gain": 2.5}},
    },
    "constraints": [
        {
            "name": "buildable capacity",
            "limit": 1.5,
            "unit": "GW",
            "shadow_price": {"lab": 0.75, "provider": -0.25, "joint": 0.5},
        },
        {
            "name": "stake cap",
            "limit": 0.2,
            "unit": "frac",
            "shadow_price": {"lab": 10.0, "provider": 5.0, "joint": 15.0},
        },
        {
            "name": "rival's offer",
            "limit": 3.0,
            "unit": "USD bn",
            "shadow_price": {"lab": -1.0, "provider": 1.0, "joint": 0.0},
        },
        {"name": "power", "limit": 0.0, "unit": "GW", "shadow_price": None},
        {
            "name": "primary clause",
            "limit": 1.0,
            "unit": "GW",
            "shadow_price": {"lab": 0.0, "provider": 0.0, "joint": 0.0},
        },
    ],
    "edges": [
        {"issue": "take_or_pay_frac", "level": 0.8, "end": "highest"},
        {"issue": "term_quarters", "level": 20, "end": "lowest"},
    ],
    "frontier": [[0.0, 6.0], [2.0, 5.0], [4.0, 2.5], [6.0, 0.0]],
    "solutions": {
        "asymmetric Nash": {"lab": 2.0, "provider": 5.0, "distance": 3.25},
        "utilitarian": {"lab": 4.0, "provider": 2.5, "distance": 0.0},
    },
    "proposals": [
        {
            "round": i + 1,
            "proposer": ("lab", "provider")[i % 2],
            "index": i,
            "lab": 5.0 - i / 8,
            "provider": 1.0 + i / 8,
            "answer": "accepted" if i == 9 else "rejected",
            "believed": (0.0, 1.25),
        }
        for i in range(10)
    ],
    "rivals": [
        {"provider": "Amazon", "offered": 3.0, "joint": 4.5, "most": 3.5, "lacks": 2.0, "reason": "agreed"},
        {
            "provider": "Google",
            "offered": None,
            "joint": None,
            "most": -2.0,
            "lacks": None,
            "reason": "no terms leave both better off",
        },
    ],
    "convergence": {
        "iterations": 5,
        "converged": False,
        "cycle_length": 2,
        "largest_change_usd_bn": 0.125,
        "updating": "sequential",
        "network_stable": False,
    },
}
TERM_SHEET = """\
1:2: Oracle and OpenAI, signed 2026Q2 (now active)

Term sheet
  kind                    new
  capacity                1.500 GW
  first delivery          2027Q1
  term                    20 quarters
  compute commitment      75.00 USD bn
  price                   2.500 USD bn per GW-quarter
  discount                10.0 %
  take-or-pay share       80 %
  exclusivity             first refusal
  equity, all tranches    4.00 USD bn
  equity paid at signing  1.00 USD bn
  pre-money valuation     400.0 USD bn
  stake bought            1.00 %

Tranches
  USD 1.00 bn in 2026Q2: paid
  USD 3.00 bn once 1.5 GW are live: not paid

Warrants
  OpenAI gets 0.50% of Oracle once the valuation reaches USD 1,200 bn

What became of it
  2026Q2  signed

"""


def in_words(**changes: Any) -> str:
    """The explanation of deal 1:2, after its term sheet, where the talks were like FOUND but for the changes."""
    told = explanation(RESULTS, "1:2")
    rounds = changes.pop("rounds", 2)
    negotiation = {**told["negotiation"], "rounds": rounds, "explained": {**FOUND, **changes}}
    text = explanation_text({**told, "negotiation": negotiation})
    assert text.startswith(TERM_SHEET)
    return text.removeprefix(TERM_SHEET)


def test_talks_in_words_and_numbers() -> None:
    assert (
        in_words()
        == """\
Why
  Over no deal this round OpenAI gains USD 4.000 bn and Oracle USD 2.500 bn,
  together USD 6.500 bn. Protocol: Nash bargaining, this pair by concession
  tactics; bargaining weight of OpenAI 0.50 of 1. Signed in round 2 of the
  quarter's talks. OpenAI had to get at least USD 3.000 bn, which it could
  have elsewhere.

OpenAI, USD bn               without     with it        gain
  coverage                     1.000       6.000      +5.000
  lock in                     -0.500      -1.500      -1.000
  together                     0.500       4.500      +4.000
  No part in it: credit.

Oracle, USD bn               without     with it        gain
  margin                       0.000       2.500      +2.500
  together                     0.000       2.500      +2.500

What bound
  buildable capacity, 1.500 GW: by its shadow price one more GW would have
  brought OpenAI USD 0.750 bn more and Oracle USD 0.250 bn less (together
  +0.500).
  stake cap, 20.0%: by its shadow price one percentage point more would have
  brought OpenAI USD 0.100 bn more and Oracle USD 0.050 bn more (together
  +0.150).
  rival's offer, 3.000 USD bn: by its shadow price USD 1 bn less on offer
  elsewhere would have brought OpenAI USD 1.000 bn less and Oracle USD 1.000
  bn more (together +0.000).
  power, 0.000 GW: without it the terms would differ; at this limit it has no
  shadow price.
  primary clause, 1.000 GW: without it the terms would differ; a little more
  or less of it changes nothing.

At the edge of what was on the table: take-or-pay share 80.0 % (highest), term
20 quarters (lowest).

Offers by round, USD bn            OpenAI         Oracle  answer
     1  OpenAI                      5.000          1.000  rejected
     2  Oracle                      4.875          1.125  rejected
     3  OpenAI                      4.750          1.250  rejected
     4  Oracle                      4.625          1.375  rejected
   ... (3 more)
     8  Oracle                      4.125          1.875  rejected
     9  OpenAI                      4.000          2.000  rejected
    10  Oracle                      3.875          2.125  accepted
  After the last offer the reservation gain was believed to lie in 0.000 to
  1.250.

Rivals: gain of OpenAI, USD bn         offered     at most      lacked
  Amazon                                 3.000       3.500       2.000
  Google                                     -      -2.000           -
    no offer: no terms leave both better off
  At most: what it could give without loss. Lacked: joint surplus that it
  would have needed more to win.

Efficient gains, USD bn (* signed): OpenAI across, Oracle upwards
        6.00 |.
             |
             |                 A
             |
             |
             |
             |                                  *
             |
             |
             |
             |
        0.00 |                                                   .
             +----------------------------------------------------
              0.00                                            6.00

Solution concepts, USD bn          OpenAI         Oracle    distance
  U  utilitarian                    4.000          2.500       0.000
  A  asymmetric Nash                2.000          5.000       3.250
  Floors and reservation values apart, over the terms on the table and between
  them.

No fixed point of the lab's talks with all providers was found in 5 sweeps
over the pairs, sequential: they repeat every 2 sweeps; the largest change of
a side's gain in the next sweep is USD 0.125 bn. The lab had room for another
provider with gains, but with it some other deal falls through."""
    )


def test_talks_without_constraint_offers_rivals_or_frontier() -> None:
    nothing: dict[str, Any] = {name: [] for name in ("constraints", "edges", "proposals", "rivals", "frontier")}
    text = in_words(rounds=1, rule="nash", floors={"lab": None, "provider": None}, convergence=None, **nothing)
    assert (
        text.split("\n\n")[0]
        == """\
Why
  Over no deal this round OpenAI gains USD 4.000 bn and Oracle USD 2.500 bn,
  together USD 6.500 bn. Protocol: Nash bargaining; bargaining weight of
  OpenAI 0.50 of 1."""
    )
    assert text.split("\n\n")[3:5] == [
        "No constraint bound: lifting any one of them, the lists of terms apart, leaves\nthe terms as they are.",
        "No rival made an offer.",
    ]
    assert [block.splitlines()[0][:17] for block in text.split("\n\n")[5:]] == ["Solution concepts"]


def test_a_fixed_point_and_a_threat_point_in_words() -> None:
    report = {**FOUND["convergence"], "converged": True, "cycle_length": 0, "network_stable": True}
    text = in_words(protocol="nash_in_shapley", rule="nash", threat={"lab": 1.5, "provider": 0.0}, convergence=report)
    assert text.endswith(
        "\n\nThe lab's talks with all providers are a fixed point, found in 5 sweeps over\nthe pairs, sequential."
    )
    assert "Protocol: Nash-in-Shapley; bargaining" in text
    assert "Threat point: USD 1.500 bn for OpenAI, USD 0.000 bn for Oracle." in " ".join(text.split())


def test_deals_struck_together_are_no_rivals_of_each_other() -> None:
    text = in_words(protocol="nash_in_nash", rule="nash", rivals=[])
    assert "\n\nThe lab talked with its providers together: no rival for this deal.\n\n" in text


def test_a_bidder_lacked_a_gain_of_the_lab() -> None:
    rivals = in_words(protocol="auction", rule="auction").partition("Rivals")[2]
    assert rivals.splitlines()[1] == "  Amazon                                 3.000       3.500       2.000"
    assert "Lacked: gain of OpenAI" in rivals


def test_a_disclosed_deal_was_signed_as_disclosed() -> None:
    text = explanation_text(explanation(RESULTS, "microsoft-openai-2025-10"))
    assert (
        text
        == """\
microsoft-openai-2025-10: Microsoft and OpenAI, signed 2025Q4 (now active)

Term sheet
  capacity                5.000 GW  (imputed)
  first delivery          2026Q1
  term                    24 quarters
  compute commitment      250.00 USD bn
  price                   2.750 USD bn per GW-quarter
  discount                0.0 %
  take-or-pay share       0 %  (imputed)
  exclusivity             none
  equity, all tranches    0.00 USD bn

This deal was signed as disclosed, not bargained: its date and parties are facts.
Not disclosed, and therefore imputed: gw, take or pay."""
    )


def test_warrants_a_revenue_share_and_an_amended_deal_are_terms() -> None:
    deals = RESULTS.deals.assign(kind="amendment", amends="0:1", warrant_stake_frac=0.05, revenue_share_frac=0.2)
    text = explanation_text(explanation(replace(RESULTS, deals=deals), "0:2"))
    for line in (
        "kind                    amendment",
        "amends                  0:1",
        "stake by warrants       5.00 %",
        "share of lab's revenue  20.0 %",
    ):
        assert f"\n  {line}\n" in text


@pytest.mark.parametrize("trace", [None, "{}"])
def test_a_simulated_deal_without_its_negotiation(trace: str | None) -> None:
    negotiations = RESULTS.negotiations.iloc[:0] if trace is None else RESULTS.negotiations.assign(trace=trace)
    told = explanation(replace(RESULTS, negotiations=negotiations), "0:2")
    assert told["negotiation"] is None
    assert explanation_text(told).endswith("The negotiation behind this deal is not in the results.")


def test_an_unknown_deal() -> None:
    with pytest.raises(ResultsError) as caught:
        explanation(RESULTS, "microsoft-openai-2025-11")
    assert str(caught.value) == (
        "no deal 'microsoft-openai-2025-11' in this run; allowed: the 3 names in column deal of deals.parquet, "
        "such as 'microsoft-openai-2025-10'; did you mean 'microsoft-openai-2025-10'?"
    )
    with pytest.raises(ResultsError, match="it has no deals"):
        explanation(replace(RESULTS, deals=RESULTS.deals.iloc[:0]), "0:2")


@pytest.mark.parametrize("protocol", ["nash", "auction", "nash_in_shapley"])
def test_what_is_shown_recomputes_from_the_trace_alone(protocol: str) -> None:
    scenario = Scenario.load("tiny").with_({"negotiation.protocol": protocol})
    results = run(scenario, seed=1, until="2025Q4")
    for deal in results.deals["deal"]:
        told = json.loads(json.dumps(cloudpact.explain(results, deal), allow_nan=False))
        negotiation = told["negotiation"]
        assert explained(negotiation["trace"]) == _with_tuples_as(
            negotiation["explained"], explained(negotiation["trace"])
        )
        for side, gain in negotiation["explained"]["payoffs"].items():
            assert gain == negotiation[f"{side}_utility_usd_bn"] == negotiation["trace"]["payoffs"][side]
            parts = negotiation["explained"]["sides"][side].values()
            assert math.fsum(part["gain"] for part in parts) == pytest.approx(gain, abs=1e-12)
            assert all(part["signed"] == part["disagreement"] + part["gain"] for part in parts)
        for field in ("gw", "discount_frac", "equity_usd_bn", "take_or_pay_frac"):
            assert negotiation["explained"]["terms"][field] == pytest.approx(told["deal"][field], rel=1e-12)
        assert max(map(len, explanation_text(told).splitlines())) <= 80


def _with_tuples_as(plain: Any, like: Any) -> Any:
    """JSON data with lists as tuples where the other has tuples."""
    if isinstance(like, dict):
        return {key: _with_tuples_as(plain[key], value) for key, value in like.items()}
    if isinstance(like, list | tuple):
        return type(like)(_with_tuples_as(one, other) for one, other in zip(plain, like, strict=True))
    return plain


def test_a_long_exchange_between_long_names_stays_within_100_columns() -> None:
    name = "International Business Machines and Partners"
    own = problem(name)
    talks = story_of(replace(own, rule="concession", lab=replace(own.lab, name=name)), replace(own, rule="nash"))
    negotiations = RESULTS.negotiations.assign(trace=json.dumps(talks), lab=name, provider=name)
    deals = RESULTS.deals.assign(lab=name, provider=name)
    text = explanation_text(explanation(replace(RESULTS, deals=deals, negotiations=negotiations), "0:2"))
    blocks = text.split("\n\n")[5:]
    assert [line for block in blocks for line in block.splitlines() if len(line) > 100] == []


def test_infinite_values_of_a_row_and_of_a_trace_become_none() -> None:
    negotiations = RESULTS.negotiations.assign(best_rival_lab_utility_usd_bn=float("-inf"))
    told = explanation(replace(RESULTS, negotiations=negotiations), "0:2")
    assert told["negotiation"]["best_rival_lab_utility_usd_bn"] is None
    assert told["negotiation"]["trace"]["problem"]["provider"]["power_gw"] == "inf"
    json.dumps(told, allow_nan=False)


def test_explain_takes_a_folder(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match="holds no run"):
        cloudpact.explain(tmp_path, "0:2")
    assert cloudpact.explain(RESULTS, "0:2") == explanation(RESULTS, "0:2")


@pytest.mark.parametrize("points", [[], [[1.0, 2.0]]])
def test_no_drawing_of_less_than_two_points(points: list[list[float]]) -> None:
    assert frontier_text({**FOUND, "frontier": points}, "A", "B") == ""


def test_a_level_frontier_is_drawn_in_its_middle() -> None:
    told = {"frontier": [[0.0, 1.0], [1.0, 1.0]], "solutions": {}, "payoffs": {"lab": 1.0, "provider": 1.0}}
    lines = frontier_text(told, "A", "B").splitlines()
    drawn = [line for line in lines[1:-2] if "." in line[14:] or "*" in line]
    assert drawn == ["             |." + " " * 50 + "*"]
    assert lines[-1].split() == ["0.00", "1.00"]
