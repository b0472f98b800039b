"""Peaks and descriptors in network maps, and targets drawn into them."""
