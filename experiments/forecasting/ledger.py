"""The ledger: forecasts frozen with their date, each in a file that tells whether it was changed since."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.forecasting.outlook import ROOT
from experiments.sweeps.durable import durable_file
from experiments.sweeps.errors import SweepError
from market.calendar import quarter_name
from market.targets import target, target_names

if TYPE_CHECKING:
    from experiments.forecasting.result import Forecast
    from market.facts import Facts

KIND = "cloudpact forecast"
VERSION = 1
SHIPPED_LEDGER = ROOT / "forecasts" / "ledger"
DIGITS = 6  # significant ones of every number that is kept
CLOSE_QUARTERS = 8  # quarters ahead that are all kept; of those further on the last of each year
_NEEDED = (
    "kind",
    "version",
    "made",
    "origin",
    "facts_hash",
    "known",
    "targets",
    "metrics",
    "statements",
    "content_hash",
)
_QUANTILES = ("q10", "q25", "q50", "q75", "q90")


def freeze(forecast: Forecast, folder: str | Path = SHIPPED_LEDGER, made: datetime | None = None) -> Path:
    """Write a forecast into the ledger as `DATE-HASH8.json`, whole or not at all; return the file.

    It holds quantiles of every series and the values of every member for target series, at the first eight quarters
    and the last of each later year; statements with their probabilities; what was known of the targets after the
    origin; and hashes of scenario, outlook, facts, code and results with seed and command.
    Raises SweepError for a forecast that no fact can score, one with failed members, which would be scored without
    them, or a folder that cannot be written.
    """
    if forecast.made.scenario.time.capex_until == "none":
        raise SweepError(f"{forecast.made.scenario.name}: imposes no facts, so none can score it; it is not frozen")
    if forecast.failed:
        raise SweepError(f"{forecast.sweep.folder}: {forecast.failed} runs failed; a forecast is frozen whole")
    moment = (made or datetime.now(UTC)).astimezone(UTC)
    content = frozen(forecast, moment)
    path = Path(folder) / f"{moment:%Y-%m-%d}-{content['content_hash'][:8]}.json"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with durable_file(path) as file:
            file.write((json.dumps(content, sort_keys=True, allow_nan=False) + "\n").encode())
    except OSError as error:
        raise SweepError(f"{folder}: cannot write there: {error.strerror or error}") from error
    return path


def frozen(forecast: Forecast, made: datetime) -> dict[str, Any]:
    """The content of a ledger file, with the hash of everything else in it."""
    quarters = [quarter_name(quarter) for quarter in kept_quarters(forecast.quarters)]
    content: dict[str, Any] = {
        "kind": KIND,
        "version": VERSION,
        "made": made.isoformat(timespec="seconds"),
        **forecast.provenance(),
        "known": known_after(forecast.made.facts, forecast.made.origin),
        "targets": _targets(forecast, quarters),
        "metrics": _metrics(forecast, quarters),
        "statements": [
            {key: row[key] for key in ("name", "says", "test", "probability", "standard_error")}
            for row in forecast.plain()["statements"]
        ],
    }
    content = json.loads(json.dumps(content, allow_nan=False))
    return content | {"content_hash": content_hash(content)}


def content_hash(content: Mapping[str, Any]) -> str:
    """SHA-256 (hex) of a ledger file's content, its own hash left out; the order of keys does not count."""
    rest = {key: value for key, value in content.items() if key != "content_hash"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def read_frozen(file: Path) -> dict[str, Any]:
    """The content of a ledger file; raises SweepError, one line, if it is none or was changed since it was frozen."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise SweepError(f"{file}: {error.strerror or error}") from error
    except ValueError as error:
        raise SweepError(f"{file}: is not a frozen forecast: {error}") from error
    if not isinstance(content, dict) or content.get("kind") != KIND:
        raise SweepError(f"{file}: is not a frozen forecast; allowed: files that `cloudpact forecast --freeze` wrote")
    if content.get("version") != VERSION:
        raise SweepError(f"{file}: has version {content.get('version')!r}; this cloudpact reads version {VERSION}")
    missing = [key for key in _NEEDED if key not in content]
    if missing:
        raise SweepError(f"{file}: is not a whole forecast (no {missing[0]!r})")
    found, said = content_hash(content), str(content["content_hash"])
    if found != said:
        raise SweepError(f"{file}: was changed after it was frozen (hash {found[:8]}, frozen with {said[:8]})")
    return content


def read_ledger(folder: str | Path = SHIPPED_LEDGER) -> dict[str, dict[str, Any]]:
    """All frozen forecasts of a folder by file name, oldest first; raises SweepError for one that cannot be used."""
    folder = Path(folder)
    if not folder.is_dir():
        raise SweepError(f"{folder}: there is no such folder")
    return {file.name: read_frozen(file) for file in sorted(folder.glob("*.json"))}


def kept_quarters(quarters: range) -> list[int]:
    """The quarters that the ledger keeps.

    >>> [quarter_name(quarter) for quarter in kept_quarters(range(4 * 2030, 4 * 2034 + 1))][-3:]
    ['2031Q4', '2032Q4', '2033Q4']
    """
    return [quarter for ahead, quarter in enumerate(quarters, start=1) if ahead <= CLOSE_QUARTERS or quarter % 4 == 3]


def known_after(facts: Facts, origin: int) -> dict[str, list[str]]:
    """Quarters after the origin for which a target was known already: no later fact, so never scored."""
    found = {
        name: [m.quarter for m in target(name).observed(facts) if m.quarter > origin] for name in target_names(facts)
    }
    return {name: [quarter_name(quarter) for quarter in quarters] for name, quarters in found.items() if quarters}


def _targets(forecast: Forecast, quarters: list[str]) -> dict[str, list[float]]:
    """Values of the members by `series@quarter`, in the order of the runs."""
    names = [name for name in target_names(forecast.made.facts) if name in forecast.members.columns]
    found = {}
    for quarter in quarters:
        rows = forecast.members.xs(quarter, level="quarter")
        for name in names:
            values = rows[name].dropna()
            if len(values):
                found[f"{name}@{quarter}"] = [_short(value) for value in values]
    return found


def _metrics(forecast: Forecast, quarters: list[str]) -> dict[str, list[float]]:
    """Quantiles (10, 25, 50, 75, 90 %) of every series by `series@quarter`."""
    rows = forecast.fans[forecast.fans["quarter"].isin(quarters)]
    values = rows[list(_QUANTILES)].to_numpy(dtype=float)
    names = rows["series"].str.cat(rows["quarter"], sep="@")
    return {str(name): [_short(value) for value in each] for name, each in zip(names, values, strict=True)}


def _short(value: float) -> float:
    """A number to DIGITS significant digits."""
    return float(f"{float(value):.{DIGITS}g}")
