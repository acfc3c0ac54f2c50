from __future__ import annotations

import json
import re
import shlex
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cloudpact.results import Results, ResultsError
from experiments.comparison import Comparison
from experiments.running import run
from market.scenario import Scenario
from tests.visualization.test_report import EVIL, Outline
from visualization.comparison_report import render_comparison_report, write_comparison_report
from visualization.markup import text
from visualization.repeating import comparison_commands, comparison_script
from visualization.reports import report_for

TINY = Scenario.load("tiny")
CHANGED = TINY.with_({"name": "cheap", "enterprises.count": 80, "description": "More firms"})


@pytest.fixture(scope="module")
def worlds() -> dict[str, Results]:
    return {
        scenario.name: Results.concat(run(scenario, seed=3, replicate=k) for k in range(3))
        for scenario in (TINY, CHANGED)
    }


def compared(worlds: dict[str, Results], **known: Any) -> Comparison:
    a, b = (worlds[name].tables for name in ("tiny", "cheap"))
    return Comparison.of(a, b, **{"names": ("tiny", "cheap"), "scenarios": (TINY, CHANGED), "seed": 3, **known})


@pytest.fixture(scope="module")
def folder(worlds: dict[str, Results], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compared(worlds, notes=["replicate 9 failed"]).save(tmp_path_factory.mktemp("comparison") / "c")


@pytest.fixture(scope="module")
def page(folder: Path) -> str:
    return report_for(folder).read_text(encoding="utf-8")


def test_the_page_asks_for_nothing_from_elsewhere(page: str) -> None:
    outline = Outline(page)

    assert {address.partition(":")[0].partition("#")[0] for address in outline.addresses} == {"data", ""}
    assert "default-src 'none'" in page
    assert len(set(outline.ids)) == len(outline.ids)
    assert outline.headings.count(1) == 1
    assert all(deeper <= before + 1 for before, deeper in pairwise(outline.headings))


def test_effects_profiles_and_both_worlds_are_there_with_their_data(page: str) -> None:
    data = re.search(r'<script type="application/json" id="figures">(.*?)</script>', page, re.S)
    expected = [
        "effects", "profile-alignment_hhi", "profile-market_hhi", "profile-capacity_gw",
        "profile-price_usd_bn_per_gw_quarter", "concentration-a", "concentration-b", "capacity-total-a",
        "capacity-total-b",
    ]  # fmt: skip

    assert data is not None
    assert Outline(page).charts == expected
    figures = json.loads(data[1])["figures"]
    assert list(figures) == expected
    for name in ("concentration", "capacity-total"):
        axes = [figures[f"{name}-{side}"]["option"]["yAxis"] for side in "ab"]
        assert axes[0] == axes[1]
        assert axes[0]["min"] < axes[0]["max"]


def test_both_worlds_are_drawn_within_their_common_scale(worlds: dict[str, Results]) -> None:
    from visualization.comparison_report import _common_range

    band = [{"stack": "s", "data": [1.0, None]}, {"stack": "s", "data": [22.0, 3.0], "areaStyle": {}}]
    assert _common_range([{"series": [{"data": [4.0, 9.0]}]}, {"series": band}]) == (0.0, 24.0)
    assert _common_range([{"series": [{"data": [5.0, 5.0]}]}]) == (5.0, 5.0)


def test_what_differs_and_the_notes_are_told(page: str) -> None:
    table = re.search(r"<caption>Parameters that differ.*?</table>", page, re.S)

    assert table is not None
    assert re.findall(r"<t[dh](?: [^>]*)?>(.*?)</t[dh]>", table[0]) == [
        "parameter", "tiny", "cheap",
        "name", "&quot;tiny&quot;", "&quot;cheap&quot;",
        "description", text(json.dumps(TINY.description)), "&quot;More firms&quot;",
        "enterprises.count", str(TINY.enterprises.count), "80",
    ]  # fmt: skip
    assert "<li>replicate 9 failed</li>" in page
    assert "<dt>pairs of runs</dt><dd>3</dd>" in page


def test_no_text_of_a_comparison_becomes_markup(worlds: dict[str, Results]) -> None:
    evil = CHANGED.with_({"name": EVIL, "description": EVIL})
    written = render_comparison_report(
        compared(worlds, names=(EVIL, f"{EVIL} 2"), scenarios=(TINY, evil), notes=[EVIL]), {EVIL: {EVIL: EVIL}}
    )
    outline = Outline(written)

    assert EVIL not in written
    assert "evil" not in outline.ids
    assert {"img", "b"} & outline.tags == set()


def test_a_comparison_of_tables_alone_has_a_page(worlds: dict[str, Results]) -> None:
    written = render_comparison_report(compared(worlds, scenarios=None, seed=None), {})

    assert "What differs" not in written
    assert "<dt>seed</dt><dd>–</dd>" in written


def test_the_commands_repeat_a_comparison(worlds: dict[str, Results]) -> None:
    assert comparison_commands(compared(worlds)) == [
        "cloudpact compare a/scenario.toml b/scenario.toml --runs 3 --seed 3 --out again",
        "cloudpact report again",
    ]
    assert called(compared(worlds)) == (
        "compare", ("a/scenario.toml", "b/scenario.toml"), {"runs": 3, "seed": 3, "out": "again"}
    )  # fmt: skip


def test_the_commands_repeat_a_counterfactual(worlds: dict[str, Results]) -> None:
    entries = [
        {"deal": "0:1", "kind": "remove", "bar_quarters": 4},
        {"deal": "o'dd deal", "kind": "change", "gw": 0.5, "exclusivity": "none"},
    ]
    changed = TINY.with_({"interventions": entries})
    found = compared(worlds, scenarios=(TINY, changed))

    assert shlex.split(comparison_commands(found)[0]) == [
        "cloudpact", "counterfactual", "a/scenario.toml", "--without", "0:1", "--with",
        "o'dd deal:gw=0.5,exclusivity=none", "--bar", "4", "--runs", "3", "--seed", "3", "--out", "again",
    ]  # fmt: skip
    assert called(found) == (
        "counterfactual",
        ("a/scenario.toml",),
        {
            "without": ["0:1"],
            "with_": {"o'dd deal": {"gw": 0.5, "exclusivity": "none"}},
            "bar_quarters": 4,
            "runs": 3,
            "seed": 3,
            "out": "again",
        },
    )


def called(comparison: Comparison) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
    """The function that the script calls, with its arguments."""
    found: list[Any] = []
    fake = SimpleNamespace(
        compare=lambda *args, **options: found.append(("compare", args, options)),
        counterfactual=lambda *args, **options: found.append(("counterfactual", args, options)),
    )
    script = comparison_script(comparison).replace("import cloudpact\n", "")
    exec(script, {"cloudpact": fake})  # noqa: S102 -- our own text
    return found[0]


def test_a_folder_that_lacks_a_file_is_refused_and_the_old_report_kept(folder: Path, tmp_path: Path) -> None:
    broken = tmp_path / "c"
    broken.mkdir()
    for name in ("manifest.json", "effects.parquet"):
        (broken / name).write_bytes((folder / name).read_bytes())
    (broken / "report.html").write_text("old", encoding="utf-8")

    with pytest.raises(ResultsError, match="cannot read the comparison"):
        write_comparison_report(broken)
    assert (broken / "report.html").read_text(encoding="utf-8") == "old"
