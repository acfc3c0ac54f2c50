from __future__ import annotations

import math

import pytest

from market.training import Generation, training_need


def test_a_generation_waits_for_its_compute() -> None:
    generation = Generation(0, 1.0)
    done = [generation.train(1.0, 3.0) for _ in range(12)]
    # 3 GW-quarters, then 9 more
    assert [i + 1 for i, finished in enumerate(done) if finished] == [3, 12]
    assert (generation.number, generation.released_compute, generation.progress) == (2, 9.0, 0.0)


def test_rationing_delays_a_generation_in_proportion() -> None:
    quarters = []
    for delivered in (1.0, 0.5, 0.25):
        generation, count = Generation(0, 1.0), 1
        while not generation.train(delivered, 3.0):
            count += 1
        quarters.append(count)
    assert quarters == [3, 6, 12]


@pytest.mark.parametrize(
    ("last", "value", "runway", "need"),
    [
        (1.0, 480.0, 1.0, 1.0),  # .025 x 480 / 4 at a price of 3
        (1.0, 480.0, 0.75, 0.75),  # scaled by runway
        (1.0, 480.0, 0.1, 0.5),  # at most a half less
        (1.0, 480.0, -1.0, 0.5),
        (1.0, 480.0, 9.0, 1.0),
        (0.5, 480.0, 1.0, 0.5 * math.exp(0.26)),  # at most the largest growth
        (0.0, 480.0, 1.0, 0.0),
    ],
)
def test_training_need(last: float, value: float, runway: float, need: float) -> None:
    assert training_need(last, value, 3.0, 0.025, 0.26, runway) == pytest.approx(need)
