from __future__ import annotations

import csv
import io
import json
import math

import pandas as pd
import pytest

from tests.visualization.synthetic import LAST_FACT, QUARTERS, tables
from visualization import figures
from visualization.alignment import alignment_means, largest_dependence
from visualization.chart import DASHES, ON_DARK, PALETTE, Figure, Kind

TABLES = tables(runs=5)
OVER_TIME = (
    figures.concentration,
    figures.capacity_total,
    figures.capacity,
    figures.capex_total,
    figures.capex,
    figures.utilisation,
    figures.price,
    figures.lab_revenue,
    figures.dependence,
)


def all_figures() -> list[Figure]:
    return [
        *(figure(TABLES) for figure in OVER_TIME),
        figures.alignment_matrix(TABLES, QUARTERS[-1]),
        figures.relationship_graph(TABLES, QUARTERS[-1]),
    ]


def luminance(colour: str) -> float:
    """Relative luminance of WCAG 2.1."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("figure", all_figures(), ids=lambda figure: figure.name)
def test_a_figure_is_plain_data_with_all_its_parts(figure: Figure) -> None:
    json.dumps(figure.option, allow_nan=False)
    assert figure.title
    assert figure.unit
    assert figure.sentence.endswith(".")
    assert "nan" not in figure.sentence
    assert {part.kind for part in figure.parts} <= set(Kind)
    assert figure.parts
    assert {len(row) for row in figure.rows} == {len(figure.columns)}


@pytest.mark.parametrize("figure", all_figures(), ids=lambda figure: figure.name)
def test_the_download_holds_the_table(figure: Figure) -> None:
    read = list(csv.reader(io.StringIO(figure.csv())))

    assert read == [list(figure.columns), *[["" if cell is None else str(cell) for cell in row] for row in figure.rows]]


@pytest.mark.parametrize("make", OVER_TIME, ids=lambda make: make.__name__)
def test_figures_are_pure(make) -> None:
    before = {name: frame.copy() for name, frame in TABLES.items()}

    assert make(TABLES) == make(TABLES)
    for name, frame in TABLES.items():
        pd.testing.assert_frame_equal(frame, before[name])


def small_market(values: dict[str, list[float]], facts: str) -> dict[str, pd.DataFrame]:
    rows = [
        {"run": run, "quarter": quarter, "forecast": quarter > facts, "utilisation_frac": value}
        for quarter, runs in values.items()
        for run, value in enumerate(runs)
    ]
    return {"market": pd.DataFrame(rows)}


def test_a_fan_states_median_band_sentence_and_table() -> None:
    elevenths = [0.1 * step for step in range(11)]
    figure = figures.utilisation(small_market({"2026Q1": [0.5] * 11, "2026Q2": elevenths}, "2026Q1"))

    assert (
        figure.sentence == "Utilisation of AI capacity goes from 50 % in 2026Q1 to 50 % in 2026Q2 "
        "(80 % of runs: 10 to 90)."
    )
    assert figure.columns == ("quarter", "Utilisation", "Utilisation, 10 %", "Utilisation, 90 %")
    assert figure.rows == (("2026Q1", 50.0, 50.0, 50.0), ("2026Q2", 50.0, 10.0, 90.0))
    assert (
        figure.key == "Line: median of 11 runs. Band: 80 % of runs, darker: half of them. "
        "Shaded: quarters with reported capex imposed."
    )
    drawn = {series["name"]: series["data"] for series in figure.option["series"]}
    assert drawn == {
        "Utilisation": [50.0, 50.0],
        "Utilisation 80 % base": [50.0, 10.0],
        "Utilisation 80 %": [0.0, 80.0],
        "Utilisation 50 % base": [50.0, 25.0],
        "Utilisation 50 %": [0.0, 50.0],
    }


def test_one_run_has_no_band_and_says_so() -> None:
    figure = figures.utilisation(small_market({"2026Q1": [0.5], "2026Q2": [0.6]}, "2026Q1"))

    assert figure.sentence == "Utilisation of AI capacity goes from 50 % in 2026Q1 to 60 % in 2026Q2."
    assert figure.key.startswith("Line: the one run; there is no interval.")
    assert [series["name"] for series in figure.option["series"]] == ["Utilisation"]


def test_imposed_capex_is_shaded_to_their_last_quarter() -> None:
    area = figures.concentration(TABLES).option["series"][0]["markArea"]["data"][0]

    assert area == [{"name": f"capex imposed to {LAST_FACT}", "xAxis": QUARTERS[0]}, {"xAxis": LAST_FACT}]


def test_nothing_is_shaded_where_all_is_forecast() -> None:
    figure = figures.utilisation(small_market({"2026Q1": [0.5], "2026Q2": [0.6]}, "2025Q4"))

    assert "markArea" not in figure.option["series"][0]
    assert "Shaded" not in figure.key


def test_concentration_draws_the_medians_of_the_market_table() -> None:
    figure = figures.concentration(TABLES)
    market = TABLES["market"]
    expected = market[market["quarter"] == QUARTERS[-1]]["alignment_hhi"].median()

    assert figure.rows[-1][1] == pytest.approx(expected, rel=1e-4)
    assert [name for name in figure.columns if "%" not in name] == ["quarter", "Alignment", "Market", "Backlog"]


def test_the_largest_provider_comes_first_and_is_named() -> None:
    figure = figures.capacity(TABLES)

    assert figure.columns[1] == "Amazon"
    assert figure.sentence.startswith(f"In {QUARTERS[-1]} Amazon has the most AI capacity (")


def test_lines_differ_by_dash_not_only_by_colour() -> None:
    drawn = [series for series in figures.capacity(TABLES).option["series"] if "endLabel" in series]

    assert len(drawn) == 6
    assert len({json.dumps(series["lineStyle"]["type"]) for series in drawn}) == 6
    assert len({json.dumps(dash) for dash in DASHES}) == len(DASHES) == 8


def test_every_colour_stands_out_on_both_cards() -> None:
    assert min(contrast(colour, "#ffffff") for colour in PALETTE) >= 3.0
    assert min(contrast(colour, "#151c25") for colour in ON_DARK.values()) >= 4.5


def test_labs_without_revenue_are_left_out_of_the_logarithmic_scale() -> None:
    data = {"labs": TABLES["labs"].copy(), "market": TABLES["market"]}
    data["labs"].loc[data["labs"]["lab"] == "Cohere", "revenue_annualised_usd_bn"] = 0.0
    figure = figures.lab_revenue(data)

    assert "Cohere" not in figure.columns
    assert "OpenAI" in figure.columns
    values = [value for series in figure.option["series"] for value in series["data"]]
    assert all(value is None or value > 0 for value in values)


def test_a_market_without_labs_still_has_figures() -> None:
    data = {**TABLES, "labs": TABLES["labs"].iloc[:0]}
    figure = figures.dependence(data)

    assert figure.sentence == "There is nothing to show."
    assert figure.rows == ()


def test_integrated_labs_are_left_out_of_dependence() -> None:
    assert not {"Google DeepMind", "Meta AI"} & set(figures.dependence(TABLES).columns)


def alignment(rows: list[tuple[int, str, str, float]]) -> dict[str, pd.DataFrame]:
    table = pd.DataFrame(rows, columns=["run", "lab", "provider", "delivered_gw"])
    runs = sorted(table["run"].unique())
    market = pd.DataFrame({"run": runs, "quarter": "2026Q1", "forecast": False})
    labs = pd.DataFrame({"lab": sorted(table["lab"].unique())})
    labs["owner"] = labs["lab"].map({"Google DeepMind": "Google"}).fillna("")
    return {"alignment": table.assign(quarter="2026Q1"), "market": market, "labs": labs}


def test_alignment_is_the_mean_over_runs_and_a_missing_pair_counts_as_zero() -> None:
    data = alignment([(0, "A", "X", 1.0), (0, "A", "Y", 3.0), (1, "A", "X", 3.0)])

    assert alignment_means(data, "2026Q1").to_dict() == {"X": {"A": 2.0}, "Y": {"A": 1.5}}
    assert figures.alignment_matrix(data, "2026Q1").rows == (("A", 3.5, 57.143, 42.857),)


def test_the_largest_dependence_ignores_integrated_and_tiny_labs() -> None:
    data = alignment([(0, "Google DeepMind", "X", 9.0), (0, "tiny", "Y", 0.1), (0, "A", "X", 3.0), (0, "A", "Y", 1.0)])

    assert largest_dependence(data, "2026Q1") == ("A", "X", 0.75)


def test_without_compute_there_is_no_dependence() -> None:
    lab, provider, share = largest_dependence(alignment([(0, "A", "X", 0.0)]), "2026Q1")

    assert (lab, provider) == ("", "")
    assert math.isnan(share)
    assert figures.alignment_matrix(alignment([(0, "A", "X", 0.0)]), "2026Q1").rows == ()


def test_kinds_follow_the_last_fact() -> None:
    def kinds(quarter: str) -> list[Kind]:
        return [part.kind for part in figures.alignment_matrix(TABLES, quarter).parts]

    assert kinds(LAST_FACT) == [Kind.IMPUTED]
    assert kinds(QUARTERS[-1]) == [Kind.SIMULATED]
    assert figures.capex(TABLES).parts[0].kind is Kind.MEASURED


def test_labs_that_failed_are_counted() -> None:
    labs = TABLES["labs"]
    gone = (labs["lab"] == "xAI") & (labs["run"] < 2) & (labs["quarter"] >= "2029Q1")
    gone |= (labs["lab"] == "Cohere") & (labs["run"] == 4) & (labs["quarter"] == QUARTERS[-1])
    figure = figures.lab_revenue({**TABLES, "labs": labs[~gone]})

    assert figure.sentence.endswith(
        "Labs that have failed by the end, in how many of 5 runs: xAI in 2, Cohere in 1; they leave the medians."
    )
    assert "failed" not in figures.lab_revenue(TABLES).sentence
