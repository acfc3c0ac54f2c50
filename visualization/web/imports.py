"""A scenario pasted, chosen or dropped: read like a file, with the same error lines, and kept in the address."""

from __future__ import annotations

import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from market.parameters import dotted
from market.scenario import SHIPPED_SCENARIOS, Scenario
from market.scenario_errors import ScenarioError
from market.toml_text import toml_value
from visualization.web.address import Address, AddressError

LARGEST = 64 * 1024
NAME = "scenario.toml"


def imported(text: str, seed: int) -> Address:
    """The address of a scenario file's text: its shipped base, and what differs from it as settings.

    Raises AddressError, one line as `cloudpact scenario check` gives it, for a text that is too long, a base that is
    not shipped, and everything that a file is refused for.
    """
    if len(text.encode()) > LARGEST:
        raise AddressError(f"{NAME}: {len(text.encode()):,} bytes; allowed: {LARGEST:,}")
    base = _base(text)
    scenario = _loaded(text)
    settings = tuple(f"{path}={toml_value(value)}" for path, value in changes(Scenario.load(base), scenario))
    found = Address(scenario=base, seed=seed, set=settings)
    if found.resolved().content_hash() != scenario.content_hash():
        raise AddressError(f"{NAME}: this scenario cannot be kept in an address")
    if len(found.query()) > 8_000:
        raise AddressError(f"{NAME}: differs from {base} in too much to be kept in an address")
    return found


def _base(text: str) -> str:
    """The shipped scenario that a text builds on; the baseline where it names none or cannot be read."""
    try:
        base = tomllib.loads(text).get("base", "baseline")
    except (ValueError, RecursionError):
        return "baseline"
    names = sorted(path.stem for path in SHIPPED_SCENARIOS.glob("*.toml"))
    if base not in names:
        raise AddressError(f"{NAME}: base: got {base!r}; allowed on a page: {', '.join(names)}")
    return str(base)


def _loaded(text: str) -> Scenario:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / NAME
        path.write_text(text, encoding="utf-8")
        try:
            return Scenario.load(path)
        except ScenarioError as error:
            raise AddressError(" ".join(str(error).replace(f"{folder}/", "").split())) from None


def changes(base: Scenario, other: Scenario) -> Iterator[tuple[str, Any]]:
    """Dotted paths and values that make one scenario of the other; lists and new parties whole, lost ones removed."""
    yield from _differing(base.model_dump(mode="json"), other.model_dump(mode="json"), ())


def _differing(one: Mapping[str, Any], other: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    for key in sorted(one.keys() | other.keys()):
        here = (*path, key)
        if key not in other:
            yield dotted((*here, "remove")), True
        elif isinstance(one.get(key), Mapping) and isinstance(other[key], Mapping):
            yield from _differing(one[key], other[key], here)
        elif one.get(key) != other[key] and other[key] is not None:
            yield dotted(here), other[key]
