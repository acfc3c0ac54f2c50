"""What breaks when a lab fails? A stress on one lab, followed over time.

    python experiments/examples/lab_failure.py          # OpenAI in the baseline: about a minute on two cores
    python experiments/examples/lab_failure.py tiny     # a small market: seconds

The lab is made to fail in a given quarter; every world goes on with the luck it would have had anyway.
"""

import sys

import cloudpact

FAILURES = {"baseline": ("OpenAI", "2028Q1"), "tiny": ("", "")}


def main(scenario: str = "baseline") -> None:
    """Compare the scenario with and without the failure, print the effects, draw one of them over time."""
    spared = cloudpact.Scenario.load(scenario)
    lab, quarter = FAILURES[scenario]
    failed = spared.with_({"name": f"{lab} fails", "shocks": [{"kind": "lab_failure", "since": quarter, "target": lab}]})

    outcomes = ["utilisation_frac", "price_usd_bn_per_gw_quarter", "capacity_gw", "backlog_usd_bn", "alignment_hhi"]
    compared = cloudpact.compare(spared, failed, runs=24, seed=1, jobs=2, outcomes=outcomes)
    print(compared.text())

    # The same effect quarter by quarter: how deep, and how long.
    figure = cloudpact.plot.effect_profile(compared, "utilisation_frac")
    print("Figure:", figure.save(f"results/lab-failure-{scenario}.png"))


if __name__ == "__main__":
    main(*sys.argv[1:])
