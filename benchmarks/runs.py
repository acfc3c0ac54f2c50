"""Whole runs, start-up and ensembles: `python -m benchmarks.runs`.

The baseline over 60 quarters, after one run as a warm-up: imports are not counted. CPU seconds are those of this
process, so that a shared machine blurs them less; ensembles are timed by the clock, the fastest of three in turn.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from statistics import median

from cloudpact.model import CloudMarket
from experiments.ensemble import THREAD_LIMITS, run_ensemble
from market.scenario import Scenario

END = "2033Q4"
REPEATS = {1_000: 3, 100_000: 3, 1_000_000: 1}
RUNS, WORKERS = 24, 2
ONE_THREAD = os.environ | dict.fromkeys(THREAD_LIMITS, "1")
BARE_WORKER = f"""
import sys
from experiments.running import run
for replicate in range(int(sys.argv[1]), {RUNS}, {WORKERS}):
    run("baseline", seed=7, replicate=replicate, until="{END}")
"""


def baseline(count: int) -> Scenario:
    return Scenario.load("baseline").with_({"time.end": END, "enterprises.count": count})


def run_seconds(count: int) -> tuple[float, float]:
    """CPU seconds of building one market and of running it to its end."""
    scenario, start = baseline(count), time.process_time()
    market = CloudMarket(scenario, rng=7)
    built = time.process_time()
    while market.running:
        market.step()
    return built - start, time.process_time() - built


def peak_mib() -> float:
    """Most memory this process has held so far: larger runs come later."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0


def command_seconds(*arguments: str) -> float:
    """CPU seconds, user and system, of one command line."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "cloudpact.cli", *arguments], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def ensemble_seconds() -> float:
    start = time.perf_counter()
    for _ in run_ensemble(Scenario.load("baseline").with_({"time.end": END}), 7, range(RUNS), jobs=WORKERS):
        pass
    return time.perf_counter() - start


def bare_workers_seconds() -> float:
    """The same runs on processes that know nothing of each other and hand nothing back."""
    start = time.perf_counter()
    command = [sys.executable, "-c", BARE_WORKER]
    workers = [subprocess.Popen([*command, str(first)], env=ONE_THREAD) for first in range(WORKERS)]
    if any(worker.wait() for worker in workers):
        raise RuntimeError("a bare worker failed")
    return time.perf_counter() - start


def main() -> None:
    run_seconds(1_000)
    print(f"| {baseline(1).time.start} to {END}, enterprises | build, s | run, s | peak memory, MiB |")
    print("|---|---|---|---|")
    for count, repeats in REPEATS.items():
        builds, runs = zip(*(run_seconds(count) for _ in range(repeats)), strict=True)
        print(f"| {count:,} | {median(builds):.2f} | {median(runs):.2f} | {peak_mib():.0f} |", flush=True)
    print(f"\n`cloudpact --help`: {median(command_seconds('--help') for _ in range(3)):.2f} s of CPU")
    pairs = [(bare_workers_seconds(), ensemble_seconds()) for _ in range(3)]
    bare, ensemble = (min(seconds) for seconds in zip(*pairs, strict=True))
    print(f"{RUNS} runs on {WORKERS} workers: bare {bare:.1f} s, ensemble {ensemble:.1f} s, {bare / ensemble:.0%}")


if __name__ == "__main__":
    main()
