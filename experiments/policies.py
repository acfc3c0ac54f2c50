"""What every shipped policy and shock does to the baseline: the tables of docs/policies.md.

    python -m experiments.policies --runs 24

rewrites the marked part of docs/policies.md. Every scenario in experiments/policies, and the shocks among the shipped
scenarios, is run with the same seeds as the baseline: a run differs from its pair in the rule or shock alone.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING

from cloudpact.results import Results
from experiments.comparison import Comparison
from experiments.comparison_text import decimals, interval, shown
from experiments.ensemble import run_ensemble
from experiments.validation import rewrite
from market.scenario import Scenario

if TYPE_CHECKING:
    import pandas as pd

PAGE = Path(__file__).resolve().parent.parent / "docs" / "policies.md"
FOLDER = Path(__file__).resolve().parent / "policies"
SEED = 1

RULES = (
    "exclusivity-ban",
    "stake-cap",
    "zero-switching-charges",
    "voluntary-egress-cut",
    "interoperability",
    "disclosure",
    "all-rules",
)
SHOCKS = (
    "demand-collapse",
    "accelerator-shortage",
    "power-limit",
    "interest-rise",
    "efficiency-jump",
    "investor-exit",
    "lab-failure",
)
OUTCOMES = (
    "alignment_hhi",
    "market_hhi",
    "mhhi_delta",
    "capacity_gw",
    "sum(capex_usd_bn@last4)",
    "price_usd_bn_per_gw_quarter",
    "lab_revenue_annualised_usd_bn",
    "circularity_frac",
    "sum(deals_signed@2027Q1..2030Q4)",
    "sum(commitment_usd_bn@2027Q1..2030Q4)",
    "sum(equity_usd_bn@2027Q1..2030Q4)",
    "off_incumbent_frac",
    "mean(model_switching_frac@2027Q1..2030Q4)",
)


def scenario_of(name: str) -> Scenario:
    """A shipped policy or shock by name."""
    file = FOLDER / f"{name}.toml"
    return Scenario.load(file if file.is_file() else name)


@dataclass(frozen=True, eq=False)
class Study:
    """Comparisons with the baseline by policy, and the policies under which no run differs in any bit."""

    comparisons: Mapping[str, Comparison]
    identical: tuple[str, ...]


def study(
    base: Scenario, variants: Mapping[str, Scenario], runs: int, jobs: int, outcomes: Sequence[str] = OUTCOMES
) -> Study:
    """Run the base once and every variant with the same luck."""
    reference = _ensemble(base, runs, jobs)
    bits = reference.content_hash()
    comparisons, identical = {}, []
    for name, variant in variants.items():
        results = _ensemble(variant, runs, jobs)
        scenarios = (base, variant)
        comparisons[name] = Comparison.of(
            reference.tables, results.tables, (base.name, name), outcomes, scenarios, SEED
        )
        if results.content_hash() == bits:
            identical.append(name)
    return Study(comparisons, tuple(identical))


def _ensemble(scenario: Scenario, runs: int, jobs: int) -> Results:
    return Results.concat(run_ensemble(scenario, SEED, range(runs), jobs))


def table_of_effects(comparisons: Mapping[str, Comparison]) -> str:
    """Markdown table of effects with 95 % intervals: outcomes by variants, bold where nil is left out."""
    return _table(comparisons, "effect (95 % interval)", _effect_cell)


def table_of_pairs(comparisons: Mapping[str, Comparison]) -> str:
    """Markdown table of the share of pairs with the effect's sign and of the variance ratio."""
    return _table(comparisons, "same sign; variance ratio", _pairs_cell)


def _table(comparisons: Mapping[str, Comparison], title: str, cell: Callable[[pd.Series, int], str]) -> str:
    first = next(iter(comparisons.values()))
    rows = [[title, first.names[0], *(f"`{name}`" for name in comparisons)]]
    rows.append(["---"] * len(rows[0]))
    for outcome, unit, level in zip(first.effects.index, first.effects["unit"], first.effects["mean_a"], strict=True):
        digits = decimals(level)
        cells = [cell(comparison.effects.loc[outcome], digits) for comparison in comparisons.values()]
        rows.append([f"`{outcome}` ({unit})", shown(level, digits), *cells])
    return "\n".join([*(f"| {' | '.join(cells)} |" for cells in rows), ""])


def _effect_cell(effect: pd.Series, digits: int) -> str:
    if effect["identical"] == effect["pairs"]:
        return "same"
    text = f"{shown(effect['effect'], digits, '+')} ({interval(effect['low'], effect['high'], digits)})"
    few = f" [{effect['pairs']}]" if effect["dropped"] else ""
    return (f"**{text}**" if effect["low"] > 0.0 or effect["high"] < 0.0 else text) + few


def _pairs_cell(effect: pd.Series, digits: int) -> str:
    if effect["identical"] == effect["pairs"]:
        return "same"
    same_sign = "-" if isnan(effect["share_same_sign"]) else f"{effect['share_same_sign']:.0%}"
    return f"{same_sign}; {shown(effect['variance_ratio'], 2)}"


def report(runs: int, jobs: int, command: str) -> str:
    """All tables of the study, with what it takes to run it again."""
    base = scenario_of("baseline")
    found = study(base, {name: scenario_of(name) for name in (*RULES, *SHOCKS)}, runs, jobs)
    identical = ", ".join(f"`{name}`" for name in found.identical) or "none"
    stamp = (
        f"Made with `{command}` by cloudpact {version('cloudpact')}: baseline (hash `{base.content_hash()[:12]}`), "
        f"seed {SEED}, replicates 0 to {runs - 1} in every world. Effects are means over pairs of runs, with the rule "
        "or shock less without, in bold where the 95 % interval by Student's t leaves out nil; [n] pairs where some "
        "runs have no value; `same` where no pair differs. Outcomes without a quarter are those of 2030Q4.\n\n"
        f"No run differs in any bit of any table under: {identical}."
    )
    parts = [stamp]
    for title, names in (("Policies", RULES), ("Shocks", SHOCKS)):
        chosen = {name: found.comparisons[name] for name in names}
        parts += [f"### {title}", _described(names), table_of_effects(chosen), table_of_pairs(chosen)]
    return "\n\n".join(part.rstrip() for part in parts) + "\n"


def _described(names: Sequence[str]) -> str:
    return "\n".join(f"- `{name}`: {scenario_of(name).description}." for name in names)


def main(arguments: list[str] | None = None) -> None:
    """Run the study and rewrite docs/policies.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=24, help="pairs of runs of every policy, at least 2")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the tables there and leave the page alone")
    options = parser.parse_args(arguments)
    if options.runs < 2:
        parser.error(f"--runs: {options.runs}; allowed: 2 or more, as an interval needs two")
    if options.jobs < 1:
        parser.error(f"--jobs: {options.jobs}; allowed: 1 or more")
    if options.out is not None and not options.out.parent.is_dir():
        parser.error(f"--out: {options.out.parent}: no such folder")
    text = report(options.runs, options.jobs, f"python -m experiments.policies --runs {options.runs}")
    if options.out is not None:
        options.out.write_text(text, encoding="utf-8")
    else:
        rewrite(PAGE, text)


if __name__ == "__main__":
    main()
