"""The market page: a recorded world, a clock over its quarters, forks beside it, and why deals were signed."""

from __future__ import annotations

import base64
import threading
import time
from dataclasses import asdict
from typing import Any

import solara

from market.scenario import SHIPPED_SCENARIOS, Scenario
from market.scenario_errors import ScenarioError
from visualization.web.address import Address, AddressError, command_line, python_code
from visualization.web.controls import controls, setting, switches
from visualization.web.deal_story import bargained_again, story
from visualization.web.exports import export
from visualization.web.exports import names as export_names
from visualization.web.imports import imported
from visualization.web.server_state import WORLDS
from visualization.web.view import overlay
from visualization.web.widgets import MarketWidget, ShellWidget, styles
from visualization.web.worlds import World

SPEEDS = (2, 4, 8, 15)


@solara.component
def MarketPage(start: Address, notice: str) -> None:
    """The page from an address on; everything the user does makes another address."""
    address, set_address = solara.use_state(start)
    error, set_error = solara.use_state(notice)
    shown, set_shown = solara.use_state(-1)  # -1: the quarter of the address, or where a page opens
    playing, set_playing = solara.use_state(False)
    speed, set_speed = solara.use_state(4)
    again, set_again = solara.use_state("")
    download, set_download = solara.use_state({})

    world, status = use_world(address.scenario, address.seed, address.set, address.forks)
    differs = bool(address.set or address.forks)
    base, _ = use_world(address.scenario, address.seed, (), ())
    fan, fan_note = use_fan(world)
    quarters = world.view["quarters"] if world else []
    opening = max(world.view["known"], 0) if world else 0
    at = position(quarters, address.quarter, opening) if shown < 0 else min(shown, max(len(quarters) - 1, 0))
    clock(playing, speed, at, len(quarters), set_shown, set_playing)
    current = address.changed(quarter=quarters[at]) if quarters else address
    told = solara.use_memo(lambda: story(world, address.deal), [world, address.deal])
    beside = solara.use_memo(
        lambda: overlay(base.view) | {"name": "without it"} if differs and base else None, [base, differs]
    )
    inputs = solara.use_memo(lambda: knobs(address), [address.changed(quarter="")])
    code = solara.use_memo(
        lambda: {"shell": command_line(address), "python": python_code(address)}, [address.changed(quarter="")]
    )

    def act(data: dict[str, Any]) -> None:
        set_error("")
        try:
            do(data)
        except (AddressError, ScenarioError) as mistake:
            set_error(" ".join(str(mistake).split()))

    def do(data: dict[str, Any]) -> None:
        kind, value = data["kind"], data.get("value")
        goal = moved(kind, value, at, len(quarters) - 1, opening)
        if goal is not None:
            set_shown(goal)
            set_playing(kind == "play")
        elif kind == "speed" and value in SPEEDS:
            set_speed(value)
        elif kind == "open":
            set_again("")
            set_address(current.changed(deal=str(value)))
        elif kind == "export" and world:
            name, media, content = export(world, str(value))
            set_download({"name": name, "type": media, "data": base64.b64encode(content).decode(), "at": time.time()})
        elif kind == "import":
            set_shown(-1)
            set_address(imported(str(value), address.seed))
        elif kind == "again" and world:
            set_again(bargained_again(world, address.deal, str(data.get("protocol"))))
        else:
            set_address(changed(current, data))

    ShellWidget.element(page="/", share=current.query(), look=styles())
    MarketWidget.element(
        world=world.view if world else None,
        fork=beside,
        fan=fan, fan_note=fan_note, quarter=at, playing=playing, speed=speed, status=status, error=error,
        share=current.query(), address=asdict(current) | {"set": list(current.set), "forks": list(current.forks)},
        scenarios=scenario_names(), controls=inputs, switches=switches(),
        opened=told | {"again": again}, code=code,
        exports=export_names(), download=download,
        on_act=act,
    )  # fmt: skip


def moved(kind: str, value: Any, at: int, last: int, opening: int) -> int | None:
    """The place to show after a button of the clock, or None for what is none; play at the end begins anew.

    >>> [moved(kind, None, 3, 5, 1) for kind in ("step", "back", "reset", "play", "open")]
    [4, 2, 1, 3, None]
    """
    goals = {"step": at + 1, "back": at - 1, "reset": opening, "pause": at, "play": at if at < last else opening}
    goal = value if kind == "jump" and isinstance(value, int) else goals.get(kind)
    return None if goal is None else max(0, min(goal, last))


def scenario_names() -> list[str]:
    """Names of the shipped scenarios."""
    return sorted(path.stem for path in SHIPPED_SCENARIOS.glob("*.toml"))


def position(quarters: list[str], quarter: str, opening: int) -> int:
    """Where a quarter stands; where a page opens (the last quarter with facts, or the first) if it is not there."""
    return quarters.index(quarter) if quarter in quarters else opening


def knobs(address: Address) -> list[dict[str, Any]]:
    """The inputs with their values under an address."""
    return [asdict(each) | {"choices": list(each.choices)} for each in controls(address.resolved())]


def changed(address: Address, data: dict[str, Any]) -> Address:
    """Another address after what the user did; raises AddressError or ScenarioError, one line, for a mistake."""
    kind, value = data["kind"], data.get("value")
    if kind == "scenario":
        found = Address(scenario=str(value), seed=address.seed)
    elif kind == "seed":
        found = address.changed(seed=Address.parse(f"seed={str(value).strip()}").seed, deal="")
    elif kind == "fork":
        since = address.quarter or address.resolved().time.start
        size = f"*{str(data['size']).strip()}" if str(data.get("size", "")).strip() else ""
        target = f":{data['target']}" if value == "lab_failure" and data.get("target") else ""
        found = address.changed(forks=(*address.forks, f"{value}@{since}{size}{target}"), deal="")
    elif kind == "unfork":
        found = address.changed(forks=_without(address.forks, value), deal="")
    elif kind == "set":
        path = str(data["path"])
        text = setting(address.resolved(), path, str(value))
        kept = tuple(each for each in address.set if not each.startswith(f"{path}="))
        own = setting(Scenario.load(address.scenario), path, str(value)) == text and _is_base(
            address.scenario, path, text
        )
        found = address.changed(set=kept if own else (*kept, text), deal="")
    elif kind == "unset":
        found = address.changed(set=_without(address.set, value), deal="")
    else:
        return address
    found.resolved()
    return found


def _is_base(scenario: str, path: str, text: str) -> bool:
    """Whether a setting is what the scenario has anyway."""
    value = next(each.value for each in controls(Scenario.load(scenario)) if each.path == path)
    return text == f"{path}={str(value).lower() if isinstance(value, bool) else value}"


def _without(entries: tuple[str, ...], number: Any) -> tuple[str, ...]:
    return tuple(entry for i, entry in enumerate(entries) if i != number)


def use_world(scenario: str, seed: int, settings: tuple[str, ...], forks: tuple[str, ...]) -> tuple[World | None, str]:
    """The recorded world of what an address names, and what to say until it is there; the last one stays meanwhile."""
    last, set_last = solara.use_state(None)
    key = (scenario, seed, settings, forks)

    def wait(cancel: threading.Event) -> World | str | None:
        address = Address(scenario=scenario, seed=seed, set=settings, forks=forks)
        try:
            return WORLDS.world(address.resolved(), seed, lambda: not cancel.is_set())
        except Exception as error:  # noqa: BLE001  (whatever a simulation raises is told in one line)
            return f"{type(error).__name__}: {' '.join(str(error).split())}"

    result: solara.Result[World | str | None] = solara.use_thread(wait, dependencies=[key], intrusive_cancel=False)
    found = result.value if result.state == solara.ResultState.FINISHED else None
    solara.use_effect(lambda: set_last(found) if isinstance(found, World) else None, [found])
    if isinstance(found, str):
        return last, f"The market could not be simulated. {found}"
    return found or last, "Simulating the market, quarter by quarter."


def use_fan(world: World | None) -> tuple[Any, str]:
    """The ensemble's fan once its runs are there, and until then how many are."""
    progress, set_progress = solara.use_state("")

    def wait(cancel: threading.Event) -> Any:
        if world is None:
            return None

        def told(done: int, total: int) -> bool:
            set_progress(f"{done} of {total} runs of the ensemble are there")
            return not cancel.is_set()

        return WORLDS.fan(world.recording.scenario, world.recording.seed, told)

    result: solara.Result[Any] = solara.use_thread(wait, dependencies=[world], intrusive_cancel=False)
    return (result.value if result.state == solara.ResultState.FINISHED else None), progress


def clock(playing: bool, speed: int, at: int, count: int, set_shown: Any, set_playing: Any) -> None:
    """While playing, the next quarter every 1 / speed seconds, to the last."""

    def run(cancel: threading.Event) -> None:
        place = at
        while playing and place < count - 1 and not cancel.wait(1.0 / speed):
            place += 1
            set_shown(place)
        if playing and place >= count - 1 > 0:
            set_playing(False)

    solara.use_thread(run, dependencies=[playing, speed, count], intrusive_cancel=False)
