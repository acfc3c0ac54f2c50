"""Numbers of two short runs, so that no change of the model goes unseen."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.golden.update_golden import GOLDEN, RUNS, golden_numbers


def _differences(expected: Any, found: Any, path: str) -> list[str]:
    """Leaves that differ by more than 1e-9 in relation: processors round `exp` differently in the last bit."""
    if isinstance(expected, dict) and isinstance(found, dict) and expected.keys() == found.keys():
        return [line for key in expected for line in _differences(expected[key], found[key], f"{path}.{key}")]
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        pairs = enumerate(zip(expected, found, strict=True))
        return [line for i, (one, other) in pairs for line in _differences(one, other, f"{path}.{i}")]
    if isinstance(expected, float) and isinstance(found, float):
        same = found == pytest.approx(expected, rel=1e-9, abs=1e-12, nan_ok=True)
    else:
        same = expected == found
    return [] if same else [f"{path}: {expected!r} in the golden run, {found!r} now"]


@pytest.mark.parametrize("scenario", RUNS)
def test_golden_numbers_stand(scenario: str) -> None:
    expected = json.loads(GOLDEN.joinpath(f"{scenario}.json").read_text(encoding="utf-8"))
    assert _differences(expected, json.loads(json.dumps(golden_numbers(scenario))), scenario) == []
