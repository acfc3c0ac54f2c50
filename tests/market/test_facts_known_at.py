"""No fact dated after an origin reaches a reader of that origin."""

from __future__ import annotations

import csv
import shutil
from datetime import date
from pathlib import Path

import pytest

from market.calendar import quarter_index, quarter_of
from market.fact_files import COLUMNS, LAB_MEASURES, SHIPPED
from market.facts import Facts
from market.targets import target, target_names

DATED = {name: "period_end" for name in ("capex_annual.csv",)} | {
    "capex_quarterly.csv": "quarter",
    "cloud_revenue.csv": "quarter",
    "supply.csv": "quarter",
    "market_share.csv": "date",
    "adoption.csv": "date",
    "labs.csv": "date",
    "deals.csv": "date",
    "deal_overrides.csv": "known_from",
}
ORIGINS = ("2018Q4", "2022Q4", "2023Q4", "2024Q2", "2024Q4", "2025Q3", "2026Q1", "2026Q2")


def quarter(text: str) -> int:
    return quarter_index(text) if "Q" in text else quarter_of(date.fromisoformat(text))


def poisoned(column: str, text: str) -> str:
    """Another number where there is one; dates, names and words stay."""
    if column in ("equity_stake_pct", "quarter", "date", "period_end", "known_from") or not text:
        return text
    try:
        return str(float(text) * 7)
    except ValueError:
        return text


def poison(folder: Path, origin: int) -> int:
    """Copy of the shipped files with every later number changed; returns how many rows were touched."""
    touched = 0
    for name in COLUMNS:
        if name not in DATED:
            shutil.copy(SHIPPED / name, folder / name)
            continue
        with (SHIPPED / name).open(newline="") as source:
            rows = list(csv.DictReader(source))
        for row in rows:
            if quarter(row[DATED[name]]) > origin:
                touched += 1
                row.update({column: poisoned(column, text) for column, text in row.items()})
        with (folder / name).open("w", newline="") as target:
            writer = csv.DictWriter(target, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    return touched


def everything(facts: Facts) -> dict[str, object]:
    """All that a reader can get."""
    companies = ("Amazon", "Microsoft", "Google", "Meta", "Oracle", "CoreWeave")
    labs = ("OpenAI", "Anthropic", "xAI", "Mistral", "Cohere")
    return {
        "capex": [facts.capex_observations(name) for name in companies],
        "revenue": [facts.cloud_revenue_observations(name) for name in companies],
        "reported": [facts.cloud_revenue_as_reported(name) for name in companies],
        "backlog": [facts.backlog_observations(name) for name in companies],
        "share": [facts.market_share_observations(name) for name in companies],
        "labs": [facts.lab_series(lab, measure) for lab in labs for measure in LAB_MEASURES],
        "supply": [facts.supply(measure) for measure in sorted(facts.topics["supply measure"])],
        "adoption": [facts.adoption(measure) for measure in sorted(facts.topics["adoption measure"])],
        "deals": facts.disclosed_deals(),
        "targets": {name: target(name).observed(facts) for name in target_names(facts)},
    }


@pytest.mark.parametrize("name", ORIGINS)
def test_changing_every_later_number_changes_nothing(name: str, tmp_path: Path) -> None:
    origin = quarter_index(name)
    assert poison(tmp_path, origin) > 0
    changed = Facts.load(tmp_path)
    assert everything(changed) != everything(Facts.load())
    assert everything(changed.known_at(origin)) == everything(Facts.load().known_at(origin))


@pytest.mark.parametrize("name", ORIGINS)
def test_every_returned_date_is_at_most_the_origin(name: str) -> None:
    origin = quarter_index(name)
    facts = Facts.load().known_at(origin)
    rows = (facts.capex_rows, facts.cloud_rows, facts.lab_rows, facts.share_rows, facts.adoption_rows, facts.deal_rows)
    assert max(row.quarter for series in rows for row in series) <= origin
    assert all(deal.quarter <= origin for deal in facts.disclosed_deals())


def test_known_at_never_widens() -> None:
    early = Facts.load().known_at(quarter_index("2022Q4"))
    assert early.known_at(quarter_index("2026Q1")) == early


def test_a_year_of_coreweave_is_unknown_until_it_ends() -> None:
    assert max(Facts.load().known_at(quarter_index("2025Q3")).capex("CoreWeave")) == quarter_index("2024Q4")


def test_a_replaced_deal_counts_until_its_replacement_is_known() -> None:
    roles = {
        origin: {deal.slug: deal.role.value for deal in Facts.load().known_at(quarter_index(origin)).disclosed_deals()}
        for origin in ("2026Q1", "2026Q2")
    }
    assert roles["2026Q1"]["cerebras-openai-2026-01"] == "other_cloud"
    assert "cerebras-openai-2026-04" not in roles["2026Q1"]
    assert roles["2026Q2"]["cerebras-openai-2026-01"] == "ignored"
    assert roles["2026Q2"]["cerebras-openai-2026-04"] == "other_cloud"


def test_a_term_set_by_hand_waits_for_the_day_it_was_known() -> None:
    def commitment(facts: Facts) -> float:
        return next(d for d in facts.disclosed_deals() if d.slug == "google-anthropic-2026-04").terms.commitment_usd_bn

    assert commitment(Facts.load().known_at(quarter_index("2026Q2"))) == pytest.approx(200)
    assert commitment(Facts.load().known_at(quarter_index("2026Q3"))) == pytest.approx(111.1)
