"""What all tests share: how property tests look for counterexamples."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# Machines differ in speed, so no deadline. Under CI the examples are the same on every run: a failure there is the
# change's doing, and new counterexamples are looked for at the desk.
settings.register_profile("desk", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", parent=settings.get_profile("desk"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "desk")
