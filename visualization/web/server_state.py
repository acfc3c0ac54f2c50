"""What all users of a server share: recorded worlds, which nobody changes."""

import threading

from visualization.web.worlds import Worlds

WORLDS = Worlds()
BACKGROUND = threading.BoundedSemaphore(2)  # comparisons and sweeps that run at once, whoever asked for them
