"""From images on disk to one prepared store."""
