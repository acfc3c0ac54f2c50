"""Pictures of every page of the web view: wide and on a phone, light and dark.

    python docs/screenshots.py FOLDER

starts a server of its own, needs Chromium, and writes `PAGE-SIZE-THEME.png`; docs/images/web-view.png is one of them.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

PAGES = {
    "market": ("/?quarter=2028Q4", ".chart.utilisation[data-seq]:not([data-seq='0'])"),
    "compare": ("/compare?scenario=tiny&other=symmetric&runs=4", "[data-figure=effects] .chart[data-seq='1']"),
    "experiments": ("/experiments", ".card h2"),
    "forecast": ("/forecast", ".chart[data-seq='1']"),
}
SIZES = {"wide": 1440, "phone": 390}
THEMES = ("light", "dark")


def main(folder: Path) -> None:
    """Write all pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen([sys.executable, "-m", "cloudpact.cli", "view", "--port", str(port)])
    try:
        _wait(f"http://127.0.0.1:{port}")
        program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
            for theme in THEMES:
                for size, width in SIZES.items():
                    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=theme)
                    for name, (path, ready) in PAGES.items():
                        _picture(page, f"http://127.0.0.1:{port}{path}", ready, folder / f"{name}-{size}-{theme}.png")
                    page.close()
            browser.close()
    finally:
        server.terminate()


def _picture(page: Page, address: str, ready: str, path: Path) -> None:
    page.goto(address)
    page.wait_for_selector(ready, timeout=120_000, state="attached")
    if "market" in path.name:
        page.wait_for_selector("[data-fan=ready]", timeout=120_000)
    page.screenshot(path=path, full_page="phone" in path.name or "market" not in path.name)


def _wait(address: str) -> None:
    for _ in range(200):
        try:
            urllib.request.urlopen(address, timeout=2).read()
            return
        except OSError:
            time.sleep(0.2)
    raise SystemExit("the server did not start")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
