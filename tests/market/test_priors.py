"""Priors of the estimated parameters."""

from __future__ import annotations

from functools import reduce

import pytest

from market.parameters import Prior, split_path
from market.priors import priors
from market.scenario import Scenario

DECLARED = priors(Scenario)


def test_which_parameters_are_estimated() -> None:
    assert len(DECLARED) == 32
    assert all(path.split(".")[0] not in ("hyperscalers", "labs", "suppliers") for path in DECLARED)


@pytest.mark.parametrize("path", DECLARED)
def test_a_prior_is_a_range_with_a_source_that_holds_the_baseline(path: str) -> None:
    prior = DECLARED[path]
    assert prior.low < prior.high
    assert prior.scale == "linear" or prior.low > 0.0
    assert prior.source
    value = reduce(getattr, split_path(path), Scenario.load("baseline"))
    assert prior.low <= value <= prior.high


@pytest.mark.parametrize("prior", [Prior(2.0, 6.0, "s"), Prior(1.0, 10_000.0, "s", "log")])
def test_places_and_values_are_inverse(prior: Prior) -> None:
    assert (prior.value(0.0), prior.value(1.0)) == pytest.approx((prior.low, prior.high))
    assert prior.share(prior.value(0.3)) == pytest.approx(0.3)
