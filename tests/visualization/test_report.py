from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

from tests.visualization.synthetic import MANIFEST, SCENARIO, tables
from visualization import page, report
from visualization.page import echarts_source
from visualization.quantiles import TableError
from visualization.report import ReportError, render_report, write_report
from visualization.tiles import tiles

TABLES = tables(runs=3)
EVIL = '</script><img src=x onerror=alert(1)><b id="evil">"\'&'


class Outline(HTMLParser):
    """Headings, links, ids and elements of a page; scripts and styles are not looked into."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.headings: list[int] = []
        self.addresses: list[str] = []
        self.ids: list[str] = []
        self.tags: set[str] = set()
        self.charts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.add(tag)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        self.addresses += [found[name] or "" for name in ("href", "src", "action", "srcset") if name in found]
        if found.get("id"):
            self.ids.append(str(found["id"]))
        if found.get("data-chart"):
            self.charts.append(str(found["data-chart"]))


def rendered(**changes: object) -> str:
    return render_report(TABLES, {**MANIFEST, **changes}, SCENARIO)


@pytest.fixture(scope="module")
def whole() -> str:
    return render_report(TABLES, MANIFEST, SCENARIO)


def test_the_page_asks_for_nothing_from_elsewhere(whole: str) -> None:
    outline = Outline(whole)

    assert {address.partition(":")[0].partition("#")[0] for address in outline.addresses} == {"data", ""}
    assert "default-src 'none'" in whole
    assert {"iframe", "object", "embed", "form", "base"} & outline.tags == set()


def test_headings_step_down_one_at_a_time(whole: str) -> None:
    headings = Outline(whole).headings

    assert headings[0] == 1
    assert headings.count(1) == 1
    assert all(deeper <= before + 1 for before, deeper in pairwise(headings))


def test_ids_are_unique_and_charts_are_all_there(whole: str) -> None:
    outline = Outline(whole)

    assert len(set(outline.ids)) == len(outline.ids)
    assert outline.charts == [
        "relationships-2020Q4", "relationships-2023Q4", "relationships-2025Q4", "relationships-2030Q4", "concentration",
        "dependence", "capacity-total", "capacity", "capex-total", "capex", "utilisation", "price", "lab-revenue",
        "alignment-2026Q1", "alignment-2030Q4",
    ]  # fmt: skip


def test_the_page_is_small_beside_the_chart_library(whole: str) -> None:
    library = echarts_source()

    assert library is not None
    assert len(whole.encode()) - len(library.encode()) < 3_000_000


def test_no_text_of_a_run_becomes_markup() -> None:
    data = {name: frame.copy() for name, frame in TABLES.items()}
    for name, column in (
        ("labs", "lab"),
        ("alignment", "lab"),
        ("deals", "lab"),
        ("deals", "provider"),
        ("deals", "deal"),
    ):
        data[name][column] = data[name][column].replace({"OpenAI": EVIL, "SoftBank": EVIL, "0:19": EVIL})
    data["negotiations"]["deal"] = data["negotiations"]["deal"].replace({"0:19": EVIL})
    data["negotiations"]["best_rival"] = EVIL
    data["negotiations"]["constraint"] = EVIL
    data["negotiations"]["trace"] = json.dumps({"components": {"lab": {EVIL: 1.0}, "provider": {EVIL: -1.0}}})
    data["deals"]["tranches"] = json.dumps([{"amount_usd_bn": 1, "trigger": EVIL, "threshold": EVIL}])
    data["deals"]["events"] = json.dumps([["2026Q1", EVIL]])
    for column in ("status", "exclusivity", "origin", "imputed"):
        data["deals"][column] = EVIL
    written = render_report(data, {**MANIFEST, "scenario": EVIL, "description": EVIL, EVIL: {EVIL: EVIL}}, f"# {EVIL}")
    outline = Outline(written)

    assert EVIL not in written
    assert "evil" not in outline.ids
    assert {"img", "b"} & outline.tags == set()


def test_dollar_signs_in_a_name_stay(whole: str) -> None:
    assert "<title>cloudpact: $css $$ ${title}</title>" in rendered(scenario="$css $$ ${title}")


def test_the_header_says_how_to_repeat_the_run(whole: str) -> None:
    assert "cloudpact run scenario.toml --seed 7 --runs 3 --out again\ncloudpact report again" in whole
    for value in ("3b1f0c", "9aa412", "3.13.1", "Disclosed deals, then the market on its own", "2019Q1 to 2030Q4"):
        assert value in whole


def test_tiles_are_medians_with_their_change_since_the_last_fact() -> None:
    data = tables(runs=1)
    market = data["market"]
    market.loc[market["quarter"] == "2026Q1", ["utilisation_frac", "backlog_usd_bn", "alignment_hhi"]] = (
        0.8,
        100.0,
        7000.0,
    )
    market.loc[market["quarter"] == "2030Q4", ["utilisation_frac", "backlog_usd_bn", "alignment_hhi"]] = (
        0.9,
        350.0,
        5500.0,
    )
    found = {tile.label: (tile.value, tile.change, tile.interval) for tile in tiles(data)}

    assert found["Utilisation"] == ("90.0 %", "+10.0 points since 2026Q1", "")
    assert found["Committed spend"] == ("$350bn", "+$250bn since 2026Q1", "")
    assert found["Alignment concentration"] == ("5,500", "−1,500 since 2026Q1", "")
    assert found["Largest dependence"] == ("60%", "xAI on Oracle 73% in 2026Q1", "")
    assert len(found) == 6


def test_deals_show_origin_imputed_terms_and_reasons(whole: str) -> None:
    assert whole.count('<tr class="deal" data-origin="disclosed">') == 10
    assert whole.count('<tr class="deal" data-origin="simulated">') == 10
    assert whole.count('<abbr class="imputed"') == 10  # the GW of each disclosed deal
    assert "AMD gives OpenAI 10 % on 1 GW live" in whole
    assert "0.40 USD bn on 2019Q3" in whole
    assert "The best rival was Oracle, worth 1.70 USD bn to the lab. What bound the terms: rival floor." in whole
    assert whole.count("There was no rival offer. No constraint bound.") == 5
    assert "its terms are facts or imputed, not bargained by the model" in whole


def test_waterfall_steps_start_where_the_last_ended(whole: str) -> None:
    fall = re.search(r'<table class="fall"><caption>Gain of the lab.*?</table>', whole, re.S)
    assert fall is not None
    names = re.findall(r'scope="row">([^<]+)<', fall[0])
    bars = [(float(a), float(b)) for a, b in re.findall(r"margin-left:([\d.]+)%;width:([\d.]+)%", fall[0])]

    # 3.1, 2.7, 3.5, 2.6, 2.3 on a scale from 0 to 3.5
    assert names == ["coverage", "price", "liquidity", "lock in", "idle risk", "sum"]
    assert bars == [(0.0, 88.6), (77.1, 11.4), (77.1, 22.9), (74.3, 25.7), (65.7, 8.6), (0.0, 65.7)]


def test_only_the_first_run_is_listed(whole: str) -> None:
    assert "<code>0:19</code>" in whole
    assert "1:19" not in whole


def test_without_the_chart_library_every_table_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "echarts_source", lambda: None)
    written = rendered()

    assert "The charts are left out because the package solara-assets is not installed" in written
    assert '<th scope="row">2030Q4</th>' in written


def test_a_table_without_a_column_is_named() -> None:
    with pytest.raises(TableError, match="table 'market' has no column 'backlog_hhi'"):
        render_report({**TABLES, "market": TABLES["market"].drop(columns="backlog_hhi")}, MANIFEST, SCENARIO)


def run_folder(folder: Path) -> Path:
    for name, frame in TABLES.items():
        frame.to_parquet(folder / f"{name}.parquet")
    (folder / "manifest.json").write_text(json.dumps(MANIFEST), encoding="utf-8")
    (folder / "scenario.toml").write_text(SCENARIO, encoding="utf-8")
    return folder


def test_write_report_writes_what_render_report_returns(tmp_path: Path, whole: str) -> None:
    path = write_report(run_folder(tmp_path))

    assert path == tmp_path / "report.html"
    assert path.read_text(encoding="utf-8") == whole
    assert [entry.name for entry in tmp_path.iterdir() if entry.name.startswith(".")] == []


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("market.parquet", None, "no such file; a run folder holds market.parquet"),
        ("market.parquet", b"PAR1 not really", "not a Parquet table"),
        ("manifest.json", None, "cannot be read: No such file or directory"),
        ("manifest.json", b"{", "not JSON"),
        ("manifest.json", b"[]", "expected an object, found list"),
        ("scenario.toml", b"\xff\xfe", "cannot be read: not UTF-8"),
    ],
)
def test_a_broken_folder_is_refused_and_the_old_report_kept(
    tmp_path: Path, name: str, content: bytes | None, message: str
) -> None:
    run_folder(tmp_path)
    (tmp_path / "report.html").write_text("old", encoding="utf-8")
    (tmp_path / name).unlink() if content is None else (tmp_path / name).write_bytes(content)

    with pytest.raises(ReportError) as caught:
        write_report(tmp_path)

    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == "old"


def test_only_known_scripts_may_run() -> None:
    assert page.policy("a", "", "b").count("'sha256-") == 2
    assert "script-src 'sha256-ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs='" in page.policy("a")


def test_components_without_a_part_are_named_not_drawn() -> None:
    data = {**TABLES, "negotiations": TABLES["negotiations"].copy()}
    data["negotiations"]["trace"] = json.dumps(
        {"components": {"lab": {"coverage": 2.0, "lock_in": 0.0, "dilution": 0.0}}}
    )
    written = render_report(data, MANIFEST, SCENARIO)

    assert "No part in it: lock in, dilution." in written
    assert '<th scope="row">lock in</th>' not in written
