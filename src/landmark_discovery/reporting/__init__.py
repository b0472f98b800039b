"""Pictures, curves and tables for people."""
