"""`cloudpact scenario ...`: look at scenarios without running them."""

from __future__ import annotations

from typing import Annotated, Any

import typer

scenario_app = typer.Typer(
    help="List, show, check and compare scenarios.",
    epilog="Example: cloudpact scenario diff baseline open-world",
    rich_markup_mode=None,
)

Name = Annotated[str, typer.Argument(metavar="SCENARIO", help="Name or TOML file.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document, for machines.")]


@scenario_app.callback(invoke_without_command=True)
def start(context: typer.Context) -> None:
    """List, show, check and compare scenarios."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@scenario_app.command("list", epilog="Example: cloudpact scenario list")
def list_scenarios(json: Json = False) -> None:
    """List the shipped scenarios."""
    from market.scenario import SHIPPED_SCENARIOS, Scenario

    names = sorted(file.stem for file in SHIPPED_SCENARIOS.glob("*.toml"))
    described = {name: Scenario.load(name).description for name in names}
    width = max(map(len, names), default=0)
    typer.echo(_json(described) if json else "\n".join(f"{name:{width}}  {text}" for name, text in described.items()))


@scenario_app.command(epilog="Example: cloudpact scenario show baseline > mine.toml")
def show(scenario: Name = "baseline", json: Json = False) -> None:
    """Print a scenario with every parameter resolved, as a TOML file that can be run."""
    from market.scenario import Scenario

    resolved = Scenario.load(scenario)
    typer.echo(_json(resolved.model_dump(mode="json")) if json else resolved.dump(), nl=json)


@scenario_app.command(epilog="Example: cloudpact scenario check mine.toml")
def check(file: Annotated[str, typer.Argument(metavar="FILE", help="Name or TOML file.")], json: Json = False) -> None:
    """Check a scenario file: exit 0 if it can be run, else one line with the place of the mistake."""
    from market.scenario import Scenario

    scenario = Scenario.load(file)
    start, end = scenario.time.start, scenario.time.end
    found = {"file": file, "name": scenario.name, "start": start, "end": end, "hash": scenario.content_hash()}
    typer.echo(_json(found) if json else f"{file}: a scenario named {scenario.name}, {start} to {end}")


@scenario_app.command(epilog="Example: cloudpact scenario diff baseline mine.toml")
def diff(
    a: Annotated[str, typer.Argument(metavar="A", help="Name or TOML file.")],
    b: Annotated[str, typer.Argument(metavar="B", help="Name or TOML file.")],
    json: Json = False,
) -> None:
    """Print the parameters that differ between two scenarios."""
    from market.scenario import Scenario

    differing = Scenario.load(a).diff(Scenario.load(b))
    lines = [f"{path}: {_shown(one)} -> {_shown(other)}" for path, (one, other) in differing.items()]
    typer.echo(_json(differing) if json else "\n".join(lines or ["no difference"]))


@scenario_app.command(epilog="Example: cloudpact scenario schema > scenario.schema.json")
def schema() -> None:
    """Print the JSON schema of a scenario file, for editors."""
    from market.scenario import Scenario

    typer.echo(_json(Scenario.file_schema()))


def _shown(value: Any) -> str:
    from json import dumps

    return "(absent)" if value is None else dumps(value, ensure_ascii=False)


def _json(document: object) -> str:
    from json import dumps

    return dumps(document, indent=2, ensure_ascii=False)
