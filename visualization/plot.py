"""The notebook's face of the figures: `plot.concentration(results)` shows itself and can be saved."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pandas as pd

from visualization import figures, network
from visualization.chart import Figure
from visualization.markup import text
from visualization.page import figure_page
from visualization.picture import FORMATS, picture
from visualization.quantiles import TableError, Tables, last_quarter


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

        Equal figures give equal files.

        Raises:
            ValueError: the name ends otherwise, or the figure cannot be drawn as a picture.
        """
        target = Path(path)
        content = self._content(target)
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


def concentration(results: HasTables | Tables) -> Plot:
    """Concentration over time, with the ensemble's fan."""
    return Plot(figures.concentration(_tables(results)))


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
