"""The structural presumption of the 2023 US Merger Guidelines."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from market.common_ownership import mhhi, ownership_structure
from market.concentration import hhi
from market.screens import Merger, merger, presumed_harmful


def test_twenty_and_twenty_percent() -> None:
    effect = merger([20.0, 20.0, 60.0], 0, 1)
    assert effect.delta_hhi == pytest.approx(800, abs=1e-9)
    assert effect.share_frac == 0.4


def test_tax_software_2011() -> None:
    """H&R Block and TaxACT; the court's 4291, 400 and 4691 are from shares before rounding."""
    effect = merger([62.2, 15.6, 12.8] + 6 * [9.4 / 6], 1, 2)
    assert effect.pre_hhi == pytest.approx(4291, abs=0.5)
    assert effect.delta_hhi == pytest.approx(400, abs=1)
    assert effect.post_hhi == pytest.approx(4691, abs=1)
    assert presumed_harmful(effect.post_hhi, effect.delta_hhi, effect.share_frac)


def test_full_merger_of_the_partial_interest_example() -> None:
    effect = merger([0.4, 0.3, 0.3], 0, 1)
    assert [effect.pre_hhi, effect.delta_hhi, effect.post_hhi] == pytest.approx([3400, 2400, 5800], abs=1e-9)


def test_the_delta_is_what_the_index_gains_when_two_firms_become_one() -> None:
    effect = merger([3.0, 5.0, 2.0, 7.0], 3, 1)
    assert effect.post_hhi == pytest.approx(float(hhi([3.0, 2.0, 12.0])), abs=1e-9)


def test_presumption_needs_the_increase_and_one_of_the_levels() -> None:
    post = [1800, 1799.9, 1800, 1799.9, 1799.9, 5000]
    delta = [100, 100, 99.9, 100, 99.9, -200]
    share = [0.1, 0.1, 0.1, 0.3, 0.9, 0.9]
    assert_array_equal(presumed_harmful(post, delta, share), [True, False, False, True, False, False])


def test_a_partial_stake_is_screened_by_its_mhhi() -> None:
    sales = [0.4, 0.3, 0.3]
    before = mhhi(sales, *ownership_structure([[1.0, 0.0, 0.0]], "silent"))
    after = mhhi(sales, *ownership_structure([[1.0, 0.25, 0.0]], "silent"))
    assert presumed_harmful(after, after - before, 0.7)
    tiny = mhhi(sales, *ownership_structure([[1.0, 0.05, 0.0]], "silent"))
    assert not presumed_harmful(tiny, tiny - before, 0.7)


def test_an_empty_market_meets_nothing() -> None:
    effect = merger([0.0, 0.0], 0, 1)
    assert all(math.isnan(x) for x in (effect.pre_hhi, effect.post_hhi, effect.delta_hhi, effect.share_frac))
    assert not presumed_harmful(np.nan, np.nan, 0.0)


def test_refusals() -> None:
    with pytest.raises(ValueError, match=r"^first and second: both are firm 1, a merger takes two$"):
        merger([1.0, 1.0], 1, 1)
    with pytest.raises(ValueError, match=r"^first and second: found -1, firms are numbered 0 to 1$"):
        merger([1.0, 1.0], 0, -1)
    with pytest.raises(ValueError, match=r"^amounts: expected a vector, found shape \(1, 2\)$"):
        merger([[1.0, 1.0]], 0, 1)
    with pytest.raises(ValueError, match=r"^share_frac: found 30\.0, a share is at most 1$"):
        presumed_harmful(2000, 200, 30.0)


def test_a_merger_is_plain_data() -> None:
    assert merger([1.0, 1.0], 0, 1) == Merger(pre_hhi=5000.0, post_hhi=10_000.0, delta_hhi=5000.0, share_frac=1.0)
