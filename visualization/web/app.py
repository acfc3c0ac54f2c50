"""The Solara application: one page each for the market, comparisons, experiments, and forecast and hindcast."""

from __future__ import annotations

from typing import Any

import reacton
import solara

from visualization.web.address import Address, AddressError
from visualization.web.market_page import MarketPage
from visualization.web.widgets import ShellWidget, styles


@solara.component
def Layout(children: list[Any] = []) -> None:  # noqa: B006  (Solara passes children by this name and default)
    """No frame but ours, and an error boundary: a mistake in a page is one line, never a traceback."""
    error, clear = reacton.use_exception()
    with solara.Div():
        if error is None:
            solara.Div(children=children)
            return
        with solara.Div(classes=["page"]):
            ShellWidget.element(page="", look=styles())
            solara.HTML(tag="p", classes=["notice"], attributes={"role": "alert"}, unsafe_innerHTML=_told())
            solara.Button("Start again", on_click=clear, text=True)


def _told() -> str:
    return "This page cannot be shown. Start again, or open the page without what follows the question mark."


def _market() -> Any:
    query = solara.use_router().search or ""
    try:
        return MarketPage(Address.parse(query), "")
    except AddressError as error:
        return MarketPage(Address(), f"The address cannot be used, so this is the baseline. {error}")


@solara.component
def Market() -> None:
    """The market page of the address."""
    _market()


routes = [solara.Route(path="/", component=Market, label="Market", layout=Layout)]
