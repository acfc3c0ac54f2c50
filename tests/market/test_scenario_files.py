"""Scenario files: what loads, what each mistake says, and that a dump loads to the same scenario."""

from __future__ import annotations

import errno
import os
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from market.scenario import Scenario
from market.scenario_files import ScenarioError, content_hash, dump_scenario, json_schema, load_scenario
from tests.market.scenario_tree import VALID, Chip, Demand, Host, Lab, Shock, Tree

DEMAND_KEYS = "count, growth, open, levels"
TREE_KEYS = "name, description, protocol, demand, hosts, labs, shocks"
PLAIN = "finite numbers, 64-bit integers, true or false, text, lists and tables of these"

RESOLVED = Tree(
    name="valid",
    description="two\nlines",
    protocol="auction",
    demand=Demand(growth=0.001, levels=(0.0, 0.5)),
    hosts={"Amazon": Host(cash_usd_bn=100.0), "Other cloud": Host(chip=Chip.TPU)},
    labs={"Google DeepMind": Lab(host="Amazon", target_frac=0.75)},
    shocks=(Shock(quarter="2025Q1", size=0.25, hits={"a.b": 1.0}), Shock(quarter="2026Q1")),
)


def load(folder: Path, content: str | bytes, name: str = "case") -> Tree:
    """Write a file into the folder and load it by path."""
    file = folder / f"{name}.toml"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return load_scenario(Tree, str(file), [folder])


def message(folder: Path, content: str | bytes) -> str:
    """The error of a file, its folder left out."""
    with pytest.raises(ScenarioError) as caught:
        load(folder, content)
    return str(caught.value).replace(f"{folder}/", "")


def test_a_file_with_every_kind_of_toml(tmp_path: Path) -> None:
    assert load(tmp_path, VALID) == RESOLVED
    assert load(tmp_path, VALID.replace("\n", "\r\n").encode("utf-8-sig")) == RESOLVED


def test_a_file_without_a_name_is_called_after_itself(tmp_path: Path) -> None:
    assert load(tmp_path, "demand.count = 5", name="few").name == "few"


def test_a_name_is_looked_up_in_the_folders_in_order(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for folder, count in ((first, 1), (second, 2)):
        folder.mkdir()
        load(folder, f"demand.count = {count}", name="both")
    load(second, "demand.count = 3", name="only")
    assert load_scenario(Tree, "both", [first, second]).demand.count == 1
    assert load_scenario(Tree, "only", [first, second]).demand.count == 3


INHERITANCE_BASE = """
description = "a base"
shocks = [{size = 0.1}, {size = 0.2}]
[demand]
count = 5
growth = 0.2
[hosts.Amazon]
chip = "tpu"
[hosts.Oracle]
[labs.xAI]
host = "Oracle"
"""


def test_inheritance_merges_tables_replaces_lists_and_removes_entries(tmp_path: Path) -> None:
    load(tmp_path, INHERITANCE_BASE, name="root")
    load(tmp_path, 'base = "root"\n[demand]\ncount = 6\n[labs.xAI]\nremove = true', name="middle")
    leaf = 'base = "./middle.toml"\nshocks = [{size = 0.3}]\n[hosts]\nAmazon.cash_usd_bn = 3\nOracle.remove = true'
    assert load(tmp_path, leaf, name="leaf") == Tree(
        name="leaf",
        demand=Demand(count=6, growth=0.2),
        hosts={"Amazon": Host(cash_usd_bn=3.0, chip=Chip.TPU)},
        shocks=(Shock(size=0.3),),
    )


def test_an_entry_removed_in_one_file_can_be_added_afresh_in_the_next(tmp_path: Path) -> None:
    load(tmp_path, INHERITANCE_BASE, name="root")
    load(tmp_path, 'base = "root"\n[hosts.Amazon]\nremove = true', name="middle")
    leaf = load(tmp_path, 'base = "middle"\n[hosts.Amazon]\ncash_usd_bn = 3', name="leaf")
    assert leaf.hosts["Amazon"] == Host(cash_usd_bn=3.0, chip=Chip.GPU)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            "[demand]\n\ncuont = 1",
            f"case.toml:3: demand.cuont: unknown key; allowed: {DEMAND_KEYS}; did you mean 'count'?",
        ),
        ("count = 1", f"case.toml:1: count: unknown key; allowed: {TREE_KEYS}; did you mean 'demand.count'?"),
        ("[host.A]\nx = 1", f"case.toml:1: host: unknown key; allowed: {TREE_KEYS}; did you mean 'hosts'?"),
        (
            "demand.count = true",
            "case.toml:1: demand.count: wrong type (got true); allowed: an integer from 1 to 10000 (count)",
        ),
        (
            "[demand]\ncount = 2.0",
            "case.toml:2: demand.count: wrong type (got 2.0); allowed: an integer from 1 to 10000 (count)",
        ),
        (
            "[demand]\ngrowth = '1'",
            'case.toml:2: demand.growth: wrong type (got "1"); allowed: a number from -1 (1/quarter)',
        ),
        (
            "[demand]\ngrowth = true",
            "case.toml:2: demand.growth: wrong type (got true); allowed: a number from -1 (1/quarter)",
        ),
        ("[demand]\nopen = 1", "case.toml:2: demand.open: wrong type (got 1); allowed: true or false"),
        ("name = 3", "case.toml:1: name: wrong type (got 3); allowed: text"),
        ("demand = 3", f"case.toml:1: demand: wrong type (got 3); allowed: a table with the keys {DEMAND_KEYS}"),
        ("hosts = [1]", "case.toml:1: hosts: wrong type (got [1]); allowed: a table of names, each a table"),
        ("[shocks]", "case.toml:1: shocks: wrong type (got {}); allowed: a list, each item a table"),
        (
            "[demand]\nlevels = [0.1,\n 0.2,\n 1.5]",
            "case.toml:4: demand.levels.2: out of range (got 1.5); allowed: a number from 0 to 1 (frac)",
        ),
        (
            '[hosts."A.B"]\ncash_usd_bn = -1',
            'case.toml:2: hosts."A.B".cash_usd_bn: out of range (got -1); allowed: a number from 0 to 1000 (USD bn)',
        ),
        (
            "hosts.A.chip = 'GPU'",
            "case.toml:1: hosts.A.chip: unknown choice (got \"GPU\"); allowed: gpu, tpu; did you mean 'gpu'?",
        ),
        (
            "protocol = 'nahs'",
            "case.toml:1: protocol: unknown choice (got \"nahs\"); allowed: nash, auction; did you mean 'nash'?",
        ),
        (
            "[[shocks]]\n[[shocks]]\nsize = 2\n[[shocks]]",
            "case.toml:3: shocks.1.size: out of range (got 2); allowed: a number from 0 to 1 (frac)",
        ),
        ("[labs.X]\ntarget_frac = 0.5", "case.toml:1: labs.X.host: missing key; allowed: text"),
        ("[hosts.A]\n[labs.X]\nhost = 'B'", "case.toml:3: labs.X.host: unknown host 'B'; allowed: A"),
        (
            "[[shocks]]\n[[shocks]]\nsize = 0\nhits.a = 1.0",
            "case.toml:4: shocks.1.hits: 1 hit by a shock of no size",
        ),
        ("[demand]\ngrowth = nan", f"case.toml:2: demand.growth: not a finite number (got nan); allowed: {PLAIN}"),
        ("[demand]\ngrowth = -inf", f"case.toml:2: demand.growth: not a finite number (got -inf); allowed: {PLAIN}"),
        (
            "demand.count = 9223372036854775808",
            f"case.toml:1: demand.count: an integer of more than 64 bits; allowed: {PLAIN}",
        ),
        ("\ndemand.count = " + "9" * 5000, "case.toml:2: an integer of more than 64 bits"),
        ("[demand]\ncount = 1\n\ncount = 2", "case.toml:4: demand.count: duplicate key, first set in line 2"),
        ("[demand]\n[labs]\n[demand]", "case.toml:3: demand: duplicate key, first set in line 1"),
        ("hosts = {A = {}, 'A' = {}}", "case.toml:1: hosts.A: duplicate key, first set in line 1"),
        ("name = 'a'\n[hosts.A]\nremove = true", "case.toml:3: hosts.A.remove: there is no such entry to remove"),
        ("name = 'a'\nx = \n", "case.toml:2: not valid TOML: invalid value"),
        ("name = 2026Q3", "case.toml:1: not valid TOML: expected newline or end of document after a statement"),
        ("name = 'a'\ndescription = '''b\nc\n\n", "case.toml:3: not valid TOML: expected \"'''\""),
        ("base = 3", "case.toml:1: base: wrong type (got 3); allowed: a scenario's name or a path"),
        ("name = 'a'\nbase = 'case'", "case.toml:2: base: circular inheritance case.toml -> case.toml"),
        ("base = 'gone.toml'", "case.toml:1: base: gone.toml: no such file or directory"),
        (
            "base = 'cas'",
            'case.toml:1: base: no such scenario (got "cas"); allowed: case, the path of a TOML file; '
            "did you mean 'case'?",
        ),
        ("", 'case.toml:1: the file is empty; allowed: at least one key, such as base = "baseline"'),
        ("# nothing\n", 'case.toml:1: the file is empty; allowed: at least one key, such as base = "baseline"'),
        (b"name = 'a'\nx = '\xff'", "case.toml:2: not a text file in UTF-8"),
        (b"\x7fELF\x02\x00\x00", "case.toml:1: a binary file, not TOML"),
        (b"name = 'a'\n" + b"#" * 2**20, "case.toml:1: the file is too large; allowed: 1 MiB"),
        ("name = 'a'\nx = " + "[" * 10_000, "case.toml:2: nested too deep; allowed: 32 levels"),
        ("[" + ".".join("a" * 33) + "]", "case.toml:1: nested too deep; allowed: 32 levels"),
        ("name = 'a'\n" + "x." * 100_000 + "x = 1", "case.toml:2: nested too deep; allowed: 32 levels"),
    ],
)
def test_each_mistake_gives_one_line(tmp_path: Path, content: str | bytes, expected: str) -> None:
    assert message(tmp_path, content) == expected


def test_a_mistake_is_reported_in_the_file_that_made_it(tmp_path: Path) -> None:
    (tmp_path / "root.toml").write_text("[demand]\ngrowth = 0.1\ncount = 0\n[[shocks]]\nsize = 2")
    expected = "root.toml:3: demand.count: out of range (got 0); allowed: an integer from 1 to 10000 (count)"
    assert message(tmp_path, 'base = "root"\nshocks = []\n[demand]\ngrowth = 0.2') == expected


def test_a_mistake_in_a_list_is_reported_where_the_list_was_written(tmp_path: Path) -> None:
    (tmp_path / "root.toml").write_text('[hosts.A]\n[[shocks]]\nquarter = "2025Q1"\nsize = 0.5')
    expected = "case.toml:2: shocks.0.size: wrong type (got true); allowed: a number from 0 to 1 (frac)"
    assert message(tmp_path, 'base = "root"\nshocks = [{size = true}]') == expected


def test_circular_inheritance_names_the_circle(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('base = "b"')
    (tmp_path / "b.toml").write_text('name = "b"\nbase = "./case.toml"')
    expected = "b.toml:2: base: circular inheritance case.toml -> a.toml -> b.toml -> case.toml"
    assert message(tmp_path, 'base = "a"') == expected


def test_a_removed_entry_can_set_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "root.toml").write_text("[hosts.A]")
    expected = "case.toml:3: hosts.A.remove: an entry that is removed can set nothing else"
    assert message(tmp_path, 'base = "root"\n[hosts.A]\nremove = true\nchip = "gpu"') == expected


@pytest.mark.parametrize("name", ["./none.toml", "folder/", "a\0.toml"])
def test_an_unreadable_file_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    reasons = {"./none.toml": "no such file or directory", "folder/": "is a directory", "a\0.toml": "not a file name"}
    with pytest.raises(ScenarioError) as caught:
        load_scenario(Tree, f"{tmp_path}/{name}", [])
    assert str(caught.value) == f"{tmp_path / name}: {reasons[name]}".replace("\0", "\\x00")


def test_a_file_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(file: Path, mode: str) -> None:  # a superuser may read every file, so chmod proves nothing
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(file))

    monkeypatch.setattr("market.scenario_files.open", refuse, raising=False)
    with pytest.raises(ScenarioError) as caught:
        load_scenario(Tree, "case.toml", [tmp_path])
    assert str(caught.value) == "case.toml: permission denied"


def test_an_unknown_name_lists_the_names(tmp_path: Path) -> None:
    for name in ("baseline", "tiny"):
        load(tmp_path, "demand.count = 1", name=name)
    expected = (
        "no such scenario (got \"Baselin\"); allowed: baseline, tiny, the path of a TOML file; did you mean 'baseline'?"
    )
    with pytest.raises(ScenarioError) as caught:
        load_scenario(Tree, "Baselin", [tmp_path])
    assert str(caught.value) == expected


def test_dump_is_stable_and_loads_to_an_equal_scenario(tmp_path: Path) -> None:
    expected = """\
name = "valid"
description = "two\\nlines"
protocol = "auction"

[demand]
count = 1000
growth = 0.001
open = true
levels = [0.0, 0.5]

[hosts.Amazon]
cash_usd_bn = 100.0
chip = "gpu"

[hosts."Other cloud"]
cash_usd_bn = 10.0
chip = "tpu"

[labs."Google DeepMind"]
host = "Amazon"
target_frac = 0.75

[[shocks]]
quarter = "2025Q1"
size = 0.25

[shocks.hits]
"a.b" = 1.0

[[shocks]]
quarter = "2026Q1"
size = 0.5

[shocks.hits]
"""
    assert dump_scenario(RESOLVED) == expected
    assert load(tmp_path, expected) == RESOLVED


def test_hash_is_of_the_content() -> None:
    one = Tree(hosts={"A": Host(), "B": Host(cash_usd_bn=0.0)})
    same = Tree(hosts={"B": Host(cash_usd_bn=-0.0), "A": Host(cash_usd_bn=10.0)})
    other = Tree(hosts={"A": Host(), "B": Host(cash_usd_bn=5e-324)})
    assert one == same
    assert content_hash(one) == content_hash(same)
    assert content_hash(one) != content_hash(other)
    assert content_hash(Tree()) == "2f73a459a061383225c38767a76cd8abbbd38816de66a450da160252f47b9988"


def schema_errors(model: Any, text: str) -> list[str]:
    validator = jsonschema.Draft202012Validator(json_schema(model))
    return sorted(error.json_path for error in validator.iter_errors(tomllib.loads(text)))


def test_schema_accepts_partial_files_and_finds_mistakes() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema(Tree))
    assert schema_errors(Tree, VALID) == []
    assert schema_errors(Tree, 'base = "x"\n[hosts.A]\nremove = true\n[labs.B]\ntarget_frac = 0.1') == []
    mistakes = 'protocol = "x"\nz = 1\n[hosts.A]\nremove = false\n[demand]\ncount = 0\nlevels = [2.0]'
    assert schema_errors(Tree, mistakes) == [
        "$",
        "$.demand.count",
        "$.demand.levels[0]",
        "$.hosts.A.remove",
        "$.protocol",
    ]


def test_schema_carries_units_and_sources() -> None:
    growth = json_schema(Tree)["$defs"]["Demand"]["properties"]["growth"]
    assert growth == {
        "default": 0.1,
        "description": "Growth",
        "minimum": -1.0,
        "source": "Bass (1969)",
        "title": "Growth",
        "type": "number",
        "unit": "1/quarter",
    }


SHIPPED = sorted((Path(__file__).parents[2] / "experiments" / "scenarios").glob("*.toml"))


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_shipped_scenarios_load_dump_and_fit_the_schema(file: Path, tmp_path: Path) -> None:
    scenario = load_scenario(Scenario, file.stem, [file.parent])
    saved = tmp_path / "scenario.toml"
    saved.write_text(dump_scenario(scenario))
    assert load_scenario(Scenario, str(saved), []) == scenario
    assert schema_errors(Scenario, file.read_text()) == []
    assert schema_errors(Scenario, saved.read_text()) == []


def test_the_real_scenario_round_trips(tmp_path: Path) -> None:
    saved = tmp_path / "scenario.toml"
    saved.write_text(dump_scenario(Scenario()))
    assert load_scenario(Scenario, str(saved), []) == Scenario()
