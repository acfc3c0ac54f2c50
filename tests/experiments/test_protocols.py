"""The study of docs/protocols.md on made-up results and on a tiny market, and the page itself."""

from __future__ import annotations

import ast
import json
import math
import re
from pathlib import Path
from typing import Any, get_args

import pandas as pd
import pytest

from cloudpact.results import Results
from experiments import protocols
from experiments.protocols import MEASURES, Measure, measured, paired_difference
from experiments.validation import BEGIN, END
from market.scenario import Beliefs, ProtocolName, Scenario, Talks
from tests.experiments.fake_runs import row

NAMES = get_args(ProtocolName)
PAGE = protocols.PAGE.read_text(encoding="utf-8")
NAN = math.nan


# Intervals


def test_interval_of_the_paired_data_of_student_1908() -> None:
    # hours of sleep gained with two drugs by ten patients; the interval is 0.70 to 2.46 in every textbook
    first = pd.Series([0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0])
    second = pd.Series([1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4])
    found = paired_difference(second, first)
    assert [found.mean, found.half] == pytest.approx([1.58, 0.8798858], abs=1e-6)
    assert (found.pairs, found.distinct) == (10, True)


def test_runs_are_paired_by_their_number_and_left_out_without_a_pair() -> None:
    values = pd.Series([3.0, NAN, 5.0, 9.0], index=[2, 1, 0, 3])
    reference = pd.Series([1.0, 1.0, 1.0, NAN], index=[0, 1, 2, 3])
    found = paired_difference(values, reference)
    # two differences d, e: half the width is t(1) |d - e| / 2, t(1) = tan(0.475 pi) for a Cauchy variable
    assert (found.mean, found.pairs, found.distinct) == (3.0, 2, False)
    assert found.half == pytest.approx(math.tan(0.475 * math.pi))


@pytest.mark.parametrize(("values", "pairs"), [([1.0], 1), ([NAN, 2.0], 1), ([NAN, NAN], 0)])
def test_one_pair_gives_no_interval(values: list[float], pairs: int) -> None:
    found = paired_difference(pd.Series(values), pd.Series([1.0] * len(values)))
    assert (math.isnan(found.mean), math.isnan(found.half), found.pairs, found.distinct) == (True, True, pairs, False)


# Measures


def talks(run_: int, **values: Any) -> dict[str, Any]:
    report = values.pop("converged", None)
    story = {"convergence": None if report is None else {"converged": report, "network_stable": False}}
    return row("negotiations", trace=json.dumps(story), **({"quarter": "2027Q1", "rounds": 1} | values))


def made_up() -> Results:
    """Run 0 signs three deals and fails twice; run 1 does nothing; labs bargain from 2027Q1 on."""
    quarters = ("2026Q3", "2026Q4", "2027Q1", "2027Q2")
    market = [
        row(
            "market",
            quarter=quarter,
            alignment_hhi=1000.0 * (i + 1),
            market_hhi=2000.0 + i,
            backlog_hhi=3000.0 + i,
            capacity_gw=10.0 + i,
            capex_usd_bn=2.0**i,
            price_usd_bn_per_gw_quarter=2.0 + i,
        )
        for i, quarter in enumerate(quarters)
    ]
    common = {"provider": "A", "quarter": "2027Q1", "origin": "simulated", "commitment_usd_bn": 12.0}
    deals = [
        row("deals", **(common | {"origin": "disclosed"}), gw=99.0, discount_frac=0.9, equity_usd_bn=99.0),
        row(
            "deals",
            **common,
            gw=3.0,
            discount_frac=0.1,
            take_or_pay_frac=0.6,
            term_quarters=20,
            equity_usd_bn=4.0,
            exclusivity="none",
        ),
        row(
            "deals",
            **common,
            gw=1.0,
            discount_frac=0.3,
            take_or_pay_frac=0.8,
            term_quarters=24,
            equity_usd_bn=2.0,
            warrant_stake_frac=0.05,
            exclusivity="exclusive",
        ),
        row("deals", **common, gw=0.0, exclusivity="primary", warrant_stake_frac=0.05, revenue_share_frac=0.1),
    ]
    negotiations = [
        talks(0, lab="X", outcome="signed", lab_utility_usd_bn=1.0, joint_surplus_usd_bn=2.0, converged=True),
        talks(0, lab="X", outcome="signed", lab_utility_usd_bn=2.0, joint_surplus_usd_bn=2.0, converged=True),
        talks(0, lab="Y", outcome="signed", lab_utility_usd_bn=0.0, joint_surplus_usd_bn=1.0, converged=False),
        talks(0, lab="Y", outcome="failed"),
        talks(0, lab="Z", outcome="failed", lab_utility_usd_bn=9.0, joint_surplus_usd_bn=9.0),
        talks(0, lab="X", outcome="lost", quarter="2027Q2"),
    ]
    both = {"market": market, "providers": [], "labs": [], "alignment": []}
    busy = Results.from_rows(both | {"deals": deals, "negotiations": negotiations}, run=0)
    return Results.concat([busy, Results.from_rows(both | {"deals": [], "negotiations": []}, run=1)])


# Measure: (run 0, run 1)
EXPECTED = {
    "Simulated deals a year": (6.0, 0.0),
    "Deals without equity": (1 / 3, NAN),
    "Equity a year": (12.0, 0.0),
    "Compute to equity, where there is equity": (4.5, NAN),
    "Discount, by GW": (0.15, NAN),
    "Take-or-pay, by GW": (0.65, NAN),
    "Term, by GW": (5.25, NAN),
    "Deals with a clause": (2 / 3, NAN),
    "Exclusive deals": (1 / 3, NAN),
    "Deals with warrants": (2 / 3, NAN),
    "Deals with a revenue share": (1 / 3, NAN),
    "Lab's share of the joint surplus": (0.6, NAN),
    "Pairs without agreement a year": (4.0, 0.0),
    "Quarters of talks without a deal": (0.5, NAN),  # of X, Y, Z in 2027Q1 and X in 2027Q2
    "Alignment HHI, end": (4000.0, 4000.0),
    "Alignment HHI, mean since talks began": (3500.0, 3500.0),
    "Market HHI, end": (2003.0, 2003.0),
    "Backlog HHI, end": (3003.0, 3003.0),
    "AI capacity, end": (13.0, 13.0),
    "Capex of all providers, last year": (15.0, 15.0),
    "Price of a GW-year, end": (20.0, 20.0),
    "Fixed points not reached": (0.5, NAN),  # X's two deals were found in one
    "Networks not stable": (1.0, NAN),
}


def test_every_measure_of_made_up_runs() -> None:
    found = measured(made_up(), since="2027Q1")
    assert list(found.columns) == list(EXPECTED)
    for name, (busy, idle) in EXPECTED.items():
        assert found[name].tolist() == pytest.approx([busy, idle], nan_ok=True), name


@pytest.mark.parametrize(
    ("until", "first"), [("none", "2025Q1"), ("2024Q4", "2025Q1"), ("2025Q1", "2025Q2"), ("2026Q4", "2027Q1")]
)
def test_talks_begin_after_the_disclosed_deals(until: str, first: str) -> None:
    assert protocols.first_talks(Scenario.load("tiny").with_({"time.deals_until": until})) == first


# Tables


def test_tables_of_known_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    measures = (Measure("a", "x", 1, lambda *_: pd.Series()), Measure("b", "HHI", 0, lambda *_: pd.Series()))
    monkeypatch.setattr(protocols, "MEASURES", measures)
    nash = pd.DataFrame({"a": [1.0, 2.0, 4.0], "b": [NAN] * 3})
    other = pd.DataFrame({"a": [2.0, 3.0, 5.01], "b": [1000.0, NAN, 3000.0]})
    few = pd.DataFrame({"a": [NAN, 3.0, 3.0], "b": [NAN] * 3})
    none = pd.DataFrame({"a": [NAN, 3.0, NAN], "b": [NAN] * 3})
    assert protocols.table_of_medians({"nash": nash, "other": other}) == (
        "| median | `nash` | `other` |\n| --- | --- | --- |\n| a (x) | 2.0 | 3.0 |\n| b (HHI) | – | 2,000 |\n"
    )
    assert protocols.table_of_differences({"other": other, "few": few, "none": none, "nash": nash}, nash) == (
        "| less `nash` | `other` | `few` | `none` | `nash` |\n| --- | --- | --- | --- | --- |\n"
        "| a (x) | **+1.0 ± 0.0** | 0.0 ± 12.7 (2) | – | 0.0 ± 0.0 |\n"
    )


@pytest.fixture(scope="module")
def tiny() -> dict[str, pd.DataFrame]:
    return protocols.study(Scenario.load("tiny"), protocols.PROTOCOLS, runs=2, jobs=1)


def cells(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if line]


def test_the_table_has_every_protocol_and_every_measure(tiny: dict[str, pd.DataFrame]) -> None:
    header, _, *rows = cells(protocols.table_of_medians(tiny))
    assert header[1:] == [f"`{name}`" for name in NAMES]
    assert [cell[0] for cell in rows] == [f"{measure.name} ({measure.unit})" for measure in MEASURES]
    assert all(len(cell) == len(NAMES) + 1 for cell in rows)


def test_nash_does_not_differ_from_itself(tiny: dict[str, pd.DataFrame]) -> None:
    differences = [paired_difference(tiny["nash"][name], tiny["nash"][name]) for name in tiny["nash"]]
    assert {(each.mean, each.half, each.distinct) for each in differences if each.pairs} == {(0.0, 0.0, False)}
    # what the tiny market lacks is no difference either
    lacking = {measure.name for measure, each in zip(MEASURES, differences, strict=True) if not each.pairs}
    assert lacking == {"Compute to equity, where there is equity", "Fixed points not reached", "Networks not stable"}


def test_runs_are_the_same_apart_from_the_protocol(tiny: dict[str, pd.DataFrame]) -> None:
    alone = protocols.study(Scenario.load("tiny"), {"again": {}}, runs=2, jobs=1)["again"]
    assert alone.equals(tiny["nash"])
    # the screening provider makes the only offers and knows what the lab can do without, which is little
    assert (tiny["screening"]["Lab's share of the joint surplus"] < 0.1).all()
    assert (tiny["nash"]["Lab's share of the joint surplus"] > 0.5).all()


@pytest.mark.parametrize("name", NAMES)
def test_only_protocols_for_several_pairs_report_fixed_points(name: str, tiny: dict[str, pd.DataFrame]) -> None:
    assert tiny[name]["Fixed points not reached"].notna().all() == (name in NAMES[-3:])


# Command


def test_the_report_runs_every_variant_of_the_scenario_and_says_how(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def study(scenario: Scenario, variants: protocols.Variants, runs: int, jobs: int) -> dict[str, pd.DataFrame]:
        asked.extend(scenario.with_(changes).content_hash() for changes in variants.values())
        frame = pd.DataFrame({measure.name: [1.0] * runs for measure in MEASURES})
        return dict.fromkeys(variants, frame)

    monkeypatch.setattr(protocols, "study", study)
    scenario = Scenario.load("tiny")
    text = protocols.report(scenario, 3, 1, "COMMAND")
    assert len(set(asked)) == len(asked) == len(NAMES) + len(protocols.BELIEFS)
    stamp = f"`COMMAND` by cloudpact 0.1.0: scenario tiny (hash `{scenario.content_hash()[:12]}`) up to 2027Q4"
    assert stamp in text
    assert "from 2025Q1 on, seed 1, replicates 0 to 2" in text
    assert text.count("| median |") == text.count("| less `nash` |") == 2


def test_only_the_marked_part_of_the_page_is_rewritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    monkeypatch.setattr(protocols, "PAGE", page)
    monkeypatch.setattr(protocols, "report", lambda *given: f"{given[0].time.end} {given[1]} {given[2]} {given[3]}")
    protocols.main(["--runs", "7", "--until", "2028Q4"])
    assert page.read_text() == (
        f"before\n{BEGIN}\n\n2028Q4 7 2 python -m experiments.protocols --runs 7 --until 2028Q4\n{END}\nafter\n"
    )
    protocols.main(["--jobs", "1", "--out", str(tmp_path / "tables.md")])
    assert (tmp_path / "tables.md").read_text() == "2030Q4 24 1 python -m experiments.protocols --runs 24"
    assert "28Q4" in page.read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--runs", "1"], "--runs: 1; allowed: 2 or more, as an interval needs two"),
        (["--jobs", "0"], "--jobs: 0; allowed: 1 or more"),
        (["--out", "nowhere/file.md"], "--out: nowhere: no such folder"),
        (["--until", "soon"], "'soon' is not a quarter such as 2026Q3"),
        (["--until", "2018Q4"], "time.end: 2018Q4 is before time.start 2019Q1"),
    ],
)
def test_bad_input_is_refused_before_anything_runs(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        protocols.main(arguments)
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err.splitlines()[-1]


# The page


def test_the_page_has_a_section_on_every_protocol() -> None:
    assert tuple(re.findall(r"^### `(\w+)`", PAGE, re.MULTILINE)) == NAMES


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("part", ["Assumes", "Common knowledge", "Reads", "Limit cases", "Source", "Use it", "Limits"])
def test_every_section_says_what_one_must_know(name: str, part: str) -> None:
    section = PAGE.split(f"### `{name}`")[1].split("\n#")[0]
    assert f"**{part}" in section


PARAMETERS = [f"talks.{name}" for name in Talks.model_fields] + [f"beliefs.{name}" for name in Beliefs.model_fields]


@pytest.mark.parametrize("path", PARAMETERS)
def test_the_page_names_every_parameter_of_talks_and_beliefs(path: str) -> None:
    assert f"`{path}`" in PAGE


def test_the_tests_that_the_page_names_exist() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)
    root = protocols.PAGE.parents[1]
    assert len(named) > len(NAMES)
    for path, name in named:
        found = {node.name for node in ast.parse((root / path).read_text()).body if isinstance(node, ast.FunctionDef)}
        assert name in found, f"{path}::{name}"


def test_the_tables_on_the_page_are_of_today_s_protocols_and_measures() -> None:
    tables = [cells(part) for part in re.findall(r"^\| (?:median|less).*?\n\n", PAGE, re.MULTILINE | re.DOTALL)]
    assert len(tables) == 4
    assert [cell.strip("`") for cell in tables[0][0][1:]] == list(NAMES)
    assert [cell.strip("`") for cell in tables[1][0][1:]] == [name for name in NAMES if name != "nash"]
    assert [cell.strip("`") for cell in tables[3][0][1:]] == list(protocols.BELIEFS)
    expected = [f"{measure.name} ({measure.unit})" for measure in MEASURES]
    assert [line[0] for line in tables[0][2:]] == [line[0] for line in tables[2][2:]] == expected
