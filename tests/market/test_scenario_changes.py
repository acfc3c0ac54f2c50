"""Dotted overrides, `path=value` settings and differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from market.scenario_files import ScenarioError, differences, override, parse_set
from tests.market.scenario_tree import Chip, Demand, Host, Lab, Shock, Tree

TREE = Tree(
    hosts={"Amazon": Host(), "Other cloud": Host()},
    labs={"Google DeepMind": Lab(host="Amazon", target_frac=0.5)},
    shocks=(Shock(), Shock(quarter="2026Q1", hits={"a.b": 1.0})),
)


def changed(**update: Any) -> Tree:
    return TREE.model_copy(update=update)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"demand.count": 7, "demand.growth": 1}, changed(demand=Demand(count=7, growth=1.0))),
        ({"demand.count": np.int64(7), "demand.growth": np.float64(0.3)}, changed(demand=Demand(count=7, growth=0.3))),
        ({"demand.levels": (0.25,)}, changed(demand=Demand(levels=(0.25,)))),
        ({"demand.levels.1": 0.75}, changed(demand=Demand(levels=(0.5, 0.75)))),
        ({"demand": {"count": 7}}, changed(demand=Demand(count=7))),
        ({"demand": Demand(count=7)}, changed(demand=Demand(count=7))),
        ({"hosts.Other cloud.chip": "tpu"}, changed(hosts={"Amazon": Host(), "Other cloud": Host(chip=Chip.TPU)})),
        ({'hosts."Other cloud".chip': Chip.TPU}, changed(hosts={"Amazon": Host(), "Other cloud": Host(chip=Chip.TPU)})),
        ({"hosts.Other cloud.remove": True}, changed(hosts={"Amazon": Host()})),
        ({"hosts.Meta": {"cash_usd_bn": 1}}, changed(hosts={**TREE.hosts, "Meta": Host(cash_usd_bn=1.0)})),
        ({"labs.Google DeepMind.target_frac": None}, changed(labs={"Google DeepMind": Lab(host="Amazon")})),
        ({"shocks": []}, changed(shocks=())),
        ({"shocks.0.size": 0.1}, changed(shocks=(Shock(size=0.1), TREE.shocks[1]))),
        ({'shocks.1.hits."a.b"': 2}, changed(shocks=(Shock(), Shock(quarter="2026Q1", hits={"a.b": 2.0})))),
        ({}, TREE),
    ],
)
def test_overrides(changes: dict[str, Any], expected: Tree) -> None:
    assert override(TREE, changes) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"demand.cuont": 7},
            "demand.cuont: unknown key; allowed: count, growth, open, levels; did you mean 'count'?",
        ),
        (
            {"growth": 7},
            "growth: unknown key; allowed: name, description, protocol, demand, hosts, labs, shocks; "
            "did you mean 'demand.growth'?",
        ),
        ({"hosts.Amazn.chip": "tpu"}, "hosts.Amazn: unknown key; allowed: Amazon, Other cloud; did you mean 'Amazon'?"),
        (
            {"hosts.Amazn.remove": True},
            "hosts.Amazn.remove: there is no such entry to remove; allowed: Amazon, Other cloud; "
            "did you mean 'Amazon'?",
        ),
        ({"hosts.Meta": 3}, "hosts.Meta: unknown key; allowed: Amazon, Other cloud"),
        ({"hosts.Amazon.remove": True}, "labs.Google DeepMind.host: unknown host 'Amazon'; allowed: Other cloud"),
        ({"demand.count.x": 3}, "demand.count.x: unknown key; allowed: nothing below"),
        ({"demand.count": "7"}, 'demand.count: wrong type (got "7"); allowed: an integer from 1 to 10000 (count)'),
        ({"demand.count": 0}, "demand.count: out of range (got 0); allowed: an integer from 1 to 10000 (count)"),
        ({"demand.count": None}, "demand.count: wrong type; allowed: an integer from 1 to 10000 (count)"),
        ({"shocks.2.size": 0}, "shocks.2: unknown position; allowed: 0 to 1"),
        ({"shocks.-1.size": 0}, "shocks.-1: unknown position; allowed: 0 to 1"),
        ({"demand..count": 3}, "'demand..count' is not a dotted path such as enterprises.count"),
        ({"": 3}, "'' is not a dotted path such as enterprises.count"),
        ({"name": "\udc80"}, "name: text that is not valid Unicode (got '\\udc80'); allowed: PLAIN"),
        ({"demand.growth": np.nan}, "demand.growth: not a finite number (got nan); allowed: PLAIN"),
        ({"name": object}, "name: a value of the Python type type; allowed: PLAIN"),
    ],
)
def test_mistakes_in_overrides(changes: dict[str, Any], expected: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        override(TREE, changes)
    plain = "finite numbers, 64-bit integers, true or false, text, lists and tables of these"
    assert str(caught.value) == expected.replace("PLAIN", plain)


def test_a_value_that_contains_itself_is_too_deep() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(ScenarioError, match="nested too deep; allowed: 32 levels"):
        override(TREE, {"shocks": endless})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("demand.count=7", ("demand.count", 7)),
        ("demand.growth = 1e-3", ("demand.growth", 0.001)),
        ("demand.open=false", ("demand.open", False)),
        ("demand.levels=[0.1, 0.2]", ("demand.levels", [0.1, 0.2])),
        ("hosts.Meta={chip = 'tpu'}", ("hosts.Meta", {"chip": "tpu"})),
        ("labs.Google DeepMind.host=Other cloud", ("labs.Google DeepMind.host", "Other cloud")),
        ('name="7"', ("name", "7")),
        ("name=2026Q3", ("name", "2026Q3")),
        ("name=2026-07-01", ("name", "2026-07-01")),
        ("name=a=b", ("name", "a=b")),
        ("name=1\nprotocol=2", ("name", "1\nprotocol=2")),
        ("name=", ("name", "")),
    ],
)
def test_settings(text: str, expected: tuple[str, Any]) -> None:
    assert parse_set(text) == expected


@pytest.mark.parametrize("text", ["demand.count", "=7", ""])
def test_what_is_no_setting(text: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        parse_set(text)
    got = f'(got "{text}")'
    assert str(caught.value) == f"not a setting {got}; allowed: path=value, such as enterprises.count=5000"


def test_differences() -> None:
    changes = {"demand.count": 7, "hosts.Other cloud.remove": True, "hosts.Meta": {}, "shocks.1.size": 0.1}
    other = override(TREE, {**changes, "demand.levels": [1.0]})
    default = {"cash_usd_bn": 10.0, "chip": "gpu"}
    assert differences(TREE, other) == {
        "demand.count": (1000, 7),
        "demand.levels": ([0.5, 1.0], [1.0]),
        "hosts.Other cloud": (default, None),
        "hosts.Meta": (None, default),
        "shocks.1.size": (0.5, 0.1),
    }
    assert differences(TREE, TREE) == {}
