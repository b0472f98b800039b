"""Faces drawn from a 3-D model: data with exact landmarks, and nothing to download."""
