"""Sweeps: `python -m benchmarks.sweeps [RUNS]`.

A sweep of the scenario `tiny` with two workers, from starting the command to the whole folder, against two bare
processes that call `run` as often and keep nothing: the clock, in turn, the better of two.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.runs import ONE_THREAD

WORKERS = 2
BARE = """
import sys
from experiments.running import run
for replicate in range(int(sys.argv[1]), int(sys.argv[2]), 2):
    run("tiny", seed=7, replicate=replicate)
"""
SWEEP = """
import sys
from cloudpact import sweep
if __name__ == "__main__":
    sweep("tiny", vary={"enterprises.count": [50]}, replicates=int(sys.argv[1]), seed=7, jobs=2, out=sys.argv[2])
"""


def bare_seconds(runs: int) -> float:
    """Seconds of two processes that share the runs."""
    start = time.perf_counter()
    commands = [[sys.executable, "-c", BARE, str(first), str(runs)] for first in range(WORKERS)]
    for process in [subprocess.Popen(command, env=ONE_THREAD) for command in commands]:
        assert process.wait() == 0
    return time.perf_counter() - start


def sweep_seconds(runs: int, folder: Path) -> float:
    """Seconds of a sweep of as many runs, with its folder."""
    script = folder / "script.py"
    script.write_text(SWEEP)
    out = folder / f"swept-{time.monotonic_ns()}"
    start = time.perf_counter()
    subprocess.run([sys.executable, str(script), str(runs), str(out)], check=True)
    return time.perf_counter() - start


def main(runs: int) -> None:
    """Print the comparison."""
    folder = Path(tempfile.mkdtemp())
    try:
        pairs = [(bare_seconds(runs), sweep_seconds(runs, folder)) for _ in range(2)]
    finally:
        shutil.rmtree(folder)
    bare, swept = (min(column) for column in zip(*pairs, strict=True))
    print(f"{runs} runs: two bare processes {bare:.1f} s, sweep {swept:.1f} s, efficiency {bare / swept:.3f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
