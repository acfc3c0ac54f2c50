"""How a sweep or a comparison is done again: a design file, the commands and the same in Python."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from experiments.sweeping import TABLES
from market.scenario_checks import INTERVENTION_TERMS
from market.toml_text import toml_value

if TYPE_CHECKING:
    from experiments.comparison import Comparison
    from experiments.sweeps.designs import Design
    from experiments.sweeps.factors import Factor
    from experiments.sweeps.results import Sweep
    from market.scenario import Intervention

MOST_POINTS = 100
"""So many points that were given one by one are written out; more are taken from the folder, in Python."""

_WORLDS = ["compare", "a/scenario.toml", "b/scenario.toml"]
_STORED_DESIGN = 'design=cloudpact.load(".").design'


def sweep_commands(sweep: Sweep) -> list[str]:
    """Commands that repeat a sweep in its folder; none for a function or a long list of points: those need Python."""
    design = sweep.design
    if not sweep.manifest["scenarios"] or (not design.factors and len(design.points) > MOST_POINTS):
        return []
    given = " ".join(str(sweep.manifest.get("command") or "").split())
    return [
        *([f"# it was made by: {given}"] if given else []),
        "cat > design.toml <<'END'",
        design_text(sweep).rstrip(),
        "END",
        "cloudpact sweep design.toml --out again",
        "cloudpact report again",
    ]


def design_text(sweep: Sweep) -> str:
    """The design file of a sweep, for its folder."""
    files = list(sweep.manifest["scenarios"].values())
    lines: list[tuple[str, Any]] = [
        ("scenario", files[0] if len(files) == 1 else files),
        ("seed", sweep.seed),
        ("replicates", sweep.replicates),
    ]
    if tuple(sweep.manifest["tables"]) != TABLES:
        lines.append(("tables", sweep.manifest["tables"]))
    design = sweep.design
    if not design.factors:
        points = [[(toml_value(path), value) for path, value in point.items()] for point in design.points]
        return _toml(lines) + "".join(f"\n[[points]]\n{_toml(point)}" for point in points)
    options = [(name, value) for name, value in design.settings.items() if value is not None]
    vary = [(toml_value(factor.path), _factor(factor)) for factor in design.factors]
    return _toml([*lines, ("design", design.method), *options]) + "\n[vary]\n" + _toml(vary)


def sweep_script(sweep: Sweep) -> str:
    """The call in Python that repeats a sweep in its folder."""
    files = list(sweep.manifest["scenarios"].values())
    module, _, name = str(sweep.manifest["identity"].get("function", "")).partition("@")[0].partition(":")
    base = repr(files[0] if len(files) == 1 else files) if files else name
    arguments = [base, *_design_arguments(sweep.design), f"replicates={sweep.replicates}", f"seed={sweep.seed}"]
    if files and tuple(sweep.manifest["tables"]) != TABLES:
        arguments.append(f"tables={sweep.manifest['tables']!r}")
    arguments.append('out="again"')
    imported = "" if files else f"from {module} import {name}\n"
    body = ",\n    ".join(arguments)
    return f"import cloudpact\n{imported}\nfound = cloudpact.sweep(\n    {body},\n)"


def comparison_commands(comparison: Comparison) -> list[str]:
    """Commands that repeat a comparison in its folder."""
    options = [*_counterfactual_options(comparison), "--runs", str(comparison.runs)]
    options += ["--seed", str(comparison.seed)] if comparison.seed is not None else []
    worlds = ["counterfactual", "a/scenario.toml"] if _parting(comparison) else _WORLDS
    return [shlex.join(["cloudpact", *worlds, *options, "--out", "again"]), "cloudpact report again"]


def comparison_script(comparison: Comparison) -> str:
    """The call in Python that repeats a comparison in its folder."""
    entries = _parting(comparison)
    removed = [entry.deal for entry in entries if entry.kind == "remove"]
    terms = {entry.deal: _terms(entry) for entry in entries if entry.kind == "change"}
    arguments = ['"a/scenario.toml"'] if entries else ['"a/scenario.toml"', '"b/scenario.toml"']
    arguments += [f"without={removed!r}"] if removed else []
    arguments += [f"with_={terms!r}"] if terms else []
    arguments += [f"bar_quarters={bar}" for bar in [_bar(entries)] if bar]
    arguments.append(f"runs={comparison.runs}")
    arguments += [f"seed={comparison.seed}"] if comparison.seed is not None else []
    body = ",\n    ".join([*arguments, 'out="again"'])
    return f"import cloudpact\n\nfound = cloudpact.{'counterfactual' if entries else 'compare'}(\n    {body},\n)"


def _parting(comparison: Comparison) -> tuple[Intervention, ...]:
    """What was done to the second world's deals, if that is all in which the worlds differ."""
    if comparison.scenarios is None:
        return ()
    first, second = comparison.scenarios
    there, found = first.interventions, second.interventions
    if found[: len(there)] != there or first.with_({"interventions": found}) != second:
        return ()
    return found[len(there) :]


def _counterfactual_options(comparison: Comparison) -> list[str]:
    options: list[str] = []
    entries = _parting(comparison)
    for entry in entries:
        terms = ",".join(f"{name}={value}" for name, value in _terms(entry).items())
        options += ["--without", entry.deal] if entry.kind == "remove" else ["--with", f"{entry.deal}:{terms}"]
    return options + (["--bar", str(_bar(entries))] if _bar(entries) else [])


def _terms(entry: Intervention) -> dict[str, Any]:
    given = entry.model_dump(mode="json", exclude_none=True)
    return {name: value for name, value in given.items() if name in INTERVENTION_TERMS}


def _bar(entries: Sequence[Intervention]) -> int:
    return max((entry.bar_quarters for entry in entries), default=0)


def _toml(lines: list[tuple[str, Any]]) -> str:
    return "".join(f"{name} = {toml_value(value)}\n" for name, value in lines)


def _factor(factor: Factor) -> Any:
    return list(factor.choices) if factor.choices else {"low": factor.low, "high": factor.high}


def _design_arguments(design: Design) -> list[str]:
    if not design.factors:
        return [_STORED_DESIGN]
    entries = [
        f"        {factor.path!r}: {list(factor.choices) if factor.choices else factor.interval!r},\n"
        for factor in design.factors
    ]
    options = [f"{name}={value!r}" for name, value in design.settings.items() if value is not None]
    return [f"vary={{\n{''.join(entries)}    }}", f"design={design.method!r}", *options]
