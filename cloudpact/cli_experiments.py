"""Commands that compare many markets: sweeps, sensitivity, discovery, paired worlds, attribution."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cloudpact.options import (
    ComparisonFolder,
    FactsFolder,
    Jobs,
    Json,
    Outcomes,
    Runs,
    Seed,
    SweepFolder,
    Until,
    whole_number,
)

experiments_app = typer.Typer(rich_markup_mode=None)


@experiments_app.command(epilog="Example: cloudpact sweep power --out results/power --jobs 2")
def sweep(
    design: Annotated[str, typer.Argument(metavar="DESIGN", help="Name of a shipped design, or a TOML file.")],
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder of the sweep, continued if it is there; a numbered one if not given."),
    ] = None,
    jobs: Jobs = None,
    engine: Annotated[str, typer.Option(metavar="ENGINE", help="local, or dask:ADDRESS of a scheduler.")] = "local",
    timeout: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="End a run that takes longer; no limit if not given.")
    ] = None,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Try again what failed before.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say how many runs, how long and how large, and write nothing.")
    ] = False,
    facts: FactsFolder = None,
    json: Json = False,
) -> int:
    """Run a design of experiments into a folder; the same command finishes what was interrupted."""
    from cloudpact.commands_sweep import Request, sweep_and_report

    return sweep_and_report(Request(design, out, jobs, engine, timeout, retry_failed, dry_run, facts, json))


@experiments_app.command(
    epilog="Example: cloudpact sensitivity results/power --outcome alignment_hhi@2030Q4 --plot bars.png"
)
def sensitivity(
    folder: SweepFolder,
    outcome: Annotated[str, typer.Option(metavar="NAME", help="Such as alignment_hhi@2028Q4.")],
    method: Annotated[
        str | None, typer.Option(metavar="NAME", help="sobol, morris or pawn; by the design if not given.")
    ] = None,
    seed: Annotated[
        int, typer.Option(parser=whole_number(0), metavar="N", help="Seed of the intervals' resampling.")
    ] = 0,
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw it too: .html, .png, .svg or .csv.")] = None,
    json: Json = False,
) -> None:
    """Tell which inputs of a sweep an outcome depends on, and how much."""
    from cloudpact.commands_sweep import show_sensitivity

    show_sensitivity(folder, outcome, method, seed, plot, json)


@experiments_app.command(epilog="Example: cloudpact discover results/power --outcome alignment_hhi --above 6000")
def discover(
    folder: SweepFolder,
    outcome: Annotated[str, typer.Option(metavar="NAME", help="Such as alignment_hhi@2028Q4.")],
    above: Annotated[float | None, typer.Option(metavar="X", help="Of interest where the outcome is above X.")] = None,
    below: Annotated[float | None, typer.Option(metavar="X", help="Of interest where the outcome is below X.")] = None,
    method: Annotated[str, typer.Option(metavar="NAME", help="prim or cart.")] = "prim",
    json: Json = False,
) -> None:
    """Find boxes of a sweep's inputs in which an outcome stays high or low."""
    from cloudpact.commands_sweep import show_boxes

    show_boxes(folder, outcome, above, below, method, json)


@experiments_app.command(epilog="Example: cloudpact compare baseline no-equity --runs 24")
def compare(
    a: Annotated[str, typer.Argument(metavar="A", help="Scenario to compare with: name or TOML file.")],
    b: Annotated[str, typer.Argument(metavar="B", help="Scenario whose effect is asked for: name or TOML file.")],
    runs: Runs = 24,
    seed: Seed = 1,
    outcome: Outcomes = None,
    until: Until = None,
    jobs: Jobs = None,
    facts: FactsFolder = None,
    out: ComparisonFolder = None,
    json: Json = False,
) -> None:
    """Run two scenarios under the same luck: the effect of the second over the first, with its interval."""
    from cloudpact.commands_paired import Worlds, show_comparison

    show_comparison(a, b, Worlds(runs, seed, tuple(outcome or ()), until, jobs, facts, out, json))


@experiments_app.command(
    epilog="Example: cloudpact counterfactual baseline --without microsoft-openai-2023-01 --runs 12"
)
def counterfactual(
    scenario: Annotated[str, typer.Argument(metavar="SCENARIO", help="Name or TOML file.")] = "baseline",
    without: Annotated[
        list[str] | None,
        typer.Option(metavar="DEAL", help="Deal that is not signed: a slug, or REPLICATE:NUMBER; may be repeated."),
    ] = None,
    with_: Annotated[
        list[str] | None,
        typer.Option(
            "--with", metavar="DEAL:KEY=VALUE,...", help="Deal that is signed on other terms; may be repeated."
        ),
    ] = None,
    bar: Annotated[
        int, typer.Option(parser=whole_number(0), metavar="QUARTERS", help="Keep the parties of a removed deal apart.")
    ] = 0,
    runs: Runs = 24,
    seed: Seed = 1,
    outcome: Outcomes = None,
    until: Until = None,
    jobs: Jobs = None,
    facts: FactsFolder = None,
    out: ComparisonFolder = None,
    json: Json = False,
) -> None:
    """Take a deal out, or change its terms, and let the market go on from there: the effect with its interval."""
    from cloudpact.commands_paired import Worlds, show_counterfactual

    worlds = Worlds(runs, seed, tuple(outcome or ()), until, jobs, facts, out, json)
    show_counterfactual(scenario, tuple(without or ()), tuple(with_ or ()), bar, worlds)


@experiments_app.command(
    epilog="Example: cloudpact attribute baseline --outcome alignment_hhi --from 2024Q4 --to 2025Q4"
)
def attribute(
    outcome: Annotated[str, typer.Option(metavar="NAME", help="Column of the market, such as alignment_hhi.")],
    first: Annotated[str, typer.Option("--from", metavar="QUARTER", help="The change is counted from its end.")],
    last: Annotated[str, typer.Option("--to", metavar="QUARTER", help="The change is counted to its end.")],
    scenario: Annotated[str, typer.Argument(metavar="SCENARIO", help="Name or TOML file.")] = "baseline",
    seed: Seed = 1,
    replicate: Annotated[int, typer.Option(parser=whole_number(0), metavar="K", help="Replicate of the seed.")] = 0,
    permutations: Annotated[
        int, typer.Option(parser=whole_number(2), metavar="P", help="Orders of the deals that are sampled.")
    ] = 32,
    jobs: Jobs = None,
    facts: FactsFolder = None,
    json: Json = False,
) -> None:
    """Attribute the change of a market outcome between two quarters to the deals signed meanwhile (Shapley)."""
    from cloudpact.commands_paired import show_attribution

    show_attribution(scenario, outcome, first, last, seed, replicate, permutations, jobs, facts, json)
