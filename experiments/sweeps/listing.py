"""Points given one by one, checked: what a list or a table of them holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from experiments.sweeps.errors import SweepError
from experiments.sweeps.factors import check_once, check_value, is_number, named, plain_value, refused
from experiments.sweeps.study import SCENARIO
from market.scenario_errors import ScenarioError

if TYPE_CHECKING:
    from market.scenario import Scenario

MOST_POINTS = 10_000_000

type Where = Callable[[int, str], str]
type Point = dict[str, Any]


def row_number(row: int, path: str) -> str:
    """The place of a value in a list: its row, counted from 0 as points are."""
    return f"row {row}"


def listed_points(
    rows: Any, scenarios: Mapping[str, Scenario] | None = None, where: Where = row_number
) -> tuple[Point, ...]:
    """The points of rows of values by path; None leaves the scenario's value as it is.

    With scenarios (by name) every value is checked against the one that its row chooses; `where(row, path)` tells
    the place of a value for error messages.

    Raises SweepError for no rows, a path that is not there or is there twice, and a value that is not allowed.

    >>> listed_points([{"a": 1, "b": None}, {}])
    ({'a': 1}, {})
    """
    if not isinstance(rows, Sequence) or isinstance(rows, str):
        raise refused("not a list of points", got=rows, allowed="a list of tables, each with values by path")
    if not rows:
        raise refused("no points", allowed="one at least")
    check_count(len(rows))
    headers: set[tuple[str, ...]] = set()
    points = tuple(_point(row, number, headers, where) for number, row in enumerate(rows))
    if scenarios is not None:
        _check_against(scenarios, points, where)
    return points


def check_count(points: int) -> None:
    """Raise SweepError for more points than any sweep can run."""
    if points > MOST_POINTS:
        raise refused(f"a design of {points:,} points", allowed=f"at most {MOST_POINTS:,}")


@contextmanager
def told_at(place: str) -> Iterator[None]:
    """Errors from within begin with the place."""
    try:
        yield
    except (SweepError, ScenarioError) as error:
        raise SweepError(f"{place}: {error}") from None


def _point(row: Any, number: int, headers: set[tuple[str, ...]], where: Where) -> Point:
    """One row's values; `headers` are the sets of paths that were seen and are in order."""
    if not isinstance(row, Mapping):
        raise refused("not a point", where=where(number, ""), got=row, allowed="a table with values by path")
    if tuple(row) not in headers:
        with told_at(where(number, "")):
            check_once(row)
        headers.add(tuple(row))
    point = {}
    for path, value in row.items():
        if value is not None:
            with told_at(where(number, path)):
                point[path] = plain_value(path, value)
    return point


def _check_against(scenarios: Mapping[str, Scenario], points: Sequence[Point], where: Where) -> None:
    """Every value against the scenario of its point."""
    cells: dict[tuple[str, str], list[tuple[Any, int]]] = {}
    for number, point in enumerate(points):
        with told_at(where(number, SCENARIO)):
            name = _scenario_of(point, scenarios)
        for path in point:
            if path != SCENARIO:
                cells.setdefault((name, path), []).append((point[path], number))
    for (name, path), found in cells.items():
        for value, number in _telling(found):
            with told_at(where(number, path)):
                check_value(scenarios[name], path, value)


def _scenario_of(point: Point, scenarios: Mapping[str, Scenario]) -> str:
    """Name of the scenario that a point changes: the one it chooses, or the only one."""
    if SCENARIO in point:
        named(point[SCENARIO], scenarios)
        return point[SCENARIO]
    if len(scenarios) > 1:
        raise refused("not chosen among several", where=SCENARIO, allowed=", ".join(scenarios))
    return next(iter(scenarios))


def _telling(cells: Sequence[tuple[Any, int]]) -> Iterator[tuple[Any, int]]:
    """Cells that stand for all: the extremes of numbers (ranges have no holes), every other value once."""
    for kind in (int, float):
        numbers = [cell for cell in cells if type(cell[0]) is kind]
        if numbers:
            yield min(numbers)
            yield max(numbers)
    others: dict[str, tuple[Any, int]] = {}
    for value, number in cells:
        if not is_number(value):
            others.setdefault(repr(value), (value, number))
    yield from others.values()
