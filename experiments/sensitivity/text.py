"""Sensitivity indices as a table for the terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from math import floor, log10
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

_RANKED_BY = {"morris": "mu_star", "sobol": "ST", "pawn": "median"}
_READS = {
    "morris": "mu_star: mean size of the change when a factor moves over its range; sigma: how much that varies",
    "sobol": "shares of the variance: S1 by the factor alone, ST with all its interactions; ± 95 % interval",
    "pawn": "distance, 0 to 1, between the outcome's distribution with the factor held in a slice and without",
}
_HEADS = {"S1_conf": "±", "ST_conf": "±", "S2_conf": "±", "mu_star_conf": "±"}
_WIDTH = 11


def sensitivity_text(method: str, outcome: str, frame: pd.DataFrame, pairs: pd.DataFrame, notes: Sequence[str]) -> str:
    """The factors by falling influence, then the pairs, then the notes."""
    ranked = frame.sort_values(_RANKED_BY[method], ascending=False, kind="stable", na_position="last")
    parts = [f"{method}: {outcome}", _READS[method], "", _table(ranked, ["factor"])]
    if len(pairs):
        strongest = pairs.sort_values("S2", ascending=False, kind="stable")
        parts += ["", _table(strongest, ["factor", "other"])]
    if notes:
        parts.append("")
    parts += [textwrap.fill(note, 110, subsequent_indent="  ", break_on_hyphens=False) for note in notes]
    return "\n".join(parts)


def _table(frame: pd.DataFrame, keys: list[str]) -> str:
    numbers = [name for name in frame.columns if name not in keys]
    labels = [" x ".join(row) for row in frame[keys].itertuples(index=False)]
    width = max(len("factor"), *(len(label) for label in labels))
    decimals = _decimals(frame[[name for name in numbers if name != "slices"]].abs().to_numpy().max())
    lines = ["factor".ljust(width) + "".join(f"{_HEADS.get(name, name):>{_WIDTH}}" for name in numbers)]
    for label, row in zip(labels, frame[numbers].itertuples(index=False), strict=True):
        lines.append(label.ljust(width) + "".join(f"{_number(value, decimals):>{_WIDTH}}" for value in row))
    return "\n".join(lines)


def _decimals(largest: float) -> int:
    """As many as give the largest number four digits, and a share three decimals."""
    return min(max(3 - floor(log10(largest)), 0), 9) if 0 < largest < 0.1 or largest >= 10 else 3


def _number(value: float, decimals: int) -> str:
    """A dash where the index is not defined; zero without a sign."""
    if value != value:
        return "–"
    return str(value) if isinstance(value, int) else f"{round(value, decimals) + 0.0:.{decimals}f}"
