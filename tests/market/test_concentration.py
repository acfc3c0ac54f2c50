"""Concentration indices against closed forms and published markets."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from market.concentration import (
    alignment_concentration,
    concentration_ratio,
    dependence_hhi,
    effective_number,
    gini,
    hhi,
    market_hhi,
    primary_provider,
    shares,
)

TAX_SOFTWARE = [62.2, 15.6, 12.8] + 6 * [9.4 / 6]  # Intuit, H&R Block, TaxACT, six others


def test_shares_of_a_vector_and_of_each_row() -> None:
    assert_array_equal(shares([3.0, 1.0]), [0.75, 0.25])
    assert_array_equal(shares([[3.0, 1.0], [0.0, 5.0]]), [[0.75, 0.25], [0.0, 1.0]])
    assert_array_equal(shares([28.0, 21.0], total=100.0), [0.28, 0.21])


def test_hhi_of_equal_firms_is_ten_thousand_over_their_number() -> None:
    assert [hhi(np.ones(n)) for n in (1, 2, 4, 5, 8)] == pytest.approx([10_000, 5_000, 2_500, 2_000, 1_250], abs=1e-9)


def test_hhi_of_the_tax_software_market_of_2011() -> None:
    assert float(hhi(TAX_SOFTWARE)) == pytest.approx(4291, abs=0.5)


def test_hhi_of_the_cloud_market_of_2026q1() -> None:
    assert float(hhi([28, 21, 14], total=100)) == pytest.approx(1421, abs=1e-9)
    assert float(hhi([28, 21, 14] + 10 * [3.7])) == pytest.approx(1557.9, abs=1e-9)


def test_hhi_works_on_any_leading_dimensions() -> None:
    histories = np.array([[[1.0, 1.0], [1.0, 0.0]], [[3.0, 1.0], [0.0, 0.0]]])
    assert_array_equal(hhi(histories), [[5000.0, 10_000.0], [6250.0, np.nan]])


def test_effective_number_counts_equal_firms() -> None:
    assert float(effective_number([7.0, 7.0, 7.0, 7.0, 0.0])) == 4.0
    assert float(effective_number([0.5, 0.25, 0.25])) == 1 / 0.375


def test_concentration_ratio_takes_the_largest_wherever_they_stand() -> None:
    assert float(concentration_ratio([1.0, 4.0, 2.0, 3.0], k=1)) == 0.4
    assert float(concentration_ratio([1.0, 4.0, 2.0, 3.0], k=3)) == 0.9
    assert float(concentration_ratio([1.0, 4.0, 2.0, 3.0], k=9)) == 1.0
    assert float(concentration_ratio([28, 21, 14], k=3, total=100)) == 0.63
    assert_array_equal(concentration_ratio([[1.0, 3.0], [0.0, 0.0]], k=1), [0.75, np.nan])


def test_gini_closed_forms() -> None:
    assert float(gini([5.0, 5.0, 5.0])) == 0.0
    assert float(gini([0.0, 0.0, 0.0, 5.0])) == 0.75
    assert float(gini([4.0, 2.0, 1.0, 3.0])) == 0.25
    assert float(gini(np.arange(1, 101))) == pytest.approx(0.33, abs=1e-12)  # (n - 1) / 3n


def test_gini_is_half_the_relative_mean_difference() -> None:
    amounts = np.array([0.0, 0.7, 3.1, 3.1, 11.0])
    mean_difference = np.abs(amounts[:, None] - amounts).mean()
    assert float(gini(amounts)) == pytest.approx(mean_difference / (2 * amounts.mean()), abs=1e-12)


ALIGNMENT = np.array(
    [
        [3.0, 1.0, 0.0],  # dependence 6250
        [0.0, 2.0, 2.0],  # dependence 5000
        [0.0, 0.0, 8.0],  # an integrated lab, dependence 10,000
        [0.0, 0.0, 0.0],  # a lab without compute
    ]
)


def test_dependence_of_each_lab() -> None:
    assert_array_equal(dependence_hhi(ALIGNMENT), [6250.0, 5000.0, 10_000.0, np.nan])


def test_alignment_concentration_weights_labs_by_compute() -> None:
    compute_gw = ALIGNMENT.sum(axis=1)
    assert float(alignment_concentration(ALIGNMENT, compute_gw)) == (4 * 6250 + 4 * 5000 + 8 * 10_000) / 16
    assert float(alignment_concentration(ALIGNMENT, [3.0, 1.0, 0.0, 0.0])) == 5937.5


def test_alignment_concentration_leaves_integrated_labs_out() -> None:
    integrated = [False, False, True, False]
    assert float(alignment_concentration(ALIGNMENT, ALIGNMENT.sum(axis=1), integrated)) == 5625.0
    assert np.isnan(alignment_concentration(ALIGNMENT, ALIGNMENT.sum(axis=1), 4 * [True]))


def test_a_lab_with_compute_but_without_commitments_has_no_weight() -> None:
    assert float(alignment_concentration(ALIGNMENT, [1.0, 0.0, 0.0, 100.0])) == 6250.0


def test_alignment_concentration_of_a_history() -> None:
    history = np.stack([ALIGNMENT, np.zeros_like(ALIGNMENT)])
    assert_array_equal(alignment_concentration(history, history.sum(axis=-1)), [7812.5, np.nan])


def test_market_hhi_adds_labs_up_first() -> None:
    assert float(market_hhi(ALIGNMENT)) == 10_000 * (3**2 + 3**2 + 10**2) / 16**2
    assert_array_equal(market_hhi(np.stack([ALIGNMENT, np.zeros_like(ALIGNMENT)])), [4609.375, np.nan])


def test_primary_provider() -> None:
    assert_array_equal(primary_provider(ALIGNMENT), [0, 1, 2, -1])
    assert_array_equal(primary_provider(np.empty((2, 0))), [-1, -1])


@pytest.mark.parametrize("index", [hhi, effective_number, gini, lambda x: concentration_ratio(x, 1)])
@pytest.mark.parametrize("nobody", [[], [0.0], [0.0, 0.0]])
def test_without_an_active_firm_there_is_nothing_to_measure(index, nobody) -> None:
    assert np.isnan(index(nobody))


@pytest.mark.parametrize("index", [shares, hhi, effective_number, gini, lambda x: concentration_ratio(x, 1)])
@pytest.mark.parametrize(("bad", "shown"), [(-1.0, "-1.0"), (float("nan"), "nan"), (float("inf"), "inf")])
def test_amounts_that_are_no_amounts_are_refused(index, bad, shown) -> None:
    with pytest.raises(ValueError, match=f"^amounts: found {shown}, every value must be finite and at least 0$"):
        index([1.0, bad])


def test_other_refusals_name_what_is_wrong() -> None:
    with pytest.raises(ValueError, match=r"^amounts: their sum 3\.0 exceeds the total 2\.0$"):
        hhi([1.0, 2.0], total=2.0)
    with pytest.raises(ValueError, match=r"^k: found 0, at least one firm must be counted$"):
        concentration_ratio([1.0], k=0)
    with pytest.raises(ValueError, match=r"^alignment: expected a lab x provider matrix, found shape \(2,\)$"):
        dependence_hhi([1.0, 2.0])
