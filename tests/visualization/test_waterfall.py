from __future__ import annotations

import copy
from typing import Any

import pytest

from cloudpact import plot, run
from cloudpact.results import Results, ResultsError
from experiments.explain import explanation
from market.scenario import Scenario
from visualization.chart import PALETTE, Kind, Part
from visualization.picture import picture
from visualization.waterfall import waterfall


def component(gain: float, without: float = 0.0) -> dict[str, float]:
    return {"disagreement": without, "signed": without + gain, "gain": gain}


FOUND: dict[str, Any] = {
    "threat": {"lab": 0.5, "provider": 0.0},
    "payoffs": {"lab": 2.0, "provider": 1.0},
    "sides": {
        "lab": {"lock_in": component(-1.0, -0.5), "coverage": component(3.0, 4.0), "credit": component(0.0, -7.0)},
        "provider": {"margin": component(1.5), "equity": component(-0.5)},
    },
    "rivals": [
        {"provider": "East", "offered": 1.25},
        {"provider": "West", "offered": 1.75},
        {"provider": "South", "offered": None},
    ],
}
TOLD: dict[str, Any] = {
    "deal": {"deal": "0:4", "lab": "Ada", "provider": "North", "origin": "simulated"},
    "imputed": [],
    "negotiation": {"lab": "Ada", "provider": "North", "explained": FOUND},
}


def with_rivals(*rivals: dict[str, Any]) -> dict[str, Any]:
    told = copy.deepcopy(TOLD)
    told["negotiation"]["explained"]["rivals"] = list(rivals)
    return told


def test_the_table_is_both_sides_step_by_step() -> None:
    figure = waterfall(TOLD)
    assert (figure.name, figure.title, figure.unit) == ("why-0-4", "Why Ada and North signed", "USD bn, over no deal")
    assert figure.columns == ("side", "step", "without the deal", "with it", "gain", "sum so far")
    assert figure.rows == (
        ("Ada", "threat point", None, None, None, 0.5),
        ("Ada", "coverage", 4.0, 7.0, 3.0, 3.0),
        ("Ada", "lock in", -0.5, -1.5, -1.0, 2.0),
        ("Ada", "signed gain", None, None, None, 2.0),
        ("Ada", "best rival: West", None, None, None, 1.75),
        ("North", "threat point", None, None, None, 0.0),
        ("North", "margin", 0.0, 1.5, 1.5, 1.5),
        ("North", "equity", 0.0, -0.5, -0.5, 1.0),
        ("North", "signed gain", None, None, None, 1.0),
    )
    assert figure.parts == (Part("gains as both sides saw them in the talks", Kind.SIMULATED),)


def test_the_sentence_and_the_key_say_what_counts_and_what_does_not() -> None:
    figure = waterfall(TOLD)
    assert figure.sentence == (
        "Over no deal this round, Ada gains USD 2 bn and North USD 1 bn; what counts most is coverage for Ada and "
        "margin for North. The best rival offer, West's, was worth USD 1.75 bn to Ada."
    )
    assert figure.key == (
        "Bars run from the sum so far to the next, counted from no deal this round; levels from nil. "
        "Without a part in it: Ada: credit."
    )


def test_the_bars_start_where_the_ones_before_ended() -> None:
    option = waterfall(TOLD).option
    assert option["yAxis"][0]["data"] == [
        "Ada: threat point", "coverage", "lock in", "Ada: signed gain", "best rival: West",
        "North: threat point", "margin", "equity", "North: signed gain",
    ]  # fmt: skip
    bars = {series["name"]: series["data"] for series in option["series"] if series["type"] == "line"}
    gap = [None, None]
    assert bars == {
        "gain": [[0.0, 1], [3.0, 1], gap, [0.0, 6], [1.5, 6], gap],
        "loss": [[3.0, 2], [2.0, 2], gap, [1.5, 7], [1.0, 7], gap],
        "level": [[0.0, 0], [0.5, 0], gap, [0.0, 3], [2.0, 3], gap, [0.0, 5], [0.0, 5], gap, [0.0, 8], [1.0, 8], gap],
        "rival's offer": [[0.0, 4], [1.75, 4], gap],
    }


def test_kinds_are_told_apart_by_mark_and_sign_as_well_as_by_colour() -> None:
    scatter = [series for series in waterfall(TOLD).option["series"] if series["type"] == "scatter"]
    assert [(s["name"], s["symbol"], s["color"], [item["name"] for item in s["data"]]) for s in scatter] == [
        ("gain", "circle", PALETTE[2], ["+3", "+1.50"]),
        ("loss", "diamond", PALETTE[1], ["−1", "−0.50"]),
        ("level", "rect", PALETTE[0], ["0.50", "2", "0", "1"]),
        ("rival's offer", "triangle", PALETTE[6], ["1.75"]),
    ]
    assert scatter[1]["data"][0] == {
        "value": [2.0, 2], "name": "−1", "tip": "lock in: −1 USD bn",
        "label": {"show": True, "position": "left", "formatter": "{b}"},
    }  # fmt: skip


@pytest.mark.parametrize("rivals", [(), ({"provider": "East", "offered": None},)])
def test_without_a_rival_offer_none_is_marked(rivals: tuple[dict[str, Any], ...]) -> None:
    figure = waterfall(with_rivals(*rivals))
    assert figure.sentence.endswith("margin for North. No rival made an offer.")
    assert not any("rival" in str(row[1]) for row in figure.rows)
    assert figure.option["legend"]["data"] == ["gain", "loss", "level"]


def test_a_disclosed_deal_has_a_sentence_and_no_bars() -> None:
    told = {
        "deal": {"deal": "big-deal-2025", "lab": "Ada", "provider": "North", "origin": "disclosed"},
        "imputed": ["take_or_pay_frac", "discount_frac"],
        "negotiation": None,
    }
    figure = waterfall(told)
    assert figure.name == "why-big-deal-2025"
    assert figure.sentence == (
        "This deal was signed as disclosed, not bargained: its terms are facts or imputed, and have no story here."
    )
    assert (figure.rows, figure.option["series"]) == ((), [])
    assert figure.parts == (
        Part("the deal, its date and its parties", Kind.MEASURED),
        Part("take or pay frac, discount frac", Kind.IMPUTED),
    )
    told["deal"] = told["deal"] | {"origin": "simulated"}  # type: ignore[operator]
    assert waterfall(told).sentence == "The talks behind this deal are not in the results."


@pytest.fixture(scope="module")
def results() -> Results:
    return run(Scenario.load("tiny").with_({"time.end": "2025Q4"}), seed=7)


def test_the_components_of_every_simulated_deal_sum_to_its_signed_gain(results: Results) -> None:
    for deal in results.deals["deal"]:
        told = explanation(results, deal)
        found = told["negotiation"]["explained"]
        for side in ("lab", "provider"):
            total = sum(part["gain"] for part in found["sides"][side].values())
            assert total == pytest.approx(found["payoffs"][side], rel=1e-9, abs=1e-9)


def test_a_notebook_and_a_file_show_it(results: Results) -> None:
    deal = str(results.deals["deal"].iloc[0])
    shown = plot.why(results, deal)
    assert shown.figure == waterfall(explanation(results, deal))
    assert picture(shown.figure, ".svg") == picture(shown.figure, ".svg")
    assert "<iframe" in shown._repr_html_()
    with pytest.raises(ResultsError, match=r"^no deal 'x' in this run; allowed: "):
        plot.why(results, "x")


@pytest.mark.filterwarnings("error")
def test_the_figure_without_bars_can_be_drawn() -> None:
    empty = waterfall({**TOLD, "negotiation": None})
    assert picture(empty, ".png")[:4] == b"\x89PNG"
