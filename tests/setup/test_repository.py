"""What git holds: nothing of one machine, no other lock, the whole licence."""

from __future__ import annotations

import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Spelt in two halves, so that this file does not find itself.
HOSTS = ["pypi" + r"\.org", "python" + r"hosted\.org", "npm" + r"js\.(org|com)", "deb" + r"\.debian\.org"]
FOLDERS = [r"(^|[^A-Za-z0-9._~-])/" + folder + "/" for folder in ("root", "work", "home/[a-z]+", "Users/[A-Za-z]+")]


def git(*words: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", *words], cwd=cwd, capture_output=True, text=True, check=False)


pytestmark = pytest.mark.skipif(git("rev-parse").returncode != 0, reason="not a git clone")


@pytest.mark.parametrize("pattern", HOSTS + FOLDERS)
def test_no_file_names_a_registry_or_a_folder_of_one_machine(pattern: str) -> None:
    found = git("grep", "-nIE", pattern)
    assert found.returncode in (0, 1), found.stderr
    assert found.stdout == ""


def test_the_search_finds_what_it_looks_for(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text(f"see {'/root'}/x\nhttps://example.com/work/paper\n`{'/work'}/main`\n")
    found = [git("grep", "--no-index", "-chE", pattern, "page.md", cwd=tmp_path).stdout for pattern in FOLDERS[:2]]
    assert found == ["1\n", "1\n"]


@pytest.mark.parametrize("path", ["uv.lock", ".venv/bin/python", "results/001-x/market.parquet", "x/__pycache__/y.pyc"])
def test_ignored(path: str) -> None:
    assert git("check-ignore", "-q", "--no-index", path).returncode == 0


def test_not_committed() -> None:
    assert git("ls-files", ".python-version", "uv.lock", "pylock.toml", "*.pyc", "results").stdout == ""


def test_the_licence_is_whole() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert "Apache License" in text
    assert all(f"\n   {number}. " in text for number in range(1, 10))
    assert "END OF TERMS AND CONDITIONS" in text


def test_the_citation_names_the_released_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text()
