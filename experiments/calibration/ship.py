"""Make a calibration the shipped one: `python -m experiments.calibration.ship DIR`.

Writes the estimates into experiments/scenarios/baseline.toml, copies the posterior and the record, and rewrites the
measured part of docs/calibration.md. A test holds the baseline to the record.
"""

from __future__ import annotations

import csv
import re
import shutil
import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
BASELINE = HERE.parent / "scenarios" / "baseline.toml"
RECORD = HERE / "calibration.toml"
PAGE = HERE.parent.parent / "docs" / "calibration.md"
BEGIN, END = "<!-- measured:begin -->", "<!-- measured:end -->"


def shipped_record() -> dict[str, dict[str, object]]:
    """The record of the shipped calibration."""
    return tomllib.loads(RECORD.read_text(encoding="utf-8"))


def with_values(text: str, values: dict[str, object]) -> str:
    r"""A scenario file with values set in their tables; a key that is not there yet is added at their end.

    >>> print(with_values("[demand]\na = 1\n\n[labs.X]\nb = 2\n", {"demand.a": 3, "demand.c": 4}))
    [demand]
    a = 3
    c = 4
    <BLANKLINE>
    [labs.X]
    b = 2
    <BLANKLINE>
    """
    for path, value in values.items():
        group, key = path.rsplit(".", 1)
        head = re.search(rf"^\[{re.escape(group)}\]\n", text, re.MULTILINE)
        if head is None:
            first = re.search(r"^\[hyperscalers", text, re.MULTILINE)
            at = first.start() if first else len(text)
            text = f"{text[:at]}[{group}]\n{key} = {value}\n\n{text[at:]}"
            continue
        body = re.compile(r"(?:(?!\[|\n).*\n)*").match(text, head.end())
        assert body is not None
        lines = [line for line in body.group().splitlines() if not re.match(rf"{key} *=", line)]
        where = next(
            (n for n, line in enumerate(body.group().splitlines()) if re.match(rf"{key} *=", line)), len(lines)
        )
        lines.insert(where, f"{key} = {value}")
        text = text[: head.end()] + "\n".join(lines) + "\n" + text[body.end() :]
    return text


def main(folder: Path) -> None:
    """Ship a calibration folder."""
    shutil.copyfile(folder / "calibration.toml", RECORD)
    shutil.copyfile(folder / "posterior.csv", HERE / "posterior.csv")
    values = shipped_record()["estimate"]
    BASELINE.write_text(with_values(BASELINE.read_text(encoding="utf-8"), values), encoding="utf-8")
    before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n\n{measured(folder)}\n\n{END}{rest.split(END)[1]}", encoding="utf-8")


def measured(folder: Path) -> str:
    """The measured part of the page: how it was made, and a line a parameter."""
    made = shipped_record()["calibration"]
    values = shipped_record()["estimate"]
    lines = [
        f"Made on {made['date']}: facts until {made['origin']} (hash `{str(made['facts_hash'])[:12]}`), "
        f"{made['draws']} draws, {made['generations']} generations, seed {made['seed']}. "
        f"Distance {made['distance_before']:.3f} before, {made['distance']:.3f} after.",
        "",
        "| parameter | estimate | 80 % of the posterior | width over the prior's | coverage of synthetic truths |",
        "|---|---|---|---|---|",
    ]
    with (folder / "parameters.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            name = row["parameter"]
            lines.append(
                f"| `{name}` | {values[name]} | {row['low']} to {row['high']} | {float(row['width']):.2f} | "
                f"{float(row['coverage']):.0%} |"
            )
    return "\n".join(lines)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
