from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import pytest

import cloudpact
from cloudpact.quarter.arrangements import ARRANGEMENTS
from cloudpact.results import ResultsError
from experiments.deal_changes import limits_from, talks_from
from experiments.renegotiate import renegotiated
from experiments.renegotiation_text import renegotiation_text
from experiments.running import run
from market.bargaining.auction import auction
from market.bargaining.menus import best_lab_gain, menu_of
from market.bargaining.negotiation import PAIR_RULES, evaluated, solve
from market.bargaining.problem import Problem
from market.scenario import Scenario, Talks
from market.scenario_files import ScenarioError
from tests.experiments.fake_runs import fake_results
from tests.experiments.fake_talks import problem, rival, story, story_of, under


def signed_on(told: dict[str, Any], expected: Problem) -> bool:
    """Whether the deal is signed on exactly what the expected problem leads to."""
    offer = solve(expected)
    assert offer.terms is not None
    found = told["after"]["terms"], told["after"]["gains"]
    return bool(told["signed"] and found == (offer.terms.plain(), {"lab": offer.lab, "provider": offer.provider}))


def weighing(weight: float) -> Problem:
    return dataclasses.replace(problem(), lab=dataclasses.replace(problem().lab, weight=weight))


def with_floor(floor: float) -> Problem:
    return dataclasses.replace(problem(), floors=(floor, -math.inf))


@pytest.mark.parametrize("rule", PAIR_RULES)
def test_without_change_the_terms_are_the_signed_ones(rule: str) -> None:
    kept = json.loads(json.dumps(story_of(under(rule, problem()), under(rule, rival()))))
    told = renegotiated(kept)
    assert told["changes"] == {}
    assert told["signed"]
    for name in ("terms", "gains", "components"):
        assert told["after"][name] == told["before"][name]
    assert told["before"]["gains"] == kept["payoffs"]


@pytest.mark.parametrize("protocol", sorted(ARRANGEMENTS))
def test_without_change_the_deals_of_a_market_are_as_signed(protocol: str) -> None:
    results = run(Scenario.load("tiny").with_({"negotiation.protocol": protocol}), seed=1, until="2025Q4")
    assert len(results.deals) > 0
    for deal in results.deals["deal"]:
        told = cloudpact.renegotiate(results, deal)
        assert told["after"] == told["before"]
        assert told["signed"]


@pytest.mark.parametrize("rule", ["kalai_smorodinsky", "alternating_offers", "concession"])
def test_another_protocol_is_this_pairs_alone(rule: str) -> None:
    kept = story_of(problem(), rival(buildable_gw=0.1))
    told = renegotiated(kept, protocol=rule)
    rounds = Talks().concession_rounds if rule == "concession" else problem().conduct.deadline_rounds
    conduct = dataclasses.replace(problem().conduct, deadline_rounds=rounds)
    assert signed_on(told, dataclasses.replace(under(rule, problem()), conduct=conduct))
    assert told["changes"] == {"protocol": ["nash", rule]}


def test_a_larger_weight_gives_the_lab_more() -> None:
    gains = []
    for weight in (0.2, 0.5, 0.9):
        told = renegotiated(story_of(problem()), lab_weight=weight)
        assert signed_on(told, weighing(weight))
        gains.append(told["after"]["gains"]["lab"])
    assert gains == sorted(gains)
    assert gains[0] < gains[1] < gains[2]


def test_a_small_weight_is_held_against_the_rivals_offer() -> None:
    offered = solve(rival()).lab
    assert solve(weighing(0.2)).lab < offered < solve(weighing(0.9)).lab
    weak = dataclasses.replace(weighing(0.2), floors=(offered, -math.inf))
    assert signed_on(renegotiated(story(), lab_weight=0.2), weak)
    assert signed_on(renegotiated(story(), lab_weight=0.9), weighing(0.9))
    assert signed_on(renegotiated(story(), lab_weight=0.2, lifted=["rival's offer"]), weighing(0.2))


def test_an_outside_option_excludes_terms_only_where_it_is_better() -> None:
    own = solve(problem()).lab
    assert signed_on(renegotiated(story(), outside_option_usd_bn=0.9 * own), problem())
    told = renegotiated(story(), outside_option_usd_bn=1.2 * own)
    assert signed_on(told, with_floor(1.2 * own))
    assert told["after"]["gains"]["lab"] >= 1.2 * own
    assert told["changes"] == {"outside option": [None, 1.2 * own]}
    told = renegotiated(story(), outside_option_usd_bn=100.0)
    assert (told["signed"], told["reason"]) == (False, "a rival offers the lab more")
    assert told["after"] == {"rule": "nash", "lab_weight": 0.5, "terms": None, "gains": None, "components": None}


def limited(**limits: float) -> Problem:
    """The problem with other limits, and still all that was on the table under the old ones."""
    return dataclasses.replace(problem("Oracle", **limits), grid=problem().table)


def test_limits_are_set_and_lifted() -> None:
    kept = story_of(problem())
    told = renegotiated(kept, limits={"buildable capacity": 0.4, "stake cap": 0.1})
    assert signed_on(told, limited(buildable_gw=0.4, stake_cap=0.1))
    assert told["after"]["terms"]["gw"] == 0.4
    assert told["changes"] == {"buildable capacity": [0.6, 0.4], "stake cap": [1.0, 0.1]}
    told = renegotiated(kept, lifted=["buildable capacity"])
    assert signed_on(told, limited(buildable_gw=math.inf))
    assert told["changes"] == {"buildable capacity": [0.6, None]}


def test_lifting_a_limit_takes_nothing_off_the_table() -> None:
    """A limit within the levels puts a level of its own on the table, which stays there without the limit."""
    assert 0.6 not in problem().grid.gw
    told = renegotiated(story_of(problem()), lifted=["buildable capacity"])
    product = {name: math.prod(told[name]["gains"].values()) for name in ("before", "after")}
    assert product["after"] >= product["before"]


def test_a_rival_with_more_to_share_overtakes() -> None:
    told = renegotiated(story(), limits={"buildable capacity": 0.25})
    small, other = solve(limited(buildable_gw=0.25)), solve(rival())
    assert told["signed"] is False
    assert told["reason"] == (
        f"the lab would sign with Amazon: together they would gain USD {other.joint:.3f} bn against "
        f"{solve(dataclasses.replace(limited(buildable_gw=0.25), floors=(other.lab, -math.inf))).joint:.3f}"
    )
    assert small.joint < other.joint
    assert told["after"]["terms"]["gw"] == 0.25


def test_a_rival_ahead_already_takes_no_deal_signed_by_right_of_first_refusal() -> None:
    cheap = rival(buildable_gw=0.6, user_cost_usd_bn_per_gw_quarter=1.9)
    assert solve(cheap).joint > solve(problem()).joint
    matched = with_floor(solve(cheap).lab)
    told = renegotiated(story_of(matched, cheap), lab_weight=0.45)
    assert signed_on(told, dataclasses.replace(weighing(0.45), floors=matched.floors))


def test_a_threat_of_replacement_is_what_the_rival_could_give_without_loss() -> None:
    other = rival(buildable_gw=0.2)
    most = best_lab_gain(other, evaluated(other))
    assert solve(weighing(0.2)).lab < most < solve(problem()).lab
    told = renegotiated(story_of(problem(), other, protocol="nash_in_nash_replacement"), lab_weight=0.2)
    assert signed_on(told, dataclasses.replace(weighing(0.2), floors=(most, -math.inf)))


@pytest.mark.parametrize("capacity", [0.3, 0.5, 0.59])
def test_rivals_bid_in_an_auction(capacity: float) -> None:
    """The winner and the level terms are those of the auction over all tables at once."""
    own, other = problem(), rival(buildable_gw=capacity)
    told = renegotiated(story_of(own, other), protocol="auction")
    tables = [menu_of(each, evaluated(each)).table for each in (own, other)]
    expected = auction(tables, own.conduct, (0.1, 0.2))
    assert told["signed"] == (expected.winner == 0)
    assert told["signed"]
    assert told["after"]["gains"]["lab"] == pytest.approx(expected.bids[0], rel=1e-9)


def test_a_higher_bid_takes_an_auctioned_deal_away() -> None:
    told = renegotiated(story(), protocol="auction", limits={"buildable capacity": 0.25})
    assert told["signed"] is False
    assert told["reason"].startswith("Amazon would bid the lab more: USD ")


def test_an_auction_is_left_by_all() -> None:
    kept = story_of(*(dataclasses.replace(under("auction", each), bidders=2) for each in (problem(), rival())))
    assert signed_on(renegotiated(kept, protocol="nash"), dataclasses.replace(problem(), bidders=2))
    told = renegotiated(kept, protocol="nash", lab_weight=0.2)
    assert told["after"]["gains"]["lab"] >= solve(rival()).lab


def test_talks_are_conducted_otherwise() -> None:
    kept = story_of(under("concession", problem()))
    told = renegotiated(kept, talks={"lab_concession": 0.2, "concession_rounds": 30, "deadline_rounds": 5})
    conduct = dataclasses.replace(problem().conduct, lab_concession=0.2, deadline_rounds=30)
    assert signed_on(told, dataclasses.replace(under("concession", problem()), conduct=conduct))
    rounds = problem().conduct.deadline_rounds
    assert told["changes"] == {"talks.lab_concession": [1.0, 0.2], "talks.concession_rounds": [rounds, 30]}
    told = renegotiated(story_of(problem()), Talks(concession_rounds=7), protocol="concession")
    conduct = dataclasses.replace(problem().conduct, deadline_rounds=7)
    assert signed_on(told, dataclasses.replace(under("concession", problem()), conduct=conduct))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"protocol": "auktion"},
            "protocol: 'auktion'; allowed: nash, kalai_smorodinsky, alternating_offers, concession, screening, "
            "auction; did you mean 'auction'?",
        ),
        ({"lab_weight": 1.5}, "lab weight: 1.5; allowed: 0 to 1"),
        ({"lab_weight": math.nan}, "lab weight: nan; allowed: 0 to 1"),
        ({"outside_option_usd_bn": math.inf}, "outside option: inf; allowed: a finite number"),
        (
            {"lifted": ["powr"]},
            "constraint: 'powr'; allowed: buildable capacity, power, primary clause, provider's cash, stake cap, "
            "rival's offer; did you mean 'power'?",
        ),
        (
            {"limits": {"rival's offer": 3.0}},
            "limit: \"rival's offer\"; allowed: buildable capacity, power, primary clause, provider's cash, stake cap",
        ),
        ({"limits": {"power": -1.0}}, "power: -1.0; allowed: 0 or more"),
        ({"limits": {"stake cap": 1.1}}, "stake cap: 1.1; allowed: 0 to 1"),
        ({"limits": {"power": 1.0}, "lifted": ["power"]}, "limit: 'power' is lifted as well; allowed: one of the two"),
        (
            {"outside_option_usd_bn": 1.0, "lifted": ["rival's offer"]},
            'outside option: both set and, as "rival\'s offer", lifted; allowed: one of the two',
        ),
    ],
)
def test_names_and_numbers_that_are_not_allowed(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ResultsError) as caught:
        renegotiated(story(), **changes)
    assert str(caught.value) == message


def test_talks_that_are_not_allowed() -> None:
    with pytest.raises(ScenarioError, match="did you mean 'lab_concession'"):
        renegotiated(story(), talks={"lab_concesion": 1.0})
    with pytest.raises(ScenarioError, match=r"talks\.lab_concession: out of range"):
        renegotiated(story(), talks={"lab_concession": -1.0})


@pytest.mark.parametrize("text", ["power", "power=", "power=much", "=", ""])
def test_limits_that_are_no_limits(text: str) -> None:
    with pytest.raises(ResultsError) as caught:
        limits_from([text])
    assert str(caught.value) == f"limit: {text!r}; allowed: NAME=NUMBER, such as 'buildable capacity=3.5'"


@pytest.mark.parametrize("path", ["price.floor", "talks", "lab_concession"])
def test_settings_of_other_groups(path: str) -> None:
    with pytest.raises(ResultsError) as caught:
        talks_from([f"{path}=3"])
    allowed = "allowed: talks.KEY, such as talks.lab_concession=3"
    assert str(caught.value) == f"{path}: cannot be set for one deal; {allowed}"


def test_deals_that_were_not_bargained() -> None:
    results = fake_results()
    with pytest.raises(ResultsError) as caught:
        cloudpact.renegotiate(results, "microsoft-openai-2025-10")
    assert str(caught.value) == (
        "deal 'microsoft-openai-2025-10' was signed as disclosed, not bargained; "
        "allowed: a simulated deal, such as '0:2'"
    )
    with pytest.raises(ResultsError, match=r"no deal '0:3' in this run; .*; did you mean '0:2'\?"):
        cloudpact.renegotiate(results, "0:3")
    without = dataclasses.replace(results, negotiations=results.negotiations.iloc[:0])
    with pytest.raises(ResultsError, match="the negotiation behind deal '0:2' is not in the results"):
        cloudpact.renegotiate(without, "0:2")
    only = dataclasses.replace(results, deals=results.deals.iloc[:1])
    with pytest.raises(ResultsError, match="not bargained; allowed: a simulated deal; this run has none"):
        cloudpact.renegotiate(only, "microsoft-openai-2025-10")


def test_results_in_memory_and_their_deal() -> None:
    told = cloudpact.renegotiate(fake_results(), "0:2", lab_weight=0.9)
    head = {"deal": "0:2", "provider": "Oracle", "lab": "OpenAI", "quarter": "2026Q2"}
    assert told == head | renegotiated(story(), lab_weight=0.9)
    with pytest.raises(ResultsError, match="no such folder"):
        cloudpact.renegotiate(Path("absent"), "0:2")


TOLD: dict[str, Any] = {
    "deal": "0:2",
    "provider": "Oracle",
    "lab": "OpenAI",
    "quarter": "2026Q2",
    "changes": {"protocol": ["nash", "alternating_offers"], "power": [1.5, None]},
    "signed": True,
    "reason": "agreed",
    "before": {
        "rule": "nash",
        "lab_weight": 0.5,
        "terms": {
            "gw": 1.5,
            "term_quarters": 20,
            "take_or_pay_frac": 0.8,
            "clause": "first_refusal",
            "discount_frac": 0.1,
            "equity_usd_bn": 4.0,
            "upfront_frac": 0.25,
            "milestone": "gw_live",
            "warrant_stake_frac": 0.0,
            "revenue_share_frac": 0.0,
        },
        "gains": {"lab": 4.0, "provider": 2.5},
        "components": {"lab": {"coverage": 5.0, "lock_in": -1.0, "credit": 0.0}, "provider": {"margin": 2.5}},
    },
    "after": {
        "rule": "alternating_offers",
        "lab_weight": 0.5,
        "terms": {
            "gw": 2.0,
            "term_quarters": 12,
            "take_or_pay_frac": 0.8,
            "clause": "none",
            "discount_frac": 0.1,
            "equity_usd_bn": 0.0,
            "upfront_frac": 1.0,
            "milestone": "date",
            "warrant_stake_frac": 0.05,
            "revenue_share_frac": 0.0,
        },
        "gains": {"lab": 5.0, "provider": 2.0},
        "components": {"lab": {"coverage": 6.0, "lock_in": -1.0, "credit": 0.0}, "provider": {"margin": 2.0}},
    },
}


def test_before_and_after_side_by_side() -> None:
    assert (
        renegotiation_text(TOLD)
        == """\
0:2: Oracle and OpenAI, signed 2026Q2, bargained again

Changed
  protocol: nash -> alternating offers
  power: 1.5 -> none

The deal would have been signed on other terms.

Terms                               as signed               again      change
  protocol                               nash  alternating offers
  weight of OpenAI                       0.50                0.50
  capacity, GW                          1.500               2.000      +0.500
  term, quarters                           20                  12          -8
  take-or-pay share, %                   80.0                80.0
  exclusivity                   first refusal                none
  discount, %                           10.00               10.00
  equity, USD bn                        4.000               0.000      -4.000
  paid at signing, %                     25.0               100.0       +75.0
  the rest waits for                  gw live                date
  stake by warrants, %                   0.00                5.00       +5.00

Gains over no deal, USD bn          as signed               again      change
  OpenAI                                4.000               5.000      +1.000
  Oracle                                2.500               2.000      -0.500
  together                              6.500               7.000      +0.500

OpenAI, USD bn                      as signed               again      change
  coverage                              5.000               6.000      +1.000
  lock in                              -1.000              -1.000

Oracle, USD bn                      as signed               again      change
  margin                                2.500               2.000      -0.500"""
    )


def test_no_deal_in_words() -> None:
    nothing = {**TOLD["after"], "terms": None, "gains": None, "components": None}
    text = renegotiation_text({**TOLD, "signed": False, "reason": "a rival offers the lab more", "after": nothing})
    blocks = text.split("\n\n")
    assert blocks[2] == "No deal would have been signed: a rival offers the lab more."
    assert f"  equity, USD bn{4.0:29.3f}{'-':>20}\n" in blocks[3]
    assert blocks[4].endswith(f"\n  together{6.5:35.3f}{'-':>20}")
    assert len(blocks) == 5


def test_a_deal_lost_to_a_rival_and_one_without_change_in_words() -> None:
    lost = renegotiation_text({**TOLD, "signed": False, "reason": "Amazon would bid the lab more"})
    assert " ".join(lost.split("\n\n")[2].split()) == (
        "No deal would have been signed: Amazon would bid the lab more. What the two would have agreed on otherwise:"
    )
    same = renegotiation_text({**TOLD, "changes": {}, "after": TOLD["before"]}).split("\n\n")
    assert same[1:3] == ["Nothing is changed.", "The deal would have been signed on the same terms."]


def test_every_answer_is_json() -> None:
    for rule in PAIR_RULES:
        for changes in ({}, {"outside_option_usd_bn": 100.0}, {"lifted": ["power"]}):
            json.dumps(renegotiated(story(), protocol=rule, **changes), allow_nan=False)
