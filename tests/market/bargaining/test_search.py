from __future__ import annotations

import tracemalloc
from functools import reduce
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from market.bargaining.factored import (
    best_factored,
    contenders_factored,
    factored,
    frontier_factored,
    ideal_factored,
)
from market.bargaining.search import best_terms
from market.bargaining.solutions import (
    egalitarian,
    kalai_smorodinsky,
    nash,
    pareto_frontier,
    rational_set,
    utilitarian,
)

Array = NDArray[np.float64]
Parts = list[Array]
INF = np.inf
WEIGHTS = ((1.0, 1.0), (0.3, 0.7), (1.0, 0.0), (0.0, 1.0))


def written_out(lab: Parts, provider: Parts, allowed: Any = ()) -> list[Array]:
    """Utilities of all outcomes, as NumPy adds arrays: the oracle's input."""
    grid = np.broadcast_shapes(*(part.shape for part in (*lab, *provider, *allowed)))
    sums = [np.broadcast_to(reduce(np.add, parts, np.zeros(())), grid) for parts in (lab, provider)]
    may = reduce(np.logical_and, allowed, np.ones(grid, bool))
    return [np.where(may, utility, -INF).ravel() for utility in sums]


def spanning(rng: np.random.Generator, sizes: tuple[int, ...], axes: Any, integers: bool = False) -> Array:
    shape = [size if axis in axes else 1 for axis, size in enumerate(sizes)]
    return rng.integers(-3, 4, shape).astype(float) if integers else rng.normal(size=shape)


def random_parts(rng: np.random.Generator, sizes: tuple[int, ...], parts: int, integers: bool) -> Parts:
    chosen = [np.flatnonzero(rng.random(len(sizes)) < 0.4) for _ in range(parts)]
    return [spanning(rng, sizes, axes, integers) for axes in chosen]


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 2**32),
    sizes=st.lists(st.integers(1, 7), min_size=1, max_size=4).map(tuple),
    counts=st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(0, 2)),
    integers=st.booleans(),
    weights=st.sampled_from(WEIGHTS),
    disagreement=st.tuples(st.sampled_from([0.0, -1.0, 0.5]), st.sampled_from([0.0, -2.0, 1.0])),
    floors=st.tuples(st.sampled_from([-INF, 0.0, 1.0, INF]), st.sampled_from([-INF, 2.0])),
)
def test_any_parts_on_any_grid_give_the_index_the_payoffs_and_the_ties_of_brute_force(
    seed: int, sizes: Any, counts: Any, integers: bool, weights: Any, disagreement: Any, floors: Any
) -> None:
    rng = np.random.default_rng(seed)
    lab, provider = (random_parts(rng, sizes, count, integers) for count in counts[:2])
    for part in (*lab, *provider):
        part[rng.random(part.shape) < 0.05] = -INF
    allowed = [part < 1.5 for part in random_parts(rng, sizes, counts[2], False)]
    found = best_terms(lab, provider, allowed, disagreement=disagreement, weights=weights, floors=floors)
    assert found == nash(written_out(lab, provider, allowed), disagreement, weights, floors)


ADDITIVE = ([(0, 1), (1, 2, 3), (2,), (4,), (5,)], [(0, 1), (1, 2, 3), (3,), (4,), (5,)])
LINKED = ([(0, 1), (1, 2, 3), (2,), (4, 0), (5, 4, 3)], [(0, 1), (1, 2, 3), (3,), (4, 5, 2), (5,)])

PAIRS = (list(combinations(range(6), 2)),) * 2
DENSE = ([*LINKED[0], range(6)], [*LINKED[1], range(6)])
SPANS = {"additive": ADDITIVE, "linked": LINKED, "all pairs": PAIRS, "dense": DENSE}


@pytest.mark.parametrize(("levels", "cases"), [(5, 150), (10, 3)])
@pytest.mark.parametrize("spans", SPANS.values(), ids=SPANS)
@pytest.mark.parametrize("integers", [False, True], ids=["reals", "integers"])
def test_six_issues_agree_with_brute_force(levels: int, cases: int, spans: Any, integers: bool) -> None:
    rng, sizes = np.random.default_rng(levels), (levels,) * 6
    for case in range(cases):
        lab, provider = ([spanning(rng, sizes, axes, integers) for axes in side] for side in spans)
        weights = ((1.0, 1.0), (0.3, 0.7))[case % 2]
        assert best_terms(lab, provider, weights=weights) == nash(written_out(lab, provider), weights=weights)


def test_parts_much_larger_than_the_gains_cost_no_exactness() -> None:
    # sums of 1e9 are known to 1e-7 only in another order, and gains are about 1e-6
    rng, sizes = np.random.default_rng(0), (12, 12, 12)
    for _ in range(50):
        lab, provider = ([spanning(rng, sizes, (axis,)) * 1e-6 for axis in range(3)] for _ in range(2))
        lab, provider = [np.array(1e9), *lab, np.array(-1e9)], [np.array(1e9), *provider, np.array(-1e9)]
        assert best_terms(lab, provider) == nash(written_out(lab, provider))


def test_gains_of_every_size_agree_with_brute_force() -> None:
    for exponent in (-310, -290, -200, 0, 150, 300):
        x = np.linspace(0.0, 1.0, 41)[:, None] * 10.0**exponent
        lab, provider = [x, np.zeros((1, 9))], [-x, np.full((1, 9), 10.0**exponent)]
        assert best_terms(lab, provider) == nash(written_out(lab, provider))


@pytest.mark.parametrize(
    ("lab", "provider"),
    [
        ([np.zeros((1, 1))], [np.zeros((1, 1))]),
        ([np.zeros((30, 30))], [np.zeros((1, 30))]),
        ([np.full((4, 9), -0.0)], [np.full((4, 9), -0.0)]),
        ([np.full((4, 9), -INF)], [np.ones((4, 1))]),
        ([np.full((4, 9), -1.0)], [np.ones((4, 1))]),
        ([np.arange(40.0).reshape(4, 10)], [-np.arange(40.0).reshape(4, 10)]),
        ([np.arange(4.0)[:, None], np.zeros(9)], [np.zeros((4, 9))]),
        ([np.array(2.0), np.arange(5.0)], [4.0 - np.arange(5.0)]),
        ([np.asfortranarray(np.arange(40.0).reshape(4, 10))], [np.arange(80.0)[::-2].reshape(4, 10)]),
        ([np.arange(12).reshape(3, 4)], [5 - np.arange(4)]),
    ],
    ids=["one outcome", "all indifferent", "signed zeros", "infeasible", "irrational", "zero-sum", "one gains nothing",
         "one issue", "other memory orders", "whole numbers"],
)  # fmt: skip
@pytest.mark.parametrize("weights", WEIGHTS)
def test_degenerate_grids_agree_with_brute_force(lab: Parts, provider: Parts, weights: Any) -> None:
    assert best_terms(lab, provider, weights=weights) == nash(written_out(lab, provider), weights=weights)


def test_masks_hold_where_no_product_is_positive() -> None:
    found = best_terms([np.arange(10.0)], [np.zeros(10)], [np.arange(10) < 7])
    assert found is not None
    assert found.index == 6


def test_ten_million_outcomes_in_bounded_memory() -> None:
    levels = np.linspace(0.0, 1.0, 10)
    axes = [levels.reshape([10 if axis == at else 1 for axis in range(7)]) for at in range(7)]
    lab = [axes[0] * (2.0 - axes[1]), -axes[2] * axes[3], np.sqrt(axes[4]), axes[5] * (1.5 - axes[5]), axes[6]]
    provider = [axes[1] - axes[0] ** 2, axes[2] * (1.0 - axes[3]), -axes[4], -(axes[5] ** 2), 0.5 - axes[6]]
    tracemalloc.start()
    found = best_terms(lab, provider)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found == nash(written_out(lab, provider))
    # what is allocated on the way to the kernel, whose own arrays are rows; an array of the grid takes 80e6
    assert peak < 10e6


@pytest.mark.parametrize(
    ("lab", "given", "message"),
    [
        ([np.array([1.0, np.nan])], {}, "parts: nan or +inf among them; allowed: numbers, and -inf where infeasible"),
        ([np.array([1.0, INF])], {}, "parts: nan or +inf among them; allowed: numbers, and -inf where infeasible"),
        ([], {}, "parts: 0 of the lab, 1 of the provider; allowed: one or more each"),
        ([np.ones(3)], {}, "parts: shapes (3,) and (2,); allowed: shapes that broadcast to one grid"),
        ([np.ones(2)], {"weights": (-1.0, 2.0)}, "weights: (-1.0, 2.0); allowed: none negative, not all nil"),
        ([np.ones(2)], {"weights": (0.0, 0.0)}, "weights: (0.0, 0.0); allowed: none negative, not all nil"),
        ([np.ones(2)], {"disagreement": (0.0, INF)}, "disagreement: (0.0, inf); allowed: finite numbers"),
        ([np.ones(2)], {"floors": (np.nan, 0.0)}, "floors: (nan, 0.0); allowed: numbers, and -inf for none"),
    ],
)
def test_bad_input_is_named(lab: Parts, given: Any, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        best_terms(lab, [np.ones(2)], **given)
    assert str(caught.value) == message


def random_terms(rng: np.random.Generator, groups: int, each: int, inner: int, integers: bool) -> dict[str, Any]:
    def draw(*shape: int) -> Array:
        return rng.integers(-3, 4, shape).astype(float) if integers else rng.normal(size=shape)

    outer = groups * each
    return {
        "lab_outer": draw(outer), "lab_inner": draw(inner), "lab_rest": draw(groups, inner),
        "provider_base": draw(outer), "provider_outer": draw(outer), "provider_inner": draw(inner),
        "provider_rest": draw(groups, inner), "group": rng.permutation(np.repeat(np.arange(groups), each)),
        "allowed_outer": rng.random(outer) < 0.9, "allowed_inner": rng.random((groups, inner)) < 0.9,
    }  # fmt: skip


def factored_out(terms: dict[str, Any]) -> list[Array]:
    g = terms["group"]
    lab = terms["lab_outer"][:, None] * terms["lab_inner"] + terms["lab_rest"][g]
    rest = terms["provider_rest"][g]
    provider = terms["provider_base"][:, None] + terms["provider_outer"][:, None] * terms["provider_inner"] + rest
    allowed = terms["allowed_outer"][:, None] & terms["allowed_inner"][g]
    return [np.where(allowed, utility, -INF).ravel() for utility in (lab, provider)]


SIZES = [(1, 1, 1, True), (2, 5, 4, True), (3, 4, 3, False), (6, 20, 32, True), (6, 180, 32, False)]


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("disagreement", [(0.0, 0.0), (-0.5, 0.25)])
@pytest.mark.parametrize("floors", [(-INF, -INF), (1.0, -INF), (0.5, 1.0)])
def test_factored_terms_agree_with_brute_force(size: Any, disagreement: Any, floors: Any) -> None:
    rng = np.random.default_rng(3)
    at: dict[str, Any] = {"disagreement": disagreement, "floors": floors}
    for _ in range(8):
        given = random_terms(rng, *size)
        terms, utilities = factored(**given), factored_out(given)
        for weights in WEIGHTS:
            assert best_factored(terms, weights=weights, **at) == nash(utilities, weights=weights, **at)
        assert frontier_factored(terms, **at).tolist() == pareto_frontier(utilities, **at).tolist()
        inside = rational_set(utilities, **at)
        best = (float(utilities[0][inside].max()), float(utilities[1][inside].max())) if inside.any() else None
        assert ideal_factored(terms, **at) == best
        few = contenders_factored(terms, **at)
        for concept in (kalai_smorodinsky, egalitarian, utilitarian):
            whole, part = concept(utilities, **at), concept([few.lab, few.provider], **at)
            assert (whole is None) == (part is None)
            if whole is not None and part is not None:
                assert (part.payoffs, tuple(few.indices[list(part.ties)])) == (whole.payoffs, whole.ties)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lab_outer": np.ones(3)}, "lab_outer: shape (3,); allowed: (4,)"),
        ({"group": np.array([0, 0, 1, 2])}, "group: 0 to 2; allowed: 0 to 1"),
        (
            {"provider_base": np.array([0.0, INF, 0.0, 0.0])},
            "terms: nan or infinity among them; allowed: numbers, and -inf in the tables by group",
        ),
        (
            {"lab_rest": np.full((2, 3), np.nan)},
            "terms: nan or infinity among them; allowed: numbers, and -inf in the tables by group",
        ),
    ],
)
def test_bad_factored_terms_are_named(change: dict[str, Any], message: str) -> None:
    given = random_terms(np.random.default_rng(0), 2, 2, 3, False)
    with pytest.raises(ValueError) as caught:
        best_factored(factored(**given | change))
    assert str(caught.value) == message
