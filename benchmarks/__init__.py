"""Measurements: how fast, against what, and by which command."""
