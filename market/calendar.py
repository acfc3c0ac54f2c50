"""Calendar quarters as integers: `2026Q3` is 2026 * 4 + 2, so that differences are quarters."""

from __future__ import annotations

import re
from datetime import date

_QUARTER = re.compile(r"(\d{4})Q([1-4])")


def quarter_index(name: str) -> int:
    """Index of a quarter written as `2026Q3`.

    Raises ValueError for anything else.

    >>> quarter_index("2026Q3") - quarter_index("2025Q4")
    3
    """
    match = _QUARTER.fullmatch(name)
    if match is None:
        raise ValueError(f"{name!r} is not a quarter such as 2026Q3")
    return int(match[1]) * 4 + int(match[2]) - 1


def quarter_name(index: int) -> str:
    """Name of a quarter index.

    >>> quarter_name(quarter_index("2019Q1") + 5)
    '2020Q2'
    """
    year, quarter = divmod(index, 4)
    return f"{year:04d}Q{quarter + 1}"


def quarter_of(day: date) -> int:
    """Index of the calendar quarter that holds a day.

    >>> quarter_name(quarter_of(date(2025, 10, 28)))
    '2025Q4'
    """
    return day.year * 4 + (day.month - 1) // 3
