"""The Solara application: one page each for the market, comparisons, experiments, and forecast and hindcast."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import reacton
import solara

from visualization.web.address import Address, AddressError
from visualization.web.compare_page import ComparePage
from visualization.web.experiments_page import ExperimentsPage
from visualization.web.forecast_page import ForecastPage
from visualization.web.market_page import MarketPage
from visualization.web.widgets import ShellWidget, styles

SORRY = "This page cannot be shown. Start again, or open the page without what follows the question mark."


@solara.component
def Layout(children: list[Any] = []) -> None:  # noqa: B006  (Solara passes children by this name and default)
    """No frame but ours, and an error boundary: a mistake in a page is one line, never a traceback."""
    error, clear = reacton.use_exception()
    if error is None:
        solara.Div(children=children)
    else:
        Apology(clear)


@solara.component
def Apology(clear: Callable[[], None]) -> None:
    """What a visitor sees of a page that cannot be shown."""
    with solara.v.Html(tag="main", class_="page"):
        ShellWidget.element(page="", look=styles())
        solara.v.Html(tag="p", class_="notice", attributes={"role": "alert"}, children=[SORRY])
        solara.Button("Start again", on_click=clear, text=True)


def _page(component: Callable[[Address, str], Any]) -> None:
    """A page of the address; one that cannot be used is told, and the page is that of the baseline."""
    query = solara.use_router().search or ""
    try:
        component(Address.parse(query), "")
    except AddressError as error:
        component(Address(), f"The address cannot be used, so this is the baseline. {error}")


@solara.component
def Market() -> None:
    """The market page of the address."""
    _page(MarketPage)


@solara.component
def Compare() -> None:
    """The compare page of the address."""
    _page(ComparePage)


@solara.component
def Experiments() -> None:
    """The experiments page of the address."""
    _page(ExperimentsPage)


@solara.component
def Forecast() -> None:
    """The forecast page of the address."""
    _page(ForecastPage)


routes = [
    solara.Route(path="/", component=Market, label="Market", layout=Layout),
    solara.Route(path="compare", component=Compare, label="Compare"),
    solara.Route(path="experiments", component=Experiments, label="Experiments"),
    solara.Route(path="forecast", component=Forecast, label="Forecast"),
]
