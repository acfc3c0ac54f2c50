"""Probability statements: an outcome or a target series compared with a number."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cloudpact.schema import TABLES
from experiments.forecasting.outlook import ROOT
from experiments.forecasting.series import TOP_TWO, target_series
from experiments.outcomes import Outcome
from experiments.sweeps.errors import SweepError
from market.calendar import quarter_index, quarter_name
from market.scenario import Scenario
from market.scenario_errors import did_you_mean

if TYPE_CHECKING:
    import pandas as pd

SHIPPED_STATEMENTS = ROOT / "forecasts" / "statements.toml"
LEVEL = 0.95
_FORM = re.compile(r"(?P<outcome>.+?)\s*(?P<sign><=|>=|<|>)\s*(?P<bound>[^<>=]+)")
_TARGET = re.compile(r"\b(\w+)\[([^\[\]]+)\](?!\s*\.)")  # `capex[four]`, unlike `labs[OpenAI].compute_gw`
_GRAMMAR = "OUTCOME < NUMBER (or >, <=, >=), such as 'sum(capex[four]@2028Q1..2028Q4) > 800'"


@dataclass(frozen=True)
class Statement:
    """That an outcome lies above or below a number; `says` is the same in words.

    >>> Statement.parse("labs[OpenAI].dependence_hhi@2028Q4 < 3000").bound
    3000.0
    """

    name: str
    says: str
    test: str
    outcome: Outcome
    sign: str
    bound: float

    @classmethod
    def parse(cls, test: str, name: str = "", says: str = "") -> Statement:
        """The statement that a text makes; raises SweepError, one line, for what is none."""
        found = _FORM.fullmatch(test.strip())
        if found is None:
            raise SweepError(f"statement {test!r}: is none; allowed: {_GRAMMAR}")
        try:
            bound = float(found["bound"])
        except ValueError:
            raise SweepError(f"statement {test!r}: {found['bound']!r} is no number; allowed: {_GRAMMAR}") from None
        if not np.isfinite(bound):
            raise SweepError(f"statement {test!r}: {found['bound']!r} is not finite; allowed: {_GRAMMAR}")
        outcome = Outcome.parse(plain_columns(found["outcome"]))
        return cls(name or test.strip(), says or test.strip(), test.strip(), outcome, found["sign"], bound)

    @cached_property
    def quarters(self) -> tuple[int, int] | None:
        """First and last quarter that it is about; None where it names none."""
        first, last = self.outcome.first, self.outcome.last
        return None if first is None or last is None else (first, last)

    def holds(self, tables: Mapping[str, pd.DataFrame]) -> pd.Series[float]:
        """By run: 1 where it holds, 0 where not, NaN where the outcome does not exist (the lab has failed)."""
        try:
            values = self.outcome.of(tables)
        except SweepError as error:
            raise SweepError(f"statement {self.test!r}: {error}") from error
        compared = {
            "<": values < self.bound,
            ">": values > self.bound,
            "<=": values <= self.bound,
            ">=": values >= self.bound,
        }
        return compared[self.sign].astype(float).where(values.notna())


def plain_columns(text: str) -> str:
    """Names of targets as the outcome grammar takes columns.

    >>> plain_columns("sum(capex[four]@2028Q1..2028Q4)"), plain_columns("labs[xAI].compute_gw")
    ('sum(capex four@2028Q1..2028Q4)', 'labs[xAI].compute_gw')
    """
    return _TARGET.sub(r"\1 \2", text)


def read_statements(file: str | Path) -> list[Statement]:
    """The statements of a TOML file; raises SweepError, one line, for a file that cannot be used."""
    file = Path(file)
    try:
        entries = tomllib.loads(file.read_text(encoding="utf-8")).get("statements", [])
    except (OSError, ValueError) as error:
        raise SweepError(f"{file}: {getattr(error, 'strerror', None) or error}") from error
    found = []
    for number, entry in enumerate(entries):
        if not isinstance(entry, dict) or set(entry) != {"name", "says", "test"}:
            raise SweepError(f"{file}: statements.{number}: allowed: name, says and test, each once")
        found.append(Statement.parse(entry["test"], entry["name"], entry["says"]))
    return found


def check_statement(statement: Statement, scenario: Scenario, origin: int) -> None:
    """Raise SweepError, before anything is simulated, for a statement about another time or about nothing there is."""
    outcome, end = statement.outcome, scenario.time.end
    if statement.quarters is not None and not origin < statement.quarters[1] <= quarter_index(end):
        raise _refused(statement, "is not about the forecast", f"quarters of {quarter_name(origin + 1)}..{end}")
    columns = [column.name for column in TABLES[outcome.table].columns if column.dtype in ("float64", "int64", "bool")]
    if outcome.table == "market":
        columns += [plain_columns(name) for name in target_series(scenario)] + list(TOP_TWO)
    if outcome.column not in columns:
        told = did_you_mean(outcome.column, columns) or "; allowed: a column of the data dictionary, or a target"
        raise SweepError(f"statement {statement.test!r}: there is no {outcome.column!r}{told}")
    parties = [*scenario.hyperscalers, *scenario.labs]
    unknown = [name for name in outcome.entities if name not in parties]
    if unknown:
        told = did_you_mean(unknown[0], parties)
        raise _refused(statement, f"there is no {unknown[0]!r}", ", ".join(parties), told)


def _refused(statement: Statement, what: str, allowed: str, meant: str = "") -> SweepError:
    return SweepError(f"statement {statement.test!r}: {what}; allowed: {allowed}{meant}")


def fitting(statements: Sequence[Statement], scenario: Scenario, origin: int) -> list[Statement]:
    """Those of some statements that are about what a forecast has and when it has it."""

    def fits(statement: Statement) -> bool:
        try:
            check_statement(statement, scenario, origin)
        except SweepError:
            return False
        return True

    return [each for each in statements if fits(each)]


def jeffreys(successes: float, trials: float, level: float = LEVEL) -> tuple[float, float]:
    """Jeffreys interval of a probability: quantiles of Beta(k + 1/2, n - k + 1/2); 0 where k = 0, 1 where k = n.

    Source: Brown, Cai and DasGupta (2001), equation 10 with their modification at the ends.

    >>> [round(bound, 4) for bound in jeffreys(0, 10)]
    [0.0, 0.2172]
    """
    from scipy.stats import beta

    tail = (1.0 - level) / 2.0
    low, high = (float(beta.ppf(at, successes + 0.5, trials - successes + 0.5)) for at in (tail, 1.0 - tail))
    return (0.0 if successes <= 0 else low, 1.0 if successes >= trials else high)


def effective_runs(runs: int, shared: NDArray[np.float64]) -> float:
    """Independent runs worth as much: every run shares its parameters with one other, its luck with another.

    runs / (1 + shared), with `shared` the shares of parameters and luck in the variance, 0 to 1; half of the runs
    where it cannot be told.
    """
    known = float(np.sum(shared))
    return runs / (1.0 + (min(max(known, 0.0), 1.0) if np.isfinite(known) else 1.0))
