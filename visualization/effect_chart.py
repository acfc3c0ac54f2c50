"""What differs between two worlds: effects with intervals, their course over time, and which deals they come from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cloudpact.schema import MARKET
from visualization.chart import PALETTE, Cell, Figure, Kind, Part, band, clean, line, shown, time_chart
from visualization.interval_chart import Mark, interval_chart, zero_line
from visualization.names import signed, spoken
from visualization.quantiles import records

if TYPE_CHECKING:
    from experiments.attribution import Attribution
    from experiments.comparison import Comparison

_EFFECT, _MEANS = ("effect", "low", "high"), ("mean_a", "mean_b")
_SIMULATED = (Part("both worlds, under the same luck", Kind.SIMULATED),)


def effects(comparison: Comparison) -> Figure:
    """Every effect with its 95 % interval, in per cent of the first world's mean so that they share an axis."""
    rows = [_in_per_cent(row) for row in records(comparison.effects.reset_index())]
    scaled = [row for row in rows if _scale(row)]
    first, second = comparison.names
    option = interval_chart(
        [spoken(row["outcome"]) for row in scaled], {"effect": [_effect_mark(row) for row in scaled]}, bars=False
    )
    left_out = [spoken(row["outcome"]) for row in rows if not _scale(row)]
    without = f" Not drawn, for want of a mean other than nil to scale by: {', '.join(left_out)}." if left_out else ""
    columns = ("outcome", "effect", "low", "high", "unit", first, second, "same sign, %", "pairs", "variance ratio")
    return Figure(
        "effects",
        f"{second} against {first}",
        _effects_sentence(rows, first, second),
        f"effect in per cent of the mean in {first}",
        option,
        columns,
        tuple(_effect_row(row) for row in rows),
        _SIMULATED,
        f"Mark: mean of the differences of pairs of runs with the same luck; line: 95 % interval.{without}",
    )


def _in_per_cent(row: dict[str, Any]) -> dict[str, Any]:
    """The row of a fraction in per cent, in which its effect can be read; others as they are."""
    if not str(row["unit"]).startswith("frac"):
        return row
    numbers = {name: 100 * row[name] for name in (*_EFFECT, *_MEANS)}
    return {**row, **numbers, "unit": str(row["unit"]).replace("frac", "%")}


def _scale(row: Mapping[str, Any]) -> float:
    """What an effect is divided by for its percentage; nil where that makes no sense."""
    mean = abs(row["mean_a"])
    return mean / 100 if math.isfinite(mean) and math.isfinite(row["effect"]) and mean > 1e-12 else 0.0


def _effect_mark(row: Mapping[str, Any]) -> Mark:
    scale = _scale(row)
    value, low, high = (clean(row[name] / scale) for name in ("effect", "low", "high"))
    tip = f"{signed(row['effect'])} {row['unit']} ({signed(value)} %){_range(row)}"
    return Mark(value, low, high, tip)


def _range(row: Mapping[str, Any]) -> str:
    return f"; 95 %: {signed(row['low'])} to {signed(row['high'])}" if math.isfinite(row["low"]) else ""


def _effect_row(row: Mapping[str, Any]) -> tuple[Cell, ...]:
    effect, means = (map(clean, (row[name] for name in names)) for names in (_EFFECT, _MEANS))
    same, ratio = clean(100 * row["share_same_sign"]), clean(row["variance_ratio"])
    return (str(row["outcome"]), *effect, str(row["unit"]), *means, same, int(row["pairs"]), ratio)


def _effects_sentence(rows: list[dict[str, Any]], first: str, second: str) -> str:
    """What is distinct from nil, the largest change first."""
    if rows and all(row["pairs"] and row["identical"] == row["pairs"] for row in rows):
        return f"{second} is identical to {first} in every outcome of every pair."
    distinct = [row for row in rows if _scale(row) and (row["low"] > 0 or row["high"] < 0)]
    if not distinct:
        return f"No effect of {second} against {first} is distinct from nil at 95 %."
    distinct.sort(key=lambda row: -abs(row["effect"]) / _scale(row))
    told = [f"{spoken(row['outcome'])} {signed(row['effect'] / _scale(row))} %" for row in distinct[:3]]
    count = f"{len(distinct)} of {len(rows)} effects are" if len(distinct) > 1 else f"1 of {len(rows)} effects is"
    return f"{count} distinct from nil at 95 %; the largest: {', '.join(told)}."


def effect_profile(comparison: Comparison, column: str = "alignment_hhi") -> Figure:
    """The effect on a column of the table `market` quarter by quarter, with its 95 % interval."""
    profile = comparison.profile(column)
    quarters = [str(quarter) for quarter in profile.index]
    low, middle, high = ([clean(value) for value in profile[name]] for name in ("low", "effect", "high"))
    first, second = comparison.names
    drawn = {**line("effect", middle, PALETTE[0], labelled=False), "markLine": zero_line("yAxis")}
    intervals = band("95 %", low, high, PALETTE[0], 0.22) if any(value is not None for value in low) else []
    option = time_chart(quarters, [drawn, *intervals], right_px=30)
    option["xAxis"]["axisLine"] = {"onZero": False}
    unit = next((known.unit for known in MARKET.columns if known.name == column), "")
    end = profile.iloc[-1]
    interval = f" (95 %: {signed(end['low'])} to {signed(end['high'])})" if math.isfinite(end["low"]) else ""
    return Figure(
        f"profile-{column}",
        f"Effect on {spoken(column)} over time",
        f"In {quarters[-1]} {spoken(column)} is {signed(end['effect'])} in {second} against {first}{interval}.",
        unit,
        option,
        ("quarter", "effect", "low", "high"),
        tuple(zip(quarters, middle, low, high, strict=True)),
        _SIMULATED,
        "Line: mean of the differences of pairs of runs with the same luck. Band: 95 % interval of that mean.",
    )


def attribution_bars(attribution: Attribution) -> Figure:
    """What each deal contributed to a change, with two standard errors, the largest first; below them all the rest."""
    rows = records(attribution.deals)
    marks = [_contribution(row["contribution"], row["standard_error"]) for row in rows]
    marks.append(_contribution(attribution.rest, math.nan))
    names = [*(str(row["deal"]) for row in rows), "everything else"]
    values = [(row["contribution"], row["standard_error"]) for row in rows] + [(attribution.rest, math.nan)]
    first, last, what = attribution.first, attribution.last, spoken(attribution.outcome)
    orders = f"over {attribution.permutations} orders" if attribution.permutations else "over all orders, exact"
    most = f"; of the deals {rows[0]['deal']} adds most ({signed(rows[0]['contribution'])})" if rows else ""
    return Figure(
        f"attribution-{attribution.outcome}",
        f"Which deals the change of {what} comes from",
        f"{what} changes by {signed(attribution.change)} from the end of {first} to the end of {last}{most}.",
        attribution.unit or attribution.outcome,
        interval_chart(names, {"contribution": marks}, bars=True),
        ("deal", "contribution", "standard error"),
        tuple((name, clean(value), clean(error)) for name, (value, error) in zip(names, values, strict=True)),
        (Part(f"worlds of {attribution.scenario} with and without each deal", Kind.SIMULATED),),
        f"Bar: Shapley value, what the deal adds on average {orders}. Line: two standard errors either way. "
        "Everything else: time, luck, and what was signed before.",
    )


def _contribution(value: float, error: float) -> Mark:
    known = math.isfinite(error)
    low, high = (value - 2 * error, value + 2 * error) if known else (None, None)
    return Mark(value, low, high, f"{signed(value)}{f' ± {shown(2 * error)}' if known else ''}")
