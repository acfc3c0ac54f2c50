"""What a scenario must satisfy beyond the range of each parameter: dates in order, names that exist, sizes that fit."""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import TYPE_CHECKING

from market.calendar import quarter_index
from market.fact_names import OTHER_CLOUDS
from market.scenario_errors import did_you_mean

if TYPE_CHECKING:
    from market.scenario import Negotiation, Rule, Scenario, Shock

MOST_RECURSIVE = 4  # as market.bargaining.portfolios; importing it would cost every command its start-up
LARGEST_TABLE = 2_000_000  # outcomes of one negotiation
SIMULATED_DEAL = re.compile(r"(0|[1-9]\d{0,8}):(0|[1-9]\d{0,8})")  # replicate and number
CAPACITY_TERMS = ("gw", "price_usd_bn_per_gw_quarter", "term_quarters", "take_or_pay_frac")
INTERVENTION_TERMS = ("equity_usd_bn", *CAPACITY_TERMS, "exclusivity", "revenue_share_frac")


def check(scenario: Scenario) -> None:
    """Raise ValueError, in one line that names the path, for a scenario that cannot be run."""
    _check_dates(scenario)
    _check_parties(scenario)
    _check_references(scenario)
    _check_sizes(scenario)
    _check_table(scenario.negotiation)
    _check_interventions(scenario)


def _check_quarter(path: str, text: str, *, blank: str | None = None) -> int | None:
    if text == blank:
        return None
    try:
        index = quarter_index(text)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    if not 2000 * 4 <= index < 2101 * 4:
        raise ValueError(f"{path}: {text} is out of range; allowed: 2000Q1 to 2100Q4")
    return index


def _check_dates(scenario: Scenario) -> None:
    time = scenario.time
    _check_quarter("time.start", time.start)
    _check_quarter("time.end", time.end)
    start, end = quarter_index(time.start), quarter_index(time.end)
    if end < start:
        raise ValueError(f"time.end: {time.end} is before time.start {time.start}; allowed: {time.start} or later")
    if end - start >= 400:
        raise ValueError(
            f"time.end: {time.end} is more than 400 quarters after time.start; allowed: at most 400 quarters"
        )
    for key in ("deals_until", "capex_until", "states_until"):
        _check_quarter(f"time.{key}", getattr(time, key), blank="none")
    _check_quarter("capex.ai_share_middle", scenario.capex.ai_share_middle)
    for name, lab in scenario.labs.items():
        _check_quarter(f"labs.{name}.enters", lab.enters, blank="")
        _check_quarter(f"labs.{name}.fails", lab.fails, blank="")
    dated: dict[str, tuple[Rule | Shock, ...]] = {"policy.rules": scenario.policy.rules, "shocks": scenario.shocks}
    for group, entries in dated.items():
        for i, entry in enumerate(entries):
            since = _check_quarter(f"{group}.{i}.since", entry.since)
            until = _check_quarter(f"{group}.{i}.until", entry.until, blank="")
            if until is not None and since is not None and until < since:
                problem = f"{entry.until} is before since {entry.since}; allowed: {entry.since} or later"
                raise ValueError(f"{group}.{i}.until: {problem}")


def _known(path: str, name: str, allowed: list[str]) -> None:
    if name not in allowed:
        hint = did_you_mean(name, allowed)
        raise ValueError(f"{path}: unknown name {name!r}; allowed: {', '.join(allowed) or 'none'}{hint}")


def _check_parties(scenario: Scenario) -> None:
    providers, labs, suppliers = list(scenario.hyperscalers), list(scenario.labs), list(scenario.suppliers)
    reserved = {OTHER_CLOUDS, "Outside investors", "Consumers", "Enterprises", "External", "Open models"}
    taken = Counter([*providers, *labs, *suppliers])
    for name, count in taken.items():
        if name in reserved or count > 1:
            group = (
                "labs" if name in scenario.labs else "hyperscalers" if name in scenario.hyperscalers else "suppliers"
            )
            raise ValueError(f"{group}.{name}: the name is already taken by another party or an account")


def _check_references(scenario: Scenario) -> None:
    providers, labs, suppliers = list(scenario.hyperscalers), list(scenario.labs), list(scenario.suppliers)
    for name, lab in scenario.labs.items():
        if lab.owner:
            _known(f"labs.{name}.owner", lab.owner, providers)
        if lab.home:
            _known(f"labs.{name}.home", lab.home, [*providers, OTHER_CLOUDS])
    for name, hyperscaler in scenario.hyperscalers.items():
        if hyperscaler.supplier:
            _known(f"hyperscalers.{name}.supplier", hyperscaler.supplier, suppliers)
    for i, pair in enumerate(scenario.negotiation.pair_protocols):
        if pair.provider:
            _known(f"negotiation.pair_protocols.{i}.provider", pair.provider, providers)
        if pair.lab:
            _known(f"negotiation.pair_protocols.{i}.lab", pair.lab, labs)
    for i, shock in enumerate(scenario.shocks):
        if shock.kind == "lab_failure":
            _known(f"shocks.{i}.target", shock.target, labs)


def _check_sizes(scenario: Scenario) -> None:
    labs, providers = scenario.labs, scenario.hyperscalers
    if (len(labs) + 1) * (len(providers) + 1) > 254:
        raise ValueError(
            f"labs: {len(labs)} labs on {len(providers)} hyperscalers are too many channels; "
            "allowed: (labs + 1) * (hyperscalers + 1) up to 254"
        )
    if sum(spec.cloud_share for spec in scenario.hyperscalers.values()) > 1.0 + 1e-9:
        raise ValueError("hyperscalers: the cloud_share of all hyperscalers adds up to more than 1; allowed: at most 1")


def _check_interventions(scenario: Scenario) -> None:
    seen: dict[str, int] = {}
    for i, entry in enumerate(scenario.interventions):
        path = f"interventions.{i}"
        if not entry.deal:
            allowed = "the slug of a disclosed deal, or REPLICATE:NUMBER of a simulated one"
            raise ValueError(f"{path}.deal: names no deal; allowed: {allowed}")
        if ":" in entry.deal and not SIMULATED_DEAL.fullmatch(entry.deal):
            raise ValueError(f"{path}.deal: {entry.deal!r} is no simulated deal; allowed: REPLICATE:NUMBER, as in 0:46")
        if entry.deal in seen:
            raise ValueError(f"{path}.deal: {entry.deal!r} stands in interventions.{seen[entry.deal]} already")
        seen[entry.deal] = i
        given = [term for term in INTERVENTION_TERMS if getattr(entry, term) is not None]
        if entry.kind == "remove" and given:
            raise ValueError(f"{path}.{given[0]}: a deal that is removed has no terms; allowed: with kind change")
        if entry.kind == "change" and not given:
            raise ValueError(f"{path}: changes no term; allowed: {', '.join(INTERVENTION_TERMS)}")
        left = [term for term in CAPACITY_TERMS[1:] if term in given]
        if entry.gw == 0.0 and left:
            raise ValueError(f"{path}.{left[0]}: there is no such term where gw is 0; allowed: with capacity")
        if entry.kind == "change" and entry.bar_quarters:
            raise ValueError(f"{path}.bar_quarters: a deal that is signed bars nobody; allowed: with kind remove")


def _check_table(rules: Negotiation) -> None:
    for key in (
        "gw_levels",
        "discount_levels",
        "take_or_pay_levels",
        "equity_levels",
        "upfront_levels",
        "revenue_share_levels",
    ):
        _check_levels(f"negotiation.{key}", getattr(rules, key), 0.0, 1.0)
    if not any(rules.gw_levels):
        shown = list(rules.gw_levels)
        raise ValueError(f"negotiation.gw_levels: {shown} has no capacity; allowed: one above 0 at least")
    # a warrant for all shares could not be granted
    _check_levels("negotiation.warrant_levels", rules.warrant_levels, 0.0, 0.99)
    for key in ("clause_levels", "milestones"):
        if not getattr(rules, key):
            raise ValueError(f"negotiation.{key}: the list is empty; allowed: at least one entry")
    _check_levels("negotiation.term_levels_quarters", rules.term_levels_quarters, 1, 80)
    _check_table_size(rules)
    if rules.protocol == "nash_in_shapley" and rules.deals_per_round > MOST_RECURSIVE:
        raise ValueError(
            f"negotiation.deals_per_round: {rules.deals_per_round} with protocol nash_in_shapley; "
            f"allowed: at most {MOST_RECURSIVE}, as it solves every set of a lab's deals"
        )


def _check_table_size(rules: Negotiation) -> None:
    staging = 1 + len(rules.upfront_levels) * len(rules.milestones)
    levels = (
        rules.gw_levels,
        rules.term_levels_quarters,
        rules.take_or_pay_levels,
        rules.clause_levels,
        rules.discount_levels,
    )
    size = (
        math.prod(map(len, (*levels, rules.equity_levels, rules.warrant_levels, rules.revenue_share_levels))) * staging
    )
    if size > LARGEST_TABLE:
        raise ValueError(
            f"negotiation: the levels of all issues make {size:,} outcomes; allowed: at most {LARGEST_TABLE:,}"
        )


def _check_levels(path: str, levels: tuple[float, ...] | tuple[int, ...], low: float, high: float) -> None:
    if not levels or len(levels) > 64 or any(not low <= level <= high for level in levels):
        raise ValueError(
            f"{path}: {list(levels)} is no list of levels; allowed: 1 to 64 numbers between {low} and {high}"
        )
    if len(set(levels)) < len(levels):
        raise ValueError(f"{path}: {list(levels)} lists a level twice; allowed: each once")
