"""The line of every key of a TOML text."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.parameters import KeyPath
from market.toml_lines import TooDeepError, key_lines
from market.toml_text import toml_text, toml_value
from tests.market.scenario_tree import VALID


def test_lines_of_every_construct() -> None:
    assert dict(key_lines(VALID).lines) == {
        ("name",): 2,
        ("description",): 3,
        ("protocol",): 6,
        ("shocks",): 7,
        ("shocks", 0): 8,
        ("shocks", 0, "quarter"): 8,
        ("shocks", 0, "size"): 8,
        ("shocks", 0, "hits"): 8,
        ("shocks", 0, "hits", "a.b"): 8,
        ("shocks", 1): 9,
        ("shocks", 1, "quarter"): 9,
        ("demand",): 12,
        ("demand", "growth"): 13,
        ("demand", "levels"): 14,
        ("demand", "levels", 0): 14,
        ("demand", "levels", 1): 15,
        ("hosts",): 17,
        ("hosts", "Amazon"): 17,
        ("hosts", "Amazon", "cash_usd_bn"): 18,
        ("hosts", "Other cloud"): 20,
        ("hosts", "Other cloud", "chip"): 21,
        ("labs",): 23,
        ("labs", "Google DeepMind"): 24,
        ("labs", "Google DeepMind", "host"): 24,
        ("labs", "Google DeepMind", "target_frac"): 25,
    }


NESTED_LISTS = """\
[[a]]
[a.b]
x = 1979-05-27 07:32:00
[[a.c]]
[[a.c]]
y = \"\"\"
"quoted" \\\"\"\" # no comment
\"\"\"\"
z = +1.5e-7
[[a]]
[[a.c]]
"k\\u0065y" = [[1], []]
"""


def test_tables_below_lists_of_tables() -> None:
    assert tomllib.loads(NESTED_LISTS)["a"][1] == {"c": [{"key": [[1], []]}]}
    lines = key_lines(NESTED_LISTS).lines
    wanted: dict[KeyPath, int] = {
        ("a",): 1,
        ("a", 0): 1,
        ("a", 0, "b", "x"): 3,
        ("a", 0, "c"): 4,
        ("a", 0, "c", 1): 5,
        ("a", 0, "c", 1, "y"): 6,
        ("a", 0, "c", 1, "z"): 9,
        ("a", 1): 10,
        ("a", 1, "c", 0): 11,
        ("a", 1, "c", 0, "key"): 12,
        ("a", 1, "c", 0, "key", 0, 0): 12,
    }
    assert {path: lines[path] for path in wanted} == wanted


@pytest.mark.parametrize(("text", "line"), [("a=" + "[" * 33, 1), ("b=1\n" + ".".join("a" * 33) + "=1", 2)])
def test_depth_is_limited(text: str, line: int) -> None:
    with pytest.raises(TooDeepError) as caught:
        key_lines(text)
    assert caught.value.line == line


def test_depth_of_32_is_read() -> None:
    assert ("a", *[0] * 31) in key_lines("a=" + "[" * 31 + "1" + "]" * 31).lines


SCALARS = st.one_of(st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(), st.text(st.characters(codec="utf-8")))


def tables(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=4), inner, max_size=3)


TREES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | tables(inner), max_leaves=12)


def paths(value: Any, path: KeyPath = ()) -> set[KeyPath]:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return {path}.union(*(paths(child, (*path, key)) for key, child in children))


@given(tables(TREES))
def test_what_is_written_reads_back_and_every_key_has_a_line(table: dict[str, Any]) -> None:
    inline = "".join(f"{toml_value(key)} = {toml_value(value)}\n" for key, value in table.items())
    for text in (toml_text(table), inline):
        # JSON text tells 1 from 1.0 and finds nan equal to nan.
        assert json.dumps(tomllib.loads(text), sort_keys=True) == json.dumps(table, sort_keys=True)
        assert set(key_lines(text).lines) == paths(table) - {()}
