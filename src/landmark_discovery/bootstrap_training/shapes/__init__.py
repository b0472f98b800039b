"""Simple shapes, drawn, whose corners and junctions are known exactly."""
