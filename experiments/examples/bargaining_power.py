"""Does the providers' bargaining power concentrate where AI is hosted?

    python experiments/examples/bargaining_power.py       # twelve replicates: about a minute on two cores
    python experiments/examples/bargaining_power.py 2     # two: seconds

Nine levels of the providers' weight in every negotiation, each with the same draws of luck, so that the levels
differ by the weight alone. The folder can be interrupted: the same command goes on from there.
"""

import sys

import cloudpact


def main(replicates: int = 12) -> None:
    """Sweep, print concentration by bargaining power, draw the figure."""
    swept = cloudpact.sweep(
        "baseline",
        vary={"negotiation.provider_power": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]},
        replicates=replicates,
        seed=1,
        out=f"results/bargaining-power-{replicates}",
    )

    # One row a level, one column a replicate: concentration of the labs' compute at the end.
    concentration = swept.by_point("alignment_hhi")
    # The part of deals' surplus that goes to providers shows first in prices and equity, not in who hosts whom.
    equity = swept.by_point("sum(equity_usd_bn@last4)")
    powers = swept.parameters["negotiation.provider_power"]
    for power, (_, here), (_, invested) in zip(powers, concentration.iterrows(), equity.iterrows(), strict=True):
        print(f"power {power:.1f}: HHI {here.mean():6.0f} (s.d. {here.std():4.0f}), equity {invested.mean():6.1f} bn")

    figure = cloudpact.plot.scatter(swept, "negotiation.provider_power", "alignment_hhi")
    print("Figure:", figure.save("results/bargaining-power.png"))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
