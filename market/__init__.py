"""Institutions and mathematics of the market: no agents, no Mesa, no tables."""
