"""The networks; imports nothing else of this package."""
