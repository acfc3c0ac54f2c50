from __future__ import annotations

import json
import subprocess
import sys
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from markdown_it import MarkdownIt
from scipy.stats import binomtest

from experiments.discovery import HOLDOUT_SEED, Discovery, discover
from experiments.discovery_rules import Cases, Limit, pruned
from experiments.sweeping import sweep
from experiments.sweeps.errors import SweepError

# EMA Workbench takes seconds to load: the fast tests have one of its searches.
METHODS = (pytest.param("prim", marks=pytest.mark.slow), "cart")

pytestmark = pytest.mark.slow  # the libraries take seconds to load


@dataclass
class FakeSweep:
    parameters: pd.DataFrame
    values: pd.DataFrame
    failures: pd.DataFrame = field(default_factory=pd.DataFrame)
    undone: int = 0

    @property
    def runs(self) -> pd.DataFrame:
        return pd.DataFrame({"run": np.arange(self.values.size - self.undone)})

    def by_point(self, name: str) -> pd.DataFrame:
        return self.values


def inputs(points: int = 500, seed: int = 1) -> pd.DataFrame:
    """Two intervals, whole numbers, a flag and choices; a column that EMA would drop and one that never changes."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "point": np.arange(points),
            "negotiation.provider_power": rng.random(points),
            "demand.growth": rng.uniform(-2.0, 2.0, points),
            "enterprises.segments": rng.integers(1, 9, points),
            "policy.exclusivity_ban": rng.random(points) < 0.5,
            "scenario": rng.choice(["baseline", "no-equity", "symmetric"], points),
            "time.end": "2030Q4",
        }
    )


def swept(parameters: pd.DataFrame, high: np.ndarray) -> FakeSweep:
    """A sweep of one replicate, the outcome 9,000 where `high`, else 1,000."""
    return FakeSweep(parameters, pd.DataFrame({0: np.where(high, 9000.0, 1000.0)}, index=parameters["point"]))


def found(discovery: Discovery) -> dict[str, Limit]:
    (box,) = discovery.boxes
    assert len({limit.factor for limit in box.limits}) == len(box.limits)
    return {limit.factor: limit for limit in box.limits}


@pytest.mark.parametrize("method", ["prim", "cart"])
def test_a_planted_box_of_every_kind_of_input_is_found(method: str) -> None:
    p = inputs()
    high = (p["negotiation.provider_power"] > 0.6) & (p["enterprises.segments"] <= 5) & (p["scenario"] != "no-equity")
    limits = found(discover(swept(p, high), "alignment_hhi", above=5000, method=method))
    assert set(limits) == {"negotiation.provider_power", "enterprises.segments", "scenario"}
    # 5 % of the points inside are peeled at a time
    assert limits["negotiation.provider_power"].low == pytest.approx(0.6, abs=0.02)
    assert limits["negotiation.provider_power"].high is None
    assert limits["enterprises.segments"].high == 5.0
    assert limits["scenario"].categories == ("baseline", "symmetric")


@pytest.mark.parametrize("method", METHODS)
def test_a_flag_and_two_sides_of_one_input(method: str) -> None:
    p = inputs(800, seed=3)
    high = (p["demand.growth"].abs() < 0.8) & ~p["policy.exclusivity_ban"]
    discovery = discover(swept(p, high), "alignment_hhi", above=5000, method=method)
    (box,) = discovery.boxes
    by_side = {(one.factor, one.low is not None): one for one in box.limits}
    assert set(by_side) == {("demand.growth", True), ("demand.growth", False), ("policy.exclusivity_ban", False)}
    assert by_side["demand.growth", True].low == pytest.approx(-0.8, abs=0.06)
    assert by_side["demand.growth", False].high == pytest.approx(0.8, abs=0.06)
    assert by_side["policy.exclusivity_ban", False].categories == (False,)


@pytest.mark.parametrize("method", METHODS)
def test_the_box_of_a_low_outcome_is_that_of_its_negative_high(method: str) -> None:
    p = inputs()
    sweep = swept(p, p["negotiation.provider_power"] > 0.7)
    mirrored = FakeSweep(p, -sweep.values)
    high = discover(sweep, "x", above=5000, method=method)
    low = discover(mirrored, "x", below=-5000, method=method)
    assert low.boxes == high.boxes
    assert low.condition == "below -5,000"


def test_between_two_values() -> None:
    p = inputs(200)
    power = p["negotiation.provider_power"]
    sweep = FakeSweep(p, pd.DataFrame({0: power}))
    discovery = discover(sweep, "share", above=0.25, below=0.75)
    assert discovery.of_interest == int(((power > 0.25) & (power < 0.75)).sum())
    assert discovery.condition == "between 0.25 and 0.75"


@pytest.mark.parametrize("method", METHODS)
def test_coverage_density_mass_and_quasi_p_recomputed_by_hand(method: str) -> None:
    p = inputs(400, seed=5)
    rng = np.random.default_rng(7)
    chance = np.where((p["negotiation.provider_power"] > 0.5) & p["policy.exclusivity_ban"], 0.9, 0.1)
    high = rng.random(400) < chance
    discovery = discover(swept(p, high), "x", above=5000, method=method)
    (box,) = discovery.boxes
    limits = {limit.factor: limit for limit in box.limits}
    power = p["negotiation.provider_power"] >= limits["negotiation.provider_power"].low
    assert set(limits) == {"negotiation.provider_power", "policy.exclusivity_ban"}
    inside = power & p["policy.exclusivity_ban"]
    hits = int((inside & high).sum())
    assert (box.coverage, box.density, box.mass) == (hits / high.sum(), hits / inside.sum(), inside.sum() / 400)
    assert (discovery.coverage, discovery.density) == (box.coverage, box.density)
    without = binomtest(hits, int(inside.sum()), high[power].mean(), alternative="greater").pvalue
    assert limits["policy.exclusivity_ban"].quasi_p == pytest.approx(without, rel=1e-12)


def test_bounds_are_inclusive_and_those_that_add_no_density_are_dropped() -> None:
    """Sixteen points: four levels of x by four of y, of interest where x is 2 or 3, but for one."""
    table = pd.DataFrame([{"x": x, "y": y} for x in (1, 2, 3, 4) for y in (1, 2, 3, 4)])
    interest = (table["x"].isin([2, 3]) & ~((table["x"] == 2) & (table["y"] == 4))).to_numpy()
    box = pruned(Cases.of(table, interest), [Limit("x", low=2.0), Limit("y", high=3.0), Limit("x", high=3.0)])
    # 7 of 8 are of interest; 7 of 12 without either bound of x: the sum of two terms of the binomial distribution
    share = 7 / 12
    quasi_p = 8 * share**7 * (1 - share) + share**8
    assert quasi_p == pytest.approx(0.0900, abs=1e-4)
    # so y goes first (6 of 6 where 7 of 8 are: 0.45), then one bound of x, and the other then has even less to say
    assert box.limits == ()
    assert (box.coverage, box.density, box.mass) == (1.0, 7 / 16, 1.0)
    # with every point twice both bounds of x are significant
    doubled = pd.concat([table, table])
    box = pruned(
        Cases.of(doubled, np.tile(interest, 2)), [Limit("x", low=2.0), Limit("y", high=3.0), Limit("x", high=3.0)]
    )
    assert [(limit.factor, limit.low, limit.high) for limit in box.limits] == [("x", 2.0, None), ("x", None, 3.0)]
    assert (box.coverage, box.density, box.mass) == (1.0, 14 / 16, 0.5)
    exact = binomtest(14, 16, 14 / 24, alternative="greater").pvalue
    assert [limit.quasi_p for limit in box.limits] == pytest.approx([exact, exact], rel=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_two_boxes_and_what_they_cover_together(method: str) -> None:
    p = inputs(1000, seed=2)
    ban, power = p["policy.exclusivity_ban"], p["negotiation.provider_power"]
    high = (ban & (power > 0.7)) | (~ban & (power < 0.2))
    discovery = discover(swept(p, high), "x", above=5000, method=method)
    assert len(discovery.boxes) == 2
    flags = {limit.categories for box in discovery.boxes for limit in box.limits if limit.categories}
    assert flags == {(True,), (False,)}
    assert discovery.coverage > 0.95
    assert discovery.density > 0.95
    assert discovery.coverage == pytest.approx(sum(box.coverage for box in discovery.boxes))


@pytest.mark.slow
def test_against_the_quasi_p_values_of_the_library() -> None:
    from ema_workbench.analysis import prim

    p = inputs(300, seed=11)
    x = p[["negotiation.provider_power", "demand.growth"]]
    high = ((x["negotiation.provider_power"] > 0.6) & (x["demand.growth"] < 0.5)).to_numpy()
    discovery = discover(swept(p[["point", *x.columns]], high), "x", above=5000)
    ours = found(discovery)
    power, growth = ours["negotiation.provider_power"], ours["demand.growth"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they call pandas as it was
        theirs = prim.Prim(x, high).find_box()
    step = next(
        step
        for step, lims in enumerate(theirs.box_lims)
        if lims["negotiation.provider_power"][0] == power.low and lims["demand.growth"][1] == growth.high
    )
    values = theirs.p_values[step]
    assert power.quasi_p == pytest.approx(values["negotiation.provider_power"][0], rel=1e-12)
    assert growth.quasi_p == pytest.approx(values["demand.growth"][1], rel=1e-12)
    row = theirs.peeling_trajectory.loc[step]
    (box,) = discovery.boxes
    assert (box.coverage, box.density, box.mass) == (row["coverage"], row["density"], row["mass"])


@pytest.mark.parametrize("method", METHODS)
def test_noise_does_not_hold(method: str) -> None:
    """A box that noise happens to give has no significant density in the other half of the points."""
    kept = []
    for seed in range(5):
        p = inputs(200, seed=seed)
        high = np.random.default_rng(100 + seed).random(200) < 0.4
        discovery = discover(swept(p, high), "x", above=5000, method=method)
        if discovery.holdout is None:
            assert "Not checked out of sample: half of the points give no box." in discovery.notes
            continue
        assert discovery.holdout.holds == (discovery.holdout.p_value <= 0.05)
        assert ("do not hold" in discovery.text()) == (not discovery.holdout.holds)
        kept.append(discovery.holdout.p_value)
    assert sum(value <= 0.05 for value in kept) <= 1


@pytest.mark.parametrize("method", METHODS)
def test_a_planted_box_holds_in_the_other_half(method: str) -> None:
    p = inputs(400)
    high = (p["negotiation.provider_power"] > 0.6) & p["policy.exclusivity_ban"]
    holdout = discover(swept(p, high), "x", above=5000, method=method).holdout
    assert holdout is not None
    assert holdout.holds
    order = np.random.default_rng(HOLDOUT_SEED).permutation(400)
    assert holdout.base_frac == high[order[200:]].mean()
    assert holdout.coverage > 0.85
    assert holdout.density > 0.85


@pytest.mark.parametrize("method", METHODS)
def test_most_replicates_decide_and_ties_do_not(method: str) -> None:
    p = inputs(200)
    high = (p["negotiation.provider_power"] > 0.5).to_numpy()
    values = pd.DataFrame({k: np.where(high, 9000.0, 1000.0) for k in range(4)})
    values.loc[high, 0] = 1000.0  # three of four
    assert discover(FakeSweep(p, values), "x", above=5000, method=method).of_interest == high.sum()
    values.loc[high, 1] = 1000.0  # two of four
    with pytest.raises(SweepError, match="no point has x above 5,000"):
        discover(FakeSweep(p, values), "x", above=5000, method=method)


def test_runs_without_a_value_are_left_out_and_said() -> None:
    p = inputs(200)
    high = p["negotiation.provider_power"] > 0.5
    sweep = swept(p, high)
    sweep.values[1] = sweep.values[0]
    sweep.values.loc[3, [0, 1]] = np.nan  # failed both: the point goes
    sweep.values.loc[4, 1] = np.nan  # no value in one: the other decides
    sweep.values.loc[5, 1] = np.nan  # not done
    sweep.failures, sweep.undone = pd.DataFrame({"run": [6, 7]}), 1
    discovery = discover(sweep, "labs[OpenAI].dependence_hhi", above=5000)
    assert discovery.points == 199
    assert discovery.of_interest == high.drop(3).sum()
    assert discovery.notes[:4] == (
        "Left out: 1 of 400 runs, which are still to be done.",
        "Left out: 2 of 400 runs, which did not finish.",
        "Left out: 1 of 400 runs, in which labs[OpenAI].dependence_hhi has no value.",
        "Left out: 1 of 200 points, at which no run has a value.",
    )


def test_text_in_plain_words() -> None:
    p = pd.DataFrame({"point": range(80), "negotiation.provider_power": [k / 80 for k in range(80)]})
    p["policy.exclusivity_ban"] = [k % 2 == 0 for k in range(80)]
    high = (p["negotiation.provider_power"] >= 0.5) & ~p["policy.exclusivity_ban"]
    discovery = discover(swept(p, high), "alignment_hhi", above=5000, method="cart")
    assert discovery.text() == (
        "alignment_hhi stays above 5,000 when negotiation.provider_power is 0.5062 or more and policy.exclusivity_ban "
        "is false: 100% of such points lie there (coverage), and 100% of the points there are such (density).\n"
        "Not checked out of sample: that takes 100 points."
    )


@pytest.mark.slow
def test_a_box_that_is_not_dense_is_called_so() -> None:
    p = inputs(400)
    chance = np.where(p["negotiation.provider_power"] > 0.5, 0.5, 0.05)
    discovery = discover(swept(p, np.random.default_rng(0).random(400) < chance), "x", above=5000)
    assert all(box.density < 0.8 for box in discovery.boxes)
    assert discovery.text().startswith("x is more often above 5,000 when negotiation.provider_power is ")
    assert "No box of significant limits is 80% dense; the densest found is shown." in discovery.notes


@pytest.mark.parametrize("method", METHODS)
def test_plain_is_json_and_frame_has_a_row_a_limit(method: str) -> None:
    p = inputs(200)
    discovery = discover(swept(p, (p["scenario"] == "symmetric")), "x", above=5000, method=method)
    plain = json.loads(json.dumps(discovery.plain(), allow_nan=False))
    assert plain["boxes"][0]["limits"][0]["categories"] == ["symmetric"]
    assert plain["holdout"]["density"] == 1.0
    (row,) = discovery.frame.to_dict("records")
    assert (row["box"], row["factor"], row["categories"]) == (0, "scenario", ("symmetric",))
    assert (row["coverage"], row["density"]) == (1.0, 1.0)
    assert (len(discovery.trajectory) > 0) == (method == "prim")


@pytest.mark.parametrize("method", METHODS)
def test_the_same_twice(method: str) -> None:
    p = inputs(300, seed=9)
    high = np.random.default_rng(9).random(300) < 0.2 + 0.6 * (p["negotiation.provider_power"] > 0.5)
    first, second = (discover(swept(p, high), "x", above=5000, method=method).plain() for _ in range(2))
    assert first == second


def test_nothing_reaches_the_terminal(capfd: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder) -> None:
    p = inputs(200)
    discover(swept(p, p["negotiation.provider_power"] > 0.5), "x", above=5000)
    assert tuple(capfd.readouterr()) == ("", "")
    assert list(recwarn) == []


def test_importing_the_module_loads_no_library() -> None:
    heavy = "('ema_workbench', 'sklearn', 'matplotlib', 'scipy.stats')"
    code = f"import sys, experiments.discovery; print([m for m in {heavy} if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


@pytest.mark.parametrize(("method", "module"), [("prim", "ema_workbench"), ("cart", "sklearn")])
def test_the_extra_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, method: str, module: str) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == module]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [_Missing(module), *sys.meta_path])
    p = inputs(50)
    with pytest.raises(SweepError) as raised:
        discover(swept(p, p["negotiation.provider_power"] > 0.5), "x", above=5000, method=method)
    told = f"discovery: the package '{module}' is not installed; do: pip install 'cloudpact[discovery]'"
    assert str(raised.value) == told


class _Missing:
    def __init__(self, module: str) -> None:
        self.module = module

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name.split(".")[0] == self.module:
            raise ModuleNotFoundError(f"No module named {self.module!r}", name=self.module)


REFUSED = [
    ({}, "discovery: no condition; allowed: above=NUMBER, below=NUMBER or both"),
    ({"above": float("nan")}, "discovery: above is nan; allowed: a finite number"),
    ({"above": 5.0, "below": 5.0}, "discovery: above 5 and below 5 exclude each other"),
    ({"above": 1.0, "method": "prism"}, "discovery: unknown method 'prism'; allowed: prim, cart; did you mean 'prim'?"),
    ({"above": 1.0, "threshold": 0.0}, "discovery: threshold is 0.0; allowed: more than 0, at most 1"),
    ({"above": 1.0, "min_coverage": 1.5}, "discovery: min_coverage is 1.5; allowed: more than 0, at most 1"),
    ({"above": 1e4}, "discovery: no point has x above 10,000; allowed: a value that some points pass"),
    ({"below": 1e4}, "discovery: all 50 points have x below 10,000; allowed: a value that some do not pass"),
]


@pytest.mark.parametrize(("settings", "told"), REFUSED)
def test_bad_requests_are_refused_in_one_line(settings: dict[str, float], told: str) -> None:
    p = inputs(50)
    with pytest.raises(SweepError) as raised:
        discover(swept(p, p["negotiation.provider_power"] > 0.5), "x", **settings)
    assert str(raised.value) == told


def test_sweeps_that_cannot_be_searched_are_refused() -> None:
    few, p = inputs(19), inputs(30)
    with pytest.raises(SweepError, match="19 points with a value are too few; allowed: 20 or more"):
        discover(swept(few, few["negotiation.provider_power"] > 0.5), "x", above=5000)
    with pytest.raises(SweepError, match="nothing varies in this sweep"):
        discover(swept(p[["point", "time.end"]], p["negotiation.provider_power"] > 0.5), "x", above=5000)
    p.loc[2, "demand.growth"] = np.nan
    with pytest.raises(SweepError, match=r"not every point has a value of demand\.growth"):
        discover(swept(p, p["negotiation.provider_power"] > 0.5), "x", above=5000)


def step(values: Mapping[str, Any], seed: int, replicate: int) -> dict[str, float]:
    """High in a box, unlike in one of three replicates; it fails at the far end of an input that does not matter."""
    if values["idle"] > 0.97:
        raise ValueError("too far")
    high = values["power"] > 0.6 and values["rule"] != "nash"
    return {"hhi": 9000.0 if high and replicate != 1 else 1000.0}


@pytest.mark.parametrize("method", METHODS)
def test_boxes_of_a_real_sweep(tmp_path: Path, method: str) -> None:
    vary = {"power": (0.0, 1.0), "rule": ["nash", "tau", "egalitarian"], "idle": (0.0, 1.0)}
    done = sweep(step, vary, design="lhs", samples=200, replicates=3, jobs=1, out=tmp_path / "sweep")
    discovery = discover(done, "hhi", above=5000, method=method)
    limits = found(discovery)
    assert set(limits) == {"power", "rule"}
    assert limits["power"].low == pytest.approx(0.6, abs=0.02)
    assert limits["rule"].categories == ("egalitarian", "tau")
    assert discovery.points == 194  # 3 % of a Latin hypercube's 200 strata
    assert discovery.notes[:2] == (
        "Left out: 18 of 600 runs, which did not finish.",
        "Left out: 6 of 200 points, at which no run has a value.",
    )
    with pytest.raises(SweepError, match="no outcome 'hih'; allowed: hhi; did you mean 'hhi'"):
        discover(done, "hih", above=5000, method=method)


@pytest.mark.slow
def test_the_example_of_the_page_gives_what_the_page_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (Path(__file__).parents[2] / "docs" / "discovery.md").read_text()
    fences = [token for token in MarkdownIt().parse(page) if token.type == "fence"]
    discovery, shown, ema, salib = [fence.content for fence in fences if fence.info in ("python", "text")]
    monkeypatch.chdir(tmp_path)
    exec(discovery, {})  # noqa: S102 -- it is our own page
    assert capsys.readouterr().out.split() == shown.split()
    for block in (ema, salib):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # EMA's own
            exec(block, {})  # noqa: S102
