"""A forecast as text for people, in a wide or a narrow window."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING

from experiments.comparison_text import aligned, decimals, shown
from experiments.forecasting.series import unit_of
from market.calendar import quarter_name

if TYPE_CHECKING:
    from experiments.forecasting.result import Forecast

HEADLINE = (
    "capex[four]",
    "capacity_gw",
    "run_rate[OpenAI]",
    "run_rate[Anthropic]",
    "lab_revenue_annualised_usd_bn",
    "cloud_hhi",
    "alignment_hhi",
    "frontier_top2_frac",
    "utilisation_frac",
    "deals",
)
SMALLEST_WIDTH = 60
MOST_QUARTERS = 5
READING = """\
Median, and in brackets 10 % to 90 % of the runs. Shares: of the variance, by source alone (law of total variance);
interaction is what the sources do together. Luck includes the draws of [uncertainty] about the years after the facts.
Probability: share of the runs, with its 95 % interval for the number of runs only, not for what the model may get
wrong."""


def forecast_text(forecast: Forecast, width: int) -> str:
    """What it was made from, fans at a few quarters, shares of variance, probabilities, how to read them."""
    width = max(width, SMALLEST_WIDTH)
    made = forecast.made
    since = "before its start" if made.scenario.time.capex_until == "none" else "with facts"
    title = (
        f"Forecast of {made.scenario.name} from {forecast.origin}, the last quarter {since}, to "
        f"{made.scenario.time.end}: {forecast.draws.runs} runs, seed {made.seed}; {made.parameters}."
    )
    failed = f"Note: {forecast.failed} runs failed and are left out." if forecast.failed else ""
    few = f"{made.left_out} shipped statements are about other quarters or parties." if made.left_out else ""
    probabilities = _probabilities(forecast, width) if forecast.statements else ""
    parts = (fill(title, width), failed, _fans(forecast, width), _shares(forecast, width), probabilities, few)
    return "\n\n".join(part for part in (*parts, fill(" ".join(READING.split()), width)) if part)


def told_quarters(forecast: Forecast, most: int) -> list[str]:
    """The last quarters of a few years ahead, the last quarter of all among them."""
    quarters = list(forecast.quarters)
    ends = [quarter for quarter in quarters if quarter % 4 == 3] or quarters[-1:]
    chosen = [ends[0], *(ends[k] for k in (2, 4, 6) if k < len(ends) - 1), ends[-1]]
    chosen = list(dict.fromkeys(chosen))
    return [quarter_name(quarter) for quarter in (chosen if len(chosen) <= most else [*chosen[: most - 1], chosen[-1]])]


def _fans(forecast: Forecast, width: int) -> str:
    """A line a series with as many quarters as fit, or in a narrow window a line a quarter below its name."""
    quarters = told_quarters(forecast, MOST_QUARTERS)
    fans = {
        (str(row["series"]), str(row["quarter"])): _interval(row["q10"], row["q50"], row["q90"])
        for row in forecast.fans[forecast.fans["quarter"].isin(quarters)].to_dict("records")
    }
    for most in range(MOST_QUARTERS, 1, -1):
        chosen = told_quarters(forecast, most)
        rows = [
            [f"{name}, {unit_of(name)}", *(fans.get((name, quarter), "-") for quarter in chosen)]
            for name in _told_series(forecast)
        ]
        table = aligned(("", *chosen), rows)
        if max(map(len, table.splitlines())) <= width:
            return table
    return "\n".join(
        "\n".join([name, *(f"  {quarter}  {cell}" for quarter, cell in zip(chosen, cells, strict=True))])
        for name, *cells in rows
    )


def _interval(low: float, middle: float, high: float) -> str:
    digits = max(decimals(max(abs(middle), abs(high))) - 1, 0)
    return f"{shown(middle, digits)} ({shown(low, digits)} to {shown(high, digits)})"


def _told_series(forecast: Forecast) -> list[str]:
    return [name for name in HEADLINE if name in forecast.members.columns]


def _shares(forecast: Forecast, width: int) -> str:
    """Shares of the variance some years ahead, with the largest standard error among them."""
    sources = (*forecast.draws.sources, "interaction")
    quarter = told_quarters(forecast, 3)[-2:][0]
    table = forecast.shares[forecast.shares["quarter"] == quarter]
    table = table[table["series"].isin(_told_series(forecast))]
    if table.empty:
        return ""
    shares = {(row["series"], row["source"]): float(row["share"]) for row in table.to_dict("records")}
    rows = [
        [name, *(f"{100.0 * shares[name, source]:.0f}" for source in sources)]
        for name in _told_series(forecast)
        if (name, "luck") in shares
    ]
    error = 100.0 * float(table["standard_error"].max())
    title = f"Shares of the variance in {quarter} in per cent, standard errors up to {error:.0f} points"
    return f"{fill(title, width)}\n{_fitted(sources, rows, width)}"


def _fitted(heads: tuple[str, ...], rows: list[list[str]], width: int) -> str:
    """A table whose heads are cut short where it is too wide for the window, or else a few lines a row."""
    for told in (heads, tuple(name if len(name) <= 4 else f"{name[:3]}." for name in heads)):
        table = aligned(("", *told), rows)
        if max(map(len, table.splitlines())) <= width:
            return table
    lines = []
    for name, *cells in rows:
        told_by_head = ", ".join(f"{head} {cell}" for head, cell in zip(heads, cells, strict=True))
        lines += [name, fill(told_by_head, width, initial_indent="  ", subsequent_indent="  ")]
    return "\n".join(lines)


def _probabilities(forecast: Forecast, width: int) -> str:
    lines = []
    for row in forecast.probabilities.to_dict("records"):
        share, low, high = (_percent(float(row[key])) for key in ("probability", "low", "high"))
        told = f"{share} ({low} to {high})" if row["runs"] else "no run tells"
        lines.append(fill(f"{told}: {row['says']}", width, initial_indent="  ", subsequent_indent="    "))
    return "Probability that\n" + "\n".join(lines)


def _percent(share: float) -> str:
    """Per cent; never a bare 0 or 100 for what is only near.

    >>> _percent(0.004), _percent(0.5), _percent(0.999)
    ('<1 %', '50 %', '>99 %')
    """
    if 0.0 < share < 0.005:
        return "<1 %"
    return ">99 %" if 0.995 < share < 1.0 else f"{100.0 * share:.0f} %"
