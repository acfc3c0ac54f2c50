"""The ten phases of a quarter, one module each, in the order in which `CloudMarket.step` calls them."""
