from __future__ import annotations

import math

import pandas as pd
import pytest

from tests.visualization.synthetic import LAST_FACT, QUARTERS, tables
from visualization.quantiles import TableError, fan, fan_by, last_fact, last_quarter, run_count, table


def rows(values: dict[str, list[float]]) -> pd.DataFrame:
    return pd.DataFrame([{"quarter": q, "run": run, "x": x} for q, xs in values.items() for run, x in enumerate(xs)])


def test_fan_of_the_numbers_0_to_10_is_the_numbers_themselves() -> None:
    found = fan(rows({"2026Q1": [float(x) for x in range(11)]}), "x")

    assert list(found.columns) == [0.1, 0.25, 0.5, 0.75, 0.9]
    assert found.loc["2026Q1"].tolist() == [1.0, 2.5, 5.0, 7.5, 9.0]


def test_fan_does_not_depend_on_the_order_of_rows() -> None:
    mixed = rows({"2026Q2": [3.0, 1.0, 2.0], "2026Q1": [6.0, 4.0, 5.0]})

    pd.testing.assert_frame_equal(fan(mixed, "x"), fan(mixed.iloc[::-1], "x"))
    assert fan(mixed, "x")[0.5].to_dict() == {"2026Q1": 5.0, "2026Q2": 2.0}


def test_fan_of_one_run_is_flat() -> None:
    assert fan(rows({"2026Q1": [4.0]}), "x").loc["2026Q1"].tolist() == [4.0] * 5


def test_fan_leaves_missing_values_out() -> None:
    found = fan(rows({"2026Q1": [1.0, math.nan, 3.0], "2026Q2": [math.nan] * 3}), "x")

    assert found.loc["2026Q1", 0.5] == 2.0
    assert found.loc["2026Q2"].isna().all()


def test_fan_reads_nullable_integers() -> None:
    data = rows({"2026Q1": [1.0, 3.0]}).astype({"x": "Int64"})

    assert fan(data, "x").loc["2026Q1", 0.5] == 2.0


def test_fan_by_has_all_quarters_for_every_name() -> None:
    data = pd.DataFrame({"quarter": ["2026Q1", "2026Q2", "2026Q2"], "who": ["a", "a", "b"], "x": [1.0, 2.0, 5.0]})

    found = fan_by(data, "x", "who")

    assert list(found) == ["a", "b"]
    assert found["a"][0.5].tolist() == [1.0, 2.0]
    assert math.isnan(found["b"][0.5].iloc[0])
    assert found["b"][0.5].iloc[1] == 5.0


def test_span_of_the_results() -> None:
    data = tables(runs=3)

    assert (last_fact(data), last_quarter(data), run_count(data)) == (LAST_FACT, QUARTERS[-1], 3)


def test_no_last_fact_where_all_is_forecast() -> None:
    data = tables(runs=1)
    data["market"]["forecast"] = True

    assert last_fact(data) is None


@pytest.mark.parametrize(
    ("name", "column", "message"),
    [
        ("market", "wealth", "table 'market' has no column 'wealth'; it has: run, x"),
        ("labs", "lab", "no table 'labs' among the results; there are: market"),
    ],
)
def test_what_is_missing_is_named(name: str, column: str, message: str) -> None:
    with pytest.raises(TableError) as caught:
        table({"market": pd.DataFrame({"run": [0], "x": [1]})}, name, column)

    assert str(caught.value) == message


def test_an_empty_market_is_refused() -> None:
    with pytest.raises(TableError, match="table 'market' has no rows"):
        table({"market": pd.DataFrame({"run": []})}, "market", "run")
