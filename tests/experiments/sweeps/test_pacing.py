"""Short runs come many at once, long ones alone; starting up counts neither for batches nor for the time left."""

from __future__ import annotations

import pytest

from experiments.sweeps import pacing
from experiments.sweeps.pacing import Pace, Progress
from experiments.sweeps.tasks import FAILED, Part, Task, rows_of


def tasks(count: int) -> list[Task]:
    return [Task((n,), (n,), 0, {}, str(n)) for n in range(count)]


def given_back(some: tuple[Task, ...], seconds: float, status: str = "finished") -> Part:
    return Part(0, tuple(row for task in some for row in rows_of(task, status, seconds=seconds)))


@pytest.mark.parametrize(("seconds", "size"), [(0.01, 200), (0.5, 4), (30.0, 1), (1e-6, 512)])
def test_batches_take_about_two_seconds(seconds: float, size: int) -> None:
    pace = Pace(tasks(10_000), workers=2, total=10_000)
    batches = pace.batches()
    for warming_up in (next(batches), next(batches)):
        assert len(warming_up.tasks) == 1
        pace.note(given_back(warming_up.tasks, 3.0))
    third = next(batches)
    assert len(third.tasks) == 1
    pace.note(given_back(third.tasks, seconds))
    assert len(next(batches).tasks) == size


def test_every_task_is_handed_out_once_and_the_last_batches_are_small() -> None:
    pace = Pace(tasks(1000), workers=2, total=1000)
    sizes, seen = [], []
    for batch in pace.batches(first_number=7):
        assert batch.number == 7 + len(sizes)
        sizes.append(len(batch.tasks))
        seen += [task.key for task in batch.tasks]
        pace.note(given_back(batch.tasks, 0.001))
    assert seen == [str(n) for n in range(1000)]
    assert sizes[-4:] == [1, 1, 1, 1]
    assert max(sizes) <= 250


def test_time_left_counts_neither_warming_up_nor_what_was_done_before(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([100.0, 100.0, 100.0, 100.5, 100.5, 101.0, 101.0, 101.5])
    monkeypatch.setattr(pacing.time, "monotonic", lambda: next(clock))
    all_tasks = tasks(100)
    pace = Pace(all_tasks, workers=1, done=900, total=1000, failed=2)
    assert pace.note(given_back(tuple(all_tasks[:1]), 4.0)) == Progress(901, 1000, 2, 99 * 4.0)
    second = pace.note(given_back(tuple(all_tasks[1:2]), 0.5, FAILED))
    assert second == Progress(902, 1000, 3, 98 * 0.5)


def test_equal_inputs_count_as_one_simulation_and_as_several_runs() -> None:
    double = Task((0, 5), (0, 1), 0, {}, "same")
    pace = Pace([double], workers=1, total=2)
    assert pace.note(given_back((double,), 1.0)) == Progress(2, 2, 0, 0.0)
