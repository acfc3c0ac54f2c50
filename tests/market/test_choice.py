"""Choice formulas against closed forms and published numbers."""

from __future__ import annotations

import numpy as np
import pytest

from market.choice import (
    churn_probability,
    inclusive_value,
    logit_shares,
    nested_logit_shares,
    positive_stable_quantiles,
    switching_cost_of_churn,
)


def test_logit_shares_are_exponentials_over_their_sum() -> None:
    shares = logit_shares([[0.0, np.log(2.0), np.log(5.0)], [1000.0, 1000.0, -np.inf]])
    np.testing.assert_allclose(shares, [[1 / 8, 2 / 8, 5 / 8], [0.5, 0.5, 0.0]], rtol=1e-15)


@pytest.mark.parametrize("utility", [[np.nan, 0.0], [np.inf, 0.0], [-np.inf, -np.inf]])
def test_logit_refuses_what_has_no_shares(utility: list[float]) -> None:
    with pytest.raises(ValueError, match=r"utility"):
        logit_shares(utility)


def test_churn_of_three_equal_providers_is_that_of_the_literature() -> None:
    churn = churn_probability([0.0, 0.0, 0.0], 1, [0, 1, 2, 3, 4])
    np.testing.assert_array_equal(churn.round(3), [0.667, 0.424, 0.213, 0.091, 0.035])


def test_one_percent_churn_needs_a_switching_cost_of_5_288() -> None:
    assert round(switching_cost_of_churn(0.01, 3), 3) == 5.288
    cost = switching_cost_of_churn(0.2, 7)
    assert float(churn_probability(np.zeros(7), 3, cost)) == pytest.approx(0.2, abs=1e-15)


def test_nested_logit_with_dissimilarity_one_is_logit() -> None:
    utility = np.random.default_rng(2).normal(size=(4, 3))
    inside, outside = nested_logit_shares(utility, 1.0, 0.3)
    flat = logit_shares(np.append(utility.ravel(), 0.3))
    np.testing.assert_allclose(np.append(inside.ravel(), outside), flat, rtol=1e-13)


def test_duplicating_a_member_of_a_nest_adds_little_when_members_are_close_substitutes() -> None:
    """Red bus, blue bus: nest of two equal members has value lambda ln 2, so 2^lambda to 1 against outside."""
    for dissimilarity in (1.0, 0.5, 0.1):
        inside, outside = nested_logit_shares([[0.0, 0.0]], dissimilarity, 0.0)
        assert float(inside.sum() / outside) == pytest.approx(2.0**dissimilarity, rel=1e-13)


def test_a_nest_out_of_reach_has_no_share() -> None:
    inside, outside = nested_logit_shares([[-np.inf, -np.inf], [0.0, -np.inf]], 0.5, 0.0)
    assert inside.tolist() == [[0.0, 0.0], [0.5, 0.0]]
    assert float(outside) == 0.5
    assert float(inclusive_value([-np.inf, -np.inf], 0.5)) == -np.inf


@pytest.mark.parametrize("dissimilarity", [0.0, -1.0, 1.01])
def test_dissimilarity_outside_its_range_is_refused(dissimilarity: float) -> None:
    with pytest.raises(ValueError, match=r"outside \(0, 1\]"):
        nested_logit_shares([[0.0]], dissimilarity, 0.0)


@pytest.mark.parametrize("index", [0.3, 0.6, 0.9])
def test_positive_stable_classes_have_the_laplace_transform_that_defines_them(index: float) -> None:
    stable = positive_stable_quantiles(index, 4096)
    for s in (0.1, 1.0, 5.0):
        assert np.exp(-s * stable).mean() == pytest.approx(np.exp(-(s**index)), abs=2e-5)
