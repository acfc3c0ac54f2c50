"""Frozen forecasts against the facts that were appended after them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np

from cloudpact.schema import SCHEMA_VERSION
from experiments.comparison_text import aligned, decimals, shown
from experiments.forecasting.ledger import SHIPPED_LEDGER, read_ledger
from experiments.forecasting.statements import Statement, plain_columns
from experiments.scoring import crps
from experiments.sweeps.errors import SweepError
from market.calendar import quarter_index, quarter_name
from market.targets import target, target_names

if TYPE_CHECKING:
    import pandas as pd

    from market.facts import Facts

ROW = ("forecast", "target", "quarter", "horizon", "actual", "median", "low_80", "high_80", "crps", "covered_80")
SETTLED = ("forecast", "name", "says", "probability", "happened", "brier")


@dataclass(frozen=True)
class LedgerScores:
    """Scores of all frozen forecasts: `rows` of targets, `statements` that are settled; `forecasts` were read."""

    rows: pd.DataFrame
    statements: pd.DataFrame
    forecasts: tuple[str, ...]

    def text(self, width: int = 100) -> str:
        """The scores as text for people, or that there is nothing to score yet."""
        if not self.forecasts:
            return "No forecast is frozen yet: `cloudpact forecast --freeze` freezes one."
        if self.rows.empty and self.statements.empty:
            told = (
                f"{len(self.forecasts)} frozen: no later fact exists for any of them, so there is nothing to score yet."
            )
            return fill(told, width)
        parts = [self._summary(), self._targets(), self._statements(width)]
        return "\n\n".join(part for part in parts if part)

    def plain(self) -> dict[str, Any]:
        """The scores as plain values for JSON."""
        return {
            "schema_version": SCHEMA_VERSION,
            "forecasts": list(self.forecasts),
            "rows": self.rows.to_dict("records"),
            "statements": self.statements.to_dict("records"),
        }

    def _summary(self) -> str:
        lines = []
        for name in self.forecasts:
            rows = self.rows[self.rows["forecast"] == name]
            settled = self.statements[self.statements["forecast"] == name]
            covered = (
                f"80 % interval holds {rows['covered_80'].mean():.0%} of {len(rows)} facts"
                if len(rows)
                else "no later fact"
            )
            brier = f"; Brier score {settled['brier'].mean():.3f} of {len(settled)} statements" if len(settled) else ""
            lines.append(f"{name}: {covered}{brier}")
        return "\n".join(lines)

    def _targets(self) -> str:
        if self.rows.empty:
            return ""
        lines = []
        for row in self.rows.to_dict("records"):
            digits = decimals(abs(row["actual"]))
            numbers = [shown(row[key], digits) for key in ("actual", "median", "low_80", "high_80", "crps")]
            lines.append([row["target"], row["quarter"], *numbers, "yes" if row["covered_80"] else "no"])
        return aligned(("", "quarter", "fact", "median", "10 %", "90 %", "CRPS", "inside"), lines)

    def _statements(self, width: int) -> str:
        told = [
            fill(f"{row['says']}: {'yes' if row['happened'] else 'no'} (said {row['probability']:.0%})", width)
            for row in self.statements.to_dict("records")
        ]
        return "\n".join(told)


def score_ledger(folder: str | Path = SHIPPED_LEDGER, facts: Facts | None = None) -> LedgerScores:
    """Score every frozen forecast on the facts that were not known when it was frozen.

    CRPS of the members (Gneiting and Raftery 2007) in the target's unit, whether the fact lies between the 10 % and
    90 % quantiles, and Brier's score (p - happened)² of statements about targets that the facts now settle. A fact
    counts if its quarter lies after the forecast's origin and it was not in the facts when the forecast was frozen.

    Raises SweepError, one line, for a file that was changed after it was frozen.
    """
    import pandas as pd

    from market.facts import Facts

    known = facts or Facts.load()
    ledger = read_ledger(folder)
    observed = {
        name: {measured.quarter: float(measured.value) for measured in target(name).observed(known)}
        for name in target_names(known)
    }
    rows = [row for name, content in ledger.items() for row in _scored(name, content, observed)]
    settled = [row for name, content in ledger.items() for row in _settled(name, content, observed)]
    return LedgerScores(
        pd.DataFrame(rows, columns=list(ROW)), pd.DataFrame(settled, columns=list(SETTLED)), tuple(ledger)
    )


def _scored(
    name: str, content: Mapping[str, Any], observed: Mapping[str, Mapping[int, float]]
) -> Iterator[dict[str, Any]]:
    origin = quarter_index(content["origin"])
    for key, members in content["targets"].items():
        series, _, quarter = key.rpartition("@")
        actual = observed.get(series, {}).get(quarter_index(quarter))
        if actual is None or quarter in content["known"].get(series, ()):
            continue
        low, median, high = (float(value) for value in np.quantile(members, (0.1, 0.5, 0.9)))
        yield {
            "forecast": name,
            "target": series,
            "quarter": quarter,
            "horizon": quarter_index(quarter) - origin,
            "actual": actual,
            "median": median,
            "low_80": low,
            "high_80": high,
            "crps": float(crps(np.array(members), actual)),
            "covered_80": low <= actual <= high,
        }


def _settled(
    name: str, content: Mapping[str, Any], observed: Mapping[str, Mapping[int, float]]
) -> Iterator[dict[str, Any]]:
    origin = quarter_index(content["origin"])
    for entry in content["statements"]:
        happened = _happened(Statement.parse(entry["test"]), observed, content["known"], origin)
        if happened is not None and entry["probability"] is not None:
            told = {key: entry[key] for key in ("name", "says", "probability")}
            yield {"forecast": name, **told, "happened": happened, "brier": (entry["probability"] - happened) ** 2}


def _happened(
    statement: Statement,
    observed: Mapping[str, Mapping[int, float]],
    known: Mapping[str, Sequence[str]],
    origin: int,
) -> bool | None:
    """Whether facts say that a statement about a target came true; None where they do not say, or said so before."""
    series = next((name for name in observed if plain_columns(name) == statement.outcome.column), None)
    if series is None or statement.quarters is None:
        return None
    values = observed[series]
    asked = range(statement.quarters[0], statement.quarters[1] + 1)
    later = [quarter for quarter in asked if quarter > origin and quarter_name(quarter) not in known.get(series, ())]
    if not later or any(quarter not in values for quarter in asked):
        return None
    import pandas as pd

    table = pd.DataFrame(
        {"run": 0, "quarter": [quarter_name(q) for q in asked], statement.outcome.column: [values[q] for q in asked]}
    )
    try:
        return bool(statement.holds({"market": table}).loc[0])
    except SweepError:
        return None
