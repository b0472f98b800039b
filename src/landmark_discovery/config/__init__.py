"""The typed configuration: keys, recipes, loading, and the documents made from it."""
