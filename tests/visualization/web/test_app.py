"""The error boundary: a page that raises is one line, and nothing of the server shows."""

from __future__ import annotations

from typing import Any

import ipywidgets
import pytest
import solara

from visualization.web.app import SORRY, Layout, routes


@solara.component
def Broken() -> None:  # noqa: N802
    raise RuntimeError("/secret/path")


def told(widget: Any) -> str:
    """All text of a widget and its children."""
    if isinstance(widget, str):
        return widget
    return " ".join(told(each) for each in getattr(widget, "children", None) or ())


def test_a_page_that_raises_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    box, context = solara.render(Layout(children=[Broken()]), handle_error=False)
    assert isinstance(box, ipywidgets.Widget)
    assert SORRY in told(box)
    assert "secret" not in told(box)
    context.close()


def test_every_page_has_its_route() -> None:
    assert [route.path for route in routes] == ["/", "compare", "experiments", "forecast"]
