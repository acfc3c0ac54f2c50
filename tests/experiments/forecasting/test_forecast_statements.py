"""Probability statements: their grammar, their truth by run, their intervals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import betainc

from experiments.forecasting.series import _top_two, unit_of
from experiments.forecasting.statements import (
    SHIPPED_STATEMENTS,
    Statement,
    check_statement,
    effective_runs,
    fitting,
    jeffreys,
    read_statements,
)
from experiments.sweeps.errors import SweepError
from market.calendar import quarter_index
from market.scenario import Scenario


def tables() -> dict[str, pd.DataFrame]:
    """Two runs of two quarters; a lab that run 1 does not have."""
    market = pd.DataFrame(
        {"run": [0, 0, 1, 1], "quarter": ["2028Q1", "2028Q2"] * 2, "capex four": [150.0, 170.0, 160.0, 159.0]}
    )
    labs = pd.DataFrame({"run": [0, 0], "quarter": ["2028Q1", "2028Q2"], "lab": "xAI", "compute_gw": [1.0, 2.0]})
    return {"market": market, "labs": labs}


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        ("sum(capex[four]@2028Q1..2028Q2) > 319", [1.0, 0.0]),
        ("sum(capex[four]@2028Q1..2028Q2) <= 319", [0.0, 1.0]),
        ("capex[four]@2028Q1 >= 160", [0.0, 1.0]),
        ("min(capex[four]@2028Q1..2028Q2) < 150", [0.0, 0.0]),
        ("labs[xAI].compute_gw@2028Q2 > 1.5", [1.0, np.nan]),
    ],
)
def test_where_a_statement_holds(test: str, expected: list[float]) -> None:
    np.testing.assert_array_equal(Statement.parse(test).holds(tables()).to_numpy(), expected)


@pytest.mark.parametrize(
    ("test", "told"),
    [
        ("capex[four]@2028Q1", "is none; allowed: OUTCOME < NUMBER"),
        ("capex[four]@2028Q1 > much", "'much' is no number"),
        ("capex[four]@2028Q1 > inf", "is not finite"),
        ("capex[four]@2028 > 1", "'2028' is no quarter or window"),
    ],
)
def test_what_is_no_statement_is_one_line(test: str, told: str) -> None:
    with pytest.raises(SweepError, match=told):
        Statement.parse(test)


def test_a_series_that_is_not_there_is_told() -> None:
    with pytest.raises(SweepError, match=r"statement 'capex\[fuor\]@2028Q1 > 1'.*did you mean 'capex four'"):
        Statement.parse("capex[fuor]@2028Q1 > 1").holds(tables())


def test_statements_about_another_time_are_refused() -> None:
    scenario = Scenario.load("baseline").with_({"time.end": "2030Q4"})
    origin = quarter_index("2026Q1")
    check_statement(Statement.parse("sum(capex[four]@2026Q1..2026Q4) > 600"), scenario, origin)
    for test in ("capex[four]@2026Q1 > 1", "capex[four]@2031Q1 > 1"):
        with pytest.raises(SweepError, match=r"is not about the forecast; allowed: quarters of 2026Q2\.\.2030Q4"):
            check_statement(Statement.parse(test), scenario, origin)


@pytest.mark.parametrize(
    ("test", "told"),
    [
        ("labs[OpenIA].compute_gw@2028Q4 > 1", r"there is no 'OpenIA'; allowed: .*; did you mean 'OpenAI'\?"),
        ("labs[OpenAI].compute_gwh@2028Q4 > 1", r"there is no 'compute_gwh'; did you mean 'compute_gw'\?"),
        ("capex[fore]@2028Q4 > 1", r"there is no 'capex fore'; did you mean 'capex four'\?"),
        ("market_share[Meta]@2028Q4 > 1", r"there is no 'market_share Meta'"),
    ],
)
def test_statements_about_what_is_not_there_are_refused_before_any_run(test: str, told: str) -> None:
    scenario, origin = Scenario.load("baseline").with_({"time.end": "2030Q4"}), quarter_index("2026Q1")
    with pytest.raises(SweepError, match=told):
        check_statement(Statement.parse(test), scenario, origin)
    assert fitting([Statement.parse(test), Statement.parse("deals@2028Q4 > 1")], scenario, origin) == [
        Statement.parse("deals@2028Q4 > 1")
    ]


def test_the_shipped_statements_are_told_apart() -> None:
    shipped = read_statements(SHIPPED_STATEMENTS)
    assert len({each.name for each in shipped}) == len(shipped) >= 8
    assert all(each.quarters is not None for each in shipped)
    base = Scenario.load("baseline").with_({"time.end": "2035Q4"})
    assert fitting(shipped, base, quarter_index("2026Q1")) == shipped


def test_jeffreys_interval_leaves_a_fortieth_of_the_posterior_on_each_side() -> None:
    for successes in (1, 5, 15, 29):
        low, high = jeffreys(successes, 30)
        assert betainc(successes + 0.5, 30.5 - successes, low) == pytest.approx(0.025)
        assert betainc(successes + 0.5, 30.5 - successes, high) == pytest.approx(0.975)
    assert jeffreys(0, 30)[0] == 0.0
    assert jeffreys(30, 30)[1] == 1.0
    assert jeffreys(0, 30)[1] == pytest.approx(1.0 - jeffreys(30, 30)[0])


def test_runs_that_share_draws_count_for_less() -> None:
    assert effective_runs(200, np.array([0.0, 0.0])) == 200
    assert effective_runs(200, np.array([0.5, 0.5])) == 100
    assert effective_runs(200, np.array([-0.2, 0.1])) == 200
    assert effective_runs(200, np.array([np.nan, 0.0])) == 100


def test_the_share_of_the_two_largest_hosts() -> None:
    alignment = pd.DataFrame(
        [
            (0, "2028Q1", "A", "x", 3.0),
            (0, "2028Q1", "B", "x", 1.0),
            (0, "2028Q1", "B", "y", 4.0),
            (0, "2028Q1", "B", "z", 2.0),
            (1, "2028Q1", "A", "x", 0.0),
        ],
        columns=["run", "quarter", "lab", "provider", "delivered_gw"],
    )
    found = _top_two(alignment)
    assert found.loc[(0, "2028Q1")] == (4.0 + 4.0) / 10.0
    assert np.isnan(found.loc[(1, "2028Q1")])


@pytest.mark.parametrize(
    ("series", "unit"),
    [
        ("capex[Amazon]", "USD bn/quarter"),
        ("market_share[Amazon]", "frac"),
        ("price_usd_bn_per_gw_quarter", "USD bn/(GW*quarter)"),
    ],
)
def test_units(series: str, unit: str) -> None:
    assert unit_of(series) == unit
