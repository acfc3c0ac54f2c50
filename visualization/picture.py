"""A figure as a static picture (PNG, SVG), drawn by Matplotlib from the chart data that the page draws too."""

from __future__ import annotations

import io
import math
import textwrap
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from visualization.chart import LOG_FLOOR, Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

FORMATS = (".png", ".svg")
DPI = 150
WIDTH_IN = 8.0

_INK, _SOFT, _GRID = "#14202e", "#4c5a6b", "#e8ecf1"
_POINTS_PER_PX = 0.75
_MARKERS = {"circle": "o", "diamond": "D", "triangle": "^", "rect": "s"}
_DASHES = {"solid": "-", "dashed": (0, (5, 3)), "dotted": (0, (1.5, 2.2))}
_DRAWN = ("line", "scatter", "heatmap")
# Fixed ids and plain metadata: equal figures give equal bytes.
_SETTINGS: dict[Any, Any] = {"svg.hashsalt": "cloudpact", "font.size": 9.0, "text.parse_math": False}
_METADATA: dict[str, dict[str, None]] = {".png": {"Software": None}, ".svg": {"Date": None, "Creator": None}}


class PictureError(ValueError):
    """A figure that cannot be drawn as a picture; the message is one line for the user."""


def picture(figure: Figure, suffix: str) -> bytes:
    """The figure as the bytes of a `.png` (150 dpi) or `.svg`; equal figures give equal bytes.

    Raises PictureError for another format, or for a figure that Matplotlib is not taught to draw.
    """
    from matplotlib import style

    if suffix not in FORMATS:
        raise PictureError(f"a picture is saved as {' or '.join(FORMATS)}, not as {suffix or 'a name without one'}")
    kinds = {series["type"] for series in figure.option["series"]}
    if not kinds <= set(_DRAWN):
        raise PictureError(
            f"{figure.name}: a {min(kinds - set(_DRAWN))} is not drawn as a picture; save it as .html or .csv"
        )
    with style.context(["default", _SETTINGS]):
        canvas = _canvas(figure)
        buffer = io.BytesIO()
        canvas.savefig(buffer, format=suffix[1:], dpi=DPI, metadata=_METADATA[suffix])  # type: ignore[arg-type]
    return buffer.getvalue()


def _canvas(figure: Figure) -> Canvas:
    """Title and sentence above, the axes, the key below, each in room that is measured in inches."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as Canvas
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    sentence, key = textwrap.wrap(figure.sentence, 112), textwrap.wrap(figure.key, 126)
    rows = _axis(figure.option, "yAxis").get("data") or ()
    lines = max((name.count("\n") + 1 for name in rows), default=1)
    plot_in = max(2.9, 0.24 * lines * len(rows) + 0.6)
    top_in, bottom_in = 0.55 + 0.17 * len(sentence), 0.15 + 0.15 * len(key)
    height_in = top_in + plot_in + bottom_in
    canvas = Canvas(figsize=(WIDTH_IN, height_in), facecolor="white")
    FigureCanvasAgg(canvas)
    room = (0.0, bottom_in / height_in, 1.0, plot_in / height_in)
    canvas.set_layout_engine(ConstrainedLayoutEngine(rect=room, w_pad=0.1))
    canvas.text(0.016, 1 - 0.12 / height_in, figure.title, va="top", weight="bold", size=12, color=_INK)
    canvas.text(0.016, 1 - 0.36 / height_in, "\n".join(sentence), va="top", size=9, color=_INK, linespacing=1.35)
    canvas.text(0.016, 0.08 / height_in, "\n".join(key), va="bottom", size=7.8, color=_SOFT, linespacing=1.35)
    axes = canvas.add_subplot()
    _draw(axes, figure)
    return canvas


def _draw(axes: Axes, figure: Figure) -> None:
    option = figure.option
    axes.set_title(figure.unit, loc="left", size=8.5, color=_SOFT)
    if any(series["type"] == "heatmap" for series in option["series"]):
        _heat_map(axes, option)
        return
    _scale(axes, option)
    bases: dict[str, Sequence[Any]] = {}
    for series in option["series"]:
        if "areaStyle" in series:
            _band(axes, bases[series["stack"]], series)
        elif "stack" in series:
            bases[series["stack"]] = series["data"]
        elif series["type"] == "line":
            _line(axes, series)
        else:
            _scatter(axes, series)
        _marks(axes, series, option)
    if _axis(option, "yAxis").get("type") == "log":
        axes.set_ylim(bottom=LOG_FLOOR)
    axes.autoscale_view()
    _end_labels(axes, option)
    for series in option["series"]:
        _names(axes, series)
    _legend(axes, option)


def _axis(option: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The axis that is seen: of several the one that names its values."""
    axis = option.get(name, {})
    return axis[0] if isinstance(axis, list) else axis


def _scale(axes: Axes, option: Mapping[str, Any]) -> None:
    """Scales, ticks and a quiet frame."""
    from matplotlib.ticker import FuncFormatter, NullLocator

    across, down = _axis(option, "xAxis"), _axis(option, "yAxis")
    axes.tick_params(colors=_SOFT, labelsize=8.5, length=0)
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color("#d8dee6")
    axes.grid(axis="x" if "data" in down else "y", color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    if down.get("type") == "log":
        axes.set_yscale("log")
        axes.yaxis.set_minor_locator(NullLocator())
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}".replace("-", "−")))
    if "data" in across:
        _name_ticks(axes.set_xticks, across["data"], years=isinstance(option["xAxis"], Mapping))
        padding = 0.5 if isinstance(option["xAxis"], list) else 0.0
        axes.set_xlim(-padding, max(len(across["data"]) - 1 + padding, 0.1))
    if "data" in down:
        _name_ticks(axes.set_yticks, down["data"])
        axes.set_ylim(len(down["data"]) - 0.5, -0.5)


def _name_ticks(set_ticks: Any, names: Sequence[str], years: bool = False) -> None:
    """A tick a name; where the names are many quarters, a tick a year."""
    kept = list(enumerate(names))
    if years and len(names) > 12:
        kept = [(i, name[:4]) for i, name in kept if name.endswith("Q1")]
        kept = kept[:: -(-len(kept) // 13)]
    set_ticks([i for i, _ in kept], [name for _, name in kept])


def _numbers(values: Sequence[Any]) -> list[float]:
    return [math.nan if value is None else float(value) for value in values]


def _points(data: Sequence[Any]) -> tuple[list[float], list[float]]:
    """Coordinates of a series: its places in order where only values are given."""
    values = [item["value"] if isinstance(item, Mapping) else item for item in data]
    if values and isinstance(values[0], list | tuple):
        return _numbers([value[0] for value in values]), _numbers([value[1] for value in values])
    return [float(i) for i in range(len(values))], _numbers(values)


def _line(axes: Axes, series: Mapping[str, Any]) -> None:
    x, y = _points(series["data"])
    style = series["lineStyle"]
    dash = style.get("type", "solid")
    width = _POINTS_PER_PX * style["width"]
    caps = series.get("symbolSize")
    upright = isinstance(caps, list) and caps[1] > caps[0]
    axes.plot(
        x,
        y,
        color=style["color"],
        linewidth=width,
        alpha=style.get("opacity", 1.0),
        linestyle=_DASHES[dash] if isinstance(dash, str) else (0, tuple(part / max(width, 1) for part in dash)),
        marker=("|" if upright else "_") if isinstance(caps, list) else None,
        markersize=6,
        solid_capstyle="butt",
        zorder=series.get("z", 2),
    )


def _band(axes: Axes, base: Sequence[Any], series: Mapping[str, Any]) -> None:
    low = _numbers(base)
    high = [a + b for a, b in zip(low, _numbers(series["data"]), strict=True)]
    style = series["areaStyle"]
    axes.fill_between(range(len(low)), low, high, color=style["color"], alpha=style["opacity"], linewidth=0, zorder=1)


def _scatter(axes: Axes, series: Mapping[str, Any]) -> None:
    x, y = _points(series["data"])
    style = series.get("itemStyle", {})
    axes.scatter(
        x,
        y,
        s=(_POINTS_PER_PX * series["symbolSize"]) ** 2,
        marker=_MARKERS[series.get("symbol", "circle")],
        color=style.get("color", series["color"]),
        alpha=style.get("opacity", 1.0),
        linewidths=0,
        zorder=series.get("z", 2),
    )


def _names(axes: Axes, series: Mapping[str, Any]) -> None:
    """Names beside the points that have one shown, but for those that would cover an earlier one."""
    wanted = [item for item in series["data"] if isinstance(item, Mapping) and item.get("label", {}).get("show")]
    taken: list[tuple[float, float]] = []
    for item in wanted:
        x, y = axes.transData.transform(item["value"])
        if any(abs(x - a) < 130 and abs(y - b) < 12 for a, b in taken):
            continue
        taken.append((x, y))
        left = item["label"]["position"] == "left"
        axes.annotate(item["name"], item["value"], xytext=(-7 if left else 7, 0), textcoords="offset points",
                      ha="right" if left else "left", va="center", size=8.5, color=_INK)  # fmt: skip


def _marks(axes: Axes, series: Mapping[str, Any], option: Mapping[str, Any]) -> None:
    """Shaded spans of quarters, and lines at a value."""
    for mark in series.get("markLine", {}).get("data", ()):
        draw = axes.axvline if "xAxis" in mark else axes.axhline
        draw(next(iter(mark.values())), color="#7A7F87", linewidth=0.9, zorder=1.5)
    area = series.get("markArea")
    if area:
        quarters = _axis(option, "xAxis")["data"]
        first, last = (quarters.index(end["xAxis"]) for end in area["data"][0])
        axes.axvspan(first, last, color="#7A7F87", alpha=0.13, linewidth=0, zorder=0)
        named = area["data"][0][0]["name"]
        axes.annotate(named, (last, 1.0), xycoords=axes.get_xaxis_transform(), xytext=(-4, -4), zorder=1,
                      textcoords="offset points", ha="right", va="top", size=7.8, color=_SOFT)  # fmt: skip


def _heat_map(axes: Axes, option: Mapping[str, Any]) -> None:
    """Shares in per cent, the number in every cell that is not nil."""
    from matplotlib.colors import LinearSegmentedColormap

    across, down = _axis(option, "xAxis")["data"], _axis(option, "yAxis")["data"]
    shares = [[math.nan] * len(across) for _ in down]
    for column, row, value in option["series"][0]["data"]:
        shares[row][column] = math.nan if value is None else value
    scale = option["visualMap"]
    colours = LinearSegmentedColormap.from_list("share", scale["inRange"]["color"])
    axes.imshow(shares, cmap=colours, vmin=scale["min"], vmax=scale["max"], aspect="auto")
    axes.set_xticks(range(len(across)), across)
    axes.set_yticks(range(len(down)), down)
    axes.tick_params(colors=_INK, length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    for row, values in enumerate(shares):
        for column, value in enumerate(values):
            if value >= 0.5:
                ink = "white" if value > 0.55 * scale["max"] else _INK
                axes.text(column, row, f"{value:.0f}", ha="center", va="center", color=ink)


def _end_labels(axes: Axes, option: Mapping[str, Any]) -> None:
    """Names at the ends of the lines, moved apart where they would cover each other."""
    wanted = [series for series in option["series"] if series.get("endLabel", {}).get("show")]
    ends = []
    for series in wanted:
        x, y = _points(series["data"])
        known = [(a, b) for a, b in zip(x, y, strict=True) if not math.isnan(b)]
        if known:
            ends.append((axes.transData.transform(known[-1])[1], series["name"], series["color"]))
    if not ends:
        return
    _, bottom = axes.transData.transform((0, axes.get_ylim()[0]))
    height = axes.get_window_extent().height
    places = [(pixel - bottom) / height for pixel, *_ in ends]
    for place, (_, name, colour) in zip(_apart(places, 0.062), ends, strict=True):
        axes.annotate(name, (1.0, place), xycoords="axes fraction", xytext=(6, 0), textcoords="offset points",
                      va="center", size=8.5, color=colour, weight="bold", annotation_clip=False)  # fmt: skip


def _apart(places: Sequence[float], gap: float) -> list[float]:
    """The places in the same order, moved up as little as keeps the gap, and down again from the top.

    >>> [round(place, 2) for place in _apart([0.5, 0.51, 1.0], 0.1)]
    [0.5, 0.6, 1.0]
    """
    order = sorted(range(len(places)), key=lambda i: places[i])
    moved = list(places)
    for before, i in pairwise(order):
        moved[i] = max(moved[i], moved[before] + gap)
    ceiling = max(1.0, places[order[-1]]) + gap
    for i in reversed(order):
        moved[i] = min(moved[i], ceiling - gap)
        ceiling = moved[i]
    return moved


def _legend(axes: Axes, option: Mapping[str, Any]) -> None:
    from matplotlib.lines import Line2D

    names = option.get("legend", {}).get("data")
    if not names:
        return
    by_name = {series["name"]: series for series in option["series"] if series["type"] == "scatter"}
    handles = [
        Line2D([], [], linestyle="", marker=_MARKERS[by_name[name]["symbol"]], color=by_name[name]["color"], label=name)
        for name in names
    ]
    axes.legend(handles=handles, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=len(names), frameon=False,
                fontsize=8.5, handletextpad=0.2, borderaxespad=0.1)  # fmt: skip
