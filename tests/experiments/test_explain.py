from __future__ import annotations

import json
from dataclasses import replace

import pytest

from cloudpact.results import Results, ResultsError
from experiments.explain import explanation, explanation_text
from tests.experiments.fake_runs import fake_results

RESULTS = Results.concat([fake_results(), fake_results(replicate=1)])


def test_a_simulated_deal_in_words_and_numbers() -> None:
    assert explanation_text(explanation(RESULTS, "1:2")) == """\
1:2: Oracle and OpenAI, signed 2026Q2 (now active)

Term sheet
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

Why: over no deal this round OpenAI gains USD 4.00 bn and Oracle USD 2.50 bn,
together USD 6.50 bn, after 2 rounds (agreed).
Bargaining weight of OpenAI: 0.50 of 1.
For OpenAI counted most: coverage (+5.00), and against it lock in (-1.00).
For Oracle counted most: margin (+2.50).
Bound by: buildable capacity; without it the terms would differ.
Best rival offer: Amazon, worth USD 3.00 bn to OpenAI: the floor under its gain.

Gain of the lab, by component (USD bn)
  coverage                      +5.000
  lock in                       -1.000
  sum                           +4.000

Gain of the provider, by component (USD bn)
  margin                        +2.500
  sum                           +2.500

Distance of the terms to other solutions (USD bn of both gains)
  symmetric Nash                 0.000
  egalitarian                    0.250"""


def test_a_disclosed_deal_was_signed_as_disclosed() -> None:
    text = explanation_text(explanation(RESULTS, "microsoft-openai-2025-10"))
    assert text == """\
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


def test_no_rival_and_no_constraint() -> None:
    negotiations = RESULTS.negotiations.assign(
        best_rival="", best_rival_lab_utility_usd_bn=float("-inf"), constraint="none"
    )
    told = explanation(replace(RESULTS, negotiations=negotiations), "0:2")
    assert told["negotiation"]["best_rival_lab_utility_usd_bn"] is None
    text = explanation_text(told)
    assert "No constraint bound: lifting any one of them, the lists of terms apart, leaves the terms" in text
    assert "No rival made an offer: the lab's floor was no deal." in text


def test_a_simulated_deal_without_its_negotiation() -> None:
    told = explanation(replace(RESULTS, negotiations=RESULTS.negotiations.iloc[:0]), "0:2")
    assert told["negotiation"] is None
    assert explanation_text(told).endswith("The negotiation behind this deal is not in the results.")


def test_the_explanation_is_json() -> None:
    told = json.loads(json.dumps(explanation(RESULTS, "0:2"), allow_nan=False))
    assert told["negotiation"]["trace"]["frontier"] == [[4.0, None]]
    assert told["deal"]["exclusive_until"] == ""
    assert told["negotiation"]["trace"]["components"]["lab"] == {"coverage": 5.0, "lock_in": -1.0}


def test_an_unknown_deal() -> None:
    with pytest.raises(ResultsError) as caught:
        explanation(RESULTS, "microsoft-openai-2025-11")
    assert str(caught.value) == (
        "no deal 'microsoft-openai-2025-11' in this run; allowed: the 3 names in column deal of deals.parquet, "
        "such as 'microsoft-openai-2025-10'; did you mean 'microsoft-openai-2025-10'?"
    )
    with pytest.raises(ResultsError, match="it has no deals"):
        explanation(replace(RESULTS, deals=RESULTS.deals.iloc[:0]), "0:2")
