"""What a forecast says: fans, shares of variance, probabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from cloudpact.schema import SCHEMA_VERSION
from experiments.forecasting.draws import Draws
from experiments.forecasting.members import BETWEEN, ForecastStudy
from experiments.forecasting.outlook import Outlook
from experiments.forecasting.series import quarterly, series_of, unit_of
from experiments.forecasting.statements import Statement, check_statement, effective_runs, jeffreys, plain_columns
from experiments.forecasting.variance import variances
from experiments.sweeps.errors import SweepError
from experiments.sweeps.results import LEVELS, Sweep
from experiments.sweeps.tasks import FINISHED
from market.calendar import quarter_index, quarter_name
from market.scenario import Scenario

if TYPE_CHECKING:
    import pandas as pd

    from market.facts import Facts


@dataclass(frozen=True, slots=True)
class Made:
    """What a forecast was made from: the scenario at the origin, the outlook, the parameters' source, the facts.

    `left_out` counts shipped statements about quarters or parties that are not forecast.
    """

    scenario: Scenario
    origin: int
    seed: int
    outlook: Outlook
    parameters: str
    facts: Facts
    command: str
    left_out: int


@dataclass(frozen=True, eq=False)
class Forecast:
    """An ensemble of futures from the last quarter of the facts on, and what it says.

    `sweep` holds every member's tables. All numbers are of the members that finished; `failed` counts the others.
    """

    sweep: Sweep
    made: Made
    study: ForecastStudy
    draws: Draws
    statements: tuple[Statement, ...]

    @property
    def origin(self) -> str:
        """The last quarter with facts."""
        return quarter_name(self.made.origin)

    @property
    def quarters(self) -> range:
        """The quarters that are forecast, as calendar indices."""
        return range(self.made.origin + 1, quarter_index(self.made.scenario.time.end) + 1)

    @property
    def failed(self) -> int:
        """Members that did not finish."""
        return int((self.sweep.runs["status"] != FINISHED).sum())

    @cached_property
    def members(self) -> pd.DataFrame:
        """All series: index run and quarter, a column a series (`capex[four]`, `labs[OpenAI].dependence_hhi`)."""
        found = series_of(self._quarterly, self._later)
        return found[found.index.get_level_values("quarter") > self.origin]

    @cached_property
    def fans(self) -> pd.DataFrame:
        """Quantiles over members: `series, unit, quarter, horizon, q10, q25, q50, q75, q90, runs` (long table).

        Linear interpolation between order statistics (Hyndman and Fan 1996, type 7). Members without a value (a lab
        that has failed or not entered) are left out; `runs` counts those that have one.
        """
        import pandas as pd

        grouped = self.members.groupby(level="quarter")
        parts = {f"q{100 * level:.0f}": grouped.quantile(level).unstack() for level in LEVELS}
        table = (
            pd.DataFrame(parts | {"runs": grouped.count().unstack()}).rename_axis(["series", "quarter"]).reset_index()
        )
        table.insert(1, "unit", table["series"].map({name: unit_of(name) for name in table["series"].unique()}))
        ahead = {name: quarter_index(name) - self.made.origin for name in table["quarter"].unique()}
        table.insert(3, "horizon", table["quarter"].map(ahead))
        return table[table["runs"] > 0].reset_index(drop=True)

    @cached_property
    def shares(self) -> pd.DataFrame:
        """Share of each source in the variance: `series, quarter, source, share, standard_error` (long table).

        Sources are parameters, each axis of structures, scenario, luck, and interaction.
        """
        import pandas as pd

        found = [self._shares_at(quarter) for quarter in map(quarter_name, self.quarters)]
        return pd.concat(found, ignore_index=True)

    def shares_of(self, series: str, quarter: str) -> dict[str, float]:
        """Share of each source in the variance of a series in a quarter."""
        rows = self.shares[(self.shares["series"] == series) & (self.shares["quarter"] == quarter)]
        if rows.empty:
            raise SweepError(f"no series {series!r} in {quarter}")
        return dict(zip(rows["source"], rows["share"], strict=True))

    @cached_property
    def probabilities(self) -> pd.DataFrame:
        """A row a statement: `name, says, test, probability, standard_error, low, high, runs`.

        `low` and `high` are the 95 % Jeffreys interval. Both tell of the finite number of runs, allowing for draws
        that runs share, and of nothing else: weights, priors and the model may be wrong by more.
        """
        import pandas as pd

        columns = ["name", "says", "test", "probability", "standard_error", "low", "high", "runs"]
        return pd.DataFrame([self._probability(each) for each in self.statements], columns=columns)

    def with_statements(self, tests: Sequence[str]) -> Forecast:
        """The same forecast asked about further statements."""
        asked = [Statement.parse(text) for text in tests]
        for statement in asked:
            check_statement(statement, self.made.scenario, self.made.origin)
        return replace(self, statements=(*self.statements, *asked))

    def text(self, width: int = 100) -> str:
        """The forecast as text for people, at most `width` columns where numbers leave room."""
        from experiments.forecasting.text import forecast_text

        return forecast_text(self, width)

    def plain(self) -> dict[str, Any]:
        """Everything as plain values for JSON."""
        return {
            "schema_version": SCHEMA_VERSION,
            **self.provenance(),
            "failed": self.failed,
            "fans": _records(self.fans),
            "shares": _records(self.shares),
            "statements": [
                {**row, "by_scenario": self.by_scenario(statement)}
                for row, statement in zip(_records(self.probabilities), self.statements, strict=True)
            ],
            "folder": str(self.sweep.folder),
        }

    def provenance(self) -> dict[str, Any]:
        """What makes this forecast this one."""
        identity = self.sweep.manifest["identity"]
        return {
            "origin": self.origin,
            "until": self.made.scenario.time.end,
            "base": self.made.scenario.name,
            "runs": self.draws.runs,
            "seed": self.made.seed,
            "parameters": self.made.parameters,
            "outlook": self.made.outlook.plain(),
            "scenario_hash": self.made.scenario.content_hash(),
            "design_hash": identity["design"],
            "facts_hash": self.made.facts.hash,
            "code_version": identity["code"],
            "versions": self.sweep.manifest["versions"],
            "command": self.made.command,
            "results_hash": self.sweep.content_hash(),
        }

    def tables(self) -> Mapping[str, pd.DataFrame]:
        """Tables of the forecast quarters in which statements are looked up; targets are columns of `market`."""
        named = self._quarterly.rename(columns=plain_columns)
        return {**self._later, "market": named}

    @cached_property
    def _later(self) -> dict[str, pd.DataFrame]:
        """The members' tables from the first quarter of the first statement or forecast on."""
        asked = [each.quarters[0] for each in self.statements if each.quarters]
        names = set(map(quarter_name, range(min([*asked, self.quarters[0]]), self.quarters[-1] + 1)))
        return {
            name: self.sweep.tables[name][self.sweep.tables[name]["quarter"].isin(names)] for name in self.sweep.tables
        }

    @cached_property
    def _quarterly(self) -> pd.DataFrame:
        quarters = sorted({quarter_index(name) for name in self._later["market"]["quarter"].unique()})
        return quarterly(self._later, self.made.scenario, quarters)

    def _shares_at(self, quarter: str) -> pd.DataFrame:
        import pandas as pd

        wide = self.members.xs(quarter, level="quarter").reindex(range(self.draws.runs))
        wide = wide[[name for name in wide.columns if wide[name].count() > len(wide) // 2]]
        found = variances(np.asarray(wide, dtype=np.float64), self.draws)
        rows = [
            pd.DataFrame(
                {
                    "series": wide.columns,
                    "quarter": quarter,
                    "source": source,
                    "share": share,
                    "standard_error": found.share_error[source],
                }
            )
            for source, share in found.shares.items()
        ]
        return pd.concat(rows, ignore_index=True).dropna(subset=["share"])

    def _probability(self, statement: Statement) -> dict[str, Any]:
        holds = statement.holds(self.tables()).reindex(range(self.draws.runs))
        there = holds.dropna()
        found: dict[str, Any] = {"name": statement.name, "says": statement.says, "test": statement.test}
        if there.empty:
            nothing = dict.fromkeys(("probability", "standard_error", "low", "high"), float("nan"))
            return {**found, **nothing, "runs": 0}
        share = float(there.mean())
        parts = variances(np.asarray(holds, dtype=np.float64)[:, None], self.draws).shares
        runs = effective_runs(len(there), np.array([parts["parameters"][0], parts["luck"][0]]))
        low, high = jeffreys(share * runs, runs)
        error = float(np.sqrt(share * (1.0 - share) / runs))
        return {**found, "probability": share, "standard_error": error, "low": low, "high": high, "runs": len(there)}

    def by_scenario(self, statement: Statement) -> dict[str, float]:
        """Probability of a statement in the members of each stated scenario."""
        holds = statement.holds(self.tables())
        stated = {run: point["scenario"].split(BETWEEN)[1] for run, point in enumerate(self.sweep.design.points)}
        known = holds.dropna()
        return {str(name): float(share) for name, share in known.groupby(known.index.map(stated)).mean().items()}


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as plain values, nothing in place of what is not a number."""
    return [
        {str(key): None if isinstance(value, float) and value != value else value for key, value in row.items()}
        for row in table.to_dict("records")
    ]
