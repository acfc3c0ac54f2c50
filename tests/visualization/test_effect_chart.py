from __future__ import annotations

import json
from math import nan

import pandas as pd
import pytest

from experiments.attribution import Attribution
from experiments.comparison import Comparison
from visualization.chart import Figure
from visualization.effect_chart import attribution_bars, effect_profile, effects

QUARTERS = ("2026Q1", "2026Q2")


def world(**columns: list[list[float]]) -> dict[str, pd.DataFrame]:
    """The table `market`: for every column a list of runs, each a value a quarter."""
    runs = len(next(iter(columns.values())))
    rows = [
        {"run": run, "quarter": quarter, "forecast": True, **{name: values[run][q] for name, values in columns.items()}}
        for run in range(runs)
        for q, quarter in enumerate(QUARTERS)
    ]
    return {"market": pd.DataFrame(rows)}


A = world(alignment_hhi=[[10.0, 100.0], [10.0, 300.0]], utilisation_frac=[[0.5, 0.5]] * 2, mhhi_delta=[[0.0, 0.0]] * 2)
B = world(alignment_hhi=[[10.0, 110.0], [10.0, 330.0]], utilisation_frac=[[0.5, 0.5]] * 2, mhhi_delta=[[0.0, 5.0]] * 2)
OUTCOMES = ["alignment_hhi", "utilisation_frac", "mhhi_delta"]
FOUND = Comparison.of(A, B, ("calm", "wild"), OUTCOMES)


def marks(figure: Figure) -> list[list[float]]:
    return [
        item["value"] for series in figure.option["series"] if series["type"] == "scatter" for item in series["data"]
    ]


def test_effects_are_drawn_in_per_cent_of_the_first_world() -> None:
    figure = effects(FOUND)

    # mean 200, differences 10 and 30: effect 20 = 10 %, half width t(1) sd / sqrt 2 = 12.706 * 10 = 127.06 = 63.53 %
    assert figure.option["yAxis"][0]["data"] == ["Alignment concentration", "Utilisation"]
    assert marks(figure) == [[10.0, 0.0], [0.0, 1.0]]
    interval = figure.option["series"][0]["data"][:2]
    assert interval == [[pytest.approx(-53.53, abs=0.01), 0.0], [pytest.approx(73.53, abs=0.01), 0.0]]
    assert figure.key.endswith("Not drawn, for want of a mean other than nil to scale by: MHHI delta.")


def test_the_table_has_every_effect_in_its_unit_and_fractions_in_per_cent() -> None:
    rows = effects(FOUND).rows

    assert [row[0] for row in rows] == OUTCOMES
    assert rows[0] == ("alignment_hhi", 20.0, -107.06, 147.06, "0-10000", 200.0, 220.0, 100.0, 2, rows[0][-1])
    assert rows[1] == ("utilisation_frac", 0.0, 0.0, 0.0, "%", 50.0, 50.0, None, 2, None)
    assert rows[2][:2] == ("mhhi_delta", 5.0)


def test_the_sentence_tells_what_is_distinct_from_nil() -> None:
    narrow = Comparison.of(A, world(alignment_hhi=[[10.0, 110.0], [10.0, 311.0]]), ("calm", "wild"), OUTCOMES[:1])
    same = Comparison.of(A, A, ("calm", "calm again"), OUTCOMES)

    assert effects(FOUND).sentence == "No effect of wild against calm is distinct from nil at 95 %."
    assert (
        effects(narrow).sentence
        == "1 of 1 effects is distinct from nil at 95 %; the largest: Alignment concentration +5.25 %."
    )
    assert effects(same).sentence == "calm again is identical to calm in every outcome of every pair."


def test_a_profile_is_the_effect_by_quarter_with_its_interval() -> None:
    figure = effect_profile(FOUND)

    assert figure.columns == ("quarter", "effect", "low", "high")
    assert figure.rows == (("2026Q1", 0.0, 0.0, 0.0), ("2026Q2", 20.0, -107.06, 147.06))
    assert figure.sentence == ("In 2026Q2 Alignment concentration is +20 in wild against calm (95 %: −107 to +147).")
    assert [series["data"] for series in figure.option["series"]] == [[0.0, 20.0], [0.0, -107.06], [0.0, 254.12]]


def test_one_pair_has_no_interval() -> None:
    one = Comparison.of(world(alignment_hhi=[[1.0, 2.0]]), world(alignment_hhi=[[1.0, 3.0]]), outcomes=OUTCOMES[:1])
    figure = effect_profile(one)

    assert [series["name"] for series in figure.option["series"]] == ["effect"]
    assert figure.sentence == "In 2026Q2 Alignment concentration is +1 in B against A."
    assert next(series["data"] for series in effects(one).option["series"]) == []
    json.dumps([figure.option, effects(one).option], allow_nan=False)


def test_an_attribution_has_a_bar_a_deal_and_one_for_the_rest() -> None:
    deals = pd.DataFrame(
        {"deal": ["ms-openai", "0:7"], "contribution": [-30.0, 10.0], "standard_error": [2.0, nan], "quarter": "2026Q1"}
    )
    found = Attribution("market_hhi", "0-10000", "tiny", 1, 0, "2026Q1", "2027Q1", 100.0, 90.0, 10.0, deals, 32, 65)
    figure = attribution_bars(found)

    assert figure.rows == (("ms-openai", -30.0, 2.0), ("0:7", 10.0, None), ("everything else", 10.0, None))
    assert figure.sentence == (
        "Market HHI changes by −10 from the end of 2026Q1 to the end of 2027Q1; of the deals ms-openai adds most (−30)."
    )
    bars, whiskers, points = (series["data"] for series in figure.option["series"])
    assert bars[:2] == [[0.0, 0.0], [-30.0, 0.0]]
    assert whiskers == [[-34.0, 0.0], [-26.0, 0.0], [None, None]]
    assert [item["value"] for item in points] == [[-30.0, 0.0], [10.0, 1.0], [10.0, 2.0]]
