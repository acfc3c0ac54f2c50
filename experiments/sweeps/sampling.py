"""Samples of the unit cube, by the method's name; every one is made again from its seed and settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

type Unit = np.ndarray[tuple[int, int], np.dtype[np.float64]]


def rows(method: str, dimensions: int, settings: Mapping[str, Any]) -> int:
    """Number of points of a sample, counted without making it.

    Morris: r (k + 1) for r trajectories of k factors. Saltelli: N (k + 2), with second-order indices N (2 k + 2).

    >>> rows("morris", 3, {"trajectories": 10, "levels": 4}), rows("saltelli", 3, {"samples": 8, "second_order": True})
    (40, 64)
    """
    if method == "morris":
        return settings["trajectories"] * (dimensions + 1)
    if method == "saltelli":
        return settings["samples"] * (2 * dimensions + 2 if settings["second_order"] else dimensions + 2)
    return settings["samples"]


def unit_sample(method: str, dimensions: int, settings: Mapping[str, Any], seed: int) -> Unit:
    """Points of a sample in [0, 1]^k, one a row.

    The same method, settings and seed give the same bits with the same versions of NumPy, SciPy and SALib.
    """
    return SAMPLERS[method](dimensions, settings, seed)


def _random(dimensions: int, settings: Mapping[str, Any], seed: int) -> Unit:
    import numpy as np

    return np.random.default_rng(seed).random((settings["samples"], dimensions))


def _lhs(dimensions: int, settings: Mapping[str, Any], seed: int) -> Unit:
    """Latin hypercube: one point in each of n strata of every axis (McKay, Beckman and Conover 1979)."""
    from scipy.stats import qmc

    return qmc.LatinHypercube(dimensions, rng=seed).random(settings["samples"])


def _sobol(dimensions: int, settings: Mapping[str, Any], seed: int) -> Unit:
    """Scrambled Sobol points (Sobol 1967; Owen 1998), balanced because their number is a power of two."""
    from scipy.stats import qmc

    return qmc.Sobol(dimensions, rng=seed).random(settings["samples"])


def _morris(dimensions: int, settings: Mapping[str, Any], seed: int) -> Unit:
    """Trajectories on p levels, each step one factor by p / (2 (p - 1)) (Morris 1991)."""
    import numpy as np
    from SALib.sample import morris

    intervals = settings["levels"] - 1
    sample = morris.sample(unit_problem(dimensions), settings["trajectories"], num_levels=settings["levels"], seed=seed)
    # sums of steps miss their level by a rounding error, and a choice would change with it
    return np.abs(np.rint(sample * intervals)) / intervals


def _saltelli(dimensions: int, settings: Mapping[str, Any], seed: int) -> Unit:
    """For each base point A, A with one column of B, (B with one column of A,) B (Saltelli 2002)."""
    from SALib.sample import sobol

    second_order = settings["second_order"]
    return sobol.sample(unit_problem(dimensions), settings["samples"], calc_second_order=second_order, seed=seed)


def unit_problem(dimensions: int, names: list[str] | None = None) -> dict[str, Any]:
    """SALib's description of a unit cube."""
    names = [f"x{k}" for k in range(dimensions)] if names is None else names
    return {"num_vars": dimensions, "names": names, "bounds": [[0.0, 1.0] for _ in names]}


SAMPLERS: dict[str, Callable[[int, Mapping[str, Any], int], Unit]] = {
    "random": _random,
    "lhs": _lhs,
    "sobol": _sobol,
    "morris": _morris,
    "saltelli": _saltelli,
}
