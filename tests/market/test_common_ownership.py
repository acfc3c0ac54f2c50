"""MHHI against the closed forms of O'Brien and Salop (2000) and a published worked example."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from market.common_ownership import mhhi, mhhi_delta, ownership_structure, profit_weights

SALES = [0.4, 0.3, 0.3]  # HHI 3400


def a_quarter_of_firm_two(stake: float = 0.25) -> list[list[float]]:
    """Firm 1 (an owner with the whole of itself) holds a stake in firm 2."""
    return [[1.0, stake, 0.0]]


@pytest.mark.parametrize(("rule", "index"), [("silent", 3700), ("proportional", 4180), ("total", 8500)])
def test_partial_interest_of_a_quarter(rule, index) -> None:
    control, interest = ownership_structure(a_quarter_of_firm_two(), rule)
    assert float(mhhi(SALES, control, interest)) == pytest.approx(index, abs=1e-9)
    assert float(mhhi_delta(SALES, control, interest)) == pytest.approx(index - 3400, abs=1e-9)


def test_silent_interest_of_49_percent() -> None:
    assert float(mhhi(SALES, *ownership_structure(a_quarter_of_firm_two(0.49), "silent"))) == pytest.approx(3988)


@pytest.mark.parametrize("b", [0.01, 0.1, 0.25, 0.4, 0.5])
@pytest.mark.parametrize(
    ("rule", "factor"),
    [
        ("silent", lambda b: b),
        ("proportional", lambda b: b + b / (b**2 + (1 - b) ** 2)),
        ("total", lambda b: b + 1 / b),
    ],
)
def test_closed_forms_of_the_delta(rule, factor, b) -> None:
    delta = mhhi_delta(SALES, *ownership_structure(a_quarter_of_firm_two(b), rule))
    assert float(delta) == pytest.approx(1e4 * factor(b) * 0.4 * 0.3, rel=1e-12)


def test_weights_of_a_quarter_under_proportional_control() -> None:
    weights = profit_weights(*ownership_structure(a_quarter_of_firm_two(), "proportional"))
    assert_array_equal(weights, [[1.0, 0.25, 0.0], [0.4, 1.0, 0.0], [0.0, 0.0, 1.0]])


def test_five_funds_each_with_a_little_of_every_firm() -> None:
    """Lambert's example: five funds hold 1 % of all four firms, four of them 2 % of one each."""
    funds = np.full((5, 4), 0.01)
    funds[range(4), range(4)] = 0.02
    assert_allclose(profit_weights(funds, funds), np.where(np.eye(4) == 1, 1.0, 0.875), rtol=1e-12)
    assert float(mhhi([0.3, 0.3, 0.2, 0.2], funds, funds)) == pytest.approx(9075, abs=1e-9)
    assert float(mhhi_delta([0.3, 0.3, 0.2, 0.2], funds, funds)) == pytest.approx(6475, abs=1e-9)


def test_two_halves_with_one_common_owner_only_are_a_monopoly() -> None:
    assert float(mhhi([1.0, 1.0], [[0.07, 0.07]], [[0.07, 0.07]])) == 10_000.0


def test_silent_control_stays_with_a_majority_owner() -> None:
    control, interest = ownership_structure([[0.6, 0.1], [0.4, 0.0]], "silent")
    assert_array_equal(control, [[1, 0], [0, 0], [0, 0], [0, 1]])
    assert_allclose(interest, [[0.6, 0.1], [0.4, 0.0], [0.0, 0.0], [0.0, 0.9]], atol=1e-15)
    assert_allclose(profit_weights(control, interest), [[1.0, 0.1 / 0.6], [0.0, 1.0]], rtol=1e-12)


def test_several_holders_share_total_control_equally() -> None:
    control, _ = ownership_structure([[1.0, 0.2, 0.0], [0.0, 0.1, 0.0]], "total")
    assert_array_equal(control, [[1, 1, 0], [0, 1, 0], [0, 0, 0], [0, 0, 0], [0, 0, 1]])


@pytest.mark.parametrize("rule", ["silent", "proportional", "total"])
def test_without_a_stake_in_a_second_firm_the_delta_is_exactly_zero(rule) -> None:
    structure = ownership_structure([[1.0, 0.0, 0.0], [0.0, 0.37, 0.0], [0.0, 0.0, 0.0]], rule)
    assert float(mhhi_delta(SALES, *structure)) == 0.0


def test_a_stake_in_a_firm_that_sells_nothing_here_adds_nothing() -> None:
    assert float(mhhi_delta([0.6, 0.0, 0.4], *ownership_structure(a_quarter_of_firm_two(), "proportional"))) == 0.0


def test_a_history_of_stakes_at_once() -> None:
    history = np.array([a_quarter_of_firm_two(0.0), a_quarter_of_firm_two(0.25), a_quarter_of_firm_two(0.49)])
    delta = mhhi_delta(np.tile(SALES, (3, 1)), *ownership_structure(history, "silent"))
    assert_allclose(delta, [0.0, 300.0, 588.0], rtol=1e-12)


def test_nobody_active_is_nan() -> None:
    assert np.isnan(mhhi([0.0, 0.0], [[1.0, 1.0]], [[1.0, 1.0]]))
    assert np.isnan(mhhi_delta([], np.empty((1, 0)), np.empty((1, 0))))


def test_a_firm_without_a_controlling_owner_weighs_its_own_profit() -> None:
    assert_array_equal(profit_weights([[1.0, 0.0]], [[0.5, 0.5]]), [[1.0, 1.0], [0.0, 1.0]])


def test_refusals() -> None:
    with pytest.raises(ValueError, match=r"^rule: 'slient' is not one of silent, proportional, total$"):
        ownership_structure([[0.1]], "slient")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"^stakes: a firm is held 1\.5 times over, at most 1 is possible$"):
        ownership_structure([[1.0], [0.5]], "silent")
    with pytest.raises(ValueError, match=r"^stakes: found -0\.1, every value must be finite and at least 0$"):
        ownership_structure([[-0.1]], "silent")
    with pytest.raises(ValueError, match=r"^control: an owner controls a firm in which no controlling owner"):
        profit_weights([[1.0, 1.0]], [[0.0, 0.5]])
    with pytest.raises(ValueError, match=r"^control has shape \(1, 1\), interest \(1, 2\): they must agree$"):
        profit_weights([[1.0]], [[0.5, 0.5]])
