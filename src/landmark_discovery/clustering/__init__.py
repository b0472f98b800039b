"""Clusters of descriptors and the pseudo-ground-truth made from them."""
