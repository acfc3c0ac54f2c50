"""cloudpact: an agent-based simulation of the market for equity-plus-compute deals.

The names below are found when they are first used, so that `cloudpact --help` and a plain
`import cloudpact` do not pay for pandas, Mesa and Numba.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cloudpact.model import CloudMarket
    from cloudpact.results import Results
    from experiments.adapters import ema_model, salib_problem
    from experiments.attribution import attribution
    from experiments.calibration.calibrate import calibrate
    from experiments.comparison import compare
    from experiments.counterfactual import counterfactual
    from experiments.discovery import discover
    from experiments.explain import explain
    from experiments.forecasting import forecast
    from experiments.hindcast import hindcast
    from experiments.loading import load
    from experiments.renegotiate import renegotiate
    from experiments.running import run
    from experiments.sensitivity import sensitivity
    from experiments.sweeping import sweep
    from experiments.sweeps.results import Sweep
    from market.scenario import Scenario
    from visualization import plot

__all__ = [
    "CloudMarket",
    "Results",
    "Scenario",
    "Sweep",
    "attribution",
    "calibrate",
    "compare",
    "counterfactual",
    "discover",
    "ema_model",
    "explain",
    "forecast",
    "hindcast",
    "load",
    "plot",
    "renegotiate",
    "run",
    "salib_problem",
    "sensitivity",
    "sweep",
]

_HOMES = {
    "CloudMarket": "cloudpact.model",
    "Results": "cloudpact.results",
    "Scenario": "market.scenario",
    "Sweep": "experiments.sweeps.results",
    "attribution": "experiments.attribution",
    "calibrate": "experiments.calibration.calibrate",
    "compare": "experiments.comparison",
    "counterfactual": "experiments.counterfactual",
    "discover": "experiments.discovery",
    "ema_model": "experiments.adapters",
    "explain": "experiments.explain",
    "forecast": "experiments.forecasting",
    "hindcast": "experiments.hindcast",
    "load": "experiments.loading",
    "plot": "visualization",
    "renegotiate": "experiments.renegotiate",
    "run": "experiments.running",
    "salib_problem": "experiments.adapters",
    "sensitivity": "experiments.sensitivity",
    "sweep": "experiments.sweeping",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'cloudpact' has no attribute {name!r}")
    value = import_module("visualization.plot") if name == "plot" else getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
