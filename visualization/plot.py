"""The notebook's face of the figures: `plot.concentration(results)` shows itself and can be saved."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pandas as pd

from visualization import effect_chart, figures, network, sensitivity_chart, sweep_chart, waterfall
from visualization.chart import Figure
from visualization.markup import text
from visualization.page import figure_page
from visualization.picture import FORMATS, picture
from visualization.quantiles import TableError, Tables, last_quarter

if TYPE_CHECKING:
    from cloudpact.results import Results
    from experiments.attribution import Attribution
    from experiments.comparison import Comparison
    from experiments.sensitivity import Sensitivity
    from experiments.sweeps.results import Sweep


class HasTables(Protocol):
    """Results of one run or of many."""

    @property
    def tables(self) -> Mapping[str, pd.DataFrame]:
        """All tables by name."""


@dataclass(frozen=True, slots=True)
class Plot:
    """A figure that a notebook shows; `figure.option` is the ECharts option behind it."""

    figure: Figure

    def _repr_html_(self) -> str:
        """A frame of its own, so that a notebook's styles and scripts and the figure's cannot meet."""
        return (
            f'<iframe title="{text(self.figure.title)}" srcdoc="{text(figure_page(self.figure))}" '
            'style="width:100%;height:560px;border:0" sandbox="allow-scripts allow-downloads"></iframe>'
        )

    def save(self, path: str | Path) -> Path:
        """Write the figure as a page of its own (`.html`), a static picture (`.png`, `.svg`) or its table (`.csv`).

        Equal figures give equal files; a folder that is not there is made.

        Raises:
            ValueError: the name ends otherwise, or the figure cannot be drawn as a picture.
        """
        target = Path(path)
        content = self._content(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f".{target.name}.{os.getpid()}")
        partial.write_bytes(content)
        return partial.replace(target)

    def _content(self, target: Path) -> bytes:
        if target.suffix == ".html":
            return figure_page(self.figure).encode()
        if target.suffix == ".csv":
            return self.figure.csv().encode()
        if target.suffix in FORMATS:
            return picture(self.figure, target.suffix)
        ending = target.suffix or "a name without one"
        raise ValueError(f"{target}: a figure is saved as .html, .png, .svg or .csv, not as {ending}")


def concentration(results: HasTables | Tables | Sweep) -> Plot:
    """Concentration over time, with the fan of the ensemble or of all runs of a sweep."""
    from experiments.sweeps.results import Sweep

    if isinstance(results, Sweep):  # its runs need not be loaded for a fan
        return Plot(sweep_chart.sweep_concentration(results))
    return Plot(figures.concentration(_tables(results)))


def fan(sweep: Sweep, column: str) -> Plot:
    """A column of the table `market` over all runs of a sweep."""
    return Plot(sweep_chart.sweep_fan(sweep, column))


def points(sweep: Sweep, column: str = "alignment_hhi") -> Plot:
    """A column of the table `market` at each point of a sweep of up to six points."""
    return Plot(sweep_chart.point_fans(sweep, column))


def scatter(sweep: Sweep, path: str, outcome: str = "alignment_hhi") -> Plot:
    """An outcome of a sweep against one of its factors: a point a run, and medians along the way."""
    return Plot(sweep_chart.factor_scatter(sweep, path, outcome))


def sensitivity(indices: Sensitivity) -> Plot:
    """Sensitivity indices by factor with their intervals, as `cloudpact.sensitivity` gives them."""
    return Plot(sensitivity_chart.sensitivity_bars(indices))


def morris(indices: Sensitivity) -> Plot:
    """Morris's plane of mu* and sigma."""
    return Plot(sensitivity_chart.morris_plane(indices))


def effects(comparison: Comparison) -> Plot:
    """Every effect of a comparison with its interval, in per cent."""
    return Plot(effect_chart.effects(comparison))


def effect_profile(comparison: Comparison, column: str = "alignment_hhi") -> Plot:
    """The effect on a column of the table `market` quarter by quarter, with its interval."""
    return Plot(effect_chart.effect_profile(comparison, column))


def attribution(found: Attribution) -> Plot:
    """What each deal contributed to a change, with two standard errors."""
    return Plot(effect_chart.attribution_bars(found))


def why(results: Results, deal: str) -> Plot:
    """Why a deal was signed: both sides' gains by component, from the threat point on, and the best rival offer.

    Raises ResultsError, one line, for a deal that the results do not hold.
    """
    from experiments.explain import explanation

    return Plot(waterfall.waterfall(explanation(results, deal)))


def dependence(results: HasTables | Tables) -> Plot:
    """Each independent lab's dependence on few hosts."""
    return Plot(figures.dependence(_tables(results)))


def capacity(results: HasTables | Tables) -> Plot:
    """AI capacity by provider."""
    return Plot(figures.capacity(_tables(results)))


def capex(results: HasTables | Tables) -> Plot:
    """Capital expenditure by provider."""
    return Plot(figures.capex(_tables(results)))


def utilisation(results: HasTables | Tables) -> Plot:
    """Utilisation of AI capacity."""
    return Plot(figures.utilisation(_tables(results)))


def price(results: HasTables | Tables) -> Plot:
    """Price of AI capacity."""
    return Plot(figures.price(_tables(results)))


def lab_revenue(results: HasTables | Tables) -> Plot:
    """Run-rate revenue of the labs."""
    return Plot(figures.lab_revenue(_tables(results)))


def relationship_graph(results: HasTables | Tables, quarter: str | None = None) -> Plot:
    """Who is tied to whom in a quarter, by default the last."""
    tables = _tables(results)
    return Plot(network.relationship_graph(tables, _quarter(tables, quarter), network.first_run(tables)))


def alignment_matrix(results: HasTables | Tables, quarter: str | None = None) -> Plot:
    """Share of each lab's compute by provider in a quarter, by default the last."""
    tables = _tables(results)
    return Plot(figures.alignment_matrix(tables, _quarter(tables, quarter)))


def _tables(results: HasTables | Tables) -> Tables:
    return results if isinstance(results, Mapping) else results.tables


def _quarter(tables: Tables, quarter: str | None) -> str:
    if quarter is None:
        return last_quarter(tables)
    known = set(tables["market"]["quarter"])
    if quarter not in known:
        raise TableError(f"no quarter {quarter!r} in the results; they run from {min(known)} to {max(known)}")
    return quarter
