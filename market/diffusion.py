"""Bass diffusion: closed forms in continuous time, and the discrete quarterly step the model takes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def bass_cumulative(time: npt.ArrayLike, innovation: float, imitation: float) -> Floats:
    """Adopted share F(t) of the potential, continuous time.

    F(t) = (1 - exp(-(p+q)t)) / (1 + (q/p) exp(-(p+q)t)); time in the unit of 1/p and 1/q, t >= 0.
    q = 0 is the exponential. Raises ValueError unless p > 0 and q >= 0. Source: Bass (1969).

    >>> [round(float(f), 4) for f in bass_cumulative([1, 2, 5, 10, 15], 0.03, 0.38)]
    [0.0358, 0.0851, 0.3312, 0.8128, 0.9716]
    """
    _check(innovation, imitation)
    decay = np.exp(-(innovation + imitation) * np.asarray(time, dtype=np.float64))
    return np.asarray((1.0 - decay) / (1.0 + imitation / innovation * decay))


def bass_peak(innovation: float, imitation: float) -> tuple[float, float, float]:
    """Time of the adoption peak, adopted share there, and peak rate (share of the potential a unit of time).

    t* = ln(q/p)/(p+q), F(t*) = 1/2 - p/(2q), rate (p+q)^2/(4q). For q <= p adoption only falls: the peak
    is at (0, 0, p). Source: Bass (1969).

    >>> [round(x, 5) for x in bass_peak(0.03, 0.38)]
    [6.19262, 0.46053, 0.11059]
    """
    _check(innovation, imitation)
    if imitation <= innovation:
        return 0.0, 0.0, innovation
    total = innovation + imitation
    time = float(np.log(imitation / innovation)) / total
    return time, 0.5 - innovation / (2.0 * imitation), total**2 / (4.0 * imitation)


def bass_hazard(adopted_frac: npt.ArrayLike, innovation: float, imitation: float) -> Floats:
    """Probability that one who has not adopted does so in a period: min(1, p + q F).

    >>> float(bass_hazard(0.5, 0.03, 0.38))
    0.22
    """
    _check(innovation, imitation)
    return np.minimum(1.0, innovation + imitation * np.asarray(adopted_frac, dtype=np.float64))


def bass_discrete(periods: int, innovation: float, imitation: float) -> Floats:
    """Adopted share after 1, 2, ... periods of the discrete step F <- F + (p + q F)(1 - F), from F = 0.

    This is the expected path of a large population of the simulation; with the same p and q it lags the
    continuous form.

    >>> [round(float(f), 4) for f in bass_discrete(10, 0.03, 0.38)[[0, 1, 2, 9]]]
    [0.03, 0.0702, 0.1228, 0.7826]
    """
    adopted = np.zeros(periods + 1)
    for period in range(periods):
        hazard = float(bass_hazard(adopted[period], innovation, imitation))
        adopted[period + 1] = adopted[period] + hazard * (1.0 - adopted[period])
    return adopted[1:]


def _check(innovation: float, imitation: float) -> None:
    if not innovation > 0.0 or not imitation >= 0.0:
        raise ValueError(f"Bass needs innovation > 0 and imitation >= 0, not {innovation} and {imitation}")
