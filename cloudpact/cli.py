"""The command line. Nothing heavy is imported before a command needs it: `--help` answers at once."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from cloudpact.cli_experiments import experiments_app
from cloudpact.cli_history import history_app
from cloudpact.commands_scenario import scenario_app
from cloudpact.options import FactsFolder, Jobs, Json, RunFolder, Runs, Seed, SimulatedDeal, Until

app = typer.Typer(
    name="cloudpact",
    help="Simulate the market where hyperscalers, AI labs and enterprises strike equity-plus-compute deals.",
    epilog="Example: cloudpact run baseline --runs 24 --seed 1",
    rich_markup_mode=None,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(scenario_app, name="scenario")
app.add_typer(experiments_app)
app.add_typer(history_app)


@app.callback(invoke_without_command=True)
def start(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    """Print the version, or the help where no command is given."""
    if version:
        from importlib.metadata import version as installed

        typer.echo(f"cloudpact {installed('cloudpact')}")
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command(epilog="Example: cloudpact run baseline --runs 24 --set enterprises.count=5000 --out results/mine")
def run(
    scenario: Annotated[str, typer.Argument(metavar="SCENARIO", help="Name or TOML file.")] = "baseline",
    seed: Seed = 1,
    runs: Runs = 24,
    until: Until = None,
    jobs: Jobs = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="PATH=VALUE", help="Change a parameter; may be repeated.")
    ] = None,
    facts: FactsFolder = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="New folder for the results; a numbered one in results/ if not given."),
    ] = None,
    json: Json = False,
) -> int:
    """Simulate an ensemble, print its summary, write its results and a report into a new folder."""
    from cloudpact.commands_run import Request, run_and_write

    return run_and_write(Request(scenario, seed, runs, until, jobs, tuple(set_ or ()), facts, out, json))


@app.command(epilog="Example: cloudpact explain results/001-baseline microsoft-openai-2025-10")
def explain(
    run_dir: RunFolder,
    deal: Annotated[
        str, typer.Argument(metavar="DEAL", help="Slug of a disclosed deal, RUN:NUMBER of a simulated one.")
    ],
    json: Json = False,
) -> None:
    """Tell why a deal was signed on its terms: gains, constraints and their prices, rivals, other solutions."""
    from cloudpact.results import Results
    from experiments.explain import explanation
    from experiments.explanation_text import explanation_text

    told = explanation(Results.load(run_dir), deal)
    typer.echo(_as_json(told) if json else explanation_text(told))


@app.command(epilog="Example: cloudpact renegotiate results/001-baseline 0:50 --protocol concession --lift power")
def renegotiate(
    run_dir: RunFolder,
    deal: SimulatedDeal,
    protocol: Annotated[
        str | None, typer.Option(metavar="NAME", help="Rule of this pair; in an auction its rivals bid too.")
    ] = None,
    lab_weight: Annotated[float | None, typer.Option(metavar="W", help="Lab's bargaining weight, 0 to 1.")] = None,
    outside_option: Annotated[
        float | None,
        typer.Option(metavar="USD_BN", help="Gain that the lab could have elsewhere, in place of its rivals' offers."),
    ] = None,
    limit: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="Change a constraint's limit; may be repeated.")
    ] = None,
    lift: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Take a constraint away; may be repeated.")
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="talks.KEY=VALUE", help="Change how the talks are conducted.")
    ] = None,
    json: Json = False,
) -> None:
    """Bargain a signed deal again with something changed, without the market: terms and gains before and after."""
    from experiments.deal_changes import limits_from, talks_from
    from experiments.renegotiate import renegotiate as bargained_again
    from experiments.renegotiation_text import renegotiation_text

    told = bargained_again(
        run_dir,
        deal,
        protocol=protocol,
        lab_weight=lab_weight,
        outside_option_usd_bn=outside_option,
        limits=limits_from(limit or []),
        lifted=tuple(lift or ()),
        talks=talks_from(set_ or []),
    )
    typer.echo(_as_json(told) if json else renegotiation_text(told))


@app.command(epilog="Example: cloudpact report results/001-baseline")
def report(
    run_dir: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a run, a sweep or a comparison.")],
    json: Json = False,
) -> None:
    """Make one self-contained page from a run, a sweep or a comparison."""
    from visualization.reports import report_for

    path = report_for(run_dir)
    typer.echo(_as_json({"report": str(path)}) if json else f"Report: {path}")


@app.command(epilog="Example: cloudpact view --port 8765")
def view(
    port: Annotated[int, typer.Option(min=1, max=65535, metavar="P", help="Port to listen on.")] = 8765,
    host: Annotated[
        str, typer.Option(metavar="H", help="Address to listen on; with another than the default, others can reach it.")
    ] = "127.0.0.1",
    results: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder whose runs, sweeps and comparisons the page may open.")
    ] = Path("results"),
) -> None:
    """Open the web view: watch the market move, ask why, share the link."""
    from cloudpact.commands_view import serve_page

    serve_page(host, port, results)


@app.command(epilog="Example: cloudpact facts capex")
def facts(
    series: Annotated[
        str | None, typer.Argument(metavar="SERIES", help="A series; all are listed if not given.")
    ] = None,
    targets: Annotated[
        bool, typer.Option("--targets", help="Tell from which origins, and how far ahead, each series can be scored.")
    ] = False,
    facts: FactsFolder = None,
    json: Json = False,
) -> None:
    """Print the disclosed facts that the simulation starts from."""
    from cloudpact.commands_facts import show_facts, show_targets

    typer.echo(show_targets(facts, json) if targets else show_facts(series, facts, json))


def _as_json(document: object) -> str:
    from cloudpact.commands_run import json_text

    return json_text(document)


def main(arguments: list[str] | None = None) -> None:
    """Entry point: exit 0 on success, 2 on a user's mistake, 1 on a failure, 130 on Ctrl-C."""
    sys.exit(exit_code(arguments))


def exit_code(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code; mistakes and failures are one line on stderr."""
    try:
        code = app(arguments, prog_name="cloudpact", standalone_mode=False)
    except typer.TyperException as error:
        return _complain(error.format_message(), 2)
    except KeyboardInterrupt:
        return _complain("interrupted", 130)
    except Exception as error:
        if _is_mistake(error):
            return _complain(str(error), 2)
        if os.environ.get("CLOUDPACT_TRACEBACK"):
            raise
        if _is_told_in_full(error):
            return _complain(str(error), 1)
        return _complain(f"{type(error).__name__}: {error} (CLOUDPACT_TRACEBACK=1 shows where)", 1)
    return code or 0


def _is_mistake(error: Exception) -> bool:
    from cloudpact.results import ResultsError
    from experiments.sweeps.errors import SweepError
    from market.facts import FactsError
    from market.scenario_files import ScenarioError
    from visualization.report import ReportError

    return isinstance(error, ScenarioError | FactsError | ResultsError | ReportError | SweepError)


def _is_told_in_full(error: Exception) -> bool:
    """Failures of the machine whose message says all there is to know."""
    from experiments.ensemble import EnsembleError
    from experiments.sweeps.engines import EngineError
    from experiments.sweeps.store import StoreError

    return isinstance(error, EnsembleError | EngineError | StoreError)


def _complain(message: str, code: int) -> int:
    typer.echo("cloudpact: " + " ".join(message.split()), err=True)
    return code


if __name__ == "__main__":
    main()
