"""Functions whose sensitivity indices are known in closed form, importable by the workers of a sweep."""

from __future__ import annotations

from collections.abc import Mapping
from math import nan, pi, sin
from typing import Any

import numpy as np

# Ishigami and Homma (1990) with a = 7, b = 0.1, every factor uniform on (-pi, pi): variances of its ANOVA terms.
A, B = 7.0, 0.1
_FIRST = 0.5 * (1 + B * pi**4 / 5) ** 2
_SECOND = A**2 / 8
_FIRST_THIRD = B**2 * pi**8 * (1 / 18 - 1 / 50)
_TOTAL = _FIRST + _SECOND + _FIRST_THIRD
ISHIGAMI_BOUNDS = {"x1": (-pi, pi), "x2": (-pi, pi), "x3": (-pi, pi)}
ISHIGAMI_S1 = {"x1": _FIRST / _TOTAL, "x2": _SECOND / _TOTAL, "x3": 0.0}
ISHIGAMI_ST = {"x1": (_FIRST + _FIRST_THIRD) / _TOTAL, "x2": _SECOND / _TOTAL, "x3": _FIRST_THIRD / _TOTAL}
ISHIGAMI_S2 = {("x1", "x2"): 0.0, ("x1", "x3"): _FIRST_THIRD / _TOTAL, ("x2", "x3"): 0.0}

# Sobol's g-function (Saltelli and Sobol 1995) with these a, every factor uniform on (0, 1).
G_A = {"x1": 0.0, "x2": 1.0, "x3": 4.5, "x4": 9.0, "x5": 99.0, "x6": 99.0}
G_BOUNDS = dict.fromkeys(G_A, (0.0, 1.0))
_G_PARTS = {name: 1 / (3 * (1 + a) ** 2) for name, a in G_A.items()}
_G_TOTAL = float(np.prod([1 + part for part in _G_PARTS.values()])) - 1
G_S1 = {name: part / _G_TOTAL for name, part in _G_PARTS.items()}
G_ST = {name: part * (1 + _G_TOTAL) / (1 + part) / _G_TOTAL for name, part in _G_PARTS.items()}

LINEAR = {"a": 3.0, "b": -2.0, "c": 0.0}  # coefficients
LINEAR_BOUNDS = {"a": (0.0, 2.0), "b": (-1.0, 3.0), "c": (10.0, 20.0)}


def ishigami(values: Mapping[str, Any], seed: int, replicate: int) -> dict[str, float]:
    """`sin x1 + a sin^2 x2 + b x3^4 sin x1`."""
    x1, x2, x3 = (values[name] for name in ("x1", "x2", "x3"))
    return {"y": sin(x1) + A * sin(x2) ** 2 + B * x3**4 * sin(x1)}


def g_function(values: Mapping[str, Any], seed: int, replicate: int) -> dict[str, float]:
    """Product over the factors of `(|4x - 2| + a) / (1 + a)`."""
    return {"y": float(np.prod([(abs(4 * values[name] - 2) + a) / (1 + a) for name, a in G_A.items()]))}


def linear(values: Mapping[str, Any], seed: int, replicate: int) -> dict[str, float]:
    """A linear function: its elementary effects are coefficient times range, everywhere."""
    return {"y": 5.0 + sum(LINEAR[name] * values[name] for name in LINEAR)}


def morris_function(values: Mapping[str, Any], seed: int, replicate: int) -> dict[str, float]:
    """The test function of Morris (1991) of 20 factors on (0, 1), its random coefficients set to 0.

    Factors 1 to 10 have coefficient 20 and interact up to fourth order; of the others none has any influence.
    """
    w = [2 * (values[f"x{i:02d}"] - 0.5) for i in range(1, 21)]
    for i in (2, 4, 6):
        x = values[f"x{i + 1:02d}"]
        w[i] = 2 * (1.1 * x / (x + 0.1) - 0.5)
    total = 20 * sum(w[:10])
    total += sum(-15 * w[i] * w[j] for i in range(6) for j in range(i + 1, 6))
    total += sum(-10 * w[i] * w[j] * w[k] for i in range(5) for j in range(i + 1, 5) for k in range(j + 1, 5))
    return {"y": total + 5 * w[0] * w[1] * w[2] * w[3]}


def linear_pair(values: Mapping[str, Any], seed: int, replicate: int) -> dict[str, float]:
    """`2a + b`."""
    return {"y": 2 * values["a"] + values["b"]}


def broken_corner(values: Mapping[str, Any], seed: int, replicate: int) -> dict[str, float]:
    """`2a + b`, without a value where both `a` and `b` are in the upper quarter of (0, 1)."""
    return {"y": nan if min(values["a"], values["b"]) > 0.75 else linear_pair(values, seed, replicate)["y"]}


def failing_corner(values: Mapping[str, Any], seed: int, replicate: int) -> dict[str, float]:
    """The same, raising where the other has no value."""
    if min(values["a"], values["b"]) > 0.75:
        raise ArithmeticError("no market in this corner")
    return broken_corner(values, seed, replicate)


def noisy(values: Mapping[str, Any], seed: int, replicate: int) -> dict[str, float]:
    """`a` plus luck of variance 1 that is the same at no two points."""
    luck = np.random.default_rng(
        [seed, replicate, *(int(value * 2**40) for value in values.values())]
    ).standard_normal()
    return {"y": values["a"] + luck}


def chosen(values: Mapping[str, Any], seed: int, replicate: int) -> dict[str, float]:
    """A mean of 10 for `exclusive`, else 0, plus a continuous factor."""
    return {"y": (10.0 if values["clause"] == "exclusive" else 0.0) + values["a"]}


def constant(values: Mapping[str, Any], seed: int, replicate: int) -> dict[str, float]:
    """Always the same."""
    return {"y": 0.1}
