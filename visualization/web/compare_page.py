"""The compare page: two scenarios, or a world with and without a deal, in pairs that share their luck."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import solara

from market.fact_names import Role
from market.facts import Facts
from visualization.effect_chart import effect_profile, effects
from visualization.web.address import Address, heredoc, resolve, scenario_code
from visualization.web.market_page import scenario_names
from visualization.web.parts import Tell, field, show_figure, use_background, whole
from visualization.web.widgets import CodeWidget, FormWidget, ShellWidget, styles

if TYPE_CHECKING:
    from experiments.comparison import Comparison

MOST_PAIRS = 24
PROFILES = ("alignment_hhi", "market_hhi", "capex_usd_bn", "price_usd_bn_per_gw_quarter")


@dataclass(frozen=True, slots=True)
class Request:
    """What to compare: a resolved scenario with another one, or with the same without a deal."""

    address: Address
    until: str


def signed_deals() -> list[str]:
    """Slugs of the disclosed deals that clouds signed with labs."""
    return [deal.slug for deal in Facts.load().disclosed_deals() if deal.role is Role.SIGNED]


@solara.component
def ComparePage(start: Address, notice: str) -> None:
    """The page from an address on: `other` is a scenario or a deal, `runs` the pairs."""
    request, set_request = solara.use_state(Request(start, "") if start.other and not notice else None)
    mistake, set_mistake = solara.use_state(notice)
    address = request.address if request else start
    column, set_column = solara.use_state("alignment_hhi")
    found, running, told, error = use_background(request, compared)
    deals = solara.use_memo(signed_deals, [])
    chosen = address.other

    def act(data: dict[str, Any]) -> None:
        set_mistake("")
        if data["kind"] == "cancel":
            set_request(None)
            return
        try:
            set_request(asked(address, data["values"]))
        except ValueError as error:
            set_mistake(" ".join(str(error).split()))

    ShellWidget.element(page="/compare", share=address.query(), look=styles())
    with solara.v.Html(tag="main", class_="page"):
        with solara.Div(classes=["card"]):
            solara.HTML(tag="h2", unsafe_innerHTML="Which worlds")
            FormWidget.element(
                fields=[
                    field("scenario", "World", address.scenario, scenario_names()),
                    choice("other", "Against the scenario", chosen, scenario_names()),
                    choice("deal", "or without the deal", chosen, deals),
                    field("runs", f"Pairs, up to {MOST_PAIRS}", address.runs),
                    field("until", "Last quarter, or empty", request.until if request else ""),
                ],
                verb="Compare", running=running, told=told, error=mistake or error, on_act=act,
            )  # fmt: skip
        if found is not None:
            show_comparison(found, column, set_column)
        _code(address)


def choice(name: str, label: str, chosen: str, options: list[str]) -> dict[str, Any]:
    """A field whose choice may be none."""
    return field(name, label, chosen if chosen in options else "", ["", *options])


def show_comparison(found: Comparison, column: str, set_column: Any) -> None:
    """All effects with intervals, and the course of one of them."""
    show_figure(effects(found))

    def pick(data: dict[str, Any]) -> None:
        if data["kind"] == "submit":
            set_column(str(data["values"]["column"]))

    with solara.Div(classes=["card"]):
        FormWidget.element(fields=[field("column", "Course of", column, PROFILES)], verb="Show", on_act=pick)
    show_figure(effect_profile(found, column))


def asked(address: Address, values: dict[str, Any]) -> Request:
    """The request of a form; raises ValueError, one line, for what cannot be compared."""
    other = str(values.get("deal") or values.get("other") or "")
    if not other:
        raise ValueError("choose a scenario or a deal to compare with")
    wanted = address.changed(scenario=str(values["scenario"]), other=other, runs=whole(values, "runs", MOST_PAIRS))
    wanted.resolved()
    return Request(wanted, str(values.get("until", "")).strip())


def compared(request: Request, tell: Tell) -> Comparison:
    """Run the pairs of a request in other processes, telling of each."""
    from experiments.comparison import compare
    from experiments.counterfactual import counterfactual

    address, done = request.address, [0]

    def progress() -> None:
        done[0] += 1
        tell(f"{done[0]} of {address.runs} pairs")

    tell(f"0 of {address.runs} pairs")
    options: dict[str, Any] = {
        "runs": address.runs, "seed": address.seed, "jobs": 2, "until": request.until or None, "progress": progress,
    }  # fmt: skip
    base = address.resolved()
    if address.other in scenario_names():
        return compare(base, resolve(address.other, ()), **options)
    return counterfactual(base, without=address.other, **options)


def _code(address: Address) -> None:
    CodeWidget.element(shell=shell_code(address), python=python_code(address))


def shell_code(address: Address) -> str:
    """What gives the comparison in a shell."""
    other, changed = address.other or "symmetric", bool(address.set or address.forks)
    world = "mine.toml" if changed else address.scenario
    asked = f"compare {world} {other}" if other in scenario_names() else f"counterfactual {world} --without {other}"
    command = f"cloudpact {asked} --runs {address.runs} --seed {address.seed}"
    return f"{heredoc(address)}\n{command}" if changed else command


def python_code(address: Address) -> str:
    """What gives the comparison in Python."""
    other, world = address.other or "symmetric", scenario_code(address)
    rest = f"runs={address.runs}, seed={address.seed}"
    name, asked = ("compare", f'"{other}"') if other in scenario_names() else ("counterfactual", f'without="{other}"')
    return f"from cloudpact import Scenario, {name}\n\nprint({name}({world}, {asked}, {rest}).text())\n"
