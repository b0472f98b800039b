"""Augmentation, losses and the two training stages."""
