"""cloudpact: an agent-based simulation of the market for equity-plus-compute deals.

The names below are found when they are first used, so that `cloudpact --help` and a plain
`import cloudpact` do not pay for pandas, Mesa and Numba.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cloudpact.model import CloudMarket
    from cloudpact.results import Results, load
    from experiments.explain import explain
    from experiments.renegotiate import renegotiate
    from experiments.running import run
    from market.scenario import Scenario
    from visualization import plot

__all__ = ["CloudMarket", "Results", "Scenario", "explain", "load", "plot", "renegotiate", "run"]

_HOMES = {
    "CloudMarket": "cloudpact.model",
    "Results": "cloudpact.results",
    "Scenario": "market.scenario",
    "explain": "experiments.explain",
    "load": "cloudpact.results",
    "plot": "visualization",
    "renegotiate": "experiments.renegotiate",
    "run": "experiments.running",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'cloudpact' has no attribute {name!r}")
    value = import_module("visualization.plot") if name == "plot" else getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
