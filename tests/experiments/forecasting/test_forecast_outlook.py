"""Outlooks, worlds and origins: what is mixed, from which quarter on."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.forecasting.draws import make_draws
from experiments.forecasting.members import at_last_fact, last_fact, members, worlds
from experiments.forecasting.outlook import Outlook
from experiments.sweeps.errors import SweepError
from market.calendar import quarter_index, quarter_name
from market.facts import Facts
from market.scenario import Scenario

DATA = Path(__file__).parents[3] / "market" / "data"
COMPANIES = ("AMZN", "MSFT", "GOOGL", "META", "ORCL")


def newer_facts(folder: Path, quarter: str, value: float) -> Facts:
    """The shipped facts with one more quarter of capex, the same for every company."""
    text = (DATA / "capex_quarterly.csv").read_text(encoding="utf-8")
    rows = [f"{quarter},{company},{value},,a test,high," for company in COMPANIES]
    (folder / "capex_quarterly.csv").write_text(text.rstrip() + "\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return Facts.load(folder)


def outlook(folder: Path, text: str) -> Outlook:
    file = folder / "outlook.toml"
    file.write_text(text, encoding="utf-8")
    return Outlook.load(file)


def test_the_shipped_outlook_weighs_every_alternative_and_says_why() -> None:
    shipped = Outlook.load()
    assert list(shipped.structures) == ["bargaining", "demand", "investment", "expectations"]
    for kind in (*shipped.structures.values(), shipped.scenarios):
        assert sum(each.weight for each in kind) == pytest.approx(1.0)
        assert all(len(each.reason) > 20 for each in kind)
        assert min(each.weight for each in kind) * 200 >= 2  # a level needs two runs to have a variance
    base, origin = Scenario.load("baseline"), quarter_index("2026Q1")
    found = worlds(base, shipped, origin)
    assert len(found) == 6 * 3 * 2 * 3 * len(shipped.scenarios)
    assert found["nash + hill + newsvendor + damped / as-is"].content_hash() == base.content_hash()
    other = found["auction + logarithmic + real-option + static / power-limit"]
    assert (other.negotiation.protocol, other.demand.form) == ("auction", "logarithmic")
    assert other.capex.rule == "real_option"
    assert other.capex.trend_damping == 0.0
    assert other.shocks[0].kind == "power_limit"


def test_dates_of_a_stated_scenario_move_with_the_origin(tmp_path: Path) -> None:
    view = outlook(
        tmp_path, "[[scenarios]]\nname = 'short'\nweight = 3\nreason = 'r'\nscenario = 'accelerator-shortage'\n"
    )
    base = Scenario.load("baseline").with_({"shocks": [{"kind": "power_limit", "since": "2030Q1", "size": 0.9}]})
    (found,) = worlds(base, view, quarter_index("2026Q3")).values()
    told = [(shock.kind, shock.since, shock.until) for shock in found.shocks]
    assert told == [("power_limit", "2030Q1", ""), ("accelerator_shortage", "2027Q3", "2029Q3")]


def test_the_origin_is_the_last_quarter_with_capex_of_all(tmp_path: Path) -> None:
    base, shipped = Scenario.load("baseline"), Facts.load()
    origin = shipped.last_capex_quarter
    assert last_fact(base, shipped) == origin
    now = at_last_fact(base, shipped, "2030Q4")
    assert now.time.capex_until == now.time.states_until == quarter_name(origin)
    later = newer_facts(tmp_path, quarter_name(origin + 1), 40.0)
    moved = at_last_fact(base, later, "2031Q4").time
    assert moved.capex_until == moved.states_until == quarter_name(origin + 1)
    assert moved.deals_until == quarter_name(max(origin + 1, max(row.quarter for row in later.deal_rows)))
    assert moved.end == "2031Q4"


def test_a_world_whose_deals_end_early_keeps_them_and_one_without_facts_starts_at_its_start() -> None:
    facts = Facts.load()
    assert at_last_fact(Scenario.load("open-world"), facts, "2030Q4").time.deals_until == "2022Q4"
    tiny = Scenario.load("tiny")
    assert quarter_name(last_fact(tiny, facts)) == "2024Q4"
    assert at_last_fact(tiny, facts, "2026Q4").diff(tiny) == {"time.end": ("2026Q4", "2027Q4")}


@pytest.mark.parametrize(
    ("until", "told"), [("2024Q4", "allowed: a quarter after 2024Q4"), ("soon", "'soon' is not a")]
)
def test_an_end_before_the_origin_is_refused(until: str, told: str) -> None:
    with pytest.raises(SweepError, match=told):
        at_last_fact(Scenario.load("tiny"), Facts.load(), until)


def test_members_take_their_draws() -> None:
    view, draws = Outlook.load(), make_draws(8, 1, {"bargaining": [1.0]}, [1.0])
    points = members(view, draws, [{"demand.elasticity": value / 10} for value in range(5, 9)]).points
    assert [point["luck"] for point in points] == [0, 1, 0, 1, 2, 3, 2, 3]
    assert [point["demand.elasticity"] for point in points] == [0.5, 0.5, 0.6, 0.6, 0.7, 0.7, 0.8, 0.8]
    assert {point["scenario"] for point in points} == {"nash / as-is"}
    assert "demand.elasticity" not in members(view, draws, []).points[0]


def test_a_path_that_is_drawn_and_set_is_refused() -> None:
    with pytest.raises(SweepError, match=r"^negotiation\.protocol: is drawn from the posterior and set by the outlook"):
        members(Outlook.load(), make_draws(8, 1, {"bargaining": [1.0]}, [1.0]), [{"negotiation.protocol": "nash"}] * 4)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[[scenario]]\n", "unknown key 'scenario'; allowed: structures, scenarios"),
        ("scenarios = 3\n", "scenarios: not a list of tables"),
        ("[[scenarios]]\nname = 'a'\nwieght = 1\n", r"unknown key 'wieght'.*did you mean 'weight'"),
        ("[[scenarios]]\nname = 'a'\nweight = -1\nreason = 'r'\n", "weight: got -1; allowed: a number above nil"),
        ("[[scenarios]]\nname = 'a'\nweight = 1\n", "reason: missing"),
        ("[[scenarios]]\nname = 'a/b'\nweight = 1\nreason = 'r'\n", "name: got 'a/b'"),
        ("[[scenarios]]\nname = 'a'\nweight = 1\nreason = 'r'\nscenario = 'no-equty'\n", "did you mean 'no-equity'"),
        ("[[structures]]\nname = 'a'\nweight = 1\nreason = 'r'\n" * 2, "'a' is there twice"),
        ("[[structures]]\naxis = 'luck'\nname = 'a'\nweight = 1\nreason = 'r'\n", r"0\.axis: got 'luck'"),
        ("name = \n", "Invalid value"),
    ],
)
def test_a_bad_outlook_is_one_line(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(SweepError, match=told) as error:
        outlook(tmp_path, text)
    assert str(error.value).startswith(str(tmp_path))
    assert "\n" not in str(error.value)
