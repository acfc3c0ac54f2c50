"""The page's own Vue components: templates put together from `static/`, with the traits that the server sets."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import ipyvuetify
import traitlets

STATIC = Path(__file__).with_name("static")
REPORT = Path(__file__).parent.parent / "static"


@cache
def _text(name: str) -> str:
    return (STATIC / name).read_text(encoding="utf-8")


@cache
def template(html: str, *scripts: str) -> str:
    """A single-file component of a template and the scripts it needs, the last of which exports it."""
    script = "\n".join(map(_text, scripts))
    return f"<template>\n{_text(html)}</template>\n<script>\n{script}\n</script>\n"


@cache
def styles() -> str:
    """The look: that of the report, and what the page adds."""
    return (REPORT / "report.css").read_text(encoding="utf-8") + _text("page.css")


class _Acting(ipyvuetify.VuetifyTemplate):  # type: ignore[misc]
    """A component that tells the server of what the user did, in one dictionary with a `kind`."""

    on_act = traitlets.Any(None, allow_none=True)

    def vue_act(self, data: Any) -> None:
        """Pass on what the user did, if it has the form that the page sends."""
        if self.on_act is not None and isinstance(data, dict) and isinstance(data.get("kind"), str):
            self.on_act(data)


class ShellWidget(_Acting):
    """Head of every page: name, links that keep the address, theme, a link to share."""

    template = traitlets.Unicode(template("shell.html", "page.js", "shell.js")).tag(sync=True)
    page = traitlets.Unicode("").tag(sync=True)
    share = traitlets.Unicode("").tag(sync=True)
    look = traitlets.Unicode("").tag(sync=True)


class MarketWidget(_Acting):
    """The market page: everything that depends on the quarter, drawn from one recorded world."""

    template = traitlets.Unicode(
        template("market.html", "page.js", "chart_box.js", "market_charts.js", "market.js")
    ).tag(sync=True)
    world = traitlets.Any(None, allow_none=True).tag(sync=True)
    fork = traitlets.Any(None, allow_none=True).tag(sync=True)
    fan = traitlets.Any(None, allow_none=True).tag(sync=True)
    fan_note = traitlets.Unicode("").tag(sync=True)
    quarter = traitlets.Int(0).tag(sync=True)
    playing = traitlets.Bool(False).tag(sync=True)
    speed = traitlets.Int(4).tag(sync=True)
    status = traitlets.Unicode("").tag(sync=True)
    error = traitlets.Unicode("").tag(sync=True)
    share = traitlets.Unicode("").tag(sync=True)
    address = traitlets.Dict({}).tag(sync=True)
    scenarios: Any = traitlets.List([]).tag(sync=True)
    controls: Any = traitlets.List([]).tag(sync=True)
    switches: Any = traitlets.List([]).tag(sync=True)
    opened = traitlets.Dict({}).tag(sync=True)
    code = traitlets.Dict({}).tag(sync=True)
    exports: Any = traitlets.List([]).tag(sync=True)
    download = traitlets.Dict({}).tag(sync=True)


class FigureWidget(ipyvuetify.VuetifyTemplate):  # type: ignore[misc]
    """One figure of `visualization.chart` with its sentence, data table and downloads."""

    template = traitlets.Unicode(template("figure.html", "page.js", "chart_box.js", "figure.js")).tag(sync=True)
    figure = traitlets.Dict({}).tag(sync=True)


class FormWidget(_Acting):
    """Fields with a button, what is under way, and a way to stop it; a field has name, label, value and options."""

    template = traitlets.Unicode(template("form.html", "form.js")).tag(sync=True)
    fields: Any = traitlets.List([]).tag(sync=True)
    verb = traitlets.Unicode("").tag(sync=True)
    running = traitlets.Bool(False).tag(sync=True)
    told = traitlets.Unicode("").tag(sync=True)
    error = traitlets.Unicode("").tag(sync=True)


class TableWidget(ipyvuetify.VuetifyTemplate):  # type: ignore[misc]
    """A table with a title and a sentence."""

    template = traitlets.Unicode(template("table.html", "page.js", "table.js")).tag(sync=True)
    name = traitlets.Unicode("").tag(sync=True)
    title = traitlets.Unicode("").tag(sync=True)
    sentence = traitlets.Unicode("").tag(sync=True)
    columns: Any = traitlets.List([]).tag(sync=True)
    rows: Any = traitlets.List([]).tag(sync=True)


class CodeWidget(ipyvuetify.VuetifyTemplate):  # type: ignore[misc]
    """The command line and the Python that give what a page shows."""

    template = traitlets.Unicode(template("code.html", "code.js")).tag(sync=True)
    shell = traitlets.Unicode("").tag(sync=True)
    python = traitlets.Unicode("").tag(sync=True)
