"""The posterior without a likelihood: approximate Bayesian computation on the reference table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from experiments.calibration.moments import Moments, moments
from experiments.calibration.reference import ReferenceTable
from experiments.sweeps.errors import SweepError
from market.facts import Facts
from market.parameters import Prior
from market.priors import priors
from market.scenario import Scenario

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
ACCEPT = 0.4  # share of the draws, by distance, that counts
SHIPPED = Path(__file__).with_name("posterior.csv")


@dataclass(frozen=True, slots=True)
class Posterior:
    """Draws of the estimated parameters, (draw x path), and their weights, which sum to one."""

    draws: pd.DataFrame
    weights: Array

    def sample(self, n: int, seed: int) -> list[dict[str, float]]:
        """`n` draws by systematic resampling: each is there as often as its weight asks, give or take one."""
        rng = np.random.default_rng(seed)
        places = (rng.random() + np.arange(n)) / n
        rows = np.minimum(np.searchsorted(np.cumsum(self.weights), places), len(self.weights) - 1)
        return [{str(path): float(v) for path, v in self.draws.iloc[row].items()} for row in rng.permutation(rows)]

    def quantile(self, level: float) -> pd.Series:
        """Weighted quantile of every parameter."""
        import pandas as pd

        found = {}
        for path in self.draws:
            order = np.argsort(self.draws[path].to_numpy())
            reached = np.cumsum(self.weights[order])
            found[path] = self.draws[path].to_numpy()[order][min(int(np.searchsorted(reached, level)), len(order) - 1)]
        return pd.Series(found)

    @property
    def effective(self) -> float:
        """Kish's effective number of draws, 1 / sum of squared weights."""
        return float(1.0 / (self.weights**2).sum())


def posterior(table: ReferenceTable, facts: Facts, origin: str, accept: float = ACCEPT) -> Posterior:
    """The posterior at an origin: from windows before it, and facts known at it.

    Draws weigh by Epanechnikov's kernel of their distance (nil beyond the accepted share), and are moved to where
    a local linear regression of the parameters on the errors expects them without error (Beaumont, Zhang and Balding
    2002), on the logit of their place in the prior. Where nothing is known yet the prior stands.
    """
    return _posterior(table.draws, moments(table, facts, origin), 0.0, accept)


def kernel_weights(distances: Array, accept: float) -> Array:
    """Epanechnikov weights 1 - (d / h)^2 with h the distance of the accepted share, summing to one.

    >>> kernel_weights(np.array([0.0, 1.0, 2.0, 3.0]), 0.75).round(2).tolist()
    [0.57, 0.43, 0.0, 0.0]
    """
    reach = np.sort(distances)[min(max(int(np.ceil(accept * len(distances))) - 1, 0), len(distances) - 1)]
    if reach <= 0.0:
        return np.full(len(distances), 1.0 / len(distances))
    weights = np.maximum(1.0 - (distances / reach) ** 2, 0.0)
    total = weights.sum()
    return weights / total if total > 0.0 else np.full(len(distances), 1.0 / len(distances))


def _posterior(draws: pd.DataFrame, found: Moments, truth: Array | float, accept: float) -> Posterior:
    import pandas as pd

    declared = {path: prior for path, prior in priors(Scenario).items() if path in draws}
    if not found.names:
        return Posterior(draws, np.full(len(draws), 1.0 / len(draws)))
    weights = kernel_weights(found.distances(truth), accept)
    logits = to_logits(draws, declared)
    adjusted = adjusted_draws(logits, found.errors - truth, weights)
    return Posterior(pd.DataFrame(from_logits(adjusted, declared), columns=list(declared)), weights)


def adjusted_draws(logits: Array, errors: Array, weights: Array, ridge: float = 10.0) -> Array:
    """Draws less what a weighted linear regression on the errors explains; a ridge keeps it tame with few draws.

    A regression of p errors on n effective draws fits its own residuals, so that they are too small for a new truth
    by sqrt((n - p - 1) / (n + p + 1)), and are widened by that: a prediction by least squares with normal regressors
    has the variance s^2 (n + p + 1) / n to first order, and s^2 is estimated with n - p - 1 degrees of freedom.
    """
    centred = errors - weights @ errors
    gram = (centred * weights[:, None]).T @ centred
    penalty = ridge * np.trace(gram) / max(len(gram), 1) / max(float(1.0 / (weights**2).sum()), 1.0)
    slope = np.linalg.solve(
        gram + penalty * np.eye(len(gram)), (centred * weights[:, None]).T @ (logits - weights @ logits)
    )
    adjusted = logits - errors @ slope
    effective, moments = 1.0 / float((weights**2).sum()), len(gram)
    widening = np.sqrt((effective + moments + 1.0) / max(effective - moments - 1.0, 1.0))
    middle = weights @ adjusted
    return np.asarray(middle + widening * (adjusted - middle))


def to_logits(draws: pd.DataFrame, declared: Mapping[str, Prior]) -> Array:
    """Places in the priors on the logit scale, kept off the ends."""
    shares = np.array([[prior.share(value) for value in draws[path]] for path, prior in declared.items()]).T
    shares = np.clip(shares, 1e-3, 1.0 - 1e-3)
    return np.log(shares / (1.0 - shares))


def from_logits(logits: Array, declared: Mapping[str, Prior]) -> Array:
    """The inverse of `to_logits`."""
    shares = 1.0 / (1.0 + np.exp(-logits))
    return np.array([[prior.value(float(s)) for s in shares[:, i]] for i, prior in enumerate(declared.values())]).T


def identified(found: Posterior, draws: Sequence[str] | None = None) -> pd.DataFrame:
    """How much the facts say of each parameter: posterior 10, 50 and 90 %, and its 80 % width over the prior's.

    A ratio near one: the facts do not pin the parameter down.
    """
    import pandas as pd

    declared = priors(Scenario)
    rows = []
    low, middle, high = (found.quantile(level) for level in (0.1, 0.5, 0.9))
    for path, prior in declared.items():
        width = (prior.share(float(high[path])) - prior.share(float(low[path]))) / 0.8
        rows.append({"parameter": path, "low": low[path], "median": middle[path], "high": high[path], "width": width})
    return pd.DataFrame(rows)


def synthetic_coverage(table: ReferenceTable, found: Moments, level: float = 0.8, accept: float = ACCEPT) -> pd.Series:
    """Share of synthetic truths inside their posterior interval, by parameter: near `level` if the method is honest.

    Every draw in turn plays the truth, its errors the facts, and all others the table (Talts et al. 2018, Prangle et
    al. 2014): one table of simulations, no further run.
    """
    import pandas as pd

    inside = []
    for truth in range(len(table.draws)):
        others = [k for k in range(len(table.draws)) if k != truth]
        rest = Moments(found.names, found.errors[others], found.weights, found.spreads)
        own = _posterior(table.draws.iloc[others], rest, found.errors[truth], accept)
        low, high = own.quantile(0.5 - level / 2.0), own.quantile(0.5 + level / 2.0)
        value = table.draws.iloc[truth]
        inside.append((low <= value) & (value <= high))
    return pd.DataFrame(inside).mean()


def shipped_posterior() -> Posterior:
    """The posterior that ships with the project; raises SweepError where the file does not fit the parameters."""
    import pandas as pd

    table = pd.read_csv(SHIPPED, comment="#")
    unknown = set(table.columns) ^ {*priors(Scenario), "weight"}
    if unknown:
        raise SweepError(f"{SHIPPED.name}: parameters differ from those with a prior: {', '.join(sorted(unknown))}")
    weights = table.pop("weight").to_numpy(dtype=float)
    return Posterior(table, weights / weights.sum())
