"""What each party wants, decides and does: hyperscalers, AI labs, enterprises."""
