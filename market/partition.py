"""How far the market falls apart into camps, one around each provider."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from market.concentration import Floats, non_negative, primary_provider


def modularity(weights: ArrayLike, community: ArrayLike) -> float:
    """Modularity of a partition of a weighted undirected graph.

    Formula: Q = sum_c [L_c / m - (d_c / 2m)^2], with m the weight of all edges, L_c of those inside
    community c, d_c the sum of its nodes' weighted degrees.

    Shapes and units: weights (n, n), symmetric, any additive unit; community (n,), one label a node
    -> a pure number, at least -1/2 and below 1.
    Special cases: everything in one community 0; no edges: nan. ValueError if the matrix is
    negative, not symmetric or has self-loops, or the labels do not match.
    Source: Newman and Girvan (2004), Physical Review E 69, weighted as Newman (2004) in 70. The
    example is two triangles joined by one edge, 5/14.

    >>> two_triangles = np.kron(np.eye(2), np.ones((3, 3))) - np.eye(6)
    >>> two_triangles[2, 3] = two_triangles[3, 2] = 1
    >>> round(modularity(two_triangles, [0, 0, 0, 1, 1, 1]), 9)
    0.357142857
    """
    edges, label = non_negative(weights, "weights"), np.asarray(community)
    if edges.ndim != 2 or not np.array_equal(edges, edges.T) or edges.diagonal().any():
        raise ValueError("weights: expected a symmetric matrix with a zero diagonal")
    if label.shape != edges.shape[:1]:
        raise ValueError(f"community: expected {len(edges)} labels, found shape {label.shape}")
    return _modularity(edges, label)


def alignment_modularity(alignment: ArrayLike) -> float:
    """Modularity of the lab-provider graph, each lab put into the camp of its primary provider.

    Formula: `modularity` with nodes labs and providers, edges the alignment, and a community for
    each provider and the labs whose `primary_provider` it is.

    Shapes and units: alignment (labs, providers) -> a pure number. 0 when all labs share one
    provider, 1 - 1/k for k separate camps of equal size; labs that use several providers lower it.
    Special cases: a lab served by none has no edges and changes nothing; no edges at all: nan.
    Source: Newman and Girvan (2004), Physical Review E 69.

    >>> alignment_modularity([[2.0, 0.0], [0.0, 2.0]])
    0.5
    """
    primary = primary_provider(alignment)
    matrix = non_negative(alignment, "alignment")
    labs, providers = matrix.shape
    edges = np.zeros((labs + providers, labs + providers))
    edges[:labs, labs:] = matrix
    edges[labs:, :labs] = matrix.T
    return _modularity(edges, np.concatenate([primary, np.arange(providers)]))


def _modularity(edges: Floats, label: np.ndarray) -> float:
    degree = edges.sum(axis=1)
    twice_m = degree.sum()
    if twice_m == 0.0:
        return float("nan")
    # The sum over communities of the formula, written over pairs of nodes of one community.
    together = label[:, None] == label
    expected = np.outer(degree, degree) / twice_m
    return float(((edges - expected) * together).sum() / twice_m)
