"""Walls and wordings that no platform owns: what stands in the place of a page on any site."""
