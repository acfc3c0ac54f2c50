"""A server of the page, and Chromium looking at it: every test fails on errors, failed requests and foreign hosts."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

ROOT = Path(__file__).parents[3]
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--no-first-run", "--disable-quic",
]  # fmt: skip
READY = "[data-state=ready]"


class Server:
    """A running `cloudpact view` with its log."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "server.log"
        self.results = folder / "results"
        command = [
            sys.executable,
            "-m",
            "cloudpact.cli",
            "view",
            "--port",
            str(self.port),
            "--results",
            str(self.results),
        ]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, cwd=folder, stdout=log, stderr=log, env={**os.environ, "PYTHONPATH": str(ROOT)}
            )

    def wait(self) -> None:
        """Return once it answers."""
        for _ in range(300):
            try:
                urllib.request.urlopen(self.url, timeout=2).read()
                return
            except OSError:
                assert self.process.poll() is None, self.log.read_text()
                time.sleep(0.2)
        raise AssertionError(self.log.read_text())


def descendants(pid: int) -> list[int]:
    """Processes that a process has started, and those that they have."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if parent == pid:
            found += [int(path.parent.name), *descendants(int(path.parent.name))]
    return found


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    started = Server(tmp_path_factory.mktemp("view"))
    started.wait()
    yield started
    workers = descendants(started.process.pid)
    started.process.terminate()
    started.process.wait(20)
    for _ in range(50):
        left = [worker for worker in workers if Path(f"/proc/{worker}").exists()]
        if not left:
            break
        time.sleep(0.2)
    assert workers and not left, f"workers outlived the server: {left}"
    log = started.log.read_text()
    assert "Traceback" not in log and "Could not load URL" not in log, log


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("NO CHROMIUM: the web view was not looked at; install the package chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


class Visitor:
    """A browser of one's own; what it complains of is collected."""

    def __init__(self, browser: Browser, server: Server, **options: Any) -> None:
        self.server = server
        self.context: BrowserContext = browser.new_context(**({"viewport": {"width": 1440, "height": 900}} | options))
        self.complaints: list[str] = []
        self.context.on("request", lambda request: self._requested(request.url))
        self.context.on("requestfailed", lambda request: self.complaints.append(f"failed: {request.url}"))
        self.context.on("response", lambda answer: self._answered(answer.status, answer.url))
        self.context.on("console", lambda said: self._said(said.type, said.text))
        self.context.on("weberror", lambda error: self.complaints.append(f"error: {error.error}"))

    def _requested(self, url: str) -> None:
        if not url.startswith((self.server.url, f"ws://127.0.0.1:{self.server.port}", "data:", "blob:", "about:")):
            self.complaints.append(f"foreign request: {url}")

    def _answered(self, status: int, url: str) -> None:
        if status >= 400:
            self.complaints.append(f"{status}: {url}")

    def _said(self, kind: str, text: str) -> None:
        if kind == "error":
            self.complaints.append(f"console: {text}")

    def open(self, path: str = "/?scenario=tiny&seed=7", ready: str = READY) -> Page:
        """A page of the server that is ready."""
        page = self.context.new_page()
        page.goto(self.server.url + path)
        page.wait_for_selector(ready, timeout=60_000, state="attached")
        return page


@pytest.fixture
def visitor(chromium: Browser, server: Server, request: pytest.FixtureRequest) -> Iterator[Visitor]:
    made = Visitor(chromium, server, **getattr(request, "param", {}))
    yield made
    made.context.close()
    assert made.complaints == []
