"""Writing TOML: the standard library reads it only."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def toml_text(table: Mapping[str, Any]) -> str:
    """TOML text of plain data (tables, lists, text, numbers, booleans); floats keep every bit.

    None is left out. Order is kept, except that plain values come before tables, as TOML demands.

    >>> print(toml_text({"end": "2030Q4", "labs": {"Google DeepMind": {"cash": 1e-7}}}), end="")
    end = "2030Q4"
    <BLANKLINE>
    [labs."Google DeepMind"]
    cash = 1e-07
    """
    return "\n".join(_table_lines(table, "")).lstrip("\n") + "\n"


def toml_value(value: Any) -> str:
    """One value on one line.

    >>> toml_value([1, 2.0, True, "a", {"b c": None, "d": 1}])
    '[1, 2.0, true, "a", {d = 1}]'
    """
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        pairs = (f"{_key(key)} = {toml_value(item)}" for key, item in value.items() if item is not None)
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(toml_value(item) for item in value) + "]"
    return repr(value)


def _key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else toml_value(key)


def _table_lines(table: Mapping[str, Any], prefix: str) -> Iterator[str]:
    tables = {key: value for key, value in table.items() if isinstance(value, Mapping) or _is_list_of_tables(value)}
    for key, value in table.items():
        if key not in tables and value is not None:
            yield f"{_key(key)} = {toml_value(value)}"
    for key, value in tables.items():
        path = prefix + _key(key)
        if isinstance(value, Mapping):
            if not value or any(not isinstance(item, Mapping) for item in value.values()):
                yield from ("", f"[{path}]")
            yield from _table_lines(value, f"{path}.")
        else:
            for item in value:
                yield from ("", f"[[{path}]]")
                yield from _table_lines(item, f"{path}.")


def _is_list_of_tables(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, Mapping) for item in value)
