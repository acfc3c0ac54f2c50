"""docs/ODD.md shows the parameters of the code, and speaks of every phase and every parameter."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from importlib import util
from pathlib import Path

import pytest

from cloudpact.model import CloudMarket
from market.parameters import Shape, dotted, field_shape
from market.scenario import Scenario

PAGE = Path(__file__).parents[2] / "docs" / "ODD.md"
TEXT = PAGE.read_text(encoding="utf-8")
spec = util.spec_from_file_location("docs_build", PAGE.parent / "build.py")
assert spec is not None
assert spec.loader is not None
build = util.module_from_spec(spec)
spec.loader.exec_module(build)
# What a reader gets besides the generated tables, which name every parameter by themselves.
PROSE = build.up_to_date(TEXT, dict.fromkeys(("parameters", "hyperscalers", "labs"), ""))


def phases() -> list[str]:
    return re.findall(r"self\._phase\(\w+\.(\w+)\)", inspect.getsource(CloudMarket.step))


def places(shape: Shape, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], bool]]:
    """Every group and parameter of a scenario as (path, whether it is a group)."""
    for name, field in shape.annotation.model_fields.items():
        below, here = field_shape(field), (*path, name)
        while below.kind in ("table", "list") and below.items[0].kind in ("group", "table", "list"):
            here = (*here, "NAME" if below.kind == "table" else "N")
            below = below.items[0]
        yield here, below.kind == "group"
        if below.kind == "group":
            yield from places(below, here)


ALL = list(places(Shape("group", Scenario)))


def test_the_tables_are_those_of_the_code() -> None:
    expected = build.up_to_date(TEXT, build.generated(Scenario.load("baseline")))
    assert expected == TEXT, "out of date: run `python docs/build.py`"


def test_every_phase_is_described_in_the_order_of_the_quarter() -> None:
    headings = re.findall(r"^### 7\.\d+ `(\w+)`", PROSE, re.MULTILINE)
    assert len(phases()) == 10
    assert headings == phases()


def test_every_group_is_named() -> None:
    names = [dotted(path) for path, is_group in ALL if is_group]
    assert [name for name in names if not re.search(rf"`{re.escape(name)}[`.]", PROSE)] == []


def test_every_parameter_is_named_in_the_text() -> None:
    names = [dotted(path) for path, is_group in ALL if not is_group]
    assert [name for name in names if f"`{name}`" not in PROSE] == []


def test_a_page_without_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="parameters:begin"):
        build.up_to_date("no marks", {"parameters": ""})


def test_only_what_stands_between_the_marks_changes() -> None:
    page = "a\n<!-- x:begin -->\n\nold\n<!-- x:end -->\nb <!-- y:begin -->\\1<!-- y:end -->"
    assert build.up_to_date(page, {"x": "\\1"}) == page.replace("old", "\\1")


def test_a_table_of_entities_shows_what_somebody_changed() -> None:
    labs = Scenario.load("tiny").with_({"labs.Ada.home": "North"}).labs
    assert build.entity_table({"Ada": labs["Ada"], "Byron": labs["Byron"]}).splitlines() == [
        "| parameter | Ada | Byron |",
        "| --- | --- | --- |",
        '| `home` | "North" | "" |',
        "| `cash_usd_bn` | 5.0 | 5.0 |",
        "| `training_gw` | 0.2 | 0.2 |",
        "| `compute_effective` | 0.5 | 0.5 |",
    ]
