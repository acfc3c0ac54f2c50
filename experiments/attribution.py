"""How much of the change of an outcome between two quarters is due to each deal signed meanwhile."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.comparison_text import aligned, decimals, shown
from experiments.ensemble import EnsembleError
from experiments.outcomes import Outcome
from experiments.paired_requests import require_outcome, whole_number
from experiments.replay import replayed, signed_deals
from experiments.running import resolve, stages
from experiments.shapley import Coalition, Map, Shapley, Value, shapley_exact, shapley_sampling
from experiments.sweeps.errors import SweepError
from experiments.workers import cores
from market.calendar import quarter_index
from market.randomness import stream
from market.scenario import Scenario

if TYPE_CHECKING:
    import pandas as pd

    from cloudpact.model import CloudMarket
    from cloudpact.quarter.replay import SignedDeal
    from market.facts import Facts

BATCH = 16  # coalitions that a process gets at once
VALUE = "value"


@dataclass(frozen=True)
class SignedGame:
    """The game of the deals signed in (first, last]: v(S) is the outcome at the end of `last` if S alone is signed.

    The world is forked at the end of `first`; the deals of S are signed on the terms and in the quarters in which they
    were, nobody bargains, all else goes on. So v of all deals is the outcome of the run itself, to the bit. Markets
    are simulated when they are first needed, in whichever process needs them.
    """

    scenario: Scenario
    outcome: str
    first: str
    last: str
    seed: int
    replicate: int
    facts: Facts | None = None

    @cached_property
    def start(self) -> CloudMarket:
        """The market at the end of `first`."""
        from cloudpact.model import CloudMarket

        market = CloudMarket(self.scenario, rng=self.seed, replicate=self.replicate, facts=self.facts)
        return self._run(market, self.first)

    @cached_property
    def factual(self) -> CloudMarket:
        """The market at the end of `last` as it comes when everybody bargains."""
        return self._run(self.start.fork(), self.last)

    @cached_property
    def deals(self) -> dict[str, SignedDeal]:
        """The players by name, in signing order."""
        after = quarter_index(self.first)
        return {deal.name: deal for deal in signed_deals(self.factual) if deal.quarter > after}

    def __call__(self, coalition: Coalition) -> float:
        """The outcome at the end of `last` if these deals alone are signed."""
        kept = [deal for name, deal in self.deals.items() if name in coalition]
        left_out = ", ".join(sorted(self.deals.keys() - coalition)) or "none"
        return self.measured(self._run(replayed(self.start, kept), self.last), f"in the world without {left_out}")

    def measured(self, market: CloudMarket, where: str) -> float:
        """The outcome in a market's last quarter; raises SweepError where it has no value."""
        value = float(Outcome.parse(self.outcome).of(market.results.tables).iloc[0])
        if isnan(value):
            raise SweepError(f"outcome {self.outcome!r}: has no value {where}")
        return value

    def outcomes(self, values: Mapping[str, Any], seed: int, replicate: int) -> dict[str, float]:
        """The value of one coalition, in the form in which engines ask."""
        return {VALUE: self(frozenset(values["deals"]))}

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    def _run(self, market: CloudMarket, last: str) -> CloudMarket:
        with stages(market):
            market.run_for(quarter_index(last) - market.quarter + 1)
        return market


@dataclass(frozen=True, eq=False)
class Attribution:
    """The change of an outcome from the end of `first` to the end of `last`, split over deals and all the rest.

    `deals` has a row a deal: deal, quarter, provider, lab, origin, contribution, standard_error, the largest
    contribution first. `rest` is the change without any of them. Contributions and rest add up to the change.
    `permutations` is 0 where all orders were counted, without error.
    """

    outcome: str
    unit: str
    scenario: str
    seed: int
    replicate: int
    first: str
    last: str
    value_first: float
    value_last: float
    rest: float
    deals: pd.DataFrame
    permutations: int
    evaluations: int

    @property
    def change(self) -> float:
        """The outcome at the end of `last` less that at the end of `first`."""
        return self.value_last - self.value_first

    def plain(self) -> dict[str, Any]:
        """Everything as plain data for JSON; None where a standard error is not defined."""
        kept = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "deals"}
        rows = self.deals.to_dict("records")
        listed = [{str(key): None if value != value else value for key, value in row.items()} for row in rows]
        return kept | {"change": self.change, "deals": listed}

    def text(self) -> str:
        """Contributions as a table for people, and what they do not say."""
        first, last = self.value_first, self.value_last
        digits = decimals(max(abs(first), abs(last)))
        rows = [
            (row["deal"], row["quarter"], shown(row["contribution"], digits, "+"), shown(row["standard_error"], digits))
            for row in self.deals.to_dict("records")
        ]
        rows += [
            ("everything else", "", shown(self.rest, digits, "+"), ""),
            ("change", "", shown(self.change, digits, "+"), ""),
        ]
        unit = f" ({self.unit})" if self.unit else ""
        title = (
            f"{self.outcome}{unit} of {self.scenario}, seed {self.seed}, replicate {self.replicate}: "
            f"{shown(first, digits)} at the end of {self.first}, {shown(last, digits)} of {self.last}"
        )
        how = "all orders" if not self.permutations else f"{self.permutations} orders, {self.evaluations} worlds"
        table = aligned(("deal", "signed", "contribution", "standard error"), rows)
        return f"{title}\n\n{table}\n\nShapley values over {how}.\n{MEANING}"


MEANING = """\
A deal's part is the mean of what it adds to those before it when deals join one by one,
each on its terms and date. Nobody reacts to a missing deal: `cloudpact counterfactual`
lets the market go on from there. Everything else: time, luck, what was signed before.
This is one run; in other replicates other deals are signed."""


def attribution(
    scenario: Scenario | str | Path,
    outcome: str,
    first: str,
    last: str,
    *,
    seed: int = 1,
    replicate: int = 0,
    permutations: int = 32,
    jobs: int | None = None,
    facts: Facts | None = None,
) -> Attribution:
    """Attribute an outcome's change between the ends of two quarters to the deals signed after the first.

    `outcome` is a number of a quarter, such as `alignment_hhi` or `labs[OpenAI].dependence_hhi`. The deals are players
    of the game "as signed" (SignedGame); their Shapley values are exact where all coalitions are no more than
    `permutations` orders would need, else the means over that many orders. The worlds are simulated on `jobs`
    processes (every core if not given), to the same bits; `facts` replaces the shipped ones. Rows of the facts that
    only change a clause are no players: they hold in every world, as all that was signed up to `first`.

    Raises ScenarioError or SweepError for what cannot be asked, and SweepError where the outcome has no value in a
    world without some deals, because a lab fails in it.
    """
    for name, value, least in (("seed", seed, 0), ("replicate", replicate, 0), ("permutations", permutations, 1)):
        whole_number(name, value, least)
    processes = cores() if jobs is None else whole_number("jobs", jobs, 1)
    game = SignedGame(resolve(scenario), _checked(outcome), first, last, seed, replicate, facts)
    require_outcome(Outcome.parse(outcome), [game.scenario])
    _require_window(game.scenario, first, last)
    value_first = game.measured(game.start, f"at the end of {first}")
    names = list(game.deals)
    each = map if processes == 1 else _across(game, processes)
    found = _shares(game, names, permutations, each)
    return Attribution(
        outcome=outcome,
        unit=Outcome.parse(outcome).unit,
        scenario=game.scenario.name,
        seed=seed,
        replicate=replicate,
        first=first,
        last=last,
        value_first=value_first,
        value_last=found.full,
        rest=found.empty - value_first,
        deals=_table(game, found),
        permutations=found.permutations,
        evaluations=found.evaluations,
    )


def _shares(game: SignedGame, names: list[str], permutations: int, each: Map) -> Shapley:
    """Exact where that takes no more worlds than the sampled orders would."""
    if 2 ** len(names) <= permutations * max(len(names), 1):
        return shapley_exact(game, names, each)
    rng = stream(game.seed, game.replicate, "attribution", 0, game.first, game.last)
    return shapley_sampling(game, names, permutations, rng, each=each)


def _table(game: SignedGame, found: Shapley) -> pd.DataFrame:
    import pandas as pd

    from market.calendar import quarter_name

    deals = [game.deals[str(name)] for name in found.players]
    columns = {
        "deal": [deal.name for deal in deals],
        "quarter": [quarter_name(deal.quarter) for deal in deals],
        "provider": [deal.terms.provider for deal in deals],
        "lab": [deal.terms.lab for deal in deals],
        "origin": [deal.origin for deal in deals],
        "contribution": found.values,
        "standard_error": found.errors,
    }
    frame = pd.DataFrame(columns)
    return frame.sort_values("contribution", key=abs, ascending=False, kind="stable", ignore_index=True)


def _across(game: SignedGame, jobs: int) -> Map:
    """A `map` of the game over coalitions on several processes."""

    def each(value: Value, coalitions: Iterable[Coalition]) -> list[float]:
        from experiments.sweeps.local import LocalEngine
        from experiments.sweeps.study import FunctionStudy
        from experiments.sweeps.tasks import FINISHED, Batch, Task

        asked = list(coalitions)
        tasks = [Task((n,), (n,), 0, {"deals": sorted(map(str, names))}, "") for n, names in enumerate(asked)]
        batches = [Batch(n, tuple(tasks[at : at + BATCH])) for n, at in enumerate(range(0, len(tasks), BATCH))]
        found: dict[int, float] = {}
        with LocalEngine(jobs) as engine:
            for part in engine.run(FunctionStudy(game.outcomes, game.seed), batches):
                for row in part.rows:
                    if row["status"] != FINISHED:
                        raise _failure(str(row["error"]) or "its process died twice (out of memory?)")
                found.update(_values(part.files))
        return [found[n] for n in range(len(asked))]

    return each


def _failure(error: str) -> Exception:
    """What a process raised, as this one would have raised it."""
    kind, _, told = error.partition(": ")
    return SweepError(told) if kind == "SweepError" else EnsembleError(f"a world without some deals failed: {error}")


def _values(files: Any) -> dict[int, float]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from experiments.sweeps.study import OUTCOMES

    table = pq.read_table(pa.BufferReader(files[OUTCOMES]))
    return dict(zip(table["run"].to_pylist(), table[VALUE].to_pylist(), strict=True))


def _checked(outcome: str) -> str:
    """The outcome's text if it is a number of one quarter that is not named."""
    parsed = Outcome.parse(outcome)
    if parsed.reduction or parsed.first is not None:
        raise SweepError(
            f"outcome {outcome!r}: is taken at the ends of two quarters; allowed: a column without quarter or "
            "reduction, such as alignment_hhi or labs[OpenAI].dependence_hhi"
        )
    return outcome


def _require_window(scenario: Scenario, first: str, last: str) -> None:
    try:
        after, end = quarter_index(first), quarter_index(last)
    except ValueError as error:
        raise SweepError(str(error)) from error
    time = scenario.time
    if not quarter_index(time.start) <= after < end <= quarter_index(time.end):
        raise SweepError(f"from {first} to {last}: allowed: two quarters in order from {time.start} to {time.end}")
