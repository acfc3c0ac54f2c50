"""Estimated parameters: simulations from their priors, what the facts make of them, and the shipped result."""

from experiments.calibration.posterior import Posterior, shipped_posterior

__all__ = ["Posterior", "shipped_posterior"]
