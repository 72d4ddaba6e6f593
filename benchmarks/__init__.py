"""Measures this program against named peers in the same run, in turn. `python -m benchmarks --list` names the rows."""
