"""Whatever bytes a scenario file holds, loading gives a scenario or one line that says what is wrong."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st

from market.parameters import Group
from market.scenario import Scenario
from market.scenario_files import ScenarioError, content_hash, dump_scenario, load_scenario, override, parse_set
from tests.market.scenario_tree import VALID, Demand, Host, Tree

TOML_FRAGMENTS = [
    *("[", "]", "[[", "]]", "{", "}", "=", ",", ".", '"', "'", '"""', "'''", "#", "\n", "\r", "\\", "\\u0000", "\0"),
    *(
        "true",
        "nan",
        "-inf",
        "1e999",
        "0x" + "f" * 20,
        "9" * 5000,
        "2025-01-01",
        "07:32:00",
        "base",
        "remove",
        "é",
        "\u2028",
    ),
    *("[labs.X]\n", "[[shocks]]\n", "hosts", "demand", "x = ", "'case.toml'", "\ufeff", "[" * 40, "a." * 40),
]


def load(model: type[Group], content: bytes) -> Group | None:
    """The scenario of these bytes, or None after checking that the error is one printable line."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "case.toml"
        file.write_bytes(content)
        try:
            return load_scenario(model, str(file), [Path(folder)])
        except ScenarioError as error:
            message = str(error)
    assert message.isprintable()
    assert message.startswith(str(file))
    assert len(message) < 5000
    return None


def check(model: type[Group], content: bytes) -> None:
    """What loads can be dumped, and loads again to the same."""
    scenario = load(model, content)
    if scenario is not None:
        again = load(model, dump_scenario(scenario).encode())
        assert again == scenario
        assert content_hash(again) == content_hash(scenario)


@st.composite
def mutations(draw: st.DrawFn, text: str) -> bytes:
    """A valid text with up to five pieces cut out, doubled or replaced."""
    for _ in range(draw(st.integers(1, 5))):
        start = draw(st.integers(0, len(text)))
        stop = min(len(text), start + draw(st.integers(0, 20)))
        piece = draw(st.sampled_from([*TOML_FRAGMENTS, text[start:stop] * 2]) | st.text(max_size=5))
        text = text[:start] + piece + text[stop:]
    return text.encode("utf-8", "replace")


@given(st.binary(max_size=200))
@example(b"")
@example(b"\xef\xbb\xbf")
def test_any_bytes(content: bytes) -> None:
    check(Tree, content)


@given(st.lists(st.sampled_from(TOML_FRAGMENTS)).map("".join))
def test_any_row_of_toml_fragments(text: str) -> None:
    check(Tree, text.encode())


@given(mutations(VALID))
def test_any_mutation_of_a_valid_file(content: bytes) -> None:
    check(Tree, content)


REAL = "".join(f"{line}\n" for line in dump_scenario(Scenario()).splitlines())


@given(mutations(REAL))
def test_any_mutation_of_a_real_scenario(content: bytes) -> None:
    check(Scenario, content)


def trees() -> st.SearchStrategy[Tree]:
    text: Callable[..., st.SearchStrategy[str]] = partial(st.text, st.characters(codec="utf-8"))
    hosts = st.dictionaries(text(), st.builds(Host, cash_usd_bn=st.floats(0, 1000)), max_size=3)
    levels = st.lists(st.floats(0, 1)).map(tuple)
    demand = st.builds(Demand, count=st.integers(1, 10_000), growth=st.floats(-1, 1e308), levels=levels)
    return st.builds(Tree, name=text(), description=text(), demand=demand, hosts=hosts)


@given(trees())
def test_any_scenario_survives_its_file(scenario: Tree) -> None:
    again = load(Tree, dump_scenario(scenario).encode())
    assert again == scenario
    assert content_hash(again) == content_hash(scenario)


@given(st.text(), st.text())
@example("demand.levels", "[" * 100_000)
@example("demand.growth", "9" * 5000)
def test_any_setting(path: str, value: str) -> None:
    message = ""
    try:
        override(Tree(hosts={"A": Host()}), dict([parse_set(f"{path}={value}")]))
    except ScenarioError as error:
        message = str(error)
    assert message.isprintable()
