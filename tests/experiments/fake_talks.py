"""Talks between OpenAI and Oracle with Amazon as rival, in round numbers, and the trace that they leave."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Any

from market.bargaining.explanation import Rival, trace_of
from market.bargaining.negotiation import solve
from market.bargaining.problem import Problem
from tests.market.bargaining import views


def problem(provider: str = "Oracle", **changes: Any) -> Problem:
    """A problem in which capacity, cash and the continuous discount matter; `changes` are to the provider's side."""
    return views.problem(
        lab=views.lab(name="OpenAI"),
        provider=views.provider(name=provider, **changes),
        continuous=("discount", "equity"),
    )


def rival(**changes: Any) -> Problem:
    """A rival with less capacity, and so with less to share."""
    return problem("Amazon", **{"buildable_gw": 0.3, **changes})


def story_of(own: Problem, *rivals: Problem, protocol: str = "") -> dict[str, Any]:
    """What is kept of talks that ended in a deal."""
    offers = [Rival(each.provider.name, each, solve(each).lab) for each in rivals]
    return trace_of(8000, "signed", solve(own), protocol or own.rule, 1, offers).story


@functools.cache
def story() -> dict[str, Any]:
    """The trace of one deal, Amazon's offer being too low to matter."""
    return story_of(problem(), rival())


def under(rule: str, own: Problem) -> Problem:
    """The same problem by another rule."""
    return replace(own, rule=rule)
