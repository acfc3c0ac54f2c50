"""What all users of a server share: recorded worlds, which nobody changes."""

from visualization.web.worlds import Worlds

WORLDS = Worlds()
