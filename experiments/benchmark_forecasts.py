"""Simple forecasts of one series from its own past: what a model has to beat."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Scale = Literal["log", "linear", "count"]
ENOUGH = 8  # readings without a gap that autoregression and exponential smoothing want; below, the drift stands in
FLOOR = 1e-6


@dataclass(frozen=True, slots=True)
class Benchmark:
    """Simulated futures, (draws, horizon), and which simpler method stood in, if any."""

    draws: Array
    note: str = ""


def benchmark(
    name: str, history: Array, horizon: int, draws: int, seed: int, scale: Scale = "log", total: Array | None = None
) -> Benchmark:
    """Futures of a quarterly series by a benchmark of `BENCHMARKS`, from its history alone.

    `history` is oldest first, NaN where nothing was read. On the scale `log` everything is done on logs, else on the
    values (a count is cut at nil). `total` is the sum that a constant share is taken of, quarter by quarter like the
    history; without it the share is of a constant, which is the naive forecast. One reading: the naive forecast is a
    point. Raises ValueError for a history without a reading.

    >>> benchmark("drift", np.array([1.0, 2.0, 4.0]), 2, 3, 0).draws.round(6).tolist()
    [[8.0, 16.0], [8.0, 16.0], [8.0, 16.0]]
    """
    past = _scaled(history, scale)
    if not np.isfinite(past).any():
        raise ValueError("no reading in the history")
    rng = np.random.default_rng(seed)
    if name == "constant_share" and total is not None and np.isfinite(history[-1]) and total[-1] > 0.0:
        futures, note = _smoothing(_scaled(total, scale), horizon, rng.standard_normal((draws, horizon)))
        share = history[-1] / total[-1]
        return Benchmark(_unscaled(futures, scale) * share, note)
    futures, note = BENCHMARKS[name](past, horizon, rng.standard_normal((draws, horizon)))
    return Benchmark(_unscaled(futures, scale), note)


def _scaled(values: Array, scale: Scale) -> Array:
    values = np.asarray(values, dtype=float)
    return np.log(np.maximum(values, FLOOR)) if scale == "log" else values


def _unscaled(values: Array, scale: Scale) -> Array:
    if scale == "log":
        return np.exp(values)
    return np.maximum(values, 0.0) if scale == "count" else values


def _steps(past: Array) -> tuple[Array, Array, float, int]:
    """Changes between readings and the quarters between them, the last reading, and quarters since it."""
    at = np.flatnonzero(np.isfinite(past))
    return np.diff(past[at]), np.diff(at).astype(float), float(past[at[-1]]), len(past) - 1 - int(at[-1])


def _naive(past: Array, horizon: int, noise: Array) -> tuple[Array, str]:
    """A random walk from the last reading: the standard deviation of a change grows with the root of time."""
    changes, gaps, last, late = _steps(past)
    if not len(changes):
        return np.full(noise.shape, last), "one reading: a point"
    sd = np.sqrt(np.mean(changes**2 / gaps))
    return last + sd * _walk(noise, late), ""


def _drift(past: Array, horizon: int, noise: Array) -> tuple[Array, str]:
    """A random walk with the mean change of the past, uncertain as a mean of n changes is."""
    changes, gaps, last, late = _steps(past)
    if not len(changes):
        return np.full(noise.shape, last), "one reading: the naive point"
    mean = changes.sum() / gaps.sum()
    spread = (changes - mean * gaps) / np.sqrt(gaps)
    sd = np.sqrt((spread**2).sum() / (len(changes) - 1)) if len(changes) > 1 else 0.0
    ahead = late + np.arange(1, horizon + 1)
    extra = ahead * sd / np.sqrt(gaps.sum()) * noise[:, :1]  # the error of the mean: one draw a future
    return last + mean * ahead + sd * _walk(noise, late) + extra, ""


def _walk(noise: Array, late: int) -> Array:
    """Random walks that have gone `late` quarters before the first."""
    start = np.sqrt(late) * noise[:, -1:]
    return start + np.cumsum(noise, axis=1)


def _autoregression(past: Array, horizon: int, noise: Array) -> tuple[Array, str]:
    """An autoregression of the changes with a constant, of the order from 1 to 4 with the least AIC."""
    if np.isfinite(past).sum() < ENOUGH or not np.isfinite(past).all():
        futures, note = _drift(past, horizon, noise)
        return futures, note or "few readings: the drift"
    from statsmodels.tsa.ar_model import AutoReg

    changes = np.diff(past)
    most = min(4, len(changes) // 4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # long runs of equal changes make a fit singular: it is then not the best one
        fits = [AutoReg(changes, lags=lags, hold_back=most).fit() for lags in range(1, most + 1)]
        best = min(fits, key=lambda fit: fit.aic if np.isfinite(fit.aic) else np.inf)
        fit = AutoReg(changes, lags=best.model.ar_lags).fit()
    if not np.isfinite(fit.params).all():
        return _drift(past, horizon, noise)[0], "no fit: the drift"
    constant, slopes, sd = fit.params[0], fit.params[1:], np.sqrt(fit.sigma2)
    recent = np.tile(changes[-len(slopes) :][::-1], (len(noise), 1))
    steps = np.empty_like(noise)
    for ahead in range(horizon):
        steps[:, ahead] = constant + recent @ slopes + sd * noise[:, ahead]
        recent = np.column_stack([steps[:, ahead], recent[:, :-1]])
    return past[-1] + np.cumsum(steps, axis=1), ""


def _smoothing(past: Array, horizon: int, noise: Array) -> tuple[Array, str]:
    """Exponential smoothing with a damped additive trend and additive errors, ETS(A,Ad,N) (Hyndman et al. 2008)."""
    if np.isfinite(past).sum() < ENOUGH or not np.isfinite(past).all():
        futures, note = _drift(past, horizon, noise)
        return futures, note or "few readings: the drift"
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a likelihood that is flat at a bound of the parameters is no news
        fit = ETSModel(past, error="add", trend="add", damped_trend=True).fit(disp=False, maxiter=500)
        if not np.isfinite(fit.params).all():
            return _drift(past, horizon, noise)[0], "no fit: the drift"
    alpha, beta, phi = fit.smoothing_level, fit.smoothing_trend, fit.damping_trend
    level, slope = np.full(len(noise), fit.level[-1]), np.full(len(noise), fit.slope[-1])
    sd = np.sqrt(np.mean(np.asarray(fit.resid) ** 2) * len(past) / max(len(past) - 5, 1))
    futures = np.empty_like(noise)
    for ahead in range(horizon):
        error = sd * noise[:, ahead]
        mean = level + phi * slope
        futures[:, ahead] = mean + error
        level, slope = mean + alpha * error, phi * slope + beta * error
    return futures, ""


type Method = Callable[[Array, int, Array], tuple[Array, str]]

BENCHMARKS: dict[str, Method] = {
    "naive": _naive,
    "drift": _drift,
    "ar": _autoregression,
    "exponential_smoothing": _smoothing,
    "constant_share": _naive,
}
