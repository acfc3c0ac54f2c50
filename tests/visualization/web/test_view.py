"""What the market page is given of a recorded run: the run's own numbers, and what is told of them."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from experiments.running import run
from market.scenario import Scenario
from visualization.web.controls import controls, setting, switches
from visualization.web.exports import export, names
from visualization.web.market_page import changed, moved, position
from visualization.web.recording import record, sample_rows
from visualization.web.sentences import sentences
from visualization.web.server import CLOSED, HEADERS, same_origin
from visualization.web.view import dependence, view
from visualization.web.worlds import World, Worlds


@pytest.fixture(scope="module")
def world() -> World:
    recording = record(Scenario.load("tiny"), 7)
    return World(recording, view(recording))


def test_the_page_s_numbers_are_those_of_run_to_the_bit(world: World) -> None:
    expected = run("tiny", seed=7)
    for name, table in expected.tables.items():
        pd.testing.assert_frame_equal(world.recording.results.tables[name], table, check_exact=True)
    shown = world.view
    assert shown["quarters"] == list(expected.market["quarter"])
    for column, values in shown["market"].items():
        told = [math.nan if value is None else value for value in values]
        assert told == pytest.approx(list(expected.market[column]), rel=0, abs=0, nan_ok=True)
    capacity = expected.providers.pivot(index="quarter", columns="provider", values="capacity_gw")
    assert {name: list(values) for name, values in shown["provider"]["capacity_gw"].items()} == {
        name: list(capacity[name]) for name in capacity
    }
    assert sum(pair["delivered_gw"][-1] for pair in shown["pairs"]) == pytest.approx(
        expected.alignment[expected.alignment["quarter"] == "2027Q4"]["delivered_gw"].sum()
    )


def test_dots_say_where_enterprises_are_in_every_quarter(world: World) -> None:
    dots = world.view["dots"]
    assert len(dots) == len(world.view["quarters"])
    assert {len(each) for each in dots} == {50}
    users = [sum(sign.isdigit() for sign in each) for each in dots]
    assert users == sorted(users) and users[-1] > users[0]  # tiny only adopts
    assert sample_rows(1000, 300).tolist() == [n * 1000 // 300 for n in range(300)]


def test_the_largest_dependence_leaves_out_small_and_owned_labs() -> None:
    pairs = [
        {"lab": "Big", "provider": "East", "delivered_gw": [6.0, 0.0]},
        {"lab": "Big", "provider": "West", "delivered_gw": [4.0, 0.0]},
        {"lab": "Small", "provider": "East", "delivered_gw": [0.1, 0.0]},
        {"lab": "Owned", "provider": "West", "delivered_gw": [50.0, 0.0]},
    ]
    assert dependence(pairs, ["a", "b"], frozenset({"Owned"})) == [["Big", "East", 0.6], None]


def test_a_quarter_is_told_in_one_sentence() -> None:
    market = pd.DataFrame({
        "quarter": ["2026Q1", "2026Q2"], "alignment_hhi": [5000.0, 4000.0], "capacity_gw": [10.0, 12.0],
        "utilisation_frac": [0.5, 0.75],
    })  # fmt: skip
    labs = pd.DataFrame({"quarter": ["2026Q1", "2026Q2"], "lab": ["Ada", "Ada"], "generation": [1, 2]})
    deals = pd.DataFrame({
        "quarter": ["2026Q2", "2026Q2"], "deal": ["0:1", "0:2"], "lab": ["Ada", "Ada"], "provider": ["East", "West"],
        "commitment_usd_bn": [12.0, 3.0], "equity_usd_bn": [2.0, 0.0],
    })  # fmt: skip
    assert sentences({"market": market, "labs": labs, "deals": deals}) == [
        "2026Q1: capacity is 10 GW, 50 % in use.",
        "2026Q2: Ada and East sign $12bn of compute and $2bn of equity and 1 more; alignment concentration falls by "
        "1,000 to 4,000; Ada releases a new generation.",
    ]


def test_the_clock_stays_within_the_run() -> None:
    kinds = ("step", "back", "reset", "jump", "pause", "open")
    assert [moved(kind, 7, 3, 5, 1) for kind in kinds] == [
        4,
        2,
        1,
        5,
        3,
        None,
    ]
    assert moved("step", None, 5, 5, 1) == 5
    assert moved("back", None, 0, 5, 1) == 0
    assert moved("play", None, 5, 5, 1) == 1
    assert moved("jump", "2", 3, 5, 1) is None
    assert position(["a", "b"], "b", 0) == 1 and position(["a", "b"], "c", 1) == 1


def test_what_the_user_does_makes_another_address() -> None:
    from visualization.web.address import Address, AddressError

    start = Address("tiny", 7, quarter="2026Q2")
    forked = changed(start, {"kind": "fork", "value": "stake_cap", "size": "0.1"})
    assert forked.forks == ("stake_cap@2026Q2*0.1",)
    assert changed(forked, {"kind": "unfork", "value": 0}).forks == ()
    failing = changed(start, {"kind": "fork", "value": "lab_failure", "size": "", "target": "Ada"})
    assert failing.resolved().shocks[0].target == "Ada"
    power = {"kind": "set", "path": "negotiation.provider_power"}
    moved_ = changed(start, power | {"value": "0.70"})
    assert moved_.set == ("negotiation.provider_power=0.7",)
    assert changed(moved_, power | {"value": "0.5"}).set == ()  # as in the scenario again
    assert changed(moved_, {"kind": "scenario", "value": "symmetric"}) == Address("symmetric", 7)
    with pytest.raises(AddressError, match="seed: got 'x'"):
        changed(start, {"kind": "seed", "value": "x"})


def test_inputs_say_unit_range_meaning_and_source() -> None:
    for each in controls(Scenario.load("baseline")):
        assert each.meaning and each.source and each.label
        assert each.choices or each.low is not None
        assert setting(Scenario.load("baseline"), each.path, str(each.value)).startswith(f"{each.path}=")
    assert {each["what"] for each in switches()} == {"rule", "shock"}


def test_exports_are_the_tables_and_equal_each_time(world: World) -> None:
    import io

    for name in names():
        label, _, content = export(world, name)
        assert label == f"tiny-7-{name}" and content and export(world, name)[2] == content
    table = pd.read_parquet(io.BytesIO(export(world, "market.parquet")[2]))
    pd.testing.assert_frame_equal(table, world.recording.results.market, check_exact=True)
    assert export(world, "scenario.toml")[2].decode() == Scenario.load("tiny").dump()


@pytest.mark.slow
def test_worlds_are_simulated_once_and_mistakes_are_not_kept() -> None:
    worlds = Worlds(workers=1)
    try:
        tiny = Scenario.load("tiny")
        first, again, other = worlds.world(tiny, 1), worlds.world(tiny, 1), worlds.world(tiny, 2)
        assert first is again and first is not other
        assert first.view["market"] != other.view["market"]
        heard: list[tuple[int, int]] = []
        fan = worlds.fan(tiny, 1, lambda done, total: heard.append((done, total)) is None)
        assert fan is not None and [len(each) for each in fan] == [12, 12, 12]
        assert heard == [(done, 12) for done in range(12)]
        assert worlds.fan(tiny, 1, lambda done, total: False) is None
    finally:
        worlds.close()


def test_requests_of_other_sites_are_refused() -> None:
    def scope(kind: str, origin: bytes | None) -> dict[str, object]:
        headers = [(b"host", b"127.0.0.1:8765")] + ([(b"origin", origin)] if origin else [])
        return {"type": kind, "headers": headers}

    assert same_origin(scope("http", None))
    assert not same_origin(scope("websocket", None))
    assert same_origin(scope("websocket", b"http://127.0.0.1:8765"))
    assert not same_origin(scope("websocket", b"http://127.0.0.1:8766"))
    assert not same_origin(scope("http", b"http://evil.example"))
    assert "/resourcez" in CLOSED
    assert b"frame-ancestors 'none'" in dict(HEADERS)[b"content-security-policy"]
