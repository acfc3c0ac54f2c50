"""Running many markets: ensembles, their folders and their summaries."""
