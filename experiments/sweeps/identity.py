"""What makes two simulations the same: the hash of the code, of a function, and of one run's inputs."""

from __future__ import annotations

import hashlib
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]  # the packages lie side by side, in a checkout as in site-packages

# What decides the numbers of a run: the rules and their wiring, the shipped facts, and how a run is started.
_SOURCES = (
    "market/**/*.py",
    "market/data/*.csv",
    "agents/**/*.py",
    "cloudpact/assembly.py",
    "cloudpact/inquiries.py",
    "cloudpact/model.py",
    "cloudpact/quarter/**/*.py",
    "cloudpact/results.py",
    "cloudpact/schema.py",
    "experiments/running.py",
    "experiments/store.py",
    "experiments/sweeps/study.py",
)
_PACKAGES = ("mesa", "numba", "numpy", "scipy")


@cache
def code_version() -> str:
    """SHA-256 (hex) over everything but the inputs that decides the numbers of a run.

    That is the source of the model, the shipped facts, and the versions of Python (its minor one), Mesa, Numba, NumPy
    and SciPy. It does not depend on where the package lies, on line endings, or on compiled files.
    """
    versions = {"python": f"{sys.version_info.major}.{sys.version_info.minor}"}
    return hash_of_code(ROOT, versions | {package: version(package) for package in _PACKAGES})


def hash_of_code(root: Path, versions: Mapping[str, str]) -> str:
    """As `code_version`, of the packages in a folder under some versions."""
    digest = hashlib.sha256()
    for name in sorted(versions):
        digest.update(f"{name} {versions[name]}\n".encode())
    for name, path in sorted(_sources(root)):
        content = path.read_bytes().replace(b"\r\n", b"\n")
        digest.update(f"{name} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def _sources(root: Path) -> Iterator[tuple[str, Path]]:
    for pattern in _SOURCES:
        for path in root.glob(pattern):
            yield path.relative_to(root).as_posix(), path


def function_version(function: Callable[..., Any]) -> str:
    """Name of a function with the hash of its own source; what it calls is not looked at.

    A function whose source cannot be read (compiled, or typed into a session) goes by its name alone.

    >>> function_version(abs)
    'builtins:abs'
    """
    name = f"{function.__module__}:{function.__qualname__}"
    try:
        source = inspect.getsource(function)
    except (OSError, TypeError):
        return name
    return f"{name}@{hashlib.sha256(source.encode()).hexdigest()}"


def run_key(inputs_hash: str, seed: int, replicate: int, facts_hash: str, code: str) -> str:
    """SHA-256 (hex) of everything that a run's results depend on: equal keys, equal bits.

    `inputs_hash` is the content hash of the resolved scenario, or a text of a function and its values.

    >>> run_key("a", 1, 0, "", "c") == run_key("a", 1, 0, "", "c") != run_key("a", 1, 1, "", "c")
    True
    """
    digest = hashlib.sha256()
    for part in (inputs_hash, str(seed), str(replicate), facts_hash, code):
        digest.update(f"{len(part.encode())} {part}\n".encode())
    return digest.hexdigest()
