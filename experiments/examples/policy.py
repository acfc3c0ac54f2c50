"""What would a cap on stakes do? A policy, with its interval.

    python experiments/examples/policy.py          # the baseline: about a minute on two cores
    python experiments/examples/policy.py tiny     # a small market: seconds

Both worlds get the same luck, replicate by replicate. What remains is the effect of the rule, and the variance ratio
says how many runs that saves against two unpaired ensembles.
"""

import sys

import cloudpact


def main(scenario: str = "baseline") -> None:
    """Compare the scenario with and without the rule, print the effects, draw them over time."""
    without = cloudpact.Scenario.load(scenario)
    rule = {"kind": "stake_cap", "since": without.time.start, "size": 0.05}
    if scenario == "baseline":
        rule["since"] = "2027Q1"
    capped = without.with_({"name": "stake cap 5 %", "policy.rules": [rule]})

    compared = cloudpact.compare(without, capped, runs=24, seed=1, jobs=2)
    print(compared.text())

    figure = cloudpact.plot.effects(compared)
    print("Figure:", figure.save(f"results/policy-{scenario}.png"))


if __name__ == "__main__":
    main(*sys.argv[1:])
