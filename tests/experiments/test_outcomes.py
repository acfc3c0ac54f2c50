from __future__ import annotations

from math import nan

import numpy as np
import pandas as pd
import pytest

from cloudpact.schema import TABLES
from experiments.outcomes import HEADLINE, Outcome, outcome_names
from experiments.sweeps.errors import SweepError

QUARTERS = ("2026Q3", "2026Q4", "2027Q1", "2027Q2")


def tables() -> dict[str, pd.DataFrame]:
    """Run 0 of four quarters, run 1 of three, run 4 of four; in run 4 the lab Ada fails after two."""
    lengths = {0: 4, 1: 3, 4: 4}
    market = [
        {"run": run, "quarter": QUARTERS[t], "capacity_gw": 10.0 * run + t, "deals_signed": t, "forecast": t > 1}
        for run, length in lengths.items()
        for t in range(length)
    ]
    labs = [
        {"run": run, "quarter": QUARTERS[t], "lab": lab, "compute_gw": run + t + share, "owner": ""}
        for run, length in lengths.items()
        for t in range(length)
        for lab, share in (("Ada", 0.25), ("Byron", 0.5))
        if not (run == 4 and lab == "Ada" and t >= 2)
    ]
    alignment = [
        {"run": 0, "quarter": "2027Q2", "lab": "Ada", "provider": "East", "stake_frac": 0.125},
        {"run": 0, "quarter": "2027Q2", "lab": "Ada", "provider": "West", "stake_frac": 0.0625},
    ]
    return {"market": pd.DataFrame(market), "labs": pd.DataFrame(labs), "alignment": pd.DataFrame(alignment)}


def values(text: str) -> dict[int, float]:
    found = Outcome.parse(text).of(tables())
    assert (found.name, found.index.name, found.dtype) == (text, "run", np.float64)
    return {run: None if pd.isna(value) else value for run, value in found.items()}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("capacity_gw", {0: 3.0, 1: 12.0, 4: 43.0}),
        ("capacity_gw@2026Q3", {0: 0.0, 1: 10.0, 4: 40.0}),
        ("capacity_gw@2027Q2", {0: 3.0, 1: None, 4: 43.0}),
        ("mean(capacity_gw@2026Q4..2027Q1)", {0: 1.5, 1: 11.5, 4: 41.5}),
        ("mean(capacity_gw@2026Q4..2027Q2)", {0: 2.0, 1: None, 4: 42.0}),
        ("min(capacity_gw@2026Q4..2027Q1)", {0: 1.0, 1: 11.0, 4: 41.0}),
        ("max(capacity_gw@2026Q4..2027Q1)", {0: 2.0, 1: 12.0, 4: 42.0}),
        ("sum(capacity_gw@2026Q3)", {0: 0.0, 1: 10.0, 4: 40.0}),
        ("sum(deals_signed)", {0: 6.0, 1: 3.0, 4: 6.0}),
        ("sum(deals_signed@last2)", {0: 5.0, 1: 3.0, 4: 5.0}),
        ("sum(deals_signed@last4)", {0: 6.0, 1: None, 4: 6.0}),
        ("mean(forecast)", {0: 0.5, 1: 1 / 3, 4: 0.5}),
        ("labs[Byron].compute_gw", {0: 3.5, 1: 3.5, 4: 7.5}),
        ("labs[Ada].compute_gw", {0: 3.25, 1: 3.25, 4: None}),
        ("labs[Ada].compute_gw@2026Q4", {0: 1.25, 1: 2.25, 4: 5.25}),
        ("mean(labs[Ada].compute_gw)", {0: 1.75, 1: 2.25, 4: None}),
        ("alignment[Ada,West].stake_frac", {0: 0.0625, 1: None, 4: None}),
        ("alignment[Ada, East].stake_frac@2027Q2", {0: 0.125, 1: None, 4: None}),
    ],
)
def test_value_of_every_run(text: str, expected: dict[int, float]) -> None:
    assert values(text) == expected


def test_a_value_that_is_missing_in_a_quarter_leaves_the_window_without_one() -> None:
    found = tables()
    found["market"].loc[1, "capacity_gw"] = nan
    assert Outcome.parse("mean(capacity_gw)").of(found).isna().tolist() == [True, False, False]


def test_order_of_rows_does_not_matter() -> None:
    shuffled = {name: frame.sample(frac=1, random_state=1) for name, frame in tables().items()}
    for text in ("capacity_gw", "sum(labs[Byron].compute_gw@last2)"):
        pd.testing.assert_series_equal(Outcome.parse(text).of(shuffled), Outcome.parse(text).of(tables()))


def test_the_last_quarter_of_a_lab_is_that_of_the_run_only_if_the_market_is_known() -> None:
    labs = {"labs": tables()["labs"].query("lab == 'Ada'")}
    assert Outcome.parse("labs[Ada].compute_gw").of(labs).to_dict() == {0: 3.25, 1: 3.25, 4: 5.25}


def test_outcomes_of_a_function() -> None:
    found = {"outcomes": pd.DataFrame({"run": [1, 0], "y": [2.0, nan], "net welfare": [1, 3]})}
    assert Outcome.parse("net welfare").of(found).to_dict() == {0: 3.0, 1: 1.0}
    assert Outcome.parse("y").of(found).isna().to_dict() == {0: True, 1: False}
    assert outcome_names(found) == ["y", "net welfare"]
    with pytest.raises(SweepError, match="no outcome 'yy'; allowed: y, net welfare; did you mean 'y'"):
        Outcome.parse("yy").of(found)
    with pytest.raises(SweepError, match="is its name alone"):
        Outcome.parse("y@2027Q1").of(found)


def test_names_of_all_outcomes() -> None:
    names = outcome_names(tables())
    assert names == [
        "capacity_gw",
        "deals_signed",
        "forecast",
        "labs[Ada].compute_gw",
        "labs[Byron].compute_gw",
        "alignment[Ada,East].stake_frac",
        "alignment[Ada,West].stake_frac",
    ]
    for name in names:
        assert Outcome.parse(name).of(tables()).notna().any()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "outcome '': is not an outcome; allowed: COLUMN"),
        ("mean(capacity_gw", "is not an outcome"),
        ("capacity_gw)", "is not an outcome"),
        ("labs.compute_gw[Ada]", "is not an outcome"),
        ("labs[Ada].", "is not an outcome"),
        ("meen(capacity_gw)", "unknown reduction 'meen'; allowed: mean, min, max, sum; did you mean 'mean'?"),
        ("deals[x].gw", "unknown table 'deals'; allowed: market, providers, labs, alignment"),
        ("lab[Ada].compute_gw", "unknown table 'lab'.*did you mean 'labs'?"),
        ("alignment[Ada].stake_frac", "alignment takes the names of 2"),
        ("labs[].compute_gw", "labs takes the names of 1"),
        ("capacity_gw@2027", "'2027' is no quarter or window; allowed: 2028Q4, 2027Q1..2030Q4 or last4"),
        ("mean(capacity_gw@last0)", "'last0' is no quarter"),
        ("capacity_gw@last2", "a window needs a reduction"),
        ("capacity_gw@2026Q3..2026Q4", "a window needs a reduction"),
        ("mean(capacity_gw@2027Q1..2026Q4)", r"2027Q1 comes after 2026Q4; allowed: 2026Q4\.\.2027Q1"),
    ],
)
def test_texts_that_are_no_outcome(text: str, message: str) -> None:
    with pytest.raises(SweepError, match=message) as caught:
        Outcome.parse(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("capacity", "unknown column: 'capacity'; allowed: capacity_gw, deals_signed, forecast; did you mean 'capac"),
        ("labs[Ada].owner", "is text: 'owner'; allowed: compute_gw"),
        ("labs[ada].compute_gw", "no lab 'ada' in any run; allowed: Ada, Byron; did you mean 'Ada'?"),
        ("alignment[Ada,Nord].stake_frac", "no provider 'Nord' in any run; allowed: East, West"),
        ("providers[East].capacity_gw", "the table 'providers' was not kept; allowed: alignment, labs, market"),
        ("capacity_gw@2030Q1", r"no run has the quarter 2030Q1; allowed: 2026Q3\.\.2027Q2"),
        ("sum(capacity_gw@2025Q1..2026Q4)", "no run has the quarter 2025Q1"),
    ],
)
def test_outcomes_that_no_run_has(text: str, message: str) -> None:
    with pytest.raises(SweepError, match=message):
        Outcome.parse(text).of(tables())


def test_tables_without_rows() -> None:
    with pytest.raises(SweepError, match="no run has finished"):
        Outcome.parse("capacity_gw@2026Q3").of({"market": tables()["market"].head(0)})


def test_headline_outcomes_are_documented_and_have_units() -> None:
    outcomes = [Outcome.parse(text) for text in HEADLINE]
    assert all(outcome.column in TABLES["market"].column_names for outcome in outcomes)
    units = {outcome.text: outcome.unit for outcome in outcomes}
    assert units["capacity_gw"] == "GW"
    assert units["sum(capex_usd_bn@last4)"] == "USD bn"
    assert units["price_usd_bn_per_gw_quarter"] == "USD bn/(GW*quarter)"
    assert all(units.values())
