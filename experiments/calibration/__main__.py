"""`python -m experiments.calibration DIR`: the shipped calibration, at its settings."""

import sys

from experiments.calibration.calibrate import calibrate

if __name__ == "__main__":
    sys.stdout.write(calibrate(sys.argv[1]).text() + "\n")
