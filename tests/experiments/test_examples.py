"""The example scripts are short, import `cloudpact` alone, and work."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "experiments" / "examples"
FIGURES = {"bargaining_power": "bargaining-power.png", "policy": "policy.png", "lab_failure": "lab-failure.png"}
LONGEST = 50


def test_every_script_is_known_here() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.py")} == set(FIGURES)


@pytest.mark.parametrize("name", FIGURES)
def test_scripts_are_short_and_import_nothing_else_of_ours(name: str) -> None:
    text = (EXAMPLES / f"{name}.py").read_text()
    assert text.count("\n") <= LONGEST
    imported = {
        alias.name for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Import) for alias in node.names
    }
    assert imported == {"sys", "cloudpact"}
    assert not any(isinstance(node, ast.ImportFrom) for node in ast.walk(ast.parse(text)))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "count"), [("bargaining_power", "1"), ("policy", "2"), ("lab_failure", "2")])
def test_scripts_work(name: str, count: str, tmp_path: Path) -> None:
    script = EXAMPLES / f"{name}.py"
    done = subprocess.run(
        [sys.executable, str(script), count], cwd=tmp_path, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-2000:]
    figure = Path("results") / FIGURES[name]
    assert f"Figure: {figure}" in done.stdout
    assert (tmp_path / figure).read_bytes().startswith(b"\x89PNG")
    assert len(done.stdout.splitlines()) > 8
