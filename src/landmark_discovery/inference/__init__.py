"""The trained landmark detector on anybody's images."""
