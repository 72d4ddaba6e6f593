"""Miniature platforms on loopback under real host names, speaking the formats of the recordings. Used by the demo and by the tests."""
