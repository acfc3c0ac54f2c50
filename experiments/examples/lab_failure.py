"""What breaks when a lab fails? A stress on one lab, followed over time.

    python experiments/examples/lab_failure.py       # 24 pairs of runs: about half a minute on two cores
    python experiments/examples/lab_failure.py 2     # two: seconds

The lab is made to fail in a given quarter; every world goes on with the luck it would have had anyway.
"""

import sys

import cloudpact

FAILURE = {"kind": "lab_failure", "since": "2028Q1", "target": "OpenAI"}


def main(runs: int = 24) -> None:
    """Compare the baseline with and without the failure, print the effects, draw one of them over time."""
    spared = cloudpact.Scenario.load("baseline")
    failed = spared.with_({"name": "OpenAI fails", "shocks": [FAILURE]})

    outcomes = ["utilisation_frac", "price_usd_bn_per_gw_quarter", "capacity_gw", "backlog_usd_bn", "alignment_hhi"]
    compared = cloudpact.compare(spared, failed, runs=runs, seed=1, jobs=2, outcomes=outcomes)
    print(compared.text())

    # The same effect quarter by quarter: how deep, and how long.
    figure = cloudpact.plot.effect_profile(compared, "utilisation_frac")
    print("Figure:", figure.save("results/lab-failure.png"))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
