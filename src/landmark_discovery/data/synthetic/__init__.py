"""Faces drawn from a 3-D model, with their true points."""
