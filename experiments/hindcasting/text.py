"""The hindcast as text for a terminal and as tables for docs/hindcast.md."""

from __future__ import annotations

import numpy as np
import pandas as pd

from experiments.benchmark_forecasts import BENCHMARKS
from experiments.hindcasting.summary import accuracy_tests, by_target, coverage, headline

SHORT = {"naive": "naive", "drift": "drift", "ar": "AR", "exponential_smoothing": "ETS", "constant_share": "share"}


def headline_text(rows: pd.DataFrame, mode: str) -> str:
    """Two sentences: on how many targets the model is better, and how often its interval holds the fact."""
    found = headline(rows[rows["mode"] == mode])
    if not found["targets"]:
        return f"{mode}: no fact at 4 to 8 quarters."
    return (
        f"{mode.capitalize()}, 4 to 8 quarters ahead:\nCRPS lower than every benchmark's on {found['best']} of "
        f"{found['targets']} targets; 80 % intervals hold {found['covered_80']:.0%} of the facts."
    )


def score_table(rows: pd.DataFrame) -> list[list[str]]:
    """Target by target: CRPS and its ratio to each benchmark's (below one: the model is better), coverage, bias."""
    head = ["target", "n", "CRPS", *(f"/ {SHORT.get(name, name)}" for name in BENCHMARKS), "80 %", "bias", "MAE"]
    lines = [head]
    for row in by_target(rows).to_dict("records"):
        lines.append(
            [
                row["target"] + (" *" if row["best"] else ""),
                str(row["forecasts"]),
                f"{row['crps']:.3g}",
                *(f"{row[name]:.2f}" for name in BENCHMARKS),
                f"{row['covered_80']:.0%}",
                f"{row['bias']:+.0%}",
                f"{row['mae']:.0%}",
            ]
        )
    return lines


def coverage_table(rows: pd.DataFrame) -> list[list[str]]:
    """Share of facts inside 80 % intervals by horizon."""
    table = coverage(rows)
    head = ["quarters ahead", *(SHORT.get(name, name) for name in table.columns)]
    shares = table.to_numpy(dtype=float)
    return [head, *([str(ahead), *(f"{v:.0%}" for v in row)] for ahead, row in zip(table.index, shares, strict=True))]


def accuracy_table(rows: pd.DataFrame) -> list[list[str]]:
    """Diebold-Mariano tests by horizon and benchmark."""
    head = ["quarters ahead", "against", "origins", "loss ratio", "statistic", "p"]
    lines = []
    for row in accuracy_tests(rows).to_dict("records"):
        bench = str(row["benchmark"])
        numbers = (f"{row['loss_ratio']:.2f}", _or_none(row["statistic"], 2), _or_none(row["p_value"], 3))
        lines.append([str(row["horizon"]), SHORT.get(bench, bench), str(row["origins"]), *numbers])
    return [head, *lines]


def _or_none(value: float, digits: int) -> str:
    return f"{value:.{digits}f}" if np.isfinite(value) else "none"


def plain(table: list[list[str]]) -> str:
    """A table in columns for a terminal: the first to the left, the rest to the right."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return "\n".join(
        "  ".join([f"{line[0]:<{widths[0]}}", *map(str.rjust, line[1:], widths[1:])]).rstrip() for line in table
    )


def markdown(table: list[list[str]]) -> str:
    """A table for a page."""
    head, *lines = table
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *lines))


def terminal_text(rows: pd.DataFrame) -> str:
    """What `cloudpact hindcast` prints."""
    parts = []
    for mode in rows["mode"].unique():
        own = rows[rows["mode"] == mode]
        parts += [headline_text(rows, mode), "", plain(score_table(own)), "", "Facts inside 80 % intervals"]
        parts += [plain(coverage_table(own)), ""]
        if len(accuracy_tests(own)):
            parts += ["Equal accuracy (Diebold-Mariano, small samples; negative: the model is better)"]
            parts += [plain(accuracy_table(own)), ""]
    parts += ["* lower CRPS than every benchmark. CRPS in units of the target (USD bn, share, HHI, deals)."]
    parts += ["Ratios below one: the model is better."]
    parts += ["Blind: deals known at the origin; conditional: later ones given."]
    return "\n".join(parts)
