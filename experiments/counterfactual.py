"""A market in which one deal was not signed, or on other terms: it forks there and goes on, beside the factual one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.comparison import Comparison, compare_pairs
from experiments.paired_requests import whole_number
from experiments.pairs import KEPT, Pair
from experiments.running import SimulationError, resolve, stages
from experiments.sweeps.errors import SweepError
from market.calendar import quarter_name
from market.interventions import changed
from market.scenario_checks import INTERVENTION_TERMS, SIMULATED_DEAL
from market.scenario_errors import ScenarioError, did_you_mean
from market.scenario_files import parse_set

if TYPE_CHECKING:
    from cloudpact.model import CloudMarket
    from experiments.pairs import Frames
    from market.facts import Facts
    from market.scenario import Intervention, Scenario

type Terms = Mapping[str, Any]
type Scenarios = tuple[Scenario, Scenario]

FORM = "DEAL:TERM=VALUE,..., such as amazon-anthropic-2026-04:equity_usd_bn=1,gw=0.5"


def counterfactual(
    scenario: Scenario | str | Path = "baseline",
    without: str | Sequence[str] = (),
    with_: Mapping[str, Terms] | None = None,
    *,
    runs: int = 24,
    seed: int = 1,
    outcomes: str | Sequence[str] | None = None,
    jobs: int | None = None,
    out: str | Path | None = None,
    bar_quarters: int = 0,
    until: str | None = None,
    facts: Facts | None = None,
    progress: Callable[[], None] | None = None,
) -> Comparison:
    """The effect of deals that are not signed (`without`) or signed on other terms (`with_`: terms by deal).

    A deal is the slug of a disclosed one, compared over replicates 0 to `runs` - 1 of the seed, or
    `REPLICATE:NUMBER` of a simulated one, which is there in that replicate alone: one pair, no interval. Both worlds
    are one up to the quarter of the deal and have the same luck after it. Everything reacts but what the scenario
    imposes: later disclosed deals are signed as dated. For the terms see `market.interventions.changed`;
    `bar_quarters` keeps the parties of removed deals from signing anything new with each other for so long.
    `until`, `out` and `progress` are as in `compare`.

    Raises SweepError or ScenarioError, in one line, for deals, terms or outcomes that there are not: for a disclosed
    deal before anything is simulated, for a simulated one after the factual run. EnsembleError if no run finishes.
    """
    removed = (without,) if isinstance(without, str) else tuple(without)
    entries = _entries(removed, with_ or {}, bar_quarters)
    replicates = replicates_of([*removed, *(with_ or {})], runs)
    factual = resolve(scenario, until)
    there = [entry.model_dump() for entry in factual.interventions]
    with _as_asked(entries, len(there)):
        scenarios = factual, factual.with_({"interventions": [*there, *entries]})
        notes = _notes(scenarios, replicates, facts)
    names = factual.name, _label(removed, with_ or {})
    return compare_pairs(scenarios, names, seed, replicates, outcomes, jobs, out, facts, progress, forked_pair, notes)


def parse_terms(text: str) -> tuple[str, dict[str, Any]]:
    """Deal and terms of `DEAL:TERM=VALUE,...`; raises SweepError, in one line, for anything else.

    >>> parse_terms("0:46:gw=0.5,exclusivity=none")
    ('0:46', {'gw': 0.5, 'exclusivity': 'none'})
    """
    head, equals, _ = text.partition("=")
    deal, colon, _ = head.rpartition(":")
    if not equals or not colon or not deal.strip():
        raise SweepError(f"{text!r} is no deal with terms; allowed: {FORM}")
    terms: dict[str, Any] = {}
    for part in text[len(deal) + 1 :].split(","):
        term, equals, value = part.partition("=")
        term = term.strip()
        if not equals or not value.strip():
            raise SweepError(f"{text!r}: {part!r} is no term with its value; allowed: {FORM}")
        if term in terms:
            raise SweepError(f"{text!r}: {term} stands there twice")
        _require_term(deal, term)
        terms[term] = parse_set(part)[1]
    return deal.strip(), terms


def forked_pair(scenarios: Scenarios, seed: int, replicate: int, facts: Facts | None = None) -> Pair:
    """One replicate of a world and of its counterfactual, which is forked off in the quarter of the deal.

    Raises SweepError for a simulated deal that the factual run does not sign, ScenarioError for one that cannot have
    the terms it is given.
    """
    # Imported here because it loads Mesa and Numba, which the parent of an ensemble never needs.
    from cloudpact.model import CloudMarket

    market = CloudMarket(scenarios[0], rng=seed, replicate=replicate, facts=facts)
    added = scenarios[1].interventions[len(scenarios[0].interventions) :]
    shared = _finished(market, _fork_quarter(market, added))
    if isinstance(shared, str):
        return Pair(replicate, (shared, shared))
    twin = market.fork(scenarios[1])
    factual = _finished(market, market.last_quarter + 1)
    if not isinstance(factual, str):
        _require_signed(market, added)
    return Pair(replicate, (factual, _finished(twin, twin.last_quarter + 1)))


def _finished(market: CloudMarket, quarter: int) -> Frames | str:
    """The tables of a market run up to a quarter, or the line that says how it failed."""
    try:
        with stages(market):
            while market.running and market.quarter < quarter:
                market.step()
    except SimulationError as error:
        return str(error)
    tables = market.results.tables
    return {name: tables[name] for name in KEPT}


def _fork_quarter(market: CloudMarket, entries: Sequence[Intervention]) -> int:
    """The first quarter that the interventions may change: of a simulated deal, the first in which labs bargain."""
    dated = {row.slug: quarter for quarter, rows in market.disclosed.items() for row in rows}
    talks = max(market.deals_until + 1, market.first_quarter)
    return min(dated.get(entry.deal, talks) for entry in entries)


def _require_signed(market: CloudMarket, entries: Sequence[Intervention]) -> None:
    """Raise an error for a simulated deal that a finished factual market has not signed, or cannot have on such terms.

    Nothing is wrong with a disclosed deal that is not signed because its lab has failed by then: the worlds are equal.
    """
    deals = {f"{market.replicate}:{deal.number}": deal for deal in market.book.deals}
    simulated = [name for name, deal in deals.items() if not deal.slug]
    for entry in entries:
        if not SIMULATED_DEAL.fullmatch(entry.deal):
            continue
        if entry.deal not in simulated:
            slug = deals[entry.deal].slug if entry.deal in deals else ""
            hint = f"; did you mean {slug!r}?" if slug else ""
            allowed = f"{simulated[0]} to {simulated[-1]}" if simulated else "none, it signs no deal by talks"
            raise SweepError(f"{entry.deal}: no such deal in the factual run; allowed: {allowed}{hint}")
        if entry.kind == "change":
            rules = market.parameters.negotiation
            changed(deals[entry.deal].terms, entry, market.last_contract_quarter, rules.revenue_share_quarters)


def _entries(without: Sequence[str], with_: Mapping[str, Terms], bar_quarters: int) -> list[dict[str, Any]]:
    """The interventions as plain data."""
    if not without and not with_:
        raise SweepError("counterfactual: names no deal; allowed: deals to be left out, or deals with other terms")
    if bar_quarters and not without:
        raise SweepError("bar_quarters: no deal is left out whose parties could be kept apart")
    for deal, terms in with_.items():
        for term in terms:
            _require_term(deal, term)
    removed = [{"deal": deal, "kind": "remove", "bar_quarters": bar_quarters} for deal in without]
    return [*removed, *({"deal": deal, "kind": "change", **terms} for deal, terms in with_.items())]


@contextmanager
def _as_asked(entries: Sequence[Mapping[str, Any]], there: int) -> Iterator[None]:
    """Mistakes in the interventions after the first `there` are told of the argument that they come from."""

    def argument(found: re.Match[str]) -> str:
        if int(found[1]) < there:
            return found[0]
        entry = entries[int(found[1]) - there]
        if found[2] in (None, "deal"):
            return "without" if entry["kind"] == "remove" else "with"
        return found[2] if found[2] == "bar_quarters" else f"with: {entry['deal']}: {found[2]}"

    try:
        yield
    except ScenarioError as error:
        raise ScenarioError(re.sub(r"\binterventions\.(\d+)(?:\.(\w+))?", argument, str(error))) from error


def _require_term(deal: str, term: str) -> None:
    if term not in INTERVENTION_TERMS:
        hint = did_you_mean(term, INTERVENTION_TERMS)
        raise SweepError(f"{deal}: unknown term {term!r}; allowed: {', '.join(INTERVENTION_TERMS)}{hint}")


def replicates_of(deals: Sequence[str], runs: int) -> Sequence[int]:
    """Replicates to compare: all of them, or the one in which a simulated deal is.

    Raises SweepError for a simulated deal along with any other.
    """
    replicates = range(whole_number("runs", runs, 1))
    simulated = sorted({deal for deal in deals if SIMULATED_DEAL.fullmatch(deal)})
    if len(simulated) > 1:
        raise SweepError(
            f"{', '.join(simulated)}: only one simulated deal can be changed at a time; "
            "after the first, deals are bargained anew and numbered otherwise"
        )
    if simulated and len(set(deals)) > 1:
        disclosed = ", ".join(sorted(set(deals) - set(simulated)))
        raise SweepError(
            f"{simulated[0]} with {disclosed}: a simulated deal cannot be changed along with a disclosed one; "
            "after the disclosed one, deals are bargained anew and numbered otherwise"
        )
    return [int(deal.partition(":")[0]) for deal in simulated] or replicates


def _notes(scenarios: Scenarios, replicates: Sequence[int], facts: Facts | None) -> list[str]:
    """What a reader must know of these worlds; raises ScenarioError for a disclosed deal or terms that cannot be."""
    from cloudpact.model import CloudMarket

    market = CloudMarket(scenarios[1], replicate=replicates[0], facts=facts)
    added = scenarios[1].interventions[len(scenarios[0].interventions) :]
    simulated = [entry.deal for entry in added if SIMULATED_DEAL.fullmatch(entry.deal)]
    notes = [f"{deal} is a deal of replicate {replicates[0]} alone: one pair, no interval" for deal in simulated]
    quarter = _fork_quarter(market, added)
    if quarter <= market.deals_until:
        last = quarter_name(min(market.deals_until, market.last_quarter))
        notes.append(f"the worlds part in {quarter_name(quarter)}; disclosed deals up to {last} are signed as dated")
    return notes


def _label(without: Sequence[str], with_: Mapping[str, Terms]) -> str:
    """The counterfactual world in words."""
    parts = [f"without {', '.join(without)}"] if without else []
    told = {deal: ", ".join(f"{term} {value}" for term, value in terms.items()) for deal, terms in with_.items()}
    changes = [f"{deal} ({terms})" for deal, terms in told.items()]
    parts += [f"with {', '.join(changes)}"] if changes else []
    return ", ".join(parts)
