"""Changing a scenario by dotted paths, and what differs between two of them."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from datetime import date, time
from typing import Any

from market.parameters import Group, KeyPath, Shape, dotted, shape_at, shape_of, split_path
from market.scenario_errors import Locate, ScenarioError, closest, closest_key, plain, problem, validated


def override[G: Group](scenario: G, changes: Mapping[str, Any]) -> G:
    """A copy with other values at dotted paths such as `labs.Google DeepMind.cash_usd_bn` or `shocks.0.size`.

    A table as value merges with what is there and may add an entry (`labs.NewLab`); `labs.Cohere.remove` set
    to true drops one.

    Raises ScenarioError for an unknown path (with the keys that exist there) or a value that is not allowed.
    """
    data = scenario.model_dump(mode="json")
    shape = shape_of(type(scenario))
    for text, value in changes.items():
        try:
            path: KeyPath = split_path(text)
        except ValueError as error:
            raise ScenarioError(str(error)) from None
        value = plain(value, path)
        if path[-1] == "remove":
            path, value = path[:-1], {"remove": value}
        data = _with_value(data, shape, path, 0, value)
    return validated(type(scenario), data, _nowhere)


def parse_set(text: str) -> tuple[str, Any]:
    """Path and value of `path=value`: the value is TOML, or plain text where it is not.

    Raises ScenarioError where there is no `=`.

    >>> parse_set("enterprises.count=5_000"), parse_set("end=2035Q4")
    (('enterprises.count', 5000), ('end', '2035Q4'))
    """
    path, equals, written = text.partition("=")
    if not equals or not path.strip():
        raise problem("not a setting", got=text, allowed="path=value, such as enterprises.count=5000")
    written = written.strip()
    try:
        parsed = tomllib.loads(f"value = {written}")
    except (ValueError, RecursionError):
        return path.strip(), written
    value = parsed["value"]
    return path.strip(), written if len(parsed) > 1 or isinstance(value, date | time) else value


def differences(one: Group, other: Group) -> dict[str, tuple[Any, Any]]:
    """What differs: dotted path to (value in one, value in the other), plain data, None where absent."""
    found = _differing(one.model_dump(mode="json"), other.model_dump(mode="json"), ())
    return {dotted(path): values for path, values in found}


def merged(old: Any, new: Any, shape: Shape | None, path: KeyPath, locate: Locate) -> Any:
    """Plain data `new` laid over `old`: tables by key, everything else replaced, removed entries dropped."""
    if not isinstance(new, dict) or shape is None or shape.kind not in ("group", "table"):
        return new
    result = dict(old) if isinstance(old, dict) else {}
    for key, value in new.items():
        here = (*path, key)
        if shape.kind == "table" and isinstance(value, dict) and value.get("remove") is True:
            _check_removal(value, result, key, here, locate)
            del result[key]
        else:
            result[key] = merged(result.get(key), value, shape.child(key), here, locate)
    return result


def _check_removal(value: dict[str, Any], inherited: dict[str, Any], key: str, path: KeyPath, locate: Locate) -> None:
    flag = (*path, "remove")
    if len(value) > 1:
        raise problem("an entry that is removed can set nothing else", where=locate(flag), path=flag)
    if key not in inherited:
        raise problem(
            "there is no such entry to remove",
            where=locate(flag),
            path=flag,
            allowed=", ".join(inherited),
            meant=closest(key, list(inherited)),
        )


def _with_value(data: Any, root: Shape, path: KeyPath, depth: int, value: Any) -> Any:
    """Plain data with `value` laid over what stands at `path`; `depth` segments are walked already."""
    shape = shape_at(root, path[:depth])
    if depth == len(path):
        return merged(data, value, shape, path, _nowhere)
    if isinstance(data, list):
        position = _position(data, path, depth)
        path = (*path[:depth], position, *path[depth + 1 :])
        return [*data[:position], _with_value(data[position], root, path, depth + 1, value), *data[position + 1 :]]
    key, keys = path[depth], list(data) if isinstance(data, dict) else []
    is_entry = shape is not None and shape.kind == "table" and depth == len(path) - 1
    if is_entry and isinstance(value, dict):
        return merged(data, {key: value}, shape, path[:-1], _nowhere)
    if key not in keys:
        meant = closest_key(key, keys, root)
        raise problem("unknown key", path=path[: depth + 1], allowed=", ".join(keys) or "nothing below", meant=meant)
    return {**data, key: _with_value(data[key], root, path, depth + 1, value)}


def _nowhere(path: KeyPath) -> str:
    """A change made in Python or on the command line has no file and line."""
    return ""


def _position(items: list[Any], path: KeyPath, depth: int) -> int:
    key = str(path[depth])
    if key.isdecimal() and len(key) < 10 and int(key) < len(items):
        return int(key)
    allowed = f"0 to {len(items) - 1}" if items else "none, the list is empty"
    raise problem("unknown position", path=path[: depth + 1], allowed=allowed)


def _differing(one: Any, other: Any, path: KeyPath) -> Iterator[tuple[KeyPath, tuple[Any, Any]]]:
    if isinstance(one, dict) and isinstance(other, dict):
        for key in [*one, *(key for key in other if key not in one)]:
            yield from _differing(one.get(key), other.get(key), (*path, key))
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for position, pair in enumerate(zip(one, other, strict=True)):
            yield from _differing(*pair, (*path, position))
    elif one != other:
        yield path, (one, other)
