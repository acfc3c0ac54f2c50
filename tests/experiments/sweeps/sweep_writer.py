"""A process that writes a sweep: `python sweep_writer.py FOLDER ACTION`, so that tests can kill it."""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path

from experiments.sweeps.errors import SweepError
from experiments.sweeps.store import StoreError, SweepStore
from tests.experiments.sweeps.fake_sweeps import function_plan, parts_of

POINTS = 40


def main(folder: Path, action: str) -> int:
    """Commit the parts of a sweep; hold: open and wait; loop: slowly and finish; limited: with files kept small."""
    plan = function_plan(POINTS, 2)
    parts = list(parts_of(plan, size=1)) if action == "limited" else parts_of(plan, size=1)
    try:
        if action == "limited":
            resource.setrlimit(resource.RLIMIT_FSIZE, (2600, 2600))
        with SweepStore.open(folder, plan) as store:
            print("open", flush=True)  # noqa: T201 -- what the test waits for
            time.sleep(60 if action == "hold" else 0)
            for part in parts:
                store.commit(part)
                time.sleep(0.001)
            store.finish()
    except (SweepError, StoreError) as error:
        print(error, flush=True)  # noqa: T201 -- what the test reads
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
