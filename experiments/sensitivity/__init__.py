"""Sensitivity: which factors of a sweep an outcome hangs on, by Morris, Sobol or PAWN."""

from experiments.sensitivity.analysis import Sensitivity, sensitivity

__all__ = ["Sensitivity", "sensitivity"]
