"""`cloudpact compare`, `counterfactual` and `attribute`: paired worlds, and what a change is due to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from cloudpact.commands_run import json_text
from cloudpact.commands_run import progress as progress_bar

if TYPE_CHECKING:
    from experiments.comparison import Comparison
    from market.facts import Facts


@dataclass(frozen=True, slots=True)
class Worlds:
    """What the user typed about a pair of worlds."""

    runs: int
    seed: int
    outcomes: tuple[str, ...]
    until: str | None
    jobs: int | None
    facts: Path | None
    out: Path | None
    json: bool

    def loaded_facts(self) -> Facts | None:
        """The facts of the folder given, None for the shipped ones."""
        return _facts(self.facts)


def show_comparison(a: str, b: str, worlds: Worlds) -> None:
    """Run both scenarios, print the effects, write the folder if one is asked for."""
    from experiments.comparison import compare

    _show(lambda **options: compare(a, b, **options), worlds, worlds.runs)


def show_counterfactual(
    scenario: str, without: tuple[str, ...], with_: tuple[str, ...], bar: int, worlds: Worlds
) -> None:
    """Run the factual and the counterfactual world, print the effects, write the folder if one is asked for."""
    from experiments.counterfactual import counterfactual, parse_terms, replicates_of

    changed = dict(parse_terms(text) for text in with_)
    pairs = len(replicates_of([*without, *changed], worlds.runs))
    _show(
        lambda **options: counterfactual(scenario, without=without, with_=changed, bar_quarters=bar, **options),
        worlds,
        pairs,
    )


def _show(simulate: Any, worlds: Worlds, pairs: int) -> None:
    with progress_bar(pairs) as advance:
        found: Comparison = simulate(
            runs=worlds.runs,
            seed=worlds.seed,
            outcomes=worlds.outcomes or None,
            until=worlds.until,
            jobs=worlds.jobs,
            facts=worlds.loaded_facts(),
            out=worlds.out,
            progress=advance,
        )
    typer.echo(json_text(found.plain()) if worlds.json else found.text())
    if worlds.out is not None:
        from visualization.reports import report_for

        typer.echo(f"\nResults: {worlds.out}\nReport:  {report_for(worlds.out)}", err=worlds.json)


def show_attribution(
    scenario: str,
    outcome: str,
    first: str,
    last: str,
    seed: int,
    replicate: int,
    permutations: int,
    jobs: int | None,
    facts: Path | None,
    as_json: bool,
) -> None:
    """Print the contribution of every deal signed between two quarters."""
    from experiments.attribution import attribution

    found = attribution(
        scenario,
        outcome,
        first,
        last,
        seed=seed,
        replicate=replicate,
        permutations=permutations,
        jobs=jobs,
        facts=_facts(facts),
    )
    typer.echo(json_text(found.plain()) if as_json else found.text())


def _facts(folder: Path | None) -> Facts | None:
    from market.facts import Facts

    return None if folder is None else Facts.load(folder)
