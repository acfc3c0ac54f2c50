"""One signed deal bargained again with something changed, without the market; in words by `renegotiation_text`."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cloudpact.results import Results
from experiments.deal_changes import Change
from experiments.explain import deal_row, finite, story_of
from market.bargaining.explanation import components
from market.bargaining.menus import best_lab_gain
from market.bargaining.negotiation import Offer, evaluated, solve
from market.bargaining.problem import Problem
from market.scenario import Scenario, Talks

# Protocols under which a lab signs with several providers at once: another's surplus takes no deal away.
SEVERAL = ("nash_in_nash", "nash_in_nash_replacement", "nash_in_shapley")
REPLACEMENT = "nash_in_nash_replacement"

type Offers = dict[str, Offer]


def renegotiate(run: Results | str | Path, deal: str, **changes: Any) -> dict[str, Any]:
    """What a deal of a run would have been signed on with something changed, as plain data.

    `run` is results in memory or a run's folder; for `changes` see `Change`, for the answer `renegotiated`. Raises
    ResultsError for a deal that the run does not hold or that was not bargained, and as `renegotiated`.
    """
    if isinstance(run, Results):
        results, talks = run, Talks()
    else:
        results, talks = Results.load(run), Scenario.load(Path(run) / "scenario.toml").talks
    row = deal_row(results, deal)
    again = renegotiated(story_of(results, deal), talks, **changes)
    return {**{name: row[name] for name in ("deal", "provider", "lab", "quarter")}, **again}


def renegotiated(story: Mapping[str, Any], default_talks: Talks | None = None, **changes: Any) -> dict[str, Any]:
    """Before and after, as plain data, of a deal's problem solved again; `story` is the trace of its negotiation.

    For `changes` see `Change`; an auction is entered or left by all rivals together, any other protocol is this
    pair's alone. The two bargain as in the market: on their own, and if the lab gets less than its best rival
    offers, again with that as a floor; in an auction rivals bid. `signed` is false, with the `reason`, where
    they do not agree or a rival overtakes them by what decides between providers: joint surplus, or in an
    auction the bid. `after` then holds what the two would have agreed on, or None. Without any change the
    terms are the signed ones.

    Raises ResultsError for a name or number that is not allowed, ScenarioError for one in `talks`.
    """
    change = Change(**changes)
    problem = Problem.from_plain(story["problem"])
    changed = change.of(problem, default_talks or Talks())
    if change.floor is None and changed.plain() == problem.plain():
        offer, overtaken = solve(problem), ""
    else:
        offer, overtaken = _bargained(story, changed, change.floor)
    told: dict[str, Any] = finite({
        "changes": change.listed(problem, changed),
        "signed": offer.agreed and not overtaken,
        "reason": overtaken or offer.reason,
        "before": {
            "rule": problem.rule,
            "lab_weight": problem.lab.weight,
            "terms": story["terms"],
            "gains": story["payoffs"],
            "components": story["components"],
        },
        "after": _after(offer),
    })  # fmt: skip
    return told


def _bargained(story: Mapping[str, Any], problem: Problem, floor: float | None) -> tuple[Offer, str]:
    """What the two agree on against the rivals, and who would take the deal from them, in words."""
    rivals = {each["provider"]: Problem.from_plain(story["problem"] | each["differs"]) for each in story["rivals"]}
    auctioned = problem.rule == "auction"
    if auctioned or story["problem"]["rule"] == "auction":
        able = sum(best_lab_gain(rival, evaluated(rival)) > 0.0 for rival in rivals.values())
        everyone: dict[str, Any] = {"rule": problem.rule, "conduct": problem.conduct, "bidders": 1 + able}
        problem = dataclasses.replace(problem, bidders=1 + able)
        rivals = {name: dataclasses.replace(rival, **everyone) for name, rival in rivals.items()}
    offers = {name: solve(rival) for name, rival in rivals.items()} if floor is None else {}
    offer = _against(problem, _elsewhere(story, problem, offers) if floor is None else floor)
    compared = auctioned or story["protocol"] not in SEVERAL
    return offer, _overtaken(story, offer, offers) if compared else ""


def _elsewhere(story: Mapping[str, Any], problem: Problem, offers: Offers) -> float:
    """The most that the lab could have from a rival; rivals that bid in an auction are no outside option."""
    if problem.rule == "auction":
        return -math.inf
    if story["protocol"] == REPLACEMENT:
        gains = [best_lab_gain(each.problem, each.evaluation) for each in offers.values()]
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
