"""Every command and every piece of Python in README.md works, in the order a reader would try them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()

# Lines that are not run here, each with the reason.
ELSEWHERE = {
    r"(\./run|make) test": "these are the tests",
    r"make check|(bash )?\.ci/run": "runs these tests",
    r"git clone .*": "there is no network in a test; CI starts from a clone",
    r"cd cloudpact": "follows the clone",
    r"(uv run |\./run )?cloudpact view.*|\./run view.*": "starts a server; the browser tests do",
    r"uv (run|sync|tool) .*": "needs the network to resolve",
}
# The main job in small: writes the same folder under the same name, so that later lines find it.
MAIN_JOB_IN_SMALL = "cloudpact run --runs 2"


def blocks(text: str, *languages: str) -> list[str]:
    """The fenced blocks in any of the languages."""
    tokens = MarkdownIt().parse(text)
    return [token.content for token in tokens if token.type == "fence" and token.info.split(" ")[0] in languages]


def commands(text: str) -> list[str]:
    """The command lines of the sh blocks, and those after a prompt of the console blocks."""
    lines: list[str] = []
    for block in blocks(text, "sh", "bash", "shell"):
        lines += block.replace("\\\n", " ").splitlines()
    for block in blocks(text, "console"):
        prompted = re.findall(r"^\$ (.*)$", block.replace("\\\n", " "), re.MULTILINE)
        lines += prompted
    bare = [re.sub(r"\s+#.*$", "", line).strip() for line in lines]
    return [line for line in bare if line and not line.startswith("#")]


def runnable(line: str) -> str | None:
    """What to run for a line of the README, None for one exercised elsewhere; fails on a line no rule covers."""
    if any(re.fullmatch(pattern, line) for pattern in ELSEWHERE):
        return None
    if line in ("./run", "make run", "cloudpact run"):
        return MAIN_JOB_IN_SMALL
    line = re.sub(r"^\./run ", "cloudpact ", line)
    assert line.startswith("cloudpact "), f"README line that no rule of this test covers: {line}"
    return line


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """As a reader who typed `source .venv/bin/activate`, in a folder of their own."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
    )


def test_blocks_and_lines_are_found() -> None:
    shell = "```sh\ncloudpact facts  # the data\n./run sweep a.toml \\\n  --out b\n./run\n```\n"
    text = shell + "```console\n$ make test\nok\n```\n"
    assert commands(text) == ["cloudpact facts", "./run sweep a.toml    --out b", "./run", "make test"]
    assert [runnable(line) for line in commands(text)] == [
        "cloudpact facts",
        "cloudpact sweep a.toml    --out b",
        MAIN_JOB_IN_SMALL,
        None,
    ]
    with pytest.raises(AssertionError, match="no rule"):
        runnable("rm results")


@pytest.mark.slow
def test_every_command_of_the_readme_works(tmp_path: Path) -> None:
    lines = commands(README)
    assert lines, "README.md shows no command"
    failed = []
    for line in filter(None, map(runnable, lines)):
        done = run(["sh", "-c", line], tmp_path)
        if done.returncode != 0:
            failed.append(f"{line}\n  exit {done.returncode}: {done.stderr.strip()[-500:]}")
    assert failed == []


@pytest.mark.slow
def test_the_python_of_the_readme_works(tmp_path: Path) -> None:
    pieces = blocks(README, "python")
    assert pieces, "README.md shows no Python"
    script = tmp_path / "readme.py"
    script.write_text("\n".join(pieces))
    done = run([sys.executable, str(script)], tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.parametrize("page", ["README.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))])
def test_pictures_and_pages_that_are_linked_are_there(page: str) -> None:
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", (ROOT / page).read_text())
    assert [target for target in targets if not (ROOT / page).parent.joinpath(target).exists()] == []
