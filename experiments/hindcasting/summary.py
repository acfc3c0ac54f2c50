"""Scores added up: by target against every benchmark, coverage, bias, and tests of equal accuracy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from experiments.benchmark_forecasts import BENCHMARKS
from experiments.hindcasting.rows import SCORED
from experiments.scoring import diebold_mariano

ORIGINS_FOR_A_TEST = 5


def frame(rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """The rows with a column for each benchmark, and scores relative to the size of what happened."""
    flat = [
        {
            **{key: value for key, value in row.items() if not isinstance(value, dict)},
            **{f"crps_{name}": value for name, value in row["crps_benchmarks"].items()},
            **{f"covered_{name}": value for name, value in row["covered_80_benchmarks"].items()},
            **{f"median_{name}": value for name, value in row["median_benchmarks"].items()},
        }
        for row in rows
    ]
    return pd.DataFrame(flat)


def by_target(rows: pd.DataFrame) -> pd.DataFrame:
    """One row a target: mean CRPS, its ratio to every benchmark's, coverage, relative bias and error of the median.

    A ratio below one: the model is better. `best` says whether it is better than every benchmark, `forecasts` how many
    pairs of origin and horizon stand behind it.
    """
    found = []
    for name in [name for name in SCORED if name in set(rows["target"])]:
        own = rows[rows["target"] == name]
        scale = own["actual"].abs().mean() or 1.0
        ratios = {bench: own["crps"].mean() / own[f"crps_{bench}"].mean() for bench in BENCHMARKS}
        error = own["median"] - own["actual"]
        found.append(
            {
                "target": name,
                "forecasts": len(own),
                "crps": own["crps"].mean(),
                **ratios,
                "best": all(ratio < 1.0 for ratio in ratios.values()),
                "covered_80": own["covered_80"].mean(),
                "bias": error.mean() / scale,
                "mae": error.abs().mean() / scale,
            }
        )
    return pd.DataFrame(found)


def accuracy_tests(rows: pd.DataFrame, horizons: Sequence[int] = (1, 4, 8)) -> pd.DataFrame:
    """Diebold-Mariano tests of equal CRPS against every benchmark, corrected for small samples, by horizon.

    The loss of an origin is the mean over its targets of CRPS over the naive forecast's mean CRPS on the target, so
    that the sample is the origins, in order of time; negative statistics favour the model. Too few origins: no test.
    """
    found = []
    for ahead in horizons:
        own = rows[rows["horizon"] == ahead]
        for bench in BENCHMARKS:
            pairs = _losses(own, f"crps_{bench}")
            if len(pairs) < ORIGINS_FOR_A_TEST:
                continue
            test = diebold_mariano(pairs["model"].to_numpy(), pairs["other"].to_numpy(), ahead)
            found.append(
                {
                    "horizon": ahead,
                    "benchmark": bench,
                    "origins": len(pairs),
                    "loss_ratio": pairs["model"].mean() / pairs["other"].mean(),
                    "statistic": test.statistic,
                    "p_value": test.p_value,
                }
            )
    return pd.DataFrame(found)


def _losses(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    size = rows.groupby("target")["crps_naive"].transform("mean").clip(lower=1e-9)
    losses = pd.DataFrame({"origin": rows["origin"], "model": rows["crps"] / size, "other": rows[column] / size})
    return losses.groupby("origin", sort=True).mean()


def coverage(rows: pd.DataFrame) -> pd.DataFrame:
    """Share of facts inside the 80 % interval by horizon: the model's and every benchmark's."""
    columns = {"model": "covered_80", **{name: f"covered_{name}" for name in BENCHMARKS}}
    table = rows.groupby("horizon")[list(columns.values())].mean()
    return table.rename(columns={column: name for name, column in columns.items()})


def headline(rows: pd.DataFrame, first: int = 4, last: int = 8) -> dict[str, Any]:
    """Targets at `first` to `last` quarters ahead on which the model beats every benchmark, of how many; coverage."""
    far = rows[(rows["horizon"] >= first) & (rows["horizon"] <= last)]
    table = by_target(far) if len(far) else pd.DataFrame(columns=["target", "best"])
    return {
        "targets": len(table),
        "best": int(table["best"].sum()),
        "won": [str(name) for name in table.loc[table["best"].astype(bool), "target"]],
        "covered_80": float(far["covered_80"].mean()) if len(far) else float("nan"),
        "skill": {
            bench: float(np.exp(np.mean(np.log(table[bench].astype(float))))) if len(table) else float("nan")
            for bench in BENCHMARKS
        },
    }
