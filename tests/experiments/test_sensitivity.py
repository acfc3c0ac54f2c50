from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from math import nan
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ks_2samp

from experiments.sensitivity import Sensitivity, sensitivity
from experiments.sweeping import sweep
from experiments.sweeps.designs import Design, make_design
from experiments.sweeps.errors import SweepError
from experiments.sweeps.results import Sweep
from tests.experiments import known_functions as known

UNIT = {"a": (0.0, 1.0), "b": (0.0, 1.0)}


@dataclass(frozen=True)
class Evaluated:
    """A design and the outcome `y` of a function at its points, as a finished sweep has them."""

    design: Design
    table: pd.DataFrame
    status: str = "complete"

    def by_point(self, name: str) -> pd.DataFrame:
        assert name == "y"
        return self.table


def evaluated(function: Callable[..., dict[str, float]], design: Design, replicates: int = 1) -> Evaluated:
    rows = [[function(point, 1, replicate)["y"] for replicate in range(replicates)] for point in design.points]
    return Evaluated(design, pd.DataFrame(rows))


def analysed(function: Any, vary: Any, design: str, *, method: str | None = None, **settings: Any) -> Sensitivity:
    return sensitivity(evaluated(function, make_design(vary, design, **settings)), "y", method)


def column(found: Sensitivity, name: str) -> dict[str, float]:
    return found.frame.set_index("factor")[name].to_dict()


def assert_covered(found: Sensitivity, name: str, exact: dict[str, float]) -> None:
    """The exact index lies within the 95 % interval and the interval is no wider than it should be."""
    estimates, widths = column(found, name), column(found, f"{name}_conf")
    for factor, value in exact.items():
        assert abs(estimates[factor] - value) <= widths[factor] + 1e-4, (factor, estimates[factor], value)
        assert widths[factor] < 0.1


def test_the_closed_forms_are_the_published_ones() -> None:
    assert [round(value, 4) for value in known.ISHIGAMI_S1.values()] == [0.3139, 0.4424, 0.0]
    assert [round(value, 4) for value in known.ISHIGAMI_ST.values()] == [0.5576, 0.4424, 0.2437]


def test_sobol_indices_of_ishigami() -> None:
    found = analysed(known.ishigami, known.ISHIGAMI_BOUNDS, "saltelli", samples=1024, second_order=True)
    assert found.method == "sobol"
    assert_covered(found, "S1", known.ISHIGAMI_S1)
    assert_covered(found, "ST", known.ISHIGAMI_ST)
    pairs = found.pairs.set_index(["factor", "other"])
    assert list(pairs.index) == list(known.ISHIGAMI_S2)
    assert (abs(pairs["S2"] - pd.Series(known.ISHIGAMI_S2)) <= pairs["S2_conf"]).all()


def test_more_samples_bring_the_indices_closer() -> None:
    found = analysed(known.ishigami, known.ISHIGAMI_BOUNDS, "saltelli", samples=8192)
    assert column(found, "S1") == pytest.approx(known.ISHIGAMI_S1, abs=0.005)
    assert column(found, "ST") == pytest.approx(known.ISHIGAMI_ST, abs=0.005)
    assert found.pairs.empty


def test_sobol_indices_of_the_g_function() -> None:
    found = analysed(known.g_function, known.G_BOUNDS, "saltelli", samples=2048)
    assert_covered(found, "S1", known.G_S1)
    assert_covered(found, "ST", known.G_ST)
    assert column(found, "ST") == pytest.approx(known.G_ST, abs=0.01)


def test_intervals_cover_the_exact_index_about_as_often_as_they_say() -> None:
    inside = []
    for seed in range(20):
        design = make_design(known.ISHIGAMI_BOUNDS, "saltelli", samples=64, seed=seed)
        found = sensitivity(evaluated(known.ishigami, design), "y", seed=seed)
        off = abs(found.frame["ST"] - list(known.ISHIGAMI_ST.values()))
        inside += list(off <= found.frame["ST_conf"])
    # Scrambled Sobol points are better than the random ones that the bootstrap takes them for.
    assert np.mean(inside) > 0.9
    assert found.frame["ST_conf"].min() > 0.02


def test_sobol_of_one_factor_gives_it_everything() -> None:
    found = analysed(
        lambda values, seed, replicate: {"y": values["a"] ** 3}, {"a": (0.0, 1.0)}, "saltelli", samples=512
    )
    assert column(found, "S1")["a"] == pytest.approx(1.0, abs=0.02)
    assert column(found, "ST")["a"] == pytest.approx(1.0, abs=0.02)


def test_elementary_effects_of_a_linear_function_are_coefficient_times_range() -> None:
    found = analysed(known.linear, known.LINEAR_BOUNDS, "morris", trajectories=10)
    effects = {name: known.LINEAR[name] * (high - low) for name, (low, high) in known.LINEAR_BOUNDS.items()}
    sizes = {name: abs(effect) for name, effect in effects.items()}
    zeros = dict.fromkeys(effects, 0.0)
    assert column(found, "mu") == pytest.approx(effects, abs=1e-12)
    assert column(found, "mu_star") == pytest.approx(sizes, abs=1e-12)
    assert column(found, "sigma") == pytest.approx(zeros, abs=1e-12)
    assert column(found, "mu_star_conf") == pytest.approx(zeros, abs=1e-12)


@pytest.mark.parametrize("levels", [4, 6, 8])
def test_the_number_of_levels_does_not_change_the_effects_of_a_linear_function(levels: int) -> None:
    found = analysed(known.linear, known.LINEAR_BOUNDS, "morris", trajectories=10, levels=levels)
    assert column(found, "mu") == pytest.approx({"a": 6.0, "b": -8.0, "c": 0.0}, abs=1e-12)


def test_the_function_of_morris_falls_into_his_three_groups() -> None:
    vary = {f"x{i:02d}": (0.0, 1.0) for i in range(1, 21)}
    found = analysed(known.morris_function, vary, "morris", trajectories=30).frame.set_index("factor")
    linear, without = ["x08", "x09", "x10"], [f"x{i}" for i in range(11, 21)]
    others = [f"x{i:02d}" for i in range(1, 8)]
    assert found.loc[linear, "mu_star"].tolist() == pytest.approx([40.0] * 3)
    assert found.loc[linear, "sigma"].tolist() == pytest.approx([0.0] * 3, abs=1e-9)
    assert (found.loc[without, ["mu_star", "sigma"]] < 1e-9).all(axis=None)
    assert (found.loc[others, "sigma"] > 10).all()


def test_pawn_ranks_ishigami_as_published() -> None:
    """Pianosi and Wagener (2018), figure 3: x2 before x1 before x3, which is above chance by its interaction only."""
    found = analysed(known.ishigami, known.ISHIGAMI_BOUNDS, "lhs", samples=2000)
    assert found.method == "pawn"
    medians, chance = column(found, "median"), column(found, "dummy")
    assert medians["x2"] > 0.3 > medians["x1"] > 0.2 > medians["x3"] > chance["x3"]
    assert all((found.frame["minimum"] <= found.frame["median"]) & (found.frame["median"] <= found.frame["maximum"]))


def test_pawn_of_the_identity_in_closed_form() -> None:
    """Slice k of 10 of y = a is uniform on (k/10, (k+1)/10): its distance from uniform on (0, 1) is max(k, 9-k)/10."""
    found = analysed(lambda values, seed, replicate: {"y": values["a"]}, UNIT, "lhs", samples=5000)
    (row,) = found.frame[found.frame["factor"] == "a"].to_dict("records")
    assert row["minimum"] == pytest.approx(0.5, abs=0.01)
    assert row["median"] == pytest.approx(0.7, abs=0.01)
    assert row["maximum"] == pytest.approx(0.9, abs=0.01)
    (other,) = found.frame[found.frame["factor"] == "b"].to_dict("records")
    assert other["median"] == pytest.approx(other["dummy"], abs=0.02)


@pytest.mark.parametrize("design", ["random", "lhs", "sobol"])
def test_pawn_conditions_on_each_choice(design: str) -> None:
    vary = {"clause": ["none", "primary", "exclusive"], "a": (0.0, 1.0)}
    swept = evaluated(known.chosen, make_design(vary, design, samples=256))
    found = sensitivity(swept, "y")
    outcomes, clauses = swept.table[0], np.array([point["clause"] for point in swept.design.points])
    distances = [ks_2samp(outcomes[clauses == each], outcomes).statistic for each in vary["clause"]]
    (row,) = found.frame[found.frame["factor"] == "clause"].to_dict("records")
    assert (row["minimum"], row["median"], row["maximum"]) == (min(distances), np.median(distances), max(distances))
    assert row["maximum"] == 1 - np.mean(clauses == "exclusive")
    assert found.frame["slices"].tolist() == [3, 10]
    assert "Conditioned on each value, not on 10 slices of equal probability: clause." in found.notes


def test_pawn_of_flags_and_of_few_whole_numbers() -> None:
    points = [{"ban": i % 2 == 0, "count": i % 3, "a": i / 60} for i in range(60)]
    found = sensitivity(
        evaluated(lambda p, seed, replicate: {"y": p["count"] + 0.1 * p["a"]}, make_design(points, "list")), "y"
    )
    assert found.frame["slices"].tolist() == [2, 3, 10]
    assert column(found, "maximum")["count"] == pytest.approx(2 / 3)
    assert column(found, "median")["ban"] < 0.1


def test_pawn_of_a_table_whose_rows_leave_out_a_path() -> None:
    points = [{"a": i / 40} | ({"b": 1.0} if i % 2 else {}) for i in range(40)]
    found = sensitivity(evaluated(lambda p, seed, replicate: {"y": p.get("b", 0.0)}, make_design(points, "list")), "y")
    assert column(found, "median")["b"] == 0.5


def test_points_without_a_value_take_their_blocks_with_them() -> None:
    design = make_design(UNIT, "saltelli", samples=256)
    swept = evaluated(known.broken_corner, design)
    missing = swept.table[0].isna().to_numpy()
    dropped = missing.reshape(256, 4).any(axis=1)
    found = sensitivity(swept, "y")
    assert (
        f"y has no value at {missing.sum()} of 1024 points (a 0.7513 to 0.9945, b 0.7547 to 0.9984)" in found.notes[0]
    )
    assert f"{dropped.sum()} of 256 blocks of the base sample. The indices describe the rest." in found.notes[0]
    kept = [point for i, point in enumerate(design.points) if not dropped[i // 4]]
    rest = Design("saltelli", design.factors, tuple(kept), 0, {"samples": len(kept) // 4, "second_order": False})
    pd.testing.assert_frame_equal(found.frame, sensitivity(evaluated(known.broken_corner, rest), "y").frame)


def test_points_without_a_value_take_their_trajectories_with_them() -> None:
    swept = evaluated(known.broken_corner, make_design(UNIT, "morris", trajectories=40))
    dropped = swept.table[0].isna().to_numpy().reshape(40, 3).any(axis=1).sum()
    found = sensitivity(swept, "y")
    assert 0 < dropped < 20
    assert f"(a 1, b 1), and with them go {dropped} of 40 trajectories" in found.notes[0]
    assert column(found, "mu") == pytest.approx({"a": 2.0, "b": 1.0})
    assert column(found, "sigma") == pytest.approx({"a": 0.0, "b": 0.0}, abs=1e-9)


def test_points_without_a_value_are_left_out_of_pawn() -> None:
    swept = evaluated(known.broken_corner, make_design(UNIT, "random", samples=300))
    there = swept.table[0].notna().to_numpy()
    rest = make_design([point for point, kept in zip(swept.design.points, there, strict=True) if kept], "list")
    found = sensitivity(swept, "y")
    assert found.notes[0].startswith(f"y has no value at {300 - there.sum()} of 300 points (a 0.7")
    pd.testing.assert_frame_equal(found.frame, sensitivity(evaluated(known.broken_corner, rest), "y").frame)


def test_categories_and_the_lack_of_a_region_are_told() -> None:
    points = [{"clause": ("none", "exclusive")[i % 2], "a": i / 40} for i in range(40)]
    told = Evaluated(make_design(points, "list"), pd.DataFrame([nan if i == 1 else i for i in range(40)]))
    assert "1 of 40 points (a 0.025, clause exclusive)" in sensitivity(told, "y").notes[0]
    spread = Evaluated(make_design(points, "list"), pd.DataFrame([nan if i in (0, 39) else i for i in range(40)]))
    assert "2 of 40 points (all over the design)" in sensitivity(spread, "y").notes[0]


def test_a_replicate_that_failed_takes_its_point_with_it() -> None:
    swept = evaluated(known.linear, make_design(known.LINEAR_BOUNDS, "random", samples=100), replicates=2)
    swept.table.loc[7, 1] = np.inf
    assert "y has no value at 1 of 100 points" in sensitivity(swept, "y").notes[0]


def test_a_sweep_that_is_not_finished_says_so() -> None:
    table = pd.DataFrame([*range(30), *[nan] * 10])
    found = sensitivity(Evaluated(make_design(UNIT, "random", samples=40), table, status="running"), "y")
    assert found.notes[0] == "The sweep is not finished: runs to come count as missing."
    assert found.notes[1].startswith("y has no value at 10 of 40 points")


def test_more_than_half_missing_is_an_error() -> None:
    design = make_design(UNIT, "random", samples=10)
    half = Evaluated(design, pd.DataFrame([nan] * 5 + [1.0, 2.0, 3.0, 4.0, 5.0]))
    assert "5 of 10 points" in sensitivity(half, "y").notes[0]
    more = Evaluated(design, pd.DataFrame([nan] * 6 + [2.0, 3.0, 4.0, 5.0]))
    with pytest.raises(SweepError, match=r"y has no value at 6 of 10 points .*: more than half, too many"):
        sensitivity(more, "y")
    with pytest.raises(SweepError, match="10 of 10 points"):
        sensitivity(Evaluated(design, pd.DataFrame([nan] * 10)), "y")


@pytest.mark.parametrize(
    ("design", "settings"),
    [("morris", {"trajectories": 5}), ("saltelli", {"samples": 16, "second_order": True}), ("lhs", {"samples": 50})],
)
def test_a_constant_outcome_has_no_indices(design: str, settings: Any, recwarn: pytest.WarningsRecorder) -> None:
    found = analysed(known.constant, UNIT, design, **settings)
    assert found.frame.drop(columns="factor").isna().all(axis=None)
    assert "The outcome is the same at every point: the indices are not defined." in found.notes
    assert not recwarn.list
    assert "–" in found.text()
    assert list(found.plain()["factors"][0].values())[1] is None


def luck_note(found: Sensitivity) -> str:
    (note,) = (note for note in found.notes if note.startswith("Luck is"))
    return note


def test_the_share_of_luck() -> None:
    swept = evaluated(known.noisy, make_design(UNIT, "saltelli", samples=512), replicates=4)
    # Variance of a: 1/12; of the luck: 1. So 12/13 of single runs, 3/4 of means over four.
    note = luck_note(sensitivity(swept, "y"))
    single, means = (float(part.split("%")[0]) for part in (note[8:], note.split("do not share is ")[1]))
    assert (single, means) == (pytest.approx(100 * 12 / 13, abs=1.5), pytest.approx(75, abs=3))
    assert note.endswith("It biases their indices: S1 towards 0, ST upwards.")


def test_luck_that_all_points_share_stays_out_of_the_indices() -> None:
    design = make_design(UNIT, "saltelli", samples=64)
    alone = evaluated(known.linear_pair, design)
    shared = Evaluated(design, pd.concat([alone.table[0] - 8.0, alone.table[0] + 8.0], axis=1))
    found = sensitivity(shared, "y")
    pd.testing.assert_frame_equal(found.frame, sensitivity(alone, "y").frame)
    assert "luck that points do not share is 0.0% of the variance of the means over 2 replicates" in luck_note(found)
    assert "biases" not in luck_note(found)
    assert "One replicate a point: how much of the variance is luck is not known." in sensitivity(alone, "y").notes


def test_indices_do_not_depend_on_the_seed_or_the_order_of_factors() -> None:
    design = make_design(known.ISHIGAMI_BOUNDS, "saltelli", samples=128)
    swept = evaluated(known.ishigami, design)
    first, again, other = (sensitivity(swept, "y", seed=seed) for seed in (0, 0, 1))
    pd.testing.assert_frame_equal(first.frame, again.frame)
    assert first.frame[["S1", "ST"]].equals(other.frame[["S1", "ST"]])
    assert not first.frame["ST_conf"].equals(other.frame["ST_conf"])
    for method in ("pawn", "sobol"):
        expected = sensitivity(swept, "y", method).frame.set_index("factor").drop(columns="dummy", errors="ignore")
        reversed_ = sensitivity(_with_factors_reversed(swept), "y", method).frame.set_index("factor")
        pd.testing.assert_frame_equal(reversed_.loc[expected.index, expected.columns], expected)


def _with_factors_reversed(swept: Evaluated) -> Evaluated:
    """The same runs with the factors in the opposite order: in every block the rows AB1, AB2, AB3 turn around."""
    block = np.array([0, 3, 2, 1, 4])
    order = (np.arange(0, len(swept.design.points), 5)[:, None] + block).ravel()
    factors = tuple(reversed(swept.design.factors))
    points = tuple(swept.design.points[i] for i in order)
    design = Design("saltelli", factors, points, 0, swept.design.settings)
    return Evaluated(design, swept.table.iloc[order].reset_index(drop=True))


def test_the_global_generator_is_left_alone() -> None:
    np.random.seed(3)  # noqa: NPY002 -- the analysis must not touch it
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    for design, settings in (("saltelli", {"samples": 16}), ("lhs", {"samples": 30}), ("morris", {"trajectories": 4})):
        analysed(known.linear, known.LINEAR_BOUNDS, design, **settings)
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002


def test_ordered_choices_have_sobol_indices() -> None:
    vary = {"a": [0.0, 1.0, 5.0], "b": (0.0, 1.0)}
    found = analysed(known.linear_pair, vary, "saltelli", samples=1024)
    # y = 2 a + b: variances 4 * 14/3 and 1/12.
    share = (4 * 14 / 3) / (4 * 14 / 3 + 1 / 12)
    assert column(found, "ST") == pytest.approx({"a": share, "b": 1 - share}, abs=0.01)


@pytest.mark.parametrize(
    ("design", "settings", "method", "message"),
    [
        (
            "lhs",
            {"samples": 8},
            "sobol",
            "method 'sobol' needs the design 'saltelli', this sweep has .*'lhs'; .*: pawn",
        ),
        (
            "sobol",
            {"samples": 8},
            "sobol",
            "method 'sobol' needs the design 'saltelli', this sweep has the design 'sobol'",
        ),
        ("lhs", {"samples": 8}, "morris", "method 'morris' needs the design 'morris'"),
        ("morris", {"trajectories": 4}, "pawn", "method 'pawn' needs a sample of the factors, .*'morris'; .*: morris"),
        (
            "saltelli",
            {"samples": 8},
            "sobl",
            "unknown method 'sobl'; allowed: morris, sobol, pawn; did you mean 'sobol'",
        ),
    ],
)
def test_a_design_admits_only_its_methods(design: str, settings: Any, method: str, message: str) -> None:
    with pytest.raises(SweepError, match=message):
        analysed(known.linear, known.LINEAR_BOUNDS, design, method=method, **settings)


def test_a_seed_that_is_none() -> None:
    swept = evaluated(known.linear, make_design(known.LINEAR_BOUNDS, "lhs", samples=8))
    with pytest.raises(SweepError, match="seed of the sensitivity analysis: got -1; allowed: an integer from 0"):
        sensitivity(swept, "y", seed=-1)


def test_text_and_plain_data() -> None:
    found = analysed(known.ishigami, known.ISHIGAMI_BOUNDS, "saltelli", samples=1024, second_order=True)
    plain = json.loads(json.dumps(found.plain()))
    assert (plain["method"], plain["outcome"]) == ("sobol", "y")
    assert list(plain["factors"][0]) == ["factor", "S1", "S1_conf", "ST", "ST_conf"]
    assert [row["factor"] for row in plain["factors"]] == ["x1", "x2", "x3"]
    assert [(row["factor"], row["other"]) for row in plain["pairs"]] == list(known.ISHIGAMI_S2)
    assert plain["notes"] == list(found.notes)
    lines = found.text().splitlines()
    assert lines[0] == "sobol: y"
    assert [line.split()[0] for line in lines[3:7]] == ["factor", "x1", "x2", "x3"]
    assert lines[8].startswith("factor")
    assert lines[9].startswith("x1 x x3")
    assert lines[3].split() == ["factor", "S1", "±", "ST", "±"]


@pytest.mark.parametrize(
    ("factor", "shown"),
    [
        (1000.0, ["8000", "8000", "0", "0"]),
        (1.0, ["8.000"] * 2 + ["0.000"] * 2),
        (1e-5, ["0.00008000"] * 2 + ["0.00000000"] * 2),
    ],
)
def test_numbers_have_four_digits_whatever_the_unit(factor: float, shown: list[str]) -> None:
    found = analysed(
        lambda p, s, r: {"y": -factor * known.linear(p, s, r)["y"]}, known.LINEAR_BOUNDS, "morris", trajectories=5
    )
    assert found.text().splitlines()[4].split() == ["b", *shown]


@pytest.mark.slow
def test_ishigami_through_a_sweep(tmp_path: Path) -> None:
    swept = sweep(
        known.ishigami, known.ISHIGAMI_BOUNDS, design="saltelli", samples=1024, out=tmp_path / "sweep", jobs=1
    )
    direct = evaluated(known.ishigami, swept.design)
    for each in (swept, Sweep.load(tmp_path / "sweep")):
        found = sensitivity(each, "y")
        pd.testing.assert_frame_equal(found.frame, sensitivity(direct, "y").frame)
        assert_covered(found, "ST", known.ISHIGAMI_ST)


@pytest.mark.slow
def test_both_functions_through_sweeps_of_two_processes(tmp_path: Path) -> None:
    cases = [
        ("ishigami", known.ishigami, known.ISHIGAMI_BOUNDS, known.ISHIGAMI_S1, known.ISHIGAMI_ST),
        ("g", known.g_function, known.G_BOUNDS, known.G_S1, known.G_ST),
    ]
    for name, function, bounds, first, total in cases:
        swept = sweep(function, bounds, design="saltelli", samples=1024, out=tmp_path / name, jobs=2)
        found = sensitivity(swept, "y")
        assert_covered(found, "S1", first)
        assert_covered(found, "ST", total)


def test_runs_that_fail_count_as_missing(tmp_path: Path) -> None:
    swept = sweep(known.failing_corner, UNIT, design="saltelli", samples=32, out=tmp_path / "sweep", jobs=1)
    direct = evaluated(known.broken_corner, swept.design)
    found, expected = sensitivity(swept, "y"), sensitivity(direct, "y")
    assert len(swept.failures) == direct.table[0].isna().sum() > 0
    assert found.notes == expected.notes
    pd.testing.assert_frame_equal(found.frame, expected.frame)


@pytest.mark.slow
def test_a_market_by_morris_and_by_pawn(tmp_path: Path) -> None:
    vary: dict[str, Any] = {"negotiation.provider_power": (0.2, 0.8), "enterprises.count": (100, 400)}
    swept = sweep("tiny", vary, design="morris", trajectories=4, replicates=2, out=tmp_path / "morris", jobs=2)
    found = sensitivity(swept, "labs[Ada].compute_gw@2026Q4")
    assert found.frame["factor"].tolist() == list(vary)
    assert np.isfinite(found.frame.drop(columns="factor")).all(axis=None)
    with pytest.raises(SweepError, match="no lab 'Eve' in any run; allowed: Ada, Byron"):
        sensitivity(swept, "labs[Eve].compute_gw")
    vary["policy.exclusivity_ban"] = [False, True]
    chosen = sweep("tiny", vary, design="lhs", samples=30, out=tmp_path / "lhs", jobs=2)
    slices = sensitivity(chosen, "mean(capacity_gw)").frame.set_index("factor")["slices"]
    assert slices["policy.exclusivity_ban"] == 2


def test_one_block_has_no_intervals(recwarn: pytest.WarningsRecorder) -> None:
    effects = analysed(known.linear, known.LINEAR_BOUNDS, "morris", trajectories=1)
    assert column(effects, "mu") == pytest.approx({"a": 6.0, "b": -8.0, "c": 0.0})
    shares = analysed(known.linear, known.LINEAR_BOUNDS, "saltelli", samples=1)
    for found, undefined in ((effects, ["mu_star_conf", "sigma"]), (shares, ["S1_conf", "ST_conf"])):
        assert found.frame[undefined].isna().all(axis=None)
        assert "One trajectory or row of the base sample is left: no spread, no intervals." in found.notes
    assert not recwarn.list
