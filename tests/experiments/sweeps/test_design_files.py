"""Design files say what Python can say, and tell the line of what they cannot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from experiments.sweeps.design_files import SweepRequest, load_design_file
from experiments.sweeps.designs import Design, make_design
from market.scenario import Scenario

SHIPPED = Path(__file__).parents[3] / "experiments" / "designs"
TINY = {"tiny": Scenario.load("tiny")}
TWO = {**TINY, "symmetric": Scenario.load("symmetric")}
VARY = '[vary]\n"negotiation.provider_power" = { low = 0.2, high = 0.8 }\n"policy.exclusivity_ban" = [false, true]\n'
ORDERED = (
    '[vary]\n"negotiation.provider_power" = { low = 0.2, high = 0.8 }\n"enterprises.count" = { low = 9, high = 90 }\n'
)
VARIED: dict[str, Any] = {"negotiation.provider_power": (0.2, 0.8), "policy.exclusivity_ban": [False, True]}
IN_ORDER: dict[str, Any] = {"negotiation.provider_power": (0.2, 0.8), "enterprises.count": (9, 90)}


def written(folder: Path, text: str) -> Path:
    (folder / "study.toml").write_text(text, encoding="utf-8")
    return folder / "study.toml"


@pytest.mark.parametrize(
    ("text", "vary", "options"),
    [
        (f"levels = 5\n{VARY}", VARIED, {"levels": 5}),
        (f'design = "random"\nsamples = 9\n{VARY}', VARIED, {"method": "random", "samples": 9}),
        (f'design = "lhs"\nsamples = 9\n{VARY}', VARIED, {"method": "lhs", "samples": 9}),
        (f'design = "sobol"\nsamples = 8\n{VARY}', VARIED, {"method": "sobol", "samples": 8}),
        (f'design = "morris"\ntrajectories = 3\n{ORDERED}', IN_ORDER, {"method": "morris", "trajectories": 3}),
        (
            f'design = "morris"\ntrajectories = 3\nlevels = 8\n{ORDERED}',
            IN_ORDER,
            {"method": "morris", "trajectories": 3, "levels": 8},
        ),
        (f'design = "saltelli"\nsamples = 4\n{ORDERED}', IN_ORDER, {"method": "saltelli", "samples": 4}),
        (
            f'design = "saltelli"\nsamples = 4\nsecond_order = true\n{ORDERED}',
            IN_ORDER,
            {"method": "saltelli", "samples": 4, "second_order": True},
        ),
    ],
)
def test_a_file_makes_the_design_that_python_makes(
    tmp_path: Path, text: str, vary: dict[str, Any], options: dict[str, Any]
) -> None:
    asked = load_design_file(written(tmp_path, f'scenario = "tiny"\nseed = 5\n{text}'))
    assert asked.design == make_design(vary, seed=5, scenarios=TINY, **options)


def test_every_key_arrives(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('base = "tiny"\n[enterprises]\ncount = 40\n')
    text = (
        'name = "power"\ndescription = "d"\nscenario = ["tiny", "mine.toml"]\nseed = 9\nreplicates = 3\n'
        'until = "2026Q4"\ntables = ["market", "labs"]\n[vary]\n"policy.exclusivity_ban" = [true]\n'
    )
    points = tuple({"scenario": name, "policy.exclusivity_ban": True} for name in ("tiny", "mine"))
    asked = load_design_file(written(tmp_path, text))
    assert asked == SweepRequest(
        name="power",
        scenario=("tiny", str(tmp_path / "mine.toml")),
        design=Design("grid", asked.design.factors, points, 9),
        seed=9,
        replicates=3,
        until="2026Q4",
        tables=("market", "labs"),
    )
    assert asked.design.paths == ("scenario", "policy.exclusivity_ban")


def test_what_is_left_out(tmp_path: Path) -> None:
    asked = load_design_file(written(tmp_path, '[vary]\n"policy.exclusivity_ban" = [true]\n'))
    assert asked == SweepRequest("study", ("baseline",), asked.design, 1, 1, None, None)
    assert asked.design == make_design({"policy.exclusivity_ban": [True]}, seed=1)


def test_points_and_tables(tmp_path: Path) -> None:
    points = [{"enterprises.count": 5}, {}, {"policy.rules": [{"kind": "stake_cap", "size": 0.1}]}]
    text = (
        '[[points]]\n"enterprises.count" = 5\n[[points]]\n'
        '[[points]]\n"policy.rules" = [{kind = "stake_cap", size = 0.1}]\n'
    )
    asked = load_design_file(written(tmp_path, f'scenario = "tiny"\n{text}'))
    assert asked.design == Design("list", (), tuple(points), 1)
    (tmp_path / "points.csv").write_text("enterprises.count\n5\n6\n")
    asked = load_design_file(written(tmp_path, 'scenario = "tiny"\ntable = "points.csv"\n'))
    assert asked.design == Design("table", (), ({"enterprises.count": 5}, {"enterprises.count": 6}))


@pytest.mark.parametrize(
    ("name", "method", "points"), [("power", "sobol", 64), ("screening", "morris", 90), ("stake-caps", "list", 3)]
)
def test_shipped_designs_load(name: str, method: str, points: int) -> None:
    asked = load_design_file(SHIPPED / f"{name}.toml")
    assert (asked.name, asked.scenario, asked.design.method, len(asked.design.points)) == (
        name,
        ("tiny",),
        method,
        points,
    )
    for point in asked.design.points:
        TINY["tiny"].with_(point)


def test_no_other_design_is_shipped() -> None:
    assert sorted(file.stem for file in SHIPPED.glob("*.toml")) == ["power", "screening", "stake-caps"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "1: nothing is varied; allowed: an interval or choices for one path at least"),
        ("sede = 3", "2: sede: unknown key; allowed: name, description, scenario, seed,"),
        ('base = "tiny"', "2: base: unknown key; allowed: name, description, scenario, seed,"),
        ("replicates = 0", "2: replicates: out of range (got 0); allowed: an integer from 1"),
        ("replicates = 2.0", "2: replicates: wrong type (got 2.0); allowed: an integer from 1"),
        ("seed = -1", "2: seed: out of range (got -1); allowed: an integer from 0"),
        ("seed 1", "2: not valid TOML: expected '=' after a key in a key/value pair"),
        ("seed = 1\nseed = 2", "3: seed: duplicate key, first set in line 2"),
        (
            'design = "sobl"',
            '2: design: unknown choice (got "sobl"); allowed: grid, random, lhs, sobol, morris, saltelli; '
            "did you mean 'sobol'?",
        ),
        (
            f'design = "sobol"\nsamples = 100\n{VARY}',
            "3: samples: not allowed (got 100); allowed: a power of two for sobol, such as 64 or 128",
        ),
        (f'design = "sobol"\n{VARY}', "2: samples: missing; allowed: a whole number from 1, for sobol"),
        (
            f'design = "saltelli"\nsamples = 4\n{VARY}',
            "6: policy.exclusivity_ban: choices without an order, for which saltelli has no indices (got [false,",
        ),
        (f"samples = 4\nlevels = 3\n{VARY}", "2: samples: not an option of grid (got 4); allowed: with random,"),
        ('[vary]\n"enterprises.cuont" = [3]', "3: enterprises.cuont: unknown key; allowed: count,"),
        ('[vary]\n"labs.Nolab.cash_usd_bn" = [3]', "3: labs.Nolab: unknown key; allowed: Ada, Byron"),
        ('[vary]\n"enterprises.count" = 3', "3: enterprises.count: neither an interval nor choices (got 3)"),
        ('[vary]\n"enterprises.count" = []', "3: enterprises.count: no choices"),
        ("[vary]\nenterprises.count = [3]", "3: enterprises: neither an interval nor choices (got {count = [3]})"),
        (
            'levels = 2\n[vary]\n"enterprises.count" = { low = 5, high = 3 }',
            "4: enterprises.count: not an interval (got [5, 3]); allowed: low below high",
        ),
        (
            'levels = 2\n[vary]\n"enterprises.count" = { low = 3, hihg = 5 }',
            "4: enterprises.count: unknown key 'hihg'; allowed: low, high; did you mean 'high'?",
        ),
        (
            'levels = 2\n[vary]\n"enterprises.count" = { low = 0, high = 3 }',
            "4: enterprises.count: out of range (got 0)",
        ),
        (
            'levels = 2\n[vary]\n"enterprises.count" = { low = 3, high = inf }',
            '4: vary."enterprises.count".high: not a finite number (got inf)',
        ),
        ("points = []", "2: no points; allowed: one at least"),
        ("points = [3]", "2: points.0: wrong type (got 3)"),
        (
            '[[points]]\n"enterprises.count" = 3\n[[points]]\n"enterprises.cuont" = 3',
            "4: points.1: enterprises.cuont: unknown key",
        ),
        (
            "[[points]]\nenterprises.count = 3",
            '2: points.0: enterprises: a table; allowed: the path in quotes: "enterprises.count" = ...',
        ),
        (
            'samples = 3\n[[points]]\n"enterprises.count" = 3',
            "2: samples: not with points, whose points are given; allowed: with vary",
        ),
        (f'table = "points.csv"\n{VARY}', "2: table: together with vary; allowed: one of vary, points, table"),
        (
            'tables = ["markt"]\n[vary]\n"enterprises.count" = [3]',
            '2: tables: unknown table (got "markt"); allowed: market,',
        ),
        ('tables = ["labs"]\n[vary]\n"enterprises.count" = [3]', '2: tables: without the table market (got ["labs"])'),
        ('until = "2027Q"\n[vary]\n"enterprises.count" = [3]', "2: time.end: '2027Q' is not a quarter such as 2026Q3"),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, text: str, told: str) -> None:
    file = written(tmp_path, f'scenario = "tiny"\n{text}\n')
    with pytest.raises(ValueError) as caught:
        load_design_file(file)
    assert str(caught.value).startswith(f"{file}:{told}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('seed = 1\nscenario = "tny"', ':2: no such scenario (got "tny"); allowed: '),
        ('scenario = "tny.toml"', ":1: {folder}/tny.toml: no such file or directory"),
        ('scenario = ["tiny", "tiny"]', ':1: two scenarios of one name (got "tiny"); allowed: each another name'),
        ("scenario = []", ":1: scenario: no scenario; allowed: one at least"),
        ("scenario = 3", ":1: scenario: wrong type (got 3)"),
        (
            'scenario = ["tiny", "symmetric"]\n[[points]]\nscenario = "tiny"\n[[points]]\n"enterprises.count" = 3',
            ":4: points.1: scenario: not chosen among several; allowed: tiny, symmetric",
        ),
        ('scenario = "tiny"\ntable = "no.csv"', ":2: {folder}/no.csv: no such file"),
    ],
)
def test_a_wrong_scenario_or_file_is_told_with_its_line(tmp_path: Path, text: str, told: str) -> None:
    file = written(tmp_path, text)
    with pytest.raises(ValueError) as caught:
        load_design_file(file)
    assert str(caught.value).startswith(f"{file}{told.format(folder=tmp_path)}")


def test_a_row_of_a_table_is_told_with_both_files(tmp_path: Path) -> None:
    table = tmp_path / "points.csv"
    table.write_text("enterprises.count\n5\n0\n")
    file = written(tmp_path, 'scenario = "tiny"\ntable = "points.csv"\n')
    with pytest.raises(ValueError) as caught:
        load_design_file(file)
    assert str(caught.value).startswith(f"{file}:2: {table}:3: enterprises.count: out of range (got 0)")


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no\.toml: no such file or directory"):
        load_design_file(tmp_path / "no.toml")
