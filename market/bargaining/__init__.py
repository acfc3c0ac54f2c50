"""Bargaining: the terms on the table, what they are worth to both sides, and which are signed."""
