"""Make a calibration the shipped one: `python -m experiments.calibration.ship DIR`.

Writes the estimates into experiments/scenarios/baseline.toml, copies the posterior and the record, and rewrites the
measured part of docs/calibration.md. A test holds the baseline to the record.
"""

from __future__ import annotations

import re
import shutil
import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
BASELINE = HERE.parent / "scenarios" / "baseline.toml"
RECORD = HERE / "calibration.toml"


def shipped_record() -> dict[str, dict[str, object]]:
    """The record of the shipped calibration."""
    return tomllib.loads(RECORD.read_text(encoding="utf-8"))


def with_values(text: str, values: dict[str, object]) -> str:
    """A scenario file with values set in their tables; a key that is not there yet is added at their end.

    >>> print(with_values("[demand]\\na = 1\\n\\n[labs.X]\\nb = 2\\n", {"demand.a": 3, "demand.c": 4}))
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


if __name__ == "__main__":
    main(Path(sys.argv[1]))
