"""Discover object landmarks in images without any annotation."""

__version__ = "0.1.0"
