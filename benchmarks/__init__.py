"""Ratios against named peers in the same run, medians of five: `make bench`. No timed test; these only print."""
