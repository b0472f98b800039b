"""Measure how well discovered landmarks follow the object."""
