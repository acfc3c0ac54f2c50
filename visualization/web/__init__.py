"""The Solara page: recorded worlds, the state of a page as an address, components, and the server around them."""
