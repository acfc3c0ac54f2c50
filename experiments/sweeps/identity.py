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

from experiments.sweeps.errors import SweepError

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
_PACKAGES = ("llvmlite", "mesa", "networkx", "numba", "numpy", "pydantic", "scipy")


@cache
def code_version() -> str:
    """SHA-256 (hex) over everything but the inputs that decides the numbers of a run.

    That is the source of the model, the shipped facts, and the versions of Python (its minor one) and of the packages
    it computes with. It does not depend on where the package lies, on line endings, or on compiled files.
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
    """Name of a function with the hash of its module's source file, so that its helpers and constants count too.

    Where there is no such file (typed into a session) its own source counts, and where there is none either
    (compiled) its name alone. What it imports from other modules is not looked at.

    Raises SweepError for what has no name in a module: a lambda, a partial, a method, a function within another one.

    >>> function_version(abs)
    'builtins:abs'
    """
    module, own = getattr(function, "__module__", None), getattr(function, "__qualname__", None)
    if not module or not own or not own.isidentifier():
        got = " ".join(repr(function).split())
        raise SweepError(f"what is swept: got {got}; allowed: an importable function, defined in a module")
    source = _source_of(function)
    return f"{module}:{own}@{hashlib.sha256(source).hexdigest()}" if source else f"{module}:{own}"


def _source_of(function: Callable[..., Any]) -> bytes:
    """The text that a function comes from, none where it cannot be read; line endings do not count."""
    file = getattr(sys.modules.get(function.__module__), "__file__", None)
    try:
        if file and file.endswith(".py"):
            return Path(file).read_bytes().replace(b"\r\n", b"\n")
        return inspect.getsource(function).encode()
    except (OSError, TypeError):
        return b""


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
