"""Every parameter of the model, once: type, unit, range, default, meaning and source."""

from __future__ import annotations

from pydantic import Field

from market.parameters import Group, param

DESIGN = "assumption of this model, not estimated"


class Enterprises(Group):
    """Resolution and behaviour of the enterprise population."""

    count: int = param(1000, unit="count", low=1, high=10_000_000, meaning="Enterprises simulated: a resolution, total demand does not depend on it", source=DESIGN)


class HyperscalerSpec(Group):
    """One hyperscaler at the start of the scenario."""

    cash_usd_bn: float = param(10.0, unit="USD bn", low=0.0, high=1000.0, meaning="Cash at the start", source=DESIGN)


class Scenario(Group):
    """A resolved scenario: frozen, complete, runnable."""

    name: str = param("baseline", unit="name", meaning="Name of the scenario", source=DESIGN)
    description: str = param("", unit="name", meaning="What the scenario is for, in one sentence", source=DESIGN)
    start: str = param("2019Q1", unit="name", meaning="First quarter", source=DESIGN)
    end: str = param("2030Q4", unit="name", meaning="Last quarter", source=DESIGN)
    enterprises: Enterprises = Field(default_factory=Enterprises)
    hyperscalers: dict[str, HyperscalerSpec] = Field(default_factory=dict)
