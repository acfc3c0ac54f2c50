"""The disclosed facts: what ships, or a folder with newer files, and only what was known at an origin.

Series are nominal USD billions unless said; quarters are calendar, as integers. See
`market/data/README.md` for definitions and weak rows and `docs/facts.md` for roles and imputation.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from market.calendar import quarter_index, quarter_of
from market.disclosed import DisclosedDeal, ImputationRules, disclosed_deal
from market.fact_files import (
    COLUMNS,
    LAB_MEASURES,
    adoption_rows,
    capex_rows,
    cloud_rows,
    deal_rows,
    fact_paths,
    files_hash,
    lab_rows,
    share_rows,
    supply_rows,
)
from market.fact_names import Names, Override, RoleRow, read_overrides, read_roles, role_of
from market.fact_rows import (
    CapexRow,
    CloudRow,
    DealRow,
    FactsError,
    LabRow,
    MeasureRow,
    Observation,
    Row,
    read_cells,
)

__all__ = ["LAB_MEASURES", "Facts", "FactsError", "Observation", "constant_price"]

# Microsoft redefined Intelligent Cloud at 2024Q3. The four quarters before it, reported under the old
# definition (sum 105.362), were restated to 87.464 in all: earlier quarters are multiplied by the ratio.
SEGMENT_CHANGE = quarter_index("2024Q3")
RECAST_FACTOR = 87.464 / 105.362


def constant_price(quarter: int) -> float:
    """Market price used when no other is passed: 3.0 USD bn per GW-quarter (12 a GW-year)."""
    return 3.0


@dataclass(frozen=True)
class Facts:
    """All facts, or those known at `origin`; every row carries its confidence and its place in the files."""

    capex_rows: tuple[CapexRow, ...]
    cloud_rows: tuple[CloudRow, ...]
    lab_rows: tuple[LabRow, ...]
    share_rows: tuple[MeasureRow, ...]
    adoption_rows: tuple[MeasureRow, ...]
    supply_rows: tuple[MeasureRow, ...]
    deal_rows: tuple[DealRow, ...]
    roles: Mapping[str, RoleRow]
    overrides: Mapping[str, tuple[Override, ...]]
    topics: Mapping[str, frozenset[str]]
    notes: tuple[str, ...]
    hash: str
    deals_until: int
    """Last quarter whose deals are all in: the one before the quarter of the last row, which may still be running."""
    origin: int | None = None

    @staticmethod
    def load(folder: Path | None = None) -> Facts:
        """The shipped facts, or those of a folder; a file that the folder lacks is the shipped one.

        Raises FactsError (one line, with file and line) for a folder or file that cannot be read,
        a malformed row, an unknown company, or a misspelt provider or lab. A provider or lab that
        is altogether new is taken as not modelled and noted in `notes`.
        """
        return _load(fact_paths(folder))

    def known_at(self, origin: int) -> Facts:
        """Only what was known at the end of quarter `origin`: later rows and later corrections are gone.

        Idempotent, and never widens: known_at of a later quarter returns the narrower of both.

        >>> Facts.load().known_at(quarter_index("2019Q3")).disclosed_deals()[-1].slug
        'microsoft-openai-2019-07'
        """
        origin = origin if self.origin is None else min(origin, self.origin)
        overrides = {
            slug: tuple(entry for entry in entries if quarter_of(entry.known_from) <= origin)
            for slug, entries in self.overrides.items()
        }
        return dataclasses.replace(
            self,
            capex_rows=_until(self.capex_rows, origin),
            cloud_rows=_until(self.cloud_rows, origin),
            lab_rows=_until(self.lab_rows, origin),
            share_rows=_until(self.share_rows, origin),
            adoption_rows=_until(self.adoption_rows, origin),
            supply_rows=_until(self.supply_rows, origin),
            deal_rows=_until(self.deal_rows, origin),
            overrides=overrides,
            deals_until=min(self.deals_until, origin),
            origin=origin,
        )

    @property
    def last_capex_quarter(self) -> int:
        """Last quarter with a figure of every company that reports by quarter."""
        last: dict[str, int] = {}
        for row in self.capex_rows:
            if row.quarters == 1:
                last[row.company] = max(row.quarter, last.get(row.company, row.quarter))
        if not last:
            raise FactsError("no capex was known at this origin")
        return min(last.values())

    @property
    def latest_origin(self) -> int:
        """The quarter that a forecast from these facts starts from; rows appended for all companies move it on."""
        return self.last_capex_quarter

    def capex(self, company: str) -> dict[int, float]:
        """Cash purchases of property and equipment by quarter, finance leases excluded."""
        return _as_dict(self.capex_observations(company))

    def capex_observations(self, company: str) -> list[Observation]:
        """As `capex`, with confidence: a year without quarters is spread evenly over its four, marked imputed.

        The spread applies to fiscal years that are calendar years (CoreWeave) and adds up to the year.
        """
        self._check("company", company)
        rows = [row for row in self.capex_rows if row.company == company]
        values = {row.quarter: _observation(row, row.capex_usd_bn) for row in rows if row.quarters == 1}
        for row in (row for row in rows if row.quarters == 4):
            quarters = range(row.quarter - 3, row.quarter + 1)
            if not any(quarter in values for quarter in quarters):
                values |= {quarter: Observation(quarter, row.capex_usd_bn / 4, "imputed") for quarter in quarters}
        return [values[quarter] for quarter in sorted(values)]

    def cloud_revenue(self, provider: str) -> dict[int, float]:
        """Revenue of the provider's cloud segment by quarter, joined over Microsoft's change of segments."""
        return _as_dict(self.cloud_revenue_observations(provider))

    def cloud_revenue_observations(self, provider: str) -> list[Observation]:
        """As `cloud_revenue`, with confidence.

        Once quarters from 2024Q3 on are known, Microsoft's earlier ones are multiplied by
        `RECAST_FACTOR` (0.830) and marked imputed; at an earlier origin they stay as reported then.
        """
        reported = self.cloud_revenue_as_reported(provider)
        if provider != "Microsoft" or not any(value.quarter >= SEGMENT_CHANGE for value in reported):
            return reported
        return [
            Observation(quarter, value * RECAST_FACTOR, "imputed")
            if quarter < SEGMENT_CHANGE
            else Observation(quarter, value, confidence)
            for quarter, value, confidence in reported
        ]

    def cloud_revenue_as_reported(self, provider: str) -> list[Observation]:
        """Revenue of the provider's cloud segment under the definitions of each quarter."""
        self._check("company", provider)
        rows = (row for row in self.cloud_rows if row.company == provider)
        return [_observation(row, row.revenue_usd_bn) for row in rows if row.revenue_usd_bn is not None]

    def backlog(self, provider: str) -> dict[int, float]:
        """Contracted revenue not yet delivered (RPO); the whole company's for Microsoft, Google and Oracle."""
        return _as_dict(self.backlog_observations(provider))

    def backlog_observations(self, provider: str) -> list[Observation]:
        """As `backlog`, with confidence."""
        self._check("company", provider)
        rows = (row for row in self.cloud_rows if row.company == provider)
        return [_observation(row, row.backlog_usd_bn) for row in rows if row.backlog_usd_bn is not None]

    def market_share(self, provider: str) -> dict[int, float]:
        """Share of cloud infrastructure services, as a fraction, by quarter."""
        return _as_dict(self.market_share_observations(provider))

    def market_share_observations(self, provider: str) -> list[Observation]:
        """As `market_share`, with confidence."""
        self._check("company", provider)
        return [_observation(row, row.value) for row in self.share_rows if row.measure == provider]

    def supply(self, measure: str) -> list[Observation]:
        """A measure of supply.csv in its own unit, in the order of the file."""
        self._check("supply measure", measure)
        return [_observation(row, row.value) for row in self.supply_rows if row.measure == measure]

    def adoption(self, measure: str) -> list[Observation]:
        """A measure of adoption.csv as a fraction, in the order of the file; a quarter may hold several."""
        self._check("adoption measure", measure)
        return [_observation(row, row.value) for row in self.adoption_rows if row.measure == measure]

    def lab_series(self, lab: str, measure: str) -> list[Observation]:
        """One of `LAB_MEASURES` of a lab by date; a quarter may hold several.

        Compute in use joins labs.csv and supply.csv; where both have a quarter, labs.csv stands.
        """
        self._check("lab", lab)
        if measure not in LAB_MEASURES:
            raise FactsError(f"{measure!r} is no measure of a lab; allowed: {', '.join(LAB_MEASURES)}")
        rows = sorted((row for row in self.lab_rows if row.lab == lab), key=lambda row: row.date)
        values = ((row, getattr(row, measure)) for row in rows)
        series = [_observation(row, value) for row, value in values if value is not None]
        if measure != "compute_gw":
            return series
        have = {value.quarter for value in series}
        in_use = (row for row in self.supply_rows if row.measure == f"Compute in use, {lab}")
        series += [_observation(row, row.value) for row in in_use if row.quarter not in have]
        return sorted(series, key=lambda value: value.quarter)

    def disclosed_deals(
        self,
        price_at: Callable[[int], float] = constant_price,
        rules: ImputationRules = ImputationRules(),  # noqa: B008 (frozen)
    ) -> list[DisclosedDeal]:
        """All known deal rows by date as term sheets, ignored rows with empty terms.

        `price_at(quarter)` is the market price in USD bn per GW-quarter.
        """
        known = frozenset(row.slug for row in self.deal_rows)
        deals = [
            disclosed_deal(
                row, role_of(row, self.roles, known), self.overrides.get(row.slug, ()), self.lab_rows, price_at, rules
            )
            for row in self.deal_rows
        ]
        return sorted(deals, key=lambda deal: deal.date)

    def _check(self, topic: str, name: str) -> None:
        allowed = self.topics[topic]
        if name in allowed:
            return
        close = difflib.get_close_matches(name, allowed, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"allowed: {', '.join(sorted(allowed))}"
        raise FactsError(f"{name!r} is no {topic} of the facts; {hint}")


def _load(paths: Mapping[str, Path]) -> Facts:
    cells = {name: list(read_cells(paths[name], columns)) for name, columns in COLUMNS.items()}
    names = Names(cells["names.csv"])
    notes: list[str] = []
    capex = tuple(capex_rows(cells["capex_quarterly.csv"], cells["capex_annual.csv"], names))
    labs = tuple(lab_rows(cells["labs.csv"], names, notes))
    deals = tuple(deal_rows(cells["deals.csv"], names, notes))
    adoption = tuple(adoption_rows(cells["adoption.csv"]))
    supply = tuple(supply_rows(cells["supply.csv"]))
    shares = tuple(share_rows(cells["market_share.csv"], names, notes))
    companies = {name.name for use, name in names.entries() if use in ("company", "provider")}
    known_labs = {name.name for use, name in names.entries() if use == "lab"}
    return Facts(
        capex_rows=capex,
        cloud_rows=tuple(cloud_rows(cells["cloud_revenue.csv"], names)),
        lab_rows=labs,
        share_rows=shares,
        adoption_rows=adoption,
        supply_rows=supply,
        deal_rows=deals,
        roles=read_roles(cells["deal_roles.csv"]),
        overrides=read_overrides(cells["deal_overrides.csv"]),
        topics={
            "company": frozenset(companies | {row.measure for row in shares}),
            "lab": frozenset(known_labs | {row.lab for row in labs} | {row.lab for row in deals}),
            "adoption measure": frozenset(row.measure for row in adoption),
            "supply measure": frozenset(row.measure for row in supply),
        },
        notes=tuple(notes),
        hash=files_hash(paths),
        deals_until=max((row.quarter for row in deals), default=0) - 1,
    )


def _until[R: Row](rows: Sequence[R], origin: int) -> tuple[R, ...]:
    return tuple(row for row in rows if row.quarter <= origin)


def _observation(row: Row, value: float) -> Observation:
    return Observation(row.quarter, value, row.confidence)


def _as_dict(series: Iterable[Observation]) -> dict[int, float]:
    return {value.quarter: value.value for value in series}
