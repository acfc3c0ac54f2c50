"""What the baseline gives beside what is known or thought possible: the table of docs/validation.md.

    python -m experiments.validation --runs 24

rewrites the marked part of docs/validation.md. Three ensembles are run: the baseline; the same with
no disclosed run-rate or value re-initialising the labs (does the lab loop find the run-rates by
itself?); and the same with deals on their own from 2023 (does bargaining find deals like the
disclosed ones?). A value passes if the median lies in the range; misses stay in the table.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pandas as pd

from cloudpact.results import Results
from experiments.ensemble import run_ensemble
from market.scenario import Scenario

PAGE = Path(__file__).resolve().parent.parent / "docs" / "validation.md"
BEGIN, END = "<!-- measured:begin -->", "<!-- measured:end -->"

type Measure = Callable[[Results], pd.Series]


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the table: what is measured on each run, the range, and why that range."""

    name: str
    unit: str
    low: float
    high: float
    reason: str
    measure: Measure
    digits: int = 1


@dataclass(frozen=True, slots=True)
class Verdict:
    """A check's median and 80 % interval over runs."""

    check: Check
    median: float
    lower: float
    upper: float

    @property
    def passed(self) -> bool:
        """Whether the median lies in the range."""
        return self.check.low <= self.median <= self.check.high


def judge(check: Check, results: Results) -> Verdict:
    """Measure a check on every run of an ensemble."""
    values = check.measure(results)
    lower, median, upper = values.quantile([0.1, 0.5, 0.9])
    return Verdict(check, float(median), float(lower), float(upper))


def at(table: str, column: str, quarter: str, **where: str) -> Measure:
    """A column at one quarter, by run."""

    def measure(results: Results) -> pd.Series:
        rows = results.tables[table]
        rows = rows[rows["quarter"] == quarter]
        for key, value in where.items():
            rows = rows[rows[key] == value]
        return rows.set_index("run")[column].astype(float)

    return measure


def year_sum(column: str, year: int, table: str = "market", **where: str) -> Measure:
    """Sum of a column over a calendar year, by run."""

    def measure(results: Results) -> pd.Series:
        rows = results.tables[table]
        rows = rows[rows["quarter"].str.startswith(str(year))]
        for key, value in where.items():
            rows = rows[rows[key] == value]
        return rows.groupby("run")[column].sum().astype(float)

    return measure


def over_forecast(column: str, how: str) -> Measure:
    """Smallest, largest or mean value of a market column over the forecast, by run."""

    def measure(results: Results) -> pd.Series:
        rows = results.market[results.market["forecast"]]
        return rows.groupby("run")[column].agg(how).astype(float)

    return measure


def _simulated(results: Results) -> pd.DataFrame:
    return results.deals[results.deals["origin"] == "simulated"]


def deals_a_year(results: Results) -> pd.Series:
    """Simulated deals a year, from the first quarter without disclosed deals on."""
    deals = _simulated(results)
    years = (results.market["quarter"].nunique() - results.market["quarter"].unique().tolist().index(deals["quarter"].min())) / 4
    return deals.groupby("run").size() / years


def deals_in(which: str) -> Measure:
    """Simulated deals in the calendar year with the fewest (`min`) or most (`max`), full years after the facts."""

    def measure(results: Results) -> pd.Series:
        deals = _simulated(results)
        years = deals["quarter"].str[:4].astype(int)
        full = [year for year in range(int(years.min()) + 1, int(results.market["quarter"].max()[:4]) + 1)]
        counts = deals.groupby(["run", years]).size().unstack(fill_value=0).reindex(columns=full, fill_value=0)
        return counts.agg(which, axis=1).astype(float)

    return measure


def first_talks(results: Results) -> pd.Series:
    """Commitments signed in the first quarter in which labs bargain."""
    deals = _simulated(results)
    first = deals[deals["quarter"] == deals["quarter"].min()]
    return first.groupby("run")["commitment_usd_bn"].sum().reindex(results.runs, fill_value=0.0)


def mean_term(results: Results) -> pd.Series:
    """Mean term of simulated deals in years, weighted by commitment."""
    deals = _simulated(results)
    weighted = (deals["term_quarters"] * deals["commitment_usd_bn"]).groupby(deals["run"]).sum()
    return weighted / deals.groupby("run")["commitment_usd_bn"].sum() / 4.0


def stake(lab: str, provider: str, quarter: str) -> Measure:
    """A provider's stake in a lab, nil where it has none."""

    def measure(results: Results) -> pd.Series:
        return at("alignment", "stake_frac", quarter, lab=lab, provider=provider)(results).reindex(results.runs, fill_value=0.0)

    return measure


def share_without_equity(results: Results) -> pd.Series:
    """Share of simulated deals that carry no equity."""
    deals = _simulated(results)
    return (deals["equity_usd_bn"] == 0.0).groupby(deals["run"]).mean()


def without_equity(first: str, last: str) -> Measure:
    """Share of the simulated deals of some quarters that carry no equity."""

    def measure(results: Results) -> pd.Series:
        deals = _simulated(results)
        deals = deals[deals["quarter"].between(first, last)]
        return (deals["equity_usd_bn"] == 0.0).groupby(deals["run"]).mean()

    return measure


def compute_to_equity(results: Results) -> pd.Series:
    """Median commitment over equity where a simulated deal carries equity."""
    deals = _simulated(results)
    deals = deals[deals["equity_usd_bn"] > 0.0]
    return (deals["commitment_usd_bn"] / deals["equity_usd_bn"]).groupby(deals["run"]).median()


def equity_between(first: int, last: int) -> Measure:
    """Equity that providers put into simulated deals in some years."""

    def measure(results: Results) -> pd.Series:
        deals = _simulated(results)
        years = deals["quarter"].str[:4].astype(int)
        return deals[(years >= first) & (years <= last)].groupby("run")["equity_usd_bn"].sum().reindex(results.runs, fill_value=0.0)

    return measure


def upfront_share(results: Results) -> pd.Series:
    """Upfront part of the equity in simulated deals."""
    deals = _simulated(results)
    totals = deals.groupby("run")[["upfront_usd_bn", "equity_usd_bn"]].sum()
    totals = totals[totals["equity_usd_bn"] > 0.0]
    return totals["upfront_usd_bn"] / totals["equity_usd_bn"]


def growth(column: str, first: str, last: str) -> Measure:
    """Ratio of a market column at two quarters."""

    def measure(results: Results) -> pd.Series:
        return at("market", column, last)(results) / at("market", column, first)(results)

    return measure


def yearly_switching(results: Results) -> pd.Series:
    """Share of enterprises that change their incumbent cloud in a year, mean over the forecast."""
    return 4.0 * over_forecast("cloud_switching_frac", "mean")(results)


def yearly_vendor_switching(results: Results) -> pd.Series:
    """Share of adopters that change their main model vendor in a year, mean over the forecast."""
    return 4.0 * over_forecast("model_switching_frac", "mean")(results)


def capex_ratio(results: Results) -> pd.Series:
    """Combined capex of the four in 2028 over 2025."""
    return year_sum("capex_big4_usd_bn", 2028)(results) / year_sum("capex_big4_usd_bn", 2025)(results)


def price_a_year(quarter: str) -> Measure:
    """Price of a GW for a year."""

    def measure(results: Results) -> pd.Series:
        return 4.0 * at("market", "price_usd_bn_per_gw_quarter", quarter)(results)

    return measure


def labs_with_several_providers(quarter: str) -> Measure:
    """Share of independent labs' compute in labs with at least two providers (each above 1 %)."""

    def measure(results: Results) -> pd.Series:
        rows = results.labs[(results.labs["quarter"] == quarter) & (results.labs["owner"] == "")]
        several = rows["compute_gw"].where(rows["providers_count"] >= 2, 0.0)
        return several.groupby(rows["run"]).sum() / rows.groupby("run")["compute_gw"].sum()

    return measure


def exclusive_share(first: int, last: int) -> Measure:
    """Share of simulated deals of some years that are exclusive."""

    def measure(results: Results) -> pd.Series:
        deals = _simulated(results)
        years = deals["quarter"].str[:4].astype(int)
        deals = deals[(years >= first) & (years <= last)]
        return (deals["exclusivity"] == "exclusive").groupby(deals["run"]).mean()

    return measure


def _lab(column: str, lab: str, quarter: str) -> Measure:
    return at("labs", column, quarter, lab=lab)


FORECAST = (
    Check("Capex of the four in 2028 over 2025", "x", 1.0, 4.0, "the issue's bound; 2025 was 376", capex_ratio, 2),
    Check("Capex of the four, 2026", "USD bn", 450.0, 800.0, "2026Q1 alone was 130, four times that is 519", year_sum("capex_big4_usd_bn", 2026), 0),
    Check("AI capacity, 2025Q4", "GW", 8.0, 20.0, "the five owners' 14.3 million H100 equivalents at about 0.7-1.4 kW (Epoch AI)", at("market", "capacity_gw", "2025Q4")),
    Check("AI capacity, 2030Q4", "GW", 50.0, 200.0, "IEA base case triples AI-focused use from 155 to 465 TWh (53 GW average, all owners); industry plans run to 150 and more", at("market", "capacity_gw", "2030Q4"), 0),
    Check("Lowest utilisation after the facts", "frac", 0.60, 1.0, "the issue's bound", over_forecast("utilisation_frac", "min"), 2),
    Check("Price of a GW-year, 2026Q1", "USD bn", 8.0, 16.0, "disclosed contracts span 2 to 13; H100 rental about 13-15", price_a_year("2026Q1")),
    Check("Price of a GW-year, 2030Q4", "USD bn", 6.0, 20.0, "full cost is about 9-10; twice that is scarcity", price_a_year("2030Q4")),
    Check("OpenAI run-rate, 2030Q4", "USD bn", 60.0, 400.0, "2.5 to 16 times the 25 of March 2026", _lab("revenue_annualised_usd_bn", "OpenAI", "2030Q4"), 0),
    Check("Anthropic run-rate, 2030Q4", "USD bn", 60.0, 400.0, "3 to 21 times the 19 of March 2026", _lab("revenue_annualised_usd_bn", "Anthropic", "2030Q4"), 0),
    Check("All labs' run-rate, 2030Q4", "USD bn", 150.0, 900.0, "3 to 18 times the 49 of 2026Q1", at("market", "lab_revenue_annualised_usd_bn", "2030Q4"), 0),
    Check("OpenAI compute, 2030Q4", "GW", 5.0, 30.0, "contracts disclosed by September 2026 reach about 11 GW", _lab("compute_gw", "OpenAI", "2030Q4")),
    Check("Anthropic compute, 2030Q4", "GW", 4.0, 30.0, "contracts disclosed by September 2026 reach about 8 GW", _lab("compute_gw", "Anthropic", "2030Q4")),
    Check("OpenAI valuation over run-rate, 2030Q4", "x", 4.0, 30.0, "25-36 in 2025 at threefold growth; large software firms 5-12", lambda r: _lab("valuation_usd_bn", "OpenAI", "2030Q4")(r) / _lab("revenue_annualised_usd_bn", "OpenAI", "2030Q4")(r)),
    Check("Simulated deals a year", "count", 4.0, 24.0, "the issue: a handful to two dozen over all labs", deals_a_year),
    Check("Fewest simulated deals in a year, 2027-30", "count", 1.0, 24.0, "a handful a year", deals_in("min")),
    Check("Most simulated deals in a year, 2027-30", "count", 4.0, 24.0, "two dozen a year", deals_in("max")),
    Check("Commitments signed in the first quarter of talks, 2026Q4", "USD bn", 0.0, 350.0, "the largest disclosed quarter, 2025Q3, has about 330", first_talks, 0),
    Check("Mean term of simulated deals", "year", 4.0, 8.0, "disclosed terms run from 3 to 10 years", mean_term),
    Check("Anthropic compute, 2025Q4", "GW", 1.0, 1.8, "1.4 (OpenAI investor memo)", _lab("compute_gw", "Anthropic", "2025Q4"), 2),
    Check("OpenAI compute, 2025Q4", "GW", 1.4, 2.5, "1.9", _lab("compute_gw", "OpenAI", "2025Q4"), 2),
    Check("xAI compute, 2025Q4", "GW", 0.3, 0.8, "0.5 million H100 equivalents (Epoch AI)", _lab("compute_gw", "xAI", "2025Q4"), 2),
    Check("Microsoft's stake in OpenAI, 2026Q1", "frac", 0.20, 0.30, "27 % before the round of February 2026, then diluted to about 23 %", stake("OpenAI", "Microsoft", "2026Q1"), 3),
    Check("Google's stake in Anthropic, 2026Q1", "frac", 0.10, 0.16, "14 %, capped at 15 %", stake("Anthropic", "Google", "2026Q1"), 3),
    Check("Amazon's stake in Anthropic, 2026Q2", "frac", 0.14, 0.25, "carrying value implies about 19.7 % in mid-2026", stake("Anthropic", "Amazon", "2026Q2"), 3),
    Check("Simulated deals without equity", "frac", 0.35, 0.97, "eleven of 22 since 2023, ten of 13 in 2025Q1-2026Q1", share_without_equity, 2),
    Check("Compute to equity where there is equity", "x", 1.0, 8.0, "1-1.5 in 2023, 2-6 in 2025-26", compute_to_equity, 2),
    Check("Upfront part of equity", "frac", 0.15, 0.8, "20-31 % in the facts", upfront_share, 2),
    Check("Enterprises changing cloud in a year", "frac", 0.0, 0.01, "CMA: below 1 %", yearly_switching, 4),
    Check("Adopters changing main model vendor in a year", "frac", 0.05, 0.20, "about 11 %", yearly_vendor_switching, 3),
    Check("Top-three cloud share, 2025Q4", "frac", 0.60, 0.68, "Synergy: 28 + 21 + 15 = 64 %", at("market", "cloud_top3_frac", "2025Q4"), 3),
    Check("Top-three cloud share, 2030Q4", "frac", 0.55, 0.75, "nearly constant in history", at("market", "cloud_top3_frac", "2030Q4"), 3),
    Check("Compute in labs with several providers, 2024Q4", "frac", 0.0, 0.5, "OpenAI was still with one", labs_with_several_providers("2024Q4"), 2),
    Check("Compute in labs with several providers, 2028Q4", "frac", 0.8, 1.0, "labs multi-home as need outgrows one provider", labs_with_several_providers("2028Q4"), 2),
    Check("Cost of money above a dollar, mean of labs over the forecast", "frac", 0.0, 0.4, "excess return asked by late-stage investors", over_forecast("cost_of_money", "mean"), 3),
)

FREE_LABS = (
    Check("OpenAI run-rate, 2023Q4", "USD bn", 1.0, 4.0, "about 2", _lab("revenue_annualised_usd_bn", "OpenAI", "2023Q4")),
    Check("OpenAI run-rate, 2024Q4", "USD bn", 2.75, 11.0, "5.5", _lab("revenue_annualised_usd_bn", "OpenAI", "2024Q4")),
    Check("OpenAI run-rate, 2025Q4", "USD bn", 10.0, 40.0, "20", _lab("revenue_annualised_usd_bn", "OpenAI", "2025Q4")),
    Check("Anthropic run-rate, 2023Q4", "USD bn", 0.05, 0.2, "about 0.1 (design brief)", _lab("revenue_annualised_usd_bn", "Anthropic", "2023Q4"), 2),
    Check("Anthropic run-rate, 2024Q4", "USD bn", 0.5, 2.0, "1", _lab("revenue_annualised_usd_bn", "Anthropic", "2024Q4"), 2),
    Check("Anthropic run-rate, 2025Q4", "USD bn", 4.5, 18.0, "9", _lab("revenue_annualised_usd_bn", "Anthropic", "2025Q4")),
    Check("OpenAI compute, 2023Q4", "GW", 0.1, 0.4, "0.2", _lab("compute_gw", "OpenAI", "2023Q4"), 2),
    Check("OpenAI compute, 2024Q4", "GW", 0.3, 1.2, "0.6", _lab("compute_gw", "OpenAI", "2024Q4"), 2),
    Check("OpenAI compute, 2025Q4", "GW", 0.95, 3.8, "1.9", _lab("compute_gw", "OpenAI", "2025Q4"), 2),
)

FREE_DEALS = (
    Check("Simulated deals a year, 2023-30", "count", 4.0, 24.0, "the facts have about ten cloud-lab deals in 2025", deals_a_year),
    Check("Provider equity signed 2024-25", "USD bn", 5.0, 20.0, "about 10", equity_between(2024, 2025)),
    Check("Provider equity signed 2026", "USD bn", 30.0, 200.0, "115 headline in the first half year", equity_between(2026, 2026)),
    Check("Deals without equity, 2023 to 2026Q2", "frac", 0.35, 0.7, "eleven of 22", without_equity("2023Q1", "2026Q2"), 2),
    Check("Compute to equity where there is equity", "x", 1.0, 8.0, "1-1.5 in 2023, 2-6 in 2025-26", compute_to_equity, 2),
    Check("Exclusive deals, 2023-24", "frac", 0.0, 0.6, "Microsoft-OpenAI exclusive to January 2025, others primary", exclusive_share(2023, 2024), 2),
    Check("Exclusive deals, 2027-30", "frac", 0.0, 0.1, "exclusivity decays as need outgrows one provider", exclusive_share(2027, 2030), 2),
    Check("OpenAI dependence (HHI), 2028Q4", "HHI", 1500.0, 6000.0, "multi-homing by 2026", _lab("dependence_hhi", "OpenAI", "2028Q4"), 0),
)


def _ensemble(scenario: Scenario, runs: int, jobs: int) -> Results:
    return Results.concat(run_ensemble(scenario, seed=1, replicates=range(runs), jobs=jobs))


def table(title: str, checks: tuple[Check, ...], results: Results) -> str:
    """One Markdown table of checks."""
    lines = [f"### {title}", "", "| what | median | 80 % of runs | possible | why | verdict |", "|---|---|---|---|---|---|"]
    for check in checks:
        verdict = judge(check, results)

        def text(value: float, digits: int = check.digits) -> str:
            return f"{value:,.{digits}f}" if value == value else "none"

        mark = "in" if verdict.passed else "**out**" if verdict.median == verdict.median else "**no case**"
        interval = f"{text(verdict.lower)} to {text(verdict.upper)}"
        possible = f"{text(check.low)} to {text(check.high)} {check.unit}"
        lines.append(f"| {check.name} | {text(verdict.median)} | {interval} | {possible} | {check.reason} | {mark} |")
    return "\n".join([*lines, ""])


def report(runs: int, jobs: int) -> str:
    """All three tables."""
    baseline = Scenario.load("baseline")
    free_labs = baseline.with_({"time.states_until": "none", "time.end": "2026Q1"})
    free_deals = baseline.with_({"time.deals_until": "2022Q4"})
    stamp = f"Measured on {date.today().isoformat()} with `python -m experiments.validation --runs {runs}`, seed 1, scenario hash `{baseline.content_hash()[:12]}`."
    parts = [
        stamp + "\n",
        table("The baseline: history imposed to 2026, then on its own", FORECAST, _ensemble(baseline, runs, jobs)),
        table("The lab loop on its own from 2019 (deals and capex imposed, run-rates not)", FREE_LABS, _ensemble(free_labs, runs, jobs)),
        table("Deals on their own from 2023 (capex and run-rates imposed)", FREE_DEALS, _ensemble(free_deals, runs, jobs)),
    ]
    return "\n".join(parts)


def rewrite(page: Path, text: str) -> None:
    """Replace the marked part of a page."""
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{after}", encoding="utf-8")


def main() -> None:
    """Run the three ensembles and rewrite docs/validation.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=24)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--print", action="store_true", help="print instead of rewriting the page")
    options = parser.parse_args()
    text = report(options.runs, options.jobs)
    if options.print:
        sys.stdout.write(text)
    else:
        rewrite(PAGE, text)


if __name__ == "__main__":
    main()
