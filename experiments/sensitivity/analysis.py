"""Sensitivity indices of an outcome over a finished sweep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from experiments.sensitivity.cleaning import Sample, cleaned, luck_notes, point_means
from experiments.sensitivity.indices import Indices, morris, pawn, sobol
from experiments.sensitivity.text import sensitivity_text
from experiments.sweeps.errors import SweepError
from experiments.sweeps.manifest import COMPLETE
from market.scenario_errors import did_you_mean

if TYPE_CHECKING:
    import pandas as pd

    from experiments.sweeps.designs import Design

METHODS = ("morris", "sobol", "pawn")


class Swept(Protocol):
    """What the analysis reads of a sweep; see `experiments.sweeps.results.Sweep`."""

    @property
    def design(self) -> Design:
        """The design whose points were simulated."""

    @property
    def status(self) -> str:
        """Whether all runs are done: complete or running."""

    def by_point(self, name: str) -> pd.DataFrame:
        """An outcome by point (rows) and replicate (columns), NaN where it has no value."""


@dataclass(frozen=True, eq=False)
class Sensitivity:
    """Indices of an outcome: a row of `frame` a factor, a row of `pairs` a pair of factors (second order only).

    Columns of `frame` by method, `_conf` being half the width of a 95 % interval by bootstrap:

    - morris: `mu`, `mu_star`, `mu_star_conf`, `sigma`, in units of the outcome: its change over a factor's whole
      range (Morris 1991; Campolongo, Cariboni and Saltelli 2007);
    - sobol: `S1`, `S1_conf`, `ST`, `ST_conf`, shares of the variance; `pairs` has `S2`, `S2_conf` (Saltelli et al.
      2010);
    - pawn: `minimum`, `median`, `maximum` over the slices of a factor of the Kolmogorov-Smirnov distance between the
      outcome within the slice and at all points, the median of a `dummy` (the outcomes shuffled: chance alone) in the
      same slices, and their number (Pianosi and Wagener 2018).
    """

    method: str
    outcome: str
    frame: pd.DataFrame
    pairs: pd.DataFrame
    notes: tuple[str, ...]

    def text(self) -> str:
        """A table for the terminal, the most influential factor first, with the notes below."""
        return sensitivity_text(self.method, self.outcome, self.frame, self.pairs, self.notes)

    def plain(self) -> dict[str, Any]:
        """The same as plain data for JSON; an index that is not defined is None."""
        return {
            "method": self.method,
            "outcome": self.outcome,
            "factors": _rows(self.frame),
            "pairs": _rows(self.pairs),
            "notes": list(self.notes),
        }


def sensitivity(sweep: Swept, outcome: str, method: str | None = None, seed: int = 0) -> Sensitivity:
    """How much an outcome of a sweep hangs on each factor of its design.

    `method` is morris (only for the design morris), sobol (only for the design saltelli) or pawn (for any other
    design, with choices or without); by default the design decides. Replicates are averaged by point. `seed` draws
    the bootstrap of the intervals and the shuffling of PAWN's dummy, and nothing else: the indices do not depend on it.

    A point without a value in one of its replicates (the run failed, the lab is gone) counts as missing, and with it
    its whole trajectory (Morris) or block of the base sample (Sobol); what was left out, and where, is in the notes.
    Nothing is imputed. An outcome that is the same at every point has no indices: NaN.

    Raises SweepError where the method does not suit the design, the outcome is unknown, or more than half is missing.
    """
    design = sweep.design
    method = _checked_method(method, design)
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise SweepError(f"seed of the sensitivity analysis: got {seed!r}; allowed: an integer from 0")
    table = sweep.by_point(outcome)
    sample = cleaned(design, outcome, point_means(table), _block(method, design))
    found = _indices(method, design, sample, seed)
    going_on = () if sweep.status == COMPLETE else ("The sweep is not finished: runs to come count as missing.",)
    notes = (*going_on, *sample.notes, *luck_notes(table, method), *found.notes)
    return Sensitivity(method, outcome, found.frame, found.pairs, notes)


def _indices(method: str, design: Design, sample: Sample, seed: int) -> Indices:
    if method == "morris":
        return morris(sample, design.unit[sample.kept], design.settings["levels"], seed)
    if method == "sobol":
        return sobol(sample, seed)
    return pawn(sample, seed)


def _checked_method(method: str | None, design: Design) -> str:
    """The method, or the design's own; SweepError where the design does not admit it."""
    own = {"morris": "morris", "saltelli": "sobol"}.get(design.method, "pawn")
    admitted = ("sobol", "pawn") if own == "sobol" else (own,)
    if method is None:
        method = own
    if method not in METHODS:
        raise SweepError(f"unknown method {method!r}; allowed: {', '.join(METHODS)}{did_you_mean(method, METHODS)}")
    if method not in admitted:
        needs = {"morris": "the design 'morris'", "sobol": "the design 'saltelli'", "pawn": "a sample of the factors"}
        raise SweepError(
            f"method {method!r} needs {needs[method]}, this sweep has the design {design.method!r}; "
            f"allowed for it: {', '.join(admitted)}"
        )
    _refuse_choices(method, design)
    return method


def _refuse_choices(method: str, design: Design) -> None:
    """Choices without an order have neither elementary effects nor rows with one factor exchanged."""
    for factor in design.factors:
        if method != "pawn" and factor.categorical:
            raise SweepError(f"{factor.path}: method {method!r} does not take choices without an order; allowed: pawn")


def _block(method: str, design: Design) -> int:
    """Number of consecutive points that stand or fall together."""
    factors = len(design.factors)
    if method == "morris":
        return factors + 1
    if method == "sobol":
        return 2 * factors + 2 if design.settings["second_order"] else factors + 2
    return 1


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    listed = frame.astype(object).where(frame.notna(), None)
    return [{str(name): value for name, value in row.items()} for row in listed.to_dict("records")]
