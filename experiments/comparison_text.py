"""A comparison as text for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isfinite, log10
from textwrap import fill
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from experiments.comparison import Comparison

WIDTH = 80  # of the text, where numbers leave room
HEAD = 9  # longest name of a world that stands over its column
DIGITS = 4  # significant ones of the outcome's level; the effect is shown to the same decimal


def comparison_text(comparison: Comparison) -> str:
    """Means in both worlds, effect with interval, agreement of seeds and variance ratio, then what to mind."""
    a, b = comparison.names
    luck = "" if comparison.seed is None else f", seed {comparison.seed}"
    pairs = "1 pair" if comparison.runs == 1 else f"{comparison.runs} pairs"
    if max(len(a), len(b)) <= HEAD:
        heads, worlds = (a, b), f"{b} against {a}"
    else:
        heads, worlds = ("first", "second"), f"{b} (second) against {a} (first)"
    title = fill(f"{worlds}: {pairs} of runs with the same luck{luck}", WIDTH, break_on_hyphens=False)
    header = ("", *heads, "effect", "95 % interval", "same sign", "variance")
    rows = []
    for name, effect in comparison.effects.iterrows():
        digits = decimals(max(abs(effect.mean_a), abs(effect.mean_b)))
        rows.append(
            (
                str(name),
                shown(effect.mean_a, digits),
                shown(effect.mean_b, digits),
                shown(effect.effect, digits, "+"),
                interval(effect.low, effect.high, digits),
                share(effect.share_same_sign, effect.pairs, effect.identical),
                shown(effect.variance_ratio, 2),
            )
        )
    notes = [f"Note: {note}." for note in comparison.notes]
    return "\n\n".join(part for part in (title, narrow(header, rows), "\n".join(notes), MEANING) if part)


MEANING = """\
Effect: mean over pairs of the second world less the first, with a 95 % interval
by Student's t; among many outcomes one in twenty intervals leaves out nil by
chance. Same sign: pairs whose difference has the effect's sign (nil: how many
do not differ). Variance: of the effect, over that of as many runs without
common luck; below 1 the pairing helps."""


def decimals(level: float) -> int:
    """Decimals that show DIGITS significant digits of a level, 0 to 6.

    >>> decimals(2345.6), decimals(1.25), decimals(0.0), decimals(0.00012)
    (0, 3, 3, 6)
    """
    if not isfinite(level) or level == 0.0:
        return DIGITS - 1
    return min(max(DIGITS - 1 - int(log10(level) // 1), 0), 6)


def shown(value: float, digits: int, sign: str = "") -> str:
    """A number, or `-` where it is not defined; what rounds to nil has no sign.

    >>> shown(-0.004, 2, "+"), shown(1234.5, 1, "+"), shown(float("nan"), 2)
    ('0.00', '+1,234.5', '-')
    """
    if not isfinite(value):
        return "-"
    return f"{value:{sign},.{digits}f}" if round(value, digits) else f"{0.0:.{digits}f}"


def interval(low: float, high: float, digits: int) -> str:
    """An interval as text, or `-` where there is none."""
    return f"{shown(low, digits, '+')} to {shown(high, digits, '+')}" if isfinite(low) else "-"


def share(of_sign: float, pairs: int, identical: int) -> str:
    """The share of pairs with the effect's sign, and whether pairs are identical."""
    if pairs and identical == pairs:
        return "identical"
    same = "-" if not isfinite(of_sign) else f"{of_sign:.0%}"
    return f"{same} ({identical} nil)" if identical else same


def narrow(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of WIDTH columns if its numbers leave room; a name that is too long gets a line to itself."""
    widths = [max(map(len, column)) + 2 for column in zip(header, *rows, strict=True)]
    room = max(WIDTH - sum(widths[1:]), 0)
    lines: list[Sequence[str]] = []
    alone: dict[int, str] = {}
    for name, *cells in rows:
        if len(name) > room:
            alone[len(lines) + 1] = name
        lines.append(("" if len(name) > room else name, *cells))
    table = aligned(header, lines).split("\n")
    return "\n".join(f"{alone[n]}\n{line}" if n in alone else line for n, line in enumerate(table))


def aligned(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in columns, the first flush left, the others flush right."""
    lines = [list(header), *map(list, rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    return "\n".join(
        "  ".join(
            f"{cell:{'<' if i == 0 else '>'}{width}}" for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )
