"""What each bargaining protocol does to the baseline: the tables of docs/protocols.md.

    python -m experiments.protocols --runs 24

rewrites the marked part of docs/protocols.md. The baseline is run under every protocol, and under a few other beliefs,
with the same seeds: a run differs from its pair under Nash in the protocol alone. Differences are means over these
pairs, with 95 % intervals by Student's t.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, get_args

import pandas as pd
from scipy import stats

from cloudpact.results import Results
from experiments.ensemble import run_ensemble
from experiments.running import resolve
from experiments.validation import compute_to_equity, rewrite, share_without_equity
from market.calendar import quarter_index, quarter_name
from market.scenario import ProtocolName, Scenario
from market.scenario_errors import ScenarioError

PAGE = Path(__file__).resolve().parent.parent / "docs" / "protocols.md"
SEED = 1
CONFIDENCE = 0.95
REFERENCE = "nash"

# Column of a table: what it changes in the scenario.
type Variants = dict[str, dict[str, Any]]

PROTOCOLS: Variants = {name: {"negotiation.protocol": name} for name in get_args(ProtocolName)}
UNSURE = {"beliefs.reservation_width": 0.3}
BELIEFS: Variants = {
    "nash, reservations known": UNSURE,
    "screening, reservations private": UNSURE | {"negotiation.protocol": "screening"},
    "concession, reservations private": UNSURE | {"negotiation.protocol": "concession"},
    "nash, optimistic labs": {"beliefs.lab_growth_per_quarter": 0.02},
}


@dataclass(frozen=True, slots=True)
class Measure:
    """One row of the tables: what is taken from each run, given the first quarter in which labs bargain."""

    name: str
    unit: str
    digits: int
    take: Callable[[Results, str], pd.Series]


@dataclass(frozen=True, slots=True)
class Difference:
    """Mean of paired differences, half the width of its interval, and the pairs; nan where fewer than two compare."""

    mean: float
    half: float
    pairs: int

    @property
    def distinct(self) -> bool:
        """Whether the interval leaves out nil."""
        return abs(self.mean) > self.half


def paired_difference(values: pd.Series, reference: pd.Series) -> Difference:
    """Mean d of `values - reference`, run by run, with the 95 % interval d -+ t(n - 1) sd / sqrt(n).

    Runs that lack either value are left out. Source: Student (1908).

    >>> paired_difference(pd.Series([1.0, 2.0, 3.0]), pd.Series([1.0, 1.0, 1.0])).mean
    1.0
    """
    found = (values - reference).dropna()
    if len(found) < 2:
        return Difference(math.nan, math.nan, len(found))
    half = float(stats.t.ppf(0.5 + CONFIDENCE / 2.0, len(found) - 1) * found.std() / math.sqrt(len(found)))
    return Difference(float(found.mean()), half, len(found))


def _simulated(results: Results) -> pd.DataFrame:
    return results.deals[results.deals["origin"] == "simulated"]


def _since(results: Results, since: str) -> pd.DataFrame:
    return results.market[results.market["quarter"] >= since]


def _years(results: Results, since: str) -> float:
    return float(_since(results, since)["quarter"].nunique() / 4.0)


def _a_year(by_run: pd.Series, results: Results, since: str) -> pd.Series:
    """What is counted or summed by run, a year; nil in a run without any."""
    return by_run.reindex(results.runs, fill_value=0.0).astype(float) / _years(results, since)


def deals_a_year(results: Results, since: str) -> pd.Series:
    """Simulated deals a year, from the first quarter of talks on."""
    return _a_year(_simulated(results).groupby("run").size(), results, since)


def equity_a_year(results: Results, since: str) -> pd.Series:
    """Headline equity of simulated deals a year."""
    return _a_year(_simulated(results).groupby("run")["equity_usd_bn"].sum(), results, since)


def failures_a_year(results: Results, since: str) -> pd.Series:
    """Pairs a year that bargained and found no agreement, or were left out of the lab's network."""
    talks = results.negotiations
    return _a_year(talks[talks["outcome"] == "failed"].groupby("run").size(), results, since)


def talks_without_deal(results: Results, _: str) -> pd.Series:
    """Share of a lab's quarters of talks in which it signs with nobody."""
    signed = results.negotiations["outcome"] == "signed"
    rounds = [results.negotiations[name] for name in ("run", "quarter", "lab")]
    return 1.0 - signed.groupby(rounds).any().groupby("run").mean()


def weighted_by_gw(column: str, factor: float = 1.0) -> Callable[[Results, str], pd.Series]:
    """Mean of a term over simulated deals, weighted by their capacity."""

    def take(results: Results, _: str) -> pd.Series:
        deals = _simulated(results)
        deals = deals[deals["gw"] > 0.0]
        whole = (deals[column] * deals["gw"]).groupby(deals["run"]).sum()
        return factor * whole / deals.groupby("run")["gw"].sum()

    return take


def share_with_clause(*kinds: str) -> Callable[[Results, str], pd.Series]:
    """Share of simulated deals that carry one of these clauses."""

    def take(results: Results, _: str) -> pd.Series:
        deals = _simulated(results)
        return deals["exclusivity"].isin(kinds).groupby(deals["run"]).mean()

    return take


def share_with(column: str) -> Callable[[Results, str], pd.Series]:
    """Share of simulated deals in which a term is above nil."""

    def take(results: Results, _: str) -> pd.Series:
        deals = _simulated(results)
        return (deals[column] > 0.0).groupby(deals["run"]).mean()

    return take


def lab_share_of_surplus(results: Results, _: str) -> pd.Series:
    """The labs' part of all gains over no deal from signed deals, each side's as it sees them."""
    signed = results.negotiations[results.negotiations["outcome"] == "signed"]
    sums = signed.groupby("run")[["lab_utility_usd_bn", "joint_surplus_usd_bn"]].sum()
    return sums["lab_utility_usd_bn"] / sums["joint_surplus_usd_bn"]


def at_end(column: str, factor: float = 1.0) -> Callable[[Results, str], pd.Series]:
    """A column of the market in the last quarter."""
    return lambda results, _: factor * results.market.groupby("run")[column].last()


def last_year(column: str) -> Callable[[Results, str], pd.Series]:
    """Sum of a column of the market over the last four quarters."""
    return lambda results, _: results.market.groupby("run")[column].apply(lambda path: path.tail(4).sum())


def mean_since_talks(column: str) -> Callable[[Results, str], pd.Series]:
    """Mean of a column of the market from the first quarter of talks on."""
    return lambda results, since: _since(results, since).groupby("run")[column].mean()


def fixed_points(what: Callable[[Mapping[str, Any]], bool]) -> Callable[[Results, str], pd.Series]:
    """Share of the fixed points behind signed deals of which something is true; none where no protocol seeks any."""

    def take(results: Results, _: str) -> pd.Series:
        signed = results.negotiations[results.negotiations["outcome"] == "signed"]
        reports = signed["trace"].map(lambda text: json.loads(text)["convergence"])
        # a lab that signs several deals in a round found them in one fixed point
        found = signed[reports.notna()].assign(true=reports.dropna().map(what).astype(float))
        return found.drop_duplicates(["run", "quarter", "lab", "rounds"]).groupby("run")["true"].mean()

    return take


MEASURES = (
    Measure("Simulated deals a year", "count", 1, deals_a_year),
    Measure("Deals without equity", "frac", 2, lambda results, _: share_without_equity(results)),
    Measure("Equity a year", "USD bn", 1, equity_a_year),
    Measure("Compute to equity, where there is equity", "x", 1, lambda results, _: compute_to_equity(results)),
    Measure("Discount, by GW", "frac", 3, weighted_by_gw("discount_frac")),
    Measure("Take-or-pay, by GW", "frac", 3, weighted_by_gw("take_or_pay_frac")),
    Measure("Term, by GW", "year", 2, weighted_by_gw("term_quarters", 0.25)),
    Measure("Deals with a clause", "frac", 2, share_with_clause("primary", "first_refusal", "exclusive")),
    Measure("Exclusive deals", "frac", 2, share_with_clause("exclusive")),
    Measure("Deals with warrants", "frac", 2, share_with("warrant_stake_frac")),
    Measure("Deals with a revenue share", "frac", 2, share_with("revenue_share_frac")),
    Measure("Lab's share of the joint surplus", "frac", 2, lab_share_of_surplus),
    Measure("Pairs without agreement a year", "count", 1, failures_a_year),
    Measure("Quarters of talks without a deal", "frac", 2, talks_without_deal),
    Measure("Alignment HHI, end", "HHI", 0, at_end("alignment_hhi")),
    Measure("Alignment HHI, mean since talks began", "HHI", 0, mean_since_talks("alignment_hhi")),
    Measure("Market HHI, end", "HHI", 0, at_end("market_hhi")),
    Measure("Backlog HHI, end", "HHI", 0, at_end("backlog_hhi")),
    Measure("AI capacity, end", "GW", 1, at_end("capacity_gw")),
    Measure("Capex of all providers, last year", "USD bn", 0, last_year("capex_usd_bn")),
    Measure("Price of a GW-year, end", "USD bn", 2, at_end("price_usd_bn_per_gw_quarter", 4.0)),
    Measure("Fixed points not reached", "frac", 2, fixed_points(lambda report: not report["converged"])),
    Measure("Networks not stable", "frac", 2, fixed_points(lambda report: not report["network_stable"])),
)


def measured(results: Results, since: str) -> pd.DataFrame:
    """Every measure of every run, (runs, measures); nan where a run has no case."""
    return pd.DataFrame({measure.name: measure.take(results, since).reindex(results.runs) for measure in MEASURES})


def first_talks(scenario: Scenario) -> str:
    """First quarter in which labs bargain: the one after the last disclosed deals.

    >>> first_talks(Scenario.load("baseline"))
    '2026Q4'
    """
    time = scenario.time
    if time.deals_until == "none" or quarter_index(time.deals_until) < quarter_index(time.start):
        return time.start
    return quarter_name(quarter_index(time.deals_until) + 1)


def study(scenario: Scenario, variants: Variants, runs: int, jobs: int) -> dict[str, pd.DataFrame]:
    """Measures of every run under every variant of a scenario, the same replicates of one seed for each."""
    found = {}
    for name, changes in variants.items():
        changed = scenario.with_(changes)
        results = Results.concat(run_ensemble(changed, seed=SEED, replicates=range(runs), jobs=jobs))
        found[name] = measured(results, first_talks(changed))
        sys.stderr.write(f"{name}: {runs} runs\n")
    return found


def _text(value: float, digits: int, sign: str = "") -> str:
    text = f"{value:{sign},.{digits}f}"
    return f"{0.0:.{digits}f}" if float(text.replace(",", "")) == 0.0 else text


def _lines(header: list[str], rows: list[list[str]]) -> str:
    lines = [f"| {' | '.join(cells)} |" for cells in (header, ["---"] * len(header), *rows)]
    return "\n".join([*lines, ""])


def table_of_medians(found: Mapping[str, pd.DataFrame]) -> str:
    """Markdown table of medians over runs: measures by variants."""
    rows = []
    for measure in MEASURES:
        medians = [frame[measure.name].median() for frame in found.values()]
        cells = [_text(median, measure.digits) if not math.isnan(median) else "–" for median in medians]
        rows.append([f"{measure.name} ({measure.unit})", *cells])
    return _lines(["median", *(f"`{name}`" for name in found)], rows)


def table_of_differences(found: Mapping[str, pd.DataFrame], reference: pd.DataFrame) -> str:
    """Markdown table of paired differences to the reference, measures by variants; bold where nil is left out.

    Measures that the reference does not have are left out.
    """
    rows = []
    for measure in MEASURES:
        if reference[measure.name].notna().any():
            cells = [_difference(frame[measure.name], reference[measure.name], measure) for frame in found.values()]
            rows.append([f"{measure.name} ({measure.unit})", *cells])
    return _lines([f"less `{REFERENCE}`", *(f"`{name}`" for name in found)], rows)


def _difference(values: pd.Series, reference: pd.Series, measure: Measure) -> str:
    found = paired_difference(values, reference)
    if math.isnan(found.mean):
        return "–"
    cell = f"{_text(found.mean, measure.digits, '+')} ± {_text(found.half, measure.digits)}"
    few = f" ({found.pairs})" if found.pairs < len(reference) else ""
    return (f"**{cell}**" if found.distinct else cell) + few


def report(scenario: Scenario, runs: int, jobs: int, command: str) -> str:
    """All tables of the study, with what it takes to run it again."""
    protocols = study(scenario, PROTOCOLS, runs, jobs)
    beliefs = study(scenario, BELIEFS, runs, jobs)
    reference = protocols[REFERENCE]
    others = {name: frame for name, frame in protocols.items() if name != REFERENCE}
    digest = scenario.content_hash()[:12]
    stamp = (
        f"Made with `{command}` by cloudpact {version('cloudpact')}: scenario {scenario.name} (hash `{digest}`) up to "
        f"{scenario.time.end}, labs bargaining from {first_talks(scenario)} on, seed {SEED}, "
        f"replicates 0 to {runs - 1} for every column. Differences are means over pairs of runs ± half a 95 % interval "
        "by Student's t, in bold where that leaves out nil, with the number of pairs where some runs have no case."
    )
    parts = [
        stamp + "\n",
        "### Every protocol\n",
        table_of_medians(protocols),
        table_of_differences(others, reference),
        "### Private reservation values and optimistic labs\n",
        table_of_medians({REFERENCE: reference} | beliefs),
        table_of_differences(beliefs, reference),
    ]
    return "\n".join(parts)


def main(arguments: list[str] | None = None) -> None:
    """Run the study and rewrite docs/protocols.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=24, help="runs of every column, at least 2")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--until", metavar="QUARTER", help="last quarter, such as 2028Q4, instead of the scenario's")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the tables there and leave the page alone")
    options = parser.parse_args(arguments)
    if options.runs < 2:
        parser.error(f"--runs: {options.runs}; allowed: 2 or more, as an interval needs two")
    if options.jobs < 1:
        parser.error(f"--jobs: {options.jobs}; allowed: 1 or more")
    if options.out is not None and not options.out.parent.is_dir():
        parser.error(f"--out: {options.out.parent}: no such folder")
    try:
        scenario = resolve("baseline", options.until)
    except ScenarioError as error:
        parser.error(str(error))
    until = f" --until {options.until}" if options.until else ""
    text = report(scenario, options.runs, options.jobs, f"python -m experiments.protocols --runs {options.runs}{until}")
    if options.out is not None:
        options.out.write_text(text, encoding="utf-8")
    else:
        rewrite(PAGE, text)


if __name__ == "__main__":
    main()
