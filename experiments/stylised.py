"""The ten stylised facts of this market, each asked of runs in which it is free: the table of docs/validation.md.

    python -m experiments.stylised --runs 24

rewrites its marked part. What history imposes is no evidence, so every row says which ensemble answers:
`deals` (deals on their own from 2023, capex and run-rates imposed), `labs` (run-rates on their own, the rest imposed),
`all` (everything on its own from 2024).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pandas as pd

from cloudpact.results import Results
from experiments.ensemble import run_ensemble
from experiments.hindcasting.page import write_table
from experiments.origins import at_origin
from experiments.validation import (
    Measure,
    at,
    equity_between,
    exclusive_share,
    labs_with_several_providers,
    over_forecast,
    upfront_share,
    without_equity,
    year_sum,
)
from market.calendar import quarter_index
from market.facts import Facts
from market.scenario import Scenario
from market.targets import target

PAGE = Path(__file__).resolve().parent.parent / "docs" / "validation.md"
BEGIN, END = "<!-- stylised:begin -->", "<!-- stylised:end -->"

type Fact = Callable[[Facts], float] | float


@dataclass(frozen=True, slots=True)
class Row:
    """One line: the stylised fact's number, what it is, its value in the facts, who answers, and within which factor."""

    number: int
    what: str
    fact: Fact
    source: str
    world: str
    measure: Measure
    digits: int = 2


def worlds(base: Scenario) -> dict[str, Scenario]:
    """The three ensembles by name."""
    return {
        "deals": base.with_({"time.deals_until": "2022Q4", "time.end": "2028Q4"}),
        "labs": base.with_({"time.states_until": "none", "time.end": "2026Q1"}),
        "all": at_origin(base, "2023Q4", 9, "conditional"),
    }


def _year(name: str, year: int) -> Callable[[Facts], float]:
    def fact(facts: Facts) -> float:
        first = quarter_index(f"{year}Q1")
        return sum(point.value for point in target(name).observed(facts) if first <= point.quarter < first + 4)

    return fact


def _reading(name: str, quarter: str) -> Callable[[Facts], float]:
    def fact(facts: Facts) -> float:
        return next(point.value for point in target(name).observed(facts) if point.quarter == quarter_index(quarter))

    return fact


def _growth(name: str, first: str, last: str) -> Callable[[Facts], float]:
    def fact(facts: Facts) -> float:
        return _reading(name, last)(facts) / _reading(name, first)(facts)

    return fact


def _ratio(measure: Measure, other: Measure) -> Measure:
    return lambda results: measure(results) / other(results)


def _cloud(provider: str, quarter: str) -> Measure:
    return at("providers", "cloud_revenue_usd_bn", quarter, provider=provider)


def _lab(column: str, lab: str, quarter: str) -> Measure:
    return at("labs", column, quarter, lab=lab)


def _compute_to_equity(first: int, last: int) -> Measure:
    def measure(results: Results) -> pd.Series:
        deals = results.deals[(results.deals["origin"] == "simulated") & (results.deals["equity_usd_bn"] > 0.0)]
        years = deals["quarter"].str[:4].astype(int)
        deals = deals[(years >= first) & (years <= last)]
        return (deals["commitment_usd_bn"] / deals["equity_usd_bn"]).groupby(deals["run"]).median()

    return measure


def _capacity_growth(results: Results) -> pd.Series:
    """Effective compute a year: GW times the yearly gain of efficiency of 37 %."""
    gw = at("market", "capacity_gw", "2025Q4")(results) / at("market", "capacity_gw", "2024Q4")(results)
    return gw * 1.37


def _backlog_over_revenue(results: Results) -> pd.Series:
    rows = results.providers.groupby(["run", "quarter"])[["backlog_usd_bn", "cloud_revenue_usd_bn"]].sum()
    late, early = (rows.xs(quarter, level="quarter") for quarter in ("2025Q4", "2023Q4"))
    grown = late / early
    return grown["backlog_usd_bn"] / grown["cloud_revenue_usd_bn"]


def _squared_shares(quarter: str) -> Measure:
    """10,000 times the sum of squared shares of the three largest clouds."""

    def measure(results: Results) -> pd.Series:
        rows = results.providers[results.providers["quarter"] == quarter]
        squares = 1e4 * rows["cloud_share_frac"].astype(float) ** 2
        return squares.groupby(rows["run"]).apply(lambda each: each.nlargest(3).sum())

    return measure


ROWS = (
    Row(1, "Capex of the four, 2024, USD bn", _year("capex[four]", 2024), "capex_quarterly.csv", "all", year_sum("capex_big4_usd_bn", 2024), 0),
    Row(1, "Capex of the four, 2025, USD bn", _year("capex[four]", 2025), "capex_quarterly.csv", "all", year_sum("capex_big4_usd_bn", 2025), 0),
    Row(2, "AWS, growth over 2025, x", _growth("cloud_revenue[Amazon]", "2024Q4", "2025Q4"), "cloud_revenue.csv", "all", _ratio(_cloud("Amazon", "2025Q4"), _cloud("Amazon", "2024Q4"))),
    Row(2, "Google Cloud, growth over 2025, x", _growth("cloud_revenue[Google]", "2024Q4", "2025Q4"), "cloud_revenue.csv", "all", _ratio(_cloud("Google", "2025Q4"), _cloud("Google", "2024Q4"))),
    Row(3, "Backlog over revenue, 2025Q4 against 2023Q4, x", 2.0, "several times the backlog, revenue up by half (cloud_revenue.csv)", "all", _backlog_over_revenue),
    Row(4, "Upfront part of equity", 0.25, "20-31 % (deals.csv)", "deals", upfront_share),
    Row(4, "Compute to equity, 2023, x", 1.25, "1 to 1.5 (deals.csv)", "deals", _compute_to_equity(2023, 2023)),
    Row(4, "Compute to equity, 2025-26, x", 4.0, "2 to 6 (deals.csv)", "deals", _compute_to_equity(2025, 2026)),
    Row(5, "Exclusive deals, 2023-24", 0.25, "Microsoft's with OpenAI of four large ones (deals.csv)", "deals", exclusive_share(2023, 2024)),
    Row(5, "Exclusive deals, 2026-28", 0.0, "none in 2026 (deals.csv)", "deals", exclusive_share(2026, 2028)),
    Row(5, "Compute in labs with several hosts, 2026Q4", 1.0, "OpenAI, Anthropic and others have several (deals.csv)", "deals", labs_with_several_providers("2026Q4")),
    Row(6, "OpenAI run-rate, 2023Q4, USD bn", _reading("run_rate[OpenAI]", "2023Q4"), "labs.csv", "labs", _lab("revenue_annualised_usd_bn", "OpenAI", "2023Q4"), 1),
    Row(6, "OpenAI run-rate, 2025Q4, USD bn", _reading("run_rate[OpenAI]", "2025Q4"), "labs.csv", "labs", _lab("revenue_annualised_usd_bn", "OpenAI", "2025Q4"), 1),
    Row(6, "Anthropic run-rate, 2025Q4, USD bn", _reading("run_rate[Anthropic]", "2025Q4"), "labs.csv", "labs", _lab("revenue_annualised_usd_bn", "Anthropic", "2025Q4"), 1),
    Row(6, "OpenAI compute, 2025Q4, GW", _reading("compute[OpenAI]", "2025Q4"), "supply.csv", "labs", _lab("compute_gw", "OpenAI", "2025Q4")),
    Row(7, "Share of the three largest clouds, 2025Q4", 0.64, "28 + 21 + 15 (market_share.csv)", "all", at("market", "cloud_top3_frac", "2025Q4")),
    Row(7, "Squared shares of the three, 2025Q4, HHI", 1450.0, "28, 21, 15 (market_share.csv)", "all", _squared_shares("2025Q4"), 0),
    Row(8, "Enterprises changing cloud in a year", 0.007, "below 1 % (CMA)", "all", lambda results: 4.0 * over_forecast("cloud_switching_frac", "mean")(results), 4),
    Row(8, "Adopters changing main vendor in a year", 0.11, "about 11 % (Menlo)", "all", lambda results: 4.0 * over_forecast("model_switching_frac", "mean")(results)),
    Row(9, "Providers' new equity, 2024-25, USD bn", 10.0, "docs/facts.md", "deals", equity_between(2024, 2025), 1),
    Row(9, "Providers' new equity, 2026, USD bn", 115.0, "first half alone (deals.csv)", "deals", equity_between(2026, 2026), 0),
    Row(9, "Providers' new equity, 2023, USD bn", 16.3, "deals.csv", "deals", equity_between(2023, 2023), 1),
    Row(9, "Deals without equity, 2023 to 2026Q2", 11 / 22, "eleven of 22 (deals.csv)", "deals", without_equity("2023Q1", "2026Q2")),
    Row(9, "Deals without equity, 2023-24", 0.0, "none of six (deals.csv)", "deals", without_equity("2023Q1", "2024Q4")),
    Row(9, "Deals without equity, 2025 to 2026Q1", 10 / 13, "ten of 13, nine of eleven that are of compute (deals.csv)", "deals", without_equity("2025Q1", "2026Q1")),
    Row(10, "Growth of AI compute over 2025, x", 3.3, "Epoch AI, 2.7 to 4.1 (supply.csv)", "all", _capacity_growth),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Answer:
    """A row's value in the facts, and the model's median with its 80 % interval."""

    row: Row
    fact: float
    low: float
    median: float
    high: float

    @property
    def verdict(self) -> str:
        """Whether the interval holds the fact; else whether the median is within half and twice of it."""
        if self.median != self.median:
            return "no case"
        if self.low <= self.fact <= self.high:
            return "in"
        near = self.fact > 0.0 and 0.5 <= self.median / self.fact <= 2.0
        return "near" if near or abs(self.median - self.fact) <= 0.05 else "**out**"


def answers(runs: int, jobs: int = 2, base: Scenario | None = None, facts: Facts | None = None) -> list[Answer]:
    """Run the ensembles and ask every row of its own."""
    known, scenario = facts or Facts.load(), base or Scenario.load("baseline")
    found = {
        name: Results.concat(run_ensemble(world, seed=1, replicates=range(runs), jobs=jobs))
        for name, world in worlds(scenario).items()
    }
    return [_answer(row, known, found[row.world]) for row in ROWS]


def _answer(row: Row, facts: Facts, results: Results) -> Answer:
    low, median, high = row.measure(results).astype(float).quantile([0.1, 0.5, 0.9])
    return Answer(row, row.fact(facts) if callable(row.fact) else row.fact, float(low), float(median), float(high))


HEAD = ["no.", "what", "fact", "source", "free", "model", "80 % of runs", "verdict"]


def cells(found: list[Answer]) -> list[list[str]]:
    """The answers as rows of text under their head."""
    rows = [HEAD]
    for each in found:
        fact, median, low, high = (f"{v:,.{each.row.digits}f}" for v in (each.fact, each.median, each.low, each.high))
        row = each.row
        rows.append([str(row.number), row.what, fact, row.source, row.world, median, f"{low} to {high}", each.verdict])
    return rows


def table(found: list[Answer]) -> str:
    """The answers as Markdown."""
    head, *rows = cells(found)
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *rows])


def main() -> None:
    """Rewrite the marked part of the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=24)
    runs = parser.parse_args().runs
    told = f"Measured on {date.today().isoformat()} with `python -m experiments.stylised --runs {runs}`, seed 1."
    before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
    found = answers(runs)
    write_table("stylised", [[cell.replace("*", "") for cell in row] for row in cells(found)])
    text = f"{told}\n\n{table(found)}"
    PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{rest.split(END)[1]}", encoding="utf-8")


if __name__ == "__main__":
    main()
