"""The table of parameters for the documentation, from their one declaration."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic.fields import FieldInfo

from market.parameters import Group, Shape, dotted, field_shape, range_words
from market.scenario_errors import plain
from market.toml_text import toml_value

_HEADER = ("Parameter", "Type", "Default", "Unit", "Range", "Prior", "Meaning", "Source")
_TYPES: dict[object, str] = {float: "number", int: "integer", bool: "true or false", str: "text"}


def parameter_table(model: type[Group]) -> str:
    """Markdown table of every parameter of a tree of groups, in order of declaration.

    `NAME` stands for an entry of a table, `N` for a position in a list.
    """
    rows = [_HEADER, ("---",) * len(_HEADER), *_rows(model, ())]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _rows(model: type[Group], prefix: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for name, field in model.model_fields.items():
        shape, path = field_shape(field), (*prefix, name)
        while shape.kind in ("table", "list") and _holds_group(shape):
            path = (*path, "NAME" if shape.kind == "table" else "N")
            shape = shape.items[0]
        if shape.kind == "group":
            yield from _rows(shape.annotation, path)
        else:
            yield _row(path, field, shape)


def _row(path: tuple[str, ...], field: FieldInfo, shape: Shape) -> tuple[str, ...]:
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    cells = (_type(shape), _default(field), shape.unit or str(extra.get("unit", "")), _range(shape))
    texts = (field.description or "", str(extra.get("source", "")))
    return (f"`{dotted(path)}`", *(_cell(text) for text in (*cells, _prior(extra.get("prior")), *texts)))


def _prior(declared: Any) -> str:
    if declared is None:
        return ""
    scale = ", log" if declared["scale"] == "log" else ""
    return f"{declared['low']:g} to {declared['high']:g}{scale}: {declared['source']}"


def _type(shape: Shape) -> str:
    if shape.kind in ("table", "list"):
        return f"{shape.kind} of {_type(shape.items[0])}"
    return ", ".join(shape.choices) or _TYPES.get(shape.annotation, "text")


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    default = plain(field.get_default(call_default_factory=True, validated_data={}))
    return "none" if default is None else f"`{toml_value(default)}`"


def _range(shape: Shape) -> str:
    while shape.items:
        shape = shape.items[0]
    low, high = shape.bounds
    if low is not None and high is not None:
        return range_words(shape.bounds, "", " to").strip()
    return range_words(shape.bounds, "at least", "at most")


def _holds_group(shape: Shape) -> bool:
    while shape.items:
        shape = shape.items[0]
    return shape.kind == "group"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
