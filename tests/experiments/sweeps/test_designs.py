"""Designs: which points there are, and what is refused before one is made."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.sweeps.designs import Design, make_design
from experiments.sweeps.errors import SweepError
from experiments.sweeps.factors import Factor, check_factors, factor_of, is_integer
from experiments.sweeps.sampling import SAMPLERS
from market.parameters import field_shape
from market.scenario import Scenario
from market.scenario_errors import ScenarioError

TINY = {"tiny": Scenario.load("tiny")}
TWO = {**TINY, "symmetric": Scenario.load("symmetric")}
POWER, COUNT, BAN, RULE = (
    "negotiation.provider_power",
    "enterprises.count",
    "policy.exclusivity_ban",
    "negotiation.protocol",
)
OPTIONS: dict[str, dict[str, int]] = {
    "random": {"samples": 24},
    "lhs": {"samples": 24},
    "sobol": {"samples": 32},
    "morris": {"trajectories": 4},
    "saltelli": {"samples": 8},
}


def refusal(*arguments: Any, **options: Any) -> str:
    with pytest.raises(SweepError) as caught:
        make_design(*arguments, **options)
    told = str(caught.value)
    assert "\n" not in told
    return told


def test_grid_is_every_combination_the_last_fastest() -> None:
    design = make_design({BAN: [False, True], POWER: (0.25, 0.75), COUNT: (1, 9)}, levels=3, scenarios=TINY)
    assert [tuple(point.values()) for point in design.points] == [
        (ban, power, count) for ban in (False, True) for power in (0.25, 0.5, 0.75) for count in (1, 5, 9)
    ]
    assert {tuple(point) for point in design.points} == {(BAN, POWER, COUNT)}
    assert (design.method, design.paths, design.settings) == ("grid", (BAN, POWER, COUNT), {"levels": 3})


def test_grid_of_whole_numbers_takes_the_nearest_each_once() -> None:
    assert [Factor("n", 1, 10, integer=True).levels(count) for count in (2, 4, 7, 10)] == [
        [1, 10],
        [1, 4, 7, 10],
        [1, 3, 4, 6, 7, 9, 10],
        list(range(1, 11)),
    ]


def test_a_list_is_taken_as_it_is() -> None:
    rows = [{POWER: 0.3, RULE: "nash"}, {}, {COUNT: 5, POWER: None}]
    design = make_design(rows, "list", scenarios=TINY)
    assert design == Design("list", (), ({POWER: 0.3, RULE: "nash"}, {}, {COUNT: 5}))
    assert design.paths == (POWER, RULE, COUNT)


def test_values_are_of_the_types_of_json() -> None:
    design = make_design({"x": [np.float64(0.5), np.int64(2)], "y": (np.float32(0.5), np.int8(2))}, levels=2)
    assert design.points[0] == {"x": 0.5, "y": 0.5}
    assert {type(value) for point in design.points for value in point.values()} == {int, float}
    json.dumps(design.plain())


@pytest.mark.parametrize("count", [2, 6, 11])
def test_whole_numbers_and_choices_are_equally_likely(count: int) -> None:
    shares = [(k + 0.5) / (100 * count) for k in range(100 * count)]
    numbers = Factor("n", 5, 4 + count, integer=True).values(shares)
    assert Counter(numbers) == dict.fromkeys(range(5, 5 + count), 100)
    names = tuple(f"name {k}" for k in range(count))
    assert Counter(Factor("c", choices=names).values(shares)) == dict.fromkeys(names, 100)
    design = make_design({"n": Factor("n", 5, 4 + count, integer=True)}, "lhs", samples=3 * count, seed=8)
    assert Counter(point["n"] for point in design.points) == dict.fromkeys(range(5, 5 + count), 3)


def test_a_value_is_the_quantile_at_its_share() -> None:
    shares = np.linspace(0, 1, 1001).tolist()
    assert Factor("x", -1.0, 3.0).values([0.0, 0.25, 0.5, 1.0]) == [-1.0, 0.0, 1.0, 3.0]
    for factor in (Factor("x", 0.1, 0.3), Factor("x", -7, 4, integer=True), Factor("x", choices=(3, 0.5, 2))):
        values = factor.values(shares)
        assert values == sorted(values)
        assert (values[0], values[-1]) == (
            (factor.choices or factor.interval)[0],
            (factor.choices or factor.interval)[-1],
        )
    assert Factor("x", choices=("b", "a")).values([0.0, 1.0]) == ["b", "a"]


@given(st.floats(-1e308, 1e308), st.floats(-1e308, 1e308), st.floats(0, 1))
def test_an_interval_holds_its_values(one: float, other: float, share: float) -> None:
    if one != other:
        low, high = sorted((one, other))
        assert low <= Factor("x", low, high).values([share])[0] <= high


@pytest.mark.parametrize("method", SAMPLERS)
def test_the_seed_alone_makes_the_points(method: str) -> None:
    vary = {POWER: (0.2, 0.8), COUNT: (10, 20), "negotiation.lock_in_weight": [0.0, 0.1, 0.3]}
    one, same, other = (make_design(vary, method, seed=seed, scenarios=TINY, **OPTIONS[method]) for seed in (7, 7, 8))
    assert one == same
    assert one.points != other.points
    assert {type(point[COUNT]) for point in one.points} == {int}


@pytest.mark.parametrize("method", ["random", "lhs", "sobol"])
def test_samples_take_choices(method: str) -> None:
    design = make_design(
        {BAN: [False, True], RULE: ["nash", "concession"], POWER: (0.2, 0.8)}, method, **OPTIONS[method]
    )
    assert len(design.points) == OPTIONS[method]["samples"]
    assert {(point[BAN], point[RULE]) for point in design.points} == {
        (ban, rule) for ban in (False, True) for rule in ("nash", "concession")
    }


@pytest.mark.parametrize(
    ("method", "options", "count"),
    [
        ("random", {"samples": 5}, 5),
        ("lhs", {"samples": 5}, 5),
        ("sobol", {"samples": 16}, 16),
        ("morris", {"trajectories": 5}, 5 * 3),
        ("saltelli", {"samples": 16}, 16 * 4),
        ("saltelli", {"samples": 16, "second_order": True}, 16 * 6),
    ],
)
def test_sizes(method: str, options: dict[str, Any], count: int) -> None:
    assert len(make_design({"x": (0, 1), "y": (0, 1)}, method, **options).points) == count


@pytest.mark.parametrize("method", SAMPLERS)
def test_a_design_is_made_again_from_its_plain_data(method: str) -> None:
    design = make_design(
        {"x": (0.1, 0.7), "y": [1, 2, 4], "z": Factor("z", 1, 6, integer=True)}, method, **OPTIONS[method]
    )
    again = Design.from_plain(json.loads(json.dumps(design.plain())), json.loads(json.dumps(design.points)))
    assert again == design
    assert again.unit.tobytes() == design.unit.tobytes()
    assert again.problem() == {"num_vars": 3, "names": ["x", "y", "z"], "bounds": [[0.0, 1.0]] * 3}
    assert [point["x"] for point in design.points] == Factor("x", 0.1, 0.7).values(design.unit[:, 0].tolist())


def test_points_that_another_version_drew_are_noticed() -> None:
    design = make_design({"x": (0.0, 1.0)}, "lhs", samples=4)
    changed = Design.from_plain(design.plain(), [*design.points[:-1], {"x": 0.5}])
    with pytest.raises(SweepError, match="are not those of method lhs, seed 0"):
        _ = changed.unit


def test_a_grid_and_a_list_are_no_samples() -> None:
    grid, listed = make_design({"x": [1, 2]}), make_design([{"x": 1}], "list")
    assert grid.problem()["names"] == ["x"]
    for design in (grid, listed):
        with pytest.raises(SweepError, match=f"a design by {design.method} is no sample"):
            _ = design.unit
    with pytest.raises(SweepError, match="a design by list has no factors"):
        listed.problem()


def test_several_scenarios_are_all_run_unless_chosen() -> None:
    assert make_design({POWER: [0.3]}, scenarios=TWO).points == (
        {"scenario": "tiny", POWER: 0.3},
        {"scenario": "symmetric", POWER: 0.3},
    )
    assert make_design({"scenario": ["symmetric"]}, scenarios=TWO).points == ({"scenario": "symmetric"},)
    # South is no provider of tiny: asked for only where it is
    path = "hyperscalers.South.cash_usd_bn"
    assert make_design({"scenario": ["symmetric"], path: [9.0]}, scenarios=TWO).points[0][path] == 9.0
    assert refusal({path: [9.0]}, scenarios=TWO).startswith("hyperscalers.South: unknown key; allowed: North, East")
    assert refusal({"scenario": ["tny"]}, scenarios=TWO) == (
        "scenario: unknown scenario (got \"tny\"); allowed: tiny, symmetric; did you mean 'tiny'?"
    )
    assert refusal([{POWER: 0.3}], "list", scenarios=TWO) == (
        "row 0: scenario: not chosen among several; allowed: tiny, symmetric"
    )


def test_values_that_fit_only_together_are_left_to_the_points() -> None:
    """2017Q4 is before the start of tiny, but not before that of the points."""
    with pytest.raises(ScenarioError, match="is before"):
        TINY["tiny"].with_({"time.end": "2017Q4"})
    (point,) = make_design({"time.start": ["2016Q1"], "time.end": ["2017Q4"]}, scenarios=TINY).points
    assert TINY["tiny"].with_(point).time.end == "2017Q4"


@pytest.mark.parametrize(
    ("path", "integer"),
    [
        (COUNT, True),
        (POWER, False),
        (BAN, False),
        ("labs.Ada.cash_usd_bn", False),
        ("negotiation.term_levels_quarters.0", True),
        ("shocks.0.size", False),
        ("no.such.path", False),
    ],
)
def test_integer_parameters_are_known(path: str, integer: bool) -> None:
    assert is_integer(path) is integer


def _ranges() -> Iterator[tuple[str, float, float, bool]]:
    """Every number with a range in the groups whose parameters are independent of each other."""
    for group in (
        "enterprises",
        "demand",
        "training",
        "labs_common",
        "funding",
        "capacity",
        "supply",
        "talks",
        "beliefs",
    ):
        for name, field in type(getattr(TINY["tiny"], group)).model_fields.items():
            shape = field_shape(field)
            low, high = shape.bounds
            if low is not None and high is not None:
                yield f"{group}.{name}", low, high, shape.annotation is int


RANGES = list(_ranges())


@st.composite
def varied(draw: st.DrawFn) -> dict[str, Any]:
    """Some paths with an interval within their range each."""
    vary: dict[str, Any] = {}
    for path, low, high, integer in draw(st.lists(st.sampled_from(RANGES), min_size=1, max_size=4, unique=True)):
        numbers = st.integers(int(low), int(high)) if integer else st.floats(low, high)
        bounds = sorted(draw(st.lists(numbers, min_size=2, max_size=2, unique=True)))
        vary[path] = (bounds[0], bounds[1])
    return vary


@settings(max_examples=40)
@given(varied(), st.sampled_from([*SAMPLERS, "grid"]), st.integers(0, 2**32))
def test_the_scenario_takes_every_value_drawn(vary: dict[str, Any], method: str, seed: int) -> None:
    options = {"samples": 4} if method in ("random", "lhs", "sobol", "saltelli") else {}
    options |= {"trajectories": 2} if method == "morris" else {"levels": 2} if method == "grid" else {}
    design = make_design(vary, method, seed=seed, scenarios=TINY, **options)
    for point in design.points:
        changed = TINY["tiny"].with_(point)
        for path, value in point.items():
            group, name = path.split(".")
            assert getattr(getattr(changed, group), name) == value
            assert vary[path][0] <= value <= vary[path][1]


def test_a_choice_may_be_a_list_or_a_table() -> None:
    rules = [[], [{"kind": "stake_cap", "since": "2026Q1", "size": 0.1}]]
    design = make_design({"policy.rules": rules}, scenarios=TINY)
    assert [len(TINY["tiny"].with_(point).policy.rules) for point in design.points] == [0, 1]


@pytest.mark.parametrize(
    ("vary", "told"),
    [
        ({}, "nothing is varied; allowed: an interval or choices for one path at least"),
        ({POWER: 0.3}, f"{POWER}: neither an interval nor choices (got 0.3); allowed: (low, high) or a list"),
        ({POWER: (0.3,)}, f"{POWER}: neither an interval nor choices (got [0.3])"),
        ({POWER: "half"}, f'{POWER}: neither an interval nor choices (got "half")'),
        ({POWER: []}, f"{POWER}: no choices"),
        ({POWER: [0.3, 0.5, 0.3]}, f"{POWER}: a choice twice (got 0.3); allowed: each once"),
        ({POWER: [1, 1.0]}, f"{POWER}: a choice twice (got 1.0); allowed: each once"),
        ({POWER: [None]}, f"{POWER}: None among the choices"),
        ({POWER: (0.8, 0.2)}, f"{POWER}: not an interval (got [0.8, 0.2]); allowed: low below high"),
        ({POWER: (0.5, 0.5)}, f"{POWER}: not an interval (got [0.5, 0.5]); allowed: low below high"),
        ({POWER: (math.nan, 0.5)}, f"{POWER}: not a finite number (got nan)"),
        ({POWER: (0.0, math.inf)}, f"{POWER}: not a finite number (got inf)"),
        ({POWER: (False, True)}, f"{POWER}: a bound that is no number (got false)"),
        ({POWER: ("0", "1")}, f'{POWER}: a bound that is no number (got "0")'),
        ({POWER: {"low": 0.1}}, f"{POWER}: high is missing"),
        ({POWER: {"low": 0.1, "hihg": 0.2}}, f"{POWER}: unknown key 'hihg'; allowed: low, high; did you mean 'high'?"),
        ({POWER: (0.2, 1.5)}, f"{POWER}: out of range (got 1.5); allowed: a number from 0 to 1 (frac)"),
        ({COUNT: (1.5, 8)}, f"{COUNT}: a bound that is no whole number (got 1.5); allowed: whole numbers"),
        ({COUNT: [5, 5.5]}, f"{COUNT}: wrong type (got 5.5); allowed: an integer from 1 to 10000000 (count)"),
        ({BAN: (0, 1)}, f"{BAN}: wrong type (got 0.0); allowed: true or false"),
        ({RULE: ["nahs"]}, f'{RULE}: unknown choice (got "nahs"); allowed: nash,'),
        ({"": [1]}, "'' is not a dotted path such as enterprises.count"),
        ({3: [1]}, "the path 3 is not text"),
        ({COUNT: [5], 'enterprises."count"': [6]}, 'enterprises."count": the path is there twice; allowed: once'),
        (
            {POWER: Factor(COUNT, choices=(1, 2))},
            f'{POWER}: a factor of another path (got "{COUNT}"); allowed: {POWER}',
        ),
        ([{COUNT: 5}], "what is varied is no table"),
    ],
)
def test_what_cannot_be_varied(vary: Any, told: str) -> None:
    assert refusal(vary, scenarios=TINY).startswith(told)


def test_an_unknown_path_names_the_one_meant() -> None:
    told = refusal({"enterprises.cuont": [5]}, scenarios=TINY)
    assert told.startswith("enterprises.cuont: unknown key; allowed: count, segments,")
    assert told.endswith("did you mean 'count'?")


@pytest.mark.parametrize(
    ("method", "options", "told"),
    [
        (
            "sobl",
            {},
            'design: unknown method (got "sobl"); allowed: grid, list, random, lhs, sobol, morris, saltelli; '
            "did you mean 'sobol'?",
        ),
        (None, {}, "design: unknown method; allowed: grid,"),
        ("grid", {}, "levels: missing; allowed: 2 or more, for the interval of x in a grid"),
        ("grid", {"levels": 1}, "levels: not allowed (got 1); allowed: a whole number from 2"),
        (
            "grid",
            {"levels": 2, "samples": 9},
            "samples: not an option of grid (got 9); allowed: with random, lhs, sobol, saltelli",
        ),
        ("random", {}, "samples: missing; allowed: a whole number from 1, for random"),
        ("random", {"samples": 0}, "samples: not allowed (got 0); allowed: a whole number from 1"),
        ("lhs", {"samples": 8.0}, "samples: not allowed (got 8.0); allowed: a whole number from 1"),
        ("lhs", {"samples": True}, "samples: not allowed (got true); allowed: a whole number from 1"),
        ("lhs", {"samples": 8, "seed": -1}, "seed: not allowed (got -1); allowed: a whole number from 0"),
        ("lhs", {"samples": 8, "levels": 4}, "levels: not an option of lhs (got 4); allowed: with grid, morris"),
        (
            "lhs",
            {"samples": 8, "second_order": True},
            "second_order: not an option of lhs (got true); allowed: with saltelli",
        ),
        (
            "sobol",
            {"samples": 100},
            "samples: not allowed (got 100); allowed: a power of two for sobol, such as 64 or 128",
        ),
        (
            "saltelli",
            {"samples": 3},
            "samples: not allowed (got 3); allowed: a power of two for saltelli, such as 2 or 4",
        ),
        ("saltelli", {"samples": 4, "second_order": 1}, "second_order: wrong type (got 1); allowed: true or false"),
        ("morris", {}, "trajectories: missing; allowed: a whole number from 1, for morris"),
        (
            "morris",
            {"trajectories": 4, "levels": 5},
            "levels: not allowed (got 5); allowed: an even number, for morris",
        ),
        ("random", {"samples": 10_000_001}, "a design of 10,000,001 points; allowed: at most 10,000,000"),
        ("morris", {"trajectories": 10**7}, "a design of 20,000,000 points; allowed: at most 10,000,000"),
    ],
)
def test_what_a_method_does_not_take(method: Any, options: dict[str, Any], told: str) -> None:
    assert refusal({"x": (0.0, 1.0)}, method, **options).startswith(told)


def test_levels_are_for_intervals() -> None:
    assert refusal({"x": [1, 2]}, levels=3) == (
        "levels: nothing here is an interval (got 3); allowed: none, choices are taken as they are"
    )
    assert refusal({COUNT: (1, 3)}, levels=4, scenarios=TINY) == (
        f"levels: not allowed (got 4); allowed: at most 3, the whole numbers of {COUNT}"
    )


def test_a_grid_too_large_is_refused_by_arithmetic() -> None:
    vary = {f"x{k}": (0.0, 1.0) for k in range(10)}
    assert refusal(vary, levels=1000) == f"a design of {1000**10:,} points; allowed: at most 10,000,000"


@pytest.mark.parametrize("method", ["morris", "saltelli"])
@pytest.mark.parametrize("choices", [[False, True], ["nash", "concession"], [0.1, True]])
def test_indices_need_an_order(method: str, choices: list[Any]) -> None:
    told = refusal({"x": (0.0, 1.0), "y": choices}, method, **OPTIONS[method])
    assert told.startswith(f"y: choices without an order, for which {method} has no indices (got [")
    assert told.endswith("allowed: an interval or numbers; or the design grid, random, lhs or sobol")


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([], "no points; allowed: one at least"),
        ({POWER: 0.3}, "not a list of points"),
        ("power", "not a list of points"),
        ([{POWER: 0.3}, 3], "row 1: not a point (got 3)"),
        ([{POWER: 0.3}, {POWER: math.nan}], f"row 1: {POWER}: not a finite number (got nan)"),
        ([{POWER: 0.3}, {POWER: 1.3}], f"row 1: {POWER}: out of range (got 1.3)"),
        ([{COUNT: 3}, {COUNT: 3}, {COUNT: 3.0}], f"row 2: {COUNT}: wrong type (got 3.0)"),
        ([{COUNT: 3}, {"enterprises.cuont": 3}], "row 1: enterprises.cuont: unknown key"),
        ([{COUNT: 3, "enterprises.'count'": 3}], "row 0: enterprises.'count': the path is there twice"),
    ],
)
def test_what_cannot_be_a_list_of_points(rows: Any, told: str) -> None:
    assert refusal(rows, "list", scenarios=TINY).startswith(told)


def test_check_factors_reads_both_bounds_and_every_choice() -> None:
    check_factors([Factor(POWER, 0.0, 1.0), Factor(RULE, choices=("nash", "concession"))], TWO)
    for wrong in (Factor(POWER, -0.1, 1.0), Factor(POWER, 0.0, 1.1), Factor(RULE, choices=("nash", "dice"))):
        with pytest.raises(SweepError, match=wrong.path):
            check_factors([wrong], TWO)


def test_whole_numbers_of_a_function_are_asked_for() -> None:
    assert factor_of("n", (0, 2)).values([0.3]) == [0.6]
    assert factor_of("n", Factor("n", 0, 2, integer=True)).values([0.3]) == [0]
    assert factor_of(COUNT, Factor(COUNT, 1, 3), TINY).integer
