"""One signed deal bargained again with something changed, without the market; in words by `renegotiation_text`."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from cloudpact.results import Results, ResultsError
from experiments.explain import deal_row, finite, story_of
from market.bargaining.explanation import LIMITS, RIVAL, components
from market.bargaining.negotiation import PAIR_RULES, Offer, best_lab_gain, evaluated, solve, table_of
from market.bargaining.problem import Problem
from market.bargaining.protocols import Conduct
from market.scenario import Scenario, Talks

NAMES = (*LIMITS, RIVAL)
# Protocols under which a lab signs with several providers at once: another's surplus takes no deal away.
SEVERAL = ("nash_in_nash", "nash_in_nash_replacement", "nash_in_shapley")
REPLACEMENT = "nash_in_nash_replacement"
# How talks are conducted, by the name that scenario and problem share; the number of rounds apart.
SHARED = tuple({field.name for field in dataclasses.fields(Conduct)} & set(Talks.model_fields) - {"deadline_rounds"})

type Offers = dict[str, Offer]


def renegotiate(run: Results | str | Path, deal: str, **changes: Any) -> dict[str, Any]:
    """What a deal of a run would have been signed on with something changed, as plain data.

    `run` is results in memory or a run's folder, `changes` are those of `renegotiated`. Raises ResultsError for a
    deal that the run does not hold or that was not bargained, and as `renegotiated`.
    """
    if isinstance(run, Results):
        results, talks = run, Talks()
    else:
        results, talks = Results.load(run), Scenario.load(Path(run) / "scenario.toml").talks
    row = deal_row(results, deal)
    again = renegotiated(story_of(results, deal), default_talks=talks, **changes)
    return {**{name: row[name] for name in ("deal", "provider", "lab", "quarter")}, **again}


def renegotiated(
    story: Mapping[str, Any],
    *,
    protocol: str | None = None,
    lab_weight: float | None = None,
    outside_option_usd_bn: float | None = None,
    limits: Mapping[str, float] | None = None,
    lifted: Sequence[str] = (),
    talks: Mapping[str, Any] | None = None,
    default_talks: Talks | None = None,
) -> dict[str, Any]:
    """Before and after, as plain data, of a deal's problem solved again; `story` is the trace of its negotiation.

    `protocol` is one of PAIR_RULES; an auction is entered or left by all rivals together, any other rule is this
    pair's alone. `lab_weight` is in [0, 1]. `outside_option_usd_bn` is what the lab could have elsewhere, in
    place of its rivals' offers. `limits` (new values) and `lifted` name constraints as `explained` does: NAMES.
    `talks` changes keys of the scenario's group `talks`; those that the trace does not tell come from
    `default_talks`.

    The two bargain as in the market: on their own, and if the lab gets less than the best rival offers, again with
    that as a floor; in an auction rivals bid. `signed` is false, with the `reason`, where they do not agree or a
    rival overtakes them by what decides between providers, joint surplus or in an auction the bid. Without any
    change the terms are the signed ones.

    Raises ResultsError for a name or number that is not allowed, ScenarioError for one in `talks`.
    """
    problem = Problem.from_plain(story["problem"])
    rivals = {each["provider"]: Problem.from_plain(story["problem"] | each["differs"]) for each in story["rivals"]}
    floor = _floor(outside_option_usd_bn, lifted)
    rule = problem.rule if protocol is None else _one_of("protocol", protocol, PAIR_RULES)
    conduct = _conduct(problem, rule, talks or {}, default_talks or Talks())
    changed = dataclasses.replace(_limited(problem, limits or {}, lifted), rule=rule, conduct=conduct)
    if lab_weight is not None:
        weight = _number("lab weight", lab_weight, 1.0)
        changed = dataclasses.replace(changed, lab=dataclasses.replace(problem.lab, weight=weight))
    if floor is None and changed.plain() == problem.plain():
        offer, overtaken = solve(problem), ""
    else:
        offer, overtaken = _bargained(story, changed, rivals, floor)
    before = {"rule": problem.rule, "terms": story["terms"], "gains": story["payoffs"]}
    changes = _changes(problem, changed, floor) | _talks_changes(problem, changed, talks or {})
    return finite(
        {
            "changes": changes,
            "signed": offer.agreed and not overtaken,
            "reason": overtaken or offer.reason,
            "before": {**before, "lab_weight": problem.lab.weight, "components": story["components"]},
            "after": _after(offer),
        }
    )  # type: ignore[no-any-return]


def _floor(outside_option: float | None, lifted: Sequence[str]) -> float | None:
    """The lab's outside option as asked for; None for its rivals' offers, minus infinity for none."""
    if outside_option is None:
        return -math.inf if RIVAL in lifted else None
    if RIVAL in lifted:
        raise ResultsError(f"outside option: both set and, as {RIVAL!r}, lifted; allowed: one of the two")
    return _number("outside option", outside_option, math.inf, least=-math.inf)


def _limited(problem: Problem, limits: Mapping[str, float], lifted: Sequence[str]) -> Problem:
    """The problem with other limits, and without some."""
    changes: dict[str, Any] = {}
    for name in lifted:
        if _one_of("constraint", name, NAMES) != RIVAL:
            changes[LIMITS[name][0]] = LIMITS[name][2]
    for name, value in limits.items():
        attribute, _, free = LIMITS[_one_of("limit", name, tuple(LIMITS))]
        if name in lifted:
            raise ResultsError(f"limit: {name!r} is lifted as well; allowed: one of the two")
        changes[attribute] = _number(name, value, free)
    return dataclasses.replace(problem, provider=dataclasses.replace(problem.provider, **changes))


def _conduct(problem: Problem, rule: str, changes: Mapping[str, Any], default: Talks) -> Conduct:
    """How talks are conducted under a rule: as in the problem, but for the changes."""
    told = {name: getattr(problem.conduct, name) for name in SHARED}
    told[_rounds(problem)] = problem.conduct.deadline_rounds
    scenario = Scenario(talks=default.model_copy(update=told))
    group = scenario.with_({f"talks.{name}": value for name, value in changes.items()}).talks
    rounds = group.concession_rounds if rule == "concession" else group.deadline_rounds
    same = {name: getattr(group, name) for name in SHARED}
    return dataclasses.replace(problem.conduct, **same, deadline_rounds=rounds)


def _rounds(problem: Problem) -> str:
    """The scenario's name for the number of rounds of a problem's talks."""
    return "concession_rounds" if problem.rule == "concession" else "deadline_rounds"


def _bargained(
    story: Mapping[str, Any], problem: Problem, rivals: Mapping[str, Problem], floor: float | None
) -> tuple[Offer, str]:
    """What the two agree on against the rivals, and who would take the deal from them, in words."""
    auctioned = problem.rule == "auction"
    if auctioned != (story["problem"]["rule"] == "auction"):
        rivals = {
            name: dataclasses.replace(rival, rule=problem.rule, conduct=problem.conduct, floors=(-math.inf, -math.inf))
            for name, rival in rivals.items()
        }
    if auctioned:
        able = [rival for rival in rivals.values() if best_lab_gain(table_of(rival, evaluated(rival))) > 0.0]
        problem = dataclasses.replace(problem, bidders=1 + len(able))
        rivals = {
            name: dataclasses.replace(rival, bidders=1 + len(able), conduct=problem.conduct)
            for name, rival in rivals.items()
        }
    offers = {name: solve(rival) for name, rival in rivals.items()} if floor is None else {}
    offer = _against(problem, _elsewhere(story, problem, offers) if floor is None else floor)
    overtaken = _overtaken(story, offer, offers) if story["protocol"] not in SEVERAL or auctioned else ""
    return offer, overtaken


def _elsewhere(story: Mapping[str, Any], problem: Problem, offers: Offers) -> float:
    """The most that the lab could have from a rival; rivals that bid in an auction are no outside option."""
    if problem.rule == "auction":
        return -math.inf
    if story["protocol"] == REPLACEMENT:
        gains = [best_lab_gain(table_of(each.problem, each.evaluation)) for each in offers.values()]
    else:
        gains = [each.lab for each in offers.values()]
    return max([problem.floors[0], *gains])


def _against(problem: Problem, outside: float) -> Offer:
    """The two on their own; if the lab gets less than its outside option, again with that as a floor."""
    alone = dataclasses.replace(problem, floors=(-math.inf, problem.floors[1]))
    held = dataclasses.replace(problem, floors=(outside, problem.floors[1]))
    if problem.rule == "auction":
        return solve(held)
    offer = solve(alone)
    return solve(held) if offer.agreed and offer.lab < outside else offer


def _overtaken(story: Mapping[str, Any], offer: Offer, offers: Offers) -> str:
    """Which rival would be signed instead, in words; empty if none.

    A rival that was ahead of the signed deal already (of one signed by a right of first refusal) takes nothing away.
    """
    bids = offer.problem.rule == "auction"
    same_order = bids == (story["problem"]["rule"] == "auction")
    worth = {name: each.lab if bids else each.joint for name, each in offers.items() if each.agreed}
    was = story["payoffs"]["lab"] + (0.0 if bids else story["payoffs"]["provider"])
    own = offer.lab if bids else offer.joint
    ahead = {name: value for name, value in worth.items() if value > own and not (same_order and value > was)}
    if not offer.agreed or not ahead:
        return ""
    name = max(ahead, key=ahead.__getitem__)
    if bids:
        return f"{name} would bid the lab more: USD {ahead[name]:,.3f} bn against {own:,.3f}"
    return f"the lab would sign with {name}: together they would gain USD {ahead[name]:,.3f} bn against {own:,.3f}"


def _after(offer: Offer) -> dict[str, Any]:
    told: dict[str, Any] = {"rule": offer.problem.rule, "lab_weight": offer.problem.lab.weight}
    if offer.terms is None:
        return {**told, "terms": None, "gains": None, "components": None}
    gains = {"lab": offer.lab, "provider": offer.provider}
    return {**told, "terms": offer.terms.plain(), "gains": gains, "components": components(offer)}


def _changes(problem: Problem, changed: Problem, floor: float | None) -> dict[str, list[Any]]:
    """What was changed, by name: value before and after; None is no limit, or no outside option."""
    found: dict[str, list[Any]] = {
        "protocol": [problem.rule, changed.rule],
        "lab weight": [problem.lab.weight, changed.lab.weight],
        "outside option": [problem.floors[0], problem.floors[0] if floor is None else floor],
    }
    for name, (attribute, _, _) in LIMITS.items():
        found[name] = [getattr(problem.provider, attribute), getattr(changed.provider, attribute)]
    return {name: values for name, values in found.items() if values[0] != values[1]}


def _talks_changes(problem: Problem, changed: Problem, talks: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Changed keys of the group `talks`, with what the problem says of them: rounds of another rule are not told."""
    both = problem, changed
    told: dict[str, list[Any]] = {}
    for name in talks:
        if name in SHARED:
            told[f"talks.{name}"] = [getattr(each.conduct, name) for each in both]
        else:
            told[f"talks.{name}"] = [each.conduct.deadline_rounds if _rounds(each) == name else None for each in both]
    return told


def _one_of(what: str, name: str, allowed: Sequence[str]) -> str:
    if name in allowed:
        return name
    close = get_close_matches(name, allowed, n=1, cutoff=0.4)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    raise ResultsError(f"{what}: {name!r} is unknown; allowed: {', '.join(allowed)}{hint}")


def _number(what: str, value: float, most: float, least: float = 0.0) -> float:
    if math.isfinite(value) and least <= value <= most:
        return float(value)
    upper = f" to {most:g}" if math.isfinite(most) else " or more"
    allowed = f"{least:g}{upper}" if math.isfinite(least) else "any finite number"
    raise ResultsError(f"{what}: {value}; allowed: {allowed}")
