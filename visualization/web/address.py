"""The state of a page as its address: what is simulated, and what is looked at. Opening it gives the same numbers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any
from urllib.parse import parse_qsl, quote

from market.calendar import quarter_index
from market.parameters import split_path
from market.scenario import SHIPPED_SCENARIOS, Scenario
from market.scenario_changes import parse_set
from market.scenario_errors import ScenarioError, did_you_mean
from market.toml_text import toml_value

LONGEST = 8_000  # characters of a query
MOST_SEED = 2**32
ENTERPRISES = 100_000  # the most that a page simulates
QUARTERS = 120  # the longest run of a page


class AddressError(ValueError):
    """An address that means nothing; the message is one line for the user."""


@dataclass(frozen=True, slots=True)
class Address:
    """A page's state: a shipped scenario, what differs from it (`path=value`, in order), seed, and what is looked at.

    `forks` are dated rules and shocks switched on while the market ran, `kind@since` with `*size` and `:target`.
    """

    scenario: str = "baseline"
    seed: int = 1
    set: tuple[str, ...] = ()
    forks: tuple[str, ...] = ()
    quarter: str = ""
    deal: str = ""
    other: str = ""
    runs: int = 8
    series: str = ""
    folder: str = ""
    outcome: str = ""

    def query(self) -> str:
        """The address as a query without the question mark; what is at its default is left out.

        >>> Address(scenario="tiny", set=("negotiation.provider_power=0.7",), quarter="2026Q1").query()
        'scenario=tiny&set=negotiation.provider_power%3D0.7&quarter=2026Q1'
        """
        parts = []
        for each in fields(self):
            value = getattr(self, each.name)
            if value != _default(each.name):
                listed = value if isinstance(value, tuple) else (value,)
                parts += [f"{each.name}={quote(str(item), safe='.,:@*')}" for item in listed]
        return "&".join(parts)

    @classmethod
    def parse(cls, query: str) -> Address:
        """The address of a query, checked so far that its scenario resolves; the inverse of `query`.

        Raises AddressError, one line, for an unknown key, a key given twice, or a value that cannot be used.
        """
        text = query.removeprefix("?")
        if len(text) > LONGEST:
            raise AddressError(f"the address has {len(text):,} characters; allowed: {LONGEST:,}")
        values: dict[str, Any] = {}
        known = [each.name for each in fields(cls)]
        for key, value in parse_qsl(text, keep_blank_values=True):
            if key not in known:
                raise AddressError(
                    f"{key!r} is no part of an address; allowed: {', '.join(known)}{did_you_mean(key, known)}"
                )
            if key in ("set", "forks"):
                values[key] = (*values.get(key, ()), value)
            elif key in values:
                raise AddressError(f"{key} is given twice")
            else:
                values[key] = _read(key, value)
        found = cls(**values)
        found.resolved()
        return found

    def resolved(self) -> Scenario:
        """The scenario that is simulated; raises AddressError, one line, if it cannot be."""
        return resolve(self.scenario, self.set, self.forks)

    def changed(self, **values: Any) -> Address:
        """A copy with other values."""
        return replace(self, **values)


def _default(name: str) -> Any:
    return Address.__dataclass_fields__[name].default


def _read(key: str, value: str) -> Any:
    if key in ("seed", "runs"):
        most = MOST_SEED if key == "seed" else 32
        if not (value.isascii() and value.isdigit() and int(value) <= most):
            raise AddressError(f"{key}: got {value!r}; allowed: a whole number up to {most:,}")
        return int(value)
    if key == "quarter" and value:
        try:
            quarter_index(value)
        except ValueError:
            raise AddressError(f"quarter: got {value!r}; allowed: such as 2027Q3") from None
    return value


def resolve(name: str, settings: tuple[str, ...], forks: tuple[str, ...] = ()) -> Scenario:
    """A shipped scenario with settings `path=value` and forks; raises AddressError in one line."""
    names = sorted(path.stem for path in SHIPPED_SCENARIOS.glob("*.toml"))
    if name not in names:
        raise AddressError(f"scenario: got {name!r}; allowed: {', '.join(names)}{did_you_mean(name, names)}")
    try:
        changed = Scenario.load(name).with_(dict(parse_set(text) for text in settings))
        for fork in forks:
            changed = forked(changed, fork)
    except ScenarioError as error:
        raise AddressError(" ".join(str(error).split())) from error
    quarters = quarter_index(changed.time.end) - quarter_index(changed.time.start) + 1
    if quarters > QUARTERS:
        raise AddressError(f"time.end: {quarters:,} quarters from time.start; allowed on a page: {QUARTERS}")
    if changed.enterprises.count > ENTERPRISES:
        raise AddressError(f"enterprises.count: got {changed.enterprises.count:,}; allowed on a page: {ENTERPRISES:,}")
    return changed


RULES = ("exclusivity_ban", "stake_cap", "egress_cap", "interoperability")
SHOCKS = (
    "demand_collapse", "accelerator_shortage", "power_limit", "interest_rate", "efficiency_jump", "investor_exit",
    "lab_failure",
)  # fmt: skip
SIZES = {
    "stake_cap": 0.15, "egress_cap": 0.0, "interoperability": 0.5, "demand_collapse": 0.5, "accelerator_shortage": 0.4,
    "power_limit": 0.4, "interest_rate": 0.01, "efficiency_jump": 3.0, "investor_exit": 0.2,
}  # fmt: skip


def forked(scenario: Scenario, text: str) -> Scenario:
    """A scenario with one more dated rule or shock, `kind@since`, `kind@since*size` or `lab_failure@since:lab`.

    Raises AddressError or ScenarioError in one line.

    >>> forked(Scenario.load("tiny"), "stake_cap@2026Q1*0.1").policy.rules[0].size
    0.1
    """
    kind, at, rest = text.partition("@")
    if kind not in (*RULES, *SHOCKS) or not at:
        kinds = (*RULES, *SHOCKS)
        raise AddressError(
            f"forks: got {text!r}; allowed: KIND@QUARTER, KIND one of {', '.join(kinds)}{did_you_mean(kind, kinds)}"
        )
    since, colon, target = rest.partition(":")
    since, star, size = since.partition("*")
    entry: dict[str, Any] = {"kind": kind, "since": since}
    if star:
        entry["size"] = _size(size, text)
    elif kind in SIZES:
        entry["size"] = SIZES[kind]
    if colon:
        entry["target"] = target
    if kind in RULES:
        return scenario.with_({"policy.rules": [*_plain(scenario.policy.rules), entry]})
    if kind == "lab_failure":
        entry["until"] = ""
    return scenario.with_({"shocks": [*_plain(scenario.shocks), entry]})


def _size(text: str, fork: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise AddressError(f"forks: got size {text!r} in {fork!r}; allowed: a number") from None


def _plain(entries: Any) -> list[Any]:
    return [entry.model_dump(mode="json") for entry in entries]


def command_line(address: Address) -> str:
    """What gives the page's numbers in a shell: the scenario file where dated entries are there, then the command."""
    base = f"cloudpact run {address.scenario} --seed {address.seed} --runs 1"
    if not address.forks:
        return base + "".join(f" --set '{text}'" for text in address.set)
    return f"{heredoc(address)}\ncloudpact run mine.toml --seed {address.seed} --runs 1"


def heredoc(address: Address) -> str:
    """Shell that writes the scenario file of an address."""
    return f"cat > mine.toml <<'END'\n{scenario_file(address)}END"


def scenario_file(address: Address) -> str:
    """What an address changes of its base, as a scenario file: settings as dotted keys, then dated entries."""
    scenario, base = address.resolved(), Scenario.load(address.scenario)
    lines = [f'base = "{address.scenario}"', f'name = "{address.scenario}-mine"']
    for path, value in map(parse_set, address.set):
        lines.append(f"{'.'.join(map(json.dumps, split_path(path)))} = {toml_value(value)}")
    lines.append("")
    parts: tuple[tuple[str, Any, int], ...] = (
        ("policy.rules", scenario.policy.rules, len(base.policy.rules)),
        ("shocks", scenario.shocks, len(base.shocks)),
    )
    for key, entries, known in parts:
        for entry in entries if len(entries) > known else ():
            shown = {name: value for name, value in entry.model_dump(mode="json").items() if value != ""}
            lines += [f"[[{key}]]", *(f"{name} = {toml_value(value)}" for name, value in shown.items()), ""]
    return "\n".join(lines)


def python_code(address: Address) -> str:
    """What gives the page's numbers in Python."""
    return (
        f"from cloudpact import Scenario, run\n\nscenario = {scenario_code(address)}\n"
        f"results = run(scenario, seed={address.seed})\n"
        f'print(results.market[["quarter", "alignment_hhi", "market_hhi"]].tail())\n'
    )


def scenario_code(address: Address) -> str:
    """The scenario of an address as a Python expression."""
    changes: dict[str, Any] = dict(parse_set(text) for text in address.set)
    scenario, base = address.resolved(), Scenario.load(address.scenario)
    if scenario.policy.rules != base.policy.rules:
        changes["policy.rules"] = _plain(scenario.policy.rules)
    if scenario.shocks != base.shocks:
        changes["shocks"] = _plain(scenario.shocks)
    return f'Scenario.load("{address.scenario}")' + (f".with_({_literal(changes)})" if changes else "")


def _literal(value: Mapping[str, Any]) -> str:
    return "{" + ", ".join(f'"{key}": {item!r}' for key, item in value.items()) + "}"
