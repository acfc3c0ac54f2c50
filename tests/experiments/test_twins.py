"""The market against its closed forms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from experiments.twins import CASES, Twin, bass, steady_capacity, table


@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
def test_the_market_converges_to_the_closed_form(case: object) -> None:
    twin: Twin = case()  # type: ignore[operator]
    assert twin.error <= twin.tolerance


def test_a_wrong_form_would_be_seen() -> None:
    """Adoption with half the imitation, and capacity without retirements, are outside the tolerance."""
    twin = bass(100_000)
    path, adopted = [], 0.0
    for _ in twin.found:
        adopted += (0.03 + 0.19 * adopted) * (1.0 - adopted)
        path.append(adopted)
    assert replace(twin, expected=np.array(path)).error > 10 * twin.tolerance
    steady = steady_capacity()
    assert replace(steady, expected=steady.expected / 0.95).error > steady.tolerance


def test_errors_of_adoption_fall_with_the_root_of_the_number() -> None:
    assert bass(100_000).error < bass(1_000).error / 3


def test_the_table_has_a_line_a_case() -> None:
    twin = Twin("case", "law", np.array([1.0]), np.array([1.01]), 0.1)
    assert table([twin]).splitlines()[-1] == "| case | law | 1 | 1.01 | 1.0e-02 | 1.0e-01 |"
