"""Estimated parameters: simulations from their priors, what the facts make of them, and the shipped result."""
