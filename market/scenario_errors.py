"""What is wrong with a scenario, in one line: where, what, what was found, what is allowed, what was meant."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time
from difflib import get_close_matches
from enum import Enum
from math import isfinite
from typing import Any

import numpy as np
from pydantic import ValidationError

from market.parameters import Group, KeyPath, Shape, dotted, shape_at, shape_of, split_path
from market.toml_lines import DEEPEST
from market.toml_text import toml_value

type Locate = Callable[[KeyPath], str]

_LARGEST_INTEGER = 2**63
_PLAIN = "finite numbers, 64-bit integers, true or false, text, lists and tables of these"
_LONGEST_QUOTE = 80
_RANGE_ERRORS = {"greater_than", "greater_than_equal", "less_than", "less_than_equal"}
_WHAT = {
    "extra_forbidden": "unknown key",
    "missing": "missing key",
    "literal_error": "unknown choice",
    "enum": "unknown choice",
    **dict.fromkeys(_RANGE_ERRORS, "out of range"),
}


class ScenarioError(ValueError):
    """A mistake in a scenario; its message is one line meant for the user."""


def problem(
    what: str, *, where: str = "", path: KeyPath = (), got: Any = None, allowed: str = "", meant: str = ""
) -> ScenarioError:
    """The error in one line: `FILE:LINE: path.to.key: what (got ...); allowed: ...; did you mean '...'?`."""
    text = ": ".join(part for part in (where, _clipped(dotted(path)), what) if part)
    text += f" (got {_clipped(toml_value(got))})" if got is not None else ""
    text += f"; allowed: {allowed}" if allowed else ""
    text += f"; did you mean {meant!r}?" if meant else ""
    return ScenarioError("".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text))


def closest(word: str, choices: Sequence[str]) -> str:
    """The choice that a misspelt word is closest to, upper and lower case alike; empty if none is close."""
    if len(word) > _LONGEST_QUOTE:
        return ""
    by_lower = {choice.lower(): choice for choice in choices}
    found = get_close_matches(word.lower(), by_lower, n=1)
    return by_lower[found[0]] if found else ""


def closest_key(key: str | int, keys: Sequence[str], root: Shape) -> str:
    """The key that is closest among those of one place, else the path of the same key in another group."""
    return closest(str(key), keys) or dotted(_place_of(key, root) or ())


def _place_of(key: str | int, shape: Shape | None) -> KeyPath | None:
    for name in shape.keys if shape else ():
        below = () if name == key else _place_of(key, shape and shape.child(name))
        if below is not None:
            return (name, *below)
    return None


def did_you_mean(word: str, choices: Sequence[str]) -> str:
    """The end of an error message: `; did you mean 'OpenAI'?`, or nothing.

    >>> did_you_mean("openia", ["OpenAI", "xAI"])
    "; did you mean 'OpenAI'?"
    """
    meant = closest(word, choices)
    return f"; did you mean {meant!r}?" if meant else ""


def plain(value: Any, path: KeyPath = (), locate: Locate = lambda path: "") -> Any:
    """A value in the types of JSON, dates as ISO text; ScenarioError for what a scenario cannot hold."""
    if len(path) > DEEPEST:
        raise problem("nested too deep", where=locate(path), path=path, allowed=f"{DEEPEST} levels")
    if isinstance(value, Group):
        return value.model_dump(mode="json")
    if isinstance(value, Mapping):
        return {_plain_key(key, path, locate): plain(item, (*path, key), locate) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, (*path, position), locate) for position, item in enumerate(value)]
    scalar = _plain_scalar(value)
    what = _refusal(scalar)
    if what:
        raise problem(what, where=locate(path), path=path, allowed=_PLAIN)
    return scalar


def _plain_scalar(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    # -0.0 becomes 0.0, so that equal scenarios have equal hashes.
    return value + 0.0 if isinstance(value, float) else value


def _refusal(value: Any) -> str:
    """Why a scenario cannot hold a scalar; empty if it can."""
    if isinstance(value, float) and not isfinite(value):
        return f"not a finite number (got {value})"
    if isinstance(value, int) and not -_LARGEST_INTEGER <= value < _LARGEST_INTEGER:
        return "an integer of more than 64 bits"
    if isinstance(value, str) and not _is_unicode(value):
        return f"text that is not valid Unicode (got {_clipped(ascii(value))})"
    if value is None or isinstance(value, bool | int | float | str):
        return ""
    return f"a value of the Python type {type(value).__name__}"


def _plain_key(key: Any, path: KeyPath, locate: Locate) -> str:
    """A table's key, refused unless it is text."""
    if isinstance(key, str) and _is_unicode(key):
        return key
    raise problem(f"the key {key!r} is not text", where=locate(path), path=path)


def validated[G: Group](model: type[G], data: dict[str, Any], locate: Locate) -> G:
    """The group that plain data describes; ScenarioError with the place of the first mistake.

    Validation runs in JSON mode: strict types, yet a list may stand for a tuple and text for a choice.
    """
    try:
        return model.model_validate_json(json.dumps(data))
    except ValidationError as error:
        mistakes = error.errors(include_url=False)
    # A misspelt key leaves a missing one behind: the misspelling is what the user can act on.
    mistakes.sort(key=lambda mistake: mistake["type"] != "extra_forbidden")
    raise _explained(mistakes[0], shape_of(model), data, locate)


def _explained(mistake: Any, root: Shape, data: Any, locate: Locate) -> ScenarioError:
    kind, value = mistake["type"], mistake["input"]
    path = _path_in(data, mistake["loc"], keep_last=kind == "missing")
    if kind in ("value_error", "assertion_error"):
        return _from_validator(str(mistake["ctx"]["error"]), path, locate)
    where = locate(path)
    shape, parent = shape_at(root, path), shape_at(root, path[:-1])
    if kind == "extra_forbidden" and parent is not None:
        meant = closest_key(path[-1], parent.keys, root)
        return problem("unknown key", where=where, path=path, allowed=", ".join(parent.keys), meant=meant)
    what = _WHAT.get(kind) or ("wrong type" if kind.endswith("_type") else mistake["msg"])
    choices = shape.choices if shape else []
    return problem(
        what,
        where=where,
        path=path,
        got=None if kind == "missing" else value,
        allowed=shape.allowed() if shape else "",
        meant=closest(value, choices) if isinstance(value, str) else "",
    )


def _from_validator(message: str, path: KeyPath, locate: Locate) -> ScenarioError:
    """A validator's `path.to.key: what is wrong`, the path counted from the group that raised it."""
    head, colon, what = message.partition(": ")
    try:
        segments = split_path(head) if colon else ()
    except ValueError:
        segments, what = (), message
    if not colon:
        what = message
    full = path + tuple(int(part) if re.fullmatch(r"\d{1,9}", part) else part for part in segments)
    return problem(what, where=locate(full), path=full)


def _path_in(data: Any, location: tuple[str | int, ...], keep_last: bool) -> KeyPath:
    """The part of pydantic's location that is in the data: it adds the names of its own validators."""
    path: list[str | int] = []
    for position, part in enumerate(location):
        if (isinstance(data, dict) and part in data) or (
            isinstance(data, list) and isinstance(part, int) and part < len(data)
        ):
            data = data[part]  # type: ignore[index]  # checked above
            path.append(part)
        elif keep_last and position == len(location) - 1:
            path.append(part)
    return tuple(path)


def _clipped(text: str) -> str:
    return text if len(text) <= _LONGEST_QUOTE else text[:_LONGEST_QUOTE] + "..."


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
