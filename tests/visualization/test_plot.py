from __future__ import annotations

import html
import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from tests.visualization.synthetic import tables
from visualization import figures, plot
from visualization.quantiles import TableError

TABLES = tables(runs=2)


@dataclass(frozen=True)
class Results:
    tables: dict[str, pd.DataFrame]


def test_results_and_tables_give_the_same_figure() -> None:
    assert plot.concentration(Results(TABLES)) == plot.concentration(TABLES)
    assert plot.concentration(TABLES).figure == figures.concentration(TABLES)


@pytest.mark.parametrize("name", ["capacity", "capex", "utilisation", "price", "lab_revenue", "dependence"])
def test_every_plot_is_its_figure(name: str) -> None:
    assert getattr(plot, name)(TABLES).figure == getattr(figures, name)(TABLES)


def test_graph_and_matrix_show_the_last_quarter_unless_told() -> None:
    assert plot.relationship_graph(TABLES).figure.title == "Who is tied to whom, 2030Q4"
    assert plot.alignment_matrix(TABLES, "2025Q4").figure.title == "Who hosts whom, 2025Q4"


def test_an_unknown_quarter_is_refused() -> None:
    with pytest.raises(TableError, match="no quarter '2031Q1' in the results; they run from 2019Q1 to 2030Q4"):
        plot.alignment_matrix(TABLES, "2031Q1")


def test_a_notebook_gets_a_frame_with_the_whole_page() -> None:
    shown = plot.concentration(TABLES)._repr_html_()
    source = re.search(r'srcdoc="([^"]*)"', shown)

    assert source is not None
    assert html.unescape(source[1]).startswith("<!doctype html>")
    assert 'data-chart="concentration"' in html.unescape(source[1])


def test_saved_as_page_and_as_table(tmp_path: Path) -> None:
    made = plot.concentration(TABLES)

    assert "<title>cloudpact: Concentration over time</title>" in made.save(tmp_path / "a.html").read_text("utf-8")
    assert made.save(tmp_path / "a.csv").read_bytes().decode() == made.figure.csv()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "a.html"]


def test_other_formats_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"a figure is saved as \.html, \.png, \.svg or \.csv, not as \.pdf"):
        plot.concentration(TABLES).save(tmp_path / "a.pdf")
