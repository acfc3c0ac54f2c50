from __future__ import annotations

import json
from math import nan

import pandas as pd
import pytest

from visualization.scatter_chart import scatter


def series(name: str, values: list) -> pd.Series:
    return pd.Series(values, name=name, dtype=object if isinstance(values[0], bool | str) else float)


def points(figure, name: str) -> list[list[float]]:
    found = [each for each in figure.option["series"] if each["name"] == name and each["type"] == "scatter"]
    return [item["value"] for each in found for item in each["data"]]


def test_few_values_are_groups_with_median_and_deciles() -> None:
    figure = scatter(series("power", [0.5, 0.2] * 11), series("y", [float(i) for i in range(22)]), "USD bn")

    assert figure.columns == ("power", "runs", "median", "10 %", "90 %")
    assert figure.rows == (("0.20", 11, 11.0, 3.0, 19.0), ("0.50", 11, 10.0, 2.0, 18.0))
    assert points(figure, "median") == [[0.0, 11.0], [1.0, 10.0]]
    assert figure.option["xAxis"][0]["data"] == ["0.20", "0.50"]
    assert figure.sentence == "The median of y is 11 where power is 0.20, and 10 where it is 0.50."
    assert figure.unit == "across: power; up: y (USD bn)"


def test_points_of_a_group_lie_beside_each_other_about_their_place() -> None:
    figure = scatter(series("ban", [True, False] * 20), series("y", [float(i) for i in range(40)]))
    found = points(figure, "runs")

    assert figure.option["xAxis"][0]["data"] == ["false", "true"]
    assert all(abs(x - (1 if y % 2 == 0 else 0)) <= 0.1801 for x, y in found)
    assert len({x for x, _ in found}) == 40


def test_a_scale_is_cut_into_ten_parts_of_equal_number() -> None:
    figure = scatter(series("x", [float(i) for i in range(100)]), series("y", [2.0 * i for i in range(100)]))

    assert [row[:3] for row in figure.rows[:2]] == [("0 to 9", 10, 9.0), ("10 to 19", 10, 29.0)]
    assert len(figure.rows) == 10
    assert points(figure, "median")[0] == [4.5, 9.0]
    assert points(figure, "runs")[:2] == [[0.0, 0.0], [1.0, 2.0]]


def test_a_scale_of_few_runs_stays_a_scale() -> None:
    """Twelve values with two runs each are no groups, and no more parts than have eight runs."""
    values = [float(i // 2) for i in range(24)]
    figure = scatter(series("x", values), series("y", values))

    assert figure.rows == (("0 to 3", 8, 1.5, 0.0, 3.0), ("4 to 7", 8, 5.5, 4.0, 7.0), ("8 to 11", 8, 9.5, 8.0, 11.0))
    assert len(scatter(series("x", values * 2), series("y", values * 2)).rows) == 12


def test_runs_without_a_value_are_left_out_and_counted() -> None:
    figure = scatter(series("x", [1.0, 2.0, 1.0, nan]), series("y", [5.0, nan, float("inf"), 1.0]))

    assert figure.rows == (("1", 1, 5.0, 5.0, 5.0),)
    assert figure.key.endswith("3 of 4 runs have no value and are left out.")
    assert figure.sentence == "x is 1 in all runs; the median of y is 5."


def test_of_many_runs_a_selection_is_drawn_and_all_are_counted() -> None:
    values = [float(i) for i in range(1000)]
    figure = scatter(series("x", values), series("y", values), most_points=100)

    assert len(points(figure, "runs")) == 100
    assert sum(row[1] for row in figure.rows) == 1000
    assert "100 of 1,000 runs are drawn" in figure.key


@pytest.mark.parametrize("values", [[nan, nan], [1.0, 2.0]])
def test_no_value_at_all_is_said(values: list[float]) -> None:
    figure = scatter(series("x", values), series("y", [nan, nan]))

    assert figure.sentence == "No run has a value of both y and x."
    json.dumps(figure.option, allow_nan=False)
