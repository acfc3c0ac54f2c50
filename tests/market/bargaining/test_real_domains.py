"""Negotiation domains that others built and published, with solution points computed by others' code.

57 domains of NegoLog, each with the Nash point, Nash product and largest welfare its authors publish, and 24 of
GENIUS (the competitions ANAC 2010, 2011 and 2013); both files hold solution points by NegMAS and by brute force.
They are other people's data, read where they lie beside the repository.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from market.bargaining.frontiers import lotteries
from market.bargaining.solutions import (
    Agreement,
    egalitarian,
    kalai_smorodinsky,
    nash,
    pareto_frontier,
    rational_set,
    utilitarian,
)

Array = NDArray[np.float64]
DOMAINS = Path(__file__).parents[4] / "shared" / "data" / "negotiation_domains"
COUNTS = {"published_negolog_domains.json": 57, "real_domains_genius.json": 24}
TOLERANCES = {"published_negolog_domains.json": 1e-6, "real_domains_genius.json": 1e-8}  # those of the files


def cases(*names: str) -> list[Any]:
    """A parameter a domain, named after it; one that skips loudly for a file that is absent."""
    found = []
    for name in names:
        path = DOMAINS / name
        if not path.exists():
            reason = f"{COUNTS[name]} DOMAINS NOT TESTED: {path} is absent (others' data, not part of the repository)"
            found.append(pytest.param(None, 0.0, id=name, marks=pytest.mark.skip(reason=reason)))
            continue
        for case in json.loads(path.read_text())["cases"]:
            found.append(pytest.param(case, TOLERANCES[name], id=case["id"]))
    return found


EVERY_DOMAIN = pytest.mark.parametrize(("case", "tolerance"), cases(*COUNTS))
PUBLISHED_DOMAIN = pytest.mark.parametrize(("case", "tolerance"), cases("published_negolog_domains.json"))


def utilities(case: dict[str, Any]) -> Array:
    """Utilities (parties, outcomes) of every outcome, enumerated in lexicographic order.

    Rounded to 1e-12, for sums of the same decimals in another order to be equal.
    """
    parties = []
    for party in case["inputs"]["parties"]:
        assert not party["interactions"]
        total = np.zeros(1)
        for weight, values in zip(party["weights"], party["values"], strict=True):
            total = np.add.outer(total, weight * np.array(values)).ravel()
        parties.append(total)
    return np.round(parties, 12)


def reservations(case: dict[str, Any]) -> list[float]:
    return [party["reservation"] for party in case["inputs"]["parties"]]


def outcomes(case: dict[str, Any]) -> list[list[int]]:
    return [list(each) for each in itertools.product(*(range(size) for size in case["inputs"]["issue_sizes"]))]


def is_one_of(found: Agreement | None, points: Sequence[Sequence[float]], tolerance: float) -> bool:
    assert found is not None
    return any(found.payoffs == pytest.approx(tuple(point), rel=0.0, abs=tolerance) for point in points)


@pytest.mark.parametrize("name", COUNTS)
def test_no_domain_is_missing(name: str) -> None:
    path = DOMAINS / name
    if not path.exists():
        pytest.skip(f"{COUNTS[name]} DOMAINS NOT COUNTED: {path} is absent (others' data, not part of the repository)")
    content = json.loads(path.read_text())
    assert len({case["id"] for case in content["cases"]}) == len(content["cases"]) == COUNTS[name]
    assert content["tolerance"]["abs"] == TOLERANCES[name]


@EVERY_DOMAIN
def test_rational_set_and_frontier(case: dict[str, Any], tolerance: float) -> None:
    values, expected = utilities(case), case["expected"]
    assert values.shape == (2, expected["n_outcomes"])
    assert int(rational_set(values, reservations(case)).sum()) == expected["n_rational"]
    frontier = values[:, pareto_frontier(values, reservations(case))[::-1]].T
    published = np.array(expected["pareto_points"]).reshape(-1, 2)
    assert frontier == pytest.approx(published, rel=0.0, abs=tolerance)
    on_it = [(np.abs(published - each) <= 1e-9).all(axis=1).any() for each in values.T]
    assert sum(on_it) == expected.get("n_pareto_outcomes", 0)


@EVERY_DOMAIN
def test_solution_points_and_their_scores(case: dict[str, Any], tolerance: float) -> None:
    values, point, expected = utilities(case), reservations(case), case["expected"]
    found = {
        "nash": nash(values, point),
        "egalitarian": egalitarian(values, point),
        "max_welfare": utilitarian(values, point),
        "ks_maxmin_rational_ideal": kalai_smorodinsky(values, point),
    }
    if expected.get("no_agreement_possible"):
        assert set(found.values()) == {None}
        return
    numbers, named = expected["values"], outcomes(case)
    # with the ideal over all outcomes Kalai-Smorodinsky is the egalitarian solution of gains over ideal gains
    scale = np.array(numbers["ideal_global"]) - point
    by_global_ideal = egalitarian((values - np.array(point)[:, None]) / scale[:, None])
    assert by_global_ideal is not None
    back = tuple(np.array(by_global_ideal.payoffs) * scale + point)
    found["ks_maxmin_global_ideal"] = Agreement(by_global_ideal.index, back, by_global_ideal.ties)
    for key, agreement in found.items():
        assert agreement is not None
        assert is_one_of(agreement, expected[key]["utilities"], tolerance), key
        assert [named[tie] for tie in agreement.ties] == expected[key]["outcomes"], key
    gains = {key: np.subtract(agreement.payoffs, point) for key, agreement in found.items() if agreement}
    ideal = values[:, rational_set(values, point)].max(axis=1)
    assert ideal == pytest.approx(numbers["ideal_rational"], abs=tolerance)
    assert values.max(axis=1) == pytest.approx(numbers["ideal_global"], abs=tolerance)
    best_gain = np.where(ideal > point, ideal - point, 1.0)  # in one domain neither can gain: a ratio of nil there
    scores = {
        "nash_product": gains["nash"].prod(),
        "egalitarian_gain": gains["egalitarian"].min(),
        "max_welfare": (gains["max_welfare"] + point).sum(),
        "ks_ratio_rational_ideal": (gains["ks_maxmin_rational_ideal"] / best_gain).min(),
        "ks_ratio_global_ideal": (gains["ks_maxmin_global_ideal"] / scale).min(),
    }
    assert scores == pytest.approx({key: numbers[key] for key in scores}, rel=0.0, abs=tolerance)


@EVERY_DOMAIN
def test_where_the_worst_outcome_is_the_threat(case: dict[str, Any], tolerance: float) -> None:
    """NegMAS takes the worst outcome as the threat point where it beats the reservation value; six domains feel it."""
    values, expected = utilities(case), case["expected"]
    threat = np.maximum(reservations(case), values.min(axis=1))
    variant = expected.get("negmas_variant_reservation_below_min", {})
    concepts: dict[str, Any] = {"nash": nash, "egalitarian": egalitarian, "ks_maxmin_rational_ideal": kalai_smorodinsky}
    for key, concept in concepts.items():
        if not expected.get("no_agreement_possible"):
            assert is_one_of(concept(values, threat), variant.get(key, expected[key]["utilities"]), tolerance), key


@EVERY_DOMAIN
def test_lotteries_give_no_less(case: dict[str, Any], tolerance: float) -> None:
    """The concave hull lies above every outcome, so each concept's score is at least the best outcome's."""
    values, point, expected = utilities(case), reservations(case), case["expected"]
    chain = lotteries(values)
    if expected.get("no_agreement_possible"):
        assert nash(values, point) is None
        return
    by_lot = chain.nash(point)
    assert by_lot is not None
    assert np.prod(np.subtract(by_lot.payoffs, point)) >= expected["values"]["nash_product"] - tolerance
    equal = chain.egalitarian(point)
    assert equal is not None
    assert min(np.subtract(equal.payoffs, point)) >= expected["values"]["egalitarian_gain"] - tolerance
    most = chain.utilitarian(point)
    assert most is not None
    assert sum(most.payoffs) >= expected["values"]["max_welfare"] - tolerance


@PUBLISHED_DOMAIN
def test_points_that_negolog_publishes(case: dict[str, Any], tolerance: float) -> None:
    values, published = utilities(case), case["published"]
    agreement = nash(values)
    assert agreement is not None
    assert np.prod(agreement.payoffs) == pytest.approx(published["nash_product"], abs=tolerance)
    assert np.prod(published["nash"]) == pytest.approx(published["nash_product"], abs=tolerance)
    frontier = values[:, pareto_frontier(values)]
    assert (np.abs(frontier.T - published["nash"]) <= tolerance).all(axis=1).any()
    most = utilitarian(values)
    assert most is not None
    assert sum(most.payoffs) == pytest.approx(published["social_welfare_at_max"], abs=tolerance)
    assert sum(published["negolog_kalai_is_max_welfare"]) == pytest.approx(sum(most.payoffs), abs=tolerance)
