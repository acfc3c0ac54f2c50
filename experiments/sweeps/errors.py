"""What a user can get wrong in a sweep."""

from __future__ import annotations


class SweepError(ValueError):
    """A request about a sweep that cannot be met; the message is one line for the user."""
