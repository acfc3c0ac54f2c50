"""The reports of sweeps and comparisons in Chromium: opened from disk, offline, wide and narrow, light and dark."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from experiments.comparison import Comparison
from market.scenario import Scenario
from tests.browser.test_report import SIZES, Watched, browser  # noqa: F401 -- a fixture
from tests.visualization.small_sweeps import bent, planned, straight, swept
from tests.visualization.synthetic import tables
from visualization.comparison_report import render_comparison_report
from visualization.reports import report_for

pytestmark = pytest.mark.browser

POWER = "negotiation.provider_power"
PAGES = {"market": 8, "choices": 3, "morris": 4, "comparison": 6}
"""Charts that are seen at first."""


@pytest.fixture(scope="module")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("reports")
    plans = {
        "market": planned("tiny", {POWER: [0.2, 0.8], "policy.exclusivity_ban": [False, True]}, 2),
        "choices": planned(bent, {"x": (0.0, 1.0), "ban": [False, True]}, 2, design="lhs", samples=40),
        "morris": planned(straight, {"a": (0.0, 1.0), "b": (0.0, 2.0)}, design="morris", trajectories=4),
    }
    paths = {name: report_for(swept(folder / name, plan).folder) for name, plan in plans.items()}
    paths["comparison"] = folder / "comparison.html"
    paths["comparison"].write_text(render_comparison_report(two_worlds(), {}), encoding="utf-8")
    return {name: path.as_uri() for name, path in paths.items()}


def two_worlds() -> Comparison:
    """Synthetic tables, in the second world with less concentration and more of what is uncertain."""
    first, second = tables(runs=6), tables(runs=6)
    market = second["market"]
    market["alignment_hhi"] -= 300 * (market["quarter"] > "2026Q1") * (1 + market["run"] % 3)
    market["capacity_gw"] *= 1.05 + 0.01 * market["run"]
    tiny = Scenario.load("tiny")
    outcomes = ["alignment_hhi", "market_hhi", "capacity_gw", "utilisation_frac", "sum(capex_usd_bn@last4)"]
    names = ("baseline", "a world with a rather long name")
    return Comparison.of(first, second, names, outcomes, (tiny, tiny.with_({"enterprises.count": 80})), 7)


@pytest.fixture
def watched(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Watched]:  # noqa: F811
    made = Watched(browser, **getattr(request, "param", {"viewport": {"width": 1440, "height": 900}}))
    yield made
    made.context.close()
    assert made.complaints == []


def opened(watched: Watched, address: str) -> Page:
    page = watched.context.new_page()
    page.goto(address)
    page.wait_for_selector("html.scripted[data-ready]", state="attached")
    return page


@pytest.mark.parametrize(
    "watched", SIZES, indirect=True, ids=lambda size: f"{size['viewport']['width']}-{size['color_scheme']}"
)
def test_every_chart_is_drawn_and_nothing_sticks_out(watched: Watched, addresses: dict[str, str]) -> None:
    for name, count in PAGES.items():
        page = opened(watched, addresses[name])
        charts = page.locator(".chart:visible")

        drawn = charts.evaluate_all("boxes => boxes.map(box => box.querySelectorAll('svg path').length > 3)")
        assert (name, drawn) == (name, [True] * count)
        assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
        page.close()


@pytest.mark.parametrize("watched", SIZES[:1], indirect=True, ids=["390"])
@pytest.mark.parametrize("name", ["morris", "comparison", "choices"])
def test_names_down_the_side_are_neither_cut_off_nor_over_each_other(
    watched: Watched, addresses: dict[str, str], name: str
) -> None:
    page = opened(watched, addresses[name])
    chart = page.locator("[data-chart^='sensitivity'], [data-chart='effects']").first
    outside = chart.evaluate(
        "box => { const frame = box.getBoundingClientRect(); return [...box.querySelectorAll('svg text')].map(text => "
        "[text.textContent, text.getBoundingClientRect()]).filter(([, r]) => r.left < frame.left - 1 || "
        "r.right > frame.right + 1).map(([name]) => name); }"
    )
    tops = chart.evaluate(
        "box => [...box.querySelectorAll('svg text[text-anchor=end]')].map(text => text.getBoundingClientRect().top)"
    )

    assert outside == []
    assert len(tops) >= 2
    assert all(b - a >= 11 for a, b in zip(sorted(tops), sorted(tops)[1:], strict=False))


def test_another_outcome_is_shown_and_drawn(watched: Watched, addresses: dict[str, str]) -> None:
    page = opened(watched, addresses["market"])
    first, second = (page.locator(f"[data-chart='scatter-{name}-{POWER}']") for name in ("alignment_hhi", "market_hhi"))
    expect(second).to_be_hidden()
    page.get_by_role("radio", name="Alignment concentration").first.focus()
    page.keyboard.press("ArrowRight")

    expect(second).to_be_visible()
    expect(first).to_be_hidden()
    assert second.locator("svg path").count() > 10


def test_pointing_at_a_mark_tells_its_numbers(watched: Watched, addresses: dict[str, str]) -> None:
    page = opened(watched, addresses["comparison"])
    chart = page.locator("[data-chart='effects']")
    chart.scroll_into_view_if_needed()
    filled = chart.locator("svg path[fill='#0072B2']")
    mark = filled.nth(filled.count() - 5).bounding_box()  # the last five are the marks, above the ends of intervals
    assert mark is not None
    page.mouse.move(mark["x"] + mark["width"] / 2, mark["y"] + mark["height"] / 2)

    expect(chart.locator(".tip")).to_contain_text("0-10000 (−")
    expect(chart.locator(".tip")).to_contain_text("95 %")


def test_the_theme_button_turns_charts_and_page(watched: Watched, addresses: dict[str, str]) -> None:
    page = opened(watched, addresses["morris"])
    label = page.locator("[data-chart='sensitivity-y'] svg text").first

    def look() -> list[str]:
        fill = label.evaluate("text => getComputedStyle(text).fill")
        return [page.evaluate("getComputedStyle(document.body).backgroundColor"), fill]

    light = look()
    page.locator("#theme").click()
    expect(page.locator("#theme")).to_have_text("Light mode")
    assert all(a != b for a, b in zip(light, look(), strict=True))


def test_without_scripts_every_table_can_be_read(browser: Browser, addresses: dict[str, str]) -> None:  # noqa: F811
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 900})
    page = context.new_page()
    page.goto(addresses["choices"])

    assert page.locator(".chart:visible").count() == 0
    assert page.locator("details:visible").count() == 6  # how to repeat it, and a table behind each of five charts
    expect(page.get_by_role("cell", name="ValueError: <b>x</b> is too large")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    context.close()


def test_the_download_is_the_table(watched: Watched, addresses: dict[str, str]) -> None:
    page = opened(watched, addresses["comparison"])
    with page.expect_download() as started:
        page.locator("a[download='effects.csv']").click()
    lines = Path(started.value.path()).read_text(encoding="utf-8").splitlines()

    assert lines[0].startswith("outcome,effect,low,high,unit,baseline,")
    assert len(lines) == 6
