"""The generated table of parameters, and paths."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.parameter_table import parameter_table
from market.parameters import dotted, split_path
from market.scenario import Scenario
from tests.market.scenario_tree import Tree

TABLE = """\
| Parameter | Type | Default | Unit | Range | Prior | Meaning | Source |
| --- | --- | --- | --- | --- | --- | --- | --- |
| `name` | text | `"tree"` | name |  |  | Name | ours |
| `description` | text | `""` | name |  |  | What for | ours |
| `protocol` | nash, auction | `"nash"` | name |  |  | Protocol | ours |
| `demand.count` | integer | `1000` | count | 1 to 10000 |  | Customers \\| buyers | ours |
| `demand.growth` | number | `0.1` | 1/quarter | at least -1 |  | Growth | Bass (1969) |
| `demand.open` | true or false | `true` | name |  |  | Open | ours |
| `demand.levels` | list of number | `[0.5, 1.0]` | frac | 0 to 1 |  | L | ours |
| `hosts.NAME.cash_usd_bn` | number | `10.0` | USD bn | 0 to 1000 |  | Cash | ours |
| `hosts.NAME.chip` | gpu, tpu | `"gpu"` | name |  |  | Chip | ours |
| `labs.NAME.host` | text | required | name |  |  | First host | ours |
| `labs.NAME.target_frac` | number | none | frac | 0 to 1 |  | Target | ours |
| `shocks.N.quarter` | text | `"2025Q1"` | name |  |  | When | ours |
| `shocks.N.size` | number | `0.5` | frac | 0 to 1 |  | How much | ours |
| `shocks.N.hits` | table of number | `{}` |  |  |  | Share by name |  |
"""


def test_the_table_of_a_tree() -> None:
    assert parameter_table(Tree) == TABLE


def test_every_parameter_of_the_scenario_has_unit_meaning_and_source() -> None:
    rows = [line.replace("\\|", "").strip("| ").split(" | ") for line in parameter_table(Scenario).splitlines()[2:]]
    incomplete = [row[0] for row in rows if len(row) != 8 or not (row[3].strip() and row[6].strip() and row[7].strip())]
    assert incomplete == []


@given(st.lists(st.text(min_size=1), min_size=1).map(tuple))
def test_a_path_reads_back(path: tuple[str, ...]) -> None:
    assert split_path(dotted(path)) == path


@pytest.mark.parametrize("text", ["", ".", "a.", ".a", "a..b", '"a', "a'b", '"a"b'])
def test_what_is_no_path(text: str) -> None:
    with pytest.raises(ValueError, match="is not a dotted path"):
        split_path(text)
