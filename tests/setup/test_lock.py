"""The lock serves every machine: no address in it, every file hashed, every declared dependency pinned."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCK = (ROOT / "requirements.lock").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def entries(lock: str) -> dict[str, list[Requirement]]:
    """The pinned requirements of a lock by name (one name can have several, under different markers)."""
    pins: dict[str, list[Requirement]] = {}
    for line in lock.splitlines():
        if line and not line[0].isspace() and not line.startswith("#"):
            requirement = Requirement(line.rstrip("\\ "))
            pins.setdefault(canonicalize_name(requirement.name), []).append(requirement)
    return pins


def unhashed(lock: str) -> list[str]:
    """First lines of the entries that carry no sha256."""
    blocks = re.split(r"\n(?=\S)", lock)
    return [block.splitlines()[0] for block in blocks if block[:1] not in ("", "#") and "--hash=sha256:" not in block]


def unmet(declared: list[str], pins: dict[str, list[Requirement]]) -> list[str]:
    """The declared dependencies that no pin, or a pin outside their range, stands for."""
    missing = []
    for text in declared:
        requirement = Requirement(text)
        versions = [str(pin.specifier).removeprefix("==") for pin in pins.get(canonicalize_name(requirement.name), [])]
        if not versions or not all(requirement.specifier.contains(version) for version in versions):
            missing.append(text)
    return missing


def declared() -> list[str]:
    extras = PROJECT["project"]["optional-dependencies"].values()
    return PROJECT["project"]["dependencies"] + [text for extra in extras for text in extra]


@pytest.mark.parametrize("address", ["http", "://", "--index-url", "--extra-index-url", "--find-links", "file:", " @ "])
def test_the_lock_names_no_address(address: str) -> None:
    assert [line for line in LOCK.splitlines() if address in line] == []


def test_every_entry_is_an_exact_pin_with_hashes() -> None:
    pins = entries(LOCK)
    loose = [pin for same in pins.values() for pin in same if not re.fullmatch(r"==[^,*]+", str(pin.specifier))]
    assert loose == []
    assert unhashed(LOCK) == []
    assert len(pins) > 50


def test_every_declared_dependency_is_pinned_within_its_range() -> None:
    assert unmet(declared(), entries(LOCK)) == []


def test_the_build_needs_nothing_outside_the_lock() -> None:
    assert unmet(PROJECT["build-system"]["requires"], entries(LOCK)) == []


def test_the_checks_see_a_faulty_lock() -> None:
    lock = "numpy==1.26.0 \\\n    --hash=sha256:00\n    # via cloudpact\nscipy==1.15.0\n"
    assert unhashed(lock) == ["scipy==1.15.0"]
    assert unmet(["numpy>=2.1,<3", "scipy>=1.14", "numba>=0.61"], entries(lock)) == ["numpy>=2.1,<3", "numba>=0.61"]


def test_the_project_is_capped_at_the_tried_pythons() -> None:
    assert PROJECT["project"]["requires-python"] == ">=3.12,<3.15"
