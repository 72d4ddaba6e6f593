"""YouTube: what its answers say, and where to ask."""
