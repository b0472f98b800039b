"""Training of SuperPoint-compatible weights from free material."""
