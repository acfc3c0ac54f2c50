"""Everything that one bilateral negotiation starts from, as plain data that can be kept and solved again."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np

from market.bargaining.protocols import Conduct
from market.bargaining.views import Grid, LabView, ProviderView, Weights
from market.deals import Exclusivity, Trigger
from market.funding import FundingNeed
from market.pricing import CostBasis


@dataclass(frozen=True, slots=True)
class Terms:
    """One outcome of the talks: a level of every issue."""

    gw: float
    term_quarters: int
    take_or_pay_frac: float
    clause: Exclusivity
    discount_frac: float
    equity_usd_bn: float
    upfront_frac: float
    milestone: Trigger
    warrant_stake_frac: float
    revenue_share_frac: float

    @property
    def grid(self) -> Grid:
        """A table with these terms alone on it."""
        return Grid(
            gw=(self.gw,),
            terms=(self.term_quarters,),
            take_or_pay=(self.take_or_pay_frac,),
            clauses=(self.clause,),
            discounts=(self.discount_frac,),
            equity=(self.equity_usd_bn,),
            staging=((self.upfront_frac, self.milestone),),
            warrants=(self.warrant_stake_frac,),
            revenue_shares=(self.revenue_share_frac,),
        )

    def plain(self) -> dict[str, Any]:
        """Issue by issue, in the types of JSON."""
        return dataclasses.asdict(self) | {"clause": str(self.clause), "milestone": str(self.milestone)}


def terms_at(grid: Grid, index: int) -> Terms:
    """The outcome at a place in the flattened grid.

    >>> grid = Grid((1.0, 2.0), (8,), (0.8,), (Exclusivity.NONE,), (0.0, 0.1), (0.0,), ((1.0, Trigger.DATE),))
    >>> terms_at(grid, 3).gw, terms_at(grid, 3).discount_frac
    (2.0, 0.1)
    """
    at = np.unravel_index(index, grid.shape)
    gw, term, take, clause, discount, equity, staging, warrant, share = (
        levels[int(i)] for levels, i in zip(grid.levels, at, strict=True)
    )
    return Terms(gw, term, take, clause, discount, equity, staging[0], staging[1], warrant, share)


@dataclass(frozen=True, slots=True)
class Problem:
    """One pair at the table: both views, the terms on it, the protocol, threat point and outside options.

    `lab` and `provider` are as the lab sees the two, `seen` as the provider does (None: alike). `rule`
    names how the pair bargains; `threat` is what the two get without agreement, over no deal this
    round; `floors` are outside options; `luck` places private reservation values; `bidders` counts the
    providers that bid in an auction; `continuous` names the issues that are polished between levels.
    """

    lab: LabView
    provider: ProviderView
    grid: Grid
    weights: Weights
    seen: tuple[LabView, ProviderView] | None = None
    rule: str = "nash"
    conduct: Conduct = dataclasses.field(default_factory=Conduct)
    threat: tuple[float, float] = (0.0, 0.0)
    floors: tuple[float, float] = (-np.inf, -np.inf)
    luck: tuple[float, float] = (0.0, 0.0)
    bidders: int = 1
    continuous: tuple[str, ...] = ()

    @property
    def table(self) -> Grid:
        """The grid with the levels at which a limit on capacity or on equity binds put in between.

        A provider offers all that it can build, not only the next level below.
        """
        grid, side = self.grid, self.provider
        gw = min(side.buildable_gw, side.power_gw, side.rival_room_gw)
        # what a stake s0 may grow to under the cap, at one price for old and new shares
        sold = (side.stake_cap - side.stake_frac) / (1.0 - side.stake_frac) if side.stake_frac < side.stake_cap else 0.0
        equity = min(side.equity_room_usd_bn, self.lab.value_usd_bn * sold / (1.0 - sold) if sold < 1.0 else np.inf)
        return dataclasses.replace(grid, gw=_with_level(grid.gw, gw), equity=_with_level(grid.equity, equity))

    def plain(self) -> dict[str, Any]:
        """The problem in the types of JSON; `from_plain` is its inverse."""
        return _plain(self)  # type: ignore[no-any-return]

    def plain_where_not(self, other: Problem) -> dict[str, Any]:
        """What must be changed in another problem's `plain` to have this one's."""
        parts = ((field.name, getattr(self, field.name)) for field in dataclasses.fields(self))
        return {name: _plain(part) for name, part in parts if part is not getattr(other, name)}

    @classmethod
    def from_plain(cls, data: dict[str, Any]) -> Problem:
        """A problem from what `plain` gave."""
        grid = data["grid"]
        return cls(
            lab=_lab(data["lab"]),
            provider=_provider(data["provider"]),
            grid=Grid(
                **{
                    **{name: tuple(levels) for name, levels in grid.items()},
                    "clauses": tuple(Exclusivity(kind) for kind in grid["clauses"]),
                    "staging": tuple((share, Trigger(trigger)) for share, trigger in grid["staging"]),
                }
            ),
            weights=Weights(**data["weights"]),
            seen=(_lab(data["seen"][0]), _provider(data["seen"][1])) if data["seen"] else None,
            rule=data["rule"],
            conduct=Conduct(**data["conduct"]),
            threat=_pair(data["threat"]),
            floors=_pair(data["floors"]),
            luck=_pair(data["luck"]),
            bidders=data["bidders"],
            continuous=tuple(data["continuous"]),
        )


def _with_level(levels: tuple[float, ...], level: float) -> tuple[float, ...]:
    """Levels with one more where it lies among them and above nil."""
    if level in levels or not 0.0 < level < max(levels):
        return levels
    return tuple(sorted((*levels, level)))


def _plain(value: Any) -> Any:
    """Dataclasses as dicts, arrays and tuples as lists, enums as text, infinities as text."""
    if dataclasses.is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, np.ndarray):
        return value.tolist() if np.isfinite(value).all() else [_plain(item) for item in value.tolist()]
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    if isinstance(value, (Exclusivity, Trigger)):
        return str(value)
    if isinstance(value, float) and not np.isfinite(value):
        return str(value)  # JSON knows no infinities
    return value.item() if isinstance(value, np.generic) else value


def _number(value: Any) -> Any:
    return float(value) if isinstance(value, str) and value in ("inf", "-inf") else value


def _pair(values: list[Any]) -> tuple[float, float]:
    return _number(values[0]), _number(values[1])


def _lab(data: dict[str, Any]) -> LabView:
    paths = ("need_gw", "contracted_gw", "revenue_usd_bn_per_quarter")
    kept = {name: _number(value) for name, value in data.items() if name not in (*paths, "funding", "name")}
    return LabView(
        **{
            **kept,
            **{name: np.array(data[name], dtype=float) for name in paths},
            "name": data["name"],
            "funding": FundingNeed(**{name: _number(value) for name, value in data["funding"].items()}),
            "depths": tuple(_number(depth) for depth in data["depths"]),
            "costs": tuple(_number(cost) for cost in data["costs"]),
        }
    )


def _provider(data: dict[str, Any]) -> ProviderView:
    paths = ("expected_price", "alone_gw", "with_lab_gw")
    kept = {name: _number(value) for name, value in data.items() if name not in (*paths, "basis", "name")}
    return ProviderView(
        **{
            **kept,
            "name": data["name"],
            **{name: np.array(data[name], dtype=float) for name in paths},
            "basis": CostBasis(**data["basis"]),
            "running_clause": Exclusivity(data["running_clause"]),
        }
    )
