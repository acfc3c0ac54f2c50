"""Modularity against closed forms and an independent implementation."""

from __future__ import annotations

import math

import networkx as nx
import numpy as np
import pytest

from market.concentration import primary_provider
from market.partition import alignment_modularity, modularity

TWO_TRIANGLES = np.kron(np.eye(2), np.ones((3, 3))) - np.eye(6)
TWO_TRIANGLES[2, 3] = TWO_TRIANGLES[3, 2] = 1.0


def test_two_triangles_joined_by_one_edge() -> None:
    assert modularity(TWO_TRIANGLES, [0, 0, 0, 1, 1, 1]) == pytest.approx(5 / 14, abs=1e-15)


def test_one_community_has_none_and_single_nodes_have_less() -> None:
    assert modularity(TWO_TRIANGLES, np.zeros(6)) == pytest.approx(0.0, abs=1e-15)
    assert modularity(TWO_TRIANGLES, range(6)) == pytest.approx(-(4 * 2**2 + 2 * 3**2) / 14**2, abs=1e-15)


@pytest.mark.parametrize("seed", range(5))
def test_weighted_modularity_agrees_with_networkx(seed) -> None:
    rng = np.random.default_rng(seed)
    upper = np.triu(rng.random((9, 9)) * (rng.random((9, 9)) < 0.6), k=1)
    label = rng.integers(0, 3, 9)
    camps = [set(np.flatnonzero(label == c).tolist()) for c in range(3)]
    expected = nx.community.modularity(nx.from_numpy_array(upper + upper.T), camps)
    assert modularity(upper + upper.T, label) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("camps", [1, 2, 4])
def test_separate_camps_of_equal_size(camps) -> None:
    assert alignment_modularity(3.0 * np.eye(camps)) == pytest.approx(1 - 1 / camps, abs=1e-15)


def test_labs_of_one_provider_are_one_camp() -> None:
    assert alignment_modularity([[1.0, 0.0], [5.0, 0.0]]) == pytest.approx(0.0, abs=1e-15)


def test_a_second_source_lowers_it() -> None:
    assert alignment_modularity([[3.0, 1.0], [1.0, 3.0]]) == pytest.approx(0.25, abs=1e-15)


def test_alignment_agrees_with_networkx_under_the_primary_partition() -> None:
    alignment = np.array([[2.0, 0.3, 0.0], [0.0, 1.0, 0.7], [0.4, 0.0, 0.9], [0.0, 0.0, 0.0]])
    graph = nx.Graph()
    graph.add_nodes_from(["l0", "l1", "l2", "l3", "p0", "p1", "p2"])
    graph.add_weighted_edges_from((f"l{i}", f"p{j}", alignment[i, j]) for i, j in np.argwhere(alignment).tolist())
    assert primary_provider(alignment).tolist() == [0, 1, 2, -1]
    camps = [{"l0", "p0"}, {"l1", "p1"}, {"l2", "p2"}, {"l3"}]
    assert alignment_modularity(alignment) == pytest.approx(nx.community.modularity(graph, camps), abs=1e-12)


def test_without_edges_there_is_nothing_to_measure() -> None:
    assert math.isnan(modularity(np.zeros((2, 2)), [0, 1]))
    assert math.isnan(alignment_modularity(np.zeros((2, 3))))
    assert math.isnan(alignment_modularity(np.zeros((2, 0))))


def test_refusals() -> None:
    for weights in ([[0.0, 1.0], [2.0, 0.0]], [[1.0]], [0.0, 1.0], [[0.0, 1.0]]):
        with pytest.raises(ValueError, match=r"^weights: expected a symmetric matrix with a zero diagonal$"):
            modularity(weights, [0])
    with pytest.raises(ValueError, match=r"^community: expected 6 labels, found shape \(2,\)$"):
        modularity(TWO_TRIANGLES, [0, 1])
    with pytest.raises(ValueError, match=r"^weights: found -1\.0, every value must be finite and at least 0$"):
        modularity([[0.0, -1.0], [-1.0, 0.0]], [0, 1])
    with pytest.raises(ValueError, match=r"^alignment: expected a lab x provider matrix, found shape \(2,\)$"):
        alignment_modularity([1.0, 2.0])
