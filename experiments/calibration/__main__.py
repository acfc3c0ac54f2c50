"""`python -m experiments.calibration DIR`: the shipped calibration, at its settings and from where it started."""

import sys
from pathlib import Path

from experiments.calibration.calibrate import calibrate
from market.scenario import Scenario

START = Path(__file__).with_name("start.toml")  # the baseline before it was calibrated

if __name__ == "__main__":
    sys.stdout.write(calibrate(sys.argv[1], Scenario.load(START)).text() + "\n")
