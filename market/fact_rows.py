"""Reading the fact files: one frozen row per line, one clear error per bad cell.

A blank cell is undisclosed, never zero. Money is nominal USD billions.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import NamedTuple

from market.calendar import quarter_index

CONFIDENCES = ("high", "medium", "low", "unverified")
TARGET_CONFIDENCES = frozenset({"high", "medium"})


class FactsError(ValueError):
    """A fact file that cannot be used; the message is one line with file and line."""


class Observation(NamedTuple):
    """One value of a series; `confidence` is that of its row, or `imputed`."""

    quarter: int
    value: float
    confidence: str

    @property
    def is_target(self) -> bool:
        """Whether a calibration may aim at it: `low`, `unverified` and `imputed` values never are.

        >>> Observation(8100, 1.0, "high").is_target, Observation(8100, 1.0, "unverified").is_target
        (True, False)
        """
        return self.confidence in TARGET_CONFIDENCES


@dataclass(frozen=True, slots=True)
class Cells:
    """The cells of one line and the place to name in an error."""

    where: str
    values: Mapping[str, str]

    def error(self, message: str) -> FactsError:
        """An error that starts with file and line."""
        return FactsError(f"{self.where}: {message}")

    def text(self, column: str) -> str:
        """Text of a cell that must not be blank."""
        text = self.values[column]
        if not text:
            raise self.error(f"{column} is blank")
        return text

    def number(self, column: str, low: float = -math.inf) -> float | None:
        """A finite number that is at least `low`, or None for a blank cell."""
        text = self.values[column]
        if not text:
            return None
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise self.error(f"{column} is {text!r}, not a finite number")
        if value < low:
            raise self.error(f"{column} is {text}, below {low:g}")
        return value

    def required_number(self, column: str, low: float = -math.inf) -> float:
        """A finite number in a cell that must not be blank."""
        value = self.number(column, low)
        if value is None:
            raise self.error(f"{column} is blank")
        return value

    def disclosed(self, column: str, low: float = -math.inf) -> float | None:
        """A number that is never zero: in the deals a blank cell is undisclosed, so that zero says nothing."""
        value = self.number(column, low)
        if value == 0:
            raise self.error(f"{column} is 0; leave it blank when it is not disclosed")
        return value

    def day(self, column: str) -> date:
        """A date written as 2026-04-20."""
        text = self.text(column)
        try:
            return date.fromisoformat(text)
        except ValueError:
            raise self.error(f"{column} is {text!r}, not a date such as 2026-04-20") from None

    def quarter(self, column: str) -> int:
        """A quarter written as 2026Q3."""
        try:
            return quarter_index(self.text(column))
        except FactsError:
            raise
        except ValueError as problem:
            raise self.error(f"{column}: {problem}") from None

    def one_of(self, column: str, allowed: tuple[str, ...]) -> str:
        """One of a few words."""
        text = self.values[column]
        if text not in allowed:
            raise self.error(f"{column} is {text!r}; allowed: {', '.join(repr(word) for word in allowed)}")
        return text

    def source(self) -> str:
        """Where the row's figures come from; blank in a file without that column."""
        return self.values.get("source", "")

    def confidence(self) -> str:
        """The row's confidence."""
        return self.one_of("confidence", CONFIDENCES)


def read_cells(path: Path, columns: tuple[str, ...]) -> Iterator[Cells]:
    """Lines of a CSV file that has at least the named columns, in order.

    Raises FactsError when the file cannot be read, is no UTF-8 text, lacks a column or has a line
    of another length. Blank lines are skipped and columns not named are ignored.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as problem:
        raise FactsError(f"{path}: cannot be read ({problem.strerror})") from None
    except UnicodeDecodeError:
        raise FactsError(f"{path}: is not UTF-8 text") from None
    reader = csv.reader(io.StringIO(text), strict=True)
    try:
        header = next(reader, [])
        missing = [column for column in columns if column not in header]
        if missing:
            raise FactsError(f"{path}:1: column {missing[0]!r} is missing; expected {','.join(columns)}")
        for line in reader:
            where = f"{path}:{reader.line_num}"
            if not line:
                continue
            if len(line) != len(header):
                raise FactsError(f"{where}: {len(line)} cells where the header has {len(header)}")
            yield Cells(where, {column: cell.strip() for column, cell in zip(header, line, strict=True)})
    except csv.Error as problem:
        raise FactsError(f"{path}:{reader.line_num}: {problem}") from None


@dataclass(frozen=True, slots=True)
class Row:
    """What every row has: where it stands, its quarter, its confidence and, if the file gives one, its source."""

    where: str
    quarter: int
    confidence: str
    source: str = field(default="", kw_only=True)

    @property
    def is_target(self) -> bool:
        """Whether a calibration may aim at it."""
        return self.confidence in TARGET_CONFIDENCES


@dataclass(frozen=True, slots=True)
class CapexRow(Row):
    """Cash purchases of property and equipment; `quarters` is 1, or 4 for a calendar year that ends in `quarter`."""

    company: str
    capex_usd_bn: float
    quarters: int = 1


@dataclass(frozen=True, slots=True)
class CloudRow(Row):
    """Revenue and backlog of a company's segment."""

    company: str
    segment: str
    revenue_usd_bn: float | None
    backlog_usd_bn: float | None


@dataclass(frozen=True, slots=True)
class LabRow(Row):
    """What became known of a lab on a day."""

    lab: str
    date: date
    valuation_usd_bn: float | None
    annualised_revenue_usd_bn: float | None
    funding_round_usd_bn: float | None
    compute_gw: float | None
    note: str


@dataclass(frozen=True, slots=True)
class MeasureRow(Row):
    """A value of a named measure: supply, adoption or a provider's market share."""

    measure: str
    value: float
    unit: str


@dataclass(frozen=True, slots=True)
class DealRow(Row):
    """A disclosed deal as it stands in the file; None is undisclosed.

    `provider` and `lab` are the parties' own names; `provider_kind` and `lab_kind` come from names.csv.
    """

    slug: str
    date: date
    provider: str
    provider_text: str
    provider_kind: str
    lab: str
    lab_kind: str
    equity_usd_bn: float | None
    equity_upfront_usd_bn: float | None
    equity_stake_pct: float | None
    compute_commitment_usd_bn: float | None
    compute_term_years: float | None
    compute_gw: float | None
    exclusivity: str
    chips: str
    note: str
