"""What would interoperability do? A policy, with its interval.

    python experiments/examples/policy.py       # 24 pairs of runs: about half a minute on two cores
    python experiments/examples/policy.py 2     # two: seconds

Both worlds get the same luck, replicate by replicate. What remains is the effect of the rule, and the variance ratio
says how many runs that saves against two unpaired ensembles.
"""

import sys

import cloudpact


def main(runs: int = 24) -> None:
    """Compare the baseline with and without the rule, print the effects, draw them over time."""
    baseline = cloudpact.Scenario.load("baseline")
    # From 2027 it costs enterprises half as much to change their model vendor.
    rule = {"kind": "interoperability", "since": "2027Q1", "size": 0.5}
    open_world = baseline.with_({"name": "interoperability", "policy.rules": [rule]})

    outcomes = [
        "alignment_hhi",
        "market_hhi",
        "mhhi_delta",
        "price_usd_bn_per_gw_quarter",
        "lab_revenue_annualised_usd_bn",
        "mean(model_switching_frac@2027Q1..2030Q4)",
        "sum(equity_usd_bn@2027Q1..2030Q4)",
    ]
    compared = cloudpact.compare(baseline, open_world, runs=runs, seed=1, outcomes=outcomes, jobs=2)
    print(compared.text())

    figure = cloudpact.plot.effects(compared)
    print("Figure:", figure.save("results/policy.png"))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
