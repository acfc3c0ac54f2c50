"""Why a deal was signed on its terms: both sides' gains, component by component, and the best offer of a rival."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from visualization.chart import PALETTE, Cell, Figure, Kind, Part, clean, shown
from visualization.interval_chart import row_axes, zero_line
from visualization.names import signed

_SIDES = ("lab", "provider")
_COLUMNS = ("side", "step", "without the deal", "with it", "gain", "sum so far")
# Kind of step: colour and mark at its end, so that colour is not the only sign.
_KINDS = {
    "gain": (PALETTE[2], "circle"),
    "loss": (PALETTE[1], "diamond"),
    "level": (PALETTE[0], "rect"),
    "rival's offer": (PALETTE[6], "triangle"),
}


@dataclass(frozen=True, slots=True)
class Step:
    """One bar: its name, where it starts and ends in USD bn, and its row of the table; a level starts at nil."""

    name: str
    start: float
    end: float
    kind: str
    cells: tuple[Cell, ...]

    @property
    def told(self) -> str:
        """Its size: a component with its sign, a level without."""
        size = self.end - self.start
        return signed(size) if self.kind in ("gain", "loss") else shown(size).replace("-", "−")


def waterfall(explanation: Mapping[str, Any]) -> Figure:
    """Both sides' components from the threat point to the signed gain, with the best rival offer marked.

    `explanation` is what `experiments.explain.explanation` tells. A deal without talks of its own, such as a disclosed
    one, gives a figure without bars whose sentence says why. A component that adds nothing is named, not drawn.
    """
    deal, talks = explanation["deal"], explanation["negotiation"]
    name, title = "why-" + str(deal["deal"]).replace(":", "-"), f"Why {deal['lab']} and {deal['provider']} signed"
    if talks is None:
        return _without_story(explanation, name, title)
    found = talks["explained"]
    names = {side: str(talks[side]) for side in _SIDES}
    rival = _best_rival(found["rivals"])
    steps = _steps("lab", names["lab"], found)
    if rival is not None:
        steps.append(_rival_step(names["lab"], rival))
    steps += _steps("provider", names["provider"], found)
    sentence, key = _sentence(found, names, rival), _key(found, names)
    rows = tuple(step.cells for step in steps)
    part = Part("gains as both sides saw them in the talks", Kind.SIMULATED)
    return Figure(name, title, sentence, "USD bn, over no deal", _option(steps), _COLUMNS, rows, (part,), key)


def _without_story(explanation: Mapping[str, Any], name: str, title: str) -> Figure:
    """A figure without bars: a reader who asks for the reason is told that there is none."""
    disclosed = explanation["deal"]["origin"] == "disclosed"
    sentence = (
        "This deal was signed as disclosed, not bargained: its terms are facts or imputed, and have no story here."
        if disclosed
        else "The talks behind this deal are not in the results."
    )
    parts = [Part("the deal, its date and its parties", Kind.MEASURED if disclosed else Kind.SIMULATED)]
    if disclosed and explanation["imputed"]:
        parts.append(Part(", ".join(each.replace("_", " ") for each in explanation["imputed"]), Kind.IMPUTED))
    option = row_axes([""])
    option["xAxis"]["show"] = option["yAxis"][0]["show"] = False
    return Figure(name, title, sentence, "", option, _COLUMNS, (), tuple(parts))


def _steps(side: str, name: str, found: Mapping[str, Any]) -> list[Step]:
    """Threat point, the components that add something, gains first, and the gain that was signed."""
    threat, at = float(found["threat"][side] or 0.0), 0.0
    steps = [_level(name, "threat point", threat)]
    for part, values in sorted(found["sides"][side].items(), key=lambda item: -item[1]["gain"]):
        if gain := values["gain"]:
            words, end = part.replace("_", " "), at + gain
            cells = (name, words, *(clean(values[key]) for key in ("disagreement", "signed", "gain")), clean(end))
            steps.append(Step(words, at, end, "gain" if gain > 0 else "loss", cells))
            at = end
    return [*steps, _level(name, "signed gain", float(found["payoffs"][side]))]


def _level(name: str, what: str, value: float) -> Step:
    return Step(f"{name}: {what}", 0.0, value, "level", (name, what, None, None, None, clean(value)))


def _best_rival(rivals: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The rival that offered the lab most; None where none made an offer."""
    offers = [rival for rival in rivals if rival["offered"] is not None]
    return max(offers, key=lambda rival: (rival["offered"], rival["provider"]), default=None)


def _rival_step(lab: str, rival: Mapping[str, Any]) -> Step:
    what, offered = f"best rival: {rival['provider']}", float(rival["offered"])
    return Step(what, 0.0, offered, "rival's offer", (lab, what, None, None, None, clean(offered)))


def _option(steps: Sequence[Step]) -> dict[str, Any]:
    """A row a step: a thick line from start to end, as a bar may cross zero, and a mark with the size at its end."""
    option = row_axes([step.name for step in steps])
    placed = list(enumerate(steps))
    kinds = [kind for kind in _KINDS if any(step.kind == kind for step in steps)]
    for kind in kinds:
        option["series"] += _series(kind, [(row, step) for row, step in placed if step.kind == kind])
    option["series"][0]["markLine"] = zero_line("xAxis")
    option["legend"] = {"top": 0, "left": 0, "itemHeight": 9, "data": kinds}
    option["grid"] |= {"top": 30, "left": 34, "right": 50}  # room for the sizes beside the ends
    return option


def _series(kind: str, placed: Sequence[tuple[int, Step]]) -> list[dict[str, Any]]:
    colour, symbol = _KINDS[kind]
    shared = {"name": kind, "yAxisIndex": 1, "color": colour}
    bars: list[list[float | None]] = []
    for row, step in placed:
        bars += [[clean(step.start), row], [clean(step.end), row], [None, None]]
    line = {"width": 11, "color": colour, "cap": "butt", "opacity": 0.5}
    ends = [
        {
            "value": [clean(step.end), row],
            "name": step.told,
            "tip": f"{step.name}: {step.told} USD bn",
            "label": {"show": True, "position": "left" if step.end < step.start else "right", "formatter": "{b}"},
        }
        for row, step in placed
    ]
    return [
        {**shared, "type": "line", "data": bars, "symbol": "none", "silent": True, "z": 2, "lineStyle": line},
        {**shared, "type": "scatter", "data": ends, "z": 4, "symbol": symbol, "symbolSize": 8}
        | {"itemStyle": {"color": colour}},
    ]


def _sentence(found: Mapping[str, Any], names: Mapping[str, str], rival: Mapping[str, Any] | None) -> str:
    told = f"Over no deal this round, {names['lab']} gains {_bn(found['payoffs']['lab'])} and {names['provider']} "
    told += f"{_bn(found['payoffs']['provider'])}"
    most = [part for side in _SIDES if (part := _largest(found["sides"][side], names[side]))]
    told += f"; what counts most is {' and '.join(most)}" if most else ""
    if rival is None:
        return f"{told}. No rival made an offer."
    return f"{told}. The best rival offer, {rival['provider']}'s, was worth {_bn(rival['offered'])} to {names['lab']}."


def _largest(parts: Mapping[str, Mapping[str, float]], name: str) -> str:
    """The component that adds most to a side's gain; nothing where none adds anything."""
    part = max(parts, key=lambda each: parts[each]["gain"])
    return f"{part.replace('_', ' ')} for {name}" if parts[part]["gain"] > 0 else ""


def _key(found: Mapping[str, Any], names: Mapping[str, str]) -> str:
    idle = [
        f"{names[side]}: {', '.join(part.replace('_', ' ') for part, values in parts.items() if not values['gain'])}"
        for side, parts in found["sides"].items()
        if any(not values["gain"] for values in parts.values())
    ]
    key = "Bars run from the sum so far to the next, counted from no deal this round; levels from nil."
    return f"{key} Without a part in it: {'; '.join(idle)}." if idle else key


def _bn(value: float) -> str:
    return f"USD {shown(value).replace('-', '−')} bn"
