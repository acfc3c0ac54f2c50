from __future__ import annotations

import io
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread

from tests.visualization.synthetic import tables
from tests.visualization.test_effect_chart import FOUND
from tests.visualization.test_sensitivity_chart import MORRIS, PAWN, SOBOL
from visualization import effect_chart, figures, plot
from visualization.chart import Figure
from visualization.picture import PictureError, picture
from visualization.plot import Plot
from visualization.scatter_chart import scatter
from visualization.sensitivity_chart import morris_plane, sensitivity_bars

TABLES = tables(runs=3)
X = pd.Series(np.linspace(0, 1, 40), name="power")
FIGURES = (
    figures.concentration(TABLES),
    figures.capacity(TABLES),
    figures.lab_revenue(TABLES),
    figures.alignment_matrix(TABLES, "2030Q4"),
    *map(sensitivity_bars, (SOBOL, MORRIS, PAWN)),
    morris_plane(MORRIS),
    effect_chart.effects(FOUND),
    effect_chart.effect_profile(FOUND),
    scatter(X, (3 * X).rename("y")),
    scatter((X > 0.5).rename("ban"), (3 * X).rename("y")),
)


def pixels(figure: Figure) -> np.ndarray:
    """Red, green and blue of every pixel, 0 to 255."""
    return (255 * imread(io.BytesIO(picture(figure, ".png")))[..., :3]).round().astype(int)


def count(image: np.ndarray, colour: str) -> int:
    return int((image == [int(colour[i : i + 2], 16) for i in (1, 3, 5)]).all(axis=2).sum())


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.name)
def test_every_figure_fills_a_picture_of_eight_inches(figure: Figure) -> None:
    image = pixels(figure)

    assert image.shape[1] == 1200
    assert image.shape[0] > 500
    assert (image[0] == 255).all()
    assert (image[:, 0] == 255).all()
    assert (image[:, -1] == 255).all()  # nothing is cut off at the edges
    assert len(np.unique(image @ [65536, 256, 1])) > 20


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_equal_figures_give_equal_bytes_whatever_the_user_s_settings(suffix: str) -> None:
    before = picture(FIGURES[0], suffix)
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "red", "svg.hashsalt": None, "savefig.dpi": 20}):
        assert picture(FIGURES[0], suffix) == before
    assert b"Date" not in before
    assert b"Matplotlib" not in before[:300] or suffix == ".svg"


def test_lines_and_bands_lie_where_their_numbers_are() -> None:
    """A line at a constant with a band above it: in its colour at one height only, the band right above."""
    market = pd.DataFrame(
        [
            {"run": run, "quarter": f"20{y}Q{q}", "forecast": True, "utilisation_frac": value}
            for run, value in enumerate([0.5] * 6 + [1.0] * 5)
            for y in (26, 27)
            for q in (1, 2, 3, 4)
        ]
    )
    image = pixels(figures.utilisation({"market": market}))
    line = (image == [0x00, 0x72, 0xB2]).all(axis=2)
    rows = np.flatnonzero(line.sum(axis=1) > 800)
    shaded = (image[: rows[0], 600] != 255).any(axis=1).sum()

    assert 1 <= len(rows) <= 5
    assert shaded > 200
    assert (image[rows[-1] + 3 : rows[-1] + 12, 600] == 255).all()


def test_the_diagonal_of_points_is_drawn_upwards() -> None:
    image = pixels(scatter(X, (3 * X).rename("y")))
    orange = np.argwhere((image == [0xD5, 0x5E, 0x00]).all(axis=2))
    left, right = orange[orange[:, 1].argmin()], orange[orange[:, 1].argmax()]

    assert left[0] > right[0] + 100


def test_bars_and_their_names_go_down_in_order_of_influence() -> None:
    image = pixels(sensitivity_bars(PAWN))
    blue = (image == [0x00, 0x72, 0xB2]).all(axis=2)
    rows = np.flatnonzero(blue.any(axis=1))
    upper, lower = blue[rows[0] : rows[0] + 60], blue[rows[-1] - 60 : rows[-1]]

    assert upper.any(axis=0).nonzero()[0].max() > lower.any(axis=0).nonzero()[0].max()


def test_text_is_no_formula() -> None:
    figure = scatter(X.rename("$x^"), (3 * X).rename("y_$"))

    assert picture(figure, ".png").startswith(b"\x89PNG")


def test_what_cannot_be_drawn_is_refused_in_one_line(tmp_path: Path) -> None:
    graph = plot.relationship_graph(TABLES)

    with pytest.raises(
        PictureError, match=r"^relationships-2030Q4: a graph is not drawn as a picture; save it as \.html or \.csv$"
    ):
        graph.save(tmp_path / "graph.png")
    with pytest.raises(PictureError, match=r"a picture is saved as \.png or \.svg, not as \.pdf"):
        picture(FIGURES[0], ".pdf")
    assert list(tmp_path.iterdir()) == []


def test_a_saved_picture_is_the_picture(tmp_path: Path) -> None:
    path = Plot(FIGURES[0]).save(tmp_path / "a.svg")

    assert path.read_bytes() == picture(FIGURES[0], ".svg")
    assert path.read_bytes().startswith(b"<?xml")
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.svg"]
