"""`calibrate`: reference table, posterior, point estimate and what the facts say of each parameter, into a folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.calibration.moments import moments
from experiments.calibration.point import PointEstimate, point_estimate
from experiments.calibration.posterior import Posterior, identified, posterior, synthetic_coverage
from experiments.calibration.reference import Window, prior_draws, reference_table
from experiments.sweeps.durable import durable_file
from experiments.sweeps.errors import SweepError
from experiments.sweeps.identity import code_version
from market.calendar import quarter_index, quarter_name
from market.facts import Facts
from market.scenario import Scenario
from market.toml_text import toml_value

if TYPE_CHECKING:
    import pandas as pd

FIRST_WINDOW = "2020Q4"
HORIZON = 8
DRAWS, GENERATIONS, LEAST_DRAWS = 400, 18, 10


@dataclass(frozen=True, slots=True)
class Calibration:
    """The result: point estimate, posterior, how well each parameter is identified, and how it was made."""

    estimate: PointEstimate
    posterior: Posterior
    identified: pd.DataFrame
    settings: Mapping[str, Any]

    def text(self) -> str:
        """What the command prints."""
        table = self.identified
        lines = [
            f"Distance to the facts: {self.estimate.before:.3f} before, {self.estimate.distance:.3f} after.",
            "",
            f"{'parameter':38} {'estimate':>9} {'80 % of the posterior':>22} {'width':>6} {'coverage':>9}",
        ]
        for row in table.to_dict("records"):
            told = f"{row['low']:.3g} to {row['high']:.3g}"
            value = self.estimate.values[row["parameter"]]
            lines.append(f"{row['parameter']:38} {value:9.3g} {told:>22} {row['width']:6.2f} {row['coverage']:9.0%}")
        lines += ["", "Width: of the posterior over the prior's; near 1 the facts do not pin the parameter down."]
        lines += ["Coverage: share of synthetic truths inside their 80 % interval; near 80 % the method is honest."]
        return "\n".join(lines)


def calibrate(
    out: Path | str,
    base: Scenario | str = "baseline",
    origin: str | None = None,
    draws: int = DRAWS,
    generations: int = GENERATIONS,
    seed: int = 1,
    facts: Facts | None = None,
    jobs: int | None = None,
    progress: Callable[[Any], None] | None = None,
) -> Calibration:
    """Estimate the parameters that have a prior from the facts until `origin` (the last quarter if not given).

    Into `out`: the simulations (`reference/`, `point/`: sweeps, so that a stopped calibration goes on), `posterior.csv`
    and `calibration.toml` with the estimate, dates and hashes. Raises SweepError for an origin without
    windows or facts, and for fewer than ten draws.
    """
    import pandas as pd

    if draws < LEAST_DRAWS:
        raise SweepError(f"draws: got {draws}; allowed: {LEAST_DRAWS} or more")
    folder, known = Path(out), facts if facts is not None else Facts.load()
    scenario = base if isinstance(base, Scenario) else Scenario.load(base)
    at = origin or quarter_name(known.last_capex_quarter)
    windows = _windows(at, known)
    # the scenario's own values, the first draw, know all facts: at an earlier origin they would be a look ahead
    earlier = quarter_index(at) < known.last_capex_quarter
    drawn = prior_draws(scenario, draws + 1, seed)[1:] if earlier else prior_draws(scenario, draws, seed)
    table = reference_table(scenario, drawn, windows, HORIZON, seed, facts, folder / "reference", jobs, progress)
    found, scale = posterior(table, known, at), moments(table, known, at)
    middle = {str(path): float(value) for path, value in found.quantile(0.5).items()}
    estimate = point_estimate(
        scenario, windows[1:] or windows, known, at, scale, middle, generations, seed, folder / "point", jobs, progress
    )
    told = identified(found)
    told["coverage"] = synthetic_coverage(table, scale).reindex(told["parameter"]).to_numpy()
    settings = {
        "date": date.today().isoformat(), "origin": at, "draws": draws, "generations": generations, "seed": seed,
        "facts_hash": known.hash, "code": code_version(), "scenario": scenario.name,
        "scenario_hash": scenario.content_hash(), "distance_before": estimate.before, "distance": estimate.distance,
        "windows": [window.name for window in windows],
    }  # fmt: skip
    result = Calibration(estimate, found, told, settings)
    table_text = pd.DataFrame(found.draws).assign(weight=found.weights).query("weight > 0")
    _write(folder / "posterior.csv", table_text.to_csv(index=False, float_format="%.6g"))
    _write(folder / "parameters.csv", told.to_csv(index=False, float_format="%.4g"))
    _write(folder / "calibration.toml", record(result))
    return result


def _write(path: Path, text: str) -> None:
    with durable_file(path) as file:
        file.write(text.encode())


def _windows(origin: str, facts: Facts) -> list[Window]:
    last = quarter_name(facts.last_capex_quarter)
    try:
        at = quarter_index(origin)
    except ValueError:
        raise SweepError(f"origin {origin!r} is no quarter; allowed: such as {last}") from None
    if not quarter_index(FIRST_WINDOW) < at <= facts.last_capex_quarter:
        raise SweepError(f"origin {origin} cannot be calibrated to; allowed: after {FIRST_WINDOW}, to {last}")
    blind = [Window(quarter_name(quarter), "blind") for quarter in range(quarter_index(FIRST_WINDOW), at, 4)]
    free = [Window(quarter_name(quarter), "deals") for quarter in range(at - HORIZON, quarter_index("2021Q1"), -5)][:2]
    return [*blind, *reversed(free)]


def record(found: Calibration) -> str:
    """The calibration as TOML: how it was made, then the estimates by path."""
    lines = ["# Made by `cloudpact calibrate`.", "[calibration]"]
    lines += [f"{key} = {toml_value(value)}" for key, value in found.settings.items()]
    lines += ["", "[estimate]"] + [f'"{path}" = {value!r}' for path, value in found.estimate.values.items()]
    return "\n".join(lines) + "\n"
