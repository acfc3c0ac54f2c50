"""Figures and pages drawn from result tables; never from agents."""
