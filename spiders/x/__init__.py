"""X (Twitter): what its answers say, and where to ask."""
