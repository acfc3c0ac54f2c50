"""Which target, origin and horizon the facts admit: what a forecast may start from and be scored against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from market.calendar import quarter_index
from market.facts import Facts
from market.targets import target, target_names

ORIGINS = ("2021Q4", "2022Q4", "2023Q4", "2024Q4", "2025Q4")
HORIZONS = tuple(range(1, 9))


@dataclass(frozen=True, slots=True)
class Admitted:
    """One target at one origin: values known then, and the horizons (quarters ahead) at which a fact exists."""

    target: str
    origin: str
    known: int
    horizons: tuple[int, ...]


def admitted(
    facts: Facts, origins: Sequence[str] = ORIGINS, horizons: Sequence[int] = HORIZONS
) -> tuple[Admitted, ...]:
    """A row for each target that the facts hold and each origin, in that order.

    `known` counts values fit as a target in or before the origin, as known then; the horizons are those of
    `Target.observed_after`. Raises FactsError for bad facts, ValueError for an origin that is no quarter.
    """
    rows = []
    for name in target_names(facts):
        for origin in origins:
            at = quarter_index(origin)
            known = len(target(name).observed(facts.known_at(at)))
            after = {value.quarter - at for value in target(name).observed_after(facts, at)}
            rows.append(Admitted(name, origin, known, tuple(ahead for ahead in horizons if ahead in after)))
    return tuple(rows)


def admitted_cells(rows: Sequence[Admitted]) -> list[dict[str, str]]:
    """One line a target, one column an origin, each cell `known: horizons` (`29: 1-4,8`); `-` where neither is."""
    return [
        {"target": name} | {row.origin: _cell(row) for row in group}
        for name, group in groupby(rows, key=lambda row: row.target)
    ]


def admitted_table(rows: Sequence[Admitted]) -> str:
    """The same as a Markdown table; `none` for no rows."""
    cells = admitted_cells(rows)
    if not cells:
        return "none"
    lines = ["| " + " | ".join(cells[0]) + " |", "|" + "---|" * len(cells[0])]
    lines += [f"| `{line['target']}` | " + " | ".join(list(line.values())[1:]) + " |" for line in cells]
    return "\n".join(lines)


def spans(numbers: Sequence[int]) -> str:
    """Ascending whole numbers with runs joined.

    >>> spans([1, 2, 3, 5, 7, 8]), spans([])
    ('1-3,5,7-8', '')
    """
    runs = [list(run) for _, run in groupby(numbers, key=lambda number: number - list(numbers).index(number))]
    return ",".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)


def _cell(row: Admitted) -> str:
    return f"{row.known}: {spans(row.horizons)}".rstrip(": ") if row.known or row.horizons else "-"
