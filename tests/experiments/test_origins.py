"""Nothing that happened after an origin may reach the market that is put there."""

from __future__ import annotations

import dataclasses

import pandas as pd
import pytest

from experiments.origins import at_origin
from experiments.running import run
from experiments.target_values import target_values
from market.calendar import quarter_index
from market.facts import Facts
from market.scenario import Scenario

FACTS = Facts.load()


def poisoned(facts: Facts, origin: int) -> Facts:
    """The facts with every number of every row after the origin multiplied by a thousand, deals included."""

    def spoilt[R](row: R) -> R:
        changes = {
            field.name: 1000.0 * value
            for field in dataclasses.fields(row)  # type: ignore[arg-type]
            if isinstance(value := getattr(row, field.name), float)
        }
        return dataclasses.replace(row, **changes)  # type: ignore[type-var]

    tables = ("capex_rows", "cloud_rows", "lab_rows", "share_rows", "adoption_rows", "supply_rows", "deal_rows")
    return dataclasses.replace(
        facts,
        **{
            name: tuple(spoilt(row) if row.quarter > origin else row for row in getattr(facts, name)) for name in tables
        },
    )


@pytest.mark.parametrize("origin", ["2021Q4", "2024Q4"])
def test_poisoned_later_facts_change_no_bit_of_a_blind_run(origin: str) -> None:
    spoilt = poisoned(FACTS, quarter_index(origin))
    scenario = at_origin(Scenario.load("baseline"), origin, 6)
    clean, other = (run(scenario, seed=3, replicate=5, facts=facts) for facts in (FACTS, spoilt))
    for name, table in clean.tables.items():
        pd.testing.assert_frame_equal(table, other.tables[name], check_exact=True)


def test_the_poison_would_be_seen() -> None:
    """The same poison reaches a market whose origin is later: the test above can fail."""
    spoilt = poisoned(FACTS, quarter_index("2021Q4"))
    scenario = at_origin(Scenario.load("baseline"), "2022Q4", 1)
    clean, other = (run(scenario, seed=3, facts=facts) for facts in (FACTS, spoilt))
    assert not clean.market["capex_usd_bn"].equals(other.market["capex_usd_bn"])


def test_a_conditional_run_signs_later_deals_and_takes_nothing_else_of_what_came_later() -> None:
    scenario = at_origin(Scenario.load("baseline"), "2022Q4", 8, "conditional")
    time = scenario.time
    assert (time.deals_until, time.capex_until, time.states_until, time.end) == ("2024Q4", "2022Q4", "2022Q4", "2024Q4")
    deals = run(scenario, seed=1).deals
    assert set(deals["origin"]) == {"disclosed"}
    assert "amazon-anthropic-2023-09" in set(deals["deal"])


def test_target_values_are_those_of_the_tables_in_the_units_of_the_facts() -> None:
    scenario = at_origin(Scenario.load("baseline"), "2022Q4", 2)
    results = run(scenario, seed=1)
    at = quarter_index("2022Q4")
    values = target_values(results.tables, scenario, [at, at + 1]).loc[0]
    assert {key.partition("@")[2] for key in values.index} == {"2022Q4", "2023Q1"}
    four = [FACTS.capex(name)[at] for name in ("Amazon", "Microsoft", "Google", "Meta")]
    assert values["capex[four]@2022Q4"] == pytest.approx(sum(four))
    assert values["cloud_revenue[Microsoft]@2022Q4"] == pytest.approx(FACTS.known_at(at).cloud_revenue("Microsoft")[at])
    deals = results.deals
    assert values["deals@2023Q1"] == (deals["quarter"] == "2023Q1").sum()
    given = at_origin(Scenario.load("baseline"), "2022Q4", 4, "conditional")  # disclosed deals: 10 + 0.3 in 2023Q1
    disclosed = target_values(run(given, seed=1).tables, given, [at + 1, at + 2]).loc[0]
    assert disclosed["deal_equity@2023Q1"] == pytest.approx(10.3)
    assert disclosed["equity_deals@2023Q1"] == disclosed["deals@2023Q1"] == 2.0
    assert disclosed["equity_deals@2023Q2"] == disclosed["deal_equity@2023Q2"] == 0.0
    assert "run_rate[xAI]@2023Q1" not in values.index
