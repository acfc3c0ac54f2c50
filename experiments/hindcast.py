"""`hindcast`: what the market would have said from past origins, scored against what then happened.

    python -m experiments.hindcast

rewrites the measured part of docs/hindcast.md at the published settings.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.calibration.posterior import posterior
from experiments.calibration.reference import ReferenceTable, Window, prior_draws, reference_table
from experiments.forecasting.draws import structure_draws
from experiments.forecasting.outlook import Outlook
from experiments.hindcasting.rows import Ensemble, hindcast_rows
from experiments.hindcasting.summary import frame
from experiments.hindcasting.text import terminal_text
from experiments.sweeps.errors import SweepError
from market.calendar import quarter_index, quarter_name
from market.facts import Facts
from market.scenario import Scenario

if TYPE_CHECKING:
    import pandas as pd

    from experiments.origins import Mode

FIRST_WINDOW, FIRST, LAST = "2020Q4", "2021Q4", "2024Q4"
HORIZON, DRAWS, STEP = 8, 140, 2
MODES: tuple[Mode, ...] = ("blind", "conditional")


@dataclass(frozen=True, slots=True)
class Hindcast:
    """Scores by target, origin, horizon and mode, with what is needed to repeat them."""

    rows: tuple[dict[str, Any], ...]
    settings: dict[str, Any]

    @property
    def frame(self) -> pd.DataFrame:
        """The rows as a table, benchmarks in columns `crps_NAME`."""
        return frame(self.rows)

    def plain(self) -> dict[str, Any]:
        """What `--json` prints."""
        return {"settings": self.settings, "rows": list(self.rows)}

    def text(self) -> str:
        """What the command prints."""
        return terminal_text(self.frame)


def origins_from(first: str, last: str, step: int = 1) -> list[str]:
    """Every `step`-th quarter from the first to the last.

    >>> origins_from("2023Q4", "2024Q4", 2)
    ['2023Q4', '2024Q2', '2024Q4']
    """
    return [quarter_name(quarter) for quarter in range(quarter_index(first), quarter_index(last) + 1, step)]


def hindcast(
    base: Scenario | str = "baseline",
    origins: Sequence[str] | None = None,
    horizon: int = HORIZON,
    draws: int = DRAWS,
    seed: int = 1,
    modes: Sequence[Mode] = MODES,
    facts: Facts | None = None,
    out: Path | str | None = None,
    jobs: int | None = None,
    progress: Callable[[Any], None] | None = None,
) -> Hindcast:
    """Forecast every origin with what was known then, and score against what is known now.

    Parameters are drawn from their priors once, structures from the outlook of forecasts; every draw is simulated from
    every origin. At an origin the draws are
    weighted by how near their runs from earlier origins came to the facts known by then, and nothing later: the
    calibration of the hindcast is out of sample too. `out` keeps the simulations, and a stopped hindcast goes on there.

    Raises SweepError for origins or horizons that the facts do not admit.
    """
    known = facts if facts is not None else Facts.load()
    scenario = base if isinstance(base, Scenario) else Scenario.load(base)
    asked = sorted(origins) if origins else origins_from(FIRST, LAST, STEP)
    _check(asked, horizon, known)
    # the first are the scenario's own values: they know all facts
    drawn = with_structures(prior_draws(scenario, draws + 1, seed)[1:], Outlook.load(), seed)
    table = reference_table(scenario, drawn, _windows(asked, modes), horizon, seed, facts, out, jobs, progress)
    ensembles = [_ensemble(table, known, origin, mode) for mode in modes for origin in asked]
    rows = tuple(hindcast_rows(ensembles, known, horizon, seed))
    settings = {
        "scenario": scenario.name, "scenario_hash": scenario.content_hash(), "facts_hash": known.hash,
        "origins": asked, "horizon": horizon, "draws": draws, "seed": seed, "modes": list(modes),
    }  # fmt: skip
    return Hindcast(rows, settings)


def with_structures(draws: Sequence[Mapping[str, Any]], outlook: Outlook, seed: int) -> list[Mapping[str, Any]]:
    """Draws of the parameters, each with a structure on every axis of an outlook, in exact shares.

    >>> drawn = with_structures([{}] * 4, Outlook.load(), 1)
    >>> sorted(values["demand.form"] for values in drawn)
    ['exponential', 'hill', 'hill', 'logarithmic']
    """
    chosen = structure_draws(outlook.weights, len(draws), seed)
    found: list[Mapping[str, Any]] = []
    for run, values in enumerate(draws):
        changes = {path: value for each in outlook.choice(chosen, run) for path, value in each.changes.items()}
        found.append({**values, **changes})
    return found


def _windows(origins: Sequence[str], modes: Sequence[Mode]) -> list[Window]:
    """Windows to simulate: those scored, and blind ones half a year apart, which weight the draws."""
    earlier = origins_from(FIRST_WINDOW, max(origins), 2)
    weighting = [Window(origin, "blind") for origin in earlier]
    scored = [Window(origin, mode) for mode in modes for origin in origins]
    return list(dict.fromkeys([*weighting, *scored]))


def _ensemble(table: ReferenceTable, facts: Facts, origin: str, mode: Mode) -> Ensemble:
    return Ensemble(origin, mode, table.of(Window(origin, mode)), posterior(table, facts, origin).weights)


def _check(origins: Sequence[str], horizon: int, facts: Facts) -> None:
    last = facts.last_capex_quarter
    if horizon < 1 or horizon > 40:
        raise SweepError(f"horizon {horizon} is out of range; allowed: 1 to 40 quarters")
    for origin in origins:
        try:
            at = quarter_index(origin)
        except ValueError:
            raise SweepError(f"origin {origin!r} is no quarter; allowed: such as 2022Q4") from None
        if not quarter_index("2020Q4") < at < last:
            raise SweepError(
                f"origin {origin} cannot be scored; allowed: 2021Q1 to {quarter_name(last - 1)} "
                f"(the facts end in {quarter_name(last)})"
            )


def main() -> int:
    """Rewrite the page at the published settings."""
    from experiments.hindcasting.page import write_page

    start = time.perf_counter()
    found = hindcast(out=Path(sys.argv[1]) if len(sys.argv) > 1 else None)
    write_page(found, time.perf_counter() - start)
    return 0


if __name__ == "__main__":
    sys.exit(main())
