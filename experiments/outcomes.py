"""Outcomes: one number a run, named in a short grammar and read off the result tables."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cloudpact.schema import TABLES
from experiments.sweeps.errors import SweepError
from market.calendar import quarter_index, quarter_name
from market.scenario_errors import did_you_mean

if TYPE_CHECKING:
    import pandas as pd

    type Numbers = pd.Series[float]

OUTCOMES = "outcomes"  # the table of a swept function: a row a run, a column an outcome, no quarters

# By table: the columns whose values name a row of one run and quarter.
_ENTITIES: dict[str, tuple[str, ...]] = {
    "market": (),
    "providers": ("provider",),
    "labs": ("lab",),
    "alignment": ("lab", "provider"),
}
_REDUCTIONS = ("mean", "min", "max", "sum")
_GRAMMAR = (
    "COLUMN, COLUMN@2028Q4, mean(COLUMN@2027Q1..2030Q4), sum(COLUMN@last4), max(COLUMN), "
    "labs[LAB].COLUMN, providers[PROVIDER].COLUMN or alignment[LAB,PROVIDER].COLUMN"
)
_FORM = re.compile(
    r"(?:(?P<reduction>\w+)\s*\(\s*)?"
    r"(?:(?P<table>\w+)\s*\[(?P<entities>[^\[\]]*)\]\s*\.\s*)?"
    r"(?P<column>[^\[\]()@,]+?)\s*"
    r"(?:@\s*(?P<window>[\w.]+?)\s*)?"
    r"(?P<closing>\))?"
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """A column of a result table, of one entity if the table has several, in one quarter or over a window.

    Without a quarter it is the run's last one; a reduction without a window runs over all of the run's quarters.
    `first` and `last` are calendar indices of a window that is named, `latest` counts quarters back from the end.

    >>> Outcome.parse("labs[OpenAI].dependence_hhi@2028Q4").columns
    ('run', 'quarter', 'lab', 'dependence_hhi')
    >>> Outcome.parse("sum(capex_usd_bn@last4)").unit
    'USD bn'
    """

    text: str
    table: str
    column: str
    entities: tuple[str, ...] = ()
    reduction: str = ""
    first: int | None = None
    last: int | None = None
    latest: int | None = None

    @classmethod
    def parse(cls, text: str) -> Outcome:
        """The outcome that a text names; raises SweepError, in one line, where it is not in the grammar."""
        found = _FORM.fullmatch(text.strip())
        if found is None or bool(found["reduction"]) != bool(found["closing"]):
            raise _problem(text, "is not an outcome", _GRAMMAR)
        reduction, table = found["reduction"] or "", found["table"] or "market"
        if reduction not in ("", *_REDUCTIONS):
            raise _problem(text, f"unknown reduction {reduction!r}", ", ".join(_REDUCTIONS), reduction, _REDUCTIONS)
        if table not in _ENTITIES:
            raise _problem(text, f"unknown table {table!r}", ", ".join(_ENTITIES), table, tuple(_ENTITIES))
        entities = tuple(name.strip() for name in (found["entities"] or "").split(",") if name.strip())
        if found["table"] and (not entities or len(entities) != len(_ENTITIES[table])):
            raise _problem(text, f"{table} takes the names of {len(_ENTITIES[table])}", _GRAMMAR)
        first, last, latest = _window(text, found["window"] or "", reduction)
        return cls(text.strip(), table, found["column"], entities, reduction, first, last, latest)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the table that it is read from."""
        return ("run", "quarter", *_ENTITIES[self.table], self.column)

    @property
    def unit(self) -> str:
        """Unit from the schema; empty for a column it does not document, such as an outcome of a function."""
        units = {column.name: column.unit for column in TABLES[self.table].columns}
        unit = units.get(self.column, "")
        return unit.removesuffix("/quarter") if self.reduction == "sum" else unit

    def of(self, tables: Mapping[str, pd.DataFrame]) -> Numbers:
        """The outcome by run, for the runs that the tables hold.

        It is NaN where the value does not exist: the lab has failed or not entered, the provider takes no part, the
        quarter lies beyond the run's end. A window has a value only where each of its quarters has one, since a mean
        over the quarters that a lab survived would tell of another world. Raises SweepError for a column, a quarter
        or a name that no run has.
        """
        if OUTCOMES in tables:
            return self._of_function(tables[OUTCOMES])
        frame = self._frame(tables)
        return self._reduced(frame, _last_quarters(tables.get("market", frame)))

    def _of_function(self, frame: pd.DataFrame) -> Numbers:
        names = [name for name in frame.columns if name != "run"]
        if self.column not in names:
            raise _problem(self.text, f"no outcome {self.column!r}", ", ".join(names), self.column, names)
        if self.text != self.column:
            raise _problem(self.text, "an outcome of a function is its name alone", ", ".join(names))
        return self._named(frame.set_index("run")[self.column].astype(float).sort_index())

    def _frame(self, tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
        """The rows of the entity, after the checks of table, column and names."""
        if self.table not in tables:
            raise _problem(self.text, f"the table {self.table!r} was not kept", ", ".join(sorted(tables)))
        frame = tables[self.table]
        if frame.empty:
            raise SweepError(f"outcome {self.text!r}: no run has finished, the table {self.table!r} is empty")
        numeric = _numeric(frame)
        if self.column not in numeric:
            kind = "is text" if self.column in frame.columns else "unknown column"
            raise _problem(self.text, f"{kind}: {self.column!r}", ", ".join(numeric), self.column, numeric)
        for column, name in zip(_ENTITIES[self.table], self.entities, strict=True):
            chosen = (frame[column] == name).to_numpy()
            if not chosen.any():
                names = sorted(frame[column].unique())
                raise _problem(self.text, f"no {column} {name!r} in any run", ", ".join(names), name, names)
            frame = frame[chosen]
        return frame

    def _reduced(self, frame: pd.DataFrame, ends: pd.DataFrame) -> Numbers:
        """The values of the window, reduced by run; `ends` has the first and the last quarter of every run."""
        self._require_window(ends)
        first, last = ends["first"], ends["last"]
        if self.latest is not None:
            first = last - self.latest + 1
        elif self.first is not None and self.last is not None:
            first, last = first * 0 + self.first, last * 0 + self.last
        quarters = _indices(frame["quarter"])
        run = frame["run"]
        inside = (quarters >= run.map(first).to_numpy()) & (quarters <= run.map(last).to_numpy())
        grouped = frame.loc[inside, self.column].astype(float).groupby(run[inside])
        # One quarter is its own maximum, bit for bit.
        found = grouped.agg(self.reduction or "max").reindex(ends.index)
        complete = grouped.count().reindex(ends.index, fill_value=0) == last - first + 1
        return self._named(found.where(complete))

    def _require_window(self, ends: pd.DataFrame) -> None:
        for quarter in (self.first, self.last):
            if quarter is not None and not ((ends["first"] <= quarter) & (quarter <= ends["last"])).any():
                span = f"{quarter_name(ends['first'].min())}..{quarter_name(ends['last'].max())}"
                raise _problem(self.text, f"no run has the quarter {quarter_name(quarter)}", span)

    def _named(self, values: Numbers) -> Numbers:
        return values.rename(self.text).rename_axis("run")


HEADLINE: tuple[str, ...] = (
    "alignment_hhi",
    "market_hhi",
    "mhhi_delta",
    "capacity_gw",
    "sum(capex_usd_bn@last4)",
    "price_usd_bn_per_gw_quarter",
    "utilisation_frac",
    "lab_revenue_annualised_usd_bn",
    "circularity_frac",
    "adoption_frac",
    "sum(deals_signed)",
    "sum(equity_usd_bn)",
)


def outcome_names(tables: Mapping[str, pd.DataFrame]) -> list[str]:
    """The outcomes that some tables offer, each at the last quarter: `capacity_gw`, `labs[OpenAI].compute_gw`, ..."""
    if OUTCOMES in tables:
        return [name for name in tables[OUTCOMES].columns if name != "run"]
    names: list[str] = []
    for table, keys in _ENTITIES.items():
        if table in tables:
            columns = _numeric(tables[table])
            names += [prefix + column for prefix in _prefixes(tables[table], table, keys) for column in columns]
    return names


def _prefixes(frame: pd.DataFrame, table: str, keys: tuple[str, ...]) -> list[str]:
    if not keys:
        return [""]
    rows = frame[list(keys)].drop_duplicates().sort_values(list(keys))
    return [f"{table}[{','.join(row)}]." for row in rows.itertuples(index=False)]


def _numeric(frame: pd.DataFrame) -> list[str]:
    from pandas.api.types import is_numeric_dtype

    return [name for name in frame.columns if name != "run" and is_numeric_dtype(frame[name])]


def _window(text: str, window: str, reduction: str) -> tuple[int | None, int | None, int | None]:
    """First, last and latest of an Outcome."""
    if not window:
        return None, None, None if reduction else 1
    latest = re.fullmatch(r"last([1-9]\d{0,3})", window)
    begin, dots, end = window.partition("..")
    if not reduction and (latest or dots):
        raise _problem(text, "a window needs a reduction", ", ".join(f"{name}(...)" for name in _REDUCTIONS))
    if latest:
        return None, None, int(latest[1])
    try:
        first, last = quarter_index(begin), quarter_index(end if dots else begin)
    except ValueError as error:
        raise _problem(text, f"{window!r} is no quarter or window", "2028Q4, 2027Q1..2030Q4 or last4") from error
    if first > last:
        raise _problem(text, f"{begin} comes after {end}", f"{end}..{begin}")
    return first, last, None


def _last_quarters(calendar: pd.DataFrame) -> pd.DataFrame:
    """First and last quarter of every run, as calendar indices."""
    import pandas as pd

    quarters = pd.Series(_indices(calendar["quarter"]), index=calendar.index)
    ends = quarters.groupby(calendar["run"]).agg(["min", "max"])
    return ends.set_axis(["first", "last"], axis=1)


def _indices(quarters: pd.Series[Any]) -> Any:
    """Calendar indices of named quarters: each distinct name is read once."""
    import numpy as np

    codes, names = quarters.factorize()
    return np.array([quarter_index(name) for name in names], dtype=np.int64)[codes]


def _problem(text: str, what: str, allowed: str, word: str = "", choices: Any = ()) -> SweepError:
    meant = did_you_mean(word, list(choices)) if word else ""
    return SweepError(f"outcome {text!r}: {what}; allowed: {allowed}{meant}")
