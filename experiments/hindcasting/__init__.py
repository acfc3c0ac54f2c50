"""Forecasts from past origins, scored against what then happened and beside simple benchmarks."""
