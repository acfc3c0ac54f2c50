"""What a scenario may say of talks: protocols of pairs, terms on the table, limits; mistakes in one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import pytest

from market.bargaining.polish import ISSUE
from market.bargaining.protocols import Conduct
from market.bargaining.rules import RULES
from market.deals import Exclusivity, Trigger
from market.scenario import (
    ClauseName,
    ConstraintName,
    ContinuousIssue,
    MilestoneName,
    PairRule,
    ProtocolName,
    Scenario,
)
from market.scenario_checks import LARGEST_TABLE
from market.scenario_files import ScenarioError

HEAD = 'base = "tiny"\nname = "talks"\n'  # so what a test adds begins in line 3


def loaded(text: str, folder: Path) -> Scenario:
    path = folder / "talks.toml"
    path.write_text(HEAD + text)
    return Scenario.load(path)


def mistake(text: str, folder: Path) -> str:
    """The one line that a file with a mistake gives, without the folder."""
    with pytest.raises(ScenarioError) as caught:
        loaded(text, folder)
    message = str(caught.value)
    assert "\n" not in message
    return message.removeprefix(f"{folder}/")


def levels(key: str, value: str) -> str:
    return f"[negotiation]\n{key} = {value}\n"


def pair(*lines: str) -> str:
    return "\n".join(("[[negotiation.pair_protocols]]", *lines)) + "\n"


PROTOCOL_NAMES = ", ".join(get_args(ProtocolName))
RULE_NAMES = "nash, kalai_smorodinsky, alternating_offers, concession, screening"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            pair('provider = "Est"'),
            "4: negotiation.pair_protocols.0.provider: unknown name 'Est'; allowed: North, East; did you mean 'East'?",
        ),
        (
            pair('protocol = "screening"') + pair('lab = "ada"'),
            "6: negotiation.pair_protocols.1.lab: unknown name 'ada'; allowed: Ada, Byron; did you mean 'Ada'?",
        ),
        # a protocol for several pairs at once is no rule of one
        (
            pair('lab = "Ada"', 'protocol = "auction"'),
            f'5: negotiation.pair_protocols.0.protocol: unknown choice (got "auction"); allowed: {RULE_NAMES}',
        ),
        (
            pair('protocol = "nahs"'),
            f'4: negotiation.pair_protocols.0.protocol: unknown choice (got "nahs"); allowed: {RULE_NAMES}; '
            "did you mean 'nash'?",
        ),
        (
            pair('labs = "Ada"'),
            "4: negotiation.pair_protocols.0.labs: unknown key; allowed: provider, lab, protocol; did you mean 'lab'?",
        ),
        (
            levels("protocol", '"nash_in_nsh"'),
            f'4: negotiation.protocol: unknown choice (got "nash_in_nsh"); allowed: {PROTOCOL_NAMES}; '
            "did you mean 'nash_in_nash'?",
        ),
    ],
)
def test_mistakes_in_protocols(text: str, expected: str, tmp_path: Path) -> None:
    assert mistake(text, tmp_path) == f"talks.toml:{expected}"


SHARES = ("gw", "discount", "take_or_pay", "equity", "upfront", "warrant", "revenue_share")


@pytest.mark.parametrize("issue", SHARES)
@pytest.mark.parametrize("listed", ["[]", "[-0.1]", "[0.0, 1.5]"])
def test_levels_are_shares_and_there_is_at_least_one(issue: str, listed: str, tmp_path: Path) -> None:
    key = f"{issue}_levels"
    line = f"talks.toml:4: negotiation.{key}: {listed} is no list of levels"
    most = 0.99 if issue == "warrant" else 1.0
    assert mistake(levels(key, listed), tmp_path) == f"{line}; allowed: 1 to 64 numbers between 0.0 and {most}"


@pytest.mark.parametrize("listed", ["[]", "[0]", "[12, 81]"])
def test_terms_are_quarters(listed: str, tmp_path: Path) -> None:
    line = f"talks.toml:4: negotiation.term_levels_quarters: {listed} is no list of levels"
    message = mistake(levels("term_levels_quarters", listed), tmp_path)
    assert message == f"{line}; allowed: 1 to 64 numbers between 1 and 80"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            levels("gw_levels", "0.5"),
            "4: negotiation.gw_levels: wrong type (got 0.5); allowed: a list, each item a number (frac)",
        ),
        (
            levels("term_levels_quarters", "[1.5]"),
            "4: negotiation.term_levels_quarters.0: wrong type (got 1.5); allowed: an integer (quarter)",
        ),
        (
            levels("warrant_levels", "[nan]"),
            "4: negotiation.warrant_levels.0: not a finite number (got nan); allowed: finite numbers, 64-bit integers, "
            "true or false, text, lists and tables of these",
        ),
        (
            levels("clause_levels", '["none", "exclusiv"]'),
            '4: negotiation.clause_levels.1: unknown choice (got "exclusiv"); allowed: none, primary, first_refusal, '
            "exclusive; did you mean 'exclusive'?",
        ),
        (
            levels("clause_levels", "[]"),
            "4: negotiation.clause_levels: the list is empty; allowed: at least one entry",
        ),
        (
            levels("milestones", '["gw_live", "revenu"]'),
            '4: negotiation.milestones.1: unknown choice (got "revenu"); allowed: gw_live, revenue, valuation; '
            "did you mean 'revenue'?",
        ),
        (levels("milestones", "[]"), "4: negotiation.milestones: the list is empty; allowed: at least one entry"),
        (
            levels("constraints", '["capacity", "powr"]'),
            '4: negotiation.constraints.1: unknown choice (got "powr"); allowed: capacity, power, cash, stake_cap, '
            "exclusivity; did you mean 'power'?",
        ),
        (
            levels("continuous_issues", '["discounts"]'),
            '4: negotiation.continuous_issues.0: unknown choice (got "discounts"); allowed: gw, take_or_pay, discount, '
            "equity, upfront, warrants, revenue_share; did you mean 'discount'?",
        ),
        (
            "[talks]\ndeadline_rounds = 0\n",
            "4: talks.deadline_rounds: out of range (got 0); allowed: an integer from 1 to 100000 (count)",
        ),
        (
            '[talks]\nfirst_mover = "labs"\n',
            "4: talks.first_mover: unknown choice (got \"labs\"); allowed: lab, provider; did you mean 'lab'?",
        ),
        (
            "[beliefs]\nreservation_width = 1.5\n",
            "4: beliefs.reservation_width: out of range (got 1.5); allowed: a number from 0 to 1 (frac)",
        ),
    ],
)
def test_mistakes_in_terms_and_conduct(text: str, expected: str, tmp_path: Path) -> None:
    assert mistake(text, tmp_path) == f"talks.toml:{expected}"


def test_a_table_may_not_have_too_many_levels_or_outcomes(tmp_path: Path) -> None:
    """65 levels of one issue; and 64 levels of two, of which the product counts with all other issues."""
    many = [round(step / 64, 6) for step in range(65)]
    assert "talks.toml:4: negotiation.equity_levels: [0.0, " in mistake(levels("equity_levels", str(many)), tmp_path)
    text = levels("gw_levels", str(many[1:])) + f"equity_levels = {many[1:]}\n"
    rules = Scenario.load("tiny").negotiation
    staging = 1 + len(rules.upfront_levels) * len(rules.milestones)
    size = 64 * 64 * staging * len(rules.term_levels_quarters) * len(rules.take_or_pay_levels)
    size *= len(rules.clause_levels) * len(rules.discount_levels)
    size *= len(rules.warrant_levels) * len(rules.revenue_share_levels)
    assert size > LARGEST_TABLE
    expected = f"talks.toml:3: negotiation: the levels of all issues make {size:,} outcomes; allowed: at most 2,000,000"
    assert mistake(text, tmp_path) == expected


def test_a_table_without_any_capacity_is_a_mistake(tmp_path: Path) -> None:
    assert "negotiation.gw_levels" in mistake(levels("gw_levels", "[0.0]"), tmp_path)


def test_a_warrant_for_all_shares_is_a_mistake(tmp_path: Path) -> None:
    assert "negotiation.warrant_levels" in mistake(levels("warrant_levels", "[0.0, 1.0]"), tmp_path)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"negotiation.pair_protocols": [{"provider": "Amazon"}]},
            "negotiation.pair_protocols.0.provider: unknown name 'Amazon'; allowed: North, East",
        ),
        (
            {"negotiation.discount_levels": [2.0]},
            "negotiation.discount_levels: [2.0] is no list of levels; allowed: 1 to 64 numbers between 0.0 and 1.0",
        ),
    ],
)
def test_mistakes_in_overrides_have_no_line(changes: dict[str, Any], expected: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        Scenario.load("tiny").with_(changes)
    assert str(caught.value) == expected


def test_pair_protocols_are_read_in_order_and_survive_the_way_back(tmp_path: Path) -> None:
    """An empty name means all; what is left out is Nash."""
    text = pair('provider = "East"', 'lab = "Ada"', 'protocol = "concession"') + pair('lab = "Byron"') + pair()
    scenario = loaded(text, tmp_path)
    found = [(entry.provider, entry.lab, entry.protocol) for entry in scenario.negotiation.pair_protocols]
    assert found == [("East", "Ada", "concession"), ("", "Byron", "nash"), ("", "", "nash")]
    again = tmp_path / "again.toml"
    again.write_text(scenario.dump())
    assert Scenario.load(again) == scenario
    assert Scenario.load(again).content_hash() == scenario.content_hash()
    assert scenario.content_hash() != Scenario.load("tiny").with_({"name": "talks"}).content_hash()


def test_names_of_a_scenario_are_those_of_the_model() -> None:
    """Every choice that a scenario offers is known where it is used."""
    assert set(get_args(PairRule)) == set(RULES)
    assert set(get_args(ProtocolName)) > set(RULES)
    assert [str(kind) for kind in Exclusivity] == list(get_args(ClauseName))
    assert {str(trigger) for trigger in Trigger} - {"date"} == set(get_args(MilestoneName))
    assert set(ISSUE) == set(get_args(ContinuousIssue))
    assert Scenario.load("tiny").negotiation.constraints == get_args(ConstraintName)


def test_conduct_in_a_scenario_is_conduct_that_protocols_take() -> None:
    """The ends of every parameter's range make a conduct."""
    for changes in (
        {"impatience_per_quarter": 0.0, "offer_interval_quarters": 1e-6, "deadline_rounds": 1, "breakdown_prob": 1.0},
        {"lab_concession": 1e-3, "provider_concession": 1e3, "opening_concession": 1.0, "acceptance_level": 1.0},
        {"tactic": "exponential", "acceptance": "constant", "first_mover": "lab", "bidder_shape": 1e3},
    ):
        rules = Scenario.load("tiny").with_({f"talks.{name}": value for name, value in changes.items()}).talks
        conduct = Conduct(**{name: getattr(rules, name) for name in changes})
        assert {name: getattr(conduct, name) for name in changes} == changes
