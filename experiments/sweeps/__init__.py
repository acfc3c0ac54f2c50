"""Sweeps: many runs over a design, on any engine, into a folder that survives whatever happens."""
