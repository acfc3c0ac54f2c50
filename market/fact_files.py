"""Which fact files there are, where each is read from, and their lines as rows."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path

from market.calendar import quarter_of
from market.disclosed import EXCLUSIVITY
from market.fact_names import Name, Names, slug_part
from market.fact_rows import CapexRow, Cells, CloudRow, DealRow, FactsError, LabRow, MeasureRow

SHIPPED = Path(__file__).parent / "data"
LAB_MEASURES = ("annualised_revenue_usd_bn", "valuation_usd_bn", "compute_gw", "funding_round_usd_bn")

COLUMNS: dict[str, tuple[str, ...]] = {
    "names.csv": ("used_as", "text", "name", "kind", "slug"),
    "deal_roles.csv": ("slug", "role", "provider", "lab", "superseded_by", "reason"),
    "deal_overrides.csv": ("slug", "term", "value", "known_from", "reason"),
    "capex_quarterly.csv": ("quarter", "company", "capex_usd_bn", "confidence"),
    "capex_annual.csv": ("period_end", "company", "capex_usd_bn", "type", "confidence"),
    "cloud_revenue.csv": ("quarter", "company", "segment", "revenue_usd_bn", "backlog_usd_bn", "confidence"),
    "market_share.csv": ("date", "provider", "share_pct", "confidence"),
    "adoption.csv": ("date", "measure", "value_pct", "confidence"),
    "supply.csv": ("quarter", "measure", "value", "unit", "confidence"),
    "labs.csv": ("lab", "date", *LAB_MEASURES, "confidence", "note"),
    "deals.csv": (
        *("date", "provider", "lab", "equity_usd_bn", "equity_upfront_usd_bn", "equity_stake_pct"),
        *("compute_commitment_usd_bn", "compute_term_years", "compute_gw", "exclusivity", "chips"),
        *("confidence", "note"),
    ),
}


def fact_paths(folder: Path | None) -> dict[str, Path]:
    """Where each file is read from."""
    if folder is None:
        return {name: SHIPPED / name for name in COLUMNS}
    if not folder.is_dir():
        raise FactsError(f"{folder}: is no folder")
    try:
        present = {path.name for path in folder.iterdir() if path.suffix == ".csv"}
    except OSError as problem:
        raise FactsError(f"{folder}: cannot be read ({problem.strerror})") from None
    for name in sorted(present - COLUMNS.keys()):
        close = difflib.get_close_matches(name, COLUMNS.keys() - present, n=1, cutoff=0.8)
        if close:
            raise FactsError(f"{folder / name}: is no fact file; did you mean {close[0]!r}?")
    if not present & COLUMNS.keys():
        raise FactsError(f"{folder}: holds no fact file; expected {', '.join(COLUMNS)}")
    return {name: (folder if name in present else SHIPPED) / name for name in COLUMNS}


def files_hash(paths: Mapping[str, Path]) -> str:
    """sha256 over names and bytes of all files, in the order of `COLUMNS`."""
    digest = hashlib.sha256()
    for name in COLUMNS:
        content = paths[name].read_bytes()
        digest.update(f"{name} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def capex_rows(quarterly: Sequence[Cells], annual: Sequence[Cells], names: Names) -> Iterator[CapexRow]:
    """Quarterly rows, then fiscal years that are calendar years; a second figure for a quarter is refused."""
    seen: set[tuple[str, int]] = set()
    for cells in quarterly:
        company, quarter = names.require("company", cells, "company").name, cells.quarter("quarter")
        _refuse_second(cells, seen, (company, quarter), f"{company} {cells.values['quarter']}")
        value = cells.required_number("capex_usd_bn", low=0.0)
        yield CapexRow(cells.where, quarter, cells.confidence(), company, value, source=cells.source())
    for cells in annual:
        company, end = names.require("company", cells, "company").name, cells.day("period_end")
        value, confidence = cells.required_number("capex_usd_bn", low=0.0), cells.confidence()
        if (end.month, end.day) == (12, 31) and cells.text("type") == "actual":
            where, quarter = cells.where, quarter_of(end)
            yield CapexRow(where, quarter, confidence, company, value, quarters=4, source=cells.source())


def cloud_rows(lines: Iterable[Cells], names: Names) -> Iterator[CloudRow]:
    """Rows of the segments that are a provider's cloud; the other segments are only checked."""
    seen: set[tuple[str, int]] = set()
    for cells in lines:
        company = names.require("company", cells, "company").name
        segment, quarter = names.require("segment", cells, "segment"), cells.quarter("quarter")
        _refuse_second(cells, seen, (cells.text("segment"), quarter), f"{company} {cells.values['quarter']}")
        revenue, backlog = cells.number("revenue_usd_bn", low=0.0), cells.number("backlog_usd_bn", low=0.0)
        if segment.kind == "cloud":
            where, confidence, text, source = cells.where, cells.confidence(), cells.text("segment"), cells.source()
            yield CloudRow(where, quarter, confidence, company, text, revenue, backlog, source=source)


def _refuse_second(cells: Cells, seen: set[tuple[str, int]], key: tuple[str, int], what: str) -> None:
    if key in seen:
        raise cells.error(f"a second row for {what}")
    seen.add(key)


def share_rows(lines: Iterable[Cells], names: Names, notes: list[str]) -> Iterator[MeasureRow]:
    """Market shares as fractions, by provider."""
    for cells in lines:
        provider = _name(names, "provider", cells, "provider", notes).name
        quarter, share = cells.quarter("date"), cells.required_number("share_pct") / 100
        yield MeasureRow(cells.where, quarter, cells.confidence(), provider, share, "frac", source=cells.source())


def adoption_rows(lines: Iterable[Cells]) -> Iterator[MeasureRow]:
    """Adoption measures as fractions."""
    for cells in lines:
        quarter, value = quarter_of(cells.day("date")), cells.required_number("value_pct") / 100
        where, confidence, measure = cells.where, cells.confidence(), cells.text("measure")
        yield MeasureRow(where, quarter, confidence, measure, value, "frac", source=cells.source())


def supply_rows(lines: Iterable[Cells]) -> Iterator[MeasureRow]:
    """Supply measures in their own units."""
    for cells in lines:
        quarter, confidence, measure = cells.quarter("quarter"), cells.confidence(), cells.text("measure")
        value, unit = cells.required_number("value"), cells.text("unit")
        yield MeasureRow(cells.where, quarter, confidence, measure, value, unit, source=cells.source())


def lab_rows(lines: Iterable[Cells], names: Names, notes: list[str]) -> Iterator[LabRow]:
    """What became known of labs; a new lab is noted."""
    for cells in lines:
        day = cells.day("date")
        yield LabRow(
            where=cells.where,
            quarter=quarter_of(day),
            confidence=cells.confidence(),
            source=cells.source(),
            lab=_name(names, "lab", cells, "lab", notes).name,
            date=day,
            valuation_usd_bn=cells.number("valuation_usd_bn", low=0.0),
            annualised_revenue_usd_bn=cells.number("annualised_revenue_usd_bn", low=0.0),
            funding_round_usd_bn=cells.number("funding_round_usd_bn", low=0.0),
            compute_gw=cells.number("compute_gw", low=0.0),
            note=cells.values["note"],
        )


def deal_rows(lines: Iterable[Cells], names: Names, notes: list[str]) -> Iterator[DealRow]:
    """Disclosed deals with their slugs; a new provider or lab is noted."""
    slugs: set[str] = set()
    for cells in lines:
        provider, lab = (_name(names, use, cells, use, notes) for use in ("provider", "lab"))
        day = cells.day("date")
        equity, upfront, stake = _equity(cells)
        yield DealRow(
            where=cells.where,
            quarter=quarter_of(day),
            confidence=cells.confidence(),
            source=cells.source(),
            slug=_slug(provider, lab, day, slugs),
            date=day,
            provider=provider.name,
            provider_text=cells.text("provider"),
            provider_kind=provider.kind,
            lab=lab.name,
            lab_kind=lab.kind,
            equity_usd_bn=equity,
            equity_upfront_usd_bn=upfront,
            equity_stake_pct=stake,
            compute_commitment_usd_bn=cells.disclosed("compute_commitment_usd_bn", low=0.0),
            compute_term_years=cells.disclosed("compute_term_years", low=0.0),
            compute_gw=cells.disclosed("compute_gw", low=0.0),
            exclusivity=cells.one_of("exclusivity", tuple(EXCLUSIVITY)),
            chips=cells.values["chips"],
            note=cells.values["note"],
        )


def _equity(cells: Cells) -> tuple[float | None, float | None, float | None]:
    """Headline, upfront part and stake; negative ones go from the provider to the lab."""
    equity, upfront = cells.disclosed("equity_usd_bn"), cells.disclosed("equity_upfront_usd_bn")
    if upfront is not None and (equity is None or not 0 < upfront / equity <= 1):
        raise cells.error(f"equity_upfront_usd_bn is {upfront:g}, no part of equity_usd_bn {equity or 'blank'}")
    stake = cells.disclosed("equity_stake_pct", low=-100.0)
    if stake is not None and stake > 100:
        raise cells.error(f"equity_stake_pct is {stake:g}, above 100")
    return equity, upfront, stake


def _slug(provider: Name, lab: Name, day: date, taken: set[str]) -> str:
    """`amazon-anthropic-2026-04`; the second row of one pair and month gets `-b`, the third `-c`."""
    first = f"{provider.slug}-{lab.slug}-{day:%Y-%m}"
    candidates = [first, *(f"{first}-{letter}" for letter in "bcdefghijklmnopqrstuvwxyz")]
    slug = next(candidate for candidate in candidates if candidate not in taken)
    taken.add(slug)
    return slug


def _name(names: Names, use: str, cells: Cells, column: str, notes: list[str]) -> Name:
    """The party a cell names; a new one is taken as not modelled, and said so."""
    name = names.resolve(use, cells, column)
    if name is not None:
        return name
    text = cells.text(column)
    notes.append(f"{cells.where}: {column} {text!r} is not in names.csv; taken as not modelled")
    return Name(text, "unmodelled_lab" if use == "lab" else "unknown", slug_part(text))
