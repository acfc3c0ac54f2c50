"""Enterprises: choices against closed forms and plain objects, symmetry, pairing, threads, saving."""

from __future__ import annotations

import copy
import pickle
import tracemalloc
from typing import Any

import mesa
import numpy as np
import pytest

from agents.enterprise import Enterprise, EnterprisePopulation, EnterpriseQuarter
from agents.enterprise_tables import ChannelSpace, race_tables
from benchmarks.oracle import HashLuck, PlainMarket
from market.choice import nested_logit_shares
from market.diffusion import bass_discrete
from market.scenario import Enterprises

RULES: dict[str, Any] = {
    "segments": 3,
    "size_sigma": 1.6,
    "innovation": 0.0012,
    "imitation": 0.21,
    "renewal_quarters": 8,
    "nest": 0.6,
    "no_purchase_utility": -1.0,
    "second_model_prob": 0.8,
    "cloud_switching_per_year": 0.007,
}
LABS, CLOUDS = ("A", "B", "C", "Open models"), ("X", "Y", "Other clouds")
SPACE = ChannelSpace(LABS, CLOUDS)
CLOUD_SHARES = (0.5, 0.3, 0.2)
REACH = np.array([[1, 1, 0], [0, 1, 0], [1, 0, 0], [1, 1, 1]], dtype=bool)
UTILITY = np.random.default_rng(5).normal(size=(3, 4, 3))
TERMS: dict[str, Any] = {"utility": UTILITY, "reach": REACH, "friction": 1.2, "switching_cost": 3.0}
FREE: dict[str, Any] = TERMS | {"friction": 0.0, "switching_cost": 0.0}


def population(count: int, seed: int = 7, space: ChannelSpace | None = None, **rules: Any) -> EnterprisePopulation:
    return EnterprisePopulation(Enterprises(count=count, **RULES | rules), space or SPACE, CLOUD_SHARES, seed)


def everyone(count: int, **rules: Any) -> EnterprisePopulation:
    """All adopt at once, and all choose one lab anew every quarter."""
    return population(count, **{"innovation": 1.0, "renewal_quarters": 1, "second_model_prob": 0.0} | rules)


def assert_same(one: EnterpriseQuarter, other: EnterpriseQuarter) -> None:
    np.testing.assert_array_equal(one.segment_usage, other.segment_usage)
    assert one.adopted_frac == other.adopted_frac
    assert one.off_incumbent_frac == other.off_incumbent_frac
    assert one.model_switched_frac == other.model_switched_frac
    assert one.cloud_switched_frac == other.cloud_switched_frac


@pytest.mark.parametrize("nest", [1.0, 0.6, 0.25])
def test_choices_are_nested_logit(nest: float) -> None:
    """Chi-square over the channels in reach and no purchase, 400,000 choices a segment; errs once in a million."""
    people = everyone(1_200_000, nest=nest, size_sigma=0.0)
    people.quarter(0, **FREE)
    for segment in range(3):
        chosen = people.columns.channels[people.columns.segment == segment, 0]
        counts = np.bincount(np.where(chosen < 0, 12, chosen), minlength=13)
        inside, outside = nested_logit_shares(np.where(REACH, UTILITY[segment], -np.inf), nest, -1.0)
        expected = len(chosen) * np.append(inside.ravel(), outside)
        reachable = expected > 0.0
        assert counts[~reachable].sum() == 0
        chi_square = ((counts - expected)[reachable] ** 2 / expected[reachable]).sum()
        assert chi_square < 43.35  # 8 degrees of freedom (9 alternatives), upper 7e-7


@pytest.mark.parametrize("nest", [1.0, 0.6])
def test_every_decision_is_that_of_plain_objects_with_the_same_luck(nest: float) -> None:
    people = population(300, innovation=0.1, renewal_quarters=4, nest=nest, cloud_switching_per_year=0.2)
    attraction = np.log(people.cloud_shares)
    race = race_tables(people.space, people.rules, UTILITY, REACH, 1.2, 3.0, attraction, people.nest_noise)
    plain = PlainMarket(people, HashLuck(people, race), TERMS, 300)
    terms = TERMS
    for tick in range(16):
        if tick == 9:  # A leaves Y, in mid-contract
            terms = TERMS | {"reach": REACH & (np.arange(12).reshape(4, 3) != 1)}
            plain.utility[:, 1] = -np.inf
        people_now, usage = people.quarter(tick, **terms), plain.quarter(tick)
        for agent in plain.agents:
            kept = people.columns.channels[agent.row]
            assert kept[kept >= 0].tolist() == agent.channels
            assert people.columns.cloud[agent.row] == agent.cloud
            assert (people.columns.adopted_tick[agent.row] >= 0) == agent.adopted
        np.testing.assert_allclose(people_now.usage.ravel(), usage, rtol=1e-6, atol=1e-9)
        assert people_now.adopted_count == plain.adopted
    assert people_now.adopted_count > 200


def test_adoption_follows_the_discrete_bass_path() -> None:
    """Within six standard errors of a binomial share at N = 200,000 in all of ten quarters."""
    people = population(200_000, innovation=0.03, imitation=0.38)
    adopted = [people.quarter(tick, **TERMS).adopted_count / 200_000 for tick in range(10)]
    np.testing.assert_allclose(adopted, bass_discrete(10, 0.03, 0.38), atol=6.0 * 0.5 / 200_000**0.5 * 2.0)


def test_workload_adds_up() -> None:
    people = population(5_000, innovation=0.2)
    for tick in range(12):
        result = people.quarter(tick, **TERMS)
        assert result.usage.sum() == pytest.approx(result.used_frac, abs=1e-12)
        weight = people.columns.weight.astype(float)
        buys = people.columns.channels[:, 0] >= 0
        assert result.used_frac == pytest.approx(weight[buys].sum() / weight.sum(), abs=1e-12)
        assert result.adopted_frac >= result.used_frac
        assert result.usage[~REACH].sum() == 0.0


def test_total_demand_does_not_depend_on_the_number_of_enterprises() -> None:
    """Usage by channel at N = 2,000, over 40 seeds, is that at N = 400,000 to five standard errors and 0.002."""
    few = np.array([everyone(2_000, seed=seed).quarter(0, **FREE).usage for seed in range(40)])
    many = everyone(400_000).quarter(0, **FREE).usage
    error = few.std(axis=0) / 40**0.5
    assert (abs(few.mean(axis=0) - many) <= 5.0 * error + 2e-3).all()
    assert few.sum(axis=(1, 2)).std() < 0.03


def test_a_row_is_the_same_whatever_the_number_of_rows() -> None:
    small, large = population(1_000).columns, population(5_000).columns
    for name in set(small._fields) - {"weight"}:
        np.testing.assert_array_equal(getattr(small, name), getattr(large, name)[:1_000])
    # sizes up to one factor a cloud, which makes the clouds' shares exact
    for cloud in np.unique(small.cloud):
        rows = small.cloud == cloud
        ratio = small.weight[rows] / large.weight[:1_000][rows]
        np.testing.assert_allclose(ratio, ratio[0], rtol=1e-6)


@pytest.mark.parametrize("count", [200, 1_000])
def test_incumbent_clouds_start_with_their_exact_shares(count: int) -> None:
    people = population(count)
    columns = people.columns
    held = np.bincount(columns.cloud, weights=columns.weight, minlength=len(people.cloud_shares))
    np.testing.assert_allclose(held / held.sum(), people.cloud_shares, rtol=1e-5)


def test_attributes_fill_their_cells_evenly() -> None:
    columns = population(24_000).columns
    cells = np.bincount((columns.segment * 3 + columns.cloud) * 8 + columns.phase, minlength=72).reshape(3, 3, 8)
    expected = 1_000.0 * np.array(CLOUD_SHARES)[None, :, None]
    assert abs(cells / expected - 1.0).max() < 0.1
    assert (columns.wanted >= 2).mean() == pytest.approx(0.8, abs=1e-3)
    assert (columns.wanted >= 3).mean() == pytest.approx(0.64, abs=1e-3)


def test_permuting_labs_and_clouds_permutes_the_result_to_the_bit() -> None:
    labs, clouds = np.array([2, 0, 3, 1]), np.array([1, 2, 0])
    space = ChannelSpace([LABS[i] for i in labs], [CLOUDS[i] for i in clouds])
    rules = Enterprises(count=9_000, **RULES | {"innovation": 0.3, "cloud_switching_per_year": 0.3})
    one = EnterprisePopulation(rules, SPACE, CLOUD_SHARES, 3)
    other = EnterprisePopulation(rules, space, [CLOUD_SHARES[i] for i in clouds], 3)
    moved = TERMS | {"utility": UTILITY[:, labs][:, :, clouds], "reach": REACH[labs][:, clouds]}
    for tick in range(12):
        first, second = one.quarter(tick, **TERMS), other.quarter(tick, **moved)
        np.testing.assert_array_equal(first.segment_usage[:, labs][:, :, clouds], second.segment_usage)
        assert first.cloud_switched == second.cloud_switched
        assert first.model_switched == second.model_switched


def test_an_inert_lab_changes_nothing() -> None:
    space = ChannelSpace((LABS[0], "Entrant", *LABS[1:]), CLOUDS)
    extra = {"utility": np.insert(UTILITY, 1, 9.0, axis=1), "reach": np.insert(REACH, 1, False, axis=0)}
    one, other = population(5_000, innovation=0.3), population(5_000, innovation=0.3, space=space)
    for tick in range(10):
        first, second = one.quarter(tick, **TERMS), other.quarter(tick, **TERMS | extra)
        np.testing.assert_array_equal(first.usage, np.delete(second.usage, 1, axis=0))


def test_lowering_one_utility_moves_only_those_who_had_chosen_it() -> None:
    people, paired = everyone(200_000, nest=0.6), everyone(200_000, nest=0.6)
    lower = UTILITY.copy()
    lower[:, 3, 0] -= 0.3
    people.quarter(0, **FREE)
    paired.quarter(0, **FREE | {"utility": lower})
    before, after = people.columns.channels[:, 0], paired.columns.channels[:, 0]
    flipped = before != after
    assert flipped.sum() > 1_000
    assert (before[flipped] == 9).all()


def test_one_and_two_threads_give_the_same_bits() -> None:
    one, two = population(20_000, innovation=0.2), population(20_000, innovation=0.2)
    for tick in range(8):
        assert_same(one.quarter(tick, **TERMS), two.quarter(tick, **TERMS, threads=2))
    np.testing.assert_array_equal(one.columns.channels, two.columns.channels)


@pytest.mark.parametrize("save", [copy.deepcopy, lambda people: pickle.loads(pickle.dumps(people))])
def test_a_saved_population_goes_on_to_the_same_bits(save: Any) -> None:
    people = population(5_000, innovation=0.1)
    for tick in range(6):
        people.quarter(tick, **TERMS)
    restored = save(people)
    for tick in range(6, 14):
        assert_same(people.quarter(tick, **TERMS), restored.quarter(tick, **TERMS))


def test_cloud_switching_has_the_yearly_rate_it_is_given() -> None:
    """400,000 renewals at a rate of 1.4 % for two years: within five standard errors."""
    people = population(400_000)
    results = [people.quarter(tick, **TERMS) for tick in range(8)]
    assert sum(r.cloud_at_risk for r in results) == 400_000
    rate = 1.0 - 0.993**2
    assert sum(r.cloud_switched for r in results) == pytest.approx(400_000 * rate, abs=5.0 * (400_000 * rate) ** 0.5)


def test_a_cheaper_move_raises_the_odds_of_leaving_a_cloud() -> None:
    people, cheap = population(200_000), population(200_000)
    moved = sum(people.quarter(tick, **TERMS).cloud_switched for tick in range(8))
    change = {"cloud_switching_cost_change": -np.log(3.0)}
    more = sum(cheap.quarter(tick, **TERMS, **change).cloud_switched for tick in range(8))
    assert more / moved == pytest.approx(3.0, rel=0.1)


def test_switching_costs_hold_labs_and_friction_holds_clouds() -> None:
    switched, off = [], []
    for cost in (0.0, 2.0, 6.0):
        people = everyone(50_000)
        people.quarter(0, **FREE)
        result = people.quarter(1, **FREE | {"switching_cost": cost})
        switched.append(result.model_switched)
        off.append(everyone(50_000).quarter(0, **FREE | {"friction": cost}).off_incumbent_frac)
    assert switched == sorted(switched, reverse=True)
    assert off == sorted(off, reverse=True)
    assert switched[2] < 0.1 * switched[0]


def test_several_channels_are_of_different_labs() -> None:
    people = everyone(20_000, second_model_prob=1.0, no_purchase_utility=-40.0)
    people.quarter(0, **FREE)
    labs = np.sort(people.columns.channels // 3, axis=1)
    assert (people.columns.channels >= 0).all()
    assert (np.diff(labs, axis=1) > 0).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"utility": UTILITY[:, :2]}, "must be"),
        ({"reach": REACH[:2]}, "must be"),
        ({"utility": np.where(np.arange(12).reshape(4, 3) == 0, np.nan, UTILITY)}, "not a finite number"),
    ],
)
def test_bad_terms_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        population(10).quarter(0, **TERMS | change)


def test_bad_spaces_and_shares_are_refused() -> None:
    with pytest.raises(ValueError, match="names must differ"):
        ChannelSpace(("A", "A"), CLOUDS)
    with pytest.raises(ValueError, match="too many"):
        ChannelSpace([str(i) for i in range(100)], CLOUDS)
    with pytest.raises(ValueError, match="sum to one"):
        EnterprisePopulation(Enterprises(), SPACE, (0.5, 0.5, 0.5), 1)


def test_enterprises_are_mesa_agents_that_read_their_row() -> None:
    model = mesa.Model(rng=1)
    model.population = people = population(50, innovation=1.0, no_purchase_utility=-40.0)
    people.create_agents(model)
    people.create_agents(model)
    assert len(model.agents_by_type[Enterprise]) == 50
    people.quarter(0, **TERMS)
    agents = list(model.agents)
    assert [agent.row for agent in agents] == list(range(50))
    assert all(agent.adopted and agent.channels for agent in agents)
    assert sum(agent.workload for agent in agents) == pytest.approx(1.0, abs=1e-12)
    lab, cloud = divmod(int(people.columns.channels[7, 0]), 3)
    assert agents[7].channels[0] == (LABS[lab], CLOUDS[cloud])
    assert agents[7].incumbent_cloud == CLOUDS[people.columns.cloud[7]]


def test_memory_an_enterprise() -> None:
    people = population(20_000)
    assert sum(column.nbytes for column in people.columns) / 20_000 <= 32
    model = mesa.Model(rng=1)
    model.population = people
    tracemalloc.start()
    people.create_agents(model)
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert grown / 20_000 <= 260
