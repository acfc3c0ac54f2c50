"""Functions that sweeps in tests run in place of the market; importable by worker processes."""

from __future__ import annotations

import hashlib
import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def noisy(values: Mapping[str, Any], seed: int, replicate: int) -> dict[str, float]:
    """A number that depends on everything it is given, and takes a moment."""
    time.sleep(values.get("sleep", 0.0))
    digest = hashlib.sha256(f"{seed} {replicate} {values['x']!r}".encode()).digest()
    return {"luck": int.from_bytes(digest[:6], "big") / 2**48, "x": float(values["x"])}


def troubled(values: Mapping[str, Any], seed: int, replicate: int) -> dict[str, float]:
    """Raises, or ends its process always or only the first time, as `trouble` says."""
    trouble = values["trouble"]
    if trouble == "raises" and replicate == 1:
        raise ValueError("a made-up failure")
    if trouble == "kills":
        os.kill(os.getpid(), signal.SIGKILL)
    if trouble.startswith("kills once"):
        seen = Path(trouble.partition(":")[2]) / f"seen-{replicate}"
        if not seen.exists():
            seen.touch()
            os.kill(os.getpid(), signal.SIGKILL)
    return noisy({"x": 1.0}, seed, replicate)
