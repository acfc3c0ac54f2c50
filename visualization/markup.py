"""HTML pieces of the report; every text passes through `text`, which escapes it."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from visualization.chart import Cell, Figure, Kind, Part, csv_text, shown

_SIGNS = {Kind.MEASURED: "■", Kind.IMPUTED: "◧", Kind.SIMULATED: "□"}


def text(value: object) -> str:
    """Text made safe for HTML content and quoted attributes.

    >>> text('<b a="1">')
    '&lt;b a=&quot;1&quot;&gt;'
    """
    return html.escape(str(value), quote=True)


def script_json(value: Any) -> str:
    r"""JSON that cannot end the script element it stands in.

    >>> script_json({"a": "</script>"})
    '{"a":"\\u003c/script>"}'
    """
    return json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def tag_of(kind: Kind) -> str:
    """A small label with a sign and a word for where a number comes from."""
    return f'<span class="kind kind-{kind}"><span aria-hidden="true">{_SIGNS[kind]}</span> {kind}</span>'


def provenance(parts: Iterable[Part]) -> str:
    """Labels for all parts of a figure."""
    items = "".join(f"<li>{tag_of(part.kind)} {text(part.name)}</li>" for part in parts)
    return f'<ul class="parts" aria-label="Where the numbers come from">{items}</ul>'


def csv_link(name: str, columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """A download of a table that needs neither a server nor a script."""
    data = quote(csv_text(columns, rows), safe=" ,.:/;()-_*!")
    return f'<a class="download" download="{text(name)}.csv" href="data:text/csv;charset=utf-8,{text(data)}">CSV</a>'


def data_table(caption: str, columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """A plain table: the first column heads its row, numbers are rounded for reading."""
    listed = list(rows)
    numeric = [all(not isinstance(row[i], str) for row in listed) for i in range(len(columns))]
    head = "".join(
        f'<th scope="col"{' class="n"' if right else ""}>{text(name)}</th>'
        for name, right in zip(columns, numeric, strict=True)
    )
    body = "".join(f"<tr>{_cells(row)}</tr>" for row in listed)
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{text(caption)}"><table>'
        f"<caption>{text(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _cells(row: Sequence[Cell]) -> str:
    first, *others = row
    return f'<th scope="row">{text(first)}</th>' + "".join(_cell(value) for value in others)


def _cell(value: Cell) -> str:
    return f"<td>{text(value)}</td>" if isinstance(value, str) else f'<td class="n">{shown(value)}</td>'


def alternative(figure: Figure, unfolded: bool = False) -> str:
    """The table behind a chart, folded away unless said otherwise, with its download."""
    return (
        f'<div class="behind"><details{" open" if unfolded else ""}><summary>Data table</summary>'
        f"{data_table(f'{figure.title} ({figure.unit})', figure.columns, figure.rows)}</details>"
        f"{csv_link(figure.name, figure.columns, figure.rows)}</div>"
    )


def chart_card(figure: Figure, *, unfolded: bool = False) -> str:
    """A figure with everything that belongs to it; the script draws into the element with `data-chart`.

    The table is folded away, or `unfolded` in full length.
    """
    key = f'<p class="key">{text(figure.key)}</p>' if figure.key else ""
    return f"""<section class="card{" open-table" if unfolded else ""}" aria-labelledby="title-{text(figure.name)}">
<h3 id="title-{text(figure.name)}">{text(figure.title)}</h3>
<p class="sentence">{text(figure.sentence)}</p>
<p class="unit">{text(figure.unit)}</p>
{chart_box(figure)}
{key}
{provenance(figure.parts)}
{alternative(figure, unfolded)}
</section>"""


def chart_box(figure: Figure, css_class: str = "chart") -> str:
    """The empty element that the script draws into; its label says what the picture shows."""
    label = f"{figure.title}. {figure.sentence}"
    return (
        f'<div class="{css_class}"{_height(figure)} data-chart="{text(figure.name)}" role="img" '
        f'aria-label="{text(label)}"></div>'
    )


def _height(figure: Figure) -> str:
    """Room for every name down the side; nothing where the usual height will do."""
    down = figure.option.get("yAxis", {})
    names = (down[0] if isinstance(down, list) else down).get("data", ())
    needed_px = 60 + sum(24 if "\n" not in name else 38 for name in names)
    return f' style="height:{needed_px}px"' if needed_px > 290 else ""


def choice(name: str, legend: str, options: Mapping[str, str], chosen: str) -> str:
    """Buttons that show one of several panels: elements with `data-panel` of that name and the id `panel-OPTION`."""
    buttons = "".join(
        f'<label><input type="radio" name="{text(name)}" value="{text(value)}"'
        f"{' checked' if value == chosen else ''}><span>{text(label)}</span></label>"
        for value, label in options.items()
    )
    return f'<fieldset class="quarters"><legend>{text(legend)}</legend>{buttons}</fieldset>'


def manifest_table(manifest: Mapping[str, Any]) -> str:
    """What identifies a run, a row a value."""
    rows = "".join(
        f"<tr><th scope='row'>{text(name)}</th><td>{text(value)}</td></tr>" for name, value in _flat(manifest)
    )
    return f'<div class="scroll" tabindex="0" role="region" aria-label="Manifest"><table>{rows}</table></div>'


def _flat(value: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = []
    for name, item in value.items():
        label = f"{prefix}{name}"
        rows += _flat(item, f"{label}.") if isinstance(item, Mapping) else [(label, item)]
    return rows


def heat_card(figure: Figure) -> str:
    """A matrix as a table whose cells are tinted by their share; it needs no script."""
    head = "".join(f'<th scope="col">{text(name)}</th>' for name in figure.columns)
    body = "".join(
        f'<tr><th scope="row">{text(row[0])}</th><td class="n">{shown(row[1])}</td>'
        f"{''.join(map(_heat_cell, row[2:]))}</tr>"
        for row in figure.rows
    )
    return f"""<section class="card" aria-labelledby="title-{text(figure.name)}" data-chart="{text(figure.name)}">
<h3 id="title-{text(figure.name)}">{text(figure.title)}</h3>
<p class="sentence">{text(figure.sentence)}</p>
<p class="unit">{text(figure.unit)}</p>
<div class="scroll" tabindex="0" role="region" aria-label="{text(figure.title)}"><table class="heat">
<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>
{provenance(figure.parts)}
<div class="behind">{csv_link(figure.name, figure.columns, figure.rows)}</div>
</section>"""


def _heat_cell(value: Cell) -> str:
    share = value if isinstance(value, int | float) else 0.0
    if share < 0.5:
        return '<td class="n none">·</td>'
    strong = " strong" if share >= 50 else ""
    return f'<td class="n{strong}" style="--share:{share / 100:.2f}">{share:.0f}</td>'


def sparkline(values: Sequence[float | None], split: int) -> str:
    """A small line without axes; from index `split` on it is a forecast and drawn dashed."""
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return ""
    low, span = min(known), (max(known) - min(known)) or 1.0
    points = [
        f"{100 * i / (len(values) - 1):.1f},{22 - 20 * (value - low) / span:.1f}"
        for i, value in enumerate(values)
        if value is not None
    ]
    past, future = " ".join(points[: split + 1]), " ".join(points[split:])
    return (
        f'<svg class="spark" viewBox="0 0 100 24" preserveAspectRatio="none" aria-hidden="true">'
        f'<polyline points="{past}"/><polyline class="ahead" points="{future}"/></svg>'
    )
