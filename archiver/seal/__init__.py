"""Sealing: from a closed capture to a leaf under a signed checkpoint, and recovery of what was interrupted."""
