"""The layers of the house: the contracts hold, cover every module, and would notice a breach."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
PACKAGES = ["market", "agents", "cloudpact", "experiments", "visualization"]


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Check the packages in a folder against the project's contracts."""
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    words = ["--no-cache", "--config", str(ROOT / "pyproject.toml")]
    environment = os.environ | {"PYTHONPATH": str(folder), "COLUMNS": "200"}
    return subprocess.run([*command, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False)


def layers() -> set[str]:
    contract = next(contract for contract in SETTINGS["contracts"] if contract["type"] == "layers")
    return {name.strip("() ") for layer in contract["layers"] for name in layer.split(" : ")}


def test_the_contracts_hold() -> None:
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_module_stands_in_a_layer() -> None:
    modules = {f"cloudpact.{path.stem}" for path in (ROOT / "cloudpact").iterdir() if path.stem[0] not in "_."}
    assert sorted((modules | set(PACKAGES) - {"cloudpact"}) - layers()) == []


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("market/capacity.py", "import pandas", "The market's mathematics stands on arrays alone"),
        ("market/ledger.py", "def step():\n    import mesa", "The market's mathematics stands on arrays alone"),
        ("market/deals.py", "from agents import lab", "Layers"),
        ("agents/lab.py", "from cloudpact import model", "Layers"),
        ("cloudpact/model.py", "import experiments", "Layers"),
        ("experiments/store.py", "import visualization", "Layers"),
        ("visualization/app.py", "from cloudpact import cli", "Layers"),
        ("agents/lab.py", "import plotly", "No pictures below visualization"),
    ],
)
def test_a_breach_is_noticed(tmp_path: Path, module: str, line: str, contract: str) -> None:
    for package in PACKAGES:
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").touch()
    for name in ("agents/lab.py", "cloudpact/model.py", "cloudpact/results.py", "cloudpact/cli.py"):
        (tmp_path / name).touch()
    (tmp_path / module).write_text(line + "\n")
    done = lint(tmp_path)
    broken = [text.removesuffix(" BROKEN") for text in done.stdout.splitlines() if text.endswith(" BROKEN")]
    assert (done.returncode, broken) == (1, [contract]), done.stdout + done.stderr
