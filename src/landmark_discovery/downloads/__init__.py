"""The files that others publish: where they are, fetching them, and knowing them again."""
