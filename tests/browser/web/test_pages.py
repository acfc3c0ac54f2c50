"""The web view as its users meet it, in headless Chromium against a real server."""

from __future__ import annotations

import urllib.error
import urllib.request

import pandas as pd
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from experiments.running import run
from tests.browser.web.conftest import READY, Server, Visitor
from visualization.web.address import Address

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("web")]

CARD = ".card h2"
PAGES = {"/": READY, "/compare": CARD, "/experiments": CARD, "/forecast": "[data-chart][data-seq='1']"}


def quarter(page: Page) -> str:
    return str(page.locator("[data-quarter]").get_attribute("data-quarter"))


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def at(page: Page, name: str) -> None:
    page.wait_for_selector(f"[data-quarter='{name}']", timeout=20_000)


def drawn(page: Page, chart: str, after: int = 0) -> int:
    """How often a chart has been drawn, once that is more than before."""
    page.wait_for_function(
        "([name, after]) => Number(document.querySelector(`.chart[data-chart='${name}']`)?.dataset.seq) > after",
        arg=[chart, after],
        timeout=20_000,
    )
    return int(page.locator(f".chart[data-chart={chart}]").get_attribute("data-seq") or 0)


def test_step_back_reset_jump_play_and_pause(visitor: Visitor) -> None:
    page = visitor.open()
    assert quarter(page) == "2025Q1"  # no facts: a page opens at the start
    press(page, "Step")
    at(page, "2025Q2")
    press(page, "Step")
    at(page, "2025Q3")
    press(page, "Back")
    at(page, "2025Q2")
    page.get_by_label("Jump to").select_option("2027Q2")
    at(page, "2027Q2")
    for _ in range(2):  # the second reset is as good as the first
        press(page, "Reset")
        at(page, "2025Q1")
        press(page, "Step")
        at(page, "2025Q2")
    before = drawn(page, "concentration")
    press(page, "Play")
    page.wait_for_function("() => document.querySelector('[data-quarter]').dataset.quarter >= '2025Q4'")
    drawn(page, "concentration", before)
    press(page, "Pause")
    page.wait_for_selector("button[aria-pressed='false']")
    stopped = quarter(page)
    page.wait_for_timeout(900)  # three ticks of the clock
    assert quarter(page) == stopped


def test_playing_ends_at_the_last_quarter(visitor: Visitor) -> None:
    page = visitor.open("/?scenario=tiny&seed=7&quarter=2027Q1")
    page.get_by_label("Speed").select_option("15")
    press(page, "Play")
    at(page, "2027Q4")
    page.wait_for_selector("button[aria-pressed='false']")


def test_the_numbers_are_those_of_cloudpact_run(visitor: Visitor) -> None:
    page = visitor.open("/?scenario=tiny&seed=11&quarter=2026Q4")
    drawn(page, "concentration")
    market = run("tiny", seed=11).market
    page.locator(".card[aria-label='Cloud-alignment concentration'] summary").click()
    rows = page.locator(".card[aria-label='Cloud-alignment concentration'] tbody tr")
    shown = market[market["quarter"] <= "2026Q4"]
    expect(rows).to_have_count(len(shown))
    for row, expected in zip(rows.all_inner_texts(), shown["alignment_hhi"], strict=True):
        assert row.split("\t")[1].strip() == f"{expected:,.0f}"
    told = page.locator("[data-kpi=alignment_hhi] .value").inner_text()
    assert told == f"{shown['alignment_hhi'].iloc[-1]:,.0f}"
    rows = page.locator("#deals tr.deal")
    expect(rows).to_have_count(int((run("tiny", seed=11).deals["quarter"] <= "2026Q4").sum()))


def test_a_fork_keeps_both_paths_and_the_address_keeps_the_fork(visitor: Visitor) -> None:
    page = visitor.open("/?scenario=tiny&seed=7&quarter=2026Q2")
    page.get_by_label("What to switch on").select_option("demand_collapse")
    press(page, "Switch on")
    page.wait_for_selector(".chips li")
    page.wait_for_function("() => location.search.includes('forks=demand_collapse@2026Q2')")
    card = page.locator(".card[aria-label='Cloud-alignment concentration']")
    card.locator("summary").click()
    expect(card.locator("thead")).to_contain_text("without it")
    again = visitor.open(page.url.removeprefix(visitor.server.url))
    expect(again.locator(".chips li")).to_contain_text("demand_collapse@2026Q2")
    assert quarter(again) == quarter(page) == "2026Q2"
    page.get_by_role("button", name="Remove demand_collapse").click()
    page.wait_for_function("() => !location.search.includes('forks')")


def test_a_parameter_is_checked_as_on_the_command_line_and_redraws(visitor: Visitor) -> None:
    page = visitor.open("/?scenario=tiny&seed=7&quarter=2027Q4")
    before = drawn(page, "capacity")
    power = page.get_by_label("negotiation: provider power")
    power.fill("7")
    power.press("Tab")
    expect(page.get_by_role("alert")).to_have_text(
        "negotiation.provider_power: out of range (got 7); allowed: a number from 0 to 1 (frac)"
    )
    power.fill("0.9")
    power.press("Tab")
    page.wait_for_function("() => location.search.includes('provider_power%3D0.9')")
    drawn(page, "capacity", before)
    expect(page.get_by_role("alert")).to_have_count(0)
    expected = run(Address("tiny", 7, ("negotiation.provider_power=0.9",)).resolved(), seed=7).market
    expect(page.locator("[data-kpi=backlog_usd_bn] .value")).to_contain_text(
        f"{expected['backlog_usd_bn'].iloc[-1]:.1f}", timeout=20_000
    )


def test_a_deal_tells_why_and_is_bargained_again(visitor: Visitor) -> None:
    page = visitor.open("/?scenario=tiny&seed=7&quarter=2027Q4")
    page.locator("#deals button.open").first.click()
    sheet = page.locator("[data-sheet]")
    expect(sheet).to_contain_text("Term sheet")
    expect(sheet).to_contain_text("Gain of the lab")
    page.get_by_label("Bargain again by").select_option("kalai_smorodinsky")
    press(page, "Bargain again")
    page.wait_for_selector("[data-again]", timeout=30_000)
    expect(page.locator("[data-again]")).to_contain_text("protocol: nash -> kalai smorodinsky")
    page.locator("#find").fill("Byron")
    expect(page.locator("#deals tr.deal").first).to_contain_text("Byron")
    page.get_by_role("button", name="Committed, $bn").click()
    expect(page.locator("th[aria-sort=descending]")).to_contain_text("Committed")


def test_a_party_and_a_deal_open_from_the_graph(visitor: Visitor) -> None:
    page = visitor.open("/?scenario=tiny&seed=7&quarter=2027Q4")
    drawn(page, "graph")
    page.get_by_label("Party", exact=True).select_option("Ada")
    labs = run("tiny", seed=7).labs
    compute = labs[(labs["lab"] == "Ada") & (labs["quarter"] == "2027Q4")]["compute_gw"].iloc[0]
    expect(page.locator("[data-party=Ada]")).to_contain_text(f"{compute:.3f} GW")
    box = page.locator(".chart.graph")
    box.scroll_into_view_if_needed()
    at_x, at_y = box.evaluate(
        """(chart) => { const series = chart.chart.getOption().series[0];
        const node = series.data.find((each) => each.name === 'North');
        return chart.chart.convertToPixel({ seriesIndex: 0 }, [node.x, node.y]); }"""
    )
    box.click(position={"x": at_x, "y": at_y})
    expect(page.locator("[data-party=North]")).to_contain_text("hyperscaler")
    assert page.locator("#find").input_value() == "North"


def test_files_come_out_and_scenarios_go_in(visitor: Visitor) -> None:
    page = visitor.open("/?scenario=tiny&seed=7&quarter=2027Q4")
    page.get_by_label("File", exact=True).select_option("market.csv")
    with page.expect_download() as caught:
        press(page, "Download")
    table = pd.read_csv(caught.value.path())
    assert list(table["quarter"]) == list(run("tiny", seed=7).market["quarter"])
    drawn(page, "capex")
    for kind in ("CSV", "PNG", "SVG"):
        with page.expect_download() as caught:
            page.locator(".card[aria-label='Capital expenditure']").get_by_role("button", name=kind).click()
        assert caught.value.suggested_filename == f"capex.{kind.lower()}"
        assert caught.value.path().stat().st_size > 500
    text = page.locator(".paste textarea")
    text.fill('base = "tiny"\n[negotiation]\nprovider_powr = 1\n')
    press(page, "Simulate it")
    expect(page.get_by_role("alert")).to_contain_text("scenario.toml:3: negotiation.provider_powr: unknown key")
    page.locator("input[type=file]").set_input_files(
        {
            "name": "mine.toml",
            "mimeType": "text/plain",
            "buffer": b'base = "tiny"\n[negotiation]\nprovider_power = 0.25\n',
        }
    )
    page.wait_for_function("() => location.search.includes('provider_power%3D0.25')")


def test_two_users_do_not_see_each_other(chromium: Browser, server: Server) -> None:
    one, other = Visitor(chromium, server), Visitor(chromium, server)
    first, second = one.open("/?scenario=tiny&seed=7"), other.open("/?scenario=symmetric&seed=3")
    press(first, "Step")
    at(first, "2025Q2")
    assert quarter(second) == "2025Q1"
    assert second.get_by_label("Scenario", exact=True).input_value() == "symmetric"
    for each in (one, other):
        each.context.close()
        assert each.complaints == []


def test_a_reload_loses_nothing(visitor: Visitor) -> None:
    page = visitor.open("/?scenario=tiny&seed=7&set=negotiation.provider_power%3D0.7&quarter=2026Q1")
    press(page, "Step")
    at(page, "2026Q2")
    page.wait_for_function("() => location.search.includes('2026Q2')")
    page.reload()
    page.wait_for_selector(READY, timeout=30_000)
    assert quarter(page) == "2026Q2"
    expect(page.locator(".chips li")).to_contain_text("negotiation.provider_power=0.7")


def test_a_bad_address_is_one_line_and_no_traceback(visitor: Visitor) -> None:
    page = visitor.open("/?scenario=tinny")
    expect(page.get_by_role("alert")).to_have_text(
        "The address cannot be used, so this is the baseline. scenario: got 'tinny'; allowed: accelerator-shortage, "
        "baseline, demand-collapse, exclusive-world, no-equity, open-world, symmetric, tiny; did you mean 'tiny'?"
    )


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize(
    "visitor",
    [
        {"viewport": {"width": 390, "height": 900}, "color_scheme": "dark"},
        {"viewport": {"width": 1440, "height": 900}, "color_scheme": "light"},
    ],
    indirect=True,
    ids=["phone-dark", "desk-light"],
)
def test_every_page_fits_and_passes_the_accessibility_check(visitor: Visitor, path: str) -> None:
    page = visitor.open(path + "?scenario=tiny&seed=7&quarter=2027Q4", PAGES[path])
    if path == "/":
        for chart in ("graph", "concentration", "capacity", "capex", "utilisation"):
            drawn(page, chart)
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    for width in (page.viewport_size["width"], 768):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_all_can_be_done_by_keyboard(visitor: Visitor) -> None:
    """Tab reaches Step, Enter presses it, and what has the focus is outlined."""
    page = visitor.open("/?scenario=tiny&seed=7")
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent.trim()") == "Step":
            break
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    at(page, "2025Q2")


def test_nothing_jumps_while_playing(visitor: Visitor) -> None:
    """Cards stay where they are from one quarter to the next."""
    page = visitor.open("/?scenario=tiny&seed=7&quarter=2026Q1")
    drawn(page, "utilisation")
    places = "() => [...document.querySelectorAll('.card')].slice(0, 5).map((e) => Math.round(e.offsetTop))"
    before = page.evaluate(places)
    for name in ("2026Q2", "2026Q3", "2026Q4"):
        press(page, "Step")
        at(page, name)
        assert page.evaluate(places) == before


@pytest.mark.parametrize(
    "visitor", [{"viewport": {"width": width, "height": 900}} for width in (390, 768, 1440)], indirect=True, ids=str
)
def test_nothing_jumps_while_the_market_moves(visitor: Visitor) -> None:
    page = visitor.open("/?quarter=2026Q1")
    drawn(page, "utilisation")
    tops = "all => all.map(one => one.getBoundingClientRect().top + scrollY)"
    before = page.locator("[data-chart]").evaluate_all(tops)
    for name in ("2026Q2", "2026Q3", "2026Q4", "2027Q1"):  # with short and long sentences
        press(page, "Step")
        at(page, name)
        assert page.locator("[data-chart]").evaluate_all(tops) == before


def test_compare_runs_in_the_background_and_can_be_stopped(visitor: Visitor) -> None:
    page = visitor.open("/compare?scenario=tiny&seed=7", CARD)
    page.get_by_label("Against the scenario").select_option("symmetric")
    page.get_by_label("Pairs, up to 24").fill("2")
    press(page, "Compare")
    page.wait_for_selector("[data-figure=effects] .chart[data-seq='1']", timeout=90_000)
    expect(page.locator("[data-figure=effects]")).to_contain_text("symmetric against tiny")
    page.get_by_label("Pairs, up to 24").fill("99")
    press(page, "Compare")
    expect(page.get_by_role("alert")).to_have_text("runs: got '99'; allowed: a whole number from 1 to 24")
    page.get_by_label("Pairs, up to 24").fill("24")
    press(page, "Compare")
    press(page, "Cancel")
    page.wait_for_selector("button:has-text('Cancel')", state="detached", timeout=30_000)


def test_a_small_sweep_is_started_and_opened(visitor: Visitor) -> None:
    page = visitor.open("/experiments", CARD)
    press(page, "Start")
    page.wait_for_selector("[data-figure] .chart[data-seq='1']", timeout=120_000)
    expect(page.locator(".say")).to_contain_text("A sweep of 8 runs.")
    assert page.get_by_label("Run, sweep or comparison").input_value() == "001-page"
    page.get_by_label("From", exact=True).fill("low")
    press(page, "Start")
    expect(page.get_by_role("alert")).to_have_text("low: got 'low'; allowed: a number")


def test_forecast_and_hindcast_are_shown_with_their_scores(visitor: Visitor) -> None:
    page = visitor.open("/forecast", PAGES["/forecast"])
    page.get_by_label("Series").select_option("run_rate[OpenAI]")
    press(page, "Show")
    page.wait_for_selector("[data-chart='forecast-run_rate[OpenAI]'][data-seq='1']")
    assert page.locator("[data-table=statements] tbody tr").count() > 5
    assert page.locator("[data-table=blind] tbody tr").count() == 16
    assert page.locator("[data-table=stylised] tbody tr").count() > 20


@pytest.mark.parametrize(("path", "origin", "status"), [("/resourcez", None, 403), ("/", "http://evil.example", 403)])
def test_other_sites_and_server_pages_are_refused(server: Server, path: str, origin: str | None, status: int) -> None:
    request = urllib.request.Request(server.url + path, headers={"Origin": origin} if origin else {})
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request)
    assert caught.value.code == status


def test_answers_carry_the_headers_of_safety(server: Server) -> None:
    headers = urllib.request.urlopen(server.url).headers
    assert "default-src 'self'" in headers["content-security-policy"]
    assert (headers["x-frame-options"], headers["x-content-type-options"]) == ("DENY", "nosniff")
