"""A frontier drawn in letters: efficient gains of both sides, the signed terms and the solution concepts."""

from __future__ import annotations

from typing import Any

WIDTH, HEIGHT = 52, 12
SIGNED = "*"
LETTERS = {
    "asymmetric Nash": "A",
    "symmetric Nash": "S",
    "Kalai-Smorodinsky": "K",
    "egalitarian": "E",
    "utilitarian": "U",
}


def frontier_text(told: dict[str, Any], lab: str, provider: str) -> str:
    """The drawing with both axes, in USD bn over no deal; the signed terms cover a concept at the same place.

    Returns nothing where the frontier has fewer than two points.
    """
    points = [(x, y, ".") for x, y in told["frontier"]]
    if len(points) < 2:
        return ""
    points += [(found["lab"], found["provider"], LETTERS[name]) for name, found in told["solutions"].items()][::-1]
    points.append((told["payoffs"]["lab"], told["payoffs"]["provider"], SIGNED))
    left, right = _range([x for x, _, _ in points])
    low, high = _range([y for _, y, _ in points])
    canvas = [[" "] * WIDTH for _ in range(HEIGHT)]
    for x, y, mark in points:
        row = HEIGHT - 1 - round((y - low) / (high - low) * (HEIGHT - 1))
        canvas[row][round((x - left) / (right - left) * (WIDTH - 1))] = mark
    labels = {0: f"{high:,.2f}", HEIGHT - 1: f"{low:,.2f}"}
    lines = [f"{labels.get(i, ''):>12} |{''.join(cells)}".rstrip() for i, cells in enumerate(canvas)]
    axis = f"{'':12} +{'-' * WIDTH}"
    ends = f"{'':14}{f'{left:,.2f}':<{WIDTH // 2}}{f'{right:,.2f}':>{WIDTH // 2}}"
    title = f"Efficient gains, USD bn ({SIGNED} signed): {lab[:22]} across, {provider[:22]} upwards"
    return "\n".join([title, *lines, axis, ends])


def _range(values: list[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    return (low, high) if high > low else (low - 0.5, high + 0.5)
