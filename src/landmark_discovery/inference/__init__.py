"""The trained landmark detector on a prepared data set, and on anybody's images."""
