from __future__ import annotations

from typing import Any

import pytest

from market.calendar import quarter_index
from market.policy import Conditions, conditions_at
from market.scenario import Scenario


def conditions(quarter: str, deals_until: str = "2026Q3", **changes: Any) -> Conditions:
    scenario = Scenario.load("tiny").with_({key.replace("__", "."): value for key, value in changes.items()})
    return conditions_at(scenario, quarter_index(quarter), quarter_index(deals_until))


def test_nothing_in_force_is_neutral() -> None:
    assert conditions("2025Q1") == Conditions()


@pytest.mark.parametrize(("quarter", "factor"), [("2026Q4", 1.0), ("2027Q1", 0.5), ("2027Q4", 0.5), ("2028Q1", 1.0)])
def test_a_shock_holds_from_since_up_to_but_without_until(quarter: str, factor: float) -> None:
    shock = {"kind": "demand_collapse", "since": "2027Q1", "until": "2028Q1", "size": 0.5}
    assert conditions(quarter, shocks=[shock]) == Conditions(demand=factor)


def test_entries_of_a_kind_add_up_in_their_own_way() -> None:
    shocks = [
        {"kind": "accelerator_shortage", "since": "2026Q1", "size": 0.5},
        {"kind": "accelerator_shortage", "since": "2026Q1", "size": 0.4},
        {"kind": "interest_rate", "since": "2026Q1", "size": 0.01},
        {"kind": "interest_rate", "since": "2026Q1", "size": 0.02},
    ]
    rules = [{"kind": "stake_cap", "since": "2026Q1", "size": size} for size in (0.3, 0.2, 0.25)]
    found = conditions("2026Q2", shocks=shocks, policy__rules=rules)
    assert found == Conditions(accelerators=pytest.approx(0.2), interest=pytest.approx(0.03), stake_cap=0.2)


def test_undated_rules_leave_disclosed_deals_alone() -> None:
    changes = {"policy__exclusivity_ban": True, "policy__stake_cap": 0.1}
    assert conditions("2026Q3", **changes) == Conditions()
    assert conditions("2026Q4", **changes) == Conditions(exclusivity_banned=True, stake_cap=0.1)


def test_a_lab_is_made_to_fail_once() -> None:
    shock = {"kind": "lab_failure", "since": "2027Q1", "target": "Ada"}
    found = [conditions(quarter, shocks=[shock]).failing for quarter in ("2026Q4", "2027Q1", "2027Q2")]
    assert found == [frozenset(), frozenset({"Ada"}), frozenset()]


def test_several_labs_can_fail_in_one_quarter() -> None:
    shocks = [{"kind": "lab_failure", "since": "2027Q1", "target": name} for name in ("Ada", "Byron")]
    assert conditions("2027Q1", shocks=shocks).failing == {"Ada", "Byron"}


def test_a_disclosure_rule_changes_no_conduct() -> None:
    assert conditions("2027Q1", policy__rules=[{"kind": "disclosure", "since": "2026Q1"}]) == Conditions()
