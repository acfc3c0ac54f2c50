from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from experiments.sweeps.errors import SweepError
from experiments.sweeps.identity import ROOT, code_version, function_version, hash_of_code, run_key

VERSIONS = {"numpy": "2.1", "python": "3.12"}
TREE = {
    "market/demand.py": "a = 1\nb = 2\n",
    "market/bargaining/nash.py": "power = 0.5\n",
    "market/data/deals.csv": "id,usd\nx,1\n",
    "agents/lab.py": "c = 3\n",
    "cloudpact/model.py": "d = 4\n",
    "cloudpact/quarter/fund.py": "e = 5\n",
    "experiments/running.py": "f = 6\n",
    "experiments/store.py": "h = 8\n",
    "experiments/sweeps/study.py": "g = 7\n",
}


def write_tree(root: Path, files: dict[str, str], ending: str = "\n") -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.replace("\n", ending).encode())
    return root


def test_the_hash_is_that_of_versions_names_and_contents(tmp_path: Path) -> None:
    root = write_tree(tmp_path, {"market/b.py": "1\n", "agents/a.py": "22\n"})
    text = b"numpy 2.1\npython 3.12\nagents/a.py 3\n22\nmarket/b.py 2\n1\n"
    assert hash_of_code(root, VERSIONS) == hashlib.sha256(text).hexdigest()


def test_place_line_endings_compiled_files_and_other_modules_do_not_count(tmp_path: Path) -> None:
    here = write_tree(tmp_path / "here", TREE)
    there = write_tree(tmp_path / "there" / "deep", TREE, "\r\n")
    others = {
        "market/__pycache__/demand.cpython-313.pyc": "x",
        "market/data/README.md": "x",
        "cloudpact/cli.py": "x",
        "experiments/summary.py": "x",
        "visualization/plot.py": "x",
        "tests/test_x.py": "x",
    }
    assert hash_of_code(here, VERSIONS) == hash_of_code(write_tree(there, others), VERSIONS)


@pytest.mark.parametrize("name", TREE)
def test_every_file_that_decides_numbers_counts(tmp_path: Path, name: str) -> None:
    before = hash_of_code(write_tree(tmp_path, TREE), VERSIONS)
    write_tree(tmp_path, {name: TREE[name] + "x"})
    changed = hash_of_code(tmp_path, VERSIONS)
    (tmp_path / name).unlink()
    assert len({before, changed, hash_of_code(tmp_path, VERSIONS)}) == 3


def test_moving_text_from_one_file_to_the_next_counts(tmp_path: Path) -> None:
    one = write_tree(tmp_path / "one", {"market/a.py": "1\n2\n", "market/b.py": "3\n"})
    two = write_tree(tmp_path / "two", {"market/a.py": "1\n", "market/b.py": "2\n3\n"})
    assert hash_of_code(one, VERSIONS) != hash_of_code(two, VERSIONS)


def test_a_version_counts(tmp_path: Path) -> None:
    write_tree(tmp_path, TREE)
    assert hash_of_code(tmp_path, VERSIONS) != hash_of_code(tmp_path, {**VERSIONS, "numpy": "2.2"})


def test_the_package_s_own_code_is_found_whole_and_the_same_from_elsewhere(tmp_path: Path) -> None:
    for package in ("market", "agents", "cloudpact", "experiments"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    code = "from experiments.sweeps.identity import code_version, ROOT; print(code_version(), ROOT)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True
    )
    assert done.stdout.split() == [code_version(), str(tmp_path)], done.stderr
    assert len(code_version()) == 64


def test_functions_go_by_name_and_their_module_s_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    source = "SLOPE = 1.0\n\n\ndef f(values, seed, replicate):\n    return {'y': SLOPE}\n"
    file = tmp_path / "first_study.py"
    file.write_text(source)
    import first_study  # type: ignore[import-not-found]

    assert function_version(first_study.f) == f"first_study:f@{hashlib.sha256(source.encode()).hexdigest()}"
    changed = source.replace("1.0", "2.0")
    file.write_bytes(changed.replace("\n", "\r\n").encode())
    assert function_version(first_study.f) == f"first_study:f@{hashlib.sha256(changed.encode()).hexdigest()}"
    assert function_version(len) == "builtins:len"


class _Swept:
    def __call__(self, values: object, seed: int, replicate: int) -> dict[str, float]:
        return {}

    def method(self, values: object, seed: int, replicate: int) -> dict[str, float]:
        return {}


@pytest.mark.parametrize("function", [lambda *given: {}, partial(len, ()), _Swept(), _Swept().method])
def test_what_has_no_name_in_a_module_is_refused(function: Callable[..., Any]) -> None:
    with pytest.raises(SweepError, match="; allowed: an importable function, defined in a module"):
        function_version(function)


def test_a_key_depends_on_each_of_its_parts() -> None:
    base = ("scenario", 1, 0, "facts", "code")
    others = [("other", *base[1:]), ("scenario", 2, *base[2:]), ("scenario", 1, 1, "facts", "code")]
    others += [("scenario", 1, 0, "fact", "scode"), ("scenario", 1, 0, "facts", "newer")]
    keys = {run_key(*base), *(run_key(*other) for other in others)}  # type: ignore[arg-type]
    assert len(keys) == 6
    expected = hashlib.sha256(b"8 scenario\n1 1\n1 0\n5 facts\n4 code\n").hexdigest()
    assert run_key("scenario", 1, 0, "facts", "code") == expected
