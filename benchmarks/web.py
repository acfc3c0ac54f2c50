"""The web view under a real browser: first paint, one step, frames a second, ten users at once, memory a user.

    python -m benchmarks.web

needs Chromium. Frames are counted where they are drawn, in the browser (`data-seq` of a chart). The browsers run on the
same machine as the server.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from statistics import median

from playwright.sync_api import Browser, Page, sync_playwright

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
READY = "[data-state=ready]"
RECEIVED: dict[Page, Callable[[str | bytes], object]] = {}
SEQ = "Number(document.querySelector('.chart.concentration').dataset.seq)"


def resident_mb(pid: int) -> float:
    """Resident memory of a process alone, in MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return float("nan")


def opened(browser: Browser, url: str) -> Page:
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()  # a window of its own: it is drawn
    page.on("websocket", lambda socket: socket.on("framereceived", lambda text: RECEIVED.get(page, len)(text)))
    page.goto(url)
    page.wait_for_selector(READY, timeout=120_000)
    page.wait_for_function(f"() => {SEQ} > 0", timeout=60_000)
    return page


def first_paint(browser: Browser, url: str) -> float:
    """Seconds to the first contentful paint, as the browser tells it."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto(url)
    page.wait_for_selector(READY, timeout=120_000)
    told = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    page.close()
    return float(told) / 1000


def step_seconds(page: Page) -> float:
    """From the click to the drawn quarter, in the page's own clock."""
    return float(page.evaluate(
        """() => new Promise((done) => {
          const chart = document.querySelector('.chart.concentration'), before = chart.dataset.seq;
          const start = performance.now();
          new MutationObserver((_, seen) => {
            if (chart.dataset.seq === before) return;
            seen.disconnect();
            done((performance.now() - start) / 1000);
          }).observe(chart, { attributes: true });
          [...document.querySelectorAll('button')].find((each) => each.textContent.trim() === 'Step').click();
        })"""
    ))  # fmt: skip


def played(pages: list[Page], seconds: float) -> tuple[list[float], list[float]]:
    """Frames a second that each page draws, and quarters a second that the server sends it, while all play fastest."""
    sent = [0] * len(pages)

    def count(number: int, text: str | bytes) -> None:
        sent[number] += b'"quarter":' in (text.encode() if isinstance(text, str) else text)

    for number, page in enumerate(pages):
        RECEIVED[page] = lambda text, number=number: count(number, text)
        page.get_by_label("Jump to").select_option("0")
        page.get_by_label("Speed").select_option("15")
    pages[0].wait_for_timeout(1500)
    for page in pages:
        page.get_by_role("button", name="Play", exact=True).click()
    started, before = time.perf_counter(), [page.evaluate(SEQ) for page in pages]
    sent[:] = [0] * len(pages)
    pages[0].wait_for_timeout(1000 * seconds)
    took, frames = time.perf_counter() - started, [page.evaluate(SEQ) for page in pages]
    for page in pages:
        page.get_by_role("button", name="Pause", exact=True).click()
    drawn = [(after - seq) / took for after, seq in zip(frames, before, strict=True)]
    return drawn, [each / took for each in sent]


def main() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "SOLARA_KERNEL_CULL_TIMEOUT": "3s"}
    command = [sys.executable, "-m", "cloudpact.cli", "view", "--port", str(port)]
    server = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}/?scenario=baseline&seed=1"
    try:
        while True:
            try:
                urllib.request.urlopen(url, timeout=2).read()
                break
            except OSError:
                time.sleep(0.2)
        program = shutil.which("chromium") or shutil.which("chromium-browser")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
            measure(browser, server.pid, url)
            browser.close()
    finally:
        server.terminate()


def measure(browser: Browser, pid: int, url: str) -> None:
    page = opened(browser, url)
    page.wait_for_selector("[data-fan=ready]", timeout=120_000)  # the ensemble is there: nothing else computes
    print(f"first contentful paint      {median(first_paint(browser, url) for _ in range(5)):.2f} s")
    print(f"one step, click to drawn    {median(step_seconds(page) for _ in range(9)):.3f} s")
    print(f"frames a second, 300 dots   {played([page], 2.5)[0][0]:.1f}")
    many = opened(browser, url + "&set=enterprises.count%3D2000")
    many.wait_for_selector("[data-fan=ready]", timeout=180_000)
    print(f"frames a second, 2000 dots  {played([many], 2.5)[0][0]:.1f}")
    many.context.close()
    page.context.close()
    time.sleep(8.0)
    before = resident_mb(pid)
    pages = [opened(browser, url) for _ in range(10)]
    during = resident_mb(pid)
    drawn, sent = played(pages, 2.5)
    print(f"ten users, slowest clock    {min(sent):.1f} quarters a second sent, {min(drawn):.1f} drawn")
    for each in pages:
        each.context.close()
    time.sleep(12.0)
    left = resident_mb(pid) - before
    print(f"memory a user               {(during - before) / 10:.1f} MB; {left:+.0f} MB after all left")


if __name__ == "__main__":
    main()
