"""The experiments page: open a run, a sweep or a comparison, look at what it says, and start a small sweep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import solara

from visualization import figures
from visualization.chart import Figure
from visualization.effect_chart import effect_profile, effects
from visualization.sensitivity_chart import sensitivity_bars
from visualization.sweep_chart import factor_scatter, sweep_concentration
from visualization.web.address import Address
from visualization.web.controls import PATHS
from visualization.web.folders import folder, names, results_folder
from visualization.web.market_page import scenario_names
from visualization.web.parts import Tell, field, show_figure, show_table, use_background, whole
from visualization.web.widgets import CodeWidget, FormWidget, ShellWidget, styles

if TYPE_CHECKING:
    from experiments.sweeps.results import Sweep

OUTCOMES = (
    "alignment_hhi", "market_hhi", "utilisation_frac", "backlog_usd_bn", "circularity_frac", "capacity_gw",
    "mean(price_usd_bn_per_gw_quarter)", "sum(capex_usd_bn)",
)  # fmt: skip
MOST_RUNS = 64


@dataclass(frozen=True, slots=True)
class Found:
    """What a folder says: figures, and the boxes of a sweep in which an outcome lies above its upper quartile."""

    what: str
    figures: tuple[Figure, ...]
    boxes: tuple[tuple[str, ...], ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class SmallSweep:
    """A sweep that the page starts: one parameter between two values, by Latin hypercube."""

    scenario: str
    path: str
    low: float
    high: float
    samples: int
    replicates: int
    seed: int


@solara.component
def ExperimentsPage(start: Address, notice: str) -> None:
    """The page from an address on: `folder` is what is open, `outcome` what is asked of it."""
    address, set_address = solara.use_state(start)
    mistake, set_mistake = solara.use_state(notice)
    request, set_request = solara.use_state(None)
    made, running, told, error = use_background(request, swept)
    wanted = (address.folder, address.outcome or OUTCOMES[0]) if address.folder else None
    found, opening, _, wrong = use_background(wanted, opened)
    known = names()
    solara.use_effect(lambda: set_address(address.changed(folder=made)) if made else None, [made])

    def open_(data: dict[str, Any]) -> None:
        if data["kind"] == "submit":
            values = data["values"]
            set_address(address.changed(folder=str(values["folder"]), outcome=str(values["outcome"])))

    def start_(data: dict[str, Any]) -> None:
        set_mistake("")
        if data["kind"] == "cancel":
            set_request(None)
            return
        try:
            set_request(asked(data["values"], address.seed))
        except ValueError as error:
            set_mistake(" ".join(str(error).split()))

    ShellWidget.element(page="/experiments", share=address.query(), look=styles())
    with solara.v.Html(tag="main", class_="page"):
        with solara.Div(classes=["card"]):
            solara.HTML(tag="h2", unsafe_innerHTML="Open results")
            FormWidget.element(
                fields=[
                    field("folder", f"Run, sweep or comparison ({len(known)} here)", address.folder, ["", *known]),
                    field("outcome", "Outcome of a sweep", address.outcome or OUTCOMES[0], OUTCOMES),
                ],
                verb="Open", running=opening, told="opening", error=wrong, on_act=open_,
            )  # fmt: skip
        if found is not None:
            solara.HTML(tag="p", classes=["say"], unsafe_innerHTML=found.what)
            for figure in found.figures:
                show_figure(figure)
            if found.boxes:
                columns = ("box", "limits", "coverage", "density")
                show_table("boxes", "Where the outcome is high", found.note, columns, found.boxes)
        with solara.Div(classes=["card"]):
            solara.HTML(tag="h2", unsafe_innerHTML="Start a small sweep")
            FormWidget.element(
                fields=[
                    field("scenario", "World", "tiny", scenario_names()),
                    field("path", "Parameter", "negotiation.provider_power", PATHS),
                    field("low", "From", 0.2), field("high", "To", 0.8),
                    field("samples", "Points", 8), field("replicates", "Runs a point", 1),
                ],
                verb="Start", running=running, told=told, error=mistake or error, on_act=start_,
            )  # fmt: skip
        _code(address, request)


def asked(values: dict[str, Any], seed: int) -> SmallSweep:
    """The sweep of a form; raises ValueError, one line, for what is not allowed."""
    samples, replicates = whole(values, "samples", MOST_RUNS), whole(values, "replicates", MOST_RUNS)
    if samples * replicates > MOST_RUNS:
        raise ValueError(f"{samples} points times {replicates} runs; allowed on a page: {MOST_RUNS} runs")
    bounds = []
    for name in ("low", "high"):
        try:
            bounds.append(float(str(values[name])))
        except ValueError:
            raise ValueError(f"{name}: got {values[name]!r}; allowed: a number") from None
    return SmallSweep(str(values["scenario"]), str(values["path"]), bounds[0], bounds[1], samples, replicates, seed)


def swept(request: SmallSweep, tell: Tell) -> str:
    """Run the sweep into a new folder and return its name."""
    from experiments.store import next_folder
    from experiments.sweeping import sweep

    out = next_folder("page", results_folder())
    sweep(
        request.scenario, {request.path: (request.low, request.high)}, design="lhs", samples=request.samples,
        replicates=request.replicates, seed=request.seed, out=out, jobs=2,
        progress=lambda at: tell(f"{at.done} of {at.total} runs"),
    )  # fmt: skip
    return out.name


def opened(wanted: tuple[str, str], tell: Tell) -> Found:
    """What a folder of results says, asked for an outcome where it is a sweep."""
    from cloudpact.results import Results
    from experiments.comparison import Comparison
    from experiments.loading import load

    name, outcome = wanted
    results = load(folder(name))
    if isinstance(results, Results):
        tables = results.tables
        shown = (
            figures.concentration(tables),
            figures.dependence(tables),
            figures.capacity(tables),
            figures.capex(tables),
        )
        return Found(f"{len(results.runs)} runs.", shown)
    if isinstance(results, Comparison):
        return Found(
            f"{results.names[1]} against {results.names[0]}.",
            (effects(results), effect_profile(results, "alignment_hhi")),
        )
    return sweep_found(results, outcome)


def sweep_found(sweep: Sweep, outcome: str) -> Found:
    """Fan, sensitivity, scatter of each factor and boxes of a sweep, as far as its design and size allow."""
    from experiments.discovery import discover
    from experiments.sensitivity import sensitivity
    from experiments.sweeps.errors import SweepError

    drawn = [sweep_concentration(sweep)] if "market" in sweep.tables else []
    notes: list[str] = []
    boxes: list[tuple[str, ...]] = []
    try:
        drawn.append(sensitivity_bars(sensitivity(sweep, outcome)))
    except SweepError as error:
        notes.append(str(error))
    for factor in sweep.design.factors[:6]:
        drawn.append(factor_scatter(sweep, factor.path, outcome))
    try:
        upper = float(sweep.by_point(outcome).mean(axis=1).quantile(0.75))
        for number, row in enumerate(discover(sweep, outcome, above=upper).plain()["boxes"], start=1):
            limits = "; ".join(str(limit) for limit in row["limits"])
            boxes.append((str(number), limits, f"{row['coverage']:.2f}", f"{row['density']:.2f}"))
        note = f"{outcome} above {upper:.4g}, its upper quartile (PRIM)."
    except SweepError as error:
        notes.append(str(error))
        note = ""
    said = " ".join(f"{text}." if not text.endswith(".") else text for text in notes)
    return Found(f"A sweep of {len(sweep.runs)} runs. {said}", tuple(drawn), tuple(boxes), note)


def _code(address: Address, request: SmallSweep | None) -> None:
    at = request or SmallSweep("tiny", "negotiation.provider_power", 0.2, 0.8, 8, 1, address.seed)
    python = (
        "from cloudpact import sweep\n\n"
        f'found = sweep("{at.scenario}", vary={{"{at.path}": ({at.low}, {at.high})}}, design="lhs",\n'
        f"              samples={at.samples}, replicates={at.replicates}, seed={at.seed})\n"
        f'print(found.by_point("{address.outcome or OUTCOMES[0]}"))\n'
    )
    outcome = address.outcome or OUTCOMES[0]
    shell = (
        f'cloudpact sensitivity results/{address.folder} --outcome "{outcome}"'
        if address.folder
        else "cloudpact sweep power"
    )
    CodeWidget.element(shell=shell, python=python)
