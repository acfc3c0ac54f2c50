"""The report as a reader meets it: opened from disk in Chromium, offline, wide and narrow, light and dark."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.visualization.synthetic import MANIFEST, SCENARIO, tables
from visualization import plot
from visualization.report import render_report

pytestmark = pytest.mark.browser

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("NO CHROMIUM: the report was not looked at; install the package chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(render_report(tables(runs=4), MANIFEST, SCENARIO), encoding="utf-8")
    return path.as_uri()


class Watched:
    """A context whose pages must ask for nothing but their own file and must report no error."""

    def __init__(self, browser: Browser, **options: object) -> None:
        self.context: BrowserContext = browser.new_context(**options)
        self.complaints: list[str] = []
        self.context.on("request", lambda request: self._requested(request.url))
        self.context.on("console", lambda message: self._said(message.type, message.text))
        self.context.on("weberror", lambda error: self.complaints.append(f"error: {error.error}"))

    def _requested(self, url: str) -> None:
        if not url.startswith(("file:", "data:", "about:")):
            self.complaints.append(f"request: {url}")

    def _said(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.complaints.append(f"{kind}: {text}")

    def open(self, address: str) -> Page:
        page = self.context.new_page()
        page.goto(address)
        page.wait_for_selector("html[data-controls]", state="attached")
        return page


@pytest.fixture
def watched(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Watched]:
    made = Watched(browser, **getattr(request, "param", {"viewport": {"width": 1440, "height": 900}}))
    yield made
    made.context.close()
    assert made.complaints == []


SIZES = [
    {"viewport": {"width": width, "height": 900}, "color_scheme": scheme}
    for width in (390, 768, 1440)
    for scheme in ("light", "dark")
]


@pytest.mark.parametrize(
    "watched", SIZES, indirect=True, ids=lambda size: f"{size['viewport']['width']}-{size['color_scheme']}"
)
def test_every_chart_is_drawn_and_nothing_sticks_out(watched: Watched, address: str) -> None:
    page = watched.open(address)

    charts = page.locator(".chart:visible")
    assert charts.count() == 10
    assert charts.evaluate_all("boxes => boxes.map(box => box.querySelectorAll('svg path').length > 3)") == [True] * 10
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0


@pytest.mark.parametrize("watched", [{"viewport": {"width": 390, "height": 900}}], indirect=True, ids=["390"])
def test_the_deal_table_fits_a_narrow_screen(watched: Watched, address: str) -> None:
    page = watched.open(address)
    page.locator("button.open").first.click()

    assert page.locator(".deals.scroll").evaluate("box => box.scrollWidth - box.clientWidth") <= 0


def test_columns_become_one_below_820_px(watched: Watched, address: str) -> None:
    page = watched.open(address)

    def columns() -> int:
        return page.locator(".pair").first.evaluate(
            "pair => getComputedStyle(pair).gridTemplateColumns.split(' ').length"
        )

    assert columns() == 2
    page.set_viewport_size({"width": 800, "height": 900})
    assert columns() == 1


def test_labels_of_the_graph_do_not_cover_each_other(watched: Watched, address: str) -> None:
    page = watched.open(address)
    boxes = page.locator("[data-chart='relationships-2030Q4'] svg text").evaluate_all(
        "texts => texts.map(text => { const r = text.getBoundingClientRect();"
        " return [text.textContent, r.x, r.y, r.right, r.bottom]; })"
    )

    assert {"OpenAI", "Amazon", "NVIDIA"} <= {box[0] for box in boxes}
    covered = [
        (a[0], b[0])
        for i, a in enumerate(boxes)
        for b in boxes[i + 1 :]
        if a[0] != b[0] and a[1] < b[3] and b[1] < a[3] and a[2] < b[4] and b[2] < a[4]
    ]
    assert covered == []


def test_the_theme_button_turns_the_page_and_its_charts(watched: Watched, address: str) -> None:
    page = watched.open(address)
    button = page.locator("#theme")

    def look() -> tuple[str, str]:
        label = page.locator("[data-chart='concentration'] svg text").first
        return (
            page.evaluate("getComputedStyle(document.body).backgroundColor"),
            label.evaluate("text => getComputedStyle(text).fill"),
        )

    light = look()
    expect(button).to_have_text("Dark mode")
    button.click()
    dark = look()
    expect(button).to_have_text("Light mode")
    button.click()

    assert light[0] != dark[0]
    assert light[1] != dark[1]
    assert look() == light


def test_quarters_of_the_graph_are_chosen_by_keyboard(watched: Watched, address: str) -> None:
    page = watched.open(address)
    page.locator("input[name=graph]:checked").focus()
    page.keyboard.press("ArrowLeft")

    expect(page.locator("#panel-relationships-2025Q4")).to_be_visible()
    expect(page.locator("#panel-relationships-2030Q4")).to_be_hidden()
    assert page.locator("[data-chart='relationships-2025Q4'] svg path").count() > 20


def test_pointing_at_a_node_dims_what_is_not_tied_to_it(watched: Watched, address: str) -> None:
    page = watched.open(address)
    chart = page.locator("[data-chart='relationships-2030Q4']")
    chart.scroll_into_view_if_needed()
    faint = "paths => paths.filter(path => Number(path.getAttribute('stroke-opacity') ?? 1) < 0.1).length"
    before = chart.locator("svg path").evaluate_all(faint)
    label = chart.locator("svg text", has_text=re.compile("^Meta$")).first.bounding_box()
    assert label is not None
    page.mouse.move(label["x"] + label["width"] / 2, label["y"] - 12)

    expect(chart.locator(".tip")).to_contain_text("hyperscaler")
    assert before == 0
    assert chart.locator("svg path").evaluate_all(faint) > 20


def test_the_tooltip_reads_the_row_of_the_table(watched: Watched, address: str) -> None:
    page = watched.open(address)
    chart = page.locator("[data-chart='concentration']")
    chart.scroll_into_view_if_needed()
    chart.hover(position={"x": 300, "y": 120})
    tip = chart.locator(".tip")
    quarter = tip.locator("b").inner_text()
    row = page.locator("section", has=chart).locator("tbody tr", has=page.get_by_text(quarter, exact=True))

    assert re.fullmatch(r"20\d\dQ[1-4]", quarter)
    shown = tip.locator(".row").first.inner_text().split("\n")
    assert shown[0].startswith("Alignment")
    assert shown[-1].split(" (")[0] == row.locator("td").first.text_content()


def test_deals_are_filtered_sorted_and_opened(watched: Watched, address: str) -> None:
    page = watched.open(address)
    visible = page.locator("tr.deal:visible")

    assert visible.count() == 20
    page.locator("#origin").select_option("simulated")
    assert visible.count() == 10
    page.locator("#find").fill("openai oracle")
    expect(page.locator("#deal-count")).to_have_text(f"{visible.count()} of 20 deals")
    assert 0 < visible.count() < 10
    page.locator("#origin").select_option("")
    page.locator("#find").fill("")

    page.get_by_role("button", name="Committed, $bn").click()
    page.get_by_role("button", name="Committed, $bn").click()
    assert visible.first.locator("td.c-committed").inner_text() == "300"
    expect(page.locator("th.c-committed")).to_have_attribute("aria-sort", "descending")

    opener = visible.first.get_by_role("button")
    opener.focus()
    page.keyboard.press("Enter")
    expect(opener).to_have_attribute("aria-expanded", "true")
    expect(page.locator("tr.sheet:visible")).to_contain_text("oracle-openai-2025-07")


def test_focus_is_seen_and_follows_the_page(watched: Watched, address: str) -> None:
    page = watched.open(address)
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("#theme")).to_be_focused()

    assert page.locator("#theme").evaluate("button => getComputedStyle(button).outlineStyle") == "solid"


def test_the_download_is_the_table(watched: Watched, address: str) -> None:
    page = watched.open(address)
    with page.expect_download() as started:
        page.locator("a[download='capacity.csv']").click()
    lines = Path(started.value.path()).read_text(encoding="utf-8").splitlines()

    assert lines[0].startswith("quarter,Amazon,")
    assert len(lines) == 49


def test_without_scripts_tables_and_term_sheets_are_there(browser: Browser, address: str) -> None:
    context = browser.new_context(java_script_enabled=False, viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.goto(address)

    assert page.locator(".chart:visible").count() == 0
    assert page.locator("tr.sheet:visible").count() == 20
    assert page.locator("details").count() == 14
    page.locator("section", has=page.get_by_role("heading", name="Concentration over time")).locator("summary").click()
    assert page.get_by_role("cell", name="2030Q4").count() + page.get_by_role("rowheader", name="2030Q4").count() == 1
    expect(page.locator("#theme")).to_be_hidden()
    context.close()


def test_a_saved_plot_draws_itself(watched: Watched, tmp_path: Path) -> None:
    page = watched.context.new_page()
    page.goto(plot.relationship_graph(tables(runs=1)).save(tmp_path / "graph.html").as_uri())
    page.wait_for_selector("html[data-ready]", state="attached")

    assert page.locator(".chart svg path").count() > 20


def test_a_notebook_s_frame_draws_itself(watched: Watched, tmp_path: Path) -> None:
    notebook = tmp_path / "notebook.html"
    notebook.write_text(f"<!doctype html>{plot.price(tables(runs=1))._repr_html_()}", encoding="utf-8")
    page = watched.context.new_page()
    page.goto(notebook.as_uri())

    page.frame_locator("iframe").locator(".chart svg path").first.wait_for(state="attached")
