"""Facebook: what its pages say, and where to ask."""
