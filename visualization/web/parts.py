"""What pages are put together from: figures, tables, and work in the background with progress and a way to stop it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import solara

from experiments.ensemble import EnsembleError
from visualization.chart import ON_DARK, Cell, Figure
from visualization.web.server_state import BACKGROUND
from visualization.web.widgets import FigureWidget, TableWidget

type Tell = Callable[[str], None]


class StoppedError(Exception):
    """Raised in background work that nobody waits for any more."""


def show_figure(figure: Figure) -> None:
    """Draw a figure of `visualization` in its card."""
    FigureWidget.element(figure=plain_figure(figure)).key(figure.name)


def plain_figure(figure: Figure) -> dict[str, Any]:
    """A figure as the browser gets it."""
    return {
        "name": figure.name, "title": figure.title, "sentence": figure.sentence, "unit": figure.unit,
        "option": figure.option, "columns": list(figure.columns), "rows": [list(row) for row in figure.rows],
        "key": figure.key, "dark": dict(ON_DARK),
    }  # fmt: skip


def show_table(name: str, title: str, sentence: str, columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> None:
    """A table in its card."""
    TableWidget.element(
        name=name, title=title, sentence=sentence, columns=list(columns), rows=[list(row) for row in rows]
    ).key(name)


def use_background[T](request: Any, work: Callable[[Any, Tell], T]) -> tuple[T | None, bool, str, str]:
    """Work for a request that is not None: what came of it, whether it runs, its progress, and a mistake in one line.

    `work(request, tell)` calls `tell(text)` as it goes on, which raises StoppedError once the request is another. Few
    works run at once on a server; more wait for their turn.
    """
    told, set_told = solara.use_state("")

    def run(cancel: threading.Event) -> tuple[T | None, str]:
        if request is None:
            return None, ""

        def tell(text: str) -> None:
            if cancel.is_set():
                raise StoppedError
            set_told(text)

        tell("waiting for its turn")
        while not BACKGROUND.acquire(timeout=0.5):
            tell("waiting for its turn")
        try:
            return work(request, tell), ""
        except StoppedError:
            return None, ""
        except (ValueError, EnsembleError, OSError) as mistake:
            return None, " ".join(str(mistake).split())
        finally:
            BACKGROUND.release()

    result: solara.Result[Any] = solara.use_thread(run, dependencies=[request], intrusive_cancel=False)
    running = request is not None and result.state in (solara.ResultState.RUNNING, solara.ResultState.STARTING)
    found, error = result.value if result.state == solara.ResultState.FINISHED and result.value else (None, "")
    if result.state == solara.ResultState.ERROR:
        error = "this went wrong on the server; nothing else is affected"
    return found, running, told, error


def field(name: str, label: str, value: Any, options: Sequence[str] | None = None, rows: int = 0) -> dict[str, Any]:
    """A field of a form: a choice where there are options, a text of some rows, or a line."""
    made: Mapping[str, Any] = {"name": name, "label": label, "value": value, "rows": rows}
    return {**made, **({"options": list(options)} if options is not None else {})}


def whole(values: Mapping[str, Any], name: str, most: int) -> int:
    """A whole number of a form from 1 to `most`; raises ValueError in one line."""
    text = str(values.get(name, "")).strip()
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= most):
        raise ValueError(f"{name}: got {text!r}; allowed: a whole number from 1 to {most}")
    return int(text)
