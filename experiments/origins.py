"""The market as it stood at an origin: facts imposed up to there, nothing later known."""

from __future__ import annotations

from typing import Any, Literal

from market.calendar import quarter_index, quarter_name
from market.scenario import Scenario

Mode = Literal["blind", "conditional", "deals"]


def at_origin(scenario: Scenario, origin: str, horizon: int, mode: Mode = "blind") -> Scenario:
    """A scenario that imposes facts up to an origin and then runs on its own for `horizon` quarters.

    Capex, cloud revenue, run-rates and valuations are imposed up to the origin in both modes. Blind:
    deals are those known at the origin, and labs that come later are not there. Conditional: later
    disclosed deals are signed as dated, and later labs enter. Deals: these
    alone are on their own; later labs enter, and capex, cloud revenue, run-rates and valuations go on
    being imposed. Dated rules and shocks after the origin
    stay in both: a scenario that has any is a scenario, not a hindcast.

    >>> at_origin(Scenario.load("baseline"), "2022Q4", 8).time.end
    '2024Q4'
    >>> "xAI" in at_origin(Scenario.load("baseline"), "2022Q4", 8).labs
    False
    """
    last = quarter_index(origin)
    end = quarter_name(last + horizon)
    changes: dict[str, Any] = {
        "time.end": end,
        "time.deals_until": end if mode == "conditional" else origin,
        "time.capex_until": end if mode == "deals" else origin,
        "time.states_until": end if mode == "deals" else origin,
    }
    if mode == "blind":
        changes["labs"] = {
            name: spec for name, spec in scenario.labs.items() if not spec.enters or quarter_index(spec.enters) <= last
        }
    return scenario.model_copy(update={"labs": changes.pop("labs", scenario.labs)}).with_(changes)
