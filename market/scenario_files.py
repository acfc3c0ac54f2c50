"""Scenario files: TOML with inheritance in, a validated tree of groups out, and back."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from market.parameters import Group, KeyPath, shape_of
from market.scenario_changes import differences, merged, override, parse_set
from market.scenario_errors import Locate, ScenarioError, closest, did_you_mean, plain, problem, validated
from market.toml_lines import DEEPEST, KeyLines, TooDeepError, key_lines
from market.toml_text import toml_text

__all__ = [
    "ScenarioError",
    "content_hash",
    "did_you_mean",
    "differences",
    "dump_scenario",
    "json_schema",
    "load_scenario",
    "override",
    "parse_set",
]

LARGEST_FILE = 2**20
NOT_INHERITED = ("name", "description")


@dataclass(frozen=True, slots=True)
class Layer:
    """One file of an inheritance chain."""

    file: Path
    data: dict[str, Any]
    lines: dict[KeyPath, int]

    def where(self, path: KeyPath) -> str:
        return f"{self.file}:{self.lines.get(path, 1)}"


def load_scenario[G: Group](model: type[G], name_or_path: str, folders: Sequence[Path]) -> G:
    """The scenario of a name (NAME.toml in one of the folders) or of a path to a TOML file, inheritance resolved.

    `base = "NAME"` or a path relative to the file names the file inherited from. Tables merge by key, lists
    and values replace; `remove = true` drops an inherited entry of a table; `name` and `description` are not
    inherited, and a file without `name` is called after itself.

    Raises ScenarioError, one line with file and line, for everything that is not a scenario.
    """
    layers = _chain(name_or_path, folders)
    locate = _locator(layers)
    shape = shape_of(model)
    data: dict[str, Any] = {}
    for layer in reversed(layers):
        inherited = {key: value for key, value in data.items() if key not in NOT_INHERITED}
        data = merged(inherited, layer.data, shape, (), layer.where)
    if "name" in model.model_fields:
        data.setdefault("name", plain(layers[0].file.stem, ("name",), locate))
    return validated(model, data, locate)


def dump_scenario(scenario: Group) -> str:
    """TOML text of a resolved scenario; loading it gives an equal scenario, floats to the last bit."""
    return toml_text(scenario.model_dump(mode="json"))


def content_hash(scenario: Group) -> str:
    """SHA-256 (hex) of the scenario as canonical JSON: equal scenarios, and only those, have equal hashes."""
    data = plain(scenario.model_dump(mode="json"))
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def json_schema(model: type[Group]) -> dict[str, Any]:
    """JSON schema of a scenario file, for editors: keys, types, ranges, units, sources.

    Nothing is required, since a file may inherit the rest; `base` and `remove` are known.
    """
    schema = model.model_json_schema()
    definitions = schema.get("$defs", {})
    for node in _objects(schema):
        if isinstance(node.get("required"), list):
            del node["required"]
        entry = node.get("additionalProperties")
        if isinstance(entry, dict) and "$ref" in entry:
            removal = {"const": True, "description": "Drop this inherited entry"}
            definitions[entry["$ref"].rpartition("/")[2]]["properties"].setdefault("remove", removal)
    schema["properties"]["base"] = {"type": "string", "description": "Scenario inherited from: a name or a path"}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _objects(node: Any) -> Iterator[dict[str, Any]]:
    """Every object within a JSON document, parents first."""
    if isinstance(node, dict):
        yield node
    if isinstance(node, dict | list):
        for child in node.values() if isinstance(node, dict) else node:
            yield from _objects(child)


def _chain(name_or_path: str, folders: Sequence[Path]) -> list[Layer]:
    """The file asked for, the one it inherits from, and so on."""
    file = _found(name_or_path, folders, Path())
    layers = [read_layer(file)]
    seen = [os.path.realpath(file)]
    while "base" in layers[-1].data:
        layer = layers[-1]
        base = layer.data.pop("base")
        where = layer.where(("base",))
        if not isinstance(base, str):
            raise problem("wrong type", where=where, path=("base",), got=base, allowed="a scenario's name or a path")
        file = _found(base, [*folders, layer.file.parent], layer.file.parent, where)
        if os.path.realpath(file) in seen:
            names = " -> ".join(str(name) for name in [*(each.file for each in layers), file])
            raise problem(f"circular inheritance {names}", where=where, path=("base",))
        layers.append(read_layer(file, where))
        seen.append(os.path.realpath(file))
    return layers


def _found(name_or_path: str, folders: Sequence[Path], start: Path, where: str = "") -> Path:
    """The file that a name or a path stands for; `where` is the place of the `base` that asks for it."""
    if name_or_path.endswith(".toml") or "/" in name_or_path or os.sep in name_or_path:
        return start / name_or_path
    for folder in folders:
        if (folder / f"{name_or_path}.toml").exists():
            return folder / f"{name_or_path}.toml"
    names = sorted({file.stem for folder in folders for file in folder.glob("*.toml")})
    raise problem(
        "no such scenario",
        where=where,
        path=("base",) if where else (),
        got=name_or_path,
        allowed=", ".join([*names, "the path of a TOML file"]),
        meant=closest(name_or_path, names),
    )


def read_layer(file: Path, asked_at: str = "") -> Layer:
    text = _read_text(file, asked_at)
    try:
        index = key_lines(text)
    except TooDeepError as error:
        raise problem("nested too deep", where=f"{file}:{error.line}", allowed=f"{DEEPEST} levels") from None
    data = _parsed(text, file, index)
    if not data:
        raise problem("the file is empty", where=f"{file}:1", allowed='at least one key, such as base = "baseline"')
    layer = Layer(file, data, dict(index.lines))
    return Layer(file, plain(data, (), _locator([layer])), layer.lines)


def _read_text(file: Path, asked_at: str) -> str:
    def refuse(what: str) -> ScenarioError:
        if asked_at:
            return problem(f"{file}: {what}", where=asked_at, path=("base",))
        return problem(what, where=str(file))

    try:
        with open(file, "rb") as stream:
            content = stream.read(LARGEST_FILE + 1)
    except OSError as error:
        raise refuse((error.strerror or "cannot be read").lower()) from None
    except ValueError:
        raise refuse("not a file name") from None
    if len(content) > LARGEST_FILE:
        raise problem("the file is too large", where=f"{file}:1", allowed="1 MiB")
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise problem("not a text file in UTF-8", where=f"{file}:{line}") from None
    if "\0" in text:
        raise problem("a binary file, not TOML", where=f"{file}:{text[: text.index('\0')].count('\n') + 1}")
    return text


def _parsed(text: str, file: Path, index: KeyLines) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise problem("nested too deep", where=f"{file}:1", allowed=f"{DEEPEST} levels") from None
    except ValueError as error:
        message = str(error)
    place = re.search(r" \(at (?:line (\d+), column \d+|end of document)\)$", message)
    if place is None:  # Python refuses to read integers of thousands of digits
        longest = max(re.finditer(r"[\d_]+", text), key=lambda digits: len(digits[0]))
        line = text.count("\n", 0, longest.start()) + 1
        raise problem("an integer of more than 64 bits", where=f"{file}:{line}")
    line = int(place[1] or text.rstrip("\n").count("\n") + 1)
    message = message[: place.start()]
    twice = index.duplicate
    if twice is not None and twice.line <= line:
        what = f"duplicate key, first set in line {twice.first_line}"
        raise problem(what, where=f"{file}:{twice.line}", path=twice.path)
    raise problem(f"not valid TOML: {message[:1].lower()}{message[1:]}", where=f"{file}:{line}")


def _locator(layers: Sequence[Layer]) -> Locate:
    """The function from a path to `FILE:LINE`, for layers listed with the inheriting file first."""

    def locate(path: KeyPath) -> str:
        list_depth = next((depth for depth, part in enumerate(path) if isinstance(part, int)), None)
        owners = list(layers)
        if list_depth is not None:  # lists replace: only the file that wrote the list counts
            owners = [layer for layer in layers if path[:list_depth] in layer.lines][:1]
        for length in range(len(path), 0, -1):
            for layer in owners:
                if path[:length] in layer.lines:
                    return layer.where(path[:length])
        return f"{layers[0].file}:1"

    return locate
