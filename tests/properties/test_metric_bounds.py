"""Bounds of the indices over any market (M11), and what must not change them (M06, M08, M17)."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from market.circularity import circularity_fraction, cycle_flow, organic_revenue, recycled_spend, recycling_ratio
from market.common_ownership import mhhi, mhhi_delta, ownership_structure
from market.concentration import (
    alignment_concentration,
    concentration_ratio,
    effective_number,
    gini,
    hhi,
    market_hhi,
    shares,
)
from market.look_through import dependency_matrix
from market.partition import alignment_modularity

TOLERANCE = 1e-9
AMOUNT = st.just(0.0) | st.floats(1e-3, 1e6)
FRACTION = st.floats(0.0, 1.0)
AMOUNTS = hnp.arrays(np.float64, st.integers(1, 12), elements=AMOUNT).filter(lambda x: x.any())


def matrices(rows: st.SearchStrategy[int], columns: st.SearchStrategy[int], elements=AMOUNT):
    return st.tuples(rows, columns).flatmap(lambda shape: hnp.arrays(np.float64, shape, elements=elements))


ALIGNMENTS = matrices(st.integers(1, 6), st.integers(1, 6)).filter(lambda x: x.any())
SQUARES = st.integers(1, 6).flatmap(lambda n: hnp.arrays(np.float64, (n, n), elements=AMOUNT))


@given(AMOUNTS)
def test_hhi_lies_between_equal_firms_and_a_monopoly(amounts) -> None:
    active = int((amounts > 0).sum())
    index = float(hhi(amounts))
    assert 10_000 / active - TOLERANCE <= index <= 10_000 + TOLERANCE
    assert (abs(index - 10_000) <= TOLERANCE) == (active == 1 or shares(amounts).max() > 1 - 1e-12)
    assert 1 - TOLERANCE <= float(effective_number(amounts)) <= active + TOLERANCE


@given(AMOUNTS)
def test_shares_sum_to_one(amounts) -> None:
    share = shares(amounts)
    assert ((share >= 0) & (share <= 1)).all()
    assert abs(share.sum() - 1) <= TOLERANCE


@given(AMOUNTS, st.integers(1, 12))
def test_concentration_ratio_rises_with_k_to_one(amounts, k) -> None:
    smaller, larger = float(concentration_ratio(amounts, k)), float(concentration_ratio(amounts, k + 1))
    assert shares(amounts).max() - TOLERANCE <= smaller <= larger + TOLERANCE <= 1 + 2 * TOLERANCE
    assert abs(float(concentration_ratio(amounts, len(amounts))) - 1) <= TOLERANCE


@given(AMOUNTS)
def test_gini_lies_between_equality_and_one_firm(amounts) -> None:
    assert -TOLERANCE <= float(gini(amounts)) <= 1 - 1 / len(amounts) + TOLERANCE


@given(AMOUNTS, st.data())
def test_a_firm_with_nothing_changes_no_bit_of_the_hhi(amounts, data) -> None:
    place = data.draw(st.integers(0, len(amounts)))
    assert hhi(np.insert(amounts, place, 0.0)) == hhi(amounts)


@given(AMOUNTS, st.randoms(use_true_random=False), st.sampled_from([1e-3, 7.0, 1e6]))
def test_labels_and_units_do_not_matter(amounts, random, unit) -> None:
    order = random.sample(range(len(amounts)), len(amounts))
    for index in (hhi, effective_number, gini, lambda x: concentration_ratio(x, 3)):
        assert abs(float(index(amounts[order] * unit)) - float(index(amounts))) <= TOLERANCE


@given(ALIGNMENTS)
def test_alignment_indices(alignment) -> None:
    providers = int(alignment.any(axis=0).sum())
    assert 10_000 / providers - TOLERANCE <= float(market_hhi(alignment)) <= 10_000 + TOLERANCE
    concentration = float(alignment_concentration(alignment, alignment.sum(axis=1)))
    # Convexity: labs can only be more concentrated, on average, than the market they make up.
    assert float(market_hhi(alignment)) - 1e-8 <= concentration <= 10_000 + TOLERANCE
    assert -0.5 - TOLERANCE <= alignment_modularity(alignment) < 1


@given(matrices(st.integers(1, 5), st.integers(1, 6), FRACTION), st.data())
def test_mhhi_is_never_below_hhi(stakes, data) -> None:
    stakes = stakes / max(1.0, stakes.sum(axis=0).max())
    stakes[stakes < 1e-6] = 0.0
    firms = hnp.arrays(np.float64, stakes.shape[1], elements=AMOUNT).filter(lambda x: x.any())
    amounts = data.draw(firms)
    for rule in ("silent", "proportional", "total"):
        structure = ownership_structure(stakes, rule)
        assert float(mhhi_delta(amounts, *structure)) >= 0
        assert float(mhhi(amounts, *structure)) >= float(hhi(amounts))


@given(AMOUNTS, st.sampled_from(["silent", "proportional", "total"]))
def test_without_equity_the_delta_is_exactly_zero(amounts, rule) -> None:
    own = np.eye(len(amounts))[: len(amounts) // 2]
    structure = ownership_structure(np.vstack([own, np.zeros((2, len(amounts)))]), rule)
    assert float(mhhi_delta(amounts, *structure)) == 0.0


@given(st.integers(1, 6).flatmap(lambda n: hnp.arrays(np.float64, (n, n), elements=FRACTION)))
def test_every_dollar_of_assets_has_one_final_owner(holdings) -> None:
    np.fill_diagonal(holdings, 0.0)
    holdings = 0.99 * holdings / np.maximum(1.0, holdings.sum(axis=0))
    dependency = dependency_matrix(holdings)
    assert (dependency >= -TOLERANCE).all()
    assert np.abs(dependency.sum(axis=0) - 1).max() <= TOLERANCE


@given(SQUARES, st.data())
def test_recycling_bounds(equity, data) -> None:
    spend = data.draw(hnp.arrays(np.float64, equity.shape, elements=AMOUNT))
    revenue = spend.sum(axis=1) + data.draw(hnp.arrays(np.float64, len(equity), elements=AMOUNT))
    recycled = recycled_spend(equity, spend)
    ratio = recycling_ratio(equity, spend)
    organic = organic_revenue(revenue, recycled)
    circular = circularity_fraction(revenue, recycled)
    assert ((ratio >= 0) & (ratio <= 1)).all()
    assert ((organic >= 0) & (organic <= revenue)).all()
    assert ((circular >= 0) & (circular <= 1) | (revenue == 0)).all()
    np.testing.assert_allclose(ratio * spend, recycled, rtol=1e-12)


@settings(max_examples=60, deadline=None)
@given(SQUARES, st.data())
def test_cycle_flow_bounds_and_round_trips(flows, data) -> None:
    np.fill_diagonal(flows, 0.0)
    flow = cycle_flow(flows)
    accuracy = 1e-6 * (1 + flows.max())
    assert np.minimum(flows, flows.T).sum() / 2 - accuracy <= flow <= flows.sum() / 2 + accuracy
    assert flow <= sum(min(flows[i].sum(), flows[:, i].sum()) for i in range(len(flows))) / 2 + accuracy
    if len(flows) > 1:
        payer, payee = data.draw(st.permutations(range(len(flows))))[:2]
        flows[payer, payee] += 11.0
        flows[payee, payer] += 11.0
        assert abs(cycle_flow(flows) - flow - 11.0) <= accuracy
