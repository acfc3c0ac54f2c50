"""A small tree of groups with one of every kind of parameter, and a way to write scenario files."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from market.parameters import Group, param


class Chip(StrEnum):
    GPU = "gpu"
    TPU = "tpu"


class Host(Group):
    cash_usd_bn: float = param(10.0, unit="USD bn", low=0.0, high=1000.0, meaning="Cash", source="ours")
    chip: Chip = param(Chip.GPU, unit="name", meaning="Chip", source="ours")


class Lab(Group):
    host: str = param(unit="name", meaning="First host", source="ours", default=...)
    target_frac: float | None = param(None, unit="frac", low=0.0, high=1.0, meaning="Target", source="ours")


class Shock(Group):
    quarter: str = param("2025Q1", unit="name", meaning="When", source="ours")
    size: float = param(0.5, unit="frac", low=0.0, high=1.0, meaning="How much", source="ours")
    hits: dict[str, float] = Field(default_factory=dict, description="Share by name")

    @model_validator(mode="after")
    def _no_size_no_hits(self) -> Self:
        if self.hits and self.size == 0.0:
            raise ValueError(f"hits: {len(self.hits)} hit by a shock of no size")
        return self


class Demand(Group):
    count: int = param(1000, unit="count", low=1, high=10_000, meaning="Customers | buyers", source="ours")
    growth: float = param(0.1, unit="1/quarter", low=-1.0, meaning="Growth", source="Bass (1969)")
    open: bool = param(True, unit="name", meaning="Open", source="ours")
    levels: tuple[Annotated[float, Field(ge=0, le=1)], ...] = param((0.5, 1.0), unit="frac", meaning="L", source="ours")


class Tree(Group):
    name: str = param("tree", unit="name", meaning="Name", source="ours")
    description: str = param("", unit="name", meaning="What for", source="ours")
    protocol: Literal["nash", "auction"] = param("nash", unit="name", meaning="Protocol", source="ours")
    demand: Demand = Field(default_factory=Demand)
    hosts: dict[str, Host] = Field(default_factory=dict)
    labs: dict[str, Lab] = Field(default_factory=dict)
    shocks: tuple[Shock, ...] = ()

    @model_validator(mode="after")
    def _hosts_are_known(self) -> Self:
        for name, lab in self.labs.items():
            if lab.host not in self.hosts:
                raise ValueError(f"labs.{name}.host: unknown host {lab.host!r}; allowed: {', '.join(self.hosts)}")
        return self


VALID = """\
# A comment with "quotes" and [brackets]
name = "valid"
description = '''
two
lines'''
protocol = "auction"
shocks = [
  { quarter = "2025Q1", size = 0.25, hits = { "a.b" = 1.0 } }, # first
  { quarter = "2026Q1" },
]

[demand]
growth = 1e-3
levels = [0.0,
  0.5]

[hosts.Amazon]
cash_usd_bn = 100

[hosts."Other cloud"]
chip = "tpu"

[labs]
"Google DeepMind".host = "Amazon"
"Google DeepMind".target_frac = 0.75
"""
