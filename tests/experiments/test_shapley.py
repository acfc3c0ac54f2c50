"""Shapley values against games with closed forms, and the error of sampled ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import permutations as orders_of

import numpy as np
import pytest

from experiments.shapley import Coalition, Shapley, shapley_exact, shapley_sampling

type Game = Callable[[Coalition], float]

# n players in line; a longer runway serves all whose planes need a shorter one (Littlechild and Owen, 1973)
RUNWAYS = {"glider": 1.0, "jet": 3.0, "airliner": 3.0, "freighter": 7.0, "superjumbo": 12.0}
# phi_i = sum over steps up to one's own of the step's cost over those who need it
AIRPORT = [1 / 5, 1 / 5 + 2 / 4, 1 / 5 + 2 / 4, 1 / 5 + 2 / 4 + 4 / 2, 1 / 5 + 2 / 4 + 4 / 2 + 5 / 1]


def airport(coalition: Coalition) -> float:
    return max((RUNWAYS[str(name)] for name in coalition), default=0.0)


def glove(coalition: Coalition) -> float:
    return float("left" in coalition and len(coalition) > 1)


def majority(coalition: Coalition) -> float:
    return float(len(coalition) >= 3)


def additive(coalition: Coalition) -> float:
    return sum(RUNWAYS[str(name)] for name in coalition)


def council(coalition: Coalition) -> float:
    """UN Security Council: five permanent members, each with a veto, ten others, nine votes."""
    return float(len(coalition) >= 9 and all(member in coalition for member in range(5)))


GAMES: list[tuple[Game, list[str], list[float]]] = [
    (additive, list(RUNWAYS), list(RUNWAYS.values())),
    (glove, ["left", "right 1", "right 2"], [2 / 3, 1 / 6, 1 / 6]),
    (majority, ["a", "b", "c", "d", "e"], [0.2] * 5),
    (airport, list(RUNWAYS), AIRPORT),
]


@pytest.mark.parametrize(("game", "players", "known"), GAMES, ids=lambda value: getattr(value, "__name__", ""))
def test_closed_forms(game: Game, players: list[str], known: list[float]) -> None:
    found = shapley_exact(game, players)
    assert found.values == pytest.approx(known, rel=1e-14)
    assert (found.errors.tolist(), found.evaluations) == ([0.0] * len(players), 2 ** len(players))


@pytest.mark.parametrize("game", [airport, lambda coalition: airport(coalition) ** 2 - 3.0 * len(coalition)])
def test_the_formula_is_the_mean_over_all_orders(game: Game) -> None:
    """Shapley (1953): both definitions, for a game that no closed form is known of."""
    added = [game(frozenset(order[: i + 1])) - game(frozenset(order[:i])) for order in orders_of(RUNWAYS)
             for i in range(5) if order[i] == "jet"]  # fmt: skip
    values = dict(zip(RUNWAYS, shapley_exact(game, list(RUNWAYS)).values, strict=True))
    assert values["jet"] == pytest.approx(sum(added) / 120, rel=1e-12)


def test_the_security_council() -> None:
    """Fifteen players, 32,768 coalitions; published: 421/2145 for a permanent member, 4/2145 for another."""
    found = shapley_exact(council, range(15))
    assert found.values == pytest.approx([421 / 2145] * 5 + [4 / 2145] * 10, rel=1e-12)


@pytest.mark.parametrize("antithetic", [True, False])
@pytest.mark.parametrize(("game", "players", "known"), GAMES, ids=lambda value: getattr(value, "__name__", ""))
def test_samples_add_up_and_come_near(game: Game, players: list[str], known: list[float], antithetic: bool) -> None:
    """Within 5 standard errors: a wrong alarm in 2e6 a comparison; the seed is fixed, so only a change raises it."""
    found = shapley_sampling(game, players, 400, np.random.default_rng(3), antithetic)
    whole = found.full - found.empty
    assert (found.full, found.empty) == (game(frozenset(players)), 0.0)
    assert abs(found.values.sum() - whole) <= 1e-12 * max(whole, 1.0)
    assert (np.abs(found.values - known) <= 5.0 * found.errors + 1e-12).all()


def test_an_additive_game_needs_one_order() -> None:
    found = shapley_sampling(additive, list(RUNWAYS), 1, np.random.default_rng(0), antithetic=False)
    assert found.values.tolist() == list(RUNWAYS.values())
    assert np.isnan(found.errors).all()
    assert (found.evaluations, found.permutations) == (6, 1)


def test_reverse_orders_cancel_an_error_that_is_linear_in_the_place() -> None:
    """v = |S|^2: joining as k-th adds 2k - 1, in an order and its reverse n each on average: no error is left."""
    players = list("abcdef")
    square = lambda coalition: float(len(coalition) ** 2)  # noqa: E731
    paired = shapley_sampling(square, players, 6, np.random.default_rng(1))
    alone = shapley_sampling(square, players, 6, np.random.default_rng(1), antithetic=False)
    assert paired.values.tolist() == [6.0] * 6
    assert paired.errors.tolist() == [0.0] * 6
    assert alone.errors.min() > 0.0


@pytest.mark.parametrize("share", [shapley_exact, lambda game, players: sampled(game, players)])
def test_a_dummy_gets_exactly_nothing(share: Callable[[Game, list[str]], Shapley]) -> None:
    game = lambda coalition: airport(coalition - {"idle"}) + 0.1  # noqa: E731
    found = share(game, [*RUNWAYS, "idle"])
    assert found.values[-1] == 0.0
    assert found.errors[-1] == 0.0
    assert found.empty == 0.1


def sampled(game: Game, players: list[str], permutations: int = 20, seed: int = 0) -> Shapley:
    return shapley_sampling(game, players, permutations, np.random.default_rng(seed))


def test_equal_seeds_give_equal_bits_and_other_seeds_others() -> None:
    one, same, other = (sampled(airport, list(RUNWAYS), seed=seed).values.tolist() for seed in (1, 1, 2))
    assert one == same != other


def test_every_coalition_is_evaluated_once() -> None:
    asked: list[Coalition] = []

    def counting(coalition: Coalition) -> float:
        asked.append(coalition)
        return airport(coalition)

    found = sampled(counting, list(RUNWAYS), 200)
    assert (len(asked), len(set(asked))) == (found.evaluations, found.evaluations)
    assert found.evaluations == 32
    assert shapley_exact(counting, list(RUNWAYS)).evaluations == 32


def test_coalitions_can_be_evaluated_elsewhere() -> None:
    def backwards(value: Game, coalitions: Iterable[Coalition]) -> list[float]:
        asked = list(coalitions)
        return [value(coalition) for coalition in reversed(asked)][::-1]

    plain = sampled(airport, list(RUNWAYS))
    rng = np.random.default_rng(0)
    elsewhere = shapley_sampling(airport, list(RUNWAYS), 20, rng, each=backwards)
    assert elsewhere.values.tolist() == plain.values.tolist()


def test_standard_errors_cover() -> None:
    """95 % intervals, estimate +- 2 standard errors of 30 draws, over 300 seeds of the freighter's cost.

    Binomial(300, 0.95): outside 0.90 to 0.99 with probability 3e-4; with fixed seeds only a change raises an alarm.
    """
    found = [sampled(airport, list(RUNWAYS), 60, seed) for seed in range(300)]
    covered = [abs(each.values[3] - AIRPORT[3]) <= 2.045 * each.errors[3] for each in found]
    assert 0.90 <= np.mean(covered) <= 0.99


def test_no_players_and_one() -> None:
    nobody = shapley_exact(lambda coalition: 3.0, [])
    assert (nobody.values.size, nobody.full, nobody.empty, nobody.evaluations) == (0, 3.0, 3.0, 1)
    assert sampled(lambda coalition: 3.0, []).values.size == 0
    assert shapley_exact(airport, ["jet"]).values.tolist() == [3.0]


def test_what_is_no_game_is_refused() -> None:
    with pytest.raises(ValueError, match="named twice"):
        shapley_exact(airport, ["jet", "jet"])
    with pytest.raises(ValueError, match="permutations: 0; allowed: 1 or more"):
        sampled(airport, ["jet"], 0)
