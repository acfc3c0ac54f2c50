"""One way to declare a parameter, and one way to walk the tree of groups that holds them."""

from __future__ import annotations

import inspect
import json
import math
import re
import types
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field
from pydantic.fields import FieldInfo

type KeyPath = tuple[str | int, ...]

_BARE_SEGMENT = re.compile(r"""[^."'\s\x00-\x1f](?:[^."'\x00-\x1f]*[^."'\s\x00-\x1f])?""")
_SEGMENT = re.compile(r"""\s*(?:("(?:[^"\\]|\\.)*")|'([^']*)'|([^."']+))\s*""")
_WORDS: dict[object, str] = {float: "a number", int: "an integer", bool: "true or false", str: "text"}


@dataclass(frozen=True, slots=True)
class Prior:
    """What was thought possible of an estimated parameter before looking at the targets: uniform from low to high.

    On the scale `log` the logarithm is uniform. `source` says where the range comes from.
    """

    low: float
    high: float
    source: str
    scale: Literal["linear", "log"] = "linear"

    def value(self, share: float) -> float:
        """The quantile at a share of the range, 0 to 1.

        >>> Prior(1.0, 100.0, "example", "log").value(0.5), Prior(1.0, 3.0, "example").value(0.25)
        (10.0, 1.5)
        """
        if self.scale == "log":
            return float(self.low ** (1.0 - share) * self.high**share)
        return self.low + (self.high - self.low) * share

    def share(self, value: float) -> float:
        """The inverse of `value`.

        >>> Prior(1.0, 100.0, "example", "log").share(10.0)
        0.5
        """
        if self.scale == "log":
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)


class Group(BaseModel):
    """A frozen group of parameters that refuses unknown keys and wrong types.

    Tables of groups are `dict[str, SomeGroup]` (default empty), dated entries `tuple[SomeGroup, ...]`.
    A parameter that may be absent is `X | None` with default None: a scenario file cannot write None.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


def param(
    default: Any,
    *,
    unit: str,
    meaning: str,
    source: str,
    low: float | None = None,
    high: float | None = None,
    prior: Prior | None = None,
) -> Any:
    """Declare a parameter of a `Group`.

    `unit` is written in the vocabulary `USD bn`, `GW`, `quarter`, `year`, `frac`, `count`, `name`,
    combined with `*`, `/` and `^` (for example `USD bn/(GW*quarter)`), so that tests can rescale
    money and capacity. `low` and `high` are inclusive. A parameter with a `prior` is estimated from the
    facts (docs/calibration.md), all others are fixed.
    """
    return Field(
        default=default,
        ge=low,
        le=high,
        description=meaning,
        json_schema_extra={"unit": unit, "source": source} | ({} if prior is None else {"prior": asdict(prior)}),
    )


@dataclass(frozen=True, slots=True)
class Shape:
    """What may stand at one place of the tree of groups."""

    kind: Literal["group", "table", "list", "value"]
    annotation: Any
    items: tuple[Shape, ...] = ()
    bounds: tuple[float | None, float | None] = (None, None)
    unit: str = ""

    def child(self, key: str | int) -> Shape | None:
        """Shape under a key: a field of a group, an entry of a table or a list; None if there is none."""
        if self.kind == "group":
            field = self.annotation.model_fields.get(key)
            return None if field is None else field_shape(field)
        if self.kind == "list" and isinstance(key, int):
            return self.items[min(key, len(self.items) - 1)]
        return self.items[0] if self.kind == "table" else None

    @property
    def keys(self) -> list[str]:
        """Names of a group's parameters, in order of declaration."""
        return list(self.annotation.model_fields) if self.kind == "group" else []

    @property
    def choices(self) -> list[str]:
        """Allowed words where the parameter is a choice, else an empty list."""
        if get_origin(self.annotation) is Literal:
            return [str(choice) for choice in get_args(self.annotation)]
        if inspect.isclass(self.annotation) and issubclass(self.annotation, Enum):
            return [str(member.value) for member in self.annotation]
        return []

    def allowed(self) -> str:
        """What a user may write here, in words.

        >>> shape_of(tuple[Annotated[float, Field(ge=0, le=1)], ...]).allowed()
        'a list, each item a number from 0 to 1'
        """
        if self.kind == "group":
            return f"a table with the keys {', '.join(self.keys)}"
        if self.kind == "table":
            return f"a table of names, each {self._entry()}"
        if self.kind == "list":
            return f"a list, each item {self._entry()}"
        words = ", ".join(self.choices) or _WORDS.get(self.annotation, "text")
        unit = f" ({self.unit})" if self.unit not in ("", "name") else ""
        return words + range_words(self.bounds, " from", " to") + unit

    def _entry(self) -> str:
        entry = self.items[0]
        return "a table" if entry.kind == "group" else entry.allowed()


def range_words(bounds: tuple[float | None, float | None], from_word: str, to_word: str) -> str:
    """A range in words, empty where there is none."""
    words = zip((from_word, to_word), bounds, strict=True)
    return "".join(f"{word} {_short(bound)}" for word, bound in words if bound is not None)


def _short(bound: float) -> str:
    return str(int(bound)) if bound == int(bound) and abs(bound) < 1e15 else repr(bound)


def field_shape(field: FieldInfo) -> Shape:
    """Shape of a declared field, with its range and unit."""
    extra = field.json_schema_extra
    unit = str(extra.get("unit", "")) if isinstance(extra, dict) else ""
    return shape_of(field.annotation, field.metadata, unit)


def shape_of(annotation: Any, metadata: Sequence[Any] = (), unit: str = "") -> Shape:
    """Shape of a type annotation; `X | None` counts as X."""
    annotation, metadata = _bare(annotation, list(metadata))
    origin, arguments = get_origin(annotation), get_args(annotation)
    if inspect.isclass(annotation) and issubclass(annotation, Group):
        return Shape("group", annotation)
    if origin is dict:
        return Shape("table", annotation, (shape_of(arguments[1], unit=unit),))
    if origin in (tuple, list):
        return Shape("list", annotation, tuple(shape_of(item, unit=unit) for item in arguments if item is not Ellipsis))
    low = next((entry.ge for entry in metadata if hasattr(entry, "ge")), None)
    high = next((entry.le for entry in metadata if hasattr(entry, "le")), None)
    return Shape("value", annotation, (), (low, high), unit)


def shape_at(root: Shape, path: KeyPath) -> Shape | None:
    """Shape at a path, None where the tree has no such place."""
    shape: Shape | None = root
    for part in path:
        shape = None if shape is None else shape.child(part)
    return shape


def _bare(annotation: Any, metadata: list[Any]) -> tuple[Any, list[Any]]:
    """The annotation without `Annotated` and `| None`, and the constraints found on the way."""
    if get_origin(annotation) is Annotated:
        annotation, *extras = get_args(annotation)
        inner = [entry for extra in extras for entry in (extra.metadata if isinstance(extra, FieldInfo) else [extra])]
        return _bare(annotation, metadata + inner)
    members = [member for member in get_args(annotation) if member is not type(None)]
    if get_origin(annotation) in (Union, types.UnionType) and len(members) == 1:
        return _bare(members[0], metadata)
    return annotation, metadata


def dotted(path: KeyPath) -> str:
    """A path as users write it; a segment that holds a dot or a quote is quoted.

    >>> dotted(("labs", "Google DeepMind", "cash_usd_bn")), dotted(("shocks", 0, "a.b"))
    ('labs.Google DeepMind.cash_usd_bn', 'shocks.0."a.b"')
    """
    return ".".join(
        str(segment) if isinstance(segment, int) or _BARE_SEGMENT.fullmatch(segment) else json.dumps(segment)
        for segment in path
    )


def split_path(text: str) -> tuple[str, ...]:
    """The segments of a dotted path, the inverse of `dotted` up to list positions staying text.

    Raises ValueError for an empty segment or an open quote.

    >>> split_path("labs.Google DeepMind.cash_usd_bn")
    ('labs', 'Google DeepMind', 'cash_usd_bn')
    """
    segments: list[str] = []
    position = 0
    while True:
        match = _SEGMENT.match(text, position)
        if match is None:
            raise ValueError(f"{text!r} is not a dotted path such as enterprises.count")
        quoted, literal, bare = match.groups()
        segments.append(json.loads(quoted) if quoted else literal if literal is not None else bare.strip())
        position = match.end()
        if position == len(text) and segments[-1]:
            return tuple(segments)
        if text[position : position + 1] != ".":
            raise ValueError(f"{text!r} is not a dotted path such as enterprises.count")
        position += 1
