"""Measured figures held against the published ones: what is published, what was measured, and the verdict."""
