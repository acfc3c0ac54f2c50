from __future__ import annotations

import json
from math import nan

import pandas as pd
import pytest

from experiments.sensitivity import Sensitivity
from visualization.interval_chart import Mark, interval_chart
from visualization.sensitivity_chart import morris_plane, sensitivity_bars


def indices(method: str, columns: dict[str, list[float]], notes: tuple[str, ...] = ()) -> Sensitivity:
    frame = pd.DataFrame({"factor": ["a.small.factor_name", "b"], **columns})
    return Sensitivity(method, "alignment_hhi", frame, pd.DataFrame(), notes)


SOBOL = indices(
    "sobol", {"S1": [0.1, 0.5], "S1_conf": [0.05, 0.1], "ST": [0.25, 0.75], "ST_conf": [0.0, 0.125]}, ("A note.",)
)
MORRIS = indices("morris", {"mu": [-2.0, 8.0], "mu_star": [2.0, 8.0], "mu_star_conf": [0.5, 1.0], "sigma": [4.0, 0.0]})
PAWN = indices("pawn", {"minimum": [0.1, 0.2], "median": [0.25, 0.5], "maximum": [0.5, 0.75], "slices": [10, 2]})


def drawn(figure) -> list[tuple[str, str, list]]:
    """Series by name and type with their coordinates; breaks between lines left out."""
    return [
        (series["name"], series["type"], [item["value"] if isinstance(item, dict) else item for item in series["data"]
                                          if item != [None, None]])
        for series in figure.option["series"]
    ]  # fmt: skip


def test_sobol_bars_start_at_nil_and_intervals_are_the_index_and_its_confidence() -> None:
    assert drawn(sensitivity_bars(SOBOL)) == [
        ("S1", "line", [[0.0, -0.15], [0.5, -0.15], [0.0, 0.85], [0.1, 0.85]]),
        ("S1", "line", [[0.4, -0.15], [0.6, -0.15], [0.05, 0.85], [0.15, 0.85]]),
        ("S1", "scatter", [[0.5, -0.15], [0.1, 0.85]]),
        ("ST", "line", [[0.0, 0.15], [0.75, 0.15], [0.0, 1.15], [0.25, 1.15]]),
        ("ST", "line", [[0.625, 0.15], [0.875, 0.15], [0.25, 1.15], [0.25, 1.15]]),
        ("ST", "scatter", [[0.75, 0.15], [0.25, 1.15]]),
    ]


def test_the_most_influential_factor_stands_on_top_of_chart_and_table() -> None:
    figure = sensitivity_bars(SOBOL)

    assert figure.option["yAxis"][0]["data"] == ["b", "a.small.\nfactor_name"]
    assert [(axis["inverse"], axis.get("min"), axis.get("max")) for axis in figure.option["yAxis"]] == [
        (True, None, None),
        (True, -0.5, 1.5),
    ]
    assert figure.columns == ("factor", "S1", "S1 ±", "ST", "ST ±")
    assert figure.rows == (("b", 0.5, 0.1, 0.75, 0.125), ("a.small.factor_name", 0.1, 0.05, 0.25, 0.0))
    assert figure.sentence == "b has the largest total index (0.75), then a.small.factor_name (0.25)."
    assert figure.key.endswith("A note.")


def test_pawn_shows_the_span_over_slices() -> None:
    figure = sensitivity_bars(PAWN)

    assert drawn(figure)[1:] == [
        ("median", "line", [[0.2, 0.0], [0.75, 0.0], [0.1, 1.0], [0.5, 1.0]]),
        ("median", "scatter", [[0.5, 0.0], [0.25, 1.0]]),
    ]
    assert "legend" not in figure.option


def test_morris_shows_mu_star_with_its_interval_and_sigma_without() -> None:
    found = drawn(sensitivity_bars(MORRIS))

    assert found[1] == ("mu*", "line", [[7.0, -0.15], [9.0, -0.15], [1.5, 0.85], [2.5, 0.85]])
    assert found[4] == ("sigma", "line", [])
    assert found[5] == ("sigma", "scatter", [[0.0, 0.15], [4.0, 1.15]])


def test_the_morris_plane_has_a_point_a_factor_and_the_diagonal() -> None:
    figure = morris_plane(MORRIS)

    assert drawn(figure) == [
        ("sigma = mu*", "line", [[0, 0], [8.0, 8.0]]),
        ("factors", "scatter", [[8.0, 0.0], [2.0, 4.0]]),
    ]
    with pytest.raises(ValueError, match="indices of sobol have no mu"):
        morris_plane(SOBOL)


def test_an_index_that_is_not_defined_has_no_mark() -> None:
    broken = indices("sobol", {"S1": [nan, 0.5], "S1_conf": [nan, 0.1], "ST": [nan, 0.75], "ST_conf": [nan, 0.1]})
    figure = sensitivity_bars(broken)
    nothing = sensitivity_bars(indices("pawn", {name: [nan, nan] for name in ("minimum", "median", "maximum")}))

    assert [points for _, kind, points in drawn(figure) if kind == "scatter"] == [[[0.5, -0.15]], [[0.75, 0.15]]]
    assert figure.rows[1] == ("a.small.factor_name", None, None, None, None)
    assert nothing.sentence == "The indices of Alignment concentration are not defined in this sweep."
    json.dumps([figure.option, nothing.option], allow_nan=False)


def test_a_mark_without_an_interval_has_no_whiskers() -> None:
    option = interval_chart(["a", "b"], {"effect": [Mark(1.0, None, None, ""), Mark(2.0, 1.0, 4.0, "")]}, bars=False)

    assert [series["data"] for series in option["series"] if series["type"] == "line"] == [
        [[1.0, 1.0], [4.0, 1.0], [None, None]]
    ]
